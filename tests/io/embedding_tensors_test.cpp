// SPDX-License-Identifier: MIT
// Finding embedding, head and biases in the layouts of many families.
#include <lagom/io/embedding_tensors.hpp>
#include <lagom/io/safetensors_writer.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
namespace io = lagom::io;

namespace {

struct stored {
  const char* name;
  std::vector<std::uint64_t> shape;
  float fill = 1;
};

// What `find_embeddings` says of a checkpoint with these tensors.
lagom::result<io::embedding_tensors> found(const std::vector<stored>& tensors, const std::string& config,
                                           const io::embedding_names& names = {}) {
  const scratch dir;
  std::vector<std::vector<float>> data;
  io::safetensors_writer out;
  for (const stored& t : tensors) {
    std::uint64_t n = 1;
    for (const auto d : t.shape) n *= d;
    data.emplace_back(n, t.fill);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) out.add<float>(tensors[i].name, tensors[i].shape, data[i]);
  REQUIRE(out.write(dir.file("model.safetensors")));
  const auto weights = must(io::checkpoint::open(dir.path()));
  return io::find_embeddings(weights, must(io::parse_json(config)), names);
}

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("input embedding, head and biases by the names of the families", "[io][embedding_tensors]") {
  const auto check = [](const std::vector<stored>& tensors, const std::string& config, const list& inputs,
                        const list& heads, const list& biases, bool tied) {
    const auto e = must(found(tensors, config));
    CHECK(e.inputs == inputs);
    CHECK(e.heads == heads);
    CHECK(e.biases == biases);
    CHECK(e.tied == tied);
    CHECK(e.input_rows == 8);
    return e;
  };
  const stored other{"model.layers.0.mlp.up_proj.weight", {8, 4}};
  check({{"model.embed_tokens.weight", {8, 4}}, {"lm_head.weight", {8, 4}, 2}, other},
        R"({"vocab_size":8,"tie_word_embeddings":false})", {"model.embed_tokens.weight"}, {"lm_head.weight"},
        {}, false);
  check({{"model.embed_tokens.weight", {8, 4}}, other}, R"({"vocab_size":8,"tie_word_embeddings":true})",
        {"model.embed_tokens.weight"}, {}, {}, true);
  // No head stored, whatever the configuration says; a stored copy of a tied one is edited too.
  check({{"model.embed_tokens.weight", {8, 4}}}, R"({"vocab_size":8,"tie_word_embeddings":false})",
        {"model.embed_tokens.weight"}, {}, {}, true);
  check({{"model.embed_tokens.weight", {8, 4}}, {"lm_head.weight", {8, 4}}},
        R"({"tie_word_embeddings":true})", {"model.embed_tokens.weight", "lm_head.weight"}, {}, {}, true);
  check({{"model.embed_tokens.weight", {8, 4}}, {"lm_head.weight", {8, 4}}},
        R"({"tie_word_embeddings":false})", {"model.embed_tokens.weight"}, {"lm_head.weight"}, {}, false);
  check({{"wte.weight", {8, 4}}, {"wpe.weight", {8, 4}}}, R"({"vocab_size":8})", {"wte.weight"}, {}, {},
        true);
  check({{"transformer.wte.weight", {8, 4}}, {"lm_head.weight", {8, 4}, 2}, {"lm_head.bias", {8}}},
        R"({"vocab_size":8})", {"transformer.wte.weight"}, {"lm_head.weight"}, {"lm_head.bias"}, false);
  check({{"gpt_neox.embed_in.weight", {8, 4}}, {"embed_out.weight", {8, 4}, 2}}, R"({"vocab_size":8})",
        {"gpt_neox.embed_in.weight"}, {"embed_out.weight"}, {}, false);
  check({{"transformer.word_embeddings.weight", {8, 4}}}, "{}", {"transformer.word_embeddings.weight"}, {},
        {}, true);
  check({{"bert.embeddings.word_embeddings.weight", {8, 4}},
         {"bert.embeddings.position_embeddings.weight", {8, 4}},
         {"cls.predictions.bias", {8}},
         {"cls.predictions.decoder.bias", {8}}},
        "{}", {"bert.embeddings.word_embeddings.weight"}, {},
        {"cls.predictions.bias", "cls.predictions.decoder.bias"}, true);
  check({{"shared.weight", {8, 4}}, {"lm_head.weight", {8, 4}, 2}, {"encoder.embed_tokens.weight", {8, 4}}},
        R"({"tie_word_embeddings":false})", {"shared.weight", "encoder.embed_tokens.weight"},
        {"lm_head.weight"}, {}, false);
  check({{"model.shared.weight", {8, 4}}, {"final_logits_bias", {1, 8}}}, "{}", {"model.shared.weight"}, {},
        {"final_logits_bias"}, true);
  const auto two =
      check({{"language_model.model.embed_tokens.weight", {8, 4}}, {"language_model.lm_head.weight", {6, 4}}},
            R"({"text_config":{"vocab_size":6,"tie_word_embeddings":false}})",
            {"language_model.model.embed_tokens.weight"}, {"language_model.lm_head.weight"}, {}, false);
  CHECK(two.head_rows == 6);
  CHECK(two.vocab_size == 6);
  CHECK(two.width == 4);
  CHECK(io::require_rows(two, 6));
  CHECK(io::require_rows(two, 7).error().key.view() == "language_model.lm_head.weight");
  CHECK(io::require_rows(two, 9).error().expected == 9);
}

TEST_CASE("a layout that is not known is refused with its candidates", "[io][embedding_tensors]") {
  const auto error = [](auto r) { return r ? lagom::failure{.code = errc{255}} : r.error(); };
  const std::vector<stored> odd{
      {"odd.table", {8, 4}}, {"odd.out", {8, 5}, 2}, {"odd.mid", {9, 4}}, {"odd.bias", {8}}};
  const auto unknown = error(found(odd, R"({"vocab_size":8})"));
  CHECK(unknown.code == errc::unsupported);
  CHECK(unknown.key.view() == "this layout without a known input embedding (candidates: odd.out, odd.table)");
  const auto named =
      must(found(odd, R"({"vocab_size":8})", {.input = "odd.table", .head = "odd.out", .bias = "odd.bias"}));
  CHECK(named.inputs == list{"odd.table"});
  CHECK(named.heads == list{"odd.out"});
  CHECK(named.biases == list{"odd.bias"});
  CHECK(error(found(odd, "{}", {.input = "odd.none"})).code == errc::missing_tensor);
  CHECK(error(found(odd, "{}", {.input = "odd.bias"})).code == errc::wrong_shape);
  CHECK(error(found(odd, "{}", {.input = "odd.mid", .bias = "odd.bias"})).code == errc::wrong_shape);
  const std::vector<stored> two{{"encoder.embed_tokens.weight", {8, 4}},
                                {"decoder.embed_tokens.weight", {8, 4}, 2}};
  CHECK(error(found(two, "{}")).code == errc::unsupported);
  CHECK(must(found(two, "{}", {.input = "decoder.embed_tokens.weight"})).inputs ==
        list{"decoder.embed_tokens.weight"});
  const std::vector<stored> lies{{"wte.weight", {8, 4}}, {"lm_head.weight", {8, 4}, 2}};
  CHECK(error(found(lies, R"({"tie_word_embeddings":true})")).code == errc::bad_value);
  CHECK_FALSE(must(found(lies, R"({"tie_word_embeddings":true})", {.tied = false})).tied);
  CHECK(error(found(lies, R"({"tie_word_embeddings":1})")).code == errc::wrong_type);
  CHECK(error(found(lies, R"({"vocab_size":-8})")).code == errc::wrong_type);
  const std::vector<stored> scaled{
      {"wte.weight", {8, 4}}, {"lm_head.weight", {8, 4}, 2}, {"lm_head.weight_scale", {8, 1}}};
  const auto scales = error(found(scaled, "{}"));
  CHECK(scales.code == errc::unsupported);
  CHECK(scales.key.view() == "lm_head.weight_scale beside lm_head.weight");
}

TEST_CASE("the height of a matrix", "[io][row_edit]") {
  CHECK(io::padded_height(32100, 8) == 32104);
  CHECK(io::padded_height(32100, 64) == 32128);
  CHECK(io::padded_height(128356, 8) == 128360);
  CHECK(io::padded_height(256100, 8) == 256104);
  CHECK(io::padded_height(5, 0) == 5);
  CHECK(io::padded_height(0, 8) == 0);
}
