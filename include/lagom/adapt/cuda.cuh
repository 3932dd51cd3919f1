// SPDX-License-Identifier: MIT
/// @file adapt/cuda.cuh
/// The backend that computes on an NVIDIA device: kernels over rows of states in device memory.
#pragma once

#include "cuda/device_memory.cuh"
#include "cuda/launch.cuh"

namespace lagom {
inline namespace v0 {

/// A stream. All views that its members take see device memory, also those within a head.
///
/// Members over *rows* only launch: results are there when the stream gets there, errors of kernels are said by whoever
/// waits for it. They work in a `cuda_scratch`, which may grow (and then waits): call once before capturing a graph.
///
/// Members over *one* vector are the kernels' doors (`lagom::unembed(gpu, hidden, head)` and its like; so a policy runs
/// on `cuda` too): they wait and return the value. What fails there is a flagged statistic, or a NaN: it stops no model.
///
/// Sums are cut by the size of the problem: the same bits in every run on a device, whatever is scheduled when. They are
/// not those of `portable`. Kernels that are not named here (`combine_rows`, `quantize`) run on the host over host memory.
/// Needs compute capability 7.0; heads in bf16 or f16 use tensor cores from 8.0 on, for five states or more.
template <target Target>
struct basic_cuda : basic_portable<Target> {
  cudaStream_t stream = nullptr;

  /// out[i] = softmax_stats_of(row i of logits). One pass over memory.
  /// Precondition: out.size() == logits.rows(). More than 65 535 rows are more than a grid holds: `device`.
  template <scalar Z>
  result<done> softmax_stats_rows(mat_view<const Z> logits, vec_view<softmax_stats<accumulator_t<Z>>> out,
                                  cuda_scratch& scratch, token_id first_token = 0) const noexcept {
    LAGOM_ASSERT(out.size() == logits.rows() && out.contiguous());
    auto memory = scratch.reserve(stats_bytes(logits));
    if (!memory) return memory.error();
    return cuda_result(stats_in(*memory, logits, out.data(), first_token));
  }

  /// out[i] = unembed(row i of hidden, head). The head is read once for up to 64 rows (by tensor cores; for 8 else).
  template <scalar H, scalar W, final_norm Norm>
  result<done> unembed_states(mat_view<const H> hidden, const head<W, Norm>& to,
                              vec_view<softmax_stats<accumulator_t<H>>> out,
                              cuda_scratch& scratch) const noexcept {
    LAGOM_ASSERT(out.size() == hidden.rows() && out.contiguous() && hidden.cols() == to.rows.cols());
    const detail::unembed_plan<Target, accumulator_t<H>, W> plan(to.rows, static_cast<int>(hidden.rows()));
    auto memory = scratch.reserve(plan.bytes());
    if (!memory) return memory.error();
    return cuda_result(probe_in(*memory, plan, hidden, to, out.data()));
  }

  /// out[i] = cosine(row i of xs, row i of ys).
  template <scalar X, scalar Y>
  result<done> cosine_rows(mat_view<const X> xs, mat_view<const Y> ys,
                           vec_view<cosine_stats<accumulator_t<X, Y>>> out) const noexcept {
    LAGOM_ASSERT(xs.rows() == ys.rows() && xs.cols() == ys.cols() && out.size() == xs.rows() &&
                 out.contiguous());
    return cuda_result(detail::launch<Target>(stream, detail::cosine_rows_task<X, Y>{xs, ys, out.data()},
                                              static_cast<int>(xs.rows())));
  }

  template <scalar Z>
  [[nodiscard]] softmax_stats<accumulator_t<Z>> softmax_stats_of(vec_view<const Z> z,
                                                                 token_id first_token) const noexcept {
    using stats = softmax_stats<accumulator_t<Z>>;
    const auto row = as_row(z);
    return one<stats>(stats_bytes(row),
                      [&](stats* out, char* memory) { return stats_in(memory, row, out, first_token); });
  }

  template <scalar H, scalar W, final_norm Norm, class Run>
  [[nodiscard]] softmax_stats<accumulator_t<H>> unembed(vec_view<const H> hidden, const head<W, Norm>& to,
                                                        Run&&) const noexcept {
    using stats = softmax_stats<accumulator_t<H>>;
    const detail::unembed_plan<Target, accumulator_t<H>, W> plan(to.rows, 1);
    return one<stats>(plan.bytes(), [&](stats* out, char* memory) {
      return probe_in(memory, plan, as_row(hidden), to, out);
    });
  }

  template <scalar X, scalar Y>
  [[nodiscard]] cosine_stats<accumulator_t<X, Y>> cosine(vec_view<const X> x,
                                                         vec_view<const Y> y) const noexcept {
    using stats = cosine_stats<accumulator_t<X, Y>>;
    return one<stats>(0, [&](stats* out, char*) {
      return detail::launch<Target>(stream, detail::cosine_rows_task<X, Y>{as_row(x), as_row(y), out}, 1);
    });
  }

  template <scalar X, scalar Y>
  [[nodiscard]] accumulator_t<X, Y> dot(vec_view<const X> x, vec_view<const Y> y) const noexcept {
    return cosine(x, y).xy;
  }

  template <scalar X>
  [[nodiscard]] accumulator_t<X> squared_norm(vec_view<const X> x) const noexcept {
    return cosine(x, x).xx;
  }

  // What has no kernel must not run on the host over device memory.
  template <scalar H, head_view Head, class Run>
  softmax_stats<accumulator_t<H>> unembed(vec_view<const H>, const Head&, Run&&) const noexcept {
    static_assert(sizeof(Head) == 0, "cuda: heads are in float, double, bf16 or f16");
    return {};
  }
  template <class... Arguments>
  softmax_stats<> unembed_rows(const Arguments&...) const noexcept {
    static_assert(sizeof...(Arguments) == 0, "cuda: unembed_rows has no kernel; probe a head of these rows");
    return {};
  }
  template <class... Arguments>
  void unembed_batch(Arguments&&...) const noexcept {
    static_assert(sizeof...(Arguments) == 0, "cuda: use unembed_states, which works in a cuda_scratch");
  }

 private:
  template <class T>
  static mat_view<const T> as_row(vec_view<const T> v) noexcept {
    return {v.data(), 1, v.size(), v.size() * v.stride(), v.stride()};
  }

  template <scalar Z>
  static std::size_t stats_bytes(mat_view<const Z> logits) noexcept {
    const int n = detail::parts_of(logits.cols(), detail::row_stats_tuning::tile);
    return static_cast<std::size_t>(logits.rows()) * static_cast<std::size_t>(n) *
           sizeof(softmax_stats<accumulator_t<Z>>);
  }

  template <scalar Z, class Acc>
  cudaError_t stats_in(char* memory, mat_view<const Z> logits, softmax_stats<Acc>* out,
                       token_id first_token) const noexcept {
    auto* const parts = reinterpret_cast<softmax_stats<Acc>*>(memory);
    const int n = detail::parts_of(logits.cols(), detail::row_stats_tuning::tile);
    const int rows = static_cast<int>(logits.rows());
    const auto e =
        detail::launch<Target>(stream, detail::row_stats_task<Z>{logits, first_token, parts}, n, rows);
    if (e != cudaSuccess) return e;
    return detail::launch<Target>(stream, detail::merge_parts_task<Acc>{parts, n, out}, rows);
  }

  template <scalar H, scalar W, final_norm Norm, class Acc>
  cudaError_t probe_in(char* memory, const detail::unembed_plan<Target, Acc, W>& plan,
                       mat_view<const H> hidden, const head<W, Norm>& to,
                       softmax_stats<Acc>* out) const noexcept {
    const int rows = static_cast<int>(hidden.rows());
    const auto e = detail::launch_unembed<Target>(stream, hidden, to, {.capacity = rows}, plan, memory);
    if (e != cudaSuccess) return e;
    const auto* const parts = reinterpret_cast<const softmax_stats<Acc>*>(memory);
    return detail::launch<Target>(stream, detail::merge_parts_task<Acc>{parts, plan.n_parts, out}, rows);
  }

  /// One value that `work(out, memory)` makes on the device, with `bytes` to work in.
  template <class T, class Work>
  [[nodiscard]] T one(std::size_t bytes, Work work) const noexcept {
    constexpr std::size_t room = 256;
    static_assert(sizeof(T) <= room && std::is_trivially_copyable_v<T>);
    T value = lost(T{});
    char* memory = nullptr;
    if (cudaMallocAsync(reinterpret_cast<void**>(&memory), room + bytes, stream) == cudaSuccess) {
      T got;
      if (work(reinterpret_cast<T*>(memory), memory + room) == cudaSuccess &&
          cudaMemcpyAsync(&got, memory, sizeof got, cudaMemcpyDeviceToHost, stream) == cudaSuccess &&
          cudaStreamSynchronize(stream) == cudaSuccess) {
        value = got;
      }
      (void)cudaFreeAsync(memory, stream);
    }
    (void)cudaGetLastError();  // said by the value; not for whoever asks next
    return value;
  }
  template <class T>
  static softmax_stats<T> lost(softmax_stats<T> s) noexcept {
    s.bad = true;
    return s;
  }
  template <class T>
  static cosine_stats<T> lost(cosine_stats<T>) noexcept {
    const auto nan = static_cast<T>(detail::bit_cast<float>(0x7fc00000u));
    return {nan, nan, nan};
  }
};

/// The CUDA backend of this translation unit.
using cuda = basic_cuda<this_target>;

}  // namespace v0
}  // namespace lagom
