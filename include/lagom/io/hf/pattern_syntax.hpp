// SPDX-License-Identifier: MIT
/// @file io/hf/pattern_syntax.hpp
/// Regular expressions of tokenizer.json (Oniguruma's syntax), rewritten for PCRE2 with the same meaning or
/// refused.
#pragma once

#include <vector>

#include "pattern_scanner.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Rewrites one expression. The two dialects share most of their letters and not their meaning: `\s`, `\w`,
/// `\b` and properties know other characters, `\h` is a hexadecimal digit in the one and a blank in the
/// other, `(?m)` is PCRE2's `(?s)`, `^` and `$` are at every line, sets nest, `\v` is one character, an
/// option inside an alternative spans other branches. Classes are spelled out; what has no exact counterpart
/// is refused.
class hf_pattern_rewriter : hf_pattern_scanner {
 public:
  /// `out` is written for PCRE2_UTF, PCRE2_UCP, PCRE2_MULTILINE and LF as the newline. Fails with
  /// `bad_pattern` or `unsupported`: `key` is what was met, `byte` where in the expression.
  static result<std::string> rewrite(std::string_view expression) {
    hf_pattern_rewriter r(expression);
    while (!r.failed_ && r.at_ < expression.size()) r.step();
    if (!r.failed_ && !r.open_.empty()) r.fail(errc::bad_pattern, "(");
    if (r.failed_) return r.failure_;
    return std::move(r.out_);
  }

 private:
  static constexpr std::size_t nowhere = ~std::size_t{0};
  struct group {
    std::size_t begin;  ///< in out_
    bool caseless;      ///< outside of it
    bool assertion;
  };

  explicit hf_pattern_rewriter(std::string_view expression) : hf_pattern_scanner(expression) {}

  void atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
    letter_ = 0;
  }
  void assertion(std::string_view text) {
    atom_ = nowhere;
    out_ += text;
    letter_ = 0;
  }

  void step() {
    if (take("\\")) return escape();
    if (take("[")) return emit_set();
    if (take("(")) return open_group();
    if (take(")")) return close_group();
    if (take("|")) return assertion("|");
    if (take(".")) return atom(".");
    if (take("^")) return assertion("^");
    if (take("$")) return assertion("$");
    if (next_is("*") || next_is("+") || next_is("?") || next_is("{")) return quantifier();
    literal(take_char());
  }

  void literal(char32_t c) {
    const char32_t before = letter_;
    std::string text;
    append_class_range(text, c, c);
    atom(text);
    if (!caseless_) return;
    if (c >= 0x80) return refuse("(?i) beyond ASCII");
    const char32_t lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
    const auto pair = [&](char32_t a, char32_t b) { return before == a && lower == b; };
    // "ss" is one letter in another case, and so are the ligatures
    if (pair('s', 's') || pair('s', 't') || pair('f', 'f') || pair('f', 'i') || pair('f', 'l')) {
      return refuse("(?i) with ss, st, ff, fi or fl");
    }
    letter_ = lower;
  }

  void escape() {
    if (at_ >= in_.size()) return fail(errc::bad_pattern, "\\");
    if (take("s")) return atom("[" + space_class() + "]");
    if (take("S")) return atom("[^" + space_class() + "]");
    if (take("d")) return atom("[" + *property_class("Nd") + "]");
    if (take("D")) return atom("[^" + *property_class("Nd") + "]");
    if (take("A")) return assertion("\\A");
    if (take("z")) return assertion("\\z");
    if (take("Z")) return assertion("\\Z");
    const std::string word = "[" + pattern_word_class() + "]";
    const std::string after = "(?<=" + word + ")", not_after = "(?<!" + word + ")";
    const std::string before = "(?=" + word + ")", not_before = "(?!" + word + ")";
    if (take("b")) return assertion("(?:" + after + not_before + "|" + not_after + before + ")");
    if (take("B")) return assertion("(?:" + after + before + "|" + not_after + not_before + ")");
    if (next_is("w") || next_is("W") || next_is("p") || next_is("P")) {
      if (caseless_) return refuse("(?i) with a class");
      if (take("w")) return atom(word);
      if (take("W")) return atom("[^" + pattern_word_class() + "]");
      bool negated = next_is("P");
      ++at_;
      const std::string items = property(negated);
      return atom((negated ? "[^" : "[") + items + "]");
    }
    literal(escaped_char(false));
  }

  void open_group() {
    group g{out_.size(), caseless_, false};
    if (next_is("*")) return refuse("(*");
    if (!take("?")) {
      out_ += "(";
    } else if (take(":")) {
      out_ += "(?:";
    } else if (take(">")) {
      out_ += "(?>";
    } else if (next_is("=") || next_is("!") || next_is("<=") || next_is("<!")) {
      g.assertion = true;
      const std::size_t length = next_is("<") ? 2 : 1;
      out_ += "(?";
      out_ += in_.substr(at_, length);
      at_ += length;
    } else if (!options(g)) {
      return;
    }
    atom_ = nowhere;
    open_.push_back(g);
  }

  /// "(?i:" and its like; false when no group was opened.
  bool options(const group& g) {
    const std::size_t begin = at_ - 2;
    std::string letters;
    bool on = true;
    for (; at_ < in_.size() && (next_is("i") || next_is("m") || next_is("-")); ++at_) {
      const char c = in_[at_];
      if (c == '-') on = false;
      if (c == 'i') caseless_ = on;
      letters += c == 'm' ? 's' : c;  // both let a dot match a newline
    }
    if (!letters.empty() && take(":")) {
      out_ += "(?" + letters + ":";
      return true;
    }
    // At the begin it holds for the whole expression in both dialects.
    if (!letters.empty() && begin == 0 && take(")")) {
      out_ += "(?" + letters + ")";
      return false;
    }
    caseless_ = g.caseless;
    refuse("(?" + std::string(in_.substr(begin + 2, 1)));
    return false;
  }

  void close_group() {
    if (open_.empty()) return fail(errc::bad_pattern, ")");
    out_ += ")";
    caseless_ = open_.back().caseless;
    atom_ = open_.back().assertion ? nowhere : open_.back().begin;
    open_.pop_back();
  }

  void quantifier() {
    if (atom_ == nowhere) return refuse("a quantifier after none, another or an assertion");
    const std::size_t begin = atom_;
    atom_ = nowhere;
    if (!take("{")) {
      out_ += in_[at_++];
      if (next_is("?") || next_is("+")) out_ += in_[at_++];
      letter_ = 0;
      return;
    }
    if (letter_ == 's' || letter_ == 'f') return refuse("(?i) with ss, st, ff, fi or fl");
    letter_ = 0;
    const auto number = [&] {
      std::size_t n = nowhere;
      for (; at_ < in_.size() && in_[at_] >= '0' && in_[at_] <= '9'; ++at_) {
        n = (n == nowhere ? 0 : n) * 10 + static_cast<std::size_t>(in_[at_] - '0');
        if (n > 65535) fail(errc::out_of_range, "{");
      }
      return n;
    };
    const std::size_t least = number();
    const bool single = !next_is(",");
    const std::size_t most = single ? least : (++at_, number());
    if (!take("}") || (least == nowhere && most == nowhere) ||
        (most != nowhere && least != nowhere && least > most)) {
      return refuse("{");
    }
    out_ += "{" + std::to_string(least == nowhere ? 0 : least);
    if (!single) out_ += "," + (most == nowhere ? std::string() : std::to_string(most));
    out_ += "}";
    if (next_is("?")) {
      if (single) return refuse("{n}?");
      out_ += in_[at_++];
    } else if (take("+")) {  // not possessive: a repetition of the repetition
      out_.insert(begin, "(?:");
      out_ += ")+";
    }
  }

  void emit_set() {
    const set s = parse_set(0);
    if (failed_) return;
    const std::string body = (s.negated ? "[^" : "[") + s.items + "]";
    atom(s.guard.empty() ? body : "(?:" + s.guard + body + ")");
  }

  std::string out_;
  std::vector<group> open_;
  std::size_t atom_ = nowhere;  ///< where in out_ the last thing begins that a quantifier may follow
  char32_t letter_ = 0;         ///< the letter before, where case is ignored
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
