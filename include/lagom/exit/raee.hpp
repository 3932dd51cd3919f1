// SPDX-License-Identifier: MIT
/// @file exit/raee.hpp
/// The exit layer known before the first one runs: where similar inputs could have left.
#pragma once

#include <utility>

#include "labels.hpp"
#include "nearest_rows.hpp"

namespace lagom {
inline namespace v0 {

/// How much a neighbour counts.
enum class neighbour_weight : std::uint8_t {
  inverse_distance,  ///< smallest distance / distance; at distance 0, those alone
  equal,
};

/// RAEE (Huang et al. 2024, arXiv 2405.15198), with what its authors leave to the reader as settings. A remembered row offers
/// the layers at which stopping was right, each with its probability of the answer: those that are `confident`, or if there
/// is none, the `otherwise` most probable. P(layer) is the mean of what the neighbours offer, weighted.
///
/// The defaults of `metric`, `weight`, `confident` and `otherwise` are those of the authors' program, which takes the layer
/// that is offered most strongly; the paper speaks of the distribution, from which `draw` draws.
struct raee_config {
  int neighbours = 12;  ///< in 1 ... 64
  row_metric metric = row_metric::squared_euclidean;
  neighbour_weight weight = neighbour_weight::inverse_distance;
  label_kind label = label_kind::correct;
  float confident = 0.9f;
  int otherwise = 3;  ///< >= 0
};

/// A memory of inputs and of the layers they could have left at. Sees the embeddings, which must outlive it; owns one number
/// a row and layer.
///
/// ```cpp
/// auto memory = lagom::fit(lagom::raee_config{}, trace, embeddings);       // a row each
/// const lagom::layer_index stop = memory->choose(backend, embedding_of_input);
/// for (int l = 0; l <= stop.value; ++l) engine_layer(l, x);                 // no probes; one head at the end
/// ```
template <scalar T = float>
class raee_memory {
 public:
  static constexpr int most_neighbours = 64;
  static constexpr int most_layers = 512;

  /// From parts, as `fit` makes them: offered[row layers + l] is what layer l of a remembered row offers, kept[row] whether it
  /// is remembered. Preconditions: sizes as said, no offer is negative or not finite, settings in range.
  LAGOM_INLINE raee_memory(const raee_config& config, mat_view<const T> embeddings, int layers,
                           std::vector<float> offered, std::vector<signed char> kept)
      : config_(config),
        embeddings_(embeddings),
        layers_(layers),
        offered_(std::move(offered)),
        kept_(std::move(kept)) {
    LAGOM_ASSERT(static_cast<index_t>(kept_.size()) == embeddings_.rows());
    LAGOM_ASSERT(static_cast<index_t>(offered_.size()) == embeddings_.rows() * layers_);
  }

  /// Which layers the neighbours of x offer, and how strongly: `offers` of layers() numbers that add up to 1, or all 0 where
  /// no neighbour offers anything (no row with finite distance, or none that was right anywhere).
  template <backend B, scalar X>
  void distribution(const B& b, vec_view<const X> x, vec_view<float> offers) const noexcept {
    LAGOM_ASSERT(offers.size() == layers_);
    for (index_t l = 0; l < layers_; ++l) offers[l] = 0;
    const auto near = neighbours(b, x);
    double total = 0;
    for (int i = 0; i < near.count; ++i) {
      const double weight = weight_of(near, i);
      const float* const row = offered_.data() + near.found[i].row * layers_;
      for (index_t l = 0; l < layers_; ++l) {
        offers[l] += static_cast<float>(weight * static_cast<double>(row[l]));
        total += weight * static_cast<double>(row[l]);
      }
    }
    if (!(total > 0)) return;
    for (index_t l = 0; l < layers_; ++l)
      offers[l] = static_cast<float>(static_cast<double>(offers[l]) / total);
  }

  /// The layer that is offered most strongly, the lowest of equals: the published rule. The last layer where nothing is
  /// offered. Cost: n h multiply-adds for n remembered rows; no allocation.
  template <backend B, scalar X>
  [[nodiscard]] layer_index choose(const B& b, vec_view<const X> x) const noexcept {
    float offers[most_layers];
    distribution(b, x, vec_view<float>(offers, layers_));
    int best = -1;
    for (int l = 0; l < layers_; ++l) {
      if (offers[l] > (best < 0 ? 0.0f : offers[best])) best = l;
    }
    return best < 0 ? layers_ - 1 : best;
  }

  /// A layer drawn from the distribution: the first at which its sum passes u in [0, 1).
  template <backend B, scalar X>
  [[nodiscard]] layer_index draw(const B& b, vec_view<const X> x, double u) const noexcept {
    return quantile(b, x, u);
  }
  /// The first layer up to which more than `share` of the distribution lies: at 0.9, a tenth of what is offered lies deeper.
  /// Not in the paper, whose strongest offer is often a deep layer, where answers are right and probable.
  /// Precondition: 0 <= share < 1.
  template <backend B, scalar X>
  [[nodiscard]] layer_index quantile(const B& b, vec_view<const X> x, double share) const noexcept {
    LAGOM_ASSERT(0 <= share && share < 1);
    float offers[most_layers];
    distribution(b, x, vec_view<float>(offers, layers_));
    double sum = 0;
    int last = layers_ - 1;
    for (int l = 0; l < layers_; ++l) {
      sum += static_cast<double>(offers[l]);
      if (offers[l] > 0) last = l;
      if (sum > share) return l;
    }
    return last;  // rounding
  }

  /// The remembered rows nearest to x. Rows that offer nothing are remembered: they lower nobody's share, but take a place.
  template <backend B, scalar X>
  [[nodiscard]] nearest_rows<most_neighbours> neighbours(const B& b, vec_view<const X> x) const noexcept {
    return find_nearest<most_neighbours>(b, x, embeddings_, config_.metric, config_.neighbours,
                                         remembered{kept_.data()});
  }

  [[nodiscard]] LAGOM_INLINE int layers() const noexcept { return layers_; }
  [[nodiscard]] LAGOM_INLINE index_t rows() const noexcept { return embeddings_.rows(); }
  [[nodiscard]] LAGOM_INLINE const raee_config& config() const noexcept { return config_; }

 private:
  struct remembered {
    const signed char* kept;
    LAGOM_LEAF bool operator()(index_t row) const noexcept { return kept[row] != 0; }
  };

  LAGOM_INLINE double weight_of(const nearest_rows<most_neighbours>& near, int i) const noexcept {
    if (config_.weight == neighbour_weight::equal) return 1;
    const auto first = static_cast<double>(near.found[0].distance),
               d = static_cast<double>(near.found[i].distance);
    if (d > first) return first > 0 ? first / d : 0;
    return 1;
  }

  raee_config config_;
  mat_view<const T> embeddings_;
  int layers_;
  std::vector<float> offered_;     // row by row: what each layer offers
  std::vector<signed char> kept_;  // is the row remembered?
};

/// Remembers the rows of a trace for which `keep(row)` is true; row i of `embeddings` is that of row i of the trace: any vector
/// that is known before the forward pass (the paper takes token embeddings or another encoder's output). With
/// `label_kind::correct` the trace needs expected tokens.
///
/// Fails with `wrong_shape` (rows), `empty` (no row is kept), `out_of_range` (a setting; over 512 layers). O(rows layers).
template <backend B = portable, trace_kind Kind, scalar T, class Keep = every_row>
[[nodiscard]] result<raee_memory<T>> fit(const raee_config& config, const trace<Kind>& t,
                                         mat_view<const T> embeddings, const Keep& keep = {}) {
  using memory = raee_memory<T>;
  const auto bad = [](std::string_view key) { return failure{.code = errc::out_of_range, .key = key}; };
  if (config.neighbours < 1 || config.neighbours > memory::most_neighbours) return bad("neighbours");
  if (config.otherwise < 0) return bad("otherwise");
  if (!is_finite(&config.confident)) return bad("confident");
  if (t.layers() > memory::most_layers) return bad("layers");
  if (embeddings.rows() != t.rows())
    return failure{.code = errc::wrong_shape,
                   .key = "rows of embeddings",
                   .expected = static_cast<std::uint64_t>(t.rows()),
                   .found = static_cast<std::uint64_t>(embeddings.rows())};
  std::vector<float> offered(static_cast<std::size_t>(t.rows() * t.layers()));
  std::vector<signed char> kept(static_cast<std::size_t>(t.rows()));
  bool any = false;
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    kept[static_cast<std::size_t>(row)] = 1;
    any = true;
    float* const offers = offered.data() + row * t.layers();
    const auto prob = [&](int l) {
      return right_to_stop(t, row, l, config.label) ? t.stats(row, l).top_prob() : 0.0f;
    };
    int confident = 0;
    for (int l = 0; l < t.layers(); ++l) {
      if (const float p = prob(l); p > 0 && p >= config.confident) {
        offers[l] = p;
        ++confident;
      }
    }
    for (int n = 0; confident == 0 && n < config.otherwise; ++n) {
      int best = -1;
      float most = 0;
      for (int l = 0; l < t.layers(); ++l) {
        if (const float p = prob(l); offers[l] == 0 && p > most) {
          best = l;
          most = p;
        }
      }
      if (best < 0) break;
      offers[best] = most;
    }
  }
  if (!any) return failure{.code = errc::empty, .key = "rows"};
  return memory(config, embeddings, t.layers(), std::move(offered), std::move(kept));
}

}  // namespace v0
}  // namespace lagom
