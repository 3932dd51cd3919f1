// SPDX-License-Identifier: MIT
/// @file prompt/templify_draws.hpp
/// What is left to chance in a templated pre-training corpus, each choice a draw of its own.
#pragma once

#include <vector>

#include "templify.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What styles are drawn from, each part by itself; an empty pool means the default of that part. Sees the pools. The
/// released ones hold up to 240 patterns each (microsoft/LMOps); yours are arrays of your own words.
struct style_pools {
  std::span<const layout_style> words{};
  std::span<const demo_style> demos{};
  std::span<const option_style> options{};
  std::span<const chain_style> chains{};
  std::span<const std::string_view> none_of_these{};
};

/// A raw text and the tasks that were made of it. Sees both.
struct text_tasks {
  std::string_view context;
  std::span<const instruction_task> tasks{};
};

/// The draws of the texts of a corpus (arXiv 2406.14491; shares of layouts: microsoft/LMOps). `text` is the number of
/// a few-shot sequence. Layout and inversion are drawn once for it, the styles once for each of its members, the order
/// of options once for each task. Each is a function of (seed, text, member, task) alone: the same in any order, thread
/// or shard, and independent of each other, so that more members or tasks change nothing before them.
struct templify_draws {
  philox random{};
  layout_shares shares{};
  style_pools pools{};

  [[nodiscard]] constexpr text_layout layout(std::uint64_t text, bool all_have_two) const noexcept {
    return shares.draw(all_have_two, random, text, slot(layouts));
  }
  [[nodiscard]] constexpr bool inverted(std::uint64_t text) const noexcept {
    return shares.draw_inverted(random, text, slot(inversions));
  }
  [[nodiscard]] constexpr layout_style words(std::uint64_t text, std::size_t member) const noexcept {
    return one_of(pools.words, layout_style{}, text, slot(layout_words, member));
  }
  [[nodiscard]] constexpr task_style style(std::uint64_t text, std::size_t member) const noexcept {
    task_style out;
    out.demo = one_of(pools.demos, out.demo, text, slot(demos, member));
    out.options = one_of(pools.options, out.options, text, slot(options, member));
    out.chain = one_of(pools.chains, out.chain, text, slot(chains, member));
    out.none_of_these = one_of(pools.none_of_these, out.none_of_these, text, slot(none_phrases, member));
    return out;
  }
  /// The order of the `n` options of a task; `given` for less than two.
  [[nodiscard]] constexpr option_order order(std::uint64_t text, std::size_t member, std::size_t task,
                                             std::size_t n) const noexcept {
    return option_order::drawn(n, random, text, slot(orders, member, task));
  }

  /// Appends sequence `text` as it is drawn. A member without tasks is its raw text, whatever the layout.
  void append(std::string& out, std::uint64_t text, std::span<const text_tasks> members) const {
    std::vector<templified> drawn;
    std::vector<option_order> all_orders;
    std::size_t tasks = 0;
    for (const text_tasks& m : members) tasks += m.tasks.size();
    drawn.reserve(members.size());
    all_orders.reserve(tasks);
    const bool turned = inverted(text);
    bool all_have_two = true;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const text_tasks& m = members[i];
      all_have_two = all_have_two && m.tasks.size() >= 2;
      const std::size_t first = all_orders.size();
      for (std::size_t k = 0; k < m.tasks.size(); ++k)
        all_orders.push_back(order(text, i, k, m.tasks[k].option_count));
      drawn.push_back(
          {m.context, m.tasks, std::span(all_orders).subspan(first), style(text, i), words(text, i), turned});
    }
    append_templified(out, drawn, layout(text, all_have_two));
  }

 private:
  enum : std::uint64_t { layouts, inversions, layout_words, demos, options, chains, none_phrases, orders };

  // 256 counters for each task, 2^24 tasks a member, 2^24 members.
  [[nodiscard]] static constexpr std::uint64_t slot(std::uint64_t what, std::size_t member = 0,
                                                    std::size_t task = 0) noexcept {
    return what << 56 | static_cast<std::uint64_t>(member) << 32 | static_cast<std::uint64_t>(task) << 8;
  }
  template <class T>
  [[nodiscard]] constexpr T one_of(std::span<const T> pool, const T& otherwise, std::uint64_t text,
                                   std::uint64_t counter) const noexcept {
    if (pool.empty()) return otherwise;
    return pool[static_cast<std::size_t>(random.below(pool.size(), text, counter))];
  }
};

/// The tasks of the pairs of a text, appended; pairs that are none are counted by reason.
template <class Tasks>
constexpr losses<task_check> read_tasks(std::span<const question_answer> pairs, Tasks& tasks,
                                        const task_marks& marks = {}) {
  losses<task_check> out;
  for (const question_answer& pair : pairs) {
    const checked_task read = read_task(pair, marks);
    out.count(read.check);
    if (read.check == task_check::ok) tasks.push_back(read.task);
  }
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
