// SPDX-License-Identifier: MIT
/// @file exit/batch_obs.hpp
/// What an engine shows of one layer of a batch.
#pragma once

#include "../core/mat_view.hpp"
#include "../signal/layer_obs.hpp"

namespace lagom {
inline namespace v0 {

/// One layer of a batch, a row a sequence, as `basic_layer_obs` of one. What the policy does not read may be missing. Owns
/// nothing.
template <scalar T>
struct batch_obs {
  layer_index layer{};
  mat_view<const T> hidden{};
  mat_view<const T> prev_hidden{};
  mat_view<const T> attention{};
  mat_view<const T> prev_attention{};
  mat_view<const T> mlp{};
  mat_view<const T> prev_mlp{};
  mat_view<const T> last_hidden{};

  /// The layer as this row sees it.
  [[nodiscard]] LAGOM_HD basic_layer_obs<T> of_row(index_t row) const noexcept {
    basic_layer_obs<T> o;
    o.layer = layer;
    o.hidden = row_or_none(hidden, row);
    o.prev_hidden = row_or_none(prev_hidden, row);
    o.attention = row_or_none(attention, row);
    o.prev_attention = row_or_none(prev_attention, row);
    o.mlp = row_or_none(mlp, row);
    o.prev_mlp = row_or_none(prev_mlp, row);
    o.last_hidden = row_or_none(last_hidden, row);
    return o;
  }

 private:
  LAGOM_LEAF static vec_view<const T> row_or_none(mat_view<const T> m, index_t row) noexcept {
    return m.data() == nullptr ? vec_view<const T>{} : m.row(row);
  }
};

}  // namespace v0
}  // namespace lagom
