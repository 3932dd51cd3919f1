// SPDX-License-Identifier: MIT
// What the types promise, held at compile time: no run, no test framework.
#include <lagom/lagom.hpp>
#include <span>
#include <string>

using namespace lagom;

// Views, statistics, observations, states travel to threads and devices by copy.
template <class T>
constexpr bool plain = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>;
static_assert(plain<vec_view<float>> && plain<mat_view<double>> && plain<softmax_stats<float>> &&
              plain<cosine_stats<double>> && plain<divergence_stats<float>>);
static_assert(plain<moments> && plain<stop_counts> && plain<failure> && plain<bf16> && plain<f16> &&
              plain<philox>);
static_assert(std::is_trivially_copyable_v<layer_obs> &&
              std::is_trivially_copyable_v<head<bf16, rms_norm<float>>>);
static_assert(std::is_trivially_copyable_v<standardized<crf<4>>> &&
              std::is_trivially_copyable_v<crf<4>::state>);

// A policy of stateless parts is as large as its numbers.
using policy = exit_policy<features<gap, top_prob>, linear_svm<2>, not_before<>>;
static_assert(sizeof(policy) <= sizeof(linear_svm<2>) + sizeof(not_before<>) + 4);
static_assert(std::is_trivially_copyable_v<policy> && std::is_trivially_copyable_v<exit_state<policy>>);

// Everything that a policy is made of can be a constant of the program.
constexpr policy at_compile_time{{}, {{3.0f, 1.0f}, -2.0f}, {8}};
static_assert(policy::reads(need::stats) && !policy::reads(need::attention));
static_assert(at_compile_time.schedule(layer_index(8), 32) && !at_compile_time.schedule(layer_index(7), 32));
constexpr all_of both{not_before{2}, at_layers{1, 2, 3}};
static_assert(!both(layer_index(1), 9) && both(layer_index(3), 9) && !both(layer_index(4), 9));

// Concepts say no where they should.
static_assert(backend<portable> && !backend<int>);
static_assert(executor<seq> && !executor<int>);
static_assert(exit_signal<features<entropy>> && !exit_signal<threshold<>> && !exit_signal<const gap*>);
static_assert(stop_rule<any_of<threshold<>, patience>> && !stop_rule<gap> && !stop_rule<not_before<>>);
static_assert(schedule<every_layer> && !schedule<patience>);
static_assert(answer_source<std::vector<float>, float> && answer_source<head<float>, float> &&
              !answer_source<int, float>);
static_assert(!answer_source<std::string, float> || tensor<std::string, 1>);
static_assert(final_norm<no_norm> && final_norm<rms_norm<bf16>> && final_norm<layer_norm<float>> &&
              !final_norm<int>);
static_assert(tensor<float[4], 1> && tensor<std::span<float>, 1> && !tensor<float[2][2], 1> &&
              !tensor<float*, 1>);
static_assert(scalar<bf16> && !scalar<int> && !scalar<bool>);

// Rules run on tokens as on layers.
struct token_index {
  int value;
  friend constexpr auto operator<=>(const token_index&, const token_index&) = default;
};
static_assert(schedule<not_before<token_index>, token_index> &&
              schedule<every_nth<token_index>, token_index>);
