// SPDX-License-Identifier: MIT
// Text, token by token, each from the layer that already knows it: early exit, FREE and self-speculation side by side
// with full depth.
#include "generate/compare.hpp"
#include "support/parallel.hpp"

namespace {

using namespace generate;
using support::must;

int run(options o) {
  support::single_threaded_blas();
  if (!o.json.empty()) (void)must(lagom::io::atomic_file::create(o.json));  // better now than after the work
  refuse_nonsense(o);
  o.deployed = load_rule(o);
  o.trained = load_drafters(o);
  const speaker s = load(o);
  const model& network = s.network();
  const auto& config = network.config();
  const int layers = config.layers;
  if (o.exit_layers > layers || o.draft_layers > layers)
    throw support::stop_program{fmt::format("the model has {} layers", layers), 2};
  if (o.trained) {  // the weights are the same, its configuration may be another
    const lagom::exit_modules& m = o.trained->front().modules;
    if (m.layers() != layers || m.shape().width != config.hidden)
      throw support::stop_program{o.drafters + ": drafters of a model of other layers"};
  }
  const auto written = texts(o);
  const auto prompts = token_ids(s, written, o);
  std::size_t longest = 0;
  for (const tokens& p : prompts) longest = std::max(longest, p.size());
  const limits until{std::min(o.tokens, static_cast<std::size_t>(config.context) - longest), s.end};
  if (until.most < o.tokens)
    fmt::print("The model's context of {} ends the texts after {} tokens.\n", config.context, until.most);
  fmt::print("{}: {} layers, hidden {}, vocabulary {}; policy {}{}{}\n\n", o.model, layers, config.hidden,
             config.vocab, o.policy,
             decoding::kv_name(o).empty() ? "" : ", skipped keys and values: ", decoding::kv_name(o));

  options full_depth = o;
  full_depth.policy = "full";
  support::progress bar("decoding", static_cast<std::size_t>(2 * o.repeats));
  const work_done full = decode_all(s, written, prompts, until, full_depth, bar);
  const work_done mine = decode_all(s, written, prompts, until, o, bar);

  const auto [all, sum] = compare(s, written, prompts, mine, full, o);
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
      "and compares with full depth: layers used, FLOPs, bytes, time, agreement. On one thread."};
  add_options(app, o);
  CLI11_PARSE(app, argc, argv);
  return support::run_program("generate", [&] { return run(o); });
}
