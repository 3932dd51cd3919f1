// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::count_characters;
using lagom::decode_utf8;
using lagom::no_token;
using lagom::token_id;

// Cuts before every space; "@" is the added token 9; the model makes one token of every letter (its place in
// the alphabet) and 0 of anything else.
struct toy {
  template <class Sink>
  void pre_tokenize(std::string_view text, Sink&& sink) const {
    std::size_t begin = 0;
    const auto cut = [&](std::size_t end) {
      if (end > begin) sink(pre_token{.text = text.substr(begin, end - begin)});
      begin = end;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == ' ') cut(i);
      if (text[i] == '@') {
        cut(i);
        sink(pre_token{.added = 9});
        begin = i + 1;
      }
    }
    cut(text.size());
  }
  template <class Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    for (const char c : piece) sink(c >= 'a' && c <= 'h' ? token_id{1} + (c - 'a') : token_id{0});
  }
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    pre_tokenize(text, [&](const pre_token& p) {
      if (p.added != no_token) {
        sink(p.added);
      } else {
        encode_piece(p.text, sink);
      }
    });
  }
  [[nodiscard]] std::string_view bytes_of(token_id t) const {
    return std::string_view(" abcdefgh@").substr(static_cast<std::size_t>(t), 1);
  }
  [[nodiscard]] lagom::index_t size() const { return 10; }
};
static_assert(piecewise_tokenizer<toy>);

// Random strings, of few letters so that many are alike, and of all bytes.
std::vector<std::string> strings(std::size_t n, std::uint64_t stream) {
  const lagom::philox random{11};
  std::vector<std::string> out;
  std::uint64_t at = 0;
  const auto below = [&](std::uint64_t limit) { return random.below(limit, stream, at++); };
  for (std::size_t i = 0; i < n; ++i) {
    const bool wild = below(8) == 0;
    std::string s(below(wild ? 300 : 5), '\0');
    for (char& c : s) c = static_cast<char>(static_cast<unsigned char>(wild ? below(256) : 'a' + below(4)));
    out.push_back(s);
  }
  return out;
}

}  // namespace

TEST_CASE("a table of byte strings counts like a map", "[vocab][corpus]") {
  byte_counts counts;
  std::map<std::string, std::uint64_t> expected;
  CHECK(counts["a"] == 0);
  CHECK(counts.empty());
  std::uint64_t total = 0;
  for (const std::string& s : strings(20'000, 1)) {
    const std::uint64_t n = 1 + s.size() % 3;
    counts.push(s, n);
    expected[s] += n;
    total += n;
  }
  counts.push("never", 0);
  CHECK(counts.size() == expected.size());
  CHECK(counts.total() == total);
  CHECK(counts["never"] == 0);
  CHECK(counts[""] == expected[""]);
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  counts.for_each([&](std::string_view bytes, std::uint64_t n) { seen.emplace_back(bytes, n); });
  // std::string compares as unsigned bytes.
  CHECK(seen == std::vector<std::pair<std::string, std::uint64_t>>(expected.begin(), expected.end()));
  std::stable_sort(seen.begin(), seen.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  const auto by_count = counts.by_count();
  REQUIRE(by_count.size() == seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE((by_count[i].bytes == seen[i].first && by_count[i].count == seen[i].second));
  }
}

TEST_CASE("tables of byte strings are values", "[vocab][corpus]") {
  byte_counts a, b;
  for (const std::string& s : strings(500, 2)) a.push(s);
  for (const std::string& s : strings(700, 3)) b.push(s);
  byte_counts ab = a, ba = b;
  CHECK(ab == a);
  ab.merge(b);
  ba.merge(a);
  CHECK(ab == ba);
  CHECK_FALSE(ab == a);
  byte_counts more = a;
  more.push("x\xFF");
  CHECK_FALSE(more == a);
  CHECK_FALSE(a == more);
  byte_counts twice = a;
  twice.merge(twice);
  byte_counts sum = a;
  sum.merge(a);
  CHECK(twice == sum);
  byte_counts moved = std::move(more);
  CHECK(moved["x\xFF"] == 1);
  more = byte_counts();  // a value that was moved from can be used again
  more.push("y");
  CHECK(more["y"] == 1);
  byte_counts from = std::move(more);
  more.push("z");  // NOLINT: the same
  CHECK(from["z"] == 0);
  CHECK(from["y"] == 1);
}

TEST_CASE("a distinct string costs less than 32 bytes beside its own", "[vocab][corpus]") {
  byte_counts counts;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 300'000; ++i) {
    const std::string s = std::to_string(i * 7919);
    counts.push(s);
    bytes += s.size();
    if (i > 50'000) REQUIRE(counts.memory() - bytes < 32 * counts.size() + (std::size_t{1} << 20));
  }
}

TEST_CASE("strings of any length are kept", "[vocab][corpus]") {
  byte_counts counts;
  std::vector<std::string> all;
  for (const std::size_t size :
       {0u, 1u, 3u, 4u, 7u, 8u, 9u, 16u, 127u, 128u, 16'383u, 16'384u, 1'048'575u, 1'048'577u, 3'000'000u}) {
    for (const char c : {'a', 'b'}) all.push_back(std::string(size, c) + "x");
  }
  for (const auto& s : all) counts.push(s, s.size());
  for (const auto& s : all) CHECK(counts[s] == (s == "x" ? 2 : s.size()));
  byte_counts copy;
  copy.merge(counts);
  CHECK(copy == counts);
  std::uint64_t total = 0;
  copy.for_each_unordered([&](std::string_view bytes, std::uint64_t n) { total += bytes == "x" ? 2 : n; });
  CHECK(total == counts.total());
}

TEST_CASE("a corpus is counted by its pre-tokens", "[vocab][corpus]") {
  corpus_counts counts;
  counts.push_line(toy{}, "ab ab@c");
  counts.push_line(toy{}, "");
  counts.push_line(toy{}, "@ab\xC3\xA9\xFF\xE4\xB8");
  CHECK(counts.lines() == 3);
  CHECK(counts.bytes() == 15);
  CHECK(counts.characters() == 7 + 6);  // e-acute, FF alone, and the begin of a character: one each
  CHECK(counts.added() == std::map<token_id, std::uint64_t>{{9, 2}});
  CHECK(counts.pre_tokens().size() == 4);
  CHECK(counts.pre_tokens()["ab"] == 1);
  CHECK(counts.pre_tokens()[" ab"] == 1);

  const token_counts tokens(toy{}, counts);
  std::map<token_id, std::uint64_t> expected;
  std::uint64_t total = 0;
  for (const std::string_view line : {"ab ab@c", "", "@ab\xC3\xA9\xFF\xE4\xB8"}) {
    toy{}.encode(line, [&](token_id t) {
      ++expected[t];
      ++total;
    });
  }
  for (token_id t = 0; t < 10; ++t) CHECK(tokens[t] == expected[t]);
  CHECK(tokens[-1] == 0);
  CHECK(tokens[10] == 0);
  CHECK(tokens.total() == total);
  CHECK(tokens.per().byte() == Approx(static_cast<double>(total) / 15));
  CHECK(tokens.per().character() == Approx(static_cast<double>(total) / 13));
  CHECK(tokens.per().line() == Approx(static_cast<double>(total) / 3));
  CHECK(tokens.per().bytes_per_token() == Approx(15.0 / static_cast<double>(total)));
  const token_counts none(toy{}, corpus_counts{});
  CHECK(none.per().byte() == 0);
  CHECK(none.per().bytes_per_token() == 0);
}

TEST_CASE("any split and any order of a corpus count alike", "[vocab][corpus]") {
  std::vector<std::string> lines = strings(3000, 4);
  for (std::size_t i = 0; i < lines.size(); i += 7) lines[i] += " a@b cab";
  corpus_counts whole;
  for (const auto& line : lines) whole.push_line(toy{}, line);
  for (const std::size_t shards : {1u, 2u, 3u, 17u}) {
    std::vector<corpus_counts> parts(shards);
    for (std::size_t i = lines.size(); i-- > 0;) parts[i % shards].push_line(toy{}, lines[i]);
    corpus_counts sum;
    for (const auto& p : parts) sum.merge(p);
    CHECK(sum == whole);
    const auto a = sum.pre_tokens().by_bytes(), b = whole.pre_tokens().by_bytes();
    CHECK(a == b);
  }
  corpus_counts other = whole;
  other.push_added(9);
  CHECK_FALSE(other == whole);
}

TEST_CASE("a tokenizer that does not say how it cuts sees lines whole", "[vocab][corpus]") {
  token_table tokens;
  for (token_id i = 0; i < 3; ++i)
    REQUIRE(tokens.add(i, std::string_view("abc").substr(static_cast<std::size_t>(i), 1)));
  REQUIRE(tokens.add(3, "ab"));
  auto model = bpe::make(tokens, {{0, 1, 3}});
  REQUIRE(model);
  corpus_counts counts;
  for (const auto* line : {"abcab", "abcab", "ca"}) counts.push_line(*model, line);
  CHECK(counts.pre_tokens()["abcab"] == 2);
  const token_counts found(*model, counts);
  CHECK(found.by_id() == std::vector<std::uint64_t>{1, 0, 3, 4});
}

TEST_CASE("characters are counted as they decode", "[vocab][utf8]") {
  CHECK(count_characters("") == 0);
  CHECK(count_characters("plain ascii of some length") == 26);
  CHECK(count_characters("\xC3\xA9 \xF0\x9F\x98\x80\xE4\xB8\xAD") == 4);
  for (const std::string& s : strings(400, 5)) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < s.size(); ++n) i += decode_utf8(s, i).length;
    REQUIRE(count_characters(s) == n);
  }
}
