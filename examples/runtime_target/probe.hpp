// SPDX-License-Identifier: MIT
// What the program's own code knows of a probe: plain types. Nothing here is compiled for a particular processor.
#pragma once

struct probe_input {
  const float* hidden;
  const unsigned short* rows;  // bf16, vocab x dim
  int vocab, dim;
};

struct probe_result {
  int token;
  float gap, entropy;
  const char* body;  // which instructions ran
};

using probe_function = probe_result (*)(const probe_input&);

probe_result probe_baseline(const probe_input&);  // any x86-64
probe_result probe_avx2(const probe_input&);      // with AVX2, FMA, F16C
probe_result probe_avx512(const probe_input&);    // with AVX-512 F, BW, VL, DQ
