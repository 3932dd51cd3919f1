// SPDX-License-Identifier: MIT
#include "new_rows.hpp"

#include <cstring>
#include <lagom/embed/algebra.hpp>
#include <lagom/embed/diagnostics.hpp>
#include <lagom/io/row_edit.hpp>

namespace expand_vocabulary {
namespace {

namespace embed = lagom::embed;
using lagom::io::made_row;
using lagom::io::tensor_view;

// Calls `use(T{})` with the element type of a matrix. Fails with `wrong_dtype` for others.
template <class Use>
lagom::result<lagom::done> with_type(lagom::io::dtype type, Use use) {
  using enum lagom::io::dtype;
  if (type == f32) {
    use(float{});
  } else if (type == f64) {
    use(double{});
  } else if (type == f16) {
    use(lagom::f16{});
  } else if (type == bf16) {
    use(lagom::bf16{});
  } else {
    return lagom::failure{.code = lagom::errc::wrong_dtype};
  }
  return lagom::done{};
}

// A stored matrix as one of elements; a vector with an element a token has one column. `copy` holds it where the file
// does not align its tensors.
template <class T>
lagom::mat_view<const T> matrix_of(const tensor_view& from, std::vector<T>& copy) {
  auto elements = from.in_place<T>();
  if (!elements) {
    copy.resize(from.elements());
    std::memcpy(copy.data(), from.bytes.data(), from.bytes.size());
    elements = copy;
  }
  const auto rows = static_cast<lagom::index_t>(from.shape[0]);
  return {elements->data(), rows, static_cast<lagom::index_t>(from.elements()) / rows};
}

// Whether a row of a plan is that of the same token in the source, as it is.
bool only_copies(const embed::plan& plan, std::size_t r) {
  return plan.made_by(r) == embed::method::copy && plan.row(r).size() == 1 && plan.row(r)[0].weight == 1 &&
         plan.gaussians(r).empty() && plan.rescaling(r).to == embed::rescale::rule::none;
}

// Where every row comes from, without the made ones themselves.
matrix_rows layout_of(const lagom::vocab::expansion& change, const embed::plan& plan, std::size_t height) {
  matrix_rows out;
  out.kinds.assign(height, row_kind::padding);
  out.from.assign(height, made_row);
  for (std::size_t t = 0; t < height && t < change.same.size(); ++t) {
    if (change.same[t] == lagom::vocab::source_id::none) continue;
    out.from[t] = static_cast<std::int64_t>(change.same[t]);
    out.kinds[t] = row_kind::copied;
  }
  for (std::size_t r = 0; r < plan.rows(); ++r) {
    const std::size_t t = lagom::vocab::row_of(plan.target(r));
    if (t >= height) continue;
    const bool copy = only_copies(plan, r);
    out.from[t] = copy ? static_cast<std::int64_t>(plan.row(r)[0].id) : made_row;
    out.kinds[t] = copy ? row_kind::copied : row_kind::planned;
  }
  return out;
}

// The made rows in order: what the plan says for tokens; for ids that are none the mean of the source's tokens, or in a
// bias -infinity.
template <class T>
void make(const tensor_view& source, const embed::plan& plan, bool is_bias, matrix_rows& out) {
  std::vector<T> copy;
  const auto rows = matrix_of<T>(source, copy);
  const std::size_t width = sizeof(T) * static_cast<std::size_t>(rows.cols());
  std::size_t made = out.kinds.size() - out.count(row_kind::copied), next = out.count(row_kind::planned);
  out.made.resize(made * width);
  if (next > 0) {
    const auto is_planned = [&](std::size_t r) {
      const std::size_t t = lagom::vocab::row_of(plan.target(r));
      return t < out.kinds.size() && out.kinds[t] == row_kind::planned;
    };
    embed::apply(embed::select(plan, is_planned), rows,
                 lagom::mat_view<T>(reinterpret_cast<T*>(out.made.data()), static_cast<lagom::index_t>(next),
                                    rows.cols()));
  }
  if (made == next) return;
  std::vector<T> fill(static_cast<std::size_t>(rows.cols()));
  if (is_bias) {
    embed::fill_padding_bias(lagom::vec_view<T>(fill.data(), rows.cols()), 0);
  } else {
    embed::apply(embed::padding_plan(plan.source_size(), 0, 1), rows,
                 lagom::mat_view<T>(fill.data(), 1, rows.cols()));
  }
  for (std::size_t t = out.kinds.size(); t-- > 0;) {  // from the back: planned rows move that way only
    if (out.kinds[t] == row_kind::copied) continue;
    std::byte* const to = out.made.data() + width * --made;
    if (out.kinds[t] == row_kind::padding) {
      std::memcpy(to, fill.data(), width);
    } else if (--next != made) {
      std::memmove(to, out.made.data() + width * next, width);
    }
  }
}

lagom::result<matrix_rows> rows_of_target(const tensor_view& source, const lagom::vocab::expansion& change,
                                          const embed::plan& plan, std::size_t height, bool is_bias = false) {
  const embed::plan none = embed::plan_builder(change.source_size).build();
  const embed::plan& used = plan.empty() ? none : plan;
  matrix_rows out = layout_of(change, used, height);
  if (auto ok = with_type(source.type, [&]<class T>(T) { make<T>(source, used, is_bias, out); }); !ok) {
    return ok.error();
  }
  return out;
}

}  // namespace

lagom::result<model_rows> rows_of_model(const source_model& source, const lagom::vocab::expansion& change,
                                        const embed::plan& input, const embed::plan& head,
                                        std::size_t height) {
  model_rows out;
  auto made = rows_of_target(source.input(), change, input, height);
  if (!made) return made.error().in(source.tensors.inputs.front());
  out.input = std::move(*made);
  if (!source.tensors.heads.empty()) {
    auto head_rows = rows_of_target(source.head(), change, head, height);
    if (!head_rows) return head_rows.error().in(source.tensors.heads.front());
    out.head = std::move(*head_rows);
  }
  if (!source.tensors.biases.empty()) {
    tensor_view flat = *source.weights.find(source.tensors.biases.front());
    flat.shape = {flat.elements()};
    auto elements = rows_of_target(flat, change, head, height, true);
    if (!elements) return elements.error().in(source.tensors.biases.front());
    out.bias = std::move(elements->made);
  }
  return out;
}

row_findings look_at(const tensor_view& source, lagom::index_t source_tokens, const matrix_rows& rows) {
  row_findings out;
  out.rows = rows.count(row_kind::planned);
  const std::size_t width = source.shape[0] == 0 ? 0 : source.bytes.size() / source.shape[0];
  const std::byte* made = rows.made.data();
  std::vector<std::byte> apart;  // only where padding lies before a token
  const auto padding = std::find(rows.kinds.begin(), rows.kinds.end(), row_kind::padding);
  if (std::find(padding, rows.kinds.end(), row_kind::planned) != rows.kinds.end()) {
    for (const row_kind kind : rows.kinds) {
      if (kind == row_kind::planned) apart.insert(apart.end(), made, made + width);
      if (kind != row_kind::copied) made += width;
    }
    made = apart.data();
  }
  static_cast<void>(with_type(source.type, [&]<class T>(T) {
    std::vector<T> copy;
    const auto all = matrix_of<T>(source, copy);
    const auto report =
        embed::inspect(all.slice_rows(0, source_tokens),
                       lagom::mat_view<const T>(reinterpret_cast<const T*>(made),
                                                static_cast<lagom::index_t>(out.rows), all.cols()));
    out.not_finite = report.not_finite.size();
    out.zero = report.zero.size();
    out.doubles = report.doubles.size();
    out.outliers = report.outliers.size();
    out.variability = report.variability;
    out.source_variability = report.source_variability;
    out.median_norm = embed::quantile(report.norms, 0.5);
    out.source_median_norm = embed::quantile(report.source_norms, 0.5);
  }));
  return out;
}

lagom::result<decoder::table> table_of(const tensor_view& source, const matrix_rows& rows) {
  decoder::table out;
  auto ok = with_type(source.type, [&]<class T>(T) {
    const std::size_t cols = source.shape[1], width = cols * sizeof(T);
    std::vector<T> elements(rows.from.size() * cols);
    std::size_t next = 0;
    for (std::size_t r = 0; r < rows.from.size(); ++r) {
      const bool made = rows.from[r] == made_row;
      const std::byte* const at = made ? rows.made.data() + width * next++
                                       : source.bytes.data() + width * static_cast<std::size_t>(rows.from[r]);
      if (width > 0) std::memcpy(elements.data() + r * cols, at, width);
    }
    out = decoder::table(std::move(elements), static_cast<lagom::index_t>(cols));
  });
  if (!ok) return ok.error();
  return out;
}

}  // namespace expand_vocabulary
