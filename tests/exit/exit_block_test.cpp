// SPDX-License-Identifier: MIT
// Block exit modules against the decoder layers of transformers under PyTorch's autograd: tests/oracle/exit_blocks.py.
#include <algorithm>
#include <lagom/exit/answer.hpp>
#include <lagom/exit/block_head.hpp>
#include <lagom/exit/fit_exit_block.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::index_t;
using lagom::portable;

namespace {

constexpr index_t vocab = 30, hidden = 12, shared = 3;
constexpr float scale = 0.7f;
constexpr double epsilon = 1e-5;
constexpr index_t lengths[] = {5, 7};
constexpr lagom::hidden_sequences<>::chosen answers[] = {{0, 4}, {1, 2}, {1, 6}};
constexpr std::size_t n_answers = std::size(answers);
constexpr lagom::rope turns{100.0};

template <class T>
std::vector<T> as(const std::vector<float>& x) {
  return {x.begin(), x.end()};
}

struct oracle {
  lagom::io::safetensors file = must(lagom::io::safetensors::open(golden("learned/blocks.safetensors")));
  std::string name;
  lagom::exit_block_shape shape;
  std::vector<float> w = all("head"), norm = all("norm"), last = all("last"),
                     sequence[2] = {all("first"), all("second")}, theta;

  explicit oracle(const char* which)
      : name(which),
        shape{.width = hidden,
              .inner = 10,
              .heads = 4,
              .kv_heads = 2,
              .head_dim = 6,
              .qkv_bias = name == "qwen2"},
        theta(all(name + ".parameters")) {}
  [[nodiscard]] std::vector<float> all(const std::string& key) const { return elements<float>(file, key); }
  [[nodiscard]] lagom::head<float, lagom::rms_norm<float>> head() const {
    return {{w.data(), vocab, hidden}, {norm, epsilon}, scale};
  }
  [[nodiscard]] lagom::exit_block<> block() const {
    return {.shape = shape, .parameters = theta, .epsilon = epsilon, .turns = turns};
  }
  [[nodiscard]] lagom::mat_view<const float> states(std::size_t s) const {
    return {sequence[s].data(), lengths[s], hidden};
  }
  [[nodiscard]] lagom::hidden_sequences<> recorded(bool together = true) const {
    lagom::hidden_sequences<> out(hidden);
    for (std::size_t s = 0; s < 2; ++s) {
      const index_t known = together && s == 1 ? shared : 0;
      out.begin_sequence(known);
      for (index_t p = known; p < lengths[s]; ++p) out.push(states(s).row(p));
      for (std::size_t a = 0; a < n_answers; ++a) {
        if (answers[a].sequence == static_cast<index_t>(s))
          out.answer(answers[a].position,
                     lagom::vec_view(last.data() + static_cast<index_t>(a) * hidden, hidden));
      }
    }
    return out;
  }
};

// Loss and gradient of all answers as one batch, whose shared positions are one slot each.
template <class T>
struct batch {
  const oracle& o;
  lagom::module_target kind;
  std::vector<float> cos_sin;
  lagom::detail::exit_block_gradient<portable, float, T> module{o.shape, epsilon, o.head().rows, T(scale)};
  lagom::detail::exit_module_gradient<portable, float, T> teacher{
      {.width = hidden}, epsilon, o.head().rows, T(scale)};
  std::vector<T> logits;

  batch(const oracle& from, lagom::module_target which)
      : o(from), kind(which), cos_sin(static_cast<std::size_t>(lengths[1] * from.shape.head_dim)) {
    for (index_t p = 0; p < lengths[1]; ++p)
      turns.turn(p, o.shape.head_dim, cos_sin.data() + p * o.shape.head_dim);
  }
  double operator()(const std::vector<T>& theta, T* gradient) {
    const auto states = o.recorded();
    const std::vector<T> norm = as<T>(o.norm);
    module.begin(states.stored());
    for (index_t s = 0; s < 2; ++s) {
      for (index_t p = s == 0 ? 0 : shared; p < lengths[s]; ++p) {
        const index_t place = states.places(s)[p];
        const std::vector<T> x = row(states.state(place));
        module.key_value(theta.data(), place, x.data(), cos_sin.data() + p * o.shape.head_dim);
      }
    }
    double sum = 0;
    logits.clear();
    for (index_t a = 0; a < states.answers(); ++a) {
      const auto [s, p] = states.answered(a);
      const std::vector<T> x = row(states.state(states.places(s)[p])), last = row(states.last(a));
      const index_t* const slots = states.places(s).data();
      module.forward(theta.data(), x.data(), slots, p + 1);
      logits.insert(logits.end(), module.logits().begin(), module.logits().end());
      teacher.forward(norm.data(), last.data());
      std::vector<T> q(vocab);
      sum += lagom::detail::module_loss(kind, module, teacher, teacher.stats().top, q.data()) / n_answers;
      if (gradient == nullptr) continue;
      module.add(theta.data(), slots, p + 1, kind == lagom::module_target::distribution ? q.data() : nullptr,
                 teacher.stats().top, T(1) / n_answers, gradient);
    }
    if (gradient != nullptr) module.finish(theta.data(), gradient);
    return sum;
  }
  static std::vector<T> row(lagom::vec_view<const float> x) { return {x.data(), x.data() + x.size()}; }
};

constexpr std::pair<lagom::module_target, const char*> targets[] = {
    {lagom::module_target::token, "token"}, {lagom::module_target::distribution, "distribution"}};

std::vector<float> copied(lagom::vec_view<const float> x) { return {x.data(), x.data() + x.size()}; }

}  // namespace

TEMPLATE_TEST_CASE("logits, losses and gradients of exit blocks are PyTorch's", "[exit]", float, double) {
  for (const char* const name : {"llama", "qwen2"}) {
    const oracle o(name);
    REQUIRE(static_cast<index_t>(o.theta.size()) == o.shape.parameters());
    for (const auto& [kind, key] : targets) {
      CAPTURE(name, key);
      batch<TestType> all(o, kind);
      std::vector<TestType> gradient(o.theta.size());
      const double loss = all(as<TestType>(o.theta), gradient.data());
      const std::string prefix = o.name + "." + key;
      CHECK(near(loss, elements<double>(o.file, prefix + ".loss")[0], 2e-6));
      const auto logits = o.all(o.name + ".logits"), expected = o.all(prefix + ".gradient");
      for (std::size_t i = 0; i < logits.size(); ++i)
        REQUIRE(near(static_cast<double>(all.logits[i]), static_cast<double>(logits[i]), 1e-5));
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        REQUIRE(near(static_cast<double>(gradient[i]), static_cast<double>(expected[i]), 5e-6));
      }
    }
  }
}

TEST_CASE("gradients of exit blocks are differences of losses", "[exit]") {
  for (const char* const name : {"llama", "qwen2"}) {
    const oracle o(name);
    for (const auto& [kind, key] : targets) {
      CAPTURE(name, key);
      batch<double> all(o, kind);
      std::vector<double> theta = as<double>(o.theta), gradient(theta.size());
      (void)all(theta, gradient.data());
      for (std::size_t i = 0; i < theta.size(); ++i) {
        const double at = theta[i], step = 1e-5;
        theta[i] = at + step;
        const double up = all(theta, nullptr);
        theta[i] = at - step;
        const double down = all(theta, nullptr);
        theta[i] = at;
        CAPTURE(i);
        REQUIRE(near(gradient[i], (up - down) / (2 * step), 1e-8));
      }
    }
  }
}

TEMPLATE_TEST_CASE("a block's probe is the module before the head, position by position or all at once",
                   "[exit]", float, lagom::bf16) {
  for (const char* const name : {"llama", "qwen2"}) {
    CAPTURE(name);
    const oracle o(name);
    const auto logits = o.all(o.name + ".logits");
    for (std::size_t s = 0; s < 2; ++s) {
      std::vector<TestType> stored;
      for (const float x : o.sequence[s]) stored.push_back(TestType(x));
      const lagom::mat_view<const TestType> states(stored.data(), lengths[s], hidden);
      lagom::exit_block_memory steps(o.shape, lengths[s]), whole(o.shape, lengths[s] + 2);
      REQUIRE(whole.append(o.block(), states));
      std::vector<std::vector<float>> seen;
      for (index_t p = 0; p < lengths[s]; ++p) {
        REQUIRE(steps.append(o.block(), states.row(p)));
        const auto source = lagom::probe_through(o.block(), o.head(), steps);
        static_assert(lagom::answer_source<std::remove_const_t<decltype(source)>, TestType>);
        const auto one = source(states.row(p));
        const auto other = lagom::probe_through(o.block(), o.head(), whole, portable{}, p)(states.row(p));
        CHECK((one.top == other.top && one.max == other.max && one.sum == other.sum));
        seen.push_back(copied(steps.translate(o.block(), states.row(p), p)));
        REQUIRE(seen.back() == copied(whole.translate(o.block(), states.row(p), p)));
        for (std::size_t a = 0; a < n_answers; ++a) {
          if (!std::same_as<TestType, float> || answers[a].sequence != static_cast<index_t>(s) ||
              answers[a].position != p)
            continue;
          const lagom::vec_view<const float> z(logits.data() + static_cast<index_t>(a) * vocab, vocab);
          const auto expected = lagom::softmax_stats_of(portable{}, z);
          CHECK(one.top == expected.top);
          CHECK(near(static_cast<double>(one.log_sum_exp()), static_cast<double>(expected.log_sum_exp()),
                     1e-5));
          CHECK(near(static_cast<double>(one.entropy()), static_cast<double>(expected.entropy()), 1e-5));
        }
      }
      // What was forgotten comes back with the same bits.
      const auto full = steps.append(o.block(), states.row(0));
      REQUIRE_FALSE(full);
      CHECK(full.error().code == lagom::errc::too_long);
      CHECK(whole.append(o.block(), states).error().code == lagom::errc::too_long);
      CHECK(whole.length() == lengths[s]);
      steps.crop(2);
      CHECK(steps.length() == 2);
      for (index_t p = 2; p < lengths[s]; ++p) {
        REQUIRE(steps.append(o.block(), states.row(p)));
        REQUIRE(seen[static_cast<std::size_t>(p)] == copied(steps.translate(o.block(), states.row(p), p)));
      }
    }
  }
}

TEST_CASE("a state that is no number flags every answer that sees it; probes allocate nothing", "[exit]") {
  const oracle o("llama");
  auto states = o.sequence[1];
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&states[2 * hidden + 5], &nan, sizeof nan);
  const lagom::mat_view<const float> x(states.data(), lengths[1], hidden);
  lagom::exit_block_memory memory(o.shape, lengths[1]);
  const std::size_t before = allocations();
  for (index_t p = 0; p < lengths[1]; ++p) {
    (void)memory.append(o.block(), x.row(p));
    const auto stats = lagom::probe_through(o.block(), o.head(), memory)(x.row(p));
    CHECK(stats.valid() == (p < 2));
  }
  memory.crop(2);
  const std::vector<float>& sound = o.sequence[1];
  (void)memory.append(o.block(), lagom::vec_view<const float>(sound.data() + 2 * hidden, hidden));
  CHECK(lagom::probe_through(o.block(), o.head(), memory)(o.states(1).row(2)).valid());
  CHECK(allocations() == before);
}

TEST_CASE("recorded sequences share what they begin with, and are appended in order", "[exit]") {
  const oracle o("llama");
  auto states = o.recorded();
  CHECK(states.sequences() == 2);
  CHECK(states.stored() == lengths[0] + lengths[1] - shared);
  CHECK(states.length() == lengths[1]);
  const auto same = [&](index_t sequence, std::size_t s) {
    const auto places = states.places(sequence);
    REQUIRE(places.size() == lengths[s]);
    for (index_t p = 0; p < lengths[s]; ++p)
      REQUIRE(copied(states.state(places[p])) == copied(o.states(s).row(p)));
  };
  same(0, 0);
  same(1, 1);
  for (index_t p = 0; p < shared; ++p) CHECK(states.places(0)[p] == states.places(1)[p]);
  states.append(o.recorded(false));
  REQUIRE(states.sequences() == 4);
  for (index_t s = 0; s < 4; ++s) same(s, static_cast<std::size_t>(s % 2));
  REQUIRE(states.answers() == 2 * static_cast<index_t>(n_answers));
  for (index_t a = 0; a < states.answers(); ++a) {
    const auto k = static_cast<std::size_t>(a) % n_answers;
    const auto [s, p] = states.answered(a);
    CHECK((s % 2 == answers[k].sequence && s / 2 == a / static_cast<index_t>(n_answers) &&
           p == answers[k].position));
    CHECK(copied(states.last(a)) == copied({o.last.data() + static_cast<index_t>(k) * hidden, hidden}));
  }
  lagom::hidden_sequences<lagom::bf16> narrow(2);
  narrow.begin_sequence();
  narrow.push(std::vector<float>{1.0f, 1.00390625f});
  CHECK(static_cast<float>(narrow.state(0)[1]) == 1.0f);  // a tie, to even
  CHECK(lagom::hidden_sequences<>(3).length() == 0);
}

namespace {

// The answer stands in the state of the first position and is asked for at the last: who cannot look back must guess.
struct recall {
  static constexpr index_t dim = 16, words = 8, length = 6;
  std::vector<float> w = normal<float>(dim * words, 9, 0.7), g = std::vector<float>(dim, 1.0f);
  lagom::head<float, lagom::rms_norm<float>> head{{w.data(), words, dim}, {g, 1e-5}};
  lagom::exit_block_shape shape{.width = dim, .inner = 16, .heads = 2, .kv_heads = 1, .head_dim = 8};
  std::vector<float> start = [this] {
    std::vector<float> theta = normal<float>(static_cast<std::size_t>(shape.parameters()), 10, 0.2);
    const lagom::detail::block_parts<float> parts(shape, theta.data());
    for (float* const norm : {parts.final_norm, parts.attention_norm, parts.mlp_norm})
      std::fill_n(norm, dim, 1.0f);
    return theta;
  }();
  [[nodiscard]] lagom::exit_block<> block() const { return {.shape = shape, .parameters = start}; }

  [[nodiscard]] lagom::hidden_sequences<> sequences(int n, bool together) const {
    lagom::hidden_sequences<> out(dim);
    for (int i = 0; i < n; ++i) {
      const auto word = static_cast<index_t>(i / 4 % words);  // four in a row begin alike
      const bool known = together && i % 4 != 0;
      out.begin_sequence(known ? 2 : 0);
      for (index_t p = known ? 2 : 0; p < length; ++p) {
        const auto of = static_cast<std::uint64_t>(p < 2 ? i / 4 : i);
        auto x =
            normal<float>(dim, 2000 + 10 * of + static_cast<std::uint64_t>(p) + (p < 2 ? 100000 : 0), 0.5);
        for (index_t j = 0; p == 0 && j < dim; ++j)
          x[static_cast<std::size_t>(j)] =
              x[static_cast<std::size_t>(j)] + 3 * w[static_cast<std::size_t>(word * dim + j)];
        x[0] += 2;  // what a query can be made of
        out.push(x);
      }
      std::vector<float> last(dim);
      for (index_t j = 0; j < dim; ++j)
        last[static_cast<std::size_t>(j)] = 3 * w[static_cast<std::size_t>(word * dim + j)];
      out.answer(length - 1, last);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("a trained block finds in earlier positions what its own state does not say", "[exit]") {
  const recall model;
  const auto states = model.sequences(480, true);
  const auto train = [](index_t answer) { return answer < 320; };
  for (const auto& [kind, key] : targets) {
    CAPTURE(key);
    const lagom::exit_block_config config{
        .target = kind, .epochs = 30, .batch = 16, .optimizer = {.learning_rate = 1e-2}};
    const auto fitted = lagom::fit(config, model.block(), states, model.head, train);
    REQUIRE(fitted);
    CHECK(fitted->rows == 280);
    CHECK(fitted->helps());
    CHECK(fitted->after < 0.2 * fitted->before);
    CHECK(fitted->after < 0.2 * fitted->without);
    int found = 0, guessed = 0;
    lagom::exit_block_memory memory(model.shape, recall::length);
    for (index_t a = 320; a < 480; ++a) {
      memory.crop(0);
      const auto places = states.places(states.answered(a).sequence);
      for (index_t p = 0; p < places.size(); ++p)
        REQUIRE(memory.append(fitted->block(), states.state(places[p])));
      const auto x = states.state(places[recall::length - 1]);
      const auto wanted = lagom::unembed(portable{}, states.last(a), model.head).top;
      found += lagom::probe_through(fitted->block(), model.head, memory)(x).top == wanted;
      guessed += lagom::unembed(portable{}, x, model.head).top == wanted;
    }
    CHECK(found >= 150);
    CHECK(guessed <= 60);
  }
}

TEST_CASE("training a block: the same bits again, seeds, few answers, shared beginnings or not", "[exit]") {
  const recall model;
  const auto states = model.sequences(64, true);
  const lagom::exit_block_config config{.epochs = 2, .batch = 8, .optimizer = {.learning_rate = 3e-3}};
  const auto a = lagom::fit(config, model.block(), states, model.head);
  const auto b = lagom::fit(config, model.block(), states, model.head);
  REQUIRE(a->after < a->before);
  CHECK(a->parameters == b->parameters);
  CHECK((a->after == b->after && a->before == b->before && a->without == b->without));
  auto other = config;
  other.seed = 9;
  CHECK_FALSE(a->parameters == lagom::fit(other, model.block(), states, model.head)->parameters);
  auto weighted = config;
  weighted.weigh_by_confidence = true;
  CHECK_FALSE(a->parameters == lagom::fit(weighted, model.block(), states, model.head)->parameters);
  // Sharing changes the order of a sum, nothing else.
  const auto apart = lagom::fit(config, model.block(), model.sequences(64, false), model.head);
  CHECK((apart->before == a->before && apart->without == a->without));
  CHECK(near(apart->after, a->after, 1e-3));
  auto few = config;
  few.max_rows = 5;
  CHECK(lagom::fit(few, model.block(), states, model.head)->rows == 5);
  auto untrained = config;
  untrained.epochs = 0;
  const auto none = lagom::fit(untrained, model.block(), states, model.head);
  CHECK(none->parameters == model.start);
  CHECK(none->after == none->before);
  const auto rounded = lagom::fit(
      config, model.block(),
      [&] {
        lagom::hidden_sequences<lagom::bf16> out(recall::dim);
        for (index_t s = 0; s < states.sequences(); ++s) {
          out.begin_sequence();
          for (index_t p = 0; p < recall::length; ++p) out.push(states.state(states.places(s)[p]));
          out.answer(recall::length - 1, states.last(s));
        }
        return out;
      }(),
      model.head);
  CHECK(near(rounded->before, a->before, 0.02));
}

TEST_CASE("training a block refuses what cannot be", "[exit]") {
  const recall model;
  const auto states = model.sequences(20, true);
  const auto code = [&](const lagom::exit_block_config& c) {
    return lagom::fit(c, model.block(), states, model.head).error().code;
  };
  CHECK(code({.epochs = -1}) == lagom::errc::bad_value);
  CHECK(code({.batch = 0}) == lagom::errc::bad_value);
  CHECK(code({.optimizer = {.learning_rate = 0}}) == lagom::errc::bad_value);
  const auto with = [&](lagom::exit_block<> block) {
    return lagom::fit(lagom::exit_block_config{}, block, states, model.head).error();
  };
  auto block = model.block();
  block.shape.head_dim = 7;
  CHECK(with(block).code == lagom::errc::bad_value);
  block = model.block();
  block.shape.heads = 3, block.shape.kv_heads = 2;
  CHECK(with(block).code == lagom::errc::bad_value);
  block.shape.heads = index_t{1} << 40;
  CHECK(with(block).code == lagom::errc::bad_value);
  block = model.block();
  block.epsilon = -1;
  CHECK(with(block).code == lagom::errc::bad_value);
  auto poisoned = model.start;
  const std::uint32_t infinite = 0x7f800000u;
  __builtin_memcpy(&poisoned[5], &infinite, sizeof infinite);
  block = model.block();
  block.parameters = poisoned;
  CHECK(with(block).code == lagom::errc::not_finite);
  block = model.block();
  block.parameters = block.parameters.slice(0, block.parameters.size() - 1);
  CHECK(with(block).code == lagom::errc::wrong_shape);
  CHECK(with(block).found == static_cast<std::uint64_t>(model.shape.parameters() - 1));
  CHECK(lagom::fit(lagom::exit_block_config{}, model.block(), lagom::hidden_sequences<>(4), model.head)
            .error()
            .code == lagom::errc::wrong_shape);
  CHECK(lagom::fit(lagom::exit_block_config{}, model.block(), lagom::hidden_sequences<>(recall::dim),
                   model.head)
            .error()
            .code == lagom::errc::empty);
  CHECK(
      lagom::fit(lagom::exit_block_config{}, model.block(), states, model.head, [](index_t) { return false; })
          .error()
          .code == lagom::errc::empty);
  lagom::head<float, lagom::rms_norm<float>> narrow = model.head;
  narrow.norm.weight = narrow.norm.weight.slice(0, 3);
  CHECK(lagom::fit(lagom::exit_block_config{}, model.block(), states, narrow).error().code ==
        lagom::errc::wrong_shape);
  // A position that is no number costs the answers that see it, and no others.
  lagom::hidden_sequences<> holes(recall::dim);
  const std::uint32_t nan = 0x7fc00000u;
  std::vector<float> bad(recall::dim, 1.0f);
  __builtin_memcpy(&bad[3], &nan, sizeof nan);
  holes.begin_sequence();
  holes.push(std::vector<float>(recall::dim, 0.5f));
  holes.push(bad);
  holes.answer(0, std::vector<float>(recall::dim, 0.25f));
  holes.answer(1, std::vector<float>(recall::dim, 0.25f));
  const auto fitted = lagom::fit(lagom::exit_block_config{}, model.block(), holes, model.head);
  REQUIRE(fitted);
  CHECK(fitted->rows == 1);
  CHECK(lagom::fit(lagom::exit_block_config{}, model.block(), holes, model.head,
                   [](index_t a) { return a == 1; })
            .error()
            .code == lagom::errc::empty);
}

TEST_CASE("what a block costs", "[exit]") {
  constexpr lagom::exit_block_shape s{.width = 12, .inner = 10, .heads = 4, .kv_heads = 2, .head_dim = 6};
  STATIC_REQUIRE(s.valid());
  STATIC_REQUIRE(s.kv_macs() == 2 * 12 * 12);
  STATIC_REQUIRE(s.macs(5) == 2 * 12 * 24 + 2 * 12 * 12 + 3 * 12 * 10 + 2 * 5 * 24);
  STATIC_REQUIRE_FALSE(lagom::exit_block_shape{}.valid());
}
