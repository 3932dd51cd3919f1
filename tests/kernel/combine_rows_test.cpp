// SPDX-License-Identifier: MIT
#include <lagom/adapt/streaming.hpp>
#include <lagom/kernel/combine_rows.hpp>
#include <lagom/kernel/lanes.hpp>

#include <cstring>
#include <vector>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::bf16;
using lagom::f16;
using lagom::index_t;
using lagom::mat_view;
using lagom::portable;
using lagom::vec_view;

namespace {

struct weighted {
  int id;
  float weight;
};

constexpr index_t source_rows = 11;

// The formula in long double, and the sum of magnitudes that bounds the rounding of any order of it.
template <class S>
struct reference {
  long double sum = 0, size = 0;
  reference(mat_view<const S> rows, const std::vector<weighted>& terms, index_t j) {
    for (const auto& [id, weight] : terms) {
      const auto product =
          static_cast<long double>(weight) * static_cast<long double>(static_cast<double>(rows(id, j)));
      sum += product;
      size += product < 0 ? -product : product;
    }
  }
};

// The distance of neighbouring numbers of a type at x; of the smallest ones below its normal range.
template <class T>
double ulp(double x) {
  const int digits = std::same_as<T, double>  ? 53
                     : std::same_as<T, float> ? 24
                     : std::same_as<T, f16>   ? 11
                                              : 8;
  const int lowest = std::same_as<T, double> ? -1022 : std::same_as<T, f16> ? -14 : -126;
  const int exponent = x == 0 ? lowest : std::max(std::ilogb(x), lowest);
  return std::ldexp(1.0, exponent - digits + 1);
}

std::vector<weighted> some_terms(std::size_t n, std::uint64_t stream) {
  const lagom::philox random{9};
  std::vector<weighted> out;
  for (std::size_t t = 0; t < n; ++t) {
    out.push_back({static_cast<int>(random.below(source_rows, stream, 2 * t)),
                   static_cast<float>(random.uniform(stream, 2 * t + 1) * 2 - 0.8)});
  }
  return out;
}

// Half a step of T, the float of the way there, and n additions in the accumulator.
template <class S, class T>
bool right(T found, const reference<S>& exact, std::size_t n) {
  const double sum = static_cast<double>(exact.sum), is = static_cast<double>(found);
  const double unit = std::same_as<lagom::accumulator_t<S, T>, double> ? 0x1p-53 : 0x1p-24;
  const double lost = static_cast<double>(n + 1) * unit * static_cast<double>(exact.size);
  return std::abs(is - sum) <= 0.5 * ulp<T>(sum) * 1.0000001 + 1.5 * lost;
}

// Every length up to two blocks of lanes and a few beyond a block of columns, every place in a cache line's first
// quarter, strides of the columns of both sides: against the formula, and the same bits whatever the place.
template <class B, class S, class T>
void sweep() {
  constexpr index_t widest = 530;
  const auto elements = normal<S>(static_cast<std::size_t>(source_rows * widest * 3), 1);
  std::vector<index_t> lengths;
  for (index_t n = 0; n <= 2 * lagom::detail::lanes<float>::width + 1; ++n) lengths.push_back(n);
  lengths.insert(lengths.end(), {255, 256, 257, 511, 512, 513, 529});
  for (const index_t cols : lengths) {
    for (const std::size_t n : {0u, 1u, 2u, 3u, 4u, 5u, 8u, 9u}) {
      const auto terms = some_terms(n, static_cast<std::uint64_t>(cols));
      std::vector<T> first;
      std::size_t strays = 0, wrong = 0, moved_bits = 0;
      for (const index_t shift : {0, 1, 3}) {
        for (const index_t strides : {11, 12, 21, 31, 32}) {  // of the source's columns and of the new row
          const index_t stride = strides / 10, out_stride = strides % 10, at = (2 * shift + strides) % 5;
          // The same elements, elsewhere.
          std::vector<S> moved(static_cast<std::size_t>(source_rows * (cols * stride + 2) + shift), S(1.0f));
          const mat_view<S> place(moved.data() + shift, source_rows, cols, cols * stride + 2, stride);
          for (index_t r = 0; r < source_rows; ++r) {
            for (index_t j = 0; j < cols; ++j) {
              place(r, j) = elements[static_cast<std::size_t>(r * widest + j)];
            }
          }
          std::vector<T> out(static_cast<std::size_t>(cols * out_stride + at + 4), T(7.0f));
          const vec_view<T> row(out.data() + at, cols, out_stride);
          lagom::combine_rows(B{}, mat_view<const S>(place), terms.data(), static_cast<index_t>(n), row);
          for (index_t j = 0; j < static_cast<index_t>(out.size()); ++j) {
            const index_t k = (j - at) / out_stride;
            if (j >= at && (j - at) % out_stride == 0 && k < cols) continue;
            strays += static_cast<float>(out[static_cast<std::size_t>(j)]) == 7 ? 0u : 1u;
          }
          if (first.empty()) {
            for (index_t j = 0; j < cols; ++j) {
              first.push_back(row[j]);
              wrong += right(row[j], reference<S>(place, terms, j), n) ? 0u : 1u;
            }
          }
          for (index_t j = 0; j < cols; ++j) {
            moved_bits += std::memcmp(&row[j], &first[static_cast<std::size_t>(j)], sizeof(T)) == 0 ? 0u : 1u;
          }
        }
      }
      CAPTURE(cols, n);
      REQUIRE(wrong == 0);
      REQUIRE(moved_bits == 0);
      REQUIRE(strays == 0);  // nothing but the row is written
    }
  }
}

template <class T>
T of_bits(std::uint32_t bits) {
  T out;
  static_assert(sizeof(T) <= sizeof bits);
  std::memcpy(static_cast<void*>(&out), &bits, sizeof(T));
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a sum of rows is the formula's, at every length, place and stride",
                   "[kernel][combine_rows]", portable, lagom::streaming) {
  sweep<TestType, float, float>();
  sweep<TestType, double, double>();
  sweep<TestType, bf16, bf16>();
  sweep<TestType, f16, f16>();
  sweep<TestType, bf16, float>();
  sweep<TestType, float, f16>();
  sweep<TestType, float, double>();
  sweep<TestType, double, bf16>();
}

TEMPLATE_TEST_CASE("a copy keeps every bit, whatever the strides", "[kernel][combine_rows]", portable,
                   lagom::streaming) {
  const weighted one{1, 1.0f};
  const auto copies = [&]<class T>(T, const std::vector<std::uint32_t>& patterns) {
    for (const index_t stride : {1, 2}) {
      for (const index_t out_stride : {1, 2}) {
        const auto cols = static_cast<index_t>(patterns.size());
        std::vector<T> source(static_cast<std::size_t>(2 * cols * stride), T(1.0f));
        const mat_view<T> rows(source.data(), 2, cols, cols * stride, stride);
        for (index_t j = 0; j < cols; ++j) {
          const T x = of_bits<T>(patterns[static_cast<std::size_t>(j)]);
          std::memcpy(static_cast<void*>(&rows(1, j)), &x, sizeof(T));
        }
        std::vector<T> made(static_cast<std::size_t>(cols * out_stride), T(3.0f));
        const vec_view<T> out(made.data(), cols, out_stride);
        lagom::combine_rows(TestType{}, mat_view<const T>(rows), &one, 1, out);
        for (index_t j = 0; j < cols; ++j) REQUIRE(std::memcmp(&out[j], &rows(1, j), sizeof(T)) == 0);
      }
    }
  };
  // signalling and quiet NaNs with payloads, infinities, zeros of both signs, subnormal numbers
  copies(float{},
         {0x7f800001u, 0xffc12345u, 0x7fffffffu, 0x7f800000u, 0xff800000u, 0x80000000u, 1u, 0x3f800000u});
  copies(f16{}, {0x7c01u, 0xfe34u, 0x7fffu, 0x7c00u, 0xfc00u, 0x8000u, 1u, 0x3c00u});
  copies(bf16{}, {0x7f81u, 0xffc1u, 0x7fffu, 0x7f80u, 0xff80u, 0x8000u, 1u, 0x3f80u});
}

TEST_CASE("half types are rounded once, to nearest and to even", "[kernel][combine_rows]") {
  const weighted one{0, 1.0f};
  const auto rounded = [&]<class T>(T, double x) {
    T out;
    lagom::combine_rows(portable{}, mat_view<const double>(&x, 1, 1), &one, 1, vec_view<T>(&out, 1));
    return static_cast<double>(static_cast<float>(out));
  };
  // Around every middle of two neighbours: below it, on it, above it by less than a float can tell.
  for (int exponent = -8; exponent <= 8; ++exponent) {
    for (const int digits : {8, 11}) {
      for (int mantissa = 1 << (digits - 1); mantissa < 1 << digits; mantissa += digits == 8 ? 1 : 7) {
        const double low = std::ldexp(mantissa, exponent), high = std::ldexp(mantissa + 1, exponent);
        const double even = mantissa % 2 == 0 ? low : high,
                     middle = std::ldexp(2 * mantissa + 1, exponent - 1);
        const double little = std::ldexp(1.0, exponent - 35);
        const auto is = [&](double x) { return digits == 8 ? rounded(bf16{}, x) : rounded(f16{}, x); };
        if (digits == 11 && (high > 65504 || low < 0x1p-14)) continue;
        REQUIRE(is(middle) == even);
        REQUIRE(is(middle - little) == low);
        REQUIRE(is(middle + little) == high);
        REQUIRE(is(-middle - little) == -high);
      }
    }
  }
}

TEST_CASE("numbers that are none spread to their own columns alone", "[kernel][combine_rows]") {
  const float nan = of_bits<float>(0x7fc00000u), infinity = of_bits<float>(0x7f800000u);
  std::vector<float> source(2 * 300, 1.0f);
  source[0] = nan;
  source[257] = infinity;
  source[300 + 258] = -infinity;
  source[258] = infinity;
  const weighted terms[] = {{0, 0.5f}, {1, 0.5f}};
  std::vector<float> out(300);
  lagom::combine_rows(portable{}, mat_view<const float>(source.data(), 2, 300), terms, 2, vec_view(out));
  for (std::size_t j = 0; j < out.size(); ++j) {
    const bool odd = j == 0 || j == 257 || j == 258;
    REQUIRE(lagom::is_finite(&out[j]) != odd);
    if (!odd) REQUIRE(out[j] == 1);
  }
  CHECK(lagom::bits_of(&out[257]) == 0x7f800000u);
}
