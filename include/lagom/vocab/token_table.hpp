// SPDX-License-Identifier: MIT
/// @file vocab/token_table.hpp
/// The texts of a vocabulary, by id and by content.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// A 64-bit hash of bytes; the same on every machine of one byte order.
[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view bytes) noexcept {
  constexpr std::uint64_t k = 0x9E3779B97F4A7C15u;
  std::uint64_t h = bytes.size() * k;
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    h = (h ^ word) * k;
    h ^= h >> 32;
  }
  std::uint64_t tail = 0;
  for (std::size_t i = 0; i < n; ++i) tail |= std::uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
  h = (h ^ tail) * k;
  return h ^ (h >> 29);
}

}  // namespace detail

/// Texts (any bytes, the empty text too) with ids that need not be dense: one arena, an index by id and an
/// open hash by content. No two ids have the same text and no id has two.
///
/// Looking up either way is O(1). Memory: the bytes, 8 bytes an id up to the largest, and 16 to 32 bytes a
/// text.
class token_table {
 public:
  /// Fails with `out_of_range` (a negative id), `duplicate_key` (the id is taken, or the text is) or
  /// `too_large` (over 4 GiB of text). A failed call changes nothing.
  result<done> add(token_id id, std::string_view text) {
    if (id < 0) return failure{.code = errc::out_of_range, .key = text};
    if (text.size() > max_arena - arena_.size()) return failure{.code = errc::too_large, .key = text};
    if (contains(id)) return failure{.code = errc::duplicate_key, .key = text, .found = row(id)};
    if (const token_id other = find(text); other != no_token) {
      return failure{.code = errc::duplicate_key, .key = text, .expected = row(other), .found = row(id)};
    }
    if (2 * (count_ + 1) > buckets_.size()) grow();
    if (row(id) >= texts_.size()) texts_.resize(row(id) + 1);
    texts_[row(id)] = {static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(text.size())};
    arena_.append(text);
    place(id, detail::hash_bytes(text));
    ++count_;
    return done{};
  }

  [[nodiscard]] bool contains(token_id id) const noexcept {
    return id >= 0 && row(id) < texts_.size() && texts_[row(id)].size != none;
  }

  /// The text of an id; empty when there is none. Valid until the next `add`.
  [[nodiscard]] std::string_view operator[](token_id id) const noexcept {
    if (!contains(id)) return {};
    const extent& e = texts_[row(id)];
    return {arena_.data() + e.offset, e.size};
  }

  /// The id of a text; `no_token` when there is none.
  [[nodiscard]] token_id find(std::string_view text) const noexcept {
    if (buckets_.empty()) return no_token;
    const std::uint64_t hash = detail::hash_bytes(text);
    const std::size_t mask = buckets_.size() - 1;
    for (std::size_t at = hash & mask; buckets_[at].id != no_token; at = (at + 1) & mask) {
      if (buckets_[at].tag == tag_of(hash) && (*this)[buckets_[at].id] == text) return buckets_[at].id;
    }
    return no_token;
  }

  /// How many texts there are.
  [[nodiscard]] index_t count() const noexcept { return static_cast<index_t>(count_); }

  /// One more than the largest id.
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(texts_.size()); }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr std::size_t max_arena = none - 1;
  struct extent {
    std::uint32_t offset = 0, size = none;
  };
  struct bucket {
    std::uint32_t tag = 0;
    token_id id = no_token;
  };

  static std::size_t row(token_id id) noexcept { return static_cast<std::size_t>(id); }
  static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }

  void place(token_id id, std::uint64_t hash) {
    const std::size_t mask = buckets_.size() - 1;
    std::size_t at = hash & mask;
    while (buckets_[at].id != no_token) at = (at + 1) & mask;
    buckets_[at] = {tag_of(hash), id};
  }
  void grow() {
    std::vector<bucket> old(buckets_.empty() ? 64 : 2 * buckets_.size());
    old.swap(buckets_);
    for (const bucket& b : old) {
      if (b.id != no_token) place(b.id, detail::hash_bytes((*this)[b.id]));
    }
  }

  std::string arena_;
  std::vector<extent> texts_;
  std::vector<bucket> buckets_;
  std::size_t count_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
