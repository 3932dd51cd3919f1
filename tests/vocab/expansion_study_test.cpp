// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::token_id;

template <class Model>
struct by_spaces {
  const Model* model;
  template <class Sink>
  void pre_tokenize(std::string_view text, Sink&& sink) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at + 1), text.size());
      sink(pre_token{.text = text.substr(at, end - at)});
      at = end;
    }
  }
  template <class Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    model->encode_piece(piece, sink);
  }
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    pre_tokenize(text, [&](const pre_token& p) { encode_piece(p.text, sink); });
  }
  [[nodiscard]] std::string_view bytes_of(token_id t) const { return model->bytes_of(t); }
  [[nodiscard]] lagom::index_t size() const { return model->size(); }
};

std::vector<std::string> lines_of(std::size_t n) {
  const lagom::philox random{17};
  std::uint64_t k = 0;
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.below(limit, 0, k++)); };
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) {
    std::string w;
    for (std::size_t c = 0; c < 2 + below(7); ++c) w += "aeiklmnstuy"[below(11)];
    words.push_back(w);
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n; ++i) {
    std::string line;
    for (int w = 0; w < 8; ++w) line += " " + words[below(1 + below(words.size()))];
    out.push_back(line);
  }
  return out;
}

}  // namespace

TEST_CASE("new tokens settle as the corpus grows", "[vocab][study]") {
  const auto lines = lines_of(600);
  std::vector<std::pair<std::string, std::uint64_t>> backwards, forwards;
  for (const auto& line : lines) {
    backwards.emplace_back(std::string(line.rbegin(), line.rend()), 1);
    forwards.emplace_back(line, 1);
  }
  auto source = train_bpe(backwards, {.tokens = 300});
  REQUIRE(source);
  const by_spaces<bpe> tokenizer{&*source};
  const std::vector<std::uint64_t> sizes = {4, 16, 64, 256, 4096};
  const auto run = [&](auto choose) {
    std::size_t at = 0;
    return study_expansion(
        tokenizer, *source,
        [&](std::string_view& line) {
          if (at == lines.size()) return false;
          line = lines[at++];
          return true;
        },
        sizes, choose);
  };
  auto rows = run([&](const byte_counts& pieces) { return expand(*source, pieces, {{.tokens = 60}}); });
  REQUIRE(rows);
  REQUIRE(rows->size() == 5);
  CHECK(rows->front().lines == 4);
  CHECK(rows->back().lines == 600);  // the corpus ends before the last size
  CHECK(rows->back().jaccard == 1);
  CHECK(rows->back().rank_agreement == 1);
  CHECK(rows->back().common == 60);
  CHECK((*rows)[3].jaccard > (*rows)[0].jaccard);
  CHECK((*rows)[3].rank_agreement > 0.8);
  CHECK((*rows)[3].tokens_per_character < (*rows)[0].tokens_per_character);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const auto& r = (*rows)[i];
    CHECK(r.align_distance == 0);  // merges are appended: one alignment
    CHECK(r.jaccard == Approx(static_cast<double>(r.common) / static_cast<double>(r.tokens + 60 - r.common)));
    CHECK(r.tokens_per_character >= rows->back().tokens_per_character * 0.98);
  }

  // Prepended merges: what a token covers depends on the text around it.
  auto auxiliary = train_bpe(forwards, {.tokens = 300});
  REQUIRE(auxiliary);
  rows = run([&](const byte_counts& pieces) { return prepend_aux(*source, *auxiliary, pieces, 40); });
  REQUIRE(rows);
  CHECK(rows->back().align_distance == 0);
  CHECK(rows->front().jaccard == 1);
  CHECK(rows->front().align_distance > 0);
  CHECK((*rows)[3].align_distance < rows->front().align_distance);

  // The same by name: the auxiliary tokenizer is trained on each part anew.
  const auto named = [&](placement how) {
    std::size_t at = 0;
    return study_expansion(
        tokenizer, *source,
        [&](std::string_view& line) {
          if (at == lines.size()) return false;
          line = lines[at++];
          return true;
        },
        sizes, how, {{.tokens = 40}}, 300);
  };
  CHECK(placement_of("append_aux") == placement::append_aux);
  CHECK_FALSE(placement_of("append"));
  for (const auto& [name, how] : placements) {
    CAPTURE(name);
    rows = named(how);
    REQUIRE(rows);
    REQUIRE(rows->size() == 5);
    CHECK(rows->back().align_distance == 0);
    double distance = 0;
    for (const auto& r : *rows) distance += r.align_distance;
    CHECK((distance > 0) == (how == placement::prepend_aux));
    CHECK(rows->back().tokens_per_character < 1);
  }

  // No line at all.
  const std::vector<std::uint64_t> none;
  auto nothing = study_expansion(
      tokenizer, *source, [](std::string_view&) { return false; }, none,
      [&](const byte_counts& pieces) { return expand(*source, pieces); });
  REQUIRE(nothing);
  REQUIRE(nothing->size() == 1);
  CHECK(nothing->front().jaccard == 1);
}

TEST_CASE("a unigram vocabulary is studied as well", "[vocab][study]") {
  const auto lines = lines_of(120);
  const std::string letters = " aeiklmnstuy";
  std::vector<unigram_piece> pieces = {{"<unk>", 0, false}};
  for (const char& c : letters) pieces.push_back({{&c, 1}, -2.5 - 0.1 * static_cast<double>(pieces.size())});
  const unigram_options like{.unk = 0};
  auto source = unigram::make(pieces, like);
  REQUIRE(source);
  const by_spaces<unigram> tokenizer{&*source};
  const std::vector<std::uint64_t> sizes = {8, 40, 120};
  std::size_t at = 0;
  auto rows = study_expansion(
      tokenizer, *source,
      [&](std::string_view& line) {
        if (at == lines.size()) return false;
        line = lines[at++];
        return true;
      },
      sizes, [&](const byte_counts& counts) { return append_unigram(pieces, like, counts, {.tokens = 30}); });
  REQUIRE(rows);
  REQUIRE(rows->size() == 3);
  CHECK(rows->back().jaccard == 1);
  CHECK(rows->front().jaccard < rows->at(1).jaccard);
  CHECK(rows->back().tokens_per_character < 0.8);
}

TEST_CASE("agreement of orders and of weights", "[vocab][study]") {
  CHECK(detail::spearman({}) == 1);
  CHECK(detail::spearman({7}) == 1);
  CHECK(detail::spearman({3, 5, 9}) == 1);
  CHECK(detail::spearman({9, 5, 3}) == -1);
  CHECK(detail::spearman({1, 0, 2, 3}) == Approx(0.8));
  CHECK(detail::half_l1({{1, 0.5}, {2, 0.5}}, {{1, 0.5}, {3, 0.5}}) == 0.5);
  CHECK(detail::half_l1({}, {{3, 1.0}}) == 0.5);
  CHECK(detail::half_l1({{1, 1.0}}, {{1, 1.0}}) == 0);
}
