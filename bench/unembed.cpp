// SPDX-License-Identifier: MIT
// The fused probe: one hidden state against the whole head, on one thread and on two.
#include <Eigen/Core>
#include <lagom/adapt/native.hpp>
#include <lagom/adapt/openmp.hpp>
#include <lagom/adapt/xtensor_blas.hpp>
#include <thread>

#include "inputs.hpp"
#include "ratio_main.hpp"
#include "torch_peer.hpp"

extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace {

using bench::problem;

// Reads an array in 64 parts on the threads of OpenMP.
template <class T>
void read_by(int threads, const std::vector<T>& x) {
  const auto* const bytes = reinterpret_cast<const char*>(x.data());
  const std::size_t part = x.size() * sizeof(T) / 64;
  lagom::openmp{threads}(
      64, [=](lagom::index_t i) { bench::read_bytes(bytes + static_cast<std::size_t>(i) * part, part); });
}

template <class W, class Head>
void lagom_rows(const problem& p, const std::shared_ptr<std::vector<W>>& w, const std::vector<float>& x,
                Head to) {
  if (p.threads == 1) {
    p.limit("read", [=] { bench::read(*w); });
    p.lagom("lagom native", [=] { benchmark::DoNotOptimize(lagom::unembed(lagom::native{}, x, to())); });
    p.lagom("lagom portable", [=] { benchmark::DoNotOptimize(lagom::unembed(lagom::portable{}, x, to())); });
  } else {
    p.limit("read", [=] { read_by(p.threads, *w); });
    p.lagom("lagom native", [=] {
      benchmark::DoNotOptimize(lagom::unembed(lagom::native{}, x, to(), lagom::openmp{p.threads}));
    });
  }
}

// The chain that engines run: product, then statistics of the logits it left in memory.
template <class Product>
void chain(const problem& p, const char* name, int vocab, Product product) {
  const auto logits = bench::array<float>(static_cast<std::size_t>(vocab));
  p.peer(name, [=] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(p.threads);
    product(logits->data());
    benchmark::DoNotOptimize(lagom::softmax_stats_of(lagom::native{}, *logits));
  });
}

void f32_peers(const problem& p, const std::shared_ptr<std::vector<float>>& w, const std::vector<float>& x,
               int vocab, int dim) {
  chain(p, "OpenBLAS sgemv, lagom's statistics", vocab, [=](float* z) {
    cxxblas::gemv<int>(cxxblas::StorageOrder::RowMajor, cxxblas::Transpose::NoTrans, vocab, dim, 1.0f,
                       w->data(), dim, x.data(), 1, 0.0f, z, 1);
  });
  chain(p, "xtensor-blas dot, lagom's statistics", vocab, [=](float* z) {
    const auto rows = static_cast<std::size_t>(vocab), cols = static_cast<std::size_t>(dim);
    const auto m = xt::adapt(w->data(), rows * cols, xt::no_ownership(), std::array{rows, cols});
    const auto v = xt::adapt(x.data(), cols, xt::no_ownership(), std::array{cols});
    const xt::xtensor<float, 1> out = xt::linalg::dot(m, v);
    std::copy(out.begin(), out.end(), z);
  });
  if (p.threads > 1) return;  // Eigen's gemv has one thread
  chain(p, "Eigen gemv, lagom's statistics", vocab, [=](float* z) {
    using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const matrix> m(w->data(), vocab, dim);
    const Eigen::Map<const Eigen::VectorXf> v(x.data(), dim);
    Eigen::Map<Eigen::VectorXf>(z, vocab).noalias() = m * v;
  });
}

template <class W>
void floats(int vocab, int dim, const char* type) {
  const auto w = bench::numbers<W>(static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim), 1, 0.02f);
  const auto x = *bench::numbers<float>(static_cast<std::size_t>(dim), 2, 2);
  const auto g = bench::numbers<float>(static_cast<std::size_t>(dim), 3);
  const auto to = [=] {
    return lagom::head{lagom::mat_view(w->data(), vocab, dim), lagom::rms_norm{*g, 1e-5}};
  };
  for (const int threads : {1, 2}) {
    const problem p{"unembed", "V=" + std::to_string(vocab) + " d=" + std::to_string(dim), type, 1, threads};
    lagom_rows(p, w, x, to);
    if constexpr (std::is_same_v<W, float>) f32_peers(p, w, x, vocab, dim);
    if constexpr (!std::is_same_v<W, lagom::f16>) {
      if (bench::torch_there()) {
        p.peer("LibTorch", bench::torch_probe(w->data(), vocab, dim, x.data(), 1,
                                              std::is_same_v<W, lagom::bf16>, threads));
      }
    }
  }
}

// Several states in one pass over the head.
template <class W>
void batch(int vocab, int dim, int states, const char* type) {
  const auto w = bench::numbers<W>(static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim), 1, 0.02f);
  const auto x = bench::numbers<float>(static_cast<std::size_t>(dim * states), 2, 2);
  const auto of_type = bench::numbers<W>(static_cast<std::size_t>(dim * states), 2, 2);
  const auto normed = bench::array<float>(lagom::batch_space<>::states_for(states, dim));
  const auto parts =
      std::make_shared<std::vector<lagom::softmax_stats<>>>(lagom::batch_space<>::parts_for(states, vocab));
  const auto out = std::make_shared<std::vector<lagom::softmax_stats<>>>(static_cast<std::size_t>(states));
  for (const int threads : {1, 2}) {
    const problem p{"unembed_batch", "V=" + std::to_string(vocab) + " d=" + std::to_string(dim), type, states,
                    threads};
    const auto probe = [=](const auto& backend, const auto& from) {
      lagom::unembed_batch(backend, lagom::mat_view(from->data(), states, dim),
                           lagom::head{lagom::mat_view(w->data(), vocab, dim)},
                           lagom::batch_space<>{*normed, *parts},
                           lagom::vec_view<lagom::softmax_stats<>>(*out), lagom::openmp{threads});
      benchmark::ClobberMemory();
    };
    if (threads == 1) {
      p.limit("read", [=] { bench::read(*w); });
    } else {
      p.limit("read", [=] { read_by(threads, *w); });
    }
    p.lagom("lagom native", [=] { probe(lagom::native{}, of_type); });
    if constexpr (!std::is_same_v<W, float>) {
      p.lagom("lagom native, f32 states", [=] { probe(lagom::native{}, x); });
    }
    if constexpr (std::is_same_v<W, float>) {
      const auto logits =
          bench::array<float>(static_cast<std::size_t>(vocab) * static_cast<std::size_t>(states));
      p.peer("OpenBLAS sgemm, lagom's statistics", [=] {
        if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
        cxxblas::gemm<int>(cxxblas::StorageOrder::RowMajor, cxxblas::Transpose::NoTrans,
                           cxxblas::Transpose::Trans, states, vocab, dim, 1.0f, x->data(), dim, w->data(),
                           dim, 0.0f, logits->data(), vocab);
        for (int s = 0; s < states; ++s) {
          benchmark::DoNotOptimize(lagom::softmax_stats_of(
              lagom::native{}, lagom::vec_view<const float>(logits->data() + s * vocab, vocab)));
        }
      });
    } else if (bench::torch_there()) {
      p.peer("LibTorch", bench::torch_probe(w->data(), vocab, dim, x->data(), states, true, threads));
    }
  }
}

void bytes(int vocab, int dim) {
  const auto n = static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim);
  const auto w = bench::array<std::int8_t>(n);
  for (std::size_t i = 0; i < n; ++i) (*w)[i] = static_cast<std::int8_t>(i * 2654435761u >> 13);
  const auto scales = bench::numbers<float>(static_cast<std::size_t>(vocab), 4, 1e-4f);
  const auto x = *bench::numbers<float>(static_cast<std::size_t>(dim), 2, 2);
  const auto g = bench::numbers<float>(static_cast<std::size_t>(dim), 3);
  const auto to = [=] {
    return lagom::int8_head{lagom::mat_view<const std::int8_t>(w->data(), vocab, dim), *scales,
                            lagom::rms_norm{*g, 1e-5}};
  };
  for (const int threads : {1, 2}) {
    const std::string what = "V=" + std::to_string(vocab) + " d=" + std::to_string(dim);
    lagom_rows(problem{"unembed_i8f32", what, "int8", 1, threads}, w, x, to);
    lagom_rows(problem{"unembed", what, "int8", 1, threads}, w, x,
               [=] { return lagom::with_int8_hidden(to()); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (!bench::torch_there()) bench::skipped("LibTorch");
  floats<float>(32000, 4096, "f32");
  floats<lagom::bf16>(32000, 4096, "bf16");
  floats<lagom::f16>(32000, 4096, "f16");
  bytes(32000, 4096);
  bytes(128256, 4096);
  for (const int states : {8, 32}) {
    batch<lagom::bf16>(32000, 4096, states, "bf16");
    batch<float>(32000, 4096, states, "f32");
  }
  return bench::run(argc, argv);
}
