// SPDX-License-Identifier: MIT
/// @file vocab/run_table.hpp
/// A corpus as BPE training wants it: distinct runs of symbols with their counts.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "bpe_units.hpp"
#include "counted_piece.hpp"
#include "pair_index.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// The corpus as `continue_bpe` wants it: distinct runs of symbols, unknown units pending.
class run_table {
 public:
  struct unit {
    std::string text{};
    std::uint64_t count = 0;
    std::uint64_t tokens = 0;  ///< that stand for one now
    bool lost = false;
    std::vector<std::uint32_t> places{};
  };

  template <piece_counts Counts, class Rule>
  result<done> read(const bpe& source, bpe_units& units, const Counts& counts, const Rule& rule) {
    failure why;
    bool ok = true;
    std::vector<token_id> run;
    const auto flush = [&](std::uint64_t count) {
      if (run.size() > 1 || (run.size() == 1 && run[0] >= pair_index::pending_base)) {
        if (auto added = add(run, count); !added) {
          ok = false;
          why = added.error();
        }
      }
      run.clear();
    };
    for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
      if (!ok) return;
      units(
          piece,
          [&](token_id t) {
            tokens_ += count;
            if (!run.empty() && run.back() < pair_index::pending_base &&
                !rule(source.bytes_of(run.back()), source.bytes_of(t))) {
              flush(count);
            }
            run.push_back(t);
          },
          [&](const bpe_units::unknown& u) {
            tokens_ += count * u.tokens;
            run.push_back(pending(u, count));
          });
      flush(count);
    });
    if (!ok) return why;
    return done{};
  }

  /// Moves the runs into the index and says where each unknown unit stands.
  result<done> fill(pair_index& index) {
    std::vector<token_id> run;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::string_view bytes = runs_[static_cast<token_id>(i)];
      run.resize(bytes.size() / sizeof(token_id));
      std::memcpy(run.data(), bytes.data(), bytes.size());
      if (auto ok = index.add(run, counts_[i]); !ok) return ok;
    }
    runs_ = {};
    counts_ = {};
    for (std::size_t i = 0; i < index.size(); ++i) {
      const token_id symbol = index.symbol(i);
      if (symbol < pair_index::pending_base) continue;
      units_[static_cast<std::size_t>(symbol - pair_index::pending_base)].places.push_back(
          static_cast<std::uint32_t>(i));
    }
    return done{};
  }

  [[nodiscard]] std::vector<unit>& units() noexcept { return units_; }
  [[nodiscard]] std::uint64_t tokens() const noexcept { return tokens_; }

 private:
  result<done> add(const std::vector<token_id>& run, std::uint64_t count) {
    const std::string_view bytes(reinterpret_cast<const char*>(run.data()), run.size() * sizeof(token_id));
    if (const token_id known = runs_.find(bytes); known != no_token) {
      counts_[static_cast<std::size_t>(known)] += count;
      return done{};
    }
    counts_.push_back(count);
    return runs_.add(static_cast<token_id>(counts_.size() - 1), bytes);
  }

  token_id pending(const bpe_units::unknown& u, std::uint64_t count) {
    token_id known = names_.find(u.text);
    if (known == no_token) {
      known = static_cast<token_id>(units_.size());
      (void)names_.add(known, u.text);
      units_.push_back({.text = std::string(u.text), .tokens = u.tokens, .lost = u.lost});
    }
    units_[static_cast<std::size_t>(known)].count += count;
    return pair_index::pending_base + known;
  }

  token_table runs_, names_;
  std::vector<std::uint64_t> counts_;
  std::vector<unit> units_;
  std::uint64_t tokens_ = 0;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
