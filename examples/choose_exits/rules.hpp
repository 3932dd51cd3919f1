// SPDX-License-Identifier: MIT
// The published rules of the table, one file each.
#pragma once

#include "judge.hpp"

namespace choose_exits {

using rule_rows = lagom::result<std::vector<rule_row>>;

rule_rows adainfer(study&);         // gap rule, support vector machines, logistic, CRF
rule_rows berxit(study&);           // learning to exit
rule_rows calm(study&);             // gap, top probability, cosine of states
rule_rows calm_meta(study&);        // a trained confidence
rule_rows deebert(study&);          // entropy
rule_rows ee_tuning(study&);        // a module a layer
rule_rows ee_tuning_block(study&);  // a block with keys and values of its own at some layers
rule_rows fpabee(study&);  // divergence of neighbouring layers with patience: as described, as released
rule_rows pabee(study&);   // patience
rule_rows raee(study&);    // nearest neighbours, before the layers run
rule_rows specee(study&);  // a few rows of the head

struct published_rule {
  std::string_view name;
  rule_rows (*rows)(study&);
};
inline constexpr published_rule published_rules[] = {
    {"adainfer", &adainfer},
    {"berxit", &berxit},
    {"calm", &calm},
    {"calm_meta", &calm_meta},
    {"deebert", &deebert},
    {"ee_tuning", &ee_tuning},
    {"ee_tuning_block", &ee_tuning_block},
    {"fpabee", &fpabee},
    {"pabee", &pabee},
    {"raee", &raee},
    {"specee", &specee},
};

}  // namespace choose_exits
