// SPDX-License-Identifier: MIT
// A pinch of other languages, and blocks that cut no tagged name.
#include <lagom/prompt/leia_blocks.hpp>
#include <lagom/prompt/replace_k.hpp>

#include <map>
#include <string>
#include <vector>

#include "support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom_test::draws;

TEST_CASE("k rows are replaced, their languages evenly", "[prompt][pinch]") {
  for (const std::size_t rows : {0u, 1u, 39u, 1000u}) {
    for (const std::size_t languages : {1u, 2u, 3u, 4u}) {
      const replace_k few(rows, 40, languages, 7), more(rows, 90, languages, 7);
      std::vector<std::size_t> count(languages);
      std::size_t all = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        const auto by = few(row);
        if (!by) continue;
        ++all;
        ++count[*by];
        CHECK(more(row) == by);
      }
      CHECK(all == (std::min)(rows, std::size_t{40}));
      CHECK(few.size() == all);
      for (std::size_t l = 1; l < languages; ++l)
        CHECK((count[l - 1] >= count[l] && count[l - 1] - count[l] <= 1));
      for (std::size_t i = 0; i < few.size(); ++i) CHECK(few(few.row(i)) == i % languages);
    }
  }
  // every row is as likely
  std::vector<std::size_t> chosen(10);
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    for (std::size_t row = 0; row < 10; ++row) chosen[row] += replace_k(10, 4, 2, seed)(row) ? 1u : 0u;
  }
  for (const std::size_t n : chosen) CHECK((n > 1080 && n < 1320));
}

TEST_CASE("replaced rows are the translations with their id, or counted", "[prompt][pinch]") {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(std::to_string(i));
  std::vector<pair> en, sw, ko;
  for (std::size_t i = 0; i < 100; ++i) en.push_back({texts[i], "x", "y"});
  for (std::size_t i = 100; i-- > 0;) {
    if (i % 5 != 0) sw.push_back({texts[i], "sx", i % 7 == 0 ? "" : "sy"});
    ko.push_back({texts[i], "kx", "ky"});
  }
  const std::vector<language_rows<pair>> others{{"sw", sw}, {"ko", ko}};
  const replace_k chosen(100, 40, 2, 1);
  std::vector<pair> out;
  std::vector<std::optional<std::size_t>> by;
  const auto account = replaced_rows(en, others, chosen, [&](const pair& p, std::optional<std::size_t> l) {
    out.push_back(p);
    by.push_back(l);
  });
  CHECK(account.in == 40);
  CHECK(account.balanced());
  REQUIRE(out.size() == 100);
  losses<join_loss> expected;
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(out[i].id == en[i].id);
    const auto wanted = chosen(i);
    const bool missing = wanted == 0 && i % 5 == 0, thin = wanted == 0 && !missing && i % 7 == 0;
    if (wanted && missing) expected.drop(join_loss::missing_target);
    if (wanted && thin) expected.drop(join_loss::empty_field);
    if (wanted && !missing && !thin) expected.keep();
    CHECK(by[i] == (missing || thin ? std::nullopt : wanted));
    CHECK(out[i].x == (!by[i] ? "x" : *by[i] == 0 ? "sx" : "kx"));
  }
  CHECK(account == expected);
  CHECK((account[join_loss::missing_target] > 0 && account[join_loss::empty_field] > 0));
}

TEST_CASE("tagged names of a text, and anchors that fall on tokens", "[prompt][leia]") {
  const std::vector<entity_anchor> anchors{{0, 6, "Kyoto"}, {9, 15, "Japan"}};
  leia_text text{"京都は日本の都市。", anchors};
  const auto tagged = [&] {
    std::vector<span> out;
    for_each_tagged(text, [&](span s) { out.push_back(s); });
    return out;
  };
  CHECK(tagged() == std::vector<span>{{6, 34}, {43, 71}});
  const std::string all = text_of(text);
  for (const span s : tagged()) {
    CHECK(all.substr(s.begin, s.size()).starts_with("<translate>"));
    CHECK(all.substr(s.begin, s.size()).ends_with("</translate>"));
  }
  text.close = {};
  CHECK(tagged() == std::vector<span>{{6, 22}, {31, 47}});
  text.side = name_side::none;
  CHECK(tagged().empty());

  const std::vector<std::size_t> starts{0, 6, 9, 15, 24};
  CHECK(on_token_starts(anchors[0], starts, 27));
  CHECK(on_token_starts({15, 27, "x"}, starts, 27));
  CHECK_FALSE(on_token_starts({0, 9, "x"}, std::vector<std::size_t>{0, 6}, 27));
  CHECK_FALSE(on_token_starts({3, 6, "x"}, starts, 27));
}

TEST_CASE("a block ends before a tagged name, not in it", "[prompt][leia]") {
  const std::vector<span> tagged{{3, 6}, {10, 12}};
  const auto blocks = [&](auto cut) {
    std::vector<span> out;
    const block_cuts n = cut(std::size_t{14}, std::size_t{4}, tagged, [&](span s) { out.push_back(s); });
    CHECK(n.blocks == out.size());
    return std::pair{out, n};
  };
  const auto sparing = [](auto&&... all) { return cut_blocks(all...); };
  const auto anywhere = [](auto&&... all) { return compat::wrap_anywhere(all...); };
  CHECK(blocks(sparing).first == std::vector<span>{{0, 3}, {3, 7}, {7, 10}, {10, 14}});
  CHECK(blocks(sparing).second.moved == 2);
  CHECK(blocks(anywhere).first == std::vector<span>{{0, 4}, {4, 8}, {8, 12}, {12, 14}});
  CHECK(blocks(anywhere).second.split == 1);  // the tag at 3 and its name at 4 are parted

  std::size_t moved = 0, split = 0, parted = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    draws d{round};
    const std::size_t tokens = d.below(80), size = 1 + d.below(12);
    std::vector<span> spans;
    for (std::size_t at = d.below(6); at < tokens;) {
      const std::size_t end = (std::min)(tokens, at + 1 + d.below(d.one_in(6) ? 20 : 4));
      spans.push_back({at, end});
      at = end + d.below(5);
    }
    std::vector<span> out;
    const block_cuts n = cut_blocks(tokens, size, spans, [&](span s) { out.push_back(s); });
    std::size_t at = 0, back = 0, cut_through = 0;
    for (const span s : spans) {
      bool inside = false;
      for (const span b : out) inside = inside || (b.begin > s.begin && b.begin < s.end);
      cut_through += inside ? 1u : 0u;
      if (inside) CHECK(s.size() > size);
    }
    for (const span b : out) {
      CHECK(b.begin == at);
      CHECK((b.size() > 0 && b.size() <= size));
      at = b.end;
      if (b.end == tokens || b.size() == size) continue;
      ++back;
      bool needed = false;
      for (const span s : spans) needed = needed || (s.begin == b.end && b.begin + size < s.end);
      CHECK(needed);
    }
    CHECK(at == tokens);
    CHECK(n.moved == back);
    CHECK(n.split == cut_through);
    moved += back;
    split += cut_through;
    const block_cuts raw = compat::wrap_anywhere(
        tokens, size, spans, [&](span b) { CHECK((b.size() == size || b.end == tokens)); });
    std::size_t through = 0;
    for (std::size_t cut = size; cut < tokens; cut += size) {
      for (const span s : spans) through += cut > s.begin && cut < s.end ? 1u : 0u;
    }
    CHECK(raw.split == through);
    parted += through;
  }
  CHECK((moved > 500 && split > 100 && parted > 500));
}
