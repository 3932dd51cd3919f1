// SPDX-License-Identifier: MIT
// The new vocabulary: its tokenizer, read back from the text that will be written, and what is known of the change.
#pragma once

#include <lagom/io/keep_used.hpp>
#include <lagom/io/vocabulary_edit.hpp>
#include <lagom/vocab.hpp>

#include "source_model.hpp"

namespace expand_vocabulary {

struct changed_vocabulary {
  lagom::vocab::expansion change;
  lagom::io::tokenizer_edits files;
  std::unique_ptr<lagom::io::hf_tokenizer> tokenizer;
  std::vector<lagom::vocab::new_token> tokens;  // of an expansion
  std::uint64_t unreachable = 0, unused = 0, crossing = 0;
  bool cuts_alike = true;  // the two tokenizers differ in their models only

  // What a source token is called now; `no_token` when it is gone.
  [[nodiscard]] lagom::token_id map(lagom::token_id source) const {
    for (std::size_t t = 0; t < change.same.size(); ++t) {
      if (static_cast<lagom::token_id>(change.same[t]) == source) return static_cast<lagom::token_id>(t);
    }
    return lagom::no_token;
  }
};

namespace detail {

// Reads the tokenizer back.
inline lagom::result<changed_vocabulary> finish(lagom::vocab::expansion change,
                                                lagom::io::tokenizer_edits files) {
  changed_vocabulary out;
  out.change = std::move(change);
  out.files = std::move(files);
  for (const lagom::io::file_edit& f : out.files.files) {
    if (f.name != "tokenizer.json") continue;
    auto tokenizer = lagom::io::hf_tokenizer::parse(*f.text);
    if (!tokenizer) return tokenizer.error();
    out.tokenizer = std::make_unique<lagom::io::hf_tokenizer>(std::move(*tokenizer));
  }
  return out;
}

}  // namespace detail

// ---- expansion: the source's tokens keep their ids, new ones follow --------------------------------------------

// How new tokens are chosen and placed; the names of lagom::vocab.
enum class placement { append_continued, append_aux, prepend_aux };

inline constexpr std::pair<std::string_view, placement> placements[] = {
    {"append_continued", placement::append_continued},
    {"append_aux", placement::append_aux},
    {"prepend_aux", placement::prepend_aux},
};

// The settings of an expansion by continued BPE. Added tokens keep their texts and their ids to themselves.
[[nodiscard]] inline lagom::vocab::expand_options expand_options_of(const source_model& source,
                                                                    std::size_t tokens) {
  lagom::vocab::expand_options out;
  out.tokens = tokens;
  out.first_id = static_cast<lagom::token_id>(source.tokenizer.size());
  for (lagom::token_id t = 0; t < out.first_id; ++t) {
    if (source.tokenizer.is_added(t)) out.reserved.insert(source.tokenizer.content_of(t));
  }
  return out;
}

// Fails with `unsupported` for a model that is no BPE.
[[nodiscard]] inline lagom::result<const lagom::vocab::bpe*> bpe_of(const source_model& source) {
  if (source.tokenizer.bpe() != nullptr) return source.tokenizer.bpe();
  return lagom::failure{.code = lagom::errc::unsupported,
                        .file = source.directory + "/tokenizer.json",
                        .key = "expansion of a model that is no BPE"};
}

[[nodiscard]] inline lagom::result<lagom::vocab::expanded> choose_tokens(
    const source_model& source, const lagom::vocab::corpus_counts& corpus, placement how,
    std::size_t tokens) {
  namespace vocab = lagom::vocab;
  auto bpe = bpe_of(source);
  if (!bpe) return bpe.error();
  const vocab::expand_options options = expand_options_of(source, tokens);
  const auto pieces = corpus.pre_tokens().by_bytes();
  if (how == placement::append_aux) {
    return vocab::append_aux(**bpe, pieces,
                             {.tokens = tokens, .first_id = options.first_id, .reserved = options.reserved});
  }
  if (how == placement::prepend_aux) {
    auto auxiliary = vocab::auxiliary_of(**bpe, pieces);
    if (!auxiliary) return auxiliary.error();
    return vocab::prepend_aux(**bpe, *auxiliary, pieces, tokens, options.first_id);
  }
  return vocab::expand(**bpe, pieces, options);
}

// The same for a Unigram model, whose ids are positions: no token may have one beyond them.
[[nodiscard]] inline lagom::result<changed_vocabulary> expand_unigram(
    const source_model& source, const lagom::vocab::corpus_counts& corpus, std::size_t tokens) {
  namespace vocab = lagom::vocab;
  const vocab::unigram& model = *source.tokenizer.unigram();
  if (model.size() != source.tokenizer.size()) {
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
  auto files = lagom::io::add_tokens_to(source.directory, more);
  if (!files) return files.error();
  auto out = detail::finish(std::move(chosen->change), std::move(*files));
  if (!out) return out.error();
  for (const vocab::new_token& t : chosen->tokens) {
    out->unreachable += t.reachable ? 0 : 1;
    out->unused += t.count == 0 ? 1 : 0;
  }
  out->crossing = chosen->corpus.crossing;
  out->tokens = std::move(chosen->tokens);
  return out;
}

[[nodiscard]] inline lagom::result<changed_vocabulary> expand(const source_model& source,
                                                              const lagom::vocab::corpus_counts& corpus,
                                                              placement how, std::size_t tokens) {
  if (source.tokenizer.unigram() != nullptr) return expand_unigram(source, corpus, tokens);
  auto chosen = choose_tokens(source, corpus, how, tokens);
  if (!chosen) return chosen.error();
  auto more = lagom::io::addition_of(*chosen, source.tokenizer.is_byte_level());
  more.continued = how == placement::append_continued;
  auto files = lagom::io::add_tokens_to(source.directory, more);
  if (!files) return files.error();
  auto out = detail::finish(std::move(chosen->change), std::move(*files));
  if (!out) return out.error();
  out->unreachable = chosen->unreachable();
  out->unused = chosen->unused();
  out->crossing = chosen->corpus.crossing;
  out->tokens = std::move(chosen->tokens);
  return out;
}

// ---- replacement: a vocabulary of its own, rows for all of it --------------------------------------------------

[[nodiscard]] inline lagom::result<changed_vocabulary> replace(const source_model& source,
                                                               const std::string& path) {
  auto text = lagom::io::mapped_file::open(path);
  if (!text) return text.error();
  auto target = lagom::io::hf_tokenizer::parse(text->text());
  if (!target) return target.error().in(path);
  auto files = lagom::io::replace_tokenizer_of(source.directory, std::string(text->text()));
  if (!files) return files.error();
  auto change = lagom::vocab::replace(source.tokenizer, *target);
  if (!change) return change.error();
  auto out = detail::finish(std::move(*change), std::move(*files));
  if (out) out->cuts_alike = false;
  return out;
}

// ---- trimming: fewer tokens, numbered anew ---------------------------------------------------------------------

// Keeps what the corpora need to be tokenized as before, the added tokens and the bytes; of a BPE model no more than
// `most` tokens, if that is not 0: the least frequent leaves go first. Fails with `unsupported` for `most` without
// merges.
[[nodiscard]] inline lagom::result<changed_vocabulary> trim(const source_model& source,
                                                            const lagom::vocab::corpus_counts& corpus,
                                                            std::size_t most) {
  namespace vocab = lagom::vocab;
  const lagom::io::hf_tokenizer& all = source.tokenizer;
  if (most > 0 && all.bpe() == nullptr) {
    return lagom::failure{.code = lagom::errc::unsupported,
                          .file = source.directory + "/tokenizer.json",
                          .key = "trimming a model without merges to a number of tokens"};
  }
  vocab::token_set always;
  lagom::io::keep_always(all, always);
  for (const lagom::token_id named : source.named_tokens()) always.add(named);
  lagom::io::close_ancestry(all, always);
  vocab::token_set keep = always;
  lagom::io::keep_exact(all, corpus, keep);
  if (most > 0) {
    const vocab::token_counts counts(all, corpus);
    keep = vocab::leaf_first(vocab::bpe_ancestry(*all.bpe()), std::move(keep), counts.by_id(), most,
                             std::move(always));
  }
  const vocab::trim_plan plan = vocab::trim_plan::of(keep, all.size());
  auto files = lagom::io::keep_tokens_of(source.directory, plan.kept);
  if (!files) return files.error();
  vocab::expansion change{.source_size = all.size(),
                          .target_size = static_cast<lagom::index_t>(plan.kept.size())};
  for (const lagom::token_id old : plan.kept) change.same.push_back(vocab::source_id{old});
  return detail::finish(std::move(change), std::move(*files));
}

}  // namespace expand_vocabulary
