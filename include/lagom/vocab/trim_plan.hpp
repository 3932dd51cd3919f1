// SPDX-License-Identifier: MIT
/// @file vocab/trim_plan.hpp
/// Which tokens stay when a vocabulary is trimmed, and under which ids.
#pragma once

#include <span>

#include "../core/result.hpp"
#include "token_set.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// The change of ids: kept tokens stay in order and are numbered from 0. A plain value; rows of matrices,
/// merges and data are mapped by it.
struct trim_plan {
  std::vector<token_id> kept{};    ///< by new id: the old one; rising
  std::vector<token_id> new_id{};  ///< by old id: the new one, or `no_token`

  /// Keeps the ids of `keep` that are below `size`, the size of the old vocabulary.
  [[nodiscard]] static trim_plan of(const token_set& keep, index_t size) {
    trim_plan out;
    out.new_id.assign(static_cast<std::size_t>(size), no_token);
    keep.for_each([&](token_id old) {
      if (old >= size) return;
      out.new_id[static_cast<std::size_t>(old)] = static_cast<token_id>(out.kept.size());
      out.kept.push_back(old);
    });
    return out;
  }

  /// The new id of a token; `no_token` for one that is gone, or never was.
  [[nodiscard]] token_id operator()(token_id old) const noexcept {
    return old >= 0 && static_cast<std::size_t>(old) < new_id.size() ? new_id[static_cast<std::size_t>(old)]
                                                                     : no_token;
  }

  /// Gives data the new ids, in place. Fails with `unknown_token`, and the place, at the first id that is gone;
  /// then nothing has changed.
  result<done> remap(std::span<token_id> ids) const {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if ((*this)(ids[i]) != no_token) continue;
      return failure{.code = errc::unknown_token, .row = i, .found = static_cast<std::uint64_t>(ids[i])};
    }
    for (token_id& id : ids) id = (*this)(id);
    return done{};
  }

  [[nodiscard]] std::size_t rows_before() const noexcept { return new_id.size(); }
  [[nodiscard]] std::size_t rows_after() const noexcept { return kept.size(); }

  /// Bytes of matrices that go: `values` is the sum of the widths of all matrices with a row for each token,
  /// `bytes` the size of a value.
  [[nodiscard]] std::uint64_t bytes_saved(std::uint64_t values, std::uint64_t bytes) const noexcept {
    return (rows_before() - rows_after()) * values * bytes;
  }

  friend bool operator==(const trim_plan&, const trim_plan&) = default;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
