// SPDX-License-Identifier: MIT
#include <lagom/io/corpus_file.hpp>
#include <lagom/io/keep_used.hpp>
#include <lagom/vocab/corpus_alignment.hpp>
#include <lagom/vocab/cut_changes.hpp>
#include <lagom/vocab/leaf_first.hpp>
#include <lagom/vocab/trim.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

using namespace lagom::io;
namespace vocab = lagom::vocab;
using lagom::token_id;
using lagom_test::golden;
using lagom_test::must;

hf_tokenizer opened(const std::string& name) {
  return must(hf_tokenizer::open(golden("tokenizers/" + name + ".json"), {.skip_bad_merges = true}));
}

std::vector<std::string> texts() {
  std::vector<std::string> out;
  const json document = must(load_json(golden("tokenizers/texts.json")));
  for (const auto& t : document) out.push_back(t.get<std::string>());
  return out;
}

// What trimming to a corpus does to it, in the model alone.
template <class Model>
vocab::trim_report trimmed(const Model& model, const vocab::token_set& keep,
                           const vocab::corpus_counts& corpus) {
  const auto plan = vocab::trim_plan::of(keep, model.size());
  const auto small = must(vocab::trim(model, plan));
  return vocab::compare(model, small, plan, corpus);
}

}  // namespace

TEST_CASE("trimming to a corpus leaves it as it was, for every kind of BPE tokenizer", "[io][trim]") {
  const auto lines = texts();
  std::size_t models = 0, smaller = 0;
  for (const char* name :
       {"gpt2", "llama2", "llama3", "mistral", "phi3", "qwen2", "gemma", "falcon", "roberta", "clip", "bloom",
        "deepseek3", "o200k", "suffix", "prefix", "flags", "partial_bytes", "metaspace"}) {
    INFO(name);
    const hf_tokenizer t = opened(name);
    REQUIRE(t.bpe() != nullptr);
    vocab::corpus_counts corpus;
    for (std::size_t i = 0; i < lines.size(); i += 3) corpus.push_line(t, lines[i]);
    vocab::token_set keep;
    keep_always(t, keep);
    keep_exact(t, corpus, keep);
    const auto report = trimmed(*t.bpe(), keep, corpus);
    CHECK(report.pieces > 20);
    CHECK(report.changed == 0);
    CHECK(report.before.tokens == report.after.tokens);
    smaller += report.rows_after < report.rows_before ? 1u : 0u;
    ++models;
    vocab::token_set closed = keep;
    close_ancestry(t, closed);
    if (!t.bpe()->options().ignore_merges) CHECK(closed == keep);
    for (token_id id = 0; id < t.size(); ++id) {
      if (t.is_added(id)) CHECK(keep.contains(id));
    }
  }
  CHECK(smaller == models);
}

TEST_CASE("two tokenizers of other kinds make one stream of most lines", "[io][align]") {
  // A dummy prefix on one side; marks, byte tokens and letters stand for their bytes.
  const hf_tokenizer source = opened("llama2"), target = opened("gpt2");
  vocab::corpus_alignment sum(vocab::align_policy::exact_cover);
  vocab::cut_changes changes;
  const std::vector<std::string> lines = {"Hello world", "na kwa \xCE\xBB\xCF\x8C\xCE\xB3\xCE\xBF\xCF\x82",
                                          "12 345", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x98\x80"};
  for (const auto& line : lines) {
    sum.push_line(source, target, line);
    changes.push_line(source, target, line);
  }
  CHECK(sum.streams().prefixed == lines.size());
  CHECK(sum.streams().different == 0);
  CHECK(changes.lines() == lines.size());
  CHECK(changes.recut_share() == 1);
  sum.push_line(source, target, "a <s> b");  // the source knows <s> as an added token
  CHECK(sum.streams().same + sum.streams().prefixed + sum.streams().different == lines.size() + 1);
  vocab::cut_changes none, twice = changes;
  for (const auto& line : lines) none.push_line(source, source, line);
  CHECK(none.recut == 0);
  CHECK(none.other_ids == 0);
  CHECK(none.more == 0);
  CHECK(none.less == 0);
  CHECK(none.before == none.after);
  twice.merge(changes);
  CHECK(twice.recut == 2 * changes.recut);
  CHECK(twice.before.tokens == 2 * changes.before.tokens);
  std::uint64_t tokens = 0, bytes = 0;
  for (const auto& line : lines) {
    source.encode(line, [&](token_id) { ++tokens; });
    bytes += line.size();
  }
  CHECK(changes.before.tokens == tokens);
  CHECK(changes.before.of.bytes == bytes);
}

TEST_CASE("real vocabularies shrink by what their language does not need", "[io][trim][data]") {
  const char* const data = std::getenv("LAGOM_TEST_DATA");
  if (data == nullptr) {
    WARN("skipped: LAGOM_TEST_DATA is not set");
    return;
  }
  const std::string folder(data);
  for (const char* name : {"phi3_mini", "phi2_codegen", "falcon", "sw_bpe50k", "sw_xlmr_unigram50k"}) {
    INFO(name);
    const auto t = must(hf_tokenizer::open(folder + "/tokenizers/" + name + "_tokenizer.json"));
    const auto corpus = must(count_corpus(t, {folder + "/text/newstest2019-ref.swa.txt"}));
    vocab::token_set keep, always;
    keep_always(t, always);
    keep_always(t, keep);
    keep_exact(t, corpus, keep);
    const auto report =
        t.bpe() != nullptr ? trimmed(*t.bpe(), keep, corpus) : trimmed(*t.unigram(), keep, corpus);
    CHECK(report.changed == 0);
    CHECK(report.rows_saved() > 0.5);
    if (t.bpe() != nullptr) {
      vocab::token_set finals = always;
      vocab::keep_frequent(t, corpus, finals);
      CHECK(trimmed(*t.bpe(), finals, corpus).changed > 0);
      // Half of what the corpus needs, from the leaves.
      const vocab::bpe_ancestry ancestry(*t.bpe());
      const vocab::token_counts counts(t, corpus);
      const auto target = static_cast<std::size_t>(report.rows_after) / 2;
      const auto left =
          vocab::leaf_first(ancestry, vocab::token_set::all(t.size()), counts.by_id(), target, always);
      CHECK(left.count() == target);
      const auto pruned = trimmed(*t.bpe(), left, corpus);
      CHECK(pruned.changed > 0);
      CHECK(pruned.changed_share() < 0.5);
      CHECK(pruned.after.tokens < 2 * pruned.before.tokens);
    }
  }
}
