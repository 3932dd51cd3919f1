// SPDX-License-Identifier: MIT
// The small values of core: random numbers, results, moments, strong types.
#include <lagom/core/executor.hpp>
#include <lagom/core/layer.hpp>
#include <lagom/core/moments.hpp>
#include <lagom/core/random.hpp>
#include <lagom/core/ratio.hpp>
#include <lagom/core/result.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("Philox gives the known answers of Random123", "[core][random]") {
  const auto is = [](lagom::philox::block b, std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                     std::uint32_t w3) {
    return b.word[0] == w0 && b.word[1] == w1 && b.word[2] == w2 && b.word[3] == w3;
  };
  CHECK(is(lagom::philox{0}(0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  CHECK(is(lagom::philox{~0ull}(~0ull, ~0ull), 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  CHECK(is(lagom::philox{0x299f31d0a4093822}(0x0370734413198a2e, 0x85a308d3243f6a88), 0xd16cfe09, 0x94fdcceb,
           0x5001e420, 0x24126ea1));
}

TEST_CASE("draws are uniform, in range, and depend on their name alone", "[core][random]") {
  const lagom::philox random{7};
  std::vector<int> counts(10);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    ++counts[random.below(10, 3, i)];
    REQUIRE(random.uniform(4, i) < 1.0);
  }
  for (const int c : counts) CHECK(std::abs(c - 10'000) < 500);
  CHECK(random.bits(5, 9) == random.bits(5, 9));
  CHECK(random.bits(5, 9) != random.bits(9, 5));
  CHECK(random.below(1, 0, 0) == 0);
  static_assert(lagom::philox{1}.below(6, 0, 0) < 6);
}

TEST_CASE("a result holds a value or a failure, and moves", "[core][result]") {
  lagom::result<std::unique_ptr<int>> good = std::make_unique<int>(5);
  REQUIRE(good);
  auto moved = std::move(good);
  CHECK(**moved == 5);
  lagom::result<std::unique_ptr<int>> bad =
      lagom::failure{.code = lagom::errc::overlap, .key = "w", .byte = 8};
  CHECK_FALSE(bad);
  CHECK(bad.error().code == lagom::errc::overlap);
  CHECK(bad.error().key.view() == "w");
  bad = std::move(moved);
  REQUIRE(bad);
  CHECK(**bad == 5);
  CHECK(lagom::failure{.code = lagom::errc::empty}.in("a").in("b").file.view() == "a");
  static_assert(std::is_trivially_copyable_v<lagom::failure>);
}

TEST_CASE("a fixed text drops its middle, not its end", "[core][result]") {
  const lagom::fixed_text<16> text(std::string("abcdefghijklmnopqrstuvwxyz"));
  CHECK(text.view() == "abcd...rstuvwxyz");
  CHECK(lagom::fixed_text<16>("short").view() == "short");
  CHECK(lagom::fixed_text<16>().empty());
}

TEST_CASE("moments match the known vector and merge", "[core][moments]") {
  lagom::moments all, left, right;
  int i = 0;
  for (const double stop : {18, 19, 18, 17, 19, 18}) {
    all.push(stop);
    (i++ < 2 ? left : right).push(stop);
  }
  CHECK(all.mean == Approx(18.1666667));
  CHECK(all.population_variance() == Approx(.4722222));
  CHECK(all.sample_variance() == Approx(.5666667));
  left.merge(right);
  left.merge({});
  CHECK(left.mean == Approx(all.mean));
  CHECK(left.squares == Approx(all.squares));
  CHECK(left.count == 6);
  CHECK(lagom::moments{}.population_variance() == 0);
}

TEST_CASE("an executor may be an engine's own pool", "[core][executor]") {
  int sum = 0;
  const auto add = [&](lagom::index_t i) { sum += static_cast<int>(i); };
  lagom::seq{}(4, add);
  CHECK(sum == 6);
  const auto backwards = [](lagom::index_t n, auto task) {
    while (n-- > 0) task(n);
  };
  static_assert(lagom::executor<decltype(backwards)> && lagom::executor<lagom::seq> && !lagom::executor<int>);
  backwards(4, add);
  CHECK(sum == 12);
}

static_assert(!std::is_convertible_v<lagom::layers_used, lagom::layer_index>);
static_assert(!std::is_convertible_v<lagom::layer_index, lagom::layers_used>);
static_assert(!std::is_convertible_v<int, lagom::layers_used> &&
              std::is_convertible_v<int, lagom::layer_index>);
static_assert(lagom::used_when_stopped_at(lagom::layer_index(0)).value == 1);
static_assert(lagom::stopped_at(lagom::layers_used(32)) == lagom::layer_index(31));
static_assert(!std::is_convertible_v<lagom::cost_ratio, lagom::saving> &&
              !std::is_convertible_v<double, lagom::saving>);
static_assert(lagom::saved(lagom::cost_ratio(0.75)).value == 0.25 &&
              lagom::left(lagom::saving(0.25)).value == 0.75);
