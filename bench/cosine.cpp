// SPDX-License-Identifier: MIT
// Cosine similarity: one state, and a block of states.
#include <Eigen/Core>
#include <lagom/adapt/xtensor.hpp>
#include <lagom/kernel/cosine.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"
#if __has_include(<xtensor/core/xmath.hpp>)
#include <xtensor/core/xmath.hpp>
#else
#include <xtensor/xmath.hpp>
#endif

namespace {

void problem(std::size_t rows, std::size_t dim) {
  const std::string name = "cosine f32 " + std::to_string(rows) + " x " + std::to_string(dim);
  const auto x = bench::numbers<float>(rows * dim, 1), y = bench::numbers<float>(rows * dim, 2);
  const auto each = [=](auto&& one) {
    for (std::size_t r = 0; r < rows; ++r)
      benchmark::DoNotOptimize(one(x->data() + r * dim, y->data() + r * dim));
  };
  bench::add(name, "read", [=] {
    bench::read(*x);
    bench::read(*y);
  });
  bench::add(name, "lagom portable", [=] {
    each([=](const float* a, const float* b) {
      return lagom::cosine(lagom::portable{}, lagom::vec_view(a, dim), lagom::vec_view(b, dim)).value();
    });
  });
  bench::add(name, "Eigen", [=] {
    each([=](const float* a, const float* b) {
      const auto n = static_cast<Eigen::Index>(dim);
      const Eigen::Map<const Eigen::VectorXf> u(a, n), v(b, n);
      return u.dot(v) / (u.norm() * v.norm());
    });
  });
  bench::add(name, "xtensor", [=] {
    each([=](const float* a, const float* b) {
      const auto u = xt::adapt(a, dim, xt::no_ownership(), std::array{dim}),
                 v = xt::adapt(b, dim, xt::no_ownership(), std::array{dim});
      constexpr auto now = xt::evaluation_strategy::immediate;
      return xt::sum(u * v, now)() / std::sqrt(xt::sum(u * u, now)() * xt::sum(v * v, now)());
    });
  });
}

}  // namespace

int main(int argc, char** argv) {
  problem(1, 4096);
  problem(512, 4096);
  return bench::run(argc, argv);
}
