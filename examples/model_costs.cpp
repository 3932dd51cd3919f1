// SPDX-License-Identifier: MIT
// What early exit costs and saves in well-known models, from their shapes alone.
#include <fmt/core.h>

#include <lagom/lagom.hpp>

int main() {
  using namespace lagom::cost;
  fmt::print(
      "One decoded token after 1000 others, stopping after 60 % of the layers; FLOPs in percent of the full "
      "model.\n\n"
      "{:<15} {:>6} {:>10}  {:>7} {:>7} {:>7} {:>7} {:>7}  {:>10}\n",
      "model", "layers", "head/layer", "paper", "every", "4th", "4 rows", "cosine", "break-even");
  for (const auto& [name, s] : models) {
    const double used = 0.6 * s.layers;
    const auto percent = [&s = s](const executed& e) { return flops_ratio(s, decode(1000), e).percent(); };
    const auto skipped = s.layers - used;  // their keys and values are projected from the exit state
    auto model = published_model(s, 1000);
    model.k = s.k_eff();
    fmt::print("{:<15} {:>6} {:>10.2f}  {:>7.1f} {:>7.1f} {:>7.1f} {:>7.1f} {:>7.1f}  {:>10.1f}\n", name,
               s.layers, full_head(s).macs / block(s, decode(1000)).macs,
               adainfer_ratio(published_model(s, 1000), lagom::mean_layers_used(used)).percent(),
               percent({.blocks = used, .heads = used, .kv_layers = skipped}),
               percent({.blocks = used, .heads = used / 4, .kv_layers = skipped}),
               percent({.blocks = used, .heads = 1, .row_heads = used, .head_rows = 4, .kv_layers = skipped}),
               percent({.blocks = used,
                        .heads = 1,
                        .kv_layers = skipped,
                        .decisions = used,
                        .decision = state_cosine(s)}),
               break_even(model).value);
  }
  fmt::print(
      "\npaper: AdaInfer's formula, probes free. every, 4th: a pass over the whole head after every (every "
      "fourth) layer.\n"
      "4 rows: after every layer four rows of the head, and the head once. cosine: of hidden states, and the "
      "head once.\n"
      "All but paper also pay for the keys and values of the skipped layers. break-even: stopping later than "
      "after this\n"
      "many layers, probing each, is dearer than not stopping. Above 100 the exit costs more than it "
      "saves.\n");
}
