// SPDX-License-Identifier: MIT
#include <lagom/vocab/word_key.hpp>

#include "support/catch.hpp"

using lagom::vocab::detail::word_key;

TEST_CASE("a word has one key, wherever it ends", "[vocab][word_key]") {
  const std::string_view text =
      "\xFF"
      "bcdefghijklmnop\x80-this is read too";
  for (std::size_t n = 1; n <= word_key::longest; ++n) {
    const std::string_view word = text.substr(0, n);
    word_key bytes;
    std::memcpy(bytes.words.data(), word.data(), n);
    CHECK(word_key::of(word, n) == bytes);            // nothing behind it may be read
    CHECK(word_key::of(word, text.size()) == bytes);  // something else is behind it
  }
}
