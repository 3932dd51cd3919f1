// SPDX-License-Identifier: MIT
/// @file vocab/token_set.hpp
/// Some tokens of a vocabulary.
#pragma once

#include <algorithm>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A set of token ids: a mergeable value (`merge` is the union). A byte an id, up to the largest one in it.
class token_set {
 public:
  token_set() = default;

  /// All ids from 0 to `size` - 1.
  [[nodiscard]] static token_set all(index_t size) {
    token_set out;
    out.in_.assign(static_cast<std::size_t>(std::max<index_t>(size, 0)), 1);
    out.count_ = out.in_.size();
    return out;
  }

  /// Adds an id and says whether it is new. Precondition: not negative.
  bool add(token_id token) {
    LAGOM_ASSERT(token >= 0);
    const auto i = static_cast<std::size_t>(token);
    if (i >= in_.size()) in_.resize((std::max)(i + 1, in_.size() + in_.size() / 2));
    if (in_[i] != 0) return false;
    in_[i] = 1;
    ++count_;
    return true;
  }
  /// Removes an id and says whether it was there.
  bool remove(token_id token) noexcept {
    if (!contains(token)) return false;
    in_[static_cast<std::size_t>(token)] = 0;
    --count_;
    return true;
  }
  [[nodiscard]] bool contains(token_id token) const noexcept {
    return token >= 0 && static_cast<std::size_t>(token) < in_.size() &&
           in_[static_cast<std::size_t>(token)] != 0;
  }

  /// The union with another set.
  void merge(const token_set& other) {
    other.for_each([this](token_id t) { add(t); });
  }

  /// How many ids are in the set.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// Calls `visit(id)` for every id, rising.
  template <class Visit>
  void for_each(Visit visit) const {
    const std::size_t size = in_.size();
    for (std::size_t i = 0; i < size; ++i) {
      if (in_[i] != 0) visit(static_cast<token_id>(i));
    }
  }
  [[nodiscard]] std::vector<token_id> ids() const {
    std::vector<token_id> out;
    out.reserve(count_);
    for_each([&out](token_id t) { out.push_back(t); });
    return out;
  }

  /// The same ids.
  friend bool operator==(const token_set& a, const token_set& b) noexcept {
    if (a.count_ != b.count_) return false;
    const std::size_t n = (std::min)(a.in_.size(), b.in_.size());
    return std::equal(a.in_.begin(), a.in_.begin() + static_cast<std::ptrdiff_t>(n), b.in_.begin());
  }

 private:
  std::vector<std::uint8_t> in_;
  std::size_t count_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
