// SPDX-License-Identifier: MIT
// Every number here is printed in a paper or follows from it by the stated formula.
#include <lagom/cost/adainfer.hpp>
#include <lagom/cost/ledger.hpp>
#include <lagom/cost/lora.hpp>
#include <lagom/cost/models.hpp>
#include <lagom/cost/training.hpp>

#include "support/catch.hpp"

using namespace lagom;
using namespace lagom::cost;

namespace {

constexpr adainfer_model published(int layers, int hidden, int vocab) {
  return {static_cast<double>(layers), static_cast<double>(hidden), 2048, static_cast<double>(vocab)};
}
constexpr auto m7 = published(32, 4096, 32000), m13 = published(40, 5120, 32000),
               opt = published(40, 5120, 50272);

double percent(const adainfer_model& m, double printed_layer) {
  return adainfer_ratio(m, used_when_stopped_at(mean_layer_index(printed_layer))).percent();
}

}  // namespace

TEST_CASE("the AdaInfer ratio reproduces Table 6", "[cost][adainfer]") {
  struct row {
    const adainfer_model& model;
    double k, layer, printed;
  };
  for (const auto& r :
       {row{m7, 6.03125, 18.15, 60.58}, row{m7, 6.03125, 19.20, 63.80}, row{m7, 6.03125, 20.20, 66.87},
        row{m13, 6.05, 20.60, 54.55}, row{m13, 6.05, 19.20, 51.09}}) {
    CHECK(std::abs(percent(r.model, r.layer) - r.printed) <= 0.015);
    auto real = r.model;
    real.k = r.k;  // with the true shape of the MLP every printed digit comes out
    CHECK(std::abs(percent(real, r.layer) - r.printed) <= 0.005);
  }
  CHECK(percent(m7, 18.15) == Approx(60.583985).epsilon(1e-8));
  CHECK(percent(m13, 20.60) == Approx(54.554752).epsilon(1e-8));
  CHECK(adainfer_ratio(m7, mean_layers_used(18.15)).percent() ==
        Approx(57.5166).epsilon(1e-6));  // the index read as a count
  CHECK(percent(m7, 0) == Approx(4.910781).epsilon(1e-6));
  CHECK(adainfer_ratio(m7, mean_layers_used(32)).value == 1);
}

TEST_CASE("the layers that Tables 2 to 5 imply", "[cost][adainfer]") {
  struct row {
    const adainfer_model& model;
    double printed, layers;
  };
  const row rows[] = {
      {opt, 97.55, 39.001}, {opt, 96.87, 38.724}, {opt, 92.52, 36.951}, {opt, 83.94, 33.453},
      {opt, 86.05, 34.313}, {opt, 88.31, 35.234}, {opt, 80.28, 31.961}, {opt, 100, 40.000},
      {opt, 89.74, 35.817}, {m13, 98.14, 39.247}, {m13, 98.37, 39.340}, {m13, 85.34, 34.064},
      {m13, 97.43, 38.959}, {m13, 88.37, 35.291}, {m13, 85.76, 34.234}, {m13, 93.55, 37.389},
      {m13, 89.10, 35.587}, {m13, 80.66, 32.170}, {m13, 59.70, 23.683}, {m13, 87.69, 35.016},
      {m13, 80.61, 32.149}, {m13, 90.84, 36.291}, {m13, 92.78, 37.077}, {m13, 73.17, 29.137},
      {m13, 88.25, 35.243}, {m13, 77.82, 31.020}, {m13, 74.80, 29.797}, {m13, 84.10, 33.562},
      {m13, 79.57, 31.728}, {m13, 71.19, 28.335}, {m13, 51.25, 20.262}, {m13, 70.65, 28.117},
      {m13, 70.38, 28.007}, {m13, 97.40, 38.947}, {m13, 97.28, 38.899}, {m13, 93.03, 37.178},
      {m13, 97.27, 38.895}, {m13, 94.04, 37.587}, {m13, 90.29, 36.069}, {m13, 97.15, 38.846},
      {m13, 96.40, 38.542}, {m13, 89.94, 35.927}, {m13, 73.07, 29.097}, {m13, 93.08, 37.198},
      {m7, 96.13, 30.738},  {m7, 95.26, 30.455},  {m7, 89.98, 28.733},  {m7, 96.37, 30.817},
      {m7, 91.36, 29.183},  {m7, 91.55, 29.245},  {m7, 93.76, 29.966},  {m7, 90.46, 28.890},
      {m7, 87.06, 27.781},  {m7, 68.05, 21.584},  {m7, 94.51, 30.210},  {m7, 88.41, 28.222},
  };
  for (const auto& r : rows) {
    const auto e = adainfer_layers(r.model, cost_ratio(r.printed / 100));
    CHECK(std::abs(e.value - r.layers) < 0.0006);
    CHECK(adainfer_ratio(r.model, e).percent() == Approx(r.printed).epsilon(1e-12));
  }
}

TEST_CASE("probes charged: the gain of decoding shrinks or vanishes", "[cost][adainfer]") {
  struct row {
    const adainfer_model& model;
    double layer, decode, prefill, prefill_one;
  };
  for (const auto& r :
       {row{m7, 18.15, 94.0414, 59.8608, 59.8441}, row{m7, 19.20, 99.1978, 63.1429, 63.1253},
        row{m7, 20.20, 104.1085, 66.2688, 66.2503}, row{m13, 20.60, 79.3980, 54.0126, 54.0003},
        row{m13, 19.20, 74.2518, 50.5117, 50.5003}, row{m13, 19.30, 74.6194, 50.7618, 50.7503},
        row{m13, 32.40, 122.7728, 83.5194, 83.5001}}) {
    const auto e = used_when_stopped_at(mean_layer_index(r.layer));
    CHECK(std::abs(adainfer_decode_ratio(r.model, e, e.value).percent() - r.decode) < 6e-5);
    CHECK(std::abs(adainfer_prefill_ratio(r.model, e, e.value).percent() - r.prefill) < 6e-5);
    CHECK(std::abs(adainfer_prefill_ratio(r.model, e, 1).percent() - r.prefill_one) < 6e-5);
  }
  CHECK(std::abs(break_even(m7).value - 20.3634) < 5e-5);
  CHECK(std::abs(break_even(m13).value - 27.2047) < 5e-5);
  CHECK(std::abs(break_even(opt).value - 23.0702) < 5e-5);
  CHECK(break_even(m7, 4).value > break_even(m7).value);
  auto short_context = m7;
  short_context.sequence = 500;
  const mean_layers_used e(20);
  CHECK(adainfer_decode_ratio(short_context, e, 1).percent() == Approx(63.23310916).epsilon(1e-9));
  CHECK(adainfer_decode_ratio(short_context, e, 20).percent() == Approx(100.37730685).epsilon(1e-9));
  CHECK(adainfer_prefill_ratio(short_context, e, 20).percent() == Approx(62.57726203).epsilon(1e-9));
}

TEST_CASE("shapes give the layer costs and the price of probing", "[cost][ledger]") {
  struct row {
    decoder_shape shape;
    double layer_macs, k, head_per_layer, extra, kv, even;
  };
  for (const auto& r : {row{llama2_70b, 855638016, 6.3750, .3064, 30.14, 1.961, 61.47},
                        row{llama2_13b, 317194240, 6.0500, .5165, 49.72, 16.529, 26.72},
                        row{llama2_7b, 202375168, 6.0313, .6477, 61.50, 16.580, 19.81},
                        row{opt_13b, 314572800, 6.0000, .8182, 78.18, 16.667, 22.45},
                        row{tinyllama_1b, 44040192, 5.2500, 1.4881, 133.05, 2.381, 9.44},
                        row{qwen25_7b, 233046016, 9.0714, 2.3386, 208.12, 1.575, 9.09},
                        row{llama3_8b, 218103808, 6.5000, 2.4087, 217.00, 3.846, 10.09},
                        row{llama32_1b, 60817408, 7.2500, 4.3190, 318.84, 3.448, 3.82},
                        row{gpt2, 7077888, 6.0000, 5.4532, 343.69, 16.667, 2.70},
                        row{gemma2_2b, 77856768, 7.3333, 7.5758, 564.08, 6.061, 3.92},
                        row{qwen25_05b, 14909440, 9.2857, 9.1308, 633.88, 1.538, 3.27}}) {
    const auto& s = r.shape;
    CHECK(s.layer_macs() == r.layer_macs);
    CHECK(std::abs(s.k_eff() - r.k) < 6e-5);
    CHECK(std::abs(s.head_macs() / s.layer_macs() - r.head_per_layer) < 6e-5);
    const double whole = s.layers * s.layer_macs() + s.head_macs();
    CHECK(std::abs(100 * (s.layers - 1) * s.head_macs() / whole - r.extra) < 6e-3);
    CHECK(std::abs(100 * s.kv_macs() / s.layer_macs() - r.kv) < 6e-4);
    auto at_zero = published_model(s, 0);
    at_zero.k = s.k_eff();
    CHECK(std::abs(break_even(at_zero).value - r.even) < 6e-3);
  }
}

TEST_CASE("the ledger adds up what ran", "[cost][ledger]") {
  const auto& s = llama3_8b;
  const auto full = full_model(s, decode(1000));
  CHECK(flops_ratio(s, decode(1000), {.blocks = 32, .heads = 1}).value == Approx(1));
  // Twenty layers, a head after each: dearer than the model it wanted to shorten.
  CHECK(flops_ratio(s, decode(0), {.blocks = 20, .heads = 20}).value > 1.9);
  CHECK(flops_ratio(s, prefill(1000), {.blocks = 20, .heads = 20}).value < 0.7);
  CHECK(bytes_ratio(s, decode(0), {.blocks = 20, .heads = 20}).value > 1.9);
  // Four rows instead of a head cost next to nothing.
  const auto few = flops_ratio(s, decode(0), {.blocks = 20, .heads = 1, .row_heads = 19, .head_rows = 4});
  CHECK(few.value == Approx(flops_ratio(s, decode(0), {.blocks = 20, .heads = 1}).value).epsilon(2e-4));
  // The skipped layers' keys and values.
  const executed copy{.blocks = 20, .heads = 1, .kv_layers = 12};
  CHECK(total(s, decode(0), copy).macs ==
        Approx(total(s, decode(0), {.blocks = 20, .heads = 1}).macs + 12 * s.kv_macs()));
  // Weights are read once for all tokens of a pass, and for each in decoding.
  CHECK(block(s, prefill(100)).bytes < 1.2 * block(s, decode(0)).bytes);
  CHECK(block(s, prefill(100)).macs > 99 * block(s, decode(0)).macs);
  CHECK(full.flops() == 2 * full.macs);
  // Attention over the context: 2 s H hd a token.
  CHECK(block(s, decode(1000)).macs - block(s, decode(0)).macs == 2.0 * 1000 * 32 * 128);
  CHECK(row_head(s, s.vocab).macs == full_head(s).macs);
  CHECK((linear_decision(2) + crf_decision(2)).macs > 0);
  CHECK(perceptron_decision(12, 512).macs == 6656);  // SpecEE with four candidates: 7,169 parameters
  CHECK(perceptron_decision(12, 512, 2).bytes == 2 * 7169);
}

TEST_CASE("a mixture reads the experts that its tokens touch", "[cost][ledger]") {
  decoder_shape s = llama2_7b;
  s.experts = 8;
  s.experts_per_token = 2;
  const double expert = 3.0 * s.hidden * s.ffn;
  CHECK(s.ffn_macs() == 2 * expert + 8.0 * s.hidden);
  const double dense = (s.attention_macs() + 2.0 * s.hidden + 8.0 * s.hidden) * 2;
  CHECK(block(s, decode(0)).bytes - dense == Approx(2 * expert * 2 + 2.0 * s.kv_heads * s.head_dim * 2));
  CHECK(block(s, prefill(1000)).bytes ==
        Approx(dense + 8 * expert * 2 + 2 * 1000 * 2.0 * s.kv_heads * s.head_dim * 2));
}

TEST_CASE("parameter counts of named shapes", "[cost][parameters]") {
  CHECK(parameters(instruct_500m) == 567'854'592);
  CHECK(parameters(instruct_1b3) == 1'347'504'128);
  CHECK(parameters(llama3_8b) == 8'030'261'248);
  auto tied = instruct_500m;
  tied.tied = true;
  CHECK(parameters(tied) == 518'702'592);
  tied = instruct_1b3;
  tied.tied = true;
  CHECK(parameters(tied) == 1'281'968'128);
  CHECK(parameters(llama2_7b) == 6'738'415'616);
  CHECK(parameters(gpt2) == 124'439'808);
  CHECK(kv_bytes_per_token(llama2_7b) == 524'288);
  CHECK(kv_bytes_per_token(llama2_13b) == 819'200);
  CHECK(kv_bytes_per_token(llama2_70b) == 327'680);
  CHECK(kv_bytes_per_token(llama3_8b) == 131'072);
  CHECK(kv_bytes_per_token(qwen25_7b) == 57'344);
  CHECK(kv_bytes_per_token(tinyllama_1b) == 22'528);
  CHECK(kv_bytes_per_token(gemma2_2b) == 106'496);
}

TEST_CASE("LoRA and training compute", "[cost][parameters]") {
  CHECK(lora_parameters(llama2_7b, 8) == 4'194'304);
  CHECK(lora_parameters(llama2_7b, 8, adapted::all()) == 19'988'480);
  CHECK(lora_parameters(8, 4096, 1024) == 8 * 5120);
  // Grouped-query attention: v is narrow.
  CHECK(lora_parameters(llama3_8b, 8) == 32 * 8 * ((4096 + 4096) + (4096 + 1024)));
  CHECK(training_flops(5.187e8, training_tokens(200e3, .5e6)) == Approx(3.1e20).epsilon(0.01));
  CHECK(training_flops(1.282e9, training_tokens(100e3, 1e6)) == Approx(7.7e20).epsilon(0.01));
  CHECK(training_flops(8.03e9, training_tokens(4e3, .25e6)) == Approx(4.8e19).epsilon(0.01));
}

static_assert(adainfer_ratio(m7, mean_layers_used(32)).value == 1);
static_assert(parameters(llama3_8b) > 8'000'000'000);
static_assert(flops_ratio(llama2_7b, decode(0), {.blocks = 32, .heads = 1}).value == 1);
