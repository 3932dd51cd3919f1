// SPDX-License-Identifier: MIT
/// @file vocab/token_vectors.hpp
/// Auxiliary vectors of tokens.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// One vector a token, by id; a token may lack one.
class token_vectors {
 public:
  token_vectors() = default;
  token_vectors(index_t tokens, index_t width)
      : width_(width),
        elements_(static_cast<std::size_t>(tokens * width)),
        present_(static_cast<std::size_t>(tokens)) {}

  [[nodiscard]] bool empty() const noexcept { return present_.empty(); }
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(present_.size()); }
  [[nodiscard]] index_t width() const noexcept { return width_; }

  /// Whether that token has a vector; a row out of range has none.
  [[nodiscard]] bool has(std::size_t token) const noexcept {
    return token < present_.size() && present_[token] != 0;
  }

  /// The vector of a token; zero when it has none.
  [[nodiscard]] vec_view<const float> operator[](std::size_t token) const noexcept {
    return matrix().row(static_cast<index_t>(token));
  }

  /// The vector to fill; the token has one from now on.
  [[nodiscard]] vec_view<float> set(std::size_t token) noexcept {
    present_[token] = 1;
    return {elements_.data() + static_cast<index_t>(token) * width_, width_};
  }

  [[nodiscard]] mat_view<const float> matrix() const noexcept { return {elements_.data(), size(), width_}; }

 private:
  index_t width_ = 0;
  std::vector<float> elements_;
  std::vector<std::uint8_t> present_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
