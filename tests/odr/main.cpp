// SPDX-License-Identifier: MIT
// Each unit must run its own code: without fused multiply-add here, with it there.
#include <cstdio>

float plain_rounding();
float fused_rounding();
double plain_everything();
double fused_everything();

int main() {
  const bool own_code = plain_rounding() == 0.0f && fused_rounding() == 0x1p-24f;
  const bool alive = plain_everything() > 0 && fused_everything() > 0;
  std::printf("plain %g fused %g\n", static_cast<double>(plain_rounding()),
              static_cast<double>(fused_rounding()));
  return own_code && alive ? 0 : 1;
}
