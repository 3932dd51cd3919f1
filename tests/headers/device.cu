// SPDX-License-Identifier: MIT
// What is marked for the device compiles for the device, without relaxed-constexpr. Compiled, not run.
#include <lagom/lagom.hpp>

using namespace lagom;

using signals = features<gap, top_prob, entropy, hidden_cosine, agreement, relative_depth>;
using rule = all_of<any_of<standardized<linear_svm<2>>, standardized<crf<2>>>, any_of<threshold<>, patience, logistic<1>>>;
using policy = exit_policy<signals, rule, all_of<not_before<>, at_layers>>;

// One sequence a thread: a batch of states in device memory.
__global__ void decide(const policy* p, exit_state<policy>* states, const float* hidden, const float* before, int dim,
                       const bf16* rows, int vocab, const float* norm, int layer, int batch) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= batch || states[i].stopped) return;
  const head<bf16, rms_norm<float>> to{{rows, vocab, dim}, {{norm, dim}, 1e-5}};
  layer_obs o;
  o.layer = layer;
  o.hidden = {hidden + static_cast<index_t>(i) * dim, dim};
  o.prev_hidden = {before + static_cast<index_t>(i) * dim, dim};
  (void)p->observe(states[i], o, to);  // the state remembers whether it stopped
}

// The mergeable values at work across lanes of any width.
__global__ void reduce(const f16* logits, int n, softmax_stats<float>* parts) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int share = n / static_cast<int>(gridDim.x * blockDim.x);
  parts[i] = softmax_stats_of(portable{}, vec_view<const f16>(logits + i * share, share), i * share);
  parts[i].merge(parts[i]);
  const token_id some[3] = {1, 2, 3};
  const head<f16> to{{logits, 4, share}};
  parts[i].merge(unembed_rows(portable{}, vec_view<const f16>(logits, share), to, vec_view<const token_id>(some, 3)));
  parts[i].max += static_cast<float>(philox{1}.uniform(0, 1)) + cosine(portable{}, vec_view(logits, share), vec_view(logits, share)).value();
}

int main() { return 0; }
