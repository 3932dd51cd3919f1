// SPDX-License-Identifier: MIT
/// @file vocab/byte_counts.hpp
/// How often each of many byte strings occurs.
#pragma once

#include "byte_arena.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// A 64-bit hash of bytes, mostly short ones; the same on every machine of one byte order.
[[nodiscard]] inline std::uint64_t hash_short(std::string_view bytes) noexcept {
  constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  std::uint64_t h = n * k;
  const auto mix = [&h](std::uint64_t word) {
    h = (h ^ word) * k;
    h ^= h >> 32;
  };
  const auto load = [](const char* from, auto word) {
    std::memcpy(&word, from, sizeof word);
    return std::uint64_t{word};
  };
  for (; n > 8; p += 8, n -= 8) mix(load(p, std::uint64_t{}));
  if (n >= 4) {
    mix(load(p, std::uint32_t{}) | (load(p + n - 4, std::uint32_t{}) << 32));
  } else if (n > 0) {
    const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
    mix(byte(0) | (byte(n / 2) << 8) | (byte(n - 1) << 16));
  }
  h *= k;
  return h ^ (h >> 29);
}

}  // namespace detail

/// A byte string and how often it occurs.
struct counted_bytes {
  std::string_view bytes{};
  std::uint64_t count = 0;
  friend bool operator==(const counted_bytes&, const counted_bytes&) = default;
};

/// A table of distinct byte strings (the empty one too) and their counts: a mergeable value. Any order and any
/// split of the pushes give the same value.
///
/// `push` is O(bytes). Memory: the bytes, and 20 to 31 bytes for every distinct string. Precondition: less than 1
/// TiB of distinct strings, and counts that add up to less than 2^64.
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
    slots_.swap(other.slots_);
    std::swap(size_, other.size_);
    std::swap(total_, other.total_);
  }

  void push(std::string_view bytes, std::uint64_t count = 1) {
    if (count == 0) return;
    total_ += count;
    if (4 * (size_ + 1) > 3 * slots_.size()) grow();
    const std::uint64_t hash = detail::hash_short(bytes);
    std::uint64_t& slot = slots_[find(bytes, hash)];
    if (slot == free) {
      slot = tag_of(hash) | arena_.add(bytes, count);
      ++size_;
    } else {
      arena_.set_number(position(slot), arena_.number_at(position(slot)) + count);
    }
  }

  /// Adds the counts of another table.
  void merge(const byte_counts& other) {
    if (&other == this) {
      arena_.for_each([this](std::uint64_t at) { arena_.set_number(at, 2 * arena_.number_at(at)); });
      total_ *= 2;
      return;
    }
    other.for_each_unordered([this](std::string_view bytes, std::uint64_t count) { push(bytes, count); });
  }

  /// The count of a string; 0 when it does not occur.
  [[nodiscard]] std::uint64_t operator[](std::string_view bytes) const noexcept {
    if (slots_.empty()) return 0;
    const std::uint64_t slot = slots_[find(bytes, detail::hash_short(bytes))];
    return slot == free ? 0 : arena_.number_at(position(slot));
  }

  /// How many distinct strings there are.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// The sum of all counts.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

  /// Bytes of memory held.
  [[nodiscard]] std::size_t memory() const noexcept {
    return arena_.memory() + slots_.capacity() * sizeof(std::uint64_t);
  }

  /// Calls `visit(bytes, count)` for every string, in an order that depends on the pushes: for what does not
  /// depend on the order. O(n).
  template <class Visit>
  void for_each_unordered(Visit visit) const {
    arena_.for_each([&](std::uint64_t at) { visit(arena_.bytes_at(at), arena_.number_at(at)); });
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
    if (a.size_ != b.size_ || a.total_ != b.total_) return false;
    bool same = true;
    a.for_each_unordered(
        [&](std::string_view bytes, std::uint64_t count) { same = same && b[bytes] == count; });
    return same;
  }

 private:
  // A slot is the position of a string and, above it, a part of its hash.
  static constexpr std::uint64_t free = ~std::uint64_t{0}, positions = byte_arena::limit - 1;

  static std::uint64_t position(std::uint64_t slot) noexcept { return slot & positions; }
  static std::uint64_t tag_of(std::uint64_t hash) noexcept { return hash & ~positions; }

  /// The slot of a string, or the free one where it would be.
  [[nodiscard]] std::size_t find(std::string_view bytes, std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at] != free; at = (at + 1) & mask) {
      if (tag_of(slots_[at]) == tag_of(hash) && arena_.bytes_at(position(slots_[at])) == bytes) break;
    }
    return at;
  }

  void grow() {
    std::vector<std::uint64_t> old(slots_.empty() ? 16 : 2 * slots_.size(), free);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const std::uint64_t slot : old) {
      if (slot == free) continue;
      std::size_t at = detail::hash_short(arena_.bytes_at(position(slot))) & mask;
      while (slots_[at] != free) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  template <class Less>
  [[nodiscard]] std::vector<counted_bytes> sorted(Less less) const {
    std::vector<counted_bytes> out;
    out.reserve(size_);
    for_each_unordered(
        [&out](std::string_view bytes, std::uint64_t count) { out.push_back({bytes, count}); });
    std::sort(out.begin(), out.end(), less);
    return out;
  }

  byte_arena arena_;
  std::vector<std::uint64_t> slots_;  // at most three quarters full
  std::size_t size_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
