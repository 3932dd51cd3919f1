// SPDX-License-Identifier: MIT
/// @file vocab/wordpiece_automaton.hpp
/// Longest-match-first segmentation in linear time: a tree of tokens whose nodes know where to go on when no
/// longer token fits.
#pragma once

#include <utility>
#include <vector>

#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// The automaton of Song et al., "Fast WordPiece Tokenization" (arXiv 2012.15524), algorithms 1 and 2.
///
/// Two trees of bytes: what begins a word, and what continues it (without the prefix). A node v stands for
/// text read and not yet put out. When it has no child for the next byte, its tokens F(v) are put out and
/// f(v), a node of the second tree, stands for what is left of the text; without f(v) the word is unknown.
/// F(v) = F(u) Z is a concatenation of other nodes' tokens, kept as one: memory is linear in the tokens.
class wordpiece_automaton {
 public:
  /// Fails with `too_large` with over 2^30 bytes of tokens.
  static result<wordpiece_automaton> make(const token_table& tokens, std::string_view prefix) {
    std::size_t bytes = 0;
    for (token_id id = 0; id < tokens.size(); ++id) bytes += tokens[id].size();
    constexpr std::size_t limit = std::size_t{1} << 30;
    if (bytes > limit) return failure{.code = errc::too_large, .expected = limit, .found = bytes};
    wordpiece_automaton out;
    for (token_id id = 0; id < tokens.size(); ++id) {
      const std::string_view text = tokens[id];
      if (text.empty()) continue;
      out.add(begin, text, id);
      if (text.size() > prefix.size() && text.substr(0, prefix.size()) == prefix) {
        out.add(inside, text.substr(prefix.size()), id);
      }
    }
    out.link();
    return out;
  }

  /// Calls `push(token)` for each token of a word that is not empty, and returns true; or returns false when
  /// somewhere no token fits, after any number of calls. O(word).
  template <class Push>
  bool run(std::string_view word, Push push) const {
    std::vector<std::uint32_t> stack;
    std::uint32_t at = begin;
    const auto give_out = [&] {
      if (nodes_[at].fail == none) return false;
      emit(nodes_[at].out, stack, push);
      at = nodes_[at].fail;
      return true;
    };
    for (const char c : word) {
      std::uint32_t next = find(at, c);
      for (; next == none; next = find(at, c)) {
        if (!give_out()) return false;
      }
      at = next;
    }
    while (at != inside) {
      if (!give_out()) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0}, begin = 0, inside = 1;

  struct node {
    std::uint32_t parent = none, fail = none, out = none;
    token_id token = no_token;
    char byte = 0;
  };
  /// Tokens put out together: one token, or what two others put out.
  struct output {
    std::uint32_t left, right;  // right == none: left is a token
  };
  struct edge {
    std::uint32_t from = none, to = none;
    char byte = 0;
  };

  [[nodiscard]] std::size_t slot(std::uint32_t from, char byte) const noexcept {
    const std::uint64_t key = (std::uint64_t{from} << 8) | static_cast<unsigned char>(byte);
    const std::uint64_t hash = key * 0x9E3779B97F4A7C15u;
    const std::size_t mask = edges_.size() - 1;
    std::size_t at = (hash ^ (hash >> 32)) & mask;
    while (edges_[at].from != none && (edges_[at].from != from || edges_[at].byte != byte)) {
      at = (at + 1) & mask;
    }
    return at;
  }
  [[nodiscard]] std::uint32_t find(std::uint32_t from, char byte) const noexcept {
    return edges_[slot(from, byte)].to;
  }

  void add(std::uint32_t root, std::string_view text, token_id id) {
    std::uint32_t at = root;
    for (const char c : text) {
      std::uint32_t next = find(at, c);
      if (next == none) {
        if (2 * nodes_.size() >= edges_.size()) grow();
        next = static_cast<std::uint32_t>(nodes_.size());
        nodes_.push_back({.parent = at, .byte = c});
        edges_[slot(at, c)] = {at, next, c};
      }
      at = next;
    }
    nodes_[at].token = id;
  }
  void grow() {
    std::vector<edge> old(2 * edges_.size());
    old.swap(edges_);
    for (const edge& e : old) {
      if (e.from != none) edges_[slot(e.from, e.byte)] = e;
    }
  }

  /// Sets f and F of every node, shallow nodes first.
  void link() {
    for (const std::uint32_t v : by_depth()) {
      node& n = nodes_[v];
      if (n.token != no_token) {
        n.fail = inside;
        n.out = concatenate(static_cast<std::uint32_t>(n.token), none);
        continue;
      }
      std::uint32_t z = nodes_[n.parent].fail, tokens = nodes_[n.parent].out;
      while (z != none && find(z, n.byte) == none) {
        if (nodes_[z].out != none) tokens = concatenate(tokens, nodes_[z].out);
        z = nodes_[z].fail;
      }
      if (z == none) continue;
      n.fail = find(z, n.byte);
      n.out = tokens;
    }
  }
  [[nodiscard]] std::vector<std::uint32_t> by_depth() const {
    std::vector<std::uint32_t> depth(nodes_.size()), count, order;
    for (std::uint32_t v = 2; v < nodes_.size(); ++v) {  // parents come before their children
      depth[v] = depth[nodes_[v].parent] + 1;
      if (depth[v] >= count.size()) count.resize(depth[v] + 1);
      ++count[depth[v]];
    }
    order.resize(nodes_.size() - 2);
    std::uint32_t sum = 0;
    for (std::uint32_t& c : count) sum += std::exchange(c, sum);
    for (std::uint32_t v = 2; v < nodes_.size(); ++v) order[count[depth[v]]++] = v;
    return order;
  }
  std::uint32_t concatenate(std::uint32_t left, std::uint32_t right) {
    outputs_.push_back({left, right});
    return static_cast<std::uint32_t>(outputs_.size() - 1);
  }

  template <class Push>
  void emit(std::uint32_t out, std::vector<std::uint32_t>& stack, Push& push) const {
    for (;;) {
      while (outputs_[out].right != none) {
        stack.push_back(outputs_[out].right);
        out = outputs_[out].left;
      }
      push(static_cast<token_id>(outputs_[out].left));
      if (stack.empty()) return;
      out = stack.back();
      stack.pop_back();
    }
  }

  std::vector<node> nodes_ = std::vector<node>(2);
  std::vector<edge> edges_ = std::vector<edge>(16);
  std::vector<output> outputs_;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
