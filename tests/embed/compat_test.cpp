// SPDX-License-Identifier: MIT
#include <lagom/io/case_forms.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include "support.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::method;
using embed::plan;
using embed::reason;

TEST_CASE("compat: the head's merge rows are means of input rows", "[embed][compat]") {
  auto e = expand(6, {{"abc", {4, 2}}, {"abcab", {4, 2, 4}}, {"x", {3}}});
  e.rules = {{t(4), t(2), t(6)}, {t(6), t(4), t(7)}};
  const plan p = embed::merge{}(e);
  const auto input = input_rows<double>(), head = head_rows<double>();
  table<double> out(3, 2);
  embed::compat::merge_head_from_input(p, input.view(), head.view(), out.view());
  CHECK(out.data == std::vector<double>{2.5, 0.5, 2.75, -0.25, 6, 2});  // the mean row of x is the head's
  CHECK(applied<double>(p, head).data == std::vector<double>{4, -2, 6, -1, 6, 2});
}

TEST_CASE("compat: many merge rows, one pass", "[embed][compat]") {
  constexpr int n = 50, added = 3000;
  const philox random{8};
  std::uint64_t draws = 0;
  auto e = expand(n, std::vector<newcomer>(added, newcomer{"x", {1}}));
  for (int i = 0; i < added; ++i) {
    const auto side = [&] {  // a source token, or a token that has a rule
      const int id = static_cast<int>(random.below(static_cast<std::uint64_t>(n + i), 0, draws++));
      return t(id < n || (id - n) % 3 != 0 ? id : id % n);
    };
    if (i % 3 != 0) e.rules.push_back({side(), side(), t(n + i)});
  }
  const plan p = embed::merge{}(e);
  table<bf16> input(n, 5), head(n, 5), out(added, 5);
  input.data = normal<bf16>(input.data.size(), 1);
  head.data = normal<bf16>(head.data.size(), 2);
  embed::compat::merge_head_from_input(p, input.view(), head.view(), out.view());
  const auto from_input = applied<bf16>(p, input), from_head = applied<bf16>(p, head);
  std::size_t merged = 0;
  for (index_t r = 0; r < added; ++r) {
    const bool by_merge = p.made_by(static_cast<std::size_t>(r)) == method::merge;
    merged += by_merge ? 1u : 0u;
    for (index_t c = 0; c < 5; ++c) {
      REQUIRE(out.at(r, c).bits == (by_merge ? from_input : from_head).at(r, c).bits);
    }
  }
  CHECK(merged == 2000);
}

TEST_CASE("compat: overlap but for case", "[embed][compat]") {
  expansion e;
  e.source_size = 8;
  for (const char* text : {"zero", " The", " the", " THE", "\xC3\x84ra", "same", "x", "x"}) {
    e.source_bytes.push_back(std::string(text));
  }
  const std::vector<std::pair<std::string, int>> tokens{
      {" tHE", -1}, {"ZERO", -1}, {"\xC3\xA4RA", -1}, {"same", 5}, {"SAME", -1},
      {"the", -1},  {"", -1},     {"X", -1},          {" The", 1}, {"\xC3", -1}};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    e.wanted.push_back(t(static_cast<int>(i)));
    e.same.push_back(s(tokens[i].second));
    e.bytes.push_back(tokens[i].first);
  }
  e.target_size = static_cast<index_t>(tokens.size());
  const auto found = embed::compat::lower_case_overlap(e, io::lower_case);
  // " the" is the last in the order of bytes; 0 counts as none; equal bytes: the largest id
  const std::vector<source_id> expected{s(2), s(-1), s(4), s(5), s(5), s(-1), s(-1), s(7), s(1), s(-1)};
  CHECK(found == expected);
  // The expansion itself is as it was, and an initializer copies what the overlap says.
  CHECK(e.same[0] == source_id::none);
  e.same = found;
  const plan p = embed::source_mean{}(e);
  CHECK(p.made_by(0) == method::copy);
  CHECK(p.row(0)[0] == embed::term{s(2), 1});
  CHECK(p.made_by(1) == method::source_mean);
  e.source_bytes.clear();
  e.same.clear();
  CHECK(embed::compat::lower_case_overlap(e, io::lower_case) == std::vector<source_id>(10, source_id::none));
}

TEST_CASE("compat: the mean of a token's raw entry", "[embed][compat]") {
  // GPT-2: the entry of " you" is spelled with a letter for the blank, and that letter is two bytes.
  const auto tokenizer = must(io::hf_tokenizer::open(golden("tokenizers/gpt2.json")));
  const auto ids = [&](std::string_view text) {
    std::vector<source_id> out;
    tokenizer.encode(text, [&](token_id id) { out.push_back(static_cast<source_id>(id)); });
    return out;
  };
  const std::string letter = "\xE0\xA6\x95", raw_blank = "\xC4\xA0", raw_letter = "\xC3\xA0\xC2\xA6\xC4\xB7";
  auto e = expand(static_cast<int>(tokenizer.size()), {{" a", {}}, {letter, {}}, {"", {}}});
  e.pieces.clear();
  e.pieces.push_back(ids(" a"));
  e.pieces.push_back(ids(letter));
  e.pieces.push_back({});
  const std::vector<std::string> raw{raw_blank + "a", raw_letter, ""};
  const plan p = embed::compat::mean_raw_string{[&](target_id id) {
    return ids(raw[lagom::vocab::row_of(id) - lagom::vocab::row_of(e.wanted[0])]);
  }}(e);
  CHECK(p.made_by(0) == method::mean);
  CHECK(p.row(1).size() == ids(raw_letter).size());
  CHECK(ids(raw_letter).size() == 6);  // six bytes of Latin letters
  const auto junk = ids(raw_letter);
  const auto pieces = ids(letter);
  for (const source_id id : pieces) CHECK(std::find(junk.begin(), junk.end(), id) == junk.end());
  CHECK(embed::mean{}(e).row(1).size() == pieces.size());
  CHECK(p.reason(2) == reason::no_pieces);

  table<float> source(static_cast<index_t>(tokenizer.size()), 3);
  source.data = normal<float>(source.data.size(), 1);
  const auto rows = applied<bf16>(p, source);
  for (index_t c = 0; c < 3; ++c) {
    CHECK(rows.at(2, c).bits == 0x7FC0);  // nothing to average
    CHECK((rows.at(1, c).bits & 0x7F80) != 0x7F80);
  }
  const auto report = embed::inspect(source.view(), rows.view());
  CHECK(report.not_finite == std::vector<index_t>{2});
}

TEST_CASE("compat: weights by place, the other way round", "[embed][compat]") {
  const auto e = expand(3, {{"abc", {0, 1, 2}}});
  const plan intended = embed::subword{embed::subword::weighted_mean_input}(e);
  const plan released = embed::subword{embed::compat::weighted_mean_input}(e);
  CHECK(intended.row(0)[0].weight == 1.0f / 6);
  CHECK(released.row(0)[0].weight == 0.5f);
  CHECK(embed::subword{embed::compat::first_last_input}(e).row(0)[0].id == s(0));
  CHECK(embed::subword{embed::subword::first_last_input}(e).row(0)[0].id == s(2));
  CHECK(embed::compat::weighted_mean_head == embed::subword::weighted_mean_input);
  CHECK(embed::compat::first_last_head == embed::subword::first_last_input);
}
