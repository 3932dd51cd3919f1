// SPDX-License-Identifier: MIT
/// @file io/hf/precompiled.hpp
/// The "Precompiled" normalizer of a tokenizer.json.
#pragma once

#include "../../vocab/charsmap.hpp"
#include "base64.hpp"
#include "graphemes.hpp"
#include "normalized.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Replaces what SentencePiece's rules name, as the reference does it: user-perceived characters (extended
/// grapheme clusters) of less than 6 bytes are looked up whole, and become what the *shortest* rule says that
/// they begin with, marks and all; longer ones are looked up character by character.
struct hf_precompiled {
  vocab::charsmap rules;

  static result<hf_precompiled> read(const hf_node& node) {
    auto text = node.text("precompiled_charsmap");
    if (!text) return text.error();
    const std::string path = node.path_of("precompiled_charsmap");
    const auto bytes = decode_base64(*text);
    if (!bytes) return failure{.code = errc::bad_value, .key = path};
    if (bytes->empty()) return failure{.code = errc::empty, .key = path};
    auto rules = vocab::charsmap::parse(*bytes);
    if (!rules) {
      failure f = rules.error();
      f.key = path;
      return f;
    }
    return hf_precompiled{std::move(*rules)};
  }

  void operator()(hf_normalized& n, hf_matcher&) const {
    if (rules.find_touched(n.text, 0) == n.text.size()) return;
    std::string out;
    out.reserve(n.text.size());
    std::size_t at = 0, first = n.origin, origin = 0;
    run(n.text, [&](std::string_view replaced, std::string_view by) {
      if (first > 0 && at > 0 && out.empty() && !by.empty()) {  // what is gone at the begin is not counted
        origin = characters(replaced) == 1 ? by.size() : bytes(by, 1);
        first = 0;
      } else if (at + replaced.size() <= first) {
        origin = out.size() + by.size();
      } else if (at < first) {  // the first characters stand for the first ones
        const std::size_t known = characters(replaced.substr(0, first - at));
        origin = out.size() + bytes(by, known);
      }
      at += replaced.size();
      out += by;
    });
    n = {std::move(out), origin};
  }

  /// Calls `write(replaced, by)` for the parts of a text, in order; both are the same where nothing changes.
  template <class Write>
  void run(std::string_view text, Write write) const {
    for (std::size_t at = 0; at < text.size();) {
      // Plain characters before a plain one end no cluster that matters: marks are not ASCII.
      std::size_t plain = rules.find_touched(text, at);
      const bool marks_may_follow = plain < text.size() && static_cast<unsigned char>(text[plain]) >= 0x80;
      if (plain > at && marks_may_follow) --plain;
      if (plain > at) {
        const std::string_view same = text.substr(at, plain - at);
        write(same, same);
        at = plain;
        continue;
      }
      const std::size_t end = end_of_grapheme(text, at);
      if (end - at < 6) {
        const std::string_view whole = text.substr(at, end - at);
        const vocab::charsmap::rule r = rules.shortest(whole);
        if (r.length > 0) {
          write(whole, r.text);
          at = end;
          continue;
        }
      }
      while (at < end) {
        const std::string_view one = text.substr(at, decode_utf8(text, at).length);
        const vocab::charsmap::rule r = rules.shortest(one);
        write(one, r.length > 0 ? r.text : one);
        at += one.size();
      }
    }
  }

 private:
  static bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
  static std::size_t characters(std::string_view text) noexcept {
    return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
  }
  /// Bytes of the first `count` characters, or of all.
  static std::size_t bytes(std::string_view text, std::size_t count) noexcept {
    std::size_t at = 0;
    while (at < text.size() && (continues(text[at]) || count-- > 0)) ++at;
    return at;
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
