// SPDX-License-Identifier: MIT
/// @file exit/trace_features.hpp
/// A feature pack that reads from a trace what cannot be recomputed.
#pragma once

#include <array>

#include "../core/result.hpp"
#include "trace.hpp"

namespace lagom {
inline namespace v0 {

/// Stands in for `Features` (a `features<...>`) when there is no model: signals of statistics are computed as
/// live, by their own code; the others are looked up.
template <class Features, trace_kind Kind>
class trace_features {
 public:
  static constexpr std::string_view name = Features::name;
  static constexpr std::size_t width = Features::width;
  static constexpr need needs = Features::needs;
  static constexpr int head_passes = Features::head_passes;

  /// Fails with `wrong_features` naming the first signal that the trace did not record.
  LAGOM_INLINE static result<trace_features> make(const Features& features, const trace<Kind>& from) {
    trace_features made(features, from);
    failure missing{.code = errc::wrong_features};
    bool ok = true;
    std::size_t nth = 0;
    features.for_each([&]<class S>(const S&, std::size_t offset) {
      if constexpr (!from_stats<S>) {
        std::size_t seen = 0;  // columns of this name that belong to earlier signals of the pack
        for (std::size_t i = 0; i < nth; ++i) {
          if (Features::names[i] == S::name) seen += Features::widths[i];
        }
        for (std::size_t k = 0; k < S::width; ++k) {
          made.column_[offset + k] = from.find_column(S::name, seen + k);
          if (made.column_[offset + k] >= 0) continue;
          if (ok) missing.key = S::name;
          ok = false;
        }
      }
      ++nth;
    });
    if (!ok) return missing;
    return made;
  }

  /// The row that the next observations belong to.
  LAGOM_INLINE void at_row(index_t row) noexcept { row_ = row; }

  template <backend B>
  void operator()(const layer_obs& o, const B& b, float* out) const noexcept {
    features_.for_each([&]<class S>(const S& signal, std::size_t offset) {
      if constexpr (from_stats<S>) {
        signal(o, b, out + offset);
      } else {
        for (std::size_t k = 0; k < S::width; ++k) {
          out[offset + k] = trace_->value(column_[offset + k], row_, o.layer);
        }
      }
    });
  }

 private:
  LAGOM_INLINE trace_features(const Features& features, const trace<Kind>& from)
      : features_(features), trace_(&from) {}

  Features features_;
  const trace<Kind>* trace_;
  std::array<index_t, Features::width> column_{};
  index_t row_ = 0;
};

}  // namespace v0
}  // namespace lagom
