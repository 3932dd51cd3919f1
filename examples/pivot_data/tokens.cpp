// SPDX-License-Identifier: MIT
#include "tokens.hpp"

#include <lagom/io/prompt_tokenizer.hpp>
#include <lagom/prompt/isolated.hpp>

#include "report.hpp"

namespace pivot_data {

struct tokens::inside {
  lagom::io::any_tokenizer tokenizer;
  lagom::io::prompt_tokenizer prompts;
  explicit inside(lagom::io::any_tokenizer t) : tokenizer(std::move(t)), prompts(tokenizer) {}
};

tokens::tokens(const std::string& path)
    : in_(std::make_unique<inside>(must(lagom::io::open_tokenizer(path)))) {}
tokens::~tokens() = default;

std::size_t tokens::count(std::string_view text) const { return in_->prompts.count(text); }

std::optional<lagom::token_id> tokens::only_token(std::string_view text) const {
  std::optional<lagom::token_id> out;
  std::size_t n = 0;
  in_->prompts.encode(text, [&](lagom::token_id id) {
    out = id;
    ++n;
  });
  return n == 1 ? out : std::nullopt;
}

lagom::prompt::row_verdict tokens::mask(const segment_list& pieces, const mask_options& how,
                                        lagom::prompt::token_row& row) const {
  if (how.joint) return lagom::prompt::joint{how.at_seam, how.labels}(pieces, in_->prompts, row);
  return lagom::prompt::isolated{how.labels}(pieces, in_->prompts, row);
}

}  // namespace pivot_data
