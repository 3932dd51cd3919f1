// SPDX-License-Identifier: MIT
// FOCUS' weights: cosines of new tokens with the overlap and their sparsemax, in tiles and as one matrix.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed/focus.hpp>
#include <new>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

// Bytes of the heap in use, and the most that ever were: what a method needs beside its input.
std::atomic<std::size_t> in_use{0}, most{0};

void* allocate(std::size_t n) {
  void* const p = std::malloc(n);
  if (p == nullptr) throw std::bad_alloc();
  const std::size_t now = in_use += malloc_usable_size(p);
  for (std::size_t before = most; before < now && !most.compare_exchange_weak(before, now);) {
  }
  return p;
}
void release(void* p) noexcept {
  if (p != nullptr) in_use -= malloc_usable_size(p);
  std::free(p);
}

}  // namespace

void* operator new(std::size_t n) { return allocate(n); }
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }

namespace {

constexpr lagom::token_id overlap = 32000, added = 1000;
constexpr lagom::index_t width = 100;

const lagom::vocab::expansion& problem() {
  static const lagom::vocab::expansion e = [] {
    lagom::vocab::expansion out;
    out.source_size = overlap;
    out.target_size = overlap + added;
    out.target_vectors = {out.target_size, width};
    const auto x = bench::numbers<float>(static_cast<std::size_t>(out.target_size * width), 1);
    for (lagom::token_id t = 0; t < overlap + added; ++t) {
      const auto to = out.target_vectors.set(static_cast<std::size_t>(t));
      std::copy_n(x->data() + lagom::index_t{t} * width, width, to.data());
      out.same.push_back(t < overlap ? lagom::vocab::source_id{t} : lagom::vocab::source_id::none);
      if (t >= overlap) out.wanted.push_back(lagom::vocab::target_id{t});
    }
    return out;
  }();
  return e;
}

// The published way: unit vectors, one matrix of all cosines by BLAS, each row sorted whole. Leaves as much.
std::size_t whole_matrix() {
  const auto& e = problem();
  const lagom::xtensor_blas blas;
  std::vector<float> unit(e.target_vectors.matrix().data(),
                          e.target_vectors.matrix().data() + e.target_size * width);
  for (lagom::index_t t = 0; t < e.target_size; ++t) {
    float* const row = unit.data() + t * width;
    const float square = blas.squared_norm(lagom::vec_view<const float>(row, width));
    for (lagom::index_t j = 0; j < width; ++j) row[j] /= std::sqrt(square);
  }
  std::vector<float> cosines(std::size_t{added} * std::size_t{overlap});
  const lagom::mat_view<const float> all(unit.data(), e.target_size, width);
  blas.gemm(1.0f, all.slice_rows(overlap, added), all.slice_rows(0, overlap).transposed(), 0.0f,
            lagom::mat_view<float>(cosines.data(), added, overlap));
  std::vector<std::pair<lagom::token_id, float>> weights;
  std::vector<float> sorted(overlap);
  for (std::size_t r = 0; r < added; ++r) {
    const float* const row = cosines.data() + r * overlap;
    std::copy_n(row, overlap, sorted.begin());
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    double sum = 0, tau = 0;
    for (std::size_t k = 0; k < overlap; ++k) {
      const double z = static_cast<double>(sorted[k]);
      if (!(1 + static_cast<double>(k + 1) * z > sum + z)) break;
      sum += z;
      tau = (sum - 1) / static_cast<double>(k + 1);
    }
    for (lagom::token_id o = 0; o < overlap; ++o) {
      const double p = static_cast<double>(row[o]) - tau;
      if (p > 0) weights.emplace_back(o, static_cast<float>(p));
    }
  }
  return weights.size();
}

std::vector<std::pair<std::string, std::size_t>> peaks;

template <class Use>
void method(const std::string& name, Use use) {
  peaks.emplace_back(name, 0);
  bench::add("focus 1,000 x 32,000 x 100", name, [=] {
    const std::size_t before = in_use;
    most = before;
    use();
    for (auto& [known, peak] : peaks) {
      if (known == name) peak = std::max(peak, most - before);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  static_cast<void>(problem());
  method("whole matrix, OpenBLAS, sort", [] { benchmark::DoNotOptimize(whole_matrix()); });
  method("lagom, OpenBLAS tiles", [] {
    benchmark::DoNotOptimize(lagom::embed::focus{}(problem(), lagom::xtensor_blas{})->terms().size());
  });
  method("lagom portable",
         [] { benchmark::DoNotOptimize(lagom::embed::focus{}(problem())->terms().size()); });
  const int rc = bench::run(argc, argv);
  std::printf("\nmost memory beside the input\n");
  for (const auto& [name, peak] : peaks) {
    std::printf("  %-28s %12.1f MiB\n", name.c_str(), static_cast<double>(peak) / 1048576);
  }
  return rc;
}
