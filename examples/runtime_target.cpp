// SPDX-License-Identifier: MIT
// One program for old and new processors: the same probe compiled three times (runtime_target/*.cpp, each with its own
// -march), and the best that this processor runs chosen when the program starts.
#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime_target/probe.hpp"

namespace {

struct choice {
  const char* name;
  probe_function probe;
  bool runs_here;
};

// The upper half of a float.
unsigned short to_bf16(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<unsigned short>(bits >> 16);
}

}  // namespace

int main() {
  __builtin_cpu_init();
  // Every processor with AVX2 has the half-precision conversions, which not every compiler can ask for.
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                    __builtin_cpu_supports("bmi2") != 0;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512cd") != 0;
  const choice choices[] = {
      {"avx512", probe_avx512, avx512}, {"avx2", probe_avx2, avx2}, {"baseline", probe_baseline, true}};

  constexpr int vocab = 3000, dim = 256;
  std::vector<unsigned short> rows(static_cast<std::size_t>(vocab * dim));
  std::vector<float> hidden(dim);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::uint32_t mixed = static_cast<std::uint32_t>(i) * 2654435761u;
    mixed = (mixed ^ mixed >> 15) * 2246822519u;
    mixed = (mixed ^ mixed >> 13) * 3266489917u;
    rows[i] = to_bf16(static_cast<float>(mixed >> 16) / 65536.0f - 0.5f);
  }
  for (std::size_t j = 0; j < hidden.size(); ++j) {  // a state that means row 1234
    const std::uint32_t bits = static_cast<std::uint32_t>(rows[1234u * static_cast<std::size_t>(dim) + j])
                               << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    hidden[j] = 0.45f * x;
  }
  const probe_input in{hidden.data(), rows.data(), vocab, dim};

  const probe_result plain = probe_baseline(in);
  const choice* best = nullptr;
  for (const choice& c : choices) {
    if (!c.runs_here) {
      fmt::print("{:10} not on this processor\n", c.name);
      continue;
    }
    const probe_result r = c.probe(in);
    const bool agrees = r.token == plain.token && std::fabs(r.gap - plain.gap) < 1e-5f &&
                        std::fabs(r.entropy - plain.entropy) < 1e-4f;
    fmt::print("{:10} {:9} token {}, gap {:.6f}, entropy {:.5f}{}\n", c.name, r.body, r.token, r.gap,
               r.entropy, agrees ? "" : " DIFFERS");
    if (!agrees) return 1;
    if (best == nullptr) best = &c;
  }
  fmt::print("chosen: {}\n", best->name);
  return 0;
}
