// SPDX-License-Identifier: MIT
/// @file exit/decode/module_head.hpp
/// Drafts through the exit module of the drafting layer.
#pragma once

#include <vector>

#include "../../cost/ledger.hpp"
#include "../exit_modules.hpp"
#include "draft_source.hpp"

namespace lagom {
inline namespace v0 {

/// A `draft_source` whose answer comes through the module that was trained for the layer a state comes out of: a trained drafter.
/// Kangaroo's adapter (arXiv 2404.18911) in the place of EE-Tuning's modules (arXiv 2402.00518). One set of modules a
/// language makes specialised drafters:
///
/// ```cpp
/// lagom::greedy_drafts<float, lagom::module_head<>> drafter(16, 0, lagom::module_head<>(modules_of(language)));
/// auto r = lagom::self_speculate(sequence, t, round, drafter, out);      // the text of full depth, whatever the modules
/// drafter.source().use(modules_of(other));                               // another language from here on
/// ```
/// The engine gives the rows of its head without the norm before them: `probe_normed(x)`, softmax statistics, and where drafts are
/// sampled `logits_normed(x, to)`, x being h numbers of T, the accumulator type of its states. A layer that was not
/// trained drafts by the model's own head. An engine that counts work (`charge`, as `metered`) is told the module's. Sees
/// the modules, owns room for one state: one a thread. No allocation once made.
template <std::floating_point T = float, backend B = portable>
class module_head {
 public:
  /// Precondition: modules of the engine's layers and width.
  explicit module_head(const exit_modules& modules, const B& b = {})
      : modules_(&modules),
        backend_(b),
        scratch_(static_cast<std::size_t>(modules.shape().scratch())),
        normed_(static_cast<std::size_t>(modules.shape().width)) {}

  /// Drafts through other modules from now on. Precondition: of the same shape.
  void use(const exit_modules& modules) noexcept {
    LAGOM_ASSERT(modules.shape().width == modules_->shape().width &&
                 modules.shape().scratch() <= static_cast<index_t>(scratch_.size()));
    modules_ = &modules;
  }
  [[nodiscard]] const exit_modules& modules() const noexcept { return *modules_; }

  template <layered_sequence E>
    requires std::same_as<accumulator_t<typename E::scalar_type>, T>
  [[nodiscard]] softmax_stats<T> stats(E& engine, index_t position) {
    const layer_index l = detail::last_layer_of(engine, position);
    if (!modules_->trained(l)) return engine.probe(engine.hidden(position));
    return engine.probe_normed(normed(engine, l, position));
  }

  template <layered_sequence E>
    requires std::same_as<accumulator_t<typename E::scalar_type>, T>
  void logits(E& engine, index_t position, vec_view<T> to) {
    const layer_index l = detail::last_layer_of(engine, position);
    if (!modules_->trained(l)) return engine.logits(engine.hidden(position), to);
    engine.logits_normed(normed(engine, l, position), to);
  }

 private:
  template <layered_sequence E>
  [[nodiscard]] vec_view<const T> normed(E& engine, layer_index l, index_t position) {
    LAGOM_ASSERT(modules_->layers() == engine.layers());
    const exit_module_shape& shape = modules_->shape();
    const vec_view<T> to(normed_.data(), shape.width);
    modules_->module(l, backend_)
        .normed(engine.hidden(position), vec_view<float>(scratch_.data(), shape.scratch()), to);
    if constexpr (requires { engine.charge(cost::work{}); }) {
      engine.charge(cost::work{shape.macs(), 4.0 * static_cast<double>(shape.parameters())});
    }
    return {normed_.data(), shape.width};
  }

  const exit_modules* modules_;
  [[no_unique_address]] B backend_;
  std::vector<float> scratch_;
  std::vector<T> normed_;
};

module_head(const exit_modules&) -> module_head<>;

}  // namespace v0
}  // namespace lagom
