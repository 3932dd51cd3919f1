// SPDX-License-Identifier: MIT
/// @file vocab/merge_trace.hpp
/// Which tokens a BPE model makes on its way, and out of which.
#pragma once

#include <functional>
#include <span>

#include "bpe_units.hpp"
#include "token_set.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Runs a BPE model step by step. It holds a copy of the model's tokens and the merges.
class merge_trace {
 public:
  /// Precondition: the model outlives it.
  explicit merge_trace(const bpe& model)
      : model_(&model), units_(without_merges(model)), cutter_(units_), table_(model.merges()) {}
  merge_trace(const merge_trace&) = delete;
  merge_trace& operator=(const merge_trace&) = delete;

  /// Calls `made(merge)` for every merge that encoding the piece carries out, in order, and `token(id)` for
  /// every token that the piece begins as. A piece that is looked up as a whole is that token alone.
  template <class Token, class Made>
  void operator()(std::string_view piece, Token token, Made made) {
    if (model_->options().ignore_merges) {
      if (const token_id whole = model_->tokens().find(piece); whole != no_token) {
        token(whole);
        return;
      }
    }
    ids_.clear();
    units_.encode_piece(piece, [this](token_id t) { ids_.push_back(t); });
    for (const token_id t : ids_) token(t);
    run(made);
  }

  /// The merge that makes a token of its own text last, where the model makes that token of it; else a merge
  /// with `no_token` on all sides (for a single unit, and for what merges do not reach).
  [[nodiscard]] merge last_merge(token_id token) {
    merge last{};
    if (!begin_as(token) || ids_.size() < 2) return {};
    const std::size_t units = ids_.size();
    std::size_t merges = 0;
    run([&](const merge& m) {
      last = m;
      ++merges;
    });
    return merges + 1 == units && last.result == token ? last : merge{};
  }

  /// Whether a token is one of the units that texts begin as: a byte or a character, or a byte to fall back to.
  [[nodiscard]] bool is_unit(token_id token) {
    if (cutter_.fallback_byte(token) >= 0) return true;
    return begin_as(token) && ids_.size() == 1 && ids_[0] == token;
  }

 private:
  struct node {
    std::uint32_t previous, next, rank;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  static bpe without_merges(const bpe& model) {
    bpe_options options = model.options();
    options.ignore_merges = false;
    return *bpe::make(model.tokens(), {}, std::move(options));  // the tokens of a model make a model
  }

  /// Sets `ids_` to the units of a token's own text; false where one of them is unknown.
  bool begin_as(token_id token) {
    ids_.clear();
    const std::string_view text = model_->bytes_of(token);
    return !text.empty() && cutter_.text_of_token(text, ids_);
  }

  template <class Made>
  void run(Made made) {
    const auto count = static_cast<std::uint32_t>(ids_.size());
    nodes_.resize(count);
    heap_.clear();
    const auto look = [this](std::uint32_t at) {
      nodes_[at].rank = merge_table::no_rank;
      if (nodes_[at].next == none) return;
      const merge_table::entry& e = table_.find(ids_[at], ids_[nodes_[at].next]);
      nodes_[at].rank = e.rank;
      if (e.rank == merge_table::no_rank) return;
      heap_.push_back((std::uint64_t{e.rank} << 32) | at);
      std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
    };
    for (std::uint32_t i = 0; i < count; ++i) {
      nodes_[i] = {i == 0 ? none : i - 1, i + 1 == count ? none : i + 1, merge_table::no_rank};
    }
    for (std::uint32_t i = 0; i < count; ++i) look(i);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
      const auto at = static_cast<std::uint32_t>(heap_.back() & 0xFFFFFFFFu);
      const auto rank = static_cast<std::uint32_t>(heap_.back() >> 32);
      heap_.pop_back();
      if (nodes_[at].rank != rank) continue;  // another pair by now
      const std::uint32_t right = nodes_[at].next;
      const merge m{ids_[at], ids_[right], table_.find(ids_[at], ids_[right]).result};
      made(m);
      ids_[at] = m.result;
      nodes_[right].rank = merge_table::no_rank;
      nodes_[at].next = nodes_[right].next;
      if (nodes_[at].next != none) nodes_[nodes_[at].next].previous = at;
      look(at);
      if (nodes_[at].previous != none) look(nodes_[at].previous);
    }
  }

  const bpe* model_;
  bpe units_;
  detail::bpe_units cutter_;
  merge_table table_;
  std::vector<token_id> ids_;
  std::vector<node> nodes_;
  std::vector<std::uint64_t> heap_;
};

/// The merge that makes each token of its own text last. A token that is made anywhere is made like that, by
/// the same merges, because none crosses its ends; so a set of tokens that holds both sides of this merge for each of
/// its tokens can make them all, with only the merges among its tokens.
class bpe_ancestry {
 public:
  /// O(bytes of all tokens, times their logarithm).
  explicit bpe_ancestry(const bpe& model)
      : last_(static_cast<std::size_t>(model.size())), made_(last_.size()) {
    merge_trace trace(model);
    for (std::size_t i = 0; i < last_.size(); ++i) {
      const auto token = static_cast<token_id>(i);
      if (!model.tokens().contains(token)) continue;
      last_[i] = trace.last_merge(token);
      made_[i] = last_[i].result != no_token || trace.is_unit(token) || model.options().ignore_merges;
    }
  }

  /// That merge; `no_token` on all sides for a token that is a single unit, or that merges do not reach.
  [[nodiscard]] merge last_merge(token_id token) const noexcept {
    return has(token) ? last_[static_cast<std::size_t>(token)] : merge{};
  }

  /// Whether the model makes this token of the token's own text (or looks it up).
  [[nodiscard]] bool reaches(token_id token) const noexcept {
    return has(token) && made_[static_cast<std::size_t>(token)];
  }

  /// Adds to a set what its tokens are made of, and that of it, down to the units.
  void close(token_set& keep) const {
    std::vector<token_id> open = keep.ids();
    const auto need = [&](token_id t) {
      if (t != no_token && keep.add(t)) open.push_back(t);
    };
    while (!open.empty()) {
      const merge m = last_merge(open.back());
      open.pop_back();
      need(m.left);
      need(m.right);
    }
  }

 private:
  [[nodiscard]] bool has(token_id token) const noexcept {
    return token >= 0 && static_cast<std::size_t>(token) < last_.size();
  }
  std::vector<merge> last_;
  std::vector<bool> made_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
