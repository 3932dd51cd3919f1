// SPDX-License-Identifier: MIT
/// @file io/range_writer.hpp
/// Writing a new file out of ranges of other files, without taking them through memory.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/result.hpp"
#include "write_all.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How many bytes went which way.
struct byte_counts {
  std::uint64_t copied = 0;   ///< from file to file: shared extents, kernel copies, and holes that stay holes
  std::uint64_t written = 0;  ///< through this program's memory
};

/// A file open for reading; closes itself.
class source_file {
 public:
  /// Fails with `cannot_open`: missing, no permission, or no regular file.
  static result<source_file> open(const std::string& path) {
    source_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct ::stat status{};
    if (file.fd_ < 0 || ::fstat(file.fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
      return failure{.code = errc::cannot_open, .file = path};
    }
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    return file;
  }
  source_file(source_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  source_file(const source_file&) = delete;
  source_file& operator=(source_file&&) = delete;
  ~source_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  explicit source_file(int fd) : fd_(fd) {}
  int fd_;
  std::uint64_t size_ = 0;
};

/// Writes a file front to back from bytes in memory and from ranges of other files. A long range goes by
/// `copy_file_range`, which shares extents where the file system can, and its holes stay holes; a short one,
/// and any where the kernel cannot, goes through one window of memory.
class range_writer {
 public:
  static constexpr std::size_t window = std::size_t{1} << 20;
  static constexpr std::uint64_t short_range = std::uint64_t{1} << 16;

  /// Makes a file that is not there yet. Fails with `cannot_write`.
  static result<range_writer> create(const std::string& path, bool kernel_copies = true) {
    range_writer out(path, kernel_copies);
    out.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out.fd_ < 0) return failure{.code = errc::cannot_write, .file = path};
    return out;
  }
  range_writer(range_writer&& other) noexcept
      : path_(std::move(other.path_)),
        kernel_(other.kernel_),
        fd_(std::exchange(other.fd_, -1)),
        at_(other.at_),
        buffer_(std::move(other.buffer_)),
        counts_(other.counts_) {}
  range_writer(const range_writer&) = delete;
  range_writer& operator=(range_writer&&) = delete;
  ~range_writer() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// Fails with `cannot_write`.
  result<done> write(std::span<const std::byte> bytes) {
    counts_.written += bytes.size();
    if (bytes.size() >= window) {
      if (auto ok = flush(); !ok) return ok;
      return put(bytes);
    }
    if (buffer_.size() + bytes.size() > window) {
      if (auto ok = flush(); !ok) return ok;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return done{};
  }
  result<done> write(std::string_view text) {
    return write(std::as_bytes(std::span<const char>(text.data(), text.size())));
  }

  /// The bytes [offset, offset + size) of a file. Fails with `cannot_write`, `cannot_read`, or `truncated`
  /// where the file is shorter than it was.
  result<done> copy(const source_file& from, std::uint64_t offset, std::uint64_t size) {
    if (size < short_range) return copy_through_memory(from, offset, size);
    if (auto ok = flush(); !ok) return ok;
    while (size > 0) {
      std::uint64_t hole = hole_at(from, offset, size);
      at_ += hole;
      offset += hole;
      size -= hole;
      counts_.copied += hole;
      if (size == 0) break;
      const std::uint64_t part = std::min(data_at(from, offset, size), max_part);
      const ssize_t n = kernel_ ? kernel_copy(from, offset, part) : -1;
      if (n <= 0) {
        kernel_ = kernel_ && n == 0;
        if (auto ok = copy_through_memory(from, offset, part); !ok) return ok;
        if (auto ok = flush(); !ok) return ok;
        offset += part;
        size -= part;
        continue;
      }
      const auto moved = static_cast<std::uint64_t>(n);
      at_ += moved;
      offset += moved;
      size -= moved;
      counts_.copied += moved;
    }
    return done{};
  }

  /// A whole file. Fails as `copy` does.
  result<done> copy(const source_file& from) { return copy(from, 0, from.size()); }

  /// Flushes to the disk and closes. Fails with `cannot_write`.
  result<done> finish() {
    if (auto ok = flush(); !ok) return ok;
    const bool sized = ::ftruncate(fd_, static_cast<off_t>(at_)) == 0;  // a hole may be the end
    const bool flushed = detail::flush_to_disk(fd_);
    const bool closed = ::close(std::exchange(fd_, -1)) == 0;
    if (!sized || !flushed || !closed) return cannot_write();
    return done{};
  }

  [[nodiscard]] const byte_counts& counts() const noexcept { return counts_; }

 private:
  /// Large enough for the kernel, small enough to report progress.
  static constexpr std::uint64_t max_part = std::uint64_t{1} << 28;

  range_writer(const std::string& path, bool kernel) : path_(path), kernel_(kernel) {}

  [[nodiscard]] failure cannot_write() const { return {.code = errc::cannot_write, .file = path_}; }

  /// How many of the bytes from `offset` on are a hole.
  static std::uint64_t hole_at(const source_file& from, std::uint64_t offset, std::uint64_t size) {
    const off_t data = ::lseek(from.fd(), static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0) return errno == ENXIO && offset + size <= from.size() ? size : 0;
    return std::min(size, static_cast<std::uint64_t>(data) - offset);
  }
  static std::uint64_t data_at(const source_file& from, std::uint64_t offset, std::uint64_t size) {
    const off_t hole = ::lseek(from.fd(), static_cast<off_t>(offset), SEEK_HOLE);
    if (hole < 0 || static_cast<std::uint64_t>(hole) <= offset) return size;
    return std::min(size, static_cast<std::uint64_t>(hole) - offset);
  }
  ssize_t kernel_copy(const source_file& from, std::uint64_t offset, std::uint64_t size) {
    auto in = static_cast<off64_t>(offset), out = static_cast<off64_t>(at_);
    ssize_t n = 0;
    do {
      n = ::copy_file_range(from.fd(), &in, fd_, &out, size, 0);
    } while (n < 0 && errno == EINTR);
    return n;
  }

  result<done> copy_through_memory(const source_file& from, std::uint64_t offset, std::uint64_t size) {
    while (size > 0) {
      if (buffer_.size() == window) {
        if (auto ok = flush(); !ok) return ok;
      }
      const std::size_t old = buffer_.size();
      const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(size, window - old));
      buffer_.resize(old + part);
      const ssize_t n = ::pread(from.fd(), buffer_.data() + old, part, static_cast<off_t>(offset));
      buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failure{.code = errc::cannot_read, .byte = offset};
      if (n == 0) return failure{.code = errc::truncated, .byte = offset};
      offset += static_cast<std::uint64_t>(n);
      size -= static_cast<std::uint64_t>(n);
      counts_.written += static_cast<std::uint64_t>(n);
    }
    return done{};
  }

  result<done> flush() {
    if (auto ok = put(buffer_); !ok) return ok;
    buffer_.clear();
    return done{};
  }
  result<done> put(std::span<const std::byte> bytes) {
    if (!detail::write_all(fd_, bytes, at_)) return cannot_write();
    at_ += bytes.size();
    return done{};
  }

  std::string path_;
  bool kernel_;
  int fd_ = -1;
  std::uint64_t at_ = 0;  // where the buffer goes
  std::vector<std::byte> buffer_;
  byte_counts counts_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
