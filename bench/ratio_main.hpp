// SPDX-License-Identifier: MIT
// The main function of every benchmark: runs all methods interleaved, prints ratios, and writes them as JSON.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace bench {

// What a row of a table is: the physical bound, something to compare with that is neither, ours, or somebody else's.
enum class role { limit, reference, lagom, peer };

// One block of rows: all of its methods do the same work.
struct problem {
  std::string family;         // "unembed"
  std::string what;           // "V=32000 d=4096"
  std::string dtype = "f32";  // of the weights or elements that are read
  int batch = 1, threads = 1;

  [[nodiscard]] std::string title() const {
    std::string t = family + " " + dtype + " " + what;
    if (batch != 1) t += ", " + std::to_string(batch) + " states";
    if (threads != 1) t += ", " + std::to_string(threads) + " threads";
    return t;
  }

  // Registers `use()`. Its time is divided by `n`, the units of work (layers, decisions) of one call. The first
  // method of lagom is the one that peers are compared with in the table; JSON has rows for all of them.
  template <class Use>
  void limit(const std::string& name, Use use, double n = 1) const;
  template <class Use>
  void reference(const std::string& name, Use use, double n = 1) const;
  template <class Use>
  void lagom(const std::string& name, Use use, double n = 1) const;
  template <class Use>
  void peer(const std::string& name, Use use, double n = 1) const;
};

namespace detail {

struct entry {
  std::size_t problem;
  std::string name;
  role as;
  double units;
  double time = 0;  // of one unit, in nanoseconds
};

struct registry {
  std::vector<problem> problems;
  std::vector<entry> entries;

  std::size_t problem_of(const problem& p) {
    for (std::size_t i = 0; i < problems.size(); ++i) {
      if (problems[i].title() == p.title()) return i;
    }
    problems.push_back(p);
    return problems.size() - 1;
  }
};

inline registry& all() {
  static registry r;
  return r;
}

template <class Use>
void add(const problem& p, const std::string& name, role as, Use use, double n) {
  // The benchmark's name is the number of its entry: names of problems and methods are free text.
  const std::string id = std::to_string(all().entries.size());
  all().entries.push_back({all().problem_of(p), name, as, n});
  auto* const one = benchmark::RegisterBenchmark(("id" + id + "/" + p.title() + "/" + name).c_str(),
                                                 [use](benchmark::State& state) {
                                                   for (auto _ : state) use();
                                                 });
  one->Unit(benchmark::kNanosecond);
  // One thread is timed by its own clock, which stands still while others have the processor.
  if (p.threads > 1) one->UseRealTime();
}

inline std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A number, or null where there is none.
inline std::string number(double x, bool there) {
  if (!there) return "null";
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

// One line a (method of lagom, peer); `peer` is null where there is none.
inline void write_json(std::ostream& out, const problem& p, const std::vector<entry>& methods) {
  const entry* limit = nullptr;
  std::vector<const entry*> own, peers;
  for (const entry& m : methods) {
    if (m.as == role::limit) limit = &m;
    if (m.as == role::lagom) own.push_back(&m);
    if (m.as == role::peer) peers.push_back(&m);
  }
  if (peers.empty()) peers.push_back(nullptr);
  for (const entry* us : own) {
    const std::string suffix = us == own.front() ? "" : ", " + us->name;
    for (const entry* peer : peers) {
      out << "{\"family\": " << quoted(p.family) << ", \"case\": " << quoted(p.what + suffix)
          << ", \"dtype\": " << quoted(p.dtype) << ", \"batch\": " << p.batch
          << ", \"threads\": " << p.threads << ", \"lagom_ns\": " << number(us->time, true)
          << ", \"peer\": " << (peer != nullptr ? quoted(peer->name) : "null")
          << ", \"peer_ns\": " << number(peer != nullptr ? peer->time : 0, peer != nullptr)
          << ", \"limit_ns\": " << number(limit != nullptr ? limit->time : 0, limit != nullptr)
          << ", \"fraction_of_limit\": "
          << number(limit != nullptr ? limit->time / us->time : 0, limit != nullptr)
          << ", \"times_faster_than_peer\": "
          << number(peer != nullptr ? peer->time / us->time : 0, peer != nullptr) << "}\n";
    }
  }
}

// A block as a table: limits first, then by time.
inline void print_table(const problem& p, std::vector<entry> methods) {
  const entry *limit = nullptr, *own = nullptr;
  for (const entry& m : methods) {
    if (m.as == role::limit) limit = &m;
    if (m.as == role::lagom && own == nullptr) own = &m;
  }
  const double limit_time = limit != nullptr ? limit->time : 0, own_time = own != nullptr ? own->time : 0;
  const std::string of = limit != nullptr ? "x " + limit->name : "";
  std::stable_sort(methods.begin(), methods.end(), [](const entry& a, const entry& b) {
    return (a.as == role::limit) != (b.as == role::limit) ? a.as == role::limit : a.time < b.time;
  });
  const bool brief = methods.back().time < 10'000;
  std::printf("\n### %s\n\n", p.title().c_str());
  std::printf("| method                           | %12s | %14s | lagom is faster |\n", brief ? "ns" : "us",
              of.c_str());
  std::printf("|:---------------------------------|-------------:|---------------:|----------------:|\n");
  for (const entry& m : methods) {
    char ratio[32] = "", faster[32] = "";
    if (limit != nullptr) std::snprintf(ratio, sizeof ratio, "%.2f", m.time / limit_time);
    if (m.as == role::peer && own_time > 0) std::snprintf(faster, sizeof faster, "%.2f x", m.time / own_time);
    std::printf("| %-32s | %12.3f | %14s | %15s |\n", m.name.c_str(), brief ? m.time : m.time / 1000, ratio,
                faster);
  }
  std::fflush(stdout);
}

// Collects the median of every method, and reports when all are there.
class ratio_reporter : public benchmark::ConsoleReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&GetErrorStream(), context);
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name != "median") continue;
      entry& e = all().entries[std::stoul(run.run_name.function_name.substr(2))];
      const bool several = all().problems[e.problem].threads > 1;
      e.time = (several ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime()) / e.units;
    }
  }
  void Finalize() override {
    const char* const path = std::getenv("LAGOM_BENCH_JSON");
    std::ofstream json;
    if (path != nullptr) json.open(path, std::ios::app);
    for (std::size_t i = 0; i < all().problems.size(); ++i) {
      std::vector<entry> methods;
      for (const entry& e : all().entries) {
        if (e.problem == i && e.time > 0) methods.push_back(e);
      }
      if (methods.empty()) continue;
      print_table(all().problems[i], methods);
      if (path != nullptr) write_json(json, all().problems[i], methods);
    }
    if (path != nullptr && !json.flush()) std::fprintf(stderr, "cannot write %s\n", path);
  }
};

}  // namespace detail

template <class Use>
void problem::limit(const std::string& name, Use use, double n) const {
  detail::add(*this, name, role::limit, use, n);
}
template <class Use>
void problem::reference(const std::string& name, Use use, double n) const {
  detail::add(*this, name, role::reference, use, n);
}
template <class Use>
void problem::lagom(const std::string& name, Use use, double n) const {
  detail::add(*this, name, role::lagom, use, n);
}
template <class Use>
void problem::peer(const std::string& name, Use use, double n) const {
  detail::add(*this, name, role::peer, use, n);
}

// The short form: a problem of one word for its family, the rest free text; `read` and `memcpy` are the limit, names
// that begin with lagom are ours.
template <class Use>
void add(const std::string& title, const std::string& name, Use use, double n = 1) {
  const auto space = title.find(' ');
  problem p{title.substr(0, space), space == std::string::npos ? "" : title.substr(space + 1)};
  for (const char* type : {"f32 ", "bf16 ", "f16 ", "f64 "}) {
    const std::string t = type;
    if (p.what.rfind(t, 0) == 0) {
      p.dtype = t.substr(0, t.size() - 1);
      p.what = p.what.substr(t.size());
    }
  }
  const role as = name == "read" || name == "memcpy" ? role::limit
                  : name.rfind("lagom", 0) == 0      ? role::lagom
                                                     : role::peer;
  detail::add(p, name, as, use, n);
}

// Says that a peer is not part of this program.
inline void skipped(const std::string& peer) {
  std::fprintf(stderr, "%s is not here: skipped\n", peer.c_str());
}

// Runs everything that was registered. Options are Google Benchmark's. LAGOM_BENCH_JSON names a file to which rows are
// added, one JSON object a line.
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
  detail::ratio_reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
