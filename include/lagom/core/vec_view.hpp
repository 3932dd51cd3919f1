// SPDX-License-Identifier: MIT
/// @file core/vec_view.hpp
/// A strided view of a vector that somebody else owns.
#pragma once

#include "tensor_traits.hpp"

namespace lagom {
inline namespace v0 {

/// Pointer, extent, stride (in elements). Trivially copyable; owns nothing; works on a device.
///
/// It converts implicitly from `{pointer, extent}` and from every rank-1 tensor that `tensor_traits` covers
/// (`std::vector`, `std::array`, `std::span`, ...), so an engine passes what it has:
/// ```cpp
/// run.observe({.layer = l, .hidden = {x, dim}}, head);
/// ```
/// Like `std::span`, it must not outlive what it sees.
template <class T>
class vec_view {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr vec_view() noexcept = default;

  template <std::integral Extent>
  LAGOM_LEAF constexpr vec_view(T* data, Extent extent, index_t stride = 1) noexcept
      : data_(data), size_(static_cast<index_t>(extent)), stride_(stride) {}

  template <class C>
    requires(!std::same_as<std::remove_cvref_t<C>, vec_view> && tensor<C, 1> &&
             std::convertible_to<decltype(tensor_traits<std::remove_cvref_t<C>>::data(std::declval<C&>())),
                                 T*>)
  LAGOM_LEAF constexpr vec_view(C&& container) noexcept
      : data_(tensor_traits<std::remove_cvref_t<C>>::data(container)),
        size_(tensor_traits<std::remove_cvref_t<C>>::extent(container, 0)),
        stride_(tensor_traits<std::remove_cvref_t<C>>::stride(container, 0)) {}

  [[nodiscard]] LAGOM_LEAF constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t size() const noexcept { return size_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t stride() const noexcept { return stride_; }
  [[nodiscard]] LAGOM_LEAF constexpr bool empty() const noexcept { return size_ == 0; }
  /// Are the elements adjacent in memory?
  [[nodiscard]] LAGOM_LEAF constexpr bool contiguous() const noexcept { return stride_ == 1 || size_ < 2; }

  /// Element `i`. Precondition: 0 <= i < size().
  [[nodiscard]] LAGOM_LEAF constexpr T& operator[](index_t i) const noexcept {
    LAGOM_ASSERT(0 <= i && i < size_);
    return data_[i * stride_];
  }

  /// The `count` elements from `first` on. Precondition: they lie inside.
  [[nodiscard]] LAGOM_LEAF constexpr vec_view slice(index_t first, index_t count) const noexcept {
    LAGOM_ASSERT(0 <= first && 0 <= count && first + count <= size_);
    return {data_ + first * stride_, count, stride_};
  }

 private:
  T* data_ = nullptr;
  index_t size_ = 0;
  index_t stride_ = 1;
};

/// A view is a tensor too: this is how a view of mutable elements becomes one of constant elements.
template <class T>
struct tensor_traits<vec_view<T>> {
  static constexpr int rank = 1;
  LAGOM_LEAF static constexpr T* data(vec_view<T> v) noexcept { return v.data(); }
  LAGOM_LEAF static constexpr index_t extent(vec_view<T> v, int) noexcept { return v.size(); }
  LAGOM_LEAF static constexpr index_t stride(vec_view<T> v, int) noexcept { return v.stride(); }
};

template <class T, std::integral Extent>
vec_view(T*, Extent) -> vec_view<T>;
template <class T, std::integral Extent>
vec_view(T*, Extent, index_t) -> vec_view<T>;
template <tensor<1> C>
vec_view(C&& c) -> vec_view<std::remove_pointer_t<decltype(tensor_traits<std::remove_cvref_t<C>>::data(c))>>;

/// Read-only view of any vector: what the kernels take in.
template <tensor<1> C>
LAGOM_LEAF constexpr auto as_vec(const C& c) noexcept {
  auto v = vec_view(c);
  return vec_view<const typename decltype(v)::value_type>(v);
}

}  // namespace v0
}  // namespace lagom
