// SPDX-License-Identifier: MIT
/// @file support/crc32.hpp
/// CRC-32 (IEEE 802.3, reflected), to compare texts with published sums.
#pragma once

#include <cstdint>
#include <string_view>

namespace test {

constexpr std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}
static_assert(crc32("123456789") == 0xCBF43926u);

}  // namespace test
