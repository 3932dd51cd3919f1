// SPDX-License-Identifier: MIT
// Heads and states from stated generators, for probes that must agree with the full head on all of them.
#pragma once

#include <lagom/core/moments.hpp>
#include <lagom/kernel/unembed.hpp>

#include "support/approx.hpp"

namespace lagom_test {

enum class rows_like { gaussian, outlier_channels, zipf_norms, common_direction, clusters, low_rank };
inline constexpr rows_like all_rows_like[] = {rows_like::gaussian,   rows_like::outlier_channels,
                                              rows_like::zipf_norms, rows_like::common_direction,
                                              rows_like::clusters,   rows_like::low_rank};

// V x h. Gaussian rows of deviation 1 / sqrt(h), and on top of them:
// - outlier_channels: three columns forty times as large;
// - zipf_norms: row v is 4 (v + 1)^-0.2 times a log-normal factor long;
// - common_direction: twice a unit vector added to all rows;
// - clusters: spectrum (k + 10)^-0.35, 100 centres with 60 % of the amplitude, norms as above, a common mean;
// - low_rank: 16 directions carry nine tenths of every row.
inline std::vector<float> make_rows(rows_like kind, std::size_t vocab, std::size_t h, std::uint64_t stream) {
  auto w = normal<float>(vocab * h, stream, 1 / std::sqrt(static_cast<double>(h)));
  const auto common = normal<float>(h, stream + 1, 1 / std::sqrt(static_cast<double>(h)));
  const auto long_as = normal<float>(vocab, stream + 2, 0.3);
  const std::size_t centres = kind == rows_like::low_rank ? 16 : 100;
  const auto centre = normal<float>(centres * h, stream + 3, 1 / std::sqrt(static_cast<double>(h)));
  const auto mix = normal<float>(vocab * 16, stream + 4, 0.25);
  for (std::size_t v = 0; v < vocab; ++v) {
    const float norm = 4 * std::pow(static_cast<float>(v + 1), -0.2f) * std::exp(long_as[v]);
    float* const row = w.data() + v * h;
    for (std::size_t j = 0; j < h; ++j) {
      switch (kind) {
        case rows_like::gaussian:
          break;
        case rows_like::outlier_channels:
          row[j] *= j == h / 7 || j == h / 3 || j == h - 1 ? 40.0f : 1.0f;
          break;
        case rows_like::zipf_norms:
          row[j] *= norm;
          break;
        case rows_like::common_direction:
          row[j] += 2 * common[j];
          break;
        case rows_like::clusters:
          row[j] = norm * (0.6f * centre[v % centres * h + j] + 0.8f * row[j]) *
                       std::pow(static_cast<float>(j + 10) / 10.0f, -0.35f) +
                   0.5f * common[j];
          break;
        case rows_like::low_rank: {
          float sum = 0;
          for (std::size_t k = 0; k < 16; ++k) sum += mix[v * 16 + k] * centre[k * h + j];
          row[j] = sum + 0.1f * row[j];
          break;
        }
      }
    }
  }
  return w;
}

// A state whose other logits have deviation `spread` and whose logit of row `target` is log(sum of the others) +
// `log_odds`, so that its probability is near sigmoid(log_odds): where rules with a threshold are hard to decide.
inline std::vector<float> make_state(const std::vector<float>& w, std::size_t vocab, std::size_t h,
                                     std::size_t target, double spread, double log_odds,
                                     std::uint64_t stream) {
  auto x = normal<float>(h, stream);
  const lagom::mat_view<const float> rows(w.data(), vocab, h);
  const lagom::portable b;
  lagom::moments z;
  for (std::size_t v = 0; v < vocab; v += 1 + vocab / 500)
    z.push(static_cast<double>(lagom::dot(b, rows.row(static_cast<lagom::index_t>(v)), x)));
  const double deviation = std::sqrt(z.population_variance());
  for (float& v : x) v *= static_cast<float>(spread / (deviation > 0 ? deviation : 1));
  const auto t = rows.row(static_cast<lagom::index_t>(target));
  const double squares = static_cast<double>(lagom::squared_norm(b, t));
  for (int again = 0; again < 3; ++again) {  // moving along a row moves the others with it
    const auto s = lagom::unembed(b, x, lagom::head{rows});
    const double own = static_cast<double>(lagom::dot(b, t, x));
    const double all = static_cast<double>(s.log_sum_exp());
    const double others = all + std::log1p(-std::min(std::exp(own - all), 0.999999));
    const double more = squares > 0 ? (others + log_odds - own) / squares : 0;
    for (std::size_t j = 0; j < h; ++j) x[j] += static_cast<float>(more) * t[static_cast<lagom::index_t>(j)];
  }
  return x;
}

}  // namespace lagom_test
