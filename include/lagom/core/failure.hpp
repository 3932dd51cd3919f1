// SPDX-License-Identifier: MIT
/// @file core/failure.hpp
/// Why something could not be done, as a plain value.
#pragma once

#include "fixed_text.hpp"

namespace lagom {
inline namespace v0 {

/// The reasons. `io/describe.hpp` turns a failure into a sentence.
enum class errc : std::uint8_t {
  // files
  cannot_open,
  cannot_read,
  cannot_write,
  not_empty,       ///< a directory that was to be made holds something
  truncated,       ///< the file ends before what it announces
  trailing_bytes,  ///< the file goes on after what it announces
  too_large,       ///< over a stated limit
  // text and structure
  bad_utf8,
  bad_json,
  too_deep,  ///< nested over a stated limit
  duplicate_key,
  missing_key,
  unknown_key,  ///< a name that nothing has
  wrong_type,
  bad_value,
  out_of_range,
  unsupported,  ///< known, and not handled: `key` names it
  // tensors
  unknown_dtype,
  wrong_dtype,
  wrong_shape,
  overflow,  ///< an extent or an offset does not fit
  overlap,
  hole,
  size_mismatch,
  missing_tensor,
  // tokenizers
  bad_merge,
  bad_pattern,
  unknown_token,
  // data sets, classifiers, policies
  empty,
  one_class,   ///< every label is the same: nothing to separate
  not_finite,  ///< NaN or infinity where a number is needed
  not_converged,
  wrong_width,     ///< number of features
  wrong_features,  ///< other features than the ones asked for
  wrong_schema,    ///< a file of another version or another kind
  not_certified,   ///< no candidate keeps the tolerance at the error rate
  changed,         ///< work that was begun with another input than there is now
  // running a model
  too_long,  ///< more tokens than the context holds
  device,    ///< an accelerator's runtime failed: `key` names its error
};

/// A failure: the reason and where. Fields that do not apply are empty or `none`.
struct failure {
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  errc code{};
  fixed_text<255> file{};         ///< which file
  fixed_text<127> key{};          ///< which tensor, JSON key, option or kind
  std::uint64_t byte = none;      ///< offset in the file
  std::uint64_t row = none;       ///< 1-based line or 0-based row, as the format counts
  std::uint64_t expected = none;  ///< what should have been there
  std::uint64_t found = none;     ///< what was there

  /// The same failure, saying which file it happened in (unless it already says).
  [[nodiscard]] LAGOM_INLINE constexpr failure in(std::string_view path) const noexcept {
    failure f = *this;
    if (f.file.empty()) f.file = path;
    return f;
  }
};

}  // namespace v0
}  // namespace lagom
