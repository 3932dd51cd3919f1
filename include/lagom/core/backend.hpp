// SPDX-License-Identifier: MIT
/// @file core/backend.hpp
/// The compute door: a backend is a value with any of the kernels as members.
#pragma once

#include <type_traits>

#include "target.hpp"

namespace lagom {
inline namespace v0 {

/// The backend that overrides nothing: every kernel runs its portable body. Its type carries the compile
/// target, so translation units built with other flags instantiate other functions.
template <target Target>
struct basic_portable {
  static constexpr target compiled_for = Target;
};

/// The portable backend of this translation unit: the default everywhere.
using portable = basic_portable<this_target>;

/// A backend is any value that can be copied around freely. It overrides a kernel by having a const member of
/// the kernel's name and arguments; what it does not have runs the portable body:
/// ```cpp
/// struct my_backend : lagom::portable {
///   float dot(lagom::vec_view<const float> x, lagom::vec_view<const float> y) const noexcept;
/// };
/// ```
template <class B>
concept backend = std::is_class_v<B> && std::is_copy_constructible_v<B> && std::is_destructible_v<B>;

}  // namespace v0
}  // namespace lagom
