// SPDX-License-Identifier: MIT
// A failure ends a program with one line on standard error.
#pragma once

#include <fmt/core.h>
#include <lagom/core/result.hpp>

#include <cstdio>
#include <exception>
#include <lagom/io/describe.hpp>
#include <new>
#include <string>
#include <utility>

namespace support {

struct stop_program {
  std::string why;
  int status = 1;  // 2: what was asked for makes no sense
};

// The value, or the end of the program.
template <class T>
T must(lagom::result<T> r) {
  if (!r) throw stop_program{lagom::io::describe(r.error())};
  return std::move(*r);
}

// Runs a program's work and gives its exit status.
template <class Work>
int run_program(const char* name, Work&& work) {
  try {
    const int status = work();
    if (std::fflush(stdout) != 0) throw stop_program{"standard output cannot be written"};
    return status;
  } catch (const stop_program& stopped) {
    fmt::print(stderr, "{}: {}\n", name, stopped.why);
    return stopped.status;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: out of memory\n", name);
  } catch (const std::exception& failed) {
    fmt::print(stderr, "{}: {}\n", name, failed.what());
  }
  return 1;
}

}  // namespace support
