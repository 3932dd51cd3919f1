// SPDX-License-Identifier: MIT
/// @file io/json_text.hpp
/// Changing some values of a JSON text and leaving every other byte of it as it is.
#pragma once

#include <algorithm>
#include <optional>

#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Where a value stands in a text: the bytes [begin, end).
struct json_span {
  std::size_t begin = 0, end = 0;
};

namespace detail {

[[nodiscard]] constexpr bool is_json_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
[[nodiscard]] inline std::size_t skip_json_space(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_json_space(text[at])) ++at;
  return at;
}
/// One past the string that begins at `at`.
[[nodiscard]] inline std::size_t end_of_json_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}
/// One past the value that begins at `at`.
[[nodiscard]] inline std::size_t end_of_json_value(std::string_view text, std::size_t at) noexcept {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_json_string(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
      ++at;
    } else if (depth > 0) {
      ++at;
      continue;
    } else {
      while (at < text.size() && !is_json_space(text[at]) && text[at] != ',' && text[at] != '}' &&
             text[at] != ']') {
        ++at;
      }
    }
    if (depth == 0) return at;
  }
  return at;
}

}  // namespace detail

/// A JSON document as a text with edits. Numbers keep their spelling, objects the order of their keys, and
/// what is not edited its white space.
///
/// ```cpp
/// auto config = lagom::io::json_text::parse(text);
/// if (auto at = config->find({"vocab_size"})) config->replace(*at, "32100");
/// write(config->edited());
/// ```
/// Spans are of the text as it was parsed; edits must not overlap. Finding is linear in the size of the
/// containers on the path.
class json_text {
 public:
  /// Fails with the errors of `parse_json`.
  static result<json_text> parse(std::string text, std::size_t depth_limit = 64) {
    auto value = parse_json(text, depth_limit);
    if (!value) return value.error();
    return json_text(std::move(text), std::move(*value));
  }

  [[nodiscard]] const json& value() const noexcept { return value_; }
  [[nodiscard]] json_span root() const noexcept { return root_; }
  [[nodiscard]] std::string_view raw(json_span at) const noexcept {
    return std::string_view(text_).substr(at.begin, at.end - at.begin);
  }

  /// Calls `f(key, value, whole)` for the members of an object in order, where `whole` spans key and value.
  /// Nothing is called for other values.
  template <class F>
  void for_each_member(json_span object, F&& f) const {
    if (object.begin >= text_.size() || text_[object.begin] != '{') return;
    std::string unescaped;
    for_each_part(object, [&](std::size_t at) {
      const std::size_t key_end = detail::end_of_json_string(text_, at);
      std::size_t value = detail::skip_json_space(text_, key_end) + 1;  // past the colon
      value = detail::skip_json_space(text_, value);
      const json_span span{value, detail::end_of_json_value(text_, value)};
      std::string_view key = std::string_view(text_).substr(at + 1, key_end - at - 2);
      if (key.find('\\') != std::string_view::npos) {
        unescaped = json::parse(text_.begin() + static_cast<std::ptrdiff_t>(at),
                                text_.begin() + static_cast<std::ptrdiff_t>(key_end))
                        .get<std::string>();
        key = unescaped;
      }
      f(key, span, json_span{at, span.end});
      return span.end;
    });
  }

  /// Calls `f(element)` for the elements of an array in order. Nothing is called for other values.
  template <class F>
  void for_each_element(json_span array, F&& f) const {
    if (array.begin >= text_.size() || text_[array.begin] != '[') return;
    for_each_part(array, [&](std::size_t at) {
      const json_span span{at, detail::end_of_json_value(text_, at)};
      f(span);
      return span.end;
    });
  }

  /// The value of member `key` of an object.
  [[nodiscard]] std::optional<json_span> member(json_span object, std::string_view key) const {
    std::optional<json_span> found;
    for_each_member(object, [&](std::string_view name, json_span value, json_span) {
      if (name == key) found = value;
    });
    return found;
  }

  /// The value at a path of keys from the root.
  [[nodiscard]] std::optional<json_span> find(std::initializer_list<std::string_view> path) const {
    std::optional<json_span> at = root_;
    for (const std::string_view key : path) {
      if (!(at = member(*at, key))) return std::nullopt;
    }
    return at;
  }

  /// `with` takes the place of a span; it must be JSON.
  void replace(json_span at, std::string with) { edits_.push_back({at, std::move(with)}); }

  /// Puts elements (each the text of a value) behind the last one of an array, spaced as that one is.
  void append_elements(json_span array, std::span<const std::string> elements) {
    std::size_t last = 0, end = 0;
    for_each_element(array, [&](json_span e) {
      last = e.begin;
      end = e.end;
    });
    append(array, last, end, elements);
  }

  /// Puts members (key, and the text of the value) behind the last one of an object, spaced as that one is.
  void append_members(json_span object, std::span<const std::pair<std::string, std::string>> members) {
    std::size_t last = 0, end = 0;
    std::string colon = ": ";
    for_each_member(object, [&](std::string_view, json_span value, json_span whole) {
      last = whole.begin;
      end = whole.end;
      const std::size_t key_end = detail::end_of_json_string(text_, whole.begin);
      colon = text_.substr(key_end, value.begin - key_end);
    });
    std::vector<std::string> elements;
    for (const auto& [key, text] : members) elements.push_back(json(key).dump() + colon + text);
    append(object, last, end, elements);
  }

  /// Keeps the elements or members of a container for which `keep(row)` holds, row counting from 0, as they
  /// are spelled.
  template <class Keep>
  void filter(json_span container, Keep keep) {
    std::string out(1, text_[container.begin]);
    std::size_t row = 0, from = container.begin + 1;
    bool first = true;
    const auto part = [&](json_span whole) {
      if (keep(row++)) {
        if (!first) out += ',';
        first = false;
        out.append(text_, from, whole.end - from);
      }
      from = detail::skip_json_space(text_, whole.end) + 1;  // past the comma: the space before the next one
    };
    for_each_member(container, [&](std::string_view, json_span, json_span whole) { part(whole); });
    for_each_element(container, part);
    if (row == 0) return;
    std::size_t tail = container.end - 1;
    while (tail > container.begin + 1 && detail::is_json_space(text_[tail - 1])) --tail;
    if (!first) out.append(text_, tail, container.end - 1 - tail);
    out += text_[container.end - 1];
    replace(container, std::move(out));
  }

  /// The text with all edits.
  [[nodiscard]] std::string edited() const {
    std::vector<edit> edits = edits_;
    std::stable_sort(edits.begin(), edits.end(), [](const edit& a, const edit& b) {
      return a.at.begin != b.at.begin ? a.at.begin < b.at.begin : a.at.end < b.at.end;
    });
    std::string out;
    std::size_t done = 0;
    for (const edit& e : edits) {
      LAGOM_ASSERT(e.at.begin >= done);
      out.append(text_, done, e.at.begin - done).append(e.with);
      done = e.at.end;
    }
    return out.append(text_, done);
  }

 private:
  struct edit {
    json_span at;
    std::string with;
  };

  json_text(std::string text, json value) : text_(std::move(text)), value_(std::move(value)) {
    const std::size_t mark = text_.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0;
    root_.begin = detail::skip_json_space(text_, mark);
    root_.end = detail::end_of_json_value(text_, root_.begin);
  }

  /// `part(at)` reads what begins at `at` and returns its end.
  template <class Part>
  void for_each_part(json_span container, Part part) const {
    std::size_t at = detail::skip_json_space(text_, container.begin + 1);
    while (at + 1 < container.end) {
      at = detail::skip_json_space(text_, part(at));
      if (at >= container.end || text_[at] != ',') return;
      at = detail::skip_json_space(text_, at + 1);
    }
  }

  void append(json_span container, std::size_t last, std::size_t end, std::span<const std::string> elements) {
    const bool empty = end == 0;
    std::string space;
    if (!empty) {
      std::size_t from = last;
      while (detail::is_json_space(text_[from - 1])) --from;
      space = text_.substr(from, last - from);
    }
    std::string out;
    for (const std::string& e : elements) {
      if (!empty || !out.empty()) out += ',';
      out.append(space).append(e);
    }
    const std::size_t at = empty ? container.begin + 1 : end;
    replace({at, at}, std::move(out));
  }

  std::string text_;
  json value_;
  json_span root_;
  std::vector<edit> edits_;
};

/// A JSON file as a text with edits. Fails with the errors of `mapped_file::open` and `parse_json`.
[[nodiscard]] inline result<json_text> load_json_text(const std::string& path, std::size_t depth_limit = 64) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto parsed = json_text::parse(std::string(file->text()), depth_limit);
  if (!parsed) return parsed.error().in(path);
  return parsed;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
