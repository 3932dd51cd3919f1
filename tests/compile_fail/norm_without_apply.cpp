// expect: (final_norm|constraint|no matching)
// SPDX-License-Identifier: MIT
#include <lagom/kernel/head.hpp>

struct idle {
  template <class B, class T>
  int prepare(const B&, lagom::vec_view<const T>) const noexcept {
    return 0;
  }
#ifdef WITHOUT_FAULT
  float apply(int, float x, lagom::index_t) const noexcept { return x; }
#endif
};
static_assert(lagom::final_norm<idle>, "final_norm");
