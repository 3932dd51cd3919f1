// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::errc;
using lagom::failure;
using lagom::result;

// By its definition: every line's sum, then their mean.
double by_lines(const std::vector<std::string>& lines) {
  std::map<char, double> p;
  double total = 0, sum = 0;
  for (const std::string& line : lines) {
    for (const char c : line) {
      ++p[c];
      ++total;
    }
  }
  for (const std::string& line : lines) {
    double of_line = 0;
    for (const char c : line) of_line += std::log(p[c] / total);
    sum += of_line;
  }
  return sum / static_cast<double>(lines.size());
}

}  // namespace

TEST_CASE("average log probability", "[vocab][size_search]") {
  const std::vector<std::uint64_t> counts{3, 1, 0};
  CHECK(average_log_probability(counts, 2) == Approx(-1.1246702892376166).epsilon(1e-15));
  CHECK(by_lines({"xxy", "x"}) == Approx(-1.1246702892376166).epsilon(1e-15));
  const std::vector<std::string> lines{"the cat", "", "sat on the mat", "aa", "the end"};
  std::vector<std::uint64_t> letters(256);
  for (const std::string& line : lines) {
    for (const char c : line) ++letters[static_cast<unsigned char>(c)];
  }
  CHECK(average_log_probability(letters, lines.size()) == Approx(by_lines(lines)).epsilon(1e-14));
  CHECK(average_log_probability({}, 2) == 0);
  CHECK(average_log_probability(counts, 0) == 0);
  CHECK(average_log_probability(std::vector<std::uint64_t>{7}, 7) == 0);  // one token is certain
}

TEST_CASE("the size of a vocabulary: grown until it settles", "[vocab][size_search]") {
  std::vector<std::size_t> asked;
  const auto with = [&](const size_search& search, auto measure) {
    asked.clear();
    return search([&](std::size_t size) -> result<double> {
      asked.push_back(size);
      return measure(size);
    });
  };
  const auto curve = [](std::size_t size) -> result<double> { return -1e6 / static_cast<double>(size); };
  // 100 -> 90.9 -> 83.3 -> 76.9 -> 71.4 -> 66.7: the first step under 5 is the one to 15,000
  auto found = with(size_search{}, curve);
  REQUIRE(found);
  CHECK(*found == found_size{15'000, -1e6 / 15'000, true});
  CHECK(asked == std::vector<std::size_t>{10'000, 11'000, 12'000, 13'000, 14'000, 15'000});
  // A measure that falls settles too.
  found = with(size_search{}, [&](std::size_t size) -> result<double> { return -*curve(size); });
  REQUIRE(found);
  CHECK(found->size == 15'000);

  found = with(size_search{.tolerance = 0}, curve);
  REQUIRE(found);
  CHECK(found->size == 100'000);
  CHECK_FALSE(found->settled);
  found = with(size_search{.first = 10, .last = 25, .step = 10, .tolerance = 0}, curve);
  REQUIRE(found);
  CHECK(found->size == 20);
  CHECK(asked == std::vector<std::size_t>{10, 20});
  found = with(size_search{.first = 10, .last = 10}, curve);
  REQUIRE(found);
  CHECK(*found == found_size{10, -1e5, false});

  // What cannot be made: the size before it; nothing, and the reason is handed on.
  const auto few = [&](std::size_t size) -> result<double> {
    if (size > 12'500) return failure{.code = errc::too_large, .key = "tokens"};
    return curve(size);
  };
  found = with(size_search{}, few);
  REQUIRE(found);
  CHECK(*found == found_size{12'000, -1e6 / 12'000, true});
  const auto never = with(size_search{.first = 20'000}, few);
  REQUIRE_FALSE(never);
  CHECK(never.error().code == errc::too_large);
  CHECK(with(size_search{.step = 0}, curve).error().code == errc::bad_value);
  CHECK(with(size_search{.first = 9, .last = 8}, curve).error().code == errc::bad_value);
  // No overflow at the end of the numbers.
  constexpr auto end = (std::numeric_limits<std::size_t>::max)();
  found = with(size_search{.first = end - 5, .last = end, .step = 3, .tolerance = 0}, curve);
  REQUIRE(found);
  CHECK(found->size == end - 2);
}
