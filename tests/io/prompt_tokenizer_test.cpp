// SPDX-License-Identifier: MIT
// Tokenizers of files under the mask policies: the law on real tokenizers, and control tokens kept out of contents.
#include <lagom/io/prompt_tokenizer.hpp>
#include <lagom/prompt/budget.hpp>
#include <lagom/prompt/isolated.hpp>
#include <lagom/prompt/script_estimator.hpp>

#include <cstdlib>
#include <fstream>

#include "prompt/support.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

namespace io = lagom::io;
using namespace lagom::prompt;
using lagom::token_id;
using lagom_test::draws;
using lagom_test::golden;
using lagom_test::must;
using ids_t = std::vector<token_id>;

static_assert(row_tokenizer<const io::prompt_tokenizer> && offset_tokenizer<const io::prompt_tokenizer>);
static_assert(lagom::token_counter<io::prompt_tokenizer> && lagom::tokenizer<io::prompt_tokenizer>);

// Trained bytes are the bytes under trained tokens, but for straddlers and what no token covers. Gives how many
// tokens straddle.
std::size_t check_law(const lagom::prompt::segment_list& prompt, const io::prompt_tokenizer& tokenizer,
                      token_row& row) {
  joint{}(prompt, tokenizer, row);
  std::vector<char> trained, under_trained;
  for (const segment& s : prompt.all) trained.insert(trained.end(), s.text.size(), s.trained ? 1 : 0);
  under_trained.assign(trained.size(), 0);
  std::vector<char> loose(trained.size(), 1);  // under a straddler, or under none
  std::size_t at = 0, next = 0;
  tokenizer.encode_offsets(row.text, [&](token_id id, std::size_t begin, std::size_t end) {
    const bool straddles = next < row.straddlers.size() && row.straddlers[next].token == at;
    next += straddles ? 1u : 0u;
    CHECK(row.ids[at] == id);
    for (std::size_t b = begin; b < end && !straddles; ++b) loose[b] = 0;
    for (std::size_t b = begin; b < end && row.labels[at] >= 0; ++b) under_trained[b] = 1;
    ++at;
  });
  CHECK(at == row.ids.size());
  bool law = true;
  std::size_t uncovered = 0;
  for (std::size_t b = 0; b < trained.size(); ++b) {
    if (loose[b] == 0) law = law && trained[b] == under_trained[b];
    uncovered += loose[b] != 0 && trained[b] != 0 ? 1u : 0u;
  }
  CHECK(law);
  CHECK(row.uncovered <= uncovered);
  return row.straddlers.size();
}

std::vector<std::string> texts() {
  const io::json all = must(io::load_json(golden("tokenizers/texts.json")));
  std::vector<std::string> out;
  for (const auto& t : all) out.push_back(t.get<std::string>());
  return out;
}

std::size_t ceil_to_char(const std::string& text, std::size_t at) {
  while (floor_to_code_point(text, at) != at) ++at;
  return at;
}

}  // namespace

TEST_CASE("special tokens in a user's text are text, as the reference encodes it", "[io][prompt]") {
  const io::json expected = must(io::load_json(golden("plain/expected.json")));
  REQUIRE(expected.size() >= 16);
  for (const auto& [family, rows] : expected.items()) {
    INFO(family);
    const io::hf_tokenizer tokenizer = must(io::hf_tokenizer::open(golden("tokenizers/" + family + ".json")));
    const io::prompt_tokenizer tokens(tokenizer);
    for (const auto& row : rows) {
      const auto text = row[0].get<std::string>();
      INFO(text);
      ids_t whole, plain;
      tokens.encode(text, [&](token_id id) { whole.push_back(id); });
      tokens.encode_plain(text, [&](token_id id) { plain.push_back(id); });
      CHECK(whole == row[1].get<ids_t>());
      CHECK(plain == row[2].get<ids_t>());
      CHECK(tokens.count(text) == whole.size());
    }
  }
}

TEST_CASE("labels keep the mask law under every kind of tokenizer", "[io][prompt]") {
  const std::vector<std::string> words = texts();
  token_row row;
  for (const char* const family : {"bert", "flags", "gemma", "gpt2", "llama2", "llama3", "metaspace", "neox",
                                   "phi3", "prefix", "qwen2", "roberta", "suffix", "unigram", "word_level"}) {
    INFO(family);
    const io::hf_tokenizer tokenizer =
        must(io::hf_tokenizer::open(golden(std::string("tokenizers/") + family + ".json")));
    const io::prompt_tokenizer tokens(tokenizer);
    std::size_t straddlers = 0;
    for (std::uint64_t round = 0; round < 60; ++round) {
      draws d{.stream = round};
      lagom_test::generated_prompt g(d, "the day\n ", words);
      straddlers += check_law(g.prompt, tokens, row);
      isolated{}(g.prompt, tokens, row);
      CHECK(row.straddlers.empty());
    }
    CHECK(straddlers > 0);
  }
}

TEST_CASE("byte offsets agree with the reference's characters", "[io][prompt]") {
  for (const char* const family : {"gpt2", "llama2", "llama3", "metaspace", "qwen2", "smollm", "falcon"}) {
    INFO(family);
    const io::hf_tokenizer tokenizer =
        must(io::hf_tokenizer::open(golden(std::string("tokenizers/") + family + ".json")));
    const io::prompt_tokenizer tokens(tokenizer);
    std::size_t spelled = 0;
    for (const std::string& text : texts()) {
      INFO(text);
      std::vector<span> bytes, chars;
      ids_t ids, reference_ids;
      REQUIRE(tokens.encode_offsets(text, [&](token_id id, std::size_t b, std::size_t e) {
        ids.push_back(id);
        bytes.push_back({b, e});
      }));
      std::vector<std::size_t> begins;
      for (std::size_t at = 0; at < text.size(); at += lagom::decode_utf8(text, at).length)
        begins.push_back(at);
      begins.push_back(text.size());
      tokenizer.encode_with_offsets(text, [&](const io::token_span& s) {
        reference_ids.push_back(s.token);
        chars.push_back({begins.at(s.char_begin), begins.at(std::min(s.char_end, begins.size() - 1))});
      });
      REQUIRE(ids == reference_ids);
      // The reference may leave out a token's spaces, and gives all of a character for a part of it.
      std::size_t covered = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        covered += bytes[i].size();
        const std::size_t from = floor_to_code_point(text, bytes[i].begin),
                          to = ceil_to_char(text, bytes[i].end);
        if (chars[i].size() > 0 && bytes[i].size() > 0) CHECK((from <= chars[i].begin && chars[i].end <= to));
      }
      spelled += covered == text.size() ? 1u : 0u;
    }
    CHECK(spelled > 3);
  }
}

TEST_CASE("the shipped tokenizer makes rows of a prompt", "[io][prompt]") {
  const io::hf_tokenizer tokenizer =
      must(io::hf_tokenizer::open(LAGOM_GOLDEN "/../../../examples/model/main/tokenizer.json"));
  const io::prompt_tokenizer tokens(tokenizer);
  const lagom::prompt::segment_list prompt{
      {{.text = "Question: ", .origin = origin::literal},
       {.text = "what is <|endoftext|>?", .origin = origin::content},
       {.text = "\nAnswer:", .origin = origin::literal},
       {.text = " the end", .trained = true, .origin = origin::content},
       {.text = "<|endoftext|>", .trained = true, .origin = origin::literal}}};
  token_row row;
  CHECK(isolated{{.end = 0}}(prompt, tokens, row) == row_verdict::ok);
  CHECK(std::count(row.ids.begin(), row.ids.end(), 0) == 1);
  CHECK(tokenizer.decode(row.ids, false) == text_of(prompt));
  ids_t trained;
  for (const token_id label : row.labels) {
    if (label != -100) trained.push_back(label);
  }
  CHECK(tokenizer.decode(trained, false) == " the end<|endoftext|>");
  CHECK(joint{.labels = {.end = 0}}(prompt, tokens, row) == row_verdict::injected);
}

TEST_CASE("control pieces of SentencePiece are found in literals alone", "[io][prompt]") {
  const auto file = must(io::open_tokenizer(golden("sentencepiece/unigram_bytes.model")));
  const io::prompt_tokenizer tokens(file);
  ids_t whole, plain;
  const std::string text = "</s>a b<s>";
  tokens.encode(text, [&](token_id id) { whole.push_back(id); });
  tokens.encode_plain(text, [&](token_id id) { plain.push_back(id); });
  REQUIRE(whole.size() > 2);
  CHECK(tokens.is_control(whole.front()));
  CHECK(tokens.bytes_of(whole.front()) == "</s>");
  CHECK(tokens.bytes_of(whole.back()) == "<s>");
  CHECK(std::none_of(plain.begin(), plain.end(), [&](token_id id) { return tokens.is_control(id); }));
  const lagom::prompt::segment_list prompt{{{.text = "a b ", .origin = origin::content},
                                          {.text = "b a", .trained = true, .origin = origin::content},
                                          {.text = "</s>", .trained = true, .origin = origin::literal}}};
  token_row row;
  const token_id end = whole.front();
  CHECK(joint{.labels = {.end = end}}(prompt, tokens, row) == row_verdict::ok);
  check_law(prompt, tokens, row);
  CHECK(isolated{{.end = end}}(prompt, tokens, row) == row_verdict::ok);
}

TEST_CASE("estimates by script are near real counts", "[io][prompt]") {
  const char* const data = std::getenv("LAGOM_TEST_DATA");
  if (data == nullptr) {
    WARN("LAGOM_TEST_DATA is not set: estimates are not compared with real tokenizers");
    return;
  }
  const std::string root = data;
  for (const char* const name : {"phi3_mini", "falcon", "phi2_codegen"}) {
    const auto file = must(io::open_tokenizer(root + "/tokenizers/" + name + "_tokenizer.json"));
    const io::prompt_tokenizer tokens(file);
    for (const char* const text : {"src.eng", "ref.swa", "ref.ell", "ref.hin"}) {
      std::ifstream in(root + "/text/newstest2019-" + text + ".txt");
      std::size_t real = 0, estimated = 0, learned = 0, under = 0, lines = 0;
      std::vector<std::string> rest;
      script_calibration calibration;
      for (std::string line; std::getline(in, line); ++lines) {
        const std::size_t n = tokens.count(line);
        real += n;
        estimated += script_estimator{}.count(line);
        under += script_estimator{{}, 1.5}.count(line) >= n ? 1u : 0u;
        if (lines < 200) {
          calibration.push(line, n);
        } else {
          rest.push_back(line);
        }
      }
      REQUIRE(lines > 1000);
      const script_estimator calibrated{calibration.apply()};
      std::size_t real_rest = 0;
      for (const std::string& line : rest) {
        learned += calibrated.count(line);
        real_rest += tokens.count(line);
      }
      const double ratio = static_cast<double>(estimated) / static_cast<double>(real);
      const double ratio_learned = static_cast<double>(learned) / static_cast<double>(real_rest);
      CAPTURE(name, text, ratio, ratio_learned, under, lines);
      CHECK(ratio > 0.65);
      CHECK(ratio < 1.7);
      CHECK(ratio_learned > 0.95);
      CHECK(ratio_learned < 1.05);
      CHECK(under * 10 > lines * 8);
    }
  }
}
