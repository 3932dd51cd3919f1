// SPDX-License-Identifier: MIT
/// @file io/jsonl.hpp
/// JSON lines.
#pragma once

#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Calls `row(document, line)` for every line that is not blank; lines count from 1. `row` returns a
/// `result<done>`; its failure ends the reading. Every failure names file and line.
template <class Row>
result<done> for_each_json_line(const std::string& path, Row&& row) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  std::string_view rest = file->text();
  for (std::uint64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto parsed = parse_json(text);
    result<done> ok = done{};
    if (parsed) {
      ok = row(*parsed, line);
    } else {
      ok = parsed.error();
    }
    if (!ok) {
      failure f = ok.error().in(path);
      f.row = line;
      return f;
    }
  }
  return done{};
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
