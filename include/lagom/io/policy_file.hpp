// SPDX-License-Identifier: MIT
/// @file io/policy_file.hpp
/// Saving and loading fitted rules.
#pragma once

#include "../signal/features.hpp"
#include "atomic_file.hpp"
#include "policy_schedule.hpp"
#include "rule_json.hpp"
#include "signal_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

/// What a policy file says of signals and rule.
template <class... Ss, class Rule>
json policy_document(const features<Ss...>&, const Rule& rule) {
  static_assert(check_saved_rule<Rule>::value);
  static_assert(lagom::detail::width_of<Rule> <= features<Ss...>::width,
                "save_policy: the rule reads more features than the signals write");
  json document = write_rule(rule);
  document["lagom"] = "policy";
  document["schema"] = policy_schema;
  document["features"] = features<Ss...>::names;
  document["widths"] = features<Ss...>::widths;
  return document;
}

/// Were the signals these? Names and widths.
template <class... Ss>
result<done> check_features(const json& document, const features<Ss...>&) {
  using pack = features<Ss...>;
  const auto differs = [](std::string_view key) { return failure{.code = errc::wrong_features, .key = key}; };
  const json* const names = find(document, "features");
  if (names == nullptr || !names->is_array() || names->size() != sizeof...(Ss)) return differs("features");
  for (std::size_t i = 0; i < sizeof...(Ss); ++i) {
    if ((*names)[i] != std::string(pack::names[i])) return differs(pack::names[i]);
  }
  const json* const widths = find(document, "widths");
  if (widths == nullptr || *widths != json(pack::widths)) return differs("widths");
  return done{};
}

/// The rule of a document, fitted on these features.
template <class Rule, class... Ss>
result<Rule> read_policy(const json& document, const features<Ss...>& pack) {
  static_assert(check_saved_rule<Rule>::value);
  static_assert(lagom::detail::width_of<Rule> <= features<Ss...>::width,
                "load_policy: the rule reads more features than the signals write");
  if (auto ok = check_features(document, pack); !ok) return ok.error();
  return read_rule<Rule>(document, features<Ss...>::width);
}

/// Writes a document that `read` takes back from its text, and no other.
template <class Read>
result<done> write_policy(const std::string& path, const json& document, int indent, const Read& read) {
  if (!all_finite(document)) return failure{.code = errc::not_finite, .file = path, .key = "rule"};
  auto text = dump_json(document, indent);
  if (!text) return text.error().in(path);
  const auto parsed = parse_json(*text);
  if (!parsed) return parsed.error().in(path);
  if (const auto back = read(*parsed); !back) return back.error().in(path);
  return write_file(path, *text + "\n");
}
template <class Rule, class... Ss>
result<done> write_policy(const std::string& path, const json& document, const features<Ss...>& pack) {
  return write_policy(path, document, 2, [&](const json& back) { return read_policy<Rule>(back, pack); });
}

template <class... Ss>
inline constexpr bool learns = (learned_signal<Ss> || ...);

}  // namespace detail

/// Writes a rule and the features it was fitted on as one JSON object. The file is replaced in one step.
/// Fails with `not_finite` (JSON has no NaN and no infinity), `bad_utf8` (a signal's name), what `load_policy` says of a rule
/// that it refuses (such as `out_of_range` for a feature that is not there), `cannot_write`.
template <class... Ss, class Rule>
result<done> save_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule) {
  static_assert(!detail::learns<Ss...>,
                "save_policy: the weights of a learned signal belong to one model; use save_learned_policy");
  return detail::write_policy<Rule>(path, detail::policy_document(pack, rule), pack);
}
/// @overload With the layers that it is asked at, `at_layers` or `recent_exits`, which `load_layers` or `load_recent_exits`
/// read. A program that asks for the rule alone reads the same file.
template <class... Ss, class Rule, detail::saved_schedule Schedule>
result<done> save_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule,
                         const Schedule& schedule) {
  static_assert(!detail::learns<Ss...>,
                "save_policy: the weights of a learned signal belong to one model; use save_learned_policy");
  json document = detail::policy_document(pack, rule);
  detail::write_schedule(document, schedule);
  return detail::write_policy<Rule>(path, document, pack);
}

/// Reads a rule of this type, fitted on these features. Fails with `wrong_schema` (another kind of file, another
/// version, another kind of rule, a rule without the scale it was fitted with), `wrong_features` (naming the first that
/// differs), and the errors of JSON.
template <class Rule, class... Ss>
result<Rule> load_policy(const std::string& path, const features<Ss...>& pack) {
  static_assert(!detail::learns<Ss...>,
                "load_policy: a learned signal is loaded with its rule; use load_learned_policy");
  auto document = detail::open_policy(path);
  if (!document) return document.error();
  auto rule = detail::read_policy<Rule>(*document, pack);
  if (!rule) return rule.error().in(path);
  return rule;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
