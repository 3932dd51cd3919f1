// SPDX-License-Identifier: MIT
/// @file kernel/prepared_rows.hpp
/// The rows of a head in few bits, with what each row lost.
#pragma once

#include "../core/vec_view.hpp"
#include "sign_hadamard.hpp"

namespace lagom {
inline namespace v0 {

/// How a row w is kept: less the mean of all rows (which adds the same to every logit), after a random rotation (or,
/// for int8 and int4, without one), as integers q in [0, 2^bits) that stand for w ~ s (q - centre), with one scale s
/// a row. What is known of the error e of a logit <w, y>, for a (rotated) state y:
///
/// - `int8`, centre 128, rounded to nearest. |e| <= |w - s (q - centre)| |y|, always: Cauchy-Schwarz.
/// - `int4`, centre 7.5 + u_j, with a dither u uniform in [-1/2, 1/2)^h, subtracted again. The error of every element
///   is then uniform in [-s/2, s/2], independent of the row and of the other elements, so that P(|e| > z s |y| / sqrt
///   12) <= 2 exp(-z^2/2) over the dither, for every fixed row and state (a uniform variable is strictly
///   sub-Gaussian). No assumption; the rotation only makes s small. Row i has dither i mod `most_dithers`: errors of
///   rows with different dithers are independent, so that they average out in sums: `certified_averaging`.
/// - `int2`, centre 1.5, rounded to nearest, s such that <w, s (q - centre)> = <w, w> (unbiased; what is lost is then
///   orthogonal to w). Over a uniformly random rotation, P(|e| > z |w - s (q - centre)| |y| / sqrt(h - 1)) <=
///   2 exp(-z^2/2) for every fixed row and state (Gao & Long 2024, arXiv 2405.12497, section 3.2; tails of the
///   sphere: Ball 1997, lemma 2.2). `sign_hadamard` stands in for the uniform rotation: that it behaves like one
///   is the assumption here. All rows share the rotation and their errors may go together, so that sums of them are
///   bounded row by row.
enum class row_code : std::uint8_t { int8, int4, int2 };

/// Bits of one element.
LAGOM_LEAF constexpr int code_bits(row_code c) noexcept {
  return c == row_code::int8 ? 8 : c == row_code::int4 ? 4 : 2;
}

/// What is subtracted from an element's integer, before the dither.
LAGOM_LEAF constexpr double centre(row_code c) noexcept {
  return c == row_code::int8 ? 128.0 : c == row_code::int4 ? 7.5 : 1.5;
}

/// View of V prepared rows of h elements. Owns nothing; `prepare_head` makes them.
///
/// A row is `pitch()` bytes: lines of 64, each of 512 / bits elements; bit field k of byte j of a line is its element
/// 64 k + j. What pads the last line is 0.
struct prepared_rows {
  const std::uint8_t* codes = nullptr;  ///< rows * pitch() bytes; faster where aligned to 64
  index_t rows = 0;
  index_t cols = 0;
  row_code code = row_code::int8;
  bool rotated = true;
  std::uint64_t key = 0;          ///< of the rotation and the dither
  std::uint64_t fingerprint = 0;  ///< of the rows they were made from: see `fingerprint_of`
  vec_view<const float> scale{};  ///< s
  /// |w - s (q - centre)| (int8), the same over sqrt(h - 1) (int2), s / sqrt 12 (int4); rounded up.
  vec_view<const float> error{};
  /// The larger of |row of the head| and |s (q - centre)|; rounded up.
  vec_view<const float> norm{};
  vec_view<const float> mean{};  ///< what was subtracted from every (rotated) row: one number a column

  /// Elements of a line of 64 bytes.
  LAGOM_LEAF static constexpr index_t line(row_code c) noexcept { return 512 / code_bits(c); }
  LAGOM_LEAF static constexpr index_t pitch(row_code c, index_t cols) noexcept {
    return (cols + line(c) - 1) / line(c) * 64;
  }
  [[nodiscard]] LAGOM_LEAF constexpr index_t pitch() const noexcept { return pitch(code, cols); }

  /// How many dithers there are, at most and for this many rows.
  static constexpr index_t most_dithers = 256;
  [[nodiscard]] LAGOM_LEAF constexpr index_t dithers() const noexcept {
    return rows < most_dithers ? rows : most_dithers;
  }
  /// The first n elements of dither k, u = (d + 1/2) / 65536: from stream 4 + k of the key, after those of the
  /// rotation.
  template <backend B>
  LAGOM_HD static void dither(const B&, std::uint64_t key, index_t k, std::int16_t* d, index_t n) noexcept {
    const philox random{key};
    for (index_t j = 0; j < n; j += 8) {
      const auto words =
          random(static_cast<std::uint64_t>(sign_hadamard::rounds + k), static_cast<std::uint64_t>(j / 8));
      for (index_t i = 0; i < 8 && j + i < n; ++i) {
        const auto half = static_cast<std::int32_t>(words.word[i / 2] >> (i % 2 * 16) & 0xffffu);
        d[j + i] = static_cast<std::int16_t>(half - 32768);
      }
    }
  }
  /// u of an element of a dither.
  LAGOM_LEAF static constexpr double dither_of(std::int16_t d) noexcept {
    return (static_cast<double>(d) + 0.5) / 65536;
  }

  /// The widest rows whose products fit 32-bit sums.
  static constexpr index_t max_cols = 65536;
};

}  // namespace v0
}  // namespace lagom
