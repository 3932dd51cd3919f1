// SPDX-License-Identifier: MIT
// Any bytes as a GGUF file: what loads has tensors inside of it, and a tokenizer that encodes a nasty text.
#include <lagom/io/describe.hpp>
#include <lagom/io/gguf_vocabulary.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::string_view_literals;
  auto file = lagom::io::gguf::parse({reinterpret_cast<const std::byte*>(data), size});
  if (!file) {
    if (lagom::io::describe(file.error()).empty()) std::abort();
    return 0;
  }
  std::size_t sum = 0;
  for (const auto& t : file->tensors()) {
    for (const std::byte b : t.bytes) sum += static_cast<std::size_t>(b);
  }
  for (const auto& [key, value] : file->values()) {
    (void)value.texts();
    (void)value.integers();
    (void)value.floats();
    (void)value.count();
    (void)value.flag();
    (void)value.text();
  }
  auto tokenizer = lagom::io::read_gguf_tokenizer(*file);
  if (!tokenizer) {
    if (lagom::io::describe(tokenizer.error()).empty()) std::abort();
    return sum > size * 255 ? 1 : 0;
  }
  std::visit(
      [](const auto& t) {
        for (const auto text :
             {"Hello  world's 12345\r\n <s>x</s>\xE2\x96\x81"sv, "\0\x80\xC3( \xE4\xB8 \xF0\x9F"sv}) {
          t.encode(text, [&](lagom::token_id id) {
            if (id < 0 || id >= t.size()) std::abort();
            (void)t.bytes_of(id);
          });
        }
      },
      *tokenizer);
  return 0;
}
