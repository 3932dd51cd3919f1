// expect: signal: needs `static constexpr lagom::need needs`
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct needless {
  static constexpr std::string_view name = "needless";
  static constexpr std::size_t width = 1;
#ifdef WITHOUT_FAULT
  static constexpr lagom::need needs = lagom::need::none;
#else
  static constexpr int needs = 0;
#endif
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
};
static_assert(lagom::check_signal<needless>::value);
