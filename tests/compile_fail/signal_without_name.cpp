// expect: signal: needs `static constexpr std::string_view name`
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct nameless {
#ifdef WITHOUT_FAULT
  static constexpr std::string_view name = "nameless";
#endif
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::none;
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
};
lagom::features<nameless> pack;
