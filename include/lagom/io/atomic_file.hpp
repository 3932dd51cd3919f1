// SPDX-License-Identifier: MIT
/// @file io/atomic_file.hpp
/// Writing a file so that a crash leaves the old one or the new one, never a half.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include "../core/result.hpp"
#include "write_all.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Writes beside the target and renames at the end. Not committed means: the target is untouched and the
/// temporary file is removed.
class atomic_file {
 public:
  /// A link is followed: what it names is replaced. What is there and no regular file (a pipe, a terminal) is
  /// written as it is. Fails with `cannot_write`.
  static result<atomic_file> create(const std::string& path) {
    atomic_file file(path);
    if (char* const real = ::realpath(path.c_str(), nullptr)) {
      file.path_ = real;
      std::free(real);
    }
    struct ::stat there{};
    if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
      file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    } else {
      file.temporary_ = file.path_ + ".tmp" + std::to_string(::getpid());
      file.fd_ = ::open(file.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    if (file.fd_ < 0) return failure{.code = errc::cannot_write, .file = path};
    return file;
  }

  atomic_file(atomic_file&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::move(other.temporary_)),
        fd_(std::exchange(other.fd_, -1)) {}
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  result<done> write(std::span<const std::byte> bytes) {
    if (detail::write_all(fd_, bytes)) return done{};
    return failure{.code = errc::cannot_write, .file = path_};
  }
  result<done> write(std::string_view text) {
    return write(std::as_bytes(std::span<const char>(text.data(), text.size())));
  }

  /// Flushes to the disk and takes the target's name.
  result<done> commit() {
    const bool flushed = temporary_.empty() || detail::flush_to_disk(fd_);
    const bool closed = ::close(std::exchange(fd_, -1)) == 0;
    if (temporary_.empty()) {
      if (closed) return done{};
      return failure{.code = errc::cannot_write, .file = path_};
    }
    if (!flushed || !closed || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      ::unlink(temporary_.c_str());
      return failure{.code = errc::cannot_write, .file = path_};
    }
    return done{};
  }

 private:
  explicit atomic_file(const std::string& path) : path_(path) {}

  std::string path_;
  std::string temporary_;  // empty: written in place
  int fd_ = -1;
};

/// The whole of a small file.
inline result<done> write_file(const std::string& path, std::string_view text) {
  auto file = atomic_file::create(path);
  if (!file) return file.error();
  if (auto ok = file->write(text); !ok) return ok;
  return file->commit();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
