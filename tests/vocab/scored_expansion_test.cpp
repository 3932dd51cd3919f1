// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

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

const std::string mark = "\xE2\x96\x81";

std::vector<scored_piece> base() {
  return {{"<unk>", 0, false}, {"ab", -1}, {"cd", -2}, {"a", -10},
          {"b", -11},          {"c", -12}, {"d", -13}, {mark, -14}};
}

corpus_t language(std::uint64_t seed, std::string_view letters, int words) {
  const lagom::philox random{seed};
  std::uint64_t n = 0;
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.below(limit, 0, n++)); };
  std::vector<std::string> syllables;
  for (int i = 0; i < 40; ++i) {
    std::string s;
    for (std::size_t k = 0; k < 2 + below(2); ++k) s += letters[below(letters.size())];
    syllables.push_back(s);
  }
  corpus_t out;
  for (int i = 0; i < words; ++i) {
    std::string word = mark;
    for (std::size_t k = 0; k < 1 + below(4); ++k) word += syllables[below(1 + below(syllables.size()))];
    out.emplace_back(word, 1 + 2000 / static_cast<std::uint64_t>(i + 1));
  }
  return out;
}

// Trained pieces as SentencePiece numbers them: merges first, then characters, each one below the last.
struct trained {
  std::vector<std::string> texts{};
  [[nodiscard]] std::vector<scored_piece> pieces() const {
    std::vector<scored_piece> out = {{"<unk>", 0, false}};
    for (const auto& t : texts) out.push_back({t, -static_cast<float>(out.size())});
    return out;
  }
};

trained train(const corpus_t& corpus, std::size_t tokens) {
  auto model =
      train_bpe(corpus, {.tokens = tokens, .unit = bpe_unit::character}, pair_rule{.word_mark = mark});
  REQUIRE(model);
  const auto letters =
      static_cast<token_id>(model->size() - static_cast<lagom::index_t>(model->merges().size()));
  trained out;
  for (token_id t = letters; t < model->size(); ++t) out.texts.emplace_back(model->bytes_of(t));
  for (token_id t = 0; t < letters; ++t) out.texts.emplace_back(model->bytes_of(t));
  return out;
}

}  // namespace

TEST_CASE("pieces of score 0 merge before all others, pieces below the least after them", "[vocab][compat]") {
  const auto pieces = base();
  const scored_source source{pieces, 0};
  const corpus_t corpus = {{"abcd", 3}, {"bcabc", 2}};
  const std::string_view candidates[] = {"bc"};
  auto zero = score_zero(source, candidates, corpus, {.tokens = 1});
  REQUIRE(zero);
  CHECK(spelled(zero->model, "abcd") == "a|bc|d");
  CHECK(spelled(zero->model, "bcabc") == "bc|a|bc");
  CHECK(zero->scores == std::vector<float>{0});
  CHECK(zero->corpus.crossing == 3 * 3 + 2 * 2);
  auto below = append_scored(source, corpus, {{.tokens = 1}});
  REQUIRE(below);
  REQUIRE(below->tokens.size() == 1);
  CHECK(below->tokens[0].text == "abcd");
  CHECK(below->scores == std::vector<float>{-15});
  CHECK(below->corpus.crossing == 0);

  auto more = pieces;
  more.push_back({"bc", -15});
  auto model = scored_bpe::make(more, 0);
  REQUIRE(model);
  CHECK(spelled(*model, "abcd") == "ab|cd");
  CHECK(spelled(*model, "bcabc") == "bc|ab|c");
}

TEST_CASE("an old piece may grow over a new one where any neighbours merge", "[vocab][compat]") {
  std::vector<scored_piece> pieces = {{"<unk>", 0, false}, {"xyz", -20}, {"x", -30}, {"y", -31}, {"z", -32}};
  auto model = scored_bpe::make(pieces, 0);
  REQUIRE(model);
  CHECK(spelled(*model, "xyz") == "x|y|z");
  auto more = append_scored({pieces, 0}, corpus_t{{"xyz", 1}, {"xy", 5}}, {{.tokens = 1}});
  REQUIRE(more);
  CHECK(more->tokens[0].text == "xy");
  CHECK(spelled(more->model, "xyz") == "xyz");
  CHECK(more->corpus.changed == 6);
}

TEST_CASE("score 0 crosses and cuts other languages, scores below do not", "[vocab][compat]") {
  const corpus_t english = language(3, "etaoinshr", 600), german = language(4, "enirstadu", 200);
  const trained source_texts = train(english, 300), auxiliary = train(german, 400);
  const auto pieces = source_texts.pieces();
  const scored_source source{pieces, 0};
  const std::vector<std::string_view> candidates(auxiliary.texts.begin(), auxiliary.texts.end());
  auto zero = score_zero(source, candidates, german, {.tokens = 80});
  auto below = append_scored(source, german, {{.tokens = 80}});
  REQUIRE(zero);
  REQUIRE(below);
  CHECK(zero->tokens.size() == 80);
  CHECK(below->tokens.size() == 80);
  CHECK(zero->corpus.crossing > zero->corpus.target_tokens / 20);
  CHECK(below->corpus.crossing * 200 < below->corpus.target_tokens);
  const auto old = scored_bpe::make(pieces, 0);
  const auto resplit = [&](const scored_bpe& model) {
    std::size_t n = 0;
    for (const auto& [word, count] : english) n += spelled(*old, word) != spelled(model, word) ? 1u : 0u;
    return n;
  };
  CHECK(resplit(zero->model) > 2 * resplit(below->model));
  for (const auto& t : below->tokens) CHECK(t.text.find(mark, 1) == std::string::npos);
  std::size_t unreachable = 0;
  for (const auto& t : below->tokens) unreachable += t.reachable ? 0 : 1;
  CHECK(unreachable == 0);
  // Rules name every split of a new piece into pieces.
  for (const auto& r : below->change.rules) {
    CHECK(std::string(below->model.bytes_of(static_cast<token_id>(r.left))) +
              std::string(below->model.bytes_of(static_cast<token_id>(r.right))) ==
          below->model.bytes_of(static_cast<token_id>(r.result)));
  }
  CHECK(below->change.rules.size() >= 80);
}

TEST_CASE("pieces that do not occur are exchanged, but not those right after one", "[vocab][compat]") {
  const auto pieces = base();
  const scored_source source{pieces, 0};
  const std::string_view candidates[] = {"xx", "yy", "ab", "bc", "ca", "da", "dd"};
  const corpus_t corpus = {{"abcd", 3}, {"da", 1}, {"dd", 1}};
  // xx and yy are dead: yy follows xx and stays for a round, and then it goes.
  auto once = score_zero(source, candidates, corpus, {.tokens = 3, .rounds = 1});
  REQUIRE(once);
  REQUIRE(once->tokens.size() == 3);
  CHECK(once->tokens[0].text == "yy");
  CHECK(once->tokens[1].text == "bc");
  CHECK(once->tokens[2].text == "ca");
  CHECK_FALSE(once->tokens[0].count > 0);
  auto fair = score_zero(source, candidates, corpus, {.tokens = 3, .rounds = 1, .skips_neighbours = false});
  REQUIRE(fair);
  REQUIRE(fair->tokens.size() == 3);
  CHECK(fair->tokens[0].text == "bc");
  auto many = score_zero(source, candidates, corpus, {.tokens = 3});
  REQUIRE(many);
  REQUIRE(many->tokens.size() == 3);
  CHECK(many->tokens[0].text == "bc");
  CHECK(many->tokens[1].text == "da");
  CHECK(many->tokens[2].text == "dd");
  CHECK(many->rounds >= 2);
  auto untouched = score_zero(source, candidates, corpus, {.tokens = 3, .rounds = 0});
  REQUIRE(untouched);
  CHECK(untouched->tokens[0].text == "xx");
  CHECK(untouched->rounds == 0);
}

TEST_CASE("scored expansion with byte fallback and new characters", "[vocab][expand]") {
  std::vector<std::string> names;
  for (unsigned b = 0; b < 256; ++b) names.push_back(byte_name(b));
  auto pieces = base();
  std::vector<token_id> fallback;
  for (const auto& n : names) {
    fallback.push_back(static_cast<token_id>(pieces.size()));
    pieces.push_back({n, 0, false});
  }
  const scored_source source{pieces, 0, fallback};
  const std::string na = "\xE0\xA4\xA8";
  auto more = append_scored(source, corpus_t{{mark + "ab" + na, 5}, {na + na, 1}}, {{.tokens = 3}});
  REQUIRE(more);
  REQUIRE(more->tokens.size() >= 2);
  CHECK(more->tokens[0].text == na);
  CHECK(more->tokens[0].gain == 14);
  REQUIRE(more->change.pieces[0].size() == 3);
  CHECK(more->change.pieces[0][0] == source_id{fallback[0xE0]});
  CHECK(more->corpus.crossing == 0);
  CHECK(more->corpus.unmeasured == 0);
  CHECK(more->corpus.source_tokens == 5 * 5 + 6);

  pieces[1].score = -3e38f;
  CHECK(append_scored({pieces, 0, fallback}, corpus_t{{"aa", 5}}, {{.tokens = 3}}).error().code ==
        errc::out_of_range);
  pieces[1].score = -1;
  pieces[1].unused = true;
  CHECK(append_scored({pieces, 0, fallback}, corpus_t{{"aa", 5}}).error().code == errc::unsupported);
}

TEST_CASE("a scored expansion knows its source's bytes and keeps control texts to them", "[vocab][expand]") {
  std::vector<scored_piece> pieces = base();
  pieces.push_back({"<s>", 0, false});
  const scored_source source{pieces, 0};
  const corpus_t corpus = {{"<s>", 90}, {mark + "xy", 5}};
  auto more = append_scored(source, corpus, {{.tokens = 50}});
  REQUIRE(more);
  for (const new_token& t : more->tokens) CHECK(t.text != "<s>");
  CHECK(more->tokens.size() > 4);
  const auto& bytes = more->change.source_bytes;
  REQUIRE(bytes.size() == pieces.size());
  CHECK(bytes[0].empty());
  CHECK(std::string(bytes[1].begin(), bytes[1].end()) == "ab");
  CHECK(std::string(bytes[7].begin(), bytes[7].end()) == " ");
  CHECK(bytes[8].empty());
  const std::string_view candidates[] = {"<s>", "xy", "ba"};
  auto zero = score_zero(source, candidates, corpus, {.tokens = 2, .rounds = 0, .reserved = {"xy"}});
  REQUIRE(zero);
  REQUIRE(zero->tokens.size() == 1);
  CHECK(zero->tokens[0].text == "ba");
  CHECK(zero->change.source_bytes.size() == pieces.size());
}
