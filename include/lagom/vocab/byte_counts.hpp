// SPDX-License-Identifier: MIT
/// @file vocab/byte_counts.hpp
/// How often each of many byte strings occurs.
#pragma once

#include <algorithm>
#include <deque>

#include "byte_arena.hpp"
#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A byte string and how often it occurs.
struct counted_bytes {
  std::string_view bytes{};
  std::uint64_t count = 0;
  friend bool operator==(const counted_bytes&, const counted_bytes&) = default;
};

/// A table of distinct byte strings (the empty one too) and their counts: a mergeable value. Any order and any
/// split of the pushes give the same value.
///
/// `push` is O(bytes). Memory: the bytes, and 27 to 40 bytes for every distinct string. Precondition: fewer
/// than 2^32 - 1 distinct strings, and counts that add up to less than 2^64.
class byte_counts {
 public:
  byte_counts() = default;
  byte_counts(const byte_counts& other) { merge(other); }
  byte_counts(byte_counts&& other) noexcept { swap(other); }
  byte_counts& operator=(byte_counts other) noexcept {
    swap(other);
    return *this;
  }
  void swap(byte_counts& other) noexcept {
    arena_.swap(other.arena_);
    entries_.swap(other.entries_);
    slots_.swap(other.slots_);
    std::swap(total_, other.total_);
  }

  void push(std::string_view bytes, std::uint64_t count = 1) {
    if (count == 0) return;
    total_ += count;
    if (4 * (entries_.size() + 1) > 3 * slots_.size()) grow();
    const std::uint64_t hash = detail::hash_bytes(bytes);
    slot& s = slots_[find(bytes, hash)];
    if (s.entry == none) {
      s = {tag_of(hash), static_cast<std::uint32_t>(entries_.size())};
      entries_.push_back({arena_.add(bytes), count});
    } else {
      entries_[s.entry].count += count;
    }
  }

  /// Adds the counts of another table.
  void merge(const byte_counts& other) {
    if (&other == this) {
      for (entry& e : entries_) e.count *= 2;
      total_ *= 2;
      return;
    }
    for (const entry& e : other.entries_) push(byte_arena::at(e.place), e.count);
  }

  /// The count of a string; 0 when it does not occur.
  [[nodiscard]] std::uint64_t operator[](std::string_view bytes) const noexcept {
    if (slots_.empty()) return 0;
    const slot& s = slots_[find(bytes, detail::hash_bytes(bytes))];
    return s.entry == none ? 0 : entries_[s.entry].count;
  }

  /// How many distinct strings there are.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  /// The sum of all counts.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

  /// Bytes of memory held.
  [[nodiscard]] std::size_t memory() const noexcept {
    return arena_.memory() + entries_.size() * sizeof(entry) + slots_.capacity() * sizeof(slot);
  }

  /// Calls `visit(bytes, count)` for every string, in an order that depends on the pushes: for what does not
  /// depend on the order. O(n).
  template <class Visit>
  void for_each_unordered(Visit visit) const {
    for (const entry& e : entries_) visit(byte_arena::at(e.place), e.count);
  }

  /// Calls `visit(bytes, count)` for every string, in lexicographic order of unsigned bytes. O(n log n), and
  /// 24 bytes of memory a string.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const counted_bytes& c : by_bytes()) visit(c.bytes, c.count);
  }

  /// All strings in lexicographic order of unsigned bytes. Valid while the table lives.
  [[nodiscard]] std::vector<counted_bytes> by_bytes() const {
    return sorted([](const counted_bytes& a, const counted_bytes& b) { return a.bytes < b.bytes; });
  }

  /// All strings, the most frequent ones first, in lexicographic order on a tie. Valid while the table lives.
  [[nodiscard]] std::vector<counted_bytes> by_count() const {
    return sorted([](const counted_bytes& a, const counted_bytes& b) {
      return a.count != b.count ? a.count > b.count : a.bytes < b.bytes;
    });
  }

  /// The same strings with the same counts, however they came in.
  friend bool operator==(const byte_counts& a, const byte_counts& b) noexcept {
    if (a.size() != b.size() || a.total_ != b.total_) return false;
    return std::all_of(a.entries_.begin(), a.entries_.end(),
                       [&](const entry& e) { return b[byte_arena::at(e.place)] == e.count; });
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct entry {
    const char* place;
    std::uint64_t count;
  };
  struct slot {
    std::uint32_t tag = 0, entry = none;
  };

  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }

  /// The slot of a string, or the free one where it would be.
  [[nodiscard]] std::size_t find(std::string_view bytes, std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].entry != none &&
           (slots_[at].tag != tag_of(hash) || byte_arena::at(entries_[slots_[at].entry].place) != bytes)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  void grow() {
    LAGOM_ASSERT(entries_.size() < none);
    std::vector<slot>(slots_.empty() ? 16 : 2 * slots_.size()).swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const std::uint64_t hash = detail::hash_bytes(byte_arena::at(entries_[i].place));
      std::size_t at = hash & mask;
      while (slots_[at].entry != none) at = (at + 1) & mask;
      slots_[at] = {tag_of(hash), static_cast<std::uint32_t>(i)};
    }
  }

  template <class Less>
  [[nodiscard]] std::vector<counted_bytes> sorted(Less less) const {
    std::vector<counted_bytes> out;
    out.reserve(entries_.size());
    for (const entry& e : entries_) out.push_back({byte_arena::at(e.place), e.count});
    std::sort(out.begin(), out.end(), less);
    return out;
  }

  byte_arena arena_;
  std::deque<entry> entries_;  // grows without copying
  std::vector<slot> slots_;    // at most three quarters full
  std::uint64_t total_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
