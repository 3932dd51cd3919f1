// SPDX-License-Identifier: MIT
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/row_edit.hpp>

#include "initializers.hpp"
#include "options.hpp"
#include "report.hpp"
#include "study.hpp"
#include "support/must.hpp"
#include "write.hpp"

namespace expand_vocabulary {
namespace {

using lagom::io::json;
using support::must;
using support::stop_program;

// One run of the program, step by step.
class whole_run {
 public:
  explicit whole_run(const options& o) : o_(o) {}

  int operator()() {
    check();
    if (o_.what == job::study) {
      study_sizes();
    } else {
      corpus_ = must(count_texts(source_->tokenizer(), o_.corpus, o_.checkpoint, o_.threads));
      if (corpus_.pre_tokens().size() == 0 && o_.what != job::replace) {
        throw stop_program{o_.corpus.front() + ": corpus is empty"};
      }
      print_model();
      change();
      compare();
      make_rows();
    }
    if (!o_.json.empty()) {
      must(lagom::io::write_file(o_.json, json_.dump(1, ' ', false, json::error_handler_t::replace) + "\n"));
      fmt::print("json: {}\n", o_.json);
    }
    return 0;
  }

 private:
  // What would fail after the work fails now.
  void check() {
    for (const std::string& text : o_.inits) inits_.push_back(must(initializer_of(text)));
    if (!o_.head_init.empty()) head_init_ = must(initializer_of(o_.head_init));
    bool reads_vectors = head_init_ && head_init_->reads_vectors();
    bool reads_both = head_init_ && head_init_->reads == wants::both_vectors;
    for (const initializer& init : inits_) {
      reads_vectors = reads_vectors || init.reads_vectors();
      reads_both = reads_both || init.reads == wants::both_vectors;
    }
    if (reads_both && o_.words.source.empty()) {
      throw stop_program{"wechsel, ofa and fase need --vectors and --source-vectors", 2};
    }
    if (!reads_vectors && !o_.words.target.empty()) {
      throw stop_program{"--vectors has no meaning without an initializer that reads vectors", 2};
    }
    source_ = must(source_model::open(o_.model));
    if (head_init_ && source_->tensors.heads.empty()) {
      throw stop_program{o_.model + ": --head-init has no meaning, input and head are one matrix", 2};
    }
    if (o_.placement_given && source_->tokenizer().bpe() == nullptr) {
      throw stop_program{o_.model + ": --placement has no meaning for a tokenizer that is no BPE", 2};
    }
    for (const std::string& file : {o_.json, o_.checkpoint}) {
      if (!file.empty()) static_cast<void>(must(lagom::io::atomic_file::create(file)));
    }
    if (!o_.out.empty()) must(can_write(o_.model, o_.out));
    for (const auto& file :
         {o_.held_out, o_.source_corpus, o_.words.target, o_.words.source, o_.words.dictionary}) {
      if (!file.empty()) static_cast<void>(must(lagom::io::mapped_file::open(file)));
    }
  }

  [[nodiscard]] placement how() const { return *lagom::vocab::placement_of(o_.placement); }

  void print_model() {
    const auto& t = source_->tensors;
    fmt::print("{}: {} tokens, {} rows of {}{}\n", o_.model,
               grouped(static_cast<std::uint64_t>(source_->tokenizer().size())), grouped(t.input_rows),
               t.width, t.heads.empty() ? ", one matrix for input and head" : "");
    fmt::print("corpus: {} lines, {}, {} distinct pre-tokens\n", grouped(corpus_.lines()),
               size_text(static_cast<double>(corpus_.bytes())), grouped(corpus_.pre_tokens().size()));
    constexpr const char* jobs[] = {"expand", "replace", "trim"};
    json_ = {
        {"model", o_.model},
        {"job", jobs[static_cast<std::size_t>(o_.what)]},
        {"source", {{"tokens", source_->tokenizer().size()}, {"rows", t.input_rows}, {"width", t.width}}},
        {"corpus",
         {{"files", o_.corpus},
          {"lines", corpus_.lines()},
          {"bytes", corpus_.bytes()},
          {"characters", corpus_.characters()},
          {"pre_tokens", corpus_.pre_tokens().size()}}},
        {"seed", o_.seed}};
    if (o_.what != job::trim) {
      json_["init"] = o_.inits;
      json_["head_init"] = head_init_ ? json(o_.head_init) : json();
    }
  }

  // The new vocabulary.
  void change() {
    if (o_.what == job::trim) {
      trim_tokens();
    } else if (o_.what == job::replace) {
      replace_tokens();
    } else {
      expand_tokens();
    }
    json_["height"] = height();
    json_["padding"] = height() - static_cast<std::size_t>(changed_.tokenizer->size());
    json_["pad_to"] = o_.pad_to;
  }

  void trim_tokens() {
    auto counts = std::move(corpus_);
    if (!o_.source_corpus.empty()) {
      counts.merge(must(count_texts(source_->tokenizer(), {o_.source_corpus}, {}, o_.threads)));
    }
    changed_ = must(trim(*source_, counts, o_.trim_to));
    const auto& t = source_->tensors;
    const auto before = static_cast<std::uint64_t>(source_->tokenizer().size()),
               after = static_cast<std::uint64_t>(changed_.tokenizer->size());
    const auto bytes_of = [](lagom::io::dtype type) {
      return static_cast<std::uint64_t>(lagom::io::info(type).bits) / 8;
    };
    // Rows, padding included: what the files lose and gain.
    std::uint64_t saved =
        (t.input_rows - std::min<std::uint64_t>(t.input_rows, height())) * t.width * bytes_of(t.input_type);
    if (!t.heads.empty()) {
      saved +=
          (t.head_rows - std::min<std::uint64_t>(t.head_rows, height())) * t.width * bytes_of(t.head_type);
    }
    fmt::print("trimmed: {} tokens of {} stay, {:.1f} % of the tokens go, {} of rows\n", grouped(after),
               grouped(before), 100 * (1 - static_cast<double>(after) / static_cast<double>(before)),
               size_text(static_cast<double>(saved)));
    json_["trimmed"] = {{"tokens_before", before}, {"tokens_after", after}, {"bytes_saved", saved}};
  }

  void replace_tokens() {
    changed_ = must(replace(*source_, o_.replace));
    fmt::print("replaced by {}: {} tokens, {} of them shared\n", o_.replace,
               grouped(static_cast<std::uint64_t>(changed_.tokenizer->size())), grouped(changed_.shared()));
    json_["replaced"] = {
        {"tokenizer", o_.replace}, {"tokens", changed_.tokenizer->size()}, {"shared", changed_.shared()}};
  }

  void expand_tokens() {
    const auto planned = must(plan_size(*source_, corpus_));
    if (planned) {
      print_plan(*planned);
      auto& curve = json_["plan"] = json::array();
      for (const auto& p : planned->curve) curve.push_back(to_json(p));
      json_["recommended"] = to_json(planned->best);
    }
    if (o_.tokens == "auto" && !planned) {
      throw stop_program{o_.model +
                         ": --tokens auto needs a BPE model of an architecture that is known: give a number"};
    }
    const std::size_t asked = o_.tokens == "auto" ? planned->best.tokens : std::stoul(o_.tokens);
    if (asked == 0) throw stop_program{o_.corpus.front() + ": no new token pays on this corpus"};
    changed_ = must(expand(*source_, corpus_, how(), asked));
    const std::size_t got = changed_.tokens.size();
    if (got == 0) throw stop_program{o_.corpus.front() + ": this corpus gives no new token"};
    if (got < asked) {
      fmt::print("\nasked for {} tokens: the corpus gives {}\n", grouped(asked), grouped(got));
    }
    const bool bpe = source_->tokenizer().bpe() != nullptr;
    const std::string placed = bpe ? o_.placement : "append_unigram";
    fmt::print("\n{} new tokens ({}): {} unreachable, {} unused, {} crossing occurrences\n", grouped(got),
               placed, changed_.unreachable, changed_.unused, grouped(changed_.crossing));
    json_["expanded"] = {{"placement", placed},
                         {"asked", asked},
                         {"tokens", got},
                         {"unreachable", changed_.unreachable},
                         {"unused", changed_.unused},
                         {"crossing", changed_.crossing},
                         {"new_tokens", new_tokens_to_json(changed_)}};
  }

  // Texts under both tokenizers.
  void compare() {
    print_tokens_head();
    auto& texts = json_["texts"] = json::object();
    const auto show = [&](const char* what, const text_files& paths) {
      const auto t = must(compare_texts(source_->tokenizer(), *changed_.tokenizer, paths, o_.threads));
      print_tokens(what, t);
      texts[what] = to_json(t);
    };
    show("corpus", o_.corpus);
    if (!o_.held_out.empty()) show("held-out", {o_.held_out});
    if (!o_.source_corpus.empty()) show("source corpus", {o_.source_corpus});
  }

  // What an initializer reads of the corpus, if it is not there already.
  void prepare(const initializer& init) {
    lagom::vocab::expansion& change = changed_.change;
    if (init.reads == wants::alignment && aligned_by_ != init.policy()) {
      lagom::vocab::token_set wanted;
      for (const auto id : change.wanted) wanted.add(static_cast<lagom::token_id>(id));
      lagom::vocab::corpus_alignment sum(init.policy(), std::move(wanted));
      if (changed_.cuts_alike) {
        align_pieces(source_->tokenizer(), *changed_.tokenizer, corpus_, sum);
      } else {
        must(align_texts(source_->tokenizer(), *changed_.tokenizer, o_.corpus, o_.threads, sum));
      }
      if (const auto n = sum.streams().different; n > 0) {
        fmt::print("{} texts are other bytes to the two tokenizers and were not aligned\n", grouped(n));
      }
      change.alignment = sum.counts();
      aligned_by_ = init.policy();
    }
    if (init.reads_vectors() && change.target_vectors.empty()) {
      if (!o_.words.target.empty()) {
        must(vectors_of_words(o_.words, source_->tokenizer(), *changed_.tokenizer, change));
      } else {
        const std::uint64_t lines = corpus_.lines();
        const spread taken{lines, o_.vector_lines == 0 ? lines : o_.vector_lines};
        if (taken.limit < lines) {
          fmt::print("vectors are trained on {} of {} lines (--vector-lines)\n", grouped(taken.limit),
                     grouped(lines));
        }
        change.target_vectors = must(train_vectors(*changed_.tokenizer, o_.corpus, taken));
      }
    }
  }

  lagom::embed::plan plan_of(const initializer& init) {
    prepare(init);
    return must(init(changed_.change, o_.seed));
  }

  [[nodiscard]] std::size_t height() const {
    const auto tokens = static_cast<std::uint64_t>(changed_.tokenizer->size());
    const bool grows = o_.what == job::expand;  // a matrix that has room for more keeps it
    return lagom::io::padded_height(grows ? std::max(tokens, source_->tensors.input_rows) : tokens,
                                    o_.pad_to);
  }

  // The new tokens: their rows are made.
  [[nodiscard]] std::vector<lagom::token_id> fresh_tokens() const {
    std::vector<lagom::token_id> out;
    for (const auto id : changed_.change.wanted) {
      if (changed_.change.same[lagom::vocab::row_of(id)] == lagom::vocab::source_id::none) {
        out.push_back(static_cast<lagom::token_id>(id));
      }
    }
    return out;
  }

  // A meter of held-out text, or nothing and why.
  std::unique_ptr<loss_meter> open_meter() {
    const auto none = [&](const std::string& why) {
      fmt::print("\nloss not measured: {}\n", why);
      json_["loss_not_measured"] = why;
      return nullptr;
    };
    if (o_.loss_lines == 0) {
      json_["loss_not_measured"] = "--loss-lines 0";
      return nullptr;
    }
    auto lines = must(read_lines(o_.held_out.empty() ? o_.corpus.front() : o_.held_out, o_.loss_lines));
    auto meter = loss_meter::open(*source_, std::move(lines), o_.threads);
    if (!meter) return none(lagom::io::describe(meter.error()));
    if (changed_.map(source_->start()) == lagom::no_token) {
      return none("the new tokenizer lacks the token that a text begins after");
    }
    return std::move(*meter);
  }

  // Rows by every initializer: what the model loses with them on held-out text before any training, and with --out the
  // directory.
  void make_rows() {
    auto meter = open_meter();
    if (meter == nullptr && o_.out.empty()) return;
    std::vector<measured> losses;
    if (meter) losses.push_back({"source", {}, must(meter->of_source())});
    lagom::embed::plan head_plan;
    if (head_init_) head_plan = plan_of(*head_init_);
    const auto fresh = fresh_tokens();
    const std::size_t runs = o_.what == job::trim ? 1 : inits_.size();
    for (std::size_t i = 0; i < runs; ++i) {
      lagom::embed::plan plan;
      if (o_.what != job::trim) plan = plan_of(inits_[i]);
      const lagom::embed::plan& head = head_init_ ? head_plan : plan;
      const model_rows rows = must(rows_of_model(*source_, changed_.change, plan, head, height()));
      const std::string label = o_.what == job::trim ? "trimmed" : inits_[i].label;
      if (meter) {
        const auto loss = must(meter->of(*changed_.tokenizer, rows, changed_.map(source_->start()), fresh,
                                         "measuring " + label));
        losses.push_back({label, plan_counts(plan), loss});
      }
      if (o_.out.empty()) continue;
      meter.reset();  // --out has one initializer
      print_measured(losses);
      write(rows, plan_counts(plan), plan_counts(head));
      return;
    }
    print_measured(losses);
  }

  void print_measured(const std::vector<measured>& losses) {
    if (losses.empty()) return;
    print_losses(losses);
    if (o_.held_out.empty()) fmt::print("(on lines of the corpus itself: --held-out names another text)\n");
    auto& all = json_["losses"] = json::array();
    for (const measured& m : losses) all.push_back(to_json(m));
  }

  void write(const model_rows& rows, const plan_counts& input, const plan_counts& head) {
    auto& out = json_["written"] = {{"directory", o_.out}};
    if (o_.what != job::trim) {
      const auto show = [&](const char* matrix, const lagom::io::tensor_view& source, const matrix_rows& made,
                            const plan_counts& plan) {
        const auto found = look_at(source, changed_.change.source_size, made);
        print_rows(matrix, made, plan, found);
        out[matrix] = to_json(made, plan, found);
      };
      show("input", source_->input(), rows.input, input);
      if (rows.head) show("head", source_->head(), *rows.head, head);
    }
    const auto report = must(write_model(*source_, changed_, rows, o_.out));
    print_written(o_.out, report);
    out.update(to_json(report));
  }

  void study_sizes() {
    const auto rows = must(
        study(*source_, o_.corpus, how(), o_.tokens == "auto" ? 500 : std::stoul(o_.tokens), o_.study_from));
    print_study(rows);
    json_ = {{"model", o_.model},
             {"job", "study"},
             {"placement", o_.placement},
             {"corpus", {{"files", o_.corpus}}},
             {"study", json::array()}};
    for (const auto& r : rows) json_["study"].push_back(to_json(r));
  }

  const options& o_;
  std::vector<initializer> inits_;
  std::optional<initializer> head_init_;
  std::unique_ptr<source_model> source_;
  lagom::vocab::corpus_counts corpus_;
  changed_vocabulary changed_;
  std::optional<lagom::vocab::align_policy> aligned_by_;
  json json_;
};

}  // namespace

int run(const options& o) { return whole_run(o)(); }

}  // namespace expand_vocabulary
