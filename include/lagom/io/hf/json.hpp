// SPDX-License-Identifier: MIT
/// @file io/hf/json.hpp
/// Reading the parts of a tokenizer.json: members with their paths, so that every failure names its place.
#pragma once

#include <optional>

#include "../json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A JSON value and where it is: "pre_tokenizer.pretokenizers[1]".
struct hf_node {
  const json* value = nullptr;
  std::string path{};

  [[nodiscard]] failure fail(errc code) const { return {.code = code, .key = path}; }
  [[nodiscard]] std::string path_of(std::string_view key) const {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }

  /// Absent members and null are both "not there".
  [[nodiscard]] bool is_null() const { return value == nullptr || value->is_null(); }

  /// Member `key`, which may not be there.
  [[nodiscard]] hf_node optional(const char* key) const {
    return {value == nullptr ? nullptr : io::find(*value, key), path_of(key)};
  }

  /// Fails with `missing_key`.
  [[nodiscard]] result<hf_node> required(const char* key) const {
    hf_node member = optional(key);
    if (member.value == nullptr) return member.fail(errc::missing_key);
    return member;
  }

  /// Fails with `wrong_type`, and with `missing_key` unless there is an `otherwise`, which also stands for
  /// null.
  [[nodiscard]] result<bool> flag(const char* key, std::optional<bool> otherwise = std::nullopt) const {
    const hf_node member = optional(key);
    if (otherwise && member.is_null()) return *otherwise;
    if (member.value == nullptr) return member.fail(errc::missing_key);
    if (!member.value->is_boolean()) return member.fail(errc::wrong_type);
    return member.value->get<bool>();
  }

  /// A string member, as a view into the document.
  [[nodiscard]] result<std::string_view> text(const char* key) const {
    const hf_node member = optional(key);
    if (member.value == nullptr) return member.fail(errc::missing_key);
    if (!member.value->is_string()) return member.fail(errc::wrong_type);
    return std::string_view(member.value->get_ref<const std::string&>());
  }

  /// A string member or null; both absent and null are the empty text.
  [[nodiscard]] result<std::string_view> text_or_null(const char* key) const {
    if (optional(key).is_null()) return std::string_view{};
    return text(key);
  }

  /// A non-negative integer member that is not over `limit`. Fails with `wrong_type` or `out_of_range`, and
  /// with `missing_key` unless there is an `otherwise`.
  [[nodiscard]] result<std::uint64_t> count(const char* key, std::uint64_t limit,
                                            std::optional<std::uint64_t> otherwise = std::nullopt) const {
    const hf_node member = optional(key);
    if (member.value == nullptr && otherwise) return *otherwise;
    if (member.value == nullptr) return member.fail(errc::missing_key);
    return as_count(*member.value, member.path, limit);
  }

  static result<std::uint64_t> as_count(const json& number, std::string_view where, std::uint64_t limit) {
    if (!number.is_number_integer()) return failure{.code = errc::wrong_type, .key = where};
    const bool negative = !number.is_number_unsigned() && number.get<std::int64_t>() < 0;
    if (negative) return failure{.code = errc::out_of_range, .key = where};
    const auto n = number.get<std::uint64_t>();
    if (n > limit) return failure{.code = errc::out_of_range, .key = where, .expected = limit, .found = n};
    return n;
  }

  /// The elements of a list member, with their paths.
  [[nodiscard]] result<std::vector<hf_node>> list(const char* key) const {
    const hf_node member = optional(key);
    if (member.value == nullptr) return member.fail(errc::missing_key);
    if (!member.value->is_array()) return member.fail(errc::wrong_type);
    std::vector<hf_node> out;
    for (const json& element : *member.value) {
      out.push_back({&element, member.path + "[" + std::to_string(out.size()) + "]"});
    }
    return out;
  }

  /// The kind of a component: its member "type". Fails as `text` does, and for what is no object.
  [[nodiscard]] result<std::string_view> kind() const {
    if (value == nullptr || !value->is_object()) return fail(errc::wrong_type);
    return text("type");
  }

  /// The failure of a component whose kind is known to exist somewhere, and is not handled here.
  [[nodiscard]] failure unsupported(std::string_view what) const {
    return {.code = errc::unsupported, .key = path + " " + std::string(what)};
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
