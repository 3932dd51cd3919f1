// SPDX-License-Identifier: MIT
// What a tokenizer.json must be: malformed files, and real ones that look malformed.
#include <lagom/io/describe.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace io = lagom::io;
using io::json;
using lagom::errc;
using lagom::token_id;
using ids_t = std::vector<token_id>;

json small() {
  return json::parse(R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
    "pre_tokenizer":null,"post_processor":null,"decoder":null,
    "model":{"type":"BPE","dropout":null,"unk_token":"?","continuing_subword_prefix":null,"end_of_word_suffix":null,
             "fuse_unk":false,"byte_fallback":false,"vocab":{"?":0,"a":1,"b":2,"ab":3,"c":4,"abc":5},
             "merges":["a b","ab c"]}})");
}

json added(token_id id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

lagom::result<io::hf_tokenizer> parse(const json& document, const io::tokenizer_options& options = {}) {
  return io::hf_tokenizer::parse(document.dump(), options);
}

lagom::failure failure_of(const json& document) {
  auto refused = parse(document);
  if (refused) FAIL("was accepted: " << document.dump());
  CHECK_FALSE(io::describe(refused.error()).empty());
  return refused.error();
}

// The small tokenizer with one member replaced, by JSON pointer.
lagom::failure failure_with(const std::string& where, const json& value) {
  json document = small();
  document[json::json_pointer(where)] = value;
  INFO(where << " = " << value.dump());
  return failure_of(document);
}

}  // namespace

TEST_CASE("the smallest tokenizer works", "[io][tokenizer]") {
  auto tokenizer = parse(small());
  if (!tokenizer) FAIL(io::describe(tokenizer.error()));
  CHECK(tokenizer->encode("abcabx", true) == ids_t{5, 3, 0});
  CHECK(tokenizer->decode(ids_t{5, 3, 0}, false) == "abc ab ?");
  CHECK(tokenizer->size() == 6);
  REQUIRE(tokenizer->bpe() != nullptr);
  CHECK(tokenizer->bpe()->merges().size() == 2);
  CHECK(tokenizer->unigram() == nullptr);
}

TEST_CASE("what is no tokenizer.json is refused with its reason and place", "[io][tokenizer]") {
  CHECK(io::hf_tokenizer::parse("").error().code == errc::bad_json);
  CHECK(io::hf_tokenizer::parse("{\"model\":").error().byte == 9);
  CHECK(io::hf_tokenizer::parse("[]").error().code == errc::wrong_type);
  CHECK(io::hf_tokenizer::parse("{}").error().key.view() == "model");
  CHECK(io::hf_tokenizer::parse(R"({"model":{"vocab":{"a":0,"a":1},"merges":[]}})").error().code ==
        errc::duplicate_key);
  CHECK(io::hf_tokenizer::open("/no/such/tokenizer.json").error().code == errc::cannot_open);

  CHECK(failure_with("/version", "2.0").code == errc::wrong_schema);
  CHECK(failure_with("/model", 3).code == errc::wrong_type);
  CHECK(failure_with("/model/vocab", json::array({"a"})).code == errc::wrong_type);
  CHECK(failure_with("/model/merges", json::object()).code == errc::wrong_type);
  CHECK(failure_with("/model/fuse_unk", "yes").code == errc::wrong_type);
  CHECK(failure_with("/model/dropout", 0.1).code == errc::unsupported);
  CHECK(failure_with("/model/unk_token", "[UNK]").code == errc::unknown_token);
  CHECK(failure_with("/model/unk_token", "[UNK]").key.view() == "model.unk_token");
  json document = small();
  document["model"].erase("vocab");
  CHECK(failure_of(document).key.view() == "model.vocab");
}

TEST_CASE("other models are refused by name", "[io][tokenizer]") {
  for (const char* const type : {"Something", "bpe", ""}) {
    const auto f = failure_with("/model/type", type);
    CHECK(f.code == errc::unsupported);
    CHECK(f.key.view() == std::string("model.type ") + type);
  }
  // Files of a time before the types.
  json document = small();
  document["model"].erase("type");
  CHECK(parse(document));
  document["model"]["vocab"] = json::array({json::array({"a", -1.5})});
  REQUIRE(parse(document));
  CHECK(parse(document)->unigram() != nullptr);
  CHECK(parse(document)->bpe() == nullptr);
  document["model"]["vocab"] = {{"a", 0}};
  document["model"].erase("merges");
  CHECK(failure_of(document).code == errc::unsupported);
}

TEST_CASE("models of words need their members", "[io][tokenizer]") {
  json document = small();
  document["model"] = {{"type", "WordPiece"},
                       {"unk_token", "?"},
                       {"continuing_subword_prefix", "##"},
                       {"max_input_chars_per_word", 5},
                       {"vocab", {{"?", 0}, {"ab", 1}, {"##c", 2}}}};
  auto tokenizer = parse(document);
  if (!tokenizer) FAIL(io::describe(tokenizer.error()));
  CHECK(tokenizer->encode("abc", false) == ids_t{1, 2});
  CHECK(tokenizer->encode("abcccc", false) == ids_t{0});
  REQUIRE(tokenizer->wordpiece() != nullptr);
  CHECK(tokenizer->wordpiece()->options().max_chars == 5);
  for (const char* const key :
       {"unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"}) {
    json without = document;
    without["model"].erase(key);
    CHECK(failure_of(without).code == errc::missing_key);
  }
  json old = document;  // of a time before the types
  old["model"].erase("type");
  REQUIRE(parse(old));
  CHECK(parse(old)->encode("abc", false) == ids_t{1, 2});
  document["model"]["unk_token"] = "!";
  CHECK(failure_of(document).key.view() == "model.unk_token");
  document["model"] = {{"type", "WordLevel"}, {"unk_token", "?"}, {"vocab", {{"?", 3}, {"ab", 1}}}};
  REQUIRE(parse(document));
  CHECK(parse(document)->encode("ab", false) == ids_t{1});
  CHECK(parse(document)->encode("abc", false) == ids_t{3});
  document["model"]["vocab"]["b"] = 3;
  CHECK(failure_of(document).code == errc::duplicate_key);
}

TEST_CASE("scores are read to the bit as the reference reads them", "[io][tokenizer]") {
  using lagom::io::detail::as_serde_reads;
  // Hugging Face tokenizers reads these (Tokenizer.from_str, then to_str) as the numbers on the right.
  CHECK(as_serde_reads("-0.1", -0.1) == -0.1);
  CHECK(as_serde_reads("-1.5e-7", -1.5e-7) == -1.5e-07);
  CHECK(as_serde_reads("-9.474820338676423", -9.474820338676423) == -9.474820338676423);
  CHECK(as_serde_reads("-12.810805901007473", -12.810805901007473) == -12.810805901007472);
  CHECK(as_serde_reads("-3.5203907906032366", -3.5203907906032366) == -3.520390790603237);
  CHECK(as_serde_reads("-10.287703293282899", -10.287703293282899) == -10.2877032932829);
  CHECK(as_serde_reads("-9.237319968891853", -9.237319968891853) == -9.237319968891851);
  CHECK(as_serde_reads("-13.701194757730823", -13.701194757730823) == -13.701194757730825);
  CHECK(as_serde_reads("1e400", 2.5) == 2.5);
}

TEST_CASE("ids are believed only if they can be", "[io][tokenizer]") {
  const auto code = [](const json& id) { return failure_with("/model/vocab/c", id).code; };
  CHECK(code(-1) == errc::out_of_range);
  CHECK(code(2147483648u) == errc::out_of_range);
  CHECK(code(100000000) == errc::out_of_range);
  CHECK(code(18446744073709551615u) == errc::out_of_range);
  CHECK(code(4.0) == errc::wrong_type);
  CHECK(code("4") == errc::wrong_type);
  CHECK(code(2) == errc::duplicate_key);
  CHECK(failure_with("/model/vocab/c", -1).key.view() == "model.vocab \"c\"");

  json document = small();
  document["model"]["vocab"]["z"] = 1000;  // holes are legal
  REQUIRE(parse(document));
  CHECK(parse(document)->size() == 1001);
  CHECK(parse(document)->bytes_of(500).empty());
  CHECK_FALSE(parse(document)->is_token(500));
  CHECK(parse(document)->decode(ids_t{1, 500, -1, 1000, 5000}, false) == "a z");
}

TEST_CASE("a merge that is none is an error, or is left out when asked for", "[io][tokenizer]") {
  const auto refused = [](const json& merge) {
    json document = small();
    document["model"]["merges"] = json::array({"a b", merge, "ab c"});
    auto f = failure_of(document);
    CHECK(f.code == errc::bad_merge);
    CHECK(f.row == 1);
    auto lenient = parse(document, {.skip_bad_merges = true});
    REQUIRE(lenient);
    CHECK(lenient->skipped_merges() == 1);
    CHECK(lenient->encode("abc", false) == ids_t{5});
  };
  refused("ab");
  refused("a  b");
  refused("   ");
  refused(" b");
  refused("a ");
  refused("");
  refused("a x");
  refused("b a");
  refused(json::array({"a"}));
  refused(json::array({"a", "b", "c"}));
  refused(json::array({"a", 2}));
  refused(7);
  refused(nullptr);

  json document = small();
  document["model"]["merges"] = json::array({"#version: 0.2", "a b", json::array({"ab", "c"})});
  REQUIRE(parse(document));
  CHECK(parse(document)->encode("abc", false) == ids_t{5});
  CHECK(parse(document)->skipped_merges() == 0);
}

TEST_CASE("added tokens take the ids that their turn gives them", "[io][tokenizer]") {
  json document = small();
  document["added_tokens"] = json::array({added(3, "ab"), added(6, "<s>"), added(7, "</s>")});
  auto tokenizer = parse(document);
  if (!tokenizer) FAIL(io::describe(tokenizer.error()));
  CHECK(tokenizer->size() == 8);
  CHECK(tokenizer->encode("abc<s>a</s>", false) == ids_t{3, 4, 6, 1, 7});
  CHECK(tokenizer->decode(ids_t{6, 3, 1, 7}, true) == "a");
  CHECK(tokenizer->token_of("<s>") == token_id{6});

  document["added_tokens"] = json::array({added(9, "<s>")});
  auto f = failure_of(document);
  CHECK(f.code == errc::bad_value);
  CHECK(f.key.view() == "added_tokens[0].id");
  CHECK(f.expected == 6);
  CHECK(f.found == 9);
  document["added_tokens"] = json::array({added(4, "ab")});
  CHECK(failure_of(document).code == errc::bad_value);
  document["added_tokens"] = json::array({added(-1, "ab")});
  CHECK(failure_of(document).code == errc::out_of_range);
  document["added_tokens"] = json::array({added(6, "<s>")});
  document["added_tokens"][0].erase("lstrip");
  CHECK(failure_of(document).key.view() == "added_tokens[0].lstrip");
  document["added_tokens"] = json::array({added(6, " ")});
  document["added_tokens"][0]["normalized"] = true;
  document["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
  CHECK(failure_of(document).code == errc::empty);
}

TEST_CASE("components that are not handled exactly are refused by name", "[io][tokenizer]") {
  const auto refused = [](const std::string& where, const json& component) {
    const auto f = failure_with(where, component);
    CHECK(f.code == errc::unsupported);
    return std::string(f.key.view());
  };
  CHECK(refused("/normalizer", {{"type", "Transliterate"}}) == "normalizer Transliterate");
  CHECK(failure_with("/normalizer", {{"type", "Precompiled"}}).code == errc::missing_key);
  for (const char* const broken : {"", "AAAA", "AAAAAA==", "AwAAAGFiY2RlZg==", "=A==", "A-==", "/////w=="}) {
    const json component = {{"type", "Precompiled"}, {"precompiled_charsmap", broken}};
    CHECK(failure_with("/normalizer", component).key.view() == "normalizer.precompiled_charsmap");
  }
  CHECK(refused("/normalizer",
                {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Other"}}}}}) ==
        "normalizer.normalizers[1] Other");
  refused("/normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "a*"}}}, {"content", "b"}});
  refused("/pre_tokenizer", {{"type", "UnicodeScripts"}});
  const json bytes = {{"type", "ByteLevel"}}, marks = {{"type", "Metaspace"}, {"replacement", "_"}};
  refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {bytes, bytes}}});
  refused("/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {bytes, marks}}});
  refused("/decoder", {{"type", "Something"}});
  refused("/post_processor", {{"type", "Something"}});

  CHECK(failure_with("/normalizer", {{"type", "BertNormalizer"}}).key.view() == "normalizer.clean_text");
  CHECK(failure_with("/pre_tokenizer", {{"type", "FixedLength"}, {"length", 0}}).code == errc::bad_value);
  CHECK(failure_with("/decoder", {{"type", "CTC"}}).code == errc::missing_key);
  CHECK(failure_with("/pre_tokenizer", json::object()).key.view() == "pre_tokenizer.type");
  CHECK(failure_with("/pre_tokenizer", 5).code == errc::wrong_type);
  json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "("}}}, {"behavior", "Isolated"}, {"invert", false}};
  const auto f = failure_with("/pre_tokenizer", split);
  CHECK(f.code == errc::bad_pattern);
  CHECK(f.key.view() == "pre_tokenizer.pattern.Regex (");
  for (const char* cut : {"[\\", "[\\x00-\\", "[a-", "\\", "(?", "\\p"}) {
    split["pattern"] = {{"Regex", cut}};
    CHECK(failure_with("/pre_tokenizer", split).code != errc{255});
  }
  split["pattern"] = {{"String", "("}};
  split["behavior"] = "Sideways";
  CHECK(failure_with("/pre_tokenizer", split).code == errc::bad_value);
  split["behavior"] = "Removed";
  split.erase("invert");
  CHECK(failure_with("/pre_tokenizer", split).code == errc::missing_key);
  CHECK(failure_with("/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "__"}}).code ==
        errc::bad_value);
  CHECK(failure_with("/post_processor", {{"type", "BertProcessing"}, {"cls", {"a", 1}}, {"sep", {"z", 99}}})
            .code == errc::unknown_token);
  json deep = {{"type", "Sequence"}, {"normalizers", json::array()}};
  for (int i = 0; i < 80; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
  CHECK(failure_with("/normalizer", deep).code == errc::too_deep);
}

TEST_CASE("a byte-level tokenizer needs no unknown token if it has all letters", "[io][tokenizer]") {
  json document = small();
  document["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  document["model"]["unk_token"] = "[UNK]";
  CHECK(failure_of(document).code == errc::unknown_token);
  document["model"]["unk_token"] = nullptr;
  auto tokenizer = parse(document);
  REQUIRE(tokenizer);
  CHECK(tokenizer->encode("abc \xFF"
                          "b",
                          false) == ids_t{5, 2});  // what is unknown is left out, as the reference does
  document["model"]["byte_fallback"] = true;
  CHECK(failure_of(document).code == errc::unsupported);
  document["model"]["byte_fallback"] = false;

  std::string letters;
  for (int b = 0; b < 256; ++b) {
    letters.clear();
    const char byte = static_cast<char>(static_cast<unsigned char>(b));
    lagom::vocab::append_letters(letters, {&byte, 1});
    auto& vocab = document["model"]["vocab"];
    if (!vocab.contains(letters)) vocab[letters] = vocab.size();
  }
  document["model"]["unk_token"] = "[UNK]";
  document["model"]["byte_fallback"] = true;
  document["model"]["vocab"]["not letters"] = 300;
  tokenizer = parse(document);
  if (!tokenizer) FAIL(io::describe(tokenizer.error()));
  CHECK(tokenizer->size() == 301);
  CHECK(tokenizer->bytes_of(300) == "not letters");
  CHECK(tokenizer->token_of("not letters") == token_id{300});
  CHECK(tokenizer->encode(" abc", false).size() == 2);
}
