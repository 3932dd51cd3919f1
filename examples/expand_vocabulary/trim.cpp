// SPDX-License-Identifier: MIT
#include <lagom/io/keep_used.hpp>
#include <lagom/vocab/keep_used.hpp>
#include <lagom/vocab/leaf_first.hpp>
#include <lagom/vocab/trim_plan.hpp>

#include "change.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

lagom::result<changed_vocabulary> trim(const source_model& source, const vocab::corpus_counts& corpus,
                                       std::size_t most) {
  const lagom::io::hf_tokenizer& all = source.tokenizer();
  if (most > 0 && all.bpe() == nullptr) {
    return lagom::failure{.code = lagom::errc::unsupported,
                          .file = source.directory + "/tokenizer.json",
                          .key = "trimming a model without merges to a number of tokens"};
  }
  vocab::token_set always;
  lagom::io::keep_always(all, always);
  if (auto ok =
          lagom::io::keep_named(source.directory, source.tokenizer_json, source.tensors.input_rows, always);
      !ok) {
    return ok.error();
  }
  lagom::io::close_ancestry(all, always);
  vocab::token_set keep = always;
  lagom::io::keep_exact(all, corpus, keep);
  if (most > 0) {
    const vocab::token_counts counts(all, corpus);
    keep = vocab::leaf_first(vocab::bpe_ancestry(*all.bpe()), std::move(keep), counts.by_id(), most,
                             std::move(always));
  }
  const vocab::trim_plan plan = vocab::trim_plan::of(keep, all.size());
  auto files = lagom::io::keep_tokens_of(source.directory, plan.kept, source.tensors.input_rows);
  if (!files) return files.error();
  vocab::expansion change{.source_size = all.size(),
                          .target_size = static_cast<lagom::index_t>(plan.kept.size())};
  for (const lagom::token_id old : plan.kept) change.same.push_back(vocab::source_id{old});
  return detail::finish(std::move(change), std::move(*files));
}

}  // namespace expand_vocabulary
