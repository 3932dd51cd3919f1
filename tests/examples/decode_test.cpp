// SPDX-License-Identifier: MIT
// The laws of decoding early, on a real decoder in double: what is exact is the same bits.
#include <lagom/cost/skipped_kv.hpp>
#include <lagom/exit/decode/copy_kv.hpp>
#include <lagom/exit/decode/defer_batch.hpp>
#include <lagom/exit/decode/drop_kv.hpp>
#include <lagom/exit/decode/early_token.hpp>
#include <lagom/exit/decode/fill_kv.hpp>
#include <lagom/exit/decode/greedy_drafts.hpp>
#include <lagom/exit/decode/metered.hpp>
#include <lagom/exit/decode/module_head.hpp>
#include <lagom/exit/decode/propagate_kv.hpp>
#include <lagom/exit/decode/recompute_kv.hpp>
#include <lagom/exit/decode/sampled_drafts.hpp>
#include <lagom/exit/decode/shallow_deep.hpp>
#include <lagom/exit/draft_length.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/stop/threshold.hpp>
#include <map>

#include "decoder/sequence.hpp"
#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::index_t;
using lagom::layer_index;
using lagom::layers_used;
using lagom::token_id;
using sequence = decoder::sequence<double>;
using model = decoder::model<double>;
using tokens = std::vector<token_id>;

namespace {

// Three layers each, but for the last, which the examples come with and has fourteen.
const std::vector<std::string> configurations{"mha", "gqa_tied", "rope_llama3", "qwen2", "shipped"};

model load(const std::string& name) {
  return must(model::load(name == "shipped" ? LAGOM_EXAMPLE_MODELS "/main" : golden("decoder/" + name)));
}

tokens some_tokens(std::size_t n, std::uint64_t seed) {
  const lagom::philox random{seed};
  tokens out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<token_id>(random.below(97, 0, i)));
  return out;
}

// Leaves after a layer that was set, whatever the signals say.
struct leave_after {
  int layer = 1 << 20;
  using state = lagom::no_state;
  static constexpr std::size_t width = 1;
  float step(state&, lagom::vec_view<const float>) const noexcept { return 1; }
};
struct only_at {
  int layer;
  constexpr bool operator()(layer_index l, int) const noexcept { return l.value == layer; }
};
// Feeds a token and leaves after `layer` (0-based; the last one or beyond: all layers).
template <class Kv>
lagom::early_answer step(sequence& s, token_id t, int layer, const Kv& kv) {
  const lagom::exit_policy policy{lagom::features<lagom::hidden_cosine>{}, leave_after{}, only_at{layer}};
  return must(lagom::early_token(s, t, policy, kv));
}

// Keys and values of a position, and the states, of all layers.
bool same_cache(decoder::kv_cache<double>& a, decoder::kv_cache<double>& b, const decoder::model_config& c,
                std::size_t positions) {
  for (std::size_t l = 0; l < static_cast<std::size_t>(c.layers); ++l) {
    if (a.keys(l) < positions || b.keys(l) < positions) return false;
    for (std::size_t h = 0; h < static_cast<std::size_t>(c.kv_heads); ++h) {
      const std::size_t n = positions * static_cast<std::size_t>(c.head_dim);
      if (!std::equal(a.key(l, h, 0), a.key(l, h, 0) + n, b.key(l, h, 0))) return false;
      if (!std::equal(a.value(l, h, 0), a.value(l, h, 0) + n, b.value(l, h, 0))) return false;
    }
  }
  return true;
}
bool same_state(const sequence& a, const sequence& b) {
  const auto x = a.hidden(a.length() - 1), y = b.hidden(b.length() - 1);
  return std::equal(x.data(), x.data() + x.size(), y.data());
}

sequence full_run(const model& m, const tokens& text) {
  sequence s(m, 128);
  must(s.prefill(text));
  return s;
}

// Exits drawn at random, a full pass at the end.
template <class Kv>
sequence random_exits(const model& m, const tokens& text, const Kv& kv, std::uint64_t seed, int deepest) {
  const lagom::philox random{seed};
  sequence s(m, 128);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool last = i + 1 == text.size();
    step(s, text[i],
         last ? deepest + 1 : static_cast<int>(random.below(static_cast<std::uint64_t>(deepest + 2), 1, i)),
         kv);
  }
  return s;
}

}  // namespace

TEST_CASE("deferred, recomputed and filled keys and values are those of the full model", "[decode]") {
  for (const auto& name : configurations) {
    CAPTURE(name);
    const model m = load(name);
    const int deepest = m.config().layers - 2;
    for (std::uint64_t seed = 0; seed < (deepest > 1 ? 5 : 30); ++seed) {
      CAPTURE(seed);
      const tokens text = some_tokens(24, seed);
      sequence full = full_run(m, text);
      const auto check = [&](sequence early) {
        CHECK(same_cache(early.cache(), full.cache(), m.config(), text.size()));
        CHECK(same_state(early, full));
      };
      for (const index_t most : {0, 1, 3, 100}) {
        check(random_exits(m, text, lagom::defer_batch{most}, seed, deepest));
        check(random_exits(m, text, lagom::recompute_kv{most}, seed, deepest));
      }
      check(random_exits(m, text, lagom::fill_kv{}, seed, deepest));
    }
  }
}

TEST_CASE("approximate policies are approximate, and exact where they say so", "[decode]") {
  for (const auto& name : configurations) {
    CAPTURE(name);
    const model m = load(name);
    const int layers = m.config().layers;
    const tokens text = some_tokens(16, 7);
    sequence full = full_run(m, text);
    const auto differs = [&](sequence early) { CHECK_FALSE(same_state(early, full)); };
    differs(random_exits(m, text, lagom::copy_kv{}, 3, layers - 2));
    differs(random_exits(m, text, lagom::drop_kv{}, 3, layers - 2));
    differs(random_exits(m, text, lagom::propagate_kv{}, 3, layers - 2));

    // Leaving before the last layer alone: the projections are what the layer would have left.
    sequence late(m, 128), late_copy(m, 128);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const int leave = i + 1 == text.size() ? layers - 1 : layers - 2;
      step(late, text[i], leave, lagom::propagate_kv{});
      step(late_copy, text[i], leave, lagom::copy_kv{});
    }
    CHECK(same_cache(late.cache(), full.cache(), m.config(), text.size()));
    CHECK(same_state(late, full));
    CHECK_FALSE(same_state(late_copy, full));

    // The first skipped layer is exact, the next one is not.
    const token_id next = 5;
    for (int leave = 0; leave + 2 < layers; ++leave) {
      sequence a = full_run(m, text), b = full_run(m, text);
      step(a, next, leave, lagom::propagate_kv{});
      step(b, next, layers - 1, lagom::propagate_kv{});
      const auto key = [&](sequence& s, int l) {
        return *s.cache().key(static_cast<std::size_t>(l), 0, text.size());
      };
      CHECK(key(a, leave + 1) == key(b, leave + 1));
      CHECK(key(a, leave + 2) != key(b, leave + 2));
      sequence c = full_run(m, text);
      step(c, next, leave, lagom::copy_kv{});
      for (int l = leave + 1; l < layers; ++l) CHECK(key(c, l) == key(b, leave));
    }
  }
}

TEST_CASE("a dropped position is not attended to, and cropping finds its way back", "[decode]") {
  const model m = load("mha");
  const int layers = m.config().layers;
  // A text whose every token but the last is dropped from layer 1 on: the last sees itself alone there.
  sequence s(m, 32);
  for (token_id t = 0; t < 5; ++t) step(s, t, 0, lagom::drop_kv{});
  for (int l = 1; l < layers; ++l) {
    CHECK(s.held(layer_index(l)) == 5);
    CHECK(s.cache().keys(static_cast<std::size_t>(l)) == 0);
  }
  step(s, 9, layers, lagom::drop_kv{});
  CHECK(s.cache().keys(1) == 1);
  const tokens three{0, 1, 2};
  s.crop(3);
  CHECK(s.cache().keys(1) == 0);
  CHECK(s.cache().keys(0) == 3);
  s.crop(0);
  must(s.prefill(three));
  sequence again = full_run(m, three);
  CHECK(same_cache(s.cache(), again.cache(), m.config(), 3));
}

TEST_CASE("deferral is bounded, and the work is what the closed forms say", "[decode]") {
  const model m = load("mha");
  const int layers = m.config().layers;
  const auto shape = m.config().shape();
  for (int leave = 0; leave + 1 < layers; ++leave) {
    for (int run = 0; run < 6; ++run) {
      const lagom::cost::skipped_run r{layers, leave + 1, run};
      const auto measure = [&](const auto& kv) {
        sequence s(m, 64);
        must(s.prefill(tokens{1, 2}));
        lagom::metered counted{s, lagom::decode_ledger{.shape = shape}};
        const auto go = [&](token_id t, int layer) {
          const lagom::exit_policy policy{lagom::features<lagom::hidden_cosine>{}, leave_after{},
                                          only_at{layer}};
          return must(lagom::early_token(counted, t, policy, kv));
        };
        for (int i = 0; i < run; ++i) CHECK(go(i, leave).used == layers_used(leave + 1));
        CHECK(go(50, layers).used == layers_used(layers));
        return counted.meter();
      };
      const auto same = [](const lagom::decode_ledger& got, const lagom::cost::layer_work& want,
                           double projected) {
        CHECK(got.token_layers + projected == Approx(want.token_layers));
        CHECK(got.layer_reads + projected == Approx(want.layer_reads));
      };
      same(measure(lagom::defer_batch{100}), lagom::cost::defer_work(r), 0);
      same(measure(lagom::recompute_kv{100}), lagom::cost::recompute_work(r), 0);
      same(measure(lagom::fill_kv{}), lagom::cost::fill_work(r), 0);
      same(measure(lagom::drop_kv{}), lagom::cost::drop_work(r), 0);
      same(measure(lagom::copy_kv{}), lagom::cost::drop_work(r), 0);
      const auto propagated = measure(lagom::propagate_kv{});
      const double k = shape.kv_macs() / shape.layer_macs();
      CHECK(propagated.projections == run * (layers - leave - 1));
      same(propagated, lagom::cost::propagate_work(r, k), propagated.projections * k);
    }
  }
  // Nobody leaves once `most` wait: every third token runs to the end.
  sequence s(m, 64);
  for (int i = 0; i < 12; ++i) {
    const auto out = step(s, i, 0, lagom::defer_batch{2});
    CHECK(out.used == layers_used(i % 3 == 2 ? layers : 1));
    CHECK(out.taken_along == (i % 3 == 2 ? 2 : 0));
    CHECK(out.probes == 1);
  }
}

namespace {

// Greedy decoding at full depth.
tokens greedy(const model& m, const tokens& prompt, std::size_t n) {
  sequence s(m, 128);
  must(s.prefill(std::span(prompt).first(prompt.size() - 1)));
  tokens out;
  token_id last = prompt.back();
  while (out.size() < n) out.push_back(last = step(s, last, 1 << 20, lagom::fill_kv{}).token);
  return out;
}

template <class Rule, class Source = lagom::own_head>
tokens speculate(const model& m, const tokens& prompt, std::size_t n, int draft_layers, const Rule& rule,
                 double stop_below, token_id end, const Source& source = {}) {
  sequence s(m, 128);
  must(s.prefill(std::span(prompt).first(prompt.size() - 1)));
  lagom::greedy_drafts<double, Source> drafter(16, stop_below, source);
  typename Rule::state state{};
  tokens out, round(17);
  token_id last = prompt.back();
  while (out.size() < n && (out.empty() || last != end)) {
    const int drafts = std::min(rule.drafts(state), 16);
    const auto r = must(lagom::self_speculate(
        s, last, {.draft_layers = layers_used(draft_layers), .drafts = drafts, .end = end}, drafter, round));
    rule.learn(state, r.drafted, r.kept);
    REQUIRE(r.tokens >= 1);
    REQUIRE(s.length() == static_cast<index_t>(prompt.size() + out.size()) - 1 + r.tokens);
    for (int l = 0; l < m.config().layers; ++l) REQUIRE(s.held(layer_index(l)) == s.length());
    out.insert(out.end(), round.begin(), round.begin() + r.tokens);
    last = out.back();
  }
  out.resize(std::min(out.size(), n));
  return out;
}

}  // namespace

TEST_CASE("self-speculation says what greedy decoding says", "[decode]") {
  std::size_t sequences = 0;
  for (const auto& name : configurations) {
    CAPTURE(name);
    const model m = load(name);
    const bool deep = m.config().layers > 3;  // slow in double
    for (std::uint64_t seed = 0; seed < (deep ? 2 : 50); ++seed) {
      CAPTURE(seed);
      const tokens prompt = some_tokens(1 + seed % 5, seed);
      const tokens wanted = greedy(m, prompt, 30);
      for (int e = 1; e <= m.config().layers; e += deep ? 4 : 1) {
        for (const int drafts : {0, 1, 4, 16}) {
          REQUIRE(speculate(m, prompt, 30, e, lagom::fixed_drafts{drafts}, 0, lagom::no_token) == wanted);
          ++sequences;
        }
        REQUIRE(speculate(m, prompt, 30, e, lagom::stepwise_drafts{}, 0.05, lagom::no_token) == wanted);
        REQUIRE(speculate(m, prompt, 30, e, lagom::fastest_drafts{.draft_cost = 0.2}, 0, lagom::no_token) ==
                wanted);
        // It ends where greedy decoding meets the end.
        const token_id end = wanted[12];
        const auto until = std::find(wanted.begin(), wanted.end(), end) + 1;
        REQUIRE(speculate(m, prompt, 30, e, lagom::fixed_drafts{5}, 0, end) == tokens(wanted.begin(), until));
        sequences += 3;
        // Through modules of any parameters, too.
        const auto h = static_cast<index_t>(m.config().hidden);
        for (const auto kind :
             {lagom::exit_module::norm, lagom::exit_module::linear, lagom::exit_module::mlp}) {
          const lagom::exit_module_shape shape{kind, h, kind == lagom::exit_module::mlp ? 7 : 0};
          lagom::exit_modules modules(m.config().layers, shape,
                                      std::vector<float>(static_cast<std::size_t>(h), 1.0f), 1e-5);
          const double size = seed % 3 == 0 ? 0.01 : seed % 3 == 1 ? 0.3 : 100;
          modules.set(e - 1,
                      normal<float>(static_cast<std::size_t>(shape.parameters()), 31 * seed + 1, size));
          const lagom::module_head<double> source(modules);
          REQUIRE(speculate(m, prompt, 30, e, lagom::fixed_drafts{4}, 0, lagom::no_token, source) == wanted);
          ++sequences;
        }
      }
    }
  }
  CHECK(sequences > 5000);
}

TEST_CASE("speculation ends where the room does", "[decode]") {
  const model m = load("mha");
  const tokens prompt{3, 4};
  const tokens wanted = greedy(m, prompt, 9);
  sequence s(m, 6);
  must(s.prefill(std::span(prompt).first(1)));
  lagom::greedy_drafts<double> drafter(16);
  tokens round(17), out;
  token_id last = prompt.back();
  for (;;) {
    auto r = lagom::self_speculate(s, last, {.draft_layers = layers_used(2), .drafts = 16}, drafter, round);
    if (!r) {
      CHECK(r.error().code == lagom::errc::too_long);
      break;
    }
    out.insert(out.end(), round.begin(), round.begin() + r->tokens);
    last = out.back();
  }
  CHECK(out == tokens(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(out.size())));
  CHECK(out.size() == 5);  // positions 1 ... 5 were fed
}

TEST_CASE("sampling with drafts is distributed as sampling without", "[decode]") {
  const model m = load("gqa_tied");
  const auto vocab = static_cast<index_t>(m.config().vocab);
  const tokens prompt{3, 14, 15};
  sequence start(m, 16);
  must(start.prefill(std::span(prompt).first(2)));
  // The exact distribution of the two tokens after the prompt, folded into a few cells each.
  constexpr int cells = 6;
  const auto cell = [](token_id t) { return static_cast<std::size_t>(t % cells); };
  std::vector<double> exact(cells * cells, 0.0);
  const auto probabilities = [&](sequence& s) {
    std::vector<double> z(static_cast<std::size_t>(vocab));
    s.logits(s.hidden(s.length() - 1), lagom::vec_view<double>(z));
    double max = *std::max_element(z.begin(), z.end()), sum = 0;
    for (double& v : z) sum += v = std::exp(v - max);
    for (double& v : z) v /= sum;
    return z;
  };
  step(start, prompt.back(), 1 << 20, lagom::fill_kv{});
  const auto p1 = probabilities(start);
  for (token_id a = 0; a < vocab; ++a) {
    step(start, a, 1 << 20, lagom::fill_kv{});
    const auto p2 = probabilities(start);
    for (token_id b = 0; b < vocab; ++b)
      exact[cell(a) * cells + cell(b)] += p1[static_cast<std::size_t>(a)] * p2[static_cast<std::size_t>(b)];
    start.crop(3);
  }
  start.crop(2);
  constexpr int draws = 6000;
  for (const int drafts : {1, 3}) {
    std::vector<double> seen(cells * cells, 0.0);
    int kept = 0, drafted = 0;
    for (int i = 0; i < draws; ++i) {
      sequence& s = start;
      s.crop(2);
      lagom::sampled_drafts<double> drafter(4, vocab, lagom::draft_sampler{lagom::philox{11}},
                                            static_cast<std::uint64_t>(i));
      tokens out, round(5);
      token_id last = prompt.back();
      while (out.size() < 2) {
        const auto r = must(lagom::self_speculate(s, last, {.draft_layers = layers_used(2), .drafts = drafts},
                                                  drafter, round));
        out.insert(out.end(), round.begin(), round.begin() + r.tokens);
        last = out.back();
        kept += r.kept;
        drafted += r.drafted;
      }
      seen[cell(out[0]) * cells + cell(out[1])] += 1;
    }
    CHECK(kept > 0);
    CHECK(kept < drafted);
    double chi2 = 0;
    for (std::size_t c = 0; c < exact.size(); ++c)
      chi2 += (seen[c] - draws * exact[c]) * (seen[c] - draws * exact[c]) / (draws * exact[c]);
    CAPTURE(drafts, chi2);
    CHECK(chi2 < 74.9);  // 35 degrees of freedom, one in 10,000
  }
}

namespace {

struct free_run {
  tokens out;
  int shallow = 0, labels = 0, agreed = 0, withdrawn = 0;
  std::size_t settled = 0;  // tokens whose deep layers ran
};

free_run shallow_deep(const model& m, const tokens& prompt, std::size_t n, lagom::shallow_deep_config config,
                      double threshold, sequence& s) {
  s.crop(0);
  must(s.prefill(std::span(prompt).first(prompt.size() - 1)));
  lagom::shallow_deep<double> free{config};
  free_run r;
  token_id last = prompt.back();
  for (std::size_t steps = 0; r.out.size() < n && steps < 20 * n; ++steps) {
    const auto label = [&](double confidence, bool agreed) {
      CHECK((confidence >= 0 && confidence <= 1));
      ++r.labels;
      r.agreed += agreed;
    };
    const auto a = must(free.decode(s, last, threshold, label));
    REQUIRE(static_cast<std::size_t>(a.withdrawn) <= r.out.size());
    r.out.resize(r.out.size() - static_cast<std::size_t>(a.withdrawn));
    r.withdrawn += static_cast<int>(a.withdrawn);
    r.out.push_back(last = a.token);
    if (a.used == layers_used(m.config().layers)) {
      r.settled = r.out.size();
    } else {
      ++r.shallow;
    }
    REQUIRE(s.length() == static_cast<index_t>(prompt.size() + r.out.size()) - 1);
  }
  return r;
}

}  // namespace

TEST_CASE("FREE: exact keys and values, a label for every deep token, and rollback", "[decode]") {
  int shallow = 0, withdrawn = 0;
  for (const auto& name : configurations) {
    CAPTURE(name);
    const model m = load(name);
    const layer_index exit = m.config().layers / 2 - 1;
    sequence s(m, 128);
    for (std::uint64_t seed = 0; seed < (name == "shipped" ? 3 : 25); ++seed) {
      CAPTURE(seed);
      const tokens prompt = some_tokens(2 + seed % 4, seed + 100);
      const tokens wanted = greedy(m, prompt, 40);
      // A threshold that nothing reaches: the full model.
      const auto deep = shallow_deep(m, prompt, 40, {.exit = exit}, 1, s);
      CHECK(deep.out == wanted);
      CHECK(deep.labels == 40);
      // One that lets some leave: the cache is that of the full model over the same tokens.
      const auto mixed = shallow_deep(m, prompt, 40, {.exit = exit, .most = 5}, 0.01, s);
      shallow += mixed.shallow;
      CHECK(static_cast<std::size_t>(mixed.labels) == mixed.settled);
      tokens fed = prompt;
      fed.insert(fed.end(), mixed.out.begin(),
                 mixed.out.begin() + static_cast<std::ptrdiff_t>(mixed.settled) - 1);
      sequence full = full_run(m, fed);
      CHECK(same_cache(s.cache(), full.cache(), m.config(), fed.size()));
      // Rollback at nearly nothing: what the deep layers have seen is what they say.
      const auto strict = shallow_deep(m, prompt, 40, {.exit = exit, .most = 5, .rollback = 1e-9}, 0.01, s);
      withdrawn += strict.withdrawn;
      CHECK(tokens(strict.out.begin(), strict.out.begin() + static_cast<std::ptrdiff_t>(strict.settled)) ==
            tokens(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(strict.settled)));
      // A bound that nothing passes: no rollback.
      const auto loose = shallow_deep(m, prompt, 40, {.exit = exit, .most = 5, .rollback = 1e9}, 0.01, s);
      CHECK(loose.out == mixed.out);
      CHECK(loose.withdrawn == 0);
    }
  }
  CHECK(shallow > 0);
  CHECK(withdrawn > 0);
}
