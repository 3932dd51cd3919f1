// SPDX-License-Identifier: MIT
/// @file io/mapped_file.hpp
/// A file seen as memory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Read-only private mapping: pages are read when they are touched. Movable. The file must not be truncated by
/// somebody else while it is mapped.
class mapped_file {
 public:
  /// Fails with `cannot_open` (missing, no permission, not a regular file) or `cannot_read`.
  static result<mapped_file> open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not hold us
    if (fd < 0) return failure{.code = errc::cannot_open, .file = path};
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(fd);
      return failure{.code = errc::cannot_open, .file = path};
    }
    mapped_file file;
    file.size_ = static_cast<std::size_t>(status.st_size);
    if (file.size_ > 0) {
      void* const address = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
      if (address == MAP_FAILED) {
        ::close(fd);
        return failure{.code = errc::cannot_read, .file = path};
      }
      file.data_ = static_cast<const std::byte*>(address);
    }
    ::close(fd);
    return file;
  }

  mapped_file(mapped_file&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }

 private:
  mapped_file() = default;

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

namespace detail {

/// Maps a file and reads it with `T::parse`; the result keeps the mapping. Fails with the errors of both, naming the
/// file.
template <class T>
[[nodiscard]] result<T> open_mapped(const std::string& path, std::optional<mapped_file> T::* keeps) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto parsed = T::parse(file->bytes());
  if (!parsed) return parsed.error().in(path);
  ((*parsed).*keeps).emplace(std::move(*file));
  return parsed;
}

}  // namespace detail

}  // namespace io
}  // namespace v0
}  // namespace lagom
