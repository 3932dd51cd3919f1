// SPDX-License-Identifier: MIT
/// @file io/load_exit_modules.hpp
/// Reading trained exit modules, one set a kind of text.
#pragma once

#include <array>

#include "hexadecimal.hpp"
#include "labelled_modules.hpp"
#include "metadata.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Reads sets of modules out of an open file.
class modules_reader {
 public:
  modules_reader(const safetensors& file, std::uint64_t model) : file_(file), model_(model) {}

  result<std::vector<labelled_modules>> read() {
    if (auto ok = read_metadata(); !ok) return ok.error();
    if (auto ok = read_norm(); !ok) return ok.error();
    parts_ = parts_of(shape_);
    for (const auto& [name, tensor] : file_.tensors()) {
      if (name == "norm.weight") continue;
      if (auto ok = sort(name, tensor); !ok) return ok.error();
    }
    for (const auto& [cell, tensors] : found_) {
      if (auto ok = set(cell, tensors); !ok) return ok.error();
    }
    return std::move(sets_);
  }

 private:
  using cell_id = std::pair<std::uint64_t, std::uint64_t>;  // set and layer
  using cell_tensors = std::array<const tensor_view*, 5>;   // by part

  result<done> read_metadata() {
    if (metadata_text(file_, "lagom") != "exit_modules")
      return failure{.code = errc::wrong_schema, .key = "lagom"};
    if (metadata_text(file_, "schema") != std::to_string(exit_modules_schema))
      return failure{.code = errc::wrong_schema, .key = "schema"};
    const auto made_for = parse_hexadecimal(metadata_text(file_, "model"));
    if (!made_for) return failure{.code = errc::bad_value, .key = "model"};
    if (*made_for != model_) return failure{.code = errc::changed, .key = "model"};
    const std::string_view kind = metadata_text(file_, "kind");
    const auto* const known = std::find(std::begin(exit_module_names), std::end(exit_module_names), kind);
    if (known == std::end(exit_module_names)) return failure{.code = errc::bad_value, .key = "kind"};
    shape_.kind = static_cast<exit_module>(known - std::begin(exit_module_names));
    const auto layers = metadata_number(file_, "layers"), inner = metadata_number(file_, "inner"),
               sets = metadata_number(file_, "sets");
    for (const auto* n : {&layers, &inner, &sets}) {
      if (!*n) return n->error();
    }
    if (*layers == 0 || *layers > most_module_layers)
      return failure{.code = *layers == 0 ? errc::bad_value : errc::too_large, .key = "layers"};
    if (*sets > most_module_sets) return failure{.code = errc::too_large, .key = "sets"};
    if ((*inner > 0) != (shape_.kind == exit_module::mlp))
      return failure{.code = errc::bad_value, .key = "inner"};
    if (*inner > 0x7fffffff) return failure{.code = errc::too_large, .key = "inner"};
    shape_.inner = static_cast<index_t>(*inner);
    layers_ = static_cast<int>(*layers);
    const auto epsilon = metadata_number<double>(file_, "epsilon");
    if (!epsilon) return epsilon.error();
    if (!is_finite(&*epsilon)) return failure{.code = errc::not_finite, .key = "epsilon"};
    if (*epsilon < 0) return failure{.code = errc::out_of_range, .key = "epsilon"};
    epsilon_ = *epsilon;
    for (std::uint64_t k = 0; k < *sets; ++k) {
      const std::string key = "label." + std::to_string(k);
      const auto at = file_.metadata().find(key);
      if (at == file_.metadata().end()) return failure{.code = errc::missing_key, .key = key};
      for (const labelled_modules& s : sets_) {
        if (s.label == at->second) return failure{.code = errc::duplicate_key, .key = key};
      }
      sets_.push_back({.label = at->second, .modules = {}, .profile = {}});
    }
    return done{};
  }

  result<done> read_norm() {
    const tensor_view* const t = file_.find("norm.weight");
    if (t == nullptr) return failure{.code = errc::missing_tensor, .key = "norm.weight"};
    if (t->type != dtype::f32) return failure{.code = errc::wrong_dtype, .key = "norm.weight"};
    if (t->shape.size() != 1) return failure{.code = errc::wrong_shape, .key = "norm.weight"};
    if (t->shape[0] == 0) return failure{.code = errc::empty, .key = "norm.weight"};
    if (t->shape[0] > 0x7fffffff) return failure{.code = errc::too_large, .key = "norm.weight"};
    std::vector<float> norm(t->shape[0]);
    if (auto ok = copy("norm.weight", *t, norm.data()); !ok) return ok;
    shape_.width = static_cast<index_t>(norm.size());
    for (labelled_modules& s : sets_) s.modules = exit_modules(layers_, shape_, norm, epsilon_);
    return done{};
  }

  /// Finds the place of "<set>.profile" or "<set>.layers.<layer>.<part>".
  result<done> sort(const std::string& name, const tensor_view& tensor) {
    const char* at = name.data();
    const char* const last = at + name.size();
    const auto number = [&](std::uint64_t& to) {
      const auto [end, error] = std::from_chars(at, last, to);
      const bool plain = error == std::errc() && (*at != '0' || end == at + 1);
      at = end;
      return plain;
    };
    const auto skip = [&](std::string_view text) {
      if (std::string_view(at, static_cast<std::size_t>(last - at)).substr(0, text.size()) != text)
        return false;
      at += text.size();
      return true;
    };
    const failure unknown{.code = errc::unknown_key, .key = name};
    cell_id cell{0, 0};
    if (!number(cell.first) || !skip(".")) return unknown;
    if (cell.first >= sets_.size()) return failure{.code = errc::out_of_range, .key = name};
    if (std::string_view(at, static_cast<std::size_t>(last - at)) == "profile")
      return read_profile(name, tensor, sets_[cell.first].profile);
    if (!skip("layers.") || !number(cell.second) || !skip(".")) return unknown;
    if (cell.second >= static_cast<std::uint64_t>(layers_))
      return failure{.code = errc::out_of_range, .key = name};
    const std::string_view part(at, static_cast<std::size_t>(last - at));
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      if (parts_[k].name != part) continue;
      if (tensor.type != dtype::f32) return failure{.code = errc::wrong_dtype, .key = name};
      if (tensor.shape != parts_[k].shape) return failure{.code = errc::wrong_shape, .key = name};
      found_[cell][k] = &tensor;
      return done{};
    }
    return unknown;
  }

  static result<done> read_profile(const std::string& name, const tensor_view& t, text_profile& to) {
    if (t.type != dtype::u32) return failure{.code = errc::wrong_dtype, .key = name};
    if (t.shape != std::vector<std::uint64_t>{text_profile::buckets})
      return failure{.code = errc::wrong_shape, .key = name};
    for (std::size_t b = 0; b < text_profile::buckets; ++b) {
      std::uint32_t n;
      std::memcpy(&n, t.bytes.data() + b * sizeof n, sizeof n);
      to.add(b, n);
    }
    return done{};
  }

  static std::string name_of(const cell_id& cell, const module_part& part) {
    return std::to_string(cell.first) + ".layers." + std::to_string(cell.second) + "." +
           std::string(part.name);
  }

  result<done> set(const cell_id& cell, const cell_tensors& tensors) {
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      if (tensors[k] == nullptr)
        return failure{.code = errc::missing_tensor, .key = name_of(cell, parts_[k])};
    }
    // All are there, so that the file holds as much as this.
    std::vector<float> parameters(static_cast<std::size_t>(shape_.parameters()));
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      if (auto ok = copy(name_of(cell, parts_[k]), *tensors[k], parameters.data() + parts_[k].first); !ok)
        return ok;
    }
    sets_[cell.first].modules.set(static_cast<int>(cell.second), parameters);
    return done{};
  }

  static result<done> copy(const std::string& name, const tensor_view& t, float* to) {
    std::memcpy(to, t.bytes.data(), t.bytes.size());
    for (std::uint64_t j = 0; j < t.elements(); ++j) {
      if (!is_finite(&to[j])) return failure{.code = errc::not_finite, .key = name, .row = j};
    }
    return done{};
  }

  const safetensors& file_;
  std::uint64_t model_;
  exit_module_shape shape_{};
  int layers_ = 0;
  double epsilon_ = 0;
  std::vector<labelled_modules> sets_;
  std::vector<module_part> parts_;
  std::map<cell_id, cell_tensors> found_;
};

}  // namespace detail

/// Reads sets of modules from a file that is open or in memory. `model`: the `model_fingerprint` of the model they are to
/// stand in. Fails with `wrong_schema` (another kind of file, another version), `changed` (modules of another model),
/// `missing_key`, `bad_value`, `not_finite`, `out_of_range` (the metadata), `duplicate_key` (a label given twice),
/// `missing_tensor`, `unknown_key` (a tensor that no module has), `wrong_dtype`, `wrong_shape`, `not_finite` (a number of
/// a tensor; `row` says which), `empty`, `too_large` (over 1000 layers or sets).
[[nodiscard]] inline result<std::vector<labelled_modules>> read_exit_modules(const safetensors& file,
                                                                             std::uint64_t model) {
  return detail::modules_reader(file, model).read();
}

/// The same from a file on the disk, and the errors of `safetensors::open`.
[[nodiscard]] inline result<std::vector<labelled_modules>> load_exit_modules(const std::string& path,
                                                                             std::uint64_t model) {
  const auto file = safetensors::open(path);
  if (!file) return file.error();
  auto sets = read_exit_modules(*file, model);
  if (!sets) return sets.error().in(path);
  return sets;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
