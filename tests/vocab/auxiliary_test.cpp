// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <algorithm>
#include <initializer_list>
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

bpe of_pairs(const token_table& tokens, std::initializer_list<std::pair<std::string, std::string>> pairs,
             bpe_options options = {}) {
  return model_of(tokens, merges_of(tokens, pairs), std::move(options));
}

bpe base() { return of_pairs(table({"a", "b", "c", "d", "ab", "cd"}), {{"a", "b"}, {"c", "d"}}); }

// Two languages over one alphabet: words of syllables of their own, the frequent ones much more frequent.
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
    std::string word = " ";
    for (std::size_t k = 0; k < 1 + below(4); ++k) word += syllables[below(1 + below(syllables.size()))];
    out.emplace_back(word, 1 + 2000 / static_cast<std::uint64_t>(i + 1));
  }
  return out;
}

}  // namespace

TEST_CASE("a token that the source's own merges cut is unreachable, and found out", "[vocab][expand]") {
  const bpe source = base();
  const token_rule rules[] = {{"bc", "b", "c"}, {"bcd", "bc", "d"}, {"abc", "ab", "c"}};
  auto more = append_tokens(source, rules, corpus_t{{"abcd", 3}, {"bcd", 2}, {"bc", 1}, {"abc", 1}});
  REQUIRE(more);
  CHECK(spelled(more->model, "bcd") == "b|cd");
  REQUIRE(more->tokens.size() == 3);
  CHECK(more->tokens[0].reachable);
  CHECK_FALSE(more->tokens[1].reachable);
  CHECK(more->tokens[2].reachable);
  CHECK(more->unreachable() == 1);
  CHECK(more->unused() == 1);
  CHECK(more->tokens[0].count == 1);
  // Mean reads b, cd of it; the leaves of its rule would be b, c, d.
  REQUIRE(more->change.pieces[1].size() == 2);
  CHECK(more->change.pieces[1][0] == source_id{1});
  CHECK(more->change.pieces[1][1] == source_id{5});
}

TEST_CASE("a token whose part is missing is refused", "[vocab][expand]") {
  const bpe source = base();
  const corpus_t corpus = {{"abc", 1}};
  const auto fails = [&](std::vector<token_rule> rules) {
    return append_tokens(source, rules, corpus).error();
  };
  auto why = fails({{"abc", "ab", "c"}, {"bcd", "bc", "d"}});
  CHECK(why.code == errc::bad_merge);
  CHECK(why.row == 1);
  CHECK(fails({{"abd", "ab", "c"}}).code == errc::bad_merge);
  why = fails({{"abc", "ab", "c"}, {"ab", "a", "b"}});
  CHECK(why.code == errc::duplicate_key);
  CHECK(why.row == 1);
  CHECK(fails({{"", "", ""}}).code == errc::empty);
  CHECK(append_tokens(
      source, std::vector<token_rule>{{"abc", "ab", "c"}, {"abcd", "abc", "d"}, {"x", "", ""}}, corpus));
}

TEST_CASE("a trained vocabulary has its alphabet and one rule a token", "[vocab][trainer]") {
  const corpus_t corpus = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  auto model = train_bpe(corpus, {.tokens = 260});
  REQUIRE(model);
  // es 9, st 9 over "es" -> est 9, lo 7, low 7, ... ; "es" before "st": the smaller text of two equal counts.
  REQUIRE(model->size() == 260);
  CHECK(model->bytes_of(256) == "es");
  CHECK(model->bytes_of(257) == "est");
  CHECK(model->bytes_of(258) == "lo");
  CHECK(model->bytes_of(259) == "low");
  CHECK(model->knows_every_byte());
  CHECK(spelled(*model, "lowest") == "low|est");

  const std::string na = "\xE0\xA4\xA8";
  auto letters = train_bpe(corpus_t{{"b" + na + na + "\xFF", 3}, {"a", 1}},
                           {.tokens = 100, .unit = bpe_unit::character});
  REQUIRE(letters);
  CHECK(letters->bytes_of(0) == na);
  CHECK(letters->bytes_of(1) == "b");
  CHECK(letters->bytes_of(2) == "a");
  CHECK(letters->bytes_of(3) == "b" + na);
  CHECK(letters->bytes_of(4) == "b" + na + na);
  CHECK(letters->size() == 5);
  letters = train_bpe(corpus_t{{"aab", 90}, {"c", 1}}, {.unit = bpe_unit::character, .coverage = 0.99});
  REQUIRE(letters);
  CHECK(letters->tokens().find("c") == no_token);
  CHECK(train_bpe(corpus, {.tokens = 255}).error().code == errc::out_of_range);
  CHECK(train_bpe(corpus_t{}, {.unit = bpe_unit::character}));
}

TEST_CASE("an auxiliary tokenizer gives its most frequent tokens with all their parts", "[vocab][expand]") {
  const corpus_t english = language(3, "etaoinshr", 600), german = language(4, "enirstadu", 200);
  auto source = train_bpe(english, {.tokens = 500});
  REQUIRE(source);
  auto more = append_aux(*source, german, {.tokens = 100, .auxiliary_tokens = 700});
  REQUIRE(more);
  CHECK(more->tokens.size() == 100);
  CHECK(more->appended);
  CHECK(more->corpus.crossing == 0);
  CHECK(more->corpus.target_tokens < more->corpus.source_tokens);

  auto auxiliary = train_bpe(german, {.tokens = 700});
  REQUIRE(auxiliary);
  std::vector<std::uint64_t> frequency(static_cast<std::size_t>(auxiliary->size()));
  for (const auto& [piece, count] : german) {
    auxiliary->encode_piece(piece,
                            [&, n = count](token_id t) { frequency[static_cast<std::size_t>(t)] += n; });
  }
  const auto frequency_of = [&](std::string_view text) {
    const token_id t = auxiliary->tokens().find(text);
    return t == no_token ? std::uint64_t{0} : frequency[static_cast<std::size_t>(t)];
  };
  std::uint64_t least = ~std::uint64_t{0};
  std::size_t parts = 0;
  for (const new_token& t : more->tokens) {
    CHECK(source->tokens().find(t.text) == no_token);
    REQUIRE_FALSE(t.is_unit());
    CHECK(t.left < t.id);
    CHECK(t.right < t.id);
    CHECK(std::string(more->model.bytes_of(t.left)) + std::string(more->model.bytes_of(t.right)) == t.text);
    parts += t.intermediate ? 1 : 0;
    if (!t.intermediate) least = std::min(least, frequency_of(t.text));
  }
  CHECK(parts > 0);
  // A token that is not there is less frequent than all that were asked for, or did not fit with its parts.
  for (token_id t = 256; t < auxiliary->size(); ++t) {
    const std::string_view text = auxiliary->bytes_of(t);
    if (more->model.tokens().find(text) == no_token) CHECK(frequency_of(text) <= least + 20);
  }
  auto few =
      append_aux(*source, german, {.tokens = 3, .auxiliary_tokens = 700, .reserved = {more->tokens[0].text}});
  REQUIRE(few);
  CHECK(few->tokens.size() <= 3);
  for (const new_token& t : few->tokens) CHECK(t.text != more->tokens[0].text);
}

TEST_CASE("prepended merges cross what the source keeps together", "[vocab][compat]") {
  // b c before a b and c d.
  const bpe source = base(), auxiliary = of_pairs(table({"b", "c", "bc"}), {{"b", "c"}});
  const corpus_t corpus = {{"abcd", 3}, {"abc", 2}, {"bcd", 1}, {"bc", 1}, {"bcabc", 1}};
  auto more = prepend_aux(source, auxiliary, corpus, 1);
  REQUIRE(more);
  CHECK_FALSE(more->appended);
  CHECK(spelled(more->model, "abcd") == "a|bc|d");
  CHECK(spelled(more->model, "abc") == "a|bc");
  CHECK(spelled(more->model, "bcd") == "bc|d");
  CHECK(spelled(more->model, "bc") == "bc");
  CHECK(spelled(more->model, "bcabc") == "bc|a|bc");
  CHECK(more->corpus.crossing == 3 * 3 + 2 * 2 + 2 + 2);
  REQUIRE(more->change.rules.size() == 1);
  const token_rule rules[] = {{"bc", "b", "c"}};
  auto appended = append_tokens(source, rules, corpus);
  REQUIRE(appended);
  CHECK(appended->corpus.crossing == 0);
  CHECK(spelled(appended->model, "bcabc") == "bc|ab|c");

  // One more token than asked for may come with both its parts, and one id may have no token.
  const bpe small = of_pairs(table({"a"}), {}, {.unit = bpe_unit::character});
  const bpe other =
      of_pairs(table({"x", "y", "z", "xy", "zz"}), {{"x", "y"}, {"z", "z"}}, {.unit = bpe_unit::character});
  auto over = prepend_aux(small, other, corpus_t{{"xyzz", 1}}, 1);
  REQUIRE(over);
  CHECK(over->tokens.size() == 3);
  over = prepend_aux(small, other, corpus_t{{"xyzz", 1}}, 4);
  REQUIRE(over);
  REQUIRE(over->tokens.size() == 5);
  CHECK(over->tokens[3].text == "z");
  CHECK(over->tokens[3].id == 5);  // 4 was counted and belongs to nobody
  CHECK_FALSE(over->model.tokens().contains(4));
  CHECK(over->tokens[4].id == 6);

  // Old merges change places: the source's list is (a b), (c d); the auxiliary one has (c d) before.
  const bpe reordering =
      of_pairs(table({"a", "b", "c", "d", "cd", "ab", "bc"}), {{"c", "d"}, {"b", "c"}, {"a", "b"}});
  more = prepend_aux(source, reordering, corpus, 1);
  REQUIRE(more);
  CHECK(more->model.merges()[0].result == source.tokens().find("cd"));
}

TEST_CASE("prepending cuts the other language up, appending does not", "[vocab][compat]") {
  const corpus_t english = language(3, "etaoinshr", 600), german = language(4, "enirstadu", 200);
  auto source = train_bpe(english, {.tokens = 500});
  auto auxiliary = train_bpe(german, {.tokens = 700});
  REQUIRE(source);
  REQUIRE(auxiliary);
  auto before = prepend_aux(*source, *auxiliary, german, 100);
  auto after = append_aux(*source, german, {.tokens = 100, .auxiliary_tokens = 700});
  auto continued = expand(*source, german, {{.tokens = 100}});
  REQUIRE(before);
  REQUIRE(after);
  REQUIRE(continued);
  const auto resplit = [&](const expanded& e) { return compare_tokenizations(*source, e.model, english); };
  CHECK(before->corpus.crossing > before->corpus.target_tokens / 20);
  CHECK(resplit(*before).crossing > 0);
  CHECK(resplit(*after).crossing == 0);
  CHECK(resplit(*continued).crossing == 0);
  CHECK(resplit(*before).distinct_changed > 2 * resplit(*after).distinct_changed);
  CHECK(after->corpus.target_tokens > continued->corpus.target_tokens);
  CHECK(continued->unused() <= after->unused());
}

TEST_CASE("merges out of pieces come in the order of the reference", "[vocab][compat]") {
  const token_table pieces = table({"a", "b", "c", "d", "ab", "cd", "abc", "bc"});
  const auto list = [&](std::span<const float> scores) {
    std::string out;
    for (const merge& m : merges_of_pieces(pieces, scores)) {
      CHECK(std::string(pieces[m.left]) + std::string(pieces[m.right]) == pieces[m.result]);
      out.append(out.empty() ? "" : " ").append(pieces[m.left]).append("+").append(pieces[m.right]);
    }
    return out;
  };
  const float scores[] = {-10, -11, -12, -13, -1, -2, 0, 0};
  CHECK(list(scores) == "ab+c a+bc b+c a+b c+d");
  CHECK(list({}) == "a+b c+d a+bc ab+c b+c");
  // Lengths are in characters: one of two bytes counts once.
  const token_table wide = table({"\xC3\xA9", "b", "c",
                                  "\xC3\xA9"
                                  "b",
                                  "bc",
                                  "\xC3\xA9"
                                  "bc"});
  const auto merges = merges_of_pieces(wide, std::vector<float>(6, 0.0f));
  REQUIRE(merges.size() == 4);
  CHECK(merges[0].left == 3);
}

TEST_CASE("reserved texts are kept out of every placement", "[vocab][expand]") {
  const bpe source = base(), auxiliary = of_pairs(table({"a", "b", "c", "d", "bc", "bcd", "cd"}),
                                                  {{"b", "c"}, {"bc", "d"}, {"c", "d"}});
  const corpus_t corpus = {{"abcd", 3}, {"bcd", 2}};
  auto more = prepend_aux(source, auxiliary, corpus, 5);
  REQUIRE(more);
  CHECK(more->tokens.size() == 2);
  more = prepend_aux(source, auxiliary, corpus, 5, no_token, {"bcd"});
  REQUIRE(more);
  REQUIRE(more->tokens.size() == 1);
  CHECK(more->tokens[0].text == "bc");
  more = prepend_aux(source, auxiliary, corpus, 5, no_token, {"bc"});  // and what is made of it
  REQUIRE(more);
  CHECK(more->tokens.empty());
  CHECK(spelled(more->model, "abcd") == "ab|cd");
  const token_rule rules[] = {{"abc", "ab", "c"}, {"abcd", "abc", "d"}};
  CHECK(append_tokens(source, rules, corpus));
  const auto refused = append_tokens(source, rules, corpus, no_token, {"abcd"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::duplicate_key);
  CHECK(refused.error().row == 1);
  for (const auto& [name, how] : placements) {
    CAPTURE(name);
    more = expand(source, corpus, how, {{.tokens = 9, .min_gain = 1, .reserved = {"abcd"}}});
    REQUIRE(more);
    for (const new_token& t : more->tokens) CHECK(t.text != "abcd");
  }
}

TEST_CASE("a token comes with all its parts, however deep", "[vocab][expand]") {
  std::string word;
  for (char32_t c = 0x4E00; c < 0x4E00 + 1500; ++c) lagom::append_utf8(word, c);
  const bpe source = of_pairs(table({"a"}), {}, {.unit = bpe_unit::character});
  auto more =
      append_aux(source, corpus_t{{word, 2}}, {.tokens = 5000, .auxiliary_tokens = 5000, .max_bytes = 0});
  REQUIRE(more);
  CHECK(more->tokens.size() == 1500 + 1499);
  CHECK(more->tokens.back().text == word);
  CHECK(more->tokens.back().reachable);
  CHECK(more->corpus.target_tokens == 2);
  more = append_aux(source, corpus_t{{word, 2}}, {.tokens = 2998, .auxiliary_tokens = 5000, .max_bytes = 0});
  REQUIRE(more);
  CHECK(more->tokens.empty());  // one part too many
}

TEST_CASE("a WordPiece vocabulary is not expanded, and says so", "[vocab][expand]") {
  auto words = wordpiece::make(table({"[UNK]", "play", "##ing"}), {.unk = 0});
  REQUIRE(words);
  const auto refused = expand(*words, corpus_t{{"played", 3}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().key.view() == "expansion of a WordPiece model");
}
