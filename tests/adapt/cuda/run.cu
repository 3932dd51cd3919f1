// SPDX-License-Identifier: MIT
// The CUDA backend on a device, beside doubles computed on the host. Says so and passes where there is no device.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <lagom/adapt/cuda/exit_batch.cuh>
#include <lagom/core/random.hpp>
#include <lagom/lagom.hpp>
#include <vector>

using namespace lagom;

namespace {

int failures = 0;

void expect(bool holds, const char* what, int line) {
  if (holds) return;
  ++failures;
  std::printf("line %d: %s\n", line, what);
}
#define EXPECT(...) expect((__VA_ARGS__), #__VA_ARGS__, __LINE__)

template <class T>
T must(result<T> r, int line) {
  if (r) return std::move(*r);
  std::printf("line %d: %.*s\n", line, static_cast<int>(r.error().key.view().size()),
              r.error().key.view().data());
  std::exit(1);
}
#define MUST(...) must(__VA_ARGS__, __LINE__)

template <class T>
std::vector<T> normal(std::size_t n, std::uint64_t stream, double deviation = 1) {
  const philox random{20241121};
  std::vector<T> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double u = 1 - random.uniform(stream, 2 * i), v = random.uniform(stream, 2 * i + 1);
    out[i] = T(static_cast<float>(deviation * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v)));
  }
  return out;
}

template <class T>
device_memory<T> on_device(const std::vector<T>& x) {
  return MUST(device_memory<T>::copy_of(x.data(), x.size()));
}

bool near(double a, double b, double t, double scale = 1) {
  return std::abs(a - b) <= t * std::fmax(1.0, scale);
}

template <class S>
void agree(const S& s, const softmax_stats<double>& exact, double t, int line) {
  const bool same = s.top == exact.top && s.count == exact.count && s.bad == exact.bad &&
                    near(s.max, exact.max, t, std::abs(exact.max)) &&
                    near(s.log_sum(), exact.log_sum(), 4 * t) && near(s.gap(), exact.gap(), 8 * t) &&
                    near(s.entropy(), exact.entropy(), 16 * t);
  if (!same) {
    std::printf("top %d %d, max %.9g %.9g, log sum %.9g %.9g\n", s.top, exact.top, static_cast<double>(s.max),
                exact.max, static_cast<double>(s.log_sum()), exact.log_sum());
  }
  expect(same, "statistics agree with f64", line);
}

// head . rms_norm(x), all in double.
template <class H, class W>
softmax_stats<double> exact_probe(const H* x, const std::vector<W>& w, const std::vector<float>& g,
                                  int vocab) {
  const std::size_t dim = g.size();
  double mean = 0;
  for (std::size_t j = 0; j < dim; ++j) mean += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  const double inverse = 1 / std::sqrt(mean / static_cast<double>(dim) + 1e-5);
  std::vector<double> z(static_cast<std::size_t>(vocab));
  for (std::size_t v = 0; v < z.size(); ++v) {
    for (std::size_t j = 0; j < dim; ++j) {
      z[v] += static_cast<double>(w[v * dim + j]) * static_cast<double>(x[j]) * inverse *
              static_cast<double>(g[j]);
    }
  }
  return softmax_stats_of(portable{}, z);
}

template <class Z>
void softmax_rows(const cuda& gpu, int cols) {
  cuda_scratch scratch;
  const auto z = normal<Z>(static_cast<std::size_t>(5 * cols), 1, 4);
  const auto on = on_device(z);
  auto out = MUST(device_memory<softmax_stats<float>>::make(5));
  MUST(gpu.softmax_stats_rows(mat_view<const Z>(on.data(), 5, cols), vec_view(out.data(), 5), scratch));
  const auto got = MUST(out.read(gpu.stream));
  for (int r = 0; r < 5; ++r) {
    std::vector<double> row;
    for (int i = 0; i < cols; ++i)
      row.push_back(static_cast<double>(z[static_cast<std::size_t>(r * cols + i)]));
    agree(got[static_cast<std::size_t>(r)], softmax_stats_of(portable{}, row), 2e-6, __LINE__);
  }
  std::vector<double> first;
  for (int i = 0; i < cols; ++i) first.push_back(static_cast<double>(z[static_cast<std::size_t>(i)]));
  agree(softmax_stats_of(gpu, vec_view<const Z>(on.data(), cols)), softmax_stats_of(portable{}, first), 2e-6,
        __LINE__);
}

template <class W>
void probe(const cuda& gpu, int vocab, int dim, int states, double t) {
  cuda_scratch scratch;
  const auto w = normal<W>(static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim), 2,
                           1 / std::sqrt(static_cast<double>(dim)));
  const auto x = normal<bf16>(static_cast<std::size_t>(states * dim), 3, 2);
  const auto g = normal<float>(static_cast<std::size_t>(dim), 4);
  const auto wd = on_device(w);
  const auto xd = on_device(x);
  const auto gd = on_device(g);
  auto out = MUST(device_memory<softmax_stats<float>>::make(static_cast<std::size_t>(states)));
  const head to{mat_view<const W>(wd.data(), vocab, dim),
                rms_norm{vec_view<const float>(gd.data(), dim), 1e-5}};
  const mat_view<const bf16> hidden(xd.data(), states, dim);
  MUST(gpu.unembed_states(hidden, to, vec_view(out.data(), states), scratch));
  const auto got = MUST(out.read(gpu.stream));
  for (int s = 0; s < states; ++s)
    agree(got[static_cast<std::size_t>(s)], exact_probe(x.data() + s * dim, w, g, vocab), t, __LINE__);
  // The same bits again, and from the door for one state where the same kernel serves it.
  MUST(gpu.unembed_states(hidden, to, vec_view(out.data(), states), scratch));
  const auto again = MUST(out.read(gpu.stream));
  for (std::size_t s = 0; s < got.size(); ++s)
    EXPECT(std::memcmp(&got[s].max, &again[s].max, 4 * sizeof(float)) == 0);
  agree(unembed(gpu, hidden.row(0), to), exact_probe(x.data(), w, g, vocab), t, __LINE__);
}

void cosines(const cuda& gpu) {
  const int rows = 33, dim = 4097;
  const auto x = normal<bf16>(static_cast<std::size_t>(rows * dim), 5),
             y = normal<bf16>(static_cast<std::size_t>(rows * dim), 6);
  const auto xd = on_device(x);
  const auto yd = on_device(y);
  auto out = MUST(device_memory<cosine_stats<float>>::make(rows));
  const mat_view<const bf16> xs(xd.data(), rows, dim), ys(yd.data(), rows, dim);
  MUST(gpu.cosine_rows(xs, ys, vec_view(out.data(), rows)));
  const auto got = MUST(out.read(gpu.stream));
  for (int r = 0; r < rows; ++r) {
    double xy = 0, xx = 0, yy = 0;
    for (int j = 0; j < dim; ++j) {
      const auto a = static_cast<double>(x[static_cast<std::size_t>(r * dim + j)]);
      const auto b = static_cast<double>(y[static_cast<std::size_t>(r * dim + j)]);
      xy += a * b;
      xx += a * a;
      yy += b * b;
    }
    EXPECT(near(got[static_cast<std::size_t>(r)].value(), xy / std::sqrt(xx * yy), 2e-6));
  }
  EXPECT(std::memcmp(&got[0], &(static_cast<const cosine_stats<float>&>(cosine(gpu, xs.row(0), ys.row(0)))),
                     sizeof got[0]) == 0);
}

template <class Policy>
void batch(const cuda& gpu, const Policy& policy, int sequences) {
  const int vocab = 1000, dim = 256, n_layers = 8;
  const auto w = normal<bf16>(static_cast<std::size_t>(vocab * dim), 7, 0.12);
  const auto wd = on_device(w);
  const head on_host{mat_view<const bf16>(w.data(), vocab, dim)};
  const head to{mat_view<const bf16>(wd.data(), vocab, dim)};
  const auto n = static_cast<std::size_t>(sequences);
  auto many = MUST(exit_batch<Policy, bf16>::make(gpu, policy, sequences));
  for (int token = 0; token < 2; ++token) {
    MUST(many.begin(n_layers));
    std::vector<exit_state<Policy, bf16>> alone(n, policy.template state<bf16>(n_layers));
    std::vector<bf16> before(n * static_cast<std::size_t>(dim));
    std::vector<device_memory<bf16>> kept;  // until the stream has been there
    kept.push_back(on_device(before));
    for (int l = 0; l < n_layers; ++l) {
      auto x = normal<bf16>(before.size(), static_cast<std::uint64_t>(100 * token + l + 20));
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = bf16(static_cast<float>(before[i]) + static_cast<float>(x[i]) * (l == 0 ? 1.0f : 0.4f));
      kept.push_back(on_device(x));
      const mat_view<const bf16> hidden(kept.back().data(), sequences, dim),
          prev(kept[kept.size() - 2].data(), sequences, dim);
      MUST(many.observe({.layer = l, .hidden = hidden, .prev_hidden = prev}, to));
      for (std::size_t s = 0; s < n; ++s) {
        basic_layer_obs<bf16> o;
        o.layer = l;
        o.hidden = {x.data() + s * dim, dim};
        o.prev_hidden = {before.data() + s * dim, dim};
        (void)policy.observe(alone[s], o, on_host);
      }
      before = x;
    }
    const auto got = MUST(many.read());
    int early = 0, late = 0;
    for (std::size_t s = 0; s < n; ++s) {
      EXPECT(got[s].stopped && got[s].stop == alone[s].stop && got[s].stats.top == alone[s].stats.top);
      EXPECT(got[s].probes == alone[s].probes);
      (got[s].stop.value + 1 < n_layers ? early : late) += 1;
    }
    EXPECT(early > 0);
    std::printf("%d of %d sequences stopped early\n", early, early + late);
  }
}

}  // namespace

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: there is no CUDA device\n");
    return 0;
  }
  cudaDeviceProp device;
  if (cudaGetDeviceProperties(&device, 0) != cudaSuccess) return 1;
  if (device.major < 8) {
    std::printf("skipped: compute capability %d.%d\n", device.major, device.minor);
    return 0;
  }
  cudaStream_t stream = nullptr;
  if (cudaStreamCreate(&stream) != cudaSuccess) return 1;
  cuda gpu;
  gpu.stream = stream;
  for (const int cols : {1, 7, 2048, 8193, 128256}) {
    softmax_rows<float>(gpu, cols);
    softmax_rows<bf16>(gpu, cols);
    softmax_rows<f16>(gpu, cols);
  }
  for (const int states : {1, 2, 4, 5, 8, 9, 32, 64, 70}) {
    probe<float>(gpu, 1003, 264, states, 1e-5);
    probe<bf16>(gpu, 1003, 264, states, 3e-5);
    probe<f16>(gpu, 1003, states % 2 == 0 ? 264 : 263, states, 1e-5);
  }
  probe<bf16>(gpu, 32000, 4096, 3, 3e-5);
  probe<bf16>(gpu, 32000, 4096, 32, 3e-5);
  cosines(gpu);
  const exit_policy sure{features<gap, top_prob>{}, linear_svm<2>{{3.0f, 1.0f}, -0.6f}, not_before<>{1}};
  const exit_policy steady{features<hidden_cosine>{}, threshold<>{0.93f}, every_nth<>{2}};
  batch(gpu, sure, 37);
  batch(gpu, steady, 300);
  if (cudaDeviceSynchronize() != cudaSuccess) ++failures;
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
