// SPDX-License-Identifier: MIT
// What decoding gave, and the choices that lead there.
#pragma once

#include <bit>
#include <lagom/lagom.hpp>
#include <string>
#include <variant>
#include <vector>

#include "decoder/sequence.hpp"

namespace generate {

using model = decoder::model<float>;
using sequence = decoder::sequence<float>;
using tokens = std::vector<lagom::token_id>;

// The tokens of one sequence, and what each took.
struct decoded {
  tokens text;
  std::vector<int> layers;       // used by each token
  std::vector<bool> from_draft;  // kept drafts of self-speculation
  int drafted = 0, kept = 0;     // self-speculation
  int withdrawn = 0;             // FREE's rollback
  std::string drafter;           // the trained one that drafted
};

// How far to decode.
struct limits {
  std::size_t most = 48;                  // tokens
  lagom::token_id end = lagom::no_token;  // nothing comes after it
  [[nodiscard]] bool reached(const tokens& text) const {
    return text.size() >= most || (!text.empty() && text.back() == end);
  }
};

using any_kv = std::variant<lagom::copy_kv, lagom::propagate_kv, lagom::defer_batch, lagom::recompute_kv,
                            lagom::fill_kv, lagom::drop_kv>;

// By its name, with a bound on deferral where there is one.
[[nodiscard]] inline any_kv kv_named(std::string_view name, int most) {
  any_kv found;
  const auto look = [&](auto policy) {
    if constexpr (requires { policy.most; }) policy.most = most;
    if (policy.name == name) found = policy;
  };
  look(lagom::copy_kv{});
  look(lagom::propagate_kv{});
  look(lagom::defer_batch{});
  look(lagom::recompute_kv{});
  look(lagom::fill_kv{});
  look(lagom::drop_kv{});
  return found;
}

// Leaves after one layer, whatever it says, and looks at the head once.
struct only_after {
  int layer;
  constexpr bool operator()(lagom::layer_index l, int) const noexcept { return l.value == layer; }
};
using fixed_exit =
    lagom::exit_policy<lagom::features<lagom::relative_depth>, lagom::threshold<>, only_after, lagom::native>;
[[nodiscard]] inline fixed_exit leave_after(int layer) { return {{}, lagom::threshold{0.0f}, {layer}, {}}; }

// Heads or tails, by the bits of a state: the same whoever decodes beside it.
struct state_coin {
  static constexpr std::string_view name = "coin";
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::hidden;
  std::uint64_t token = 0;
  template <lagom::backend B>
  void operator()(const lagom::layer_obs& o, const B&, float* out) const noexcept {
    const lagom::philox random{std::bit_cast<std::uint32_t>(o.hidden[0])};
    *out = random.uniform(token, 0) < 0.5 ? 1.0f : -1.0f;
  }
};
// Leaves after one layer half of the time.
[[nodiscard]] inline auto leave_by_chance(int layer, int token) {
  return lagom::exit_policy{lagom::features{state_coin{static_cast<std::uint64_t>(token)}},
                            lagom::threshold{0.0f}, only_after{layer}, lagom::native{}};
}

}  // namespace generate
