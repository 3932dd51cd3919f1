// SPDX-License-Identifier: MIT
// pivot_data mix and pack: rows of several files in one order, and rows side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pivot_data {

struct mix_command {
  std::vector<std::string> in;  // FILE or FILE:WEIGHT
  std::string out = "-", unit = "rows", choice = "deficit", stop = "first_exhausted", state, json;
  std::uint64_t budget = 0, seed = 42, rows = 0;
  std::uint32_t epoch = 0;
  bool shuffle = false, strict = false;
};
void mix(const mix_command& o);

struct pack_command {
  std::string in, out = "-", split = "none", json;
  std::uint32_t capacity = 0;
  std::size_t window = 0;  // 0: the whole file at once
  bool strict = false;
};
void pack(const pack_command& o);

}  // namespace pivot_data
