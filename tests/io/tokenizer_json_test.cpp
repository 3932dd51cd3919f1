// SPDX-License-Identifier: MIT
// Identity with Hugging Face tokenizers on the golden files of tests/oracle/tokenizer_json.py.
#include <lagom/io/describe.hpp>
#include <lagom/io/gpt2_files.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/stride.hpp"

namespace {

namespace io = lagom::io;
using lagom::token_id;
using ids_t = std::vector<token_id>;

const std::string golden = LAGOM_GOLDEN "/tokenizers/";

io::json load(const std::string& path) {
  auto document = io::load_json(path);
  REQUIRE(document);
  return std::move(*document);
}

std::uint64_t fnv1a(std::string_view bytes, std::uint64_t state = 0xCBF29CE484222325u) {
  for (const char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return state;
}

std::uint64_t fnv1a(std::uint32_t number, std::uint64_t state) {
  for (int i = 0; i < 4; ++i) state = (state ^ ((number >> (8 * i)) & 0xFF)) * 0x100000001B3u;
  return state;
}

std::string hex(std::uint64_t n) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(n));
  return out;
}

}  // namespace

static_assert(lagom::tokenizer<lagom::io::hf_tokenizer>);

TEST_CASE("every family of tokenizer.json encodes and decodes as the reference does", "[io][tokenizer]") {
  const io::json texts = load(golden + "texts.json");
  const io::json expected = load(golden + "expected.json");
  REQUIRE(expected.size() >= 20);
  for (const auto& [family, answers] : expected.items()) {
    INFO(family);
    auto tokenizer = io::hf_tokenizer::open(golden + family + ".json");
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    const io::json& rows = answers["texts"];
    REQUIRE(rows.size() == texts.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto text = texts[i].get<std::string>();
      const auto plain = rows[i][0].get<ids_t>();
      const auto whole = rows[i][1].is_array() ? rows[i][1].get<ids_t>() : plain;
      const auto keep = rows[i][2].is_string() ? rows[i][2].get<std::string>() : text;
      const auto skip = rows[i][3].is_string() ? rows[i][3].get<std::string>() : keep;
      INFO("text " << i << ": " << text);
      CHECK(tokenizer->encode(text, false) == plain);
      CHECK(tokenizer->encode(text, true) == whole);
      CHECK(tokenizer->decode(whole, false) == keep);
      CHECK(tokenizer->decode(whole, true) == skip);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto text = texts[i].get<std::string>();
      INFO("offsets of text " << i << ": " << text);
      ids_t ids;
      std::uint64_t state = fnv1a("");
      tokenizer->encode_with_offsets(text, [&](const io::token_span& t) {
        ids.push_back(t.token);
        for (const std::size_t n : {static_cast<std::size_t>(t.token), t.char_begin, t.char_end}) {
          state = fnv1a(static_cast<std::uint32_t>(n), state);
        }
        CHECK(t.begin <= t.end);
      });
      CHECK(ids == tokenizer->encode(text, false));
      CHECK(hex(state).substr(8) == answers["offsets"][i].get<std::string>());
    }
    for (const io::json& row : answers["decode"]) {
      const auto ids = row[0].get<ids_t>();
      const auto keep = row[1].get<std::string>();
      CHECK(tokenizer->decode(ids, false) == keep);
      CHECK(tokenizer->decode(ids, true) == (row[2].is_string() ? row[2].get<std::string>() : keep));
    }
  }
}

TEST_CASE("tokens of a byte-level tokenizer join to the bytes of the text", "[io][tokenizer]") {
  const io::json texts = load(golden + "texts.json");
  for (const char* const family :
       {"gpt2", "llama3", "gpt4", "o200k", "kimi", "falcon", "letters", "deepseek3"}) {
    INFO(family);
    auto tokenizer = io::hf_tokenizer::open(golden + family + ".json");
    REQUIRE(tokenizer);
    CHECK(tokenizer->is_byte_level());
    const bool drops = std::string_view(family) == "letters";  // Whitespace in its pre-tokenizer removes
    std::vector<std::string> inputs;
    for (const io::json& text : texts) inputs.push_back(text.get<std::string>());
    std::string every_byte;
    for (int b = 0; b < 256; ++b) every_byte.push_back(static_cast<char>(static_cast<unsigned char>(b)));
    inputs.push_back(every_byte);
    inputs.push_back("ok \xC3( \xE4\xB8 \xF0\x9F\x98 \xED\xA0\x80 \xFF\xFE\xC0\xAF end\xE4\xB8");
    inputs.push_back("\x80\x80'll\xBF 12\x99\x99 <|endoftext|>\xF0");
    for (const std::string& text : inputs) {
      std::string joined;
      tokenizer->encode(text, [&](token_id t) {
        REQUIRE(tokenizer->is_token(t));
        joined += tokenizer->bytes_of(t);
      });
      if (!drops) CHECK(joined == text);
    }
  }
}

TEST_CASE("ill-formed UTF-8 encodes as its replacement where bytes cannot be kept", "[io][tokenizer]") {
  const std::string ill = "a\xC3 \xE4\xB8z\xFF", replaced = "a\xEF\xBF\xBD \xEF\xBF\xBDz\xEF\xBF\xBD";
  for (const char* const family : {"llama2", "qwen2", "flags", "metaspace", "prefix", "gemma"}) {
    INFO(family);
    auto tokenizer = io::hf_tokenizer::open(golden + family + ".json");
    REQUIRE(tokenizer);
    CHECK(tokenizer->encode(ill, false) == tokenizer->encode(replaced, false));
  }
}

TEST_CASE("a token's bytes are what it stands for", "[io][tokenizer]") {
  auto llama = io::hf_tokenizer::open(golden + "llama2.json");
  REQUIRE(llama);
  CHECK_FALSE(llama->is_byte_level());
  CHECK(llama->bytes_of(*llama->token_of("<0x0A>")) == "\n");
  CHECK(llama->bytes_of(*llama->token_of("\xE2\x96\x81")) == " ");
  CHECK(llama->bytes_of(*llama->token_of("<s>")) == "<s>");
  CHECK(llama->content_of(*llama->token_of("<0x0A>")) == "<0x0A>");
  CHECK(llama->is_special(*llama->token_of("<s>")));
  CHECK_FALSE(llama->is_added(*llama->token_of("<0x0A>")));
  CHECK_FALSE(llama->token_of("no such token"));
  CHECK(llama->bytes_of(-1).empty());
  CHECK(llama->bytes_of(static_cast<token_id>(llama->size())).empty());

  auto gpt2 = io::hf_tokenizer::open(golden + "gpt2.json");
  REQUIRE(gpt2);
  CHECK(gpt2->bytes_of(*gpt2->token_of("\xC4\xA0")) == " ");
  CHECK(gpt2->bytes_of(*gpt2->token_of("\xC4\xA0t")) == " t");

  auto phi3 = io::hf_tokenizer::open(golden + "phi3.json");
  REQUIRE(phi3);
  CHECK(phi3->size() == *phi3->token_of("\xE2\x96\x81lagom") + 1);
  CHECK_FALSE(phi3->is_special(*phi3->token_of("</s>")));
}

TEST_CASE("one tokenizer serves long texts in reasonable time", "[io][tokenizer]") {
  auto gpt2 = io::hf_tokenizer::open(golden + "gpt2.json");
  auto llama = io::hf_tokenizer::open(golden + "llama2.json");
  REQUIRE(gpt2);
  REQUIRE(llama);
  for (const auto* const tokenizer : {&*gpt2, &*llama}) {
    for (const std::string& unit :
         {std::string("a"), std::string(" "), std::string("\xE2\x80\x8D"), std::string("\x80")}) {
      std::string text;
      while (text.size() < 200'000) text += unit;
      std::size_t tokens = 0;
      tokenizer->encode(text, [&](token_id) { ++tokens; });
      CHECK(tokens > 0);
    }
  }
}

TEST_CASE("tokenizers from outside give every id of every line", "[io][tokenizer][outside]") {
  const char* const folder = std::getenv("LAGOM_TEST_DATA");
  if (folder == nullptr) {
    WARN("skipped: LAGOM_TEST_DATA is not set");
    return;
  }
  std::size_t at = 0;
  for (const io::json& row : load(golden + "outside.json")) {
    if (at++ % lagom_test::stride != 0) continue;
    const std::string name = row["tokenizer"], file = row["text"];
    INFO(name << " on " << file);
    const std::string path = std::string(folder) + "/tokenizers/" + name;
    const auto pair = io::gpt2_paths_of(path);
    auto tokenizer = pair ? io::open_gpt2(*pair) : io::hf_tokenizer::open(path);
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    auto text = io::mapped_file::open(std::string(folder) + "/text/" + file);
    REQUIRE(text);
    std::uint64_t lines = 0, tokens = 0, state = fnv1a(""), offsets = fnv1a("");
    for (std::string_view rest = text->text();; ++lines) {
      const std::size_t end = rest.find('\n');
      for (const token_id id : tokenizer->encode(rest.substr(0, end), true)) {
        state = fnv1a(static_cast<std::uint32_t>(id), state);
        ++tokens;
      }
      state = fnv1a(0xFFFFFFFFu, state);
      tokenizer->encode_with_offsets(rest.substr(0, end), [&](const io::token_span& t) {
        for (const std::size_t n : {static_cast<std::size_t>(t.token), t.char_begin, t.char_end}) {
          offsets = fnv1a(static_cast<std::uint32_t>(n), offsets);
        }
      });
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    CHECK(lines + 1 == row["lines"].get<std::uint64_t>());
    CHECK(tokens == row["tokens"].get<std::uint64_t>());
    CHECK(hex(state) == row["fnv1a"].get<std::string>());
    CHECK(hex(offsets) == row["offsets"].get<std::string>());
  }
}
