// SPDX-License-Identifier: MIT
// The fused probe: one hidden state against the whole head, one thread.
#include <Eigen/Core>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/kernel/softmax_stats_of.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace {

template <class W>
void problem(int vocab, int dim, const char* type) {
  const std::string name =
      std::string("unembed ") + type + " V=" + std::to_string(vocab) + " d=" + std::to_string(dim);
  const auto n = static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim);
  const auto w = bench::numbers<W>(n, 1, 0.02f);
  const auto x = bench::numbers<float>(static_cast<std::size_t>(dim), 2, 2);
  const auto g = bench::numbers<float>(static_cast<std::size_t>(dim), 3);
  const auto to = [=] {
    return lagom::head{lagom::mat_view(w->data(), vocab, dim), lagom::rms_norm{*g, 1e-5}};
  };
  bench::add(name, "read", [=] { bench::read(*w); });
  bench::add(name, "lagom portable",
             [=] { benchmark::DoNotOptimize(lagom::unembed(lagom::portable{}, *x, to())); });
  if constexpr (std::is_same_v<W, float>) {
    bench::add(name, "lagom xtensor_blas",
               [=] { benchmark::DoNotOptimize(lagom::unembed(lagom::xtensor_blas{}, *x, to())); });
    // The chain that engines run: product, then statistics of the logits it left in memory.
    const auto logits = std::make_shared<std::vector<float>>(static_cast<std::size_t>(vocab));
    bench::add(name, "Eigen gemv, lagom stats", [=] {
      using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      const Eigen::Map<const matrix> m(w->data(), vocab, dim);
      const Eigen::Map<const Eigen::VectorXf> v(x->data(), dim);
      Eigen::Map<Eigen::VectorXf>(logits->data(), vocab).noalias() = m * v;
      benchmark::DoNotOptimize(lagom::softmax_stats_of(lagom::portable{}, *logits));
    });
    bench::add(name, "OpenBLAS gemv, lagom stats", [=] {
      cxxblas::gemv<int>(cxxblas::StorageOrder::RowMajor, cxxblas::Transpose::NoTrans, vocab, dim, 1.0f,
                         w->data(), dim, x->data(), 1, 0.0f, logits->data(), 1);
      benchmark::DoNotOptimize(lagom::softmax_stats_of(lagom::portable{}, *logits));
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  problem<float>(32000, 1024, "f32");
  problem<lagom::bf16>(32000, 1024, "bf16");
  problem<lagom::f16>(32000, 1024, "f16");
  return bench::run(argc, argv);
}
