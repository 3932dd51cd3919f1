// SPDX-License-Identifier: MIT
// Text, token by token, each from the layer that already knows it: early exit, FREE and self-speculation side by side
// with full depth.
#include <CLI/CLI.hpp>
#include <lagom/io/calibrated_rule.hpp>
#include <lagom/io/model_fingerprint.hpp>
#include <lagom/text/script.hpp>
#include <optional>

#include "decoder/language_model.hpp"
#include "generate/random_model.hpp"
#include "generate/report.hpp"
#include "support/parallel.hpp"
#include "support/progress.hpp"

namespace {

using namespace generate;
using support::must;

// A rule that was calibrated on this model, and the layers it is asked at: what choose_exits deploys.
struct deployed_rule {
  lagom::threshold<> rule;
  lagom::at_layers layers;
};
struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::vector<std::string> prompts;
  std::string policy = "self-spec", kv, leave = "each", rule;
  std::size_t tokens = 96;
  int batch = 1;
  double threshold = -1;
  int exit_layers = 0, most = 16, draft_layers = 0, drafts = 0, repeats = 3;
  double stop_below = 0, rollback = 0;
  bool measure = false;
  std::uint64_t seed = 1;
  std::string json;
  std::optional<deployed_rule> deployed;  // what `rule` holds
};

// A model, and its tokenizer where it has one.
struct speaker {
  std::unique_ptr<decoder::language_model<float>> trained;
  std::unique_ptr<model> random;
  lagom::token_id end = lagom::no_token;

  [[nodiscard]] const model& network() const { return trained ? trained->network : *random; }
};

lagom::token_id end_of_text(const std::string& directory) {
  const auto config = must(lagom::io::load_json(directory + "/config.json"));
  const lagom::io::json* at = lagom::io::find(config, "eos_token_id");
  if (at != nullptr && at->is_array() && !at->empty()) at = &at->front();
  return at != nullptr && at->is_number_integer() ? at->get<lagom::token_id>() : lagom::no_token;
}

speaker load(const options& o) {
  speaker s;
  if (o.model == "random") {
    support::progress bar("making random weights", 1);
    s.random = std::make_unique<model>(random_model(o.seed));
  } else {
    s.trained = must(decoder::language_model<float>::load(o.model));
    s.end = end_of_text(o.model);
  }
  return s;
}

// Stories as the shipped model knows them.
constexpr const char* beginnings[] = {
    "Ruth was a farmer who lived near the mill.",
    "Lena was a child who lived near the garden.",
    "Near the bridge lived a baker.",
    "Hugo was a queen who lived near the garden.",
    "Mara had a clever goat and a key.",
    "Emil was a doctor who lived near the harbour.",
    "Near the tower lived a weaver.",
    "Tom was a singer who lived near the field.",
};

// What the model continues: the prompts given, or the beginnings of stories, in turn.
std::vector<std::string> texts(const options& o) {
  std::vector<std::string> out;
  const auto n = std::max(o.prompts.size(), static_cast<std::size_t>(o.batch));
  for (std::size_t i = 0; i < n; ++i) {
    if (o.model == "random")
      out.emplace_back();
    else
      out.push_back(!o.prompts.empty() ? o.prompts[i % o.prompts.size()]
                                       : beginnings[i % std::size(beginnings)]);
  }
  return out;
}

std::vector<tokens> token_ids(const speaker& s, const std::vector<std::string>& prompts, const options& o) {
  std::vector<tokens> out;
  const lagom::philox random{o.seed};
  const auto context = static_cast<std::size_t>(s.network().config().context);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    auto& ids = out.emplace_back();
    if (s.trained) {
      ids = s.trained->tokenizer.encode(prompts[i], true);
    } else {
      for (std::uint64_t k = 0; k < 32; ++k)
        ids.push_back(static_cast<lagom::token_id>(
            random.below(static_cast<std::uint64_t>(s.network().config().vocab), 1 << 20 | i, k)));
    }
    if (ids.empty()) throw support::stop_program{"a prompt has no tokens", 2};
    if (ids.size() + 1 > context)
      throw support::stop_program{
          fmt::format("a prompt has {} tokens, the model's context {}", ids.size(), context), 2};
  }
  return out;
}

std::optional<deployed_rule> load_rule(const options& o) {
  if (o.rule.empty()) return std::nullopt;
  if (o.model == "random" || o.policy != "adainfer")
    throw support::stop_program{"--rule is for --policy adainfer and the model it was calibrated on", 2};
  const auto weights = must(lagom::io::checkpoint::open(o.model));
  const auto rule = must(lagom::io::load_calibrated_policy<lagom::threshold<>>(
      o.rule, lagom::features<lagom::gap>{}, lagom::io::model_fingerprint(weights)));
  return deployed_rule{rule.rule, must(lagom::io::load_layers(o.rule))};
}

// A way of decoding, by name, over a sequence or a batch.
class decoding {
 public:
  decoding(const options& o, const model& network)
      : o_(o),
        layers_(network.config().layers),
        head_layers_(static_cast<double>(network.config().vocab) * network.config().hidden /
                     network.config().shape().layer_macs()),
        kv_(kv_named(kv_name(o), o.most)) {}

  [[nodiscard]] static std::string kv_name(const options& o) {
    if (o.policy != "adainfer" && o.policy != "calm") return {};
    return !o.kv.empty() ? o.kv : o.policy == "calm" ? "propagate" : "defer_batch";
  }
  [[nodiscard]] bool in_step() const { return o_.policy != "free" && o_.policy != "self-spec"; }

  // `prompt`: texts of one script share what self-speculation learns.
  template <class Engine>
  decoded operator()(Engine& engine, lagom::token_id last, const limits& until, std::string_view prompt) {
    if (o_.policy == "free") {
      const lagom::shallow_deep_config config{
          .exit =
              lagom::stopped_at(lagom::layers_used(o_.exit_layers > 0 ? o_.exit_layers : (layers_ + 1) / 2)),
          .most = o_.most,
          .rollback = o_.rollback};
      return free_early_exit(engine, last, until, config, threshold(0.9f));
    }
    if (o_.policy == "self-spec") {
      return self_speculation(engine, last, until, {o_.draft_layers, o_.drafts, o_.stop_below, head_layers_},
                              memory_.of(static_cast<int>(lagom::majority_script(prompt))));
    }
    decoded out;
    with_policy(until, [&](const auto& policy_at) {
      std::visit([&](const auto& kv) { out = early(engine, last, until, policy_at, kv); }, kv_);
    });
    return out;
  }

  // All sequences in step; also what that cost.
  std::vector<decoded> operator()(const model& network, std::vector<sequence>& all, const tokens& last,
                                  const limits& until, lagom::decode_ledger& ledger) const {
    std::vector<decoded> out;
    with_policy(until, [&](const auto& policy_at) {
      std::visit(
          [&](const auto& kv) {
            with_leave([&](const auto& leave) {
              batch_decoder decoder(network, all, kv, leave);
              decoder.ledger() = ledger;
              out = decoder.run(last, until, policy_at);
              ledger = decoder.ledger();
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
  double head_layers_;
  any_kv kv_;
  lagom::routed<draft_memory, 256> memory_;
};

// What full depth says after every prefix of prompt and text: one pass over both.
double agreement(const model& network, const tokens& prompt, const tokens& text) {
  tokens whole = prompt;
  whole.insert(whole.end(), text.begin(), text.end() - 1);
  auto cache = network.make_cache(whole.size());
  const decoder::feed<float> feed{&cache, whole};
  std::size_t same = 0;
  const auto first = static_cast<lagom::index_t>(prompt.size()) - 1;
  must(network.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& s) {
    if (s.layer.value + 1 < network.config().layers) return false;
    network.with_head([&](const auto& head) {
      for (std::size_t i = 0; i < text.size(); ++i) {
        const auto x = s.hidden.row(first + static_cast<lagom::index_t>(i));
        same += lagom::unembed(lagom::native{}, x, head).top == text[i];
      }
    });
    return false;
  }));
  return static_cast<double>(same) / static_cast<double>(text.size());
}

struct work_done {
  std::vector<decoded> out;
  double seconds = 0;
  lagom::decode_ledger ledger;
};

// Decodes after every prompt, several times for the clock and once for the ledger.
work_done decode_all(const speaker& s, const std::vector<std::string>& written,
                     const std::vector<tokens>& prompts, const limits& until, const options& o,
                     support::progress& bar) {
  const model& network = s.network();
  const lagom::decode_ledger nothing{.shape = network.config().shape(), .widths = {.weight = 4, .kv = 4}};
  work_done done{.out = {}, .seconds = 0, .ledger = nothing};
  std::vector<sequence> all;
  tokens last;
  for (const tokens& p : prompts) {
    all.emplace_back(network, p.size() + until.most + 1);
    must(all.back().prefill(std::span(p).first(p.size() - 1)));
    last.push_back(p.back());
  }
  const auto again = [&] {
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i].crop(static_cast<lagom::index_t>(prompts[i].size()) - 1);
  };
  const bool in_step = all.size() > 1 && decoding(o, network).in_step();
  done.seconds = 1e300;
  for (int r = 0; r < o.repeats; ++r) {
    again();
    lagom::decode_ledger counted = nothing;
    std::vector<decoded> out;
    decoding how(o, network);
    const double t = seconds([&] {
      if (in_step) {
        out = how(network, all, last, until, counted);
      } else {
        for (std::size_t i = 0; i < all.size(); ++i) out.push_back(how(all[i], last[i], until, written[i]));
      }
    });
    done.seconds = std::min(done.seconds, t);
    done.out = std::move(out);
    done.ledger = counted;
    bar.advance();
  }
  if (!in_step) {
    again();
    decoding how(o, network);
    for (std::size_t i = 0; i < all.size(); ++i) {
      lagom::metered counted{all[i], done.ledger};
      (void)how(counted, last[i], until, written[i]);
      done.ledger = counted.meter();
    }
  }
  return done;
}

int run(options o) {
  support::single_threaded_blas();
  if (!o.json.empty()) (void)must(lagom::io::atomic_file::create(o.json));  // better now than after the work
  o.deployed = load_rule(o);
  const speaker s = load(o);
  const model& network = s.network();
  const auto& config = network.config();
  const int layers = config.layers;
  if (o.exit_layers > layers || o.draft_layers > layers)
    throw support::stop_program{fmt::format("the model has {} layers", layers), 2};
  const auto written = texts(o);
  const auto prompts = token_ids(s, written, o);
  std::size_t longest = 0;
  for (const tokens& p : prompts) longest = std::max(longest, p.size());
  const limits until{std::min(o.tokens, static_cast<std::size_t>(config.context) - longest), s.end};
  fmt::print("{}: {} layers, hidden {}, vocabulary {}; policy {}{}{}\n\n", o.model, layers, config.hidden,
             config.vocab, o.policy,
             decoding::kv_name(o).empty() ? "" : ", skipped keys and values: ", decoding::kv_name(o));

  options full_depth = o;
  full_depth.policy = "full";
  support::progress bar("decoding", static_cast<std::size_t>(2 * o.repeats));
  const work_done full = decode_all(s, written, prompts, until, full_depth, bar);
  const work_done mine = decode_all(s, written, prompts, until, o, bar);

  std::vector<outcome> all;
  totals sum;
  double n = 0, full_n = 0, used = 0, context = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    outcome& out = all.emplace_back();
    out.got = mine.out[i];
    out.prompt = written[i];
    const tokens& text = out.got.text;
    std::string before;
    for (std::size_t k = 0; k < text.size(); ++k) {
      if (!s.trained) {
        out.pieces.push_back(fmt::format(" {}", text[k]));
        out.text += out.pieces.back();
        continue;
      }
      const std::string now = s.trained->tokenizer.decode(
          tokens(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(k) + 1), true);
      const bool longer = now.size() >= before.size() && now.compare(0, before.size(), before) == 0;
      out.pieces.push_back(longer ? now.substr(before.size()) : std::string());
      if (longer) before = now;
      out.text = now;
    }
    out.agreement = agreement(network, prompts[i], text);
    const tokens& deep = full.out[i].text;
    out.same = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), deep.begin(), deep.end()).first - text.begin());
    n += static_cast<double>(text.size());
    full_n += static_cast<double>(deep.size());
    for (const int l : out.got.layers) used += l;
    context += static_cast<double>(prompts[i].size()) + static_cast<double>(text.size()) / 2;
  }
  // Per token: an early text may end elsewhere than the full one.
  sum.layers = used / n;
  sum.seconds = mine.seconds;
  sum.full_seconds = full.seconds * n / full_n;
  sum.wall_ratio = sum.seconds / sum.full_seconds;
  sum.flops_honest = mine.ledger.spent.macs / n / (full.ledger.spent.macs / full_n);
  sum.bytes_honest = mine.ledger.spent.bytes / n / (full.ledger.spent.bytes / full_n);
  sum.flops_paper =
      lagom::cost::adainfer_ratio(
          lagom::cost::published_model(config.shape(), context / static_cast<double>(prompts.size())),
          lagom::mean_layers_used(mine.ledger.token_layers / n))
          .value;
  for (const outcome& out : all) print_text(out, layers);
  print_totals(all, sum, layers);

  std::vector<pattern_time> patterns;
  if (o.measure) {
    pattern_timer timer(network, 64, 24, o.repeats);
    patterns = time_patterns(timer, layers, std::max(8, o.batch));
    print_patterns(patterns, timer, layers);
  }
  if (!o.json.empty()) {
    must(write_json(o.json, o.policy, decoding::kv_name(o), layers, all, sum, patterns));
    fmt::print("json: {}\n", o.json);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Generates text with a Llama-architecture model, leaving each token's pass at the layer that already "
      "knows it,\n"
      "and compares with full depth: layers used, FLOPs, bytes, time, agreement. Greedy, on one thread."};
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
  app.add_flag("--measure", o.measure,
               "also time fixed exit patterns, against what the cost model predicts from the time of a layer "
               "and the head");
  app.add_option("--repeats", o.repeats, "runs of which the fastest counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of random weights and their prompts")->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
  CLI11_PARSE(app, argc, argv);
  return support::run_program("generate", [&] { return run(o); });
}
