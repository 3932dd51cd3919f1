// SPDX-License-Identifier: MIT
// What went wrong, said in lines, and how often, said in a table.
#pragma once

#include <cstdint>
#include <lagom/core/result.hpp>
#include <lagom/prompt/losses.hpp>
#include <string>
#include <utility>
#include <vector>

namespace pivot_data {

// Ends the program with one line.
struct stop_program {
  std::string sentence;
};
[[noreturn]] void stop(const lagom::failure& why);
template <class T>
T must(lagom::result<T> r) {
  if (!r) stop(r.error());
  return std::move(*r);
}
inline void must(lagom::result<lagom::done> r) {
  if (!r) stop(r.error());
}

// "quads.jsonl: y_t is missing (line 7)"
[[nodiscard]] std::string sentence_of(const lagom::failure& why);
[[nodiscard]] std::string place(const std::string& file, std::uint64_t line);

// What is said of single rows: the first ones on standard error, the rest only counted; with `strict` the first ends
// the program.
class complaints {
 public:
  explicit complaints(bool strict) : strict_(strict) {}
  void operator()(const std::string& sentence);
  ~complaints();
  complaints(const complaints&) = delete;
  complaints& operator=(const complaints&) = delete;

 private:
  static constexpr std::uint64_t shown = 10;
  bool strict_;
  std::uint64_t count_ = 0;
};

// The account of one step: in = out + lost.
struct account {
  std::string what;
  std::uint64_t in = 0, out = 0;
  std::vector<std::pair<std::string, std::uint64_t>> lost, notes;
};
template <class Reason>
[[nodiscard]] account account_of(std::string what, const lagom::prompt::losses<Reason>& l) {
  account out{std::move(what), l.in, l.out, {}, {}};
  l.for_each([&](std::string_view reason, std::uint64_t n) { out.lost.emplace_back(reason, n); });
  return out;
}

// The table of all steps, on standard output or, where that is taken by rows, on standard error; and as JSON.
void print_accounts(const std::vector<account>& all, bool rows_on_stdout);
void write_report(const std::string& path, const std::string& command, const std::vector<account>& all);

}  // namespace pivot_data
