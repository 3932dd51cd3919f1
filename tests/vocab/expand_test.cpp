// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::errc;
using lagom::no_token;
using lagom::token_id;

// B0 of the hand-checked examples.
bpe base() {
  auto tokens = table({"a", "b", "c", "d", "ab", "cd"});
  auto merges = merges_of(tokens, {{"a", "b"}, {"c", "d"}});
  return model_of(std::move(tokens), std::move(merges));
}

// Random merge lists over the letters a, b, c, d: every merge makes a token that was not there.
struct random_merges {
  token_table tokens = table({"a", "b", "c", "d"});
  std::vector<merge> merges{};

  void add(chooser& choose, int n, std::size_t longest = 12, bool may_repeat = false) {
    for (int i = 0; i < n; ++i) {
      const auto size = static_cast<std::size_t>(tokens.size());
      const auto left = static_cast<token_id>(choose.below(size)),
                 right = static_cast<token_id>(choose.below(size));
      const std::string joined = std::string(tokens[left]) + std::string(tokens[right]);
      if (joined.size() > longest) continue;
      const token_id known = tokens.find(joined);
      if (known != no_token && !may_repeat) continue;
      const bool again = std::any_of(merges.begin(), merges.end(),
                                     [&](const merge& m) { return m.left == left && m.right == right; });
      if (again) continue;
      if (known == no_token) REQUIRE(tokens.add(static_cast<token_id>(size), joined));
      merges.push_back({left, right, tokens.find(joined)});
    }
  }
};

std::string random_word(chooser& choose, std::size_t longest) {
  std::string out;
  const std::size_t length = 1 + choose.below(longest);
  for (std::size_t i = 0; i < length; ++i) out += "abcd"[choose.below(4)];
  return out;
}

std::vector<std::size_t> ends_of(const bpe& model, const ids_t& ids) {
  std::vector<std::size_t> out;
  std::size_t at = 0;
  for (const token_id t : ids) out.push_back(at += model.bytes_of(t).size());
  return out;
}

// Continued BPE by its definition: everything is counted again for every token.
std::vector<learned_token> by_definition(const bpe& source, const corpus_t& corpus, std::size_t tokens,
                                         std::uint64_t min_gain) {
  std::vector<std::pair<ids_t, std::uint64_t>> words;
  for (const auto& [piece, count] : corpus) words.emplace_back(encode(source, piece), count);
  std::map<token_id, std::string> texts;
  std::map<std::string, token_id> ids;
  for (token_id t = 0; t < source.size(); ++t) {
    texts[t] = std::string(source.bytes_of(t));
    ids[texts[t]] = t;
  }
  std::vector<learned_token> out;
  while (out.size() < tokens) {
    std::map<std::pair<token_id, token_id>, std::uint64_t> counts;
    for (const auto& [word, count] : words) {
      std::map<std::pair<token_id, token_id>, std::size_t> taken;  // end of the last place counted
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        const auto pair = std::pair(word[i], word[i + 1]);
        if (const auto last = taken.find(pair); last != taken.end() && last->second > i) continue;
        taken[pair] = i + 2;
        counts[pair] += count;
      }
    }
    std::uint64_t best_count = 0;
    std::pair<token_id, token_id> best;
    for (const auto& [pair, count] : counts) {
      if (ids.contains(texts[pair.first] + texts[pair.second])) continue;
      const bool ahead =
          std::pair(texts[pair.first], texts[pair.second]) < std::pair(texts[best.first], texts[best.second]);
      if (count > best_count || (count == best_count && ahead)) {
        best = pair;
        best_count = count;
      }
    }
    if (best_count < std::max<std::uint64_t>(1, min_gain)) break;
    learned_token t{.id = static_cast<token_id>(static_cast<std::size_t>(source.size()) + out.size()),
                    .text = texts[best.first] + texts[best.second],
                    .left = best.first,
                    .right = best.second,
                    .gain = best_count};
    texts[t.id] = t.text;
    ids[t.text] = t.id;
    for (auto& [word, count] : words) {
      ids_t merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here = i + 1 < word.size() && word[i] == best.first && word[i + 1] == best.second;
        merged.push_back(here ? t.id : word[i]);
        if (here) ++i;
      }
      word = std::move(merged);
    }
    out.push_back(t);
  }
  return out;
}

void check_same(const std::vector<learned_token>& found, const std::vector<learned_token>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, expected[i].text, found[i].text);
    CHECK(found[i].id == expected[i].id);
    CHECK(found[i].text == expected[i].text);
    CHECK(found[i].left == expected[i].left);
    CHECK(found[i].right == expected[i].right);
    CHECK(found[i].gain == expected[i].gain);
  }
}

struct by_letters_a {  // pieces begin where an "a" does
  const bpe* model;
  void pre_tokenize(std::string_view text, auto&& sink) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('a', at + 1), text.size());
      sink(pre_token{.text = text.substr(at, end - at)});
      at = end;
    }
    if (text.size() > 6) sink(pre_token{.added = 7});
  }
  void encode_piece(std::string_view piece, auto&& sink) const { model->encode_piece(piece, sink); }
  void encode(std::string_view text, auto&& sink) const {
    pre_tokenize(text, [&](const pre_token& p) { encode_piece(p.text, sink); });
  }
  [[nodiscard]] std::string_view bytes_of(token_id t) const { return model->bytes_of(t); }
  [[nodiscard]] lagom::index_t size() const { return model->size(); }
};

}  // namespace

TEST_CASE("continued BPE prices a token by what it saves", "[vocab][expand]") {
  auto source = model_of(table({"a", "b", "c"}), {});
  const corpus_t corpus = {{"abab", 5}, {"abc", 3}, {"cab", 2}};
  auto learned = continue_bpe(source, corpus, {.tokens = 3});
  REQUIRE(learned);
  CHECK(learned->tokens_before == 35);
  REQUIRE(learned->tokens.size() == 3);
  CHECK(learned->tokens[0].text == "ab");
  CHECK(learned->tokens[0].gain == 15);
  CHECK(learned->tokens[1].text == "abab");
  CHECK(learned->tokens[1].gain == 5);
  CHECK(learned->tokens[2].text == "abc");
  CHECK(learned->tokens[2].gain == 3);

  // "aaa" holds (a, a) twice, and merging saves one token.
  learned = continue_bpe(source, corpus_t{{"aaa", 4}, {"bc", 5}}, {.tokens = 9});
  REQUIRE(learned);
  REQUIRE(learned->tokens.size() == 3);
  CHECK(learned->tokens[0].text == "bc");
  CHECK(learned->tokens[1].text == "aa");
  CHECK(learned->tokens[1].gain == 4);
  CHECK(learned->tokens[2].text == "aaa");
  CHECK(learned->end == learning_end::no_pairs);
}

TEST_CASE("continued BPE is what its definition says", "[vocab][expand]") {
  chooser choose{{11}};
  std::size_t learned_tokens = 0;
  for (int round = 0; round < 80; ++round) {
    random_merges source;
    source.add(choose, 8);
    const bpe model = model_of(source.tokens, source.merges);
    corpus_t corpus;
    for (int i = 0; i < 40; ++i) corpus.emplace_back(random_word(choose, 14), choose.below(6));
    for (int i = 0; i < 4; ++i)
      corpus.emplace_back(std::string(1 + choose.below(9), 'a'), 1 + choose.below(3));
    const std::size_t tokens = 1 + choose.below(60);
    const std::uint64_t min_gain = choose.below(4);
    auto found = continue_bpe(model, corpus, {.tokens = tokens, .min_gain = min_gain});
    REQUIRE(found);
    check_same(found->tokens, by_definition(model, corpus, tokens, min_gain));
    learned_tokens += found->tokens.size();
    // The first k tokens are what a run for k learns.
    auto fewer = continue_bpe(model, corpus, {.tokens = tokens / 2, .min_gain = min_gain});
    REQUIRE(fewer);
    found->tokens.resize(std::min(found->tokens.size(), tokens / 2));
    check_same(fewer->tokens, found->tokens);
  }
  CHECK(learned_tokens > 1000);
}

TEST_CASE("appended merges only coarsen, and a target token covers one tuple", "[vocab][expand]") {
  chooser choose{{5}};
  std::size_t tokens = 0, occurrences = 0, reachable = 0, unreachable = 0, flat_differs = 0;
  for (int round = 0; round < 150; ++round) {
    random_merges source;
    source.add(choose, 10);
    random_merges target = source;
    target.add(choose, 14);
    const bpe s = model_of(source.tokens, source.merges), t = model_of(target.tokens, target.merges);
    for (int i = 0; i < 40; ++i) {
      const std::string word = random_word(choose, 30);
      const ids_t fine = encode(s, word), coarse = encode(t, word);
      const auto fine_ends = ends_of(s, fine), coarse_ends = ends_of(t, coarse);
      // Every end of a target token is an end of a source token.
      REQUIRE(std::includes(fine_ends.begin(), fine_ends.end(), coarse_ends.begin(), coarse_ends.end()));
      std::size_t at = 0;
      for (std::size_t k = 0; k < coarse.size(); ++k) {
        ids_t under;
        while (at < fine.size() && fine_ends[at] <= coarse_ends[k]) under.push_back(fine[at++]);
        ++tokens;
        if (coarse[k] < s.size()) {
          CHECK(under == ids_t{coarse[k]});  // an old token keeps its meaning
          continue;
        }
        ++occurrences;
        CHECK(under == encode(s, t.bytes_of(coarse[k])));  // one decomposition: iso
      }
    }
    // Flat Merge, the leaves of a token's rule, is iso for every token that is reachable.
    std::map<token_id, ids_t> leaves;
    for (token_id id = 0; id < s.size(); ++id) leaves[id] = {id};
    for (std::size_t r = source.merges.size(); r < target.merges.size(); ++r) {
      const merge& m = target.merges[r];
      ids_t& out = leaves[m.result];
      out = leaves[m.left];
      out.insert(out.end(), leaves[m.right].begin(), leaves[m.right].end());
      const bool equal = out == encode(s, t.bytes_of(m.result));
      if (encode(t, t.bytes_of(m.result)) == ids_t{m.result}) {
        ++reachable;
        CHECK(equal);
      } else {
        ++unreachable;
        flat_differs += equal ? 0 : 1;
      }
    }
  }
  CHECK(tokens > 20000);
  CHECK(occurrences > 200);
  CHECK(reachable > 300);
  CHECK(unreachable > 100);
  CHECK(flat_differs > 100);  // and the test can tell
}

TEST_CASE("an expansion by continued BPE keeps the append theorem and says what it did", "[vocab][expand]") {
  chooser choose{{21}};
  std::size_t total = 0;
  for (int round = 0; round < 60; ++round) {
    random_merges source;
    source.add(choose, 8);
    const bpe s = model_of(source.tokens, source.merges);
    corpus_t corpus;
    for (int i = 0; i < 60; ++i) corpus.emplace_back(random_word(choose, 16), 1 + choose.below(5));
    auto more = expand(s, corpus, {{.tokens = 30}});
    REQUIRE(more);
    total += more->tokens.size();
    CHECK(more->appended);
    CHECK(more->unreachable() == 0);
    CHECK(more->corpus.crossing == 0);
    CHECK(more->corpus.unmeasured == 0);
    std::uint64_t gains = 0;
    for (const auto& t : more->tokens) gains += t.gain;
    CHECK(more->corpus.source_tokens - more->corpus.target_tokens == gains);
    const expansion& change = more->change;
    REQUIRE(change.rows() == more->tokens.size());
    CHECK(change.source_size == s.size());
    CHECK(change.target_size == more->model.size());
    CHECK(change.rules.size() == change.rows());
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(change.target_size));
    for (const auto& [piece, count] : corpus) {
      for (const token_id t : encode(more->model, piece)) counts[static_cast<std::size_t>(t)] += count;
    }
    CHECK(change.counts == counts);
    for (std::size_t r = 0; r < change.rows(); ++r) {
      const new_token& t = more->tokens[r];
      CHECK(row_of(change.wanted[r]) == static_cast<std::size_t>(t.id));
      CHECK(change.same_as(r) == source_id::none);
      CHECK(change.bytes_of(r) == t.text);
      ids_t iso;
      for (const source_id id : change.pieces[r]) iso.push_back(static_cast<token_id>(id));
      CHECK(iso == encode(s, t.text));
      CHECK(more->model.merges()[s.merges().size() + r].result == t.id);
    }
    CHECK(change.same[0] == source_id{0});
  }
  CHECK(total > 1000);
}

TEST_CASE("appended tokens with several rules: only the rule that fires counts", "[vocab][expand]") {
  // iso(abcd) is a|bc|d, while the leaves of the first rule are a, b, c, d.
  const auto tokens = table({"a", "b", "c", "d", "bc", "ab", "cd", "abcd", "abc"});
  const bpe source = model_of(table({"a", "b", "c", "d", "bc"}), {{1, 2, 4}});
  const bpe target = model_of(
      tokens,
      merges_of(tokens, {{"b", "c"}, {"a", "b"}, {"c", "d"}, {"ab", "cd"}, {"a", "bc"}, {"abc", "d"}}));
  CHECK(spelled(source, "abcd") == "a|bc|d");
  CHECK(spelled(target, "abcd") == "abcd");
  // What is learned has one rule: the second one is passed over although it would save tokens.
  const bpe letters = model_of(table({"a", "b", "c"}), {});
  auto learned =
      continue_bpe(letters, corpus_t{{"ab", 9}, {"abc", 4}, {"bc", 3}}, {.tokens = 9, .min_gain = 1});
  REQUIRE(learned);
  for (std::size_t i = 0; i < learned->tokens.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(learned->tokens[i].text != learned->tokens[j].text);
  }
}

TEST_CASE("a merge that makes an old token would let it grow, so none is learned", "[vocab][expand]") {
  const auto tokens = table({"x", "y", "z", "xyz", "xy"});
  const bpe source = model_of(table({"x", "y", "z", "xyz"}), {});
  CHECK(spelled(source, "xyz") == "x|y|z");
  CHECK(spelled(model_of(tokens, merges_of(tokens, {{"x", "y"}, {"xy", "z"}})), "xyz") == "xyz");
  auto more = expand(source, corpus_t{{"xyz", 10}}, {{.tokens = 5}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 1);
  CHECK(more->tokens[0].text == "xy");
  CHECK(spelled(more->model, "xyz") == "xy|z");
  CHECK(more->end == learning_end::no_pairs);
}

TEST_CASE("whole words that a model looks up stay whole", "[vocab][expand]") {
  const auto tokens = table({"a", "b", "c", "abc"});
  const bpe source = model_of(tokens, {}, {.ignore_merges = true});
  CHECK(spelled(source, "abc") == "abc");
  auto more = expand(source, corpus_t{{"abc", 10}, {"abcb", 5}}, {{.tokens = 5}});
  REQUIRE(more);
  CHECK(more->model.options().ignore_merges);
  CHECK(spelled(more->model, "abc") == "abc");
  CHECK(more->corpus.crossing == 0);
  CHECK(more->corpus.source_tokens == 10 + 20);
  for (const auto& t : more->tokens) CHECK(t.reachable);
  // Only one side looks words up: the theorem is gone. "abc" is one token for the source and a|b|c without.
  const bpe target = model_of(tokens, {});
  const auto change = compare_tokenizations(source, target, corpus_t{{"abc", 1}});
  CHECK(change.crossing == 3);
}

TEST_CASE("characters of a byte-fallback model replace their bytes, and merge", "[vocab][expand]") {
  token_table tokens = table({"<unk>", "a", "b", "\xE2\x96\x81",
                              "\xE2\x96\x81"
                              "a"});
  for (token_id b = 0; b < 256; ++b) REQUIRE(tokens.add(5 + b, byte_name(static_cast<unsigned>(b))));
  const bpe_options options{.unit = bpe_unit::character, .byte_fallback = true, .unk = 0};
  const bpe source = model_of(tokens, {{3, 1, 4}}, options);
  const std::string na = "\xE0\xA4\xA8", mark = "\xE2\x96\x81";
  CHECK(spelled(source, "a" + na + "b") == "a|<0xE0>|<0xA4>|<0xA8>|b");
  const corpus_t corpus = {{mark + "a" + na + na + mark + "a" + na, 4}, {na + "b", 3}, {"\xFF\xFF\xFF", 50}};
  auto more = expand(source, corpus, {{.tokens = 10}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() >= 2);
  CHECK(more->tokens[0].text == na);
  CHECK(more->tokens[0].is_unit());
  CHECK(more->tokens[0].gain == 2 * 15);
  CHECK(more->tokens[1].text == mark + "a" + na);
  CHECK(more->tokens[1].gain == 8);
  CHECK(more->change.bytes_of(1) == " a" + na);
  REQUIRE(more->change.pieces[0].size() == 3);
  CHECK(more->change.pieces[0][0] == source_id{5 + 0xE0});
  CHECK(more->change.pieces[1].size() == 4);
  CHECK(spelled(more->model, "a" + na + "b") == "a|" + na + "b");
  CHECK(more->corpus.crossing == 0);
  CHECK(more->corpus.bytes == 4 * (2 + 3 + 3 + 2 + 3) + 3 * 4 + 150);
  CHECK(more->unreachable() == 0);
  for (const auto& t : more->tokens) {
    CHECK(lagom::is_utf8(t.text));                     // a token of a text vocabulary is text
    CHECK(t.text.find(mark, 1) == std::string::npos);  // and no two words
    CHECK(t.text.find("<0x") == std::string::npos);    // and no spelling of bytes
  }
  std::uint64_t gains = 0;
  for (const auto& t : more->tokens) gains += t.gain;
  CHECK(more->corpus.source_tokens - more->corpus.target_tokens == gains);

  // An old merge of byte tokens: a new character takes them away from it, and old tokens are cut.
  token_table with = tokens;
  REQUIRE(with.add(300, "<0xE0><0xA4>"));
  const bpe odd = model_of(with, {{3, 1, 4}, {5 + 0xE0, 5 + 0xA4, 300}}, options);
  auto refused = expand(odd, corpus, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
}

TEST_CASE("a unit that the source loses can become a token", "[vocab][expand]") {
  const bpe source =
      model_of(table({"?", "a"}), {}, {.unit = bpe_unit::character, .unk = 0, .fuse_unk = true});
  const std::string na = "\xE0\xA4\xA8";
  auto more = expand(source, corpus_t{{"a" + na + na, 3}, {"aa", 4}}, {{.tokens = 3, .min_share = 0.9}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() ==
          1);  // the stop rule asks for savings; what was lost is worth having all the same
  CHECK(more->tokens[0].text == na);
  CHECK(more->tokens[0].gain == 0);
  CHECK(more->change.pieces[0].empty());
  CHECK(more->corpus.unmeasured == 3);
  more = expand(source, corpus_t{{"a" + na + na, 3}, {"aa", 4}}, {{.tokens = 5, .new_units = false}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 1);
  CHECK(more->tokens[0].text == "aa");
}

TEST_CASE("prefix and suffix are kept out of the joined text", "[vocab][expand]") {
  const token_table tokens = table({"a", "##b", "##b</w>", "a</w>", "##c", "?"});
  const bpe source = model_of(tokens, {}, {.unk = 5, .continuing_prefix = "##", .end_suffix = "</w>"});
  auto more =
      expand(source, corpus_t{{"acb", 5}, {"abcb", 3}, {"cbb", 1}}, {{.tokens = 4, .new_units = false}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() >= 2);
  CHECK(more->tokens[0].text == "##cb</w>");
  CHECK(more->change.bytes_of(0) == "cb");
  CHECK(more->change.pieces[0].size() == 2);
  CHECK(more->tokens[1].text == "acb</w>");
  CHECK(spelled(more->model, "acb") == "acb</w>");
  CHECK(more->unreachable() == 0);
  CHECK(more->corpus.crossing == 0);
}

TEST_CASE("rules of what may merge", "[vocab][expand]") {
  const pair_rule any{}, digits{.digits_apart = true}, words{.word_mark = "\xE2\x96\x81"};
  CHECK(any("1", "2"));
  CHECK_FALSE(digits("1", "2"));
  CHECK_FALSE(digits("a", "2"));
  CHECK_FALSE(digits("\xE0\xA5\xA7", "a"));  // U+0967, one in Devanagari
  CHECK(digits("\xA5\xA7", "a"));            // the end of it says nothing
  CHECK(digits("a", "b"));
  CHECK(words("\xE2\x96\x81", "a"));
  CHECK_FALSE(words("a", "\xE2\x96\x81"));
  CHECK_FALSE(words("\xE2\x96\x81", "\xE2\x96\x81"));

  const bpe source = model_of(table({"a", "1", "2"}), {});
  auto more = expand(source, corpus_t{{"a12a12", 9}}, {{.tokens = 9}, true, true});
  REQUIRE(more);
  CHECK(more->tokens.empty());
  CHECK(more->end == learning_end::no_pairs);
  more = expand(source, corpus_t{{"a12a12", 9}}, {{.tokens = 9, .max_bytes = 3, .reserved = {"12"}}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 2);
  CHECK(more->tokens[0].text == "a1");
  CHECK(more->tokens[1].text == "a12");
}

TEST_CASE("learning stops by the rule and says so", "[vocab][expand]") {
  const bpe source = model_of(table({"a", "b", "c"}), {});
  const corpus_t corpus = {{"abab", 5}, {"abc", 3}, {"cab", 2}};
  auto learned = continue_bpe(source, corpus, {.tokens = 9, .min_share = 0.25});
  REQUIRE(learned);
  CHECK(learned->tokens.size() == 1);  // 15 of 35, then 5 of 20: no more than a quarter
  CHECK(learned->end == learning_end::gain_too_small);
  learned = continue_bpe(source, corpus, {.tokens = 9, .min_share = 0.249});
  REQUIRE(learned);
  CHECK(learned->tokens.size() == 2);
  learned = continue_bpe(source, corpus, {.tokens = 2});
  REQUIRE(learned);
  CHECK(learned->end == learning_end::all_learned);
}

TEST_CASE("what cannot be expanded", "[vocab][expand]") {
  const bpe source = base();
  CHECK(expand(source, corpus_t{}, {{.first_id = 5}}).error().code == errc::out_of_range);
  CHECK(expand(source, corpus_t{}, {{.tokens = std::size_t{1} << 31}}).error().code == errc::out_of_range);
  auto nothing = expand(source, corpus_t{}, {});
  REQUIRE(nothing);
  CHECK(nothing->tokens.empty());
  CHECK(nothing->end == learning_end::no_pairs);
  CHECK(nothing->change.rows() == 0);
  CHECK(nothing->corpus.target_tokens_per_character() == 0);
  // Ids above the model's: added tokens keep theirs.
  auto more = expand(source, corpus_t{{"abc", 3}}, {{.tokens = 1, .first_id = 10}});
  REQUIRE(more);
  CHECK(more->tokens[0].id == 10);
  CHECK(more->change.source_size == 10);
  CHECK(more->change.target_size == 11);
  CHECK(more->change.same[9] == source_id{9});
}

TEST_CASE("a new character that takes bytes from an old merge cuts old tokens", "[vocab][expand]") {
  // An old merge of byte tokens, over the border of two characters: what `expand` refuses to work on.
  token_table tokens = table({"a"});
  for (token_id b = 0; b < 256; ++b) {
    REQUIRE(tokens.add(1 + b, byte_name(static_cast<unsigned>(b))));
  }
  REQUIRE(tokens.add(257, "<0xA8><0xE0>"));
  const std::string na = "\xE0\xA4\xA8";
  const std::vector<merge> merges = {{1 + 0xA8, 1 + 0xE0, 257}};
  const bpe_options options{.unit = bpe_unit::character, .byte_fallback = true};
  const bpe source = model_of(tokens, merges, options);
  CHECK(spelled(source, na + na) == "<0xE0>|<0xA4>|<0xA8><0xE0>|<0xA4>|<0xA8>");
  REQUIRE(tokens.add(258, na));
  CHECK(spelled(model_of(tokens, merges, options), na + na) == na + "|" + na);  // no coarsening
  CHECK(expand(source, corpus_t{{na, 5}}).error().code == errc::unsupported);
}
