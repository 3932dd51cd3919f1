// SPDX-License-Identifier: MIT
// Drafters that were trained on some texts are kept more often after others; the texts stay what they are.
#include "fit_drafters/measure.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace fit_drafters;
using lagom_test::must;

namespace {

const std::string texts = LAGOM_EXAMPLE_MODELS "/../expand_vocabulary";

}  // namespace

TEST_CASE("every fifth line is held out, and a label may have several files", "[fit_drafters]") {
  const lagom_test::scratch dir;
  const auto tokenizer = must(lagom::io::hf_tokenizer::open(LAGOM_EXAMPLE_MODELS "/main/tokenizer.json"));
  const std::string a = dir.write("a", "one\ntwo\n\nthree\nfour\nfive\n"),
                    b = dir.write("b", "six\nseven\r\n");
  const auto read = read_texts({"x=" + a, "y=" + texts + "/english.txt", "x=" + b}, tokenizer, {.prompt = 5});
  REQUIRE(read.size() == 2);
  CHECK(read[0].label == "x");
  REQUIRE(read[0].train.size() == 6);
  REQUIRE(read[0].held_out.size() == 1);
  CHECK(read[0].held_out[0] == tokenizer.encode("five", true));
  CHECK(read[0].train[5] == tokenizer.encode("seven", true));
  lagom::text_profile profile;
  for (const char* line : {"one", "two", "three", "four", "six", "seven"}) profile.push(line);
  CHECK(read[0].profile == profile);
  CHECK(read[1].train.size() == 80);
  CHECK(read[1].held_out.size() == 20);
  for (const tokens& t : read[1].train) CHECK(t.size() == 5);
  const auto few = read_texts({"y=" + texts + "/english.txt"}, tokenizer, {.lines = 3, .held_out = 2});
  CHECK(few[0].train.size() == 3);
  CHECK(few[0].held_out.size() == 2);
}

TEST_CASE("recorded states are those of the text, and trained drafters are kept more often",
          "[fit_drafters]") {
  const auto spoken = must(decoder::language_model<float>::load(LAGOM_EXAMPLE_MODELS "/main"));
  const model& network = spoken->network;
  const auto languages = read_texts({"second=" + texts + "/second_language.txt"}, spoken->tokenizer,
                                    {.lines = 24, .held_out = 6});
  const limits until{.most = 32};
  const std::vector<int> layers{2, 7};
  const auto states = record(network, languages[0].train, until, layers, 2, "recording");
  CHECK(states.layers() == 3);
  CHECK(states.rows() == 24 * (16 + 32));

  // The third text, position by position: the same states, and the last layer says the next token of the continuation.
  const tokens& prompt = languages[0].train[2];
  sequence s = after(network, prompt, until);
  const tokens said = full_depth(s, prompt.back(), until);
  tokens whole = prompt;
  whole.insert(whole.end(), said.begin(), said.end());
  sequence again(network, 64);
  for (std::size_t p = 0; p < whole.size(); ++p) {
    must(again.feed(whole[p]));
    const lagom::index_t row = 2 * 48 + static_cast<lagom::index_t>(p);
    int column = 0;
    for (int l = 0; l < 14; ++l) {
      again.block(l, again.length() - 1, 1);
      if (l != 1 && l != 6 && l != 13) continue;
      const auto seen = again.hidden(again.length() - 1),
                 stored = states.at(row, lagom::layer_index(column++));
      REQUIRE(std::equal(seen.data(), seen.data() + seen.size(), stored.data()));
    }
    if (p + 1 >= prompt.size() && p + 1 < whole.size())
      REQUIRE(again.probe(again.hidden(again.length() - 1)).top == whole[p + 1]);
  }

  const auto fitted = network.with_head([&](const auto& head) {
    return must(lagom::fit(lagom::exit_modules_config{.target = lagom::module_target::token,
                                                      .epochs = 4,
                                                      .optimizer = {.learning_rate = 2e-3},
                                                      .max_rows = 0},
                           states, head));
  });
  lagom::exit_modules modules(14, fitted.model.shape(), fitted.model.norm_weight(), fitted.model.epsilon());
  modules.set(1, fitted.model.parameters(0));
  judge judged(network, languages[0].held_out, until);
  kept_drafts own, trained, untrained;
  judged.drafts(own, 2, 4, lagom::own_head{});
  judged.drafts(trained, 2, 4, lagom::module_head<float, lagom::native>(modules));
  judged.drafts(untrained, 7, 4, lagom::module_head<float, lagom::native>(modules));
  CHECK(trained.share() > own.share() + 0.05);
  CHECK(trained.acceptance() > own.acceptance());
  CHECK(own.drafted >= own.tried);
  CHECK(own.tried >= own.kept);
  kept_drafts own_deeper;
  judged.drafts(own_deeper, 7, 4, lagom::own_head{});
  CHECK(untrained.kept == own_deeper.kept);
}
