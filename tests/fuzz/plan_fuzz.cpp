// SPDX-License-Identifier: MIT
// Any bytes as a saved plan: what loads is in canonical form and is saved to an equal one.
#include <cstdlib>
#include <lagom/io/plan_file.hpp>

#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = lagom::io::safetensors::parse({reinterpret_cast<const std::byte*>(data), size});
  if (!file) return 0;
  const auto plan = lagom::io::read_plan(*file);
  if (!plan) return 0;
  const std::string path = fuzz::scratch() + "/plan";
  if (!lagom::io::save_plan(path, *plan)) std::abort();
  const auto again = lagom::io::load_plan(path);
  if (!again || !(*again == *plan)) std::abort();
  return 0;
}
