// expect: signal: its call operator must be noexcept and return void
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct throwing {
  static constexpr std::string_view name = "throwing";
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::none;
#ifdef WITHOUT_FAULT
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
#else
  void operator()(const auto&, const auto&, float* out) const { out[0] = 0; }
#endif
};
static_assert(lagom::check_signal<throwing>::value);
