// SPDX-License-Identifier: MIT
// Cosine similarity: one state, and a block of states.
#include <Eigen/Core>
#include <lagom/adapt/native.hpp>
#include <lagom/adapt/xtensor.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"
#include "torch_peer.hpp"
#if __has_include(<xtensor/core/xmath.hpp>)
#include <xtensor/core/xmath.hpp>
#else
#include <xtensor/xmath.hpp>
#endif

namespace {

void problem(std::size_t rows, std::size_t dim) {
  const bench::problem p{"cosine", std::to_string(rows) + " x " + std::to_string(dim)};
  const auto x = bench::numbers<float>(rows * dim, 1), y = bench::numbers<float>(rows * dim, 2);
  const auto each = [=](auto&& one) {
    for (std::size_t r = 0; r < rows; ++r)
      benchmark::DoNotOptimize(one(x->data() + r * dim, y->data() + r * dim));
  };
  // Row after row of both, as whoever compares them has to.
  p.limit("read", [=] {
    for (std::size_t r = 0; r < rows; ++r) {
      bench::read_bytes(reinterpret_cast<const char*>(x->data() + r * dim), dim * sizeof(float));
      bench::read_bytes(reinterpret_cast<const char*>(y->data() + r * dim), dim * sizeof(float));
    }
  });
  const auto with = [=](const auto& backend) {
    each([&](const float* a, const float* b) {
      return lagom::cosine(backend, lagom::vec_view(a, dim), lagom::vec_view(b, dim)).value();
    });
  };
  p.lagom("lagom native", [=] { with(lagom::native{}); });
  p.lagom("lagom native, norm kept", [=] {
    each([=](const float* a, const float* b) {
      return lagom::cosine(lagom::native{}, lagom::vec_view(a, dim), lagom::vec_view(b, dim), 4096.0f)
          .value();
    });
  });
  p.lagom("lagom portable", [=] { with(lagom::portable{}); });
  if (bench::torch_there()) {
    p.peer("LibTorch",
           bench::torch_cosine(x->data(), y->data(), static_cast<int>(rows), static_cast<int>(dim)));
  }
  p.peer("Eigen", [=] {
    each([=](const float* a, const float* b) {
      const auto n = static_cast<Eigen::Index>(dim);
      const Eigen::Map<const Eigen::VectorXf> u(a, n), v(b, n);
      return u.dot(v) / (u.norm() * v.norm());
    });
  });
  p.peer("xtensor", [=] {
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
  if (!bench::torch_there()) bench::skipped("LibTorch");
  problem(1, 4096);
  problem(512, 4096);
  return bench::run(argc, argv);
}
