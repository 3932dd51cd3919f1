// SPDX-License-Identifier: MIT
// Any bytes as a SentencePiece file: what loads must encode and decode nasty texts without fault. Tokens are tokens,
// decoded text is UTF-8, the caller's scratch changes nothing, and parts give the tokens of the whole.
#include <lagom/io/describe.hpp>
#include <lagom/io/sentencepiece.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::string_view_literals;
  constexpr std::string_view texts[] = {
      ""sv,
      "Hello  world, the 12345!\r\n\r\n\t <s>x</s> <mask> \xE2\x96\x81 ab abc aab"sv,
      "e\xCC\x81\xCC\xA3 \xC3\x89 \xEF\xAC\x81 \xED\x95\x9C\xEA\xB5\xAD \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x91\xA8\xE2\x80\x8D"sv,
      "\0\x80\xC3( \xE4\xB8 \xF0\x9F\x98 \xED\xA0\x80 \xFF\xFE \xC0\xAF\xE4"sv,
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbb      "sv,
  };
  auto tokenizer = lagom::io::sentencepiece_tokenizer::parse({reinterpret_cast<const char*>(data), size});
  if (!tokenizer) {
    if (lagom::io::describe(tokenizer.error()).empty()) std::abort();
    return 0;
  }
  lagom::io::sentencepiece_scratch scratch;
  for (const std::string_view text : texts) {
    std::vector<lagom::token_id> ids, again, parts;
    tokenizer->encode(text, [&](lagom::token_id t) { ids.push_back(t); });
    for (int round = 0; round < 2; ++round) {
      again.clear();
      tokenizer->encode(text, scratch, [&](lagom::token_id t) { again.push_back(t); });
      if (again != ids) std::abort();
    }
    tokenizer->pre_tokenize(text, [&](const lagom::vocab::pre_token& p) {
      if (p.added != lagom::no_token) {
        parts.push_back(p.added);
      } else {
        tokenizer->encode_piece(p.text, [&](lagom::token_id t) { parts.push_back(t); });
      }
    });
    if (tokenizer->unigram() == nullptr && parts != ids) std::abort();  // Unigram: but for ties
    for (const lagom::token_id id : ids) {
      if (!tokenizer->is_token(id) || tokenizer->token_of(tokenizer->content_of(id)) != id) std::abort();
      (void)tokenizer->bytes_of(id);
    }
    if (!lagom::is_utf8(tokenizer->decode(ids))) std::abort();
  }
  return 0;
}
