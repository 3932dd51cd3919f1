// SPDX-License-Identifier: MIT
// The new model directory.
#pragma once

#include <lagom/io/edit_report.hpp>

#include "change.hpp"
#include "new_rows.hpp"

namespace expand_vocabulary {

// Whether a directory could be written, without writing it: it is not there, or empty, and apart from the source.
// Fails as `write_model` would after all the work.
[[nodiscard]] lagom::result<lagom::done> can_write(const std::string& source, const std::string& directory);

// Writes DIRECTORY, which must not be there. Everything but the rows, the tokenizer's files and the configuration is
// copied from file to file.
[[nodiscard]] lagom::result<lagom::io::edit_report> write_model(const source_model& source,
                                                                const changed_vocabulary& changed,
                                                                const model_rows& rows,
                                                                const std::string& directory);

}  // namespace expand_vocabulary
