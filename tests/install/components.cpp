// SPDX-License-Identifier: MIT
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/io.hpp>
#include <lagom/lagom.hpp>

int main() {
  const xt::xtensor<float, 1> x = xt::ones<float>({8});
  const bool blas = lagom::dot(lagom::xtensor_blas{}, x, x) == 8;
  return blas && !lagom::io::safetensors::open("no such file") ? 0 : 1;
}
