// SPDX-License-Identifier: MIT
// Makes model directories of kinds that are not shipped, out of the shipped one:
//   make_directories MODEL GOLDEN OUT
// OUT/shards    two shards with an index, and a head of its own
// OUT/bias      a head of its own with a bias
// OUT/unigram   a Unigram tokenizer.json with its SentencePiece tokenizer.model
// OUT/specials  tokenizer files alone: those of MODEL with another special token, named by its roles
#include <cstdio>
#include <filesystem>
#include <lagom/io/describe.hpp>
#include <lagom/io/json.hpp>
#include <lagom/io/safetensors_writer.hpp>
#include <stdexcept>

namespace {

namespace fs = std::filesystem;
using lagom::io::json;

template <class T>
T must(lagom::result<T> r) {
  if (!r) throw std::runtime_error(lagom::io::describe(r.error()));
  return std::move(*r);
}

struct tensor {
  lagom::io::dtype type{};
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;
};
using tensors = std::map<std::string, tensor>;

const char* const embedding = "model.embed_tokens.weight";
const char* const head = "lm_head.weight";

void write(const fs::path& file, const tensors& all) {
  lagom::io::safetensors_writer out;
  out.add_metadata("format", "pt");
  for (const auto& [name, t] : all) out.add(name, t.shape, t.type, t.bytes);
  must(out.write(file.string()));
}

void write(const fs::path& file, const json& value) {
  must(lagom::io::write_file(file.string(), value.dump(2) + "\n"));
}

json read(const fs::path& file) { return must(lagom::io::load_json(file.string())); }

void begin(const fs::path& model, const fs::path& out) {
  fs::create_directories(out);
  for (const char* const name : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    fs::copy_file(model / name, out / name);
  }
}

void change_config(const fs::path& directory, const json& changes) {
  json config = read(directory / "config.json");
  config.update(changes);
  write(directory / "config.json", config);
}

// The first rows of a matrix.
tensor first_rows(const tensor& of, std::uint64_t rows) {
  tensor out = of;
  const std::size_t width = of.bytes.size() / of.shape[0];
  out.shape[0] = rows;
  out.bytes.resize(width * rows);
  return out;
}

void make(const fs::path& model, const fs::path& golden, const fs::path& out) {
  const auto weights = must(lagom::io::safetensors::open((model / "model.safetensors").string()));
  tensors all;
  for (const auto& [name, view] : weights.tensors()) {
    all[name] = {view.type, view.shape, {view.bytes.begin(), view.bytes.end()}};
  }
  tensors untied = all;
  untied[head] = all.at(embedding);

  begin(model, out / "shards");
  change_config(out / "shards", {{"tie_word_embeddings", false}});
  std::map<std::string, tensors> shards;
  json map = json::object();
  std::uint64_t size = 0;
  for (const auto& [name, t] : untied) {
    const std::string shard =
        std::string("model-0000") + (name < "model.layers.5" ? "1" : "2") + "-of-00002.safetensors";
    shards[shard][name] = t;
    map[name] = shard;
    size += t.bytes.size();
  }
  for (const auto& [name, part] : shards) write(out / "shards" / name, part);
  write(out / "shards" / "model.safetensors.index.json",
        {{"metadata", {{"total_size", size}}}, {"weight_map", map}});

  begin(model, out / "bias");
  change_config(out / "bias", {{"tie_word_embeddings", false}});
  const std::uint64_t rows = all.at(embedding).shape[0];
  untied["lm_head.bias"] = {lagom::io::dtype::f32, {rows}, std::vector<std::byte>(4 * rows)};
  write(out / "bias" / "model.safetensors", untied);

  begin(model, out / "unigram");
  const auto over = fs::copy_options::overwrite_existing;
  fs::copy_file(golden / "sentencepiece" / "hf_bytes.json", out / "unigram" / "tokenizer.json", over);
  fs::copy_file(golden / "sentencepiece" / "unigram_bytes.model", out / "unigram" / "tokenizer.model", over);
  write(out / "unigram" / "tokenizer_config.json",
        {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}});
  const std::uint64_t pieces = read(out / "unigram" / "tokenizer.json")["model"]["vocab"].size();
  change_config(out / "unigram", {{"vocab_size", pieces}, {"bos_token_id", 1}, {"eos_token_id", 2}});
  tensors fewer = all;
  fewer[embedding] = first_rows(all.at(embedding), pieces);
  write(out / "unigram" / "model.safetensors", fewer);

  fs::create_directories(out / "specials");
  std::string text(must(lagom::io::mapped_file::open((model / "tokenizer.json").string())).text());
  const std::string old = "<|endoftext|>", now = "<|begin|>";
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + 1)) {
    text.replace(at, old.size(), now);
  }
  must(lagom::io::write_file((out / "specials" / "tokenizer.json").string(), text));
  write(out / "specials" / "tokenizer_config.json",
        {{"bos_token", now}, {"eos_token", now}, {"unk_token", now}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    make(argv[1], argv[2], argv[3]);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "make_directories: %s\n", failed.what());
    return 1;
  }
  return 0;
}
