// SPDX-License-Identifier: MIT
/// @file prompt/joint.hpp
/// Labels by the bytes under each token: the text is tokenised once, as a whole.
#pragma once

#include <algorithm>

#include "token_row.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What to do with a token over trained and untrained bytes.
enum class straddle : std::uint8_t {
  mask,   ///< no loss
  train,  ///< loss
  error   ///< no loss, and the row is `straddled`
};

/// Mask policy: one pass over the whole text; a token is trained when all its bytes are. Tokens over bytes of both
/// kinds are listed in the row, and treated as `at_seam` says.
///
/// A token without bytes is trained when its neighbouring bytes are; between the two kinds it is a straddler. Trained
/// bytes under no token, which a tokenizer may drop, are counted. Law: trained bytes = bytes under trained tokens, but
/// for straddlers and what is uncovered.
///
/// Text of a user may spell a control token, and here it then is one: such rows are `injected` if the tokenizer has
/// `is_control`. White space that a control token takes from its neighbours is none of it.
/// Cost: that of the tokenizer, and O(bytes + segments).
struct joint {
  straddle at_seam = straddle::mask;
  label_options labels{};

  /// Writes the tokens of a prompt.
  template <prompt_pieces P, offset_tokenizer Tokenizer>
  row_verdict operator()(const P& pieces, Tokenizer&& tokenizer, token_row& row) const {
    row.clear();
    append_text(row.text, pieces);
    for_each_trained(pieces, [&](span s) { row.trained_runs.push_back(s); });
    const std::size_t size = row.text.size();
    row.under.assign(size, false);
    constexpr bool knows_control = requires(token_id id) { tokenizer.is_control(id); };
    if constexpr (knows_control) {
      for_each_run(
          pieces, [](const segment& s) { return s.origin == origin::content; },
          [&](span s) { row.content_runs.push_back(s); });
    }
    std::size_t run = 0, content_run = 0;
    const bool aligned =
        tokenizer.encode_offsets(row.text, [&](token_id id, std::size_t begin, std::size_t end) {
          const std::size_t from = (std::min)(begin, size);
          const span s{from, (std::min)((std::max)(end, from), size)};
          const std::size_t under = detail::bytes_in(s, row.trained_runs, run);
          bool is_trained = s.size() > 0 && under == s.size(), straddles = under > 0 && under < s.size();
          if (s.size() == 0 && size > 0) {
            const bool after =
                s.begin < size && detail::bytes_in({s.begin, s.begin + 1}, row.trained_runs, run) > 0;
            const bool before =
                s.begin > 0 && detail::bytes_in({s.begin - 1, s.begin}, row.trained_runs, run) > 0;
            is_trained = (after || s.begin == size) && (before || s.begin == 0);
            straddles = s.begin > 0 && s.begin < size && before != after;
          }
          if (straddles) {
            row.straddlers.push_back({row.ids.size(), s});
            is_trained = at_seam == straddle::train;
          }
          if constexpr (knows_control) {
            if (tokenizer.is_control(id) && spells(row, s, content_run)) ++row.injected;
          }
          row.push(id, is_trained, labels);
          for (std::size_t b = s.begin; b < s.end; ++b) row.under[b] = true;
        });
    for (const span s : row.trained_runs) {
      for (std::size_t b = s.begin; b < s.end; ++b) row.uncovered += row.under[b] ? 0u : 1u;
    }
    row.put_begin(labels);
    if (!aligned) return row_verdict::unaligned;
    const row_verdict verdict = verdict_of(row, labels);
    const bool refuse = at_seam == straddle::error && !row.straddlers.empty();
    return refuse && verdict != row_verdict::injected ? row_verdict::straddled : verdict;
  }

 private:
  // Whether a user's text is under a token, and not by white space alone.
  [[nodiscard]] static bool spells(const token_row& row, span s, std::size_t& run) noexcept {
    if (detail::bytes_in(s, row.content_runs, run) == 0) return false;
    for (std::size_t i = s.begin; i < s.end; ++i) {
      const char c = row.text[i];
      const bool white = c == ' ' || (c >= '\t' && c <= '\r');
      if (!white && detail::bytes_in({i, i + 1}, row.content_runs, run) > 0) return true;
    }
    return false;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
