// SPDX-License-Identifier: MIT
#include "line_tokenizer.hpp"

namespace expand_vocabulary {

void line_tokenizer::encode_into(std::string_view text, sink_ref sink) const {
  from_->encode(text, scratch_, [&](lagom::token_id token) { sink.push(sink.sink, token); });
}

}  // namespace expand_vocabulary
