// SPDX-License-Identifier: MIT
// Tokens that tokenizer.json lacks and other files name; what transformers makes of such directories is checked by
// tests/oracle/edited_directory.py.
#include <lagom/io/keep_used.hpp>
#include <lagom/io/safetensors_writer.hpp>
#include <lagom/io/vocabulary_edit.hpp>
#include <lagom/vocab/trim.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
using lagom::token_id;
namespace io = lagom::io;

namespace {

// Six tokens, of which the last is added and not in the model.
const std::string small = R"({"version": "1.0", "truncation": null, "padding": null,
 "added_tokens": [
  {"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
 ], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
 "model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": null,
  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
  "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, "c": 4}, "merges": ["a b"]}})";

const std::string unigram = R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": null,
 "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
 "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false, "vocab": [["<unk>", 0], ["a", -1.5], ["b", -2.5]]}})";

std::vector<std::pair<token_id, std::string>> found_in(const scratch& dir, std::uint64_t rows) {
  const auto doc = must(io::tokenizer_document::parse(read_file(dir.file("tokenizer.json"))));
  std::vector<std::pair<token_id, std::string>> out;
  for (const auto& r : must(io::reserved_ids(dir.path(), doc, rows))) out.emplace_back(r.id, r.content);
  return out;
}
using found_t = std::vector<std::pair<token_id, std::string>>;

std::string text_of(const io::tokenizer_edits& edits, const std::string& name) {
  for (const auto& f : edits.files) {
    if (f.name == name) return f.text.value_or("left out");
  }
  throw std::runtime_error("no edit of " + name);
}

}  // namespace

TEST_CASE("ids beyond tokenizer.json are found where they are named", "[io][reserved_ids]") {
  const scratch dir;
  dir.write("tokenizer.json", small);
  CHECK(found_in(dir, 20).empty());
  dir.write("config.json",
            R"({"vocab_size": 20, "pad_token_id": 4, "bos_token_id": -1, "eos_token_id": [5, 20]})");
  CHECK(found_in(dir, 20).empty());  // known, no id, without a row
  dir.write("tokenizer_config.json", R"({"added_tokens_decoder": {
    "5": {"content": "<s>"}, "6": {"content": "<pad>", "special": true}, "30": {"content": "<no row>"},
    "x": {"content": "<no id>"}, "8": {"lstrip": true}}})");
  CHECK(found_in(dir, 20) == found_t{{6, "<pad>"}});
  CHECK(found_in(dir, 6).empty());
  dir.write("added_tokens.json", R"({"<pad>": 7, "<x>": 9, "c": 11, "<y>": 6})");
  CHECK(found_in(dir, 20) == found_t{{6, "<pad>"}, {7, ""}, {8, ""}, {9, "<x>"}});
  dir.write("generation_config.json",
            R"({"suppress_tokens": [1, 10], "audio": {"vocab_size": 4, "pad_token_id": 15}})");
  CHECK(found_in(dir, 20) == found_t{{6, "<pad>"}, {7, ""}, {8, ""}, {9, "<x>"}, {10, ""}});

  // Roles: by the configuration's id, or by turn.
  dir.write(
      "special_tokens_map.json",
      R"({"mask_token": {"content": "<mask>", "lstrip": true}, "sep_token": "<sep>", "bos_token": "<s>"})");
  dir.write("generation_config.json", "{}");
  dir.write("config.json", R"({"vocab_size": 20, "mask_token_id": 8})");
  CHECK(found_in(dir, 20) == found_t{{6, "<pad>"}, {7, ""}, {8, "<mask>"}, {9, "<x>"}, {10, "<sep>"}});
  CHECK(found_in(dir, 10) == found_t{{6, "<pad>"}, {7, ""}, {8, "<mask>"}, {9, "<x>"}});

  // Files that lie.
  const auto code = [&] {
    const auto doc = must(io::tokenizer_document::parse(small));
    auto r = io::reserved_ids(dir.path(), doc, std::uint64_t{1} << 40);
    return r ? errc{255} : r.error().code;
  };
  dir.write("config.json", R"({"pad_token_id": 2147483646})");
  CHECK(code() == errc::out_of_range);
  dir.write("config.json", "[]");
  CHECK(code() == errc::wrong_type);
  dir.write("config.json", "{}");
  dir.write("tokenizer_config.json", "3");
  CHECK(code() == errc::wrong_type);
  dir.write("tokenizer_config.json", std::string(1000, '['));
  CHECK(code() == errc::too_deep);
}

TEST_CASE("a complete tokenizer has a token for each id that is named", "[io][reserved_ids]") {
  const scratch dir;
  dir.write("tokenizer.json", small);
  CHECK(must(io::complete_tokenizer(dir.path(), 20)).text == small);
  dir.write("added_tokens.json", R"({"<pad>": 6, "word": 8, "<|reserved_token_9|>": 10})");
  dir.write("config.json", R"({"image_token_index": 9})");
  dir.write("tokenizer_config.json", R"({"pad_token": "<pad>"})");
  const auto full = must(io::complete_tokenizer(dir.path(), 20));
  const auto tokenizer = must(io::hf_tokenizer::parse(full.text));
  CHECK(tokenizer.size() == 11);
  CHECK(tokenizer.encode("ab<pad><s>word", false) == std::vector<token_id>{3, 6, 5, 8});
  CHECK(tokenizer.content_of(7) == "<|reserved_token_7|>");
  CHECK(tokenizer.content_of(9) == "<|reserved_token_9|>|");
  for (token_id id = 5; id < 11; ++id) CHECK(tokenizer.is_added(id));
  CHECK(tokenizer.decode(std::vector<token_id>{1, 6, 8, 7}, true) == "a word");  // special ones are left out
  CHECK(full.notes.size() == 6);
  CHECK(full.notes[0] == "token 6 of added_tokens.json was entered into tokenizer.json as \"<pad>\"");
  const scratch twice;  // what is complete stays
  twice.write("tokenizer.json", full.text);
  CHECK(must(io::complete_tokenizer(twice.path(), 20)).text == full.text);

  const scratch pieces;
  pieces.write("tokenizer.json", unigram);
  pieces.write("config.json", R"({"pad_token_id": 4})");
  const auto more = must(io::hf_tokenizer::parse(must(io::complete_tokenizer(pieces.path(), 8)).text));
  CHECK(more.size() == 5);
  CHECK(more.is_added(3));
  CHECK(more.is_added(4));
  CHECK(more.unigram()->score_of(4) == -2.5);
}

TEST_CASE("new tokens, kept tokens and reserved ids", "[io][reserved_ids]") {
  const scratch dir, target;
  dir.write("tokenizer.json", small);
  const std::string config =
      R"({"vocab_size": 9, "pad_token_id": 6, "eos_token_id": 9, "bos_token_id": 5, "tie_word_embeddings": true})";
  dir.write("config.json", config);
  const std::string settings =
      R"({"pad_token": "<pad>", "added_tokens_decoder": {"6": {"content": "<pad>"}, "9": {"content": "<sep>"}}})";
  dir.write("tokenizer_config.json", settings);
  std::vector<float> matrix(9 * 2);
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = static_cast<float>(i);
  io::safetensors_writer out;
  out.add<float>("model.embed_tokens.weight", {9, 2}, matrix);
  REQUIRE(out.write(dir.file("model.safetensors")));
  const auto weights = must(io::checkpoint::open(dir.path()));
  const auto tensors = must(io::find_embeddings(weights, must(io::parse_json(config))));

  // Expansion: 7 is the first free id, two rows are overwritten, and what has no row has no name either.
  const auto refused = io::add_tokens_to(dir.path(), {.tokens = {{6, "abc"}}, .merges = {{"ab", "c"}}}, 9);
  CHECK(refused.error().code == errc::out_of_range);
  CHECK(refused.error().expected == 7);
  auto edits = must(io::add_tokens_to(dir.path(), {.tokens = {{7, "abc"}}, .merges = {{"ab", "c"}}}, 9));
  CHECK(must(io::parse_json(text_of(edits, "tokenizer_config.json"))) ==
        io::json::parse(R"({"pad_token": "<pad>", "added_tokens_decoder": {"6": {"content": "<pad>"}}})"));
  CHECK(must(io::hf_tokenizer::parse(text_of(edits, "tokenizer.json"))).encode("abc<pad>", false) ==
        std::vector<token_id>{7, 6});
  const std::vector<float> made(2);
  const io::vocabulary_rows rows{.input = {0, 1, 2, 3, 4, 5, 6, -1},
                                 .made_input = std::as_bytes(std::span<const float>(made))};
  auto edit = must(io::vocabulary_edit(weights, tensors, rows, std::move(edits)));
  const std::string lost = "2 rows of model.embed_tokens.weight beyond its 7 tokens are not in the new one";
  CHECK(std::find(edit.notes.begin(), edit.notes.end(), lost) != edit.notes.end());
  auto report = must(io::edit_model(dir.path(), target.file("grown"), edit));
  const auto grown = must(io::load_json(target.file("grown/config.json")));
  CHECK(grown["vocab_size"] == 8);
  CHECK(grown["pad_token_id"] == 6);
  CHECK(grown["eos_token_id"].is_null());
  CHECK(std::find(report.notes.begin(), report.notes.end(), "config.json, eos_token_id: token 9 is gone") !=
        report.notes.end());

  // Trimming: the named ids are kept, and numbered anew.
  lagom::vocab::token_set keep;
  REQUIRE(io::keep_named(dir.path(), must(io::complete_tokenizer(dir.path(), 9)).text, 9, keep));
  CHECK(lagom::vocab::trim_plan::of(keep, 7).kept == std::vector<token_id>{0, 5, 6});
  const token_id kept[] = {0, 1, 5, 6};
  edits = must(io::keep_tokens_of(dir.path(), kept, 9));
  CHECK(must(io::parse_json(text_of(edits, "tokenizer_config.json"))) ==
        io::json::parse(R"({"pad_token": "<pad>", "added_tokens_decoder": {"3": {"content": "<pad>"}}})"));
  edit = must(io::vocabulary_edit(weights, tensors, {.input = {0, 1, 5, 6}}, std::move(edits)));
  report = must(io::edit_model(dir.path(), target.file("trimmed"), edit));
  const auto trimmed = must(io::load_json(target.file("trimmed/config.json")));
  CHECK(trimmed["pad_token_id"] == 3);
  CHECK(trimmed["bos_token_id"] == 2);
  CHECK(trimmed["eos_token_id"].is_null());
  const auto small_weights = must(io::safetensors::open(target.file("trimmed/model.safetensors")));
  CHECK(elements<float>(small_weights, "model.embed_tokens.weight") ==
        std::vector<float>{0, 1, 2, 3, 10, 11, 12, 13});
}

TEST_CASE("what a tokenizer needs beside its vocabulary", "[io][reserved_ids]") {
  io::json doc = io::json::parse(small);
  doc["padding"] = {{"pad_id", 3}};
  doc["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {{{"type", "BertProcessing"}, {"cls", {"a", 1}}, {"sep", {"b", 2}}},
        {{"type", "TemplateProcessing"}, {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {5, 4}}}}}}}}}};
  std::vector<token_id> ids;
  for (const auto& n : io::ids_of_document(must(io::tokenizer_document::parse(doc.dump()))))
    ids.push_back(n.id);
  CHECK(ids == std::vector<token_id>{0, 3, 1, 2, 5, 4});
  doc["post_processor"] = {{"cls", 3}, {"special_tokens", io::json::array({1})}, {"processors", 4}};
  doc["padding"] = -1;
  CHECK(io::ids_of_document(must(io::tokenizer_document::parse(doc.dump()))).size() == 1);
}

TEST_CASE("special tokens of two tokenizers by their roles", "[io][role_pairs]") {
  const scratch from, to;
  from.write("tokenizer.json", small);
  from.write("config.json", "{}");
  from.write("tokenizer_config.json",
             R"({"bos_token": "<s>", "eos_token": {"content": "c"}, "pad_token": "<none>",
    "chat_template": "x", "mask_token": "b", "unk_token": "?"})");
  from.write("special_tokens_map.json", R"({"pad_token": "a", "sep_token": "b", "eos_token": "a"})");
  io::json other = io::json::parse(small);
  other["added_tokens"][0]["content"] = "<|begin|>";
  other["model"]["vocab"] = {{"<|end|>", 0}, {"a", 1}, {"b", 2}, {"ab", 3}, {"<pad>", 4}};
  other["model"]["unk_token"] = "a";
  to.write("tokenizer.json", other.dump());
  to.write("tokenizer_config.json",
           R"({"bos_token": {"content": "<|begin|>", "lstrip": true}, "eos_token": "<|end|>",
    "pad_token": "<pad>", "sep_token": null, "mask_token": "<nobody>"})");
  const auto source = must(io::hf_tokenizer::parse(small)),
             target = must(io::hf_tokenizer::parse(other.dump()));
  const auto pairs =
      must(io::role_pairs(from.path(), to.path(), io::id_finder(source), io::id_finder(target)));
  std::vector<std::pair<token_id, token_id>> ids;
  for (const auto& p : pairs)
    ids.emplace_back(static_cast<token_id>(p.source), static_cast<token_id>(p.target));
  // The source's own "<none>" is no token: the role is left out, though special_tokens_map.json has another.
  CHECK(ids == std::vector<std::pair<token_id, token_id>>{{5, 5}, {4, 0}});
  const auto change = must(lagom::vocab::replace(source, target, {.roles = pairs}));
  CHECK(change.same[5] == lagom::vocab::source_id{5});
  CHECK(change.same[0] == lagom::vocab::source_id{4});
  CHECK(change.same[4] == lagom::vocab::source_id::none);

  // The directory of the replaced tokenizer has the new roles, its configuration their ids.
  from.write(
      "config.json",
      R"({"vocab_size": 6, "bos_token_id": 5, "eos_token_id": [4, 5], "pad_token_id": null, "sep_token_id": 2})");
  const auto edits =
      must(io::replace_tokenizer_of(from.path(), other.dump(), must(io::special_roles_of(to.path())), 6));
  CHECK(must(io::parse_json(text_of(edits, "tokenizer_config.json"))) ==
        io::json::parse(R"({"bos_token": {"content": "<|begin|>", "lstrip": true}, "eos_token": "<|end|>",
    "pad_token": "<pad>", "chat_template": "x", "mask_token": "b", "tokenizer_class": "PreTrainedTokenizerFast"})"));
  CHECK(must(io::parse_json(text_of(edits, "special_tokens_map.json"))) ==
        io::json::parse(R"({"pad_token": "<pad>", "sep_token": "b", "eos_token": "<|end|>"})"));
  std::vector<std::string> notes;
  const io::config_edit config{.old_size = 6, .new_size = 6, .ids = edits.ids, .roles = edits.roles};
  const auto now =
      must(io::parse_json(must(io::edit_config(read_file(from.file("config.json")), config, true, notes))));
  CHECK(
      now ==
      io::json::parse(
          R"({"vocab_size": 6, "bos_token_id": 5, "eos_token_id": [0], "pad_token_id": null, "sep_token_id": null})"));
  CHECK(must(io::special_roles_of("/no/such/directory")).empty());
}
