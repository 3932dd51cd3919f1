// SPDX-License-Identifier: MIT
/// @file embed/script_gaussian.hpp
/// A row as a draw from the source tokens of its script.
#pragma once

#include <array>
#include <iterator>

#include "../text/script.hpp"
#include "back_off.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The kind of a token: the script that most characters of its bytes have, and whether it begins a word, that
/// is, with a blank. -1 for bytes of no script (none, or no whole character).
[[nodiscard]] inline int script_kind(std::string_view bytes) noexcept {
  const script s = majority_script(bytes);
  if (s == script::unknown) return -1;
  return 2 * static_cast<int>(s) + (bytes.front() == ' ' ? 1 : 0);
}

/// The rule behind `script_gaussian`. It looks at the source tokens when the first row asks.
class script_row {
 public:
  static constexpr method made_by = method::script_gaussian;

  /// `value.group` does not matter: it becomes that of the token's kind.
  explicit script_row(const vocab::expansion& e, const gaussian& value = {.ddof = 1})
      : e_(&e), value_(value) {}

  reason operator()(std::size_t r, plan_builder& out) {
    if (e_->source_bytes.empty() || r >= e_->bytes.size()) return reason::no_script;
    const int kind = script_kind(e_->bytes_of(r));
    if (kind < 0) return reason::no_script;
    if (!sorted_) sort_source_tokens();
    group& g = groups_[static_cast<std::size_t>(kind)];
    if (g.members.size() < 2) return reason::few_members;
    if (g.id == gaussian::every_row) g.id = out.add_group(g.members);
    gaussian drawn = value_;
    drawn.group = g.id;
    out.add(drawn);
    return reason::none;
  }

 private:
  struct group {
    std::vector<source_id> members;
    std::uint32_t id = gaussian::every_row;  // until the plan has it
  };

  void sort_source_tokens() {
    groups_.resize(2 * std::size(lagom::detail::script_labels));
    const auto size = static_cast<std::size_t>(e_->source_size);
    for (std::size_t i = 0; i < e_->source_bytes.size() && i < size; ++i) {
      const int kind = script_kind({e_->source_bytes[i].data(), e_->source_bytes[i].size()});
      if (kind >= 0) groups_[static_cast<std::size_t>(kind)].members.push_back(static_cast<source_id>(i));
    }
    sorted_ = true;
  }

  const vocab::expansion* e_;
  gaussian value_;
  bool sorted_ = false;
  std::vector<group> groups_;
};

/// Script Gaussian (Downey et al., "Embedding structure matters", arXiv 2309.04679): a token's row is drawn from
/// N(mu_c, sigma_c) per dimension, over the source tokens of its kind c: the majority Unicode script of the
/// bytes it stands for, times whether it begins a word. Where markers other than a blank begin words (WordPiece),
/// all tokens count as inside.
///
/// A kind with under two source tokens has no sigma; such tokens, and those of no script, have the mean of all
/// source rows, with the reason. Needs `expansion.source_bytes`. Cost: one look at every source token.
struct script_gaussian {
  std::uint64_t seed = 42;
  std::uint32_t ddof = 1;
  float deviation = 1;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    return back_off(e, script_row(e, {.ddof = ddof, .deviation = deviation, .seed = seed}), mean_row{});
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
