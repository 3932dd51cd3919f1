// SPDX-License-Identifier: MIT
// Initializers by name: "mean", "merge:flat", "align:overlap:consider_mean".
#pragma once

#include <lagom/core/result.hpp>
#include <lagom/embed/plan.hpp>
#include <lagom/vocab/align.hpp>
#include <lagom/vocab/expansion.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace expand_vocabulary {

// What an initializer reads of an expansion besides the tokens' pieces.
enum class wants : unsigned char { nothing, alignment, target_vectors, both_vectors };

struct initializer {
  std::string label;  // as it was written
  std::string_view name;
  std::vector<std::string_view> options;
  std::size_t number = 0;  // an option that is one: neighbours, atoms; 0 where none was given
  wants reads = wants::nothing;

  [[nodiscard]] bool has(std::string_view option) const;
  [[nodiscard]] bool reads_vectors() const {
    return reads == wants::target_vectors || reads == wants::both_vectors;
  }
  [[nodiscard]] lagom::vocab::align_policy policy() const;

  // The rows, as a plan. Fails where the expansion lacks what the method reads.
  [[nodiscard]] lagom::result<lagom::embed::plan> operator()(const lagom::vocab::expansion& e,
                                                             std::uint64_t seed) const;
};

// Reads "name" or "name:option...". Fails with `unsupported`, naming what is not known.
[[nodiscard]] lagom::result<initializer> initializer_of(const std::string& text);

// The list for --help: initializers and their options, a line each.
[[nodiscard]] std::string initializer_list();

}  // namespace expand_vocabulary
