// SPDX-License-Identifier: MIT
// Task files: one JSON object a line.
#pragma once

#include <algorithm>
#include <lagom/io/jsonl.hpp>
#include <string>
#include <vector>

namespace early_exit {

struct item {
  std::string prompt, answer;
  std::uint64_t line = 0;
};

struct task {
  std::string name, grade;
  std::vector<item> train, test;
};

// {"task", "grade", "split": "train" | "test", "prompt", "answer"}; other keys are ignored. Tasks keep the order
// of their first line. Fails naming file, line and key; `empty` when no task has a test item.
[[nodiscard]] inline lagom::result<std::vector<task>> load_tasks(const std::string& path) {
  using lagom::errc;
  std::vector<task> tasks;
  bool any_test = false;
  auto read = lagom::io::for_each_json_line(
      path, [&](const lagom::io::json& row, std::uint64_t line) -> lagom::result<lagom::done> {
        if (!row.is_object()) return lagom::failure{.code = errc::wrong_type, .key = "row"};
        std::string text[5];
        const char* const keys[5] = {"task", "grade", "split", "prompt", "answer"};
        for (std::size_t k = 0; k < 5; ++k) {
          const lagom::io::json* const at = lagom::io::find(row, keys[k]);
          if (at == nullptr) return lagom::failure{.code = errc::missing_key, .key = keys[k]};
          if (!at->is_string()) return lagom::failure{.code = errc::wrong_type, .key = keys[k]};
          text[k] = at->get<std::string>();
          if (text[k].empty()) return lagom::failure{.code = errc::empty, .key = keys[k]};
        }
        for (std::size_t k = 0; k < 2; ++k) {  // they stand in tables and pictures
          const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
          if (std::any_of(text[k].begin(), text[k].end(), control))
            return lagom::failure{.code = errc::bad_value, .key = keys[k]};
        }
        const bool train = text[2] == "train";
        if (!train && text[2] != "test") return lagom::failure{.code = errc::bad_value, .key = "split"};
        auto at = std::find_if(tasks.begin(), tasks.end(), [&](const task& t) { return t.name == text[0]; });
        if (at == tasks.end()) {
          tasks.push_back({text[0], text[1], {}, {}});
          at = tasks.end() - 1;
        } else if (at->grade != text[1]) {
          return lagom::failure{.code = errc::bad_value, .key = "grade"};
        }
        (train ? at->train : at->test).push_back({text[3], text[4], line});
        any_test = any_test || !train;
        return lagom::done{};
      });
  if (!read) return read.error();
  if (!any_test) return lagom::failure{.code = errc::empty, .file = path, .key = "set of test items"};
  return tasks;
}

}  // namespace early_exit
