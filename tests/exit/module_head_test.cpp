// SPDX-License-Identifier: MIT
// Drafts through exit modules: the text is that of full depth whatever the modules are, and good ones are kept more often.
#include <lagom/cost/models.hpp>
#include <lagom/exit/decode/confident_drafts.hpp>
#include <lagom/exit/decode/greedy_drafts.hpp>
#include <lagom/exit/decode/metered.hpp>
#include <lagom/exit/decode/module_head.hpp>
#include <lagom/exit/decode/sampled_drafts.hpp>
#include <lagom/exit/draft_plan.hpp>
#include <lagom/exit/fit_exit_modules.hpp>

#include "support/count_allocations.hpp"
#include "toy_sequence.hpp"

using namespace lagom_test;
using lagom::exit_module;
using lagom::exit_modules;
using lagom::index_t;
using lagom::layer_index;
using lagom::layers_used;
using lagom::token_id;
using lagom::vec_view;

namespace {

template <class T>
using toy = basic_toy_sequence<T>;
constexpr int n_layers = toy<float>::n_layers, dim = toy<float>::dim, vocab = toy<float>::vocab;

template <class T>
using through = lagom::module_head<T>;
static_assert(lagom::draft_source<lagom::own_head, toy<float>>);
static_assert(lagom::draft_source<through<float>, toy<float>>);
static_assert(lagom::draft_source<through<double>, toy<double>>);
static_assert(!lagom::draft_source<through<float>, toy<double>>);
static_assert(lagom::drafter<lagom::greedy_drafts<float, through<float>>, toy<float>>);
static_assert(lagom::drafter<lagom::confident_drafts<double, through<double>>, toy<double>>);
static_assert(lagom::drafter<lagom::sampled_drafts<float, through<float>>, toy<float>>);
static_assert(lagom::draft_source<through<float>, lagom::metered<toy<float>, lagom::decode_ledger>>);

// Modules of every layer but one, as far from what helps as `size` says.
exit_modules random_modules(exit_module kind, std::uint64_t seed, float size, bool poisoned = false) {
  const lagom::exit_module_shape shape{kind, dim, kind == exit_module::mlp ? 5 : 0};
  exit_modules out(n_layers, shape, std::vector<float>(dim, 1.0f), 1e-5);
  for (int l = 0; l < n_layers; ++l) {
    if (l == static_cast<int>(seed % n_layers)) continue;
    auto p = normal<float>(static_cast<std::size_t>(shape.parameters()),
                           100 * seed + static_cast<std::uint64_t>(l), static_cast<double>(size));
    for (std::size_t j = 0; j < dim; ++j) p[j] += 1;
    if (poisoned && l % 2 == 0) p[p.size() - 1] = std::numeric_limits<float>::quiet_NaN();
    out.set(l, p);
  }
  return out;
}

template <class T>
std::vector<token_id> greedy(token_id begin, std::size_t n) {
  toy<T> s;
  std::vector<token_id> out;
  for (token_id t = begin; out.size() < n; t = out.back()) {
    REQUIRE(s.feed(t));
    for (int l = 0; l < n_layers; ++l) s.block(layer_index(l), s.length() - 1, 1);
    out.push_back(s.probe(s.hidden(s.length() - 1)).top);
  }
  return out;
}

struct spoken {
  std::vector<token_id> text;
  int drafted = 0, kept = 0;
};
template <class T, class D>
spoken speculate(token_id begin, std::size_t n, int draft_layers, int drafts, D& drafter) {
  toy<T> s;
  spoken out;
  std::vector<token_id> round(static_cast<std::size_t>(drafts) + 1);
  for (token_id t = begin; out.text.size() < n; t = out.text.back()) {
    const auto r = lagom::self_speculate(s, t, {.draft_layers = layers_used(draft_layers), .drafts = drafts},
                                         drafter, round);
    REQUIRE(r);
    out.drafted += r->drafted;
    out.kept += r->kept;
    out.text.insert(out.text.end(), round.begin(), round.begin() + r->tokens);
  }
  out.text.resize(n);
  return out;
}

constexpr exit_module kinds[] = {exit_module::norm, exit_module::linear, exit_module::mlp};

}  // namespace

TEMPLATE_TEST_CASE("whatever drafts, the text is that of full depth", "[exit][decode]", float, double) {
  constexpr std::size_t n = 24;
  std::vector<std::vector<token_id>> expected;
  for (token_id begin = 0; begin < vocab; ++begin) expected.push_back(greedy<TestType>(begin, n));
  std::size_t sequences = 0;
  int kept = 0, drafted = 0;
  for (const exit_module kind : kinds) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const float size = seed < 3 ? 0.1f : seed < 6 ? 1.0f : 1e4f;
      const exit_modules modules = random_modules(kind, seed, size, seed == 5);
      CAPTURE(static_cast<int>(kind), seed);
      const through<TestType> source(modules);
      lagom::greedy_drafts<TestType, through<TestType>> drafter(8, 0, source), shy(8, 0.2, source);
      lagom::confident_drafts<TestType, through<TestType>> confident(8, {.start = 0.2}, source);
      for (token_id begin = 0; begin < vocab; ++begin) {
        const int e = 1 + static_cast<int>((static_cast<std::uint64_t>(begin) + seed) % n_layers);
        const auto& wanted = expected[static_cast<std::size_t>(begin)];
        const auto free = speculate<TestType>(begin, n, e, 1 + begin % 8, drafter);
        REQUIRE(free.text == wanted);
        REQUIRE(speculate<TestType>(begin, n, e, 8, shy).text == wanted);
        REQUIRE(speculate<TestType>(begin, n, e, 8, confident).text == wanted);
        kept += free.kept;
        drafted += free.drafted;
        sequences += 3;
      }
    }
  }
  CHECK(sequences > 2000);
  CHECK((kept > 0 && kept < drafted));
}

TEST_CASE("a draft is what the module of the drafting layer says", "[exit][decode]") {
  for (const exit_module kind : kinds) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      const exit_modules modules = random_modules(kind, seed, 0.4f);
      std::vector<float> scratch(static_cast<std::size_t>(modules.shape().scratch()));
      through<float> source(modules);
      toy<float> s;
      std::vector<float> logits(vocab);
      int moved = 0;
      for (token_id t = 0; t < vocab; ++t) {
        REQUIRE(s.feed(t));
        const index_t p = s.length() - 1;
        for (int l = 0; l < n_layers; ++l) {
          s.block(layer_index(l), p, 1);
          const auto read = source.stats(s, p);
          const auto said = modules.at(l, s.head(), scratch)(s.hidden(p));
          const auto own = s.probe(s.hidden(p));
          REQUIRE(read.top == said.top);
          REQUIRE(
              near(static_cast<double>(read.log_sum_exp()), static_cast<double>(said.log_sum_exp()), 1e-5));
          if (!modules.trained(l)) REQUIRE((read.max == own.max && read.sum == own.sum));
          moved += read.top != own.top;
          source.logits(s, p, vec_view<float>(logits));
          if (modules.trained(l))
            REQUIRE(std::max_element(logits.begin(), logits.end()) - logits.begin() == read.top);
        }
      }
      CHECK(moved > 5);
    }
  }
}

TEST_CASE("trained drafters are kept more often, and are charged", "[exit][decode]") {
  // The states of some texts at every layer, and what the last one says of them.
  lagom::hidden_states<float> states(n_layers, dim);
  toy<float> s;
  for (token_id begin = 0; begin < vocab; ++begin) {
    s.crop(0);
    token_id t = begin;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(s.feed(t));
      states.begin_row();
      for (int l = 0; l < n_layers; ++l) {
        s.block(layer_index(l), s.length() - 1, 1);
        states.record(s.observation(l));
      }
      t = i % 3 == 2 ? (t + 7) % vocab : s.probe(s.hidden(s.length() - 1)).top;
    }
  }
  const auto fitted = lagom::fit(lagom::exit_modules_config{.kind = exit_module::linear,
                                                            .target = lagom::module_target::token,
                                                            .epochs = 20,
                                                            .optimizer = {.learning_rate = 1e-2}},
                                 states, s.head());
  REQUIRE(fitted);
  lagom::greedy_drafts<float> plain(4);
  lagom::greedy_drafts<float, through<float>> trained(4, 0, through<float>(fitted->model));
  int own = 0, own_of = 0, better = 0, better_of = 0;
  for (token_id begin = 0; begin < vocab; ++begin) {
    const auto a = speculate<float>(begin, 30, 3, 4, plain), b = speculate<float>(begin, 30, 3, 4, trained);
    own += a.kept, own_of += a.drafted, better += b.kept, better_of += b.drafted;
  }
  CHECK(better * own_of > own * better_of * 1.3);

  // Other modules in their place, and back.
  const exit_modules garbage = random_modules(exit_module::linear, 1, 1e3f);
  trained.source().use(garbage);
  CHECK(&trained.source().modules() == &garbage);
  const auto worse = speculate<float>(3, 30, 3, 4, trained);
  trained.source().use(fitted->model);
  CHECK(worse.kept <= speculate<float>(3, 30, 3, 4, trained).kept);

  // The ledger hears of every module, and of a pass over the head for every draft.
  std::vector<token_id> round(5);
  const auto count = [&](auto& drafter) {
    toy<float> again;
    lagom::metered counted{again, lagom::decode_ledger{.shape = lagom::cost::llama2_7b}};
    const auto r =
        lagom::self_speculate(counted, 1, {.draft_layers = layers_used(3), .drafts = 4}, drafter, round);
    REQUIRE(r);
    REQUIRE(r->drafted == 4);
    return counted.meter();
  };
  const auto without = count(plain), with = count(trained);
  CHECK(with.heads == without.heads);
  CHECK(with.spent.macs - without.spent.macs == Approx(4 * dim * dim).epsilon(1e-3));
  CHECK(with.spent.bytes - without.spent.bytes == Approx(4 * 4 * dim * (dim + 2)).epsilon(1e-3));
  // A plan that knows of the module takes a draft for dearer.
  CHECK(lagom::adaptive_drafts<1>{.layers = {2}, .n_layers = 8, .module_layers = 1}.draft_cost(0) ==
        Approx(3.0 / 8));
}

TEST_CASE("sampling through modules is distributed as sampling without", "[exit][decode]") {
  constexpr int cells = 5, draws = 8000;
  const auto cell = [](token_id t) { return static_cast<std::size_t>(t % cells); };
  // The exact distribution of the two tokens after the first.
  toy<double> s;
  const auto next = [&](token_id t) {
    REQUIRE(s.feed(t));
    for (int l = 0; l < n_layers; ++l) s.block(layer_index(l), s.length() - 1, 1);
    std::vector<double> z(vocab);
    s.logits(s.hidden(s.length() - 1), vec_view<double>(z));
    const double max = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (double& v : z) sum += v = std::exp(v - max);
    for (double& v : z) v /= sum;
    return z;
  };
  std::vector<double> exact(cells * cells, 0.0);
  const auto p1 = next(4);
  for (token_id a = 0; a < vocab; ++a) {
    const auto p2 = next(a);
    for (token_id b = 0; b < vocab; ++b)
      exact[cell(a) * cells + cell(b)] += p1[static_cast<std::size_t>(a)] * p2[static_cast<std::size_t>(b)];
    s.crop(1);
  }
  for (const exit_module kind : kinds) {
    const exit_modules modules = random_modules(kind, 2, 0.5f);
    std::vector<double> seen(cells * cells, 0.0);
    int kept = 0, drafted = 0;
    for (int i = 0; i < draws; ++i) {
      s.crop(0);
      lagom::sampled_drafts<double, through<double>> drafter(
          3, vocab, lagom::draft_sampler{lagom::philox{17}}, static_cast<std::uint64_t>(i),
          through<double>(modules));
      std::vector<token_id> out, round(4);
      for (token_id last = 4; out.size() < 2; last = out.back()) {
        const auto r =
            lagom::self_speculate(s, last, {.draft_layers = layers_used(2), .drafts = 3}, drafter, round);
        REQUIRE(r);
        out.insert(out.end(), round.begin(), round.begin() + r->tokens);
        kept += r->kept;
        drafted += r->drafted;
      }
      seen[cell(out[0]) * cells + cell(out[1])] += 1;
    }
    CHECK(kept > 0);
    CHECK(kept < drafted);
    double chi2 = 0;
    for (std::size_t c = 0; c < exact.size(); ++c)
      chi2 += (seen[c] - draws * exact[c]) * (seen[c] - draws * exact[c]) / (draws * exact[c]);
    CAPTURE(static_cast<int>(kind), chi2);
    CHECK(chi2 < 59.0);  // 24 degrees of freedom, one in 10,000
  }
}

TEST_CASE("drafting through modules allocates nothing", "[exit][decode]") {
  const exit_modules modules = random_modules(exit_module::mlp, 3, 0.5f);
  const through<float> source(modules);
  toy<float> s;
  lagom::greedy_drafts<float, through<float>> greedily(8, 0, source);
  lagom::confident_drafts<float, through<float>> confident(8, {}, source);
  lagom::sampled_drafts<float, through<float>> sampled(8, vocab, lagom::draft_sampler{lagom::philox{3}}, 1,
                                                       source);
  std::vector<token_id> out(9);
  const lagom::speculation_round round{.draft_layers = layers_used(3), .drafts = 8};
  const std::size_t before = allocations();
  for (token_id i = 0; i < 5; ++i) {
    (void)lagom::self_speculate(s, i, round, greedily, out);
    (void)lagom::self_speculate(s, i, round, sampled, out);
    (void)lagom::self_speculate(s, i, round, confident, out);
  }
  CHECK(allocations() == before);
}
