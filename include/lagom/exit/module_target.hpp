// SPDX-License-Identifier: MIT
/// @file exit/module_target.hpp
/// What exit modules are trained towards, and how far they are from it.
#pragma once

#include "exit_module_gradient.hpp"

namespace lagom {
inline namespace v0 {

/// What a module learns to say.
enum class module_target : std::uint8_t {
  distribution,  ///< KL(p_last || p_layer): the tuned lens
  token,  ///< cross-entropy of the last layer's best token: EE-Tuning with the model as its own teacher
};

namespace detail {

/// Cross-entropy of the forward pass of `module`, less the entropy of a soft target. Against `distribution` the forward pass
/// of `teacher` says what is wanted and `target` receives it, a probability a row of the head; else the row `hard` is wanted.
template <class Module, class Teacher, std::floating_point T>
double module_loss(module_target kind, const Module& module, const Teacher& teacher, token_id hard,
                   T* target) noexcept {
  const double normaliser = static_cast<double>(module.stats().log_sum_exp());
  if (kind == module_target::token)
    return normaliser - static_cast<double>(module.logits()[static_cast<std::size_t>(hard)]);
  const double top = static_cast<double>(teacher.stats().log_sum_exp());
  double sum = 0;
  for (std::size_t v = 0; v < teacher.logits().size(); ++v) {
    const T z = teacher.logits()[v];
    target[v] = teacher.stats().prob(z);
    if (target[v] > 0) {
      const double log_ratio =
          (static_cast<double>(z) - top) - (static_cast<double>(module.logits()[v]) - normaliser);
      sum += static_cast<double>(target[v]) * log_ratio;
    }
  }
  return sum;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
