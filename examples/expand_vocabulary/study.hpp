// SPDX-License-Identifier: MIT
// How many lines does it take? New tokens and alignment on 2^10, 2^11, ... 2^20 lines.
#pragma once

#include <lagom/io/json.hpp>
#include <lagom/vocab/expansion_study.hpp>

#include "change.hpp"
#include "texts.hpp"

namespace expand_vocabulary {

// Reads the first lines of the corpus, 2^20 at most.
[[nodiscard]] lagom::result<std::vector<lagom::vocab::expansion_study_row>> study(const source_model& source,
                                                                                  const text_files& paths,
                                                                                  placement how,
                                                                                  std::size_t tokens,
                                                                                  std::uint64_t first_size);

void print_study(const std::vector<lagom::vocab::expansion_study_row>& rows);
[[nodiscard]] lagom::io::json to_json(const lagom::vocab::expansion_study_row& row);

}  // namespace expand_vocabulary
