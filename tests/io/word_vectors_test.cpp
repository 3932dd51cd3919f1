// SPDX-License-Identifier: MIT
#include <lagom/io/fasttext.hpp>
#include <lagom/io/json.hpp>
#include <lagom/io/word_vectors.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

namespace {

using lagom::errc;
using lagom::io::fasttext;
using lagom::io::word_vectors;
using lagom_test::must;

struct expected {
  lagom::io::json record =
      must(lagom::io::parse_json(lagom_test::read_file(lagom_test::golden("fasttext/expected.json"))));
  lagom::io::safetensors vectors =
      must(lagom::io::safetensors::open(lagom_test::golden("fasttext/expected.safetensors")));
};

std::string model_bytes(const std::string& name = "subwords.bin") {
  return lagom_test::read_file(lagom_test::golden("fasttext/" + name));
}

errc why(const std::string& bytes) {
  const auto r = fasttext::parse(bytes);
  REQUIRE_FALSE(r);
  CHECK_FALSE(lagom::io::describe(r.error()).empty());
  return r.error().code;
}

// Overwrites bytes at a place.
template <class T>
std::string with(std::string bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

lagom::failure refused(const std::string& text) {
  const auto r = word_vectors::parse(text);
  REQUIRE_FALSE(r);
  return r.error();
}

}  // namespace

TEST_CASE("fastText models give fastText's vectors, to the bit", "[io][fasttext]") {
  const expected golden;
  for (const std::string name : {"subwords", "words", "labels"}) {
    const auto model = must(fasttext::open(lagom_test::golden("fasttext/" + name + ".bin")));
    CHECK(model.width() == 8);
    const auto want = lagom_test::elements<float>(golden.vectors, name);
    std::size_t row = 0;
    for (const auto& word : golden.record["asked"]) {
      CAPTURE(name, word);
      std::vector<float> v(8, 7.0f);
      const bool known = model.vector_of(word.get<std::string>(), v);
      const std::vector<float> w(want.begin() + static_cast<std::ptrdiff_t>(8 * row),
                                 want.begin() + static_cast<std::ptrdiff_t>(8 * row + 8));
      CHECK(v == w);
      CHECK(known == (model.find(word.get<std::string>()) >= 0 || w != std::vector<float>(8)));
      ++row;
    }
  }
}

TEST_CASE("fastText dictionaries and n-grams", "[io][fasttext]") {
  const expected golden;
  const auto model = must(fasttext::open(lagom_test::golden("fasttext/subwords.bin")));
  CHECK(model.has_subwords());
  CHECK_FALSE(must(fasttext::open(lagom_test::golden("fasttext/words.bin"))).has_subwords());
  REQUIRE(model.size() == static_cast<lagom::index_t>(golden.record["words"].size()));
  for (lagom::index_t i = 0; i < model.size(); ++i) {
    CHECK(model.word(i) == golden.record["words"][static_cast<std::size_t>(i)].get<std::string>());
    CHECK(model.count(i) == golden.record["counts"][static_cast<std::size_t>(i)].get<std::uint64_t>());
    CHECK(model.find(model.word(i)) == i);
  }
  CHECK(model.find("nowhere") == -1);
  for (std::size_t i = 0; i < golden.record["rows"].size(); ++i) {
    std::vector<lagom::index_t> rows;
    model.for_each_row(golden.record["asked"][i].get<std::string>(),
                       [&](lagom::index_t r) { rows.push_back(r); });
    CHECK(rows == golden.record["rows"][i].get<std::vector<lagom::index_t>>());
  }
  const auto moved = [] {  // the file stays with the model
    auto first = must(fasttext::open(lagom_test::golden("fasttext/subwords.bin")));
    return first;
  }();
  std::vector<float> v(8);
  CHECK(moved.vector_of("river", v));
}

TEST_CASE("fastText files that are none", "[io][fasttext]") {
  CHECK(why("") == errc::wrong_schema);
  CHECK(why("not a model at all") == errc::wrong_schema);
  const std::string good = model_bytes();
  REQUIRE(fasttext::parse(good));
  for (std::size_t n = 0; n < good.size(); n += n < 400 ? 1 : 97) {
    CHECK_FALSE(fasttext::parse(std::string_view(good).substr(0, n)));
  }
  CHECK(why(good + "x") == errc::trailing_bytes);
  CHECK(why(with(good, 4, std::int32_t{11})) == errc::wrong_schema);
  CHECK(why(with(good, 8, std::int32_t{0})) == errc::bad_value);               // dim
  CHECK(why(with(good, 8, std::int32_t{2147483647})) == errc::size_mismatch);  // dim against the matrix
  CHECK(why(with(good, 8 + 4 * 8, std::int32_t{-1})) == errc::bad_value);      // bucket
  CHECK(why(with(good, 8 + 4 * 8, std::int32_t{0})) == errc::bad_value);       // n-grams into no bucket
  CHECK(why(with(good, 8 + 4 * 8, std::int32_t{199})) == errc::size_mismatch);
  CHECK(why(with(good, 64, std::int32_t{2147483647})) == errc::bad_value);  // words of a dictionary
  const auto endless = with(with(good, 64, std::int32_t{2147483647}), 68, std::int32_t{2147483647});
  CHECK_FALSE(fasttext::parse(endless));
  CHECK(why(with(good, 84, std::int64_t{0})) == errc::unsupported);  // pruned
  const auto quantized = fasttext::parse(model_bytes("quantized.ftz"));
  REQUIRE_FALSE(quantized);
  CHECK(lagom::io::describe(quantized.error()).find("quantized") != std::string::npos);
  CHECK(quantized.error().code == errc::unsupported);
  const auto missing = fasttext::open("/nowhere/model.bin");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::cannot_open);
}

TEST_CASE("word vectors as text", "[io][word_vectors]") {
  const auto v = must(word_vectors::open(lagom_test::golden("fasttext/words.vec")));
  const auto model = must(fasttext::open(lagom_test::golden("fasttext/words.bin")));
  REQUIRE(v.size() == model.size() + 2);
  CHECK(v.width() == 8);
  std::vector<float> row(8);
  for (lagom::index_t i = 0; i < model.size(); ++i) {
    CHECK(v.word(i) == model.word(i));
    REQUIRE(model.vector_of(model.word(i), row));
    for (lagom::index_t j = 0; j < 8; ++j) {
      CHECK(v[i][j] == Approx(row[static_cast<std::size_t>(j)]).epsilon(1e-4));
    }
  }
  REQUIRE(v.vector_of("New York", row));  // spaces in words: the numbers are taken from the right
  CHECK(row == std::vector<float>(8, 0.5f));
  REQUIRE(
      v.vector_of("a\xC2\xA0"
                  "b",
                  row));
  CHECK(row[7] == 8);
  CHECK_FALSE(v.vector_of("york", row));
  CHECK(row[7] == 8);

  const auto odd =
      must(word_vectors::parse("3 2\r\n1 2 3 4\r\n\xff 1e-60 -0\r\nx 3.4e38 +\r\n", {.skip_bad_rows = true}));
  CHECK(odd.word(0) == "1 2");
  CHECK(odd[1][0] == 0);
  REQUIRE(odd.skipped().size() == 1);
  CHECK(odd.skipped()[0].row == 4);
  CHECK(must(word_vectors::parse("2 1\na 1\nb 2\n", {.most = 1})).size() == 1);
  CHECK(must(word_vectors::parse("0 5\n")).size() == 0);
  CHECK(must(word_vectors::parse("0 5\n")).width() == 5);
}

TEST_CASE("text that holds no word vectors says where", "[io][word_vectors]") {
  const auto check = [](const std::string& text, errc code, std::uint64_t row) {
    CAPTURE(text);
    const auto f = refused(text);
    CHECK(f.code == code);
    CHECK(f.row == row);
  };
  check("", errc::bad_value, 1);
  check("the 0.1 0.2\n", errc::bad_value, 1);  // no header
  check("1 0\na\n", errc::bad_value, 1);
  check("1 2 3\na 1 2\n", errc::bad_value, 1);
  check("2 2\na 1 2\nb 1\n", errc::bad_value, 3);
  check("1 2\na 1 x\n", errc::bad_value, 2);
  check("1 2\na 1 2x\n", errc::bad_value, 2);
  check("1 2\n 1 2\n", errc::bad_value, 2);  // no word
  check("2 2\na 1 2\n\n", errc::bad_value, 3);
  check("1 2\na 1 nan\n", errc::not_finite, 2);
  check("1 2\na 1 -inf\n", errc::not_finite, 2);
  check("1 2\na 1 1e39\n", errc::not_finite, 2);
  check("1 2\na 1 1e400\n", errc::not_finite, 2);
  check("2 1\na 1\na 2\n", errc::duplicate_key, 3);
  check("3 1\na 1\nb 2\n", errc::truncated, lagom::failure::none);
  check("1 1\na 1\nb 2\n", errc::trailing_bytes, lagom::failure::none);
  check("18446744073709551615 18446744073709551615\na 1\n", errc::too_large, 1);
  check("18446744073709551615 2\na 1 2\n", errc::truncated, lagom::failure::none);
  check("1 18446744073709551616\na 1\n", errc::bad_value, 1);
}
