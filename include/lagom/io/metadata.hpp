// SPDX-License-Identifier: MIT
/// @file io/metadata.hpp
/// Values in the metadata of a safetensors file, which are all strings.
#pragma once

#include <charconv>

#include "safetensors.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// The metadatum, or an empty text.
[[nodiscard]] inline std::string_view metadata_text(const safetensors& file, std::string_view key) {
  const auto at = file.metadata().find(key);
  return at == file.metadata().end() ? std::string_view() : std::string_view(at->second);
}

/// A metadatum that is a decimal number of type T.
template <class T = std::uint64_t>
[[nodiscard]] inline result<T> metadata_number(const safetensors& file, const char* key) {
  const auto at = file.metadata().find(key);
  if (at == file.metadata().end()) return failure{.code = errc::missing_key, .key = key};
  T value{};
  const char* const last = at->second.data() + at->second.size();
  const auto [end, error] = std::from_chars(at->second.data(), last, value);
  if (error != std::errc() || end != last || at->second.empty())
    return failure{.code = errc::bad_value, .key = key};
  return value;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
