// expect: signal: must be copyable, it is a plain value
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>

struct unique {
  unique() = default;
#ifndef WITHOUT_FAULT
  unique(const unique&) = delete;
#endif
  static constexpr std::string_view name = "unique";
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::none;
  void operator()(const auto&, const auto&, float* out) const noexcept { out[0] = 0; }
};
static_assert(lagom::check_signal<unique>::value);
