// SPDX-License-Identifier: MIT
/// @file prompt/plug_first_hit.hpp
/// How PLUG's released reader takes the answer out of an output, and what it calls the result.
#pragma once

#include "parse_sections.hpp"
#include "strip.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {
namespace compat {

/// The codes of the released reader: an answer that is empty, doubled, before its pivot or in the wrong language is `ok`.
enum class plug_code : std::uint8_t {
  ok,
  not_found,    ///< no target header; the answer is empty
  monolingual,  ///< answers that begin with the target section: no other header; all of the rest is kept
};
[[nodiscard]] constexpr std::array<std::string_view, 3> names_of(plug_code) noexcept {
  return {"ok", "not_found", "monolingual"};
}

/// What it took. Sees the output.
struct plug_answer {
  plug_code code = plug_code::not_found;
  std::string_view text;

  friend constexpr bool operator==(const plug_answer&, const plug_answer&) = default;
};

/// The released reader (ytyz1307zzh/PLUG, `extract_response_from_bilingual_output.py`): all after the first occurrence of
/// the target header, wherever it stands, also quoted in the pivot text; byte for byte, so another colon or normal form
/// is not found. O(output). `parse_sections` looks for headers that begin a line, in order.
[[nodiscard]] constexpr plug_answer plug_first_hit(std::string_view output,
                                                   std::string_view target_header) noexcept {
  const std::size_t at = output.find(target_header);
  if (at == std::string_view::npos) return {};
  return {plug_code::ok, strip(output.substr(at + target_header.size()))};
}
/// The same for answers that begin with the target section: cut at the first occurrence of the other header after it.
[[nodiscard]] constexpr plug_answer plug_first_hit(std::string_view output, std::string_view target_header,
                                                   std::string_view other_header) noexcept {
  plug_answer out = plug_first_hit(output, target_header);
  if (out.code == plug_code::not_found) return out;
  const std::size_t end = out.text.find(other_header);
  out.code = end == std::string_view::npos ? plug_code::monolingual : plug_code::ok;
  out.text = strip(out.text.substr(0, end));
  return out;
}

/// What the released reader calls an output that `parse_sections` gives this code at the exact spelling of headers.
[[nodiscard]] constexpr plug_code plug_codes(parse_code code) noexcept {
  const bool lost =
      code == parse_code::truncated || code == parse_code::no_sections || code == parse_code::missing_target;
  return lost ? plug_code::not_found : plug_code::ok;
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
