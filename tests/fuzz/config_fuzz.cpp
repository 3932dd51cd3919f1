// SPDX-License-Identifier: MIT
// Any bytes as a config.json; what loads has a shape that makes sense.
#include "decoder/config.hpp"
#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::as_file(data, size, fuzz::scratch() + "/config.json");
  const auto config = decoder::load_config(fuzz::scratch());
  if (config && (config->heads % config->kv_heads != 0 || config->head_dim % 2 != 0 || config->layers < 1))
    __builtin_trap();
  return 0;
}
