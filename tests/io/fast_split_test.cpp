// SPDX-License-Identifier: MIT
// Scanners against PCRE2: the sets of every character, and where every text is cut.
#include <lagom/core/random.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/hf/fast_split.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace io = lagom::io;
namespace detail = lagom::io::detail;
using io::json;

const std::string tail = R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const std::string cased = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)";
const std::string cased_too =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)";

std::vector<std::string> known_patterns() {
  std::vector<std::string> out{
      std::string(detail::gpt2_pattern),
      R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
  };
  for (const char* const digits : {R"(|\p{N}+)", R"(|\p{N})", R"(|\p{N}{1,2})", R"(|\p{N}{1,3})"}) {
    out.push_back(contraction + R"(|[^\r\n\p{L}\p{N}]?\p{L}+)" + digits + R"(| ?[^\s\p{L}\p{N}]+[\r\n]*)" +
                  tail);
    out.push_back(contraction + R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)" + digits +
                  R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" + tail);
    out.push_back(cased + "|" + cased_too + digits + R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)" + tail);
    out.push_back(cased + contraction + "?|" + cased_too + contraction + "?" + digits +
                  R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)" + tail);
  }
  return out;
}

// What the patterns tell apart: each kind of letter, digits, marks, spaces of one to three bytes, apostrophes,
// contractions, a character that is an s but for its case, unassigned and largest code points.
const std::vector<std::string> characters{" ",          " ",          " ",
                                          "\n",         "\r",         "\t",
                                          "\u00A0",     "\u2003",     "\u3000",
                                          "\u0085",     "a",          "s",
                                          "S",          "t",          "T",
                                          "r",          "e",          "E",
                                          "v",          "m",          "l",
                                          "L",          "d",          "Z",
                                          "'",          "'",          "\u2019",
                                          "\u017F",     "1",          "9",
                                          "0",          "\u0663",     "\u00B2",
                                          "\u216B",     "\u00E9",     "\u00C9",
                                          "\u01C5",     "\u02B0",     "\u0939",
                                          "\u093F",     "\u0301",     "\u4E2D",
                                          "\U0001F600", "\u200D",     "\uFE0F",
                                          "!",          "/",          ".",
                                          "-",          "_",          "(",
                                          "\u00AB",     "$",          "\u0378",
                                          "\U0010FFFF", "\U000E0100", std::string(1, '\0'),
                                          "\u0E01",     "\u0E31",     "\U00010D4A",
                                          "\U00010D70", "\U000105C0", "<",
                                          "|",          ">"};

class random_texts {
 public:
  explicit random_texts(std::uint64_t stream) : stream_(stream) {}
  std::uint32_t below(std::size_t n) {
    if (at_ % 4 == 0) block_ = random_(stream_, at_);
    return block_.word[at_++ % 4] % static_cast<std::uint32_t>(n);
  }
  // Runs of few characters, so that runs meet.
  std::string operator()(std::size_t length) {
    std::string out;
    std::vector<std::string> some;
    for (std::size_t i = 0; i < 6; ++i) some.push_back(characters[below(characters.size())]);
    while (length > 0) {
      const std::string& c = below(4) == 0 ? characters[below(characters.size())] : some[below(some.size())];
      for (std::size_t n = below(3) == 0 ? below(12) + 1 : 1; n > 0 && length > 0; --n, --length) out += c;
    }
    return out;
  }

 private:
  const lagom::philox random_{7};
  std::uint64_t stream_, at_ = 0;
  decltype(std::declval<const lagom::philox&>()(0, 0)) block_{};
};

std::vector<std::string> by_pcre2(const detail::hf_pattern& pattern, const std::string& text) {
  std::vector<std::string> out;
  detail::hf_matcher matcher;
  pattern.for_each_match(text, matcher,
                         [&](std::size_t b, std::size_t e) { out.push_back(text.substr(b, e - b)); });
  return out;
}

std::vector<std::string> by_scanner(const detail::hf_known_pattern& pattern, const std::string& text) {
  std::vector<std::string> out;
  // No byte after the end may be read.
  const std::vector<char> exact(text.begin(), text.end());
  pattern.cut(exact.data(), exact.data() + exact.size(),
              [&](const char* b, const char* e) { out.emplace_back(b, e); });
  return out;
}

}  // namespace

TEST_CASE("the sets of every character are those that PCRE2 is told", "[io][tokenizer][fast_split]") {
  const std::pair<std::uint8_t, std::string> sets[] = {
      {detail::char_bit::letter, "[" + *detail::property_class("L") + "]"},
      {detail::char_bit::number, "[" + *detail::property_class("N") + "]"},
      {detail::char_bit::mark, "[" + *detail::property_class("M") + "]"},
      {detail::char_bit::upper, "[" + *detail::property_class("Lu") + *detail::property_class("Lt") + "]"},
      {detail::char_bit::lower, "[" + *detail::property_class("Ll") + "]"},
      {detail::char_bit::space, "[" + detail::space_class() + "]"},
      {detail::char_bit::numeric, "[" + detail::numeric_class() + "]"},
      {detail::char_bit::punctuation, detail::punctuation_expression()},
  };
  std::string all;
  std::vector<char32_t> codes;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    codes.push_back(c);
    lagom::append_utf8(all, c);
  }
  const auto& table = detail::hf_char_table::get();
  for (const auto& [bit, expression] : sets) {
    auto pattern = detail::hf_pattern::compile(expression);
    REQUIRE(pattern);
    std::vector<bool> matched(0x110000);
    detail::hf_matcher matcher;
    pattern->for_each_match(
        all, matcher, [&](std::size_t b, std::size_t) { matched[lagom::decode_utf8(all, b).code] = true; });
    std::size_t wrong = 0;
    for (const char32_t c : codes) wrong += ((table[c] & bit) != 0) != matched[c] ? 1u : 0u;
    INFO(expression.substr(0, 40));
    CHECK(wrong == 0);
  }
}

TEST_CASE("known patterns cut as PCRE2 does", "[io][tokenizer][fast_split]") {
  for (const std::string& text : known_patterns()) {
    INFO(text);
    const auto known = detail::hf_known_pattern::of(text);
    REQUIRE(known);
    auto pattern = detail::hf_pattern::expression(text);
    if (!pattern) FAIL(io::describe(pattern.error()));

    // every text of up to three of the characters
    std::size_t wrong = 0;
    for (const std::string& a : characters) {
      for (const std::string& b : characters) {
        for (const std::string& c : {std::string(), std::string("a"), std::string("'s"), std::string(" "),
                                     std::string("\n"), std::string("\u0301"), std::string("E")}) {
          const std::string subject = a + b + c;
          wrong += by_scanner(*known, subject) != by_pcre2(*pattern, subject) ? 1u : 0u;
        }
      }
    }
    CHECK(wrong == 0);
    random_texts texts(text.size());
    for (int i = 0; i < 1500 && wrong == 0; ++i) {
      const std::string subject = texts(1 + texts.below(60));
      if (by_scanner(*known, subject) == by_pcre2(*pattern, subject)) continue;
      ++wrong;
      CAPTURE(subject);
      CHECK(by_scanner(*known, subject) == by_pcre2(*pattern, subject));
    }
  }
}

TEST_CASE("patterns that only look known are not", "[io][tokenizer][fast_split]") {
  for (const std::string& text : known_patterns()) {
    CHECK_FALSE(detail::hf_known_pattern::of(text + "|"));
    CHECK_FALSE(detail::hf_known_pattern::of(text.substr(0, text.size() - 1)));
    CHECK_FALSE(detail::hf_known_pattern::of(text.substr(1)));
    CHECK_FALSE(detail::hf_known_pattern::of("x" + text));
  }
  CHECK_FALSE(detail::hf_known_pattern::of(""));
  CHECK_FALSE(detail::hf_known_pattern::of(R"(\p{N}{1,3})"));
}

TEST_CASE("pre-tokenizers cut the same way step by step and all at once", "[io][tokenizer][fast_split]") {
  const auto split = [](const std::string& expression, const char* behavior = "Isolated",
                        bool invert = false) {
    return json{
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", behavior}, {"invert", invert}};
  };
  const auto byte_level = [](bool space, bool regex) {
    return json{
        {"type", "ByteLevel"}, {"add_prefix_space", space}, {"trim_offsets", true}, {"use_regex", regex}};
  };
  const auto digits = [](bool each) { return json{{"type", "Digits"}, {"individual_digits", each}}; };
  const auto punctuation = [](const char* behavior) {
    return json{{"type", "Punctuation"}, {"behavior", behavior}};
  };
  const auto known = known_patterns();
  std::vector<std::vector<json>> lists{
      {},
      {byte_level(false, true)},
      {byte_level(true, true)},
      {byte_level(true, false)},
      {punctuation("Contiguous"), byte_level(false, true), digits(false), split("[0-9][0-9][0-9]")},
      {punctuation("Isolated"), byte_level(false, true), digits(true), split("[0-9]")},
      {punctuation("Removed"), byte_level(false, true)},
      {digits(true), byte_level(false, true)},
      {digits(false), byte_level(false, false)},
      {split(known[4]), byte_level(false, false)},
      {split(known[5]), byte_level(false, false)},
      {split(R"(\p{N}{1,3})"), split("[\u4E00-\u9FA5]+"), split(R"([!-/:-@]?[A-Za-z]+|\s+)"),
       byte_level(false, false)},
      {split(R"(\p{N})"), split(R"(\p{N}+)"), digits(true)},
      {split(R"([a-z]+)", "Removed", true), byte_level(false, true)},
      {split(R"([a-z]+)", "Removed")},
      {json{{"type", "Whitespace"}}},
      {json{{"type", "WhitespaceSplit"}}, punctuation("Isolated")},
  };
  random_texts texts(3);
  for (const auto& list : lists) {
    const json document{{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", list}}}};
    INFO(document.dump());
    auto steps = detail::hf_pre_tokenizer::read(detail::hf_node{&document}.optional("pre_tokenizer"));
    if (!steps) FAIL(io::describe(steps.error()));
    REQUIRE(steps->only_cuts());
    for (int i = 0; i < 400; ++i) {
      const std::string subject = texts(1 + texts.below(50));
      CAPTURE(subject);
      std::vector<std::string> at_once, by_steps;
      detail::hf_matcher matcher;
      std::string spare;
      steps->cut(subject, matcher, spare, [&](std::string_view piece, const char* end) {
        CHECK(piece.data() + piece.size() <= end);
        at_once.emplace_back(piece);
      });
      detail::hf_pieces pieces;
      pieces.reset(subject, 0);
      (*steps)(pieces);
      for (const auto& p : pieces.list) {
        const std::string_view text = pieces.view(p);
        by_steps.push_back(steps->spells_bytes() ? *lagom::vocab::bytes_of_letters(text) : std::string(text));
      }
      REQUIRE(at_once == by_steps);
    }
  }
}

TEST_CASE("what rewrites or joins is left to the steps", "[io][tokenizer][fast_split]") {
  for (
      const char* const text :
      {R"({"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true})",
       R"({"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false})",
       R"({"type":"Punctuation","behavior":"MergedWithNext"})",
       R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
            {"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true}]})",
       R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true},
            {"type":"Split","pattern":{"Regex":"[a-z]"},"behavior":"Isolated","invert":false}]})"}) {
    const json document{{"p", json::parse(text)}};
    auto steps = detail::hf_pre_tokenizer::read(detail::hf_node{&document}.optional("p"));
    REQUIRE(steps);
    CHECK_FALSE(steps->only_cuts());
  }
}
