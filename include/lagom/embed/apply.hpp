// SPDX-License-Identifier: MIT
/// @file embed/apply.hpp
/// The executor of plans: source rows in, new rows out.
#pragma once

#include "../core/result.hpp"
#include "../kernel/combine_rows.hpp"
#include "noise.hpp"
#include "quantile.hpp"
#include "statistics.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

namespace detail {

/// The new rows of one task: rows first ... last - 1 of the plan.
template <backend B, class S, class T>
class row_maker {
 public:
  row_maker(const B& b, const plan& p, const group_statistics& statistics, mat_view<const S> source,
            mat_view<T> out)
      : b_(b), p_(p), statistics_(statistics), source_(source), out_(out) {}

  void operator()(std::size_t r) {
    const auto out = out_.row(static_cast<index_t>(r));
    const auto terms = p_.row(r);
    const auto n = static_cast<index_t>(terms.size());
    const rescale s = p_.rescaling(r);
    if (s.to == rescale::rule::nan) {
      const auto nan = lagom::detail::bit_cast<float>(0x7fc00000u);
      for (index_t j = 0; j < out.size(); ++j) out[j] = static_cast<T>(nan);
      return;
    }
    if (p_.gaussians(r).empty() && s.to == rescale::rule::none) {
      // Terms of neighbouring rows are neighbours; a few rows are worth fetching before their turn.
      const std::size_t next = r + 1 < p_.rows() ? p_.row(r + 1).size() : 0;
      combine_rows(b_, source_, terms.data(), n, out, static_cast<index_t>(next < 8 ? next : 8));
      return;
    }
    row_.resize(static_cast<std::size_t>(out.size()));
    combine_rows(b_, source_, terms.data(), n, vec_view<double>(row_));
    add_gaussians(r);
    if (s.to != rescale::rule::none) scale_to(norm_of(s));
    for (index_t j = 0; j < out.size(); ++j) {
      out[j] = lagom::detail::stored<T>(row_[static_cast<std::size_t>(j)]);
    }
  }

 private:
  void add_gaussians(std::size_t r) {
    const auto n = row_.size();
    for (const gaussian& g : p_.gaussians(r)) {
      const double by = static_cast<double>(g.deviation);
      const bool standard = g.group == gaussian::standard;
      if (!standard) {
        for (std::size_t j = 0; j < n; ++j) {
          row_[j] += static_cast<double>(g.mean) * statistics_.mean(g.group, static_cast<index_t>(j));
        }
      }
      if (g.deviation == 0) continue;
      const auto sigma = [&](std::size_t j) {
        return standard ? by : by * statistics_.deviation(g.group, static_cast<index_t>(j), g.ddof);
      };
      for (std::size_t j = 0; j < n; j += 2) {
        const normal_pair z = standard_normal(g.seed, g.stream, j / 2);
        row_[j] += sigma(j) * z.even;
        if (j + 1 < n) row_[j + 1] += sigma(j + 1) * z.odd;
      }
    }
  }

  [[nodiscard]] double norm_of(const rescale& s) const {
    const auto value = static_cast<double>(s.value);
    if (s.to == rescale::rule::norm) return value;
    if (s.to == rescale::rule::quantile) return quantile(statistics_.norms(s.group), value);
    return value * statistics_.mean_norm(s.group);
  }

  // A row of zeros stays, and so does one with a NaN or an infinity.
  void scale_to(double norm) {
    double square = square_of_row();
    if (!(square > 1e-280 && square < 1e280)) {  // too far out to be squared as it is
      double top = 0;
      for (const double& x : row_) {
        if (!is_finite(&x)) return;
        top = (std::max)(top, x < 0 ? -x : x);
      }
      if (!(top > 0)) return;
      for (double& x : row_) x /= top;
      square = square_of_row();
    }
    const double factor = norm / lagom::detail::sqrt(square);
    for (double& x : row_) x *= factor;
  }
  [[nodiscard]] double square_of_row() const noexcept {
    double sum = 0;
    for (const double x : row_) sum += x * x;
    return sum;
  }

  const B& b_;
  const plan& p_;
  const group_statistics& statistics_;
  mat_view<const S> source_;
  mat_view<T> out_;
  std::vector<double> row_;
};

}  // namespace detail

/// Can the plan be applied to matrices of these shapes? Fails with `wrong_shape` (`key` says which extent),
/// with `out_of_range` where a row names a source row that is none. `apply` takes this for granted. One look
/// at every term.
template <tensor<2> Source, tensor<2> Out>
[[nodiscard]] result<done> applicable(const plan& p, const Source& source, const Out& out) {
  const auto from = as_mat(source);
  const auto to = as_mat(out);
  const auto differ = [](const char* key, index_t expected, index_t found) {
    return failure{.code = errc::wrong_shape,
                   .key = key,
                   .expected = static_cast<std::uint64_t>(expected),
                   .found = static_cast<std::uint64_t>(found)};
  };
  if (from.rows() < p.source_size()) return differ("source rows", p.source_size(), from.rows());
  if (to.rows() != static_cast<index_t>(p.rows())) {
    return differ("new rows", static_cast<index_t>(p.rows()), to.rows());
  }
  if (to.cols() != from.cols()) return differ("columns", from.cols(), to.cols());
  for (std::size_t r = 0; r < p.rows(); ++r) {
    for (const term& t : p.row(r)) {
      if (static_cast<token_id>(t.id) < 0 || static_cast<index_t>(t.id) >= p.source_size()) {
        return failure{.code = errc::out_of_range, .key = "source row", .row = r, .found = row_of(t.id)};
      }
    }
  }
  return done{};
}

/// Makes the new rows: row r of `out` is what row r of the plan says of the source rows.
/// ```cpp
/// auto plan = lagom::embed::align{}(expansion);
/// lagom::embed::apply(plan, source_rows, new_rows);
/// ```
/// Reads and writes float, double, bf16 and f16 in any mixture. Rows of terms alone are summed in float
/// (double if one side is double) by rising source id; rows that have means or noise or are rescaled are
/// summed in double. Every row is rounded once. Rows are tasks, so any executor gives the same bits. The
/// source may have more rows than the plan's vocabulary (padding): they are not looked at.
///
/// A source row with a NaN makes the rows that use it NaN; if a row takes the mean of all rows, so is that.
/// Cost: for t terms and d columns t d multiply-adds; one pass over the source if there are means or noise,
/// another if rows are rescaled by norms of the source.
/// Precondition: `applicable(plan, source, out)`; `out` does not overlap the source.
template <tensor<2> Source, tensor<2> Out, executor Run = seq, backend B = portable>
void apply(const plan& p, const Source& source, Out&& out, const Run& run = {}, const B& b = {}) {
  const auto from = as_mat(source);
  const auto to = mat_view(out);
  LAGOM_ASSERT(applicable(p, from, to));
  using S = typename decltype(from)::value_type;
  using T = typename decltype(to)::value_type;
  const group_statistics statistics(b, p, from, run);
  constexpr std::size_t block = 16;
  run(static_cast<index_t>((p.rows() + block - 1) / block), [&](index_t task) {
    detail::row_maker<B, S, T> make(b, p, statistics, from, to);
    const auto first = static_cast<std::size_t>(task) * block;
    for (std::size_t r = first; r < p.rows() && r < first + block; ++r) make(r);
  });
}

/// The same for a vector with an element a token, such as a head's bias.
template <tensor<1> Source, tensor<1> Out, executor Run = seq, backend B = portable>
void apply(const plan& p, const Source& source, Out&& out, const Run& run = {}, const B& b = {}) {
  const auto from = as_vec(source);
  const auto to = vec_view(out);
  apply(p, mat_view(from.data(), from.size(), 1, from.stride()),
        mat_view(to.data(), to.size(), 1, to.stride()), run, b);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
