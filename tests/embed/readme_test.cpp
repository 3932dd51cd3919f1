// SPDX-License-Identifier: MIT
// From a tokenizer and a corpus to new rows, as the README says it.
#include <lagom/vocab.hpp>

#include "support.hpp"

using namespace lagom_test;
using namespace lagom::vocab;
using lagom::embed::method;

namespace {

bpe letters() {
  token_table tokens;
  lagom::token_id next = 0;
  for (const char* text : {"a", "b", "c", " ", "ab", " a"}) REQUIRE(tokens.add(next++, text));
  auto model = bpe::make(std::move(tokens), {{0, 1, 4}, {3, 0, 5}});
  REQUIRE(model);
  return std::move(*model);
}

}  // namespace

TEST_CASE("tokens are picked, and their rows made", "[embed][readme]") {
  const bpe source = letters();
  const std::vector<std::pair<std::string, std::uint64_t>> corpus{{"abc", 9}, {" abc", 5}, {"bcc", 2}};
  expand_options options;
  options.tokens = 2;
  const auto expanded = lagom::vocab::expand(source, corpus, options);
  REQUIRE(expanded);
  const expansion& expansion = expanded->change;
  REQUIRE(expansion.rows() == 2);
  REQUIRE(expansion.source_bytes.size() == 6);
  CHECK(std::string(expansion.source_bytes[5].begin(), expansion.source_bytes[5].end()) == " a");

  const auto rows = input_rows<float>();
  const auto source_rows = rows.view();
  table<float> made(2, 2);
  const auto new_rows = made.view();

  auto plan = lagom::embed::align{}(expansion);
  lagom::embed::apply(plan, source_rows, new_rows);

  CHECK(expansion.bytes_of(0) == "abc");
  CHECK(plan.made_by(0) == method::mean);  // appended: what it covers is what its bytes are
  CHECK(made.at(0, 0) == 2.5f);            // ab (3, -1) and c (2, 2)
  CHECK(made.at(0, 1) == 0.5f);
}

TEST_CASE("a vocabulary is replaced: shared rows copied, the rest made", "[embed][readme]") {
  const bpe source = letters();
  token_table tokens;
  lagom::token_id next = 0;
  for (const char* text : {"c", "b", "a", "ab", "abc", "x"}) REQUIRE(tokens.add(next++, text));
  const auto target = bpe::make(std::move(tokens), {{2, 1, 3}, {3, 0, 4}});
  REQUIRE(target);
  const auto change = replace(source, *target);
  REQUIRE(change);
  CHECK(change->source_bytes.size() == 6);
  const auto plan = lagom::embed::merge{}(*change);
  const auto out = applied<float>(plan, input_rows<float>());
  CHECK(plan.made_by(3) == method::copy);
  CHECK(plan.made_by(4) == method::merge);
  CHECK(plan.made_by(5) == method::script_gaussian);  // Latin inside a word: a, b, c, ab
  CHECK(plan.group(1).size() == 4);
  CHECK(out.at(0, 0) == 2);
  CHECK(out.at(2, 0) == 1);
  CHECK(out.at(4, 0) == 2.5f);
}
