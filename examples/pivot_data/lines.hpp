// SPDX-License-Identifier: MIT
// Lines in and lines out, one at a time, so that memory does not grow with their number.
#pragma once

#include <cstdio>
#include <lagom/io/atomic_file.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pivot_data {

// The lines of a file, or of standard input for "-". A byte order mark and carriage returns before line feeds are
// not part of them.
class line_source {
 public:
  explicit line_source(std::string path);
  ~line_source();
  line_source(const line_source&) = delete;
  line_source& operator=(const line_source&) = delete;

  // The next line, valid until the next call; false at the end.
  bool next(std::string_view& line);
  // Counts from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  bool fill();

  std::string path_, buffer_;
  std::FILE* file_ = nullptr;
  std::size_t begin_ = 0;
  std::uint64_t number_ = 0;
};

// Lines to a file, which takes its name when all is written, or to standard output for "-".
class line_sink {
 public:
  explicit line_sink(const std::string& path);
  void write(std::string_view line);
  void commit();
  [[nodiscard]] bool is_stdout() const noexcept { return !file_; }

 private:
  void flush();

  std::optional<lagom::io::atomic_file> file_;
  std::string buffer_;
};

[[nodiscard]] inline bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace pivot_data
