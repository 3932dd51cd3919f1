// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::errc;
using lagom::token_id;

const std::string mark = "\xE2\x96\x81", mark_a = mark + "a";

std::vector<unigram_piece> base() {
  return {{"<unk>", 0, false}, {mark, -2.5},  {"a", -3},  {"b", -3.1},   {"c", -3.2},
          {"d", -3.3},         {"ab", -3.05}, {"cd", -4}, {mark_a, -4.5}};
}

// The expansion by its definition: every segmentation of every piece is looked at.
struct fitted {
  std::vector<std::string> texts{};
  std::vector<double> scores{};
  std::vector<std::uint64_t> gains{};
};
class by_all_segmentations {
 public:
  by_all_segmentations(const std::vector<unigram_piece>& source, token_id unk) {
    double least = source[0].score;
    for (const unigram_piece& p : source) {
      least = std::min(least, p.score);
      if (p.matches) old_[std::string(p.text)] = p.score;
    }
    least_ = least;
    has_unk_ = unk != lagom::no_token;
  }

  fitted operator()(const corpus_t& corpus, const bpe& candidates,
                    const unigram_expand_options& options) const {
    std::map<std::string, std::uint64_t> count;
    std::uint64_t total = 0;
    for (const auto& [piece, n] : corpus) {
      for (const token_id t : encode(candidates, piece)) count[std::string(candidates.bytes_of(t))] += n;
      total += n * encode(candidates, piece).size();
    }
    std::map<std::string, double> fresh;
    const auto score = [&](std::uint64_t n) {
      return std::max(least_, std::log(static_cast<double>(n) / static_cast<double>(total)));
    };
    for (const auto& [text, n] : count) {
      if (!old_.contains(text) && !options.reserved.contains(text)) fresh[text] = score(n);
    }
    std::map<std::string, std::uint64_t> gain;
    std::vector<std::string> order;
    for (std::size_t round = 0; round < options.rounds; ++round) {
      count.clear();
      total = 0;
      for (const auto& [piece, n] : corpus) {
        for (const std::string& token : best(piece, fresh).tokens) {
          count[token] += n;
          total += n;
        }
      }
      std::erase_if(fresh, [&](const auto& p) { return count[p.first] < options.min_count; });
      order.clear();
      for (auto& [text, value] : fresh) {
        value = score(count[text]);
        const auto under = best(text, {});
        gain[text] = count[text] * (under.lost ? text.size() : under.tokens.size() - 1);
        order.push_back(text);
      }
      if (round + 2 < options.rounds) continue;
      std::sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
        return gain[a] != gain[b] ? gain[a] > gain[b] : a < b;
      });
      order.resize(std::min(order.size(), options.tokens));
      std::erase_if(fresh, [&](const auto& p) {
        return std::find(order.begin(), order.end(), p.first) == order.end();
      });
    }
    fitted out;
    for (const std::string& text : order) {
      out.texts.push_back(text);
      out.scores.push_back(fresh[text]);
      out.gains.push_back(gain[text]);
    }
    return out;
  }

 private:
  struct segmented {
    std::vector<std::string> tokens{};
    bool lost = false;
  };
  struct path {
    double sum = 0;
    std::vector<std::string> tokens{};  // empty: an unknown character
    std::vector<std::size_t> ends{};
  };

  // The greatest sum; then the longest last token, and so on. Unknown characters in a row are one token, or none.
  [[nodiscard]] segmented best(const std::string& piece, const std::map<std::string, double>& fresh) const {
    std::optional<path> found;
    path now;
    search(piece, 0, fresh, now, found);
    segmented out;
    for (const std::string& t : found->tokens) {
      out.lost = out.lost || t.empty();
      if (t.empty() && (!has_unk_ || (!out.tokens.empty() && out.tokens.back().empty()))) continue;
      out.tokens.push_back(t);
    }
    return out;
  }

  void search(const std::string& piece, std::size_t at, const std::map<std::string, double>& fresh, path& now,
              std::optional<path>& found) const {
    if (at == piece.size()) {
      const auto ahead = [](const path& a, const path& b) {
        for (std::size_t i = 0; i < std::min(a.ends.size(), b.ends.size()); ++i) {
          const std::size_t x = a.ends[a.ends.size() - 1 - i], y = b.ends[b.ends.size() - 1 - i];
          if (x != y) return x < y;
        }
        return false;
      };
      if (!found || now.sum > found->sum || (now.sum == found->sum && ahead(now, *found))) found = now;
      return;
    }
    const std::size_t next = at + lagom::decode_utf8(piece, at).length;
    bool known = false;
    const auto step = [&](std::size_t end, const std::string& token, double score) {
      const double before = now.sum;
      now.sum = score + now.sum;
      now.tokens.push_back(token);
      now.ends.push_back(end);
      search(piece, end, fresh, now, found);
      now.sum = before;
      now.tokens.pop_back();
      now.ends.pop_back();
    };
    for (std::size_t end = at + 1; end <= piece.size(); ++end) {
      const std::string token = piece.substr(at, end - at);
      const auto was = old_.find(token);
      const auto is = fresh.find(token);
      if (was == old_.end() && is == fresh.end()) continue;
      known = known || end == next;
      step(end, token, was != old_.end() ? was->second : is->second);
    }
    if (!known) step(next, "", least_ - 10);
  }

  std::map<std::string, double> old_;
  double least_ = 0;
  bool has_unk_ = false;
};

}  // namespace

TEST_CASE("a unigram vocabulary grows with its old scores frozen", "[vocab][expand]") {
  const auto pieces = base();
  const unigram_options like{.unk = 0};
  auto source = unigram::make(pieces, like);
  REQUIRE(source);
  const corpus_t corpus = {{mark + "abcd", 40}, {mark + "abba", 10}, {mark + "dada", 8}, {mark + "c", 5}};
  auto more = append_unigram(pieces, like, corpus, {.tokens = 3});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 3);
  CHECK(more->change.source_size == 9);
  CHECK(more->change.target_size == 12);
  CHECK(more->corpus.target_tokens < more->corpus.source_tokens);
  for (std::size_t i = 0; i < 9; ++i) {
    const auto id = static_cast<token_id>(i);
    if (pieces[i].matches) CHECK(more->model.score_of(id) == pieces[i].score);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const new_token& t = more->tokens[i];
    CHECK(t.id == static_cast<token_id>(9 + i));
    CHECK(source->find(t.text) == lagom::no_token);
    CHECK(more->model.score_of(t.id) == more->scores[i]);
    CHECK(more->scores[i] >= -4.5);  // the least old score stays the least
    CHECK(more->scores[i] <= 0);
    CHECK(t.count > 0);
    CHECK(t.reachable);
    CHECK(t.text.find(mark, 1) == std::string::npos);
    CHECK_FALSE(more->change.pieces[i].empty());
    std::string joined;
    for (const source_id p : more->change.pieces[i]) joined += source->bytes_of(static_cast<token_id>(p));
    CHECK(joined == t.text);
  }
  CHECK(more->change.bytes_of(0) == " abcd");
  CHECK(spelled(more->model, mark + "abcd") == mark + "abcd");
  // A text without a new piece is cut as before, and so is one with unknown characters.
  for (const std::string text : {"bcb", "acdc", "dbx", "xxab"}) {
    CHECK(spelled(more->model, text) == spelled(*source, text));
  }
}

TEST_CASE("a character that a unigram vocabulary loses can become a piece", "[vocab][expand]") {
  const auto pieces = base();
  const std::string na = "\xE0\xA4\xA8";
  auto more = append_unigram(pieces, {.unk = 0}, corpus_t{{"b" + na + "b", 9}, {na + "c", 4}}, {.tokens = 1});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 1);
  CHECK(more->tokens[0].text.find(na) != std::string::npos);
  CHECK(more->change.pieces[0].empty());
  auto none = append_unigram(pieces, {.unk = 0}, corpus_t{{"ab", 9}}, {.tokens = 4, .reserved = {"ab"}});
  REQUIRE(none);
  CHECK(none->tokens.empty());
  CHECK(none->corpus.changed == 0);
  none = append_unigram(pieces, {.unk = 0}, corpus_t{}, {.tokens = 4});
  REQUIRE(none);
  CHECK(none->tokens.empty());
  CHECK(append_unigram(pieces, {.unk = 99}, corpus_t{}).error().code == errc::unknown_token);
}

TEST_CASE("scores, choice and gains of new unigram pieces are those of their definition", "[vocab][expand]") {
  chooser choose{{41}};
  const std::string na = "\xE0\xA4\xA8";
  std::size_t pieces_seen = 0, clamped = 0, dropped = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> texts = {"<unk>", "a", "b", "c"};
    for (std::size_t i = choose.below(4); i > 0; --i) {
      const std::string joined = texts[1 + choose.below(texts.size() - 1)] + texts[1 + choose.below(3)];
      if (std::find(texts.begin(), texts.end(), joined) == texts.end()) texts.push_back(joined);
    }
    std::vector<unigram_piece> source;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const double score =
          i == 0 ? 0 : -0.75 - 0.2 * static_cast<double>(choose.below(9)) - 0.01 * static_cast<double>(i);
      source.push_back({texts[i], score, i > 0});
    }
    corpus_t corpus;
    const std::vector<std::string> letters = {"a", "b", "c", "d", na};
    for (std::size_t i = 2 + choose.below(12); i > 0; --i) {
      std::string piece;
      const std::size_t variety = 2 + choose.below(4);
      for (std::size_t k = 1 + choose.below(7); k > 0; --k) piece += letters[choose.below(variety)];
      corpus.emplace_back(piece, 1 + choose.below(7));
    }
    const unigram_options like{.unk = choose.below(3) == 0 ? lagom::no_token : 0};
    const unigram_expand_options options{.tokens = 1 + choose.below(8),
                                         .rounds = 1 + choose.below(4),
                                         .min_count = 1 + choose.below(4),
                                         .reserved = {"ab"}};
    auto candidates = train_bpe(
        corpus,
        {.tokens = options.auxiliary_tokens, .unit = bpe_unit::character, .min_gain = options.min_count});
    REQUIRE(candidates);
    const fitted expected = by_all_segmentations(source, like.unk)(corpus, *candidates, options);
    auto found = append_unigram(source, like, corpus, options);
    REQUIRE(found);
    CAPTURE(round, like.unk, options.tokens, options.rounds, options.min_count);
    REQUIRE(found->tokens.size() == expected.texts.size());
    for (std::size_t i = 0; i < expected.texts.size(); ++i) {
      CHECK(found->tokens[i].text == expected.texts[i]);
      CHECK(found->tokens[i].gain == expected.gains[i]);
      CHECK(found->scores[i] == Approx(expected.scores[i]).epsilon(1e-14));
      double least = 0;
      for (const unigram_piece& p : source) least = std::min(least, p.score);
      clamped += found->scores[i] == least ? 1u : 0u;
    }
    pieces_seen += expected.texts.size();
    dropped += expected.texts.size() < options.tokens ? 1u : 0u;
  }
  CHECK(pieces_seen > 150);
  CHECK(clamped > 10);
  CHECK(dropped > 5);
}

TEST_CASE("a unigram expansion knows what its source's tokens stand for", "[vocab][expand]") {
  std::vector<std::string> names;
  for (unsigned b = 0; b < 256; ++b) names.push_back(byte_name(b));
  std::vector<unigram_piece> pieces = {
      {"<unk>", 0, false}, {"<s>", 0, false}, {mark, -2}, {"a", -3}, {mark_a, -4}};
  for (const std::string& n : names) pieces.push_back({n, -5, false});
  auto more = append_unigram(pieces, {.unk = 0, .byte_fallback = true},
                             corpus_t{{mark + "aaa", 9}, {"<s>", 50}, {"<0x41>", 50}}, {.tokens = 50});
  REQUIRE(more);
  for (const new_token& t : more->tokens) {
    CHECK(t.text != "<s>");  // texts of control pieces are reserved
    CHECK(t.text != "<0x41>");
  }
  const expansion& change = more->change;
  REQUIRE(change.source_bytes.size() == pieces.size());
  const auto bytes = [&](std::size_t id) {
    return std::string(change.source_bytes[id].begin(), change.source_bytes[id].end());
  };
  CHECK(bytes(0).empty());
  CHECK(bytes(1).empty());
  CHECK(bytes(2) == " ");
  CHECK(bytes(4) == " a");
  CHECK(bytes(5 + 0xE0) == "\xE0");
}
