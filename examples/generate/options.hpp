// SPDX-License-Identifier: MIT
// What the command line says.
#pragma once

#include <CLI/CLI.hpp>
#include <lagom/lagom.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drafters.hpp"

namespace generate {

// A rule that was calibrated on this model, and the layers it is asked at: what choose_exits deploys.
struct deployed_rule {
  lagom::threshold<> rule;
  lagom::at_layers layers;
};

struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::vector<std::string> prompts;
  std::string policy = "self-spec", kv, leave = "each", rule, drafters, language;
  std::size_t tokens = 96;
  int batch = 1;
  double threshold = -1;
  int exit_layers = 0, most = 16, draft_layers = 0, drafts = 0, repeats = 3, regroup = 0;
  double stop_below = 0, rollback = 0, temperature = 0;
  bool measure = false;
  std::uint64_t seed = 1;
  std::string json;
  std::optional<deployed_rule> deployed;        // what `rule` holds
  std::shared_ptr<const drafter_sets> trained;  // what `drafters` holds
};

inline void add_options(CLI::App& app, options& o) {
  app.add_option(
         "--model", o.model,
         "Hugging Face directory of the model, or 'random': 125 million random weights, for the clock")
      ->capture_default_str();
  app.add_option("--prompt", o.prompts,
                 "text to continue; several: a batch [a story that the shipped model knows]");
  app.add_option(
         "--policy", o.policy,
         "full: all layers; adainfer: where the gap of the two best tokens reaches 0.8; calm: the same with "
         "a "
         "threshold that falls along the text; free: one exit, deep layers later and together, a threshold "
         "that learns; self-spec: the first layers draft, the others verify, the text is that of full depth")
      ->check(CLI::IsMember({"full", "adainfer", "calm", "free", "self-spec"}))
      ->capture_default_str();
  app.add_option(
         "--kv", o.kv,
         "what skipped layers keep of a token (adainfer, calm): copy, propagate, drop: something near, or "
         "nothing; defer_batch, recompute, fill: what the full model keeps [calm: propagate, else "
         "defer_batch]")
      ->check(CLI::IsMember({"copy", "propagate", "defer_batch", "recompute", "fill", "drop"}));
  app.add_option("--tokens", o.tokens, "most tokens of a text")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option(
         "--batch", o.batch,
         "texts at once: adainfer, calm and full decode them in step, free and self-spec one after the other")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--leave", o.leave,
                 "who leaves a batch: each that wants to; all, once all do; all, once most do (majority); "
                 "those that want "
                 "to, where the smaller batch pays")
      ->check(CLI::IsMember({"each", "all", "majority", "pays"}))
      ->capture_default_str();
  app.add_option("--regroup", o.regroup,
                 "texts of a pass; one that stays at an exit waits there until as many do, while others go "
                 "on to their "
                 "next token [0: all in step]")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--threshold", o.threshold,
                 "leave at this gap [adainfer 0.8, calm 0.9, free: to begin with, 0.9]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--rule", o.rule,
                 "adainfer: the policy file that choose_exits --policy wrote for this model");
  app.add_option("--exit-layers", o.exit_layers, "free: layers before its exit [half of them]")
      ->check(CLI::PositiveNumber);
  app.add_option("--most-deferred", o.most,
                 "tokens whose deep layers may wait (free, defer_batch, recompute)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--temperature", o.temperature,
                 "draw tokens from the softmax of logits over this; 0: say the best [0]")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--rollback", o.rollback,
                 "free: take back tokens that full depth gives a cross entropy above this, 0 = never")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--draft-layers", o.draft_layers, "self-spec: layers that draft [chosen as it goes]")
      ->check(CLI::PositiveNumber);
  app.add_option("--drafts", o.drafts, "self-spec: drafts a round, up to 16 [chosen as it goes]")
      ->check(CLI::Range(1, 16));
  app.add_option("--stop-below", o.stop_below,
                 "self-spec: no draft after one less probable than this (Kangaroo: 0.6)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--drafters", o.drafters,
                 "self-spec: trained drafters that fit_drafters wrote for this model; each text gets that of "
                 "its language");
  app.add_option("--language", o.language,
                 "name of the drafter, for every text [by how the text is spelled]");
  app.add_flag("--measure", o.measure,
               "also time fixed exit patterns, against what the cost model predicts from the time of a layer "
               "and the head");
  app.add_option("--repeats", o.repeats, "runs of which the fastest counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of draws, random weights and their prompts")->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
}

}  // namespace generate
