// SPDX-License-Identifier: MIT
// Any bytes as a task file.
#include "early_exit/tasks.hpp"
#include "fuzz/support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tasks = early_exit::load_tasks(fuzz::as_file(data, size, fuzz::scratch() + "/tasks.jsonl"));
  if (tasks && tasks->empty()) __builtin_trap();
  return 0;
}
