// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::no_token;
using lagom::token_id;
using tuple = std::vector<aligned_piece>;
using tuples = std::map<tuple, std::uint64_t>;

constexpr align_policy policies[] = {align_policy::exact_cover, align_policy::containment,
                                     align_policy::overlap, align_policy::overlap_weighted};

// The source of the fact sheet's examples, and the target where (b,c) merges first.
bpe base() {
  token_table t;
  token_id next = 0;
  for (const char* text : {"a", "b", "c", "d", "ab", "cd"}) REQUIRE(t.add(next++, text));
  return *bpe::make(t, {{0, 1, 4}, {2, 3, 5}});
}
bpe prepended() {
  token_table t;
  token_id next = 0;
  for (const char* text : {"a", "b", "c", "d", "ab", "cd", "bc"}) REQUIRE(t.add(next++, text));
  return *bpe::make(t, {{1, 2, 6}, {0, 1, 4}, {2, 3, 5}});
}
constexpr token_id b = 1, c = 2, ab = 4, cd = 5, bc = 6;

tuple of(std::initializer_list<token_id> ids) {
  tuple out;
  for (const token_id id : ids) out.push_back({static_cast<source_id>(id), 1});
  return out;
}
tuples tuples_of(const alignment_counts& counts, token_id token) {
  tuples out;
  counts.for_each(static_cast<target_id>(token), [&](std::span<const aligned_piece> p, std::uint64_t n) {
    CHECK(out.emplace(tuple(p.begin(), p.end()), n).second);
  });
  return out;
}

// The row that an initializer makes of the counts: the mean over occurrences of the mean over the tuple.
std::pair<double, double> row(const tuples& counts) {
  constexpr double e[][2] = {{1, 0}, {0, 1}, {2, 2}, {-1, 1}, {3, -1}, {0, 4}, {5, 5}};
  double x = 0, y = 0, n = 0;
  for (const auto& [pieces, count] : counts) {
    double sum_x = 0, sum_y = 0, shares = 0;
    for (const aligned_piece& p : pieces) {
      sum_x += p.share * e[row_of(p.id)][0];
      sum_y += p.share * e[row_of(p.id)][1];
      shares += p.share;
    }
    if (shares == 0) continue;
    x += static_cast<double>(count) * sum_x / shares;
    y += static_cast<double>(count) * sum_y / shares;
    n += static_cast<double>(count);
  }
  return {x / n, y / n};
}

// Random cuts of `size` bytes into tokens 0 ... 5, some of them empty.
segmentation random_cuts(std::size_t size, std::uint64_t stream) {
  const lagom::philox random{5};
  std::uint64_t n = 0;
  segmentation out;
  const std::string text(size, 'x');
  for (std::size_t at = 0; at < size || random.below(4, stream, n++) == 0;) {
    const std::size_t length = std::min<std::size_t>(random.below(5, stream, n++), size - at);
    out.push(static_cast<token_id>(random.below(6, stream, n++)), std::string_view(text).substr(at, length));
    at += length;
  }
  return out;
}

// The definitions, every pair of tokens.
std::pair<tuple, bool> by_definition(align_policy policy, cuts source, std::size_t p, std::size_t q) {
  tuple out;
  bool left = p == q, right = p == q;
  for (std::size_t s = 0; s < source.ends.size(); ++s) {
    const std::size_t begin = s == 0 ? 0 : source.ends[s - 1], end = source.ends[s];
    if (begin == p) left = true;
    if (end == q) right = true;
    const std::size_t from = std::max(begin, p), to = std::min(end, q);
    if (from >= to) continue;
    const bool within = (p <= begin && end <= q) || (begin <= p && q <= end);
    if (policy == align_policy::containment && !within) continue;
    const std::size_t share = policy == align_policy::overlap_weighted ? to - from : 1;
    out.push_back({static_cast<source_id>(source.tokens[s]), static_cast<std::uint32_t>(share)});
  }
  const bool crossing = !left || !right;
  if (policy == align_policy::exact_cover && crossing) out.clear();
  return {out, crossing};
}

}  // namespace

TEST_CASE("policies give the tuples and rows of the worked example", "[vocab][align]") {
  const bpe source = base(), target = prepended();
  corpus_counts corpus;
  for (int i = 0; i < 3; ++i) corpus.push_line(source, "abcd");
  for (int i = 0; i < 2; ++i) corpus.push_line(source, "abc");
  corpus.push_line(source, "bcd");
  corpus.push_line(source, "bc");
  const auto counts = [&](align_policy policy) {
    token_set wanted;
    wanted.add(bc);
    corpus_alignment sum(policy, wanted);
    sum.push(source, target, corpus);
    CHECK(sum.streams().same == 7);
    CHECK(sum.counts().occurrences(target_id{bc}) == 7);
    CHECK(sum.counts().crossing(target_id{bc}) == 6);
    CHECK(sum.counts().crossing_share(target_id{bc}) == Approx(6.0 / 7));
    return tuples_of(sum.counts(), bc);
  };
  const auto exact = counts(align_policy::exact_cover);
  CHECK(exact == tuples{{{}, 6}, {of({b, c}), 1}});
  CHECK(row(exact) == std::pair(1.0, 1.5));
  const auto contained = counts(align_policy::containment);
  // abcd: ab|cd crosses twice and leaves nothing; abc leaves c, bcd leaves b.
  CHECK(contained == tuples{{{}, 3}, {of({c}), 2}, {of({b}), 1}, {of({b, c}), 1}});
  CHECK(row(contained) == std::pair(1.25, 1.625));
  const auto overlap = counts(align_policy::overlap);
  CHECK(overlap == tuples{{of({ab, cd}), 3}, {of({ab, c}), 2}, {of({b, cd}), 1}, {of({b, c}), 1}});
  CHECK(row(overlap).first == Approx(1.5));
  CHECK(row(overlap).second == Approx(19.0 / 14));
  const auto weighted = counts(align_policy::overlap_weighted);
  CHECK(weighted == overlap);
}

TEST_CASE("one target token over two halves", "[vocab][align]") {
  segmentation source, target;
  source.push(0, "abc");
  source.push(1, "def");
  target.push(0, "ab");
  target.push(1, "cde");
  target.push(2, "f");
  tuple scratch;
  std::map<align_policy, tuple> got;
  for (const align_policy policy : policies) {
    align(policy, source, target, scratch,
          [&](std::size_t i, std::span<const aligned_piece> p, bool crossing) {
            CHECK(crossing);
            if (i == 1) got[policy].assign(p.begin(), p.end());
          });
  }
  CHECK(got[align_policy::exact_cover].empty());
  CHECK(got[align_policy::containment].empty());
  CHECK(got[align_policy::overlap] == of({0, 1}));
  CHECK(got[align_policy::overlap_weighted] == tuple{{source_id{0}, 1}, {source_id{1}, 2}});
}

TEST_CASE("two pointers find what all pairs find", "[vocab][align]") {
  tuple scratch;
  for (std::uint64_t round = 0; round < 4000; ++round) {
    const std::size_t size = round % 23;
    const segmentation source = random_cuts(size, 2 * round), target = random_cuts(size, 2 * round + 1);
    for (const align_policy policy : policies) {
      std::size_t seen = 0, p = 0;
      align(policy, source, target, scratch,
            [&](std::size_t i, std::span<const aligned_piece> pieces, bool crossing) {
              REQUIRE(i == seen++);
              const std::size_t q = target.ends()[i];
              const auto [expected, crosses] = by_definition(policy, source, p, q);
              REQUIRE(tuple(pieces.begin(), pieces.end()) == expected);
              REQUIRE(crossing == crosses);
              p = q;
            });
      REQUIRE(seen == target.size());
    }
  }
}

TEST_CASE("where merges are appended all policies agree and nothing crosses", "[vocab][align]") {
  token_table t;
  token_id next = 0;
  for (const char* text : {"a", "b", "c", "d", "ab", "cd", "abc", "abcab", "dd"})
    REQUIRE(t.add(next++, text));
  const bpe source = base();
  const bpe target = *bpe::make(t, {{0, 1, 4}, {2, 3, 5}, {4, 2, 6}, {6, 4, 7}, {3, 3, 8}});
  corpus_counts corpus;
  const lagom::philox random{9};
  for (std::uint64_t i = 0; i < 3000; ++i) {
    std::string word(1 + random.below(9, i, 0), ' ');
    for (std::size_t j = 0; j < word.size(); ++j) word[j] = "abcd"[random.below(4, i, j + 1)];
    corpus.push_line(source, word);
  }
  corpus_alignment exact(align_policy::exact_cover), contained(align_policy::containment),
      over(align_policy::overlap), weighted(align_policy::overlap_weighted);
  for (auto* sum : {&exact, &contained, &over, &weighted}) sum->push(source, target, corpus);
  CHECK(exact.counts() == contained.counts());
  CHECK(exact.counts() == over.counts());
  CHECK(tuples_of(exact.counts(), 7) == tuples{{of({ab, c, ab}), exact.counts().occurrences(target_id{7})}});
  CHECK(tuples_of(weighted.counts(), 6).begin()->first == tuple{{source_id{ab}, 2}, {source_id{c}, 1}});
  std::size_t tokens = 0;
  exact.counts().for_each_token([&](target_id id) {
    ++tokens;
    CHECK(exact.counts().crossing(id) == 0);
    CHECK(exact.counts().entropy(id) == 0);
    CHECK(tuples_of(exact.counts(), static_cast<token_id>(id)).size() == 1);
  });
  CHECK(tokens == 9);
  // Lines and counted pre-tokens give the same value, and so do shards.
  corpus_alignment lines(align_policy::exact_cover), shards(align_policy::exact_cover);
  std::vector<corpus_alignment> parts(3, corpus_alignment(align_policy::exact_cover));
  std::size_t i = 0;
  for (const auto& [word, count] : corpus.pre_tokens().by_bytes()) {
    for (std::uint64_t k = 0; k < count; ++k) {
      lines.push_line(source, target, word);
      parts[i++ % 3].push_line(source, target, word);
    }
  }
  for (std::size_t k = 3; k-- > 0;) shards.merge(parts[k]);
  CHECK(lines == exact);
  CHECK(shards == exact);
  CHECK_FALSE(exact == contained);
}

TEST_CASE("alignment counts are a value", "[vocab][align]") {
  // Beside a map that counts the same.
  const lagom::philox random{12};
  std::map<token_id, tuples> expected;
  std::map<token_id, std::uint64_t> crossing;
  alignment_counts whole;
  std::vector<alignment_counts> parts(4);
  std::uint64_t n = 0;
  const auto below = [&](std::uint64_t limit) { return random.below(limit, 0, n++); };
  for (int i = 0; i < 20'000; ++i) {
    const auto token = static_cast<token_id>(below(30) * below(30));
    tuple pieces;
    for (std::uint64_t k = below(4); k > 0; --k) {
      pieces.push_back({static_cast<source_id>(below(4)), static_cast<std::uint32_t>(1 + below(2))});
    }
    const std::uint64_t count = below(3);
    const bool crosses = below(5) == 0;
    whole.push(static_cast<target_id>(token), pieces, count, crosses);
    parts[below(4)].push(static_cast<target_id>(token), pieces, count, crosses);
    if (count == 0) continue;
    expected[token][pieces] += count;
    crossing[token] += crosses ? count : 0;
  }
  std::vector<token_id> tokens;
  whole.for_each_token([&](target_id t) { tokens.push_back(static_cast<token_id>(t)); });
  std::vector<token_id> expected_tokens;
  for (const auto& [token, counts] : expected) {
    expected_tokens.push_back(token);
    CHECK(tuples_of(whole, token) == counts);
    std::uint64_t sum = 0, covered = 0;
    for (const auto& [pieces, count] : counts) {
      sum += count;
      covered += pieces.empty() ? 0 : count;
    }
    CHECK(whole.occurrences(target_id{token}) == sum);
    CHECK(whole.crossing(target_id{token}) == crossing[token]);
    double entropy = 0;
    for (const auto& [pieces, count] : counts) {
      const double p = static_cast<double>(count) / static_cast<double>(covered);
      if (!pieces.empty()) entropy -= p * std::log(p);
    }
    CHECK(whole.entropy(target_id{token}) == Approx(entropy).margin(1e-12));
  }
  CHECK(tokens == expected_tokens);
  tuple last;
  whole.for_each(target_id{4}, [&](std::span<const aligned_piece> p, std::uint64_t) {
    tuple here(p.begin(), p.end());
    CHECK((last.empty() || last < here));
    last = here;
  });

  alignment_counts forward, backward;
  for (std::size_t i = 0; i < 4; ++i) {
    forward.merge(parts[i]);
    backward.merge(parts[3 - i]);
  }
  CHECK(forward == whole);
  CHECK(backward == whole);
  alignment_counts twice = whole, sum = whole;
  twice.merge(twice);
  sum.merge(whole);
  CHECK(twice == sum);
  CHECK_FALSE(twice == whole);
  alignment_counts other = whole;
  other.push(target_id{0}, {}, 1, true);
  CHECK_FALSE(other == whole);
  const alignment_counts none;
  CHECK(none.empty());
  CHECK(none.occurrences(target_id{3}) == 0);
  CHECK(none.occurrences(target_id::none) == 0);
  CHECK(none.crossing_share(target_id{3}) == 0);
  CHECK(none.entropy(target_id{3}) == 0);
}

TEST_CASE("two streams become one, or are left out", "[vocab][align]") {
  const auto cut = [](std::initializer_list<std::string_view> texts) {
    segmentation out;
    token_id next = 0;
    for (const auto text : texts) out.push(next++, text);
    return out;
  };
  corpus_alignment sum(align_policy::exact_cover);
  auto one = cut({" ab", "c"}), two = cut({"a", "bc"});
  sum.push(one, two, 2);
  CHECK(sum.streams() == stream_agreement{.prefixed = 2});
  CHECK(std::vector(one.ends().begin(), one.ends().end()) == std::vector<std::size_t>{2, 3});
  one = cut({" ", "abc"});
  two = cut({"ab", "c"});
  sum.push(two, one, 1);
  CHECK(sum.streams().prefixed == 3);
  CHECK(tuples_of(sum.counts(), 1) == tuples{{{}, 2}, {of({0, 1}), 1}});
  CHECK(tuples_of(sum.counts(), 0) == tuples{{{}, 3}});  // one empty token, two that cross
  CHECK(sum.counts().crossing(target_id{0}) == 2);
  for (auto [x, y] : {std::pair(cut({"ab"}), cut({"AB"})), std::pair(cut({"  ab"}), cut({"ab"})),
                      std::pair(cut({"xab"}), cut({"ab"})), std::pair(cut({"ab "}), cut({"ab"}))}) {
    sum.push(x, y, 5);
  }
  CHECK(sum.streams() == stream_agreement{.prefixed = 3, .different = 20});
  auto nothing = cut({}), none = cut({});
  sum.push(nothing, none, 1);
  CHECK(sum.streams().same == 1);
  CHECK(sum.counts().occurrences(target_id{0}) == 3);
}

TEST_CASE("the reference counts the last occurrence of a line, and its BOS", "[vocab][align][compat]") {
  const bpe source = base(), target = prepended();
  token_set wanted;
  wanted.add(bc);
  segmentation s, t;
  const auto line = [&](std::string_view text, bool last_of_line, token_id bos) {
    s.encode(source, text);
    t.encode(target, text);
    reference_alignment sum(wanted, last_of_line);
    sum.push_line(character_offsets(text, s, {.bos = bos}), character_offsets(text, t));
    return tuples_of(sum.counts(), bc);
  };
  CHECK(line("bcabc", true, no_token) == tuples{{of({c}), 1}});
  CHECK(line("bcabc", false, no_token) == tuples{{of({b, c}), 1}, {of({c}), 1}});
  constexpr token_id bos = 6;  // of the source, with a row of its own
  const auto with_bos = line("bc", true, bos);
  CHECK(with_bos == tuples{{of({bos, b, c}), 1}});
  CHECK(row(with_bos).first == Approx(7.0 / 3));
  CHECK(row(with_bos).second == Approx(8.0 / 3));
  CHECK(line("abcd", true, no_token) == tuples{{{}, 1}});  // a token that crosses is taken by nobody
}

TEST_CASE("the reference takes what offsets in characters share", "[vocab][align][compat]") {
  // The character U+0928 as three byte tokens of the source, 10 to 12.
  segmentation source, target;
  const std::string_view text =
      "a\xE0\xA4\xA8"
      "b";
  source.push(0, "a");
  source.push(10, "\xE0");
  source.push(11, "\xA4");
  source.push(12, "\xA8");
  source.push(1, "b");
  const auto offsets = character_offsets(text, source);
  CHECK(offsets == std::vector<offset_token>{{0, 0, 1}, {10, 1, 2}, {11, 1, 2}, {12, 1, 2}, {1, 2, 3}});
  const auto wanted = token_set::all(100);
  const auto aligned = [&](token_id token, const offset_options& of_source, const offset_options& of_target) {
    reference_alignment sum(wanted);
    sum.push_line(character_offsets(text, source, of_source), character_offsets(text, target, of_target));
    return tuples_of(sum.counts(), token);
  };
  // One new token for the character: right.
  target.push(20, "a");
  target.push(21, "\xE0\xA4\xA8");
  target.push(22, "b");
  CHECK(aligned(21, {}, {}) == tuples{{of({10, 11, 12}), 1}});
  // Two new tokens that split it: both get all three bytes; by bytes they get their own.
  target.clear();
  target.push(20, "a\xE0");
  target.push(21, "\xA4\xA8");
  target.push(22, "b");
  CHECK(aligned(20, {}, {}) == tuples{{of({0, 10, 11, 12}), 1}});
  CHECK(aligned(21, {}, {}) == tuples{{of({10, 11, 12}), 1}});
  corpus_alignment exact(align_policy::exact_cover);
  exact.push(source, target, 1);
  CHECK(tuples_of(exact.counts(), 20) == tuples{{of({0, 10}), 1}});
  CHECK(tuples_of(exact.counts(), 21) == tuples{{of({11, 12}), 1}});
  // Source offsets of length zero: a new token swallows the one that begins where it ends.
  target.clear();
  target.push(20, "a");
  target.push(21, "\xE0\xA4\xA8");
  target.push(22, "b");
  CHECK(aligned(20, {.zero_length = true}, {}) == tuples{{of({0, 10, 11, 12}), 1}});
  CHECK(aligned(21, {.zero_length = true}, {}) == tuples{{of({10, 11, 12, 1}), 1}});
}

TEST_CASE("the reference takes a dummy prefix with the first character", "[vocab][align][compat]") {
  // "abc" as a tokenizer with a dummy prefix sees it: " ab", "c", and " " alone before "a", "bc".
  segmentation source, target;
  source.push(10, " ");
  source.push(11, "a");
  source.push(12, "bc");
  target.push(20, " ab");
  target.push(21, "c");
  const offset_options prefix{.dummy_prefix = true};
  CHECK(character_offsets("abc", source, prefix) ==
        std::vector<offset_token>{{10, 0, 1}, {11, 0, 1}, {12, 1, 3}});
  CHECK(character_offsets("abc", target, prefix) == std::vector<offset_token>{{20, 0, 2}, {21, 2, 3}});
  reference_alignment sum(token_set::all(30));
  sum.push_line(character_offsets("abc", source, prefix), character_offsets("abc", target, prefix));
  CHECK(tuples_of(sum.counts(), 20) == tuples{{of({10, 11}), 1}});
  // With "a" the first token and no prefix in the target: the prefix token comes along.
  target.clear();
  target.push(20, "a");
  target.push(21, "bc");
  reference_alignment other(token_set::all(30));
  other.push_line(character_offsets("abc", source, prefix), character_offsets("abc", target));
  CHECK(tuples_of(other.counts(), 20) == tuples{{of({10, 11}), 1}});
  // A BOS before it is taken too.
  reference_alignment with_bos(token_set::all(30));
  with_bos.push_line(character_offsets("abc", source, {.bos = 1, .dummy_prefix = true}),
                     character_offsets("abc", target));
  CHECK(tuples_of(with_bos.counts(), 20) == tuples{{of({1, 10, 11}), 1}});
  // By bytes, without the prefix.
  corpus_alignment exact(align_policy::exact_cover);
  exact.push(source, target, 1);
  CHECK(tuples_of(exact.counts(), 20) == tuples{{of({11}), 1}});
}

TEST_CASE("the reference's rule by window is its rule by all pairs", "[vocab][align][compat]") {
  const std::string text = "ab\xC3\xA9\xE4\xB8\xAD x\xF0\x9F\x98\x80yz";
  const lagom::philox random{21};
  for (std::uint64_t round = 0; round < 3000; ++round) {
    std::uint64_t n = 0;
    const auto below = [&](std::uint64_t limit) { return random.below(limit, round, n++); };
    const auto cut = [&](bool prefix) {
      const std::string stream = (prefix ? " " : "") + text;
      segmentation out;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t length = std::min<std::size_t>(below(5), stream.size() - at);
        out.push(static_cast<token_id>(below(6)), std::string_view(stream).substr(at, length));
        at += length;
      }
      return out;
    };
    const bool prefix_s = below(2) == 0, prefix_t = below(2) == 0;
    const auto source = character_offsets(
        text, cut(prefix_s),
        {.bos = below(2) == 0 ? 9 : no_token, .dummy_prefix = prefix_s, .zero_length = below(2) == 0});
    const auto target = character_offsets(text, cut(prefix_t), {.dummy_prefix = prefix_t});
    reference_alignment every(token_set::all(6), false), last(token_set::all(6));
    every.push_line(source, target);
    last.push_line(source, target);
    alignment_counts all;
    std::map<token_id, tuple> of_line;
    for (const offset_token& t : target) {
      tuple pieces;
      for (const offset_token& s : source) {
        if ((s.begin >= t.begin && s.end <= t.end) || (t.begin >= s.begin && t.end <= s.end)) {
          pieces.push_back({static_cast<source_id>(s.token), 1});
        }
      }
      all.push(static_cast<target_id>(t.token), pieces);
      of_line[t.token] = pieces;
    }
    REQUIRE(every.counts() == all);
    alignment_counts one_each;
    for (const auto& [token, pieces] : of_line) one_each.push(static_cast<target_id>(token), pieces);
    REQUIRE(last.counts() == one_each);
  }
}
