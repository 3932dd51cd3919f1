// SPDX-License-Identifier: MIT
// Editing tokenizer.json and the files beside it, against Hugging Face tokenizers and SentencePiece (see
// tests/oracle/edited_directory.py, which also loads whole edited directories with transformers).
#include <lagom/io/tokenizer_files.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
namespace io = lagom::io;

namespace {

const io::json& expected() {
  static const io::json file = must(io::load_json(golden("edited/expected.json")));
  return file;
}
std::vector<std::string> texts() {
  const io::json all = must(io::load_json(golden("tokenizers/texts.json")));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < all.size(); i += 3) out.push_back(all[i]);
  return out;
}
std::string document(const std::string& name) {
  const std::string own = golden("edited/" + name + ".json");
  return read_file(std::filesystem::exists(own) ? own : golden("tokenizers/" + name + ".json"));
}
io::tokenizer_addition addition(const io::json& j) {
  io::tokenizer_addition out;
  out.continued = true;
  for (const auto& t : j["tokens"]) out.tokens.push_back({t[0], t[1], t[2]});
  for (const auto& m : j["merges"]) out.merges.emplace_back(m[0], m[1]);
  return out;
}

// Encodes all texts if the kind of tokenizer is handled; what cannot be read is no failure of the edit.
void check_ids(const std::string& text, const io::json& ids) {
  auto tokenizer = io::hf_tokenizer::parse(text);
  if (!tokenizer) {
    WARN("not encoded: " << io::describe(tokenizer.error()));
    CHECK(tokenizer.error().code == errc::unsupported);
    return;
  }
  const auto all = texts();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(tokenizer->encode(all[i], true) == ids[i].get<std::vector<lagom::token_id>>());
  }
}

// What a failed edit says; code 255 when it did not fail.
template <class T>
lagom::failure error_of(const lagom::result<T>& r) {
  return r ? lagom::failure{.code = errc{255}} : r.error();
}

}  // namespace

TEST_CASE("a tokenizer with more tokens gives the reference's ids", "[io][tokenizer_writer]") {
  for (const auto& [name, want] : expected().items()) {
    CAPTURE(name);
    const std::string old = document(name);
    const auto more = addition(want["add"]);
    const auto edited = must(io::add_tokens(old, more));
    check_ids(edited.text, want["added_ids"]);
    const auto before = must(io::tokenizer_document::parse(old)),
               after = must(io::tokenizer_document::parse(edited.text));
    CHECK(after.size() == before.size() + static_cast<lagom::index_t>(more.tokens.size()));
    for (const auto& t : before.tokens()) CHECK(after.find(t.content) == t.id);
    for (const auto& t : before.added()) CHECK(after.find_any(t.content) == t.id);
    CHECK(after.beyond().empty());
    CHECK(edited.notes.empty() == before.beyond().empty());
    // Nothing else of the document moved.
    io::json was = before.text().value(), now = after.text().value();
    for (io::json* const d : {&was, &now}) {
      (*d)["model"].erase("vocab");
      (*d)["model"].erase("merges");
    }
    CHECK(was == now);
    if (before.kind() == io::tokenizer_model::bpe) {
      const io::json &list = before.merge_list(), &longer = after.merge_list();
      REQUIRE(longer.size() == list.size() + more.merges.size());
      CHECK(std::equal(list.begin(), list.end(), longer.begin()));
      CHECK(longer.back().type() == list.back().type());
    }
    // No tokens: not a byte changes.
    CHECK(must(io::add_tokens(old, {})).text == old);
  }
}

TEST_CASE("a trimmed tokenizer gives the reference's ids", "[io][tokenizer_trim]") {
  for (const auto& [name, want] : expected().items()) {
    CAPTURE(name);
    const std::string old = document(name);
    const auto kept = want["keep"].get<std::vector<lagom::token_id>>();
    const auto edited = must(io::keep_tokens(old, kept));
    check_ids(edited.text, want["kept_ids"]);
    const auto before = must(io::tokenizer_document::parse(old)),
               after = must(io::tokenizer_document::parse(edited.text));
    CHECK(after.size() == static_cast<lagom::index_t>(kept.size()));
    for (const auto& t : before.tokens()) {
      const auto at = std::lower_bound(kept.begin(), kept.end(), t.id);
      const bool stays = at != kept.end() && *at == t.id;
      CHECK(after.find(t.content) ==
            (stays ? static_cast<lagom::token_id>(at - kept.begin()) : lagom::no_token));
    }
    std::vector<lagom::token_id> all;
    for (lagom::token_id id = 0; id < before.size(); ++id) all.push_back(id);
    const auto same = must(io::tokenizer_document::parse(must(io::keep_tokens(old, all)).text));
    CHECK(same.text().value()["model"]["vocab"] == before.text().value()["model"]["vocab"]);
    CHECK(same.text().value()["added_tokens"] == before.text().value()["added_tokens"]);
  }
}

TEST_CASE("merges of tokens with spaces are pairs; the form of the file is kept otherwise",
          "[io][tokenizer_writer]") {
  const std::string strings =
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1," ":2,"ab":3},"merges":["a b"]},"added_tokens":[{"id":4,"content":"<x>","special":true}]})";
  const auto merged = [&](const std::string& doc, std::vector<std::pair<std::string, std::string>> merges,
                          std::vector<io::spelled_token> tokens, bool all = false) {
    const auto out = must(io::add_tokens(doc, {std::move(tokens), std::move(merges), all}));
    return must(io::parse_json(out.text))["model"];
  };
  CHECK(merged(strings, {{"ab", "a"}}, {{5, "aba"}})["merges"] == io::json({"a b", "ab a"}));
  const auto spaced = merged(strings, {{" ", "a"}, {"ab", "a"}}, {{5, " a"}, {6, "aba"}});
  CHECK(spaced["merges"] == io::json::array({{"a", "b"}, {" ", "a"}, {"ab", "a"}}));
  CHECK(spaced["vocab"]["<x>"] == 4);
  CHECK(spaced["vocab"][" a"] == 5);
  CHECK(merged(strings, {{"ab", "a"}, {"a", "b"}}, {{5, "aba"}}, true)["merges"] ==
        io::json({"ab a", "a b"}));
  std::string pairs = strings;
  pairs.replace(pairs.find("[\"a b\"]"), 7, "[[\"a\",\"b\"]]");
  CHECK(merged(pairs, {{"ab", "a"}}, {{5, "aba"}})["merges"] == io::json::array({{"a", "b"}, {"ab", "a"}}));
  std::string odd = strings;
  odd.replace(odd.find("\"a b\""), 5, "\"a  b\"");
  CHECK(error_of(io::add_tokens(odd, {{{5, " a"}}, {{" ", "a"}}})).code == errc::bad_merge);
}

TEST_CASE("additions that make no tokenizer are refused", "[io][tokenizer_writer]") {
  const std::string bpe =
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]},"added_tokens":[{"id":2,"content":"<x>"}]})";
  const std::string unigram = R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5]]}})";
  const auto code = [](const std::string& doc, const io::tokenizer_addition& more) {
    return error_of(io::add_tokens(doc, more)).code;
  };
  CHECK(code(bpe, {{{3, "ab"}}, {{"a", "b"}}}) == errc{255});
  CHECK(code(bpe, {{{2, "ab"}}, {}}) == errc::out_of_range);
  CHECK(code(bpe, {{{4, "ab"}, {3, "ba"}}, {}}) == errc::out_of_range);
  CHECK(code(bpe, {{{3, "a"}}, {}}) == errc::duplicate_key);
  CHECK(code(bpe, {{{3, "<x>"}}, {}}) == errc::duplicate_key);
  CHECK(code(bpe, {{{3, "ab"}, {4, "ab"}}, {}}) == errc::duplicate_key);
  CHECK(code(bpe, {{{3, "\xFF"}}, {}}) == errc::bad_utf8);
  CHECK(code(bpe, {{{3, "ab"}}, {{"a", "c"}}}) == errc::bad_merge);
  CHECK(code(bpe, {{{3, "ab"}}, {{"b", "a"}}}) == errc::bad_merge);
  CHECK(code(bpe, {{{3, "ab"}}, {{"", "ab"}}}) == errc::bad_merge);
  CHECK(code(unigram, {{{2, "b", -2}}, {}}) == errc{255});
  CHECK(code(unigram, {{{3, "b", -2}}, {}}) == errc::bad_value);
  CHECK(code(unigram, {{{2, "b", std::numeric_limits<double>::infinity()}}, {}}) == errc::not_finite);
  CHECK(code(unigram, {{{2, "ab", -2}}, {{"a", "b"}}}) == errc::unsupported);
}

TEST_CASE("documents that are no tokenizers say why", "[io][tokenizer_document]") {
  const auto error = [](const std::string& text) { return error_of(io::tokenizer_document::parse(text)); };
  const std::pair<const char*, errc> cases[] = {
      {"", errc::bad_json},
      {"[]", errc::wrong_type},
      {"{}", errc::missing_key},
      {R"({"model":3})", errc::wrong_type},
      {R"({"model":{}})", errc::missing_key},
      {R"({"model":{"vocab":3}})", errc::wrong_type},
      {R"({"model":{"type":"Neural","vocab":{}}})", errc::unsupported},
      {R"({"model":{"type":3,"vocab":{}}})", errc::wrong_type},
      {R"({"model":{"type":"BPE","vocab":{}}})", errc::missing_key},
      {R"({"model":{"type":"BPE","vocab":{},"merges":{}}})", errc::wrong_type},
      {R"({"model":{"type":"Unigram","vocab":{}}})", errc::wrong_type},
      {R"({"model":{"vocab":[["a"]]}})", errc::wrong_type},
      {R"({"model":{"vocab":{"a":-1}}})", errc::out_of_range},
      {R"({"model":{"vocab":{"a":9223372036854775808}}})", errc::out_of_range},
      {R"({"model":{"vocab":{"a":2147483647}}})", errc::out_of_range},
      {R"({"model":{"vocab":{"a":1.0}}})", errc::wrong_type},
      {R"({"model":{"vocab":{"a":1,"b":1}}})", errc::duplicate_key},
      {R"({"model":{"vocab":{"a":1,"a":2}}})", errc::duplicate_key},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":3})", errc::wrong_type},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[3]})", errc::missing_key},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1}]})", errc::missing_key},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":1}]})", errc::wrong_type},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":"a"}]})", errc::bad_value},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":0,"content":"b"}]})", errc::duplicate_key},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":"b"},{"id":1,"content":"c"}]})",
       errc::duplicate_key},
      {R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":"b"},{"id":2,"content":"b"}]})",
       errc::duplicate_key},
  };
  for (const auto& [text, code] : cases) {
    CAPTURE(text);
    CHECK(error(text).code == code);
  }
  CHECK(error(std::string(200'000, '[')).code == errc::too_deep);
}

TEST_CASE("what the document speaks of cannot be trimmed away", "[io][tokenizer_trim]") {
  const std::string doc =
      R"({"model":{"type":"BPE","unk_token":"u","vocab":{"u":0,"a":1,"b":2,"ab":3},"merges":["a b"]},)"
      R"("added_tokens":[{"id":4,"content":"<s>"},{"id":5,"content":"<p>"}],"padding":{"pad_id":5,"pad_token":"<p>"},)"
      R"("post_processor":{"type":"Sequence","processors":[{"type":"TemplateProcessing","special_tokens":{"<s>":{"id":"<s>","ids":[4],"tokens":["<s>"]}}},)"
      R"({"type":"BertProcessing","sep":["a",1],"cls":["<s>",4]}]}})";
  const auto kept = [&](std::vector<lagom::token_id> ids) { return io::keep_tokens(doc, ids); };
  CHECK(error_of(kept({1, 2, 4, 5})).key.view() == "model.unk_token");
  CHECK(error_of(kept({0, 1, 2, 4})).key.view() == "padding.pad_id");
  CHECK(error_of(kept({0, 1, 2, 5})).key.view() == "post_processor.processors.special_tokens.<s>");
  CHECK(error_of(kept({0, 2, 4, 5})).key.view() == "post_processor.processors.sep");
  CHECK(error_of(kept({0, 2, 4, 5})).code == errc::unknown_token);
  CHECK(error_of(kept({})).code == errc::empty);
  CHECK(error_of(kept({5, 4})).code == errc::bad_value);
  CHECK(error_of(kept({0, 6})).code == errc::out_of_range);
  const auto now = must(io::parse_json(must(kept({0, 1, 3, 4, 5})).text));
  CHECK(now["model"]["vocab"] == io::json({{"u", 0}, {"a", 1}, {"ab", 2}}));
  CHECK(now["model"]["merges"].empty());  // a side is gone
  CHECK(now["added_tokens"][1]["id"] == 4);
  CHECK(now["padding"]["pad_id"] == 4);
  CHECK(now["post_processor"]["processors"][0]["special_tokens"]["<s>"]["ids"][0] == 3);
  CHECK(now["post_processor"]["processors"][1]["cls"][1] == 3);
  CHECK(now["post_processor"]["processors"][1]["sep"][1] == 1);
}

TEST_CASE("a SentencePiece model is edited as its own library edits it", "[io][sentencepiece_edit]") {
  const std::string model = read_file(golden("edited/pieces.model"));
  const io::sentencepiece_entry more[] = {{"\u2581lagom", -500, io::sentencepiece_kind::normal},
                                          {"<|x|>", 0, io::sentencepiece_kind::user_defined},
                                          {"<s2>", 0, io::sentencepiece_kind::control}};
  CHECK((must(io::edit_sentencepiece(model, {}, more)) == read_file(golden("edited/pieces_added.model"))));
  const auto kept =
      must(io::load_json(golden("edited/pieces_kept.json"))).get<std::vector<lagom::token_id>>();
  const auto pieces = must(io::sentencepiece_model::parse(model)).pieces.size();
  const auto ids = must(io::map_of_kept(kept, static_cast<lagom::index_t>(pieces)));
  CHECK((must(io::edit_sentencepiece(model, ids, {})) == read_file(golden("edited/pieces_kept.model"))));
  CHECK((must(io::edit_sentencepiece(model, {}, {})) == model));
  io::id_map without_unknown = ids;
  without_unknown[0] = lagom::no_token;
  CHECK(error_of(io::edit_sentencepiece(model, without_unknown, {})).code == errc::unknown_token);
  CHECK_FALSE(io::edit_sentencepiece(model.substr(0, model.size() - 1), {}, {}));
}

TEST_CASE("the files beside tokenizer.json follow it", "[io][tokenizer_files]") {
  const scratch dir;
  const std::string gpt2 = document("gpt2");
  const auto doc = must(io::tokenizer_document::parse(gpt2));
  const auto& want = expected()["gpt2"];
  dir.write("tokenizer.json", gpt2);
  dir.write("vocab.json", *io::vocabulary_json(doc));
  dir.write("merges.txt", *io::merges_txt(doc));
  dir.write("tokenizer.model", "not wire format");
  dir.write("qwen.tiktoken", "x");
  const std::string gone = io::json(doc.tokens()[300].content).dump();
  dir.write("special_tokens_map.json", "{\"bos_token\": {\"content\": " + gone +
                                           "}, \"eos_token\": \"nobody\", \"additional_special_tokens\": [" +
                                           gone + "]}");
  const auto file = [](const io::tokenizer_edits& edits, const std::string& name) {
    for (const auto& f : edits.files) {
      if (f.name == name) return f.text;
    }
    throw std::runtime_error("no edit of " + name);
  };
  const auto added = must(io::add_tokens_to(dir.path(), addition(want["add"])));
  const auto now = must(io::parse_json(*file(added, "tokenizer.json")));
  CHECK(must(io::parse_json(*file(added, "vocab.json"))) == now["model"]["vocab"]);
  const std::string merges = *file(added, "merges.txt");
  CHECK(merges.starts_with("#version: 0.2\n"));
  CHECK(static_cast<std::size_t>(std::count(merges.begin(), merges.end(), '\n')) ==
        now["model"]["merges"].size() + 1);
  CHECK_FALSE(file(added, "tokenizer.model"));
  CHECK_FALSE(file(added, "qwen.tiktoken"));
  CHECK(added.ids.empty());

  // Trimming: one token goes, and with it the roles that it plays.
  const lagom::token_id the = doc.tokens()[300].id;
  std::vector<lagom::token_id> kept;
  for (lagom::token_id id = 0; id < doc.size(); ++id) {
    if (id != the) kept.push_back(id);
  }
  dir.write(
      "tokenizer_config.json",
      R"({"added_tokens_decoder": {"0": {"content": "a"}, ")" + std::to_string(the) +
          R"(": {"content": "the"}, ")" + std::to_string(doc.size() - 1) +
          R"(": {"content": "z"}}, "model_max_length": 1000000000000000019884624838656, "unk_token": )" +
          gone + "}");
  const auto trimmed = must(io::keep_tokens_of(dir.path(), kept));
  CHECK(*file(trimmed, "special_tokens_map.json") ==
        R"({"additional_special_tokens": []})");  // "nobody" would get the id of the next token
  CHECK(*file(trimmed, "tokenizer_config.json") ==
        R"({"added_tokens_decoder": {"0": {"content": "a"}, ")" + std::to_string(doc.size() - 2) +
            R"(": {"content": "z"}}, "model_max_length": 1000000000000000019884624838656})");
  CHECK(trimmed.ids.size() == static_cast<std::size_t>(doc.size()));
  CHECK(trimmed.notes.size() >= 3);

  // Replacement: the class of the old tokenizer goes too.
  dir.write("tokenizer_config.json",
            R"({"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": {"0": {}}, "x": 1})");
  const auto other = must(io::replace_tokenizer_of(dir.path(), document("word_piece")));
  CHECK(*file(other, "tokenizer.json") == document("word_piece"));
  CHECK_FALSE(file(other, "vocab.json"));
  CHECK_FALSE(file(other, "merges.txt"));
  CHECK(*file(other, "tokenizer_config.json") == R"({"tokenizer_class": "PreTrainedTokenizerFast", "x": 1})");
  CHECK(*file(other, "special_tokens_map.json") == R"({"additional_special_tokens": []})");
}
