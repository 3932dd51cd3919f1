// SPDX-License-Identifier: MIT
// One sequence of the decoder, layer by layer: what lagom's ways of decoding drive.
#pragma once

#include <lagom/adapt/native.hpp>
#include <lagom/exit/decode/layered_sequence.hpp>
#include <lagom/kernel/unembed_batch.hpp>

#include "decoder.hpp"

namespace decoder {

// Holds the cache, and the state of every position since the last full pass. A lagom::layered_sequence with all that is
// optional there.
template <std::floating_point T>
class sequence {
 public:
  using scalar_type = T;
  using stats_type = lagom::softmax_stats<T>;
  using states_type = lagom::vec_view<const T>;

  // Room for `capacity` tokens.
  sequence(const model<T>& of, std::size_t capacity)
      : model_(&of),
        cache_(of.make_cache(capacity)),
        tokens_(capacity),
        states_(capacity * static_cast<std::size_t>(of.config().hidden)) {}

  [[nodiscard]] int layers() const { return model_->config().layers; }
  [[nodiscard]] lagom::index_t length() const { return static_cast<lagom::index_t>(length_); }
  [[nodiscard]] lagom::index_t held(lagom::layer_index l) const {
    return static_cast<lagom::index_t>(cache_.filled(static_cast<std::size_t>(l.value)));
  }
  [[nodiscard]] states_type hidden(lagom::index_t p) const {
    return {states_.data() + p * model_->config().hidden, model_->config().hidden};
  }
  // The newest position after the block that ran last. Without what attention and MLP added a block before, where that block ran
  // for other positions.
  [[nodiscard]] lagom::basic_layer_obs<T> observation(lagom::layer_index l) const {
    const auto states = model_->states_of(l.value, work_);
    auto seen = states.observation(states.hidden.rows() - 1);
    if (anew_) seen.prev_attention = seen.prev_mlp = {};
    return seen;
  }

  lagom::result<lagom::done> feed(lagom::token_id token) {
    if (auto ok = model_->check({&cache_, length_}, token); !ok) return ok.error();
    tokens_[length_] = token;
    model_->embed(token, state(length_++));
    return lagom::done{};
  }

  // A whole text through all layers. Fails as `feed` does.
  lagom::result<lagom::done> prefill(std::span<const lagom::token_id> text) {
    const lagom::index_t first = length();
    for (const lagom::token_id t : text) {
      if (auto ok = feed(t); !ok) return ok.error();
    }
    for (int l = 0; l < layers() && length() > first; ++l)
      block(l, held(lagom::layer_index(l)), length() - held(lagom::layer_index(l)));
    return lagom::done{};
  }

  void block(lagom::layer_index l, lagom::index_t first, lagom::index_t n) {
    anew_ = l.value == 0 || last_ != std::array{static_cast<lagom::index_t>(l.value - 1), first, n};
    if (anew_) gather(first, n);
    must(model_->block(l.value, places_, work_));
    scatter(first, n);
    last_ = {l.value, first, n};
  }
  void project_kv(lagom::layer_index l, lagom::index_t p) {
    gather(p, 1);
    must(model_->project(l.value, places_, work_));
    last_ = {};
  }
  void copy_kv(lagom::layer_index l, lagom::index_t) { cache_.copy(static_cast<std::size_t>(l.value)); }
  void skip_kv(lagom::layer_index l, lagom::index_t) { cache_.skip(static_cast<std::size_t>(l.value)); }
  void crop(lagom::index_t n) {
    length_ = std::min(length_, static_cast<std::size_t>(n));
    cache_.truncate(length_);
    last_ = {};
  }
  void rewind(lagom::index_t p) {
    cache_.truncate(static_cast<std::size_t>(p));
    for (auto i = static_cast<std::size_t>(p); i < length_; ++i) model_->embed(tokens_[i], state(i));
    last_ = {};
  }

  [[nodiscard]] stats_type probe(states_type x) const {
    return model_->with_head([&](const auto& head) { return lagom::unembed(lagom::native{}, x, head); });
  }
  void answers(lagom::index_t first, lagom::index_t n, lagom::vec_view<stats_type> to) {
    const lagom::mat_view<const T> x(hidden(first).data(), n, model_->config().hidden);
    using space = lagom::batch_space<T>;
    grow(space_states_, space::states_for(n, x.cols()));
    grow(space_parts_, space::parts_for(n, model_->config().vocab));
    model_->with_head([&](const auto& head) {
      lagom::unembed_batch(lagom::native{}, x, head, space{space_states_, space_parts_}, to);
    });
  }
  [[nodiscard]] T logit(states_type x, lagom::token_id token) const {
    return model_->with_head([&](const auto& head) {
      const T scale = head.norm.prepare(lagom::native{}, x);
      T z = 0;
      for (lagom::index_t j = 0; j < x.size(); ++j)
        z += head.norm.apply(scale, x[j], j) * static_cast<T>(head.rows(token, j));
      return z;
    });
  }
  // Over the temperature of the sequence.
  void logits(states_type x, lagom::vec_view<T> to) const { model_->logits(x, temperature_, to); }
  void temperature(T t) { temperature_ = t; }
  // The rows of the head over a state that has been normed already.
  [[nodiscard]] stats_type probe_normed(states_type x) const {
    return model_->with_head(
        [&](const auto& head) { return lagom::unembed(lagom::native{}, x, lagom::head{head.rows}); });
  }
  void logits_normed(states_type x, lagom::vec_view<T> to) const {
    model_->logits_normed(x, temperature_, to);
  }

  // For whoever runs blocks over several sequences at once: the state of a position, and word that it was changed.
  [[nodiscard]] T* state(lagom::index_t p) { return state(static_cast<std::size_t>(p)); }
  void changed() { last_ = {}; }

  [[nodiscard]] const kv_cache<T>& cache() const { return cache_; }
  [[nodiscard]] kv_cache<T>& cache() { return cache_; }
  [[nodiscard]] const model<T>& network() const { return *model_; }

 private:
  [[nodiscard]] T* state(std::size_t p) {
    return states_.data() + p * static_cast<std::size_t>(model_->config().hidden);
  }
  // States of n positions as rows of a pass.
  void gather(lagom::index_t first, lagom::index_t n) {
    places_.resize(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < places_.size(); ++i)
      places_[i] = {&cache_, static_cast<std::size_t>(first) + i};
    work_.begin(model_->config(), places_.size());
    std::copy_n(state(static_cast<std::size_t>(first)), n * model_->config().hidden, work_.x().data());
    model_->turn(places_, work_);
  }
  void scatter(lagom::index_t first, lagom::index_t n) {
    std::copy_n(work_.x().data(), n * model_->config().hidden, state(static_cast<std::size_t>(first)));
  }
  static void must([[maybe_unused]] const lagom::result<lagom::done>& ran) {
    LAGOM_ASSERT(ran.has_value());  // lagom runs layers in order, so there is no hole
  }
  template <class V>
  static void grow(V& v, std::size_t n) {
    if (v.size() < n) v.resize(n);
  }

  const model<T>* model_;
  kv_cache<T> cache_;
  std::vector<lagom::token_id> tokens_;
  std::vector<T> states_;
  std::size_t length_ = 0;
  T temperature_ = 1;
  mutable workspace<T> work_;
  std::vector<place<T>> places_;
  std::array<lagom::index_t, 3> last_{};  // layer, first position and positions of the block that ran last
  bool anew_ = true;                      // its rows were gathered, not left by the block before
  std::vector<T> space_states_;
  std::vector<stats_type> space_parts_;
};

}  // namespace decoder
