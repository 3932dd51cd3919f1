// SPDX-License-Identifier: MIT
/// @file vocab/placement.hpp
/// How new tokens of a BPE vocabulary are chosen and where their merges stand, by name.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "expand.hpp"
#include "prepend_aux.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// The functions of these names, `expand` being `append_continued`.
enum class placement : std::uint8_t { append_continued, append_aux, prepend_aux };

/// All placements with their names.
inline constexpr std::array<std::pair<std::string_view, placement>, 3> placements = {
    {{"append_continued", placement::append_continued},
     {"append_aux", placement::append_aux},
     {"prepend_aux", placement::prepend_aux}}};

/// The placement of a name; none for other names.
[[nodiscard]] constexpr std::optional<placement> placement_of(std::string_view name) noexcept {
  for (const auto& [known, how] : placements) {
    if (known == name) return how;
  }
  return std::nullopt;
}

/// Expands in the way that is named, with an auxiliary tokenizer of `auxiliary_tokens`, trained on `counts`, where
/// it takes one. `min_gain`, `min_share` and `new_units` are for continued BPE. Fails as the function does.
template <piece_counts Counts>
result<expanded> expand(const bpe& source, const Counts& counts, placement how,
                        const expand_options& options = {}, std::size_t auxiliary_tokens = 50000) {
  if (how == placement::append_continued) return expand(source, counts, options);
  const auxiliary_options like{.tokens = options.tokens,
                               .auxiliary_tokens = auxiliary_tokens,
                               .first_id = options.first_id,
                               .max_bytes = options.max_bytes,
                               .keep_words = options.keep_words,
                               .digits_apart = options.digits_apart,
                               .scripts_apart = options.scripts_apart,
                               .reserved = options.reserved};
  if (how == placement::append_aux) return append_aux(source, counts, like);
  auto auxiliary = auxiliary_of(source, counts, like);
  if (!auxiliary) return auxiliary.error();
  return prepend_aux(source, *auxiliary, counts, options.tokens, options.first_id, options.reserved);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
