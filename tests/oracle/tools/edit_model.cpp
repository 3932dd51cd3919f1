// SPDX-License-Identifier: MIT
// edit_model JOB.json: one edit of a model directory, as tests/oracle/edited_directory.py asks for it.
//
// The job: "source", "target"; one of "add" {"tokens": [[id, text, score]], "merges": [[left, right]]}, "keep" [id],
// "replace" PATH; "from" [row], where -1 is made; "made" PATH of a safetensors file with "input", "head", "bias".
// With "texts" [text] instead of rows (tests/oracle/edited_tokenizers.py): edits the tokenizer's files alone, and prints
// [ids, ids with special tokens] of each text under the new tokenizer.json, a line a text.
#include <cstdio>
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <lagom/io/vocabulary_edit.hpp>

namespace io = lagom::io;

namespace {

lagom::result<io::tokenizer_edits> tokenizer_of(const io::json& job, std::uint64_t rows) {
  const auto source = job.at("source").get<std::string>();
  if (job.contains("keep"))
    return io::keep_tokens_of(source, job["keep"].get<std::vector<lagom::token_id>>(), rows);
  if (job.contains("replace")) {
    auto file = io::mapped_file::open(job["replace"].get<std::string>());
    if (!file) return file.error();
    auto roles =
        io::special_roles_of(std::filesystem::path(job["replace"].get<std::string>()).parent_path().string());
    if (!roles) return roles.error();
    return io::replace_tokenizer_of(source, std::string(file->text()), *roles, rows);
  }
  io::tokenizer_addition more;
  more.continued = true;
  for (const auto& t : job.at("add").at("tokens")) {
    more.tokens.push_back({t[0].get<lagom::token_id>(), t[1].get<std::string>(), t[2].get<double>()});
  }
  for (const auto& m : job["add"].at("merges")) more.merges.emplace_back(m[0], m[1]);
  return io::add_tokens_to(source, more, rows);
}

lagom::result<lagom::done> run_tokenizer(const io::json& job) {
  auto edits = tokenizer_of(job, 0);
  if (!edits) return edits.error();
  const auto target = job.at("target").get<std::string>();
  for (const io::file_edit& f : edits->files) {
    if (!f.text) continue;
    if (auto ok = io::write_file(target + "/" + f.name, *f.text); !ok) return ok;
  }
  auto tokenizer = io::hf_tokenizer::open(target + "/tokenizer.json");
  if (!tokenizer) return tokenizer.error();
  for (const auto& text : job["texts"]) {
    const auto& t = text.get_ref<const std::string&>();
    std::printf("%s\n", io::json{tokenizer->encode(t, false), tokenizer->encode(t, true)}.dump().c_str());
  }
  return lagom::done{};
}

lagom::result<io::edit_report> run(const io::json& job) {
  const auto source = job.at("source").get<std::string>();
  auto weights = io::checkpoint::open(source);
  if (!weights) return weights.error();
  auto config = io::load_json(source + "/config.json");
  if (!config) return config.error();
  auto found = io::find_embeddings(*weights, *config);
  if (!found) return found.error();
  auto tokenizer = tokenizer_of(job, found->input_rows);
  if (!tokenizer) return tokenizer.error();
  auto made = io::safetensors::open(job.at("made").get<std::string>());
  if (!made) return made.error();
  const auto rows = [&](const char* name) {
    const io::tensor_view* const t = made->find(name);
    return t == nullptr ? std::span<const std::byte>() : t->bytes;
  };
  const auto from = job.at("from").get<std::vector<std::int64_t>>();
  auto edit = io::vocabulary_edit(*weights, *found, {from, from, rows("input"), rows("head"), rows("bias")},
                                  std::move(*tokenizer));
  if (!edit) return edit.error();
  return io::edit_model(source, job.at("target").get<std::string>(), *edit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: edit_model JOB.json\n", stderr), 2;
  auto job = io::load_json(argv[1]);
  if (!job) return std::fprintf(stderr, "%s\n", io::describe(job.error()).c_str()), 1;
  if (job->contains("texts")) {
    auto ok = run_tokenizer(*job);
    return ok ? 0 : (std::fprintf(stderr, "%s\n", io::describe(ok.error()).c_str()), 1);
  }
  auto report = run(*job);
  if (!report) return std::fprintf(stderr, "%s\n", io::describe(report.error()).c_str()), 1;
  for (const auto& t : report->tensors) {
    std::printf("tensor %s: %llu -> %llu\n", t.tensor.c_str(), static_cast<unsigned long long>(t.rows_before),
                static_cast<unsigned long long>(t.rows_after));
  }
  for (const auto& f : report->files) {
    constexpr const char* actions[] = {"copied", "edited", "left out"};
    std::printf("file %s: %s %s\n", f.name.c_str(), actions[static_cast<int>(f.action)], f.why.c_str());
  }
  for (const auto& n : report->notes) std::printf("note %s\n", n.c_str());
  return 0;
}
