// SPDX-License-Identifier: MIT
// SentencePiece files and Unigram tokenizer.json files against the libraries' answers (tests/oracle/sentencepiece_models.py).
#include <lagom/io/describe.hpp>
#include <lagom/io/json.hpp>
#include <lagom/io/sentencepiece.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <bit>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/stride.hpp"

namespace {

namespace io = lagom::io;
using lagom::errc;
using lagom::token_id;
using ids_t = std::vector<token_id>;

const std::string golden = LAGOM_GOLDEN "/sentencepiece/";

io::json load(const std::string& name) {
  auto document = io::load_json(golden + name);
  REQUIRE(document);
  return std::move(*document);
}

std::string unhex(const std::string& digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::vector<std::string> texts(bool with_ill_formed) {
  std::vector<std::string> out;
  const io::json all = load("texts.json");
  for (const io::json& t : all["utf8"]) out.push_back(t.get<std::string>());
  for (const io::json& t : all["ill_formed"]) {
    if (with_ill_formed) out.push_back(unhex(t.get<std::string>()));
  }
  return out;
}

template <class Encode>
ids_t collect(Encode encode) {
  ids_t out;
  encode([&](token_id t) { out.push_back(t); });
  return out;
}

// The wire format, to spell models here.
std::string varint(std::uint64_t n) {
  std::string out;
  for (; n >= 0x80; n >>= 7) out.push_back(static_cast<char>(static_cast<unsigned char>(n | 0x80)));
  out.push_back(static_cast<char>(static_cast<unsigned char>(n)));
  return out;
}
std::string bytes_field(unsigned number, const std::string& bytes) {
  return varint(number * 8 + 2) + varint(bytes.size()) + bytes;
}
std::string number_field(unsigned number, std::uint64_t n) { return varint(number * 8) + varint(n); }
std::string float_field(unsigned number, float f) {
  std::string out = varint(number * 8 + 5);
  const auto bits = std::bit_cast<std::uint32_t>(f);
  for (unsigned i = 0; i < 4; ++i)
    out.push_back(static_cast<char>(static_cast<unsigned char>(bits >> (8 * i))));
  return out;
}
std::string piece(const std::string& text, float score, unsigned kind = 1) {
  return bytes_field(1, bytes_field(1, text) + float_field(2, score) + number_field(3, kind));
}
const std::string unk = piece("<unk>", 0, 2);

lagom::failure failure_of(const std::string& file) {
  auto refused = io::sentencepiece_tokenizer::parse(file);
  if (refused) FAIL("was accepted");
  CHECK_FALSE(io::describe(refused.error()).empty());
  return refused.error();
}

std::uint64_t fnv1a(std::uint32_t number, std::uint64_t state) {
  for (int i = 0; i < 4; ++i) state = (state ^ ((number >> (8 * i)) & 0xFF)) * 0x100000001B3u;
  return state;
}

}  // namespace

static_assert(lagom::vocab::piecewise_tokenizer<io::sentencepiece_tokenizer>);

TEST_CASE("SentencePiece models give the library's ids and texts", "[io][sentencepiece]") {
  const std::vector<std::string> inputs = texts(true);
  const io::json expected = load("expected.json");
  std::size_t models = 0;
  for (const auto& [name, answers] : expected.items()) {
    if (name.rfind("hf_", 0) == 0) continue;
    ++models;
    INFO(name);
    auto tokenizer = io::sentencepiece_tokenizer::open(golden + name + ".model");
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    REQUIRE(answers["ids"].size() == inputs.size());
    io::sentencepiece_scratch scratch;
    for (int round = 0; round < 2; ++round) {  // the second one finds all words in the cache
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        INFO("text " << i << ": " << inputs[i]);
        const auto ids = answers["ids"][i].get<ids_t>();
        CHECK(collect([&](auto sink) { tokenizer->encode(inputs[i], sink); }) == ids);
        CHECK(collect([&](auto sink) { tokenizer->encode(inputs[i], scratch, sink); }) == ids);
      }
    }
    for (const io::json& row : answers["decode"]) {
      INFO(row.dump());
      CHECK(tokenizer->decode(row[0].get<ids_t>()) == row[1].get<std::string>());
    }
  }
  CHECK(models >= 13);
}

TEST_CASE("Unigram tokenizer.json files give the reference's ids and texts", "[io][tokenizer]") {
  const std::vector<std::string> inputs = texts(false);
  const io::json expected = load("expected.json");
  std::size_t families = 0;
  for (const auto& [name, answers] : expected.items()) {
    if (name.rfind("hf_", 0) != 0) continue;
    ++families;
    INFO(name);
    auto tokenizer = io::hf_tokenizer::open(golden + name + ".json");
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    REQUIRE(tokenizer->unigram() != nullptr);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO("text " << i << ": " << inputs[i]);
      CHECK(tokenizer->encode(inputs[i], false) == answers["ids"][i].get<ids_t>());
    }
    for (const io::json& row : answers["decode"]) {
      INFO(row.dump());
      CHECK(tokenizer->decode(row[0].get<ids_t>(), false) == row[1].get<std::string>());
    }
  }
  CHECK(families >= 6);
}

TEST_CASE("the parts of a text give the tokens of the whole", "[io][sentencepiece]") {
  const std::vector<std::string> inputs = texts(true);
  for (const char* const name : {"bpe", "bpe_bytes", "bpe_symbols", "bpe_across", "scores", "unigram",
                                 "unigram_bytes", "unigram_suffix", "unigram_across", "char", "word"}) {
    INFO(name);
    auto tokenizer = io::sentencepiece_tokenizer::open(golden + name + ".model");
    REQUIRE(tokenizer);
    std::size_t parts = 0;
    for (const std::string& text : inputs) {
      INFO(text);
      const ids_t joined = collect([&](auto sink) {
        tokenizer->pre_tokenize(text, [&](const lagom::vocab::pre_token& part) {
          ++parts;
          if (part.added != lagom::no_token) {
            sink(part.added);
          } else {
            tokenizer->encode_piece(part.text, sink);
          }
        });
      });
      CHECK(joined == collect([&](auto sink) { tokenizer->encode(text, sink); }));
    }
    if (std::string_view(name) == "bpe") CHECK(parts > 2 * inputs.size());
  }
}

TEST_CASE("a token's bytes, content and id belong together", "[io][sentencepiece]") {
  auto tokenizer = io::sentencepiece_tokenizer::open(golden + "bpe_bytes.model");
  REQUIRE(tokenizer);
  CHECK(tokenizer->bpe() != nullptr);
  CHECK(tokenizer->unigram() == nullptr);
  for (token_id id = 0; id < tokenizer->size(); ++id)
    CHECK(tokenizer->token_of(tokenizer->content_of(id)) == id);
  CHECK_FALSE(tokenizer->token_of("no such token"));
  CHECK(tokenizer->bytes_of(*tokenizer->token_of("<0x0A>")) == "\n");
  CHECK(tokenizer->bytes_of(*tokenizer->token_of("\xE2\x96\x81")) == " ");
  CHECK(tokenizer->bytes_of(*tokenizer->token_of("<s>")).empty());
  CHECK(tokenizer->bytes_of(-1).empty());
  CHECK(tokenizer->bytes_of(static_cast<token_id>(tokenizer->size())).empty());
  CHECK(tokenizer->decode(ids_t{-1, 1 << 30}).empty());
  // Byte fallback and no normalization: nothing of a valid text is lost.
  for (const std::string& text : texts(false)) {
    std::string joined;
    tokenizer->encode(text, [&](token_id t) { joined += tokenizer->bytes_of(t); });
    std::string spaces;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const bool mark = text.compare(at, 3, "\xE2\x96\x81") == 0;
      spaces += mark ? ' ' : text[at];
      if (mark) at += 2;
    }
    CHECK(joined == spaces);
  }
}

TEST_CASE("malformed SentencePiece files fail with their reason and place", "[io][sentencepiece]") {
  CHECK(failure_of("").code == errc::empty);
  CHECK(failure_of("\x0A").code == errc::truncated);
  CHECK(failure_of(std::string("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10)).code == errc::truncated);
  CHECK(failure_of(std::string("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12)).code ==
        errc::overflow);
  CHECK(failure_of(std::string("\x00\x00", 2)).code == errc::bad_value);
  CHECK(failure_of("\x0B").code == errc::unsupported);
  CHECK(failure_of("{\"model\": 1}").code != errc{255});
  CHECK(failure_of(number_field(1, 3)).code == errc::wrong_type);
  CHECK(failure_of(piece("a", -1)).code == errc::unknown_token);
  CHECK(failure_of(unk + piece("x", 0, 2)).found == 2);
  CHECK(failure_of(unk + piece("a", -1) + piece("a", -2)).code == errc::duplicate_key);
  CHECK(failure_of(unk + piece("a", -1) + piece("a", -2)).row == 2);
  CHECK(failure_of(unk + piece("", -1)).code == errc::empty);
  CHECK(failure_of(unk + piece("\xE4\xB8", -1)).code == errc::bad_utf8);
  CHECK(failure_of(unk + bytes_field(2, bytes_field(44, "\xFF"))).key.view() == "unk_surface");
  CHECK(failure_of(unk + piece("a", -1, 7)).code == errc::bad_value);
  CHECK(failure_of(unk + piece("a", std::bit_cast<float>(0x7FC00000u))).code == errc::not_finite);
  CHECK(failure_of(unk + piece("a", std::bit_cast<float>(0xFF800000u))).code == errc::not_finite);
  CHECK(failure_of(unk + piece("a", -2e30F)).code == errc::out_of_range);
  CHECK(failure_of(unk + bytes_field(1, bytes_field(1, "a"))).code == errc::missing_key);
  CHECK(failure_of(unk + bytes_field(1, bytes_field(1, "a"))).key.view() == "score");
  CHECK(failure_of(unk + bytes_field(1, float_field(2, -1))).key.view() == "piece");
  CHECK(failure_of(unk + bytes_field(1, number_field(1, 5))).code == errc::wrong_type);
  CHECK(failure_of(unk + bytes_field(1, bytes_field(1, "a") + number_field(2, 5))).key.view() == "score");
  CHECK(failure_of(unk + piece("<0x41>", 0, 6)).code == errc::bad_value);
  CHECK(failure_of(unk + piece("a", -1) + bytes_field(2, number_field(3, 9))).key.view() == "model_type");
  CHECK(failure_of(unk + piece("a", -1) + bytes_field(2, bytes_field(3, "x"))).code == errc::wrong_type);
  CHECK(failure_of(unk + piece(std::string(2000, 'a'), -1) + bytes_field(2, number_field(3, 2))).code ==
        errc::too_large);
  const std::string bytes_on = bytes_field(2, number_field(35, 1));
  CHECK(failure_of(unk + piece("a", -1) + bytes_on).code == errc::missing_key);
  CHECK(failure_of(unk + piece("<0x41>", 0, 6) + bytes_on).found == 1);
  for (const char* const odd : {"<0x4g>", "<0x-1>", "<0x100>", "<0xaf>", "A"}) {
    CHECK(failure_of(unk + piece(odd, 0, 6) + bytes_on).code == errc::bad_value);
  }
  for (const std::string& rules : {std::string("a"), std::string("\x03\0\0\0abcd", 8),
                                   std::string("\xFF\xFF\xFF\xFF....", 8), std::string("\0\0\0\0", 4)}) {
    const auto f = failure_of(unk + piece("a", -1) + bytes_field(3, bytes_field(2, rules)));
    CHECK(f.key.view() == "precompiled_charsmap");
  }
  CHECK(io::sentencepiece_tokenizer::open("/no/such.model").error().code == errc::cannot_open);

  // Every prefix of a good file fails or loads, and says which.
  auto whole = io::mapped_file::open(golden + "unigram.model");
  REQUIRE(whole);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole->text().size(); size += 7) {
    if (!io::sentencepiece_tokenizer::parse(whole->text().substr(0, size))) ++refused;
  }
  CHECK(refused * 7 > whole->text().size() / 2);
}

TEST_CASE("unknown fields are passed over, and defaults are the format's", "[io][sentencepiece]") {
  auto tokenizer = io::sentencepiece_tokenizer::parse(unk + piece("a", -1) + piece("\xE2\x96\x81", -2) +
                                                      number_field(99, 1) + bytes_field(77, "anything") +
                                                      bytes_field(2, number_field(40, ~0ull)));
  REQUIRE(tokenizer);
  CHECK(tokenizer->unigram() != nullptr);
  CHECK(collect([&](auto sink) { tokenizer->encode(" a  a ", sink); }) == ids_t{2, 1, 2, 1});
  CHECK(tokenizer->decode(ids_t{2, 1, 0, 2, 1}) == "a \xE2\x81\x87  a");
}

TEST_CASE("time grows with the text, not with its square", "[io][sentencepiece]") {
  for (const char* const name : {"bpe", "bpe_bytes", "unigram", "unigram_across", "scores", "ties"}) {
    auto tokenizer = io::sentencepiece_tokenizer::open(golden + name + ".model");
    REQUIRE(tokenizer);
    for (const std::string& unit :
         {std::string("a"), std::string("ab"), std::string("\xE2\x96\x81"), std::string("\xFF")}) {
      std::string run;
      while (run.size() < 1000000 / lagom_test::stride) run += unit;
      const auto begin = std::chrono::steady_clock::now();
      std::size_t count = 0;
      tokenizer->encode(run, [&](token_id) { ++count; });
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      INFO(name << " on a megabyte of " << unit);
      CHECK(took.count() < 20);  // quadratic time would be hours
    }
  }
}

TEST_CASE("files from outside give every id of every line", "[io][sentencepiece][outside]") {
  const char* const folder = std::getenv("LAGOM_TEST_DATA");
  if (folder == nullptr) {
    WARN("skipped: LAGOM_TEST_DATA is not set");
    return;
  }
  std::size_t at = 0;
  for (const io::json& row : load("outside.json")) {
    if (at++ % lagom_test::stride != 0) continue;
    const std::string name = row["tokenizer"], file = row["text"];
    INFO(name << " on " << file);
    auto text = io::mapped_file::open(std::string(folder) + "/text/" + file);
    REQUIRE(text);
    std::uint64_t lines = 0, tokens = 0, state = 0xCBF29CE484222325u;
    const auto run = [&](const auto& tokenizer, auto scratch) {
      if (!tokenizer) FAIL(io::describe(tokenizer.error()));
      for (std::string_view rest = text->text();; ++lines) {
        const std::size_t end = rest.find('\n');
        tokenizer->encode(rest.substr(0, end), scratch, [&](token_id id) {
          state = fnv1a(static_cast<std::uint32_t>(id), state);
          ++tokens;
        });
        state = fnv1a(0xFFFFFFFFu, state);
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
      }
    };
    const std::string path = std::string(folder) + "/tokenizers/" + name;
    if (name.find(".model") != std::string::npos) {
      run(io::sentencepiece_tokenizer::open(path), io::sentencepiece_scratch{});
    } else {
      run(io::hf_tokenizer::open(path), io::tokenizer_scratch{});
    }
    CHECK(lines + 1 == row["lines"].get<std::uint64_t>());
    CHECK(tokens == row["tokens"].get<std::uint64_t>());
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(state));
    CHECK(hex == row["fnv1a"].get<std::string>());
  }
}
