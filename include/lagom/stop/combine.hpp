// SPDX-License-Identifier: MIT
/// @file stop/combine.hpp
/// What `all_of` and `any_of` share: a flat pack of parts and of their states.
#pragma once

#include <initializer_list>
#include <utility>

#include "../core/math.hpp"
#include "schedule.hpp"
#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

template <std::size_t I, class Part>
struct part_slot {
  [[no_unique_address]] Part part{};
};
template <std::size_t I, class Part>
struct part_state {};
template <std::size_t I, stop_rule Part>
struct part_state<I, Part> {
  [[no_unique_address]] typename Part::state state{};
};

template <class... Parts>
constexpr std::size_t widest() noexcept {
  std::size_t most = 0;
  for (const std::size_t width : {std::size_t{0}, width_of<Parts>...}) most = width > most ? width : most;
  return most;
}

template <class Indices, class... Parts>
struct part_pack;
template <std::size_t... Is, class... Parts>
struct part_pack<std::index_sequence<Is...>, Parts...> : part_slot<Is, Parts>... {};

template <class Indices, class... Parts>
struct part_states;
template <std::size_t... Is, class... Parts>
struct part_states<std::index_sequence<Is...>, Parts...> : part_state<Is, Parts>... {};

/// A fold over rules (on their scores) or over schedules (on their answers). A score that is not finite would not stop.
template <class Fold, class... Parts>
class combination {
  static_assert(sizeof...(Parts) > 0);
  static_assert((stop_rule<Parts> && ...) || (!stop_rule<Parts> && ...),
                "all_of, any_of: combines stop rules or schedules, not both");
  static_assert((!confirming_rule<Parts> && ...),
                "all_of, any_of: a rule that confirms its answer (specee) must be the policy's own rule");
  using indices = std::index_sequence_for<Parts...>;

 public:
  using state = part_states<indices, Parts...>;
  /// Features that the parts read, as far as their types say.
  static constexpr std::size_t width = widest<Parts...>();

  constexpr combination() noexcept = default;
  LAGOM_HD constexpr explicit combination(const Parts&... parts) noexcept
      : combination(indices{}, parts...) {}

  /// Every part takes the step, so that all of them remember the sequence.
  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept
    requires(stop_rule<Parts> && ...)
  {
    return step(s, x, indices{});
  }

  template <class Index>
    requires(schedule<Parts, Index> && ...)
  LAGOM_LEAF constexpr bool operator()(Index i, int count) const noexcept {
    return wants(i, count, indices{});
  }

  /// The part at place I.
  template <std::size_t I>
  [[nodiscard]] LAGOM_LEAF constexpr const auto& part() const noexcept {
    return part_at<I>(pack_);
  }

 private:
  template <std::size_t I, class Part>
  LAGOM_LEAF static constexpr const Part& part_at(const part_slot<I, Part>& slot) noexcept {
    return slot.part;
  }

  template <std::size_t... Is>
  LAGOM_HD constexpr combination(std::index_sequence<Is...>, const Parts&... parts) noexcept
      : pack_{part_slot<Is, Parts>{parts}...} {}

  template <std::size_t... Is>
  LAGOM_LEAF float step(state& s, vec_view<const float> x, std::index_sequence<Is...>) const noexcept {
    const float scores[] = {static_cast<const part_slot<Is, Parts>&>(pack_).part.step(
        static_cast<part_state<Is, Parts>&>(s).state, x)...};
    float result = Fold::first;
    bool lost = false;
    for (const float& score : scores) {
      if (is_finite(&score)) {
        result = Fold::score(result, score);
      } else {
        lost = true;  // counts as a part that would not stop
      }
    }
    return lost && Fold::start ? -1.0f : result;
  }

  template <class Index, std::size_t... Is>
  LAGOM_LEAF constexpr bool wants(Index i, int count, std::index_sequence<Is...>) const noexcept {
    bool result = Fold::start;
    ((result = Fold::answer(result, static_cast<const part_slot<Is, Parts>&>(pack_).part(i, count))), ...);
    return result;
  }

  [[no_unique_address]] part_pack<indices, Parts...> pack_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
