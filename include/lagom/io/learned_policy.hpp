// SPDX-License-Identifier: MIT
/// @file io/learned_policy.hpp
/// Policies whose signals were learned on one model: saved with their weights, loaded as their owner.
#pragma once

#include <optional>
#include <tuple>
#include <type_traits>

#include "calibrated_rule.hpp"
#include "composed_rules.hpp"
#include "specee_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The model that signals were learned on.
struct model_identity {
  std::uint64_t fingerprint = 0;  ///< `model_fingerprint`, or what the program tells models apart by
  int layers = 0;
  index_t hidden = 0;  ///< elements of a hidden state
};

namespace detail {

template <class S>
struct held_signal {
  using type = S;
};
template <learned_signal S>
struct held_signal<S> {
  using type = typename signal_format<S>::owner;
};

/// What is kept of a signal: the weights of a learned one, any other as it is.
template <class S>
using held_signal_t = typename held_signal<S>::type;

}  // namespace detail

template <class Features, class Rule>
class learned_policy;

/// Owns the weights of a pack's learned signals and the rule that reads them. `signals()` hands out the pack, whose learned
/// signals see these weights; copies own their own.
template <class... Ss, class Rule>
class learned_policy<features<Ss...>, Rule> {
 public:
  Rule rule{};

  learned_policy(Rule r, detail::held_signal_t<Ss>... held) : rule(std::move(r)), held_(std::move(held)...) {}

  /// The signals. Valid as long as this is, and is not moved from.
  [[nodiscard]] features<Ss...> signals() const& noexcept {
    return signals(std::index_sequence_for<Ss...>{});
  }
  features<Ss...> signals() const&& = delete;

 private:
  template <std::size_t... Is>
  features<Ss...> signals(std::index_sequence<Is...>) const noexcept {
    return features<Ss...>(shown<Ss>(std::get<Is>(held_))...);
  }
  template <class S>
  static S shown(const detail::held_signal_t<S>& held) noexcept {
    if constexpr (learned_signal<S>) {
      return held.signal();
    } else {
      return held;
    }
  }

  std::tuple<detail::held_signal_t<Ss>...> held_;
};

namespace detail {

/// Perceptrons, one a layer, of a rule that has them.
template <class Rule>
index_t nets_of(const Rule& rule) {
  if constexpr (requires { rule.nets(); }) {
    return rule.nets();
  } else if constexpr (requires { rule.rule; }) {
    return nets_of(rule.rule);
  } else {
    return 0;
  }
}

/// Is the rule one for this model? Its perceptrons, its calibration.
template <class Rule>
result<done> check_rule_of(const Rule& rule, const model_identity& model) {
  if (nets_of(rule) > model.layers) {
    return failure{.code = errc::wrong_shape,
                   .key = "nets",
                   .expected = static_cast<std::uint64_t>(model.layers),
                   .found = static_cast<std::uint64_t>(nets_of(rule))};
  }
  if constexpr (requires { rule.check(model.fingerprint); }) return rule.check(model.fingerprint);
  return done{};
}

/// The member "model" against the model that runs.
inline result<done> check_model(const json& document, const model_identity& model) {
  const json* const at = find(document, "model");
  if (at == nullptr) return failure{.code = errc::missing_key, .key = "model"};
  const auto same = [&](const char* key, std::uint64_t expected) -> result<done> {
    std::uint64_t found = 0;
    if (auto ok = read_whole(*at, key, 1, INT64_MAX, found); !ok) return ok;
    if (found == expected) return done{};
    return failure{.code = errc::wrong_shape, .key = key, .expected = expected, .found = found};
  };
  if (auto ok = same("layers", static_cast<std::uint64_t>(model.layers)); !ok) return ok;
  if (auto ok = same("hidden", static_cast<std::uint64_t>(model.hidden)); !ok) return ok;
  const auto fingerprint = read_hexadecimal(*at, "fingerprint");
  if (!fingerprint) return fingerprint.error();
  if (*fingerprint == model.fingerprint) return done{};
  return failure{.code = errc::changed, .key = "model", .expected = *fingerprint, .found = model.fingerprint};
}

/// The owner of a learned signal from its place in "signals"; any other signal as the program has it.
template <class S>
result<held_signal_t<S>> read_signal(const json& from, const S& given, index_t hidden) {
  if constexpr (learned_signal<S>) {
    auto owner = signal_format<S>::read(from, hidden);
    if (owner) return owner;
    failure why = owner.error();  // "lte.weights": which signal it is
    const std::string key = std::string(S::name) + "." + std::string(why.key.view());
    why.key = key;
    return why;
  } else {
    if (!from.is_null()) return failure{.code = errc::wrong_type, .key = S::name};
    return given;
  }
}

template <class Rule, class... Ss, std::size_t... Is>
result<learned_policy<features<Ss...>, Rule>> read_learned(const json& document, const features<Ss...>& pack,
                                                           const model_identity& model,
                                                           std::index_sequence<Is...>) {
  if (auto ok = check_features(document, pack); !ok) return ok.error();
  if (auto ok = check_model(document, model); !ok) return ok.error();
  if (document.contains("layers")) {
    const int most = model.layers < at_layers::capacity ? model.layers : at_layers::capacity;
    if (auto layers = read_layers(document, most); !layers) return layers.error();
  }
  auto rule = read_policy<Rule>(document, pack);
  if (!rule) return rule.error();
  if (auto ok = check_rule_of(*rule, model); !ok) return ok.error();
  const json* const signals = find(document, "signals");
  if (signals == nullptr) return failure{.code = errc::missing_key, .key = "signals"};
  if (!signals->is_array() || signals->size() != sizeof...(Ss))
    return failure{.code = errc::wrong_type, .key = "signals"};
  std::tuple<result<held_signal_t<Ss>>...> held{
      read_signal<Ss>((*signals)[Is], pack.template signal<Is>(), model.hidden)...};
  std::optional<failure> first;
  (
      [&](const auto& one) {
        if (!one && !first) first = one.error();
      }(std::get<Is>(held)),
      ...);
  if (first) return *first;
  return learned_policy<features<Ss...>, Rule>(std::move(*rule), std::move(*std::get<Is>(held))...);
}

template <class S>
json write_signal(const S& signal) {
  if constexpr (learned_signal<S>) {
    return signal_format<S>::write(signal);
  } else {
    return nullptr;
  }
}

template <class Rule, class... Ss, std::size_t... Is>
result<done> write_learned(const std::string& path, json document, const features<Ss...>& pack,
                           const model_identity& model, std::index_sequence<Is...> places) {
  document["model"] = {
      {"fingerprint", hexadecimal(model.fingerprint)}, {"layers", model.layers}, {"hidden", model.hidden}};
  json signals = json::array();
  (signals.push_back(write_signal(pack.template signal<Is>())), ...);
  document["signals"] = std::move(signals);
  return write_policy(path, document, -1,
                      [&](const json& back) { return read_learned<Rule>(back, pack, model, places); });
}

}  // namespace detail

/// Writes a rule, the features it was fitted on, the weights of those that are learned, and the model they belong to.
/// ```cpp
/// const auto module = lagom::fit(lagom::lte_config{}, labelled->view());
/// const lagom::features pack{module->model.signal(), lagom::relative_depth{}};
/// lagom::io::save_learned_policy(path, pack, rule, {lagom::io::model_fingerprint(weights), n_layers, dim});
/// ```
/// Signals that are not learned have nothing in the file but their names. Fails as `save_policy` does, and with what
/// `load_learned_policy` says of what it would refuse.
template <class... Ss, class Rule>
result<done> save_learned_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule,
                                 const model_identity& model) {
  return detail::write_learned<Rule>(path, detail::policy_document(pack, rule), pack, model,
                                     std::index_sequence_for<Ss...>{});
}
/// @overload With the layers that it is asked at.
template <class... Ss, class Rule, detail::saved_schedule Schedule>
result<done> save_learned_policy(const std::string& path, const features<Ss...>& pack, const Rule& rule,
                                 const model_identity& model, const Schedule& schedule) {
  json document = detail::policy_document(pack, rule);
  detail::write_schedule(document, schedule);
  return detail::write_learned<Rule>(path, std::move(document), pack, model,
                                     std::index_sequence_for<Ss...>{});
}

/// Reads rule and learned signals of the model that runs. `pack` says which signals; those that are not learned are taken as
/// they are in it (a `candidate_probe` sees the program's own head).
/// ```cpp
/// const auto saved = lagom::io::load_learned_policy<lagom::threshold<lagom::below>>(
///     path, lagom::features<lagom::lte>{}, {lagom::io::model_fingerprint(weights), n_layers, dim});
/// lagom::exit_policy policy{saved->signals(), saved->rule};
/// ```
/// Fails as `load_policy` does; with `wrong_shape` for another number of layers, another hidden size, weights or perceptrons
/// of another number (naming which), `changed` for another model of that shape, `out_of_range` for layers it does not have.
template <class Rule, class... Ss>
result<learned_policy<features<Ss...>, Rule>> load_learned_policy(const std::string& path,
                                                                  const features<Ss...>& pack,
                                                                  const model_identity& model) {
  auto document = detail::open_policy(path);
  if (!document) return document.error();
  auto policy = detail::read_learned<Rule>(*document, pack, model, std::index_sequence_for<Ss...>{});
  if (!policy) return policy.error().in(path);
  return policy;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
