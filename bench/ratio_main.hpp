// SPDX-License-Identifier: MIT
// The main function of every benchmark: runs all methods interleaved and prints ratios.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace bench {

// How many units of work (layers, decisions) one call of a benchmark named "problem/method" does.
inline std::map<std::string, double>& units() {
  static std::map<std::string, double> of;
  return of;
}

// Collects the median of every benchmark named "problem/method" and prints one block a problem: each method's time,
// and its ratio to the limit, which comes first: the method `read` only reads the same bytes, `memcpy` also writes them.
class ratio_reporter : public benchmark::ConsoleReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&GetErrorStream(), context);
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name != "median") continue;
      const std::string name = run.run_name.function_name;
      const auto slash = name.rfind('/');
      const std::string problem = name.substr(0, slash);
      if (results_.find(problem) == results_.end()) order_.push_back(problem);
      results_[problem].push_back({name.substr(slash + 1), run.GetAdjustedRealTime() / units()[name]});
    }
  }
  void Finalize() override {
    for (const std::string& problem : order_) {
      auto& methods = results_[problem];
      const auto is_limit = [](const method& m) { return m.name == "read" || m.name == "memcpy"; };
      std::sort(methods.begin(), methods.end(), [&](const method& a, const method& b) {
        return is_limit(a) != is_limit(b) ? is_limit(a) : a.time < b.time;
      });
      const method limit = methods.front();
      const bool brief = methods.back().time < 1;  // microseconds
      std::printf("\n%s\n", problem.c_str());
      for (const auto& m : methods) {
        std::printf("  %-28s %12.3f %s", m.name.c_str(), brief ? 1000 * m.time : m.time, brief ? "ns" : "us");
        if (is_limit(limit)) std::printf("  %8.2f x %s", m.time / limit.time, limit.name.c_str());
        std::printf("\n");
      }
    }
  }

 private:
  struct method {
    std::string name;
    double time;
  };
  std::vector<std::string> order_;
  std::map<std::string, std::vector<method>> results_;
};

// Registers `use()` as "problem/name"; its time is divided by `n`, the units of work of one call.
template <class Use>
void add(const std::string& problem, const std::string& name, Use use, double n = 1) {
  units()[problem + "/" + name] = n;
  benchmark::RegisterBenchmark((problem + "/" + name).c_str(),
                               [use](benchmark::State& state) {
                                 for (auto _ : state) use();
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

inline int run(int argc, char** argv) {
  std::vector<std::string> defaults{argv[0], "--benchmark_repetitions=9",
                                    "--benchmark_enable_random_interleaving=true",
                                    "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.05"};
  for (int i = 1; i < argc; ++i) defaults.emplace_back(argv[i]);  // later ones win
  std::vector<char*> arguments;
  for (std::string& s : defaults) arguments.push_back(s.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  ratio_reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
