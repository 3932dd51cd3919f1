// SPDX-License-Identifier: MIT
/// @file io/dtype.hpp
/// Element types of stored tensors.
#pragma once

#include <string_view>

#include "../core/scalar.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The element types of the safetensors format.
enum class dtype : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

struct dtype_info {
  std::string_view name;  ///< as the format spells it
  dtype type;
  int bits;
};

inline constexpr dtype_info dtypes[] = {
    {"BOOL", dtype::boolean, 8},
    {"F4", dtype::f4, 4},
    {"F6_E2M3", dtype::f6_e2m3, 6},
    {"F6_E3M2", dtype::f6_e3m2, 6},
    {"U8", dtype::u8, 8},
    {"I8", dtype::i8, 8},
    {"F8_E5M2", dtype::f8_e5m2, 8},
    {"F8_E4M3", dtype::f8_e4m3, 8},
    {"F8_E8M0", dtype::f8_e8m0, 8},
    {"F8_E4M3FNUZ", dtype::f8_e4m3fnuz, 8},
    {"F8_E5M2FNUZ", dtype::f8_e5m2fnuz, 8},
    {"I16", dtype::i16, 16},
    {"U16", dtype::u16, 16},
    {"F16", dtype::f16, 16},
    {"BF16", dtype::bf16, 16},
    {"I32", dtype::i32, 32},
    {"U32", dtype::u32, 32},
    {"F32", dtype::f32, 32},
    {"C64", dtype::c64, 64},
    {"F64", dtype::f64, 64},
    {"I64", dtype::i64, 64},
    {"U64", dtype::u64, 64},
};

/// The row of the table; null for a name the format does not know.
[[nodiscard]] constexpr const dtype_info* find_dtype(std::string_view name) noexcept {
  for (const auto& d : dtypes) {
    if (d.name == name) return &d;
  }
  return nullptr;
}
[[nodiscard]] constexpr const dtype_info& info(dtype type) noexcept {
  for (const auto& d : dtypes) {
    if (d.type == type) return d;
  }
  return dtypes[0];
}

/// The dtype of a C++ element type.
template <class T>
inline constexpr dtype dtype_of = [] {
  if constexpr (std::same_as<T, float>)
    return dtype::f32;
  else if constexpr (std::same_as<T, double>)
    return dtype::f64;
  else if constexpr (std::same_as<T, lagom::bf16>)
    return dtype::bf16;
  else if constexpr (std::same_as<T, lagom::f16>)
    return dtype::f16;
  else if constexpr (std::same_as<T, std::int8_t>)
    return dtype::i8;
  else if constexpr (std::same_as<T, std::uint8_t>)
    return dtype::u8;
  else if constexpr (std::same_as<T, std::int32_t>)
    return dtype::i32;
  else if constexpr (std::same_as<T, std::uint32_t>)
    return dtype::u32;
  else if constexpr (std::same_as<T, std::int64_t>)
    return dtype::i64;
  else
    static_assert(sizeof(T) == 0, "no dtype for this element type");
}();

}  // namespace io
}  // namespace v0
}  // namespace lagom
