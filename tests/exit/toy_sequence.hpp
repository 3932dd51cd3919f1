// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <lagom/exit/decode/layered_sequence.hpp>
#include <lagom/kernel/unembed.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"

namespace lagom_test {

// Six layers, each of which pulls a state towards the mean of those before it and then along a direction of its own.
template <std::floating_point T>
class basic_toy_sequence {
 public:
  static constexpr int n_layers = 6, dim = 12, vocab = 30, room = 64;
  using scalar_type = T;

  [[nodiscard]] int layers() const { return n_layers; }
  [[nodiscard]] lagom::index_t length() const { return length_; }
  [[nodiscard]] lagom::index_t held(lagom::layer_index l) const { return held_[l.value]; }
  lagom::result<lagom::done> feed(lagom::token_id t) {
    if (t < 0 || t >= vocab) return lagom::failure{.code = lagom::errc::unknown_token};
    if (length_ == room) return lagom::failure{.code = lagom::errc::too_long};
    std::copy_n(&embedding_[static_cast<std::size_t>(t * dim)], dim, state(length_++));
    return lagom::done{};
  }
  void block(lagom::layer_index l, lagom::index_t first, lagom::index_t n) {
    REQUIRE(first == held_[l.value]);
    for (lagom::index_t p = first; p < first + n; ++p) {
      std::copy_n(state(p), dim, kv(l.value, p));
      for (int j = 0; j < dim; ++j) {
        T sum = 0;
        for (lagom::index_t q = 0; q <= p; ++q) sum += kv(l.value, q)[j];
        const auto d = static_cast<std::size_t>((l.value * dim + j) % (dim * vocab));
        state(p)[j] += T(0.3) * sum / static_cast<T>(p + 1) + T(0.4) * embedding_[d];
      }
      if (p == poisoned && l.value == poisoned_at) state(p)[0] = std::numeric_limits<T>::quiet_NaN();
    }
    held_[l.value] += n;
  }
  void project_kv(lagom::layer_index l, lagom::index_t p) {
    std::copy_n(state(p), dim, kv(l.value, p));
    ++held_[l.value];
  }
  void crop(lagom::index_t n) {
    length_ = std::min(length_, n);
    for (lagom::index_t& h : held_) h = std::min(h, n);
  }
  [[nodiscard]] lagom::vec_view<const T> hidden(lagom::index_t p) const {
    return {&states_[static_cast<std::size_t>(p * dim)], dim};
  }
  [[nodiscard]] lagom::basic_layer_obs<T> observation(lagom::layer_index l) const {
    return {.layer = l, .hidden = hidden(length_ - 1)};
  }
  [[nodiscard]] lagom::softmax_stats<T> probe(lagom::vec_view<const T> x) const noexcept {
    return lagom::unembed(lagom::portable{}, x, head_);
  }
  void answers(lagom::index_t first, lagom::index_t n, lagom::vec_view<lagom::softmax_stats<T>> to) const {
    for (lagom::index_t i = 0; i < n; ++i) to[i] = probe(hidden(first + i));
  }
  void logits(lagom::vec_view<const T> x, lagom::vec_view<T> to) const { logits_normed(x, to); }
  [[nodiscard]] lagom::softmax_stats<T> probe_normed(lagom::vec_view<const T> x) const noexcept {
    return lagom::unembed(lagom::portable{}, x, lagom::head{head_.rows});
  }
  void logits_normed(lagom::vec_view<const T> x, lagom::vec_view<T> to) const {
    for (lagom::index_t t = 0; t < vocab; ++t) to[t] = lagom::dot(lagom::portable{}, x, head_.rows.row(t));
  }
  [[nodiscard]] const lagom::head<T, lagom::rms_norm<T>>& head() const { return head_; }

  lagom::index_t poisoned = -1;
  int poisoned_at = 0;

 private:
  T* state(lagom::index_t p) { return &states_[static_cast<std::size_t>(p * dim)]; }
  T* kv(int l, lagom::index_t p) { return &kv_[static_cast<std::size_t>((l * room + p) * dim)]; }

  std::vector<T> embedding_ = normal<T>(dim * vocab, 1), rows_ = normal<T>(dim * vocab, 2, 0.7),
                 weight_ = std::vector<T>(dim, T(1));
  lagom::head<T, lagom::rms_norm<T>> head_{{rows_.data(), vocab, dim}, {weight_, 1e-5}};
  std::vector<T> states_ = std::vector<T>(room * dim), kv_ = std::vector<T>(n_layers * room * dim);
  lagom::index_t held_[n_layers] = {};
  lagom::index_t length_ = 0;
};

}  // namespace lagom_test
