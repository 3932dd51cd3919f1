// SPDX-License-Identifier: MIT
// How much of what a drafter says is kept, and what that saves.
#pragma once

#include <chrono>
#include <numeric>

#include "texts.hpp"

namespace fit_drafters {

// Drafts of one source over some texts. `tried`: those that were compared; what follows a refused one says nothing.
struct kept_drafts {
  double kept = 0, tried = 0, drafted = 0;
  std::vector<double> fastest;  // seconds of each text, of some runs
  [[nodiscard]] double seconds() const { return std::accumulate(fastest.begin(), fastest.end(), 0.0); }
  [[nodiscard]] double share() const { return drafted > 0 ? kept / drafted : 0; }
  [[nodiscard]] double acceptance() const { return tried > 0 ? kept / tried : 0; }
};

// Speculates with so many layers and drafts a round.
template <class Source>
tokens speculate(sequence& engine, lagom::token_id last, const limits& until, int layers, int drafts,
                 lagom::greedy_drafts<float, Source>& drafter, kept_drafts& count) {
  tokens out, round(static_cast<std::size_t>(drafts) + 1);
  while (!until.reached(out)) {
    const auto left = static_cast<int>(until.most - out.size());
    const auto got = support::must(lagom::self_speculate(
        engine, last,
        {.draft_layers = lagom::layers_used(layers), .drafts = std::min(drafts, left - 1), .end = until.end},
        drafter, round));
    count.kept += got.kept;
    count.drafted += got.drafted;
    count.tried += got.kept + (got.kept < got.drafted ? 1 : 0);
    out.insert(out.end(), round.begin(), round.begin() + got.tokens);
    last = out.back();
  }
  return out;
}

// The held-out prompts of a language, ready to go on from, and what full depth says after them.
class judge {
  using clock = std::chrono::steady_clock;

 public:
  judge(const model& network, const std::vector<tokens>& prompts, const limits& until)
      : prompts_(prompts), until_(until) {
    for (const tokens& p : prompts) {
      all_.push_back(after(network, p, until));
      wanted_.push_back(full_depth(all_.back(), p.back(), until));
      tokens_ += wanted_.back().size();
    }
  }
  [[nodiscard]] std::size_t said() const { return tokens_; }

  // Seconds at full depth. Called in turn with `drafts`, so that both meet the same machine.
  void full(kept_drafts& to) {
    time(to, [&](std::size_t i) { return full_depth(all_[i], prompts_[i].back(), until_); });
  }
  // Fails should the text be another than full depth's.
  template <class Source>
  void drafts(kept_drafts& to, int layers, int most, const Source& source) {
    lagom::greedy_drafts<float, Source> drafter(most, 0, source);
    to.kept = to.tried = to.drafted = 0;
    time(to, [&](std::size_t i) {
      return speculate(all_[i], prompts_[i].back(), until_, layers, most, drafter, to);
    });
  }

 private:
  template <class Decode>
  void time(kept_drafts& to, const Decode& decode) {
    to.fastest.resize(prompts_.size(), 1e300);
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      all_[i].crop(static_cast<lagom::index_t>(prompts_[i].size()) - 1);
      const auto start = clock::now();
      const tokens said = decode(i);
      const double seconds = std::chrono::duration<double>(clock::now() - start).count();
      to.fastest[i] = std::min(to.fastest[i], seconds);
      if (said != wanted_[i]) throw support::stop_program{"drafts changed a text, which cannot be"};
    }
  }

  const std::vector<tokens>& prompts_;
  limits until_;
  std::vector<sequence> all_;
  std::vector<tokens> wanted_;
  std::size_t tokens_ = 0;
};

}  // namespace fit_drafters
