// SPDX-License-Identifier: MIT
/// @file io/policy_schedule.hpp
/// The layers that a policy is asked at, in its file.
#pragma once

#include "../stop/recent_exits.hpp"
#include "json_numbers.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Version of the file layout.
inline constexpr int policy_schema = 1;

namespace detail {

inline void write_schedule(json& document, const at_layers& layers) {
  json list = json::array();
  for (int l = 0; l < at_layers::capacity; ++l) {
    if (layers(l, at_layers::capacity)) list.push_back(l);
  }
  document["layers"] = std::move(list);
}
/// The exits that it remembers are of one sequence: they are not saved.
inline void write_schedule(json& document, const recent_exits& schedule) {
  write_schedule(document, schedule.always());
  document["apart"] = schedule.apart();
}

template <class Schedule>
concept saved_schedule =
    requires(json& document, const Schedule& schedule) { detail::write_schedule(document, schedule); };

/// Is this the file of a policy, of a version that is known?
inline result<done> check_policy_file(const json& document) {
  const auto is = [&](const char* key, const json& value) {
    const json* const at = find(document, key);
    return at != nullptr && *at == value;
  };
  if (!is("lagom", "policy")) return failure{.code = errc::wrong_schema, .key = "lagom"};
  if (!is("schema", policy_schema)) return failure{.code = errc::wrong_schema, .key = "schema"};
  return done{};
}

/// Member "layers": ascending, below `layers`.
inline result<at_layers> read_layers(const json& document, int layers) {
  const auto fail = [](errc code) { return failure{.code = code, .key = "layers"}; };
  const json* const list = find(document, "layers");
  if (list == nullptr) return fail(errc::missing_key);
  if (!list->is_array()) return fail(errc::wrong_type);
  at_layers out;
  int next = 0;
  for (const json& element : *list) {
    if (!element.is_number_unsigned()) return fail(errc::wrong_type);
    const auto layer = element.get<std::uint64_t>();
    if (layer >= static_cast<std::uint64_t>(layers)) return fail(errc::out_of_range);
    if (static_cast<int>(layer) < next) return fail(errc::bad_value);
    out.add(static_cast<int>(layer));
    next = static_cast<int>(layer) + 1;
  }
  return out;
}

inline result<json> open_policy(const std::string& path) {
  auto parsed = load_json(path);
  if (!parsed) return parsed;
  if (auto ok = check_policy_file(*parsed); !ok) return ok.error().in(path);
  return parsed;
}

}  // namespace detail

/// Reads the layers that a policy was saved with: the schedule of its `exit_policy`. Fails with `missing_key` where it was
/// saved without, `wrong_type`, `out_of_range` (256 and above), `bad_value` where they do not ascend, `wrong_schema`, and
/// the errors of JSON.
inline result<at_layers> load_layers(const std::string& path) {
  auto document = detail::open_policy(path);
  if (!document) return document.error();
  auto layers = detail::read_layers(*document, at_layers::capacity);
  if (!layers) return layers.error().in(path);
  return layers;
}

/// Reads the `recent_exits` that a policy was saved with, which then remembers no exit. Fails as `load_layers` does, and
/// with `missing_key`, `wrong_type` and `bad_value` (over 255) for the distance "apart".
inline result<recent_exits> load_recent_exits(const std::string& path) {
  auto document = detail::open_policy(path);
  if (!document) return document.error();
  const auto always = detail::read_layers(*document, at_layers::capacity);
  if (!always) return always.error().in(path);
  std::uint64_t apart = 0;
  if (auto ok = detail::read_whole(*document, "apart", 0, at_layers::capacity - 1, apart); !ok)
    return ok.error().in(path);
  return recent_exits(*always, static_cast<int>(apart));
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
