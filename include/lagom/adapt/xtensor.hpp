// SPDX-License-Identifier: MIT
/// @file adapt/xtensor.hpp
/// xtensor containers, adaptors and strided views as lagom views. The one place that knows both header layouts
/// (xtensor moved its headers in 0.26).
#pragma once

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

#include <tuple>

#include "../core/mat_view.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// Rank known at compile time (`xtensor`, `xtensor_fixed`, their adaptors and views; not `xarray`), and memory
/// that can be pointed into.
template <class T>
concept xtensor_in_memory = requires(T& t) {
  typename T::shape_type;
  std::tuple_size<typename T::shape_type>::value;
  { *(t.data() + t.data_offset()) };
  t.strides();
} && std::is_pointer_v<decltype(std::declval<T&>().data() + std::declval<T&>().data_offset())>;

}  // namespace detail

/// xtensor keeps stride 0 for an extent of 1; nothing is ever read through it.
template <detail::xtensor_in_memory T>
struct tensor_traits<T> {
  static constexpr int rank = static_cast<int>(std::tuple_size<typename T::shape_type>::value);
  template <class U>
  LAGOM_LEAF static auto data(U& t) noexcept {
    return t.data() + t.data_offset();
  }
  LAGOM_LEAF static index_t extent(const T& t, int d) noexcept {
    return static_cast<index_t>(t.shape()[static_cast<std::size_t>(d)]);
  }
  LAGOM_LEAF static index_t stride(const T& t, int d) noexcept {
    return static_cast<index_t>(t.strides()[static_cast<std::size_t>(d)]);
  }
};

}  // namespace v0
}  // namespace lagom
