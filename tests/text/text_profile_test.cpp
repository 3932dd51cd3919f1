// SPDX-License-Identifier: MIT
#include <lagom/text/text_profile.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

using lagom::text_profile;

namespace {

// The same by a map of triples.
double by_hand(const std::string& learned, const std::string& text) {
  const auto buckets_of = [](const std::string& t) {
    std::vector<unsigned> out;
    const std::string padded = std::string(2, '\0') + t;
    for (std::size_t i = 0; i < t.size(); ++i) {
      unsigned long long triple = 0;
      for (std::size_t k = 0; k < 3; ++k) triple = triple * 256 + static_cast<unsigned char>(padded[i + k]);
      out.push_back(static_cast<unsigned>(triple * 2654435761ull % 4294967296ull / 1048576));
    }
    return out;
  };
  std::map<unsigned, double> counts;
  for (const unsigned b : buckets_of(learned)) counts[b] += 1;
  double sum = 0;
  for (const unsigned b : buckets_of(text))
    sum += std::log((counts[b] + 0.5) / (static_cast<double>(learned.size()) + 2048));
  return sum;
}

}  // namespace

TEST_CASE("a profile is its counts, however they were put together", "[text][profile]") {
  const std::string a = "the river and the mill", b = "mto na kinu\0x", c = "βουνό";
  text_profile whole, left, right;
  for (const auto* s : {&a, &b, &c}) whole.push(*s);
  left.push(a);
  right.push(c);
  right.push(b);
  left.merge(right);
  CHECK(left == whole);
  CHECK(whole.total() == a.size() + b.size() + c.size());
  text_profile one;
  one.push(a);
  for (const auto& text : {a, b, c, std::string()})
    CHECK(one.log_likelihood(text) == Approx(by_hand(a, text)).epsilon(1e-12));
  CHECK(one.log_likelihood("") == 0);
  text_profile full;
  full.add(7, 0xFFFFFFFFu);
  full.add(7, 5);
  CHECK(full.counts()[7] == 0xFFFFFFFFu);
  CHECK(full.total() == 0xFFFFFFFFu);
}

TEST_CASE("the closest profile has seen the language", "[text][profile]") {
  text_profile profiles[4];
  profiles[1].push("the farmer went to the market and sold the old boat before lunch");
  profiles[2].push("der Bauer ging auf den Markt und verkaufte das alte Boot vor dem Essen");
  profiles[3].push("ο αγρότης πήγε στην αγορά και πούλησε τη βάρκα");
  const auto of = [&](int i) -> const text_profile& { return profiles[i]; };
  CHECK(lagom::closest_profile("the market", 4, of) == 1);
  CHECK(lagom::closest_profile("auf dem Markt", 4, of) == 2);
  CHECK(lagom::closest_profile("στην πόλη", 4, of) == 3);
  CHECK(lagom::closest_profile("", 4, of) == 1);  // equals: the first that has seen anything
  CHECK(lagom::closest_profile("the", 1, of) == -1);
  CHECK(lagom::closest_profile("the", 0, of) == -1);
}

TEST_CASE("real sentences go to their language", "[text][profile]") {
  const char* const data = std::getenv("LAGOM_TEST_DATA");
  if (data == nullptr) {
    WARN("skipped: LAGOM_TEST_DATA is not set");
    return;
  }
  const char* const names[] = {"src.eng", "ref.swa", "ref.ell", "ref.hin"};
  std::vector<std::vector<std::string>> lines(4);
  text_profile profiles[4];
  for (std::size_t k = 0; k < 4; ++k) {
    std::ifstream in(std::string(data) + "/text/newstest2019-" + names[k] + ".txt");
    for (std::string line; std::getline(in, line);) lines[k].push_back(line);
    REQUIRE(lines[k].size() > 1000);
    for (std::size_t i = 0; i < 1000; ++i) profiles[k].push(lines[k][i]);
  }
  int right = 0, all = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t i = 1000; i < lines[k].size(); ++i, ++all)
      right += lagom::closest_profile(std::string_view(lines[k][i]).substr(0, 40), 4,
                                      [&](int j) -> const text_profile& { return profiles[j]; }) ==
               static_cast<int>(k);
  }
  WARN("the first 40 bytes of " << all << " lines: " << 100.0 * right / all << " % go to their language");
  CHECK(right > 0.99 * all);
}
