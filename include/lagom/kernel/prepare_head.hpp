// SPDX-License-Identifier: MIT
/// @file kernel/prepare_head.hpp
/// Makes the few-bit rows of a head, once.
#pragma once

#include <vector>

#include "../core/executor.hpp"
#include "../core/mat_view.hpp"
#include "../core/result.hpp"
#include "prepared_rows.hpp"

namespace lagom {
inline namespace v0 {

/// What `prepare_head` makes.
struct prepare_config {
  row_code code = row_code::int8;
  bool rotate = true;  ///< of no use to int8 without outlier channels; int2 is always rotated
  /// Of the rotation and the dither: what delta is a probability over. Decisions may not be chosen with knowledge of
  /// it.
  std::uint64_t key = 0x6c61676f6d;
};

/// Owns prepared rows.
class prepared_head {
 public:
  [[nodiscard]] prepared_rows view() const noexcept {
    prepared_rows r = form_;
    const auto n = static_cast<std::size_t>(r.rows);
    r.codes = lines_.empty() ? nullptr : lines_.front().bytes;
    r.scale = vec_view<const float>(numbers_.data(), r.rows);
    r.error = vec_view<const float>(numbers_.data() + n, r.rows);
    r.norm = vec_view<const float>(numbers_.data() + 2 * n, r.rows);
    r.mean = vec_view<const float>(numbers_.data() + 3 * n, r.cols);
    return r;
  }

 private:
  template <class B>
  friend class head_preparation;

  struct alignas(64) line {
    std::uint8_t bytes[64];
  };
  prepared_rows form_{};
  std::vector<line> lines_;
  std::vector<float> numbers_;  // scale, error, norm of every row, mean of every column
};

/// A number that tells heads apart: over the elements as floats, row by row, whatever their type and strides. Rows of
/// -0 and 0 differ. Cost: one read of the rows.
template <backend B, tensor<2> Rows>
[[nodiscard]] std::uint64_t fingerprint_of(const B&, const Rows& matrix) noexcept {
  const auto rows = as_mat(matrix);
  constexpr std::uint64_t prime = 0x9E3779B97F4A7C15u;
  std::uint64_t all =
      static_cast<std::uint64_t>(rows.rows()) * prime + static_cast<std::uint64_t>(rows.cols());
  for (index_t r = 0; r < rows.rows(); ++r) {
    const auto row = rows.row(r);
    std::uint64_t part[4] = {1, 2, 3, 4};
    for (index_t j = 0; j < row.size(); ++j) {
      const auto x = static_cast<double>(row[j]);
      std::uint64_t& p = part[j % 4];
      p = (p ^ lagom::bits_of(&x)) * prime;
      p ^= p >> 29;
    }
    for (const std::uint64_t p : part) all = (all ^ p) * prime, all ^= all >> 31;
  }
  return all;
}

/// The work behind `prepare_head`: one row after the other, each by itself.
template <class B>
class head_preparation {
 public:
  head_preparation(const B& b, const prepare_config& config) : b_(b), config_(config) {}

  template <scalar W, executor E>
  result<prepared_head> operator()(mat_view<const W> rows, const E& run) const {
    if (rows.rows() == 0 || rows.cols() == 0) return failure{.code = errc::empty, .key = "rows"};
    if (rows.cols() > prepared_rows::max_cols) {
      return failure{.code = errc::too_large,
                     .key = "columns",
                     .expected = static_cast<std::uint64_t>(prepared_rows::max_cols),
                     .found = static_cast<std::uint64_t>(rows.cols())};
    }
    prepared_head made;
    prepared_rows& form = made.form_;
    form.rows = rows.rows();
    form.cols = rows.cols();
    form.code = config_.code;
    form.rotated = config_.rotate || config_.code == row_code::int2;
    form.key = config_.key;
    form.fingerprint = fingerprint_of(b_, rows);
    const auto n = static_cast<std::size_t>(rows.rows());
    made.lines_.resize(n * static_cast<std::size_t>(form.pitch() / 64));
    made.numbers_.resize(3 * n + static_cast<std::size_t>(rows.cols()));
    mean_of(rows, form, made.numbers_.data() + 3 * n);
    const bool dithered = form.code == row_code::int4;
    std::vector<std::int16_t> dither(static_cast<std::size_t>(dithered ? form.dithers() * rows.cols() : 0));
    for (index_t k = 0; dithered && k < form.dithers(); ++k)
      prepared_rows::dither(b_, form.key, k, dither.data() + k * rows.cols(), rows.cols());
    const index_t tasks = (rows.rows() + tile - 1) / tile;
    std::vector<index_t> bad(static_cast<std::size_t>(tasks), -1);
    run(tasks, [&](index_t task) {
      const index_t end = (task + 1) * tile < rows.rows() ? (task + 1) * tile : rows.rows();
      std::vector<double> w(static_cast<std::size_t>(rows.cols()));
      for (index_t r = task * tile; r < end; ++r) {
        const std::int16_t* const u =
            dithered ? dither.data() + r % prepared_rows::most_dithers * rows.cols() : nullptr;
        if (!one(rows.row(r), r, made, u, w.data())) {
          bad[static_cast<std::size_t>(task)] = r;
          return;
        }
      }
    });
    for (const index_t r : bad) {
      if (r >= 0)
        return failure{.code = errc::not_finite, .key = "rows", .row = static_cast<std::uint64_t>(r)};
    }
    return made;
  }

 private:
  static constexpr index_t tile = 64;
  static constexpr double longest = 1e37;  // rows whose norm a float holds

  /// The mean row, in the coordinates of the prepared ones. What a float cannot hold is left at 0.
  template <scalar W>
  void mean_of(mat_view<const W> rows, const prepared_rows& form, float* out) const {
    std::vector<double> mean(static_cast<std::size_t>(form.cols), 0.0);
    for (index_t r = 0; r < form.rows; ++r) {
      for (index_t j = 0; j < form.cols; ++j)
        mean[static_cast<std::size_t>(j)] += static_cast<double>(rows(r, j));
    }
    for (double& m : mean) m /= static_cast<double>(form.rows);
    if (form.rotated) sign_hadamard{form.key}(b_, mean.data(), form.cols);
    for (std::size_t j = 0; j < mean.size(); ++j) {
      const bool fits = is_finite(&mean[j]) && mean[j] < longest && mean[j] > -longest;
      out[j] = fits ? static_cast<float>(mean[j]) : 0.0f;
    }
  }

  template <scalar W>
  bool one(vec_view<const W> row, index_t r, prepared_head& made, const std::int16_t* dither,
           double* w) const {
    const prepared_rows& form = made.form_;
    const index_t n = form.cols;
    for (index_t j = 0; j < n; ++j) {
      w[j] = static_cast<double>(row[j]);
      if (!is_finite(&w[j])) return false;
    }
    if (form.rotated) sign_hadamard{form.key}(b_, w, n);
    const float* const mean = made.numbers_.data() + 3 * static_cast<std::size_t>(form.rows);
    double largest = 0, squares = 0, whole = 0;
    for (index_t j = 0; j < n; ++j) {
      whole += w[j] * w[j];
      w[j] -= static_cast<double>(mean[j]);
      const double m = w[j] < 0 ? -w[j] : w[j];
      largest = m > largest ? m : largest;
      squares += w[j] * w[j];
    }
    if (!(whole < longest * longest && squares < longest * longest)) return false;
    const auto at = static_cast<std::size_t>(r);
    float& scale = made.numbers_[at];
    float& error = made.numbers_[static_cast<std::size_t>(form.rows) + at];
    float& norm = made.numbers_[2 * static_cast<std::size_t>(form.rows) + at];
    scale = error = 0;
    norm = up(detail::sqrt(whole));
    if (largest < 0x1p-100) {  // no scale is left among the normal numbers: all of the row is error
      error = up(detail::sqrt(squares));
      return true;
    }
    const int levels = 1 << code_bits(form.code);
    const double half = levels / 2;
    const double root = detail::sqrt(squares / static_cast<double>(n));
    const auto step = static_cast<double>(static_cast<float>(form.code == row_code::int8   ? largest / 127
                                                             : form.code == row_code::int4 ? largest / 7.4999
                                                                                           : root));
    double along = 0, kept = 0;
    const auto dithered = [=](index_t j) {
      return dither == nullptr ? 0.0 : prepared_rows::dither_of(dither[j]);
    };
    std::uint8_t* const codes = made.lines_[at * static_cast<std::size_t>(form.pitch() / 64)].bytes;
    const index_t line = prepared_rows::line(form.code);
    for (index_t j = 0; j < n; ++j) {
      const double v = w[j] / step + dithered(j) + half + (form.code == row_code::int8 ? 0.5 : 0.0);
      int q = v > 0 ? static_cast<int>(v) : 0;
      q = q < levels ? q : levels - 1;
      const index_t k = j % line / 64;
      codes[j / line * 64 + j % 64] |= static_cast<std::uint8_t>(q << (k * code_bits(form.code)));
      const double level = q - centre(form.code) - dithered(j);
      along += w[j] * level;
      kept += level * level;
    }
    scale = static_cast<float>(form.code == row_code::int2 ? squares / along : step);
    const auto s = static_cast<double>(scale);
    double lost = 0;
    for (index_t j = 0; j < n; ++j) {
      const int q = codes[j / line * 64 + j % 64] >> (j % line / 64 * code_bits(form.code)) & (levels - 1);
      const double e = w[j] - s * (q - centre(form.code) - dithered(j));
      lost += e * e;
    }
    lost = detail::sqrt(lost);
    if (form.code == row_code::int4) lost = s / detail::sqrt(12.0);
    if (form.code == row_code::int2 && n > 2) lost /= detail::sqrt(static_cast<double>(n - 1));
    error = up(lost);
    const float stands_for = up(s * detail::sqrt(kept));
    norm = norm > stands_for ? norm : stands_for;
    return true;
  }

  /// As a float that is not smaller.
  static float up(double x) noexcept { return static_cast<float>(x * (1 + 0x1p-20) + 0x1p-120); }

  const B& b_;
  const prepare_config& config_;
};

/// `prepare_head(backend, rows, config, executor)`: the rows of a head (float, double, bf16 or f16, any strides) as
/// `prepared_rows`, for `certified_probe`. A quarter, an eighth or a sixteenth of the bytes of float rows.
///
/// What a row loses is measured in double. Row by row, so that every executor gives the same bytes. Cost: V h
/// (4 log2 h + 30) operations. Fails with `empty`, `too_large` (columns) or `not_finite` (a row with NaN or infinity,
/// which flags every probe anyway, or longer than 1e37).
template <backend B, tensor<2> Rows, executor E = seq>
[[nodiscard]] result<prepared_head> prepare_head(const B& b, const Rows& rows,
                                                 const prepare_config& config = {}, const E& run = {}) {
  return head_preparation<B>(b, config)(as_mat(rows), run);
}

}  // namespace v0
}  // namespace lagom
