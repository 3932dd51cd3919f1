// SPDX-License-Identifier: MIT
// Any bytes as a safetensors file; what loads is read to its last byte, and as a trace.
#include <lagom/io/trace_file.hpp>

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto file = lagom::io::safetensors::parse(std::as_bytes(std::span(data, size)));
  if (!file) return 0;
  for (const auto& [name, tensor] : file->tensors()) {
    if (tensor.elements() > 1 << 20) continue;
    std::vector<double> values(tensor.elements());
    (void)tensor.copy_to(std::span<double>(values)).has_value();
    unsigned sum = 0;
    for (const std::byte b : tensor.bytes) sum += std::to_integer<unsigned>(b);
    if (sum == 1u << 31) return 1;
  }
  (void)lagom::io::load_trace(fuzz::as_file(data, size, fuzz::scratch() + "/trace")).has_value();
  return 0;
}
