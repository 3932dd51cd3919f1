// SPDX-License-Identifier: MIT
// Which exits to build into a model: traces it, calibrates every published rule, places exits, and says what to deploy.
#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <lagom/io/calibrated_rule.hpp>
#include <lagom/io/model_fingerprint.hpp>

#include "choose_exits/report.hpp"
#include "choose_exits/rules.hpp"
#include "choose_exits/times.hpp"
#include "decoder/language_model.hpp"
#include "early_exit/recording.hpp"
#include "support/must.hpp"

namespace {

using namespace choose_exits;
using support::must;
using language_model = decoder::language_model<float>;

struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::string tasks = LAGOM_SHIPPED_MODELS "/tasks.jsonl";
  std::string json, policy, pictures = "out";
  std::string loss = "agreement", cost = "bytes";
  std::vector<std::string> rules, probes;
  double tolerance = 0.05, error_rate = 0.05;
  float caution = 100;
  int shots = 5;
  std::uint64_t seed = 1;
  std::size_t max_items = 250, levels = 24, wall_items = 60;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// Traces every prompt. Held-out items are judged; of the others every second one, in the order drawn, is to calibrate on.
struct traced_model {
  study known;
  std::vector<early_exit::prompt> prompts;
};

traced_model trace_model(const language_model& model, const options& o) {
  const auto tasks = must(early_exit::load_tasks(o.tasks));
  early_exit::prompt_builder builder(model.tokenizer,
                                     static_cast<std::size_t>(model.network.config().context), o.seed);
  auto prompts = must(builder.build(tasks, {o.shots}, o.max_items, o.tasks)).prompts;
  const auto& config = model.network.config();
  if (config.layers < 2)
    throw support::stop_program{o.model + ": a model of one layer has nowhere to leave early"};
  study s{.shape = config.shape(),
          .widths = {},
          .trace = lagom::trace<>(config.layers),
          .states = lagom::hidden_states<float>(config.layers, config.hidden),
          .parts = {},
          .final_norm = {},
          .directory = o.model,
          .network = &model.network,
          .threads = o.threads,
          .times = {}};
  std::vector<std::size_t> seen(tasks.size(), 0);
  for (const early_exit::prompt& p : prompts) {
    std::size_t& nth = seen[static_cast<std::size_t>(p.task)];
    s.parts.push_back(p.test ? part::test : nth++ % 2 == 0 ? part::fit : part::calibrate);
  }
  for (const auto& [which, key] :
       {std::pair{part::fit, "set of training items"}, {part::test, "set of test items"}}) {
    if (s.count(which) == 0)
      throw support::stop_program{
          lagom::io::describe(lagom::failure{.code = lagom::errc::empty, .file = o.tasks, .key = key})};
  }
  s.trace = must(early_exit::record(model.network, prompts, o.threads, "tracing " + o.model, &s.states));
  model.network.with_head([&]<class Head>(const Head& head) {
    s.widths = {.weight = sizeof(typename Head::weight_type), .kv = sizeof(typename Head::weight_type)};
    for (lagom::index_t j = 0; j < head.norm.weight.size(); ++j)
      s.final_norm.push_back(static_cast<float>(head.norm.weight[j]));
    s.norm_epsilon = head.norm.epsilon;
  });
  s.head_rows = &model.network.head();
  s.loss = o.loss == "agreement" ? lagom::exit_loss::textual : lagom::exit_loss::risk;
  s.tolerance = lagom::tolerance(o.tolerance);
  s.error = lagom::error_rate(o.error_rate);
  s.caution = o.caution;
  s.seed = o.seed;
  return {std::move(s), std::move(prompts)};
}

// Held-out rows, evenly spread.
std::vector<lagom::index_t> timed_rows(const study& s, std::size_t n) {
  std::vector<lagom::index_t> all, out;
  for (lagom::index_t row = 0; row < s.trace.rows(); ++row) {
    if (s.rows(part::test)(row)) all.push_back(row);
  }
  n = std::min(n, all.size());
  for (std::size_t k = 0; k < n; ++k) out.push_back(all[k * all.size() / n]);
  return out;
}

// The deployed exits as a policy file: they decide by one gap, of the head or of what certifies its decision.
void save(const options& o, const placing& placed) {
  if (!placed.deployed || placed.tested[*placed.deployed].exits.empty())
    throw support::stop_program{o.policy + ": not written, no exit is to be deployed"};
  const auto& exits = placed.tested[*placed.deployed].exits;
  lagom::at_layers layers;
  for (const placed_exit& e : exits) {
    if (e.layer.value >= lagom::at_layers::capacity)
      throw support::stop_program{o.policy + ": not written, an exit lies deeper than a policy file can say"};
    layers.add(e.layer);
  }
  const auto weights = must(lagom::io::checkpoint::open(o.model));
  const lagom::calibrated rule{lagom::threshold{exits.front().gap}, *placed.row.shown,
                               lagom::io::model_fingerprint(weights)};
  must(lagom::io::save_policy(o.policy, lagom::features<lagom::gap>{}, rule, layers));
  fmt::print("policy: {}\n", o.policy);
}

int run(const options& o) {
  support::single_threaded_blas();
  for (const std::string& path : {o.json, o.policy}) {  // better now than after the work
    if (!path.empty()) (void)must(lagom::io::atomic_file::create(path));
  }
  const auto model = must(language_model::load(o.model));
  auto [s, prompts] = trace_model(*model, o);
  s.prompts = &prompts;
  placing_options how{.unit = o.cost == "flops" ? lagom::cost_unit::macs : lagom::cost_unit::bytes,
                      .levels = o.levels,
                      .probes = {}};
  if (o.cost == "time")
    s.times = exit_timer(model->network, s).measure(candidate_tokens(s), must(certified_gap(s, o.levels)));
  for (const lagom::probe_kind kind : all_probes) {
    const bool asked = std::find(o.probes.begin(), o.probes.end(), name(kind)) != o.probes.end();
    const bool in_a_file = kind == lagom::probe_kind::head || kind == lagom::probe_kind::certified;
    if (asked || (o.probes.empty() && (o.policy.empty() || in_a_file))) how.probes.push_back(kind);
  }

  findings f{.model = o.model,
             .cost_unit = o.cost,
             .times = s.times,
             .layers = s.shape.layers,
             .loss = s.loss,
             .tolerance = s.tolerance,
             .error = s.error,
             .rows = {},
             .hindsight = {},
             .placed = {},
             .live = {}};
  for (std::size_t k = 0; k < 3; ++k) f.items[k] = s.count(static_cast<part>(k));
  fmt::print(
      "{}: {} layers, hidden {}, vocabulary {}; {} prompts to fit on, {} to calibrate on, {} held out\n",
      o.model, s.shape.layers, s.shape.hidden, s.shape.vocab, f.items[0], f.items[1], f.items[2]);
  {
    support::progress bar("calibrating and placing", std::size(published_rules) + 1);
    for (const published_rule& rule : published_rules) {
      const bool wanted =
          o.rules.empty() || std::find(o.rules.begin(), o.rules.end(), rule.name) != o.rules.end();
      if (wanted) {
        for (rule_row& row : must(rule.rows(s))) f.rows.push_back(std::move(row));
      }
      bar.advance();
    }
    f.placed = must(place(s, how));
    bar.advance();
  }
  f.hindsight = oracles(s);
  if (o.wall_items > 0 && f.placed.deployed && !f.placed.tested[*f.placed.deployed].exits.empty())
    f.live = must(
        live_exits(model->network, f.placed).measure(prompts, timed_rows(s, o.wall_items), f.placed.replay));
  print_table(f);
  print_advice(f);

  std::error_code failed;
  std::filesystem::create_directories(o.pictures, failed);
  const std::string picture = o.pictures + "/choose_exits_front.svg";
  if (!failed && draw_front(picture, f)) {
    fmt::print("picture: {}\n", picture);
  } else {
    fmt::print("picture: not drawn, gnuplot is not there or cannot write to {}\n", o.pictures);
  }
  if (!o.json.empty()) {
    must(write_json(o.json, f));
    fmt::print("json: {}\n", o.json);
  }
  if (!o.policy.empty()) save(o, f.placed);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  std::vector<std::string> names;
  for (const published_rule& rule : published_rules) names.emplace_back(rule.name);
  std::vector<std::string> kinds;
  for (const lagom::probe_kind kind : all_probes) kinds.emplace_back(name(kind));
  CLI::App app{
      "Which exits to build into a model, and which rule decides at them: traces a Llama-architecture model "
      "on\n"
      "few-shot tasks, fits and calibrates every published rule, places exits where they pay, and says what "
      "to deploy."};
  app.add_option("--model", o.model, "Hugging Face directory of the model")->capture_default_str();
  app.add_option("--tasks", o.tasks,
                 "JSON lines: task, grade, split (train, test), prompt, answer; half of the train items fit, "
                 "half calibrate, the test items judge")
      ->capture_default_str();
  app.add_option("--tolerance", o.tolerance, "mean loss that is accepted")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--error-rate", o.error_rate, "probability with which a guarantee may be wrong")
      ->check(CLI::Range(1e-12, 1 - 1e-12))
      ->capture_default_str();
  app.add_option("--loss", o.loss,
                 "what is lost: agreement (another answer than the full model's), accuracy (a right answer)")
      ->check(CLI::IsMember({"agreement", "accuracy"}))
      ->capture_default_str();
  app.add_option(
         "--cost", o.cost,
         "what placement saves: bytes, flops, time (layers and probes are timed on the decoder first)")
      ->check(CLI::IsMember({"bytes", "flops", "time"}))
      ->capture_default_str();
  app.add_option("--rule", o.rules, fmt::format("published rules to judge: {} [all]", fmt::join(names, ", ")))
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  app.add_option("--probes", o.probes,
                 fmt::format("kinds of exits to choose from: {} [all]; rows answers among the answers of the "
                             "training items only",
                             fmt::join(kinds, ", ")))
      ->delimiter(',')
      ->check(CLI::IsMember(kinds));
  app.add_option("--caution", o.caution, "how many missed stops a wrong one is worth to a fit")
      ->check(CLI::Range(0.01f, 1000.0f))
      ->capture_default_str();
  app.add_option("--shots", o.shots, "demonstrations in a prompt")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--max-items", o.max_items, "training items and held-out items a task, 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--levels", o.levels, "gap thresholds that placement chooses from")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "draws demonstrations and the parts")->capture_default_str();
  app.add_option("--threads", o.threads, "threads for tracing")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--pictures", o.pictures, "directory for the picture")->capture_default_str();
  app.add_option("--wall-items", o.wall_items, "held-out prompts that are decoded under the exits, 0 = none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--policy", o.policy,
                 "write the deployed rule, its layers and its certificate to this file; the exits are then "
                 "of the kinds head "
                 "and certified, which one rule describes");
  app.add_option(
      "--json", o.json,
      "write the results to this file: rules (name, setting, layers_used, agreement, accuracy_kept, "
      "flops_paper, "
      "flops_honest, bytes_honest as fractions, under --cost time also time; certified: tolerance, "
      "error_rate, rows, p_value, or null), "
      "hindsight, front (points of risk, cost, exits), deploy, under --cost time also times (nanoseconds)");
  CLI11_PARSE(app, argc, argv);
  for (const std::string& probe : o.probes) {
    if (!o.policy.empty() && probe != "head" && probe != "certified") {
      fmt::print(stderr, "choose_exits: --policy: a policy file cannot describe exits of kind {}\n", probe);
      return 2;
    }
  }
  return support::run_program("choose_exits", [&] { return run(o); });
}
