// SPDX-License-Identifier: MIT
/// @file io/vocabulary_edit.hpp
/// The edit of a model directory that a change of its vocabulary is.
#pragma once

#include "embedding_tensors.hpp"
#include "tokenizer_files.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// New rows of the matrices. The head's are used only where the model has one of its own, the biases' where
/// it has any.
struct vocabulary_rows {
  std::vector<std::int64_t> input{}, head{};  ///< `row_edit::from` of the two; a bias goes by the head's
  std::span<const std::byte> made_input{}, made_head{}, made_bias{};  ///< `row_edit::made`
};

namespace detail {

/// How many of the rows [first, last) a new matrix does not take over.
[[nodiscard]] inline std::uint64_t lost_rows(std::span<const std::int64_t> from, std::uint64_t first,
                                             std::uint64_t last) {
  std::set<std::int64_t> taken;
  for (const std::int64_t row : from) {
    if (row >= 0 && static_cast<std::uint64_t>(row) >= first && static_cast<std::uint64_t>(row) < last)
      taken.insert(row);
  }
  return first < last ? last - first - taken.size() : 0;
}

}  // namespace detail

/// Puts rows, configuration and tokenizer files together for `edit_model`. The views must live until then.
///
/// ```cpp
/// auto weights = checkpoint::open(dir);
/// auto found = find_embeddings(*weights, *load_json(dir + "/config.json"));
/// auto files = add_tokens_to(dir, addition);
/// auto edit = vocabulary_edit(*weights, *found, rows, std::move(*files));
/// auto report = edit_model(dir, out, *edit);
/// ```
/// Rows beyond the tokenizer's size that the new matrix lacks are counted in a note.
/// "vocab_size" follows the matrix that it is the height of, the head first. Fails with `size_mismatch` when
/// it is the height of neither.
[[nodiscard]] inline result<model_edit> vocabulary_edit(const checkpoint& weights,
                                                        const embedding_tensors& found,
                                                        const vocabulary_rows& rows,
                                                        tokenizer_edits tokenizer) {
  const auto& head_from = found.heads.empty() ? rows.input : rows.head;
  model_edit out;
  for (const std::string& name : found.inputs) out.tensors.push_back({name, rows.input, rows.made_input});
  for (const std::string& name : found.heads) out.tensors.push_back({name, head_from, rows.made_head});
  for (const std::string& name : found.biases) {
    const tensor_view* const bias = weights.find(name);
    if (bias == nullptr) return failure{.code = errc::missing_tensor, .key = name};
    out.tensors.push_back({name, head_from, rows.made_bias, bias_axis(*bias)});
  }
  if (found.vocab_size != found.head_rows && found.vocab_size != found.input_rows) {
    return failure{.code = errc::size_mismatch,
                   .file = "config.json",
                   .key = "vocab_size",
                   .expected = found.head_rows,
                   .found = found.vocab_size};
  }
  out.config.old_size = found.vocab_size;
  out.config.new_size = found.vocab_size == found.head_rows ? head_from.size() : rows.input.size();
  out.config.ids = std::move(tokenizer.ids);
  out.config.roles = std::move(tokenizer.roles);
  out.config.rows = found.input_rows;
  out.files = std::move(tokenizer.files);
  out.notes = std::move(tokenizer.notes);
  const auto known = static_cast<std::uint64_t>(tokenizer.source_size);
  if (const auto lost = detail::lost_rows(rows.input, known, found.input_rows); lost > 0) {
    out.notes.push_back(std::to_string(lost) + " rows of " + found.inputs.front() + " beyond its " +
                        std::to_string(known) + " tokens are not in the new one");
  }
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
