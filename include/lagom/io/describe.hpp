// SPDX-License-Identifier: MIT
/// @file io/describe.hpp
/// A failure as one clear line.
#pragma once

#include <string>

#include "../core/failure.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a reason means, as the middle of a sentence.
[[nodiscard]] constexpr std::string_view reason(errc code) noexcept {
  switch (code) {
    case errc::cannot_open:
      return "cannot be opened";
    case errc::cannot_read:
      return "cannot be read";
    case errc::cannot_write:
      return "cannot be written";
    case errc::not_empty:
      return "is there already, and not empty";
    case errc::truncated:
      return "ends too early";
    case errc::trailing_bytes:
      return "goes on after its end";
    case errc::too_large:
      return "is too large";
    case errc::bad_utf8:
      return "is not valid UTF-8";
    case errc::bad_json:
      return "is not valid JSON";
    case errc::too_deep:
      return "is nested too deeply";
    case errc::duplicate_key:
      return "appears twice";
    case errc::missing_key:
      return "is missing";
    case errc::unknown_key:
      return "is not a name that is known here";
    case errc::wrong_type:
      return "has the wrong type";
    case errc::bad_value:
      return "has a value that makes no sense";
    case errc::out_of_range:
      return "is out of range";
    case errc::unsupported:
      return "is not supported";
    case errc::unknown_dtype:
      return "has an unknown dtype";
    case errc::wrong_dtype:
      return "has the wrong dtype";
    case errc::wrong_shape:
      return "has the wrong shape";
    case errc::overflow:
      return "has a size that overflows";
    case errc::overlap:
      return "overlaps another tensor";
    case errc::hole:
      return "leaves a hole before it";
    case errc::size_mismatch:
      return "has a size that does not match its shape";
    case errc::missing_tensor:
      return "is not in the checkpoint";
    case errc::bad_merge:
      return "is not a merge of two tokens of the vocabulary";
    case errc::bad_pattern:
      return "is not a usable regular expression";
    case errc::unknown_token:
      return "is not in the vocabulary";
    case errc::empty:
      return "is empty";
    case errc::one_class:
      return "is the same everywhere: nothing to separate";
    case errc::not_finite:
      return "is NaN or infinite";
    case errc::not_converged:
      return "did not converge";
    case errc::wrong_width:
      return "has the wrong number of features";
    case errc::wrong_features:
      return "is not among the features";
    case errc::wrong_schema:
      return "is of another kind or version";
    case errc::not_certified:
      return "cannot be certified";
    case errc::changed:
      return "is not what it was when this file was written";
    case errc::too_long:
      return "is too long for the context";
    case errc::device:
      return "stopped the device";
  }
  return "failed";
}

/// "model.safetensors: wte.weight overlaps another tensor (byte 4096; expected 128, found 64)".
[[nodiscard]] inline std::string describe(const failure& f) {
  std::string line;
  if (!f.file.empty()) line.append(f.file.view()).append(": ");
  if (!f.key.empty()) {
    line.append(f.key.view()).append(" ");
  } else if (f.file.empty()) {
    line.append("input ");
  }
  line.append(reason(f.code));
  std::string where;
  const auto add = [&where](std::string_view name, std::uint64_t value) {
    if (value == failure::none) return;
    if (!where.empty()) where += "; ";
    where.append(name).append(std::to_string(value));
  };
  add("line ", f.row);
  add("byte ", f.byte);
  add("expected ", f.expected);
  add("found ", f.found);
  if (!where.empty()) line.append(" (").append(where).append(")");
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';  // one line, whatever a file put into a name
  }
  return line;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
