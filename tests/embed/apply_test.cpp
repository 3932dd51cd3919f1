// SPDX-License-Identifier: MIT
#include <lagom/adapt/xtensor.hpp>

#include "support.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::method;
using embed::plan;
using embed::plan_builder;
using embed::reason;

namespace {

// What the formula says, in long double, for terms alone.
template <class S>
long double combined(const plan& p, const table<S>& source, std::size_t r, index_t c) {
  long double sum = 0;
  for (const auto& [id, weight] : p.row(r)) {
    sum +=
        static_cast<long double>(weight) * static_cast<long double>(source.at(static_cast<index_t>(id), c));
  }
  return sum;
}

// Is `found` as near to `exact` as a number of its type can be?
template <class T>
bool nearest(T found, long double exact) {
  const auto off = [&](T x) { return std::abs(static_cast<long double>(static_cast<float>(x)) - exact); };
  T below = found, above = found;
  if constexpr (sizeof(T) == 2) {
    ++above.bits;
    if ((below.bits & 0x7FFFu) != 0) --below.bits;
  } else {
    below = std::nextafter(found, -2 * std::abs(found) - 1);
    above = std::nextafter(found, 2 * std::abs(found) + 1);
  }
  const long double little = 1e-13L * std::abs(exact);  // the double that was rounded had its own error
  return off(found) <= off(below) + little && off(found) <= off(above) + little;
}

plan random_plan(std::size_t rows, int source_size, std::size_t most, bool noisy) {
  const philox random{5};
  plan_builder out(source_size);
  std::uint64_t n = 0;
  const std::vector<source_id> odd{s(1), s(3), s(5), s(7)};
  const auto group = out.add_group(odd);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto terms = random.below(most + 1, 0, n++);
    for (std::uint64_t k = 0; k < terms; ++k) {
      const auto id = static_cast<int>(random.below(static_cast<std::uint64_t>(source_size), 0, n++));
      out.add(s(id), random.uniform(0, n++) - 0.3);
    }
    if (noisy && r % 3 == 1) out.add(embed::gaussian{});
    if (noisy && r % 3 == 2) out.add(embed::gaussian{.group = group, .ddof = 1, .mean = 0.5f});
    if (noisy && r % 5 == 4) out.set({.to = embed::rescale::rule::quantile, .value = 0.3f});
    out.end_row(t(source_size + static_cast<int>(r)));
  }
  return std::move(out).build();
}

}  // namespace

TEST_CASE("the mean of appended tokens, by hand", "[embed]") {
  const auto e = expand(6, {{"abc", {4, 2}}, {"abcab", {4, 2, 4}}, {"dd", {3, 3}}});
  const plan p = embed::mean{}(e);
  REQUIRE(p.rows() == 3);
  CHECK(p.source_size() == 6);
  CHECK(p.row(2).size() == 1);
  CHECK(p.row(2)[0] == embed::term{s(3), 1.0f});
  CHECK(p.made_by(0) == method::mean);
  CHECK(p.reason(0) == reason::none);
  CHECK(p.find(t(7)) == 1);
  CHECK(p.find(t(3)) == 3);
  for (std::size_t r = 0; r < 3; ++r) CHECK(p.convex(r));

  const auto input = applied<float>(p, input_rows<float>());
  CHECK(input.data == std::vector<float>{2.5f, 0.5f, 8.0f / 3, 0.0f, -1, 1});
  const auto head = applied<float>(p, head_rows<float>());
  CHECK(head.data[0] == 4.0f);
  CHECK(head.data[1] == -2.0f);
  CHECK(head.data[2] == Approx(16.0 / 3).epsilon(1e-7));
  CHECK(head.data[3] == Approx(-4.0 / 3).epsilon(1e-7));
  CHECK(applied<bf16>(p, input_rows<bf16>()).data[2].bits == 0x402B);
  CHECK(applied<bf16>(p, head_rows<bf16>()).data[3].bits == 0xBFAB);
}

TEST_CASE("mean and deviation of all rows, by hand", "[embed]") {
  const auto e = expand(6, {{"x", {}}});
  const auto mean = applied<double>(embed::mean{}(e), input_rows<double>());
  CHECK(mean.data[0] == Approx(0.8333333333333334).epsilon(4e-15));
  CHECK(mean.data[1] == Approx(1.1666666666666667).epsilon(4e-15));
  const plan p = embed::mean{}(e);
  CHECK(p.made_by(0) == method::source_mean);
  CHECK(p.reason(0) == (reason::no_pieces | reason::no_script));

  const auto source = input_rows<double>();
  const plan random = embed::random{}(e);
  const embed::group_statistics found(portable{}, random, source.view(), seq{});
  CHECK(found.deviation(0, 0, 0) == Approx(1.3437096247164249).epsilon(4e-15));
  CHECK(found.deviation(0, 1, 0) == Approx(1.5723301886761007).epsilon(4e-15));
  CHECK(found.deviation(0, 0, 1) == Approx(1.4719601443879746).epsilon(4e-15));
  CHECK(found.deviation(0, 1, 1) == Approx(1.7224014243685084).epsilon(4e-15));
  CHECK(found.deviation(0, 1, 6) == 0);
}

TEMPLATE_TEST_CASE("rows are what the formula says, in every storage type", "[embed]", float, double, bf16,
                   f16) {
  for (const index_t cols : {index_t{1}, index_t{7}, index_t{64}, index_t{1500}}) {
    table<TestType> source(40, cols);
    source.data = normal<TestType>(source.data.size(), 1);
    const plan p = random_plan(50, 40, 5, false);
    const auto out = applied<double>(p, source);
    const auto same = applied<TestType>(p, source);
    for (std::size_t r = 0; r < p.rows(); ++r) {
      for (index_t c = 0; c < cols; ++c) {
        const auto i = static_cast<index_t>(r);
        const auto expected = static_cast<double>(combined(p, source, r, c));
        CHECK(near(out.at(i, c), expected, 1e-13));
        if constexpr (sizeof(TestType) >= 4) {
          CHECK(near(static_cast<double>(same.at(i, c)), expected, lagom_test::tolerance<TestType>, 8));
        } else {  // half an ulp of the storage, and the sum's own error
          const double ulp = std::ldexp(
              1.0, std::ilogb(expected == 0 ? 1e-8 : expected) - (std::same_as<TestType, bf16> ? 7 : 10));
          CHECK(near(static_cast<double>(static_cast<float>(same.at(i, c))), expected, 0.5 * ulp + 4e-6));
        }
      }
    }
  }
}

TEST_CASE("the same bits for any number of threads, strides and order of rows", "[embed]") {
  table<bf16> source(64, 301);
  source.data = normal<bf16>(source.data.size(), 2);
  const plan p = random_plan(100, 64, 6, true);
  const auto once = applied<bf16>(p, source);
  for (const int count : {1, 2, 3, 7}) {
    table<bf16> out(100, 301);
    embed::apply(p, source.view(), out.view(), threads{count});
    CHECK(same_bits(out, once));
  }
  table<bf16> transposed(301, 64), out(301, 100);
  for (index_t r = 0; r < 64; ++r) {
    for (index_t c = 0; c < 301; ++c) transposed.view()(c, r) = source.at(r, c);
  }
  embed::apply(p, transposed.view().transposed(), out.view().transposed());
  for (index_t r = 0; r < 100; ++r) {
    for (index_t c = 0; c < 301; ++c) REQUIRE(out.at(c, r).bits == once.at(r, c).bits);
  }

  // A token's random row is the same in a plan that has others, in another order of work.
  table<float> many(64, 33);
  many.data = normal<float>(many.data.size(), 3);
  auto all = expand(64, {{"p", {}}, {"q", {}}, {"r", {}}});
  const auto rows = applied<float>(embed::random{}(all), many);
  all.wanted = {t(65)};
  const auto one = applied<float>(embed::random{}(all), many);
  for (index_t c = 0; c < 33; ++c) CHECK(one.at(0, c) == rows.at(1, c));
  CHECK(rows.at(0, 0) != rows.at(1, 0));
  const auto other = applied<float>(embed::random{.seed = 43}(all), many);
  CHECK(other.at(0, 0) != one.at(0, 0));
}

TEST_CASE("noise has the moments it claims", "[embed]") {
  const index_t cols = 4000;
  table<double> source(3, cols);
  for (index_t c = 0; c < cols; ++c) {
    source.view()(0, c) = 1;
    source.view()(1, c) = 2;
    source.view()(2, c) = 6;
  }
  const auto rows = applied<double>(embed::random{}(expand(3, {{"x", {}}, {"y", {}}, {"z", {}}})), source);
  const double sigma = std::sqrt(14.0 / 3);
  double mean = 0, square = 0, fourth = 0, neighbours = 0, tokens = 0;
  for (index_t c = 0; c < cols; ++c) {
    const double x = (rows.at(0, c) - 3) / sigma, y = (rows.at(1, c) - 3) / sigma;
    mean += x;
    square += x * x;
    fourth += x * x * x * x;
    tokens += x * y;
    if (c > 0) neighbours += x * (rows.at(0, c - 1) - 3) / sigma;
  }
  const double n = static_cast<double>(cols), width = 5 / std::sqrt(n);
  CHECK(std::abs(mean / n) < width);
  CHECK(std::abs(square / n - 1) < width * 1.42);
  CHECK(std::abs(fourth / n - 3) < width * 9.8);
  CHECK(std::abs(neighbours / n) < width);
  CHECK(std::abs(tokens / n) < width);
}

TEST_CASE("copies keep every bit, other element types round once", "[embed]") {
  plan_builder b(3);
  b.add(s(2), 1);
  b.end_row(t(0), {method::copy});
  const plan p = std::move(b).build();
  const auto bits = [](float x) { return lagom::detail::bit_cast<std::uint32_t>(x); };
  table<float> source(1, {0, 0, lagom::detail::bit_cast<float>(0x80000000u)});
  CHECK(bits(applied<float>(p, source).data[0]) == 0x80000000u);
  source.data[2] = lagom::detail::bit_cast<float>(0x7fc12345u);
  const auto out = applied<float>(p, source);
  CHECK(bits(out.data[0]) == 0x7fc12345u);

  // 1 + 2^-8 + 2^-40 lies above the middle of two bf16; through the nearest float it would be a tie and go down.
  table<double> wide(1, {0, 0, 1 + 0x1p-8 + 0x1p-40});
  CHECK(applied<bf16>(p, wide).data[0].bits == 0x3F81);
  wide.data[2] = 1 + 0x1p-8;
  CHECK(applied<bf16>(p, wide).data[0].bits == 0x3F80);
  wide.data[2] = -(1 + 0x3p-8 - 0x1p-40);
  CHECK(applied<bf16>(p, wide).data[0].bits == 0xBF81);
  wide.data[2] = 1e300;
  CHECK(applied<f16>(p, wide).data[0].bits == 0x7C00);
}

TEST_CASE("a mean is rounded once from double", "[embed]") {
  // The mean is 1 + 2^-8 + 2^-30: above the middle of two bf16, and in float the middle, which goes down.
  const table<bf16> rows(1, {bf16(4.0f), bf16(0x1p-6f), bf16(0x1p-28f), bf16(0.0f)});
  const plan mean = embed::source_mean{}(expand(4, {{"x", {}}}));
  CHECK(static_cast<float>(applied<bf16>(mean, rows).data[0]) == 1.0078125f);
  // The same for f16: 1 + 2^-11 + 2^-26.
  const table<f16> half(1, {f16(4.0f), f16(0x1p-9f), f16(0x1p-24f), f16(0.0f)});
  CHECK(static_cast<float>(applied<f16>(mean, half).data[0]) == 1 + 0x1p-10f);
}

TEMPLATE_TEST_CASE("means, noise and norms: nothing is rounded but the row", "[embed]", float, bf16, f16) {
  constexpr index_t n = 64, cols = 700;
  table<TestType> source(n, cols);
  source.data = normal<TestType>(source.data.size(), 12);
  plan_builder b(n);
  const auto group = b.add_group(std::vector{s(3), s(8), s(21)});
  const embed::gaussian drawn{.group = group, .ddof = 1, .mean = 0.5f, .deviation = 0.25f, .seed = 3};
  b.add(s(5), 0.3);
  b.add(embed::gaussian{.mean = 0.7f, .deviation = 0});
  b.end_row(t(n));
  b.add(s(5), 0.3);
  b.add(s(6), -1.7);
  b.add(drawn);
  b.end_row(t(n + 1));
  b.add(s(1), 0.1);
  b.add(s(2), 0.9);
  b.set({embed::rescale::rule::norm, 7.25f});
  b.end_row(t(n + 2));
  const plan p = std::move(b).build();
  const auto out = applied<TestType>(p, source);
  const auto at = [&](index_t r, index_t c) {
    return static_cast<long double>(static_cast<float>(source.at(r, c)));
  };
  long double square = 0;
  for (index_t c = 0; c < cols; ++c) {
    const long double x = combined(p, source, 2, c);
    square += x * x;
  }
  std::size_t wrong = 0;
  for (index_t c = 0; c < cols; ++c) {
    long double all = 0;
    for (index_t r = 0; r < n; ++r) all += at(r, c) / n;
    wrong += nearest(out.at(0, c), combined(p, source, 0, c) + 0.7f * all) ? 0u : 1u;
    const long double some = (at(3, c) + at(8, c) + at(21, c)) / 3;
    long double variance = 0;
    for (const index_t r : {3, 8, 21}) variance += (at(r, c) - some) * (at(r, c) - some) / 2;
    const auto pair = embed::standard_normal(3, t(n + 1), static_cast<std::uint64_t>(c / 2));
    const long double z = c % 2 == 0 ? pair.even : pair.odd;
    wrong += nearest(out.at(1, c), combined(p, source, 1, c) + 0.5L * some + 0.25L * std::sqrt(variance) * z)
                 ? 0u
                 : 1u;
    wrong += nearest(out.at(2, c), combined(p, source, 2, c) * 7.25L / std::sqrt(square)) ? 0u : 1u;
  }
  CHECK(wrong == 0);
}

TEST_CASE("norms of many rows", "[embed]") {
  // As many rows as a replaced vocabulary has, each rescaled by the norms of all source rows.
  constexpr int n = 100'000, added = 50'000;
  table<float> source(n, 1);
  for (index_t r = 0; r < n; ++r) source.view()(r, 0) = static_cast<float>(r % 1000);
  plan_builder b(n);
  for (int r = 0; r < added; ++r) {
    b.add(s(r), r % 2 == 0 ? 1 : -1);
    b.set({embed::rescale::rule::mean, 2});
    b.end_row(t(n + r));
  }
  const auto out = applied<float>(std::move(b).build(), source);
  for (index_t r = 0; r < added; ++r) {
    const float expected = r % 1000 == 0 ? 0.0f
                           : r % 2 == 0  ? 999.0f
                                         : -999.0f;  // twice the mean of 0 ... 999
    REQUIRE(out.at(r, 0) == expected);
  }
}

TEST_CASE("norms far out, rows that are no numbers", "[embed]") {
  using rule = embed::rescale::rule;
  const double nan = lagom::detail::bit_cast<double>(std::uint64_t{0x7ff8000000000000u});
  const double infinity = lagom::detail::bit_cast<double>(std::uint64_t{0x7ff0000000000000u});
  plan_builder b(4);
  for (int r = 0; r < 4; ++r) {
    b.add(s(r), 1);
    b.set({rule::norm, 5});
    b.end_row(t(4 + r));
  }
  const plan p = std::move(b).build();
  const auto out = applied<double>(p, table<double>(2, {3e300, -4e300, 3e-300, 4e-300, nan, 2, infinity, 3}));
  CHECK(out.at(0, 0) == Approx(3).epsilon(1e-14));
  CHECK(out.at(0, 1) == Approx(-4).epsilon(1e-14));
  CHECK(out.at(1, 0) == Approx(3).epsilon(1e-14));
  CHECK(out.at(1, 1) == Approx(4).epsilon(1e-14));
  CHECK(bits_of(&out.data[4]) == bits_of(&nan));
  CHECK(out.at(2, 1) == 2);  // has no norm, and stays
  CHECK(bits_of(&out.data[6]) == bits_of(&infinity));
  CHECK(out.at(3, 1) == 3);
}

TEST_CASE("rows are rescaled to norms", "[embed]") {
  using rule = embed::rescale::rule;
  plan_builder b(6);
  const auto group = b.add_group(std::vector{s(4), s(0), s(4)});
  const auto row = [&](embed::rescale to, int id, double weight = 1) {
    b.add(s(2), weight);
    b.set(to);
    b.end_row(t(id));
  };
  row({rule::norm, 5}, 6);
  row({rule::mean, 2, group}, 7);
  row({rule::quantile, 0.5f, group}, 8);
  row({rule::quantile, 1}, 9);
  row({rule::norm, 5}, 10, 0);
  row({rule::nan}, 11);
  const plan p = std::move(b).build();
  const auto out = applied<double>(p, input_rows<double>());
  const auto norm = [&](index_t r) { return std::hypot(out.at(r, 0), out.at(r, 1)); };
  CHECK(norm(0) == Approx(5).epsilon(1e-12));
  CHECK(norm(1) == Approx(1 + std::sqrt(10.0)).epsilon(1e-6));  // members 0 and 4, once each
  CHECK(norm(2) == Approx((1 + std::sqrt(10.0)) / 2).epsilon(1e-6));
  CHECK(norm(3) == Approx(4).epsilon(1e-6));
  CHECK(norm(4) == 0);
  CHECK(!is_finite(&out.data[10]));
  CHECK(!is_finite(&out.data[11]));
  CHECK(out.at(0, 0) == Approx(out.at(0, 1)));
}

TEST_CASE("a bias, a tensor of another library, a matrix with padding", "[embed]") {
  const auto e = expand(6, {{"abc", {4, 2}}, {"?", {}}});
  const plan p = embed::mean{}(e);
  const std::vector<float> bias{1, 2, 3, 4, 5, 6};
  std::vector<float> added(2);
  embed::apply(p, bias, added);
  CHECK(added == std::vector<float>{4, 3.5});

  xt::xtensor<float, 2> source_rows = xt::zeros<float>({8, 2}), new_rows = xt::zeros<float>({2, 2});
  const auto rows = input_rows<float>();
  for (std::size_t i = 0; i < 12; ++i) source_rows(i / 2, i % 2) = rows.data[i];
  source_rows(6, 0) = source_rows(7, 1) = 1e30f;  // padding: not in the mean
  embed::apply(p, source_rows, new_rows);
  CHECK(new_rows(0, 0) == 2.5f);
  CHECK(new_rows(1, 1) == Approx(7.0 / 6));

  const auto wrong = embed::applicable(p, source_rows, xt::xtensor<float, 2>(xt::zeros<float>({3, 2})));
  REQUIRE(!wrong);
  CHECK(wrong.error().code == errc::wrong_shape);
  CHECK(wrong.error().expected == 2);
  CHECK(wrong.error().found == 3);
}

TEST_CASE("no rows, no columns, one token", "[embed]") {
  const plan none = embed::mean{}(expand(6, {}));
  CHECK(none.empty());
  CHECK(applied<float>(none, input_rows<float>()).data.empty());
  const plan one = embed::random{}(expand(1, {{"x", {0}}}));
  const auto out = applied<float>(one, table<float>(2, {3, 4}));
  CHECK(out.data == std::vector<float>{3, 4});  // a deviation of one row is zero
  table<float> empty(0, 0), nothing(1, 0);
  empty.rows = 1;
  embed::apply(one, empty.view(), nothing.view());
  const plan nobody = embed::random{}(expand(0, {{"x", {}}}));
  CHECK(applied<float>(nobody, table<float>(0, 2)).data == std::vector<float>{0, 0});
}

TEST_CASE("plans of foreign parts are looked at", "[embed]") {
  const auto code = [](auto fill) {
    plan_builder b(4);
    fill(b);
    auto made = std::move(b).checked();
    return made ? errc{} : made.error().code;
  };
  CHECK(code([](plan_builder& b) {
          b.add(s(3), 1);
          b.end_row(t(9));
        }) == errc{});
  CHECK(code([](plan_builder& b) {
          b.add(s(4), 1);
          b.end_row(t(9));
        }) == errc::out_of_range);
  CHECK(code([](plan_builder& b) {
          b.add(s(-1), 1);
          b.end_row(t(9));
        }) == errc::out_of_range);
  CHECK(code([](plan_builder& b) {
          b.end_row(t(9));
          b.end_row(t(9));
        }) == errc::duplicate_key);
  CHECK(code([](plan_builder& b) {
          const auto nan = lagom::detail::bit_cast<double>(std::uint64_t{0x7ff8000000000000u});
          for (int i = 0; i < 40; ++i) b.add(s(i % 4), i % 3 == 0 ? nan : 1);
          b.end_row(t(9));
        }) == errc::not_finite);
  CHECK(code([](plan_builder& b) {
          b.add(s(0), 1e300);
          b.end_row(t(9));
        }) == errc::not_finite);
  CHECK(code([](plan_builder& b) {
          b.add(embed::gaussian{.group = 1});
          b.end_row(t(9));
        }) == errc::out_of_range);
  CHECK(code([](plan_builder& b) {
          b.set({embed::rescale::rule::quantile, 1.5f});
          b.end_row(t(9));
        }) == errc::out_of_range);
  CHECK(code([](plan_builder& b) {
          b.add_group(std::vector{s(7)});
          b.end_row(t(-1));
        }) == errc::out_of_range);
}
