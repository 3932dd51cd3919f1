// SPDX-License-Identifier: MIT
#include <algorithm>
#include <lagom/adapt/native.hpp>
#include <lagom/kernel/certified_probe.hpp>
#include <lagom/kernel/prepare_head.hpp>
#include <lagom/kernel/unembed_rows.hpp>
#include <lagom/stop/monotone.hpp>
#include <limits>
#include <thread>
#include <tuple>

#include "support/catch.hpp"
#include "support/heads.hpp"

using namespace lagom_test;
using lagom::certainty;
using lagom::certified_options;
using lagom::certified_verdict;
using lagom::certified_workspace;
using lagom::head;
using lagom::index_t;
using lagom::mat_view;
using lagom::portable;
using lagom::row_code;
using lagom::vec_view;

namespace {

using both = std::tuple<portable, lagom::native>;

constexpr row_code all_codes[] = {row_code::int8, row_code::int4, row_code::int2};

// Rows as they stand in memory of another type.
template <class W>
std::vector<W> as(const std::vector<float>& w) {
  std::vector<W> out;
  for (const float x : w) out.push_back(W(x));
  return out;
}

// u of element j of row r.
double dither(const lagom::prepared_rows& p, index_t r, index_t j) {
  const index_t k = r % lagom::prepared_rows::most_dithers;
  static std::vector<std::int16_t> held;
  static std::uint64_t key = 0;
  static index_t of = -1;
  if (key != p.key || of != k || static_cast<index_t>(held.size()) != p.cols) {
    held.resize(static_cast<std::size_t>(p.cols));
    lagom::prepared_rows::dither(portable{}, p.key, k, held.data(), p.cols);
    key = p.key;
    of = k;
  }
  return lagom::prepared_rows::dither_of(held[static_cast<std::size_t>(j)]);
}

// Element j of prepared row r: what its integer stands for.
double element(const lagom::prepared_rows& p, index_t r, index_t j) {
  const index_t line = lagom::prepared_rows::line(p.code);
  const int bits = lagom::code_bits(p.code);
  const int q = p.codes[r * p.pitch() + j / line * 64 + j % 64] >> (j % line / 64 * bits) & ((1 << bits) - 1);
  const double u = p.code == row_code::int4 ? dither(p, r, j) : 0.0;
  return static_cast<double>(p.scale[r]) * (q - lagom::centre(p.code) - u);
}

// Row r of a head as its prepared form sees it: rotated, less the mean.
template <class W>
std::vector<double> seen(const lagom::prepared_rows& p, mat_view<const W> rows, index_t r) {
  std::vector<double> w;
  for (index_t j = 0; j < rows.cols(); ++j) w.push_back(static_cast<double>(rows(r, j)));
  if (p.rotated) lagom::sign_hadamard{p.key}(portable{}, w.data(), rows.cols());
  for (index_t j = 0; j < rows.cols(); ++j) w[static_cast<std::size_t>(j)] -= static_cast<double>(p.mean[j]);
  return w;
}

struct tally {
  int decisions = 0, wrong = 0, not_enclosed = 0;
};

// Every rule on one state: does the certified probe decide as the full head does, and do its ends enclose it?
template <class B, class Head, class H>
void judge(const Head& to, const std::vector<H>& x, const lagom::prepared_rows& rows,
           certified_workspace& work, tally& t) {
  const auto full = lagom::unembed(B{}, x, to);
  const auto check = [&](const auto& features, const auto& rule) {
    const lagom::monotone_decision decide{features, rule};
    const auto s = lagom::certified_probe(B{}, x, to, rows, work, decide);
    ++t.decisions;
    t.wrong +=
        s.decision == decide(full, full) && s.token() == full.top && s.how != certainty::unknown ? 0 : 1;
    const bool enclosed = s.low.gap() <= full.gap() && full.gap() <= s.high.gap() &&
                          s.low.top_prob() <= full.top_prob() && full.top_prob() <= s.high.top_prob();
    t.not_enclosed += enclosed ? 0 : 1;
  };
  using lagom::features;
  using lagom::gap;
  using lagom::top_prob;
  check(features<gap>{}, lagom::threshold<>{0.8f, 0});
  check(features<gap, top_prob>{}, lagom::threshold<lagom::above>{0.3f, 1});
  check(features<gap, top_prob>{}, lagom::linear_svm<2>{{3.0f, 1.5f}, -2.2f});
  check(features<top_prob, gap>{},
        lagom::standardized<lagom::logistic<2>>{{{0.4f, 0.3f}, {3.0f, 2.5f}}, {{1.5f, -0.7f}, 0.1f, 0}});
}

template <class B, class W>
void agree(std::size_t vocab, std::size_t h, int states, tally& t) {
  for (const rows_like kind : all_rows_like) {
    const auto made = make_rows(kind, vocab, h, 100 + h);
    const auto w = as<W>(made);
    const auto g = normal<float>(h, 7, 0.2);
    std::vector<float> weight(h);
    for (std::size_t j = 0; j < h; ++j) weight[j] = 1 + g[j];
    const mat_view<const W> rows(w.data(), vocab, h);
    const head plain{rows};
    const head normed{rows, lagom::rms_norm{weight, 1e-5}, 0.5f};
    std::vector<std::vector<float>> xs;
    for (int n = 0; n < states; ++n) {
      const double u = lagom::philox{9}.uniform(h, static_cast<std::uint64_t>(n));
      const auto target = lagom::philox{9}.below(vocab, h + 1, static_cast<std::uint64_t>(n));
      xs.push_back(make_state(made, vocab, h, target, 1 + 2 * u, -3 + 7 * std::fmod(u * 17, 1.0),
                              1000 + static_cast<std::uint64_t>(n)));
    }
    for (const row_code code : all_codes) {
      const auto prepared = lagom::prepare_head(portable{}, rows, {.code = code});
      REQUIRE(prepared);
      certified_workspace work{portable{}, prepared->view()};
      for (const auto& x : xs) {
        judge<B>(plain, x, prepared->view(), work, t);
        judge<B>(normed, x, prepared->view(), work, t);
      }
    }
  }
}

const lagom::monotone_decision half{lagom::features<lagom::gap>{}, lagom::threshold<>{0.5f, 0}};

// Never sure before both ends are the full head's; keeps what it is shown.
struct witness {
  std::vector<std::pair<lagom::softmax_stats<>, lagom::softmax_stats<>>>* seen;
  certified_verdict operator()(const lagom::softmax_stats<>& low, const lagom::softmax_stats<>& high) const {
    seen->push_back({low, high});
    return low.sum == high.sum ? certified_verdict::go_on : certified_verdict::open;
  }
};

}  // namespace

TEST_CASE("the rotation keeps norms and products, and spreads what is concentrated", "[kernel][certified]") {
  for (const std::size_t n : {1u, 2u, 3u, 64u, 96u, 100u, 127u, 896u, 3584u}) {
    const auto size = static_cast<index_t>(n);
    auto x = normal<double>(n, 1), y = normal<double>(n, 2);
    const double xy = lagom::dot(portable{}, x, y), xx = lagom::dot(portable{}, x, x);
    lagom::sign_hadamard{5}(portable{}, x.data(), size);
    lagom::sign_hadamard{5}(portable{}, y.data(), size);
    CHECK(lagom::dot(portable{}, x, y) == Approx(xy).margin(1e-12 * static_cast<double>(n)));
    CHECK(lagom::dot(portable{}, x, x) == Approx(xx));
    double worst = 0;
    for (std::size_t axis = 0; axis < n; axis += 1 + n / 16) {
      std::vector<double> e(n);
      e[axis] = 1;
      lagom::sign_hadamard{6}(portable{}, e.data(), size);
      for (const double v : e) worst = std::max(worst, std::abs(v));
    }
    if (n >= 64) CHECK(worst < 6 / std::sqrt(static_cast<double>(n)));
  }
  std::vector<double> a(96, 1.0), b(96, 1.0);
  lagom::sign_hadamard{1}(portable{}, a.data(), 96);
  lagom::sign_hadamard{2}(portable{}, b.data(), 96);
  CHECK(a != b);
}

TEST_CASE("what rows lose is what is stored", "[kernel][certified]") {
  for (const std::size_t h : {1u, 2u, 63u, 96u, 130u, 300u}) {
    const auto made = make_rows(rows_like::clusters, 40, h, 11);
    const auto w = as<lagom::bf16>(made);
    const mat_view<const lagom::bf16> rows(w.data(), 40, h);
    for (const row_code code : all_codes) {
      for (const bool rotate : {true, false}) {
        const auto prepared = lagom::prepare_head(portable{}, rows, {.code = code, .rotate = rotate});
        REQUIRE(prepared);
        const auto p = prepared->view();
        for (index_t r = 0; r < 40; ++r) {
          const auto exact = seen(p, rows, r);
          long double lost = 0, kept = 0, whole = 0, along = 0, squares = 0, most = 0;
          for (std::size_t j = 0; j < h; ++j) {
            const double q = element(p, r, static_cast<index_t>(j)), e = exact[j] - q;
            const auto stored = static_cast<double>(rows(r, static_cast<index_t>(j)));
            lost += static_cast<long double>(e * e);
            kept += static_cast<long double>(q * q);
            whole += static_cast<long double>(stored * stored);
            along += static_cast<long double>(q * exact[j]);
            squares += static_cast<long double>(exact[j] * exact[j]);
            most = std::max(most, static_cast<long double>(std::abs(e)));
          }
          const double norm = static_cast<double>(std::sqrt(std::max(kept, whole)));
          REQUIRE(static_cast<double>(p.norm[r]) >= norm);
          REQUIRE(static_cast<double>(p.norm[r]) <= norm * 1.00001);
          const auto s = static_cast<double>(p.scale[r]);
          double error = static_cast<double>(std::sqrt(lost));
          if (code == row_code::int4) {
            REQUIRE(static_cast<double>(most) <= s / 2 * 1.000001);
            error = s / std::sqrt(12.0);
          }
          if (code == row_code::int2) {
            REQUIRE(static_cast<double>(along / squares) == Approx(1).epsilon(1e-6));
            if (h > 2) error /= std::sqrt(static_cast<double>(h) - 1);
          }
          REQUIRE(static_cast<double>(p.error[r]) >= error);
          REQUIRE(static_cast<double>(p.error[r]) <= error * 1.00001 + 1e-30);
        }
      }
    }
  }
}

TEST_CASE("rows are prepared alike whatever their type, strides and threads; what cannot be is refused",
          "[kernel][certified]") {
  const std::size_t vocab = 300, h = 96, pitch = 101;
  const auto half_rows = as<lagom::f16>(make_rows(rows_like::zipf_norms, vocab, h, 3));
  const std::vector<float> w(half_rows.begin(), half_rows.end());
  std::vector<double> padded(vocab * pitch), across(vocab * h);
  for (std::size_t v = 0; v < vocab; ++v) {
    for (std::size_t j = 0; j < h; ++j)
      padded[v * pitch + j] = across[j * vocab + v] = static_cast<double>(w[v * h + j]);
  }
  const auto backwards = [](index_t n, const auto& task) {
    for (index_t i = n; i-- > 0;) task(i);
  };
  for (const row_code code : all_codes) {
    const lagom::prepare_config config{.code = code};
    const auto base = lagom::prepare_head(portable{}, mat_view(w.data(), vocab, h), config);
    const auto same = [&](const auto& other) {
      REQUIRE(base);
      REQUIRE(other);
      const auto a = base->view(), b = other->view();
      bool equal =
          a.fingerprint == b.fingerprint && std::equal(a.codes, a.codes + a.rows * a.pitch(), b.codes);
      for (index_t r = 0; r < a.rows; ++r)
        equal = equal && a.scale[r] == b.scale[r] && a.error[r] == b.error[r] && a.norm[r] == b.norm[r];
      return equal;
    };
    CHECK(same(lagom::prepare_head(portable{}, mat_view(half_rows.data(), vocab, h), config)));
    CHECK(same(lagom::prepare_head(portable{}, mat_view(padded.data(), vocab, h, 101), config)));
    CHECK(same(lagom::prepare_head(portable{}, mat_view(across.data(), h, vocab).transposed(), config)));
    CHECK(same(lagom::prepare_head(portable{}, mat_view(w.data(), vocab, h), config, backwards)));
  }
  auto bad = w;
  bad[17 * h + 5] = std::numeric_limits<float>::quiet_NaN();
  const auto refused = lagom::prepare_head(portable{}, mat_view(bad.data(), vocab, h));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == lagom::errc::not_finite);
  CHECK(refused.error().row == 17);
  CHECK(lagom::prepare_head(portable{}, mat_view(w.data(), 0, h)).error().code == lagom::errc::empty);
  CHECK(lagom::prepare_head(portable{}, mat_view(w.data(), 0, 0)).error().code == lagom::errc::empty);
  const std::vector<float> wide(65537);
  CHECK(lagom::prepare_head(portable{}, mat_view(wide.data(), 1, 65537)).error().code ==
        lagom::errc::too_large);
  CHECK(lagom::fingerprint_of(portable{}, mat_view(bad.data(), vocab, h)) !=
        lagom::fingerprint_of(portable{}, mat_view(w.data(), vocab, h)));
}

TEMPLATE_LIST_TEST_CASE("products of prepared rows are the integers they say", "[kernel][certified]", both) {
  for (const std::size_t h : {1u, 64u, 96u, 257u, 520u}) {
    const auto w = make_rows(rows_like::gaussian, 37, h, 21);
    for (const row_code code : all_codes) {
      const auto prepared = lagom::prepare_head(portable{}, mat_view(w.data(), 37, h), {.code = code});
      const auto p = prepared->view();
      const index_t line = lagom::prepared_rows::line(code),
                    padded = (static_cast<index_t>(h) + line - 1) / line * line;
      std::vector<std::int8_t> high(static_cast<std::size_t>(padded)), low(high);
      for (std::size_t j = 0; j < h; ++j) {
        const auto draw = lagom::philox{4}(h, j);
        high[j] = static_cast<std::int8_t>(static_cast<int>(draw.word[0] % 255) - 127);
        low[j] = static_cast<std::int8_t>(static_cast<int>(draw.word[1] % 128) - 64);
      }
      std::int32_t got_high[37], got_low[37];
      lagom::prepared_products(TestType{}, p, {high.data(), low.data()}, 2, 35, got_high, got_low);
      for (index_t r = 2; r < 37; ++r) {
        std::int64_t a = 0, b = 0;
        for (std::size_t j = 0; j < h; ++j) {
          const auto at = static_cast<index_t>(j);
          const int q =
              p.codes[r * p.pitch() + at / line * 64 + at % 64] >> (at % line / 64 * lagom::code_bits(code)) &
              ((1 << lagom::code_bits(code)) - 1);
          a += q * high[j];
          b += q * low[j];
        }
        REQUIRE(got_high[r - 2] == a);
        REQUIRE(got_low[r - 2] == b);
      }
    }
  }
}

TEST_CASE("errors of logits behave as their bounds say", "[kernel][certified]") {
  const std::size_t vocab = 400, h = 224;
  for (const rows_like kind : all_rows_like) {
    const auto w = make_rows(kind, vocab, h, 31);
    const mat_view<const float> rows(w.data(), vocab, h);
    for (const row_code code : all_codes) {
      double sum = 0, squares = 0, worst = 0;
      int n = 0;
      for (std::uint64_t key = 0; key < 25; ++key) {  // the probability is over the key
        const auto prepared = lagom::prepare_head(portable{}, rows, {.code = code, .key = key});
        const auto p = prepared->view();
        auto x = normal<double>(h, 50 + key, 2);
        x[h / 3] *= key % 2 == 0 ? 100 : 1;
        double norm = std::sqrt(lagom::dot(portable{}, x, x));
        auto y = x;
        lagom::sign_hadamard{p.key}(portable{}, y.data(), static_cast<index_t>(h));
        for (index_t r = 0; r < p.rows; ++r) {
          double error = 0;
          for (index_t j = 0; j < p.cols; ++j) {
            error += (static_cast<double>(p.mean[j]) + element(p, r, j)) * y[static_cast<std::size_t>(j)];
          }
          error -= lagom::dot(portable{}, x, rows.row(r));
          const double z = error / (static_cast<double>(p.error[r]) * norm + 1e-30);
          sum += z;
          squares += z * z;
          worst = std::max(worst, std::abs(z));
          ++n;
        }
      }
      INFO(static_cast<int>(kind) << " " << lagom::code_bits(code));
      if (code == row_code::int8) {
        CHECK(worst <= 1);  // Cauchy-Schwarz
      } else {
        CHECK(std::abs(sum / n) < 0.15);  // unbiased
        CHECK(squares / n < 1.3);         // as wide as said
        CHECK(squares / n > (kind == rows_like::gaussian ? 0.7 : 0.01));
        CHECK(worst < 6);  // 10 000 draws: 2 exp(-18) each
      }
    }
  }
}

TEST_CASE("certified probes decide as the full head, on heads of every kind", "[kernel][certified]") {
  tally t;
  agree<portable, float>(700, 96, 6, t);
  agree<lagom::native, lagom::bf16>(500, 224, 5, t);
  agree<lagom::native, lagom::f16>(333, 33, 5, t);
  CHECK(t.decisions == 6 * 3 * 2 * 4 * (6 + 5 + 5));
  CHECK(t.wrong == 0);
  CHECK(t.not_enclosed == 0);
}

TEST_CASE("a hundred thousand decisions", "[.full]") {
  tally t;
  agree<portable, float>(2000, 96, 250, t);
  agree<lagom::native, lagom::bf16>(1000, 896, 120, t);
  agree<lagom::native, lagom::bf16>(4000, 256, 250, t);
  agree<lagom::native, lagom::f16>(1500, 384, 110, t);
  WARN(t.decisions << " decisions");
  CHECK(t.decisions >= 100000);
  CHECK(t.wrong == 0);
  CHECK(t.not_enclosed == 0);
}

TEST_CASE("int8 rows are exact and read half of a bf16 head", "[kernel][certified]") {
  const std::size_t vocab = 3000, h = 256;
  const auto made = make_rows(rows_like::clusters, vocab, h, 41);
  const auto w = as<lagom::bf16>(made);
  const mat_view<const lagom::bf16> rows(w.data(), vocab, h);
  const head to{rows};
  for (const row_code code : all_codes) {
    const auto prepared = lagom::prepare_head(portable{}, rows, {.code = code});
    certified_workspace work{portable{}, prepared->view()};
    for (std::uint64_t n = 0; n < 20; ++n) {
      const auto x = make_state(made, vocab, h, 100 * n + 7, 2, n % 2 == 0 ? 4 : -3, 60 + n);
      const auto s = lagom::certified_probe(portable{}, x, to, prepared->view(), work, half, {.delta = 1e-6});
      CHECK(s.how ==
            (code == row_code::int8 || s.rows_read >= 3000 ? certainty::exact : certainty::certified));
      CHECK(s.delta == (s.how == certainty::exact ? 0 : 1e-6));
    }
    CHECK(work.account.probes == 20);
    CHECK(work.account.exact + work.account.certified == 20);
    const double share =
        static_cast<double>(work.account.bytes_read) / (20.0 * static_cast<double>(w.size()) * 2);
    if (code == row_code::int8) CHECK(share < 0.54);
    if (code == row_code::int4) CHECK(share < 0.32);
  }
}

TEST_CASE("states and heads at the edge", "[kernel][certified]") {
  const std::size_t vocab = 600, h = 96;
  auto w = make_rows(rows_like::gaussian, vocab, h, 51);
  for (std::size_t j = 0; j < h; ++j) {
    w[5 * h + j] = 0;  // rows of zeros
    w[300 * h + j] = 0;
    w[77 * h + j] = w[400 * h + j] = 3 * w[12 * h + j];  // two of the same
    w[9 * h + j] *= 1e-35f;                              // no scale left
  }
  const mat_view<const float> rows(w.data(), vocab, h);
  const auto state = make_state(w, vocab, h, 200, 2, 1, 52);
  const auto probe = [&](const auto& to, const auto& x, row_code code, certified_options options = {}) {
    const auto prepared = lagom::prepare_head(portable{}, to.rows, {.code = code});
    REQUIRE(prepared);
    certified_workspace work{portable{}, prepared->view()};
    const auto s = lagom::certified_probe(portable{}, x, to, prepared->view(), work, half, options);
    const auto full = lagom::unembed(portable{}, x, to);
    if (s.how != certainty::unknown) {
      CHECK(s.decision == half(full, full));
      CHECK(s.token() == full.top);
      CHECK(s.low.gap() <= full.gap());
      CHECK(s.high.gap() >= full.gap());
    }
    return s;
  };
  for (const row_code code : all_codes) {
    probe(head{rows}, state, code);
    probe(head{rows, lagom::no_norm{}, -0.7f}, state, code);  // the smallest product is the best
    probe(head{rows, lagom::no_norm{}, 1.0f, 1000}, state, code);
    const auto none = probe(head{rows, lagom::no_norm{}, 0.0f}, state, code);  // all tied
    CHECK(none.how == certainty::exact);
    CHECK(none.rows_read >= 600);
    CHECK(probe(head{rows}, std::vector<float>(h), code).low.top == 0);  // no state: the first token
    std::vector<float> twin(h), broken = state, vast = state;
    for (std::size_t j = 0; j < h; ++j) twin[j] = 40 * w[77 * h + j];
    CHECK(probe(head{rows}, twin, code).token() == 77);  // the lower of two equal ones
    broken[3] = std::numeric_limits<float>::quiet_NaN();
    const auto flagged = probe(head{rows}, broken, code);
    CHECK_FALSE(flagged.low.valid());
    CHECK(flagged.decision == certified_verdict::go_on);
    broken[3] = std::numeric_limits<float>::infinity();
    CHECK(probe(head{rows}, broken, code).decision == certified_verdict::go_on);
    for (float& v : vast) v *= 1e36f;
    probe(head{rows}, vast, code);
    probe(head{rows}, std::vector<double>(state.begin(), state.end()), code);
    for (const index_t few : {1, 2, 3, 17}) probe(head{rows.slice_rows(10, few)}, state, code);
    const auto given_up = probe(head{rows}, std::vector<float>(h), code, {.fall_back = false});
    CHECK(given_up.how == certainty::unknown);
    CHECK(given_up.decision == certified_verdict::open);
    CHECK(given_up.token() == lagom::no_token);
    CHECK_FALSE(given_up.low.valid());
  }
  for (const std::size_t narrow : {1u, 2u, 3u}) {
    const auto thin = normal<float>(50 * narrow, 61);
    for (const row_code code : all_codes) {
      probe(head{mat_view<const float>(thin.data(), 50, narrow)}, normal<float>(narrow, 62, 5), code);
    }
  }
}

TEST_CASE("a norm with a bias, and a norm that is part of the state", "[kernel][certified]") {
  const std::size_t vocab = 500, h = 80;
  const auto w = make_rows(rows_like::common_direction, vocab, h, 71);
  const auto g = normal<float>(h, 72), bias = normal<float>(h, 73, 3);
  const mat_view<const float> rows(w.data(), vocab, h);
  const auto prepared = lagom::prepare_head(portable{}, rows);
  certified_workspace work{portable{}, prepared->view()};
  tally t;
  for (std::uint64_t n = 0; n < 10; ++n) {
    const auto x = normal<float>(h, 80 + n, 2);
    judge<portable>(head{rows, lagom::layer_norm<float>{g, bias, 1e-5}, 2.0f}, x, prepared->view(), work, t);
    judge<portable>(head{rows, lagom::layer_norm<float>{g, {}, 1e-5}, 2.0f}, as<lagom::bf16>(x),
                    prepared->view(), work, t);
  }
  CHECK(t.wrong == 0);
  CHECK(t.not_enclosed == 0);
}

TEST_CASE("the same bits whoever runs the tasks", "[kernel][certified]") {
  const std::size_t vocab = 3000, h = 96;
  const auto w = make_rows(rows_like::zipf_norms, vocab, h, 91);
  const head to{mat_view<const float>(w.data(), vocab, h)};
  const auto threads = [](index_t n, const auto& task) {
    std::vector<std::thread> pool;
    for (index_t t = 0; t < 3; ++t)
      pool.emplace_back([&, t] {
        for (index_t i = t; i < n; i += 3) task(i);
      });
    for (auto& p : pool) p.join();
  };
  for (const row_code code : all_codes) {
    const auto prepared = lagom::prepare_head(portable{}, to.rows, {.code = code});
    certified_workspace one{portable{}, prepared->view()}, many{portable{}, prepared->view()};
    for (std::uint64_t n = 0; n < 5; ++n) {
      const auto x = make_state(w, vocab, h, 11 * n, 2, 1, 95 + n);
      const auto a = lagom::certified_probe(portable{}, x, to, prepared->view(), one, half);
      const auto b = lagom::certified_probe(portable{}, x, to, prepared->view(), many, half, {}, threads);
      CHECK(a.low.sum == b.low.sum);
      CHECK(a.high.sum == b.high.sum);
      CHECK(a.low.second == b.low.second);
      CHECK(a.rows_read == b.rows_read);
      CHECK(one.upper == many.upper);
      std::vector<std::pair<lagom::softmax_stats<>, lagom::softmax_stats<>>> alone, together;
      lagom::certified_probe(portable{}, x, to, prepared->view(), one, witness{&alone}, {.fall_back = false});
      lagom::certified_probe(portable{}, x, to, prepared->view(), many, witness{&together},
                             {.fall_back = false}, threads);
      bool same = alone.size() == together.size() && alone.size() > 1;
      for (std::size_t i = 0; same && i < alone.size(); ++i)
        same = alone[i].first.sum == together[i].first.sum && alone[i].second.sum == together[i].second.sum;
      CHECK(same);
    }
  }
}

TEST_CASE("dithers are uniform, and others for every key and group", "[kernel][certified]") {
  const index_t n = 5000;
  std::vector<std::int16_t> a(n), b(n), part(100);
  for (const auto& [key, k] : {std::pair{1, 0}, {1, 1}, {2, 0}, {1, 255}}) {
    lagom::prepared_rows::dither(portable{}, static_cast<std::uint64_t>(key), k, a.data(), n);
    double sum = 0, squares = 0, with_next = 0;
    for (index_t j = 0; j < n; ++j) {
      const double u = lagom::prepared_rows::dither_of(a[static_cast<std::size_t>(j)]);
      const double next = lagom::prepared_rows::dither_of(a[static_cast<std::size_t>((j + 1) % n)]);
      sum += u;
      squares += u * u;
      with_next += u * next;
    }
    CHECK(std::abs(sum / n) < 5 / std::sqrt(12.0 * n));
    CHECK(squares / n == Approx(1.0 / 12).epsilon(0.05));
    CHECK(std::abs(with_next / n) < 5 / (12 * std::sqrt(1.0 * n)));
    lagom::prepared_rows::dither(portable{}, static_cast<std::uint64_t>(key), k, part.data(), 100);
    CHECK(std::equal(part.begin(), part.end(), a.begin()));
    CHECK(a != b);
    b = a;
  }
}

TEST_CASE("weighted errors of dithered rows behave as the bounds of sums say, over the key",
          "[kernel][certified]") {
  // Row i and row i + 256 k are the same and have the same dither: their errors go together, which is the worst case.
  const std::size_t vocab = 1024, h = 64;
  const int keys = 400;
  for (const bool twins : {true, false}) {
    auto w = make_rows(rows_like::zipf_norms, vocab, h, 111);
    for (std::size_t i = 256 * h; twins && i < w.size(); ++i) w[i] = w[i - 256 * h];
    const mat_view<const float> rows(w.data(), vocab, h);
    auto x = make_state(w, vocab, h, 3, 2, -1, 112);
    const double norm = std::sqrt(static_cast<double>(lagom::squared_norm(portable{}, x)));
    double mean = 0, variance = 0;
    int off = 0, large = 0;
    constexpr double t = 1.794, chance = 0.4;  // 2 exp(-t^2 / 2), and exp(-1.609) = 0.2
    for (int key = 0; key < keys; ++key) {
      const auto prepared = lagom::prepare_head(
          portable{}, rows, {.code = row_code::int4, .key = static_cast<std::uint64_t>(key)});
      const auto p = prepared->view();
      std::vector<double> y(x.begin(), x.end());
      lagom::sign_hadamard{p.key}(portable{}, y.data(), p.cols);
      double sum = 0, squares = 0;
      std::vector<double> b(256), m(256);
      for (index_t r = 0; r < p.rows; ++r) {
        const auto z = static_cast<double>(lagom::dot(portable{}, x, rows.row(r)));
        double e = -z;
        for (index_t j = 0; j < p.cols; ++j)
          e += (static_cast<double>(p.mean[j]) + element(p, r, j)) * y[static_cast<std::size_t>(j)];
        const double c = std::exp(z), s = static_cast<double>(p.error[r]) * norm;
        sum += c * e;
        squares += c * e * e;
        b[static_cast<std::size_t>(r % 256)] += c * s;
        m[static_cast<std::size_t>(r % 256)] += c * s * s;
      }
      double scale = 0, all = 0, both = 0;
      for (std::size_t k = 0; k < 256; ++k) {
        scale += b[k] * b[k];
        all += m[k];
        both += m[k] * m[k];
      }
      scale = std::sqrt(scale);
      mean += sum / scale / keys;
      variance += sum / scale * sum / scale / keys;
      off += std::abs(sum) > t * scale ? 1 : 0;
      large += squares > all + 2 * std::sqrt(1.609 * both) + 2 * 1.609 * *std::max_element(m.begin(), m.end())
                   ? 1
                   : 0;
    }
    CHECK(std::abs(mean) < 0.2);
    CHECK(variance < 1.25);
    if (twins) CHECK(variance > 0.75);  // no smaller scale will do
    CHECK(off <= chance * keys);
    CHECK(large <= 0.2 * keys);
  }
}

TEST_CASE("sums of dithered rows are enclosed with probability 1 - delta over the key, and narrowly",
          "[kernel][certified]") {
  const std::size_t vocab = 4096, h = 64;
  const double delta = 0.2;
  const int keys = 150;
  for (const rows_like kind : {rows_like::gaussian, rows_like::clusters, rows_like::zipf_norms}) {
    const auto w = make_rows(kind, vocab, h, 121);
    const head to{mat_view<const float>(w.data(), vocab, h)};
    const auto x = make_state(w, vocab, h, 40, 1.5, -1, 122);
    const auto full = lagom::unembed(portable{}, x, to);
    int missed = 0, narrower = 0, shown = 0;
    for (int key = 0; key < keys; ++key) {
      const auto prepared = lagom::prepare_head(
          portable{}, to.rows, {.code = row_code::int4, .key = static_cast<std::uint64_t>(key)});
      certified_workspace work{portable{}, prepared->view()};
      std::vector<std::pair<lagom::softmax_stats<>, lagom::softmax_stats<>>> seen;
      lagom::certified_probe(portable{}, x, to, prepared->view(), work, witness{&seen},
                             {.delta = delta, .budget = 0.6, .fall_back = false});
      bool inside = !seen.empty();
      for (const auto& [low, high] : seen) {
        inside = inside && low.top == full.top && low.top_prob() <= full.top_prob() &&
                 full.top_prob() <= high.top_prob() && low.gap() <= full.gap() && full.gap() <= high.gap();
      }
      missed += inside ? 0 : 1;
      for (std::size_t i = 0; i + 1 < seen.size(); i += 2) {  // row by row, then averaged
        const auto width = [&](std::size_t at) { return std::log(seen[at].first.sum / seen[at].second.sum); };
        ++shown;
        narrower += width(i + 1) < 0.6f * width(i) ? 1 : 0;
        inside = inside && width(i + 1) <= width(i) + 1e-6f;
      }
      CHECK(inside);
    }
    INFO(static_cast<int>(kind));
    CHECK(missed <= delta * keys);
    CHECK(shown > keys);
    CHECK(3 * narrower > shown);
  }
}

TEST_CASE("a value on the threshold costs one read of the head, and little more", "[kernel][certified]") {
  const std::size_t vocab = 3000, h = 128;
  const auto w = make_rows(rows_like::clusters, vocab, h, 141);
  const head to{mat_view<const float>(w.data(), vocab, h)};
  const auto x = make_state(w, vocab, h, 40, 1.5, 0, 142);
  const auto full = lagom::unembed(portable{}, x, to);
  for (const row_code code : all_codes) {
    const auto prepared = lagom::prepare_head(portable{}, to.rows, {.code = code});
    certified_workspace work{portable{}, prepared->view()};
    for (const float apart : {0.9999f, 1.0f, 1.0001f}) {
      const lagom::monotone_decision decide{lagom::features<lagom::gap>{},
                                            lagom::threshold<>{full.gap() * apart, 0}};
      const auto s = lagom::certified_probe(portable{}, x, to, prepared->view(), work, decide);
      INFO(lagom::code_bits(code) << " bits, " << apart);
      CHECK(s.how == certainty::exact);
      CHECK(s.decision == decide(full, full));
      CHECK(s.low.sum == full.sum);
      CHECK(s.rows_read >= 3000);
      CHECK(s.rows_read < 3600);
    }
  }
}

TEST_CASE("two rows that look alike are no tie while a better one is unread", "[kernel][certified]") {
  // Rows 5 and 6 are long, and so are their errors: they are read first. Row 7 is the best.
  const std::size_t vocab = 2000, h = 128;
  auto w = make_rows(rows_like::gaussian, vocab, h, 131);
  const auto x = normal<float>(h, 132, 3);
  float squares = 0;
  for (const float v : x) squares += v * v;
  for (std::size_t j = 0; j < h; ++j) {
    w[5 * h + j] = w[6 * h + j] = 20 * w[5 * h + j];
    w[7 * h + j] = 0.1f * w[7 * h + j] + 14 * x[j] / squares;
  }
  const auto set = [&](std::size_t row, float z) {  // its logit, by its part along the state
    const float now = lagom::dot(portable{}, vec_view<const float>(w.data() + row * h, h), x);
    for (std::size_t j = 0; j < h; ++j) w[row * h + j] += (z - now) * x[j] / squares;
  };
  set(5, 13.5f);
  set(6, 13.5f);
  set(7, 14.5f);
  const head to{mat_view<const float>(w.data(), vocab, h)};
  const auto full = lagom::unembed(portable{}, x, to);
  REQUIRE(full.top == 7);
  for (const row_code code : all_codes) {
    const auto prepared = lagom::prepare_head(portable{}, to.rows, {.code = code});
    certified_workspace work{portable{}, prepared->view()};
    const lagom::monotone_decision decide{lagom::features<lagom::top_prob>{}, lagom::threshold<>{0.1f, 0}};
    const auto s = lagom::certified_probe(portable{}, x, to, prepared->view(), work, decide);
    CHECK(s.token() == 7);
    CHECK(s.decision == decide(full, full));
    CHECK(s.rows_read < 1000);
  }
}

TEST_CASE("a few rows by themselves, beside a certified probe", "[kernel][certified][unembed_rows]") {
  const std::size_t vocab = 800, h = 96;
  const auto w = make_rows(rows_like::gaussian, vocab, h, 101);
  const head to{mat_view<const float>(w.data(), vocab, h)};
  const auto prepared = lagom::prepare_head(portable{}, to.rows);
  certified_workspace work{portable{}, prepared->view()};
  const auto x = make_state(w, vocab, h, 321, 2, 3, 102);
  const auto s = lagom::certified_probe(portable{}, x, to, prepared->view(), work, half);
  const std::vector<lagom::token_id> labels{7, 321, 600};
  const auto among = lagom::unembed_rows(portable{}, x, to, labels);
  CHECK(s.token() == 321);
  CHECK(among.top == 321);
  CHECK(among.max == lagom::unembed(portable{}, x, to).max);
  CHECK(among.top_prob() >= s.high.top_prob());  // fewer to share with
}
