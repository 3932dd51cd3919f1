// SPDX-License-Identifier: MIT
/// @file exit/exit_module.hpp
/// A layer's own module in front of the shared head: EE-Tuning's exit modules and the tuned lens.
#pragma once

#include <string_view>

#include "../core/mat_view.hpp"
#include "../kernel/dot.hpp"
#include "../kernel/norm.hpp"

namespace lagom {
inline namespace v0 {

/// What stands between a layer's state x and the rows of the shared head W; every module has an RMSNorm weight g of its own.
/// - `norm`: W rms(x) g (EE-Tuning's embedding + norm). Costs nothing beyond the model's own probe.
/// - `linear`: W rms(x + A x + b) g (the tuned lens). h^2 multiply-adds.
/// - `mlp`: W rms(x + D (silu(G n) * U n)) g with n = rms(x) m: a gated MLP as in Llama, in EE-Tuning's place for one. 3 h i.
///
/// EE-Tuning's largest module, a whole block with keys and values of its own, is `exit_block`.
///
/// Sources: Pan et al. 2024, arXiv 2402.00518 (EE-Tuning), section 3; Belrose et al. 2023, arXiv 2303.08112 (tuned lens).
enum class exit_module : std::uint8_t { norm, linear, mlp };
/// Their names, in this order.
inline constexpr std::string_view exit_module_names[] = {"norm", "linear", "mlp"};

/// Sizes of a module and where its parameters lie in one block: g; then A (row by row) and b; or m, G, U, D (row by row).
struct exit_module_shape {
  exit_module kind = exit_module::norm;
  index_t width = 0;  ///< h
  index_t inner = 0;  ///< i, of an `mlp`

  friend constexpr bool operator==(const exit_module_shape&, const exit_module_shape&) = default;
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

/// One layer's module, seen. Made by `exit_modules::module`.
template <backend B = portable>
struct exit_module_view {
  exit_module_shape shape{};
  vec_view<const float> parameters{};  ///< contiguous; of a layer that was not trained: g, or more
  bool trained = false;                ///< else the norm alone, whatever the shape
  double epsilon = 1e-5;
  [[no_unique_address]] B backend{};

  /// Whether a state reaches the norm as it is.
  [[nodiscard]] LAGOM_LEAF bool norm_alone() const noexcept {
    return !trained || shape.kind == exit_module::norm;
  }
  [[nodiscard]] LAGOM_LEAF rms_norm<float> norm() const noexcept {
    return {parameters.slice(0, shape.width), epsilon};
  }

  /// The state that goes to the norm: x + A x + b, or x + D (silu(G n) * U n). Lies in `scratch`: contiguous, of
  /// shape.scratch() or more. In float, whatever stores the state. Precondition: !norm_alone().
  template <scalar T>
  [[nodiscard]] vec_view<const float> translate(vec_view<const T> hidden,
                                                vec_view<float> scratch) const noexcept {
    const index_t h = shape.width;
    LAGOM_ASSERT(!norm_alone() && hidden.size() == h && parameters.size() == shape.parameters() &&
                 scratch.size() >= shape.scratch());
    float* const y = scratch.data();
    float* const x = y + h;
    for (index_t j = 0; j < h; ++j) y[j] = x[j] = static_cast<float>(hidden[j]);
    const float* const p = parameters.data() + h;
    if (shape.kind == exit_module::linear) {
      add_product(p, h, x, h, y);
      for (index_t j = 0; j < h; ++j) y[j] += p[h * h + j];
    } else {
      const rms_norm<float> inner_norm{vec_view<const float>(p, h), epsilon};
      const auto inverse = inner_norm.prepare(backend, vec_view<const float>(x, h));
      for (index_t j = 0; j < h; ++j) x[j] = inner_norm.apply(inverse, x[j], j);
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
    return {y, h};
  }

  /// What the rows of the head are multiplied with: the module's norm of the translated state, to `to`. Precondition: `scratch`
  /// as of `translate`, to.size() == shape.width.
  template <scalar T, std::floating_point U>
  void normed(vec_view<const T> hidden, vec_view<float> scratch, vec_view<U> to) const noexcept {
    if (norm_alone()) return apply(hidden, to);
    apply(translate(hidden, scratch), to);
  }

 private:
  template <scalar T, std::floating_point U>
  void apply(vec_view<const T> x, vec_view<U> to) const noexcept {
    const rms_norm<float> own = norm();
    const auto inverse = own.prepare(backend, x);
    using A = accumulator_t<T>;
    for (index_t j = 0; j < x.size(); ++j)
      to[j] = static_cast<U>(own.apply(inverse, static_cast<A>(x[j]), j));
  }
  /// y += M x, M rows x cols.
  LAGOM_INLINE void add_product(const float* m, index_t rows, const float* x, index_t cols,
                                float* y) const noexcept {
    const mat_view<const float> product(m, rows, cols);
    for (index_t r = 0; r < rows; ++r) y[r] += dot(backend, product.row(r), vec_view<const float>(x, cols));
  }
};

}  // namespace v0
}  // namespace lagom
