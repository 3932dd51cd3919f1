// SPDX-License-Identifier: MIT
/// @file embed/train_token_vectors.hpp
/// Auxiliary vectors from text: a small trainer for token ids.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "../core/result.hpp"
#include "../vocab/ids.hpp"
#include "../vocab/token_vectors.hpp"
#include "negative_sampling.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// FOCUS' settings of fastText (arXiv 2305.14481, section 4): CBOW, 10 negatives, 3 epochs.
struct token_vector_options {
  index_t width = 100;
  std::uint64_t min_count = 10;  ///< rarer tokens are left out of the text, and get no vector
  int epochs = 3;
  int window = 5;  ///< tokens on either side; each position draws its own from 1 ... window
  int negatives = 10;
  double rate = 0.05;  ///< the step at the start; it falls linearly to 0
  double sample =
      1e-4;  ///< frequent tokens are left out now and then: kept with probability sqrt(s/f) + s/f; 0: all
  bool skip_gram = false;  ///< predict each neighbour from the token, instead of the token from their mean
  std::uint64_t seed = 42;
};

namespace detail {

/// Trains one line after the other: what the next one sees depends on all before.
class token_vector_training {
 public:
  token_vector_training(std::vector<std::uint64_t> counts, std::uint64_t total,
                        const token_vector_options& options)
      : options_(options),
        counts_(std::move(counts)),
        total_(static_cast<double>(total) * options.epochs),
        frequent_(options.sample * static_cast<double>(total)),
        random_{options.seed},
        negatives_(counts_),
        model_(counts_.size(), options.width, options.seed) {}

  /// `line` holds numbers of tokens that are kept.
  void push(std::span<const std::uint32_t> line) {
    line_.clear();
    for (const std::uint32_t t : line) {
      const double odds = frequent_ / static_cast<double>(counts_[t]);
      const bool keep =
          frequent_ <= 0 || odds >= 1 || random_.uniform(position_, 0) < lagom::detail::sqrt(odds) + odds;
      ++position_;
      if (keep) line_.push_back(t);
    }
    const double left = 1 - static_cast<double>(position_) / total_;
    const auto rate = static_cast<float>(options_.rate * (left > 0 ? left : 0));
    for (std::size_t i = 0; i < line_.size(); ++i) train(i, rate);
  }

  [[nodiscard]] const negative_sampling_model& model() const noexcept { return model_; }

 private:
  void train(std::size_t i, float rate) {
    const std::uint64_t stream = (std::uint64_t{1} << 63) | steps_++;
    draws draw{random_, stream};
    const std::size_t reach = 1 + (std::uint64_t{draw()} * static_cast<std::uint64_t>(options_.window) >> 32);
    const std::size_t begin = i > reach ? i - reach : 0, end = (std::min)(line_.size(), i + reach + 1);
    if (end - begin < 2) return;
    if (options_.skip_gram) {
      for (std::size_t c = begin; c < end; ++c) {
        if (c == i) continue;
        model_.begin();
        model_.add_context(line_[i], 1);
        predict(line_[c], rate, draw);
        model_.update(line_[i]);
      }
      return;
    }
    model_.begin();
    const float share = 1 / static_cast<float>(end - begin - 1);
    for (std::size_t c = begin; c < end; ++c) {
      if (c != i) model_.add_context(line_[c], share);
    }
    predict(line_[i], rate, draw);
    for (std::size_t c = begin; c < end; ++c) {
      if (c != i) model_.update(line_[c]);
    }
  }

  struct draws {
    const philox& random;
    std::uint64_t stream, counter = 0;
    unsigned used = 4;
    philox::block words{};
    std::uint32_t operator()() noexcept {
      if (used == 4) {
        words = random(stream, counter++);
        used = 0;
      }
      return words.word[used++];
    }
  };

  void predict(std::uint32_t token, float rate, draws& draw) {
    model_.step(token, 1, rate);
    for (int n = 0; n < options_.negatives; ++n) {
      std::uint32_t other = negatives_(draw());
      for (int again = 0; other == token && again < 8; ++again) other = negatives_(draw());
      if (other != token) model_.step(other, 0, rate);
    }
  }

  token_vector_options options_;
  std::vector<std::uint64_t> counts_;
  double total_, frequent_;
  philox random_;
  negative_table negatives_;
  negative_sampling_model model_;
  std::vector<std::uint32_t> line_;
  std::uint64_t position_ = 0, steps_ = 0;
};

}  // namespace detail

/// Vectors of tokens that stand in similar places: CBOW or skip-gram with negative sampling (Mikolov et al.,
/// arXiv 1310.4546; fastText's details: negatives by the square root of the count, the mean of the context).
///
/// `corpus(visit)` calls `visit(std::span<const target_id>)` for every line; it is called `epochs` + 1 times
/// and must show the same lines each time. One thread by design, with random numbers by position: the same
/// bits every time. Vectors of width d cost some 4 d (negatives + window) multiply-adds a token and epoch: a
/// few seconds a million tokens and epoch. Memory: 8 d bytes a token that is frequent enough.
/// ```cpp
/// auto lines = [&](auto visit) { for (const auto& line : ids) visit(std::span<const target_id>(line)); };
/// expansion.target_vectors = *lagom::embed::train_token_vectors(expansion.target_size, lines);
/// ```
/// Fails with `bad_value` (an option), `out_of_range` (an id that is not under `tokens`), `not_finite` (the
/// rate is too large), `empty` (no token occurs `min_count` times).
template <class Corpus>
[[nodiscard]] result<vocab::token_vectors> train_token_vectors(index_t tokens, Corpus&& corpus,
                                                               const token_vector_options& options = {}) {
  const auto bad = [](const char* option) {
    return failure{.code = errc::bad_value, .key = std::string_view(option)};
  };
  if (tokens < 0) return bad("tokens");
  if (options.width < 1 || options.width > 65536) return bad("width");
  if (options.epochs < 0) return bad("epochs");
  if (options.window < 1) return bad("window");
  if (options.negatives < 0) return bad("negatives");
  if (!is_finite(&options.rate) || options.rate < 0) return bad("rate");
  if (!is_finite(&options.sample) || options.sample < 0) return bad("sample");
  constexpr std::uint32_t rare = (std::numeric_limits<std::uint32_t>::max)();
  std::vector<std::uint64_t> seen(static_cast<std::size_t>(tokens));
  token_id wrong = 0;
  bool all_known = true;
  corpus([&](std::span<const vocab::target_id> line) {
    for (const auto t : line) {
      const auto id = static_cast<token_id>(t);
      if (id >= 0 && id < tokens) {
        ++seen[static_cast<std::size_t>(id)];
      } else if (all_known) {
        all_known = false;
        wrong = id;
      }
    }
  });
  if (!all_known) {
    return failure{.code = errc::out_of_range,
                   .key = "token",
                   .expected = static_cast<std::uint64_t>(tokens),
                   .found = static_cast<std::uint32_t>(wrong)};
  }
  std::vector<std::uint32_t> number(seen.size(), rare);
  std::vector<std::uint64_t> counts;
  std::uint64_t total = 0;
  for (std::size_t t = 0; t < seen.size(); ++t) {
    if (seen[t] == 0 || seen[t] < options.min_count) continue;
    number[t] = static_cast<std::uint32_t>(counts.size());
    counts.push_back(seen[t]);
    total += seen[t];
  }
  if (counts.empty()) return failure{.code = errc::empty, .key = "corpus"};
  detail::token_vector_training training(std::move(counts), total, options);
  std::vector<std::uint32_t> kept;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    corpus([&](std::span<const vocab::target_id> line) {
      kept.clear();
      for (const auto t : line) {
        if (row_of(t) < number.size() && number[row_of(t)] != rare) kept.push_back(number[row_of(t)]);
      }
      training.push(kept);
    });
  }
  for (const float& x : training.model().inputs()) {
    if (!is_finite(&x)) return failure{.code = errc::not_finite, .key = "rate"};
  }
  vocab::token_vectors out(tokens, options.width);
  for (std::size_t t = 0; t < number.size(); ++t) {
    if (number[t] == rare) continue;
    const float* from = training.model().input(number[t]);
    const vec_view<float> to = out.set(t);
    for (index_t j = 0; j < options.width; ++j) to[j] = from[j];
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
