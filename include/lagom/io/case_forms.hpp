// SPDX-License-Identifier: MIT
/// @file io/case_forms.hpp
/// Words in lower and title case (utf8proc), and dictionaries of them.
#pragma once

#include <utf8proc.h>

#include <string>
#include <utility>
#include <vector>

#include "../text/utf8.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Every character in lower case; what is not UTF-8 stays. Characters map one to one (no "ß" to "ss").
[[nodiscard]] inline std::string lower_case(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(text, at);
    if (c.well_formed) {
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
    } else {
      out.append(text.substr(at, c.length));
    }
    at += c.length;
  }
  return out;
}

/// The first letter of every run of cased letters in title case, the rest in lower case; `first_only`: of the
/// text alone.
[[nodiscard]] inline std::string title_case(std::string_view text, bool first_only = false) {
  std::string out;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = decode_utf8(text, at);
    if (!c.well_formed) {
      out.append(text.substr(at, c.length));
    } else {
      const auto code = static_cast<utf8proc_int32_t>(c.code);
      const bool cased = utf8proc_tolower(code) != code || utf8proc_toupper(code) != code;
      const bool sharp_s = code == 0xDF;  // utf8proc has a capital for it, title case has none
      const auto to = inside || sharp_s ? utf8proc_tolower(code) : utf8proc_totitle(code);
      append_utf8(out, static_cast<char32_t>(to));
      inside = first_only || cased;
    }
    at += c.length;
  }
  return out;
}

/// WECHSEL's forms of a dictionary's words: as written, lower case, title case.
struct case_forms {
  template <class Visit>
  void operator()(std::string_view word, Visit visit) const {
    visit(word);
    visit(std::string_view(lower_case(word)));
    visit(std::string_view(title_case(word)));
  }
};

/// OFA's forms of a word that is cut into tokens: as written, after a space, and after a space with a capital.
struct spaced_and_capitalised {
  template <class Visit>
  void operator()(std::string_view word, Visit visit) const {
    visit(word);
    visit(std::string_view(" " + std::string(word)));
    visit(std::string_view(" " + title_case(word, true)));
  }
};

/// A dictionary file: two words a line, parted by a tab (words may then hold spaces) or by white space. Blank
/// lines are skipped. Fails with `bad_value` and the line as `row`, `cannot_open`, `cannot_read`.
[[nodiscard]] inline result<std::vector<std::pair<std::string, std::string>>> read_dictionary(
    const std::string& path) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  constexpr std::string_view white = " \t\r\f\v";
  const auto strip = [&](std::string_view s) {
    const std::size_t begin = s.find_first_not_of(white);
    return begin == std::string_view::npos ? std::string_view()
                                           : s.substr(begin, s.find_last_not_of(white) + 1 - begin);
  };
  std::vector<std::pair<std::string, std::string>> out;
  std::string_view rest = file->text();
  for (std::uint64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = strip(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (text.empty()) continue;
    const std::size_t tab = text.find('\t');
    const std::size_t at = tab != std::string_view::npos ? tab : text.find_first_of(white);
    const std::string_view first = strip(text.substr(0, at));
    const std::string_view second =
        at == std::string_view::npos ? std::string_view() : strip(text.substr(at));
    const bool parted = tab != std::string_view::npos ? second.find('\t') == std::string_view::npos
                                                      : second.find_first_of(white) == std::string_view::npos;
    if (first.empty() || second.empty() || !parted) {
      return failure{.code = errc::bad_value, .file = path, .key = text, .row = line};
    }
    out.emplace_back(first, second);
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
