// SPDX-License-Identifier: MIT
/// @file signal/features.hpp
/// A pack of signals: the feature vector of a classifier.
#pragma once

#include <array>

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

template <class... Ss>
class features;

namespace detail {
/// One base a signal: a flat pack, no recursion.
template <std::size_t I, exit_signal S>
struct signal_slot {
  [[no_unique_address]] S signal{};
};

template <class Indices, class... Ss>
struct signal_pack;
template <std::size_t... Is, class... Ss>
struct signal_pack<std::index_sequence<Is...>, Ss...> : signal_slot<Is, Ss>... {};

template <class S>
inline constexpr int head_passes_of = 0;
template <class S>
  requires requires { S::head_passes; }
inline constexpr int head_passes_of<S> = S::head_passes;

template <class S>
inline constexpr bool is_pack = false;
template <class... Ss>
inline constexpr bool is_pack<features<Ss...>> = true;
}  // namespace detail

/// The features of `Ss...`, one after another. Itself a signal, but packs do not nest: saved policies and traces are
/// known by the names of their signals.
///
/// `width`, `needs` and the offsets are constants of the pack. Signals that hold settings are passed by value:
/// `features{gap{}, my_signal{.exponent = 2}}`.
template <class... Ss>
class features {
  static_assert((check_signal<Ss>::value && ...));
  static_assert(sizeof...(Ss) > 0, "features: needs at least one signal");
  static_assert(!(detail::is_pack<Ss> || ...), "features: a pack in a pack; name its signals instead");

 public:
  static constexpr std::string_view name = "features";
  static constexpr std::size_t width = (std::size_t{0} + ... + Ss::width);
  static constexpr need needs = (need::none | ... | Ss::needs);
  static constexpr std::size_t signals = sizeof...(Ss);
  /// Passes over the head that the signals make for themselves: those that say so in a `static constexpr int head_passes`.
  static constexpr int head_passes = (0 + ... + detail::head_passes_of<Ss>);
  /// Name and width of every signal, in order: what saved policies and traces compare.
  static constexpr std::array<std::string_view, signals> names{std::string_view(Ss::name)...};
  static constexpr std::array<std::size_t, signals> widths{Ss::width...};

  constexpr features() noexcept = default;
  LAGOM_HD constexpr explicit features(const Ss&... ss) noexcept
    requires(sizeof...(Ss) > 0)
      : features(std::index_sequence_for<Ss...>{}, ss...) {}

  /// Writes `width` numbers.
  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    for_each([&](const auto& signal, std::size_t offset) { signal(o, b, out + offset); });
  }

  /// Calls `visit(signal, offset of its first feature)` for every signal, in order.
  template <class Visit>
  LAGOM_LEAF constexpr void for_each(Visit&& visit) const {
    for_each(visit, std::index_sequence_for<Ss...>{});
  }

  /// The signal at place I.
  template <std::size_t I>
  [[nodiscard]] LAGOM_LEAF constexpr const auto& signal() const noexcept {
    return signal_at<I>(pack_);
  }

 private:
  template <std::size_t I, class S>
  LAGOM_LEAF static constexpr const S& signal_at(const detail::signal_slot<I, S>& slot) noexcept {
    return slot.signal;
  }

  template <std::size_t... Is>
  LAGOM_HD constexpr features(std::index_sequence<Is...>, const Ss&... ss) noexcept
      : pack_{detail::signal_slot<Is, Ss>{ss}...} {}

  template <class Visit, std::size_t... Is>
  LAGOM_LEAF constexpr void for_each(Visit& visit, std::index_sequence<Is...>) const {
    std::size_t offset = 0;
    ((visit(static_cast<const detail::signal_slot<Is, Ss>&>(pack_).signal, offset), offset += Ss::width),
     ...);
  }

  [[no_unique_address]] detail::signal_pack<std::index_sequence_for<Ss...>, Ss...> pack_{};
};

template <class... Ss>
features(const Ss&...) -> features<Ss...>;

}  // namespace v0
}  // namespace lagom
