// SPDX-License-Identifier: MIT
/// @file vocab/tag_index.hpp
/// Numbers by hash, so small that what they stand for may be large.
#pragma once

#include <bit>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// A hash of numbers 0, 1, ... that stand for something kept elsewhere: an open hash, half full at most, whose
/// slots of 32 bits are a number and as much of the hash as fits beside it. What a number stands for is looked
/// at only where that agrees. 8 to 16 bytes a number.
class tag_index {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  tag_index() : tag_index(0) {}

  /// Room for the numbers below `most`. Precondition: under 2^31.
  explicit tag_index(std::size_t most)
      : most_(most),
        number_mask_((std::uint32_t{1} << std::bit_width(most)) - 1),
        slots_(std::bit_ceil(2 * most)) {
    LAGOM_ASSERT(most < std::size_t{1} << 31);
  }

  /// How many numbers there is room for.
  [[nodiscard]] std::size_t most() const noexcept { return most_; }

  /// Preconditions: `number < most()`, and it was not added before.
  void add(std::uint64_t hash, std::uint32_t number) noexcept {
    LAGOM_ASSERT(number < most_);
    std::size_t at = home(hash);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = tag(hash) | (number + 1);
  }

  /// Fetches what `find` reads first, to be there when it is called.
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[home(hash)]); }

  /// The number that was added with this hash and of which `same(number)` is true; `none` when there is none.
  template <class Same>
  [[nodiscard]] LAGOM_INLINE std::uint32_t find(std::uint64_t hash, Same&& same) const noexcept {
    const std::uint32_t wanted = tag(hash);
    std::uint32_t slot;
    for (std::size_t at = home(hash); (slot = slots_[at]) != 0; at = (at + 1) & (slots_.size() - 1)) {
      const std::uint32_t number = (slot ^ wanted) - 1;
      if (number < number_mask_ && same(number)) return number;
    }
    return none;
  }

 private:
  [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash >> 32) & ~number_mask_;
  }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (slots_.size() - 1); }

  std::size_t most_;
  std::uint32_t number_mask_;
  std::vector<std::uint32_t> slots_;
};

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
