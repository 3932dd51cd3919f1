// SPDX-License-Identifier: MIT
// Fuzzers of readers that take a path: the bytes go through a file of the process' own.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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
    const std::string place = std::filesystem::temp_directory_path().string();
    std::string name = place + "/lagom_fuzz_XXXXXX";
    return ::mkdtemp(name.data()) != nullptr ? name : place;
  }();
  return path;
}

}  // namespace fuzz
