// SPDX-License-Identifier: MIT
/// @file io/text_lines.hpp
/// Lines of texts that are mapped, not read: a corpus of any size passes through little memory.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Calls `visit(line)` for every line of `text` that begins in [begin, end): ranges that follow each other
/// share the lines of a text among them. A line ends before '\n' or "\r\n", or at the end of the text. An
/// empty line is a line, and so is what follows the last line end, if anything does.
/// Precondition: begin <= end <= text.size().
template <class Visit>
void for_each_line_in(std::string_view text, std::size_t begin, std::size_t end, Visit visit) {
  if (begin > 0) {  // the first begin of a line: after a line end in [begin - 1, end - 1)
    const void* const found = begin < end ? std::memchr(text.data() + begin - 1, '\n', end - begin) : nullptr;
    if (found == nullptr) return;
    begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + 1;
  }
  while (begin < end) {
    const std::size_t stop = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, stop - begin);
    if (stop < text.size() && !line.empty() && line.back() == '\r') line.remove_suffix(1);
    visit(line);
    begin = stop + 1;
  }
}

/// Lets go of the pages that lie wholly in a part of a mapped file, so that a large one does not fill the
/// memory. They are read again where they are seen again.
inline void forget(std::string_view mapped) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped.data());
  const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + mapped.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

/// The lines of text files, one file after the other; what was seen is let go of.
///
/// ```cpp
/// auto lines = lagom::io::text_lines::open({"sw.txt", "ha.txt"});
/// for (std::string_view line; lines->next(line);) counts.push_line(tokenizer, line);
/// ```
/// Precondition: nobody truncates the files meanwhile.
class text_lines {
 public:
  /// Fails with the errors of `mapped_file::open`.
  static result<text_lines> open(const std::vector<std::string>& paths) {
    text_lines out;
    for (const std::string& path : paths) {
      auto file = mapped_file::open(path);
      if (!file) return file.error();
      out.of_bytes_ += file->text().size();
      out.files_.push_back(std::move(*file));
    }
    return out;
  }

  /// The next line, without its end; it stays as long as this object. False after the last one.
  bool next(std::string_view& line) {
    for (; file_ < files_.size(); ++file_, at_ = released_ = 0) {
      const std::string_view text = files_[file_].text();
      if (at_ - released_ >= step || at_ >= text.size()) {
        forget(text.substr(released_, at_ - released_));
        released_ = at_;
      }
      if (at_ >= text.size()) continue;
      const std::size_t stop = std::min(text.find('\n', at_), text.size());
      const std::size_t size = stop - at_, after = std::min(stop + 1, text.size());
      line = text.substr(at_, size);
      if (stop < text.size() && !line.empty() && line.back() == '\r') line.remove_suffix(1);
      bytes_ += after - at_;
      at_ = after;
      return true;
    }
    return false;
  }

  /// Begins again.
  void rewind() noexcept { file_ = at_ = released_ = bytes_ = 0; }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  ///< that were seen, line ends too
  [[nodiscard]] std::uint64_t of_bytes() const noexcept { return of_bytes_; }  ///< of all files

 private:
  static constexpr std::size_t step = std::size_t{8} << 20;

  std::vector<mapped_file> files_;
  std::size_t file_ = 0, at_ = 0, released_ = 0;
  std::uint64_t bytes_ = 0, of_bytes_ = 0;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
