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
    json_span last{}, value{};
    for_each_member(object, [&](std::string_view, json_span v, json_span whole) { last = whole, value = v; });
    append(object, last.begin, last.end, spelled(members, last, value));
  }

  /// Puts other elements (each the text of a value) into an array, spaced as the old ones were.
  void replace_elements(json_span array, std::span<const std::string> elements) { refill(array, elements); }

  /// Puts other members (key, and the text of the value) into an object, spaced as the old ones were.
  void replace_members(json_span object, std::span<const std::pair<std::string, std::string>> members) {
    json_span first{}, value{};
    for_each_member(object, [&](std::string_view, json_span v, json_span whole) {
      if (first.end == 0) first = whole, value = v;
    });
    refill(object, spelled(members, first, value));
  }

  /// Keeps the elements or members of a container for which `keep(row)` holds, row counting from 0, as they
  /// are spelled.
  template <class Keep>
  void filter(json_span container, Keep keep) {
    std::vector<std::string> kept;
    std::size_t row = 0;
    for_each_whole(container, [&](json_span whole) {
      if (keep(row++)) kept.emplace_back(raw(whole));
    });
    if (kept.size() < row) refill(container, kept);
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

  /// Members as texts, with the colon of a member that is there.
  [[nodiscard]] std::vector<std::string> spelled(std::span<const std::pair<std::string, std::string>> members,
                                                 json_span like, json_span value) const {
    std::string colon = ": ";
    if (like.end != 0) {
      const std::size_t key_end = detail::end_of_json_string(text_, like.begin);
      colon = text_.substr(key_end, value.begin - key_end);
    }
    std::vector<std::string> out;
    for (const auto& [key, text] : members) out.push_back(json(key).dump() + colon + text);
    return out;
  }

  /// The white space before a part; none when there is none.
  [[nodiscard]] std::string space_before(std::size_t part) const {
    std::size_t from = part;
    while (from > 0 && detail::is_json_space(text_[from - 1])) --from;
    return text_.substr(from, part - from);
  }

  void append(json_span container, std::size_t last, std::size_t end, std::span<const std::string> parts) {
    const bool empty = end == 0;
    const std::string space = empty ? "" : space_before(last);
    std::string out;
    for (const std::string& p : parts) {
      if (!empty || !out.empty()) out += ',';
      out.append(space).append(p);
    }
    const std::size_t at = empty ? container.begin + 1 : end;
    replace({at, at}, std::move(out));
  }

  /// `f(whole)` for the elements of an array and for the members of an object.
  template <class F>
  void for_each_whole(json_span container, F&& f) const {
    for_each_member(container, [&](std::string_view, json_span, json_span whole) { f(whole); });
    for_each_element(container, f);
  }

  void refill(json_span container, std::span<const std::string> parts) {
    std::string first, next;  // the space before the first part, and before the others
    std::size_t row = 0;
    for_each_whole(container, [&](json_span whole) {
      if (row < 2) (row == 0 ? first : next) = space_before(whole.begin);
      ++row;
    });
    if (row == 1) next = first;
    std::string out(1, text_[container.begin]);
    for (std::size_t i = 0; i < parts.size(); ++i) out.append(i == 0 ? first : "," + next).append(parts[i]);
    if (!parts.empty()) out += space_before(container.end - 1);
    out += text_[container.end - 1];
    replace(container, std::move(out));
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
