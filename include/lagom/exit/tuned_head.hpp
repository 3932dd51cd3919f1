// SPDX-License-Identifier: MIT
/// @file exit/tuned_head.hpp
/// A layer's own module in front of the shared head: EE-Tuning's exit modules and the tuned lens.
#pragma once

#include "../kernel/unembed.hpp"

namespace lagom {
inline namespace v0 {

/// What stands between a layer's state x and the rows of the shared head W; every module has an RMSNorm weight g of its own.
/// - `norm`: W rms(x) g (EE-Tuning's embedding + norm). Costs nothing beyond the model's own probe.
/// - `linear`: W rms(x + A x + b) g (the tuned lens). h^2 multiply-adds.
/// - `mlp`: W rms(x + D (silu(G n) * U n)) g with n = rms(x) m: a gated MLP as in Llama, in EE-Tuning's place for one. 3 h i.
///
/// Sources: Pan et al. 2024, arXiv 2402.00518 (EE-Tuning), section 3; Belrose et al. 2023, arXiv 2303.08112 (tuned lens).
enum class exit_module : std::uint8_t { norm, linear, mlp };

/// Sizes of a module and where its parameters lie in one block: g; then A (row by row) and b; or m, G, U, D (row by row).
struct exit_module_shape {
  exit_module kind = exit_module::norm;
  index_t width = 0;  ///< h
  index_t inner = 0;  ///< i, of an `mlp`

  [[nodiscard]] LAGOM_LEAF constexpr index_t parameters() const noexcept {
    if (kind == exit_module::linear) return width * (width + 2);
    return kind == exit_module::mlp ? width * (2 + 3 * inner) : width;
  }
  /// Floats that a probe works in.
  [[nodiscard]] LAGOM_LEAF constexpr index_t scratch() const noexcept {
    return kind == exit_module::norm ? 0 : 2 * width + (kind == exit_module::mlp ? inner : 0);
  }
  /// Multiply-adds in front of the head.
  [[nodiscard]] LAGOM_LEAF constexpr double macs() const noexcept {
    const auto h = static_cast<double>(width);
    if (kind == exit_module::linear) return h * h;
    return kind == exit_module::mlp ? 3 * h * static_cast<double>(inner) : 0.0;
  }
};

/// A probe through a layer's module: an answer source, to be shown to a policy in place of the model's head at that layer.
///
/// ```cpp
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x);
///   if (run.observe({.layer = l, .hidden = {x, dim}}, modules.at(l, head, scratch))) break;
/// }
/// ```
/// Sees all that it uses; `scratch` is of one thread. Made by `exit_modules::at`. States of float, bf16 or f16; NaN and
/// infinity flag the statistics as with the model's head. No allocation.
template <scalar W, backend B = portable>
struct tuned_head {
  exit_module_shape shape{};
  vec_view<const float> parameters{};  ///< contiguous
  bool translates = false;             ///< else the norm alone, whatever the shape
  double epsilon = 1e-5;
  mat_view<const W> rows{};
  float scale = 1;
  token_id first_token = 0;
  vec_view<float> scratch{};  ///< contiguous, shape.scratch() or more
  [[no_unique_address]] B backend{};

  template <scalar T>
    requires std::same_as<accumulator_t<T>, float>
  [[nodiscard]] softmax_stats<float> operator()(vec_view<const T> hidden) const noexcept {
    const index_t h = shape.width;
    LAGOM_ASSERT(hidden.size() == h && parameters.size() == shape.parameters());
    const head<W, rms_norm<float>> to{rows, {parameters.slice(0, h), epsilon}, scale, first_token};
    if (!translates || shape.kind == exit_module::norm) return unembed(backend, hidden, to);
    LAGOM_ASSERT(scratch.size() >= shape.scratch());
    float* const y = scratch.data();
    float* const x = y + h;
    for (index_t j = 0; j < h; ++j) y[j] = x[j] = static_cast<float>(hidden[j]);
    const float* const p = parameters.data() + h;
    if (shape.kind == exit_module::linear) {
      add_product(p, h, x, h, y);
      for (index_t j = 0; j < h; ++j) y[j] += p[h * h + j];
    } else {
      const rms_norm<float> norm{vec_view<const float>(p, h), epsilon};
      const auto inverse = norm.prepare(backend, vec_view<const float>(x, h));
      for (index_t j = 0; j < h; ++j) x[j] = norm.apply(inverse, x[j], j);
      const index_t i = shape.inner;
      const mat_view<const float> gate(p + h, i, h), up(p + h + i * h, i, h);
      const vec_view<const float> n(x, h);
      float* const s = x + h;
      for (index_t k = 0; k < i; ++k) {
        const float a = dot(backend, gate.row(k), n);
        s[k] = a * sigmoid(a) * dot(backend, up.row(k), n);
      }
      add_product(p + h + 2 * i * h, h, s, i, y);
    }
    return unembed(backend, vec_view<const float>(y, h), to);
  }

 private:
  /// y += M x, M rows x cols.
  LAGOM_INLINE void add_product(const float* m, index_t rows_of, const float* x, index_t cols,
                                float* y) const noexcept {
    const mat_view<const float> product(m, rows_of, cols);
    for (index_t r = 0; r < rows_of; ++r)
      y[r] += dot(backend, product.row(r), vec_view<const float>(x, cols));
  }
};

}  // namespace v0
}  // namespace lagom
