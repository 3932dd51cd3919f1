// SPDX-License-Identifier: MIT
/// @file io/edit_report.hpp
/// What became of a model directory.
#pragma once

#include <vector>

#include "range_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A tensor whose rows were exchanged.
struct tensor_change {
  std::string tensor{}, file{};
  std::uint64_t rows_before = 0, rows_after = 0, rows_made = 0;
};

enum class file_action : std::uint8_t {
  copied,    ///< byte for byte
  edited,    ///< written anew
  left_out,  ///< not in the new directory
};

/// A file of the old or the new directory, and why, unless it was copied.
struct file_change {
  std::string name{};
  file_action action{};
  std::string why{};
};

struct edit_report {
  std::vector<tensor_change> tensors{};
  std::vector<file_change> files{};
  std::vector<std::string> notes{};  ///< what a reader of the new directory should know, a sentence each
  byte_counts bytes{};
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
