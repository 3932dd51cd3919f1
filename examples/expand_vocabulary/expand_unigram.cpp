// SPDX-License-Identifier: MIT
#include <lagom/vocab/unigram_expansion.hpp>

#include "change.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

// A Unigram model's ids are positions: no token may have one beyond them.
lagom::result<changed_vocabulary> detail::expand_unigram(const source_model& source,
                                                         const vocab::corpus_counts& corpus,
                                                         std::size_t tokens) {
  const vocab::unigram& model = *source.tokenizer().unigram();
  if (model.size() != source.tokenizer().size()) {
    return lagom::failure{.code = lagom::errc::unsupported,
                          .file = source.directory + "/tokenizer.json",
                          .key = "expansion of a Unigram model with added tokens beyond its own"};
  }
  std::vector<vocab::unigram_piece> pieces;
  for (lagom::token_id t = 0; t < static_cast<lagom::token_id>(model.size()); ++t) {
    const std::string_view text = model.bytes_of(t);
    pieces.push_back({text, model.score_of(t), model.find(text) == t});
  }
  vocab::unigram_expand_options options{.tokens = tokens};
  options.reserved = detail::reserved_of(source);
  auto chosen = vocab::append_unigram(pieces, model.options(), corpus.pre_tokens().by_bytes(), options);
  if (!chosen) return chosen.error();
  lagom::io::tokenizer_addition more;
  for (std::size_t i = 0; i < chosen->tokens.size(); ++i) {
    more.tokens.push_back({chosen->tokens[i].id, chosen->tokens[i].text, chosen->scores[i]});
  }
  return detail::finish_expansion(source, std::move(chosen->change), more, std::move(chosen->tokens),
                                  chosen->corpus.crossing);
}

}  // namespace expand_vocabulary
