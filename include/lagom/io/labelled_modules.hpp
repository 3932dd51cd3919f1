// SPDX-License-Identifier: MIT
/// @file io/labelled_modules.hpp
/// Exit modules and the kind of text they were trained on, as a file holds them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../exit/exit_modules.hpp"
#include "../text/text_profile.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Version of the file layout.
inline constexpr int exit_modules_schema = 1;

/// Modules that were trained on one kind of text. `label` names it: a language, say. `profile` is how such text is spelled
/// (`closest_profile` routes by it), or empty.
struct labelled_modules {
  std::string label;
  exit_modules modules;
  text_profile profile{};
};

namespace detail {

inline constexpr std::uint64_t most_module_sets = 1000, most_module_layers = 1000;

/// One tensor of a module: `first` is where it lies among the parameters.
struct module_part {
  std::string_view name;
  std::vector<std::uint64_t> shape{};
  std::uint64_t first = 0;
};

/// The tensors of a layer's module, in the order of its parameters.
[[nodiscard]] inline std::vector<module_part> parts_of(const exit_module_shape& s) {
  const auto h = static_cast<std::uint64_t>(s.width), i = static_cast<std::uint64_t>(s.inner);
  std::vector<module_part> parts{{"norm.weight", {h}, 0}};
  if (s.kind == exit_module::linear) {
    parts.push_back({"linear.weight", {h, h}, h});
    parts.push_back({"linear.bias", {h}, h + h * h});
  } else if (s.kind == exit_module::mlp) {
    parts.push_back({"mlp.norm.weight", {h}, h});
    parts.push_back({"mlp.gate.weight", {i, h}, 2 * h});
    parts.push_back({"mlp.up.weight", {i, h}, 2 * h + i * h});
    parts.push_back({"mlp.down.weight", {h, i}, 2 * h + 2 * i * h});
  }
  return parts;
}

}  // namespace detail

}  // namespace io
}  // namespace v0
}  // namespace lagom
