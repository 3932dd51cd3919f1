// SPDX-License-Identifier: MIT
/// @file io/hf/bert.hpp
/// The normalizers that look at single characters: BERT's, NMT's, and the byte alphabet.
#pragma once

#include <array>

#include "../../vocab/byte_alphabet.hpp"
#include "normalized.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// What BERT and NMT make of a character: itself, another, or nothing.
inline constexpr char32_t dropped = 0xFFFFFFFF;

/// Cleaning: control, format and private characters, NUL and U+FFFD go, every white space becomes a space.
[[nodiscard]] inline char32_t bert_clean(char32_t code) noexcept {
  if (code == '\t' || code == '\n' || code == '\r') return ' ';
  if (code == 0xFFFD) return dropped;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  const bool control = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
                       category == UTF8PROC_CATEGORY_CO;
  if (control && !holds(control_late, code)) return dropped;
  return holds(white_space, code) ? U' ' : code;
}

/// A nonspacing mark goes.
[[nodiscard]] inline char32_t bert_strip_accent(char32_t code) noexcept {
  if (code < 0x300) return code;
  const bool now = utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_MN;
  return (now && !holds(nonspacing_late, code)) || holds(nonspacing_once, code) ? dropped : code;
}

[[nodiscard]] constexpr char32_t nmt_clean(char32_t code) noexcept {
  if ((code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
      code == 0x8F || code == 0x9F) {
    return dropped;
  }
  const bool space = code == 0x9 || code == 0xA || code == 0xC || code == 0xD || code == 0x1680 ||
                     (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 ||
                     code == 0x2581 || code == 0xFEFF || code == 0xFFFD;
  return space ? U' ' : code;
}

struct hf_nmt {
  void operator()(hf_normalized& n, hf_matcher&) const {
    n.rewrite_chars([](char32_t code, std::string_view, std::string& out) {
      if (const char32_t clean = nmt_clean(code); clean != dropped) append_utf8(out, clean);
    });
  }
};

/// Each byte as a letter.
struct hf_spell_bytes {
  void operator()(hf_normalized& n, hf_matcher&) const {
    n.rewrite_chars(
        [](char32_t, std::string_view bytes, std::string& out) { vocab::append_letters(out, bytes); });
  }
};

/// BertNormalizer: cleaning, spaces around ideographs, accents off (in the decomposed form), lower case.
struct hf_bert {
  bool clean = true, ideographs_apart = true, strip_accents = true, lower = true;

  void operator()(hf_normalized& n, hf_matcher&) const {
    std::string out, head;
    append(out, n.text);
    if (n.origin > 0) append(head, std::string_view(n.text).substr(0, n.origin));
    // a mark that changes places with one of the text's first character is part of another
    if (out.compare(0, head.size(), head) != 0) head.resize(decode_utf8(out, 0).length);
    n = {std::move(out), head.size()};
  }

 private:
  /// Nothing acts across an ASCII character, so runs of ASCII take a short way.
  void append(std::string& out, std::string_view text) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t wide = find_non_ascii(text, at);
      for (; at < wide; ++at) {
        const unsigned char c = static_cast<unsigned char>(text[at]);
        if (clean && (c < 0x20 || c == 0x7F)) {
          if (c == '\t' || c == '\n' || c == '\r') out.push_back(' ');
        } else {
          out.push_back(static_cast<char>(lower && c >= 'A' && c <= 'Z' ? c + 32 : c));
        }
      }
      std::size_t end = wide;
      while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
      if (end > wide) append_wide(out, text.substr(wide, end - wide));
      at = end;
    }
  }

  void append_wide(std::string& out, std::string_view text) const {
    std::string cleaned, decomposed;
    for (std::size_t at = 0; at < text.size();) {
      const utf8_char c = decode_utf8(text, at);
      const char32_t kept = clean ? bert_clean(c.code) : c.code;
      const bool apart = ideographs_apart && holds(ideographs, kept);
      if (apart) cleaned += ' ';
      if (kept != dropped) append_utf8(cleaned, kept);
      if (apart) cleaned += ' ';
      at += c.length;
    }
    std::string_view rest = cleaned;
    if (strip_accents) {
      append_normalized(decomposed, cleaned, unicode_form::nfd);
      rest = decomposed;
    }
    for (std::size_t at = 0; at < rest.size();) {
      const utf8_char c = decode_utf8(rest, at);
      at += c.length;
      const char32_t kept = strip_accents ? bert_strip_accent(c.code) : c.code;
      if (kept == dropped) continue;
      lower ? append_lower(out, kept) : append_utf8(out, kept);
    }
  }
};

/// Reads "BertNormalizer"; `strip_accents` that is null goes with `lowercase`.
inline result<hf_bert> read_bert(const hf_node& node) {
  hf_bert out;
  const std::pair<const char*, bool*> flags[] = {
      {"clean_text", &out.clean}, {"handle_chinese_chars", &out.ideographs_apart}, {"lowercase", &out.lower}};
  for (const auto& [key, value] : flags) {
    auto flag = node.flag(key);
    if (!flag) return flag.error();
    *value = *flag;
  }
  auto strip = node.flag("strip_accents", out.lower);
  if (!strip) return strip.error();
  out.strip_accents = *strip;
  return out;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
