// SPDX-License-Identifier: MIT
// Edits of JSON texts and of configurations: only what is meant changes.
#include <lagom/io/config_edit.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
namespace io = lagom::io;

TEST_CASE("an edit leaves every other byte as it was", "[io][json_text]") {
  const std::string text =
      "\xEF\xBB\xBF { \"a\" : 1e-05,\n\t\"b\\u00e9\\\"\": [ 1 , {\"x\":\"]}\\\\\"}, [] ],\"c\":{ } , \"d\": "
      "1000000000000000019884624838656}\n";
  auto doc = must(io::json_text::parse(text));
  CHECK(doc.edited() == text);
  CHECK(doc.raw(*doc.find({"a"})) == "1e-05");
  CHECK(doc.raw(*doc.find({"b\xC3\xA9\""})) == "[ 1 , {\"x\":\"]}\\\\\"}, [] ]");
  CHECK(doc.raw(*doc.find({"d"})) == "1000000000000000019884624838656");
  CHECK_FALSE(doc.find({"a", "x"}));
  CHECK_FALSE(doc.find({"e"}));
  std::vector<std::string> elements;
  doc.for_each_element(*doc.find({"b\xC3\xA9\""}),
                       [&](io::json_span s) { elements.emplace_back(doc.raw(s)); });
  CHECK(elements == std::vector<std::string>{"1", "{\"x\":\"]}\\\\\"}", "[]"});
  doc.replace(*doc.find({"a"}), "2");
  const std::string more[] = {"3", "\"y\""};
  doc.append_elements(*doc.find({"b\xC3\xA9\""}), more);
  const std::pair<std::string, std::string> members[] = {{"k\"", "1"}, {"l", "2"}};
  doc.append_members(*doc.find({"c"}), members);
  CHECK(doc.edited() ==
        "\xEF\xBB\xBF { \"a\" : 2,\n\t\"b\\u00e9\\\"\": [ 1 , {\"x\":\"]}\\\\\"}, [], 3, \"y\" "
        "],\"c\":{\"k\\\"\": 1,\"l\": 2 } , \"d\": "
        "1000000000000000019884624838656}\n");
}

TEST_CASE("appended and filtered parts are spaced as their neighbours", "[io][json_text]") {
  const std::string text =
      "{\n  \"m\": {\n    \"a\": 0,\n    \"b\": 1\n  },\n  \"l\": [\n    \"x y\",\n    \"y z\",\n    \"z "
      "x\"\n  ]\n}";
  auto doc = must(io::json_text::parse(text));
  const std::pair<std::string, std::string> member{"c", "2"};
  doc.append_members(*doc.find({"m"}), {&member, 1});
  doc.filter(*doc.find({"l"}), [](std::size_t row) { return row != 1; });
  CHECK(doc.edited() ==
        "{\n  \"m\": {\n    \"a\": 0,\n    \"b\": 1,\n    \"c\": 2\n  },\n  \"l\": [\n    \"x y\",\n    \"z "
        "x\"\n  ]\n}");
  for (const std::string& list : {std::string("[]"), std::string("[ ]"), std::string("[1]"),
                                  std::string("[ 1,2 , 3 ]"), std::string("{\"a\":1, \"b\":{}}")}) {
    for (unsigned mask = 0; mask < 8; ++mask) {
      auto d = must(io::json_text::parse(list));
      d.filter(d.root(), [&](std::size_t row) { return (mask >> row & 1) != 0; });
      const io::json now = must(io::parse_json(d.edited())), was = must(io::parse_json(list));
      std::size_t row = 0, kept = 0;
      for (const auto& [key, value] : was.items()) {
        if ((mask >> row++ & 1) == 0) continue;
        CHECK((was.is_array() ? now[kept] : now[key]) == value);
        ++kept;
      }
      CHECK(now.size() == kept);
    }
  }
}

TEST_CASE("a configuration follows the vocabulary", "[io][config]") {
  std::vector<std::string> notes;
  const auto edit = [&](const std::string& text, const io::config_edit& e, bool needs_size = true) {
    return must(io::edit_config(text, e, needs_size, notes));
  };
  const io::config_edit grow{.old_size = 100, .new_size = 104};
  CHECK(
      edit("{\"z\":1.50, \"vocab_size\": 100, "
           "\"text_config\":{\"vocab_size\":100},\"audio\":{\"vocab_size\":7}}",
           grow) ==
      "{\"z\":1.50, \"vocab_size\": 104, \"text_config\":{\"vocab_size\":104},\"audio\":{\"vocab_size\":7}}");
  CHECK(edit("{\"a\": 1}", grow) == "{\"a\": 1,\"vocab_size\": 104}");
  CHECK(edit("{}", grow) == "{\"vocab_size\": 104}");
  CHECK(edit("{\"text_config\":{\"vocab_size\":100}}", grow) == "{\"text_config\":{\"vocab_size\":104}}");
  CHECK(edit("{\"bos_token_id\":1}", grow, false) == "{\"bos_token_id\":1}");
  const auto code = [&](const std::string& text) {
    auto r = io::edit_config(text, grow, true, notes);
    return r ? errc{255} : r.error().code;
  };
  CHECK(code("{\"vocab_size\": 99}") == errc::size_mismatch);
  CHECK(code("{\"vocab_size\": \"100\"}") == errc::wrong_type);
  CHECK(code("{\"vocab_size\": -100}") == errc::wrong_type);
  CHECK(code("[]") == errc::wrong_type);
  CHECK(code("{\"vocab_size\": 100,}") == errc::bad_json);
  CHECK(code("{\"vocab_size\": 100, \"vocab_size\": 100}") == errc::duplicate_key);
  CHECK(code(std::string(1000, '[')) == errc::too_deep);
  CHECK(notes.empty());

  // Kept: 0 2 3 5 of 6.
  const lagom::token_id kept[] = {0, 2, 3, 5};
  io::config_edit trim{.old_size = 6, .new_size = 4, .ids = must(io::map_of_kept(kept, 6))};
  CHECK(trim.ids == io::id_map{0, -1, 1, 2, -1, 3});
  CHECK(edit("{\"bos_token_id\":0,\"eos_token_id\":[2,4,5],\"pad_token_id\":-1,\"unk_token_id\":null,\"x\":{"
             "\"image_token_index\":3},"
             "\"sep_token_id\":1,\"cls_token_id\":4294967295,\"bad_words_ids\":[[2,3],[3,4]],\"forced_"
             "decoder_ids\":[[1,5],[2,1]],"
             "\"suppress_tokens\":[],\"vocab_size\":6}",
             trim) ==
        "{\"bos_token_id\":0,\"eos_token_id\":[1,3],\"pad_token_id\":-1,\"unk_token_id\":null,\"x\":{\"image_"
        "token_index\":2},"
        "\"sep_token_id\":null,\"cls_token_id\":4294967295,\"bad_words_ids\":[[1,2]],\"forced_decoder_ids\":["
        "[1,3]],"
        "\"suppress_tokens\":[],\"vocab_size\":4}");
  CHECK(notes == std::vector<std::string>{"eos_token_id: token 4 is gone", "sep_token_id: token 1 is gone",
                                          "bad_words_ids: token 4 is gone",
                                          "forced_decoder_ids: token 1 is gone"});
  // What names tokens in other forms.
  notes.clear();
  CHECK(
      edit(
          R"({"lang_to_id":{"<|sw|>": 5, "<|en|>": 1, "<|el|>": 0},"task_to_id": {"b":2},"stop_token_ids":[1,4],
    "force_words_ids":[[[2],[1]],[[4]],[[3,5]]],"sequence_bias":[[[2,3],-1.5],[[1,2],4],[[5],2]],
    "bos_index":3,"padded_vocab_size":6,"label2id":{"a":3},"vocab_size":6})",
          trim) == R"({"lang_to_id":{"<|sw|>": 3, "<|el|>": 0},"task_to_id": {"b":1},"stop_token_ids":null,
    "force_words_ids":[[[1]],[[2,3]]],"sequence_bias":[[[1,2],-1.5],[[3],2]],
    "bos_index":2,"padded_vocab_size":4,"label2id":{"a":3},"vocab_size":4})");
  CHECK(notes ==
        std::vector<std::string>{"lang_to_id.<|en|>: token 1 is gone", "stop_token_ids: token 1 is gone",
                                 "stop_token_ids: token 4 is gone", "force_words_ids: token 1 is gone",
                                 "force_words_ids: token 4 is gone", "sequence_bias: token 1 is gone"});
  // Nested configurations with a vocabulary of their own, and with none.
  notes.clear();
  CHECK(edit(R"({"audio_config":{"vocab_size":2048,"pad_token_id":5,"x":{"bos_token_id":3}},
    "text_config":{"vocab_size":6,"pad_token_id":5},"vision":{"vocab_size":null,"pad_token_id":5}})",
             trim) == R"({"audio_config":{"vocab_size":2048,"pad_token_id":5,"x":{"bos_token_id":3}},
    "text_config":{"vocab_size":4,"pad_token_id":3},"vision":{"vocab_size":null,"pad_token_id":3}})");
  CHECK(notes.empty());
  // Ids beyond the tokenizer, or beyond the matrix, are of no token; what is no id stays.
  CHECK(edit(R"({"pad_token_id":6,"eos_token_id":[7,6],"vocab_size":6})", trim) ==
        R"({"pad_token_id":null,"eos_token_id":null,"vocab_size":4})");
  const io::config_edit rows{.old_size = 6, .new_size = 8, .rows = 6};
  CHECK(edit(R"({"pad_token_id":6,"bos_token_id":5,"image_token_index":-200,"vocab_size":6})", rows) ==
        R"({"pad_token_id":null,"bos_token_id":5,"image_token_index":-200,"vocab_size":8})");
  CHECK(notes.size() == 4);
  // Roles of a replaced tokenizer.
  const io::config_edit roles{
      .old_size = 6, .new_size = 6, .ids = {5, -1}, .roles = {{"bos_token_id", 1}, {"eos_token_id", 2}}};
  CHECK(edit(R"({"bos_token_id":0,"eos_token_id":[0,1],"pad_token_id":0,"sep_token_id":null,"vocab_size":6})",
             roles) ==
        R"({"bos_token_id":1,"eos_token_id":[5,2],"pad_token_id":5,"sep_token_id":null,"vocab_size":6})");
  const lagom::token_id falls[] = {2, 1}, twice[] = {1, 1}, beyond[] = {6};
  CHECK(io::map_of_kept(falls, 6).error().code == errc::bad_value);
  CHECK(io::map_of_kept(twice, 6).error().code == errc::bad_value);
  CHECK(io::map_of_kept(beyond, 6).error().code == errc::out_of_range);
}
