// SPDX-License-Identifier: MIT
/// @file io/composed_rules.hpp
/// Rules made of rules, falling thresholds and alarms as JSON.
#pragma once

#include <optional>
#include <tuple>

#include "../stop/all_of.hpp"
#include "../stop/any_of.hpp"
#include "../stop/falling_threshold.hpp"
#include "../stop/in_a_row.hpp"
#include "../stop/on_features.hpp"
#include "../stop/when_alarmed.hpp"
#include "rule_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The counted rule is written with its kind, as member "counted".
template <saved_rule Rule>
struct rule_format<in_a_row<Rule>> {
  static constexpr std::string_view kind = "in_a_row";
  static json write(const in_a_row<Rule>& r) {
    return {{"steps", r.steps}, {"counted", detail::write_rule(r.rule)}};
  }
  static result<in_a_row<Rule>> read(const json& from, std::size_t width) {
    std::uint64_t steps = 0;
    if (auto ok = detail::read_whole(from, "steps", 1, 10000, steps); !ok) return ok.error();
    const json* const counted = find(from, "counted");
    if (counted == nullptr) return failure{.code = errc::missing_key, .key = "counted"};
    auto rule = detail::read_rule<Rule>(*counted, width);
    if (!rule) return rule.error();
    return in_a_row<Rule>{.steps = static_cast<int>(steps), .rule = std::move(*rule)};
  }
};

/// The rule that sees the other features is written with its kind, as member "shown".
template <saved_rule Rule>
struct rule_format<on_features<Rule>> {
  static constexpr std::string_view kind = "on_features";
  static json write(const on_features<Rule>& r) {
    return {{"first", r.first}, {"shown", detail::write_rule(r.rule)}};
  }
  static result<on_features<Rule>> read(const json& from, std::size_t width) {
    std::uint64_t first = 0;
    if (auto ok = detail::read_whole(from, "first", 0, width, first); !ok) return ok.error();
    const std::size_t shown = width - static_cast<std::size_t>(first);
    if (constexpr std::size_t needed = lagom::detail::width_of<Rule>; shown < needed)
      return failure{.code = errc::wrong_width, .key = "first", .expected = needed, .found = shown};
    const json* const at = find(from, "shown");
    if (at == nullptr) return failure{.code = errc::missing_key, .key = "shown"};
    auto rule = detail::read_rule<Rule>(*at, shown);
    if (!rule) return rule.error();
    return on_features<Rule>{.first = static_cast<index_t>(first), .rule = std::move(*rule)};
  }
};

namespace detail {

/// `all_of` and `any_of`: member "parts", each part with its kind.
template <class Combination, class... Parts>
struct combination_format {
  static json write(const Combination& r) { return write(r, std::index_sequence_for<Parts...>{}); }
  static result<Combination> read(const json& from, std::size_t width) {
    const json* const parts = find(from, "parts");
    if (parts == nullptr) return failure{.code = errc::missing_key, .key = "parts"};
    if (!parts->is_array()) return failure{.code = errc::wrong_type, .key = "parts"};
    if (parts->size() != sizeof...(Parts)) {
      return failure{
          .code = errc::wrong_schema, .key = "parts", .expected = sizeof...(Parts), .found = parts->size()};
    }
    return read(*parts, width, std::index_sequence_for<Parts...>{});
  }

 private:
  template <std::size_t... Is>
  static json write(const Combination& r, std::index_sequence<Is...>) {
    json parts = json::array();
    (parts.push_back(write_rule(r.template part<Is>())), ...);
    json out = json::object();
    out["parts"] = std::move(parts);
    return out;
  }
  template <std::size_t... Is>
  static result<Combination> read(const json& parts, std::size_t width, std::index_sequence<Is...>) {
    const std::tuple<result<Parts>...> rules{read_rule<Parts>(parts[Is], width)...};
    std::optional<failure> first;
    (
        [&](const auto& rule) {
          if (!rule && !first) first = rule.error();
        }(std::get<Is>(rules)),
        ...);
    if (first) return *first;
    return Combination(*std::get<Is>(rules)...);
  }
};

/// A tolerance or the like: between 0 and 1.
inline result<done> read_open_share(const json& from, const char* key, double& to) {
  if (auto ok = read_real(from, key, to); !ok) return ok;
  if (!(to > 0 && to < 1)) return failure{.code = errc::out_of_range, .key = key};
  return done{};
}

}  // namespace detail

template <saved_rule... Rules>
struct rule_format<all_of<Rules...>> : detail::combination_format<all_of<Rules...>, Rules...> {
  static constexpr std::string_view kind = "all_of";
};
template <saved_rule... Rules>
struct rule_format<any_of<Rules...>> : detail::combination_format<any_of<Rules...>, Rules...> {
  static constexpr std::string_view kind = "any_of";
};

template <class Comparator>
struct rule_format<falling_threshold<Comparator>> {
  using at_start = rule_format<lagom::threshold<Comparator>>;
  static constexpr std::string_view kind =
      at_start::kind == "threshold_at_least"  ? "falling_threshold_at_least"
      : at_start::kind == "threshold_above"   ? "falling_threshold_above"
      : at_start::kind == "threshold_at_most" ? "falling_threshold_at_most"
                                              : "falling_threshold_below";
  static json write(const falling_threshold<Comparator>& r) {
    return {{"threshold", r.decay.threshold},
            {"temperature", r.decay.temperature},
            {"length", r.decay.length},
            {"feature", r.feature}};
  }
  static result<falling_threshold<Comparator>> read(const json& from, std::size_t width) {
    falling_threshold<Comparator> r;
    if (auto ok = detail::read_real(from, "threshold", r.decay.threshold); !ok) return ok.error();
    if (0 > r.decay.threshold) return failure{.code = errc::bad_value, .key = "threshold"};
    if (auto ok = detail::read_real(from, "temperature", r.decay.temperature); !ok) return ok.error();
    if (0 > r.decay.temperature) return failure{.code = errc::bad_value, .key = "temperature"};
    std::uint64_t length = 0;
    if (auto ok = detail::read_whole(from, "length", 1, INT32_MAX, length); !ok) return ok.error();
    r.decay.length = static_cast<int>(length);
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

template <>
struct rule_format<when_alarmed<drift_alarm>> {
  static constexpr std::string_view kind = "drift_alarm";
  static json write(const when_alarmed<drift_alarm>& r) {
    return {{"tolerance", r.monitor.tolerance.value},
            {"run", r.monitor.run},
            {"memory", r.monitor.memory},
            {"feature", r.feature}};
  }
  static result<when_alarmed<drift_alarm>> read(const json& from, std::size_t width) {
    when_alarmed<drift_alarm> r;
    if (auto ok = detail::read_open_share(from, "tolerance", r.monitor.tolerance.value); !ok)
      return ok.error();
    if (auto ok = detail::read_real(from, "run", r.monitor.run); !ok) return ok.error();
    if (auto ok = detail::read_real(from, "memory", r.monitor.memory); !ok) return ok.error();
    if (auto ok = r.monitor.check(); !ok) return ok.error();
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

template <>
struct rule_format<when_alarmed<risk_monitor>> {
  static constexpr std::string_view kind = "risk_monitor";
  static json write(const when_alarmed<risk_monitor>& r) {
    return {{"tolerance", r.monitor.tolerance.value},
            {"error_rate", r.monitor.error_rate.value},
            {"memory", r.monitor.memory},
            {"feature", r.feature}};
  }
  static result<when_alarmed<risk_monitor>> read(const json& from, std::size_t width) {
    when_alarmed<risk_monitor> r;
    if (auto ok = detail::read_open_share(from, "tolerance", r.monitor.tolerance.value); !ok)
      return ok.error();
    if (auto ok = detail::read_open_share(from, "error_rate", r.monitor.error_rate.value); !ok)
      return ok.error();
    if (auto ok = detail::read_real(from, "memory", r.monitor.memory); !ok) return ok.error();
    if (auto ok = r.monitor.check(); !ok) return ok.error();
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
