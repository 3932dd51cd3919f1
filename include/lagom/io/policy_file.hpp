// SPDX-License-Identifier: MIT
/// @file io/policy_file.hpp
/// Saving and loading fitted rules.
#pragma once

#include "../signal/features.hpp"
#include "../stop/at_layers.hpp"
#include "atomic_file.hpp"
#include "rule_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Version of the file layout.
inline constexpr int policy_schema = 1;

namespace detail {
inline bool all_finite(const json& value) {
  if (value.is_structured()) {
    for (const json& part : value) {
      if (!all_finite(part)) return false;
    }
  }
  if (!value.is_number_float()) return true;
  const double number = value.get<double>();
  return is_finite(&number);
}

/// The file of a rule. `layers`: those it is asked at, or null.
template <class... Ss, class Rule>
result<done> write_policy(const std::string& path, const features<Ss...>&, const Rule& rule,
                          const at_layers* layers) {
  static_assert(lagom::detail::width_of<Rule> <= features<Ss...>::width,
                "save_policy: the rule reads more features than the signals write");
  json document = {{"lagom", "policy"},
                   {"schema", policy_schema},
                   {"features", features<Ss...>::names},
                   {"widths", features<Ss...>::widths},
                   {"kind", rule_format<Rule>::kind},
                   {"rule", rule_format<Rule>::write(rule)}};
  if (layers != nullptr) {
    json list = json::array();
    for (int l = 0; l < at_layers::capacity; ++l) {
      if ((*layers)(l, at_layers::capacity)) list.push_back(l);
    }
    document["layers"] = std::move(list);
  }
  if (!all_finite(document)) return failure{.code = errc::not_finite, .file = path, .key = "rule"};
  auto text = dump_json(document, 2);
  if (!text) return text.error().in(path);
  return write_file(path, *text + "\n");
}
}  // namespace detail

/// Writes a rule and the features it was fitted on as one JSON object. The file is replaced in one step.
/// Fails with `not_finite` (JSON has no NaN and no infinity), `bad_utf8` (a signal's name), `cannot_write`.
template <class... Ss, class Rule>
result<done> save_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule) {
  return detail::write_policy(path, pack, rule, nullptr);
}
/// @overload With the layers that it is asked at, which `load_layers` reads. A program that asks for the rule alone reads
/// the same file.
template <class... Ss, class Rule>
result<done> save_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule,
                         const at_layers& layers) {
  return detail::write_policy(path, pack, rule, &layers);
}

/// Reads a rule of this type, fitted on these features. Fails with `wrong_schema` (another kind of file, another
/// version, another kind of rule), `wrong_features` (naming the first that differs), and the errors of JSON.
template <class Rule, class... Ss>
result<Rule> load_policy(const std::string& path, const features<Ss...>&) {
  static_assert(lagom::detail::width_of<Rule> <= features<Ss...>::width,
                "load_policy: the rule reads more features than the signals write");
  auto parsed = load_json(path);
  if (!parsed) return parsed.error();
  const auto fail = [&](errc code, std::string_view key) {
    return failure{.code = code, .file = path, .key = key};
  };
  const auto is = [&](const char* key, const json& value) {
    const json* const at = find(*parsed, key);
    return at != nullptr && *at == value;
  };
  if (!is("lagom", "policy")) return fail(errc::wrong_schema, "lagom");
  if (!is("schema", policy_schema)) return fail(errc::wrong_schema, "schema");
  if (!is("kind", std::string(rule_format<Rule>::kind))) return fail(errc::wrong_schema, "kind");
  const json* const names = find(*parsed, "features");
  if (names == nullptr || !names->is_array() || names->size() != sizeof...(Ss)) {
    return fail(errc::wrong_features, "features");
  }
  for (std::size_t i = 0; i < sizeof...(Ss); ++i) {
    if ((*names)[i] != std::string(features<Ss...>::names[i]))
      return fail(errc::wrong_features, features<Ss...>::names[i]);
  }
  if (!is("widths", features<Ss...>::widths)) return fail(errc::wrong_features, "widths");
  const json* const rule = find(*parsed, "rule");
  if (rule == nullptr) return fail(errc::missing_key, "rule");
  auto read = rule_format<Rule>::read(*rule, features<Ss...>::width);
  if (!read) return read.error().in(path);
  return read;
}

/// Reads the layers that a policy was saved with: the schedule of its `exit_policy`. Fails with `missing_key` where it was
/// saved without, `wrong_type`, `out_of_range` (256 and above), `bad_value` where they do not ascend, `wrong_schema`, and
/// the errors of JSON.
inline result<at_layers> load_layers(const std::string& path) {
  auto parsed = load_json(path);
  if (!parsed) return parsed.error();
  const auto fail = [&](errc code, std::string_view key) {
    return failure{.code = code, .file = path, .key = key};
  };
  const json* const lagom = find(*parsed, "lagom");
  if (lagom == nullptr || *lagom != "policy") return fail(errc::wrong_schema, "lagom");
  const json* const schema = find(*parsed, "schema");
  if (schema == nullptr || *schema != policy_schema) return fail(errc::wrong_schema, "schema");
  const json* const list = find(*parsed, "layers");
  if (list == nullptr) return fail(errc::missing_key, "layers");
  if (!list->is_array()) return fail(errc::wrong_type, "layers");
  at_layers out;
  int next = 0;
  for (const json& element : *list) {
    if (!element.is_number_unsigned()) return fail(errc::wrong_type, "layers");
    const auto layer = element.get<std::uint64_t>();
    if (layer >= at_layers::capacity) return fail(errc::out_of_range, "layers");
    if (static_cast<int>(layer) < next) return fail(errc::bad_value, "layers");
    out.add(static_cast<int>(layer));
    next = static_cast<int>(layer) + 1;
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
