// SPDX-License-Identifier: MIT
// Deciding gap > threshold as the full bf16 head does, from prepared rows, beside the fused probe of the full head.
// After the tables: what was read of the full head's bytes, and the decisions that differed (0).
#include <lagom/adapt/native.hpp>
#include <lagom/adapt/openmp.hpp>
#include <lagom/exit/certified_answer.hpp>
#include <lagom/kernel/prepare_head.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

namespace {

constexpr int states = 8;
const lagom::monotone_decision decide{lagom::features<lagom::gap>{}, lagom::threshold<>{0.5f, 0}};

// A head that is not Gaussian: spectrum (k + 10)^-0.35, 1000 centres with 60 % of the amplitude, norms that are Zipf-like and
// log-normal, a common mean.
struct head_data {
  int vocab, dim;
  std::vector<lagom::bf16> w;
  std::vector<std::vector<float>> x;

  head_data(int v, int d) : vocab(v), dim(d), w(static_cast<std::size_t>(v) * static_cast<std::size_t>(d)) {
    const auto n = static_cast<std::size_t>(d);
    const auto noise = bench::numbers<float>(w.size(), 1), centre = bench::numbers<float>(1000 * n, 2),
               mean = bench::numbers<float>(n, 3),
               size = bench::numbers<float>(static_cast<std::size_t>(v), 4);
    std::vector<float> spectrum(n);
    for (std::size_t j = 0; j < n; ++j) spectrum[j] = std::pow(static_cast<float>(j + 10) / 10, -0.35f);
    for (std::size_t r = 0; r < static_cast<std::size_t>(v); ++r) {
      const float norm = 0.05f * std::pow(static_cast<float>(r + 1), -0.1f) * std::exp(0.3f * (*size)[r]);
      for (std::size_t j = 0; j < n; ++j) {
        const float e = 0.6f * (*centre)[r * 7919 % 1000 * n + j] + 0.8f * (*noise)[r * n + j];
        w[r * n + j] = lagom::bf16(norm * e * spectrum[j] + 0.01f * (*mean)[j]);
      }
    }
    for (int s = 0; s < states; ++s) x.push_back(state(s));
  }

  [[nodiscard]] lagom::head<lagom::bf16> full() const {
    return lagom::head{lagom::mat_view<const lagom::bf16>(w.data(), vocab, dim)};
  }

  // Logits of deviation near 2.75; the target's probability goes from 0.05 to 0.999.
  [[nodiscard]] std::vector<float> state(int s) const {
    auto h = *bench::numbers<float>(static_cast<std::size_t>(dim), 10 + static_cast<std::uint64_t>(s));
    const lagom::native b;
    const auto rows = full().rows;
    const auto target = rows.row((1 + s * 3571) % vocab);
    double squares = 0;
    for (int v = 0; v < vocab; v += 100) {
      const auto z = static_cast<double>(lagom::dot(b, rows.row(v), h));
      squares += z * z;
    }
    for (float& e : h) e *= static_cast<float>(2.75 / std::sqrt(squares * 100 / vocab));
    const double wanted = -2.9 + 9.8 * s / (states - 1),
                 norm = static_cast<double>(lagom::squared_norm(b, target));
    for (int again = 0; again < 4; ++again) {
      const double own = static_cast<double>(lagom::dot(b, target, h));
      const double all = static_cast<double>(lagom::unembed(b, h, full()).log_sum_exp());
      const double others = all + std::log1p(-std::min(std::exp(own - all), 0.99999));
      for (int j = 0; j < dim; ++j) {
        h[static_cast<std::size_t>(j)] +=
            static_cast<float>((others + wanted - own) / norm) * static_cast<float>(target[j]);
      }
    }
    return h;
  }
};

struct prepared_case {
  lagom::row_code code;
  lagom::prepared_head rows;
  lagom::certified_workspace work;
};

}  // namespace

int main(int argc, char** argv) {
  const bool large = std::getenv("LAGOM_BENCH_LARGE") != nullptr;  // 1 GB of head, and minutes of preparation
  const int vocab = large ? 128256 : 32000, dim = 4096;
  const auto data = std::make_shared<head_data>(vocab, dim);
  const std::string what = "V=" + std::to_string(vocab) + " d=" + std::to_string(dim);
  std::vector<std::shared_ptr<prepared_case>> cases;
  for (const lagom::row_code code : {lagom::row_code::int8, lagom::row_code::int4, lagom::row_code::int2}) {
    auto made = lagom::prepare_head(lagom::native{}, data->full().rows, {.code = code}, lagom::openmp{2});
    if (!made) return 1;
    const auto view = made->view();
    cases.push_back(
        std::make_shared<prepared_case>(prepared_case{code, std::move(*made), {lagom::native{}, view}}));
  }
  for (const int threads : {1, 2}) {
    for (const auto& c : cases) {
      const bench::problem p{"unembed_certified", what, "int" + std::to_string(lagom::code_bits(c->code)), 1,
                             threads};
      const auto bytes = static_cast<std::size_t>(c->rows.view().rows * c->rows.view().pitch());
      if (threads == 1) {
        p.limit("read",
                [=] { bench::read_bytes(reinterpret_cast<const char*>(c->rows.view().codes), bytes); });
        p.lagom(
            "lagom certified",
            [=] {
              for (const auto& x : data->x) {
                benchmark::DoNotOptimize(lagom::certified_probe(lagom::native{}, x, data->full(),
                                                                c->rows.view(), c->work, decide));
              }
            },
            states);
        p.peer("lagom, full bf16 head",
               [=] { benchmark::DoNotOptimize(lagom::unembed(lagom::native{}, data->x[0], data->full())); });
      } else {
        p.lagom(
            "lagom certified",
            [=] {
              for (const auto& x : data->x) {
                benchmark::DoNotOptimize(lagom::certified_probe(
                    lagom::native{}, x, data->full(), c->rows.view(), c->work, decide, {}, lagom::openmp{2}));
              }
            },
            states);
        p.peer("lagom, full bf16 head", [=] {
          benchmark::DoNotOptimize(
              lagom::unembed(lagom::native{}, data->x[0], data->full(), lagom::openmp{2}));
        });
      }
    }
  }
  const int failed = bench::run(argc, argv);
  for (const auto& c : cases) {
    c->work.account = {};
    int wrong = 0;
    for (const auto& x : data->x) {
      const auto full = lagom::unembed(lagom::native{}, x, data->full());
      const auto s =
          lagom::certified_probe(lagom::native{}, x, data->full(), c->rows.view(), c->work, decide);
      wrong += s.decision == decide(full, full) && s.token() == full.top ? 0 : 1;
    }
    const auto& a = c->work.account;
    std::printf(
        "int%d: %.4f of the bytes of the full head, %.4f of its rows, %d of %d probes read all of it; %d "
        "decisions differ\n",
        lagom::code_bits(c->code),
        static_cast<double>(a.bytes_read) / states / (2.0 * static_cast<double>(data->w.size())),
        static_cast<double>(a.rows_read) / states / vocab, static_cast<int>(a.full_reads), states, wrong);
  }
  return failed;
}
