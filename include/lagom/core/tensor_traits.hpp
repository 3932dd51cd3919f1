// SPDX-License-Identifier: MIT
/// @file core/tensor_traits.hpp
/// The data door: the one customization point through which a foreign tensor becomes a view.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// How the library sees into a tensor type `T`. Specialise it for a type that the default does not cover:
///
/// ```cpp
/// template <> struct lagom::tensor_traits<my_row> {
///   static constexpr int rank = 1;
///   static auto data(auto& t) { return t.p; }              // pointer to the first element
///   static index_t extent(const my_row& t, int) { return t.n; }
///   static index_t stride(const my_row& t, int) { return 1; }   // in elements
/// };
/// ```
///
/// The default covers whatever has `data()` and `size()` and is *known* to be one-dimensional and contiguous.
/// A type that also has `shape()`, `dimension()`, `rows()`, `extent(int)` or `rank` is a tensor of a rank the default
/// cannot know: it is not covered, so that a matrix never passes as a vector by accident. Adapters in `adapt/` specialise those.
template <class T>
struct tensor_traits {};

namespace detail {

template <class T>
concept has_shape = requires(const T& t) { t.shape(); } || requires(const T& t) {
  t.dimension();
} || requires(const T& t) { t.rows(); } || requires(const T& t) { t.extent(0); } || requires { T::rank; };

template <class T>
concept flat_container = !has_shape<T> && requires(T& t) {
  { *t.data() };
  { t.size() } -> std::convertible_to<std::size_t>;
} && std::is_pointer_v<decltype(std::declval<T&>().data())>;

}  // namespace detail

template <class T>
  requires detail::flat_container<T>
struct tensor_traits<T> {
  static constexpr int rank = 1;
  LAGOM_HD_UNCHECKED
  template <class U>
  LAGOM_LEAF static constexpr auto data(U& t) noexcept {
    return t.data();
  }
  LAGOM_HD_UNCHECKED
  LAGOM_LEAF static constexpr index_t extent(const T& t, int) noexcept {
    return static_cast<index_t>(t.size());
  }
  LAGOM_LEAF static constexpr index_t stride(const T&, int) noexcept { return 1; }
};

template <class T, std::size_t N>
struct tensor_traits<T[N]> {
  static constexpr int rank = std::is_array_v<T> ? 0 : 1;
  template <class U>
  LAGOM_LEAF static constexpr auto data(U& t) noexcept {
    return &t[0];
  }
  LAGOM_LEAF static constexpr index_t extent(const T (&)[N], int) noexcept { return static_cast<index_t>(N); }
  LAGOM_LEAF static constexpr index_t stride(const T (&)[N], int) noexcept { return 1; }
};

/// A type that `tensor_traits` covers, with the given rank.
template <class T, int Rank>
concept tensor = requires(std::remove_cvref_t<T>& t) {
  requires tensor_traits<std::remove_cvref_t<T>>::rank == Rank;
  tensor_traits<std::remove_cvref_t<T>>::data(t);
  { tensor_traits<std::remove_cvref_t<T>>::extent(t, 0) } -> std::convertible_to<index_t>;
  { tensor_traits<std::remove_cvref_t<T>>::stride(t, 0) } -> std::convertible_to<index_t>;
};

}  // namespace v0
}  // namespace lagom
