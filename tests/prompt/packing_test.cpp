// SPDX-License-Identifier: MIT
// Packing against its definition, its bounds and the fewest bins there can be.
#include <lagom/prompt/best_fit.hpp>
#include <lagom/prompt/packing_window.hpp>
#include <lagom/prompt/token_row.hpp>

#include <functional>
#include <numeric>
#include <set>

#include "prompt/support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom_test::draws;
using lengths_t = std::vector<std::uint32_t>;

namespace {

std::vector<std::vector<packed_piece>> bins_of(const packed_bins& p) {
  std::vector<std::vector<packed_piece>> out;
  for (std::size_t b = 0; b < p.size(); ++b) out.emplace_back(p[b].begin(), p[b].end());
  return out;
}

std::vector<std::vector<packed_piece>> stream(const lengths_t& lengths, packing_window& window) {
  std::vector<std::vector<packed_piece>> out;
  const auto give = [&](std::span<const packed_piece> bin) { out.emplace_back(bin.begin(), bin.end()); };
  for (std::size_t i = 0; i < lengths.size(); ++i)
    window.push(static_cast<std::uint32_t>(i), lengths[i], give);
  window.finish(give);
  return out;
}

std::uint32_t filled(const std::vector<packed_piece>& bin) {
  std::uint32_t sum = 0;
  for (const packed_piece& p : bin) sum += p.size;
  return sum;
}

// No bin over the capacity, none empty, and every token of what is packed once.
void check_law(const std::vector<std::vector<packed_piece>>& bins, const lengths_t& lengths,
               std::uint32_t capacity, bool long_ones) {
  std::vector<std::vector<char>> seen;
  for (const std::uint32_t n : lengths) seen.emplace_back(n, 0);
  bool once = true;
  for (const auto& bin : bins) {
    CHECK(filled(bin) <= capacity);
    CHECK(filled(bin) > 0);
    for (const packed_piece& p : bin) {
      for (std::uint32_t i = p.begin; i < p.begin + p.size; ++i)
        once = once && seen.at(p.sample).at(i)++ == 0;
    }
  }
  CHECK(once);
  for (const auto& s : seen) {
    const bool is_in = long_ones || s.size() <= capacity;
    CHECK(std::count(s.begin(), s.end(), 1) == (is_in ? static_cast<std::ptrdiff_t>(s.size()) : 0));
  }
}

// The definition, quadratic: how much is in each bin.
std::vector<std::uint32_t> naive_best_fit(lengths_t lengths, std::uint32_t capacity) {
  std::sort(lengths.rbegin(), lengths.rend());
  std::vector<std::uint32_t> bins;
  for (const std::uint32_t n : lengths) {
    if (n == 0 || n > capacity) continue;
    std::size_t best = bins.size();
    for (std::size_t b = 0; b < bins.size(); ++b) {
      if (bins[b] + n <= capacity && (best == bins.size() || bins[b] > bins[best])) best = b;
    }
    if (best == bins.size()) bins.push_back(0);
    bins[best] += n;
  }
  std::sort(bins.begin(), bins.end());
  return bins;
}

// The fewest bins, over all subsets: least (bins, fill of the last).
std::size_t fewest_bins(const lengths_t& lengths, std::uint32_t capacity) {
  std::vector<std::pair<std::size_t, std::uint32_t>> best(std::size_t{1} << lengths.size(), {99, 0});
  best[0] = {0, capacity};
  for (std::size_t set = 0; set < best.size(); ++set) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if ((set >> i & 1) != 0) continue;
      auto [bins, fill] = best[set];
      if (fill + lengths[i] > capacity) {
        ++bins;
        fill = 0;
      }
      auto& next = best[set | std::size_t{1} << i];
      next = (std::min)(next, {bins, fill + lengths[i]});
    }
  }
  return best.back().first;
}

}  // namespace

TEST_CASE("best-fit decreasing, by hand", "[prompt][packing]") {
  const lengths_t lengths = {7, 5, 4, 3, 2, 2, 8, 1};
  const packed_bins p = pack_best_fit(lengths, 10);
  std::vector<std::vector<std::uint32_t>> ids;
  for (const auto& bin : bins_of(p)) {
    ids.emplace_back();
    for (const packed_piece& piece : bin) ids.back().push_back(piece.sample);
  }
  CHECK(ids == std::vector<std::vector<std::uint32_t>>{{6, 4}, {0, 3}, {1, 2, 7}, {5}});
  std::vector<std::uint32_t> cu, positions;
  append_cu_seqlens(p[1], cu);
  append_position_ids(p[1], positions);
  CHECK(cu == std::vector<std::uint32_t>{0, 7, 10});
  CHECK(positions == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 0, 1, 2});
  CHECK(p.account.balanced());
}

TEST_CASE("best-fit decreasing is what its definition says", "[prompt][packing]") {
  for (std::uint64_t round = 0; round < 1500; ++round) {
    draws d{.stream = round};
    const auto capacity = static_cast<std::uint32_t>(1 + d.below(round % 3 == 0 ? 12 : 3000));
    lengths_t lengths(d.below(80));
    const std::size_t most = capacity + d.below(capacity + 1) / 2;
    for (auto& n : lengths) n = static_cast<std::uint32_t>(d.below(most + 1));
    const packed_bins p = pack_best_fit(lengths, capacity);
    const auto bins = bins_of(p);
    check_law(bins, lengths, capacity, false);
    std::vector<std::uint32_t> fills;
    for (const auto& bin : bins) fills.push_back(filled(bin));
    std::sort(fills.begin(), fills.end());
    CHECK(fills == naive_best_fit(lengths, capacity));
    CHECK(p.account[pack_loss::empty] ==
          static_cast<std::uint64_t>(std::count(lengths.begin(), lengths.end(), 0u)));
    CHECK(p.account.out + p.account.lost() == lengths.size());
    // Two bins together hold more than one could: at most twice the bound.
    if (fills.size() > 1) CHECK(fills[0] + fills[1] > capacity);

    // By buckets and by map, the same.
    std::vector<packed_piece> pieces(p.pieces);
    std::sort(pieces.begin(), pieces.end(), [](auto a, auto b) { return a.sample < b.sample; });
    auto again = pieces;
    detail::sort_by_size(pieces, capacity, true);
    detail::sort_by_size(again, capacity, false);
    CHECK(pieces == again);
    packed_bins by_buckets, by_map;
    detail::place_best_fit<detail::bucketed_bins>(pieces, capacity, by_buckets);
    detail::place_best_fit<detail::mapped_bins>(pieces, capacity, by_map);
    CHECK(by_buckets.pieces == by_map.pieces);
    CHECK(by_buckets.bin_begin == by_map.bin_begin);
    CHECK(by_buckets.pieces == p.pieces);

    const packed_bins whole = pack_best_fit(lengths, capacity, true);
    check_law(bins_of(whole), lengths, capacity, true);
    CHECK(whole.account[pack_loss::too_long] == 0);
  }
}

TEST_CASE("best-fit decreasing stays near the fewest bins", "[prompt][packing]") {
  for (std::uint64_t round = 0; round < 200; ++round) {
    draws d{.stream = round};
    lengths_t lengths(1 + d.below(11));
    for (auto& n : lengths) n = static_cast<std::uint32_t>(1 + d.below(30));
    const std::size_t best = fewest_bins(lengths, 30), got = pack_best_fit(lengths, 30).size();
    CHECK(got >= best);
    CHECK(9 * got <= 11 * best + 9);
  }
}

TEST_CASE("a window of bins packs a stream", "[prompt][packing]") {
  for (std::uint64_t round = 0; round < 1500; ++round) {
    draws d{.stream = round};
    const auto capacity = static_cast<std::uint32_t>(1 + d.below(60));
    lengths_t lengths(d.below(60));
    std::uint64_t sum = 0, kept = 0;
    for (auto& n : lengths) {
      n = static_cast<std::uint32_t>(d.below(2 * capacity));
      sum += n;
      kept += n > 0 && n <= capacity ? 1u : 0u;
    }
    const std::size_t size = d.below(6);
    packing_window intact(capacity, size), cut_long(capacity, size, split::too_long),
        blocks(capacity, size, split::anywhere);
    const auto bins = stream(lengths, intact);
    check_law(bins, lengths, capacity, false);
    CHECK(intact.account().out == kept);
    CHECK(intact.account().balanced());
    for (const auto& bin : bins) {
      for (const packed_piece& p : bin) CHECK((p.begin == 0 && p.size == lengths[p.sample]));
    }
    check_law(stream(lengths, cut_long), lengths, capacity, true);
    const auto full = stream(lengths, blocks);
    check_law(full, lengths, capacity, true);
    CHECK(full.size() == (sum + capacity - 1) / capacity);
    // A window for all of them never gives away a bin that has room for what comes.
    packing_window wide(capacity, 100);
    const auto best = stream(lengths, wide);
    CHECK(best.size() <= bins.size() + (size == 0 ? 0 : best.size()));
    for (std::size_t a = 0; a < best.size(); ++a) {
      for (std::size_t b = a + 1; b < best.size(); ++b) CHECK(filled(best[a]) + filled(best[b]) > capacity);
    }
  }
}

TEST_CASE("bins are given away in a fixed order", "[prompt][packing]") {
  packing_window window(10, 2);
  std::vector<std::vector<std::uint32_t>> out;
  for (const auto& bin : stream({6, 7, 3, 5, 1, 4, 12, 0}, window)) {
    out.emplace_back();
    for (const packed_piece& p : bin) out.back().push_back(p.sample);
  }
  // 6 | 7 open; 3 fills the second; 5 opens; 1 to the first (4 left, not 5); 4 to the one of 5.
  CHECK(out == std::vector<std::vector<std::uint32_t>>{{1, 2}, {0, 4}, {3, 5}});
  CHECK(window.account()[pack_loss::too_long] == 1);
  CHECK(window.account()[pack_loss::empty] == 1);
}

TEST_CASE("labels travel with their tokens, and no sample is predicted from another", "[prompt][packing]") {
  std::vector<token_row> rows(3);
  for (int r = 0; r < 3; ++r) {
    for (int i = 0; i < 3 + r; ++i) rows[static_cast<std::size_t>(r)].push(10 * r + i, i > 0 || r == 1, {});
  }
  const std::vector<packed_piece> bin = {{1, 0, 4}, {0, 0, 3}, {2, 2, 2}};
  packed_row out;
  for (int twice = 0; twice < 2; ++twice)
    gather(bin, [&](std::uint32_t s) -> const token_row& { return rows[s]; }, out);
  CHECK(out.ids == std::vector<lagom::token_id>{10, 11, 12, 13, 0, 1, 2, 22, 23});
  CHECK(out.labels == std::vector<lagom::token_id>{-100, 11, 12, 13, -100, 1, 2, -100, 23});
  CHECK(out.cu_seqlens == std::vector<std::uint32_t>{0, 4, 7, 9});
  CHECK(out.position_ids == std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1, 2, 0, 1});
}

TEST_CASE("a set knows its next number", "[prompt][packing]") {
  for (const std::size_t bound : {1u, 2u, 63u, 64u, 65u, 4096u, 4097u, 300000u}) {
    successor_set set(bound);
    std::set<std::size_t> model;
    draws d{.stream = bound};
    for (int step = 0; step < 3000; ++step) {
      const std::size_t x = d.below(bound);
      if (d.one_in(2)) {
        set.insert(x);
        model.insert(x);
      } else {
        set.erase(x);
        model.erase(x);
      }
      const std::size_t from = d.below(bound + 3);
      const auto next = model.lower_bound(from);
      CHECK(set.at_least(from) == (next == model.end() ? successor_set::none : *next));
    }
  }
}
