// SPDX-License-Identifier: MIT
#include "line_tokenizer.hpp"

namespace expand_vocabulary {

lagom::result<std::unique_ptr<lagom::io::hf_tokenizer>> parse_tokenizer(std::string_view text) {
  auto out = lagom::io::hf_tokenizer::parse(text);
  if (!out) return out.error();
  return std::make_unique<lagom::io::hf_tokenizer>(std::move(*out));
}

}  // namespace expand_vocabulary
