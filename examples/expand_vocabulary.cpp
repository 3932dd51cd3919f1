// SPDX-License-Identifier: MIT
// Gives a model a new language: picks tokens, initialises their rows, writes a directory that Hugging Face loads.
#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <filesystem>
#include <lagom/io/describe.hpp>

#include "expand_vocabulary/lines.hpp"
#include "expand_vocabulary/loss_meter.hpp"
#include "expand_vocabulary/report.hpp"
#include "expand_vocabulary/study.hpp"
#include "expand_vocabulary/vectors.hpp"
#include "expand_vocabulary/write.hpp"

namespace {

using namespace expand_vocabulary;

struct options {
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::vector<std::string> corpus{LAGOM_SHIPPED_TEXT "/second_language.txt"};
  std::string held_out, source_corpus, tokens = "100", placement = "append_continued", replace;
  std::vector<std::string> inits;
  std::string head_init, out, json, checkpoint;
  word_vector_files words;
  bool trim = false, study = false;
  std::uint64_t seed = 42, pad_to = 1, study_from = 1024;
  std::size_t loss_lines = 200, trim_to = 0;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// A failure ends the program with one line.
struct stop_program {
  lagom::failure why;
};
template <class T>
T must(lagom::result<T> r) {
  if (!r) throw stop_program{r.error()};
  return std::move(*r);
}

lagom::vocab::corpus_counts count(const source_model& source, const std::vector<std::string>& paths,
                                  const std::string& checkpoint, unsigned threads) {
  support::progress bar("counting", 1000);
  std::uint64_t shown = 0;
  return must(lagom::io::count_corpus(source.tokenizer, paths, {.threads = threads, .checkpoint = checkpoint},
                                      [&](const lagom::io::corpus_progress& p) {
                                        const std::uint64_t now =
                                            p.of_bytes == 0 ? 1000 : 1000 * p.bytes / p.of_bytes;
                                        bar.advance(now - shown);
                                        shown = now;
                                      }));
}

// The curve over the number of tokens, and how many are recommended; nothing where the decoder does not know the shape.
struct size_plan {
  std::vector<lagom::cost::vocabulary_point> curve;
  lagom::cost::vocabulary_recommendation best;
};
std::optional<size_plan> plan_size(const source_model& source, const lagom::vocab::corpus_counts& corpus) {
  constexpr std::size_t most = 10000;  // the end of the curve
  const auto config = decoder::load_config(source.directory);
  if (!config || source.tokenizer.bpe() == nullptr) return std::nullopt;
  const auto all = must(choose_tokens(source, corpus, placement::append_continued, most));
  std::vector<std::int64_t> saved;
  for (const auto& t : all.tokens) saved.push_back(t.saved());
  const auto shape = config->shape();
  return size_plan{lagom::cost::vocabulary_curve(shape, all.corpus.source_tokens, saved),
                   lagom::cost::recommend_vocabulary(shape, all.corpus.source_tokens, saved)};
}

// One run of the program, step by step.
class run {
 public:
  explicit run(const options& o) : o_(o), source_(must(source_model::open(o.model))) {}

  int operator()() {
    if (!o_.json.empty())
      (void)must(lagom::io::atomic_file::create(o_.json));  // better now than after the work
    if (o_.study) return study_sizes();
    std::vector<initializer> inits;
    for (const std::string& text : o_.inits) inits.push_back(must(initializer_of(text)));
    const auto head_init =
        o_.head_init.empty() ? std::nullopt : std::optional(must(initializer_of(o_.head_init)));
    corpus_ = count(*source_, o_.corpus, o_.checkpoint, o_.threads);
    if (corpus_.pre_tokens().size() == 0) {
      throw stop_program{{.code = lagom::errc::empty, .file = o_.corpus.front(), .key = "corpus"}};
    }
    print_model();
    change();
    compare_texts();
    measure(inits, head_init);
    if (!o_.out.empty()) write(inits.front(), head_init);
    if (!o_.json.empty()) {
      must(lagom::io::write_file(
          o_.json, json_.dump(1, ' ', false, lagom::io::json::error_handler_t::replace) + "\n"));
      fmt::print("json: {}\n", o_.json);
    }
    if (std::fflush(stdout) != 0)
      throw stop_program{{.code = lagom::errc::cannot_write, .key = "standard output"}};
    return 0;
  }

 private:
  void print_model() {
    const auto& t = source_->tensors;
    fmt::print("{}: {} tokens, {} rows of {}{}\n", o_.model,
               grouped(static_cast<std::uint64_t>(source_->tokenizer.size())), grouped(t.input_rows), t.width,
               t.heads.empty() ? ", one matrix for input and head" : "");
    fmt::print("corpus: {} lines, {}, {} distinct pre-tokens\n", grouped(corpus_.lines()),
               size_text(static_cast<double>(corpus_.bytes())), grouped(corpus_.pre_tokens().size()));
    json_ = {{"model", o_.model},
             {"corpus",
              {{"lines", corpus_.lines()},
               {"bytes", corpus_.bytes()},
               {"characters", corpus_.characters()},
               {"pre_tokens", corpus_.pre_tokens().size()}}}};
  }

  // The new vocabulary.
  void change() {
    if (o_.trim) {
      auto counts = corpus_;
      if (!o_.source_corpus.empty()) counts.merge(count(*source_, {o_.source_corpus}, {}, o_.threads));
      changed_ = must(trim(*source_, counts, o_.trim_to));
      const auto before = static_cast<double>(source_->tokenizer.size()),
                 after = static_cast<double>(changed_.tokenizer->size());
      const double rows = (before - after) * static_cast<double>(source_->tensors.width) *
                          (source_->tensors.heads.empty() ? 1 : 2) *
                          lagom::io::info(source_->tensors.input_type).bits / 8;
      fmt::print("trimmed: {} tokens of {} stay, {:.1f} % of the rows go, {}\n",
                 grouped(static_cast<std::uint64_t>(after)), grouped(static_cast<std::uint64_t>(before)),
                 100 * (1 - after / before), size_text(rows));
      json_["trimmed"] = {{"tokens_before", before}, {"tokens_after", after}, {"bytes_saved", rows}};
      return;
    }
    if (!o_.replace.empty()) {
      changed_ = must(replace(*source_, o_.replace));
      std::size_t shared = 0;
      for (const auto id : changed_.change.same) shared += id != lagom::vocab::source_id::none ? 1 : 0;
      fmt::print("replaced by {}: {} tokens, {} of them shared\n", o_.replace,
                 grouped(static_cast<std::uint64_t>(changed_.tokenizer->size())), grouped(shared));
      json_["replaced"] = {
          {"tokenizer", o_.replace}, {"tokens", changed_.tokenizer->size()}, {"shared", shared}};
      return;
    }
    std::size_t tokens = 0;
    const auto planned = plan_size(*source_, corpus_);
    if (planned) {
      print_plan(planned->curve, planned->best);
      auto& curve = json_["plan"] = lagom::io::json::array();
      for (const auto& p : planned->curve) curve.push_back(to_json(p));
      json_["recommended"] = {{"tokens", planned->best.tokens}, {"reason", name(planned->best.reason)}};
    }
    if (o_.tokens != "auto") {
      tokens = std::stoul(o_.tokens);
    } else if (planned) {
      tokens = planned->best.tokens;
    } else {
      throw stop_program{{.code = lagom::errc::unsupported,
                          .file = o_.model + "/config.json",
                          .key = "--tokens auto for this architecture or kind of tokenizer (give a number)"}};
    }
    const auto* const how = std::find_if(std::begin(placements), std::end(placements),
                                         [&](const auto& p) { return p.first == o_.placement; });
    changed_ = must(expand(*source_, corpus_, how->second, tokens));
    if (changed_.tokens.size() < tokens) {
      fmt::print("\nasked for {} tokens: the corpus gives {}\n", grouped(tokens),
                 grouped(changed_.tokens.size()));
    }
    fmt::print("\n{} new tokens ({}): {} unreachable, {} unused, {} crossing occurrences\n",
               grouped(changed_.tokens.size()), o_.placement, changed_.unreachable, changed_.unused,
               grouped(changed_.crossing));
    json_["expanded"] = {{"placement", o_.placement},
                         {"tokens", changed_.tokens.size()},
                         {"unreachable", changed_.unreachable},
                         {"unused", changed_.unused},
                         {"crossing", changed_.crossing}};
  }

  // Texts under both tokenizers.
  void compare_texts() {
    print_tokens_head();
    auto& texts = json_["texts"] = lagom::io::json::object();
    const auto show = [&](const char* what, const std::vector<std::string>& paths) {
      const auto t = must(compare_lines(paths, source_->tokenizer, *changed_.tokenizer));
      print_tokens(what, t);
      texts[what] = to_json(t);
    };
    show("corpus", o_.corpus);
    if (!o_.held_out.empty()) show("held-out", {o_.held_out});
    if (!o_.source_corpus.empty()) show("source corpus", {o_.source_corpus});
  }

  // The plan of one initializer; what it reads of the corpus is made first.
  lagom::embed::plan plan_of(const initializer& init) {
    if (init.reads == wants::alignment) {
      lagom::vocab::token_set wanted;
      for (const auto id : changed_.change.wanted) wanted.add(static_cast<lagom::token_id>(id));
      lagom::vocab::corpus_alignment sum(init.policy, std::move(wanted));
      if (changed_.cuts_alike) {
        sum.push(source_->tokenizer, *changed_.tokenizer, corpus_);
      } else {
        for (const std::string& path : o_.corpus) {
          must(for_each_line(path, [&](std::string_view line) {
            sum.push_line(source_->tokenizer, *changed_.tokenizer, line);
          }));
        }
      }
      if (const auto n = sum.streams().different; n > 0) {
        fmt::print("{} texts are other bytes to the two tokenizers and were not aligned\n", grouped(n));
      }
      changed_.change.alignment = sum.counts();
    }
    const bool reads_vectors = init.reads == wants::target_vectors || init.reads == wants::both_vectors;
    if (reads_vectors && changed_.change.target_vectors.empty()) {
      if (!o_.words.target.empty()) {
        must(vectors_of_words(o_.words, source_->tokenizer, *changed_.tokenizer, changed_.change));
      } else {
        changed_.change.target_vectors = must(train_vectors(*changed_.tokenizer, o_.corpus));
      }
    }
    return must(init(changed_.change, o_.seed));
  }

  [[nodiscard]] std::size_t height() const {
    const auto tokens = static_cast<std::uint64_t>(changed_.tokenizer->size());
    const bool grows = !o_.trim && o_.replace.empty();  // a matrix that has room for more keeps it
    return lagom::io::padded_height(grows ? std::max(tokens, source_->tensors.input_rows) : tokens,
                                    o_.pad_to);
  }

  model_rows rows_of(const lagom::embed::plan& input, const std::optional<initializer>& head_init) {
    const auto head = head_init && !source_->tensors.heads.empty() ? plan_of(*head_init) : input;
    return must(rows_of_model(*source_, changed_.change, input, head, height()));
  }

  // What the model loses on held-out text, before any training.
  void measure(const std::vector<initializer>& inits, const std::optional<initializer>& head_init) {
    if (o_.loss_lines == 0) return;
    auto lines = must(read_lines(o_.held_out.empty() ? o_.corpus.front() : o_.held_out, o_.loss_lines));
    auto meter = loss_meter::open(*source_, std::move(lines), o_.threads);
    if (!meter) {
      fmt::print("\nloss not measured: {}\n", lagom::io::describe(meter.error()));
      return;
    }
    std::vector<measured> rows;
    rows.push_back({"source", {}, must((*meter)->of_source())});
    const lagom::token_id start = changed_.map(source_->start());
    if (start == lagom::no_token) {
      fmt::print("\nloss not measured: the new tokenizer lacks the token that a text begins after\n");
      return;
    }
    std::vector<lagom::token_id> fresh;  // rows that are made, of tokens
    for (const auto id : changed_.change.wanted) {
      if (changed_.change.same[row_of(id)] == lagom::vocab::source_id::none) {
        fresh.push_back(static_cast<lagom::token_id>(id));
      }
    }
    const auto add = [&](const std::string& label, lagom::embed::plan plan) {
      const model_rows made = rows_of(plan, head_init);
      auto loss =
          must((*meter)->of(*changed_.tokenizer, made.input, made.head, start, fresh, "measuring " + label));
      rows.push_back({label, std::move(plan), loss});
    };
    if (o_.trim) {
      add("trimmed", {});
    } else {
      for (const initializer& init : inits) add(init.label(), plan_of(init));
    }
    print_losses(rows);
    if (o_.held_out.empty()) fmt::print("(on lines of the corpus itself: --held-out names another text)\n");
    auto& all = json_["losses"] = lagom::io::json::array();
    for (const measured& m : rows) all.push_back(to_json(m));
  }

  void write(const initializer& init, const std::optional<initializer>& head_init) {
    const auto plan = o_.trim ? lagom::embed::plan() : plan_of(init);
    const model_rows rows = rows_of(plan, head_init);
    print_rows(source_->input(), plan);
    const auto report = must(write_model(*source_, changed_, rows, o_.out));
    print_written(o_.out, report);
    json_["out"] = o_.out;
  }

  int study_sizes() {
    const auto rows =
        must(study(*source_, o_.corpus, o_.tokens == "auto" ? 500 : std::stoul(o_.tokens), o_.study_from));
    print_study(rows);
    if (!o_.json.empty()) {
      auto all = lagom::io::json::array();
      for (const auto& r : rows) all.push_back(to_json(r));
      must(lagom::io::write_file(o_.json, lagom::io::json{{"study", all}}.dump(1) + "\n"));
    }
    return 0;
  }

  const options& o_;
  std::unique_ptr<source_model> source_;
  lagom::vocab::corpus_counts corpus_;
  changed_vocabulary changed_;
  lagom::io::json json_;
};

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Gives a model a new language: picks tokens on a corpus, initialises their rows, writes a model "
      "directory.\n"
      "Without --out it compares initializers: the loss a byte on held-out text before any training."};
  app.footer("Initializers:\n" + initializer_list());
  app.add_option("--model", o.model, "Hugging Face directory of the model")->capture_default_str();
  app.add_option("--corpus", o.corpus, "text files in the new language, a line a sentence")
      ->capture_default_str();
  app.add_option("--held-out", o.held_out, "text to measure the loss on [lines of the corpus]");
  app.add_option("--source-corpus", o.source_corpus,
                 "text in the old language: how much of it is cut otherwise");
  app.add_option("--tokens", o.tokens, "how many new tokens, or auto: as the planner recommends")
      ->check([](const std::string& text) {
        const bool number =
            !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
        return number || text == "auto" ? std::string() : "must be a number or auto";
      })
      ->capture_default_str();
  app.add_option("--placement", o.placement, "append_continued, append_aux, prepend_aux")
      ->check(CLI::IsMember({"append_continued", "append_aux", "prepend_aux"}))
      ->capture_default_str();
  app.add_option("--replace", o.replace,
                 "a tokenizer.json to take the place of the model's, instead of expanding");
  app.add_flag("--trim", o.trim,
               "the opposite: keep only what the corpora need, exactly as they are cut now");
  app.add_option("--trim-to", o.trim_to, "keep no more tokens than this [all that the corpora need]");
  app.add_flag("--study", o.study,
               "how new tokens and alignment settle on 2^10, 2^11, ... lines of the corpus");
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
                 "word vectors of the old language, for wechsel and fase");
  app.add_option("--dictionary", o.words.dictionary,
                 "lines of old word, tab, new word: brings the two spaces together");
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
  app.add_option("--threads", o.threads, "threads for counting and measuring")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
  CLI11_PARSE(app, argc, argv);
  if (app.count("--corpus") == 0 && o.held_out.empty()) {
    o.held_out = LAGOM_SHIPPED_TEXT "/second_language_held_out.txt";
    if (o.source_corpus.empty()) o.source_corpus = LAGOM_SHIPPED_TEXT "/english.txt";
  }
  if (o.inits.empty()) {
    o.inits = o.out.empty() ? std::vector<std::string>{"random", "focus", "mean", "merge", "align"}
                            : std::vector<std::string>{"align"};
  }
  const char* wrong = nullptr;
  if (o.trim_to > 0 && !o.trim) wrong = "--trim-to needs --trim";
  if (!o.words.source.empty() && o.words.target.empty()) wrong = "--source-vectors needs --vectors";
  if (!o.words.dictionary.empty() && o.words.source.empty()) wrong = "--dictionary needs --source-vectors";
  if (o.study && (o.trim || !o.replace.empty() || !o.out.empty()))
    wrong = "--study writes and changes nothing";
  if (o.trim && !o.replace.empty()) wrong = "--trim and --replace exclude each other";
  for (const std::string& init : o.inits) {
    const bool both = init == "wechsel" || init == "fase";
    if (both && o.words.source.empty()) wrong = "wechsel and fase need --vectors and --source-vectors";
  }
  if (!o.out.empty() && o.inits.size() > 1) wrong = "--out takes one initializer";
  if (wrong != nullptr) {
    fmt::print(stderr, "expand_vocabulary: {}\n", wrong);
    return 2;
  }
  try {
    support::single_threaded_blas();
    return run(o)();
  } catch (const stop_program& failed) {
    fmt::print(stderr, "expand_vocabulary: {}\n", lagom::io::describe(failed.why));
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "expand_vocabulary: out of memory\n");
  } catch (const std::exception& failed) {
    fmt::print(stderr, "expand_vocabulary: {}\n", failed.what());
  }
  return 1;
}
