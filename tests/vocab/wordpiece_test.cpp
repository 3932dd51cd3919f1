// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/core/tokenizer.hpp>
#include <lagom/vocab.hpp>

#include <initializer_list>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::errc;
using lagom::no_token;
using lagom::token_id;
using ids_t = std::vector<token_id>;

static_assert(lagom::tokenizer<wordpiece>);

wordpiece model_of(std::initializer_list<std::string_view> texts, wordpiece_options options = {.unk = 0}) {
  token_table tokens;
  token_id next = 0;
  for (const auto text : texts) REQUIRE(tokens.add(next++, text));
  auto model = wordpiece::make(std::move(tokens), std::move(options));
  REQUIRE(model);
  return std::move(*model);
}

ids_t encode(const wordpiece& model, std::string_view word) {
  ids_t out;
  model.encode_piece(word, [&](token_id t) { out.push_back(t); });
  return out;
}

// The definition: at each place the longest token, by trying all lengths.
ids_t by_definition(const wordpiece& model, const std::string& word) {
  const auto& options = model.options();
  ids_t out;
  for (std::size_t at = 0; at < word.size();) {
    token_id best = no_token;
    std::size_t length = word.size() - at;
    for (; length > 0 && best == no_token; --length) {
      best = model.tokens().find((at > 0 ? options.continuing_prefix : "") + word.substr(at, length));
      if (best != no_token) break;
    }
    if (best == no_token) return options.unk == no_token ? ids_t{} : ids_t{options.unk};
    out.push_back(best);
    at += length;
  }
  return out;
}

}  // namespace

TEST_CASE("WordPiece takes the longest token that fits, or gives up the word", "[vocab][wordpiece]") {
  const auto model = model_of({"[UNK]", "un", "##aff", "##able", "##a", "una", "##", "##b", "##le"});
  CHECK(encode(model, "unaffable") == ids_t{0});  // "una" is longer than "un", and "ff" is no token
  CHECK(encode(model, "unable") == ids_t{5, 7, 8});
  CHECK(encode(model, "un") == ids_t{1});
  CHECK(encode(model, "x") == ids_t{0});
  CHECK(encode(model, "unx") == ids_t{0});
  CHECK(encode(model, "able") == ids_t{0});
  CHECK(encode(model, "").empty());
  CHECK(encode(model, "##able") == ids_t{3});  // a word may begin with a token that is spelled like that
  CHECK(encode(model, "##") == ids_t{6});
  CHECK(encode(model, "una##") == ids_t{0});
}

TEST_CASE("words that are too long are unknown, counted in characters", "[vocab][wordpiece]") {
  const auto model = model_of({"[UNK]", "\xC3\xA9", "##\xC3\xA9"}, {.max_chars = 3, .unk = 0});
  CHECK(encode(model, "\xC3\xA9\xC3\xA9\xC3\xA9") == ids_t{1, 2, 2});
  CHECK(encode(model, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9") == ids_t{0});
  CHECK(encode(model_of({"a"}, {}), "b").empty());  // without an unknown token it is left out
  token_table tokens;
  REQUIRE(tokens.add(0, "a"));
  CHECK(wordpiece::make(std::move(tokens), {.unk = 1}).error().code == errc::unknown_token);
}

TEST_CASE("the automaton finds what trying all lengths finds", "[vocab][wordpiece]") {
  const lagom::philox random{7};
  std::uint64_t n = 0;
  const auto below = [&](std::size_t k) {
    return static_cast<std::size_t>(random.uniform(1, n++) * static_cast<double>(k));
  };
  const auto word = [&](std::size_t longest) {
    std::string out;
    for (std::size_t i = 1 + below(longest); i > 0; --i) out.push_back("ab#"[below(10) == 0 ? 2 : below(2)]);
    return out;
  };
  std::size_t known = 0, parts = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string prefix = round % 5 == 0 ? "" : round % 5 == 1 ? "#" : "##";
    token_table tokens;
    REQUIRE(tokens.add(0, "[UNK]"));
    token_id next = 1;
    for (std::size_t i = 2 + below(25); i > 0; --i) {
      const std::string text = (below(3) > 0 ? prefix : "") + word(6);
      if (tokens.find(text) == no_token) REQUIRE(tokens.add(next++, text));
    }
    auto model = wordpiece::make(std::move(tokens), {prefix, 40, 0});
    REQUIRE(model);
    for (int i = 0; i < 60; ++i) {
      const std::string text = word(30);
      const ids_t ids = encode(*model, text);
      REQUIRE(ids == by_definition(*model, text));
      known += ids != ids_t{0};
      parts += ids.size();
    }
  }
  CHECK(known > 2000);
  CHECK(parts > 3 * known);
}

TEST_CASE("WordPiece is linear in a run of one letter, with tokens that nearly fit", "[vocab][wordpiece]") {
  token_table tokens;
  REQUIRE(tokens.add(0, "[UNK]"));
  REQUIRE(tokens.add(1, "a"));
  REQUIRE(tokens.add(2, "##a"));
  REQUIRE(tokens.add(3, "##" + std::string(100000, 'a') + "b"));
  auto model = wordpiece::make(std::move(tokens), {.max_chars = 2000000, .unk = 0});
  REQUIRE(model);
  std::size_t count = 0;
  model->encode_piece(std::string(1000000, 'a'), [&](token_id t) { count += t == 2; });
  CHECK(count == 999999);
}
