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
///
/// Where lost units leave nothing, what is around them meets, and comes apart again when one of them becomes a
/// token. The pieces that hold such units are kept, and tokenized anew then.
template <class Rule>
class run_table {
 public:
  struct unit {
    std::string text{};
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;  ///< byte tokens that stand for one
    bool lost = false;
    std::vector<std::uint32_t> places{}, pieces{};  ///< where it is pending; kept pieces that lose it
  };

  run_table(const bpe& source, bpe_units& units, const Rule& rule)
      : source_(&source), bpe_units_(&units), rule_(&rule) {}

  /// `naming`: whether units may become tokens.
  template <piece_counts Counts>
  result<done> read(const Counts& counts, bool naming) {
    const bool fuses = source_->options().fuse_unk, closes = bpe_units_->closes_gaps();
    const std::uint64_t unk = leaves_unk() ? 1 : 0;
    result<done> ok{done{}};
    std::vector<token_id> symbols;
    std::vector<std::uint32_t> lost;
    for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
      if (!ok) return;
      symbols.clear();
      lost.clear();
      bool unk_waits = false;
      (*bpe_units_)(
          piece,
          [&](token_id t) {
            tokens_ += count;
            unk_waits = false;
            symbols.push_back(t);
          },
          [&](const bpe_units::unknown& u) {
            const token_id symbol = pending(u);
            const auto i = static_cast<std::uint32_t>(symbol - pair_index::pending_base);
            units_[i].count += count;
            if (u.lost && closes) return lost.push_back(i);
            symbols.push_back(symbol);
            loses_ = loses_ || u.lost;
            tokens_ += count * (!u.lost ? u.bytes : fuses && unk_waits ? 0 : unk);
            unk_waits = unk_waits || u.lost;
          });
      if (!naming || lost.empty()) {
        for_each_run(symbols, [&](std::span<const token_id> run) {
          if (ok) ok = add(run, count);
        });
        return;
      }
      const auto kept = static_cast<std::uint32_t>(kept_.size());
      kept_.push_back({.text = std::string(piece), .count = count});
      std::sort(lost.begin(), lost.end());
      lost.erase(std::unique(lost.begin(), lost.end()), lost.end());
      for (const std::uint32_t i : lost) units_[i].pieces.push_back(kept);
    });
    return ok;
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
    for (kept_piece& k : kept_) {
      const auto runs = tokenize(k, source_->tokens(), merge_table());
      k.begin = index.size();
      if (auto ok = index.add_room(runs, k.count, bpe_units_->count(k.text)); !ok) return ok;
      k.end = index.size();
    }
    find_pending(index, 0, index.size());
    return done{};
  }

  [[nodiscard]] const std::vector<unit>& units() const noexcept { return units_; }
  [[nodiscard]] std::uint64_t tokens() const noexcept { return tokens_; }
  /// Whether units are lost, but for those that leave nothing.
  [[nodiscard]] bool loses() const noexcept { return loses_; }
  /// Whether a text is that of an unknown unit.
  [[nodiscard]] bool is_unknown(std::string_view text) const noexcept {
    return names_.find(text) != no_token;
  }

  /// How many tokens of the corpus a unit saves when it becomes one; below 0 where it adds some. For units that
  /// leave nothing now it is known afterwards. O(what is unknown around it).
  [[nodiscard]] std::int64_t saving(const pair_index& index, std::size_t i) const {
    const unit& u = units_[i];
    if (!loses_ || !source_->options().fuse_unk || !leaves_unk()) {
      const std::uint64_t now = !u.lost ? u.bytes : leaves_unk() ? 1 : 0;
      return static_cast<std::int64_t>(u.count * now) - static_cast<std::int64_t>(u.count);
    }
    const auto is_pending = [&](std::uint32_t place) {
      return place != pair_index::none && index.symbol(place) >= pair_index::pending_base;
    };
    std::int64_t saved = 0;
    std::uint32_t seen = 0;
    for (const std::uint32_t place : u.places) {
      if (place < seen) continue;
      // What is unknown in a row has one `unk`, if anything of it is lost; named units part it.
      std::uint32_t at = place;
      while (is_pending(index.before(at))) at = index.before(at);
      std::int64_t named = 0, parts = 0;
      bool any = false, part = false;
      for (; is_pending(at); at = index.after(at)) {
        seen = at + 1;
        const auto other = static_cast<std::size_t>(index.symbol(at) - pair_index::pending_base);
        any = any || units_[other].lost;
        if (other == i) {
          ++named;
          parts += part ? 1 : 0;
          part = false;
        } else {
          part = part || units_[other].lost;
        }
      }
      parts += part ? 1 : 0;
      const std::int64_t before = (any ? 1 : 0) + named * static_cast<std::int64_t>(u.bytes);
      saved += static_cast<std::int64_t>(index.count_at(place)) * (before - named - parts);
    }
    return saved;
  }

  /// Makes a unit a token, which `texts` has; `learned` are the merges after the source's. What it saves, below 0
  /// where it adds.
  std::int64_t name(pair_index& index, std::size_t i, token_id id, const token_table& texts,
                    std::span<const merge> learned) {
    if (unit& u = units_[i]; !u.lost || !bpe_units_->closes_gaps()) {
      const std::int64_t saved = saving(index, i);
      std::erase_if(u.places, [&](std::uint32_t place) {  // places of pieces that were tokenized anew
        return index.symbol(place) != pair_index::pending_base + static_cast<token_id>(i);
      });
      std::sort(u.places.begin(), u.places.end());
      u.places.erase(std::unique(u.places.begin(), u.places.end()), u.places.end());
      index.name(u.places, id, texts);
      u.places = {};
      return saved;
    }
    if (merged_.rank_end() != learned.size()) merged_ = merge_table(learned);
    std::int64_t saved = 0;
    for (const std::uint32_t k : units_[i].pieces) {
      kept_piece& piece = kept_[k];
      const auto was = static_cast<std::int64_t>(tokens_at(index, piece));
      index.rewrite(piece.begin, piece.end, tokenize(piece, texts, merged_), texts);
      find_pending(index, piece.begin, piece.end);
      saved +=
          static_cast<std::int64_t>(piece.count) * (was - static_cast<std::int64_t>(tokens_at(index, piece)));
    }
    return saved;
  }

 private:
  struct kept_piece {
    std::string text{};
    std::uint64_t count = 0;
    std::size_t begin = 0, end = 0;  // its places
  };

  [[nodiscard]] bool leaves_unk() const noexcept { return source_->options().unk != no_token; }
  [[nodiscard]] bool is_source(token_id symbol) const noexcept { return symbol < source_->size(); }

  /// Calls `visit(run)` for the parts of a piece between which the rule lets nothing merge.
  template <class Visit>
  void for_each_run(std::span<const token_id> symbols, Visit visit) const {
    std::size_t begin = 0;
    for (std::size_t i = 1; i <= symbols.size(); ++i) {
      const bool ends = i == symbols.size() ||
                        (is_source(symbols[i - 1]) && is_source(symbols[i]) &&
                         !(*rule_)(source_->bytes_of(symbols[i - 1]), source_->bytes_of(symbols[i])));
      if (!ends) continue;
      visit(symbols.subspan(begin, i - begin));
      begin = i;
    }
  }

  result<done> add(std::span<const token_id> run, std::uint64_t count) {
    if (run.size() == 1 && run[0] < pair_index::pending_base) return done{};
    const std::string_view bytes(reinterpret_cast<const char*>(run.data()), run.size() * sizeof(token_id));
    if (const token_id known = runs_.find(bytes); known != no_token) {
      counts_[static_cast<std::size_t>(known)] += count;
      return done{};
    }
    counts_.push_back(count);
    return runs_.add(static_cast<token_id>(counts_.size() - 1), bytes);
  }

  token_id pending(const bpe_units::unknown& u) {
    token_id known = names_.find(u.text);
    if (known == no_token) {
      known = static_cast<token_id>(units_.size());
      (void)names_.add(known, u.text);
      units_.push_back({.text = std::string(u.text), .bytes = u.bytes, .lost = u.lost});
    }
    return pair_index::pending_base + known;
  }

  /// The runs of a kept piece: the source's merges, then the learned ones.
  std::vector<std::vector<token_id>> tokenize(const kept_piece& piece, const token_table& texts,
                                              const merge_table& learned) {
    std::vector<token_id> symbols;
    bpe_units_->cut_by(
        texts, piece.text, [&](token_id t) { symbols.push_back(t); },
        [&](const bpe_units::unknown& u) {
          if (!u.lost) symbols.push_back(pending(u));
        });
    std::vector<std::vector<token_id>> runs;
    for_each_run(symbols, [&](std::span<const token_id> run) {
      runs.emplace_back(run.begin(), run.end());
      runs.back().resize(apply_merges(learned, runs.back()));
    });
    return runs;
  }

  /// The tokens of a piece that stands in the index.
  [[nodiscard]] std::uint64_t tokens_at(const pair_index& index, const kept_piece& piece) const {
    std::uint64_t out = 0;
    for (std::size_t i = piece.begin; i < piece.end; ++i) {
      const token_id symbol = index.symbol(i);
      if (symbol == no_token) continue;
      out += symbol < pair_index::pending_base
                 ? 1
                 : units_[static_cast<std::size_t>(symbol - pair_index::pending_base)].bytes;
    }
    return out;
  }

  void find_pending(const pair_index& index, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const token_id symbol = index.symbol(i);
      if (symbol < pair_index::pending_base) continue;
      units_[static_cast<std::size_t>(symbol - pair_index::pending_base)].places.push_back(
          static_cast<std::uint32_t>(i));
    }
  }

  const bpe* source_;
  bpe_units* bpe_units_;
  const Rule* rule_;
  token_table runs_, names_;
  std::vector<std::uint64_t> counts_;
  std::vector<unit> units_;
  std::vector<kept_piece> kept_;
  merge_table merged_;
  std::uint64_t tokens_ = 0;
  bool loses_ = false;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
