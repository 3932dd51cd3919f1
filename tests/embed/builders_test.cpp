// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include <set>

#include "support.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::merge_weights;
using embed::method;
using embed::plan;
using embed::reason;
using embed::several_rules;
using embed::term;
using vocab::aligned_piece;
using vocab::target_rule;

namespace {

std::vector<term> terms_of(const plan& p) { return {p.terms().begin(), p.terms().end()}; }
std::vector<term> terms_of(const plan& p, std::size_t r) { return {p.row(r).begin(), p.row(r).end()}; }

std::vector<double> row_of(const plan& p, std::size_t r, const table<double>& source) {
  const auto out = applied<double>(p, source);
  const auto first = out.data.begin() + static_cast<std::ptrdiff_t>(r) * out.cols;
  return {first, first + out.cols};
}
// Weights are floats: whatever is not a dyadic number is right to half an ulp of them.
void check_row(const plan& p, std::size_t r, const table<double>& source, std::vector<double> expected) {
  const auto found = row_of(p, r, source);
  REQUIRE(found.size() == expected.size());
  for (std::size_t c = 0; c < found.size(); ++c) CHECK(near(found[c], expected[c], 2e-7, 4));
}

void cover(expansion& e, int token, std::vector<int> ids, std::uint64_t count) {
  std::vector<aligned_piece> pieces;
  for (const int id : ids) pieces.push_back({s(id), 1});
  if (!e.alignment) e.alignment.emplace();
  e.alignment->push(t(token), pieces, count);
}

target_rule rule(int left, int right, int result) { return {t(left), t(right), t(result)}; }

// abc6, abcab7, dd8 appended.
expansion appended() {
  auto e = expand(6, {{"abc", {4, 2}}, {"abcab", {4, 2, 4}}, {"dd", {3, 3}}});
  e.rules = {rule(4, 2, 6), rule(6, 4, 7), rule(3, 3, 8)};
  return e;
}

}  // namespace

TEST_CASE("merge of appended tokens: tree and flat", "[embed][merge]") {
  const auto e = appended();
  const auto input = input_rows<double>(), head = head_rows<double>();
  const plan tree = embed::merge{}(e), flat = embed::merge{.weights = merge_weights::flat}(e);
  check_row(tree, 0, input, {2.5, 0.5});
  check_row(tree, 1, input, {11.0 / 4, -1.0 / 4});
  check_row(tree, 1, head, {6, -1});
  check_row(flat, 1, input, {8.0 / 3, 0});
  check_row(flat, 1, head, {16.0 / 3, -4.0 / 3});
  check_row(tree, 2, input, {-1, 1});
  check_row(tree, 2, head, {6, 2});
  for (std::size_t r = 0; r < 3; ++r) {
    CHECK(tree.made_by(r) == method::merge);
    CHECK(tree.convex(r));
  }
  CHECK(terms_of(flat) == terms_of(embed::mean{}(e)));
}

TEST_CASE("an unreachable token: mean, flat and tree differ", "[embed][merge]") {
  auto e = expand(6, {{"bc", {1, 2}}, {"bcd", {1, 5}}});
  e.rules = {rule(1, 2, 6), rule(6, 3, 7)};
  const auto input = input_rows<double>();
  check_row(embed::mean{}(e), 1, input, {0, 2.5});
  check_row(embed::merge{.weights = merge_weights::flat}(e), 1, input, {1.0 / 3, 4.0 / 3});
  check_row(embed::merge{}(e), 1, input, {0, 1.25});
}

TEST_CASE("several rules for a token", "[embed][merge]") {
  auto e = expand(7, {{"abc", {4, 2}}});
  e.rules = {rule(4, 2, 7), rule(0, 6, 7)};
  table<double> input(2, input_rows<double>().data);
  input.data.insert(input.data.end(), {-2, 2});
  input.rows = 7;
  check_row(embed::merge{}(e), 0, input, {1, 0.75});
  check_row(embed::merge{.several = several_rules::first}(e), 0, input, {2.5, 0.5});

  // a b c d bc; appended ab, cd, abcd by (ab, cd); the rule that fires is (abc, d), and its leaves are iso's.
  auto f = expand(5, {{"ab", {0, 1}}, {"cd", {2, 3}}, {"abcd", {0, 4, 3}}, {"abc", {0, 4}}});
  f.rules = {rule(0, 1, 5), rule(2, 3, 6), rule(5, 6, 7), rule(0, 4, 8), rule(8, 3, 7)};
  const plan first = embed::merge{merge_weights::flat, several_rules::first}(f);
  CHECK(first.row(2).size() == 4);
  const plan pieces = embed::mean{}(f);
  CHECK(terms_of(pieces, 2) == std::vector<term>{{s(0), 1.0f / 3}, {s(3), 1.0f / 3}, {s(4), 1.0f / 3}});
}

TEST_CASE("merge does not depend on the order of rules, and stands cycles and depth", "[embed][merge]") {
  const philox random{11};
  std::uint64_t n = 0;
  const auto below = [&](int limit) {
    return static_cast<int>(random.below(static_cast<std::uint64_t>(limit), 1, n++));
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<newcomer> added(20, newcomer{"", {0}});
    auto e = expand(8, added);
    for (int i = 0; i < 40; ++i) {
      const int result = 8 + below(20);
      e.rules.push_back(rule(below(result + round % 2), below(result), result));  // odd rounds: of itself too
    }
    const plan once = embed::merge{}(e);
    auto shuffled = e;
    for (std::size_t i = shuffled.rules.size(); i > 1; --i) {
      std::swap(shuffled.rules[i - 1], shuffled.rules[static_cast<std::size_t>(below(static_cast<int>(i)))]);
    }
    CHECK(embed::merge{}(shuffled) == once);
    for (std::size_t r = 0; r < once.rows(); ++r) CHECK(once.convex(r));
  }

  auto cycle = expand(2, {{"x", {0}}, {"y", {1, 1}}, {"z", {}}, {"w", {}}});
  cycle.rules = {rule(3, 0, 2), rule(2, 0, 3), rule(99, 0, 4), rule(0, -1, 5), rule(0, 1, 77)};
  const plan p = embed::merge{}(cycle);
  CHECK(p.made_by(0) == method::mean);
  CHECK(p.reason(0) == reason::no_rule);
  CHECK(p.made_by(2) == method::source_mean);
  CHECK(p.reason(3) == (reason::no_rule | reason::no_pieces | reason::no_script));

  // 3000 times (t, t): 2^3000 leaves; and a chain of 20000.
  auto deep = expand(2, std::vector<newcomer>(23'000));
  for (int i = 0; i < 3000; ++i) deep.rules.push_back(rule(i == 0 ? 0 : 1 + i, i == 0 ? 1 : 1 + i, 2 + i));
  for (int i = 3000; i < 23'000; ++i) deep.rules.push_back(rule(i == 3000 ? 0 : 1 + i, 1, 2 + i));
  for (const auto weights : {merge_weights::tree, merge_weights::flat}) {
    const plan d = embed::merge{.weights = weights}(deep);
    CHECK(d.row(2999).size() == 2);
    CHECK(d.row(2999)[0].weight == 0.5f);
    CHECK(d.sum(22'999) == Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("align by each policy's counts", "[embed][align]") {
  const auto input = input_rows<double>();
  const auto with = [](std::vector<std::pair<std::vector<int>, std::uint64_t>> tuples) {
    auto e = expand(6, {{"bc", {1, 2}}});
    for (const auto& [ids, count] : tuples) cover(e, 6, ids, count);
    return embed::align{}(e);
  };
  check_row(with({{{}, 5}, {{1, 2}, 1}}), 0, input, {1, 1.5});
  check_row(with({{{2}, 2}, {{1}, 1}, {{1, 2}, 1}}), 0, input, {1.25, 13.0 / 8});
  const plan overlap = with({{{4, 5}, 3}, {{4, 2}, 2}, {{1, 5}, 1}, {{1, 2}, 1}});
  check_row(overlap, 0, input, {1.5, 1.3571428571428572});
  CHECK(overlap.made_by(0) == method::align);
  CHECK(overlap.convex(0));
  CHECK(overlap.row(0)[0] == term{s(1), static_cast<float>(2.0 / 14)});
  CHECK(overlap.row(0)[2] == term{s(4), static_cast<float>(5.0 / 14)});

  auto shares = expand(6, {{"cde", {}}});
  shares.alignment.emplace().push(t(6), std::vector<aligned_piece>{{s(0), 1}, {s(1), 2}});
  const plan weighted = embed::align{}(shares);
  CHECK(weighted.row(0)[0] == term{s(0), static_cast<float>(1.0 / 3)});
  CHECK(weighted.row(0)[1] == term{s(1), static_cast<float>(2.0 / 3)});

  // iso(t) as one more tuple, as often as the most frequent; alone where there is none.
  auto considered = expand(6, {{"bc", {1, 2}}, {"dd", {3, 3}}});
  cover(considered, 6, {4}, 3);
  cover(considered, 6, {5}, 1);
  const plan c = embed::align{.consider_mean = true}(considered);
  CHECK(terms_of(c, 0) ==
        std::vector<term>{{s(1), 1.5f / 7}, {s(2), 1.5f / 7}, {s(4), 3.0f / 7}, {s(5), 1.0f / 7}});
  CHECK(c.row(1)[0] == term{s(3), 1});
  CHECK(c.made_by(1) == method::align);
}

TEST_CASE("script Gaussians of Unigram and scored vocabularies", "[embed][script_gaussian]") {
  // Two scripts, at the begin of a word and inside; the new tokens are of both.
  const std::string mark = "\xE2\x96\x81", zhe = "\xD0\xB6", de = "\xD0\xB4", ka = "\xD0\xBA";
  const std::vector<std::string> texts{"<unk>",    mark, "a", "b",        mark + "a",
                                       mark + "b", zhe,  de,  mark + zhe, mark + de};
  const std::vector<std::pair<std::string, std::uint64_t>> corpus{
      {mark + "abab", 30}, {mark + "ba" + "ba", 20}, {mark + zhe + de + zhe + de, 30}, {mark + de + ka, 25}};
  std::vector<lagom::vocab::unigram_piece> pieces;
  std::vector<lagom::vocab::scored_piece> scored;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const float score = -1 - static_cast<float>(i) / 8;
    pieces.push_back({texts[i], i == 0 ? 0.0f : score, i > 0});
    scored.push_back({texts[i], i == 0 ? 0.0f : score, i > 0});
  }
  const auto unigram = lagom::vocab::append_unigram(pieces, {.unk = 0}, corpus, {.tokens = 8});
  const auto pairs = lagom::vocab::append_scored({scored, 0}, corpus, {{.tokens = 8}});
  REQUIRE(unigram);
  REQUIRE(pairs);
  const auto cyrillic = [](std::string_view bytes) { return bytes.find('\xD0') != std::string_view::npos; };
  table<double> source(10, 3);
  source.data = normal<double>(30, 1);
  for (const expansion* e : {&unigram->change, &pairs->change}) {
    REQUIRE(e->rows() >= 4);
    const plan p = embed::script_gaussian{.deviation = 0}(*e);
    std::size_t slavic = 0, first = 0;
    for (std::size_t r = 0; r < p.rows(); ++r) {
      const std::string_view bytes = e->bytes_of(r);
      slavic += cyrillic(bytes) ? 1u : 0u;
      first += bytes[0] == ' ' ? 1u : 0u;
      CHECK(p.tag_of(r) == embed::tag{method::script_gaussian, reason::none});
      // The mean of the source's pieces of the same kind.
      std::vector<double> mean(3);
      double n = 0;
      for (std::size_t id = 2; id < texts.size(); ++id) {
        const bool begins = texts[id].rfind(mark, 0) == 0;
        if (cyrillic(texts[id]) != cyrillic(bytes) || begins != (bytes[0] == ' ')) continue;
        ++n;
        for (index_t c = 0; c < 3; ++c)
          mean[static_cast<std::size_t>(c)] += source.at(static_cast<index_t>(id), c);
      }
      REQUIRE(n == 2);
      for (double& x : mean) x /= n;
      check_row(p, r, source, mean);
    }
    CHECK(slavic > 0);
    CHECK(slavic < p.rows());
    CHECK(first > 0);
    // A character that the source loses has no pieces, and its script all the same.
    bool lost = false;
    const plan chain = embed::mean{}(*e);
    for (std::size_t r = 0; r < p.rows(); ++r) {
      if (!e->pieces[r].empty()) continue;
      lost = true;
      CHECK(chain.tag_of(r) == embed::tag{method::script_gaussian, reason::no_pieces});
    }
    CHECK(lost);
  }
}

TEST_CASE("an aligned corpus without the token is no missing corpus", "[embed][align]") {
  auto e = expand(3, {{"bc", {1, 2}}, {"cc", {2, 2}}});
  e.rules = {rule(2, 1, 3)};
  const plan never = embed::align{}(e);
  CHECK(never.tag_of(0) == embed::tag{method::mean, reason::not_aligned});
  CHECK(never.tag_of(1) == embed::tag{method::mean, reason::not_aligned});
  e.alignment.emplace();
  const plan none = embed::align{}(e);
  CHECK(none.tag_of(0) == embed::tag{method::merge, reason::unseen});
  CHECK(none.tag_of(1) == embed::tag{method::mean, reason::unseen | reason::no_rule});
  cover(e, 4, {1}, 1);
  const plan other = embed::align{}(e);
  CHECK(other.tag_of(0) == none.tag_of(0));
  CHECK(other.tag_of(1) == embed::tag{method::align, reason::none});
  CHECK(embed::align{.consider_mean = true}(e).tag_of(0) == embed::tag{method::align, reason::none});
}

TEST_CASE("the back-off of align keeps its reasons", "[embed][align]") {
  auto e =
      expand(3, {{"ab", {0, 1}}, {"bc", {1, 2}}, {"cc", {2, 2}}, {" \xD0\xB6", {}}, {"?", {}}, {"", {}}});
  e.source_bytes.push_back(std::string(" \xD0\xB0"));
  e.source_bytes.push_back(std::string(" \xD0\xB1"));
  e.source_bytes.push_back(std::string("!"));
  e.rules = {rule(1, 2, 4)};
  cover(e, 3, {0, 1}, 2);
  cover(e, 4, {}, 2);
  const plan p = embed::align{}(e);
  CHECK(p.tag_of(0) == embed::tag{method::align, reason::none});
  CHECK(p.tag_of(1) == embed::tag{method::merge, reason::never_covered});
  CHECK(p.tag_of(2) == embed::tag{method::mean, reason::unseen | reason::no_rule});
  CHECK(p.tag_of(3) ==
        embed::tag{method::script_gaussian, reason::unseen | reason::no_rule | reason::no_pieces});
  CHECK(p.tag_of(4) == embed::tag{method::source_mean, reason::unseen | reason::no_rule | reason::no_pieces |
                                                           reason::few_members});
  CHECK(p.tag_of(5) == embed::tag{method::source_mean,
                                  reason::unseen | reason::no_rule | reason::no_pieces | reason::no_script});
  REQUIRE(p.groups() == 2);
  CHECK(std::vector(p.group(1).begin(), p.group(1).end()) == std::vector{s(0), s(1)});
  CHECK(p.gaussians(3)[0] == embed::gaussian{.group = 1, .ddof = 1, .stream = t(6)});
  // Two equal rows have no deviation: the draw is their mean.
  check_row(p, 3, table<double>(2, {1, 2, 1, 2, 9, 9}), {1, 2});

  std::string names;
  embed::for_each_reason(p.reason(4), [&](reason one) { names += std::string(embed::name(one)) + " "; });
  CHECK(names == "unseen no_rule no_pieces few_members ");
  CHECK(embed::name(p.made_by(3)) == "script_gaussian");

  // Not aligned at all: what appending gives.
  auto plain = appended();
  const plan q = embed::align{}(plain);
  CHECK(q.tag_of(1) == embed::tag{method::mean, reason::not_aligned});
  CHECK(terms_of(q) == terms_of(embed::mean{}(plain)));
}

TEST_CASE("kinds of tokens: script and place in the word", "[embed][script_gaussian]") {
  using lagom::script;
  const auto kind = [](script of, int initial) { return 2 * static_cast<int>(of) + initial; };
  CHECK(embed::script_kind(" the") == kind(script::latin, 1));
  CHECK(embed::script_kind("the") == kind(script::latin, 0));
  CHECK(embed::script_kind("\xE0\xA6\x95") == kind(script::bengali, 0));
  CHECK(embed::script_kind(" \xD0\xB6x\xD0\xB6") == kind(script::cyrillic, 1));
  CHECK(embed::script_kind("12!") == kind(script::common, 0));
  CHECK(embed::script_kind("") == -1);
  CHECK(embed::script_kind("\x80") == -1);

  auto e = expand(4, {{"c", {}}, {" c", {}}, {"7", {}}});
  for (const std::string bytes : {"a", "b", " a", "9"}) e.source_bytes.push_back(bytes);
  const plan p = embed::script_gaussian{}(e);
  CHECK(p.made_by(0) == method::script_gaussian);
  CHECK(p.reason(1) == reason::few_members);
  CHECK(p.reason(2) == reason::few_members);
  // sigma with divisor n - 1 of rows 0 and 1
  const table<double> source(1, {1, 3, 100, 200});
  const auto z = embed::standard_normal(42, t(4), 0).even;
  check_row(p, 0, source, {2 + std::sqrt(2.0) * z});
}

TEST_CASE("weights by place", "[embed][subword]") {
  auto e = expand(6, {{"abc", {4, 2, 4}}, {"c", {2}}, {"", {}}});
  const auto weights = [&](embed::piece_weights w) {
    const plan p = embed::subword{w}(e);
    CHECK(p.made_by(2) == method::source_mean);
    CHECK(p.row(1)[0] == term{s(2), 1});
    return terms_of(p, 0);
  };
  using embed::piece_weights;
  CHECK(weights(piece_weights::sum) == std::vector<term>{{s(2), 1}, {s(4), 2}});
  CHECK(weights(piece_weights::first) == std::vector<term>{{s(4), 1}});
  CHECK(weights(piece_weights::last) == std::vector<term>{{s(4), 1}});
  e.pieces.clear();
  for (const auto& row : {std::vector{s(4), s(2), s(0)}, std::vector{s(2)}, std::vector<source_id>{}}) {
    e.pieces.push_back(row);
  }
  using embed::subword;
  CHECK(weights(subword::first_last_input) == std::vector<term>{{s(0), 1}});
  CHECK(weights(subword::first_last_head) == std::vector<term>{{s(4), 1}});
  CHECK(weights(subword::weighted_mean_input) ==
        std::vector<term>{{s(0), 0.5f}, {s(2), 2.0f / 6}, {s(4), 1.0f / 6}});
  CHECK(weights(subword::weighted_mean_head) ==
        std::vector<term>{{s(0), 1.0f / 6}, {s(2), 2.0f / 6}, {s(4), 0.5f}});
  CHECK(!embed::subword{}(e).convex(0));
}

TEST_CASE("what the vocabularies share is copied", "[embed]") {
  expansion e;  // a replacement: three target tokens, the second is source token 4
  e.source_size = 6;
  e.target_size = 3;
  e.wanted = {t(0), t(1), t(2)};
  e.same = {source_id::none, s(4), source_id::none};
  for (const char* bytes : {"bc", "ab", "abbc"}) e.bytes.push_back(std::string(bytes));
  for (const auto& ids : {std::vector{s(1), s(2)}, std::vector{s(0)}, std::vector{s(4), s(1), s(2)}}) {
    e.pieces.push_back(ids);
  }
  e.rules = {rule(1, 0, 2), rule(2, 2, 1)};
  for (const plan& p :
       {embed::mean{}(e), embed::random{}(e), embed::source_mean{}(e), embed::zero{}(e), embed::merge{}(e),
        embed::align{}(e), embed::subword{}(e), embed::script_gaussian{}(e)}) {
    CHECK(p.made_by(1) == method::copy);
    CHECK(terms_of(p, 1) == std::vector<term>{{s(4), 1}});
  }
  const plan merged = embed::merge{}(e);
  CHECK(merged.made_by(0) == method::mean);
  CHECK(merged.made_by(2) == method::mean);  // (ab, bc): bc has no rule
  CHECK(embed::zero{}(e).row(0).empty());
  CHECK(embed::source_mean{}(e).gaussians(2)[0] == embed::gaussian{.deviation = 0, .stream = t(2)});
}

namespace {

// Random merges over a b c; `old` of them make the source, the rest is appended, and makes new tokens only.
struct model_pair {
  vocab::token_table tokens;
  std::vector<vocab::merge> merges;
  std::size_t old = 0;
  int source_size = 0;
};
model_pair random_pair(std::uint64_t seed) {
  const philox random{seed};
  std::uint64_t n = 0;
  model_pair out;
  for (const char* letter : {"a", "b", "c"})
    REQUIRE(out.tokens.add(static_cast<token_id>(out.tokens.size()), letter));
  while (out.merges.size() < 24) {
    if (out.merges.size() == 10) {
      out.old = 10;
      out.source_size = static_cast<int>(out.tokens.size());
    }
    const auto size = static_cast<std::uint64_t>(out.tokens.size());
    const auto left = static_cast<token_id>(random.below(size, 0, n++));
    const auto right = static_cast<token_id>(random.below(size, 0, n++));
    const std::string joined = std::string(out.tokens[left]) + std::string(out.tokens[right]);
    if (joined.size() > 12 || out.tokens.find(joined) != no_token) continue;
    REQUIRE(out.tokens.add(static_cast<token_id>(size), joined));
    out.merges.push_back({left, right, static_cast<token_id>(size)});
  }
  return out;
}
std::vector<int> encode(const vocab::bpe& model, std::string_view text) {
  std::vector<int> ids;
  model.encode_piece(text, [&](token_id id) { ids.push_back(id); });
  return ids;
}

}  // namespace

TEST_CASE("under appended merges align is mean, and flat merge where tokens are reached", "[embed][align]") {
  std::size_t aligned = 0, reached = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    const model_pair pair = random_pair(seed);
    const std::vector<vocab::merge> first(pair.merges.begin(), pair.merges.begin() + 10);
    const auto source = vocab::bpe::make(pair.tokens, first);
    const auto target = vocab::bpe::make(pair.tokens, pair.merges);
    REQUIRE(source);
    REQUIRE(target);
    std::vector<newcomer> added;
    for (int id = pair.source_size; id < static_cast<int>(pair.tokens.size()); ++id) {
      const std::string bytes(pair.tokens[id]);
      added.push_back({bytes, encode(*source, bytes)});
    }
    auto e = expand(pair.source_size, added);
    for (std::size_t i = pair.old; i < pair.merges.size(); ++i) {
      e.rules.push_back(rule(pair.merges[i].left, pair.merges[i].right, pair.merges[i].result));
    }
    // The corpus: random words; what a target token covers there, found by its bytes.
    const philox random{seed};
    std::uint64_t n = 0;
    for (int word = 0; word < 60; ++word) {
      std::string text;
      for (std::uint64_t i = 0, length = 1 + random.below(30, 2, n++); i < length; ++i) {
        text += "abc"[random.below(3, 2, n++)];
      }
      const auto from = encode(*source, text), to = encode(*target, text);
      std::size_t at = 0, begin = 0;
      for (const int token : to) {
        const std::size_t end = begin + pair.tokens[token].size();
        std::vector<int> covered;
        for (std::size_t here = begin; here < end; ++at) {
          covered.push_back(from[at]);
          here += pair.tokens[from[at]].size();
          REQUIRE(here <= end);  // nothing crosses
        }
        if (token >= pair.source_size) cover(e, token, covered, 1);
        begin = end;
      }
    }
    if (!e.alignment) continue;
    const plan align = embed::align{}(e), mean = embed::mean{}(e),
               flat = embed::merge{merge_weights::flat}(e);
    for (std::size_t r = 0; r < align.rows(); ++r) {
      const auto same_rows = [&](const plan& p) {
        return std::equal(
            p.row(r).begin(), p.row(r).end(), mean.row(r).begin(), mean.row(r).end(),
            [](const term& x, const term& y) { return x.id == y.id && near(x.weight, y.weight, 1e-6); });
      };
      if (align.made_by(r) == method::align) {
        ++aligned;
        CHECK(same_rows(align));
      }
      if (encode(*target, pair.tokens[static_cast<token_id>(e.wanted[r])]).size() == 1) {
        ++reached;
        CHECK(same_rows(flat));
      }
    }
  }
  CHECK(aligned > 50);
  CHECK(reached > 50);
}

TEST_CASE("names of source tokens do not matter", "[embed]") {
  // A replacement, so that ids are free; then the source's tokens are numbered otherwise, and its rows with them.
  constexpr int source_size = 12, target_size = 20;
  const philox random{31};
  for (std::uint64_t round = 0; round < 20; ++round) {
    std::uint64_t n = 0;
    const auto below = [&](int limit) {
      return static_cast<int>(random.below(static_cast<std::uint64_t>(limit), round, n++));
    };
    std::vector<int> renamed(source_size);
    for (int i = 0; i < source_size; ++i) renamed[static_cast<std::size_t>(i)] = i;
    for (int i = source_size; i > 1; --i) {
      std::swap(renamed[static_cast<std::size_t>(i - 1)], renamed[static_cast<std::size_t>(below(i))]);
    }
    const auto name = [&](int id) { return s(renamed[static_cast<std::size_t>(id)]); };
    expansion a, b;
    a.source_size = b.source_size = source_size;
    a.target_size = b.target_size = target_size;
    a.alignment.emplace();
    b.alignment.emplace();
    table<double> source(source_size, 5), moved(source_size, 5);
    source.data = normal<double>(source.data.size(), round);
    std::vector<std::string> bytes(source_size);
    for (int i = 0; i < source_size; ++i) {
      bytes[static_cast<std::size_t>(i)] = i % 3 == 0 ? "\xD0\xB6" : "a";
      for (index_t c = 0; c < 5; ++c) moved.view()(renamed[static_cast<std::size_t>(i)], c) = source.at(i, c);
    }
    for (int i = 0; i < source_size; ++i) {
      a.source_bytes.push_back(bytes[static_cast<std::size_t>(i)]);
      const auto was = std::find(renamed.begin(), renamed.end(), i) - renamed.begin();
      b.source_bytes.push_back(bytes[static_cast<std::size_t>(was)]);
    }
    for (int i = 0; i < target_size; ++i) {
      const bool shared = below(3) == 0;
      const int same = below(source_size);
      a.wanted.push_back(t(i));
      b.wanted.push_back(t(i));
      a.same.push_back(shared ? s(same) : source_id::none);
      b.same.push_back(shared ? name(same) : source_id::none);
      std::vector<source_id> pieces, renamed_pieces;
      for (int k = below(4); k > 0; --k) {
        const int id = below(source_size);
        pieces.push_back(s(id));
        renamed_pieces.push_back(name(id));
      }
      a.pieces.push_back(pieces);
      b.pieces.push_back(renamed_pieces);
      a.bytes.push_back(std::string(below(2) == 0 ? "b" : ""));
      b.bytes.push_back(a.bytes[static_cast<std::size_t>(i)]);
      if (i > 0 && below(2) == 0) a.rules.push_back(rule(below(i), below(i), i));
      if (below(3) == 0) {
        const int first = below(source_size), second = below(source_size);
        a.alignment->push(t(i), std::vector<aligned_piece>{{s(first), 1}, {s(second), 2}}, 3);
        b.alignment->push(t(i), std::vector<aligned_piece>{{name(first), 1}, {name(second), 2}}, 3);
      }
    }
    b.rules = a.rules;
    const auto agree = [&](const auto& initializer) {
      const plan p = initializer(a), q = initializer(b);
      const auto one = applied<double>(p, source), other = applied<double>(q, moved);
      for (std::size_t i = 0; i < one.data.size(); ++i) CHECK(near(one.data[i], other.data[i], 1e-6, 4));
      for (std::size_t r = 0; r < p.rows(); ++r) CHECK(p.tag_of(r) == q.tag_of(r));
    };
    agree(embed::random{});
    agree(embed::mean{});
    agree(embed::merge{});
    agree(embed::merge{merge_weights::flat, several_rules::first});
    agree(embed::align{});
    agree(embed::script_gaussian{});
  }
}
