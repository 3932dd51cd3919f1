// SPDX-License-Identifier: MIT
// Auxiliary vectors of tokens: trained on the corpus, or made of word vectors in files.
#pragma once

#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed.hpp>
#include <lagom/io/case_forms.hpp>
#include <lagom/io/fasttext.hpp>
#include <lagom/io/word_vectors.hpp>

#include "lines.hpp"

namespace expand_vocabulary {

// FOCUS' vectors: target tokens in the corpus, as the target tokenizer cuts it.
[[nodiscard]] inline lagom::result<lagom::vocab::token_vectors> train_vectors(
    const lagom::io::hf_tokenizer& tokenizer, const std::vector<std::string>& paths) {
  std::optional<lagom::failure> failed;
  const auto lines = [&](auto visit) {
    std::vector<lagom::vocab::target_id> ids;
    for (const std::string& path : paths) {
      auto read = for_each_line(path, [&](std::string_view line) {
        ids.clear();
        tokenizer.encode(line, [&](lagom::token_id t) { ids.push_back(lagom::vocab::target_id{t}); });
        visit(std::span<const lagom::vocab::target_id>(ids));
      });
      if (!read && !failed) failed = read.error();
    }
  };
  auto out = lagom::embed::train_token_vectors(tokenizer.size(), lines);
  if (failed) return *failed;
  return out;
}

// Word vectors of two languages, and words that translate each other.
struct word_vector_files {
  std::string target, source, dictionary;
};

// Calls `use(words)` with a fastText model (.bin) or a list of words (.vec). Fails as their readers do.
template <class Use>
[[nodiscard]] lagom::result<lagom::done> with_words(const std::string& path, Use use) {
  if (path.ends_with(".bin")) {
    auto words = lagom::io::fasttext::open(path);
    if (!words) return words.error();
    return use(*words);
  }
  auto words = lagom::io::word_vectors::open(path);
  if (!words) return words.error();
  return use(*words);
}

// WECHSEL's way from words to tokens: by n-grams where the file has them, by the words that hold the token otherwise.
// The source's vectors are turned into the target's space by the dictionary, or are there already without one.
[[nodiscard]] inline lagom::result<lagom::done> vectors_of_words(const word_vector_files& files,
                                                                 const lagom::io::hf_tokenizer& source,
                                                                 const lagom::io::hf_tokenizer& target,
                                                                 lagom::vocab::expansion& change) {
  namespace embed = lagom::embed;
  const auto of = [](const auto& tokenizer, const auto& words) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(words)>, lagom::io::fasttext>) {
      return embed::vectors_by_ngrams(tokenizer, words);
    } else {
      return embed::vectors_by_words(tokenizer, words);
    }
  };
  return with_words(files.target, [&](const auto& target_words) -> lagom::result<lagom::done> {
    change.target_vectors = of(target, target_words);
    if (files.source.empty()) return lagom::done{};
    return with_words(files.source, [&](const auto& source_words) -> lagom::result<lagom::done> {
      change.source_vectors = of(source, source_words);
      if (files.dictionary.empty()) return lagom::done{};
      if (source_words.width() != target_words.width()) {
        return lagom::failure{.code = lagom::errc::wrong_shape,
                              .file = files.source,
                              .key = "width",
                              .expected = static_cast<std::uint64_t>(target_words.width()),
                              .found = static_cast<std::uint64_t>(source_words.width())};
      }
      auto dictionary = lagom::io::read_dictionary(files.dictionary);
      if (!dictionary) return dictionary.error();
      embed::procrustes pairs(target_words.width());
      if (embed::push_dictionary(pairs, source_words, target_words, *dictionary, lagom::io::case_forms{}) ==
          0) {
        return lagom::failure{.code = lagom::errc::empty,
                              .file = files.dictionary,
                              .key = "set of translations that both files know"};
      }
      auto turn = pairs.solve(lagom::xtensor_blas{});
      if (!turn) return turn.error();
      change.source_vectors = embed::rotated(change.source_vectors, *turn);
      return lagom::done{};
    });
  });
}

}  // namespace expand_vocabulary
