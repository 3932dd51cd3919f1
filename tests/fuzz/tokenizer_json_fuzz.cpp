// SPDX-License-Identifier: MIT
// Any bytes as a tokenizer.json: what loads must encode and decode a nasty text without fault. Tokens are
// tokens, decoded text is UTF-8, and a byte-level tokenizer without a normalizer loses nothing that it knows.
#include <lagom/io/describe.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::string_view_literals;
  constexpr std::string_view texts[] = {
      ""sv,
      "Hello  world, it's 12345!\r\n\r\n\t <s>x</s> <mask> \xE2\x96\x81 ab abc"sv,
      "e\xCC\x81\xCC\xA3 \xC3\x89 \xEF\xAC\x81 \xED\x95\x9C\xEA\xB5\xAD \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9"sv,
      "\0\x80\xC3( \xE4\xB8 \xF0\x9F\x98 \xED\xA0\x80 \xFF\xFE \xC0\xAF\xE4"sv,
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbb      "sv,
  };
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  for (const bool lenient : {false, true}) {
    auto tokenizer = lagom::io::hf_tokenizer::parse(document, {.skip_bad_merges = lenient});
    if (!tokenizer) {
      if (lagom::io::describe(tokenizer.error()).empty()) std::abort();
      continue;
    }
    for (const std::string_view text : texts) {
      const auto ids = tokenizer->encode(text, true);
      for (const lagom::token_id id : ids) {
        if (!tokenizer->is_token(id) || id >= tokenizer->size()) std::abort();
        if (tokenizer->token_of(tokenizer->content_of(id)) != id) std::abort();
        (void)tokenizer->bytes_of(id);
      }
      std::vector<lagom::token_id> plain, placed;
      tokenizer->encode(text, [&](lagom::token_id t) { plain.push_back(t); });
      tokenizer->encode_with_offsets(text, [&](const lagom::io::token_span& t) {
        placed.push_back(t.token);
        if (t.begin > t.end) std::abort();
      });
      if (plain != placed) std::abort();
      if (!lagom::is_utf8(tokenizer->decode(ids, false))) std::abort();
      if (!lagom::is_utf8(tokenizer->decode(ids, true))) std::abort();
    }
  }
  return 0;
}
