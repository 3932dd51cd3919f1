// SPDX-License-Identifier: MIT
// What new tokens save and add, against tokenizing the corpus anew after every one of them.
#include <algorithm>
#include <map>
#include <set>

#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::errc;
using lagom::no_token;

const std::string e_acute = "\xC3\xA9", na = "\xE0\xA4\xA8", ma = "\xE0\xA4\xAE";

// a, b, c and d are tokens, with some merges; of the letters of a text some are not.
struct random_source {
  token_table tokens = table({"?", "a", "b", "c", "d"});
  std::vector<merge> merges{};
  bpe_options options{.unit = bpe_unit::character};

  explicit random_source(chooser& choose) {
    const std::size_t kind = choose.below(4);
    if (kind > 0) options.unk = 0;
    options.fuse_unk = kind > 1;
    options.ignore_merges = choose.below(4) == 0;
    if (choose.below(3) == 0) options.unit = bpe_unit::byte;
    const std::size_t n = choose.below(7);
    for (std::size_t i = 0; i < n; ++i) {
      const auto left = static_cast<token_id>(1 + choose.below(static_cast<std::size_t>(tokens.size()) - 1)),
                 right = static_cast<token_id>(1 + choose.below(static_cast<std::size_t>(tokens.size()) - 1));
      const std::string joined = std::string(tokens[left]) + std::string(tokens[right]);
      if (joined.size() > 5 || tokens.find(joined) != no_token) continue;
      const token_id id = static_cast<token_id>(tokens.size());
      REQUIRE(tokens.add(id, joined));
      merges.push_back({left, right, id});
    }
    options.byte_fallback = choose.below(2) == 0;
    if (!options.byte_fallback) return;
    // All bytes, or those of some letters only: then there are units of both kinds.
    const bool all = choose.below(2) == 0;
    for (unsigned b = 0; b < 256; ++b) {
      if (!all && (b == 0xAE || b == 0xC3)) continue;
      REQUIRE(tokens.add(static_cast<token_id>(tokens.size()), byte_name(b)));
    }
  }
};

corpus_t random_corpus(chooser& choose, std::size_t pieces) {
  const std::vector<std::string> letters = {"a", "b", "c", "d", "a", "b", e_acute, na, ma, "z"};
  corpus_t out;
  for (std::size_t i = 0; i < pieces; ++i) {
    std::string piece;
    const std::size_t length = 1 + choose.below(9), variety = 1 + choose.below(letters.size());
    for (std::size_t k = 0; k < length; ++k) piece += letters[letters.size() - 1 - choose.below(variety)];
    out.emplace_back(piece, 1 + choose.below(5));
  }
  return out;
}

std::int64_t tokens_of(const bpe& model, const corpus_t& corpus) {
  std::int64_t sum = 0;
  for (const auto& [piece, count] : corpus) {
    sum += static_cast<std::int64_t>(count * encode(model, piece).size());
  }
  return sum;
}

// Continued BPE by its definition, with a model made anew for every token.
struct retokenized {
  std::vector<std::string> texts{};
  std::vector<std::int64_t> saved{};
};
retokenized by_retokenizing(const bpe& source, const corpus_t& corpus, std::size_t tokens,
                            std::uint64_t min_gain) {
  token_table table = source.tokens();
  std::vector<merge> merges(source.merges().begin(), source.merges().end());
  const bpe_options& options = source.options();
  // What is unknown never changes: its weight is counted once.
  struct unknown {
    std::uint64_t count = 0, weight = 0;
    bool lost = false;
  };
  std::map<std::string, unknown> units;
  for (const auto& [piece, count] : corpus) {
    if (options.ignore_merges && table.find(piece) != no_token) continue;
    for (std::size_t at = 0; at < piece.size();) {
      const std::string unit =
          piece.substr(at, options.unit == bpe_unit::byte ? 1 : lagom::decode_utf8(piece, at).length);
      at += unit.size();
      if (table.find(unit) != no_token) continue;
      bool bytes = options.byte_fallback;
      for (const char c : unit) {
        bytes = bytes && table.find(byte_name(static_cast<unsigned char>(c))) != no_token;
      }
      unknown& u = units[unit];
      u.lost = !bytes;
      u.count += count;
      u.weight += count * (bytes ? unit.size() - 1 : unit.size());
    }
  }
  std::erase_if(units, [&](const auto& u) { return u.second.count < min_gain || u.second.weight == 0; });
  retokenized out;
  bpe model = model_of(table, merges, options);
  while (out.texts.size() < tokens) {
    std::map<std::pair<std::string, std::string>, std::uint64_t> pairs;
    for (const auto& [piece, count] : corpus) {
      const ids_t ids = encode(model, piece);
      std::map<std::pair<token_id, token_id>, std::size_t> taken;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto stands_for_text = [&](token_id t) {
          return t != options.unk && !(options.byte_fallback && named_byte(model.bytes_of(t)) >= 0);
        };
        if (!stands_for_text(ids[i]) || !stands_for_text(ids[i + 1])) continue;
        const auto pair = std::pair(ids[i], ids[i + 1]);
        if (const auto last = taken.find(pair); last != taken.end() && last->second > i) continue;
        taken[pair] = i + 2;
        const std::string left(model.bytes_of(ids[i])), right(model.bytes_of(ids[i + 1]));
        if (table.find(left + right) == no_token) pairs[{left, right}] += count;
      }
    }
    const auto pair = std::max_element(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second < b.second : a.first > b.first;
    });
    const auto unit = std::max_element(units.begin(), units.end(), [](const auto& a, const auto& b) {
      return a.second.weight != b.second.weight ? a.second.weight < b.second.weight : a.first > b.first;
    });
    const bool takes_unit =
        unit != units.end() && (pair == pairs.end() || unit->second.weight >= pair->second);
    if (!takes_unit && (pair == pairs.end() || pair->second < min_gain)) break;
    const auto id = static_cast<token_id>(table.size());
    token_table with = table;
    auto list = merges;
    const std::string text = takes_unit ? unit->first : pair->first.first + pair->first.second;
    REQUIRE(with.add(id, text));
    if (!takes_unit) list.push_back({table.find(pair->first.first), table.find(pair->first.second), id});
    bpe next = model_of(with, list, options);
    const std::int64_t saved = tokens_of(model, corpus) - tokens_of(next, corpus);
    if (takes_unit && !unit->second.lost && saved < static_cast<std::int64_t>(min_gain)) break;
    if (takes_unit) units.erase(unit);
    table = std::move(with);
    merges = std::move(list);
    model = std::move(next);
    out.texts.push_back(text);
    out.saved.push_back(saved);
  }
  return out;
}

}  // namespace

TEST_CASE("tokens before, and what new ones save and add, are the tokens after", "[vocab][expand]") {
  chooser choose{{33}};
  std::size_t units = 0, added = 0, met = 0, learned_tokens = 0;
  for (int round = 0; round < 300; ++round) {
    const random_source made(choose);
    const bpe source = model_of(made.tokens, made.merges, made.options);
    const corpus_t corpus = random_corpus(choose, 1 + choose.below(25));
    const std::uint64_t min_gain = 1 + choose.below(3);
    const std::size_t tokens = 1 + choose.below(24);
    CAPTURE(round, made.options.unk, made.options.fuse_unk, made.options.byte_fallback, min_gain, tokens);
    auto more = expand(source, corpus, {{.tokens = tokens, .min_gain = min_gain}});
    REQUIRE(more);
    const retokenized expected = by_retokenizing(source, corpus, tokens, min_gain);
    std::vector<std::string> texts;
    std::vector<std::int64_t> saved;
    std::int64_t sum = 0;
    for (const new_token& t : more->tokens) {
      texts.push_back(t.text);
      saved.push_back(t.saved());
      sum += t.saved();
      units += t.is_unit() ? 1u : 0u;
      added += t.adds > 0 ? 1u : 0u;
      met += t.is_unit() && t.adds > t.count ? 1u : 0u;
      CHECK((t.gain == 0 || t.adds == 0));
    }
    learned_tokens += texts.size();
    REQUIRE(texts == expected.texts);
    CHECK(saved == expected.saved);
    CHECK(static_cast<std::int64_t>(more->corpus.source_tokens) == tokens_of(source, corpus));
    CHECK(static_cast<std::int64_t>(more->corpus.target_tokens) == tokens_of(source, corpus) - sum);
  }
  CHECK(learned_tokens > 2000);
  CHECK(units > 300);
  CHECK(added > 100);  // the source lost them
  CHECK(met > 10);     // and more came apart than they are
}

TEST_CASE("the tokens of a scored expansion add up", "[vocab][expand]") {
  chooser choose{{34}};
  std::size_t units = 0;
  for (int round = 0; round < 100; ++round) {
    // Every piece has a split, and scores differ: what the list of merges learns is what the scores do.
    std::vector<std::string> texts = {"<unk>", "a", "b", "c", "d"};
    for (std::size_t i = choose.below(5); i > 0; --i) {
      const std::string joined = texts[1 + choose.below(4)] + texts[1 + choose.below(4)];
      if (std::find(texts.begin(), texts.end(), joined) == texts.end()) texts.push_back(joined);
    }
    std::vector<scored_piece> pieces;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      pieces.push_back(
          {texts[i], texts[i].size() == 2 ? -static_cast<float>(i) : -40 - static_cast<float>(i), i > 0});
    }
    const token_id unk = choose.below(2) == 0 ? no_token : 0;
    const corpus_t corpus = random_corpus(choose, 1 + choose.below(25));
    auto more = append_scored({pieces, unk}, corpus, {{.tokens = 1 + choose.below(20), .min_gain = 1}});
    REQUIRE(more);
    // An old piece grows over a new one only where it has a split of new ones: none has here.
    std::int64_t saved = 0;
    for (const new_token& t : more->tokens) {
      saved += t.saved();
      units += t.is_unit() ? 1u : 0u;
    }
    CAPTURE(round, unk);
    CHECK(static_cast<std::int64_t>(more->corpus.source_tokens) ==
          static_cast<std::int64_t>(more->corpus.target_tokens) + saved);
  }
  CHECK(units > 50);
}

TEST_CASE("the planner's curve and the stop rule take what tokens add", "[vocab][expand]") {
  // Without `unk` the source loses 2,000 letters: as tokens they are more than it has.
  const bpe source = model_of(table({"a", "b"}), {}, {.unit = bpe_unit::character});
  const corpus_t corpus = {{e_acute + e_acute, 1000}, {"ab", 5}};
  auto more = expand(source, corpus, {{.tokens = 3, .min_share = 1e-7}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 3);
  CHECK(more->corpus.source_tokens == 10);
  CHECK(more->tokens[0].text == e_acute);
  CHECK(more->tokens[0].adds == 2000);
  CHECK(more->tokens[0].gain == 0);
  CHECK(more->tokens[1].gain == 1000);
  CHECK(more->tokens[2].gain == 5);
  CHECK(more->corpus.target_tokens == 10 + 2000 - 1000 - 5);

  // One `unk` for a run: the letter parts it.
  const bpe fused =
      model_of(table({"?", "a", "b"}), {}, {.unit = bpe_unit::character, .unk = 0, .fuse_unk = true});
  more = expand(fused, corpus_t{{e_acute + e_acute + e_acute, 1000}, {"z" + e_acute + "z", 7}, {"bb", 5}},
                {{.tokens = 1}});
  REQUIRE(more);
  CHECK(more->corpus.source_tokens == 1000 + 7 + 10);
  CHECK(more->tokens[0].adds == 2000 + 14);

  // What met without a letter comes apart: ab, and then a | e | b.
  token_table three = table({"a", "b", "ab"});
  const bpe meets = model_of(three, merges_of(three, {{"a", "b"}}), {.unit = bpe_unit::character});
  CHECK(spelled(meets, "a" + e_acute + "b") == "ab");
  more = expand(meets, corpus_t{{"a" + e_acute + "b", 4}}, {{.tokens = 1}});
  REQUIRE(more);
  CHECK(more->tokens[0].text == e_acute);
  CHECK(more->tokens[0].adds == 8);

  // A merge of `unk` makes what is lost meet its neighbours.
  token_table with = table({"?", "a", "?a"});
  const bpe odd = model_of(with, merges_of(with, {{"?", "a"}}), {.unit = bpe_unit::character, .unk = 0});
  CHECK(expand(odd, corpus_t{{e_acute + "a", 4}}).error().code == errc::unsupported);
  CHECK(expand(odd, corpus_t{{"?a", 4}}));  // nothing is lost
}
