// SPDX-License-Identifier: MIT
// RAEE against scikit-learn's neighbours (tests/oracle/raee.py), brute force and its own promises.
#include <algorithm>
#include <lagom/exit/evaluate.hpp>
#include <lagom/exit/raee.hpp>
#include <lagom/exit/replay_chosen.hpp>
#include <limits>
#include <numeric>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::index_t;
using lagom::mat_view;
using lagom::portable;
using lagom::vec_view;

namespace {

// A trace whose layer l of a row answers 1 (right) with probability prob, else 0.
lagom::trace<> trace_of(int layers, const std::vector<float>& prob, const std::vector<std::int32_t>& right) {
  lagom::trace<> t(layers);
  for (std::size_t row = 0; row < prob.size() / static_cast<std::size_t>(layers); ++row) {
    t.begin_row(1, 0, 1);
    for (int l = 0; l < layers; ++l) {
      const std::size_t cell = row * static_cast<std::size_t>(layers) + static_cast<std::size_t>(l);
      lagom::softmax_stats<float> s;
      const lagom::token_id top = right[cell];
      s.push(0, top);
      s.sum = 1 / prob[cell];
      t.set(l, s);
    }
  }
  return t;
}

}  // namespace

TEST_CASE("RAEE finds scikit-learn's neighbours and the paper's distribution", "[exit][raee]") {
  const auto file = must(lagom::io::safetensors::open(golden("raee/memory.safetensors")));
  const auto embeddings = elements<float>(file, "embeddings"), prob = elements<float>(file, "prob"),
             queries = elements<float>(file, "queries");
  const auto right = elements<std::int32_t>(file, "right");
  constexpr int layers = 6, width = 9;
  const auto trace = trace_of(layers, prob, right);
  const mat_view<const float> memory(embeddings.data(), static_cast<index_t>(embeddings.size()) / width,
                                     width);
  for (const int metric : {0, 1}) {
    for (const int weight : {0, 1}) {
      const std::string name = std::to_string(metric) + "_" + std::to_string(weight);
      INFO(name);
      const auto neighbours = elements<std::int32_t>(file, name + "/neighbours");
      const auto expected = elements<double>(file, name + "/distribution");
      const lagom::raee_config config{.neighbours = 5,
                                      .metric = static_cast<lagom::row_metric>(metric),
                                      .weight = static_cast<lagom::neighbour_weight>(weight),
                                      .confident = 0.9f,
                                      .otherwise = 2};
      const auto raee = must(lagom::fit(config, trace, memory));
      for (std::size_t q = 0; q < queries.size() / width; ++q) {
        const vec_view<const float> x(queries.data() + q * width, width);
        const auto near = raee.neighbours(portable{}, x);
        REQUIRE(near.count == 5);
        for (std::size_t i = 0; i < 5; ++i) CHECK(near.found[i].row == neighbours[q * 5 + i]);
        if (metric == 1 && q == 0)
          continue;  // the cosine of equals is 1 but for rounding: distance 0 is Euclid's
        float offers[layers];
        raee.distribution(portable{}, x, offers);
        int best = 0;
        double sum = 0;
        for (int l = 0; l < layers; ++l) {
          const double e = expected[q * layers + static_cast<std::size_t>(l)];
          CHECK(static_cast<double>(offers[l]) == Approx(e).margin(2e-6));
          sum += e;
          if (e > expected[q * layers + static_cast<std::size_t>(best)]) best = l;
        }
        CHECK(raee.choose(portable{}, x).value == (sum > 0 ? best : layers - 1));
        // The quantile is the inverse of the distribution.
        for (const double u : {0.0, 0.3, 0.77, 0.999}) {
          const int at = raee.quantile(portable{}, x, u).value;
          const auto until = [&](int l) {
            return std::accumulate(expected.begin() + static_cast<std::ptrdiff_t>(q * layers),
                                   expected.begin() + static_cast<std::ptrdiff_t>(q * layers) + l, 0.0);
          };
          if (sum > 0) CHECK((until(at) <= u + 1e-5 && until(at + 1) >= u - 1e-5));
          CHECK(raee.draw(portable{}, x, u).value == at);
        }
      }
    }
  }
}

TEST_CASE("the nearest rows do not depend on order or split", "[exit][raee]") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const lagom::philox random{seed};
    std::vector<float> distance(40);
    for (std::size_t i = 0; i < distance.size(); ++i)
      distance[i] = static_cast<float>(static_cast<int>(random.uniform(0, i) * 8));  // many ties
    if (seed % 3 == 0) distance[5] = std::numeric_limits<float>::quiet_NaN();
    if (seed % 5 == 0) distance[6] = std::numeric_limits<float>::infinity();
    for (const int k : {1, 3, 16}) {
      std::vector<index_t> rows;
      for (index_t i = 0; i < 40; ++i)
        if (lagom::is_finite(&distance[static_cast<std::size_t>(i)])) rows.push_back(i);
      std::stable_sort(rows.begin(), rows.end(), [&](index_t a, index_t b) {
        return distance[static_cast<std::size_t>(a)] < distance[static_cast<std::size_t>(b)];
      });
      lagom::nearest_rows<16> forwards{.most = k}, backwards{.most = k}, odd{.most = k}, even{.most = k};
      for (index_t i = 0; i < 40; ++i) {
        forwards.push(i, distance[static_cast<std::size_t>(i)]);
        backwards.push(39 - i, distance[static_cast<std::size_t>(39 - i)]);
        (i % 2 ? odd : even).push(i, distance[static_cast<std::size_t>(i)]);
      }
      odd.merge(even);
      for (const auto& n : {forwards, backwards, odd}) {
        REQUIRE(n.count == k);
        for (int i = 0; i < k; ++i) CHECK(n.found[i].row == rows[static_cast<std::size_t>(i)]);
      }
    }
  }
}

TEST_CASE("RAEE without anything to go by runs all layers", "[exit][raee]") {
  const std::vector<float> prob(8, 0.5f), zero(4, 0);
  const std::vector<float> e{1, 0, 0, 1};
  const mat_view<const float> memory(e.data(), 2, 2);
  const auto nowhere = trace_of(4, prob, std::vector<std::int32_t>(8, 0));
  const auto raee = must(lagom::fit({}, nowhere, memory));
  const std::vector<float> x{1, 1}, lost{std::numeric_limits<float>::quiet_NaN(), 1};
  CHECK(raee.choose(portable{}, vec_view<const float>(x)).value == 3);
  const auto everywhere = trace_of(4, prob, std::vector<std::int32_t>(8, 1));
  const auto known = must(lagom::fit({}, everywhere, memory));
  CHECK(known.choose(portable{}, vec_view<const float>(x)).value == 0);  // equals: the lowest
  CHECK(known.choose(portable{}, vec_view<const float>(lost)).value == 3);
  CHECK(known.quantile(portable{}, vec_view<const float>(lost), 0.5).value == 3);
  const auto only = must(lagom::fit({}, everywhere, memory, [](index_t row) { return row == 1; }));
  CHECK(only.neighbours(portable{}, vec_view<const float>(x)).count == 1);
  CHECK(lagom::fit({}, everywhere, memory, [](index_t) { return false; }).error().code == lagom::errc::empty);
  CHECK(lagom::fit({.neighbours = 0}, everywhere, memory).error().code == lagom::errc::out_of_range);
  CHECK(lagom::fit({.neighbours = 65}, everywhere, memory).error().code == lagom::errc::out_of_range);
  CHECK(lagom::fit({.otherwise = -1}, everywhere, memory).error().code == lagom::errc::out_of_range);
  CHECK(lagom::fit({}, everywhere, mat_view<const float>(e.data(), 1, 2)).error().code ==
        lagom::errc::wrong_shape);
}

TEST_CASE("chosen exits over a trace", "[exit][raee]") {
  // Two kinds of rows that are right from layer 1 and from layer 3 on, told apart by their embeddings.
  constexpr int layers = 5, rows = 60;
  std::vector<float> prob, embeddings;
  std::vector<std::int32_t> right;
  for (int i = 0; i < rows; ++i) {
    const int ready = i % 2 ? 3 : 1;
    for (int l = 0; l < layers; ++l) {
      prob.push_back(l == ready ? 0.95f : 0.6f);
      right.push_back(l >= ready);
    }
    const auto noise = normal<float>(2, static_cast<std::uint64_t>(i), 0.05);
    embeddings.push_back((i % 2 ? 1.0f : -1.0f) + noise[0]);
    embeddings.push_back(noise[1]);
  }
  const auto t = trace_of(layers, prob, right);
  const mat_view<const float> e(embeddings.data(), rows, 2);
  const auto train = [](index_t row) { return row < rows / 2; };
  const auto test = [](index_t row) { return row >= rows / 2; };
  for (const auto metric : {lagom::row_metric::squared_euclidean, lagom::row_metric::one_minus_cosine}) {
    const auto raee = must(lagom::fit({.neighbours = 4, .metric = metric}, t, e, train));
    const auto run =
        lagom::replay_chosen(t, [&](index_t row) { return raee.choose(portable{}, e.row(row)); }, test);
    const auto judged = lagom::evaluate(t, run, test);
    CHECK(judged.exit_accuracy() == 1);
    CHECK(judged.mean_used().value == 3);
    CHECK(judged.probes.mean == 1);
    CHECK(run.outcomes[0].stop.value == -1);
  }
}
