// SPDX-License-Identifier: MIT
// Trains drafters for self-speculation, one a language: exit modules that say early what the model says late.
#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <filesystem>
#include <lagom/io/load_exit_modules.hpp>
#include <lagom/io/model_fingerprint.hpp>
#include <lagom/io/save_exit_modules.hpp>

#include "fit_drafters/report.hpp"
#include "generate/speaker.hpp"

namespace {

using namespace fit_drafters;
using lagom::io::labelled_modules;
using support::must;

// The set that was trained on all languages.
constexpr const char* shared_label = "all";

struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main", out = "out/drafters.safetensors", json, kind = "linear",
              target = "token";
  std::vector<std::string> texts;
  std::vector<int> layers;
  text_limits limits;
  std::size_t tokens = 48;
  int inner = 0, epochs = 12, drafts = 4, repeats = 3;
  lagom::index_t rows = 6000;
  double rate = 2e-3;
  std::uint64_t seed = 1;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// Layers that draft: those asked for, or an eighth, a quarter, a half and three quarters of all, as `generate` tries them.
std::vector<int> draft_layers(const options& o, int n) {
  std::vector<int> out = o.layers;
  if (out.empty()) out = {(n + 7) / 8, (n + 3) / 4, (n + 1) / 2, (3 * n + 3) / 4};
  if (n < 2) throw support::stop_program{o.model + ": a model of one layer has nothing to draft with"};
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  while (o.layers.empty() && !out.empty() && out.back() >= n) out.pop_back();
  if (out.empty() || out.front() < 1 || out.back() >= n)
    throw support::stop_program{fmt::format("drafts come from 1 ... {} layers of this model", n - 1), 2};
  return out;
}

// Modules of the layers that draft, out of modules of the columns of a recording.
lagom::exit_modules of_model(const lagom::exit_modules& columns, const std::vector<int>& layers, int n) {
  lagom::exit_modules out(n, columns.shape(), columns.norm_weight(), columns.epsilon());
  for (std::size_t c = 0; c < layers.size(); ++c) {
    const lagom::layer_index column(static_cast<int>(c));
    if (columns.trained(column)) out.set(lagom::layer_index(layers[c] - 1), columns.parameters(column));
  }
  return out;
}

lagom::exit_modules train(const model& network, const lagom::hidden_states<float>& states,
                          const std::vector<int>& layers, lagom::index_t rows, const options& o) {
  const auto* const kind =
      std::find(std::begin(lagom::exit_module_names), std::end(lagom::exit_module_names), o.kind);
  const lagom::exit_modules_config config{
      .kind = static_cast<lagom::exit_module>(kind - std::begin(lagom::exit_module_names)),
      .inner = o.inner > 0 ? o.inner : network.config().hidden,
      .target = o.target == "token" ? lagom::module_target::token : lagom::module_target::distribution,
      .epochs = o.epochs,
      .optimizer = {.learning_rate = o.rate},
      .max_rows = rows,
      .seed = o.seed};
  const auto threads = [&](lagom::index_t n, const auto& task) {
    support::parallel(static_cast<std::size_t>(n), o.threads,
                      [&](std::size_t i) { task(static_cast<lagom::index_t>(i)); });
  };
  return network.with_head([&](const auto& head) {
    const auto fitted =
        must(lagom::fit(config, states, head, lagom::every_row{}, lagom::every_layer{}, threads));
    return of_model(fitted.model, layers, network.config().layers);
  });
}

// Every language after its held-out prompts, by every source; the sources in turn, so that all meet the same machine.
std::vector<row> judge_all(const model& network, const std::vector<language>& languages,
                           const std::vector<labelled_modules>& sets, const std::vector<int>& layers,
                           const limits& until, const options& o) {
  const auto shape = network.config().shape();
  const double head = shape.head_macs() / shape.layer_macs();
  std::vector<row> rows;
  support::progress bar("judging", languages.size() * layers.size() * static_cast<std::size_t>(o.repeats));
  for (std::size_t k = 0; k < languages.size(); ++k) {
    judge judged(network, languages[k].held_out, until);
    for (const int e : layers) {
      row r;
      r.language = languages[k].label;
      r.layers = e;
      r.tokens = judged.said();
      const lagom::exit_modules* const modules[] = {nullptr, &sets.back().modules, &sets[k].modules};
      kept_drafts full;
      for (int repeat = 0; repeat < o.repeats; ++repeat) {
        judged.full(full);
        judged.drafts(r.by[0], e, o.drafts, lagom::own_head{});
        for (const int s : {1, 2})
          judged.drafts(r.by[s], e, o.drafts, lagom::module_head<float, lagom::native>(*modules[s]));
        bar.advance();
      }
      r.full_seconds = full.seconds();
      for (const int s : {0, 1, 2}) {
        const bool trained = s > 0 && modules[s]->trained(lagom::layer_index(e - 1));
        const double module = trained ? modules[s]->shape().macs() / shape.layer_macs() : 0;
        r.draft_cost[s] = (e + module + head) / (shape.layers + head);
      }
      rows.push_back(std::move(r));
    }
  }
  return rows;
}

int run(options o) {
  support::single_threaded_blas();
  if (o.texts.empty())
    o.texts = {"english=" LAGOM_SHIPPED_TEXT "/english.txt",
               "second=" LAGOM_SHIPPED_TEXT "/second_language.txt"};
  std::error_code failed;
  const auto folder = std::filesystem::path(o.out).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  for (const std::string& path : {o.out, o.json}) {  // better now than after the work
    if (!path.empty()) (void)must(lagom::io::atomic_file::create(path));
  }
  const auto spoken = must(decoder::language_model<float>::load(o.model));
  const model& network = spoken->network;
  const auto& config = network.config();
  const auto layers = draft_layers(o, config.layers);
  const auto languages = read_texts(o.texts, spoken->tokenizer, o.limits);
  for (const language& l : languages) {
    if (l.label == shared_label)
      throw support::stop_program{fmt::format("--texts: the name '{}' is taken", shared_label), 2};
  }
  const auto context = static_cast<std::size_t>(config.context);
  if (o.limits.prompt + o.tokens > context)
    throw support::stop_program{
        fmt::format("prompts and continuations of {} tokens do not fit the model's context of {}",
                    o.limits.prompt + o.tokens, context),
        2};
  const limits until{o.tokens, generate::end_of_text(o.model)};
  fmt::print("{}: {} layers, hidden {}, vocabulary {}; {} modules after layers", o.model, config.layers,
             config.hidden, config.vocab, o.kind);
  for (const int e : layers) fmt::print(" {}", e);
  fmt::print("\n");

  std::vector<labelled_modules> sets;
  lagom::hidden_states<float> everything(static_cast<int>(layers.size()) + 1, config.hidden);
  for (const language& l : languages) {
    const auto states = record(network, l.train, until, layers, o.threads, "recording " + l.label);
    fmt::print("{}: {} prompts, {} positions to train on, {} prompts held out\n", l.label, l.train.size(),
               states.rows(), l.held_out.size());
    support::progress bar("training " + l.label, 1);
    sets.push_back(
        {.label = l.label, .modules = train(network, states, layers, o.rows, o), .profile = l.profile});
    everything.append(states);
  }
  if (languages.size() > 1) {
    support::progress bar("training on all", 1);
    const auto rows = o.rows * static_cast<lagom::index_t>(languages.size());
    sets.push_back(
        {.label = shared_label, .modules = train(network, everything, layers, rows, o), .profile = {}});
  }
  const auto fingerprint = lagom::io::model_fingerprint(must(lagom::io::checkpoint::open(o.model)));
  must(lagom::io::save_exit_modules(o.out, sets, fingerprint));
  sets = must(lagom::io::load_exit_modules(o.out, fingerprint));  // what is judged is what others will load

  const auto rows = judge_all(network, languages, sets, layers, until, o);
  print_table(rows, o.drafts);
  fmt::print(
      "\nEvery text is that of full depth. Expected: at the best number of drafts, where reading weights is "
      "the bound.\n");
  fmt::print("drafters: {}\n", o.out);
  if (!o.json.empty()) {
    must(write_json(o.json, o.kind, o.drafts, rows));
    fmt::print("json: {}\n", o.json);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Trains drafters for self-speculation, one a language and one for all: modules between an early layer "
      "and the\n"
      "head that learn what the last layer says, from the model's own continuations of texts. The text stays "
      "that of\n"
      "full depth; more of it is drafted."};
  app.add_option("--model", o.model, "Hugging Face directory of the model")->capture_default_str();
  app.add_option("--texts", o.texts,
                 "LANGUAGE=FILE ...: text, a line a beginning that the model continues; every fifth line is "
                 "held out [two "
                 "languages of the shipped model]");
  app.add_option("--out", o.out, "file of the drafters, for generate --drafters")->capture_default_str();
  app.add_option("--kind", o.kind,
                 "norm: a norm of its own; linear: the tuned lens; mlp: a gated MLP beside the state")
      ->check(CLI::IsMember({"norm", "linear", "mlp"}))
      ->capture_default_str();
  app.add_option("--inner", o.inner, "units of an mlp [the model's width]")->check(CLI::PositiveNumber);
  app.add_option("--layers", o.layers, "numbers of layers that may draft [1/8, 1/4, 1/2, 3/4 of all]")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--lines", o.limits.lines, "most lines a language to train on")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--held-out", o.limits.held_out, "most lines a language to judge on")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--prompt-tokens", o.limits.prompt, "tokens of a line that the model continues")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--tokens", o.tokens, "tokens of a continuation")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--rows", o.rows, "most positions a language to train on, 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--target", o.target,
                 "what a module learns of the last layer: its distribution, or its best token")
      ->check(CLI::IsMember({"distribution", "token"}))
      ->capture_default_str();
  app.add_option("--epochs", o.epochs, "passes over the positions")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  app.add_option("--rate", o.rate, "learning rate")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--drafts", o.drafts, "drafts a round, when judging")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--repeats", o.repeats, "runs of which the fastest counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of the training")->capture_default_str();
  app.add_option("--threads", o.threads, "threads for recording and training")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option(
      "--json", o.json,
      "write the results to this file: rows (language, draft_layers, and for own_head, shared_module and "
      "language_module: kept, acceptance, best_drafts, expected_speedup, wall_ratio)");
  CLI11_PARSE(app, argc, argv);
  return support::run_program("fit_drafters", [&] { return run(o); });
}
