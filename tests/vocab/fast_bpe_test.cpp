// SPDX-License-Identifier: MIT
// What makes byte pair encoding fast changes no token: against the definition, over random vocabularies.
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::decode_utf8;
using lagom::no_token;
using lagom::token_id;
using ids_t = std::vector<token_id>;

class dice {
 public:
  explicit dice(std::uint64_t stream) : stream_(stream) {}
  std::size_t operator()(std::size_t n) {
    if (at_ % 4 == 0) block_ = random_(stream_, at_);
    return block_.word[at_++ % 4] % n;
  }

 private:
  const lagom::philox random_{11};
  std::uint64_t stream_, at_ = 0;
  decltype(std::declval<const lagom::philox&>()(0, 0)) block_{};
};

// The least rank first, the leftmost on a tie, by looking at everything again after each merge.
ids_t by_definition(const std::map<std::pair<token_id, token_id>, std::size_t>& ranks,
                    const std::vector<merge>& merges, ids_t ids) {
  for (;;) {
    std::size_t best = ~std::size_t{0}, at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found == ranks.end() || found->second >= best) continue;
      best = found->second;
      at = i;
    }
    if (best == ~std::size_t{0}) return ids;
    ids[at] = merges[best].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::map<std::pair<token_id, token_id>, std::size_t> ranks_of(const std::vector<merge>& merges) {
  std::map<std::pair<token_id, token_id>, std::size_t> out;
  for (std::size_t i = 0; i < merges.size(); ++i) out[{merges[i].left, merges[i].right}] = i;
  return out;
}

struct vocabulary {
  token_table tokens;
  std::vector<merge> merges;
};

// Units, and merges of what is there, in any order: those that come late may make short tokens.
vocabulary random_vocabulary(dice& below, const std::vector<std::string>& units, int count) {
  vocabulary out;
  for (const std::string& u : units) REQUIRE(out.tokens.add(static_cast<token_id>(out.tokens.size()), u));
  for (int i = 0; i < count; ++i) {
    const auto size = static_cast<std::size_t>(out.tokens.size());
    const auto left = static_cast<token_id>(below(size)), right = static_cast<token_id>(below(size));
    const std::string joined = std::string(out.tokens[left]) + std::string(out.tokens[right]);
    if (joined.size() > 30) continue;
    if (out.tokens.find(joined) == no_token) REQUIRE(out.tokens.add(static_cast<token_id>(size), joined));
    out.merges.push_back({left, right, out.tokens.find(joined)});
  }
  for (std::size_t i = out.merges.size(); i > 1; --i) std::swap(out.merges[i - 1], out.merges[below(i)]);
  return out;
}

ids_t encode(const bpe& model, std::string_view piece) {
  ids_t out;
  model.encode_piece(piece, [&](token_id t) { out.push_back(t); });
  return out;
}

// A piece's tokens by the letter: one unit after the other, then the merges.
ids_t slowly(const bpe& model, const vocabulary& v, std::string_view piece) {
  ids_t ids;
  bool unk_waits = false;
  const auto flush = [&] {
    if (unk_waits) ids.push_back(model.options().unk);
    unk_waits = false;
  };
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t length = decode_utf8(piece, at).length;
    const std::string unit(piece.substr(at, length));
    at += length;
    const token_id known = v.tokens.find(unit);
    if (known != no_token) {
      flush();
      ids.push_back(known);
      continue;
    }
    ids_t bytes;
    for (const char c : unit) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(static_cast<unsigned char>(c)));
      bytes.push_back(v.tokens.find(name));
    }
    const bool falls =
        model.options().byte_fallback && std::find(bytes.begin(), bytes.end(), no_token) == bytes.end();
    if (falls) {
      ids.insert(ids.end(), bytes.begin(), bytes.end());
    } else if (model.options().unk != no_token) {
      if (!model.options().fuse_unk) flush();
      unk_waits = true;
    }
  }
  flush();
  return by_definition(ranks_of(v.merges), v.merges, ids);
}

}  // namespace

TEST_CASE("every merge loop does what the definition says", "[vocab][bpe]") {
  dice below(1);
  for (int round = 0; round < 60; ++round) {
    const vocabulary v = random_vocabulary(below, {"a", "b", "c"}, 40);
    const auto ranks = ranks_of(v.merges);
    const merge_table table(v.merges);
    std::vector<std::uint8_t> is_unit(static_cast<std::size_t>(v.tokens.size()));
    for (std::size_t i = 0; i < 3; ++i) is_unit[i] = 1;
    const unit_ranks units(table, v.merges, is_unit);
    for (token_id i = 0; i < v.tokens.size(); ++i) {
      for (token_id j = 0; j < v.tokens.size(); ++j) {
        const auto found = ranks.find({i, j});
        CHECK(table.rank(i, j) == (found == ranks.end() ? merge_table::no_rank : found->second));
        CHECK(units(table, i, j) == table.rank(i, j));
        if (found != ranks.end()) CHECK(table.find(i, j).result == v.merges[found->second].result);
      }
    }
    for (const std::size_t length : std::initializer_list<std::size_t>{1, 2, 3, 9, 63, 64, 65, 66, 300}) {
      ids_t ids;
      const std::size_t letters = 1 + below(3);
      for (std::size_t i = 0; i < length; ++i) ids.push_back(static_cast<token_id>(below(letters)));
      const ids_t expected = by_definition(ranks, v.merges, ids);
      const auto run = [&](auto loop) {
        ids_t out = ids;
        out.resize(loop(std::span<token_id>(out)));
        return out;
      };
      CHECK(run([&](std::span<token_id> x) { return apply_merges(table, x); }) == expected);
      CHECK(run([&](std::span<token_id> x) { return apply_merges(table, units, x); }) == expected);
      CHECK(run([&](std::span<token_id> x) { return detail::merge_long(table, x); }) == expected);
      CHECK(run([&](std::span<token_id> x) { return detail::merge_very_long(table, x); }) == expected);
    }
  }
}

TEST_CASE("a merge that makes its own left side again comes to an end as in the definition", "[vocab][bpe]") {
  // No file has such merges; a list may. 0 1 -> 0 eats every 1 after a 0; 2 0 -> 2 then has a lower rank.
  const std::vector<merge> merges{{2, 0, 2}, {0, 1, 0}, {1, 1, 0}};
  const merge_table table(merges);
  dice below(2);
  for (int round = 0; round < 200; ++round) {
    ids_t ids;
    for (std::size_t i = 0; i < 80; ++i) ids.push_back(static_cast<token_id>(below(3)));
    const ids_t expected = by_definition(ranks_of(merges), merges, ids);
    ids_t one = ids, other = ids;
    one.resize(detail::merge_long(table, one));
    other.resize(detail::merge_very_long(table, other));
    CHECK(one == expected);
    CHECK(other == expected);
    ids.resize(50);
    const ids_t few = by_definition(ranks_of(merges), merges, ids);
    ids.resize(apply_merges(table, ids));
    CHECK(ids == few);
  }
}

TEST_CASE("pairs of equal rank merge from left to right, each to its own result", "[vocab][bpe]") {
  dice below(5);
  for (int round = 0; round < 60; ++round) {
    std::vector<merge_table::entry> entries;
    std::map<std::pair<token_id, token_id>, merge_table::entry> of;
    for (int i = 0; i < 60; ++i) {
      const merge_table::entry e{static_cast<token_id>(below(12)), static_cast<token_id>(below(12)),
                                 static_cast<std::uint32_t>(3 * below(8)),
                                 static_cast<token_id>(3 + below(12))};
      entries.push_back(e);
      of[{e.left, e.right}] = e;
    }
    const merge_table table(entries);
    for (const std::size_t length : std::initializer_list<std::size_t>{2, 20, 64, 65, 200}) {
      ids_t ids;
      for (std::size_t i = 0; i < length; ++i) ids.push_back(static_cast<token_id>(below(3)));
      ids_t expected = ids;
      for (;;) {
        std::size_t best = expected.size();
        std::uint32_t rank = merge_table::no_rank;
        for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
          const auto found = of.find({expected[i], expected[i + 1]});
          if (found == of.end() || found->second.rank >= rank) continue;
          rank = found->second.rank;
          best = i;
        }
        if (rank == merge_table::no_rank) break;
        const auto at = expected.begin() + static_cast<std::ptrdiff_t>(best);
        *at = of.at({at[0], at[1]}).result;
        expected.erase(at + 1);
      }
      ids_t heap = ids, queues = ids;
      ids.resize(apply_merges(table, ids));
      heap.resize(detail::merge_long(table, heap));
      queues.resize(detail::merge_very_long(table, queues));
      CHECK(ids == expected);
      CHECK(heap == expected);
      CHECK(queues == expected);
    }
  }
}

TEST_CASE("a merge table holds ids of any size", "[vocab][bpe]") {
  for (const token_id shift :
       {token_id{0}, (token_id{1} << 20) - 3, token_id{1} << 20, token_id{0x7FFFFF00}}) {
    std::vector<merge> merges;
    for (token_id i = 0; i < 40; ++i) merges.push_back({shift + i % 7, shift + i / 7, i});
    const merge_table table(merges);
    for (token_id i = 0; i < 8; ++i) {
      for (token_id j = 0; j < 8; ++j) {
        const token_id at = 7 * j + i;
        CHECK(table.rank(shift + i, shift + j) ==
              (i < 7 && at < 40 ? static_cast<std::uint32_t>(at) : merge_table::no_rank));
      }
    }
    CHECK(table.rank(0, 1 << 20) == merge_table::no_rank);
  }
  CHECK(merge_table().rank(0, 0) == merge_table::no_rank);
}

TEST_CASE("long pieces are cut where nothing merges, and words looked up, without a trace", "[vocab][bpe]") {
  const std::string mark = "\xE2\x96\x81", e = "\xC3\xA9", ka = "\xE0\xA4\x95", smile = "\xF0\x9F\x98\x80";
  const std::vector<std::string> alphabet{"a", "b", "c", ".", mark, e, ka, smile, "z", " "};
  dice below(3);
  std::size_t word_cuts = 0;
  for (int round = 0; round < 150; ++round) {
    // z, and sometimes others, are unknown; some vocabularies have bytes for them.
    std::vector<std::string> units{"<unk>", "a", "b", "c", ".", mark};
    for (const std::string& u : {e, ka, smile, std::string(" ")}) {
      if (below(2) == 0) units.push_back(u);
    }
    const bool has_bytes = below(2) == 0;
    vocabulary v = random_vocabulary(below, units, 5 + static_cast<int>(below(30)));
    if (has_bytes) {
      for (int b = 0; b < 256; ++b) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(b));
        REQUIRE(v.tokens.add(static_cast<token_id>(v.tokens.size()), name));
      }
      if (below(2) == 0) {  // and they merge
        const token_id left = v.tokens.find("<0xF0>"), right = v.tokens.find("<0x9F>");
        REQUIRE(v.tokens.add(static_cast<token_id>(v.tokens.size()), "<0xF0><0x9F>"));
        v.merges.push_back({left, right, v.tokens.find("<0xF0><0x9F>")});
      }
    }
    const bpe_options options{.unit = bpe_unit::character,
                              .byte_fallback = has_bytes,
                              .unk = below(3) == 0 ? no_token : 0,
                              .fuse_unk = below(2) == 0};
    auto model = bpe::make(v.tokens, v.merges, options);
    REQUIRE(model);
    for (token_id id = 0; id < v.tokens.size(); ++id) {
      CHECK(encode(*model, v.tokens[id]) == slowly(*model, v, v.tokens[id]));
    }
    for (int i = 0; i < 12; ++i) {
      std::string piece;
      const std::size_t kinds = 1 + below(alphabet.size()), length = i < 6 ? below(30) : below(300);
      for (std::size_t n = 0; n < length; ++n) piece += alphabet[below(kinds + 1) % alphabet.size()];
      const ids_t expected = slowly(*model, v, piece);
      CAPTURE(piece);
      CHECK(encode(*model, piece) == expected);
      ids_t by_words;
      std::size_t end = 0;
      model->cut_words(piece, [&](std::size_t b, std::size_t to) {
        CHECK(b == end);
        CHECK(b < to);
        if (b > 0) ++word_cuts;
        end = to;
        const ids_t part = encode(*model, std::string_view(piece).substr(b, to - b));
        by_words.insert(by_words.end(), part.begin(), part.end());
      });
      CHECK(end == piece.size());
      CHECK(by_words == expected);
    }
  }
  CHECK(word_cuts > 50);  // the test is not about nothing
}

TEST_CASE("pieces that are encoded side by side become what each becomes by itself", "[vocab][bpe]") {
  dice below(6);
  for (int round = 0; round < 60; ++round) {
    const bool bytes = below(2) == 0;
    std::vector<std::string> units;
    for (int b = 0; b < (bytes ? 256 : 0); ++b) units.emplace_back(1, static_cast<char>(b));
    if (!bytes) units = {"<unk>", "a", "b", "c", "\xC3\xA9"};
    vocabulary v;
    for (const std::string& u : units) REQUIRE(v.tokens.add(static_cast<token_id>(v.tokens.size()), u));
    const std::vector<std::string> letters{"a", "b", "c", "\xC3\xA9"};
    const auto some = [&](std::size_t n) {
      std::string out;
      while (n-- > 0) out += letters[below(letters.size())];
      return out;
    };
    for (int i = 0; i < 80; ++i) {
      const auto left = v.tokens.find(some(1 + below(3))), right = v.tokens.find(some(1 + below(3)));
      if (left == no_token || right == no_token) continue;
      const std::string joined = std::string(v.tokens[left]) + std::string(v.tokens[right]);
      if (v.tokens.find(joined) == no_token) {
        REQUIRE(v.tokens.add(static_cast<token_id>(v.tokens.size()), joined));
      }
      v.merges.push_back({left, right, v.tokens.find(joined)});
    }
    const auto model = bpe::make(v.tokens, v.merges,
                                 {.unit = bytes ? bpe_unit::byte : bpe_unit::character,
                                  .unk = bytes || below(2) == 0 ? no_token : 0,
                                  .fuse_unk = below(2) == 0});
    REQUIRE(model);
    std::vector<std::string> texts;
    for (int i = 0; i < 60; ++i)
      texts.push_back(some(i < 50 ? below(20) : below(90)) + (below(4) == 0 ? "?z" : ""));
    const std::vector<std::string_view> pieces(texts.begin(), texts.end());
    std::vector<int> given(pieces.size());
    model->encode_pieces(pieces, [&](std::size_t i, std::span<const token_id> tokens) {
      ++given[i];
      CAPTURE(texts[i]);
      CHECK(ids_t(tokens.begin(), tokens.end()) == encode(*model, pieces[i]));
    });
    CHECK(given == std::vector<int>(pieces.size(), 1));
  }
}

TEST_CASE("words are cut apart only where the vocabulary allows it", "[vocab][bpe]") {
  const auto cuts = [](std::vector<std::string> units, std::vector<std::pair<std::string, std::string>> pairs,
                       std::string_view piece,
                       bpe_options options = {.unit = bpe_unit::character, .unk = 0}) {
    token_table tokens;
    std::vector<merge> merges;
    for (const std::string& u : units) REQUIRE(tokens.add(static_cast<token_id>(tokens.size()), u));
    for (const auto& [left, right] : pairs) {
      if (tokens.find(left + right) == no_token)
        REQUIRE(tokens.add(static_cast<token_id>(tokens.size()), left + right));
      merges.push_back({tokens.find(left), tokens.find(right), tokens.find(left + right)});
    }
    auto model = bpe::make(std::move(tokens), std::move(merges), std::move(options));
    REQUIRE(model);
    std::string out;
    model->cut_words(piece, [&](std::size_t b, std::size_t end) {
      out += (out.empty() ? "" : "|") + std::string(piece.substr(b, end - b));
    });
    return out;
  };
  const std::string mark = "\xE2\x96\x81";
  const std::vector<std::string> units{"?", mark, "a", "b", " "};
  const std::string piece = mark + "ab" + mark + mark + "a" + mark;
  const std::string apart = mark + "ab|" + mark + mark + "a|" + mark;
  CHECK(cuts(units, {{mark, "a"}, {mark, mark}}, piece) == apart);
  CHECK(cuts(units, {{mark, "a"}, {"b", mark}}, piece) == piece);  // a token reaches over
  CHECK(cuts(units, {{"a", "b"}, {mark, mark}}, piece, {.unit = bpe_unit::character}) ==
        piece);  // units may vanish
  CHECK(cuts({"?", "a", "b", " "}, {{"a", "b"}}, "ab a b") == "ab| a| b");
  CHECK(cuts(units, {}, piece, {.unit = bpe_unit::character, .ignore_merges = true, .unk = 0}) == piece);
  CHECK(cuts(units, {}, "") == "");
}

TEST_CASE("a short word's key is its bytes, whatever may be read after it", "[vocab][word_cache]") {
  const std::string text = "0123456789abcdefghijklmnopqrstuv";
  for (std::size_t n = 1; n <= 16; ++n) {
    std::string padded = text.substr(0, n);
    padded.resize(16);
    detail::word_key expected;
    std::memcpy(expected.words.data(), padded.data(), 16);
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK(detail::word_key::of({exact.data(), n}, n) == expected);
    CHECK(detail::word_key::of({text.data(), n}, text.size()) == expected);
  }
}

TEST_CASE("words that are tokens are found by all their bytes", "[vocab][bpe]") {
  token_table tokens;
  const std::vector<std::string> texts{
      "abcd", "abcdabcd",           "abcdefghijkl", "abcdefghijklm",       std::string("a\0", 2),
      "a",    std::string(1, '\0'), "abcdefgh",     std::string("\0a", 2), "unmarked"};
  for (const auto& t : texts) REQUIRE(tokens.add(static_cast<token_id>(tokens.size()), t));
  std::vector<std::uint8_t> marks(texts.size(), 1);
  marks.back() = 0;
  const word_table words(tokens, marks);
  for (std::size_t i = 0; i + 1 < texts.size(); ++i)
    CHECK(words.find(tokens, texts[i]) == static_cast<token_id>(i));
  for (const char* const other :
       {"", "unmarked", "b", "abc", "abcda", "abcdabcda", "abcdefghijk", "abcdefghijklmn"}) {
    CHECK(words.find(tokens, other) == no_token);
  }
  CHECK(words.find(tokens, std::string("abcd\0", 5)) == no_token);
  CHECK(word_table().find(tokens, "a") == no_token);
}

TEST_CASE("a cache of words gives what was put in", "[vocab][word_cache]") {
  word_cache cache;
  dice below(4);
  std::string text;
  for (int i = 0; i < 400000; ++i)
    text.push_back(static_cast<char>(static_cast<unsigned char>(below(3) == 0 ? below(256) : below(3))));
  std::size_t computed = 0, met = 0;
  const auto tokens_of = [](std::string_view word) {
    ids_t out{static_cast<token_id>(word.size())};
    for (std::size_t i = 0; i < word.size() && word[0] != 'x'; i += 1 + word.size() / 3) {
      out.push_back(static_cast<token_id>(static_cast<unsigned char>(word[i])));
    }
    return out;
  };
  std::vector<std::string_view> words, given;
  const auto compute = [&](std::span<const std::string_view> fresh, auto&& give) {
    for (std::size_t i = fresh.size(); i-- > 0;) {
      ++computed;
      give(i, std::span<const token_id>(tokens_of(fresh[i])));
    }
  };
  const auto sink = [&](std::string_view word, std::span<const token_id> tokens) {
    const ids_t expected = tokens_of(word);
    if (!std::equal(tokens.begin(), tokens.end(), expected.begin(), expected.end())) {
      FAIL("a word of " << word.size() << " bytes, number " << given.size());
    }
    given.push_back(word);
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t longest = below(10) == 0 ? 80 : 18;
    const std::string_view word = std::string_view(text).substr(at, below(longest));
    const std::size_t readable = below(2) == 0 ? word.size() : text.size() - at;
    cache(word, readable, compute, sink);
    words.push_back(word);
    if (below(50) == 0) {
      cache.flush(compute, sink);
      CHECK(given.size() == words.size());
    }
    CHECK(cache.size() <= 65536);
    ++met;
    at += 1 + word.size() / 2;
  }
  cache.flush(compute, sink);
  REQUIRE(given.size() == words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (given[i].data() != words[i].data() || given[i].size() != words[i].size()) FAIL("word " << i);
  }
  CHECK(computed < met);
  cache.clear();
  CHECK(cache.size() == 0);
}

TEST_CASE("a full cache starts afresh", "[vocab][word_cache]") {
  word_cache cache;
  std::size_t most = 0, computed = 0;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> words(150000);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = "w" + std::to_string(i);
    std::size_t given = 0;
    const auto compute = [&](std::span<const std::string_view> fresh, auto&& give) {
      for (std::size_t i = 0; i < fresh.size(); ++i) {
        ++computed;
        const token_id t = std::stoi(std::string(fresh[i].substr(1)));
        give(i, std::span<const token_id>(&t, 1));
      }
    };
    const auto sink = [&](std::string_view, std::span<const token_id> tokens) {
      if (tokens.size() != 1 || tokens[0] != static_cast<token_id>(given++)) FAIL("word " << given);
    };
    for (const std::string& word : words) {
      cache(word, word.size(), compute, sink);
      most = std::max(most, cache.size());
    }
    cache.flush(compute, sink);
    CHECK(given == words.size());
  }
  CHECK(most > 65536 - 64);
  CHECK(most <= 65536);
  CHECK(computed >= 150000);
}
