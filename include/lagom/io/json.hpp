// SPDX-License-Identifier: MIT
/// @file io/json.hpp
/// Strict JSON: duplicate keys and deep nesting are errors, failures say where.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

using json = nlohmann::json;

/// Makes a value of a number with a fraction or an exponent, from its text and its nearest double.
using json_fraction = double (*)(const std::string& text, double nearest);

namespace detail {

/// Builds a document from SAX events: no recursion, so that nesting is a counted limit and not a stack.
class strict_json_builder : public nlohmann::json_sax<json> {
 public:
  strict_json_builder(json& root, std::size_t depth_limit, json_fraction fraction)
      : root_(root), depth_limit_(depth_limit), fraction_(fraction) {}

  [[nodiscard]] const failure& error() const noexcept { return failure_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(number_integer_t v) override { return add(v); }
  bool number_unsigned(number_unsigned_t v) override { return add(v); }
  bool number_float(number_float_t v, const string_t& text) override {
    return add(fraction_ == nullptr ? v : fraction_(text, v));
  }
  bool string(string_t& v) override { return add(std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& v) override {
    key_ = std::move(v);
    if (!stack_.back()->contains(key_)) return true;
    failure_ = {.code = errc::duplicate_key, .key = key_};
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    failure_ = {.code = errc::bad_json, .byte = position > 0 ? position - 1 : 0};
    return false;
  }

 private:
  json* place(json&& value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    json& slot = parent[key_];
    slot = std::move(value);
    return &slot;
  }
  template <class V>
  bool add(V&& value) {
    place(json(std::forward<V>(value)));
    return true;
  }
  bool open(json&& value) {
    if (stack_.size() >= depth_limit_) {
      failure_ = {.code = errc::too_deep, .expected = depth_limit_};
      return false;
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  json& root_;
  std::size_t depth_limit_;
  json_fraction fraction_;
  std::vector<json*> stack_;
  std::string key_;
  failure failure_{};
};

}  // namespace detail

/// Parses a whole JSON text. Fails with `bad_json` (and the byte), `duplicate_key` (and the key), `too_deep`.
/// Fractions become their nearest double, or what `fraction` makes of them.
[[nodiscard]] inline result<json> parse_json(std::string_view text, std::size_t depth_limit = 64,
                                             json_fraction fraction = nullptr) {
  if (const std::size_t nul = text.find('\0');
      nul != std::string_view::npos) {  // never legal, and the parser's end
    return failure{.code = errc::bad_json, .byte = nul};
  }
  json root;
  detail::strict_json_builder builder(root, depth_limit, fraction);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) return builder.error();
  return root;
}

/// Parses a JSON file. A byte order mark is accepted.
[[nodiscard]] inline result<json> load_json(const std::string& path, std::size_t depth_limit = 64) {
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  auto parsed = parse_json(file->text(), depth_limit);
  if (!parsed) return parsed.error().in(path);
  return parsed;
}

/// The text of a value. Fails with `bad_utf8` where a string is not UTF-8.
[[nodiscard]] inline result<std::string> dump_json(const json& value, int indent = -1) {
  try {
    return value.dump(indent);
  } catch (const json::type_error&) {  // the only thing that dump() refuses
    return failure{.code = errc::bad_utf8, .key = "text"};
  }
}

/// Member `key` of an object; null when it is not there or the value is not an object.
[[nodiscard]] inline const json* find(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
