// SPDX-License-Identifier: MIT
/// @file prompt/template_text.hpp
/// Templates written in the program: names that are missing, unknown or given twice do not compile.
#pragma once

#include <array>
#include <initializer_list>

#include "template_form.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A string literal as a template argument.
template <std::size_t N>
struct literal {
  char bytes[N]{};
  constexpr literal(const char (&from)[N]) noexcept {
    for (std::size_t i = 0; i < N; ++i) bytes[i] = from[i];
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {bytes, N - 1}; }
};

/// A value for the placeholder `Name`.
template <literal Name>
struct named_value {
  template_value value;
};
/// `value<"premise">(text)`, with a language and a mark of loss where wanted.
template <literal Name>
[[nodiscard]] constexpr named_value<Name> value(std::string_view text, std::string_view language = {},
                                                bool trained = false) noexcept {
  return {template_value(text, language, trained)};
}

namespace detail {

struct template_extent {
  template_check check;
  std::size_t parts = 0, slots = 0;
};

/// Calls `part(i, template_part)` and `slot(i, template_part)` in order; at most 64 slots.
template <class Part, class Slot>
constexpr template_extent take_apart(std::string_view text, Part&& part, Slot&& slot) {
  template_extent n;
  template_part names[64] = {};
  n.check = scan_template(
      text, [&](std::size_t begin, std::size_t end) { part(n.parts++, template_part{begin, end, -1}); },
      [&](std::size_t begin, std::size_t end) {
        std::size_t i = 0;
        while (i < n.slots &&
               text.substr(names[i].begin, names[i].end - names[i].begin) != text.substr(begin, end - begin))
          ++i;
        const template_part at{begin, end, static_cast<std::int32_t>(i)};
        if (i == n.slots) {
          names[n.slots++] = at;
          slot(i, at);
        }
        part(n.parts++, at);
      });
  return n;
}

/// The parts and slots of a template whose numbers are known.
template <std::size_t Parts, std::size_t Slots>
struct template_tables {
  std::array<template_part, Parts> parts{};
  std::array<template_part, Slots> slots{};

  constexpr explicit template_tables(std::string_view text) {
    const auto keep = [](auto& in) { return [&in](std::size_t i, template_part p) { in[i] = p; }; };
    take_apart(text, keep(parts), keep(slots));
  }
};

}  // namespace detail

/// A template of the program, checked and taken apart by the compiler. At most 64 different placeholders.
template <literal Text>
class literal_template {
  static constexpr detail::template_extent extent =
      detail::take_apart(Text.view(), [](std::size_t, template_part) {}, [](std::size_t, template_part) {});
  static_assert(
      extent.check.fault == template_fault::none,
      "template_text: a brace that stands alone is written {{ or }}; a name is letters, digits and _");
  static constexpr detail::template_tables<extent.parts, extent.slots> apart{Text.view()};

 public:
  static constexpr template_view view() noexcept { return {Text.view(), apart.parts, apart.slots}; }
  constexpr operator template_view() const noexcept { return view(); }

  /// The template with its values, which it sees: `t(value<"a">(x), value<"b">(y))`, in any order.
  template <literal... Names>
  [[nodiscard]] constexpr auto operator()(named_value<Names>... values) const {
    static_assert(((view().find(Names.view()) >= 0) && ...),
                  "template_text: a value is given for a name that is no placeholder");
    static_assert(sizeof...(Names) >= extent.slots || ((view().find(Names.view()) < 0) || ...),
                  "template_text: a placeholder has no value");
    static_assert(sizeof...(Names) <= extent.slots || ((view().find(Names.view()) < 0) || ...),
                  "template_text: a value is given twice");
    static_assert(each_once({Names.view()...}),
                  "template_text: a value is given twice, and a placeholder has none");
    filled_template<std::array<template_value, extent.slots>> out{view()};
    if constexpr (extent.slots > 0) {
      ((out.values[static_cast<std::size_t>(view().find(Names.view()))] = values.value), ...);
    }
    return out;
  }

 private:
  static constexpr bool each_once(std::initializer_list<std::string_view> names) {
    for (const auto* a = names.begin(); a != names.end(); ++a) {
      for (const auto* b = names.begin(); b != a; ++b) {
        if (*a == *b) return names.size() != extent.slots;
      }
    }
    return true;
  }
};

/// ```cpp
/// constexpr auto ask = prompt::template_text<"{premise} Question: {hypothesis} True or False? Answer:">;
/// text_of(ask(value<"premise">(p), value<"hypothesis">(h)));
/// ```
template <literal Text>
inline constexpr literal_template<Text> template_text{};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
