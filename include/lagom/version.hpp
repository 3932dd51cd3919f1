// SPDX-License-Identifier: MIT
/// @file version.hpp
/// The one source of the version: CMake reads it from here.
#pragma once

namespace lagom {

/// Semantic version of this copy of the library.
struct library_version {
  int major, minor, patch;
};

inline constexpr library_version version{0, 1, 0};

}  // namespace lagom
