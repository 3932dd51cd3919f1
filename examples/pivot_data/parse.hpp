// SPDX-License-Identifier: MIT
// pivot_data parse: outputs of models in, sections or pairs out.
#pragma once

#include "methods.hpp"

namespace pivot_data {

struct parse_options {
  std::string in = "-", out = "-", style = "plug", level = "nfc", prefill, json;
  language_options pivot{"en", {}, {}, {}}, target;
  bool stream = false, strict = false;
  bool skip_leading = false, resync = false, keep_duplicates = false;  // of pairs
};
void parse(const parse_options& o);

}  // namespace pivot_data
