// expect: signal: its call operator must be noexcept and return void
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct answering {
  static constexpr std::string_view name = "answering";
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::none;
#ifdef WITHOUT_FAULT
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
#else
  float operator()(const auto&, const auto&, float* out) const noexcept { return out[0] = 0; }
#endif
};
static_assert(lagom::check_signal<answering>::value);
