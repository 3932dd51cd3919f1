// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include "change.hpp"
#include "decoder/config.hpp"

namespace expand_vocabulary {

namespace vocab = lagom::vocab;

lagom::token_id changed_vocabulary::map(lagom::token_id source) const {
  for (std::size_t t = 0; t < change.same.size(); ++t) {
    if (static_cast<lagom::token_id>(change.same[t]) == source) return static_cast<lagom::token_id>(t);
  }
  return lagom::no_token;
}

std::size_t changed_vocabulary::shared() const {
  return change.same.size() -
         static_cast<std::size_t>(std::count(change.same.begin(), change.same.end(), vocab::source_id::none));
}

lagom::result<changed_vocabulary> detail::finish(vocab::expansion change, lagom::io::tokenizer_edits files) {
  changed_vocabulary out;
  out.change = std::move(change);
  out.files = std::move(files);
  for (const lagom::io::file_edit& f : out.files.files) {
    if (f.name != "tokenizer.json") continue;
    auto tokenizer = parse_tokenizer(*f.text);
    if (!tokenizer) return tokenizer.error();
    out.tokenizer = std::move(*tokenizer);
  }
  return out;
}

namespace {

vocab::expand_options expand_options_of(const source_model& source, std::size_t tokens) {
  vocab::expand_options out;
  out.tokens = tokens;
  out.first_id = static_cast<lagom::token_id>(source.tokenizer().size());
  for (lagom::token_id t = 0; t < out.first_id; ++t) {
    if (source.tokenizer().is_added(t)) out.reserved.insert(source.tokenizer().content_of(t));
  }
  return out;
}

lagom::result<changed_vocabulary> finish_expansion(const source_model& source, vocab::expansion change,
                                                   const lagom::io::tokenizer_addition& more,
                                                   std::vector<vocab::new_token> tokens,
                                                   std::uint64_t crossing) {
  auto files = lagom::io::add_tokens_to(source.directory, more, source.tensors.input_rows);
  if (!files) return files.error();
  auto out = detail::finish(std::move(change), std::move(*files));
  if (!out) return out.error();
  for (const vocab::new_token& t : tokens) {
    out->unreachable += t.reachable ? 0 : 1;
    out->unused += t.count == 0 ? 1 : 0;
  }
  out->crossing = crossing;
  out->tokens = std::move(tokens);
  return out;
}

// A Unigram model's ids are positions: no token may have one beyond them.
lagom::result<changed_vocabulary> expand_unigram(const source_model& source,
                                                 const vocab::corpus_counts& corpus, std::size_t tokens) {
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
  options.reserved = expand_options_of(source, tokens).reserved;
  auto chosen = vocab::append_unigram(pieces, model.options(), corpus.pre_tokens().by_bytes(), options);
  if (!chosen) return chosen.error();
  lagom::io::tokenizer_addition more;
  for (std::size_t i = 0; i < chosen->tokens.size(); ++i) {
    more.tokens.push_back({chosen->tokens[i].id, chosen->tokens[i].text, chosen->scores[i]});
  }
  return finish_expansion(source, std::move(chosen->change), more, std::move(chosen->tokens),
                          chosen->corpus.crossing);
}

}  // namespace

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
  return vocab::expand(**bpe, counts.by_bytes(), how, expand_options_of(source, tokens));
}

lagom::result<changed_vocabulary> expand(const source_model& source, const vocab::corpus_counts& corpus,
                                         placement how, std::size_t tokens) {
  if (source.tokenizer().unigram() != nullptr) return expand_unigram(source, corpus, tokens);
  auto chosen = choose_tokens(source, corpus.pre_tokens(), how, tokens);
  if (!chosen) return chosen.error();
  auto more = lagom::io::addition_of(*chosen, source.tokenizer().is_byte_level());
  more.continued = how == placement::append_continued;
  return finish_expansion(source, std::move(chosen->change), more, std::move(chosen->tokens),
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
