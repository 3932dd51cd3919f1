// SPDX-License-Identifier: MIT
// From names to policies.
#pragma once

#include <fmt/core.h>

#include <lagom/io/calibrated_rule.hpp>
#include <lagom/io/load_exit_modules.hpp>
#include <lagom/io/model_fingerprint.hpp>
#include <lagom/text/script.hpp>

#include "batch.hpp"
#include "one.hpp"
#include "options.hpp"
#include "regroup.hpp"

namespace generate {

// Reads what `rule` names.
[[nodiscard]] inline std::optional<deployed_rule> load_rule(const options& o) {
  if (o.rule.empty()) return std::nullopt;
  if (o.model == "random" || o.policy != "adainfer")
    throw support::stop_program{"--rule is for --policy adainfer and the model it was calibrated on", 2};
  const auto weights = support::must(lagom::io::checkpoint::open(o.model));
  const auto rule = support::must(lagom::io::load_calibrated_policy<lagom::threshold<>>(
      o.rule, lagom::features<lagom::gap>{}, lagom::io::model_fingerprint(weights)));
  return deployed_rule{rule.rule, support::must(lagom::io::load_layers(o.rule))};
}

// Reads what `drafters` names.
[[nodiscard]] inline std::shared_ptr<const drafter_sets> load_drafters(const options& o) {
  if (o.drafters.empty()) {
    if (!o.language.empty()) throw support::stop_program{"--language is for --drafters", 2};
    return nullptr;
  }
  if (o.model == "random" || o.policy != "self-spec")
    throw support::stop_program{"--drafters is for --policy self-spec and the model they were trained on", 2};
  const auto weights = support::must(lagom::io::checkpoint::open(o.model));
  auto sets = support::must(lagom::io::load_exit_modules(o.drafters, lagom::io::model_fingerprint(weights)));
  if (sets.empty()) throw support::stop_program{o.drafters + ": no drafters"};
  std::string known;
  bool found = o.language.empty();
  for (const auto& set : sets) {
    known += (known.empty() ? "" : ", ") + set.label;
    found = found || set.label == o.language;
  }
  if (!found)
    throw support::stop_program{
        fmt::format("{}: no drafter '{}'; there are: {}", o.drafters, o.language, known)};
  return std::make_shared<const drafter_sets>(std::move(sets));
}

// Does the policy decode several texts together?
[[nodiscard]] inline bool decodes_together(const options& o) {
  return o.policy != "free" && o.policy != "self-spec";
}

// Options that contradict each other end the program.
inline void refuse_nonsense(const options& o) {
  const auto no = [](const char* why) { throw support::stop_program{why, 2}; };
  if (o.regroup > 0 && !decodes_together(o))
    no("--regroup is for policies that decode texts together: full, adainfer, calm");
  if (o.temperature > 0 && o.policy == "free") no("free says the best token: it has no --temperature");
  if (o.temperature > 0 && o.stop_below > 0)
    no("--stop-below is for drafts of the best token, not for draws");
}

// A way of decoding, by name, over a sequence or a batch.
class decoding {
 public:
  decoding(const options& o, const model& network)
      : o_(o),
        layers_(network.config().layers),
        head_layers_(static_cast<double>(network.config().vocab) * network.config().hidden /
                     network.config().shape().layer_macs()),
        layer_macs_(network.config().shape().layer_macs()),
        vocab_(network.config().vocab),
        kv_(kv_named(kv_name(o), o.most)),
        choose_(network, o.temperature, o.seed) {}

  [[nodiscard]] static std::string kv_name(const options& o) {
    if (o.policy != "adainfer" && o.policy != "calm") return {};
    return !o.kv.empty() ? o.kv : o.policy == "calm" ? "propagate" : "defer_batch";
  }

  // Text number `i`. `prompt`: texts of one script, or of one drafter, share what self-speculation learns.
  template <class Engine>
  decoded operator()(Engine& engine, lagom::token_id last, const limits& until, std::string_view prompt,
                     std::size_t i) {
    if (o_.policy == "free") {
      const lagom::shallow_deep_config config{
          .exit =
              lagom::stopped_at(lagom::layers_used(o_.exit_layers > 0 ? o_.exit_layers : (layers_ + 1) / 2)),
          .most = o_.most,
          .rollback = o_.rollback};
      return free_early_exit(engine, last, until, config, threshold(0.9f));
    }
    if (o_.policy == "self-spec") {
      speculation with{.draft_layers = o_.draft_layers,
                       .drafts = o_.drafts,
                       .stop_below = o_.stop_below,
                       .head_layers = head_layers_,
                       .vocab = vocab_};
      if (!o_.trained) {
        return self_speculation(engine, last, until, with,
                                memory_.of(static_cast<int>(lagom::majority_script(prompt))), choose_, i);
      }
      const std::size_t k = drafter_for(*o_.trained, o_.language, prompt);
      const auto& set = (*o_.trained)[k];
      with.module_layers = set.modules.shape().macs() / layer_macs_;
      decoded out = self_speculation(engine, last, until, with, memory_.of(static_cast<int>(k)), choose_, i,
                                     &set.modules);
      out.drafter = set.label;
      return out;
    }
    decoded out;
    with_policy(until, [&](const auto& policy_at) {
      std::visit([&](const auto& kv) { out = early(engine, last, until, policy_at, kv, choose_, i); }, kv_);
    });
    return out;
  }

  // All sequences in step or regrouped; also what that cost.
  std::vector<decoded> operator()(const model& network, std::vector<sequence>& all, const tokens& last,
                                  const limits& until, lagom::decode_ledger& ledger) const {
    std::vector<decoded> out;
    with_policy(until, [&](const auto& policy_at) {
      std::visit(
          [&](const auto& kv) {
            with_leave([&](const auto& leave) {
              const auto run = [&](auto decoder) {
                decoder.pass().spent().ledger = ledger;
                out = decoder.run(last, until, policy_at);
                ledger = decoder.pass().spent().ledger;
              };
              if (o_.regroup > 0) {
                run(regrouping_decoder(network, all, kv, o_.regroup, leave, choose_));
              } else {
                run(batch_decoder(network, all, kv, leave, choose_));
              }
            });
          },
          kv_);
    });
    return out;
  }

 private:
  [[nodiscard]] float threshold(float otherwise) const {
    return o_.threshold < 0 ? otherwise : static_cast<float>(o_.threshold);
  }

  // Calls `use` with the rule for those of a batch that want to leave.
  template <class Use>
  void with_leave(const Use& use) const {
    if (o_.leave == "all") return use(lagom::all_rows{});
    if (o_.leave == "majority") return use(lagom::majority{});
    if (o_.leave == "pays") return use(lagom::where_it_pays{.move_row = 0.01});
    use(lagom::each_row{});
  }

  // Calls `use` with the policy of every token.
  template <class Use>
  void with_policy(const limits& until, const Use& use) const {
    const lagom::native fast;
    if (o_.policy == "full") {
      use([this](int) { return leave_after(layers_ - 1); });
    } else if (o_.deployed) {
      use([this, fast](int) {
        return lagom::exit_policy{lagom::features<lagom::gap>{}, o_.deployed->rule, o_.deployed->layers,
                                  fast};
      });
    } else if (o_.policy == "adainfer") {
      auto rule = lagom::adainfer_rule();
      rule.value = threshold(rule.value);
      use([=](int) {
        return lagom::exit_policy{lagom::features<lagom::gap, lagom::top_prob>{}, rule, lagom::every_layer{},
                                  fast};
      });
    } else {
      const lagom::position_decay decay{.threshold = static_cast<double>(threshold(0.9f)),
                                        .length = static_cast<int>(until.most)};
      use([=](int i) {
        return lagom::exit_policy{lagom::features<lagom::gap>{}, decay.rule(i), lagom::every_layer{}, fast};
      });
    }
  }

  const options& o_;
  int layers_;
  double head_layers_, layer_macs_;
  lagom::index_t vocab_;
  any_kv kv_;
  token_choice choose_;
  lagom::routed<draft_memory, 256> memory_;
};

}  // namespace generate
