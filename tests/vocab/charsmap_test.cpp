// SPDX-License-Identifier: MIT
// The precompiled charsmap: small ones spelled here, and every way to break them. Real ones: tests/io.
#include <lagom/vocab/charsmap.hpp>
#include <lagom/vocab/sentencepiece_normalizer.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace vocab = lagom::vocab;
using lagom::errc;

std::string number(std::uint32_t n) {
  std::string out;
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<char>(static_cast<unsigned char>(n >> (8 * i))));
  return out;
}

// Units of darts-clone: the offset to the children, whether one is the value, the label.
std::uint32_t unit(std::uint32_t offset, bool value, unsigned char label) {
  return offset << 10 | (value ? 1u << 8 : 0u) | label;
}
std::uint32_t value(std::uint32_t at) { return 0x80000000u | at; }

// A -> "x" (text 0), AB -> "yz" (text 2); the root's children lie at 0 ^ 256 ^ label.
std::vector<std::uint32_t> small() {
  std::vector<std::uint32_t> units(1024, 0);
  units[0] = unit(256, false, 0);
  units[256 ^ 'A'] = unit(256 ^ 'A' ^ 512, true, 'A');  // below it: 512
  units[512] = value(0);
  units[512 ^ 'B'] = unit(512 ^ 'B' ^ 768, true, 'B');
  units[768] = value(2);
  return units;
}

std::string spelled(const std::vector<std::uint32_t>& units, const std::string& texts) {
  std::string out = number(static_cast<std::uint32_t>(4 * units.size()));
  for (const std::uint32_t u : units) out += number(u);
  return out + texts;
}

const std::string texts("x\0yz\0", 5);

errc code(const std::string& bytes) {
  auto rules = vocab::charsmap::parse(bytes);
  if (rules) FAIL("was accepted");
  return rules.error().code;
}

}  // namespace

TEST_CASE("a charsmap finds the longest and the shortest rule", "[vocab]") {
  auto rules = vocab::charsmap::parse(spelled(small(), texts));
  REQUIRE(rules);
  CHECK(rules->longest("ABC").length == 2);
  CHECK(rules->longest("ABC").text == "yz");
  CHECK(rules->shortest("ABC").length == 1);
  CHECK(rules->shortest("ABC").text == "x");
  CHECK(rules->longest("AC").text == "x");
  CHECK(rules->longest("B").length == 0);
  CHECK(rules->longest("").length == 0);
  CHECK(rules->longest(std::string_view("\0A", 2)).length == 0);
  CHECK(rules->find_touched("bcd B A", 0) == 6);
  auto none = vocab::charsmap::parse("");
  REQUIRE(none);
  CHECK(none->empty());
  CHECK(none->longest("A").length == 0);
}

TEST_CASE("a broken charsmap is refused, and where it is broken", "[vocab]") {
  const std::string good = spelled(small(), texts);
  CHECK(code("abc") == errc::truncated);
  CHECK(code(number(0)) == errc::bad_value);
  CHECK(code(number(6) + "abcdef") == errc::bad_value);
  CHECK(code(number(8) + "abcd") == errc::truncated);
  CHECK(code(number(0xFFFFFFFC) + "abcd") == errc::truncated);
  for (std::size_t size = 1; size < 4 + 4 * 1024; size += 13)
    CHECK(code(good.substr(0, size)) == errc::truncated);
  auto units = small();
  units[512] = value(99);
  CHECK(code(spelled(units, texts)) == errc::out_of_range);
  CHECK(vocab::charsmap::parse(spelled(units, texts)).error().byte == 4 + 4 * 512);
  CHECK(code(spelled(small(), std::string("\xC3\0yz\0", 5))) == errc::bad_utf8);
  units = small();
  units[256 ^ 'A'] = unit(0x1FFFFF, true, 'A');  // its value is nowhere
  CHECK(code(spelled(units, texts)) == errc::bad_value);
  units = small();
  units[512 ^ 'B'] = unit(512 ^ 'B' ^ 512, true, 'B');  // its children are its parent's: B, BB, BBB ...
  CHECK(code(spelled(units, texts)) == errc::bad_value);
  std::vector<std::uint32_t> chain(4096, 0);  // a rule's text of 300 letters
  for (std::uint32_t i = 0; i < 300; ++i) {
    const std::uint32_t at = i == 0 ? 0 : (8 * i) ^ 'A';
    chain[at] = unit(at ^ (8 * (i + 1)), false, 'A');
  }
  chain[8 * 300 ^ 'A'] = unit(0, false, 'A');
  CHECK(code(spelled(chain, texts)) == errc::too_large);
}

TEST_CASE("the normalizer of SentencePiece handles rules, symbols, spaces and ill-formed bytes", "[vocab]") {
  const std::string mark(vocab::space_mark);
  const std::vector<std::string_view> symbols{"AB!", "  "};
  const auto run = [&](const vocab::sentencepiece_normalizer_options& options, std::string_view text) {
    auto normalizer = vocab::sentencepiece_normalizer::make(*vocab::charsmap::parse(spelled(small(), texts)),
                                                            symbols, options);
    REQUIRE(normalizer);
    std::string out = "left over";
    (*normalizer)(text, out);
    return out;
  };
  CHECK(run({}, "") == "");
  CHECK(run({}, " ") == "");
  CHECK(run({}, "A b AB ") == mark + "x" + mark + "b" + mark + "yz");
  CHECK(run({}, "AB!AB") == mark + "AB!yz");
  CHECK(run({.escape_whitespaces = false}, "A b") == " x b");
  CHECK(run({.whitespace_as_suffix = true}, " b ") == "b" + mark);
  CHECK(run({.add_dummy_prefix = false, .remove_extra_whitespaces = false}, " b ") == mark + "b" + mark);
  CHECK(run({.add_dummy_prefix = false}, "b\xE4\xB8 \xFF") ==
        "b\xEF\xBF\xBD\xEF\xBF\xBD" + mark + "\xEF\xBF\xBD");
  CHECK(run({.add_dummy_prefix = false}, "b\xEF\xBF\xBD") == "b\xEF\xBF\xBD");
  std::string out;
  vocab::sentencepiece_normalizer()("a  \xE4\xB8\xAD ", out);
  CHECK(out == mark + "a" + mark + "\xE4\xB8\xAD");
}
