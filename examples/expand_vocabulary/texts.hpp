// SPDX-License-Identifier: MIT
// Text files, line by line: counted, compared under two tokenizers, aligned, sampled. None is held in memory.
#pragma once

#include <lagom/io/text_lines.hpp>
#include <lagom/vocab/corpus_alignment.hpp>
#include <lagom/vocab/cut_changes.hpp>
#include <string>
#include <vector>

#include "line_tokenizer.hpp"
#include "support/progress.hpp"

namespace expand_vocabulary {

using text_files = std::vector<std::string>;

// Counts a corpus; `checkpoint` may be empty.
[[nodiscard]] lagom::result<lagom::vocab::corpus_counts> count_texts(const lagom::io::hf_tokenizer& tokenizer,
                                                                     const text_files& paths,
                                                                     const std::string& checkpoint,
                                                                     unsigned threads);

// Every line under both tokenizers.
[[nodiscard]] lagom::result<lagom::vocab::cut_changes> compare_texts(const lagom::io::hf_tokenizer& source,
                                                                     const lagom::io::hf_tokenizer& target,
                                                                     const text_files& paths,
                                                                     unsigned threads);

// Adds what every line's target tokens cover, to `sum`.
[[nodiscard]] lagom::result<lagom::done> align_texts(const lagom::io::hf_tokenizer& source,
                                                     const lagom::io::hf_tokenizer& target,
                                                     const text_files& paths, unsigned threads,
                                                     lagom::vocab::corpus_alignment& sum);

// The same by the pre-tokens of a counted corpus, where both tokenizers cut alike.
void align_pieces(const lagom::io::hf_tokenizer& source, const lagom::io::hf_tokenizer& target,
                  const lagom::vocab::corpus_counts& corpus, lagom::vocab::corpus_alignment& sum);

// The lines of a file that are not empty; at most `limit` of them, evenly spread.
[[nodiscard]] lagom::result<std::vector<std::string>> read_lines(const std::string& path, std::size_t limit);

// Some of n things, evenly spread: `limit` of them, or all.
struct spread {
  std::uint64_t n = 0, limit = 0;
  [[nodiscard]] bool takes(std::uint64_t i) const { return limit >= n || i * limit % n < limit; }
};

// Shows how many bytes of some files were seen.
class byte_progress {
 public:
  byte_progress(const std::string& what, std::uint64_t of) : bar_(what, of) {}
  void reach(std::uint64_t bytes) {
    bar_.advance(bytes - shown_);
    shown_ = bytes;
  }

 private:
  support::progress bar_;
  std::uint64_t shown_ = 0;
};

}  // namespace expand_vocabulary
