// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::errc;
using lagom::token_id;
using corpus_t = std::vector<std::pair<std::string, std::uint64_t>>;

const std::string mark = "\xE2\x96\x81";

std::string spelled(const unigram& model, std::string_view piece) {
  std::string out;
  model.encode_piece(piece,
                     [&](token_id t) { out.append(out.empty() ? "" : "|").append(model.bytes_of(t)); });
  return out;
}

std::vector<unigram_piece> base() {
  return {{"<unk>", 0, false}, {mark, -2.5},  {"a", -3},  {"b", -3.1},       {"c", -3.2},
          {"d", -3.3},         {"ab", -3.05}, {"cd", -4}, {mark + "a", -4.5}};
}

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
