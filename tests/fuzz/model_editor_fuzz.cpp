// SPDX-License-Identifier: MIT
// Any bytes as the texts that an edit of a model directory reads: configurations, tokenizer.json, roles, index.
// What is edited is JSON again, and an edit that changes nothing changes no byte.
#include <cstdlib>
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <lagom/io/vocabulary_edit.hpp>
#include <limits>

#include "support.hpp"

namespace {

namespace io = lagom::io;

void must_be_json(const std::string& text) {
  if (!io::parse_json(text, 200)) std::abort();
}

void edit_configuration(const std::string& text) {
  std::vector<std::string> notes;
  const io::config_edit edit{.old_size = 7, .new_size = 9, .ids = {0, -1, 1, 2, -1, 3}};
  for (const bool needs_size : {false, true}) {
    const auto edited = io::edit_config(text, edit, needs_size, notes);
    if (edited) must_be_json(*edited);
  }
  const auto same = io::edit_config(text, {}, false, notes);
  if (same && *same != text) std::abort();
  const auto roles =
      io::edit_roles(text, {[](const std::string& t) { return t.size() % 2 == 0; }, edit.ids}, notes);
  if (roles) must_be_json(*roles);
  const std::map<std::string, io::json> target{{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}};
  const auto another =
      io::edit_roles(text, {[](const std::string&) { return true; }, edit.ids, &target, true}, notes);
  if (another) must_be_json(*another);
  const auto ids = io::renumbered_ids(text, edit.ids);
  if (ids) must_be_json(*ids);
}

void edit_tokenizer(const std::string& text) {
  const auto doc = io::tokenizer_document::parse(text);
  if (!doc) return;
  const auto next = static_cast<lagom::token_id>(std::min<lagom::index_t>(doc->size(), 0x7FFFFFF0));
  const auto added = io::add_tokens(text, {{{next, "new token", -3}, {next + 1, "\"", -4}}, {}});
  if (added) {
    must_be_json(added->text);
    const auto now = io::tokenizer_document::parse(added->text);
    if (!now || now->find("\"") != next + 1) std::abort();
    for (const auto& t : doc->tokens()) {
      if (now->find(t.content) != doc->find(t.content)) std::abort();
    }
    for (const auto& t : doc->added()) {
      if (now->find_any(t.content) != doc->find_any(t.content)) std::abort();
    }
  }
  (void)io::vocabulary_json(*doc);
  (void)io::merges_txt(*doc);
  (void)io::vocabulary_txt(*doc);
  if (doc->size() > 1000) return;
  std::vector<lagom::token_id> kept;
  for (lagom::token_id id = 0; id < doc->size(); ++id) {
    if (id % 3 != 1) kept.push_back(id);
  }
  const auto trimmed = io::keep_tokens(text, kept);
  if (!trimmed) return;
  must_be_json(trimmed->text);
  const auto now = io::tokenizer_document::parse(trimmed->text);
  if (!now) std::abort();
  for (const auto& t : now->tokens()) {
    if (static_cast<std::size_t>(t.id) >= kept.size()) std::abort();
  }
}

// Settings that name what tokenizer.json lacks: what was completed is complete, and a tokenizer.
void complete_directory(const std::string& text) {
  const std::string tokenizer = fuzz::scratch() + "/tokenizer.json";
  const std::string known =
      R"({"added_tokens": null, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<s>": 4}, "merges": ["a b"]}})";
  for (const char* const name :
       {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json"}) {
    fuzz::as_file(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                  fuzz::scratch() + "/" + name);
  }
  constexpr std::uint64_t rows = 300;
  if (!io::write_file(tokenizer, known)) std::abort();
  const auto full = io::complete_tokenizer(fuzz::scratch(), rows);
  if (!full) return;
  const auto doc = io::tokenizer_document::parse(full->text);
  if (!doc || static_cast<std::uint64_t>(doc->size()) > rows) std::abort();
  if (doc->find("ab") != 2 || !doc->beyond().empty()) std::abort();
  if (!io::reserved_ids(fuzz::scratch(), *doc, rows)->empty()) std::abort();
  if (!io::write_file(tokenizer, full->text)) std::abort();
  const auto again = io::complete_tokenizer(fuzz::scratch(), rows);
  if (!again || again->text != full->text) std::abort();
  const auto added = io::add_tokens_to(
      fuzz::scratch(), {.tokens = {{static_cast<lagom::token_id>(doc->size()), "new"}}}, rows);
  if (!added && added.error().code == lagom::errc::out_of_range)
    std::abort();  // the size is the first free id
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  edit_configuration(text);
  edit_tokenizer(text);
  complete_directory(text);
  const lagom::io::id_map ids{0, -1, 1, 2};
  const lagom::io::sentencepiece_entry more[] = {{"\xE2\x96\x81new", -99}};
  (void)lagom::io::edit_sentencepiece(text, ids, more);
  return 0;
}
