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
  using acc = accumulator_t<S, T>;

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
    combine_rows(b_, source_, terms.data(), n, vec_view<acc>(row_));
    add_gaussians(r);
    if (s.to != rescale::rule::none) scale_to(norm_of(s));
    for (index_t j = 0; j < out.size(); ++j) {
      out[j] = lagom::detail::stored<T>(row_[static_cast<std::size_t>(j)]);
    }
  }

 private:
  // Per column: what all Gaussians add, in double; rounded once more into the sum.
  void add_gaussians(std::size_t r) {
    const auto n = row_.size();
    added_.assign(n, 0);
    for (const gaussian& g : p_.gaussians(r)) {
      const double by = static_cast<double>(g.deviation);
      const bool standard = g.group == gaussian::standard;
      if (!standard) {
        for (std::size_t j = 0; j < n; ++j) {
          added_[j] += static_cast<double>(g.mean) * statistics_.mean(g.group, static_cast<index_t>(j));
        }
      }
      if (g.deviation == 0) continue;
      const auto sigma = [&](std::size_t j) {
        return standard ? by : by * statistics_.deviation(g.group, static_cast<index_t>(j), g.ddof);
      };
      for (std::size_t j = 0; j < n; j += 2) {
        const normal_pair z = standard_normal(g.seed, g.stream, j / 2);
        added_[j] += sigma(j) * z.even;
        if (j + 1 < n) added_[j + 1] += sigma(j + 1) * z.odd;
      }
    }
    for (std::size_t j = 0; j < n; ++j) row_[j] = static_cast<acc>(static_cast<double>(row_[j]) + added_[j]);
  }

  [[nodiscard]] double norm_of(const rescale& s) const {
    const auto value = static_cast<double>(s.value);
    if (s.to == rescale::rule::norm) return value;
    const auto norms = statistics_.norms(s.group);
    if (s.to == rescale::rule::quantile) return quantile(norms, value);
    double sum = 0;
    for (const double x : norms) sum += x;
    return norms.empty() ? 0 : value * sum / static_cast<double>(norms.size());
  }

  void scale_to(double norm) {
    double square = 0;
    for (const acc x : row_) square += static_cast<double>(x) * static_cast<double>(x);
    if (!(square > 0)) return;
    const double factor = norm / lagom::detail::sqrt(square);
    for (acc& x : row_) x = static_cast<acc>(static_cast<double>(x) * factor);
  }

  const B& b_;
  const plan& p_;
  const group_statistics& statistics_;
  mat_view<const S> source_;
  mat_view<T> out_;
  std::vector<acc> row_;
  std::vector<double> added_;
};

}  // namespace detail

/// Can the plan be applied to matrices of these shapes? Fails with `wrong_shape` (`key` says which extent), with
/// `out_of_range` where a row names a source row that is none. `apply` takes this for granted. One look at
/// every term.
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
/// Reads and writes float, double, bf16 and f16 in any mixture. Terms are summed in float (double if one side
/// is double) by rising source id; means and noise are added in double; the row is rounded once. Rows are
/// tasks, so any executor gives the same bits. The source may have more rows than the plan's vocabulary
/// (padding): they are not looked at.
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
