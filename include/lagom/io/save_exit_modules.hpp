// SPDX-License-Identifier: MIT
/// @file io/save_exit_modules.hpp
/// Writing trained exit modules, one set a kind of text.
#pragma once

#include "hexadecimal.hpp"
#include "labelled_modules.hpp"
#include "safetensors_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Writes sets of modules of one model as a safetensors file, f32 tensors "norm.weight" (the model's own),
/// "<set>.layers.<layer>.norm.weight", and by kind "linear.weight", "linear.bias" or "mlp.norm.weight", "mlp.gate.weight",
/// "mlp.up.weight", "mlp.down.weight", all rows x columns as PyTorch stores them, and "<set>.profile" (u32); layers that
/// were not trained are left out. Replaces the file in one step; what is read back has the same bits.
///
/// Fails with `empty` (no set), `wrong_shape` (a set of other shape, layers, epsilon or norm than the first), `duplicate_key` (a
/// label given twice), `not_finite`, `too_large` (over 1000 layers or sets), `bad_utf8` (a label), `cannot_write`.
[[nodiscard]] inline result<done> save_exit_modules(const std::string& path,
                                                    std::span<const labelled_modules> sets,
                                                    std::uint64_t model) {
  const auto fail = [&](errc code, const std::string& key) {
    return failure{.code = code, .file = path, .key = key};
  };
  if (sets.empty() || sets[0].modules.layers() == 0 || sets[0].modules.shape().width == 0)
    return fail(errc::empty, "sets");
  if (sets.size() > detail::most_module_sets) return fail(errc::too_large, "sets");
  const exit_modules& first = sets[0].modules;
  const exit_module_shape& shape = first.shape();
  if (static_cast<std::uint64_t>(first.layers()) > detail::most_module_layers)
    return fail(errc::too_large, "layers");
  if ((shape.inner > 0) != (shape.kind == exit_module::mlp)) return fail(errc::bad_value, "inner");
  const double epsilon = first.epsilon();
  if (!is_finite(&epsilon)) return fail(errc::not_finite, "epsilon");
  if (epsilon < 0) return fail(errc::out_of_range, "epsilon");
  safetensors_writer out;
  const auto span_of = [](vec_view<const float> v) {
    return std::span<const float>(v.data(), static_cast<std::size_t>(v.size()));
  };
  const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& extents,
                       std::span<const float> values) -> result<done> {
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (!is_finite(&values[j]))
        return failure{.code = errc::not_finite, .file = path, .key = name, .row = j};
    }
    out.add(name, extents, values);
    return done{};
  };
  const auto same_norm = [&](const exit_modules& m) {
    const auto a = m.norm_weight(), b = first.norm_weight();
    return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
  };
  if (auto ok = add("norm.weight", {static_cast<std::uint64_t>(shape.width)}, span_of(first.norm_weight()));
      !ok)
    return ok;
  const auto parts = detail::parts_of(shape);
  for (std::size_t k = 0; k < sets.size(); ++k) {
    const exit_modules& m = sets[k].modules;
    const std::string set = std::to_string(k);
    if (m.shape() != shape || m.layers() != first.layers() || m.epsilon() != first.epsilon() || !same_norm(m))
      return fail(errc::wrong_shape, "set " + set);
    for (std::size_t j = 0; j < k; ++j) {
      if (sets[j].label == sets[k].label) return fail(errc::duplicate_key, "label." + set);
    }
    out.add_metadata("label." + set, sets[k].label);
    if (sets[k].profile.total() > 0)
      out.add(set + ".profile", {text_profile::buckets},
              std::span<const std::uint32_t>(sets[k].profile.counts()));
    for (int l = 0; l < m.layers(); ++l) {
      if (!m.trained(l)) continue;
      const auto values = span_of(m.parameters(l));
      for (const detail::module_part& part : parts) {
        std::uint64_t size = 1;
        for (const std::uint64_t extent : part.shape) size *= extent;
        if (auto ok = add(set + ".layers." + std::to_string(l) + "." + std::string(part.name), part.shape,
                          values.subspan(part.first, size));
            !ok)
          return ok;
      }
    }
  }
  char digits[32];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), epsilon);
  out.add_metadata("lagom", "exit_modules");
  out.add_metadata("schema", std::to_string(exit_modules_schema));
  out.add_metadata("model", hexadecimal(model));
  out.add_metadata("kind", std::string(exit_module_names[static_cast<std::size_t>(shape.kind)]));
  out.add_metadata("layers", std::to_string(first.layers()));
  out.add_metadata("inner", std::to_string(shape.inner));
  out.add_metadata("epsilon", std::string(digits, written.ptr));
  out.add_metadata("sets", std::to_string(sets.size()));
  return out.write(path);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
