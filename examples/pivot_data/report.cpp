// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/describe.hpp>
#include <nlohmann/json.hpp>

namespace pivot_data {

std::string sentence_of(const lagom::failure& why) { return lagom::io::describe(why); }
void stop(const lagom::failure& why) { throw stop_program{sentence_of(why)}; }
std::string place(const std::string& file, std::uint64_t line) {
  return fmt::format("{}: line {}", file, line);
}

void complaints::operator()(const std::string& sentence) {
  if (strict_) throw stop_program{sentence};
  if (++count_ <= shown) fmt::print(stderr, "pivot_data: {}\n", sentence);
}
complaints::~complaints() {
  if (count_ > shown) fmt::print(stderr, "pivot_data: and {} more like these\n", count_ - shown);
}

void print_accounts(const std::vector<account>& all, bool rows_on_stdout) {
  std::FILE* const to = rows_on_stdout ? stderr : stdout;
  for (const account& a : all) {
    std::uint64_t lost = 0;
    for (const auto& [reason, n] : a.lost) lost += n;
    fmt::print(to, "{:<10}{:>12} in{:>12} out{:>12} lost\n", a.what, a.in, a.out, lost);
    for (const auto& [reason, n] : a.lost) fmt::print(to, "{:>44} {}\n", n, reason);
    for (const auto& [what, n] : a.notes) fmt::print(to, "{:>28} {}\n", n, what);
  }
}

void write_report(const std::string& path, const std::string& command, const std::vector<account>& all) {
  if (path.empty()) return;
  nlohmann::ordered_json json = {{"command", command}, {"accounts", nlohmann::ordered_json::array()}};
  for (const account& a : all) {
    nlohmann::ordered_json one = {{"what", a.what}, {"in", a.in}, {"out", a.out}};
    one["lost"] = nlohmann::ordered_json::object();
    for (const auto& [reason, n] : a.lost) one["lost"][reason] = n;
    for (const auto& [what, n] : a.notes) one[what] = n;
    json["accounts"].push_back(std::move(one));
  }
  must(
      lagom::io::write_file(path, json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
}

}  // namespace pivot_data
