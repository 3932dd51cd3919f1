// SPDX-License-Identifier: MIT
#include "token_lines.hpp"

#include <algorithm>

#include "fields.hpp"

namespace pivot_data {

namespace {

[[nodiscard]] bool read_ids(const json& list, std::vector<lagom::token_id>& out) {
  out.clear();
  if (!list.is_array()) return false;
  for (const json& one : list) {
    if (!one.is_number_integer()) return false;
    const auto id = one.get<std::int64_t>();
    if (id < -(std::int64_t{1} << 31) || id >= std::int64_t{1} << 31) return false;
    out.push_back(static_cast<lagom::token_id>(id));
  }
  return true;
}

}  // namespace

std::size_t token_line::trained(lagom::token_id ignore) const {
  return labels.size() - static_cast<std::size_t>(std::count(labels.begin(), labels.end(), ignore));
}

std::optional<token_loss> read_tokens(std::string_view line, token_line& out) {
  const auto row = lagom::io::parse_json(line);
  if (!row || !row->is_object()) return token_loss::bad_row;
  const text_field id = text_at(*row, "id", true);
  out.id = id.text.value_or("");
  const json* const ids = lagom::io::find(*row, "ids");
  const json* const labels = lagom::io::find(*row, "labels");
  if (ids == nullptr) return token_loss::no_tokens;
  if (!read_ids(*ids, out.ids)) return token_loss::bad_row;
  if (labels == nullptr) {
    out.labels = out.ids;
  } else if (!read_ids(*labels, out.labels) || out.labels.size() != out.ids.size()) {
    return token_loss::bad_row;
  }
  if (out.ids.size() > std::size_t{1} << 28) return token_loss::too_long;
  return std::nullopt;
}

line_index::line_index(const std::string& path)
    : path_(path), file_(must(lagom::io::mapped_file::open(path))) {
  const std::string_view text = file_.text();
  for (std::size_t at = text.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (!is_blank(text.substr(at, end - at))) begins_.push_back(at);
    at = end + 1;
  }
}
std::string_view line_index::operator[](std::size_t i) const {
  const std::string_view rest = file_.text().substr(begins_[i]);
  std::string_view line = rest.substr(0, rest.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace pivot_data
