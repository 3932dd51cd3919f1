// SPDX-License-Identifier: MIT
/// @file io/calibrated_rule.hpp
/// Calibrated rules in policy files: what was certified, of which model, on how many rows.
#pragma once

#include "../stop/calibrate/calibrated.hpp"
#include "hexadecimal.hpp"
#include "policy_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Version of the member "calibration".
inline constexpr int calibration_schema = 1;

namespace detail {

inline result<std::uint64_t> read_hexadecimal(const json& from, const char* key) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_string()) return failure{.code = errc::wrong_type, .key = key};
  const auto& text = at->get_ref<const std::string&>();
  const auto value = parse_hexadecimal(text);
  if (!value) return failure{.code = errc::bad_value, .key = key};
  return *value;
}

/// A number in [0, 1].
inline result<double> read_share(const json& from, const char* key) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_number()) return failure{.code = errc::wrong_type, .key = key};
  const auto value = at->get<double>();
  if (!is_finite(&value)) return failure{.code = errc::not_finite, .key = key};
  if (value < 0 || value > 1) return failure{.code = errc::out_of_range, .key = key};
  return value;
}

/// A count, of at least `least`.
inline result<std::int64_t> read_count(const json& from, const char* key, std::int64_t least) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_number_unsigned()) return failure{.code = errc::wrong_type, .key = key};
  const auto value = at->get<std::uint64_t>();
  if (value > static_cast<std::uint64_t>(INT64_MAX) || static_cast<std::int64_t>(value) < least)
    return failure{.code = errc::out_of_range, .key = key, .found = value};
  return static_cast<std::int64_t>(value);
}

inline result<fixed_text<31>> read_name(const json& from, const char* key) {
  const json* const at = find(from, key);
  if (at == nullptr) return failure{.code = errc::missing_key, .key = key};
  if (!at->is_string()) return failure{.code = errc::wrong_type, .key = key};
  return fixed_text<31>(at->get_ref<const std::string&>());
}

inline result<certificate> read_certificate(const json& from) {
  certificate c;
  const auto candidate = read_count(from, "candidate", 0);
  if (!candidate) return candidate.error();
  const auto rows = read_count(from, "rows", 1);
  if (!rows) return rows.error();
  c.candidate = static_cast<index_t>(*candidate);
  c.rows = *rows;
  const auto share = [&](const char* key, double& to) -> result<done> {
    const auto value = read_share(from, key);
    if (!value) return value.error();
    to = *value;
    return done{};
  };
  if (auto ok = share("mean_loss", c.mean_loss); !ok) return ok.error();
  if (auto ok = share("p_value", c.p_value); !ok) return ok.error();
  if (auto ok = share("tolerance", c.tolerance.value); !ok) return ok.error();
  if (auto ok = share("error_rate", c.error_rate.value); !ok) return ok.error();
  if (!(c.error_rate.value > 0 && c.error_rate.value < 1))
    return failure{.code = errc::out_of_range, .key = "error_rate"};
  if (c.p_value > c.error_rate.value) return failure{.code = errc::not_certified, .key = "p_value"};
  const auto test = read_name(from, "test");
  if (!test) return test.error();
  const auto procedure = read_name(from, "procedure");
  if (!procedure) return procedure.error();
  c.test = *test;
  c.procedure = *procedure;
  return c;
}

template <class Rule>
inline constexpr bool reads_scale<calibrated<Rule>> = reads_scale<Rule>;

}  // namespace detail

/// A calibrated rule is written as its rule is, with a member "calibration" more: a program that asks for the bare rule
/// reads the same file. Reading refuses what no calibration gives: an error rate that is not between 0 and 1, a p-value
/// above it (`not_certified`), no rows.
template <saved_rule Rule>
struct rule_format<calibrated<Rule>> {
  static constexpr std::string_view kind = rule_format<Rule>::kind;

  static json write(const calibrated<Rule>& r) {
    const certificate& c = r.shown;
    json out = rule_format<Rule>::write(r.rule);
    out["calibration"] = {{"schema", calibration_schema},   {"model", hexadecimal(r.model)},
                          {"candidate", c.candidate},       {"rows", c.rows},
                          {"mean_loss", c.mean_loss},       {"p_value", c.p_value},
                          {"tolerance", c.tolerance.value}, {"error_rate", c.error_rate.value},
                          {"test", c.test.view()},          {"procedure", c.procedure.view()}};
    return out;
  }

  static result<calibrated<Rule>> read(const json& from, std::size_t width) {
    auto rule = rule_format<Rule>::read(from, width);
    if (!rule) return rule.error();
    const json* const at = find(from, "calibration");
    if (at == nullptr) return failure{.code = errc::missing_key, .key = "calibration"};
    const json* const schema = find(*at, "schema");
    if (schema == nullptr || *schema != calibration_schema)
      return failure{.code = errc::wrong_schema, .key = "calibration"};
    const auto model = detail::read_hexadecimal(*at, "model");
    if (!model) return model.error();
    const auto shown = detail::read_certificate(*at);
    if (!shown) return shown.error();
    return calibrated<Rule>(*rule, *shown, *model);
  }
};

/// Reads a rule that was calibrated on this model. Fails with `changed` for another model, and as `load_policy` does.
/// ```cpp
/// lagom::io::save_policy(path, pack, lagom::calibrated{rule, *kept, lagom::io::model_fingerprint(weights)});
/// auto rule = lagom::io::load_calibrated_policy<lagom::threshold<>>(path, pack, lagom::io::model_fingerprint(weights));
/// ```
template <class Rule, class... Ss>
result<calibrated<Rule>> load_calibrated_policy(const std::string& path, const features<Ss...>& pack,
                                                std::uint64_t model) {
  auto loaded = load_policy<calibrated<Rule>>(path, pack);
  if (!loaded) return loaded;
  if (auto ok = loaded->check(model); !ok) return ok.error().in(path);
  return loaded;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
