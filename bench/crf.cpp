// SPDX-License-Identifier: MIT
// Fitting a chain on sequences of labelled layers, beside CRFsuite.
#include <lagom/lagom.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

#ifdef LAGOM_BENCH_CRFSUITE
#include <crfsuite.hpp>
#endif

namespace {

constexpr std::size_t features = 8, sequences = 4992, steps = 32, rows = sequences * steps;

struct chains {
  std::vector<float> x = std::vector<float>(features * rows);
  std::vector<signed char> labels = std::vector<signed char>(rows);
  std::vector<lagom::index_t> bounds;

  chains() {
    const auto z = bench::numbers<float>((features + 1) * rows, 7);
    for (std::size_t s = 0; s < sequences; ++s) {
      bounds.push_back(static_cast<lagom::index_t>(s * steps));
      bool stop = false;
      for (std::size_t i = s * steps; i < (s + 1) * steps; ++i) {
        if ((*z)[features * rows + i] > 1) stop = !stop;
        labels[i] = stop ? 1 : -1;
        for (std::size_t j = 0; j < features; ++j)
          x[j * rows + i] =
              (*z)[j * rows + i] + 0.3f * static_cast<float>(labels[i]) * static_cast<float>(j % 3);
      }
    }
    bounds.push_back(static_cast<lagom::index_t>(rows));
  }
  [[nodiscard]] lagom::dataset_view view() const {
    return {.features = {x.data(), features, rows}, .labels = labels, .sequences = bounds};
  }
};

#ifdef LAGOM_BENCH_CRFSUITE
// CRFsuite with its own stopping rule; keeps the last loss it reports.
class trainer : public CRFSuite::Trainer {
 public:
  double loss = 0;
  int iterations = 0;

  explicit trainer(const chains& c) {
    for (std::size_t s = 0; s < sequences; ++s) {
      CRFSuite::ItemSequence items(steps);
      CRFSuite::StringList tags(steps);
      for (std::size_t t = 0; t < steps; ++t) {
        const std::size_t i = s * steps + t;
        for (std::size_t j = 0; j < features; ++j)
          items[t].emplace_back("f" + std::to_string(j), static_cast<double>(c.x[j * rows + i]));
        items[t].emplace_back("bias", 1.0);
        tags[t] = c.labels[i] > 0 ? "1" : "0";
      }
      append(items, tags, 0);
    }
    select("lbfgs", "crf1d");
    // A feature's "frequency" is the sum of its values: by default those of negative sum are dropped.
    for (const auto& [key, value] :
         {std::pair("c1", "0"), std::pair("c2", "1"), std::pair("feature.minfreq", "-1e9"),
          std::pair("feature.possible_states", "1"), std::pair("feature.possible_transitions", "1")})
      set(key, value);
  }
  void message(const std::string& text) override {
    if (text.rfind("Loss: ", 0) == 0) loss = std::strtod(text.c_str() + 6, nullptr);
    iterations += text.rfind("***** Iteration", 0) == 0;
  }
};
#endif

}  // namespace

int main(int argc, char** argv) {
  const auto c = std::make_shared<chains>();
  const bench::problem p{"crf", "4992 sequences of 32 steps, f=8"};
  p.limit("read", [=] {
    bench::read(c->x);
    bench::read(c->labels);
  });
  p.lagom("lagom", [=] {
    benchmark::DoNotOptimize(lagom::fit<features>(lagom::crf_config{.standardize = false}, c->view()));
  });
  p.lagom("lagom, standardised",
          [=] { benchmark::DoNotOptimize(lagom::fit<features>(lagom::crf_config{}, c->view())); });
#ifdef LAGOM_BENCH_CRFSUITE
  const auto peer = std::make_shared<trainer>(*c);  // its data set is built here, outside the timing
  peer->train("", -1);
  const auto own = lagom::fit<features>(lagom::crf_config{.standardize = false}, c->view());
  std::fprintf(stderr, "crf: CRFsuite ends at %.8g after %d iterations, lagom at %.8g after %d\n", peer->loss,
               peer->iterations, own->report.objective, own->report.iterations);
  p.peer("CRFsuite L-BFGS", [=] { peer->train("", -1); });
#else
  bench::skipped("CRFsuite");
#endif
  return bench::run(argc, argv);
}
