// SPDX-License-Identifier: MIT
/// @file io/rule_json.hpp
/// Stop rules as JSON.
#pragma once

#include "../stop/crf.hpp"
#include "../stop/logistic.hpp"
#include "../stop/patience.hpp"
#include "../stop/rbf_svm.hpp"
#include "../stop/standardized.hpp"
#include "../stop/threshold.hpp"
#include "json_numbers.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How a rule is written and read: one specialisation a rule, `kind` its name in the file, `width` the number of
/// features it will see. Specialise it for your own rule to save it.
template <class Rule>
struct rule_format;

/// A rule that has a file form.
template <class Rule>
concept saved_rule = stop_rule<Rule> && requires(const Rule& rule, const json& from) {
  { rule_format<Rule>::kind } -> std::convertible_to<std::string_view>;
  { rule_format<Rule>::write(rule) } -> std::same_as<json>;
  { rule_format<Rule>::read(from, std::size_t{}) } -> std::same_as<result<Rule>>;
};

/// The same as `saved_rule`, in a sentence: instantiate it to learn what is missing.
template <class Rule>
struct check_saved_rule {
  static_assert(saved_rule<Rule>,
                "rule_format: this rule has no file form; specialise lagom::io::rule_format for it (kind, "
                "write, read)");
  static constexpr bool value = saved_rule<Rule>;
};

namespace detail {

/// Does the rule read the scale of its features from its file?
template <class Rule>
inline constexpr bool reads_scale = false;
template <class Rule>
inline constexpr bool reads_scale<standardized<Rule>> = true;

/// The members "kind" and "rule", here of an object of its own: a rule in a rule.
template <class Rule>
json write_rule(const Rule& rule) {
  return {{"kind", rule_format<Rule>::kind}, {"rule", rule_format<Rule>::write(rule)}};
}
template <class Rule>
result<Rule> read_rule(const json& from, std::size_t width) {
  const json* const kind = find(from, "kind");
  if (kind == nullptr || *kind != std::string(rule_format<Rule>::kind))
    return failure{.code = errc::wrong_schema, .key = "kind"};
  const json* const rule = find(from, "rule");
  if (rule == nullptr) return failure{.code = errc::missing_key, .key = "rule"};
  if (!reads_scale<Rule> && find(*rule, "inverse_deviation") != nullptr)  // would see its features unscaled
    return failure{.code = errc::wrong_schema, .key = "inverse_deviation"};
  return rule_format<Rule>::read(*rule, width);
}

}  // namespace detail

template <class Comparator>
struct rule_format<threshold<Comparator>> {
  static_assert(std::same_as<Comparator, at_least> || std::same_as<Comparator, above> ||
                    std::same_as<Comparator, at_most> || std::same_as<Comparator, below>,
                "rule_format: a threshold with a comparator of your own needs a specialisation of its own");
  static constexpr std::string_view kind = std::same_as<Comparator, at_least>  ? "threshold_at_least"
                                           : std::same_as<Comparator, above>   ? "threshold_above"
                                           : std::same_as<Comparator, at_most> ? "threshold_at_most"
                                                                               : "threshold_below";
  static json write(const threshold<Comparator>& r) {
    return {{"value", json_number(r.value)}, {"feature", r.feature}};
  }
  static result<threshold<Comparator>> read(const json& from, std::size_t width) {
    threshold<Comparator> r;
    if (auto ok = detail::read_number(from, "value", r.value); !ok) return ok.error();
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

template <>
struct rule_format<patience> {
  static constexpr std::string_view kind = "patience";
  static json write(const patience& r) { return {{"steps", r.steps}, {"feature", r.feature}}; }
  static result<patience> read(const json& from, std::size_t width) {
    patience r;
    std::uint64_t steps = 0;
    if (auto ok = detail::read_whole(from, "steps", 1, 10000, steps); !ok) return ok.error();
    r.steps = static_cast<int>(steps);
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

template <std::size_t N>
struct rule_format<linear_svm<N>> {
  static constexpr std::string_view kind = "linear_svm";
  static json write(const linear_svm<N>& r) {
    return {{"weights", detail::numbers(r.weights)}, {"bias", json_number(r.bias)}};
  }
  static result<linear_svm<N>> read(const json& from, std::size_t) {
    linear_svm<N> r;
    if (auto ok = detail::read_array(from, "weights", r.weights); !ok) return ok.error();
    if (auto ok = detail::read_number(from, "bias", r.bias); !ok) return ok.error();
    return r;
  }
};

template <std::size_t N>
struct rule_format<logistic<N>> {
  static constexpr std::string_view kind = "logistic";
  static json write(const logistic<N>& r) {
    return {{"weights", detail::numbers(r.weights)},
            {"bias", json_number(r.bias)},
            {"log_odds", json_number(r.log_odds)}};
  }
  static result<logistic<N>> read(const json& from, std::size_t) {
    logistic<N> r;
    if (auto ok = detail::read_array(from, "weights", r.weights); !ok) return ok.error();
    if (auto ok = detail::read_number(from, "bias", r.bias); !ok) return ok.error();
    if (auto ok = detail::read_number(from, "log_odds", r.log_odds); !ok) return ok.error();
    return r;
  }
};

template <std::size_t N>
struct rule_format<rbf_svm<N>> {
  static constexpr std::string_view kind = "rbf_svm";
  static json write(const rbf_svm<N>& r) {
    return {{"gamma", json_number(r.gamma)},
            {"bias", json_number(r.bias)},
            {"coefficients", detail::numbers(r.coefficients)},
            {"support", detail::numbers(r.support)}};
  }
  static result<rbf_svm<N>> read(const json& from, std::size_t) {
    rbf_svm<N> r;
    if (auto ok = detail::read_number(from, "gamma", r.gamma); !ok) return ok.error();
    if (!(r.gamma > 0)) return failure{.code = errc::bad_value, .key = "gamma"};
    if (auto ok = detail::read_number(from, "bias", r.bias); !ok) return ok.error();
    auto coefficients = detail::read_numbers(from, "coefficients", 0);
    if (!coefficients) return coefficients.error();
    auto support = detail::read_numbers(from, "support", 0);
    if (!support) return support.error();
    if (support->size() != N * coefficients->size()) {
      return failure{.code = errc::wrong_width,
                     .key = "support",
                     .expected = N * coefficients->size(),
                     .found = support->size()};
    }
    r.coefficients = std::move(*coefficients);
    r.support = std::move(*support);
    return r;
  }
};

template <std::size_t N>
struct rule_format<crf<N>> {
  static constexpr std::string_view kind = "crf";
  static json write(const crf<N>& r) {
    return {{"weights_continue", detail::numbers(r.weights[0])},
            {"weights_stop", detail::numbers(r.weights[1])},
            {"bias", detail::numbers(r.bias)},
            {"transitions_continue", detail::numbers(r.transitions[0])},
            {"transitions_stop", detail::numbers(r.transitions[1])},
            {"stop_at", json_number(r.stop_at)}};
  }
  static result<crf<N>> read(const json& from, std::size_t) {
    crf<N> r;
    if (auto ok = detail::read_array(from, "weights_continue", r.weights[0]); !ok) return ok.error();
    if (auto ok = detail::read_array(from, "weights_stop", r.weights[1]); !ok) return ok.error();
    if (auto ok = detail::read_array(from, "bias", r.bias); !ok) return ok.error();
    if (auto ok = detail::read_array(from, "transitions_continue", r.transitions[0]); !ok) return ok.error();
    if (auto ok = detail::read_array(from, "transitions_stop", r.transitions[1]); !ok) return ok.error();
    if (auto ok = detail::read_number(from, "stop_at", r.stop_at); !ok) return ok.error();
    return r;
  }
};

template <saved_rule Rule>
struct rule_format<standardized<Rule>> {
  static constexpr std::string_view kind = rule_format<Rule>::kind;
  static json write(const standardized<Rule>& r) {
    json out = rule_format<Rule>::write(r.rule);
    out["mean"] = detail::numbers(r.scale.mean);
    out["inverse_deviation"] = detail::numbers(r.scale.inverse_deviation);
    return out;
  }
  static result<standardized<Rule>> read(const json& from, std::size_t width) {
    standardized<Rule> r;
    if (auto ok = detail::read_array(from, "mean", r.scale.mean); !ok) return ok.error();
    if (auto ok = detail::read_array(from, "inverse_deviation", r.scale.inverse_deviation); !ok)
      return ok.error();
    auto rule = rule_format<Rule>::read(from, width);
    if (!rule) return rule.error();
    r.rule = std::move(*rule);
    return r;
  }
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
