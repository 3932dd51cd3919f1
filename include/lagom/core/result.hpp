// SPDX-License-Identifier: MIT
/// @file core/result.hpp
/// A value or the reason why there is none.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "failure.hpp"

namespace lagom {
inline namespace v0 {

/// What parsers, loaders and fits return. Never throws, never empty.
///
/// ```cpp
/// auto file = lagom::io::safetensors::open(path);
/// if (!file) return report(file.error());
/// use(*file);
/// ```
/// Reading the value of a failed result is a precondition violation.
template <class T>
class [[nodiscard]] result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, failure>);

 public:
  using value_type = T;

  LAGOM_INLINE result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(true) {
    ::new (static_cast<void*>(&value_)) T(std::move(value));
  }
  LAGOM_INLINE result(const failure& why) noexcept : ok_(false) {
    ::new (static_cast<void*>(&failure_)) failure(why);
  }

  LAGOM_INLINE result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(other.ok_) {
    take(other);
  }
  LAGOM_INLINE result& operator=(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (this != &other) {
      drop();
      ok_ = other.ok_;
      take(other);
    }
    return *this;
  }
  result(const result&) = delete;
  result& operator=(const result&) = delete;
  LAGOM_INLINE ~result() { drop(); }

  [[nodiscard]] LAGOM_INLINE explicit operator bool() const noexcept { return ok_; }
  [[nodiscard]] LAGOM_INLINE bool has_value() const noexcept { return ok_; }

  [[nodiscard]] LAGOM_INLINE T& value() & noexcept {
    LAGOM_ASSERT(ok_);
    return value_;
  }
  [[nodiscard]] LAGOM_INLINE const T& value() const& noexcept {
    LAGOM_ASSERT(ok_);
    return value_;
  }
  [[nodiscard]] LAGOM_INLINE T&& value() && noexcept {
    LAGOM_ASSERT(ok_);
    return std::move(value_);
  }
  [[nodiscard]] LAGOM_INLINE T& operator*() & noexcept { return value(); }
  [[nodiscard]] LAGOM_INLINE const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] LAGOM_INLINE T&& operator*() && noexcept { return std::move(*this).value(); }
  [[nodiscard]] LAGOM_INLINE T* operator->() noexcept { return &value(); }
  [[nodiscard]] LAGOM_INLINE const T* operator->() const noexcept { return &value(); }

  [[nodiscard]] LAGOM_INLINE const failure& error() const noexcept {
    LAGOM_ASSERT(!ok_);
    return failure_;
  }

 private:
  LAGOM_INLINE void take(result& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (ok_) {
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    } else {
      ::new (static_cast<void*>(&failure_)) failure(other.failure_);
    }
  }
  LAGOM_INLINE void drop() noexcept {
    if (ok_) value_.~T();
  }

  union {
    T value_;
    failure failure_;
  };
  bool ok_;
};

/// Success without a value.
struct done {};

}  // namespace v0
}  // namespace lagom
