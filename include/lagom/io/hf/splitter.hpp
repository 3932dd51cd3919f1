// SPDX-License-Identifier: MIT
/// @file io/hf/splitter.hpp
/// Splitting pieces at the matches of a pattern.
#pragma once

#include "json.hpp"
#include "pieces.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// What becomes of the matches when a text is split at them.
enum class hf_split : std::uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Reads "behavior". Fails with `bad_value`.
inline result<hf_split> read_split_behavior(const hf_node& node) {
  constexpr std::pair<std::string_view, hf_split> names[] = {
      {"Removed", hf_split::removed},
      {"Isolated", hf_split::isolated},
      {"MergedWithPrevious", hf_split::merged_with_previous},
      {"MergedWithNext", hf_split::merged_with_next},
      {"Contiguous", hf_split::contiguous},
  };
  auto name = node.text("behavior");
  if (!name) return name.error();
  for (const auto& [text, behavior] : names) {
    if (*name == text) return behavior;
  }
  return failure{.code = errc::bad_value, .key = node.path_of("behavior") + " " + std::string(*name)};
}

/// Reads {"String": ...} or {"Regex": ...}, naming the place in every failure.
inline result<hf_pattern> read_pattern(const hf_node& node) {
  auto choice = node.required("pattern");
  if (!choice) return choice.error();
  if (!choice->value->is_object() || choice->value->size() != 1) return choice->fail(errc::wrong_type);
  const bool is_literal = choice->value->contains("String");
  auto text = choice->text(is_literal ? "String" : "Regex");
  if (!text) return text.error();
  auto pattern = is_literal ? hf_pattern::literal(*text) : hf_pattern::expression(*text);
  if (pattern) return pattern;
  failure f = pattern.error();
  f.key = choice->path_of("Regex") + " " + std::string(f.key.view());
  return f;
}

/// Splits pieces at the matches of a pattern.
struct hf_splitter {
  hf_pattern pattern;
  hf_split behavior = hf_split::isolated;
  bool invert = false;  ///< the matches are the text, and the rest the delimiters

  void operator()(hf_pieces& pieces) const {
    std::vector<stretch> found;
    pieces.divide([&](const hf_piece& p, auto part) {
      const std::string_view subject = pieces.view(p);
      found.clear();
      std::size_t done = 0;
      const auto add = [&](std::size_t begin, std::size_t end, bool match) {
        match = match != invert;
        if (behavior == hf_split::isolated || (behavior == hf_split::removed && !match)) {
          part(p.begin + begin, p.begin + end);
        } else if (behavior != hf_split::removed) {
          found.push_back({p.begin + begin, p.begin + end, match});
        }
      };
      pattern.for_each_match(subject, pieces.matcher, [&](std::size_t begin, std::size_t end) {
        if (done != begin) add(done, begin, false);
        add(begin, end, true);
        done = end;
      });
      if (done != subject.size()) add(done, subject.size(), false);
      for (std::size_t i = 0; i < found.size();) {
        const std::size_t last = last_of(found, i);
        part(found[i].begin, found[last].end);
        i = last + 1;
      }
    });
  }

 private:
  struct stretch {
    std::size_t begin, end;
    bool match;
  };

  /// Up to where the part reaches that begins with stretch i.
  [[nodiscard]] std::size_t last_of(const std::vector<stretch>& found, std::size_t i) const {
    std::size_t last = i;
    if (behavior == hf_split::contiguous) {
      while (last + 1 < found.size() && found[last + 1].match == found[i].match) ++last;
    } else if (i + 1 < found.size() && found[i].match != found[i + 1].match) {
      const bool joins = found[i].match == (behavior == hf_split::merged_with_next);
      if (joins) ++last;
    }
    return last;
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
