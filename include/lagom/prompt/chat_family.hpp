// SPDX-License-Identifier: MIT
/// @file prompt/chat_family.hpp
/// The chat styles of common families of models, as constants.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "chat_style.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Where a family writes what a system says.
enum class system_place : std::uint8_t {
  own_turn,
  first_user,  ///< inside the first user turn, before its text
  last_user,   ///< inside the last user turn, where the conversation ends with it; else nowhere
  refused,     ///< the family has no system
};

/// Whose texts lose the white space at their ends. A user's text after a system that stands in the same turn keeps what
/// is in front of it where `joined` is set: the template strips the two as one.
struct stripped_texts {
  bool system = false, user = false, assistant = false, joined = false;
};

/// A chat style with what its published template does beside writing marks. A family of your own is a value like these.
struct chat_family {
  std::string_view name;
  chat_style style;
  system_place system = system_place::own_turn;
  std::string_view system_open{}, system_close{};  ///< around a system inside a user turn
  bool alternates = false;                         ///< user and assistant must take turns
  stripped_texts strips{};
  std::string_view finish{};  ///< after the last turn of a conversation that is not asked on
};

/// The families, restated from the formats that their makers publish. `style.assistant.end` is what a model writes to
/// end its turn. Beginnings of a text that a tokenizer adds by itself are in `style.begin`: leave one of the two out.
/// No default system text is included: give one as the first turn.
namespace chat {

namespace detail {
constexpr turn_marks im(std::string_view before, std::string_view after = "\n") {
  return {before, {}, "<|im_end|>", after};
}
constexpr turn_marks stop(std::string_view before, std::string_view end, std::string_view after,
                          std::string_view lead = {}) {
  return {before, lead, end, after};
}
}  // namespace detail

/// ChatML: Qwen, Yi, Hermes.
inline constexpr chat_family chatml{.name = "chatml",
                                    .style = {.begin = {},
                                              .system = detail::im("<|im_start|>system\n"),
                                              .user = detail::im("<|im_start|>user\n"),
                                              .assistant = detail::im("<|im_start|>assistant\n")}};

/// Llama 2: each request begins a text; the system is in the first.
inline constexpr chat_family llama2{.name = "llama2",
                                    .style = {.begin = {},
                                              .system = {},
                                              .user = detail::stop("<s>[INST] ", {}, " [/INST]"),
                                              .assistant = detail::stop({}, " </s>", {}, " ")},
                                    .system = system_place::first_user,
                                    .system_open = "<<SYS>>\n",
                                    .system_close = "\n<</SYS>>\n\n",
                                    .alternates = true,
                                    .strips = {.user = true, .assistant = true, .joined = true}};

inline constexpr chat_family llama3{
    .name = "llama3",
    .style = {.begin = "<|begin_of_text|>",
              .system = detail::stop("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>", {}),
              .user = detail::stop("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>", {}),
              .assistant =
                  detail::stop("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", {})},
    .strips = {.system = true, .user = true, .assistant = true}};

/// Gemma 1 and 2: no system.
inline constexpr chat_family gemma{
    .name = "gemma",
    .style = {.begin = "<bos>",
              .system = {},
              .user = detail::stop("<start_of_turn>user\n", "<end_of_turn>", "\n"),
              .assistant = detail::stop("<start_of_turn>model\n", "<end_of_turn>", "\n")},
    .system = system_place::refused,
    .alternates = true,
    .strips = {.user = true, .assistant = true}};

/// Gemma 3: the system stands before the first request.
inline constexpr chat_family gemma3{.name = "gemma3",
                                    .style = gemma.style,
                                    .system = system_place::first_user,
                                    .system_close = "\n\n",
                                    .alternates = true,
                                    .strips = gemma.strips};

inline constexpr chat_family mistral_v1{.name = "mistral_v1",
                                        .style = {.begin = "<s>",
                                                  .system = {},
                                                  .user = detail::stop(" [INST] ", {}, " [/INST]"),
                                                  .assistant = detail::stop({}, "</s>", {}, " ")},
                                        .system = system_place::first_user,
                                        .system_close = "\n\n",
                                        .alternates = true};

inline constexpr chat_family mistral_v3{.name = "mistral_v3",
                                        .style = {.begin = "<s>",
                                                  .system = {},
                                                  .user = detail::stop("[INST] ", {}, "[/INST]"),
                                                  .assistant = detail::stop({}, "</s>", {}, " ")},
                                        .system = system_place::last_user,
                                        .system_close = "\n\n",
                                        .alternates = true,
                                        .strips = {.assistant = true}};

inline constexpr chat_family mistral_v7{
    .name = "mistral_v7",
    .style = {.begin = "<s>",
              .system = detail::stop("[SYSTEM_PROMPT] ", {}, "[/SYSTEM_PROMPT]"),
              .user = mistral_v3.style.user,
              .assistant = mistral_v3.style.assistant}};

inline constexpr chat_family phi3{.name = "phi3",
                                  .style = {.begin = {},
                                            .system = detail::stop("<|system|>\n", "<|end|>", "\n"),
                                            .user = detail::stop("<|user|>\n", "<|end|>", "\n"),
                                            .assistant = detail::stop("<|assistant|>\n", "<|end|>", "\n")},
                                  .finish = "<|endoftext|>"};

inline constexpr chat_family phi4{.name = "phi4",
                                  .style = {.begin = {},
                                            .system = detail::im("<|im_start|>system<|im_sep|>", {}),
                                            .user = detail::im("<|im_start|>user<|im_sep|>", {}),
                                            .assistant = detail::im("<|im_start|>assistant<|im_sep|>", {})}};

inline constexpr chat_family zephyr{.name = "zephyr",
                                    .style = {.begin = {},
                                              .system = detail::stop("<|system|>\n", "</s>", "\n"),
                                              .user = detail::stop("<|user|>\n", "</s>", "\n"),
                                              .assistant = detail::stop("<|assistant|>\n", "</s>", "\n")}};

/// Vicuna 1.1: plain words.
inline constexpr chat_family vicuna{.name = "vicuna",
                                    .style = {.begin = {},
                                              .system = detail::stop({}, {}, " "),
                                              .user = detail::stop("USER: ", {}, " "),
                                              .assistant = detail::stop("ASSISTANT:", "</s>", {}, " ")}};

/// Alpaca: the system is the preamble. Made for one exchange; more of them are joined as if each were the first.
inline constexpr chat_family alpaca{.name = "alpaca",
                                    .style = {.begin = {},
                                              .system = detail::stop({}, {}, "\n\n"),
                                              .user = detail::stop("### Instruction:\n", {}, "\n\n"),
                                              .assistant = detail::stop("### Response:", "</s>", "\n\n")}};

inline constexpr chat_family command_r{
    .name = "command_r",
    .style = {.begin = "<BOS_TOKEN>",
              .system = detail::stop("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>", {}),
              .user = detail::stop("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>", {}),
              .assistant =
                  detail::stop("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>", {})},
    .alternates = true,
    .strips = {.user = true, .assistant = true}};

inline constexpr chat_family granite{
    .name = "granite",
    .style = {
        .begin = {},
        .system = detail::stop("<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>", "\n"),
        .user = detail::stop("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>", "\n"),
        .assistant = detail::stop("<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>", "\n")}};

inline constexpr std::array<const chat_family*, 15> families{
    &alpaca,     &chatml,     &command_r,  &gemma, &gemma3, &granite, &llama2, &llama3,
    &mistral_v1, &mistral_v3, &mistral_v7, &phi3,  &phi4,   &vicuna,  &zephyr};

/// The family of that name, or null.
[[nodiscard]] constexpr const chat_family* find(std::string_view name) noexcept {
  for (const chat_family* f : families) {
    if (f->name == name) return f;
  }
  return nullptr;
}

}  // namespace chat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
