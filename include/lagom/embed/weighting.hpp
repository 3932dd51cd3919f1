// SPDX-License-Identifier: MIT
/// @file embed/weighting.hpp
/// From similarities to weights of source rows.
#pragma once

#include <concepts>

#include "nearest.hpp"
#include "sparsemax.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The weights of one row, by number of the key; empty when there are none.
struct row_weights {
  std::vector<scored> of{};
  bool nan = false;  ///< what a reference computes is no number, and its row is NaN
};

/// A way to weigh: `w.start()` is a state that is shown similarities (`state.push(first, span)`), and
/// `w(state)` its weights.
template <class W>
concept weighting = requires(const W& w, std::span<const float> similarities) {
  w.start().push(std::uint32_t{}, similarities);
  requires requires(decltype(w.start())& state) {
    { w(state) } -> std::same_as<row_weights>;
  };
};

/// Sparsemax of all similarities: FOCUS (arXiv 2305.14481, section 3), CLP+.
template <class Map = sparsemax>
struct sparse_weights {
  [[nodiscard]] sparse_distribution<Map> start() const { return {}; }
  [[nodiscard]] row_weights operator()(sparse_distribution<Map>& state) const { return {state.take()}; }
};

/// Softmax of the `neighbours` largest similarities over a temperature: WECHSEL (arXiv 2112.06598, section
/// 3.2), OFA. w_i = exp((c_i - c_1) / T) / sum_j exp((c_j - c_1) / T), the largest c_1 taken out first.
struct softmax_weights {
  std::size_t neighbours = 10;
  double temperature = 0.1;
  bool shift = true;  ///< false: exp(c / T) as it stands, NaN where the largest overflows or vanishes

  [[nodiscard]] nearest start() const { return nearest(neighbours); }
  [[nodiscard]] row_weights operator()(nearest& state) const {
    row_weights out{state.take()};
    if (out.of.empty()) return out;
    const double top = out.of.front().value;
    const double highest = top / temperature;
    if (!shift && (highest > 709.782712893384 || highest < -745.1332191019411)) return {{}, true};
    double sum = 0;
    for (scored& s : out.of) sum += s.value = exp_nonpositive((s.value - top) / temperature);
    for (scored& s : out.of) s.value /= sum;
    return out;
  }
};

/// w_i = c_i / sum_j c_j over all similarities: CLP-Transfer (arXiv 2301.09626, section 3). Weights may be
/// negative, and where positive and negative similarities cancel they have no bound: a row whose
/// |sum_j c_j| is under `least` times sum_j |c_j| gets none. Dense: memory and cost are those of all keys.
struct linear_weights {
  static constexpr std::size_t batch = 128;  ///< rows at once: 16 bytes a key each

  double least = 1e-3;  ///< 0 leaves out a sum of exactly 0 only

  struct state {
    std::vector<scored> all{};
    double sum = 0, magnitude = 0;
    void push(std::uint32_t first, std::span<const float> similarities) {
      for (std::size_t i = 0; i < similarities.size(); ++i) {
        if (!is_finite(&similarities[i])) continue;
        const auto c = static_cast<double>(similarities[i]);
        all.push_back({first + static_cast<std::uint32_t>(i), c});
        sum += c;
        magnitude += c < 0 ? -c : c;
      }
    }
  };
  [[nodiscard]] state start() const { return {}; }
  [[nodiscard]] row_weights operator()(state& s) const {
    const double size = s.sum < 0 ? -s.sum : s.sum;
    if (!(size > 0) || size < least * s.magnitude) return {};
    row_weights out{std::move(s.all)};
    for (scored& w : out.of) w.value /= s.sum;
    return out;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
