// SPDX-License-Identifier: MIT
// Tokenization of cold text: every run begins with nothing remembered. On its own the program times lagom; with
// tokenize_peers.py, which runs it for each text and compares the ids, it is one column beside others.
#include <lagom/core/random.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/sentencepiece.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <lagom/vocab/bpe_trainer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#ifdef LAGOM_BENCH_SENTENCEPIECE
#include <sentencepiece_processor.h>
#endif

namespace {

using lagom::token_id;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct timing {
  double load = 0, best = 1e9;
  std::vector<token_id> ids;
};

// The best of some runs over all lines; `run(line, ids)` appends. `restart` forgets what was learned.
template <class Restart, class Run>
timing measure(const std::vector<std::string_view>& lines, Restart restart, Run run) {
  timing out;
  double total = 0;
  for (int i = 0; i < 40 && (i < 3 || total < 0.4); ++i) {
    std::vector<token_id> ids;
    restart();
    const double begin = cpu_seconds();
    for (const auto line : lines) run(line, ids);
    const double took = cpu_seconds() - begin;
    total += took;
    out.best = std::min(out.best, took);
    out.ids = std::move(ids);
  }
  return out;
}

int fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

lagom::result<timing> time_lagom(const std::string& tokenizer_path, std::string_view text) {
  const auto lines = lines_of(text);
  const double begin = cpu_seconds();
  const auto push = [](std::vector<token_id>& ids) { return [&ids](token_id t) { ids.push_back(t); }; };
  timing out;
  if (tokenizer_path.size() > 6 && tokenizer_path.substr(tokenizer_path.size() - 6) == ".model") {
    auto model = lagom::io::sentencepiece_tokenizer::open(tokenizer_path);
    if (!model) return model.error();
    const double load = cpu_seconds() - begin;
    auto scratch = std::make_unique<lagom::io::sentencepiece_scratch>();
    out = measure(
        lines, [&] { scratch = std::make_unique<lagom::io::sentencepiece_scratch>(); },
        [&](std::string_view line, auto& ids) { model->encode(line, *scratch, push(ids)); });
    out.load = load;
    return out;
  }
  auto tokenizer = lagom::io::hf_tokenizer::open(tokenizer_path);
  if (!tokenizer) return tokenizer.error();
  const double load = cpu_seconds() - begin;
  auto scratch = std::make_unique<lagom::io::tokenizer_scratch>();
  out = measure(
      lines, [&] { scratch = std::make_unique<lagom::io::tokenizer_scratch>(); },
      [&](std::string_view line, auto& ids) { tokenizer->encode(line, *scratch, push(ids)); });
  out.load = load;
  return out;
}

// What natural text has: words of syllables with the frequencies of Zipf's law, in four scripts one after the
// other, endings, capitals, numbers, punctuation.
std::string made_text() {
  const std::vector<std::vector<std::string>> syllables{
      {"ka", "to", "wa", "ni", "mu", "li", "sha", "ngu", "be", "ri", "ya", "zo", "ha", "pe", "ki", "tu"},
      {"th", "er", "on", "an", "re", "st", "ed", "ing", "al", "or", "es", "ti", "en", "ch", "ou", "le"},
      {"κα", "το", "σι", "με", "ρη", "λο", "νά", "που", "τις", "δε", "γρα", "φή", "υ", "θέ", "ξα", "ω"},
      {"का", "मि", "रे", "सं", "न", "ती", "हो", "ल", "पु", "दे", "श", "क्ष", "या", "ग", "वि", "त"}};
  const lagom::philox random{5};
  std::uint64_t n = 0;
  const auto uniform = [&] { return random.uniform(0, n++); };
  std::string out;
  for (const auto& script : syllables) {
    std::vector<std::string> words;
    for (int i = 0; i < 30000; ++i) {
      std::string word;
      for (double more = 1; more > 0.35; more = uniform()) {
        word += script[static_cast<std::size_t>(uniform() * static_cast<double>(script.size()))];
      }
      words.push_back(std::move(word));
    }
    for (int line = 0; line < 1500; ++line) {
      const int length = 8 + static_cast<int>(uniform() * 30);
      for (int i = 0; i < length; ++i) {
        // density 1 / rank between 1 and the number of words
        const double rank = std::exp(uniform() * std::log(static_cast<double>(words.size())));
        std::string word = words[static_cast<std::size_t>(rank) - 1];
        if (i == 0 && word[0] >= 'a') word[0] = word[0] <= 'z' ? static_cast<char>(word[0] - 32) : word[0];
        if (uniform() < 0.02) word = std::to_string(static_cast<int>(uniform() * 3000));
        out += word;
        if (uniform() < 0.08) out += uniform() < 0.8 ? "," : "'s";
        out += i + 1 < length ? " " : ".\n";
      }
    }
  }
  return out;
}

// A byte-level tokenizer of a text, as a tokenizer.json with GPT-2's split.
lagom::result<std::string> made_tokenizer(std::string_view text, std::size_t tokens) {
  using lagom::io::json;
  std::map<std::string, std::uint64_t> counts;
  lagom::io::detail::hf_known_pattern::of(lagom::io::detail::gpt2_pattern)
      ->cut(text.data(), text.data() + text.size(), [&](const char* b, const char* e) { ++counts[{b, e}]; });
  std::vector<std::pair<std::string, std::uint64_t>> pieces(counts.begin(), counts.end());
  auto model = lagom::vocab::train_bpe(pieces, {.tokens = tokens});
  if (!model) return model.error();
  const auto spelled = [&](token_id id) {
    std::string out;
    lagom::vocab::append_letters(out, model->bytes_of(id));
    return out;
  };
  json vocabulary = json::object(), merges = json::array();
  for (token_id id = 0; id < model->size(); ++id) vocabulary[spelled(id)] = id;
  for (const auto& m : model->merges()) merges.push_back({spelled(m.left), spelled(m.right)});
  const json byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return json{{"version", "1.0"},
              {"truncation", nullptr},
              {"padding", nullptr},
              {"added_tokens", json::array()},
              {"normalizer", nullptr},
              {"pre_tokenizer", byte_level},
              {"post_processor", nullptr},
              {"decoder", byte_level},
              {"model",
               {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"vocab", vocabulary},
                {"merges", merges}}}}
      .dump();
}

int make(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const std::string text = made_text();
  auto tokenizer = made_tokenizer(text, 16000);
  if (!tokenizer) return fail(lagom::io::describe(tokenizer.error()));
  std::ofstream(folder / "made_text.txt", std::ios::binary) << text;
  std::ofstream(folder / "made_tokenizer.json", std::ios::binary) << *tokenizer;
  return 0;
}

int report(const lagom::result<timing>& t, const std::string& ids_path) {
  if (!t) return fail(lagom::io::describe(t.error()));
  std::ofstream(ids_path, std::ios::binary)
      .write(reinterpret_cast<const char*>(t->ids.data()),
             static_cast<std::streamsize>(t->ids.size() * sizeof(token_id)));
  std::printf("%.9f %.9f %zu\n", t->load, t->best, t->ids.size());
  return 0;
}

#ifdef LAGOM_BENCH_SENTENCEPIECE
int run_sentencepiece(const std::string& model, const std::string& text, const std::string& ids_path) {
  sentencepiece::SentencePieceProcessor processor;
  timing out;
  const double begin = cpu_seconds();
  if (const auto status = processor.Load(model); !status.ok()) return fail(status.ToString());
  const double load = cpu_seconds() - begin;
  std::vector<int> line_ids;
  out = measure(
      lines_of(text), [] {},
      [&](std::string_view line, auto& ids) {
        const auto status = processor.Encode({line.data(), line.size()}, &line_ids);
        if (status.ok()) ids.insert(ids.end(), line_ids.begin(), line_ids.end());
      });
  out.load = load;
  return report(std::move(out), ids_path);
}
#endif

// Without a peer: one table of lagom alone.
int alone() {
  namespace fs = std::filesystem;
  std::vector<std::string> texts, tokenizers;
  if (const char* const data = std::getenv("LAGOM_TEST_DATA")) {
    for (const auto& f : fs::directory_iterator(fs::path(data) / "text")) texts.push_back(f.path().string());
    for (const auto& f : fs::directory_iterator(fs::path(data) / "tokenizers")) {
      const std::string name = f.path().filename().string();
      if (name.find("tokenizer.json") != std::string::npos) tokenizers.push_back(f.path().string());
    }
  } else {
    const fs::path folder = fs::temp_directory_path() / ("lagom_bench_" + std::to_string(std::time(nullptr)));
    if (make(folder) != 0) return 1;
    texts = {(folder / "made_text.txt").string()};
    tokenizers = {(folder / "made_tokenizer.json").string()};
  }
  std::sort(texts.begin(), texts.end());
  std::sort(tokenizers.begin(), tokenizers.end());
  for (const auto& tokenizer : tokenizers) {
    std::printf("\n%s\n", fs::path(tokenizer).filename().string().c_str());
    for (const auto& path : texts) {
      const std::string text = read_all(path);
      const auto t = time_lagom(tokenizer, text);
      if (!t) return fail(lagom::io::describe(t.error()));
      std::printf("  %-28s %8.1f MB/s %8.1f Mtoken/s   loaded in %.0f ms\n",
                  fs::path(path).filename().string().c_str(),
                  1e-6 * static_cast<double>(text.size()) / t->best,
                  1e-6 * static_cast<double>(t->ids.size()) / t->best, 1e3 * t->load);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> a(argv + 1, argv + argc);
  if (a.empty()) return alone();
  if (a[0] == "--make" && a.size() == 2) return make(a[1]);
  if (a[0] == "--lagom" && a.size() == 4) return report(time_lagom(a[1], read_all(a[2])), a[3]);
  if (a[0] == "--sentencepiece" && a.size() == 4) {
#ifdef LAGOM_BENCH_SENTENCEPIECE
    return run_sentencepiece(a[1], read_all(a[2]), a[3]);
#else
    return fail("built without SentencePiece");
#endif
  }
  return fail("bench_tokenize [--make DIR | --lagom TOKENIZER TEXT IDS | --sentencepiece MODEL TEXT IDS]");
}
