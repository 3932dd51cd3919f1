// SPDX-License-Identifier: MIT
#include "change.hpp"
#include "decoder/config.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

lagom::result<const vocab::bpe*> bpe_of(const source_model& source) {
  if (source.tokenizer().bpe() != nullptr) return source.tokenizer().bpe();
  return lagom::failure{.code = lagom::errc::unsupported,
                        .file = source.directory + "/tokenizer.json",
                        .key = "expansion of a model that is no BPE"};
}

lagom::result<vocab::expanded> choose_tokens(const source_model& source, const vocab::byte_counts& counts,
                                             placement how, std::size_t tokens) {
  auto bpe = bpe_of(source);
  if (!bpe) return bpe.error();
  vocab::expand_options options;
  options.tokens = tokens;
  options.first_id = static_cast<lagom::token_id>(source.tokenizer().size());
  options.reserved = detail::reserved_of(source);
  return vocab::expand(**bpe, counts.by_bytes(), how, options);
}

lagom::result<changed_vocabulary> expand(const source_model& source, const vocab::corpus_counts& corpus,
                                         placement how, std::size_t tokens) {
  if (source.tokenizer().unigram() != nullptr) return detail::expand_unigram(source, corpus, tokens);
  auto chosen = choose_tokens(source, corpus.pre_tokens(), how, tokens);
  if (!chosen) return chosen.error();
  auto more = lagom::io::addition_of(*chosen, source.tokenizer().is_byte_level());
  more.continued = how == placement::append_continued;
  return detail::finish_expansion(source, std::move(chosen->change), more, std::move(chosen->tokens),
                                  chosen->corpus.crossing);
}

lagom::result<std::optional<size_plan>> plan_size(const source_model& source,
                                                  const vocab::corpus_counts& corpus) {
  constexpr std::size_t most = 10000;  // the end of the curve
  const auto config = decoder::load_config(source.directory);
  if (!config || source.tokenizer().bpe() == nullptr) return std::optional<size_plan>();
  auto all = choose_tokens(source, corpus.pre_tokens(), placement::append_continued, most);
  if (!all) return all.error();
  std::vector<std::int64_t> saved;
  for (const auto& t : all->tokens) saved.push_back(t.saved());
  const auto shape = config->shape();
  return std::optional(size_plan{lagom::cost::vocabulary_curve(shape, all->corpus.source_tokens, saved),
                                 lagom::cost::recommend_vocabulary(shape, all->corpus.source_tokens, saved)});
}

}  // namespace expand_vocabulary
