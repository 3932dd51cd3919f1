// SPDX-License-Identifier: MIT
// A tokenizer with its scratch, for one thread; the cutting of text is compiled once, in line_tokenizer.cpp.
#pragma once

#include <lagom/io/tokenizer_json.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace expand_vocabulary {

// Reads the text of a tokenizer.json.
[[nodiscard]] lagom::result<std::unique_ptr<lagom::io::hf_tokenizer>> parse_tokenizer(std::string_view text);

class line_tokenizer {
 public:
  explicit line_tokenizer(const lagom::io::hf_tokenizer& from) : from_(&from) {}

  template <std::invocable<lagom::token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    encode_into(text, {&sink, call<std::remove_reference_t<Sink>>});
  }
  [[nodiscard]] std::string_view bytes_of(lagom::token_id token) const { return from_->bytes_of(token); }
  [[nodiscard]] lagom::index_t size() const { return from_->size(); }

 private:
  struct sink_ref {
    const void* sink;
    void (*push)(const void*, lagom::token_id);
  };
  template <class Sink>
  static void call(const void* sink, lagom::token_id token) {
    (*static_cast<Sink*>(const_cast<void*>(sink)))(token);
  }
  void encode_into(std::string_view text, sink_ref sink) const;

  const lagom::io::hf_tokenizer* from_;
  mutable lagom::io::tokenizer_scratch scratch_;
};

}  // namespace expand_vocabulary
