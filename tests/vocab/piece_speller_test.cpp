// SPDX-License-Identifier: MIT
#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::no_token;

const std::string e_acute = "\xC3\xA9", na = "\xE0\xA4\xA8";

using ends_t = std::vector<std::size_t>;

template <class Model>
struct spelling {
  bool whole = false;
  ids_t ids{};
  ends_t ends{};
  std::string bytes{};
  spelling(const Model& model, std::string_view piece) {
    piece_speller<Model> speller(model);
    segmentation cut;
    whole = speller(piece, cut);
    ids.assign(cut.tokens().begin(), cut.tokens().end());
    ends.assign(cut.ends().begin(), cut.ends().end());
    bytes = cut.bytes();
  }
};

}  // namespace

TEST_CASE("tokens of characters and of bytes have their ends", "[vocab][align]") {
  token_table tokens = table({"<unk>", "a", "b", "ab"});
  for (unsigned b = 0; b < 256; ++b) REQUIRE(tokens.add(static_cast<token_id>(4 + b), byte_name(b)));
  const bpe model = model_of(tokens, merges_of(tokens, {{"a", "b"}}),
                             {.unit = bpe_unit::character, .byte_fallback = true, .unk = 0});
  const spelling one(model, "ab" + na + "a");
  CHECK(one.whole);
  CHECK(one.ids == ids_t{3, 4 + 0xE0, 4 + 0xA4, 4 + 0xA8, 1});
  CHECK(one.ends == ends_t{2, 3, 4, 5, 6});
  CHECK(one.bytes == "ab" + na + "a");
  const piece_speller<bpe> speller(model);
  CHECK(speller.meaning_of(4 + 0xE0) == "\xE0");
  CHECK(speller.meaning_of(3) == "ab");
  CHECK(speller.meaning_of(0).empty());
  CHECK(spelling(model, "").whole);

  // Prefix and suffix only say where a token is.
  const bpe parts = model_of(table({"a", "##b", "##b</w>", "a</w>"}), {},
                             {.continuing_prefix = "##", .end_suffix = "</w>"});
  const spelling two(parts, "abb");
  CHECK(two.whole);
  CHECK(two.ends == ends_t{1, 2, 3});
  CHECK(piece_speller(parts).meaning_of(2) == "b");
  auto words = wordpiece::make(table({"[UNK]", "un", "##able"}), {.unk = 0});
  REQUIRE(words);
  CHECK(spelling(*words, "unable").ends == ends_t{2, 6});
  CHECK_FALSE(spelling(*words, "undone").whole);
}

TEST_CASE("what is lost is not spelled, whatever stands for it", "[vocab][align]") {
  // An unk of as many bytes as are lost.
  std::vector<scored_piece> pieces = {{"<unk>", 0, true}, {"a", -1}, {"b", -2}};
  auto scored = scored_bpe::make(pieces, 0);
  REQUIRE(scored);
  const spelling five(*scored, e_acute + na);
  CHECK(five.ids == ids_t{0});
  CHECK_FALSE(five.whole);
  CHECK(five.bytes.empty());
  const spelling inside(*scored, "a" + e_acute + "b");
  CHECK(inside.ids == ids_t{1, 0, 2});
  CHECK(inside.ends == ends_t{1, 1, 1});
  CHECK_FALSE(inside.whole);
  CHECK(spelling(*scored, "<unk>").ids == ids_t{0});  // no splits: its characters are unknown
  // One that is not matched, with the very text that is lost.
  std::vector<unigram_piece> list = {{na, 0, false}, {"a", -1}};
  auto unigram_model = unigram::make(list, {.unk = 0});
  REQUIRE(unigram_model);
  const spelling same(*unigram_model, "a" + na);
  CHECK(same.ids == ids_t{1, 0});
  CHECK_FALSE(same.whole);
  CHECK(piece_speller(*unigram_model).meaning_of(0).empty());
  // And what a model leaves out.
  const bpe none = model_of(table({"a", "b"}), {}, {.unit = bpe_unit::character});
  CHECK_FALSE(spelling(none, "a" + na + "b").whole);
  CHECK_FALSE(spelling(none, na).whole);
  // Nothing of it is compared.
  const auto change = compare_tokenizations(*scored, *scored, corpus_t{{e_acute + na, 3}, {"ab", 2}});
  CHECK(change.unmeasured == 3);
  CHECK(change.crossing == 0);
}

TEST_CASE("a text like a byte's name is not a byte", "[vocab][align]") {
  std::vector<unigram_piece> list = {{"<unk>", 0, false}, {"a", -1}};
  std::vector<std::string> names;
  for (unsigned b = 0; b < 256; ++b) names.push_back(byte_name(b));
  for (const std::string& n : names) list.push_back({n, -30});  // as a tokenizer.json has them
  auto model = unigram::make(list, {.unk = 0, .byte_fallback = true});
  REQUIRE(model);
  const spelling literal(*model, "a<0x0A>a");
  CHECK(literal.ids == ids_t{1, 2 + 0x0A, 1});
  CHECK(literal.ends == ends_t{1, 7, 8});
  CHECK(literal.whole);
  const spelling bytes(*model, "a\na");
  CHECK(bytes.ids == literal.ids);
  CHECK(bytes.ends == ends_t{1, 2, 3});
  CHECK(named_byte("<0x0A>") == 10);
  CHECK(named_byte("<0x0a>") == -1);
  CHECK(named_byte("<0x0A") == -1);
  CHECK(named_byte("<0xGA>") == -1);
}
