// SPDX-License-Identifier: MIT
// Rows that have tokens, in files of JSON lines.
#pragma once

#include <lagom/io/mapped_file.hpp>
#include <optional>
#include <vector>

#include "lines.hpp"
#include "report.hpp"

namespace pivot_data {

enum class token_loss : std::uint8_t { bad_row, no_tokens, too_long };
[[nodiscard]] constexpr std::array<std::string_view, 3> names_of(token_loss) noexcept {
  return {"bad_row", "no_tokens", "too_long"};
}

struct token_line {
  std::string id;
  std::vector<lagom::token_id> ids, labels;
  [[nodiscard]] std::size_t trained(lagom::token_id ignore = -100) const;
};
// Ids and labels of a row; labels that are not there are the ids. At most 2^28 tokens.
[[nodiscard]] std::optional<token_loss> read_tokens(std::string_view line, token_line& out);

// The lines of a file that are not blank, by number: 8 bytes a line.
class line_index {
 public:
  explicit line_index(const std::string& path);
  [[nodiscard]] std::size_t size() const noexcept { return begins_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t i) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return file_.text().size(); }

 private:
  std::string path_;
  lagom::io::mapped_file file_;
  std::vector<std::uint64_t> begins_;
};

}  // namespace pivot_data
