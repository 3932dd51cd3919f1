// SPDX-License-Identifier: MIT
/// @file prompt/chat_style.hpp
/// How a family of models writes the turns of a conversation.
#pragma once

#include <string_view>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What stands around the text of a turn: `before lead text end after`. Of an answer that is trained, `lead` and `end`
/// carry loss (what the model has to write itself), `before` and `after` never do.
struct turn_marks {
  std::string_view before{}, lead{}, end{}, after{};

  friend constexpr bool operator==(const turn_marks&, const turn_marks&) = default;
};

/// The turns of a family. A prompt to answer ends with `assistant.before`.
struct chat_style {
  std::string_view begin{};  ///< before the first turn, where the beginning of a text is written out
  turn_marks system{}, user{}, assistant{};

  friend constexpr bool operator==(const chat_style&, const chat_style&) = default;
};

/// PLUG's wrapper (ytyz1307zzh/PLUG; Tulu's markers): plain text, a line of its own for each marker, `</s>` after the
/// answer. Set `assistant.end` to the end token of another model.
inline constexpr chat_style plug_style{
    .begin = {},
    .system = {.before = "<|system|>\n", .lead = {}, .end = {}, .after = "\n"},
    .user = {.before = "<|user|>\n", .lead = {}, .end = {}, .after = "\n"},
    .assistant = {.before = "<|assistant|>\n", .lead = {}, .end = "</s>", .after = {}}};

/// The same for tokenizers that merge a line feed with what follows (XGLM, PolyLM): a prompt ends with the marker, and
/// the line feed is the model's to write.
inline constexpr chat_style plug_style_lead{
    .begin = {},
    .system = plug_style.system,
    .user = plug_style.user,
    .assistant = {.before = "<|assistant|>", .lead = "\n", .end = "</s>", .after = {}}};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
