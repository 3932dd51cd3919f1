// SPDX-License-Identifier: MIT
// Gives a model a new language: picks tokens on a corpus, initialises their rows, writes a directory that Hugging Face
// loads.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "expand_vocabulary/initializers.hpp"
#include "expand_vocabulary/options.hpp"
#include "support/must.hpp"
#include "support/parallel.hpp"

namespace {

using namespace expand_vocabulary;

// Options that only some jobs know what to do with.
constexpr struct {
  const char* option;
  std::initializer_list<job> jobs;
} limited[] = {
    {"--tokens", {job::expand, job::study}},
    {"--placement", {job::expand, job::study}},
    {"--init", {job::expand, job::replace}},
    {"--head-init", {job::expand, job::replace}},
    {"--vectors", {job::expand, job::replace}},
    {"--source-vectors", {job::expand, job::replace}},
    {"--dictionary", {job::expand, job::replace}},
    {"--vector-lines", {job::expand, job::replace}},
    {"--seed", {job::expand, job::replace}},
    {"--trim-to", {job::trim}},
    {"--study-from", {job::study}},
    {"--held-out", {job::expand, job::replace, job::trim}},
    {"--source-corpus", {job::expand, job::replace, job::trim}},
    {"--loss-lines", {job::expand, job::replace, job::trim}},
    {"--checkpoint", {job::expand, job::replace, job::trim}},
    {"--pad-to", {job::expand, job::replace, job::trim}},
    {"--out", {job::expand, job::replace, job::trim}},
};

// What the options add up to. Ends the program where they contradict each other.
void settle(const CLI::App& app, options& o) {
  const auto wrong = [](const std::string& why) { throw support::stop_program{why, 2}; };
  const char* const jobs[] = {"without --replace", "with --replace", "with --trim", "with --study"};
  const auto given = [&](const char* option) { return app.count(option) > 0; };
  if (given("--trim") + given("--replace") + given("--study") > 1) {
    wrong("--trim, --replace and --study exclude each other");
  }
  o.what = given("--trim")      ? job::trim
           : given("--replace") ? job::replace
           : given("--study")   ? job::study
                                : job::expand;
  for (const auto& [option, known] : limited) {
    if (given(option) && std::find(known.begin(), known.end(), o.what) == known.end()) {
      const bool other = o.what == job::expand;
      wrong(std::string(option) + " has no meaning " +
            (!other ? jobs[static_cast<std::size_t>(o.what)]
                    : std::string("without ") + (std::string(option) == "--trim-to" ? "--trim" : "--study")));
    }
  }
  if (!o.words.source.empty() && o.words.target.empty()) wrong("--source-vectors needs --vectors");
  if (!o.words.dictionary.empty() && o.words.source.empty()) wrong("--dictionary needs --source-vectors");
  if (!o.out.empty() && o.inits.size() > 1) wrong("--out takes one initializer");
  o.placement_given = given("--placement");
  if (!given("--corpus") && o.what != job::study) {
    if (o.held_out.empty()) o.held_out = LAGOM_SHIPPED_TEXT "/second_language_held_out.txt";
    if (o.source_corpus.empty()) o.source_corpus = LAGOM_SHIPPED_TEXT "/english.txt";
  }
  if (o.inits.empty() && (o.what == job::expand || o.what == job::replace)) {
    o.inits = o.out.empty() ? std::vector<std::string>{"random", "focus", "mean", "merge", "align"}
                            : std::vector<std::string>{"align"};
  }
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  bool trim = false, study = false;
  CLI::App app{
      "Gives a model a new language: picks tokens on a corpus, initialises their rows, writes a model "
      "directory.\n"
      "Without --out it compares initializers: the loss a byte on held-out text before any training."};
  app.footer("Initializers, with options after a colon (merge:flat:first):\n" + initializer_list());
  app.add_option("--model", o.model, "Hugging Face directory of the model")->capture_default_str();
  app.add_option("--corpus", o.corpus, "text files in the new language, a line a sentence")
      ->capture_default_str();
  app.add_option("--held-out", o.held_out, "text to measure the loss on [lines of the corpus]");
  app.add_option("--source-corpus", o.source_corpus,
                 "text in the old language: how much of it is cut otherwise");
  app.add_option("--tokens", o.tokens, "how many new tokens, or auto: as the planner recommends")
      ->check([](const std::string& text) {
        const bool number = !text.empty() && text.size() < 10 &&
                            text.find_first_not_of("0123456789") == std::string::npos &&
                            text.find_first_not_of('0') != std::string::npos;
        return number || text == "auto" ? std::string() : "must be a number above 0, or auto";
      })
      ->capture_default_str();
  app.add_option("--placement", o.placement, "append_continued, append_aux, prepend_aux")
      ->check(CLI::IsMember({"append_continued", "append_aux", "prepend_aux"}))
      ->capture_default_str();
  app.add_option("--replace", o.replace,
                 "a tokenizer.json to take the place of the model's, instead of expanding");
  app.add_flag("--trim", trim, "the opposite: keep only what the corpora need, exactly as they are cut now");
  app.add_option("--trim-to", o.trim_to, "keep no more tokens than this [all that the corpora need]")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30));
  app.add_flag("--study", study,
               "how new tokens and alignment settle on the first 2^10, 2^11, ... 2^20 lines of the corpus");
  app.add_option("--study-from", o.study_from, "lines of the smallest corpus of the study")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--init", o.inits,
                 "initializer of the new rows; several to compare [random,focus,mean,merge,align]")
      ->delimiter(',');
  app.add_option("--head-init", o.head_init, "another one for the head, where it is a matrix of its own");
  app.add_option("--vectors", o.words.target,
                 "word vectors of the new language, .vec or fastText .bin [trained on the corpus]");
  app.add_option("--source-vectors", o.words.source,
                 "word vectors of the old language, for wechsel, ofa and fase");
  app.add_option("--dictionary", o.words.dictionary,
                 "lines of old word, tab, new word: brings the two spaces together");
  app.add_option("--vector-lines", o.vector_lines, "lines of the corpus to train vectors on, 0 = all")
      ->capture_default_str();
  app.add_option("--out", o.out, "the directory to write, with one initializer [align]");
  app.add_option("--pad-to", o.pad_to, "make the height of the matrices a multiple of this")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--loss-lines", o.loss_lines,
                 "lines of held-out text that the loss is measured on, 0 = none")
      ->capture_default_str();
  app.add_option("--checkpoint", o.checkpoint,
                 "keeps the counts of a large corpus, to go on from after a crash");
  app.add_option("--seed", o.seed, "of random rows")->capture_default_str();
  app.add_option("--threads", o.threads, "threads for counting, comparing and measuring")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
  CLI11_PARSE(app, argc, argv);
  return support::run_program("expand_vocabulary", [&] {
    support::single_threaded_blas();
    settle(app, o);
    return run(o);
  });
}
