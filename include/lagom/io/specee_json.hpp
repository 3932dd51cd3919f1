// SPDX-License-Identifier: MIT
/// @file io/specee_json.hpp
/// SpecEE's predictors as JSON.
#pragma once

#include "../stop/specee.hpp"
#include "rule_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Members "candidates" (K), "units" (of the hidden layer), "nets" (perceptrons: one, or one a layer), "log_odds",
/// "parameters". Reading refuses sizes that do not fit together (`wrong_shape`), another K (`wrong_width`), more than 65,536
/// units or 4,096 perceptrons (`bad_value`).
template <std::size_t K>
struct rule_format<specee<K>> {
  static constexpr std::string_view kind = "specee";
  static constexpr std::uint64_t most_units = 65536, most_nets = 4096;

  static json write(const specee<K>& r) {
    return {{"candidates", K},
            {"units", r.hidden},
            {"nets", r.hidden > 0 ? r.nets() : 0},
            {"log_odds", json_number(r.log_odds)},
            {"parameters", detail::numbers(r.parameters)}};
  }
  static result<specee<K>> read(const json& from, std::size_t) {
    specee<K> r;
    std::uint64_t candidates = 0, units = 0, nets = 0;
    if (auto ok = detail::read_whole(from, "candidates", 1, UINT64_MAX, candidates); !ok) return ok.error();
    if (candidates != K)
      return failure{.code = errc::wrong_width, .key = "candidates", .expected = K, .found = candidates};
    if (auto ok = detail::read_whole(from, "units", 1, most_units, units); !ok) return ok.error();
    if (auto ok = detail::read_whole(from, "nets", 1, most_nets, nets); !ok) return ok.error();
    if (auto ok = detail::read_number(from, "log_odds", r.log_odds); !ok) return ok.error();
    auto parameters = detail::read_numbers(from, "parameters", 0);
    if (!parameters) return parameters.error();
    r.hidden = static_cast<index_t>(units);
    const auto expected = nets * static_cast<std::uint64_t>(specee<K>::size(r.hidden));
    if (parameters->size() != expected) {
      return failure{
          .code = errc::wrong_shape, .key = "parameters", .expected = expected, .found = parameters->size()};
    }
    r.parameters = std::move(*parameters);
    return r;
  }
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
