// SPDX-License-Identifier: MIT
// LibTorch as a peer, where there is one: its headers are too heavy for the benchmark's own file.
#pragma once

#include <functional>

namespace bench {

#ifdef LAGOM_BENCH_TORCH
constexpr bool torch_there() { return true; }
// The full probe of `states` states: linear, softmax, top-2, log-sum-exp and entropy. `half` says that the weights are
// bf16; the states are rounded to that then, as a model in bf16 has them. The weights are seen, not copied.
std::function<void()> torch_probe(void* weights, int vocab, int dim, const float* states, int batch,
                                  bool half, int threads);
// The same from ready logits.
std::function<void()> torch_statistics(float* logits, int vocab);
// Cosine similarities of rows.
std::function<void()> torch_cosine(float* x, float* y, int rows, int dim);
#else
constexpr bool torch_there() { return false; }
inline std::function<void()> torch_probe(void*, int, int, const float*, int, bool, int) { return {}; }
inline std::function<void()> torch_statistics(float*, int) { return {}; }
inline std::function<void()> torch_cosine(float*, float*, int, int) { return {}; }
#endif

}  // namespace bench
