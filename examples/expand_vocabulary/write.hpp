// SPDX-License-Identifier: MIT
// The new model directory.
#pragma once

#include <lagom/io/model_editor.hpp>

#include "change.hpp"
#include "new_rows.hpp"
#include "support/progress.hpp"

namespace expand_vocabulary {

// The rows of all matrices of a model.
struct model_rows {
  matrix_rows input;
  std::optional<matrix_rows> head;  // where the model has one of its own
  std::vector<std::byte> bias;      // made elements of the head's bias, where it has one
};

// Applies one plan to the input embedding and one to the head and its bias. Rows that are no tokens never win: they are
// the mean row, and -infinity in a bias.
[[nodiscard]] inline lagom::result<model_rows> rows_of_model(const source_model& source,
                                                             const lagom::vocab::expansion& change,
                                                             const lagom::embed::plan& input,
                                                             const lagom::embed::plan& head,
                                                             std::size_t height) {
  model_rows out;
  auto made = rows_of_target(source.input(), change, input, height);
  if (!made) return made.error().in(source.tensors.inputs.front());
  out.input = std::move(*made);
  if (!source.tensors.heads.empty()) {
    auto head_rows = rows_of_target(source.head(), change, head, height);
    if (!head_rows) return head_rows.error().in(source.tensors.heads.front());
    out.head = std::move(*head_rows);
  }
  if (!source.tensors.biases.empty()) {
    const lagom::io::tensor_view& bias = *source.weights.find(source.tensors.biases.front());
    auto elements = bias_of_target(bias, change, head, height);
    if (!elements) return elements.error().in(source.tensors.biases.front());
    out.bias = std::move(*elements);
  }
  return out;
}

// Writes DIRECTORY, which must not be there. Everything but the rows, the tokenizer's files and the configuration is
// copied from file to file.
[[nodiscard]] inline lagom::result<lagom::io::edit_report> write_model(const source_model& source,
                                                                       const changed_vocabulary& changed,
                                                                       const model_rows& rows,
                                                                       const std::string& directory) {
  lagom::io::vocabulary_rows all{
      .input = rows.input.from, .made_input = rows.input.made, .made_bias = rows.bias};
  if (rows.head) {
    all.head = rows.head->from;
    all.made_head = rows.head->made;
  }
  auto edit = lagom::io::vocabulary_edit(source.weights, source.tensors, all, changed.files);
  if (!edit) return edit.error();
  support::progress bar("writing " + directory, 1000);
  std::uint64_t shown = 0;
  return lagom::io::edit_model(source.directory, directory, *edit, {},
                               [&](std::uint64_t done, std::uint64_t total) {
                                 const std::uint64_t now = total == 0 ? 1000 : 1000 * done / total;
                                 bar.advance(now - shown);
                                 shown = now;
                               });
}

inline void print_written(const std::string& directory, const lagom::io::edit_report& report) {
  fmt::print("\nwrote {}\n", directory);
  for (const auto& t : report.tensors) {
    fmt::print("  {} in {}: {} rows before, {} after, {} made\n", t.tensor, t.file, t.rows_before,
               t.rows_after, t.rows_made);
  }
  for (const auto& f : report.files) {
    if (f.action == lagom::io::file_action::copied) continue;
    const bool edited = f.action == lagom::io::file_action::edited;
    fmt::print("  {} {}{}{}\n", f.name, edited ? "edited" : "left out", f.why.empty() ? "" : ": ", f.why);
  }
  for (const std::string& note : report.notes) fmt::print("  note: {}\n", note);
}

}  // namespace expand_vocabulary
