// SPDX-License-Identifier: MIT
// Any bytes as a saved policy of every kind; what loads can be asked.
#include <lagom/io/calibrated_rule.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/top_prob.hpp>

#include "fuzz/support.hpp"

namespace {
template <class Rule>
void load(const std::string& path) {
  auto rule = lagom::io::load_policy<Rule>(path, lagom::features<lagom::gap, lagom::top_prob>{});
  if (!rule) return;
  typename Rule::state state{};
  const float x[] = {0.5f, 0.75f};
  for (int i = 0; i < 3; ++i) (void)rule->step(state, x);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = fuzz::as_file(data, size, fuzz::scratch() + "/policy.json");
  load<lagom::threshold<>>(path);
  load<lagom::patience>(path);
  load<lagom::standardized<lagom::linear_svm<2>>>(path);
  load<lagom::standardized<lagom::logistic<2>>>(path);
  load<lagom::standardized<lagom::rbf_svm<2>>>(path);
  load<lagom::standardized<lagom::crf<2>>>(path);
  load<lagom::calibrated<lagom::threshold<>>>(path);
  load<lagom::calibrated<lagom::standardized<lagom::rbf_svm<2>>>>(path);
  (void)lagom::io::load_layers(path).has_value();
  return 0;
}
