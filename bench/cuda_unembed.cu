// SPDX-License-Identifier: MIT
// The fused probe on a device, beside the bandwidth of a copy and of a plain read of the same head.
//   nvcc -O3 -std=c++20 -arch=native -Iinclude bench/cuda_unembed.cu -o cuda_unembed && ./cuda_unembed [VOCAB DIM]
// One JSON row a batch on standard output, a table on standard error; bench/cuda_peers.py puts PyTorch beside it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <lagom/adapt/cuda.cuh>
#include <vector>

namespace {

void check(cudaError_t e) {
  if (e == cudaSuccess) return;
  std::fprintf(stderr, "%s\n", cudaGetErrorString(e));
  std::exit(1);
}
template <class T>
T must(lagom::result<T> r) {
  if (r) return std::move(*r);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(r.error().key.view().size()), r.error().key.view().data());
  std::exit(1);
}

// Uniform numbers of deviation `size`: a hash of the place.
template <class T>
__global__ void fill(T* out, std::size_t n, unsigned seed, float size) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < n;
       i += std::size_t{gridDim.x} * blockDim.x) {
    unsigned h = static_cast<unsigned>(i) * 2654435761u ^ static_cast<unsigned>(i >> 32) ^ seed;
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    out[i] = T((static_cast<float>(h) / 2147483648.0f - 1.0f) * 1.7320508f * size);
  }
}

// The read limit: every word once, four loads of 16 bytes in flight.
__global__ void read_all(const uint4* from, std::size_t n, unsigned* out) {
  unsigned sum = 0;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  for (; i + 3 * step < n; i += 4 * step) {
    const uint4 a = from[i], b = from[i + step], c = from[i + 2 * step], d = from[i + 3 * step];
    sum +=
        (a.x ^ a.y ^ a.z ^ a.w) + (b.x ^ b.y ^ b.z ^ b.w) + (c.x ^ c.y ^ c.z ^ c.w) + (d.x ^ d.y ^ d.z ^ d.w);
  }
  for (; i < n; i += step) sum += from[i].x ^ from[i].y ^ from[i].z ^ from[i].w;
  if (sum == 0x12345678u) *out = sum;  // so that it is computed
}

// Median nanoseconds of `work`, on the device's clock.
template <class Work>
double nanoseconds(cudaStream_t stream, Work work) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  for (int i = 0; i < 5; ++i) work();
  std::vector<float> times;
  for (int i = 0; i < 31; ++i) {
    check(cudaEventRecord(begin, stream));
    work();
    check(cudaEventRecord(end, stream));
    check(cudaEventSynchronize(end));
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end));
    times.push_back(ms);
  }
  check(cudaEventDestroy(begin));
  check(cudaEventDestroy(end));
  std::sort(times.begin(), times.end());
  return 1e6 * times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  using lagom::bf16;
  const int vocab = argc > 2 ? std::atoi(argv[1]) : 128256, dim = argc > 2 ? std::atoi(argv[2]) : 4096;
  if (vocab < 1 || dim < 1) {
    std::fprintf(stderr, "cuda_unembed [VOCAB DIM]\n");
    return 2;
  }
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "skipped: there is no CUDA device\n");
    return 0;
  }
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, 0));
  lagom::cuda gpu;
  check(cudaStreamCreate(&gpu.stream));

  const std::size_t n = static_cast<std::size_t>(vocab) * static_cast<std::size_t>(dim), most = 64;
  const auto w = must(lagom::device_memory<bf16>::make(n)), copy = must(lagom::device_memory<bf16>::make(n));
  const auto x = must(lagom::device_memory<bf16>::make(most * static_cast<std::size_t>(dim)));
  const auto g = must(lagom::device_memory<float>::make(static_cast<std::size_t>(dim)));
  const auto out = must(lagom::device_memory<lagom::softmax_stats<float>>::make(most));
  const auto sink = must(lagom::device_memory<unsigned>::make(1));
  fill<<<4096, 256, 0, gpu.stream>>>(w.data(), n, 1u, 0.02f);
  fill<<<256, 256, 0, gpu.stream>>>(x.data(), x.size(), 2u, 2.0f);
  fill<<<16, 256, 0, gpu.stream>>>(g.data(), g.size(), 3u, 1.0f);
  check(cudaGetLastError());

  // A copy moves its bytes twice: reading the head at the copy's bandwidth takes half its time.
  const double limit =
      0.5 * nanoseconds(gpu.stream, [&] {
        check(cudaMemcpyAsync(copy.data(), w.data(), n * sizeof(bf16), cudaMemcpyDeviceToDevice, gpu.stream));
      });
  const double read = nanoseconds(gpu.stream, [&] {
    read_all<<<static_cast<unsigned>(8 * device.multiProcessorCount), 512, 0, gpu.stream>>>(
        reinterpret_cast<const uint4*>(w.data()), n * sizeof(bf16) / 16, sink.data());
  });
  const double bytes = static_cast<double>(n) * sizeof(bf16);
  std::fprintf(stderr, "%s, V=%d d=%d bf16: copy %.0f GB/s, plain read %.0f GB/s\n", device.name, vocab, dim,
               bytes / limit, bytes / read);

  const lagom::head to{lagom::mat_view<const bf16>(w.data(), vocab, dim),
                       lagom::rms_norm{lagom::vec_view<const float>(g.data(), dim), 1e-5}};
  lagom::cuda_scratch scratch;
  std::printf("[");
  for (const int batch : {1, 2, 4, 8, 16, 32, 64}) {
    const double time = nanoseconds(gpu.stream, [&] {
      must(gpu.unembed_states(lagom::mat_view<const bf16>(x.data(), batch, dim), to,
                              lagom::vec_view(out.data(), batch), scratch));
    });
    std::fprintf(stderr, "  B=%-3d %10.1f us  %5.2f of the copy's bandwidth, %5.2f of the read's\n", batch,
                 time / 1e3, limit / time, read / time);
    std::printf(
        "%s\n{\"family\":\"cuda_unembed\",\"case\":\"V=%d "
        "d=%d\",\"dtype\":\"bf16\",\"batch\":%d,\"threads\":0,"
        "\"lagom_ns\":%.0f,\"peer\":null,\"peer_ns\":null,\"limit_ns\":%.0f,\"fraction_of_limit\":%.4f,"
        "\"times_faster_than_peer\":null}",
        batch == 1 ? "" : ",", vocab, dim, batch, time, limit, limit / time);
  }
  std::printf("\n]\n");
  return 0;
}
