// SPDX-License-Identifier: MIT
/// @file io/output_directory.hpp
/// A directory that appears when it is complete, or not at all.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "../core/result.hpp"
#include "write_all.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Files are written into "TARGET.partial-..." beside the target, which takes the target's name at the end.
/// Not committed means: there is no target, and the partial directory is removed (or left behind under that
/// name when the process is killed).
class output_directory {
 public:
  /// Fails with `not_empty` when the target is a directory with something in it, and `cannot_write` when it
  /// is something else or nothing can be made beside it.
  static result<output_directory> create(const std::string& target) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::path path = fs::absolute(target, error).lexically_normal();
    if (error || target.empty()) return failure{.code = errc::cannot_write, .file = target};
    if (!path.has_filename()) path = path.parent_path();
    const auto there = fs::status(path, error);
    if (fs::exists(there)) {
      if (!fs::is_directory(there)) return failure{.code = errc::cannot_write, .file = target};
      if (!fs::is_empty(path, error) || error) return failure{.code = errc::not_empty, .file = target};
      path = fs::canonical(path, error);  // a link to an empty directory: what it names is replaced
      if (error) return failure{.code = errc::cannot_write, .file = target};
    }
    output_directory out(path.string());
    auto salt = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                static_cast<std::uint64_t>(::getpid()) << 32;
    for (int attempt = 0; attempt < 100; ++attempt) {
      std::string name = out.target_ + ".partial-";
      for (std::uint64_t bits = salt += 0x9E3779B97F4A7C15u, k = 0; k < 8; ++k, bits /= 36) {
        name += "0123456789abcdefghijklmnopqrstuvwxyz"[bits % 36];
      }
      if (::mkdir(name.c_str(), 0777) == 0) {
        out.partial_ = std::move(name);
        return out;
      }
      if (errno != EEXIST) break;
    }
    return failure{.code = errc::cannot_write, .file = target};
  }
  output_directory(output_directory&& other) noexcept
      : target_(std::move(other.target_)), partial_(std::exchange(other.partial_, {})) {}
  output_directory(const output_directory&) = delete;
  output_directory& operator=(output_directory&&) = delete;
  ~output_directory() {
    std::error_code ignored;
    if (!partial_.empty()) std::filesystem::remove_all(partial_, ignored);
  }

  /// Where a file is to be written now.
  [[nodiscard]] std::string file(const std::string& name) const { return partial_ + "/" + name; }

  /// Makes a directory for files with a '/' in their names. Fails with `cannot_write`.
  [[nodiscard]] result<done> make_parent_of(const std::string& name) const {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(file(name)).parent_path(), error);
    if (error) return failure{.code = errc::cannot_write, .file = name};
    return done{};
  }

  /// Flushes the directories to the disk and takes the target's name. Fails with `cannot_write`.
  result<done> commit() {
    namespace fs = std::filesystem;
    std::error_code error;
    bool flushed = true;
    for (fs::recursive_directory_iterator at(partial_, error), end; !error && at != end;
         at.increment(error)) {
      if (at->is_directory(error)) flushed = flush(at->path().string()) && flushed;
    }
    if (error || !flushed || !flush(partial_) || std::rename(partial_.c_str(), target_.c_str()) != 0) {
      return failure{.code = errc::cannot_write, .file = target_};
    }
    partial_.clear();
    flush(fs::path(target_).parent_path().string());
    return done{};
  }

 private:
  explicit output_directory(std::string target) : target_(std::move(target)) {}

  static bool flush(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool ok = detail::flush_to_disk(fd);
    ::close(fd);
    return ok;
  }

  std::string target_, partial_;
};

/// Neither directory lies in the other. Fails with `unsupported` where one does, and `cannot_write` for a target that
/// is no path.
[[nodiscard]] inline result<done> require_apart(const std::string& source, const std::string& target) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (target.empty()) return failure{.code = errc::cannot_write, .key = "output directory"};
  const std::string from = fs::weakly_canonical(source, error).string() + "/";
  const std::string to = fs::weakly_canonical(fs::absolute(target, error), error).string() + "/";
  if (error) return failure{.code = errc::cannot_write, .file = target};
  if (from.starts_with(to) || to.starts_with(from)) {
    return failure{
        .code = errc::unsupported, .file = target, .key = "an output directory in or around the source"};
  }
  return done{};
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
