// SPDX-License-Identifier: MIT
/// @file stop/linear_derivatives.hpp
/// Loss, gradient and Hessian of a linear model in one pass over the rows, tile by tile in vector lanes.
#pragma once

#include <utility>
#include <vector>

#include "../core/executor.hpp"
#include "cholesky.hpp"
#include "fit.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Sum over rows of c_i loss(y_i (w . x_i + b)) and its derivatives by (w, b).
template <std::size_t N>
struct linear_derivatives {
  double value = 0;
  small_vector<N + 1> gradient{};
  small_matrix<N + 1> hessian{};  ///< lower triangle

  void merge(const linear_derivatives& other) noexcept {
    value += other.value;
    for (std::size_t a = 0; a <= N; ++a) {
      gradient[a] += other.gradient[a];
      for (std::size_t b = 0; b <= a; ++b) hessian[a][b] += other.hessian[a][b];
    }
  }
};

/// The pass over one tile: what a register of the target holds, and how many there are.
template <class T, backend B>
struct pass_shape {
  static constexpr std::size_t lanes = 64 / sizeof(T);
  static constexpr std::size_t rows = 2048 / sizeof(T);
  static constexpr bool wide = [] {
    if constexpr (requires { B::compiled_for; }) return contains(B::compiled_for, target::avx512);
    return false;
  }();
  static constexpr std::size_t sums = wide ? 24 : 10;  ///< that live in registers
  static constexpr std::size_t block = wide ? 5 : 2;   ///< rows and columns of the Hessian at once
};

/// One pass: rows in tiles, products of a tile in lanes of T, lanes into double every few thousand rows. w . x + b is
/// summed in `Margin`: a large feature and a large bias may cancel.
///
/// Every sum runs over the same rows in the same order, whatever the registers hold.
template <std::size_t N, backend B, class Loss, class T, class Margin, bool Second>
class linear_pass {
  using shape = pass_shape<T, B>;
  static constexpr std::size_t lanes = shape::lanes, tile = shape::rows;
  static constexpr std::size_t first_sums = N + 2, second_sums = Second ? (N + 1) * (N + 2) / 2 : 0;
  static constexpr bool at_once = first_sums + second_sums <= shape::sums;
  static constexpr int tiles_of_a_flush = 2048 / static_cast<int>(tile);

 public:
  linear_pass(const training_rows<N>& rows, class_costs costs, const small_vector<N + 1>& v)
      : rows_(rows), costs_(costs), sums_((first_sums + second_sums) * lanes), buffer_((N + 1) * tile + 16) {
    for (std::size_t j = 0; j <= N; ++j) v_[j] = static_cast<Margin>(v[j]);
    // Aligned: a vector that crosses a cache line takes two loads.
    const auto beyond = reinterpret_cast<std::uintptr_t>(buffer_.data()) % 64 / sizeof(float);
    aligned_ = buffer_.data() + (16 - beyond) % 16;
    float* const ones = aligned_ + N * tile;
    for (std::size_t i = 0; i < tile; ++i) ones[i] = 1;
    column_[N] = ones;
  }

  /// Adds the tile that begins at this row.
  void push(index_t first) noexcept {
    const index_t left = rows_.data.rows() - first;
    const auto count = left < static_cast<index_t>(tile) ? left : static_cast<index_t>(tile);
    load(first, count, std::make_index_sequence<N>{});
    weigh(first, count);
    differentiate(std::make_index_sequence<N>{},
                  std::make_index_sequence<at_once ? second_sums : std::size_t{0}>{});
    if constexpr (!at_once) add_blocks<0>();
    if (++pending_ == tiles_of_a_flush) flush();
  }

  [[nodiscard]] linear_derivatives<N> total() noexcept {
    flush();
    return total_;
  }

 private:
  /// Columns of the tile: where they lie, or scaled and filled up with zeros in the buffer.
  template <std::size_t... J>
  void load(index_t first, index_t count, std::index_sequence<J...>) noexcept {
    (load_column<J>(first, count), ...);
  }
  template <std::size_t J>
  void load_column(index_t first, index_t count) noexcept {
    const auto column = rows_.data.features.row(static_cast<index_t>(J)).slice(first, count);
    const float mean = rows_.scale.mean[J], inverse = rows_.scale.inverse_deviation[J];
    if (column.contiguous() && mean == 0 && inverse == 1 && count == static_cast<index_t>(tile)) {
      column_[J] = column.data();
      return;
    }
    float* LAGOM_RESTRICT const to = aligned_ + J * tile;
    with_elements<float>(column, [=](const auto& at) {
      for (index_t i = 0; i < count; ++i) to[i] = (at(i) - mean) * inverse;
    });
    for (auto i = static_cast<std::size_t>(count); i < tile; ++i) to[i] = 0;
    column_[J] = to;
  }

  /// Labels and costs of the tile; rows beyond the last cost nothing.
  void weigh(index_t first, index_t count) noexcept {
    const auto positive = static_cast<T>(costs_.positive), negative = static_cast<T>(costs_.negative);
    with_elements<signed char>(rows_.data.labels.slice(first, count), [&](const auto& at) {
      for (index_t i = 0; i < count; ++i) {
        label_[i] = static_cast<T>(at(i));
        cost_[i] = at(i) > 0 ? positive : negative;
      }
    });
    if (!rows_.data.weights.empty()) {
      with_elements<float>(rows_.data.weights.slice(first, count), [&](const auto& at) {
        for (index_t i = 0; i < count; ++i) cost_[i] *= static_cast<T>(at(i));
      });
    }
    for (auto i = static_cast<std::size_t>(count); i < tile; ++i) label_[i] = cost_[i] = 0;
  }

  /// Row and column of an element of the lower triangle, row by row.
  static constexpr std::size_t row_of(std::size_t p) noexcept {
    std::size_t a = 0;
    while ((a + 1) * (a + 2) / 2 <= p) ++a;
    return a;
  }
  static constexpr std::size_t column_of(std::size_t p) noexcept {
    return p - row_of(p) * (row_of(p) + 1) / 2;
  }

  /// Loss of the tile's margins, its derivatives, and the sums that fit beside them: P are elements of the Hessian.
  template <std::size_t... J, std::size_t... P>
  void differentiate(std::index_sequence<J...>, std::index_sequence<P...>) noexcept {
    const T* LAGOM_RESTRICT const label = label_;
    const T* LAGOM_RESTRICT const cost = cost_;
    [[maybe_unused]] T* LAGOM_RESTRICT const curvature = curvature_;
    const float* const column[N] = {column_[J]...};
    const Margin w[N] = {v_[J]...};
    const Margin b = v_[N];
    constexpr std::size_t count = first_sums + sizeof...(P);
    T sum[count][lanes];
    for (std::size_t s = 0; s < count; ++s) {
      for (std::size_t j = 0; j < lanes; ++j) sum[s][j] = sums_[s * lanes + j];
    }
    for (std::size_t i = 0; i < tile; i += lanes) {
      for (std::size_t j = 0; j < lanes; ++j) {
        const T x[N + 1] = {static_cast<T>(column[J][i + j])..., T(1)};
        Margin f = b;
        ((f = multiply_add(w[J], static_cast<Margin>(column[J][i + j]), f)), ...);
        T value, slope, second;
        Loss::at(label[i + j] * static_cast<T>(f), value, slope, second);
        const T g = cost[i + j] * slope * label[i + j], h = cost[i + j] * second;
        sum[0][j] = multiply_add(cost[i + j], value, sum[0][j]);
        ((sum[1 + J][j] = multiply_add(g, x[J], sum[1 + J][j])), ...);
        sum[1 + N][j] += g;
        if constexpr (Second && !at_once) curvature[i + j] = h;
        if constexpr (Second && at_once) {
          ((sum[first_sums + P][j] = multiply_add(h * x[row_of(P)], x[column_of(P)], sum[first_sums + P][j])),
           ...);
        }
      }
    }
    for (std::size_t s = 0; s < count; ++s) {
      for (std::size_t j = 0; j < lanes; ++j) sums_[s * lanes + j] = sum[s][j];
    }
  }

  // Blocks of the Hessian: rows and columns 0 ... N in equal parts that fit the registers.
  static constexpr std::size_t parts = Second ? (N + shape::block) / shape::block : 0;
  static constexpr std::size_t part(std::size_t k) noexcept { return k * (N + 1) / (parts > 0 ? parts : 1); }

  template <std::size_t Block>
  LAGOM_INLINE void add_blocks() noexcept {
    if constexpr (Block < parts * (parts + 1) / 2) {
      constexpr std::size_t r = row_of(Block), c = column_of(Block);
      constexpr std::size_t i = part(r + 1) - part(r), k = part(c + 1) - part(c);
      using elements = std::make_index_sequence<r == c ? i*(i + 1) / 2 : i * k>;
      add_block<part(r), part(c), k>(std::make_index_sequence<i>{}, std::make_index_sequence<k>{},
                                     elements{});
      add_blocks<Block + 1>();
    }
  }
  /// The block of rows R + I, columns C + K, of which there are `Width`; on the diagonal its lower triangle.
  template <std::size_t R, std::size_t C, std::size_t Width, std::size_t... I, std::size_t... K,
            std::size_t... P>
  void add_block(std::index_sequence<I...>, std::index_sequence<K...>, std::index_sequence<P...>) noexcept {
    constexpr auto row = [](std::size_t p) { return R == C ? row_of(p) : p / Width; };
    constexpr auto column = [](std::size_t p) { return R == C ? column_of(p) : p % Width; };
    constexpr auto place = [](std::size_t i, std::size_t k) { return (R + i) * (R + i + 1) / 2 + C + k; };
    T* const sums = sums_.data() + first_sums * lanes;
    const T* LAGOM_RESTRICT const curvature = curvature_;
    const float* const left_column[] = {column_[R + I]...};
    const float* const right_column[] = {column_[C + K]...};
    T sum[sizeof...(P)][lanes];
    for (std::size_t j = 0; j < lanes; ++j) ((sum[P][j] = sums[place(row(P), column(P)) * lanes + j]), ...);
    for (std::size_t i = 0; i < tile; i += lanes) {
      for (std::size_t j = 0; j < lanes; ++j) {
        const T h = curvature[i + j];
        const T left[] = {h * static_cast<T>(left_column[I][i + j])...};
        const T right[] = {static_cast<T>(right_column[K][i + j])...};
        ((sum[P][j] = multiply_add(left[row(P)], right[column(P)], sum[P][j])), ...);
      }
    }
    for (std::size_t j = 0; j < lanes; ++j) ((sums[place(row(P), column(P)) * lanes + j] = sum[P][j]), ...);
  }

  /// Adds up the lanes of the next sum as a balanced tree, and clears them.
  LAGOM_INLINE static double take(T*& sum) noexcept {
    T tree[lanes];
    for (std::size_t j = 0; j < lanes; ++j) tree[j] = sum[j];
    for (std::size_t j = 0; j < lanes; ++j) sum[j] = 0;
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) tree[j] += tree[j + half];
    }
    sum += lanes;
    return static_cast<double>(tree[0]);
  }

  void flush() noexcept {
    if (pending_ == 0) return;
    pending_ = 0;
    T* sum = sums_.data();
    total_.value += take(sum);
    for (double& g : total_.gradient) g += take(sum);
    if constexpr (Second) {
      for (std::size_t a = 0; a <= N; ++a) {
        for (std::size_t b = 0; b <= a; ++b) total_.hessian[a][b] += take(sum);
      }
    }
  }

  const training_rows<N>& rows_;
  class_costs costs_;
  Margin v_[N + 1];
  std::vector<T> sums_;        ///< value, gradient, Hessian row by row; one sum a lane
  std::vector<float> buffer_;  ///< columns that have to be written, and the constant one
  float* aligned_;
  const float* column_[N + 1] = {};
  alignas(64) T label_[tile];
  alignas(64) T cost_[tile];
  alignas(64) T curvature_[tile];
  int pending_ = 0;
  linear_derivatives<N> total_;
};

/// The derivatives at v, of every `every`-th tile; `Second` asks for the Hessian.
template <std::size_t N, backend B, class Loss, class T, class Margin, bool Second, executor E>
linear_derivatives<N> linear_sums(const training_rows<N>& rows, class_costs costs,
                                  const small_vector<N + 1>& v, index_t every, const E& run) {
  constexpr auto tile = static_cast<index_t>(pass_shape<T, B>::rows);
  constexpr index_t tiles_of_a_task = 16384 / tile;
  const index_t tiles = (rows.data.rows() + every * tile - 1) / (every * tile);
  const index_t tasks = (tiles + tiles_of_a_task - 1) / tiles_of_a_task;
  std::vector<linear_derivatives<N>> parts(static_cast<std::size_t>(tasks));
  run(tasks, [&](index_t task) {
    linear_pass<N, B, Loss, T, Margin, Second> pass(rows, costs, v);
    const index_t end = (task + 1) * tiles_of_a_task < tiles ? (task + 1) * tiles_of_a_task : tiles;
    for (index_t t = task * tiles_of_a_task; t < end; ++t) pass.push(t * every * tile);
    parts[static_cast<std::size_t>(task)] = pass.total();
  });
  for (std::size_t task = 1; task < parts.size(); ++task) parts[0].merge(parts[task]);
  return parts[0];
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
