// SPDX-License-Identifier: MIT
/// @file io/write_all.hpp
/// Writing to a descriptor until nothing is left, whatever interrupts.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Writes all bytes: at an offset, or, for a pipe too, where the descriptor stands. False when the system refuses.
[[nodiscard]] inline bool write_all(int fd, std::span<const std::byte> bytes,
                                    std::optional<std::uint64_t> offset = std::nullopt) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = offset ? ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(*offset))
                             : ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    if (offset) *offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

/// Flushes to the disk. False when the system refuses.
[[nodiscard]] inline bool flush_to_disk(int fd) noexcept {
  int failed = 0;
  do {
    failed = ::fsync(fd);
  } while (failed != 0 && errno == EINTR);
  return failed == 0;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
