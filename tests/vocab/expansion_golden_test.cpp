// SPDX-License-Identifier: MIT
// Expansions against brute force, Hugging Face tokenizers, SentencePiece and transformers: tests/oracle/expansion.py.
#include <lagom/io/json.hpp>
#include <lagom/io/mapped_file.hpp>
#include <lagom/vocab.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::no_token;
using lagom::token_id;
using lagom::io::json;

json golden(const std::string& name) {
  auto file = lagom::io::mapped_file::open(std::string(LAGOM_GOLDEN) + "/expansion/" + name);
  REQUIRE(file);
  auto document = lagom::io::parse_json(file->text());
  REQUIRE(document);
  return std::move(*document);
}

// Texts as a file of a byte-level model spells them, or plain.
struct spelling {
  bool letters = false;
  std::string operator()(const json& text) const {
    return letters ? *bytes_of_letters(text.get<std::string>()) : text.get<std::string>();
  }
};

corpus_t corpus_of(const json& pieces, spelling text) {
  corpus_t out;
  for (const json& p : pieces) out.emplace_back(text(p[0]), p[1].get<std::uint64_t>());
  return out;
}

bpe source_of(const json& g, spelling text, bpe_options options) {
  token_table tokens;
  token_id next = 0;
  for (const json& t : g["vocab"]) REQUIRE(tokens.add(next++, text(t)));
  std::vector<merge> merges;
  for (const json& m : g["merges"]) {
    const std::string left = text(m[0]), right = text(m[1]);
    merges.push_back({tokens.find(left), tokens.find(right), tokens.find(left + right)});
  }
  return model_of(std::move(tokens), std::move(merges), std::move(options));
}

template <class Model>
void check_ids(const Model& model, const std::vector<std::string>& pieces, const json& expected) {
  REQUIRE(expected.size() == pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    CAPTURE(pieces[i]);
    CHECK(encode(model, pieces[i]) == expected[i].get<ids_t>());
  }
}

std::vector<std::string> pieces_of(const json& g, spelling text) {
  std::vector<std::string> out;
  for (const char* const which : {"target", "source"}) {
    if (g.contains(which)) {
      for (const auto& [piece, count] : corpus_of(g[which], text)) out.push_back(piece);
    }
  }
  return out;
}

void check_learned(const expanded& found, const json& expected, spelling text) {
  REQUIRE(found.tokens.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const new_token& t = found.tokens[i];
    CAPTURE(i, expected[i].dump(), t.text);
    CHECK(t.text == text(expected[i][0]));
    CHECK(std::string(found.model.bytes_of(t.left)) == text(expected[i][1]));
    CHECK(std::string(found.model.bytes_of(t.right)) == text(expected[i][2]));
    CHECK(t.gain == expected[i][3].get<std::uint64_t>());
    CHECK(t.reachable);
  }
}

std::uint64_t total_tokens(const json& ids, const corpus_t& corpus) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < corpus.size(); ++i) sum += ids[i].size() * corpus[i].second;
  return sum;
}

}  // namespace

TEST_CASE("byte-level expansions are those of brute force and encode as tokenizers does", "[vocab][golden]") {
  const json g = golden("byte_level.json");
  const spelling text{true};
  const bpe source = source_of(g, text, {});
  const corpus_t target = corpus_of(g["target"], text), english = corpus_of(g["source"], text);
  const auto pieces = pieces_of(g, text);
  check_ids(source, pieces, g["source_ids"]);

  auto more = expand(source, target, {{.tokens = 120}});
  REQUIRE(more);
  check_learned(*more, g["continued"]["tokens"], text);
  check_ids(more->model, pieces, g["continued"]["ids"]);
  CHECK(more->corpus.source_tokens == total_tokens(g["source_ids"], target));
  CHECK(more->corpus.target_tokens == total_tokens(g["continued"]["ids"], target));
  CHECK(more->corpus.crossing == 0);

  auto top = append_aux(source, target, {.tokens = 60, .auxiliary_tokens = 456});
  REQUIRE(top);
  const json& tokens = g["auxiliary"]["tokens"];
  REQUIRE(top->tokens.size() == tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    CHECK(top->tokens[i].text == text(tokens[i][0]));
    CHECK(std::string(top->model.bytes_of(top->tokens[i].left)) == text(tokens[i][1]));
    CHECK(std::string(top->model.bytes_of(top->tokens[i].right)) == text(tokens[i][2]));
  }
  check_ids(top->model, pieces, g["auxiliary"]["ids"]);
  CHECK(top->corpus.crossing == 0);

  auto auxiliary = train_bpe(target, {.tokens = 456});
  REQUIRE(auxiliary);
  const json& trained = g["prepended"]["trained"];
  REQUIRE(auxiliary->merges().size() == trained.size());
  for (std::size_t i = 0; i < trained.size(); ++i) {
    CHECK(std::string(auxiliary->bytes_of(auxiliary->merges()[i].left)) == text(trained[i][0]));
    CHECK(std::string(auxiliary->bytes_of(auxiliary->merges()[i].right)) == text(trained[i][1]));
  }
  auto front = prepend_aux(source, *auxiliary, target, 60);
  REQUIRE(front);
  const json &names = g["prepended"]["tokens"], &list = g["prepended"]["merges"];
  REQUIRE(front->tokens.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) CHECK(front->tokens[i].text == text(names[i]));
  REQUIRE(front->model.merges().size() == list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    CHECK(std::string(front->model.bytes_of(front->model.merges()[i].left)) == text(list[i][0]));
    CHECK(std::string(front->model.bytes_of(front->model.merges()[i].right)) == text(list[i][1]));
  }
  check_ids(front->model, pieces, g["prepended"]["ids"]);
  CHECK(front->corpus.crossing > 0);
  // The other language: hardly touched by appended merges, and never across its tokens.
  const auto appended = compare_tokenizations(source, more->model, english),
             prepended = compare_tokenizations(source, front->model, english);
  CHECK(appended.crossing == 0);
  CHECK(prepended.distinct_changed >= appended.distinct_changed);
}

TEST_CASE("characters with byte fallback are expanded as by brute force", "[vocab][golden]") {
  const json g = golden("byte_fallback.json");
  const spelling text{};
  const bpe source =
      source_of(g, text, {.unit = bpe_unit::character, .byte_fallback = true, .unk = 0, .fuse_unk = true});
  const corpus_t target = corpus_of(g["target"], text);
  const auto pieces = pieces_of(g, text);
  check_ids(source, pieces, g["source_ids"]);
  auto more = expand(source, target, {{.tokens = 100}});
  REQUIRE(more);
  check_learned(*more, g["continued"]["tokens"], text);
  check_ids(more->model, pieces, g["continued"]["ids"]);
  CHECK(more->corpus.crossing == 0);
  CHECK(more->corpus.unmeasured == 0);
  std::size_t units = 0;
  for (const new_token& t : more->tokens) units += t.is_unit() ? 1u : 0u;
  CHECK(units > 10);
  CHECK(units < more->tokens.size());
}

TEST_CASE("scored pieces do what SentencePiece does with them", "[vocab][golden]") {
  const json g = golden("scored.json");
  std::vector<std::string> texts;
  for (const json& p : g["pieces"]) texts.push_back(p[0].get<std::string>());
  std::vector<scored_piece> pieces;
  token_id unk = no_token;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const json& p = g["pieces"][i];
    if (p[2] == 2) unk = static_cast<token_id>(i);
    pieces.push_back({texts[i], p[1].get<float>(), p[2] == 1});
  }
  const scored_source source{pieces, unk};
  const corpus_t target = corpus_of(g["target"], {});
  const auto checked = g["checked"].get<std::vector<std::string>>();
  auto plain = scored_bpe::make(pieces, unk);
  REQUIRE(plain);
  check_ids(*plain, checked, g["source_ids"]);

  const auto names = g["candidates"].get<std::vector<std::string>>();
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  auto zero = score_zero(source, candidates, target, {.tokens = 40});
  REQUIRE(zero);
  CHECK(zero->rounds == g["zero"]["rounds"].get<std::size_t>());
  std::vector<std::string> found;
  for (const new_token& t : zero->tokens) found.push_back(t.text);
  CHECK(found == g["zero"]["tokens"].get<std::vector<std::string>>());
  check_ids(zero->model, checked, g["zero"]["ids"]);
  CHECK(zero->corpus.crossing > 0);

  auto all = pieces;
  const auto below = g["below"]["tokens"].get<std::vector<std::string>>();
  float least = 0;
  for (const scored_piece& p : pieces) least = std::min(least, p.score);
  for (std::size_t i = 0; i < below.size(); ++i) {
    all.push_back({below[i], least - 1 - static_cast<float>(i)});
  }
  auto model = scored_bpe::make(all, unk);
  REQUIRE(model);
  check_ids(*model, checked, g["below"]["ids"]);
}

TEST_CASE("unigram pieces are fitted as with the segmentations of tokenizers", "[vocab][golden]") {
  const json g = golden("unigram.json");
  std::vector<std::string> texts;
  for (const json& p : g["pieces"]) texts.push_back(p[0].get<std::string>());
  std::vector<unigram_piece> source;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    source.push_back({texts[i], g["pieces"][i][1].get<double>(), i > 0});
  }
  const corpus_t target = corpus_of(g["target"], {});
  auto more =
      append_unigram(source, {.unk = 0}, target, {.tokens = 40, .auxiliary_tokens = 300, .rounds = 3});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == g["tokens"].size());
  for (std::size_t i = 0; i < more->tokens.size(); ++i) {
    CAPTURE(i);
    CHECK(more->tokens[i].text == g["tokens"][i][0].get<std::string>());
    CHECK(more->scores[i] == Approx(g["tokens"][i][1].get<double>()).epsilon(1e-14));
    CHECK(more->tokens[i].gain == g["tokens"][i][2].get<std::uint64_t>());
  }
  const auto pieces = pieces_of(g, {});
  check_ids(more->model, pieces, g["ids"]);
  CHECK(more->corpus.source_tokens == total_tokens(g["source_ids"], target));
  CHECK(more->corpus.target_tokens == total_tokens(g["ids"], target));
  CHECK(more->corpus.target_tokens < more->corpus.source_tokens);
}

TEST_CASE("merges out of pieces are those of transformers", "[vocab][golden]") {
  const json cases = golden("merges.json");
  REQUIRE(cases.size() > 5);
  for (const json& c : cases) {
    token_table pieces;
    for (const json& p : c["pieces"]) {
      REQUIRE(pieces.add(static_cast<token_id>(pieces.size()), p.get<std::string>()));
    }
    const auto scores = c["scores"].get<std::vector<float>>();
    const auto spelled = [&](std::span<const float> s) {
      json out = json::array();
      for (const merge& m : merges_of_pieces(pieces, s)) {
        out.push_back({std::string(pieces[m.left]), std::string(pieces[m.right])});
      }
      return out;
    };
    CHECK(spelled(scores) == c["scored"]);
    CHECK(spelled({}) == c["by_id"]);
  }
}
