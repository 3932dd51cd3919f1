// SPDX-License-Identifier: MIT
/// @file embed/merge_values.hpp
/// What merge rules make of source tokens, weight by weight.
#pragma once

#include "back_off.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// How the source tokens under a merge are weighted.
enum class merge_weights : std::uint8_t {
  tree,  ///< value(ab) = (value(a) + value(b)) / 2: a leaf of depth k has weight 2^-k
  flat,  ///< every leaf the same: what `mean` gives for a reachable token with one rule
};

/// Which rule counts where several make one token.
enum class several_rules : std::uint8_t {
  mean,   ///< all, each the same
  first,  ///< the first in list order whose parts have values: the one of least rank
};

/// The values of all wanted tokens that rules make, as weights over source tokens that add up to 1.
///
/// A part that is a source token too is that token, whatever rules it has. A rule that needs a token without
/// value does not count. A token has no value if no rule counts, or if it is made of itself, by a cycle.
/// The order of rules does not matter to the bit, but for what `first` picks. No recursion: any depth is fine.
/// Cost: linear in the rules and in the weights made; a token over m source tokens holds 16 m bytes.
class merge_values {
 public:
  struct leaf {
    source_id id;
    double weight;
  };

  merge_values(const vocab::expansion& e, merge_weights weights, several_rules several)
      : e_(e), weights_(weights), several_(several), nodes_(e.rows()) {
    for (const vocab::target_rule& r : e.rules) {
      if (const std::size_t row = row_of_wanted(r.result); row != none) {
        nodes_[row].rules.push_back(rules_.size());
        rules_.push_back({r.left, r.right, row});
      }
    }
    for (std::size_t row = 0; row < nodes_.size(); ++row) drop_doubles(row);
    std::vector<std::size_t> ready;
    for (std::size_t row = 0; row < nodes_.size(); ++row) {
      for (const std::size_t i : nodes_[row].rules) wait_for_parts(i);
    }
    for (std::size_t row = 0; row < nodes_.size(); ++row) {
      if (nodes_[row].open == 0) ready.push_back(row);
    }
    while (!ready.empty()) {  // a row whose rules are all decided: it has a value, or never will
      const std::size_t row = ready.back();
      ready.pop_back();
      finish(row);
      for (const std::size_t i : nodes_[row].used_by) {
        rule& user = rules_[i];
        if (nodes_[row].value.empty()) user.dead = true;
        if (--user.waits == 0 && --nodes_[user.row].open == 0) ready.push_back(user.row);
      }
    }
  }

  /// The weights of row `r`, by rising id; none when it has no value.
  [[nodiscard]] std::span<const leaf> operator[](std::size_t r) const noexcept { return nodes_[r].value; }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  struct rule {
    target_id left, right;
    std::size_t row;
    unsigned waits = 0;
    bool dead = false;
  };
  struct node {
    std::vector<std::size_t> rules, used_by;
    std::size_t open = 0;  // rules that wait
    double leaves = 0;
    std::vector<leaf> value;
  };

  [[nodiscard]] std::size_t row_of_wanted(target_id token) const noexcept {
    const auto at = std::lower_bound(e_.wanted.begin(), e_.wanted.end(), token);
    return at != e_.wanted.end() && *at == token ? static_cast<std::size_t>(at - e_.wanted.begin()) : none;
  }
  [[nodiscard]] source_id known(target_id token) const noexcept {
    const std::size_t at = row_of(token);
    return token != target_id::none && at < e_.same.size() ? e_.same[at] : source_id::none;
  }

  // A rule that is listed twice is one rule; where all count, their order must not show.
  void drop_doubles(std::size_t row) {
    auto& list = nodes_[row].rules;
    const auto parts = [&](std::size_t i) { return std::pair(rules_[i].left, rules_[i].right); };
    std::sort(list.begin(), list.end(),
              [&](std::size_t a, std::size_t b) { return std::pair(parts(a), a) < std::pair(parts(b), b); });
    list.erase(std::unique(list.begin(), list.end(),
                           [&](std::size_t a, std::size_t b) { return parts(a) == parts(b); }),
               list.end());
    if (several_ == several_rules::first) std::sort(list.begin(), list.end());
  }

  void wait_for_parts(std::size_t at) {
    rule& r = rules_[at];
    for (const target_id part : {r.left, r.right}) {
      if (known(part) != source_id::none) continue;
      if (const std::size_t row = row_of_wanted(part); row != none) {
        nodes_[row].used_by.push_back(at);
        ++r.waits;
      } else {
        r.dead = true;
      }
    }
    if (r.waits > 0) ++nodes_[r.row].open;
  }

  void add_part(target_id part, double weight, std::vector<leaf>& to, double& leaves) const {
    if (const source_id id = known(part); id != source_id::none) {
      to.push_back({id, weight});
      leaves += 1;
      return;
    }
    const node& n = nodes_[row_of_wanted(part)];
    for (const leaf& l : n.value) to.push_back({l.id, weight * l.weight});
    leaves += n.leaves;
  }
  [[nodiscard]] double leaves_of(target_id part) const noexcept {
    return known(part) != source_id::none ? 1 : nodes_[row_of_wanted(part)].leaves;
  }

  void finish(std::size_t row) {
    node& n = nodes_[row];
    std::size_t count = 0;
    for (const std::size_t i : n.rules) {
      if (!rules_[i].dead) ++count;
    }
    if (count > 1 && several_ == several_rules::first) count = 1;
    if (count == 0) return;
    const double share = 1 / static_cast<double>(count);
    std::size_t taken = 0;
    for (const std::size_t i : n.rules) {
      const rule& r = rules_[i];
      if (r.dead || taken == count) continue;
      ++taken;
      double left = 0.5, leaves = 0;
      if (weights_ == merge_weights::flat) {
        const double a = leaves_of(r.left), b = leaves_of(r.right);
        left = a / (a + b);
      }
      add_part(r.left, share * left, n.value, leaves);
      add_part(r.right, share * (1 - left), n.value, leaves);
      n.leaves += share * leaves;
    }
    if (n.leaves > 1e300) n.leaves = 1e300;  // a thousand doublings: no text is that long
    std::stable_sort(n.value.begin(), n.value.end(),
                     [](const leaf& a, const leaf& b) { return a.id < b.id; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n.value.size();) {
      leaf sum = n.value[i];
      for (++i; i < n.value.size() && n.value[i].id == sum.id; ++i) sum.weight += n.value[i].weight;
      n.value[kept++] = sum;
    }
    n.value.resize(kept);
    n.value.shrink_to_fit();
  }

  const vocab::expansion& e_;
  merge_weights weights_;
  several_rules several_;
  std::vector<rule> rules_;
  std::vector<node> nodes_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
