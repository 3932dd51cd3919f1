// SPDX-License-Identifier: MIT
// Every backend that the kernel tests run over.
#pragma once

#include <lagom/adapt/native.hpp>
#include <lagom/adapt/xtensor_blas.hpp>
#include <tuple>

namespace lagom_test {

using backends = std::tuple<lagom::portable, lagom::native, lagom::xtensor_blas>;

}  // namespace lagom_test
