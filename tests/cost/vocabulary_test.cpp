// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace lagom;
using cost::llama2_7b;

TEST_CASE("what new tokens cost Llama-2-7B", "[cost][vocabulary]") {
  CHECK(cost::parameters(llama2_7b) == 6738415616);
  CHECK(cost::least_saving(llama2_7b) == Approx(6.078580238170931e-07).epsilon(1e-14));
  CHECK(cost::kv_bytes_per_token(llama2_7b) == 524288);
  CHECK(cost::least_saving(cost::tinyllama_1b) == Approx(1.9e-6).epsilon(0.03));
  CHECK(cost::least_saving(cost::gemma2_2b) == Approx(8.8e-7).epsilon(0.01));

  struct row {
    double tokens, added_percent, break_even_percent, one_matrix_mib, parameters;
  };
  for (const row& r :
       {row{100, 0.00608, 0.00608, 0.78125, 819200}, row{1000, 0.0608, 0.0607, 7.8125, 8192000},
        row{10000, 0.608, 0.604, 78.125, 81920000}}) {
    const double added = cost::decode_bytes(llama2_7b, r.tokens) / cost::decode_bytes(llama2_7b, 0) - 1;
    CHECK(100 * added == Approx(r.added_percent).epsilon(1e-3));
    CHECK(100 * cost::break_even_saving(llama2_7b, r.tokens) == Approx(r.break_even_percent).epsilon(1e-3));
    CHECK(cost::added_parameters(llama2_7b, r.tokens) == r.parameters);
    CHECK(cost::added_parameters(llama2_7b, r.tokens) / 2 * 2 / 1048576 == r.one_matrix_mib);
    // At break-even decoding is as fast as before.
    const double ratio = 1 / (1 - cost::break_even_saving(llama2_7b, r.tokens));
    CHECK(cost::decode_speedup(llama2_7b, r.tokens, ratio) == Approx(1).epsilon(1e-12));
  }
  CHECK(cost::added_parameters(llama2_7b, 10000) / static_cast<double>(cost::parameters(llama2_7b)) ==
        Approx(0.01216).epsilon(1e-3));
  CHECK(cost::added_parameters(cost::gemma2_2b, 10) == 10.0 * 2304);  // tied: one matrix

  CHECK(cost::speedup_percent(1, 0.684931506849315) == Approx(46.0).epsilon(1e-12));
  CHECK(cost::saving_percent(1, 0.684931506849315) == Approx(31.5068493150685).epsilon(1e-12));
  CHECK(cost::speedup_percent(5, 0) == 0);
  CHECK(cost::saving_percent(0, 5) == 0);
}

TEST_CASE("a vocabulary is planned by what its tokens save", "[cost][vocabulary]") {
  // 35 tokens; three new ones save 15, 5 and 3.
  const std::vector<std::int64_t> gains = {15, 5, 3};
  const auto curve = cost::vocabulary_curve(llama2_7b, 35, gains, {}, {1, 2, 3, 4, 5});
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].target_tokens == 20);
  CHECK(curve[1].target_tokens == 15);
  CHECK(curve[2].target_tokens == 12);
  CHECK(curve[2].saved() == 23);
  CHECK(curve[1].more_text_percent == Approx(100 * (35.0 / 15 - 1)));
  CHECK(curve[1].less_time_percent == Approx(100 * (1 - 15.0 / 35)));
  CHECK(curve[1].prefill_speedup == Approx(35.0 / 15));
  CHECK(curve[1].decode_speedup == Approx(35.0 / 15).epsilon(1e-5));
  CHECK(curve[1].decode_speedup < curve[1].prefill_speedup);
  CHECK(curve[1].kv_bytes_saved == 20.0 * 524288);
  CHECK(curve[1].row_bytes == 2.0 * 2 * 4096 * 2);
  CHECK(curve[1].head_macs == 2.0 * 4096);

  const auto whole = cost::vocabulary_curve(llama2_7b, 35, gains);
  REQUIRE(whole.size() == 1);
  CHECK(whole[0].tokens == 3);
  CHECK(whole[0].target_tokens == 12);
}

TEST_CASE("a vocabulary that names what was lost has a longer text", "[cost][vocabulary]") {
  const std::vector<std::int64_t> saved = {-2000, 1000, 5};
  const auto curve = cost::vocabulary_curve(llama2_7b, 10, saved, {}, {1, 2, 3});
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].target_tokens == 2010);
  CHECK(curve[0].saved() == -2000);
  CHECK(curve[0].kv_bytes_saved == -2000.0 * 524288);
  CHECK(curve[0].prefill_speedup == Approx(10.0 / 2010));
  CHECK(curve[2].target_tokens == 1005);
  // The same from measured counts.
  const auto measured = cost::vocabulary_point_of(llama2_7b, 3, 10, 1005);
  CHECK(measured.tokens == 3);
  CHECK(measured.decode_speedup == curve[2].decode_speedup);
  CHECK(measured.row_bytes == curve[2].row_bytes);
}

TEST_CASE("a shape without parameters costs nothing", "[cost][vocabulary]") {
  const cost::decoder_shape none;
  CHECK(cost::parameters(none) == 0);
  CHECK(cost::decode_speedup(none, 10, 1.5) == 1.5);
  CHECK(cost::break_even_saving(none, 10) == 0);
  CHECK(cost::least_saving(none) == 0);
  const auto r = cost::recommend_vocabulary(none, 35, {15, 5});
  CHECK(r.tokens == 2);
  CHECK(r.point.decode_bytes_added == 0);
  CHECK(r.point.decode_speedup == Approx(35.0 / 15));
}

TEST_CASE("a recommendation says why", "[cost][vocabulary]") {
  using cost::vocabulary_reason;
  // h / P = 1/4 or so: a decoder that is nearly all vocabulary.
  cost::decoder_shape toy;
  toy.hidden = 4;
  toy.vocab = 3;
  toy.tied = true;
  const double least = cost::least_saving(toy);
  CHECK(least == 4.0 / (3 * 4 + 4));

  // 15 of 35 pays; 5 of 20 saves a quarter, which is no more than a token costs.
  const std::vector<std::int64_t> gains = {15, 5, 3};
  auto r = cost::recommend_vocabulary(toy, 35, gains);
  CHECK(r.tokens == 1);
  CHECK(r.paying == 1);
  CHECK(r.reason == vocabulary_reason::stops_paying);
  CHECK(r.last_share == Approx(15.0 / 35));
  CHECK(r.next_share == Approx(0.25));
  CHECK(r.least_share == least);
  CHECK(r.point.target_tokens == 20);

  r = cost::recommend_vocabulary(llama2_7b, 35, gains);
  CHECK(r.tokens == 3);
  CHECK(r.reason == vocabulary_reason::ran_out);
  CHECK(r.next_share == 0);
  r = cost::recommend_vocabulary(llama2_7b, 35, gains, {.advised = 2});
  CHECK(r.tokens == 2);
  CHECK(r.paying == 3);
  CHECK(r.reason == vocabulary_reason::advice);
  CHECK(r.next_share == Approx(3.0 / 15));
  r = cost::recommend_vocabulary(toy, 35, std::vector<std::int64_t>{1});
  CHECK(r.tokens == 0);
  CHECK(r.reason == vocabulary_reason::nothing);
  CHECK(r.next_share > 0);
  r = cost::recommend_vocabulary(toy, 0, {});
  CHECK(r.reason == vocabulary_reason::nothing);
  CHECK(r.point.decode_speedup == Approx(1));
  // A token that is there for another reason is kept, also one that adds tokens.
  r = cost::recommend_vocabulary(toy, 35, std::vector<std::int64_t>{-7, 15, -2, 1});
  CHECK(r.tokens == 3);
  CHECK(r.last_share == Approx(-2.0 / 27));
  CHECK(r.next_share == Approx(1.0 / 29));
  CHECK(r.point.target_tokens == 29);
  CHECK(r.point.saved() == 6);
  r = cost::recommend_vocabulary(toy, 35, std::vector<std::int64_t>{0, 15, 0, 1});
  CHECK(r.tokens == 3);
  CHECK(r.reason == vocabulary_reason::stops_paying);
}

TEST_CASE("taking a token beyond the stop rule slows decoding down", "[cost][vocabulary]") {
  // By bytes: one more token pays exactly when g / N > h / (P + (k + 1) h), which the rule approximates.
  cost::decoder_shape toy;
  toy.hidden = 8;
  toy.vocab = 1000;
  toy.tied = true;
  const std::uint64_t n = 100000;
  const double least = cost::least_saving(toy);
  const auto gain = static_cast<std::int64_t>(least * static_cast<double>(n));
  const std::vector<std::int64_t> pays = {gain + 2}, not_worth_it = {gain - 2};
  CHECK(cost::vocabulary_point_at(toy, n, pays, 1).decode_speedup > 1);
  CHECK(cost::vocabulary_point_at(toy, n, not_worth_it, 1).decode_speedup < 1);
  CHECK(cost::recommend_vocabulary(toy, n, pays).tokens == 1);
  CHECK(cost::recommend_vocabulary(toy, n, not_worth_it).tokens == 0);
}
