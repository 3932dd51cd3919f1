// SPDX-License-Identifier: MIT
// Texts in the rows of JSON files.
#pragma once

#include <lagom/io/json.hpp>
#include <optional>

namespace pivot_data {

using lagom::io::json;

// The text under a key: nothing where it is not there; `wrong_type` for what is no text. Ids may be whole numbers.
struct text_field {
  std::optional<std::string> text;
  bool wrong_type = false;
};
[[nodiscard]] inline text_field text_at(const json& row, const char* key, bool or_number = false) {
  const json* const at = lagom::io::find(row, key);
  if (at == nullptr || at->is_null()) return {};
  if (at->is_string()) return {at->get<std::string>(), false};
  if (or_number && at->is_number_integer()) return {at->dump(), false};
  return {{}, true};
}

}  // namespace pivot_data
