// SPDX-License-Identifier: MIT
// Fitting linear and Gaussian-kernel classifiers on labelled layers, beside liblinear and libsvm.
#include <lagom/lagom.hpp>

#include "inputs.hpp"
#include "ratio_main.hpp"

#ifdef LAGOM_BENCH_LIBLINEAR
#include <linear.h>
#endif
#ifdef LAGOM_BENCH_LIBSVM
#include <svm.h>
#endif

namespace {

// Two overlapping classes, N features a row, feature by feature.
template <std::size_t N>
struct rows_of {
  std::vector<float> x;
  std::vector<signed char> labels;

  explicit rows_of(std::size_t n) : x(N * n), labels(n) {
    const auto z = bench::numbers<float>((N + 1) * n, N);
    for (std::size_t i = 0; i < n; ++i) {
      float f = 0.3f + (*z)[N * n + i];
      for (std::size_t j = 0; j < N; ++j) {
        x[j * n + i] = (*z)[j * n + i];
        f += (j % 2 == 0 ? 1.0f : -0.7f) * x[j * n + i];
      }
      labels[i] = f > 0 ? 1 : -1;
    }
  }
  [[nodiscard]] lagom::dataset_view view() const {
    return {.features = {x.data(), N, labels.size()}, .labels = labels};
  }
  // w . x + b, the last weight being b.
  [[nodiscard]] double decision(const double* w, std::size_t i) const {
    double f = w[N];
    for (std::size_t j = 0; j < N; ++j) f += w[j] * static_cast<double>(x[j * labels.size() + i]);
    return f;
  }
};

enum class loss { squared_hinge, logistic };

#ifdef LAGOM_BENCH_LIBLINEAR
// What both minimise, with C = 1 and the bias among the weights.
template <std::size_t N>
double objective(const rows_of<N>& rows, const double* w, loss of) {
  double value = 0;
  for (std::size_t j = 0; j <= N; ++j) value += w[j] * w[j] / 2;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    const double m = static_cast<double>(rows.labels[i]) * rows.decision(w, i);
    if (of == loss::squared_hinge) value += m < 1 ? (1 - m) * (1 - m) : 0;
    if (of == loss::logistic) value += m > 0 ? std::log1p(std::exp(-m)) : std::log1p(std::exp(m)) - m;
  }
  return value;
}

// liblinear's lists, built outside the timing.
template <std::size_t N>
struct liblinear_rows {
  std::vector<feature_node> nodes;
  std::vector<feature_node*> row;
  std::vector<double> label;
  problem all{};

  explicit liblinear_rows(const rows_of<N>& rows) : nodes((N + 2) * rows.labels.size()) {
    const std::size_t n = rows.labels.size();
    for (std::size_t i = 0; i < n; ++i) {
      feature_node* const to = nodes.data() + (N + 2) * i;
      for (std::size_t j = 0; j < N; ++j)
        to[j] = {static_cast<int>(j) + 1, static_cast<double>(rows.x[j * n + i])};
      to[N] = {static_cast<int>(N) + 1, 1};
      to[N + 1] = {-1, 0};
      row.push_back(to);
      label.push_back(rows.labels[i]);
    }
    all = {static_cast<int>(n), static_cast<int>(N) + 1, label.data(), row.data(), 1};
  }

  // Trains, and returns the weights of the class +1.
  std::vector<double> train(int solver, double eps) const {
    parameter settings{};
    settings.solver_type = solver;
    settings.C = 1;
    settings.eps = eps;
    settings.p = 0.1;
    model* m = ::train(&all, &settings);
    std::vector<double> w(m->w, m->w + N + 1);
    if (m->label[0] != 1) {
      for (double& v : w) v = -v;
    }
    free_and_destroy_model(&m);
    return w;
  }
};
#endif

template <std::size_t N>
void linear(std::size_t n) {
  const auto rows = std::make_shared<rows_of<N>>(n);
  for (const loss of : {loss::squared_hinge, loss::logistic}) {
    const bench::problem name{"svm", std::string(of == loss::logistic ? "logistic" : "squared hinge") +
                                         ", 100000 rows, f=" + std::to_string(N)};
    name.limit("read", [rows] {
      bench::read(rows->x);
      bench::read(rows->labels);
    });
    const auto lagom = [rows, of](bool standardize) {
      const auto take = [](const auto& fit) { return fit ? fit->report.objective : -1; };
      if (of == loss::logistic) {
        return take(lagom::fit<N>(
            lagom::logistic_config{.bias = lagom::bias_term::regularised, .standardize = standardize},
            rows->view()));
      }
      return take(lagom::fit<N>(
          lagom::linear_svm_config{.bias = lagom::bias_term::regularised, .standardize = standardize},
          rows->view()));
    };
    name.lagom("lagom", [lagom] { benchmark::DoNotOptimize(lagom(false)); });
    name.lagom("lagom, standardised", [lagom] { benchmark::DoNotOptimize(lagom(true)); });
#ifdef LAGOM_BENCH_LIBLINEAR
    set_print_string_function([](const char*) {});
    const auto peer = std::make_shared<liblinear_rows<N>>(*rows);
    const double least = lagom(false);
    const int primal = of == loss::logistic ? L2R_LR : L2R_L2LOSS_SVC;
    // The coarsest of its tolerances that reaches the same objective.
    double eps = 0.1, off = 1;
    while (off > 1e-7 && eps > 1e-8) {
      eps /= 10;
      off = objective(*rows, peer->train(primal, eps).data(), of) / least - 1;
    }
    std::fprintf(stderr, "%s: liblinear eps %g ends %.1e above lagom's objective\n", name.what.c_str(), eps,
                 off);
    name.peer("liblinear primal", [=] { benchmark::DoNotOptimize(peer->train(primal, eps)); });
#endif
  }
}

template <std::size_t N>
void gaussian(std::size_t n) {
  const auto rows = std::make_shared<rows_of<N>>(n);
  const bench::problem name{"svm", "Gaussian kernel, " + std::to_string(n) + " rows, f=" + std::to_string(N)};
  const double gamma = 1.0 / static_cast<double>(N);
  const auto lagom = [=] {
    return lagom::fit<N>(lagom::rbf_svm_config{.gamma = gamma, .standardize = false}, rows->view());
  };
  name.lagom("lagom", [=] { benchmark::DoNotOptimize(lagom()); });
#ifdef LAGOM_BENCH_LIBSVM
  // Rows point into the nodes: what trains on them keeps all of it.
  struct libsvm_rows {
    std::vector<svm_node> nodes;
    std::vector<svm_node*> row;
    std::vector<double> label;
  };
  const auto data = std::make_shared<libsvm_rows>();
  data->nodes.resize((N + 1) * n);
  data->label.assign(rows->labels.begin(), rows->labels.end());
  for (std::size_t i = 0; i < n; ++i) {
    svm_node* const to = data->nodes.data() + (N + 1) * i;
    for (std::size_t j = 0; j < N; ++j)
      to[j] = {static_cast<int>(j) + 1, static_cast<double>(rows->x[j * n + i])};
    to[N] = {-1, 0};
    data->row.push_back(to);
  }
  const auto peer = [=] {
    svm_set_print_string_function([](const char*) {});
    svm_parameter settings{};
    settings.svm_type = C_SVC;
    settings.kernel_type = RBF;
    settings.gamma = gamma;
    settings.C = 1;
    settings.eps = 1e-3;
    settings.cache_size = 100;
    settings.shrinking = 1;
    const svm_problem all{static_cast<int>(n), data->label.data(), data->row.data()};
    svm_model* m = svm_train(&all, &settings);
    double sum = 0;  // of the multipliers
    for (int i = 0; i < m->l; ++i) sum += std::abs(m->sv_coef[0][i]);
    const int vectors = m->l;
    svm_free_and_destroy_model(&m);
    return std::pair(vectors, sum);
  };
  const auto [vectors, multipliers] = peer();
  const auto own = lagom();
  double sum = 0;
  for (const float a : own->model.rule.coefficients) sum += std::abs(static_cast<double>(a));
  std::fprintf(stderr, "%s: %d support vectors, multipliers %.6g; lagom %d, %.6g\n", name.what.c_str(),
               vectors, multipliers, static_cast<int>(own->model.rule.vectors()), sum);
  name.peer("libsvm", [=] { benchmark::DoNotOptimize(peer()); });
#endif
}

}  // namespace

int main(int argc, char** argv) {
#ifndef LAGOM_BENCH_LIBLINEAR
  bench::skipped("liblinear");
#endif
#ifndef LAGOM_BENCH_LIBSVM
  bench::skipped("libsvm");
#endif
  linear<2>(100000);
  linear<4>(100000);
  linear<8>(100000);
  gaussian<2>(5000);
  gaussian<2>(20000);
  gaussian<8>(5000);
  return bench::run(argc, argv);
}
