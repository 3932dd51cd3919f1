// SPDX-License-Identifier: MIT
/// @file vocab/bpe_units.hpp
/// A piece through a BPE model, with the units that the model lacks kept apart.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bpe.hpp"
#include "byte_name.hpp"
#include "space_mark.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// Tokens and unknown units of pieces. It holds the model by reference.
class bpe_units {
 public:
  /// A unit that is no token: as it would be spelled, and how many byte tokens stand for it.
  struct unknown {
    std::string_view text;
    std::size_t bytes = 0;
    bool lost = false;  ///< it becomes `unk`, or nothing: the tokens do not say what it was
  };

  /// `keeps_gaps`: lost units that leave nothing keep what is around them apart, as in a `scored_bpe`.
  explicit bpe_units(const bpe& model, bool keeps_gaps = false)
      : model_(&model),
        table_(model.merges()),
        plain_(model.options().continuing_prefix.empty() && model.options().end_suffix.empty()),
        whole_(model.options().unit == bpe_unit::byte && !model.options().byte_fallback &&
               model.knows_every_byte()),
        keeps_gaps_(keeps_gaps) {
    if (!model.options().byte_fallback) return;
    for (unsigned b = 0; b < 256; ++b) fallback_[b] = model.tokens().find(byte_name(b));
  }

  /// The byte that a token stands for because the model falls back to it; -1 for any other token.
  [[nodiscard]] int fallback_byte(token_id token) const noexcept {
    if (!model_->options().byte_fallback) return -1;
    const auto at = std::find(fallback_.begin(), fallback_.end(), token);
    return token == no_token || at == fallback_.end() ? -1 : static_cast<int>(at - fallback_.begin());
  }

  /// Whether unknown units that are lost leave nothing, so that what is around them meets.
  [[nodiscard]] bool closes_gaps() const noexcept {
    return model_->options().unk == no_token && !keeps_gaps_;
  }

  /// Whether a merge has a side that stands for lost units.
  [[nodiscard]] bool merges_unk() const {
    const token_id unk = model_->options().unk;
    const auto merges = model_->merges();
    return std::any_of(merges.begin(), merges.end(), [unk](const merge& m) {
      return unk != no_token && (m.left == unk || m.right == unk);
    });
  }

  /// Whether a merge has a side that is a byte token: then unknown units do not stay apart.
  [[nodiscard]] bool merges_byte_tokens() const {
    if (!model_->options().byte_fallback) return false;
    const auto merges = model_->merges();
    return std::any_of(merges.begin(), merges.end(), [this](const merge& m) {
      return fallback_byte(m.left) >= 0 || fallback_byte(m.right) >= 0;
    });
  }

  /// The text that two adjacent tokens have together.
  [[nodiscard]] std::string joined(std::string_view left, std::string_view right) const {
    const std::string& prefix = model_->options().continuing_prefix;
    std::string out(left);
    return out += right.substr(right.substr(0, prefix.size()) == prefix ? prefix.size() : 0);
  }

  /// A token's text without what only says where it stands: prefix and suffix.
  [[nodiscard]] std::string plain_text(std::string_view text) const {
    bool continues = false, ends = true;
    strip(text, continues, ends);
    return std::string(text);
  }

  /// Calls `token(id)` and `missing(unknown)` for what the piece becomes, in order; but lost units that leave
  /// nothing come before what is around them.
  template <class Token, class Missing>
  void operator()(std::string_view piece, Token token, Missing missing) {
    const token_id looked_up = model_->options().ignore_merges ? model_->tokens().find(piece) : no_token;
    if (looked_up != no_token) return token(looked_up);
    if (whole_) return model_->encode_piece(piece, token);
    cut(model_->tokens(), piece, false, true, token, missing);
  }

  /// The same with the units of another table, which has the model's tokens and more: the merges are the model's.
  template <class Token, class Missing>
  void cut_by(const token_table& units, std::string_view piece, Token token, Missing missing) {
    cut(units, piece, false, true, token, missing);
  }

  /// How many units a piece has.
  [[nodiscard]] std::size_t count(std::string_view piece) const noexcept {
    if (model_->options().unit == bpe_unit::byte) return piece.size();
    std::size_t n = 0;
    for (std::size_t at = 0; at < piece.size(); ++n) at += decode_utf8(piece, at).length;
    return n;
  }

  /// The tokens of a token's own text, as it stands in a longer piece; false when a unit of it is unknown.
  bool text_of_token(std::string_view text, std::vector<token_id>& out) {
    bool continues = false, ends = true, known = true;
    strip(text, continues, ends);
    cut(
        model_->tokens(), text, continues, ends, [&](token_id t) { out.push_back(t); },
        [&](const unknown& u) {
          for (const char c : u.text) {
            if (!u.lost) out.push_back(fallback_[static_cast<unsigned char>(c)]);
          }
          known = known && !u.lost;
        });
    return known;
  }

 private:
  void strip(std::string_view& text, bool& continues, bool& ends) const {
    const std::string &prefix = model_->options().continuing_prefix, &suffix = model_->options().end_suffix;
    if (!prefix.empty() && text.size() > prefix.size() && text.substr(0, prefix.size()) == prefix) {
      continues = true;
      text.remove_prefix(prefix.size());
    }
    if (suffix.empty()) return;
    ends = text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
    if (ends) text.remove_suffix(suffix.size());
  }

  template <class Token, class Missing>
  void cut(const token_table& known_units, std::string_view piece, bool continues, bool ends, Token token,
           Missing missing) {
    const auto flush = [&] {
      const std::size_t n = apply_merges(table_, ids_);
      for (std::size_t i = 0; i < n; ++i) token(ids_[i]);
      ids_.clear();
    };
    std::string spelled;
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t length = model_->options().unit == bpe_unit::byte ? 1 : decode_utf8(piece, at).length;
      std::string_view unit = piece.substr(at, length);
      if (!plain_) {
        spelled.clear();
        if (continues || at > 0) spelled += model_->options().continuing_prefix;
        spelled += unit;
        if (ends && at + length == piece.size()) spelled += model_->options().end_suffix;
        unit = spelled;
      }
      at += length;
      if (const token_id known = known_units.find(unit); known != no_token) {
        ids_.push_back(known);
        continue;
      }
      const bool falls_back =
          model_->options().byte_fallback && std::all_of(unit.begin(), unit.end(), [this](char c) {
            return fallback_[static_cast<unsigned char>(c)] != no_token;
          });
      if (falls_back || !closes_gaps()) flush();
      missing(unknown{unit, falls_back ? unit.size() : 0, !falls_back});
    }
    flush();
  }

  const bpe* model_;
  merge_table table_;
  bool plain_, whole_, keeps_gaps_;
  std::array<token_id, 256> fallback_{};
  std::vector<token_id> ids_;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
