// SPDX-License-Identifier: MIT
// Reading golden files.
#pragma once

#include <lagom/io/describe.hpp>
#include <lagom/io/safetensors.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace lagom_test {

inline std::string golden(const std::string& name) { return std::string(LAGOM_GOLDEN) + "/" + name; }

// The value, or an exception that says why there is none: a test without its golden file must fail.
template <class T>
T must(lagom::result<T> r) {
  if (!r) throw std::runtime_error(lagom::io::describe(r.error()));
  return std::move(*r);
}

// All elements of a tensor, as they are stored.
template <class T>
std::vector<T> elements(const lagom::io::safetensors& file, const std::string& name) {
  const auto* const t = file.find(name);
  if (t == nullptr || t->type != lagom::io::dtype_of<T>)
    throw std::runtime_error("golden file lacks " + name);
  std::vector<T> out(t->elements());
  if (!out.empty()) std::memcpy(out.data(), t->bytes.data(), t->bytes.size());
  return out;
}

}  // namespace lagom_test
