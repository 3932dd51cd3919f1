// SPDX-License-Identifier: MIT
/// @file io/hf/pattern_scanner.hpp
/// The letters of tokenizer.json's regular expressions: escapes, properties and sets.
#pragma once

#include "../../core/result.hpp"
#include "../../text/utf8.hpp"
#include "char_class.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Reads the parts of an expression that stand for one character. The first failure stays.
class hf_pattern_scanner {
 protected:
  struct set {
    std::string items;
    bool negated = false;
    std::string guard{};  ///< a lookahead that stands for an intersection
  };

  explicit hf_pattern_scanner(std::string_view expression) : in_(expression) {}

  void fail(errc code, std::string_view what) {
    if (failed_) return;
    failed_ = true;
    failure_ = {.code = code, .key = what, .byte = at_};
  }
  void refuse(std::string_view what) { fail(errc::unsupported, what); }

  [[nodiscard]] bool next_is(std::string_view text) const { return in_.substr(at_, text.size()) == text; }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t take_char() {
    if (at_ >= in_.size()) {
      fail(errc::bad_pattern, "end of the pattern");
      return 0;
    }
    const utf8_char c = decode_utf8(in_, at_);
    if (!c.well_formed) fail(errc::bad_utf8, "pattern");
    at_ += c.length;
    return c.code;
  }

  /// What "\p" or "\P" is followed by; `{^` turns the meaning around.
  std::string property(bool& negated) {
    const std::size_t end = in_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) {
      fail(errc::bad_pattern, "\\p");
      return {};
    }
    if (take("^")) negated = !negated;
    const std::string_view name = in_.substr(at_, end - at_);
    const auto items = property_class(name);
    if (!items) refuse("\\p{" + std::string(name) + "}");
    at_ = end + 1;
    return items.value_or("");
  }

  char32_t escaped_char(bool in_set) {
    const char32_t c = take_char();
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case 'a':
        return '\a';
      case 'e':
        return 0x1B;
      case 'x':
        if (take("{")) {
          const char32_t code = hex(1, 6);
          if (!take("}")) fail(errc::bad_pattern, "\\x{");
          return code;
        }
        if (const char32_t code = hex(1, 2); code < 0x80) return code;
        refuse("\\x of a byte");
        return 0;
      case 'u':
        return hex(4, 4);
      case 'b':
        if (in_set) return '\b';
        break;
      default:
        break;
    }
    const bool is_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (is_letter) refuse("\\" + std::string(1, static_cast<char>(c)));
    return c;
  }

  char32_t hex(int least, int most) {
    char32_t code = 0;
    int n = 0;
    for (; n < most && at_ < in_.size(); ++n, ++at_) {
      const char c = in_[at_];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c - 'A' + 10;
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) break;
      code = code * 16 + static_cast<char32_t>(digit);
    }
    if (n < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) fail(errc::bad_pattern, "\\x");
    return code;
  }

  /// After "[": up to and with its "]".
  set parse_set(int depth) {
    set out;
    out.negated = take("^");
    const std::size_t begin = at_;
    if (next_is("]")) refuse("[]");
    if (depth > 8) refuse("[[[");
    while (!failed_ && !take("]")) {
      if (at_ >= in_.size()) {
        fail(errc::bad_pattern, "[");
      } else if (next_is("[:")) {
        refuse("[:");
      } else if (take("[")) {
        const set inner = parse_set(depth + 1);
        if (inner.negated || !inner.guard.empty()) refuse("[^ inside [");
        out.items += inner.items;
      } else if (take("&&")) {
        if (depth > 0 || out.negated || out.items.empty() || !take("[")) {
          refuse("&&");
          break;
        }
        const set inner = parse_set(depth + 1);
        if (!inner.guard.empty() || !next_is("]")) refuse("&&");
        out.guard = (inner.negated ? "(?![" : "(?=[") + inner.items + "])";
      } else {
        set_item(out.items, begin);
      }
    }
    return out;
  }

  void set_item(std::string& items, std::size_t begin) {
    if (next_is("-") && !next_is("-]") && at_ != begin) return refuse("- inside [");
    if (std::string named; set_class(named)) {
      items += named;
      if (next_is("-") && !next_is("-]")) refuse("- after a class");
      return;
    }
    const char32_t first = take("\\") ? escaped_char(true) : take_char();
    char32_t last = first;
    if (next_is("-") && !next_is("-]")) {
      ++at_;
      if (std::string named; next_is("[") || set_class(named)) return refuse("- before a class");
      last = take("\\") ? escaped_char(true) : take_char();
      if (last < first) return fail(errc::bad_pattern, "-");
    }
    if (caseless_ && last >= 0x80) return refuse("(?i) beyond ASCII");
    append_class_range(items, first, last);
  }

  /// A class inside a set.
  bool set_class(std::string& items) {
    if (take("\\s")) {
      items = space_class();
    } else if (take("\\S")) {
      items = non_space_class();
    } else if (take("\\d")) {
      items = *property_class("Nd");
    } else if (next_is("\\w") || next_is("\\p")) {
      if (caseless_) refuse("(?i) with a class");
      if (take("\\w")) {
        items = common_word_class();
      } else {
        at_ += 2;
        bool negated = false;
        items = property(negated);
        if (negated) refuse("\\p{^");
      }
    } else {
      return false;
    }
    return true;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  bool caseless_ = false;
  bool failed_ = false;
  failure failure_{};
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
