// SPDX-License-Identifier: MIT
/// @file embed/dictionary.hpp
/// Two spaces of words brought together by a bilingual dictionary.
#pragma once

#include <span>
#include <utility>

#include "procrustes.hpp"
#include "word_token_vectors.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// A word of the source language and one of the target language that translates it.
using translation = std::pair<std::string, std::string>;

/// A word in its own form alone.
struct as_written {
  template <class Visit>
  void operator()(std::string_view word, Visit visit) const {
    visit(word);
  }
};

/// Shows `out` the vectors of every pair of forms of a translation that both sides know (WECHSEL,
/// arXiv 2112.06598, section 3.1, whose forms are the word, its lower case and its title case: see
/// `io::case_forms`). A pair that comes up several times counts several times. Returns how many were shown.
/// Precondition: both sides and `out` have one width.
template <word_source Source, word_source Target, class Forms = as_written>
std::uint64_t push_dictionary(procrustes& out, const Source& source, const Target& target,
                              std::span<const translation> dictionary, const Forms& forms = {}) {
  const auto width = static_cast<std::size_t>(out.width());
  std::vector<float> x(width), y(width);
  std::uint64_t shown = 0;
  for (const auto& [from, to] : dictionary) {
    const std::string_view second = to;
    forms(std::string_view(from), [&](std::string_view a) {
      if (source.find(a) < 0 || !source.vector_of(a, x)) return;
      forms(second, [&](std::string_view b) {
        if (target.find(b) < 0 || !target.vector_of(b, y)) return;
        out.push(x, y);
        ++shown;
      });
    });
  }
  return shown;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
