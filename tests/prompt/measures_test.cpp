// SPDX-License-Identifier: MIT
// What the papers count: duels, truthfulness, accuracy, word overlap, price.
#include <lagom/prompt/scores.hpp>
#include <lagom/prompt/price.hpp>
#include <lagom/prompt/word_overlap.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for_each_word(text, [&](std::string_view w) { out.emplace_back(w); });
  return out;
}
using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("two orders become one preference", "[prompt][measure]") {
  constexpr preference all[] = {preference::loss, preference::tie, preference::win};
  // Rows: first order loss, tie, win; columns the same for the second.
  constexpr int agreed[3][3] = {{-1, 0, 0}, {0, 0, 0}, {0, 0, 1}};
  constexpr int sum[3][3] = {{-1, -1, 0}, {-1, 0, 1}, {0, 1, 1}};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      CHECK(static_cast<int>(settle(all[i], all[j], both_orders::agreed)) == agreed[i][j]);
      CHECK(static_cast<int>(settle(all[i], all[j], both_orders::sum)) == sum[i][j]);
    }
  }
}

TEST_CASE("the difference of a duel is the published one", "[prompt][measure]") {
  // 805 questions; the shares 47.0 and 37.8 give 9.2, where the table prints 11.2.
  duel d{378, 123, 304};
  CHECK(d.judged() == 805);
  CHECK(d.win_percent() == Approx(47.0).margin(0.05));
  CHECK(d.loss_percent() == Approx(37.8).margin(0.05));
  CHECK(d.difference() == Approx(9.2).margin(0.05));
  CHECK(*d.decided_win_percent() == Approx(100.0 * 378 / 682));
  duel counted;
  for (int i = 0; i < 378; ++i) counted.push(preference::win);
  duel rest;
  for (int i = 0; i < 123; ++i) rest.push(preference::tie);
  for (int i = 0; i < 304; ++i) rest.push(preference::loss);
  counted.merge(rest);
  CHECK(counted == d);
  CHECK(duel{}.difference() == 0);
  CHECK_FALSE(duel{0, 5, 0}.decided_win_percent());
}

TEST_CASE("truthful and informative are counted together; accuracy counts what has no answer",
          "[prompt][measure]") {
  truthfulness t;
  t.push(true, false);
  t.push(false, true);
  t.push(true, true);
  truthfulness more;
  more.push(false, false);
  t.merge(more);
  CHECK(t == truthfulness{4, 2, 2, 1});
  CHECK(t.percent() == 25);
  CHECK(truthfulness{}.percent() == 0);
  accuracy a;
  a.push(true, true);
  a.push(true, false);
  a.push(false, true);
  a.push(false, false);
  CHECK(a == accuracy{4, 2, 1});
  CHECK(a.percent() == 25);
  CHECK(accuracy{}.percent() == 0);
  CHECK(*relative_change(0.32, 0.31) == Approx(3.2258).margin(1e-3));
  CHECK(*relative_change(22.4, 24.0) == Approx(-6.6667).margin(1e-3));
  CHECK_FALSE(relative_change(1, 0));
}

TEST_CASE("words of spaced and unspaced scripts", "[prompt][measure]") {
  CHECK(words("It's 2 Cats, RÉSUMÉ!") == strings{"it", "s", "2", "cats", "rÉsumÉ"});
  CHECK(words("京都は city") == strings{"京", "都", "は", "city"});
  CHECK(words("abc京") == strings{"abc", "京"});
  CHECK(words("京abc") == strings{"京", "abc"});
  CHECK(words("नमस्ते दुनिया") == strings{"नमस्ते", "दुनिया"});
  CHECK(words("cafe\xCC\x81 か\xE3\x82\x99") == strings{"cafe\xCC\x81", "か\xE3\x82\x99"});
  CHECK(words("、。!? \xFF \xE4\xBA") == strings{});
}

TEST_CASE("F1 is that of SQuAD's formula over multisets", "[prompt][measure]") {
  CHECK(word_overlap("the cat sat", "the cat ran away").f1() ==
        Approx(2 * (2.0 / 4) * (2.0 / 3) / (2.0 / 4 + 2.0 / 3)));
  CHECK(word_overlap("a a b", "a b b") == overlap{3, 3, 2});
  CHECK(word_overlap("", "").f1() == 1);
  CHECK(word_overlap("", "x").f1() == 0);
  CHECK(word_overlap("x", "").precision() == 0);
  std::mt19937 draw(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> a(draw() % 8), b(draw() % 8);
    for (auto* side : {&a, &b}) {
      for (std::string& w : *side) w = std::string(1, static_cast<char>('a' + draw() % 4));
    }
    std::string left, right;
    for (const auto& w : a) left += w + ", ";
    for (const auto& w : b) right += w + ". ";
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    std::vector<std::string> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    CHECK(word_overlap(left, right) == overlap{a.size(), b.size(), both.size()});
  }
}

TEST_CASE("pairs are compared in any order", "[prompt][measure]") {
  const question_answer gold[] = {{"What rusts?", "Iron."}, {"Where?", "In wet air."}};
  const question_answer same[] = {{"Where?", "In wet air."}, {"What rusts?", "Iron."}};
  const question_answer half[] = {{"What rusts?", "Iron."}};
  CHECK(pair_overlap(gold, same).f1() == 1);
  CHECK(pair_overlap(gold, half) == overlap{7, 3, 3});
  CHECK(pair_overlap(gold, {}).f1() == 0);
  mean_score m, n;
  m.push(1);
  n.push(0.5);
  m.merge(n);
  CHECK(m.value() == 0.75);
  CHECK(mean_score{}.value() == 0);
}

TEST_CASE("price is tokens times price", "[prompt][measure]") {
  usage u;
  push_request(u, lagom::byte_counter{}, "Translate:", "abc", "abcdef");
  CHECK(u == usage{1, 13, 6});
  u.merge({1, 7, 4});
  const price_list list{.million_read = 2, .million_written = 8, .request = 0.5};
  CHECK(list(u) == Approx(20 * 2e-6 + 10 * 8e-6 + 1));
  CHECK(list.estimate(u, 1000) == Approx(500 * list(u)));
  CHECK(list.estimate({}, 1000) == 0);
  const machine_price own{.read_rate = 10, .write_rate = 5, .machines_hour = 36};
  CHECK(own.hours(u) == Approx(4.0 / 3600));
  CHECK(own(u) == Approx(0.04));
  CHECK(machine_price{}(u) == 0);
}
