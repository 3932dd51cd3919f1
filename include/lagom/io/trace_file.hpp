// SPDX-License-Identifier: MIT
/// @file io/trace_file.hpp
/// Saving and loading traces.
#pragma once

#include "../exit/trace.hpp"
#include "safetensors_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

template <trace_kind Kind>
inline constexpr const char* trace_kind_name = Kind == trace_kind::per_instance     ? "per_instance"
                                               : Kind == trace_kind::teacher_forced ? "teacher_forced"
                                                                                    : "free_running";

/// The stored fields of `softmax_stats`, one tensor each.
inline constexpr const char* stats_fields[] = {"max", "sum", "weighted", "second"};
inline constexpr const char* stats_counts[] = {"top", "runner_up", "count", "bad"};

}  // namespace detail

/// Writes a trace as a safetensors file: one tensor a column, so that numpy or pandas read it too. The file is
/// replaced in one step. Fails with `cannot_write`.
template <trace_kind Kind>
result<done> save_trace(const std::string& path, const trace<Kind>& t) {
  const auto rows = static_cast<std::uint64_t>(t.rows()), layers = static_cast<std::uint64_t>(t.layers());
  std::vector<std::vector<float>> reals(4);
  std::vector<std::vector<std::int32_t>> integers(4), keys(3);
  for (index_t r = 0; r < t.rows(); ++r) {
    for (int l = 0; l < t.layers(); ++l) {
      const auto& s = t.stats(r, l);
      const float real[] = {s.max, s.sum, s.weighted, s.second};
      const std::int32_t integer[] = {s.top, s.runner_up, static_cast<std::int32_t>(s.count), s.bad};
      for (std::size_t k = 0; k < 4; ++k) {
        reals[k].push_back(real[k]);
        integers[k].push_back(integer[k]);
      }
    }
    const std::int32_t key[] = {t.expected(r), t.group(r), t.length(r)};
    for (std::size_t k = 0; k < 3; ++k) keys[k].push_back(key[k]);
  }
  safetensors_writer out;
  out.add_metadata("lagom", "trace");
  out.add_metadata("schema", "1");
  out.add_metadata("kind", detail::trace_kind_name<Kind>);
  out.add_metadata("layers", std::to_string(layers));
  for (std::size_t k = 0; k < 4; ++k) {
    out.add<float>(std::string("stats.") + detail::stats_fields[k], {rows, layers}, reals[k]);
    out.add<std::int32_t>(std::string("stats.") + detail::stats_counts[k], {rows, layers}, integers[k]);
  }
  out.add<std::int32_t>("expected", {rows}, keys[0]);
  out.add<std::int32_t>("group", {rows}, keys[1]);
  out.add<std::int32_t>("length", {rows}, keys[2]);
  for (std::size_t c = 0; c < t.columns().size(); ++c) {
    // The position keeps the columns of a wide signal in order.
    const std::string position = std::to_string(1'000'000 + c).substr(1);
    out.add<float>("column." + position + "." + std::string(t.columns()[c].name.view()), {rows, layers},
                   t.columns()[c].values);
  }
  return out.write(path);
}

/// Reads a trace of this kind. Fails with `wrong_schema` (not a trace, or of another kind), `missing_tensor`,
/// `wrong_shape`, `wrong_dtype`, and the errors of the format.
template <trace_kind Kind = trace_kind::per_instance>
result<trace<Kind>> load_trace(const std::string& path) {
  auto file = safetensors::open(path);
  if (!file) return file.error();
  const auto fail = [&](errc code, std::string_view key) {
    return failure{.code = code, .file = path, .key = key};
  };
  const auto metadata = [&](const char* key) {
    const auto at = file->metadata().find(key);
    return at == file->metadata().end() ? std::string() : at->second;
  };
  if (metadata("lagom") != "trace") return fail(errc::wrong_schema, "lagom");
  if (metadata("schema") != "1") return fail(errc::wrong_schema, "schema");
  if (metadata("kind") != detail::trace_kind_name<Kind>) return fail(errc::wrong_schema, "kind");
  const tensor_view* const expected = file->find("expected");
  const tensor_view* const first = file->find("stats.max");
  if (expected == nullptr || first == nullptr)
    return fail(errc::missing_tensor, expected ? "stats.max" : "expected");
  if (expected->shape.size() != 1 || first->shape.size() != 2 || first->shape[0] != expected->shape[0] ||
      first->shape[1] < 1 || first->shape[1] > 100000) {
    return fail(errc::wrong_shape, "stats.max");
  }
  const std::uint64_t rows = first->shape[0], layers = first->shape[1];

  std::optional<failure> wrong;
  const auto cells = [&]<class T>(T, const std::string& name, bool by_layer) {
    const tensor_view* const at = file->find(name);
    std::vector<T> values;
    if (at == nullptr) {
      wrong = fail(errc::missing_tensor, name);
    } else if (at->type != dtype_of<T>) {
      wrong = fail(errc::wrong_dtype, name);
    } else if (at->elements() != rows * (by_layer ? layers : 1)) {
      wrong = fail(errc::wrong_shape, name);
    } else {
      values.resize(at->elements());
      if (!values.empty()) std::memcpy(values.data(), at->bytes.data(), at->bytes.size());
    }
    return values;
  };
  std::vector<std::vector<float>> reals, columns;
  std::vector<std::vector<std::int32_t>> integers, keys;
  for (const char* field : detail::stats_fields)
    reals.push_back(cells(float{}, std::string("stats.") + field, true));
  for (const char* field : detail::stats_counts) {
    integers.push_back(cells(std::int32_t{}, std::string("stats.") + field, true));
  }
  for (const char* key : {"expected", "group", "length"}) keys.push_back(cells(std::int32_t{}, key, false));
  trace<Kind> out(static_cast<int>(layers));
  for (const auto& [name, tensor] : file->tensors()) {  // sorted by name, so by position
    if (!name.starts_with("column.") || name.size() < 14) continue;
    columns.push_back(cells(float{}, name, true));
    out.add_column(std::string_view(name).substr(14));
  }
  if (wrong) return *wrong;

  for (std::uint64_t r = 0; r < rows; ++r) {
    out.begin_row(keys[0][r], keys[1][r], keys[2][r]);
    for (std::uint64_t l = 0; l < layers; ++l) {
      const std::uint64_t at = r * layers + l;
      const auto layer = static_cast<int>(l);
      softmax_stats<float> s;
      s.max = reals[0][at];
      s.sum = reals[1][at];
      s.weighted = reals[2][at];
      s.second = reals[3][at];
      s.top = integers[0][at];
      s.runner_up = integers[1][at];
      s.count = integers[2][at];
      s.bad = integers[3][at] != 0;
      out.set(layer, s);
      for (std::size_t c = 0; c < columns.size(); ++c)
        out.set(static_cast<index_t>(c), layer, columns[c][at]);
    }
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
