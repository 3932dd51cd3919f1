// SPDX-License-Identifier: MIT
#include <lagom/io/corpus_file.hpp>

#include "texts.hpp"

namespace expand_vocabulary {

lagom::result<lagom::vocab::corpus_counts> count_texts(const lagom::io::hf_tokenizer& tokenizer,
                                                       const text_files& paths, const std::string& checkpoint,
                                                       unsigned threads) {
  std::optional<byte_progress> bar;
  return lagom::io::count_corpus(tokenizer, paths, {.threads = threads, .checkpoint = checkpoint},
                                 [&](const lagom::io::corpus_progress& p) {
                                   if (!bar) bar.emplace("counting", p.of_bytes);
                                   bar->reach(p.bytes);
                                 });
}

void align_pieces(const lagom::io::hf_tokenizer& source, const lagom::io::hf_tokenizer& target,
                  const lagom::vocab::corpus_counts& corpus, lagom::vocab::corpus_alignment& sum) {
  sum.push(source, target, corpus);
}

}  // namespace expand_vocabulary
