// SPDX-License-Identifier: MIT
#include "torch_peer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

namespace bench {

namespace {

void statistics(const at::Tensor& z) {
  const at::Tensor p = at::softmax(z, -1);
  const auto best = at::topk(p, 2, -1);
  const at::Tensor log_sum = at::logsumexp(z, -1);
  const at::Tensor entropy = log_sum - (p * z).sum(-1);
  benchmark::DoNotOptimize(std::get<0>(best).data_ptr());
  benchmark::DoNotOptimize(log_sum.data_ptr());
  benchmark::DoNotOptimize(entropy.data_ptr());
}

}  // namespace

std::function<void()> torch_probe(void* weights, int vocab, int dim, const float* states, int batch,
                                  bool half, int threads) {
  const c10::InferenceMode mode;
  const auto type = half ? at::kBFloat16 : at::kFloat;
  const at::Tensor w = at::from_blob(weights, {vocab, dim}, type);
  const at::Tensor x = at::from_blob(const_cast<float*>(states), {batch, dim}, at::kFloat).clone().to(type);
  // A product of matrices with one row is slow in the BLAS that the program may have beside LibTorch's own.
  const bool vector = batch == 1 && !half;
  return [=] {
    const c10::InferenceMode inner;
    at::set_num_threads(threads);
    statistics(vector ? at::mv(w, x[0]) : at::linear(x, w).to(at::kFloat));
  };
}

std::function<void()> torch_statistics(float* logits, int vocab) {
  const c10::InferenceMode mode;
  const at::Tensor z = at::from_blob(logits, {vocab}, at::kFloat);
  return [=] {
    const c10::InferenceMode inner;
    at::set_num_threads(1);
    statistics(z);
  };
}

std::function<void()> torch_cosine(float* x, float* y, int rows, int dim) {
  const c10::InferenceMode mode;
  const at::Tensor a = at::from_blob(x, {rows, dim}, at::kFloat),
                   b = at::from_blob(y, {rows, dim}, at::kFloat);
  return [=] {
    const c10::InferenceMode inner;
    at::set_num_threads(1);
    benchmark::DoNotOptimize(at::cosine_similarity(a, b, 1).data_ptr());
  };
}

}  // namespace bench
