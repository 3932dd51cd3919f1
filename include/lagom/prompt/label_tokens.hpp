// SPDX-License-Identifier: MIT
/// @file prompt/label_tokens.hpp
/// The tokens of labels as they follow a prompt, with any tokenizer.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../core/math.hpp"
#include "../core/tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A prompt's tokens that stay when any of the labels follows, and what follows them for each label. The model is to
/// read `prompt`, and to be scored on `labels`.
struct tokenized_labels {
  std::vector<token_id> prompt;
  std::vector<std::vector<token_id>> labels;
  std::size_t merged = 0;  ///< tokens at the end of the prompt that some label changes: they are in `labels`
};

/// Tokenizes `prompt + label` for each label, and the prompt alone; the first tokens that all of them share are the
/// prompt's, never more than the prompt alone has. No token is lost or made where a tokenizer merges across the seam.
/// Cost: one encoding a label.
template <tokenizer Tokenizer>
[[nodiscard]] tokenized_labels tokens_of_labels(const Tokenizer& tokenizer, std::string_view prompt,
                                                std::span<const std::string_view> labels) {
  tokenized_labels out;
  const auto encode = [&tokenizer](std::string_view text) {
    std::vector<token_id> tokens;
    tokenizer.encode(text, [&tokens](token_id t) { tokens.push_back(t); });
    return tokens;
  };
  out.prompt = encode(prompt);
  std::size_t same = out.prompt.size();
  for (const std::string_view label : labels) {
    std::string text(prompt);
    text += label;
    out.labels.push_back(encode(text));
    const std::vector<token_id>& all = out.labels.back();
    const auto limit = static_cast<std::ptrdiff_t>((std::min)(same, all.size()));
    same = static_cast<std::size_t>(
        std::mismatch(all.begin(), all.begin() + limit, out.prompt.begin()).first - all.begin());
  }
  for (std::vector<token_id>& label : out.labels)
    label.erase(label.begin(), label.begin() + static_cast<std::ptrdiff_t>(same));
  out.merged = out.prompt.size() - same;
  out.prompt.resize(same);
  return out;
}

/// `first_token_max`, a defect of the released evaluation of arXiv 2402.10712: the score of a label is the
/// largest logit of the first step over all sub-tokens of `w` and of ` w`. Labels that share a piece (a lone space, a
/// common syllable) tie at it. For comparison only. `word` is the label without its space. A token without a logit
/// and a logit that is NaN or infinite do not count; a label without any gets the lowest float.
template <tokenizer Tokenizer>
[[nodiscard]] float first_token_max(const Tokenizer& tokenizer, std::string_view word,
                                    std::span<const float> logits) {
  float best = (std::numeric_limits<float>::lowest)();
  const auto take = [&](token_id t) {
    if (t < 0 || static_cast<std::size_t>(t) >= logits.size()) return;
    const float& x = logits[static_cast<std::size_t>(t)];
    if (is_finite(&x)) best = (std::max)(best, x);
  };
  tokenizer.encode(word, take);
  std::string spaced(" ");
  spaced += word;
  tokenizer.encode(spaced, take);
  return best;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
