// SPDX-License-Identifier: MIT
/// @file io/hf/post_processor.hpp
/// The "post_processor" of a tokenizer.json: the special tokens around a single text.
#pragma once

#include "../../text/utf8.hpp"
#include "json.hpp"
#include "unicode_tables.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

class hf_post_processor {
 public:
  /// Fails with `unsupported` for other kinds than TemplateProcessing, RobertaProcessing, BertProcessing,
  /// ByteLevel (which only moves offsets) and a Sequence of these with one at most that adds tokens; with
  /// `unknown_token` where an id has no token (`is_token(id)`).
  template <class IsToken>
  static result<hf_post_processor> read(const hf_node& node, IsToken is_token) {
    hf_post_processor out;
    if (node.is_null()) return out;
    if (auto ok = out.add(node); !ok) return ok.error();
    for (const token_id t : out.parts_) {
      if (t != the_text && !is_token(t)) {
        return failure{.code = errc::unknown_token, .key = node.path, .found = static_cast<std::uint64_t>(t)};
      }
    }
    return out;
  }

  /// The tokens of a text with the special ones around it.
  [[nodiscard]] std::vector<token_id> operator()(std::vector<token_id> text) const {
    if (parts_.size() == 1 && parts_[0] == the_text) return text;
    std::vector<token_id> out;
    for (const token_id t : parts_) {
      if (t == the_text) {
        out.insert(out.end(), text.begin(), text.end());
      } else {
        out.push_back(t);
      }
    }
    return out;
  }

  /// Moves the offsets of a token, in characters, off the spaces of its text (the letter of a space counts as
  /// one), where a ByteLevel or a RobertaProcessing asks for it.
  void trim(std::string_view text, bool first, std::size_t& begin, std::size_t& end) const {
    if (trims_.empty()) return;
    const auto spaces = [](std::string_view t, bool from_end) {
      std::vector<bool> is_space;
      for (std::size_t at = 0; at < t.size();) {
        const utf8_char c = decode_utf8(t, at);
        is_space.push_back(c.code == 0x120 || holds(white_space, c.code));
        at += c.length;
      }
      if (from_end) std::reverse(is_space.begin(), is_space.end());
      return static_cast<std::size_t>(std::find(is_space.begin(), is_space.end(), false) - is_space.begin());
    };
    const std::size_t leading = spaces(text, false), trailing = spaces(text, true);
    for (const bool prefix_space : trims_) {
      const bool ours = leading == 1 && prefix_space && (first || begin == 0);
      if (!ours) begin = std::min(begin + leading, end);
      if (trailing > 0 && end >= trailing) end = std::max(end - trailing, begin);
    }
  }

  /// The same without special tokens. A template may leave the text out, or have it twice.
  [[nodiscard]] std::vector<token_id> without_specials(std::vector<token_id> text) const {
    std::vector<token_id> out;
    const auto copies = std::count(parts_.begin(), parts_.end(), the_text);
    if (copies == 1) return text;
    for (auto i = copies; i > 0; --i) out.insert(out.end(), text.begin(), text.end());
    return out;
  }

 private:
  static constexpr token_id the_text = no_token;
  static constexpr std::uint64_t id_limit = 0x7FFFFFFF;

  result<done> add(const hf_node& node) {
    auto kind = node.kind();
    if (!kind) return kind.error();
    if (*kind == "ByteLevel" || *kind == "RobertaProcessing") {
      auto trims = node.flag("trim_offsets", true);
      if (!trims) return trims.error();
      auto prefix_space = node.flag("add_prefix_space", true);
      if (!prefix_space) return prefix_space.error();
      if (*trims) trims_.push_back(*prefix_space);
      if (*kind == "ByteLevel") return done{};
    }
    if (*kind == "Sequence") {
      auto list = node.list("processors");
      if (!list) return list.error();
      for (const hf_node& each : *list) {
        if (auto ok = add(each); !ok) return ok;
      }
      return done{};
    }
    const bool bert = *kind == "RobertaProcessing" || *kind == "BertProcessing";
    if (!bert && *kind != "TemplateProcessing") return node.unsupported(*kind);
    if (adds_) return node.unsupported("Sequence of several that add tokens");
    adds_ = true;
    return bert ? add_pair(node) : add_template(node);
  }

  /// "cls" and "sep": a text and an id each.
  result<done> add_pair(const hf_node& node) {
    parts_.clear();
    for (const char* const key : {"cls", "sep"}) {
      const hf_node pair = node.optional(key);
      if (pair.value == nullptr) return pair.fail(errc::missing_key);
      if (!pair.value->is_array() || pair.value->size() != 2) return pair.fail(errc::wrong_type);
      auto id = hf_node::as_count((*pair.value)[1], pair.path, id_limit);
      if (!id) return id.error();
      if (!parts_.empty()) parts_.push_back(the_text);
      parts_.push_back(static_cast<token_id>(*id));
    }
    return done{};
  }

  result<done> add_template(const hf_node& node) {
    auto pieces = node.list("single");
    if (!pieces) return pieces.error();
    const hf_node tokens = node.optional("special_tokens");
    parts_.clear();
    for (const hf_node& piece : *pieces) {
      const hf_node sequence = piece.optional("Sequence"), special = piece.optional("SpecialToken");
      if ((sequence.value == nullptr) == (special.value == nullptr)) return piece.fail(errc::wrong_type);
      auto id = (sequence.value != nullptr ? sequence : special).text("id");
      if (!id) return id.error();
      if (sequence.value != nullptr) {
        if (*id != "A") return sequence.fail(errc::bad_value);
        parts_.push_back(the_text);
        continue;
      }
      auto token = tokens.required(std::string(*id).c_str());
      if (!token) return token.error();
      auto ids = token->list("ids");
      if (!ids) return ids.error();
      for (const hf_node& each : *ids) {
        auto number = hf_node::as_count(*each.value, each.path, id_limit);
        if (!number) return number.error();
        parts_.push_back(static_cast<token_id>(*number));
      }
    }
    return done{};
  }

  std::vector<token_id> parts_{the_text};
  std::vector<bool> trims_;  // for each trimming: whether a space in front may be ours
  bool adds_ = false;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
