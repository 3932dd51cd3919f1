// SPDX-License-Identifier: MIT
// Any bytes as a fastText model and as word vectors; what loads is asked for the vectors of its own words and others.
#include <lagom/io/fasttext.hpp>
#include <lagom/io/word_vectors.hpp>

#include "fuzz/support.hpp"

namespace {

template <class Words>
void ask(const Words& words) {
  if (words.width() > 4096) return;
  std::vector<float> row(static_cast<std::size_t>(words.width()));
  for (lagom::index_t i = 0; i < words.size() && i < 50; ++i) {
    if (words.find(words.word(i)) != i) std::abort();
    (void)words.vector_of(words.word(i), row);
  }
  for (const char* word : {"", "</s>", "a", "\xe0\xa4", "word \xf0\x9f\x98\x80"})
    (void)words.vector_of(word, row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto model = lagom::io::fasttext::parse(bytes)) ask(*model);
  if (const auto words = lagom::io::word_vectors::parse(bytes)) ask(*words);
  if (const auto words = lagom::io::word_vectors::parse(bytes, {.skip_bad_rows = true, .most = 20}))
    ask(*words);
  return 0;
}
