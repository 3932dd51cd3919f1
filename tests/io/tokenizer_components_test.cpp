// SPDX-License-Identifier: MIT
// Components of tokenizer.json put together at random give the ids, offsets and texts that Hugging Face tokenizers
// gives: the golden file of tests/oracle/tokenizer_components.py.
#include <lagom/io/describe.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/stride.hpp"

namespace {

namespace io = lagom::io;
using io::json;
using lagom::token_id;
using ids_t = std::vector<token_id>;

struct fnv1a {
  std::uint64_t state = 0xCBF29CE484222325u;
  void byte(unsigned b) { state = (state ^ b) * 0x100000001B3u; }
  void number(std::size_t n) {
    for (unsigned i = 0; i < 4; ++i) byte((n >> (8 * i)) & 0xFF);
  }
  void text(std::string_view t) {
    for (const char c : t) byte(static_cast<unsigned char>(c));
  }
  [[nodiscard]] std::string hex() const {
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(state));
    return out;
  }
};

json load(const std::string& name) {
  auto document = io::load_json(std::string(LAGOM_GOLDEN "/tokenizers/") + name);
  REQUIRE(document);
  return std::move(*document);
}

}  // namespace

TEST_CASE("components in any combination do what the reference does", "[io][tokenizer]") {
  const json golden = load("components.json");
  std::vector<std::string> texts;
  for (const json& t : load("texts.json")) texts.push_back(t);
  for (const json& t : golden["texts"]) texts.push_back(t);
  REQUIRE(golden["cases"].size() >= 200);
  std::size_t at = 0;
  for (const json& row : golden["cases"]) {
    if (at++ % lagom_test::stride != 0) continue;
    json document = {{"added_tokens", json::array()}, {"model", golden["models"][row[0].get<std::size_t>()]}};
    std::size_t part = 1;
    for (const char* const key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
      document[key] = row[part++];
    }
    INFO(row.dump());
    auto tokenizer = io::hf_tokenizer::parse(document.dump());
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    fnv1a tokens, whole, decoded;
    io::tokenizer_scratch scratch;
    for (const std::string& text : texts) {
      ids_t ids, kept;
      tokens.byte('\n');
      tokenizer->encode_with_offsets(text, [&](const io::token_span& t) {
        ids.push_back(t.token);
        tokens.number(static_cast<std::size_t>(t.token));
        tokens.number(t.char_begin);
        tokens.number(t.char_end);
      });
      tokenizer->encode(text, scratch, [&](token_id t) { kept.push_back(t); });
      REQUIRE(kept == ids);
      whole.byte('\n');
      for (const token_id t : tokenizer->encode(text, true)) whole.number(static_cast<std::size_t>(t));
      decoded.byte('\n');
      decoded.text(tokenizer->decode(ids, false));
    }
    CHECK(tokens.hex() == row[5].get<std::string>());
    CHECK(whole.hex() == row[6].get<std::string>());
    CHECK(decoded.hex() == row[7].get<std::string>());
  }
}

TEST_CASE("places in the stream are those of the parts", "[io][tokenizer]") {
  for (const char* const name : {"gpt2", "bert", "llama3", "falcon"}) {
    INFO(name);
    auto tokenizer = io::hf_tokenizer::open(std::string(LAGOM_GOLDEN "/tokenizers/") + name + ".json");
    REQUIRE(tokenizer);
    for (const std::string text :
         {"The time, it's because", " the \xC3\xA9t\xC3\xA9 of \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", ""}) {
      std::string stream;
      tokenizer->pre_tokenize(text, [&](const lagom::vocab::pre_token& p) { stream += p.text; });
      std::size_t at = 0;
      tokenizer->encode_with_offsets(text, [&](const io::token_span& t) {
        CHECK(t.begin == at);
        at = t.end;
        if (tokenizer->is_byte_level())
          CHECK(stream.substr(t.begin, t.end - t.begin) == tokenizer->bytes_of(t.token));
        CHECK(t.char_begin <= t.char_end);
      });
      CHECK(at == stream.size());
    }
  }
}

TEST_CASE("an ill-formed sequence is a character of the offsets", "[io][tokenizer]") {
  auto tokenizer = io::hf_tokenizer::open(LAGOM_GOLDEN "/tokenizers/gpt2.json");
  REQUIRE(tokenizer);
  std::vector<std::size_t> begins, ends;
  ids_t ids, plain;
  const std::string text = "x\xE4\xB8y\xFF z";
  tokenizer->encode_with_offsets(text, [&](const io::token_span& t) {
    ids.push_back(t.token);
    begins.push_back(t.char_begin);
    ends.push_back(t.char_end);
  });
  tokenizer->encode(text, [&](token_id t) { plain.push_back(t); });
  CHECK(ids == plain);
  CHECK(begins == std::vector<std::size_t>{0, 1, 1, 2, 3, 4, 5});
  CHECK(ends == std::vector<std::size_t>{1, 2, 2, 3, 4, 5, 6});
}
