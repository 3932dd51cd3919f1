// SPDX-License-Identifier: MIT
/// @file prompt/scores.hpp
/// The counts behind the scores of the papers: duels, truthfulness, right answers, change over a source.
#pragma once

#include <optional>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What a judge says of the first system.
enum class preference : std::int8_t { loss = -1, tie = 0, win = 1 };

/// How two judgements of one question become one: a judge prefers a place, so each pair is shown in both orders.
enum class both_orders : std::uint8_t {
  agreed,  ///< a win or loss counts when both orders say it; all else is a tie
  sum,     ///< a win and a tie are a win, a loss and a tie a loss, a win and a loss a tie
};

/// One preference from the verdicts in the two orders, both told from the first system's side. Papers that
/// judge twice (2306.05685 among them) differ in the rule, and say "conservative" for `agreed`.
[[nodiscard]] constexpr preference settle(preference one, preference swapped, both_orders rule) noexcept {
  if (rule == both_orders::agreed) return one == swapped ? one : preference::tie;
  const int sum = static_cast<int>(one) + static_cast<int>(swapped);
  return sum > 0 ? preference::win : sum < 0 ? preference::loss : preference::tie;
}

/// Wins, ties and losses. Rates are in percent of all judged, ties among them, as arXiv 2311.08711 tabulates them:
/// `difference` = win % - loss %. With nothing judged they are 0. A mergeable value.
struct duel {
  std::uint64_t wins = 0, ties = 0, losses = 0;

  constexpr void push(preference v) noexcept {
    ++(v == preference::win ? wins : v == preference::loss ? losses : ties);
  }
  constexpr void merge(const duel& other) noexcept {
    wins += other.wins;
    ties += other.ties;
    losses += other.losses;
  }
  [[nodiscard]] constexpr std::uint64_t judged() const noexcept { return wins + ties + losses; }
  [[nodiscard]] constexpr double win_percent() const noexcept { return percent(wins); }
  [[nodiscard]] constexpr double loss_percent() const noexcept { return percent(losses); }
  [[nodiscard]] constexpr double difference() const noexcept { return win_percent() - loss_percent(); }
  /// Of what was decided: wins / (wins + losses). Nothing where all are ties.
  [[nodiscard]] constexpr std::optional<double> decided_win_percent() const noexcept {
    if (wins + losses == 0) return std::nullopt;
    return 100 * static_cast<double>(wins) / static_cast<double>(wins + losses);
  }
  friend constexpr bool operator==(const duel&, const duel&) = default;

 private:
  [[nodiscard]] constexpr double percent(std::uint64_t part) const noexcept {
    return judged() == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(judged());
  }
};

/// Answers that are true, that say something, and both: TruthfulQA's (arXiv 2109.07958) headline number, in percent.
/// "No comment" is truthful and not informative. A mergeable value.
struct truthfulness {
  std::uint64_t answers = 0, truthful = 0, informative = 0, both = 0;

  constexpr void push(bool is_truthful, bool is_informative) noexcept {
    ++answers;
    if (is_truthful) ++truthful;
    if (is_informative) ++informative;
    if (is_truthful && is_informative) ++both;
  }
  constexpr void merge(const truthfulness& other) noexcept {
    answers += other.answers;
    truthful += other.truthful;
    informative += other.informative;
    both += other.both;
  }
  /// Truthful and informative, of all answers; 0 with none.
  [[nodiscard]] constexpr double percent() const noexcept {
    return answers == 0 ? 0 : 100 * static_cast<double>(both) / static_cast<double>(answers);
  }
  friend constexpr bool operator==(const truthfulness&, const truthfulness&) = default;
};

/// Right answers of all questions: SVAMP, MGSM, MSVAMP. A question without an answer counts as wrong. A
/// mergeable value.
struct accuracy {
  std::uint64_t questions = 0, answered = 0, right = 0;

  constexpr void push(bool has_answer, bool is_right) noexcept {
    ++questions;
    if (has_answer) ++answered;
    if (has_answer && is_right) ++right;
  }
  constexpr void merge(const accuracy& other) noexcept {
    questions += other.questions;
    answered += other.answered;
    right += other.right;
  }
  [[nodiscard]] constexpr double percent() const noexcept {
    return questions == 0 ? 0 : 100 * static_cast<double>(right) / static_cast<double>(questions);
  }
  friend constexpr bool operator==(const accuracy&, const accuracy&) = default;
};

/// (score - source) / source, in percent: how the decks compare an adapted model with its source, and a
/// method with its baseline. Nothing where the source is 0.
[[nodiscard]] constexpr std::optional<double> relative_change(double score, double source) noexcept {
  if (source == 0) return std::nullopt;
  return 100 * (score - source) / source;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
