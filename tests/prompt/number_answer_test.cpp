// SPDX-License-Identifier: MIT
// Numbers in answers: by hand, as CLDR writes them, and in the public data sets.
#include <lagom/prompt/number_answer.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

std::string all(std::string_view text, numerals way = numerals::any) {
  std::string out;
  for_each_number(text, way, [&](const number& n) {
    CHECK(n.where.end <= text.size());
    CHECK(n.where.begin < n.where.end);
    out += (out.empty() ? "" : " ") + n.value;
  });
  return out;
}

std::vector<std::vector<std::string>> table(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    rows.emplace_back();
    for (std::size_t i = 0; i <= line.size();) {
      const std::size_t end = (std::min)(line.find('\t', i), line.size());
      rows.back().push_back(line.substr(i, end - i));
      i = end + 1;
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("numbers by hand", "[prompt][number]") {
  CHECK(all("") == "");
  CHECK(all("none") == "");
  CHECK(all("The answer is 18.") == "18");
  CHECK(all("018 and 0.50 and -0 and 000") == "18 0.5 0 0");
  CHECK(all("$80,000, then $1,234.50.") == "80000 1234.5");
  CHECK(all("1,234") == "1234");
  CHECK(all("1,234", numerals::comma) == "1.234");
  CHECK(all("1.234", numerals::comma) == "1234");
  CHECK(all("1.234") == "1.234");
  CHECK(all("0,125 0,125", numerals::any) == "0.125 0.125");
  CHECK(all("3,5") == "3.5");
  CHECK(all("3,5", numerals::point) == "3 5");
  CHECK(all("8.0", numerals::comma) == "8");
  CHECK(all("1.234,5 1,234.5") == "1234.5 1234.5");
  CHECK(all("1,2,3") == "1 2 3");
  CHECK(all("1.2.3 1,234,56") == "1 2 3 1 234 56");
  CHECK(all("12,34,567 and 1,00,000") == "1234567 100000");
  CHECK(all("1.234.567,8") == "1234567.8");
  CHECK(all("1’234’567.5 1'000") == "1234567.5 1000");
  CHECK(all("80 000 $", numerals::comma) == "80000");
  CHECK(all("80 000 $") == "80 0");
  CHECK(all("in 2019 100 people", numerals::comma) == "2019 100");
  CHECK(all("5\xC2\xA0"
            "000,25 €",
            numerals::comma) == "5000.25");
  CHECK(all("10-5=5; -5; (-5); x=-5; -$5; $-5; \xE2\x88\x92"
            "5; \xE2\x80\x93"
            "5") == "10 5 5 -5 -5 -5 -5 -5 -5 -5");
  CHECK(all("COVID-19, F-16, 3-4, 5%-6") == "19 16 3 4 5 6");
  CHECK(all("答案是-5。") == "-5");
  CHECK(all(".5 and $.50, v.5 ...5 1 .25") == "0.5 0.5 5 5 1 0.25");
  CHECK(all("1/2 12:30 2024-05-06") == "1 2 12 30 2024 5 6");
  CHECK(all("২৫ ๑๒ ౧౨౩ ١٬٢٣٤٫٥ ８０，０００") == "25 12 123 1234.5 80000");
  CHECK(all("123456789012345678901234567890.10") == "123456789012345678901234567890.1");
  CHECK(all("\xFF"
            "5\xE0\xA7"
            "6\xE2") == "5 6");
  CHECK(all("1,") == "1");
  CHECK(all("9,,5") == "9 5");
}

TEST_CASE("numbers as CLDR writes them", "[prompt][number]") {
  const auto rows = table(std::string(LAGOM_GOLDEN) + "/numbers/formats.tsv");
  REQUIRE(rows.size() > 700);
  for (const auto& row : rows) {
    CAPTURE(row[0], row[1], row[2]);
    const numerals way = numerals_of(row[0]);
    CHECK(all(row[2], way) == row[1]);
    const std::string told = "5 x: " + row[2] + ".";
    const auto answer = number_answer(told, way);
    REQUIRE(answer);
    CHECK(answer->value == row[1]);
  }
}

TEST_CASE("any bytes give numbers that lie in them", "[prompt][number]") {
  std::mt19937 draw(1);
  const std::string_view pieces[] = {"1", "234",  "0", ",", ".", " ", "-",
                                     "৫", "\xE2", "$", "٫", "'", "a", "\xC2\xA0"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto n = draw() % 12; n > 0; --n) text += pieces[draw() % std::size(pieces)];
    CAPTURE(text);
    for (const numerals way : {numerals::any, numerals::point, numerals::comma}) {
      std::size_t end = 0, digits = 0, written = 0;
      for_each_number(text, way, [&](const number& n) {
        CHECK(n.where.begin >= end);
        end = n.where.end;
        CHECK(end <= text.size());
        for_each_number(n.value, numerals::point, [&](const number& again) { CHECK(again == n); });
        ++written;
      });
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (detail::digit_value(lagom::decode_utf8(text, i).code) >= 0) ++digits;
      }
      CHECK(written <= digits);
      CHECK((written == 0) == (digits == 0));
    }
  }
}

TEST_CASE("long lists of numbers take linear time", "[prompt][number]") {
  for (const std::string_view piece : {"1 ", "1,", "1.", "111 ", "1.1,", "111,111.", "'1"}) {
    std::string text;
    while (text.size() < 200000) text += piece;
    for (const numerals way : {numerals::any, numerals::point, numerals::comma}) {
      std::size_t count = 0;
      for_each_number(text, way, [&](const number&) { ++count; });
      CHECK(count > 0);
    }
  }
}

TEST_CASE("the answer is the last number, or what follows the cue", "[prompt][number]") {
  CHECK(number_answer("2 + 3 = 5 apples")->value == "5");
  CHECK_FALSE(number_answer("no idea"));
  CHECK(number_answer("1 2 #### 7 and 8", numerals::any, "####")->value == "7");
  CHECK(number_answer("1 #### 6 #### 7", numerals::any, "####")->value == "7");
  CHECK(number_answer("1 2 ####", numerals::any, "####")->value == "2");
  CHECK(number_answer("1 2", numerals::any, "####")->value == "2");
  const auto three = *number_answer("3");
  CHECK(is_right(number_answer("3.0"), three));
  CHECK_FALSE(is_right(number_answer("3.01"), three));
  CHECK(is_right(number_answer("3.01"), three, 0.004));
  CHECK_FALSE(is_right(number_answer("-3"), three, 0.004));
  CHECK_FALSE(is_right(std::nullopt, three, 10));
  CHECK(is_right(number_answer("99999999999999999999999999"),
                 *number_answer("99,999,999,999,999,999,999,999,999")));
}

TEST_CASE("the numbers of MGSM's questions are the same in its languages", "[prompt][number]") {
  const char* const data = std::getenv("LAGOM_TEST_DATA");
  if (data == nullptr) {
    WARN("skipped: LAGOM_TEST_DATA is not set");
    return;
  }
  std::size_t same = 0, questions = 0;
  const auto english = table(std::string(data) + "/eval/mgsm_en.tsv");
  const auto swahili = table(std::string(data) + "/eval/mgsm_sw.tsv");
  const auto russian = table(std::string(data) + "/eval/mgsm_ru.tsv");
  REQUIRE(english.size() == 250);
  for (std::size_t i = 0; i < english.size();
       ++i) {  // answers are written in the English way in every language
    for (const auto* other : {&swahili, &russian}) {
      const auto way = numerals_of(other == &russian ? "ru" : "sw");
      CHECK(is_right(number_answer((*other)[i][1], numerals::point), *number_answer(english[i][1])));
      const std::string a = all(english[i][0], numerals::point), b = all((*other)[i][0], way);
      ++questions;
      if (a == b) ++same;
    }
  }
  WARN(same << " of " << questions << " questions have the same numbers in the same order");
  CHECK(same * 100 > questions * 95);
}
