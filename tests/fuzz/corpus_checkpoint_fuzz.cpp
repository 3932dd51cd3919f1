// SPDX-License-Identifier: MIT
// Any bytes as a corpus checkpoint, as they are and with the hash put right: what loads is written back as it
// was.
#include <lagom/io/corpus_checkpoint.hpp>
#include <lagom/io/describe.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const bool mended : {false, true}) {
    if (mended) {
      if (size < 8) return 0;
      lagom::vocab::fnv1a hash;
      hash.push(std::string_view(bytes).substr(0, size - 8));
      for (unsigned i = 0; i < 8; ++i) {
        bytes[size - 8 + i] =
            static_cast<char>(static_cast<unsigned char>((hash.value() >> (8 * i)) & 0xFFu));
      }
    }
    auto checkpoint = lagom::io::parse_corpus_checkpoint(bytes);
    if (!checkpoint) {
      if (lagom::io::describe(checkpoint.error()).empty()) std::abort();
    } else if (lagom::io::corpus_checkpoint_bytes(*checkpoint) != bytes) {
      std::abort();
    }
  }
  return 0;
}
