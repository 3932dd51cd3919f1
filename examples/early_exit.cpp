// SPDX-License-Identifier: MIT
// AdaInfer end to end: trace a decoder, fit stopping classifiers, stop early, count everything.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "decoder/language_model.hpp"
#include "early_exit/experiment.hpp"
#include "early_exit/pictures.hpp"
#include "early_exit/report.hpp"
#include "early_exit/stopwatch.hpp"
#include "support/must.hpp"

namespace {

using namespace early_exit;
using support::must;
using language_model = decoder::language_model<float>;

struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::string other_model;
  std::string tasks = LAGOM_SHIPPED_MODELS "/tasks.jsonl";
  std::string json, pictures = "out";
  std::vector<std::string> rules;
  std::vector<int> shots{5};
  std::string label = "correct";
  float caution = 100;
  std::uint64_t seed = 1;
  std::size_t max_items = 0, wall_items = 6;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// A model, its prompts, and what every layer said about them.
struct traced_model {
  std::unique_ptr<language_model> model;
  prompt_set prompts;
  lagom::trace<> trace;
};

traced_model trace_model(const std::string& directory, const std::vector<task>& tasks, const options& o,
                         bool held_out) {
  auto model = must(language_model::load(directory));
  prompt_builder builder(model->tokenizer, static_cast<std::size_t>(model->network.config().context), o.seed);
  auto prompts = must(builder.build(tasks, o.shots, o.max_items, o.tasks));
  if (!held_out) std::erase_if(prompts.prompts, [](const prompt& p) { return p.test; });
  auto trace = must(record(model->network, prompts.prompts, o.threads, "tracing " + directory));
  return {std::move(model), std::move(prompts), std::move(trace)};
}

std::vector<rule_kind> chosen_rules(const options& o) {
  std::vector<rule_kind> out;
  for (const rule_kind k : all_rules) {
    if (o.rules.empty() || std::find(o.rules.begin(), o.rules.end(), name(k)) != o.rules.end())
      out.push_back(k);
  }
  return out;
}

// Fits and judges every rule in every setting. `other` may be null: no inter-model setting then.
std::vector<outcome> compare(const traced_model& main, const traced_model* other,
                             const std::vector<task>& tasks, const options& o) {
  const auto shape = main.model->network.config().shape();
  const auto label = o.label == "correct" ? lagom::label_kind::correct : lagom::label_kind::agrees_with_final;
  const auto judged = [&](int t) { return !tasks[static_cast<std::size_t>(t)].test.empty(); };
  std::vector<outcome> outcomes;
  int unfinished = 0;
  const auto rules = chosen_rules(o);
  support::progress bar("fitting and replaying", tasks.size() * 3 * rules.size());
  const auto judge_all = [&](setting where, const lagom::trace<>& from, const std::vector<int>& train,
                             const std::vector<int>& test) {
    auto data = must(training_set(from, train, label));
    for (const rule_kind kind : rules) {
      if (kind != rule_kind::gap && data.rows() == 0) continue;
      const fitted_rule fitted = must(fit_rule(kind, data.view(), o.caution));
      unfinished += fitted.converged ? 0 : 1;
      for (const int t : test) {
        if (judged(t)) outcomes.push_back(must(judge(main.trace, shape, t, where, kind, fitted.rule)));
        bar.advance();
      }
    }
  };
  const int n = static_cast<int>(tasks.size());
  for (int t = 0; t < n; ++t) {
    judge_all(setting::intra, main.trace, {t}, {t});
    if (other != nullptr) judge_all(setting::inter_model, other->trace, {t}, {t});
  }
  for (const fold& f : inter_task_folds(n, o.seed))
    judge_all(setting::inter_task, main.trace, f.train, f.test);
  if (unfinished > 0)
    fmt::print("{} fits ended at their limit of iterations, not at the optimum\n", unfinished);
  std::stable_sort(outcomes.begin(), outcomes.end(), [](const outcome& a, const outcome& b) {
    return a.where != b.where ? a.where < b.where : a.task < b.task;
  });
  return outcomes;
}

void measure_wall_clock(const traced_model& main, std::vector<outcome>& outcomes,
                        const std::vector<task>& tasks, const options& o) {
  const stopwatch watch(main.model->network, main.prompts.prompts);
  support::progress bar("timing", tasks.size());
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    std::vector<outcome*> mine;
    for (outcome& out : outcomes) {
      if (out.task == static_cast<int>(t)) mine.push_back(&out);
    }
    must(watch.measure(mine, static_cast<int>(t), o.wall_items));
    bar.advance();
  }
}

void draw_pictures(const traced_model& main, const std::vector<task>& tasks, const options& o) {
  std::error_code failed;
  std::filesystem::create_directories(o.pictures, failed);
  const std::string accuracy = o.pictures + "/early_exit_accuracy.svg",
                    signals_file = o.pictures + "/early_exit_signals.svg";
  if (!failed && draw_accuracy(accuracy, main.trace, tasks) && draw_signals(signals_file, main.trace)) {
    fmt::print("pictures: {} {}\n", accuracy, signals_file);
  } else {
    fmt::print("pictures: not drawn, gnuplot is not there or cannot write to {}\n", o.pictures);
  }
}

int run(const options& o) {
  support::single_threaded_blas();
  const auto tasks = must(load_tasks(o.tasks));
  if (!o.json.empty()) (void)must(lagom::io::atomic_file::create(o.json));  // better now than after the work
  const auto main = trace_model(o.model, tasks, o, true);
  std::unique_ptr<traced_model> other;
  if (!o.other_model.empty())
    other = std::make_unique<traced_model>(trace_model(o.other_model, tasks, o, false));

  const auto& config = main.model->network.config();
  fmt::print("{}: {} layers, hidden {}, vocabulary {}; {} tasks, {} prompts of {:.0f} tokens on average\n",
             o.model, config.layers, config.hidden, config.vocab, tasks.size(), main.trace.rows(), [&] {
               double sum = 0;
               for (lagom::index_t r = 0; r < main.trace.rows(); ++r) sum += main.trace.length(r);
               return sum / static_cast<double>(std::max<lagom::index_t>(1, main.trace.rows()));
             }());
  if (other)
    fmt::print("{}: {} layers, trains the inter-model classifiers\n", o.other_model,
               other->model->network.config().layers);
  if (const auto n = main.prompts.notes.long_answers; n > 0)
    fmt::print("{} answers have several tokens and count by their first\n", n);
  if (const auto n = main.prompts.notes.shortened; n > 0)
    fmt::print(
        "{} prompts hold fewer demonstrations than asked for: no more fit the context, or there are no "
        "more\n",
        n);
  for (const task& t : tasks) {
    if (t.train.empty())
      fmt::print("{} has no training items: only the gap rule is judged on it alone\n", t.name);
  }
  if (!other) fmt::print("no --other-model: no inter-model setting\n");
  if (tasks.size() < 2) fmt::print("one task only: no inter-task setting\n");

  auto outcomes = compare(main, other.get(), tasks, o);
  if (o.wall_items > 0) measure_wall_clock(main, outcomes, tasks, o);
  print_tables(tasks, outcomes);
  print_summary(tasks, outcomes);
  draw_pictures(main, tasks, o);
  if (!o.json.empty()) {
    const run_facts facts{o.model,       o.other_model,
                          config.layers, other ? other->model->network.config().layers : 0,
                          o.shots,       o.seed};
    must(write_json(o.json, facts, tasks, outcomes));
    fmt::print("json: {}\n", o.json);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Early exit end to end: traces a Llama-architecture model on few-shot tasks, fits stopping "
      "classifiers\n"
      "(AdaInfer), and compares accuracy, layers, FLOPs and time with the full model."};
  app.add_option("--model", o.model, "Hugging Face directory of the model")->capture_default_str();
  app.add_option("--other-model", o.other_model,
                 "a second model, whose classifiers are carried over [the shipped small model, with the "
                 "shipped main one]");
  app.add_option("--tasks", o.tasks, "JSON lines: task, grade, split (train, test), prompt, answer")
      ->capture_default_str();
  app.add_option("--rule", o.rules, "rules to compare: gap, svm_linear, svm_rbf, logistic, crf [all]")
      ->delimiter(',')
      ->check(CLI::IsMember({"gap", "svm_linear", "svm_rbf", "logistic", "crf"}));
  app.add_option("--shots", o.shots, "demonstrations in a prompt; several numbers: every one in turn")
      ->delimiter(',')
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--label", o.label, "what makes stopping right: correct, agrees (with the full model)")
      ->check(CLI::IsMember({"correct", "agrees"}))
      ->capture_default_str();
  app.add_option("--caution", o.caution, "how many missed stops a wrong one is worth")
      ->check(CLI::Range(0.01f, 1000.0f))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "draws demonstrations and training tasks")->capture_default_str();
  app.add_option("--max-items", o.max_items, "training items and held-out items a task, 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--wall-items", o.wall_items, "held-out items a task that are timed, 0 = none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", o.threads, "threads for tracing")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--pictures", o.pictures, "directory for the two pictures")->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
  CLI11_PARSE(app, argc, argv);
  if (o.other_model.empty() && app.count("--model") == 0) o.other_model = LAGOM_SHIPPED_MODELS "/small";
  return support::run_program("early_exit", [&] { return run(o); });
}
