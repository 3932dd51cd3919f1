// SPDX-License-Identifier: MIT
// AdaInfer's three settings: who is trained on what and judged on what.
#pragma once

#include <lagom/lagom.hpp>
#include <limits>

#include "decoder/config.hpp"
#include "recording.hpp"
#include "rules.hpp"

namespace early_exit {

enum class setting { intra, inter_task, inter_model };
inline constexpr std::string_view setting_names[] = {"intra", "inter_task", "inter_model"};
[[nodiscard]] constexpr std::string_view name(setting s) {
  return setting_names[static_cast<std::size_t>(s)];
}

// One line of the result: a rule, judged on the held-out items of a task.
struct outcome {
  int task = 0;
  setting where = setting::intra;
  rule_kind kind = rule_kind::gap;
  any_rule rule;
  lagom::evaluation judged;
  lagom::flops_ratios flops;
  double wall = std::numeric_limits<double>::quiet_NaN();  // not measured
  lagom::replayed<lagom::trace_kind::per_instance> replay;
};

// Replays a rule over the held-out items of one task.
[[nodiscard]] inline lagom::result<outcome> judge(const lagom::trace<>& t,
                                                  const lagom::cost::decoder_shape& shape, int task,
                                                  setting where, rule_kind kind, const any_rule& rule) {
  outcome o{
      .task = task, .where = where, .kind = kind, .rule = rule, .judged = {}, .flops = {}, .replay = {}};
  const auto held_out = [&](lagom::index_t row) { return t.group(row) == group_of(task, true); };
  auto replayed = std::visit(
      [&](const auto& r) { return lagom::replay(t, lagom::exit_policy{signals{}, r}, held_out); }, rule);
  if (!replayed) return replayed.error();
  o.replay = std::move(*replayed);
  o.judged = lagom::evaluate(t, o.replay, held_out);
  o.flops = lagom::charge(t, o.replay, shape, decision_cost(rule), held_out);
  return o;
}

// The training rows of the listed tasks.
[[nodiscard]] inline lagom::result<lagom::dataset> training_set(const lagom::trace<>& t,
                                                                const std::vector<int>& tasks,
                                                                lagom::label_kind label) {
  return lagom::label(t, signals{}, label, [&](lagom::index_t row) {
    const int g = t.group(row);
    return !is_test(g) && std::find(tasks.begin(), tasks.end(), task_of(g)) != tasks.end();
  });
}

// Six to nine tasks to train on, for each fold of tasks to judge: as many folds as it takes to leave six others.
struct fold {
  std::vector<int> train, test;
};
[[nodiscard]] inline std::vector<fold> inter_task_folds(int tasks, std::uint64_t seed) {
  const lagom::philox random{seed};
  std::vector<int> order(static_cast<std::size_t>(tasks));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(i, 1'000'000, i)]);
  const int judged = std::max(1, std::min(tasks - 6, (tasks + 1) / 2));
  std::vector<fold> folds;
  for (int first = 0; first < tasks && tasks > 1; first += judged) {
    fold& f = folds.emplace_back();
    const auto wanted = 6 + random.below(4, 1'000'001, static_cast<std::uint64_t>(first));
    for (int i = 0; i < tasks; ++i) {
      const int task = order[static_cast<std::size_t>((first + i) % tasks)];
      if (i < judged && first + i < tasks) {
        f.test.push_back(task);
      } else if (i >= judged && f.train.size() < wanted) {
        f.train.push_back(task);
      }
    }
  }
  return folds;
}

}  // namespace early_exit
