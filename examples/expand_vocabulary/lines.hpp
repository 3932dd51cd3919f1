// SPDX-License-Identifier: MIT
// Lines of text files, and the same lines under two tokenizers.
#pragma once

#include <lagom/io/corpus_file.hpp>

#include "report.hpp"

namespace expand_vocabulary {

// Calls `visit(line)` for every line.
template <class Visit>
[[nodiscard]] lagom::result<lagom::done> for_each_line(const std::string& path, Visit visit) {
  auto file = lagom::io::mapped_file::open(path);
  if (!file) return file.error();
  const std::string_view text = file->text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    visit(line);
    at = end + 1;
  }
  return lagom::done{};
}

// The lines of a file that are not empty; at most `limit` of them, evenly spread.
[[nodiscard]] inline lagom::result<std::vector<std::string>> read_lines(const std::string& path,
                                                                        std::size_t limit) {
  std::vector<std::string> all;
  auto read = for_each_line(path, [&](std::string_view line) {
    if (!line.empty()) all.emplace_back(line);
  });
  if (!read) return read.error();
  if (all.size() <= limit) return all;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < limit; ++i) out.push_back(std::move(all[i * all.size() / limit]));
  return out;
}

// Every line of some files under both tokenizers.
template <class Source, class Target>
[[nodiscard]] lagom::result<lagom::vocab::cut_changes> compare_lines(const std::vector<std::string>& paths,
                                                                     const Source& source,
                                                                     const Target& target) {
  lagom::vocab::cut_changes out;
  for (const std::string& path : paths) {
    auto read = for_each_line(path, [&](std::string_view line) { out.push_line(source, target, line); });
    if (!read) return read.error();
  }
  return out;
}

}  // namespace expand_vocabulary
