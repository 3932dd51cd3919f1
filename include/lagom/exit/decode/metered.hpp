// SPDX-License-Identifier: MIT
/// @file exit/decode/metered.hpp
/// A sequence that counts what is asked of it.
#pragma once

#include "../../cost/ledger.hpp"
#include "layered_sequence.hpp"

namespace lagom {
inline namespace v0 {

/// What a way of decoding executed: the honest ledger, entry by entry as it happened.
struct decode_ledger {
  cost::decoder_shape shape{};
  cost::widths widths{};
  cost::work spent{};
  double token_layers = 0;  ///< positions x layers run
  double layer_reads = 0;   ///< passes over a layer's weights
  double projections = 0;   ///< keys and values of a skipped layer, projected
  double heads = 0;         ///< passes over the head
  double head_rows = 0;     ///< positions that were probed in them

  LAGOM_INLINE void block(layer_index, index_t first, index_t n) noexcept {
    const auto tokens = static_cast<double>(n);
    spent += cost::block(shape, {tokens, static_cast<double>(first) + (tokens + 1) / 2}, widths);
    token_layers += tokens;
    ++layer_reads;
  }
  LAGOM_INLINE void head(index_t n) noexcept {
    spent += cost::full_head(shape, widths, static_cast<double>(n));
    ++heads;
    head_rows += static_cast<double>(n);
  }
  /// Work beside the model's own, such as that of an exit module.
  LAGOM_INLINE void charge(const cost::work& beside) noexcept { spent += beside; }
  LAGOM_INLINE void projection() noexcept {
    spent += cost::kv_projection(shape, {}, widths);
    ++projections;
  }
};

/// Passes everything on to a sequence, and tells a meter of every block, projection and pass over the head. A meter has
/// `block(layer, first position, positions)`, `head(positions)` and `projection()`, and may have `charge(work)`:
/// `decode_ledger`, or your own (seconds, say).
/// ```cpp
/// lagom::metered counted{sequence, lagom::decode_ledger{.shape = shape}};
/// auto next = lagom::early_token(counted, t, policy, kv);
/// double share = counted.meter().spent.macs / full.meter().spent.macs;
/// ```
/// Copies of keys and values count nothing. Must not outlive the sequence.
template <layered_sequence E, class Meter>
class metered {
 public:
  using scalar_type = typename E::scalar_type;
  using stats_type = softmax_stats<accumulator_t<scalar_type>>;

  LAGOM_INLINE metered(E& engine, const Meter& meter) : engine_(&engine), meter_(meter) {}

  [[nodiscard]] LAGOM_INLINE const Meter& meter() const noexcept { return meter_; }
  [[nodiscard]] LAGOM_INLINE Meter& meter() noexcept { return meter_; }
  [[nodiscard]] LAGOM_INLINE E& sequence() const noexcept { return *engine_; }

  [[nodiscard]] LAGOM_INLINE int layers() const { return engine_->layers(); }
  [[nodiscard]] LAGOM_INLINE index_t length() const { return engine_->length(); }
  [[nodiscard]] LAGOM_INLINE index_t held(layer_index l) const { return engine_->held(l); }
  [[nodiscard]] LAGOM_INLINE vec_view<const scalar_type> hidden(index_t p) const {
    return engine_->hidden(p);
  }
  [[nodiscard]] LAGOM_INLINE basic_layer_obs<scalar_type> observation(layer_index l) const {
    return engine_->observation(l);
  }
  LAGOM_INLINE result<done> feed(token_id token) { return engine_->feed(token); }
  LAGOM_INLINE void crop(index_t n) { engine_->crop(n); }
  LAGOM_INLINE void block(layer_index l, index_t first, index_t n) {
    meter_.block(l, first, n);
    engine_->block(l, first, n);
  }
  [[nodiscard]] LAGOM_INLINE stats_type probe(vec_view<const scalar_type> hidden) {
    meter_.head(1);
    return engine_->probe(hidden);
  }
  LAGOM_INLINE void answers(index_t first, index_t n, vec_view<stats_type> to) {
    meter_.head(n);
    engine_->answers(first, n, to);
  }
  LAGOM_INLINE void project_kv(layer_index l, index_t p)
    requires requires(E& e) { e.project_kv(l, p); }
  {
    meter_.projection();
    engine_->project_kv(l, p);
  }
  LAGOM_INLINE void copy_kv(layer_index l, index_t p)
    requires requires(E& e) { e.copy_kv(l, p); }
  {
    engine_->copy_kv(l, p);
  }
  LAGOM_INLINE void skip_kv(layer_index l, index_t p)
    requires requires(E& e) { e.skip_kv(l, p); }
  {
    engine_->skip_kv(l, p);
  }
  LAGOM_INLINE void rewind(index_t p)
    requires requires(E& e) { e.rewind(p); }
  {
    engine_->rewind(p);
  }
  [[nodiscard]] LAGOM_INLINE auto logit(vec_view<const scalar_type> hidden, token_id token)
    requires requires(E& e) { e.logit(hidden, token); }
  {
    return engine_->logit(hidden, token);
  }
  template <class To>
  LAGOM_INLINE void logits(vec_view<const scalar_type> hidden, const To& to)
    requires requires(E& e) { e.logits(hidden, to); }
  {
    meter_.head(1);
    engine_->logits(hidden, to);
  }
  [[nodiscard]] LAGOM_INLINE stats_type probe_normed(vec_view<const accumulator_t<scalar_type>> x)
    requires requires(E& e) { e.probe_normed(x); }
  {
    meter_.head(1);
    return engine_->probe_normed(x);
  }
  template <class To>
  LAGOM_INLINE void logits_normed(vec_view<const accumulator_t<scalar_type>> x, const To& to)
    requires requires(E& e) { e.logits_normed(x, to); }
  {
    meter_.head(1);
    engine_->logits_normed(x, to);
  }
  LAGOM_INLINE void charge(const cost::work& beside)
    requires requires(Meter& m) { m.charge(beside); }
  {
    meter_.charge(beside);
  }

 private:
  E* engine_;
  Meter meter_;
};

}  // namespace v0
}  // namespace lagom
