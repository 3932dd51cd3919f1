// SPDX-License-Identifier: MIT
/// @file io/rule_json.hpp
/// Stop rules as JSON.
#pragma once

#include "../core/math.hpp"
#include "../stop/crf.hpp"
#include "../stop/logistic.hpp"
#include "../stop/patience.hpp"
#include "../stop/rbf_svm.hpp"
#include "../stop/standardized.hpp"
#include "../stop/threshold.hpp"
#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How a rule is written and read: one specialisation a rule, `kind` its name in the file, `width` the number of
/// features it will see. Specialise it for your own rule to save it.
template <class Rule>
struct rule_format;

namespace detail {

/// A finite number of object `from`.
inline result<done> read_number(const json& from, const char* key, float& to) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_number()) return failure{.code = errc::wrong_type, .key = key};
  to = at->get<float>();
  if (!is_finite(&to)) return failure{.code = errc::not_finite, .key = key};
  return done{};
}

/// An array of finite numbers; `width` of them unless it is 0.
inline result<std::vector<float>> read_numbers(const json& from, const char* key, std::size_t width) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_array()) return failure{.code = errc::wrong_type, .key = key};
  if (width != 0 && at->size() != width) {
    return failure{.code = errc::wrong_width, .key = key, .expected = width, .found = at->size()};
  }
  std::vector<float> values;
  for (const json& element : *at) {
    if (!element.is_number()) return failure{.code = errc::wrong_type, .key = key};
    values.push_back(element.get<float>());
    if (!is_finite(&values.back())) return failure{.code = errc::not_finite, .key = key};
  }
  return values;
}

template <std::size_t N>
result<done> read_array(const json& from, const char* key, float (&to)[N]) {
  auto values = read_numbers(from, key, N);
  if (!values) return values.error();
  std::copy(values->begin(), values->end(), to);
  return done{};
}

/// The index of one of `width` features.
inline result<done> read_feature(const json& from, std::size_t width, int& to) {
  const json* const at = find(from, "feature");
  if (at == nullptr) return failure{.code = errc::missing_key, .key = "feature"};
  if (!at->is_number_unsigned()) return failure{.code = errc::wrong_type, .key = "feature"};
  if (at->get<std::uint64_t>() >= width) {
    return failure{
        .code = errc::out_of_range, .key = "feature", .expected = width, .found = at->get<std::uint64_t>()};
  }
  to = at->get<int>();
  return done{};
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
  static json write(const threshold<Comparator>& r) { return {{"value", r.value}, {"feature", r.feature}}; }
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
    const json* const steps = find(from, "steps");
    if (steps == nullptr) return failure{.code = errc::missing_key, .key = "steps"};
    if (!steps->is_number_unsigned()) return failure{.code = errc::wrong_type, .key = "steps"};
    if (const auto n = steps->get<std::uint64_t>(); n < 1 || n > 10000)
      return failure{.code = errc::bad_value, .key = "steps", .found = n};
    r.steps = steps->get<int>();
    if (auto ok = detail::read_feature(from, width, r.feature); !ok) return ok.error();
    return r;
  }
};

template <std::size_t N>
struct rule_format<linear_svm<N>> {
  static constexpr std::string_view kind = "linear_svm";
  static json write(const linear_svm<N>& r) { return {{"weights", r.weights}, {"bias", r.bias}}; }
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
    return {{"weights", r.weights}, {"bias", r.bias}, {"log_odds", r.log_odds}};
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
    return {{"gamma", r.gamma}, {"bias", r.bias}, {"coefficients", r.coefficients}, {"support", r.support}};
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
    return {{"weights_continue", r.weights[0]},
            {"weights_stop", r.weights[1]},
            {"bias", r.bias},
            {"transitions_continue", r.transitions[0]},
            {"transitions_stop", r.transitions[1]},
            {"stop_at", r.stop_at}};
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

template <class Rule>
struct rule_format<standardized<Rule>> {
  static constexpr std::string_view kind = rule_format<Rule>::kind;
  static json write(const standardized<Rule>& r) {
    json out = rule_format<Rule>::write(r.rule);
    out["mean"] = r.scale.mean;
    out["inverse_deviation"] = r.scale.inverse_deviation;
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
