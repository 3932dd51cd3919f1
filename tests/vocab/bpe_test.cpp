// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/core/tokenizer.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/vocab.hpp>

#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

namespace {

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::append_lossy;
using lagom::append_utf8;
using lagom::decode_utf8;
using lagom::errc;
using lagom::is_utf8;
using lagom::no_token;
using lagom::token_id;
using lagom::utf8_char;

static_assert(lagom::tokenizer<bpe>);

// The definition: while there is a pair with a merge, the one of least rank, the leftmost of those.
ids_t by_definition(std::span<const merge> merges, ids_t ids) {
  while (true) {
    std::size_t best = ids.size(), best_rank = merges.size();
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      for (std::size_t r = 0; r < best_rank; ++r) {
        if (merges[r].left == ids[i] && merges[r].right == ids[i + 1]) {
          best = i;
          best_rank = r;
        }
      }
    }
    if (best == ids.size()) return ids;
    ids[best] = merges[best_rank].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

}  // namespace

TEST_CASE("appended merges coarsen, prepended ones cross", "[vocab][bpe]") {
  auto tokens = table({"a", "b", "c", "d", "ab", "cd", "abc", "abcab", "dd"});
  auto base = bpe::make(tokens, merges_of(tokens, {{"a", "b"}, {"c", "d"}}));
  auto more =
      bpe::make(tokens, merges_of(tokens, {{"a", "b"}, {"c", "d"}, {"ab", "c"}, {"abc", "ab"}, {"d", "d"}}));
  REQUIRE(base);
  REQUIRE(more);
  CHECK(spelled(*base, "abcabcd") == "ab|c|ab|cd");
  CHECK(spelled(*more, "abcabcd") == "abcab|cd");
  CHECK(spelled(*more, "abcabd") == "abcab|d");
  CHECK(spelled(*more, "ddd") == "dd|d");
  CHECK(spelled(*more, "cddd") == "cd|dd");

  tokens = table({"a", "b", "c", "d", "ab", "cd", "bc"});
  auto first = bpe::make(tokens, merges_of(tokens, {{"b", "c"}, {"a", "b"}, {"c", "d"}}));
  REQUIRE(first);
  CHECK(spelled(*first, "abcd") == "a|bc|d");
  CHECK(spelled(*first, "bcabc") == "bc|a|bc");
}

TEST_CASE("scanning, heap and definition agree on random merge lists", "[vocab][bpe]") {
  const lagom::philox random{7};
  std::uint64_t n = 0;
  const auto below = [&](std::size_t limit) {
    return static_cast<std::size_t>(random.uniform(0, n++) * static_cast<double>(limit));
  };
  for (int round = 0; round < 60; ++round) {
    token_table tokens = table({"a", "b", "c"});
    std::vector<merge> merges;
    for (int i = 0; i < 40; ++i) {
      const auto size = static_cast<std::size_t>(tokens.size());
      const auto left = static_cast<token_id>(below(size)), right = static_cast<token_id>(below(size));
      const std::string joined = std::string(tokens[left]) + std::string(tokens[right]);
      if (joined.size() > 40) continue;
      if (tokens.find(joined) == no_token) REQUIRE(tokens.add(static_cast<token_id>(size), joined));
      merges.push_back({left, right, tokens.find(joined)});
    }
    // A pair that is listed twice has its later rank.
    std::vector<merge> unique;
    for (std::size_t i = 0; i < merges.size(); ++i) {
      bool again = false;
      for (std::size_t j = i + 1; j < merges.size(); ++j) {
        again = again || (merges[i].left == merges[j].left && merges[i].right == merges[j].right);
      }
      if (!again) unique.push_back(merges[i]);
    }
    auto model = bpe::make(tokens, merges);
    REQUIRE(model);
    const merge_table found(unique);
    for (const std::size_t length : std::initializer_list<std::size_t>{0, 1, 2, 3, 7, 30, 47, 48, 49, 90}) {
      std::string piece;
      ids_t ids;
      for (std::size_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<token_id>(below(3)));
        piece += "abc"[ids.back()];
      }
      const ids_t expected = by_definition(unique, ids);
      CHECK(encode(*model, piece) == expected);
      if (ids.empty()) continue;
      ids.resize(detail::merge_long(found, ids));
      CHECK(ids == expected);
    }
  }
}

TEST_CASE("an unknown character falls back to its bytes, or becomes the unknown token", "[vocab][bpe]") {
  token_table tokens = table({"<unk>", "a", "b", "ab"});
  for (token_id b = 0; b < 256; ++b) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(b));
    REQUIRE(tokens.add(4 + b, name));
  }
  const auto merges = merges_of(tokens, {{"a", "b"}});
  bpe_options options{.unit = bpe_unit::character, .byte_fallback = true, .unk = 0};
  auto whole = bpe::make(tokens, merges, options);
  REQUIRE(whole);
  CHECK(spelled(*whole,
                "ab\xE0\xA4\xA8"
                "ab") == "ab|<0xE0>|<0xA4>|<0xA8>|ab");
  CHECK(whole->knows_every_byte());
  REQUIRE(tokens.add(260, "\xE0\xA4\xA8"));
  CHECK(spelled(*bpe::make(tokens, merges, options), "a\xE0\xA4\xA8") == "a|\xE0\xA4\xA8");

  // Without byte tokens: one unknown token a character, or one for all in a row.
  const token_table few = table({"<unk>", "a", "b", "ab", "<0xC3>", "<0xA9>"});
  options.byte_fallback = false;
  CHECK(spelled(*bpe::make(few, merges, options), "xyab\xC3\xA9z") == "<unk>|<unk>|ab|<unk>|<unk>");
  options.fuse_unk = true;
  CHECK(spelled(*bpe::make(few, merges, options), "xyab\xC3\xA9z") == "<unk>|ab|<unk>");
  options.unk = no_token;
  CHECK(spelled(*bpe::make(few, merges, options),
                "xya\xC3\xA9z"
                "b") == "ab");
  // With some of them: byte tokens overtake an unknown token that waits.
  options = {.unit = bpe_unit::character, .byte_fallback = true, .unk = 0};
  CHECK(spelled(*bpe::make(few, merges, options), "x\xC3\xA9yb") == "<0xC3>|<0xA9>|<unk>|<unk>|b");
  CHECK_FALSE(bpe::make(few, merges, options)->knows_every_byte());
}

TEST_CASE("prefix and suffix are part of how units are spelled", "[vocab][bpe]") {
  const token_table tokens = table({"a", "##b", "##b</w>", "a</w>", "ab</w>", "##c", "##cb</w>", "?"});
  const std::vector<merge> merges = {{0, 2, 4}, {5, 2, 6}};
  for (const bpe_unit unit : {bpe_unit::byte, bpe_unit::character}) {
    auto model =
        bpe::make(tokens, merges, {.unit = unit, .unk = 7, .continuing_prefix = "##", .end_suffix = "</w>"});
    REQUIRE(model);
    CHECK(spelled(*model, "ab") == "ab</w>");
    CHECK(spelled(*model, "a") == "a</w>");
    CHECK(spelled(*model, "acb") == "a|##cb</w>");
    CHECK(spelled(*model, "ba") == "?|?");
    CHECK(spelled(*model, std::string(60, 'b') + "a") == std::string("?") + [] {
      std::string rest;
      for (int i = 0; i < 59; ++i) rest += "|##b";
      return rest + "|?";
    }());
  }
}

TEST_CASE("a piece that is a token may go before its merges", "[vocab][bpe]") {
  const token_table tokens = table({"a", "b", "c", "ab", "abc"});
  const auto merges = merges_of(tokens, {{"a", "b"}});
  CHECK(spelled(*bpe::make(tokens, merges), "abc") == "ab|c");
  auto model = bpe::make(tokens, merges, {.ignore_merges = true});
  CHECK(spelled(*model, "abc") == "abc");
  CHECK(spelled(*model, "abca") == "ab|c|a");
}

TEST_CASE("what cannot be a model is refused", "[vocab][bpe]") {
  const token_table tokens = table({"a", "b", "ab"});
  auto bad = bpe::make(tokens, {{0, 1, 2}, {0, 3, 2}});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == errc::bad_merge);
  CHECK(bad.error().row == 1);
  CHECK(bpe::make(tokens, {}, {.unk = 9}).error().code == errc::unknown_token);
}

TEST_CASE("a token table holds any bytes under any ids, once", "[vocab]") {
  token_table t;
  REQUIRE(t.add(5, ""));
  REQUIRE(t.add(2, std::string_view("\0\xFF", 2)));
  for (token_id i = 10; i < 3000; ++i) REQUIRE(t.add(i, "token" + std::to_string(i)));
  CHECK(t.find("") == 5);
  CHECK(t.find(std::string_view("\0\xFF", 2)) == 2);
  CHECK(t.find("token2999") == 2999);
  CHECK(t.find("token3000") == no_token);
  CHECK(t[5].empty());
  CHECK(t.contains(5));
  CHECK_FALSE(t.contains(4));
  CHECK_FALSE(t.contains(-1));
  CHECK_FALSE(t.contains(3000));
  CHECK(t.size() == 3000);
  CHECK(t.count() == 2992);
  CHECK(t.add(-1, "x").error().code == errc::out_of_range);
  CHECK(t.add(5, "x").error().code == errc::duplicate_key);
  CHECK(t.add(6, "token77").error().code == errc::duplicate_key);
  CHECK(t.find("x") == no_token);
  CHECK(token_table{}.find("a") == no_token);
}

TEST_CASE("the byte alphabet is a bijection between bytes and letters", "[vocab]") {
  std::string all, letters;
  for (int b = 0; b < 256; ++b) all.push_back(static_cast<char>(static_cast<unsigned char>(b)));
  append_letters(letters, all);
  CHECK(bytes_of_letters(letters) == all);
  CHECK(byte_alphabet[' '] == 0x120);
  CHECK(byte_alphabet['\n'] == 0x10A);
  CHECK(byte_alphabet[0xAD] == 0x143);
  CHECK(byte_of_letter(0x144) == -1);
  CHECK(byte_of_letter(' ') == -1);
  CHECK_FALSE(bytes_of_letters("a b"));
  CHECK_FALSE(bytes_of_letters("\xC4"));
}

TEST_CASE("ill-formed sequences are as long as the Unicode Standard has them", "[vocab][utf8]") {
  const auto lossy = [](std::string_view text) {
    std::string out;
    append_lossy(out, text);
    return out;
  };
  const std::string r = "\xEF\xBF\xBD";
  CHECK(lossy("plain \xC3\xA9 \xF0\x9F\x98\x80") == "plain \xC3\xA9 \xF0\x9F\x98\x80");
  CHECK(lossy("\xF0\x80\x80\x41") == r + r + r + "A");
  CHECK(lossy("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == r + r + r + r + "A");
  CHECK(lossy("\xED\xA0\x80") == r + r + r);
  CHECK(lossy("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == r + r + r + r + r + "A" + r + r + "B");
  CHECK(lossy("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == r + r + r + r + r + r + r + r + "A");
  CHECK(is_utf8("long ascii text, then \xE4\xB8\xAD"));
  CHECK_FALSE(is_utf8("long ascii text, then \xE4\xB8"));
  for (char32_t c = 0; c < 0x110000; c += (c < 0x3000 ? 1 : 0x3D)) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const utf8_char back = decode_utf8(text, 0);
    REQUIRE((back.well_formed && back.code == c && back.length == text.size()));
  }
}

TEST_CASE("a megabyte of one letter is no trouble, in several threads", "[vocab][bpe]") {
  token_table tokens = table({"a", "aa", "aaaa"});
  auto model = bpe::make(tokens, merges_of(tokens, {{"a", "a"}, {"aa", "aa"}}));
  REQUIRE(model);
  const std::string run(1'000'001, 'a');
  std::vector<std::size_t> counts(2);
  std::vector<std::thread> threads;
  for (auto& count : counts) {
    threads.emplace_back([&] { model->encode_piece(run, [&](token_id) { ++count; }); });
  }
  for (auto& t : threads) t.join();
  CHECK(counts == std::vector<std::size_t>(2, 250'001));
}
