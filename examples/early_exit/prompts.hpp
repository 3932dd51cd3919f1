// SPDX-License-Identifier: MIT
// Few-shot prompts as token ids.
#pragma once

#include <algorithm>
#include <lagom/core/random.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <span>

#include "tasks.hpp"

namespace early_exit {

struct prompt {
  std::vector<lagom::token_id> tokens;
  lagom::token_id answer = lagom::no_token;  // first token of the expected answer
  int task = 0;
  bool test = false;
};

// What had to be done to make the prompts fit; said once to the user.
struct prompt_notes {
  std::size_t long_answers = 0;  // answers of more than one token, counted by their first
  std::size_t shortened = 0;     // prompts that hold fewer demonstrations than asked for
};

struct prompt_set {
  std::vector<prompt> prompts;
  prompt_notes notes;
};

// "prompt answer", with the space only where the prompt does not bring white space of its own.
[[nodiscard]] inline std::string completed(const item& i) {
  const bool spaced = i.prompt.back() == ' ' || i.prompt.back() == '\n' || i.answer.front() == ' ';
  return i.prompt + (spaced ? "" : " ") + i.answer;
}

// Builds every prompt of every task: `shots` demonstrations from the task's own training items, a blank line
// after each, then the question. The demonstrations of a task are drawn once; what demonstrates is not asked.
class prompt_builder {
 public:
  prompt_builder(const lagom::io::hf_tokenizer& tokenizer, std::size_t context, std::uint64_t seed)
      : tokenizer_(tokenizer), context_(context), random_{seed} {}

  // Prompts of all tasks, for every number of shots. At most `limit` items of each split a task (0 = all).
  // Fails with `too_long` (and the line) when a question alone does not fit the context.
  [[nodiscard]] lagom::result<prompt_set> build(const std::vector<task>& tasks, const std::vector<int>& shots,
                                                std::size_t limit, const std::string& path) {
    prompt_set out;
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      std::vector<std::size_t> order(tasks[t].train.size());
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i, t, i)]);
      if (limit > 0 && order.size() > limit) order.resize(limit);
      const std::size_t most = static_cast<std::size_t>(*std::max_element(shots.begin(), shots.end()));
      // At least half of the training items are left to train on.
      const std::size_t demonstrations = std::min(most, order.size() / 2);
      std::vector<const item*> shown, asked;
      for (std::size_t i = 0; i < order.size(); ++i) {
        (i < demonstrations ? shown : asked).push_back(&tasks[t].train[order[i]]);
      }
      const std::size_t tests = limit > 0 ? std::min(limit, tasks[t].test.size()) : tasks[t].test.size();
      for (const int n : shots) {
        const auto few = std::span(shown).first(std::min(static_cast<std::size_t>(n), shown.size()));
        for (const item* i : asked) {
          if (auto ok = add(out, few, static_cast<std::size_t>(n), *i, static_cast<int>(t), false, path); !ok)
            return ok.error();
        }
        for (std::size_t i = 0; i < tests; ++i) {
          if (auto ok = add(out, few, static_cast<std::size_t>(n), tasks[t].test[i], static_cast<int>(t),
                            true, path);
              !ok)
            return ok.error();
        }
      }
    }
    return out;
  }

 private:
  lagom::result<lagom::done> add(prompt_set& out, std::span<const item* const> shown, std::size_t wanted,
                                 const item& i, int task, bool test, const std::string& path) const {
    for (std::size_t n = shown.size();; --n) {
      std::string text;
      for (const item* s : shown.first(n)) text += completed(*s) + "\n\n";
      prompt p{tokenizer_.encode(text + i.prompt, true), lagom::no_token, task, test};
      if (p.tokens.size() <= context_ && !p.tokens.empty()) {
        const auto whole = tokenizer_.encode(text + completed(i), true);
        const auto [left, right] =
            std::mismatch(p.tokens.begin(), p.tokens.end(), whole.begin(), whole.end());
        // Where the answer merges with the end of the prompt (white space, mostly) or the tokenizer closes a text
        // with a special token, the first token that differs is what the model must say, after those before it.
        if (right != whole.end()) {
          p.answer = *right;
          p.tokens.resize(static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, left - p.tokens.begin())));
        }
        out.notes.long_answers += static_cast<std::size_t>(whole.end() - right) > 1;
        out.notes.shortened += n < wanted;
        out.prompts.push_back(std::move(p));
        return lagom::done{};
      }
      if (p.tokens.empty())
        return lagom::failure{.code = lagom::errc::empty, .file = path, .key = "prompt", .row = i.line};
      if (n == 0) {
        return lagom::failure{.code = lagom::errc::too_long,
                              .file = path,
                              .key = "prompt",
                              .row = i.line,
                              .expected = context_,
                              .found = p.tokens.size()};
      }
    }
  }

  const lagom::io::hf_tokenizer& tokenizer_;
  std::size_t context_;
  lagom::philox random_;
};

}  // namespace early_exit
