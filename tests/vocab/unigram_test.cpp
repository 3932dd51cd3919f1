// SPDX-License-Identifier: MIT
// Unigram and scored BPE against brute force: all segmentations, and merging one pair at a time by the definition.
#include <lagom/vocab.hpp>

#include <bit>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace vocab = lagom::vocab;
using lagom::errc;
using lagom::token_id;
using ids_t = std::vector<token_id>;

struct numbers {
  std::uint64_t state;
  std::uint64_t below(std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  }
  std::string word(std::string_view letters, std::uint64_t longest) {
    std::string out;
    for (std::uint64_t n = 1 + below(longest); n > 0; --n) out += letters[below(letters.size())];
    return out;
  }
};

template <class Model>
ids_t encode(const Model& model, std::string_view text) {
  ids_t out;
  model.encode_piece(text, [&](token_id t) { out.push_back(t); });
  return out;
}

// The greatest sum over all segmentations into pieces and unknown characters, which is exact: scores are small
// multiples of 1/8. Unknown characters are allowed where no piece is that character.
std::optional<double> best_sum(const std::map<std::string, double>& pieces, double unk,
                               const std::string& text, std::size_t at) {
  if (at == text.size()) return 0;
  std::optional<double> best;
  const auto offer = [&](double score, std::size_t next) {
    const auto rest = best_sum(pieces, unk, text, next);
    if (rest && (!best || score + *rest > *best)) best = score + *rest;
  };
  for (std::size_t n = 1; at + n <= text.size(); ++n) {
    if (const auto p = pieces.find(text.substr(at, n)); p != pieces.end()) offer(p->second, at + n);
  }
  if (!pieces.contains(text.substr(at, 1))) offer(unk, at + 1);
  return best;
}

// Merging by the definition: the best neighbours of all, one at a time.
ids_t merge_slowly(const std::vector<vocab::scored_piece>& pieces, const std::string& text) {
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  const auto find = [&](const std::string& s) {
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      if (pieces[i].text == s) return static_cast<token_id>(i);
    }
    return lagom::no_token;
  };
  while (true) {
    std::optional<std::size_t> best;
    float best_score = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const token_id id = find(parts[i] + parts[i + 1]);
      if (id == lagom::no_token) continue;
      const float score = pieces[static_cast<std::size_t>(id)].score;
      if (best && !(score > best_score)) continue;
      best = i;
      best_score = score;
    }
    if (!best) break;
    parts[*best] += parts[*best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(*best) + 1);
  }
  ids_t out;
  for (const std::string& p : parts) {
    const token_id id = find(p);
    if (id == lagom::no_token && !out.empty() && out.back() == 0) continue;  // unknown ones in a row are one
    out.push_back(id == lagom::no_token ? 0 : id);
  }
  return out;
}

}  // namespace

static_assert(lagom::tokenizer<vocab::unigram> && lagom::tokenizer<vocab::scored_bpe>);

TEST_CASE("a trie finds all its texts and no others", "[vocab]") {
  numbers random{7};
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, token_id> known;
    std::vector<std::string> words;
    for (int i = 0; i < 400; ++i)
      words.push_back(random.word(round % 2 == 0 ? "ab" : "abcdefgh\xFF\x01\x80z", 9));
    std::vector<vocab::scored_text> texts;
    for (const std::string& w : words) {
      const auto id = static_cast<token_id>(texts.size());
      texts.push_back({.text = w, .id = id, .score = id / 2.0});
      known[w] = id;  // the later one counts
    }
    auto trie = vocab::piece_trie::make(texts);
    REQUIRE(trie);
    for (int i = 0; i < 400; ++i) {
      const std::string w =
          i % 2 == 0 ? random.word("abcdefgh\xFF\x01\x80z", 10) : words[random.below(words.size())];
      const vocab::piece_trie::node* const at = trie->find(w);
      const token_id id = at == nullptr ? lagom::no_token : at->id;
      const auto expected = known.find(w);
      CHECK(id == (expected == known.end() ? lagom::no_token : expected->second));
      if (expected != known.end()) CHECK(at->score == id / 2.0);
      std::size_t longest = 0;
      for (std::size_t n = 1; n <= w.size(); ++n) longest = known.contains(w.substr(0, n)) ? n : longest;
      CHECK(trie->longest(w).length == longest);
    }
  }
  CHECK(vocab::piece_trie().find("a") == nullptr);
  CHECK(vocab::piece_trie().longest("a").length == 0);
}

TEST_CASE("unigram finds the segmentation with the greatest sum", "[vocab]") {
  numbers random{1};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words{"<unk>"};
    for (std::uint64_t n = 1 + random.below(12); n > 0; --n) words.push_back(random.word("abc", 4));
    std::vector<vocab::unigram_piece> pieces;
    std::map<std::string, double> scores;
    double least = 0;
    for (const std::string& w : words) {
      const bool unk = pieces.empty();
      const double score = unk ? -1 : -static_cast<double>(random.below(80)) / 8;
      pieces.push_back({.text = w, .score = score, .matches = !unk});
      if (!unk) scores[w] = score;
      least = std::min(least, score);
    }
    least = -1;
    for (const auto& p : pieces) least = std::min(least, p.score);
    for (const auto rules : {vocab::unigram_rules::huggingface, vocab::unigram_rules::sentencepiece}) {
      auto model = vocab::unigram::make(pieces, {.unk = 0, .rules = rules});
      REQUIRE(model);
      for (int i = 0; i < 8; ++i) {
        const std::string text = random.word("abcd", 14);
        INFO(text);
        const double sum = model->encode_after(0, text, [](token_id) {});
        CHECK(sum == *best_sum(scores, least - 10, text, 0));
        const ids_t ids = encode(*model, text);
        ids_t sure;
        if (model->terms_if_sure(text, [&](token_id t) { sure.push_back(t); })) {
          double added = 0;
          for (const token_id t : sure) added = model->add(added, t);
          CHECK(added == sum);
          // unknown characters are a term each, and one token together
          sure.erase(
              std::unique(sure.begin(), sure.end(), [](token_id a, token_id b) { return a == 0 && b == 0; }),
              sure.end());
          CHECK(sure == ids);
          for (const double before : {-16000.0, -1234.567, 15999.5}) {
            ids_t after;
            model->encode_after(before, text, [&](token_id t) { after.push_back(t); });
            CHECK(after == ids);
          }
        }
        std::string joined;  // what is not unknown covers its part of the text
        for (const token_id id : ids) joined += id == 0 ? "" : std::string(model->bytes_of(id));
        CHECK(joined.size() <= text.size());
      }
    }
  }
}

TEST_CASE("unigram ties, unknown characters and empty inputs have their rules", "[vocab]") {
  const std::vector<vocab::unigram_piece> pieces{
      {"<unk>", 0, false}, {"a", -1}, {"aa", -2}, {"b", -3}, {"<0x63>", -3}};
  auto model = vocab::unigram::make(pieces, {.unk = 0});
  REQUIRE(model);
  CHECK(encode(*model, "").empty());
  CHECK(encode(*model, "aaa") == ids_t{1, 2});  // of equal sums the longest last token
  CHECK(encode(*model, "xyab<unk>") == ids_t{0, 1, 3, 0});
  CHECK(encode(*model,
               "\xFF\xE4\xB8"
               "a") == ids_t{0, 1});
  CHECK(model->find("aa") == 2);
  CHECK(model->find("<unk>") == lagom::no_token);
  CHECK(model->bytes_of(7).empty());
  auto falls_back = vocab::unigram::make(pieces, {.unk = 0, .byte_fallback = true});
  REQUIRE(falls_back);
  CHECK(encode(*falls_back, "acd") == ids_t{1, 0});  // not all bytes have a token
  CHECK(encode(*falls_back, "acc") == ids_t{1, 4, 4});
  auto silent = vocab::unigram::make(pieces);
  REQUIRE(silent);
  CHECK(encode(*silent, "xax") == ids_t{1});
  CHECK(vocab::unigram::make({}, {}));
  CHECK(vocab::unigram::make(pieces, {.unk = 5}).error().code == errc::unknown_token);
  const std::vector<vocab::unigram_piece> huge{{"a", 1e31}};
  CHECK(vocab::unigram::make(huge).error().code == errc::out_of_range);
  const std::vector<vocab::unigram_piece> nan{{"a", std::bit_cast<double>(0x7FF8000000000000u)}};
  CHECK(vocab::unigram::make(nan).error().code == errc::not_finite);
  const std::vector<vocab::unigram_piece> twice{{"a", -9}, {"b", -1}, {"a", -1}};
  CHECK(encode(*vocab::unigram::make(twice), "ab") == ids_t{2, 1});  // the later one is meant
}

TEST_CASE("scored BPE merges as its definition says", "[vocab]") {
  numbers random{3};
  for (int round = 0; round < 300; ++round) {
    std::map<std::string, float> scores;
    for (std::uint64_t n = 1 + random.below(20); n > 0; --n) {
      scores[random.word("abc", 5)] = static_cast<float>(random.below(12));  // many ties
    }
    std::vector<std::string> words;
    for (const auto& entry : scores) words.push_back(entry.first);
    std::vector<vocab::scored_piece> pieces{{.text = "<unk>", .matches = false}};
    for (const std::string& w : words) pieces.push_back({.text = w, .score = scores[w]});
    auto model = vocab::scored_bpe::make(pieces, 0);
    REQUIRE(model);
    for (const std::uint64_t longest : {4u, 12u, 90u}) {
      const std::string text = random.word("abcd", longest);
      INFO(text);
      CHECK(encode(*model, text) == merge_slowly(pieces, text));
    }
  }
}

TEST_CASE("scored BPE refuses what is no vocabulary", "[vocab]") {
  const auto code = [](std::vector<vocab::scored_piece> pieces, token_id unk = 0,
                       std::vector<token_id> fallback = {}) {
    auto model = vocab::scored_bpe::make(pieces, unk, fallback);
    if (model) FAIL("was accepted");
    return model.error().code;
  };
  const vocab::scored_piece unk{.text = "<unk>", .matches = false}, a{.text = "a"};
  CHECK(code({unk, a, a}) == errc::duplicate_key);
  CHECK(code({unk, {.text = ""}}) == errc::empty);
  CHECK(code({unk, {.text = "b", .score = std::bit_cast<float>(0x7FC00000u)}}) == errc::not_finite);
  const std::string far(vocab::scored_bpe::longest_piece + 1, 'a');
  CHECK(code({unk, {.text = far}}) == errc::too_large);
  CHECK(code({unk, a}, 2) == errc::unknown_token);
  CHECK(code({unk, a}, 0, {1}) == errc::size_mismatch);
  CHECK(code({unk, a}, 0, ids_t(256, 9)) == errc::unknown_token);
  auto model = vocab::scored_bpe::make(std::vector{unk, a}, 0, ids_t(256, 1));
  REQUIRE(model);
  CHECK(encode(*model, "").empty());
  CHECK(encode(*model, "\xE4\xB8z") == ids_t{1, 1, 1});
  CHECK(model->find("a") == 1);
  CHECK(model->find("<unk>") == lagom::no_token);
}

TEST_CASE("texts are cut only where no piece reaches across", "[vocab]") {
  const std::string mark(vocab::space_mark);
  const auto parts = [](const vocab::word_cutter& cut, const std::string& text) {
    std::vector<std::string> out;
    cut(text, [&](std::string_view part) { out.emplace_back(part); });
    return out;
  };
  using strings = std::vector<std::string>;
  const std::string text = mark + "a" + mark + mark + "b" + mark + "c" + mark;
  const std::vector<std::string_view> plain{"a", mark};
  CHECK(parts(vocab::word_cutter(plain, false), text) ==
        strings{mark + "a", mark + mark + "b", mark + "c", mark});
  CHECK(parts(vocab::word_cutter(plain, true), text) ==
        strings{mark, "a" + mark + mark, "b" + mark, "c" + mark});
  CHECK(parts(vocab::word_cutter(), text) == strings{text});
  CHECK(parts(vocab::word_cutter(plain, false), "").empty());
  const std::string inner = "b" + mark + "x";
  const std::vector<std::string_view> across{"a", mark, inner};
  CHECK(parts(vocab::word_cutter(across, false), text) ==
        strings{mark + "a", mark + mark + "b" + mark + "c", mark});
  CHECK(parts(vocab::word_cutter(across, true), text + "x") ==
        strings{mark, "a" + mark + mark, "b" + mark, "c" + mark + "x"});
}
