// SPDX-License-Identifier: MIT
/// @file prompt/label_trie.hpp
/// Scores of labels from the tokens that tell them apart.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "../core/math.hpp"
#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Where a label parts from all others: before `position` another label has the same tokens.
struct divergence {
  std::size_t position = 0;
  token_id token = no_token;  ///< its token there; `no_token` when it ends there and another label goes on
};

/// The labels of a task as a tree of tokens.
///
/// `choose` gives log P(label | one of the labels is said) = sum over the branchings on its path of
/// log softmax of the logits of the branches: exp of the scores sums to 1. Tokens at which nothing branches cost no
/// step of the model and add nothing, so labels of many tokens are not worse than short ones.
/// `log_likelihood` gives log P(label) = sum over all its tokens of log softmax over the vocabulary.
class label_trie {
 public:
  /// No label: `empty`. An empty label: `empty` with its row. Two alike: `duplicate_key` with the row of the second.
  [[nodiscard]] static result<label_trie> build(std::span<const std::vector<token_id>> labels) {
    if (labels.empty()) return failure{.code = errc::empty, .key = "labels"};
    label_trie out;
    out.labels_.assign(labels.begin(), labels.end());
    out.order_.resize(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i].empty()) return failure{.code = errc::empty, .key = "label", .row = i};
      out.order_[i] = i;
    }
    const std::vector<std::vector<token_id>>& l = out.labels_;
    std::stable_sort(out.order_.begin(), out.order_.end(),
                     [&l](std::size_t a, std::size_t b) { return l[a] < l[b]; });
    for (std::size_t i = 1; i < labels.size(); ++i) {
      if (l[out.order_[i]] == l[out.order_[i - 1]])
        return failure{.code = errc::duplicate_key, .key = "label", .row = out.order_[i]};
    }
    return out;
  }

  [[nodiscard]] std::size_t size() const noexcept { return labels_.size(); }

  /// The first token that only this label has. O(labels x tokens).
  [[nodiscard]] divergence first_divergent(std::size_t label) const {
    const std::vector<token_id>& own = labels_[label];
    divergence d;
    for (std::size_t j = 0; j < labels_.size(); ++j) {
      if (j == label) continue;
      const auto limit = static_cast<std::ptrdiff_t>((std::min)(own.size(), labels_[j].size()));
      const auto same =
          std::mismatch(own.begin(), own.begin() + limit, labels_[j].begin()).first - own.begin();
      d.position = (std::max)(d.position, static_cast<std::size_t>(same));
    }
    if (d.position < own.size()) d.token = own[d.position];
    return d;
  }

  /// Whether one step of the model tells all labels apart: they differ at their first tokens.
  [[nodiscard]] bool one_step() const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (first_divergent(i).position > 0) return false;
    }
    return true;
  }

  /// Log probabilities among the labels. `logits(prefix)` gives the logits, a span of float, after the prompt
  /// and `prefix`, a span of tokens; it is called once for each place where labels part. `end` is the token
  /// that ends an answer, needed (`missing_key`) when a label begins another, and no token of a label there
  /// (`duplicate_key`). A token without a logit: `unknown_token` with the label's row; a logit that is NaN or
  /// infinite: `not_finite`, likewise.
  template <class Logits>
  [[nodiscard]] result<std::vector<double>> choose(Logits&& logits, token_id end = no_token) const {
    return walk(logits, end, false);
  }
  /// Log probabilities of the labels by themselves, without an end token. `logits` is called once for each different
  /// prefix of a label. Logits of -infinity elsewhere in the vocabulary are probabilities of 0; failures as above.
  template <class Logits>
  [[nodiscard]] result<std::vector<double>> log_likelihood(Logits&& logits) const {
    return walk(logits, no_token, true);
  }

 private:
  struct node {
    std::size_t begin, end, depth;  // labels of `order_` that share `depth` tokens
  };

  template <class Logits>
  result<std::vector<double>> walk(Logits& logits, token_id end, bool full) const {
    std::vector<double> score(size());
    std::vector<node> open{{0, size(), 0}}, branches;
    while (!open.empty()) {
      const node at = open.back();
      open.pop_back();
      branches.clear();
      for (std::size_t i = at.begin; i < at.end; ++i) {
        if (branches.empty() || token(i, at.depth) != token(branches.back().begin, at.depth))
          branches.push_back({i, i, at.depth + 1});
        branches.back().end = i + 1;
      }
      // A label that ends sorts before those that go on.
      const bool ends = labels_[order_[at.begin]].size() == at.depth;
      if (full ? !(ends && branches.size() == 1) : branches.size() > 1) {
        if (!full && ends && end < 0) return failure{.code = errc::missing_key, .key = "end token"};
        for (std::size_t k = 1; !full && ends && k < branches.size(); ++k) {
          if (token(branches[k].begin, at.depth) == end)
            return failure{.code = errc::duplicate_key, .key = "end token", .row = order_[branches[k].begin]};
        }
        const std::vector<token_id>& any = labels_[order_[at.begin]];
        const std::vector<token_id>& prefix = ends ? any : labels_[order_[at.end - 1]];
        const std::span<const float> now = logits(std::span<const token_id>(prefix.data(), at.depth));
        double among = 0;
        if (const auto ok = full ? sum_all(now, among) : sum(now, branches, ends ? end : no_token, among);
            !ok)
          return ok.error();
        for (const node& b : branches) {
          const token_id t = b.begin == at.begin && ends ? (full ? no_token : end) : token(b.begin, at.depth);
          if (t < 0) continue;
          const result<double> x = read(now, t, order_[b.begin]);
          if (!x) return x.error();
          for (std::size_t i = b.begin; i < b.end; ++i) score[order_[i]] += *x - among;
        }
      }
      for (const node& b : branches) {
        const bool done = ends && b.begin == at.begin;
        if (!done && (full || b.end - b.begin > 1)) open.push_back(b);
      }
    }
    return score;
  }

  [[nodiscard]] token_id token(std::size_t i, std::size_t depth) const {
    const std::vector<token_id>& l = labels_[order_[i]];
    return depth < l.size() ? l[depth] : no_token;
  }
  [[nodiscard]] static result<double> read(std::span<const float> logits, token_id t, std::size_t row) {
    if (t < 0 || static_cast<std::size_t>(t) >= logits.size())
      return failure{.code = errc::unknown_token, .key = "label", .row = row, .found = logits.size()};
    if (!is_finite(&logits[static_cast<std::size_t>(t)]))
      return failure{.code = errc::not_finite, .key = "logit of a label", .row = row};
    return static_cast<double>(logits[static_cast<std::size_t>(t)]);
  }
  /// log sum exp over the branches.
  [[nodiscard]] result<done> sum(std::span<const float> logits, const std::vector<node>& branches,
                                 token_id end, double& out) const {
    double top = 0, total = 0;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t k = 0; k < branches.size(); ++k) {
        const token_id own = token(branches[k].begin, branches[k].depth - 1);
        const result<double> x = read(logits, own < 0 ? end : own, order_[branches[k].begin]);
        if (!x) return x.error();
        if (pass == 0) top = k == 0 ? *x : (std::max)(top, *x);
        if (pass == 1) total += exp_nonpositive(*x - top);
      }
    }
    out = top + log(total);
    return done{};
  }
  /// log sum exp over the vocabulary.
  [[nodiscard]] static result<done> sum_all(std::span<const float> logits, double& out) {
    double top = 0, total = 0;
    bool any = false;
    for (const float& x : logits) {
      if (is_finite(&x)) {
        top = any ? (std::max)(top, static_cast<double>(x)) : static_cast<double>(x);
        any = true;
      } else if (bits_of(&x) != (float_bits<float>::infinity | 0x80000000u)) {
        return failure{.code = errc::not_finite, .key = "logits"};
      }
    }
    if (!any) return failure{.code = errc::empty, .key = "logits"};
    for (const float& x : logits) {
      if (is_finite(&x)) total += exp_nonpositive(static_cast<double>(x) - top);
    }
    out = top + log(total);
    return done{};
  }

  std::vector<std::vector<token_id>> labels_;
  std::vector<std::size_t> order_;  // labels, sorted by their tokens
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
