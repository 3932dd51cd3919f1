// SPDX-License-Identifier: MIT
// New embedding rows: means of a few source rows, written to memory that is there.
#include <cstring>
#include <lagom/adapt/streaming.hpp>
#include <lagom/adapt/xtensor.hpp>
#include <lagom/embed.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"
#if __has_include(<xtensor/core/xnoalias.hpp>)
#include <xtensor/core/xnoalias.hpp>
#else
#include <xtensor/xnoalias.hpp>
#endif

namespace {

using lagom::embed::plan;
using lagom::vocab::source_id;

// k rows of `terms` source rows each, far apart.
plan make_plan(std::size_t k, std::size_t source_rows, std::size_t terms) {
  const lagom::philox random{3};
  lagom::embed::plan_builder out(static_cast<lagom::index_t>(source_rows));
  for (std::size_t r = 0; r < k; ++r) {
    for (std::size_t i = 0; i < terms; ++i) {
      out.add(static_cast<source_id>(random.below(source_rows, r, i)), 1.0 / static_cast<double>(terms));
    }
    out.end_row(static_cast<lagom::vocab::target_id>(source_rows + r));
  }
  return std::move(out).build();
}

template <class T>
void problem(const char* type, std::size_t k, std::size_t terms) {
  constexpr std::size_t rows = 32'000, dim = 4096;
  const std::string name = std::string("gather ") + type + " " + std::to_string(k) + " x " +
                           std::to_string(terms) + " rows of " + std::to_string(dim);
  const auto source = bench::numbers<T>(rows * dim, 1);
  const auto out = std::make_shared<std::vector<T>>(k * dim, T(1.0f));
  const auto p = std::make_shared<plan>(make_plan(k, rows, terms));
  // memcpy of as many bytes: half of what the gather reads and writes together.
  const std::size_t half = (p->terms().size() + k) * dim * sizeof(T) / 2;
  const auto to = std::make_shared<std::vector<char>>(half, '\1');
  bench::add(name, "memcpy", [=] {
    std::memcpy(to->data(), source->data(), half);
    benchmark::ClobberMemory();
  });
  const auto apply = [=](const auto& backend) {
    lagom::embed::apply(*p, lagom::mat_view(source->data(), rows, dim), lagom::mat_view(out->data(), k, dim),
                        lagom::seq{}, backend);
    benchmark::ClobberMemory();
  };
  bench::add(name, "lagom portable", [=] { apply(lagom::portable{}); });
  bench::add(name, "lagom streaming", [=] { apply(lagom::streaming{}); });
  bench::add(name, "plain loops", [=] {
    for (std::size_t r = 0; r < k; ++r) {
      T* const y = out->data() + r * dim;
      std::vector<float> sum(dim);
      for (const auto& [id, weight] : p->row(r)) {
        const T* const x = source->data() + static_cast<std::size_t>(id) * dim;
        for (std::size_t j = 0; j < dim; ++j) sum[j] += weight * static_cast<float>(x[j]);
      }
      for (std::size_t j = 0; j < dim; ++j) y[j] = T(sum[j]);
    }
    benchmark::ClobberMemory();
  });
  if constexpr (std::same_as<T, float>) {
    const auto matrix = xt::adapt(source->data(), rows * dim, xt::no_ownership(), std::array{rows, dim});
    // `y += w * x` makes a temporary; `noalias` takes it away.
    const auto with_xtensor = [=](auto assign) {
      auto target = xt::adapt(out->data(), k * dim, xt::no_ownership(), std::array{k, dim});
      for (std::size_t r = 0; r < k; ++r) {
        auto y = xt::view(target, r, xt::all());
        bool first = true;
        for (const auto& [id, weight] : p->row(r)) {
          assign(y, weight * xt::view(matrix, static_cast<std::size_t>(id), xt::all()), first);
          first = false;
        }
      }
      benchmark::ClobberMemory();
    };
    bench::add(name, "xtensor", [=] {
      with_xtensor([](auto& y, const auto& x, bool first) {
        if (first) {
          y = x;
        } else {
          y += x;
        }
      });
    });
    bench::add(name, "xtensor noalias", [=] {
      with_xtensor([](auto& y, const auto& x, bool first) {
        if (first) {
          xt::noalias(y) = x;
        } else {
          xt::noalias(y) += x;
        }
      });
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  problem<float>("f32", 4000, 1);
  problem<float>("f32", 4000, 3);
  problem<lagom::bf16>("bf16", 8000, 3);
  problem<lagom::f16>("f16", 8000, 3);
  return bench::run(argc, argv);
}
