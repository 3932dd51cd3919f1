// SPDX-License-Identifier: MIT
/// @file vocab/bpe_options.hpp
/// How a BPE model treats what its merges do not say.
#pragma once

#include <string>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// What a piece is cut into before merging.
enum class bpe_unit : std::uint8_t { byte, character };

/// How a model encodes what its vocabulary lacks, and what it looks up.
struct bpe_options {
  bpe_unit unit = bpe_unit::byte;
  bool ignore_merges = false;  ///< a piece that is a token is that token, whatever the merges say
  bool byte_fallback = false;  ///< an unknown unit becomes the tokens `<0x00>` ... of its bytes, if all exist
  token_id unk = no_token;     ///< what else an unknown unit becomes; without it, it is left out
  bool fuse_unk = false;       ///< one `unk` for unknown units in a row
  std::string continuing_prefix{};  ///< spelled before every unit but the first of a piece, as in "##"
  std::string end_suffix{};         ///< spelled after the last unit of a piece, as in "</w>"
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
