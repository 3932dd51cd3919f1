// expect: rule_format: a threshold with a comparator of your own
// SPDX-License-Identifier: MIT
#include <lagom/io/rule_json.hpp>

struct near_half {
  static constexpr bool passes(float value, float threshold) noexcept { return value > threshold / 2; }
};
#ifdef WITHOUT_FAULT
using comparator = lagom::above;
#else
using comparator = near_half;
#endif
auto text(const lagom::threshold<comparator>& rule) {
  return lagom::io::rule_format<lagom::threshold<comparator>>::write(rule);
}
