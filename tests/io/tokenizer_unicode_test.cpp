// SPDX-License-Identifier: MIT
// The library's classes and normalization forms on every code point, against hashes that
// tests/oracle/tokenizer_json.py took from Hugging Face tokenizers; and the dialect of its regular expressions.
#include <lagom/io/describe.hpp>
#include <lagom/io/hf/normalizer.hpp>
#include <lagom/io/hf/pre_tokenizer.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace io = lagom::io;
namespace detail = lagom::io::detail;
using io::json;

struct fnv1a {
  std::uint64_t state = 0xCBF29CE484222325u;
  void byte(unsigned b) { state = (state ^ b) * 0x100000001B3u; }
  void number(std::uint32_t n) {
    for (int i = 0; i < 4; ++i) byte((n >> (8 * i)) & 0xFF);
  }
  [[nodiscard]] std::string hex() const {
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(state));
    return out;
  }
};

// Every assigned code point, but for private use.
std::vector<char32_t> all_code_points() {
  std::vector<char32_t> out;
  for (char32_t c = 0; c < 0xE1000; ++c) {
    if (c == 0xD800) c = 0xE000;
    if (c == 0x40000) c = 0xE0000;
    out.push_back(c);
  }
  return out;
}

// What a pre-tokenizer leaves of a text.
std::vector<std::string> pieces_of(const json& component, const std::string& text) {
  auto pre_tokenizer = detail::hf_pre_tokenizer::read({&component, "pre_tokenizer"});
  if (!pre_tokenizer) FAIL(io::describe(pre_tokenizer.error()));
  detail::hf_pieces pieces;
  pieces.reset(text, 1);
  (*pre_tokenizer)(pieces);
  std::vector<std::string> out;
  for (const auto& p : pieces.list) out.emplace_back(pieces.view(p));
  return out;
}

json split(const std::string& pattern, const char* behavior = "Isolated") {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", behavior}, {"invert", false}};
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("every code point is classified and normalized as the reference does", "[io][tokenizer]") {
  auto golden = io::load_json(LAGOM_GOLDEN "/tokenizers/unicode.json");
  REQUIRE(golden);
  const auto points = all_code_points();
  std::string everything;
  for (const char32_t c : points) lagom::append_utf8(everything, c);

  for (const auto& [name, expected] : (*golden)["classes"].items()) {
    INFO(name);
    json component = split(name, "Removed");
    if (name == "Punctuation") component = {{"type", name}, {"behavior", "Removed"}};
    if (name == "WhitespaceSplit") component = {{"type", name}};
    auto pre_tokenizer = detail::hf_pre_tokenizer::read({&component, "pre_tokenizer"});
    if (!pre_tokenizer) FAIL(io::describe(pre_tokenizer.error()));
    detail::hf_pieces pieces;
    pieces.reset(everything, 1);
    (*pre_tokenizer)(pieces);
    pieces.list.push_back({everything.size(), everything.size()});
    fnv1a hash;
    std::uint64_t ranges = 0;
    std::size_t at = 0, index = 0;
    for (const auto& kept : pieces.list) {
      char32_t first = 0, last = 0;
      bool open = false;
      const auto close = [&] {
        if (!open) return;
        hash.number(first);
        hash.number(last);
        ++ranges;
        open = false;
      };
      for (; at < kept.end; ++index) {
        const char32_t c = points[index];
        const bool removed = at < kept.begin;
        at += lagom::decode_utf8(everything, at).length;
        if (!removed || (open && c != last + 1)) close();
        if (!removed) continue;
        if (!open) first = c;
        last = c;
        open = true;
      }
      close();
    }
    CHECK(ranges == expected["ranges"].get<std::uint64_t>());
    CHECK(hash.hex() == expected["fnv1a"].get<std::string>());
  }

  for (const auto& [name, expected] : (*golden)["texts"].items()) {
    INFO(name);
    const std::string kind = name.substr(0, name.find(' ')), context = name.substr(name.find(' ') + 1);
    const json component = {{"type", kind}};
    auto normalizer = detail::hf_normalizer::read({&component, "normalizer"});
    REQUIRE(normalizer);
    detail::hf_normalized text;
    for (const char32_t c : points) {
      text.text += context == "after" ? "a\xCC\x81" : context == "before" ? "a" : "";
      lagom::append_utf8(text.text, c);
      if (context == "before") text.text += "\xCC\xB4";
      text.text += '\x01';
    }
    detail::hf_matcher matcher;
    (*normalizer)(text, matcher);
    fnv1a hash;
    for (const char c : text.text) hash.byte(static_cast<unsigned char>(c));
    CHECK(text.text.size() == expected["bytes"].get<std::uint64_t>());
    CHECK(hash.hex() == expected["fnv1a"].get<std::string>());
  }
}

TEST_CASE("a long row of marks is put in order without fuss", "[io][tokenizer]") {
  const json component = {{"type", "NFC"}};
  auto normalizer = detail::hf_normalizer::read({&component, "normalizer"});
  REQUIRE(normalizer);
  detail::hf_normalized marks;
  for (int i = 0; i < 100'000; ++i) marks.text += "\xCC\x81\xCC\xA3";  // above, below
  const std::size_t size = marks.text.size();
  detail::hf_matcher matcher;
  (*normalizer)(marks, matcher);
  CHECK(marks.text.size() == size);
  CHECK(marks.text.substr(0, 4) == "\xCC\xA3\xCC\xA3");
}

TEST_CASE("patterns mean what they mean in Oniguruma", "[io][tokenizer]") {
  CHECK(pieces_of(split("^b|c$"), "b\nbc\nc b") == texts{"b", "\n", "b", "c", "\nc b"});
  CHECK(pieces_of(split("(?m:a.b)"), "a\nb a.b") == texts{"a\nb", " ", "a.b"});
  CHECK(pieces_of(split("a.b"), "a\nb a.b") == texts{"a\nb ", "a.b"});
  CHECK(pieces_of(split(R"(\v)"), "a\x0B\x0C") == texts{"a", "\x0B", "\x0C"});
  CHECK(pieces_of(split(R"(a{,2})"), "aaab") == texts{"aa", "a", "b"});
  CHECK(pieces_of(split("(?:ab){2}+"), "abababab") == texts{"abababab"});
  CHECK(pieces_of(split("[a[bc]d]+"), "xabcdy") == texts{"x", "abcd", "y"});
  CHECK(pieces_of(split("[a-z&&[^aeiou]]+"), "house") == texts{"h", "ou", "s", "e"});
  CHECK(pieces_of(split("(?i)'S|k"), "x'sK\xE2\x84\xAA") == texts{"x", "'s", "K", "\xE2\x84\xAA"});
  CHECK(pieces_of(split("(?>a+?b*|..)c"), "Sabc") == texts{"S", "abc"});
  CHECK(pieces_of(split(""), "abc") == texts{"a", "b", "c"});
  CHECK(pieces_of(split("a*"), "baac") == texts{"b", "aa", "c"});

  struct refusal {
    const char* pattern;
    lagom::errc code;
  };
  for (const auto& [pattern, code] : std::initializer_list<refusal>{
           {R"(\h)", lagom::errc::unsupported},
           {R"(\X)", lagom::errc::unsupported},
           {R"((a)\1)", lagom::errc::unsupported},
           {"(?<name>a)", lagom::errc::unsupported},
           {"(?x: a)", lagom::errc::unsupported},
           {"a(?i)b|c", lagom::errc::unsupported},
           {"(?i:ss)", lagom::errc::unsupported},
           {R"((?i:\p{Lu}))", lagom::errc::unsupported},
           {"(?i:\xC3\xA9)", lagom::errc::unsupported},
           {R"(\p{Emoji})", lagom::errc::unsupported},
           {R"(\p{C})", lagom::errc::unsupported},
           {"[[:alpha:]]", lagom::errc::unsupported},
           {"[a[^b]]", lagom::errc::unsupported},
           {R"([\W])", lagom::errc::unsupported},
           {"a**", lagom::errc::unsupported},
           {"a{2}?", lagom::errc::unsupported},
           {"*a", lagom::errc::unsupported},
           {"(*VERB)", lagom::errc::unsupported},
           {"(a", lagom::errc::bad_pattern},
           {"a)", lagom::errc::bad_pattern},
           {"[a", lagom::errc::bad_pattern},
           {"[b-a]", lagom::errc::bad_pattern},
           {R"(\)", lagom::errc::bad_pattern},
           {R"(\p{L)", lagom::errc::bad_pattern},
           {R"(\x{110000})", lagom::errc::bad_pattern},
           {"a{70000}", lagom::errc::out_of_range},
           {"(((a{1000}){1000}){1000}){1000}", lagom::errc::bad_pattern},
       }) {
    INFO(pattern);
    const auto refused = detail::hf_pattern::expression(pattern);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == code);
    CHECK_FALSE(refused.error().key.empty());
  }
  CHECK(detail::hf_pattern::expression(std::string(70'000, 'a')).error().code == lagom::errc::too_large);
}

TEST_CASE("a pattern that would search for ever gives up", "[io][tokenizer]") {
  const std::string text = std::string(40, 'a') + "!";
  CHECK(pieces_of(split("(?:a|a)*$"), text + "b") == texts{text + "b"});
}
