// SPDX-License-Identifier: MIT
#include "vectors.hpp"

#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed/dictionary.hpp>
#include <lagom/embed/procrustes.hpp>
#include <lagom/embed/train_token_vectors.hpp>
#include <lagom/embed/word_token_vectors.hpp>
#include <lagom/io/case_forms.hpp>
#include <lagom/io/fasttext.hpp>
#include <lagom/io/word_vectors.hpp>

namespace expand_vocabulary {

namespace embed = lagom::embed;

lagom::result<lagom::vocab::token_vectors> train_vectors(const lagom::io::hf_tokenizer& tokenizer,
                                                         const text_files& paths, const spread& taken) {
  auto lines = lagom::io::text_lines::open(paths);
  if (!lines) return lines.error();
  const embed::token_vector_options options;
  const auto passes = static_cast<std::uint64_t>(options.epochs) + 1;
  byte_progress bar("training vectors", passes * lines->of_bytes());
  std::uint64_t pass = 0;
  const line_tokenizer cut(tokenizer);
  std::vector<lagom::vocab::target_id> ids;
  const auto corpus = [&](auto visit) {
    lines->rewind();
    std::uint64_t i = 0;
    for (std::string_view line; lines->next(line);) {
      if (!taken.takes(i++)) continue;
      ids.clear();
      cut.encode(line, [&](lagom::token_id t) { ids.push_back(lagom::vocab::target_id{t}); });
      visit(std::span<const lagom::vocab::target_id>(ids));
      bar.reach(pass * lines->of_bytes() + lines->bytes());
    }
    ++pass;
  };
  return embed::train_token_vectors(tokenizer.size(), corpus, options);
}

namespace {

// Calls `use(words)` with a fastText model (.bin) or a list of words (.vec). Fails as their readers do.
template <class Use>
lagom::result<lagom::done> with_words(const std::string& path, Use use) {
  if (path.ends_with(".bin")) {
    auto words = lagom::io::fasttext::open(path);
    if (!words) return words.error();
    return use(*words);
  }
  auto words = lagom::io::word_vectors::open(path);
  if (!words) return words.error();
  return use(*words);
}

lagom::vocab::token_vectors vectors_of(const lagom::io::hf_tokenizer& tokenizer,
                                       const lagom::io::fasttext& words) {
  return embed::vectors_by_ngrams(line_tokenizer(tokenizer), words);
}
lagom::vocab::token_vectors vectors_of(const lagom::io::hf_tokenizer& tokenizer,
                                       const lagom::io::word_vectors& words) {
  return embed::vectors_by_words(line_tokenizer(tokenizer), words);
}

// The rotation that takes the source's words onto their translations.
template <class Source, class Target>
lagom::result<embed::rotation> rotation_of(const word_vector_files& files, const Source& source,
                                           const Target& target) {
  if (source.width() != target.width()) {
    return lagom::failure{.code = lagom::errc::wrong_shape,
                          .file = files.source,
                          .key = "width",
                          .expected = static_cast<std::uint64_t>(target.width()),
                          .found = static_cast<std::uint64_t>(source.width())};
  }
  auto dictionary = lagom::io::read_dictionary(files.dictionary);
  if (!dictionary) return dictionary.error();
  embed::procrustes pairs(target.width());
  if (embed::push_dictionary(pairs, source, target, *dictionary, lagom::io::case_forms{}) == 0) {
    return lagom::failure{.code = lagom::errc::empty,
                          .file = files.dictionary,
                          .key = "set of translations that both files know"};
  }
  return pairs.solve(lagom::xtensor_blas{});
}

}  // namespace

lagom::result<lagom::done> vectors_of_words(const word_vector_files& files,
                                            const lagom::io::hf_tokenizer& source,
                                            const lagom::io::hf_tokenizer& target,
                                            lagom::vocab::expansion& change) {
  using nothing = lagom::result<lagom::done>;
  return with_words(files.target, [&](const auto& target_words) -> nothing {
    change.target_vectors = vectors_of(target, target_words);
    if (files.source.empty()) return lagom::done{};
    return with_words(files.source, [&](const auto& source_words) -> nothing {
      change.source_vectors = vectors_of(source, source_words);
      if (files.dictionary.empty()) return lagom::done{};
      auto turn = rotation_of(files, source_words, target_words);
      if (!turn) return turn.error();
      change.source_vectors = embed::rotated(change.source_vectors, *turn);
      return lagom::done{};
    });
  });
}

}  // namespace expand_vocabulary
