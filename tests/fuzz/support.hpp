// SPDX-License-Identifier: MIT
// Fuzzers of readers that take a path: the bytes go through a file of the process' own.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace fuzz {

inline std::string as_file(const std::uint8_t* data, std::size_t size,
                           const std::string& directory_and_name) {
  FILE* const f = std::fopen(directory_and_name.c_str(), "wb");
  if (f != nullptr) {
    std::fwrite(data, 1, size, f);
    std::fclose(f);
  }
  return directory_and_name;
}

inline const std::string& scratch() {
  static const std::string path = [] {
    char name[] = "/tmp/lagom_fuzz_XXXXXX";
    return std::string(::mkdtemp(name) != nullptr ? name : "/tmp");
  }();
  return path;
}

}  // namespace fuzz
