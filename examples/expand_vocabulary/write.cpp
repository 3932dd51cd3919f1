// SPDX-License-Identifier: MIT
#include "write.hpp"

#include <lagom/io/model_editor.hpp>
#include <lagom/io/vocabulary_edit.hpp>

#include "texts.hpp"

namespace expand_vocabulary {

lagom::result<lagom::done> can_write(const std::string& source, const std::string& directory) {
  if (auto ok = lagom::io::require_apart(source, directory); !ok) return ok.error();
  if (auto ok = lagom::io::output_directory::create(directory); !ok) return ok.error();
  return lagom::done{};
}

lagom::result<lagom::io::edit_report> write_model(const source_model& source,
                                                  const changed_vocabulary& changed, const model_rows& rows,
                                                  const std::string& directory) {
  lagom::io::vocabulary_rows all{
      .input = rows.input.from, .made_input = rows.input.made, .made_bias = rows.bias};
  if (rows.head) {
    all.head = rows.head->from;
    all.made_head = rows.head->made;
  }
  auto edit = lagom::io::vocabulary_edit(source.weights, source.tensors, all, changed.files);
  if (!edit) return edit.error();
  std::optional<byte_progress> bar;
  return lagom::io::edit_model(source.directory, directory, *edit, {},
                               [&](std::uint64_t done, std::uint64_t total) {
                                 if (!bar) bar.emplace("writing " + directory, total);
                                 bar->reach(done);
                               });
}

}  // namespace expand_vocabulary
