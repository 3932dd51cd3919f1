// SPDX-License-Identifier: MIT
// Alignment of two tokenizations of a line, and counting pre-tokens. Times are per source token and per pre-token.
#include <lagom/vocab/align.hpp>
#include <lagom/vocab/byte_counts.hpp>

#include <map>
#include <string>
#include <unordered_map>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

using namespace lagom::vocab;

// Source tokens of one to eight bytes; a target token is one to three of them, and one in twenty ends inside one.
struct two_cuts {
  std::vector<lagom::token_id> source, target;
  std::vector<std::size_t> source_ends, target_ends;
};

std::shared_ptr<two_cuts> line(std::size_t tokens) {
  auto out = std::make_shared<two_cuts>();
  const lagom::philox random{1};
  std::uint64_t n = 0;
  for (std::size_t i = 0, end = 0; i < tokens; ++i) {
    end += 1 + random.below(8, tokens, n++);
    out->source.push_back(static_cast<lagom::token_id>(random.below(32'000, tokens, n++)));
    out->source_ends.push_back(end);
  }
  for (std::size_t i = 0; i < tokens;) {
    i = std::min<std::size_t>(i + 1 + random.below(3, tokens, n++), tokens);
    std::size_t end = out->source_ends[i - 1];
    if (i < tokens && random.below(20, tokens, n++) == 0) end += (out->source_ends[i] - end) / 2;
    out->target.push_back(static_cast<lagom::token_id>(random.below(200, tokens, n++)));
    out->target_ends.push_back(end);
  }
  return out;
}

// The reference's way: every pair of tokens, and all occurrences kept.
std::size_t all_pairs(const two_cuts& c) {
  std::map<lagom::token_id, std::vector<std::vector<lagom::token_id>>> kept;
  for (std::size_t t = 0, p = 0; t < c.target.size(); p = c.target_ends[t++]) {
    std::vector<lagom::token_id> pieces;
    for (std::size_t s = 0, begin = 0; s < c.source.size(); begin = c.source_ends[s++]) {
      const std::size_t end = c.source_ends[s], q = c.target_ends[t];
      if ((begin >= p && end <= q) || (p >= begin && q <= end)) pieces.push_back(c.source[s]);
    }
    kept[c.target[t]].push_back(std::move(pieces));
  }
  return kept.size();
}

void alignment(std::size_t tokens) {
  const std::string name = "align " + std::to_string(tokens) + " source tokens";
  const auto cut = line(tokens);
  const auto n = static_cast<double>(tokens);
  bench::add(
      name, "read",
      [=] {
        bench::read(cut->source_ends);
        bench::read(cut->target_ends);
      },
      n);
  const auto scratch = std::make_shared<std::vector<aligned_piece>>();
  for (const auto& [policy, label] : {std::pair(align_policy::exact_cover, "exact_cover"),
                                      std::pair(align_policy::containment, "containment"),
                                      std::pair(align_policy::overlap_weighted, "overlap_weighted")}) {
    bench::add(
        name, std::string("lagom ") + label,
        [=, policy = policy] {
          std::size_t pieces = 0;
          align(policy, {cut->source, cut->source_ends}, {cut->target, cut->target_ends}, *scratch,
                [&](std::size_t, std::span<const aligned_piece> p, bool) { pieces += p.size(); });
          benchmark::DoNotOptimize(pieces);
        },
        n);
  }
  const auto counts = std::make_shared<alignment_counts>();
  bench::add(
      name, "lagom exact_cover, counted",
      [=] {
        align(align_policy::exact_cover, {cut->source, cut->source_ends}, {cut->target, cut->target_ends},
              *scratch, [&](std::size_t i, std::span<const aligned_piece> p, bool crossing) {
                counts->push(static_cast<target_id>(cut->target[i]), p, 1, crossing);
              });
      },
      n);
  bench::add(name, "all pairs, all kept", [=] { benchmark::DoNotOptimize(all_pairs(*cut)); }, n);
}

// Words by Zipf's law, 200,000 distinct ones.
void counting() {
  constexpr std::size_t occurrences = 1'000'000;
  const std::string name = "count pre-tokens";
  const auto words = std::make_shared<std::vector<std::string>>();
  const lagom::philox random{2};
  for (std::size_t i = 0; i < occurrences; ++i) {
    const double u = random.uniform(0, i);
    words->push_back(" word" +
                     std::to_string(static_cast<std::uint64_t>(std::exp(u * std::log(200'000.0)) * 7919)));
  }
  const auto n = static_cast<double>(occurrences);
  bench::add(
      name, "read",
      [=] {
        std::size_t bytes = 0;
        for (const auto& w : *words) bytes += w.size() + static_cast<unsigned char>(w.back());
        benchmark::DoNotOptimize(bytes);
      },
      n);
  bench::add(
      name, "lagom byte_counts",
      [=] {
        byte_counts counts;
        for (const auto& w : *words) counts.push(w);
        benchmark::DoNotOptimize(counts.size());
      },
      n);
  bench::add(
      name, "std::unordered_map",
      [=] {
        std::unordered_map<std::string, std::uint64_t> counts;
        for (const auto& w : *words) ++counts[w];
        benchmark::DoNotOptimize(counts.size());
      },
      n);
}

}  // namespace

int main(int argc, char** argv) {
  alignment(200);
  alignment(2000);
  counting();
  return bench::run(argc, argv);
}
