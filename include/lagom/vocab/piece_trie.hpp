// SPDX-License-Identifier: MIT
/// @file vocab/piece_trie.hpp
/// Scored texts by their bytes: a double array, for all texts that begin at a place in one walk.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A text to look for, its id and its score.
struct scored_text {
  std::string_view text{};
  token_id id = no_token;
  double score = 0;
};

/// A trie as a double array (Aoe, 1989; offsets by exclusive or): the child by byte c of a node is node
/// `offset ^ c`, if that node's label is c. One step reads one node of 16 bytes, which holds the id and the
/// score too. Nodes: one a distinct prefix, and a few percent of free ones; 2^23 at most.
class piece_trie {
 public:
  struct node {
    std::uint32_t link = free_label;  ///< offset of the children, 23 bits; label, 9 bits
    token_id id = no_token;           ///< of the text that ends here
    double score = 0;
  };

  piece_trie() : nodes_(block) {}

  /// Of a text that is listed twice the later entry counts; the empty text is left out. Fails with
  /// `too_large` when there is no room for the nodes. O(bytes), after sorting.
  static result<piece_trie> make(std::span<const scored_text> texts) {
    builder b;
    b.texts.reserve(texts.size());
    for (const scored_text& t : texts) {
      if (!t.text.empty()) b.texts.push_back(t);
    }
    std::stable_sort(b.texts.begin(), b.texts.end(),
                     [](const scored_text& x, const scored_text& y) { return x.text < y.text; });
    if (!b.run()) return failure{.code = errc::too_large, .key = "vocabulary"};
    piece_trie out;
    out.nodes_ = std::move(b.nodes);
    return out;
  }

  /// Where a walk begins.
  [[nodiscard]] const node& root() const noexcept { return nodes_[0]; }

  /// The child of a node by a byte; null when there is none.
  [[nodiscard]] LAGOM_INLINE const node* step(const node& from, char byte) const noexcept {
    const std::uint32_t label = static_cast<unsigned char>(byte);
    const node& next = nodes_[(from.link >> label_bits) ^ label];
    return (next.link & label_mask) == label ? &next : nullptr;
  }

  /// The node of a whole text; null when no text begins like that.
  [[nodiscard]] const node* find(std::string_view text) const noexcept {
    const node* at = &root();
    for (const char c : text) {
      at = step(*at, c);
      if (at == nullptr) return nullptr;
    }
    return at;
  }

  /// A text that is there, and its id.
  struct match {
    std::size_t length = 0;  ///< 0: none
    token_id id = no_token;
  };

  /// The longest text that `text` begins with.
  [[nodiscard]] match longest(std::string_view text) const noexcept {
    match out;
    const node* at = &root();
    for (std::size_t i = 0; i < text.size();) {
      at = step(*at, text[i++]);
      if (at == nullptr) break;
      if (at->id != no_token) out = {i, at->id};
    }
    return out;
  }

  /// How many nodes there is room for.
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

 private:
  static constexpr std::uint32_t label_bits = 9, label_mask = (1u << label_bits) - 1, free_label = label_mask,
                                 block = 256, root_label = label_mask - 1;
  static constexpr std::size_t max_nodes = std::size_t{1} << (32 - label_bits);

  /// Places the nodes breadth first, so that the ones near the root lie together.
  struct builder {
    std::vector<scored_text> texts{};
    std::vector<node> nodes{};
    std::vector<bool> taken{};           // offsets that are somebody's
    std::size_t first_open = 2 * block;  // where a search for free nodes begins

    struct range {
      std::size_t begin, end;  ///< of texts with a common prefix
      std::uint32_t depth, at;
    };

    bool run() {
      // Block 0 holds the root and nothing else: offset 0 is "no children".
      nodes.assign(2 * block, node{});
      taken.assign(2 * block, false);
      nodes[0].link = root_label;
      first_open = block;
      std::vector<range> queue{{0, texts.size(), 0, 0}};
      for (std::size_t head = 0; head < queue.size(); ++head) {
        const range r = queue[head];
        if (!expand(r, queue)) return false;
      }
      return true;
    }

    [[nodiscard]] unsigned label_of(std::size_t text, std::uint32_t depth) const {
      return static_cast<unsigned char>(texts[text].text[depth]);
    }

    bool expand(const range& r, std::vector<range>& queue) {
      std::size_t begin = r.begin;
      for (; begin < r.end && texts[begin].text.size() == r.depth; ++begin) {
        nodes[r.at].id = texts[begin].id;
        nodes[r.at].score = texts[begin].score;
      }
      if (begin == r.end) return true;
      std::array<unsigned, block> labels;
      std::array<std::size_t, block + 1> starts;
      std::size_t count = 0;
      for (std::size_t i = begin; i < r.end;) {
        const unsigned label = label_of(i, r.depth);
        labels[count] = label;
        starts[count++] = i;
        i = last_with(i, r.end, r.depth, label);
      }
      starts[count] = r.end;
      const std::size_t offset = place(std::span(labels.data(), count));
      if (offset == 0) return false;
      nodes[r.at].link |= static_cast<std::uint32_t>(offset << label_bits);
      for (std::size_t k = 0; k < count; ++k) {
        const auto child = static_cast<std::uint32_t>(offset ^ labels[k]);
        nodes[child].link = labels[k];
        queue.push_back({starts[k], starts[k + 1], r.depth + 1, child});
      }
      return true;
    }

    /// The end of the texts from i on that have the same byte there: gallops, then halves.
    [[nodiscard]] std::size_t last_with(std::size_t i, std::size_t end, std::uint32_t depth,
                                        unsigned label) const {
      std::size_t step = 1, low = i;
      while (low + step < end && label_of(low + step, depth) == label) {
        low += step;
        step *= 2;
      }
      std::size_t high = (std::min)(end, low + step);
      while (high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        (label_of(middle, depth) == label ? low : high) = middle;
      }
      return low + 1;
    }

    /// An offset that is nobody's and whose nodes are free; 0 when there is no room.
    std::size_t place(std::span<const unsigned> labels) {
      constexpr std::size_t window = 16 * block;  // older free nodes are given up
      if (nodes.size() - first_open > window) first_open = nodes.size() - window;
      while (first_open < nodes.size() && nodes[first_open].link != free_label) ++first_open;
      for (std::size_t at = first_open; at < nodes.size(); ++at) {
        if (nodes[at].link != free_label) continue;
        const std::size_t offset = at ^ labels[0];
        if (taken[offset]) continue;
        const bool fits = std::all_of(labels.begin(), labels.end(), [&](unsigned label) {
          return nodes[offset ^ label].link == free_label;
        });
        if (!fits) continue;
        taken[offset] = true;
        return offset;
      }
      if (nodes.size() + block > max_nodes) return 0;
      const std::size_t offset = nodes.size();
      nodes.resize(nodes.size() + block);
      taken.resize(nodes.size(), false);
      taken[offset] = true;
      return offset;
    }
  };

  std::vector<node> nodes_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
