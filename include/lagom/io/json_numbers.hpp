// SPDX-License-Identifier: MIT
/// @file io/json_numbers.hpp
/// Numbers of classifiers in JSON: all finite, bit for bit.
#pragma once

#include <charconv>

#include "../core/math.hpp"
#include "../core/vec_view.hpp"
#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A float as the shortest decimal that gives it back: 0.1f is written as 0.1. Infinities and NaN stay what they are, which
/// JSON has not.
[[nodiscard]] inline json json_number(float value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  double nearest = 0;
  if (!is_finite(&value) || error != std::errc() || std::from_chars(text, end, nearest).ec != std::errc() ||
      static_cast<float>(nearest) != value) {
    nearest = static_cast<double>(value);
  }
  return nearest;
}

namespace detail {

inline json numbers(vec_view<const float> values) {
  json list = json::array();
  for (index_t i = 0; i < values.size(); ++i) list.push_back(json_number(values[i]));
  return list;
}

inline bool all_finite(const json& value) {
  if (value.is_structured()) {
    for (const json& part : value) {
      if (!all_finite(part)) return false;
    }
  }
  if (!value.is_number_float()) return true;
  const double real = value.get<double>();
  return is_finite(&real);
}

/// A finite number of object `from`.
inline result<done> read_real(const json& from, const char* key, double& to) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_number()) return failure{.code = errc::wrong_type, .key = key};
  to = at->get<double>();
  if (!is_finite(&to)) return failure{.code = errc::not_finite, .key = key};
  return done{};
}

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

/// A whole number from `least` to `most`. Fails with `missing_key`, `wrong_type`, `bad_value`.
inline result<done> read_whole(const json& from, const char* key, std::uint64_t least, std::uint64_t most,
                               std::uint64_t& to) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_number_unsigned()) return failure{.code = errc::wrong_type, .key = key};
  to = at->get<std::uint64_t>();
  if (to < least || to > most) return failure{.code = errc::bad_value, .key = key, .found = to};
  return done{};
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
