// SPDX-License-Identifier: MIT
// The initializers that use auxiliary vectors against the packages that published them (tests/oracle/vector_initializers.py).
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed.hpp>
#include <lagom/io/case_forms.hpp>
#include <lagom/io/fasttext.hpp>
#include <lagom/io/json.hpp>
#include <lagom/io/word_vectors.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

namespace {

namespace embed = lagom::embed;
using lagom::index_t;
using lagom::token_id;
using lagom::vocab::source_id;
using lagom::vocab::target_id;
using lagom_test::must;

const lagom::xtensor_blas blas{};

lagom::io::safetensors golden(const std::string& part) {
  return must(lagom::io::safetensors::open(lagom_test::golden("vectors/" + part + ".safetensors")));
}

template <class T>
lagom::mat_view<const T> matrix(const std::vector<T>& x, std::size_t cols) {
  return {x.data(), x.size() / cols, cols};
}

lagom::vocab::token_vectors vectors(const std::vector<float>& x, std::size_t width, std::size_t first = 0) {
  lagom::vocab::token_vectors out(static_cast<index_t>(x.size() / width), static_cast<index_t>(width));
  for (std::size_t t = first; t < x.size() / width; ++t) {
    for (std::size_t j = 0; j < width; ++j) out.set(t)[static_cast<index_t>(j)] = x[t * width + j];
  }
  return out;
}

// 40 tokens stay, 12 are new.
lagom::vocab::expansion problem(const lagom::io::safetensors& file) {
  lagom::vocab::expansion e;
  e.source_size = 40;
  e.target_size = 52;
  for (token_id t = 0; t < 52; ++t) {
    e.same.push_back(t < 40 ? source_id{t} : source_id::none);
    if (t < 40) continue;
    e.wanted.push_back(target_id{t});
    e.bytes.push_back(std::string_view("x"));
  }
  e.target_vectors = vectors(lagom_test::elements<float>(file, "vectors"), 6);
  e.source_vectors = vectors(lagom_test::elements<float>(file, "source_vectors"), 6);
  return e;
}

std::vector<double> applied(const embed::plan& p, const lagom::io::safetensors& file) {
  const auto source = lagom_test::elements<float>(file, "rows");
  std::vector<double> wide(source.begin(), source.end()), out(p.rows() * 5);
  embed::apply(p, matrix(wide, 5), lagom::mat_view<double>(out.data(), p.rows(), 5));
  return out;
}

// The worst difference of rows that the published method makes (row 3 has no vector).
template <class T>
double worst(const std::vector<double>& ours, const std::vector<T>& theirs, std::size_t skip = 3) {
  double out = 0;
  for (std::size_t r = 0; r < ours.size() / 5; ++r) {
    if (r == skip) continue;
    for (std::size_t j = 0; j < 5; ++j) {
      out = std::max(out, std::abs(ours[5 * r + j] - static_cast<double>(theirs[5 * r + j])));
    }
  }
  return out;
}

// The stub tokenizer of the oracle: the longest token of a list at every place.
struct longest_match {
  lagom::vocab::token_table tokens;
  explicit longest_match(const lagom::io::json& list) {
    token_id next = 0;
    for (const auto& t : list) REQUIRE(tokens.add(next++, t.get<std::string>()));
  }
  template <class Sink>
  void encode(std::string_view text, Sink sink) const {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t size = text.size() - at;
      while (size > 0 && tokens.find(text.substr(at, size)) == lagom::no_token) --size;
      if (size > 0) sink(tokens.find(text.substr(at, size)));
      at += size > 0 ? size : lagom::decode_utf8(text, at).length;
    }
  }
  [[nodiscard]] std::string_view bytes_of(token_id t) const { return tokens[t]; }
  [[nodiscard]] index_t size() const { return tokens.size(); }
};
static_assert(lagom::tokenizer<longest_match>);
static_assert(embed::word_source<lagom::io::fasttext> && embed::word_source<lagom::io::word_vectors>);

lagom::io::json record() {
  return must(lagom::io::parse_json(lagom_test::read_file(lagom_test::golden("vectors/wechsel.json"))));
}
lagom::io::fasttext model(const std::string& name) {
  return must(lagom::io::fasttext::open(lagom_test::golden("fasttext/" + name + ".bin")));
}

}  // namespace

TEMPLATE_TEST_CASE("projections onto the simplex agree with entmax", "[embed][sparsemax][oracle]",
                   embed::sparsemax, embed::entmax15) {
  const auto file = golden("entmax");
  const auto z = lagom_test::elements<double>(file, "z");
  const bool half = std::is_same_v<TestType, embed::entmax15>;
  const auto p = lagom_test::elements<double>(file, half ? "entmax15" : "sparsemax");
  for (std::size_t first = 0; first < z.size(); first += 400) {
    embed::sparse_distribution<TestType> d;
    for (std::size_t i = 0; i < 400; ++i) d.push(static_cast<std::uint32_t>(i), z[first + i]);
    std::vector<double> ours(400);
    for (const auto& s : d.finish()) ours[s.id] = s.value;
    for (std::size_t i = 0; i < 400; ++i) CHECK(std::abs(ours[i] - p[first + i]) < 1e-12);
  }
}

TEST_CASE("FOCUS rows are deepfocus'", "[embed][focus][oracle]") {
  const auto file = golden("focus");
  const auto e = problem(file);
  const auto expected = lagom_test::elements<float>(file, "expected");
  CHECK(worst(applied(must(embed::focus{}(e)), file), expected) < 2e-6);
  CHECK(worst(applied(must(embed::focus{}(e, blas)), file), expected) < 2e-6);
  CHECK(must(embed::focus{}(e)).made_by(3) == embed::method::random);
}

TEST_CASE("WECHSEL rows are wechsel's", "[embed][wechsel][oracle]") {
  const auto file = golden("wechsel");
  const auto e = problem(file);
  auto expected = lagom_test::elements<float>(file, "expected");
  expected.erase(expected.begin(), expected.begin() + 200);
  CHECK(worst(applied(must(embed::wechsel{}(e)), file), expected) < 2e-6);
  // without the shift a low temperature leaves NaN, in both; with it there is an answer
  const auto cold = lagom_test::elements<float>(file, "cold");
  embed::wechsel unshifted;
  unshifted.temperature = 1e-4;
  const auto right = applied(must(unshifted(e)), file);
  unshifted.shift = false;
  const auto wrong = applied(must(unshifted(e)), file);
  int broken = 0;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (i / 5 == 3) continue;
    CHECK(lagom::is_finite(&right[i]));
    CHECK(lagom::is_finite(&wrong[i]) == lagom::is_finite(&cold[200 + i]));
    broken += lagom::is_finite(&wrong[i]) ? 0 : 1;
  }
  CHECK(broken > 0);
}

TEST_CASE("token vectors from words are wechsel's", "[embed][word_token_vectors][oracle]") {
  const auto file = golden("wechsel");
  const longest_match tokens(record()["tokens"]);
  const auto words = model("subwords");
  const auto compare = [&](const lagom::vocab::token_vectors& ours, const std::vector<float>& theirs) {
    double off = 0;
    REQUIRE(theirs.size() == static_cast<std::size_t>(ours.size()) * 8);
    for (std::size_t t = 0; t < static_cast<std::size_t>(ours.size()); ++t) {
      for (std::size_t j = 0; j < 8; ++j) {
        const double x = static_cast<double>(ours[t][static_cast<index_t>(j)]);
        off = std::max(off, std::abs(x - static_cast<double>(theirs[8 * t + j])));
      }
      const bool zero = std::all_of(theirs.begin() + static_cast<std::ptrdiff_t>(8 * t),
                                    theirs.begin() + static_cast<std::ptrdiff_t>(8 * t + 8),
                                    [](float x) { return x == 0; });
      CHECK(ours.has(t) == !zero);
    }
    return off;
  };
  // where fastText is asked for the token of a space, it gives the n-gram of the bare marks "<>"
  auto by_ngrams = lagom_test::elements<float>(file, "by_ngrams");
  REQUIRE(tokens.bytes_of(1) == " ");
  CHECK(by_ngrams[8] != 0);
  std::fill(by_ngrams.begin() + 8, by_ngrams.begin() + 16, 0.0f);
  CHECK(compare(embed::vectors_by_ngrams(tokens, words), by_ngrams) == 0);
  const auto by_words = lagom_test::elements<float>(file, "by_words");
  CHECK(compare(embed::vectors_by_words(tokens, words, {.count_forms = true}), by_words) < 1e-7);
  CHECK(compare(embed::vectors_by_words(tokens, words), by_words) > 1e-4);  // each word once
}

TEST_CASE("dictionaries turn spaces as wechsel does", "[embed][procrustes][oracle]") {
  const auto file = golden("wechsel");
  std::vector<embed::translation> dictionary;
  const auto stored = record();
  for (const auto& pair : stored["dictionary"]) {
    dictionary.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  embed::procrustes pairs(8);
  const std::uint64_t shown =
      embed::push_dictionary(pairs, model("subwords"), model("words"),
                             std::span<const embed::translation>(dictionary), lagom::io::case_forms{});
  CHECK(shown == pairs.pairs());
  CHECK(pairs.pairs() > 20);
  const auto r = must(pairs.solve(blas));
  const auto expected = lagom_test::elements<double>(file, "rotation");
  for (index_t i = 0; i < 64; ++i) {
    CHECK(std::abs(r.matrix()(i / 8, i % 8) - expected[static_cast<std::size_t>(i)]) < 1e-5);
  }
}

TEST_CASE("CLP, Procrustes and truncated singular values agree with NumPy and SciPy",
          "[embed][clp][oracle]") {
  const auto file = golden("formulas");
  const auto e = problem(file);
  const auto check = [&](const embed::plan& p, const std::vector<double>& expected, double tolerance) {
    auto ours = applied(p, file);
    CHECK(p.made_by(3) == embed::method::random);
    ours.erase(ours.begin() + 15, ours.begin() + 20);
    CHECK(worst(ours, expected, 99) < tolerance);
  };
  const auto least = lagom_test::elements<double>(file, "cancellation");
  CHECK(*std::min_element(least.begin(), least.end()) > 1e-3);  // no row is left out
  for (const auto& p : {must(embed::clp{}(e)), must(embed::clp{}(e, blas))}) {
    check(p, lagom_test::elements<double>(file, "clp"), 2e-4);  // weights of hundreds: cosines in float
  }
  check(must(embed::clp_plus{}(e, blas)), lagom_test::elements<double>(file, "clp_plus"), 2e-6);

  embed::procrustes pairs(7);
  const auto x = lagom_test::elements<float>(file, "x"), y = lagom_test::elements<float>(file, "y");
  for (std::size_t i = 0; i < 30; ++i) pairs.push({x.data() + 7 * i, 7}, {y.data() + 7 * i, 7});
  const auto r = must(pairs.solve(blas));
  const auto rotation = lagom_test::elements<double>(file, "rotation");
  for (index_t i = 0; i < 49; ++i) {
    CHECK(std::abs(r.matrix()(i / 7, i % 7) - rotation[static_cast<std::size_t>(i)]) < 1e-12);
  }

  const auto m = lagom_test::elements<float>(file, "matrix");
  const auto truncated = lagom_test::elements<double>(file, "truncated");
  const auto f = must(embed::factorise(blas, matrix(m, 20), 6));
  std::vector<float> back(m.size());
  embed::product(blas, f.coordinates(), f, lagom::mat_view<float>(back.data(), 50, 20));
  for (std::size_t i = 0; i < back.size(); ++i)
    CHECK(std::abs(static_cast<double>(back[i]) - truncated[i]) < 1e-5);
}

TEST_CASE("token vectors of what has no text", "[embed][word_token_vectors]") {
  const auto words = model("subwords");
  lagom::io::json list = {"", " ", "\xC2\xA0", " river ", "river"};
  longest_match tokens(list);
  REQUIRE(tokens.tokens.add(5, "\xE0\xA4"));  // half a character
  const auto v = embed::vectors_by_ngrams(tokens, words);
  for (const std::size_t t : {0u, 1u, 2u, 5u}) CHECK_FALSE(v.has(t));
  CHECK(v.has(3));
  for (index_t j = 0; j < 8; ++j) CHECK(v[3][j] == v[4][j]);
  const auto few = embed::vectors_by_words(tokens, words, {.most = 0});
  CHECK_FALSE(few.has(4));
}

TEST_CASE("case forms and dictionaries", "[io][case_forms]") {
  using namespace lagom::io;
  CHECK(lower_case("ΣΊΓΜΑ Ab\xFF") == "σίγμα ab\xFF");
  CHECK(title_case("two words, o'neil ßb 3rd ǆ") == "Two Words, O'Neil ßb 3Rd ǅ");
  CHECK(title_case("ab CD", true) == "Ab cd");
  const lagom_test::scratch place;
  const auto d = must(read_dictionary(place.write("d", "a b\tc d\r\n\n  x   y \n")));
  REQUIRE(d.size() == 2);
  CHECK(d[0] == std::pair<std::string, std::string>("a b", "c d"));
  CHECK(d[1] == std::pair<std::string, std::string>("x", "y"));
  for (const char* bad : {"a b\nalone\n", "a b\na b c\n", "a b\nx\ty\tz\n", "a b\n\ty"}) {
    CAPTURE(bad);
    const auto r = read_dictionary(place.write("e", bad));
    REQUIRE_FALSE(r);
    CHECK(r.error().code == lagom::errc::bad_value);
    CHECK(r.error().row == 2);
  }
}
