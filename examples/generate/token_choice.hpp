// SPDX-License-Identifier: MIT
// Which token a state says: the best one, or a draw.
#pragma once

#include "decoded.hpp"

namespace generate {

// With a temperature, the draw of a position of a text is the same in any company and at any layer: what an early
// layer draws differs from full depth's draw only as far as their distributions do.
class token_choice {
 public:
  token_choice() = default;
  token_choice(const model& network, double temperature, std::uint64_t seed)
      : network_(&network), temperature_(static_cast<float>(temperature)), sampler_{lagom::philox{seed}} {}

  [[nodiscard]] bool draws() const { return temperature_ > 0; }
  [[nodiscard]] const lagom::draft_sampler<lagom::native>& sampler() const { return sampler_; }
  [[nodiscard]] float temperature() const { return temperature_; }

  // `best` is what the statistics of the state say already.
  [[nodiscard]] lagom::token_id operator()(lagom::vec_view<const float> state, lagom::token_id best,
                                           std::size_t text, lagom::index_t position) const {
    if (!draws()) return best;
    std::vector<float> logits(static_cast<std::size_t>(network_->config().vocab));
    network_->logits(state, temperature_, logits);
    return sampler_.draw(lagom::vec_view<const float>(logits), text, static_cast<std::uint64_t>(position));
  }

 private:
  const model* network_ = nullptr;
  float temperature_ = 0;
  lagom::draft_sampler<lagom::native> sampler_{};
};

}  // namespace generate
