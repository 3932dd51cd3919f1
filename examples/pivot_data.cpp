// SPDX-License-Identifier: MIT
// Makes training and inference data that thinks in a pivot language, and reads what models answer.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "pivot_data/build.hpp"
#include "pivot_data/mix.hpp"
#include "pivot_data/parse.hpp"
#include "pivot_data/show.hpp"
#include "pivot_data/synthesize.hpp"

namespace {

using namespace pivot_data;

void add_language(CLI::App& to, language_options& l, const std::string& which, const char* what) {
  auto* const tag = to.add_option("--" + which, l.tag, what)->group("Languages");
  if (which == "pivot") tag->capture_default_str();
  to.add_option("--" + which + "-name", l.name, "its English name, where the tag is not listed")
      ->group("Languages");
  to.add_option("--" + which + "-instruction", l.instruction, "header of instructions in it")
      ->group("Languages");
  to.add_option("--" + which + "-response", l.response, "header of responses in it")->group("Languages");
}

void add_rows(CLI::App& to, row_options& r) {
  to.add_option("--out", r.out, "JSON lines; - is standard output")->capture_default_str();
  to.add_option(
        "--tokenizer", r.tokenizer,
        "writes ids and labels too: tokenizer.json, a SentencePiece model, a GGUF file, or a directory")
      ->group("Tokens");
  to.add_option("--max-tokens", r.max_tokens,
                "rows that are longer are shortened or lost; counted by the tokenizer, estimated without one")
      ->group("Tokens");
  to.add_option("--mask", r.mask,
                "isolated: trained and untrained text is tokenised apart; joint: as one text")
      ->check(CLI::IsMember({"isolated", "joint"}))
      ->capture_default_str()
      ->group("Tokens");
  to.add_option("--straddle", r.straddle,
                "what a token over trained and untrained bytes is, with --mask joint")
      ->check(CLI::IsMember({"mask", "train", "error"}))
      ->capture_default_str()
      ->group("Tokens");
  to.add_option("--begin", r.begin, "a token put before every row")->group("Tokens");
  to.add_option("--end", r.end, "the text of the end token [the style's]")->group("Tokens");
}

void add_build(CLI::App& app, build_options& o) {
  auto& to = *app.add_subcommand("build", "quads -> rows of training data, or prompts to ask with");
  to.add_option("--in,--pivot-in", o.in.pivot_path,
                "JSON lines of {id, x_p, y_p, x_t, y_t}; with --target-in the pivot's half")
      ->required();
  to.add_option("--target-in", o.in.target_path,
                "the target's half; both are joined by id: JSON lines of {id, x, y}, "
                "MGSM (.tsv), MSVAMP or XQuAD (.json)");
  to.add_option("--format", o.in.format, "what the files are")
      ->check(CLI::IsMember({"auto", "quads", "pairs", "mgsm", "msvamp", "xquad"}))
      ->capture_default_str();
  to.add_option("--method", o.how.method, "which rows a quad becomes")
      ->check(CLI::IsMember(method_names()))
      ->capture_default_str();
  add_rows(to, o.rows);
  add_language(to, o.how.pivot, "pivot", "tag of the language to think in");
  add_language(to, o.how.target, "target", "tag of the language to answer in");
  to.get_option("--target")->required();
  const char* const wording = "Wording";
  to.add_option("--system", o.how.system,
                "system text of answers through the pivot; {pivot} and {target} are the names")
      ->group(wording);
  to.add_option("--pivot-system", o.how.pivot_system, "of answers in the pivot language alone")
      ->group(wording);
  to.add_option("--target-system", o.how.target_system, "of answers in the target language alone")
      ->group(wording);
  to.add_option("--translate", o.how.translate, "what asks for a translation")
      ->capture_default_str()
      ->group(wording);
  to.add_option("--style", o.how.style, "the marks of the turns")
      ->check(CLI::IsMember(style_names()))
      ->capture_default_str()
      ->group(wording);
  to.add_option("--trained", o.how.trained, "what carries loss of an answer")
      ->check(CLI::IsMember({"all", "target", "target_with_header", "content", "none"}))
      ->capture_default_str();
  to.add_option("--cut", o.how.cut,
                "what gives way to --max-tokens: the ends of the pivot's texts, or whole sections")
      ->check(CLI::IsMember({"contents", "sections"}))
      ->capture_default_str();
  to.add_option("--on-collision", o.how.on_collision,
                "a text that would be read back as a header: the row is lost, the line is quoted, the "
                "section left out")
      ->check(CLI::IsMember({"error", "escape", "drop"}))
      ->capture_default_str();
  to.add_flag("--prompts", o.rows.asks, "only what a model is asked with, up to where its answer begins");
  to.add_option("--json", o.json, "write the counts to this file");
  to.add_flag("--strict", o.strict, "the first row that is lost ends the program");
  to.callback([&o] {
    o.how.end = o.rows.end;
    o.in.pivot = o.how.pivot.tag;
    o.in.target = o.how.target.tag;
    o.in.answers = !o.rows.asks;
    build(o);
  });
}

void add_parse(CLI::App& app, parse_options& o) {
  auto& to = *app.add_subcommand("parse", "outputs of models -> sections with a code, or pairs");
  to.add_option("--in", o.in, "JSON lines, each a text or {id, output}; - is standard input")
      ->capture_default_str();
  to.add_option("--out", o.out, "JSON lines; - is standard output")->capture_default_str();
  to.add_option("--style", o.style, "plug and taco: sections; pairs: of an instruction synthesizer")
      ->check(CLI::IsMember({"plug", "taco", "pairs"}))
      ->capture_default_str();
  add_language(to, o.pivot, "pivot", "tag of the language thought in");
  add_language(to, o.target, "target", "tag of the language answered in; needed for sections");
  to.add_option("--level", o.level,
                "how much a header may differ from its spelling; each allows what the one before does")
      ->check(CLI::IsMember({"exact", "width", "nfc", "letter_case"}))
      ->capture_default_str();
  to.add_option("--prefill", o.prefill, "the section whose header the prompt ended with")
      ->check(CLI::IsMember({"x_p", "y_p", "y_t"}));
  to.add_flag("--stream", o.stream, "read a byte at a time, as while it is generated: the same comes out");
  to.add_flag("--skip-leading", o.skip_leading, "pairs: pass over text before a question");
  to.add_flag("--resync", o.resync, "pairs: after a missing end the next pair counts");
  to.add_flag("--keep-duplicates", o.keep_duplicates, "pairs: the same question may come again");
  to.add_option("--json", o.json, "write the counts to this file");
  to.add_flag("--strict", o.strict, "the first bad line ends the program");
  to.callback([&o] {
    if (o.style != "pairs" && o.target.tag.empty()) throw CLI::RequiredError("--target");
    if (o.style == "pairs" && o.stream)
      throw CLI::ValidationError("--stream", "sections are streamed, pairs are not");
    parse(o);
  });
}

void add_synthesize(CLI::App& app, synthesize_options& o) {
  auto& to = *app.add_subcommand(
      "synthesize",
      "texts (and pairs) -> sequences that tune an instruction synthesizer; with --rounds the "
      "prompts of a round; with --templify pre-training texts");
  to.add_option("--in", o.in, "JSON lines of {id, text, pairs: [{question, answer}], set}")->required();
  add_rows(to, o.rows);
  to.add_option("--shots", o.shots, "texts in a sequence, all of one set")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  to.add_option("--trained", o.trained, "what carries loss in tuning sequences")
      ->check(CLI::IsMember({"all", "pairs", "pairs_end", "answers", "none"}))
      ->capture_default_str();
  to.add_flag("--begin-by-tokenizer", o.begin_by_tokenizer,
              "leave <s> out of the text: the tokenizer puts it there");
  const char* const rounds = "Rounds (all texts are held in memory)";
  to.add_option("--rounds", o.rounds, "rounds that the texts are spread over")
      ->check(CLI::PositiveNumber)
      ->group(rounds);
  to.add_option("--round", o.round, "which one, from 0")->capture_default_str()->group(rounds);
  to.add_option("--answers", o.answers, "what was generated in the rounds before: JSON lines of {id, output}")
      ->group(rounds);
  to.add_option("--new-tokens", o.new_tokens, "tokens that are generated, within --max-tokens")
      ->capture_default_str()
      ->group(rounds);
  to.add_option("--drop", o.drop, "examples that go when they do not fit")
      ->check(CLI::IsMember({"oldest", "all"}))
      ->capture_default_str()
      ->group(rounds);
  to.add_flag("--collect", o.collect, "instead of prompts: the texts with the pairs of --answers")
      ->group(rounds);
  to.add_flag("--templify", o.templify, "texts with their tasks in one of five layouts, for pre-training")
      ->group("Pre-training");
  to.add_option("--seed", o.seed, "of layouts and wording")->capture_default_str()->group("Pre-training");
  to.add_option("--json", o.json, "write the counts to this file");
  to.add_flag("--strict", o.strict, "the first row that is lost ends the program");
  to.callback([&o] {
    if (o.templify && (o.rounds > 0 || o.collect))
      throw CLI::ValidationError("--templify", "it is another job than --rounds and --collect");
    if (o.rounds > 0 && o.round >= o.rounds)
      throw CLI::ValidationError("--round", "it counts from 0 to --rounds - 1");
    if (o.collect && o.answers.empty()) throw CLI::RequiredError("--answers");
    synthesize(o);
  });
}

void add_mix(CLI::App& app, mix_command& o) {
  auto& to =
      *app.add_subcommand("mix", "rows of several files in one order; lines are passed on as they are");
  to.add_option("--in", o.in, "FILE or FILE:WEIGHT, once for each source (8 bytes of memory a line)")
      ->required();
  to.add_option("--out", o.out, "JSON lines; - is standard output")->capture_default_str();
  to.add_option("--unit", o.unit, "what weights and the budget count; tokens need ids, trained ones labels")
      ->check(CLI::IsMember({"rows", "tokens", "trained"}))
      ->capture_default_str();
  to.add_option("--choice", o.choice, "exact shares, or drawn")
      ->check(CLI::IsMember({"deficit", "random"}))
      ->capture_default_str();
  to.add_option("--stop", o.stop, "when it is over")
      ->check(CLI::IsMember(
          {"first_exhausted", "all_exhausted", "all_exhausted_without_replacement", "budget_reached"}))
      ->capture_default_str();
  to.add_option("--budget", o.budget, "of --stop budget_reached");
  to.add_flag("--shuffle", o.shuffle, "each source in a random order, another one in each pass");
  to.add_option("--seed", o.seed, "of orders and draws")->capture_default_str();
  to.add_option("--epoch", o.epoch, "other draws of the same seed")->capture_default_str();
  to.add_option("--rows", o.rows, "write no more rows than this now");
  to.add_option("--state", o.state, "where to go on: read where it is there, written at the end");
  to.add_option("--json", o.json, "write the counts to this file");
  to.add_flag("--strict", o.strict, "the first bad row ends the program");
  to.callback([&o] { mix(o); });
}

void add_pack(CLI::App& app, pack_command& o) {
  auto& to = *app.add_subcommand("pack", "rows with ids -> full rows: ids, labels, cu_seqlens, position_ids");
  to.add_option("--in", o.in, "JSON lines with ids (and labels); - is standard input, with --window")
      ->required();
  to.add_option("--out", o.out, "JSON lines; - is standard output")->capture_default_str();
  to.add_option("--capacity", o.capacity, "tokens of a packed row")
      ->required()
      ->check(CLI::Range(1u, 1u << 28));
  to.add_option(
      "--window", o.window,
      "rows that are filled at a time, in the order of the input; without it the longest go first, over the "
      "whole file (20 bytes of memory a line)");
  to.add_option("--split", o.split,
                "what may be cut: nothing, rows over the capacity, any row (with --window)")
      ->check(CLI::IsMember({"none", "too_long", "anywhere"}))
      ->capture_default_str();
  to.add_option("--json", o.json, "write the counts to this file");
  to.add_flag("--strict", o.strict, "the first bad row ends the program");
  to.callback([&o] {
    if (o.window == 0 && o.split == "anywhere")
      throw CLI::ValidationError("--split", "anywhere needs --window");
    if (o.window == 0 && o.in == "-") throw CLI::ValidationError("--in", "standard input needs --window");
    pack(o);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Training and inference data that goes through a pivot language.\n"
      "Without arguments: a sample of every method, from quads that come with the project."};
  app.require_subcommand(0, 1);
  build_options build_with;
  parse_options parse_with;
  add_build(app, build_with);
  synthesize_options synthesize_with;
  mix_command mix_with;
  pack_command pack_with;
  add_parse(app, parse_with);
  add_synthesize(app, synthesize_with);
  add_mix(app, mix_with);
  add_pack(app, pack_with);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) show(LAGOM_PIVOT_QUADS);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const stop_program& failed) {
    fmt::print(stderr, "pivot_data: {}\n", failed.sentence);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "pivot_data: out of memory\n");
  } catch (const std::exception& failed) {
    fmt::print(stderr, "pivot_data: {}\n", failed.what());
  }
  return 1;
}
