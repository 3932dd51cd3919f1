// SPDX-License-Identifier: MIT
// Any bytes as the index of a sharded checkpoint, beside one shard that is there.
#include <lagom/io/checkpoint.hpp>
#include <lagom/io/safetensors_writer.hpp>

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool shard = [] {
    const float w[2] = {1, 2};
    lagom::io::safetensors_writer out;
    out.add<float>("w", {2}, w);
    return out.write(fuzz::scratch() + "/a.safetensors").has_value();
  }();
  if (!shard) __builtin_trap();
  fuzz::as_file(data, size, fuzz::scratch() + "/model.safetensors.index.json");
  const auto opened = lagom::io::checkpoint::open(fuzz::scratch());
  if (opened && opened->find("w") == nullptr)
    __builtin_trap();  // the only tensor that an index can name here
  return 0;
}
