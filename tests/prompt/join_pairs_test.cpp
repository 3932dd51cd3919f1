// SPDX-License-Identifier: MIT
// Halves joined by id, unions, nested samples, even shares: against searching and counting.
#include <lagom/prompt/plug.hpp>
#include <lagom/prompt/quad_sets.hpp>

#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom_test::draws;

namespace {

struct joined {
  std::vector<quad> quads;
  std::vector<join_fault> faults;
  losses<join_loss> account;
};
joined join(const std::vector<pair>& pivot, const std::vector<pair>& target) {
  joined out;
  out.account = join_pairs(
      pivot, target, [&](const quad& q) { out.quads.push_back(q); },
      [&](const join_fault& f) { out.faults.push_back(f); });
  return out;
}

// The first row of that id, by looking.
std::size_t first_of(const std::vector<pair>& rows, std::string_view id) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].id == id) return i;
  }
  return rows.size();
}

// The definition, O(p t).
joined slowly(const std::vector<pair>& pivot, const std::vector<pair>& target) {
  joined out;
  const auto drop = [&](join_loss why, bool in_target, std::size_t row) {
    out.account.drop(why);
    out.faults.push_back({why, in_target, row});
  };
  for (const bool second : {false, true}) {
    const auto& own = second ? target : pivot;
    const auto& other = second ? pivot : target;
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::size_t j = first_of(other, own[i].id);
      const bool whole = !own[i].x.empty() && !own[i].y.empty();
      if (own[i].id.empty()) {
        drop(join_loss::empty_field, second, i);
      } else if (first_of(own, own[i].id) != i) {
        drop(join_loss::duplicate_id, second, i);
      } else if (j == other.size()) {
        drop(second ? join_loss::missing_pivot : join_loss::missing_target, second, i);
      } else if (!whole && (!second || (!other[j].x.empty() && !other[j].y.empty()))) {
        drop(join_loss::empty_field, second, i);
      } else if (!second && whole && !other[j].x.empty() && !other[j].y.empty()) {
        out.account.keep();
        out.quads.push_back({own[i].id, own[i].x, own[i].y, other[j].x, other[j].y});
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("halves with the same id make quads, in the order of the pivot's", "[prompt][join]") {
  const std::vector<pair> en{
      {"b", "Add.", "2"}, {"a", "Say hi.", "Hi."}, {"c", "Stop.", "OK."}, {"a", "x", "y"}};
  const std::vector<pair> zh{{"a", "打个招呼。", "你好。"}, {"d", "去。", "好。"}, {"b", "相加。", "二"}};
  const joined j = join(en, zh);
  CHECK(j.quads == std::vector<quad>{{"b", "Add.", "2", "相加。", "二"},
                                     {"a", "Say hi.", "Hi.", "打个招呼。", "你好。"}});
  CHECK(j.faults == std::vector<join_fault>{{join_loss::missing_target, false, 2},
                                            {join_loss::duplicate_id, false, 3},
                                            {join_loss::missing_pivot, true, 1}});
  CHECK(j.account.in == 5);
  CHECK(j.account.balanced());

  std::vector<quad> blind;
  CHECK(compat::by_index(en, zh, [&](const quad& q) { blind.push_back(q); }) == 3);
  CHECK(blind[0] == quad{"b", "Add.", "2", "打个招呼。", "你好。"});

  std::size_t rows = 0;
  for (auto&& row : plug{.target = "zh"}.rows(j.quads)) rows += row.complete() ? 1u : 0u;
  CHECK(rows == 4);
  CHECK(join({}, {}).account == losses<join_loss>{});
  CHECK(join({}, zh).account[join_loss::missing_pivot] == 3);
}

TEST_CASE("joins are what searching finds, for any lists", "[prompt][join]") {
  std::uint64_t kept = 0, thin = 0, twice = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    draws d{round};
    std::list<std::string> texts;
    const auto rows = [&](std::size_t most) {
      std::vector<pair> out;
      for (std::size_t n = d.below(most + 1); n > 0; --n) {
        std::string_view part[3];
        for (std::size_t k = 0; k < 3; ++k) {
          texts.push_back(d.one_in(9) ? std::string() : d.text("abc", k == 0 ? 2 : 4));
          part[k] = texts.back();
        }
        out.push_back({part[0], part[1], part[2]});
      }
      return out;
    };
    const auto pivot = rows(12), target = rows(12);
    const joined fast = join(pivot, target), slow = slowly(pivot, target);
    CHECK(fast.quads == slow.quads);
    CHECK(fast.faults == slow.faults);
    CHECK(fast.account == slow.account);
    CHECK(fast.account.balanced());
    kept += fast.account.out;
    thin += fast.account[join_loss::empty_field];
    twice += fast.account[join_loss::duplicate_id];

    const std::vector<std::span<const pair>> sets{pivot, target, pivot};
    std::vector<pair> once;
    std::set<std::string_view> ids;
    std::vector<pair> expected;
    for (const auto& s : sets) {
      for (const pair& p : s) {
        if (!p.id.empty() && ids.insert(p.id).second) expected.push_back(p);
      }
    }
    const auto account = unite<pair>(sets, [&](const pair& p) { once.push_back(p); });
    CHECK(once == expected);
    CHECK(account.balanced());
    CHECK(account.in == 2 * pivot.size() + target.size());
  }
  CHECK((kept > 1000 && thin > 1000 && twice > 1000));
}

TEST_CASE("a smaller sample is the beginning of a larger one", "[prompt][sample]") {
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(std::to_string(i));
  std::vector<quad> quads;
  for (const std::string& id : ids) quads.push_back({id, "xp", "yp", "xt", "yt"});
  const sampled<quad> large(quads, 200, 7), small(quads, 50, 7), other(quads, 50, 8), all(quads, 999, 7);
  CHECK(large.size() == 200);
  CHECK(all.size() == 300);
  std::set<std::string_view> seen;
  for (const quad& q : all) seen.insert(q.id);
  CHECK(seen.size() == 300);
  std::size_t same = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(small[i] == large[i]);
    same += small[i] == other[i] ? 1u : 0u;
  }
  CHECK(same < 10);
  std::size_t rows = 0;
  for (auto&& row : mono{.target = "ko"}.rows(small)) {
    CHECK(row.id == small[rows / 2].id);
    ++rows;
  }
  CHECK(rows == mono::count(50));
  CHECK(sampled<quad>({}, 5, 1).size() == 0);
}

TEST_CASE("languages share evenly what they can give", "[prompt][sample]") {
  const auto shares = [](std::size_t wanted, std::vector<std::size_t> have) {
    std::vector<std::size_t> share(have.size());
    const std::size_t given = even_shares(wanted, have, share);
    std::size_t sum = 0;
    for (const std::size_t s : share) sum += s;
    CHECK(sum == given);
    return share;
  };
  CHECK(shares(40, {99, 99, 99}) == std::vector<std::size_t>{14, 13, 13});
  CHECK(shares(40, {99, 5, 99}) == std::vector<std::size_t>{18, 5, 17});
  CHECK(shares(40, {1, 2, 3}) == std::vector<std::size_t>{1, 2, 3});
  CHECK(shares(0, {1}) == std::vector<std::size_t>{0});
  CHECK(shares(3, {}).empty());
  for (std::uint64_t round = 0; round < 200; ++round) {
    draws d{round};
    std::vector<std::size_t> have;
    for (std::size_t n = d.below(6); n > 0; --n) have.push_back(d.below(20));
    std::vector<std::size_t> dealt(have.size()), before;  // dealt one at a time, in turn
    std::size_t turn = 0;
    for (std::size_t wanted = 0; wanted < 60; ++wanted) {
      CHECK(shares(wanted, have) == dealt);
      for (std::size_t tries = 0; tries < have.size(); ++tries, ++turn) {
        if (dealt[turn % have.size()] == have[turn % have.size()]) continue;
        ++dealt[turn++ % have.size()];
        break;
      }
    }
  }
  std::vector<quad> ko(30), sw(4);
  std::map<std::size_t, std::size_t> per;
  const std::vector<language_rows<quad>> sets{{"ko", ko}, {"sw", sw}};
  CHECK(per_language<quad>(sets, 20, 3, [&](std::size_t i, const quad&) { ++per[i]; }) == 20);
  CHECK(per == std::map<std::size_t, std::size_t>{{0, 16}, {1, 4}});
}
