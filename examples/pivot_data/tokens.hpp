// SPDX-License-Identifier: MIT
// The tokenizer of a file, behind one small door: its headers are many.
#pragma once

#include <lagom/prompt/joint.hpp>
#include <lagom/prompt/script_estimator.hpp>
#include <lagom/prompt/segment_list.hpp>
#include <memory>
#include <optional>
#include <string>

namespace pivot_data {

using lagom::prompt::segment_list;  // prompts of all kinds look alike

struct mask_options {
  bool joint = false;
  lagom::prompt::straddle at_seam = lagom::prompt::straddle::mask;
  lagom::prompt::label_options labels{};
};

class tokens {
 public:
  // Ends the program where the file is no tokenizer.
  explicit tokens(const std::string& path);
  ~tokens();
  tokens(const tokens&) = delete;
  tokens& operator=(const tokens&) = delete;

  [[nodiscard]] std::size_t count(std::string_view text) const;
  // The one token that a text is.
  [[nodiscard]] std::optional<lagom::token_id> only_token(std::string_view text) const;
  lagom::prompt::row_verdict mask(const segment_list& pieces, const mask_options& how,
                                  lagom::prompt::token_row& row) const;

 private:
  struct inside;
  std::unique_ptr<inside> in_;
};

// Counts tokens, by the tokenizer where there is one, else by the scripts of the text.
struct counter {
  const tokens* tokenizer = nullptr;
  lagom::prompt::script_estimator estimate{};
  [[nodiscard]] std::size_t count(std::string_view text) const {
    return tokenizer != nullptr ? tokenizer->count(text) : estimate.count(text);
  }
};

}  // namespace pivot_data
