// SPDX-License-Identifier: MIT
// pivot_data build: quads in, rows of training data out.
#pragma once

#include "methods.hpp"
#include "quads.hpp"

namespace pivot_data {

struct build_options {
  quad_input in;
  method_options how;
  row_options rows;
  std::string json;
  bool strict = false;
};
void build(const build_options& o);

}  // namespace pivot_data
