// SPDX-License-Identifier: MIT
/// @file cost/models.hpp
/// Shapes of well-known decoders, from their published configurations.
#pragma once

#include <string_view>

#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

struct named_shape {
  std::string_view name;
  decoder_shape shape;
};

// clang-format off
//                                                   l    h     i      H   Hkv  hd   V
inline constexpr decoder_shape llama2_7b         {  32, 4096, 11008,  32,  32, 128,  32000};
inline constexpr decoder_shape llama2_13b        {  40, 5120, 13824,  40,  40, 128,  32000};
inline constexpr decoder_shape llama2_70b        {  80, 8192, 28672,  64,   8, 128,  32000};
inline constexpr decoder_shape llama3_8b         {  32, 4096, 14336,  32,   8, 128, 128256};
inline constexpr decoder_shape llama32_1b        {  16, 2048,  8192,  32,   8,  64, 128256, true, true};
inline constexpr decoder_shape tinyllama_1b      {  22, 2048,  5632,  32,   4,  64,  32000};
inline constexpr decoder_shape qwen25_7b         {  28, 3584, 18944,  28,   4, 128, 152064};
inline constexpr decoder_shape qwen25_05b        {  24,  896,  4864,  14,   2,  64, 151936, true, true};
inline constexpr decoder_shape gemma2_2b         {  26, 2304,  9216,   8,   4, 256, 256000, true, true};
inline constexpr decoder_shape opt_13b           {  40, 5120, 20480,  40,  40, 128,  50272, false, true, true, true, true, 1, 1, 2050};
inline constexpr decoder_shape gpt2              {  12,  768,  3072,  12,  12,  64,  50257, false, true, true, true, true, 1, 1, 1024};
// The models pre-trained from scratch in "Instruction Pre-Training" (arXiv 2406.14491), Table 10.
inline constexpr decoder_shape instruct_500m     {  16, 1536,  4320,  24,  24,  64,  32000};
inline constexpr decoder_shape instruct_1b3      {  20, 2048,  7168,  16,  16, 128,  32000};

inline constexpr named_shape models[] = {
    {"Llama2-7B", llama2_7b},   {"Llama2-13B", llama2_13b},   {"Llama2-70B", llama2_70b},
    {"Llama3-8B", llama3_8b},   {"Llama3.2-1B", llama32_1b},  {"TinyLlama-1.1B", tinyllama_1b},
    {"Qwen2.5-7B", qwen25_7b},  {"Qwen2.5-0.5B", qwen25_05b}, {"Gemma2-2B", gemma2_2b},
    {"OPT-13B", opt_13b},       {"GPT-2", gpt2},
};
// clang-format on

}  // namespace cost
}  // namespace v0
}  // namespace lagom
