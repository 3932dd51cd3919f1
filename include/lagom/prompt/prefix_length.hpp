// SPDX-License-Identifier: MIT
/// @file prompt/prefix_length.hpp
/// Labels by the token length of the prompt before the answer, as trainers often do it.
#pragma once

#include "token_row.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Compat mask: the whole text and, apart, all before the first trained byte are tokenised; as many tokens are masked
/// as the second has (PLUG's released trainer, arXiv 2311.08711; many others). Everything after is trained.
///
/// The mask drifts when tokens merge across the seam: then it begins inside the answer, or leaves some of the prompt
/// trained. `drift` says over how many tokens of the prompt the two tokenisations disagree; 0 is no drift.
/// Prefer `isolated` or `joint`.
struct prefix_length {
  label_options labels{};

  struct outcome {
    row_verdict verdict = row_verdict::empty;
    std::size_t prefix = 0;  ///< tokens masked
    std::size_t drift = 0;   ///< of these, those that are not the whole text's
  };

  /// Writes the tokens of a prompt. Tokenises the prompt's head twice.
  template <prompt_pieces P, row_tokenizer Tokenizer>
  outcome operator()(const P& pieces, Tokenizer&& tokenizer, token_row& row) const {
    row.clear();
    append_text(row.text, pieces);
    std::size_t head = row.text.size();
    bool found = false;
    for_each_trained(pieces, [&](span s) {
      if (!found) head = s.begin;
      found = true;
    });
    tokenizer.encode(row.text, [&row](token_id id) { row.ids.push_back(id); });
    outcome out;
    bool same = true;
    tokenizer.encode(std::string_view(row.text).substr(0, head), [&](token_id id) {
      same = same && out.prefix < row.ids.size() && row.ids[out.prefix] == id;
      out.drift += same ? 0u : 1u;
      ++out.prefix;
    });
    for (std::size_t i = 0; i < row.ids.size(); ++i) {
      const bool is_trained = found && i >= out.prefix;
      row.labels.push_back(is_trained ? row.ids[i] : labels.ignore);
      row.trained += is_trained ? 1u : 0u;
    }
    row.put_begin(labels);
    out.verdict = verdict_of(row, labels);
    return out;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
