// SPDX-License-Identifier: MIT
#include <lagom/cost/models.hpp>
#include <lagom/cost/speculation.hpp>

#include "support/catch.hpp"

using namespace lagom::cost;

TEST_CASE("expected tokens, speed and operations of speculation", "[cost][speculation]") {
  struct row {
    double acceptance;
    int drafts;
    double tokens, at_05, at_25;
  };
  for (const auto& r : {row{.8, 4, 3.3616, 2.8013333333, 1.6808}, row{.8, 5, 3.68928, 2.951424, 1.63968},
                        row{.6, 3, 2.176, 1.8921739130, 1.2434285714},
                        row{.9, 7, 5.6953279, 4.2187614074, 2.0710283273}, row{0, 4, 1, .8333333333, .5}}) {
    CHECK(tokens_per_verification(r.acceptance, r.drafts) == Approx(r.tokens).epsilon(1e-12));
    CHECK(speculative_speedup(r.acceptance, r.drafts, .05) == Approx(r.at_05).epsilon(1e-10));
    CHECK(speculative_speedup(r.acceptance, r.drafts, .25) == Approx(r.at_25).epsilon(1e-10));
  }
  CHECK(tokens_per_verification(1, 6) == 7);
  CHECK(tokens_per_verification(1 - 1e-15, 6) == Approx(7).epsilon(1e-12));
  CHECK(tokens_per_verification(.3, 0) == 1);
  CHECK(speculative_operations(.8, 4, .05) == Approx(1.5468824369).epsilon(1e-10));
  CHECK(speculative_speedup(.8, 6, 8 / 32.0) == Approx(1.5805696).epsilon(1e-10));
}

TEST_CASE("the best draft length is the fastest of all", "[cost][speculation]") {
  for (int a = 0; a <= 100; a += 5) {
    for (const double c : {0.0, 0.05, 0.25, 0.5, 1.0}) {
      const double acceptance = a / 100.0;
      const int best = best_drafts(acceptance, c, 12);
      for (int g = 0; g <= 12; ++g) {
        CHECK(speculative_speedup(acceptance, g, c) <= speculative_speedup(acceptance, best, c));
      }
    }
  }
  CHECK(best_drafts(0, 0, 9) == 0);    // a draft that is never kept is no gain even for nothing
  CHECK(best_drafts(.5, .5, 9) == 0);  // as dear as it is good: the smallest of equals
  CHECK(best_drafts(1, .5, 9) == 9);
}

TEST_CASE("a round of self-speculation by the ledger", "[cost][speculation]") {
  const auto& s = llama2_7b;
  // Nothing drafted: a token of the full model.
  const work plain = round_of(s, {.drafts = 0, .draft_layers = 8}, 100);
  CHECK(plain.macs == Approx(full_model(s, decode(100)).macs));
  CHECK(plain.bytes == Approx(full_model(s, decode(100)).bytes));
  // Six drafts of eight layers: l + 6 E layers read, 7 l layers run on tokens, seven heads read and run.
  const work round = round_of(s, {.drafts = 6, .draft_layers = 8}, 0);
  const double layer = block(s, decode(0)).bytes, head = full_head(s).bytes;
  CHECK(round.bytes == Approx((32 + 6 * 8) * layer + 7 * head).epsilon(2e-3));  // keys and values beside them
  double macs = 13 * full_head(s).macs;
  for (int i = 0; i < 7; ++i) macs += 32 * block(s, decode(i)).macs;
  CHECK(round.macs == Approx(macs).epsilon(1e-12));
  // With heads left out the ratio is the formula's.
  auto no_head = s;
  no_head.vocab = 0;
  CHECK(1 / self_speculation_bytes(no_head, {.drafts = 6, .draft_layers = 8}, .8, 0).value ==
        Approx(1.5805696).epsilon(2e-3));
  CHECK(self_speculation_bytes(s, {.drafts = 6, .draft_layers = 8}, 0, 0).value > 1);
}
