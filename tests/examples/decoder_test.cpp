// SPDX-License-Identifier: MIT
// The reference decoder against transformers (tests/oracle/decoder.py), and against itself in other batches.
#include "decoder/decoder.hpp"

#include <lagom/kernel/unembed.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using decoder::block_states;
using decoder::feed;
using lagom::errc;
using lagom::token_id;

namespace {

const std::vector<std::string> configurations{"mha",         "gqa_tied",        "mqa_sharded", "rope_llama3",
                                              "rope_linear", "odd_head_biases", "qwen2",       "mistral"};

template <class T>
decoder::model<T> load(const std::string& name) {
  return must(decoder::model<T>::load(golden("decoder/" + name)));
}

// All states of one forward pass: [layer][row][column].
template <class T>
struct states {
  std::vector<xt::xtensor<T, 2>> hidden, attention, mlp;
  bool operator()(const block_states<T>& s) {
    const auto copy = [](lagom::mat_view<const T> m) {
      xt::xtensor<T, 2> out = xt::xtensor<T, 2>::from_shape(
          {static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols())});
      for (lagom::index_t r = 0; r < m.rows(); ++r) {
        for (lagom::index_t c = 0; c < m.cols(); ++c)
          out(static_cast<std::size_t>(r), static_cast<std::size_t>(c)) = m(r, c);
      }
      return out;
    };
    hidden.push_back(copy(s.hidden));
    attention.push_back(copy(s.attention));
    mlp.push_back(copy(s.mlp));
    return false;
  }
};

template <class T>
states<T> run(const decoder::model<T>& m, std::vector<feed<T>> feeds) {
  states<T> seen;
  must(m.forward(feeds, std::ref(seen)));
  return seen;
}

// max |a - b| / max |b| of a tensor stored as [layer][row][column].
template <class T>
double distance(const std::vector<xt::xtensor<T, 2>>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  std::size_t i = 0;
  for (const auto& layer : a) {
    for (const T v : layer) {
      difference = std::max(difference, std::abs(static_cast<double>(v) - static_cast<double>(b[i])));
      size = std::max(size, std::abs(static_cast<double>(b[i++])));
    }
  }
  REQUIRE(i == b.size());
  return difference / size;
}

template <class T>
void check_against_transformers(const std::string& name, const decoder::model<T>& model) {
  CAPTURE(name);
  const auto expected =
      must(lagom::io::safetensors::open(golden("decoder/" + name + "/expected.safetensors")));
  const auto tokens = elements<std::int32_t>(expected, "tokens");
  auto cache = model.make_cache(tokens.size());
  const auto seen = run<T>(model, {{&cache, tokens}});
  CHECK(distance(seen.hidden, elements<float>(expected, "hidden")) <= 1e-4);
  CHECK(distance(seen.attention, elements<float>(expected, "attention")) <= 1e-4);
  CHECK(distance(seen.mlp, elements<float>(expected, "mlp")) <= 1e-4);
  const auto logits = elements<float>(expected, "logits");
  double difference = 0, size = 0;
  model.with_head([&](const auto& head) {
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      const lagom::vec_view<const T> x(&seen.hidden.back()(r, 0), head.rows.cols());
      const T scale = head.norm.prepare(lagom::portable{}, x);
      for (lagom::index_t v = 0; v < head.rows.rows(); ++v) {
        double z = 0;
        for (lagom::index_t j = 0; j < x.size(); ++j)
          z += static_cast<double>(head.norm.apply(scale, x[j], j)) * static_cast<double>(head.rows(v, j));
        const double e = static_cast<double>(
            logits[r * static_cast<std::size_t>(head.rows.rows()) + static_cast<std::size_t>(v)]);
        difference = std::max(difference, std::abs(z - e));
        size = std::max(size, std::abs(e));
      }
    }
  });
  CHECK(difference <= 1e-4 * size);
}

template <class T>
bool same_row(const xt::xtensor<T, 2>& a, std::size_t i, const xt::xtensor<T, 2>& b, std::size_t j) {
  return std::equal(&a(i, 0), &a(i, 0) + a.shape()[1], &b(j, 0));
}

template <class T>
void check_batch_invariance(const std::string& name) {
  CAPTURE(name);
  const auto model = load<T>(name);
  std::vector<std::vector<token_id>> sequences;
  for (const std::size_t length : {19u, 1u, 8u, 30u}) {
    auto& s = sequences.emplace_back();
    for (std::size_t i = 0; i < length; ++i) s.push_back(static_cast<token_id>((i * 37 + length * 11) % 97));
  }
  // Alone, in one piece: what everything else must equal, bit for bit.
  std::vector<states<T>> alone;
  for (const auto& s : sequences) {
    auto cache = model.make_cache(64);
    alone.push_back(run<T>(model, {{&cache, s}}));
  }
  const auto equal = [&](const states<T>& seen, std::size_t row, std::size_t sequence, std::size_t position) {
    for (std::size_t l = 0; l < seen.hidden.size(); ++l) {
      REQUIRE(same_row(seen.hidden[l], row, alone[sequence].hidden[l], position));
      REQUIRE(same_row(seen.attention[l], row, alone[sequence].attention[l], position));
      REQUIRE(same_row(seen.mlp[l], row, alone[sequence].mlp[l], position));
    }
  };
  // All together.
  std::vector<decoder::kv_cache<T>> caches;
  for (std::size_t i = 0; i < sequences.size(); ++i) caches.push_back(model.make_cache(40 + 7 * i));
  std::vector<feed<T>> feeds;
  for (std::size_t i = 0; i < sequences.size(); ++i) feeds.push_back({&caches[i], sequences[i]});
  const auto together = run<T>(model, feeds);
  for (std::size_t i = 0, row = 0; i < sequences.size(); ++i) {
    for (std::size_t p = 0; p < sequences[i].size(); ++p) equal(together, row++, i, p);
  }
  // Token by token, two sequences in step: decoding.
  auto a = model.make_cache(19), b = model.make_cache(33);
  for (std::size_t p = 0; p < 19; ++p) {
    const auto step = run<T>(
        model, {{&b, std::span(sequences[3]).subspan(p, 1)}, {&a, std::span(sequences[0]).subspan(p, 1)}});
    equal(step, 0, 3, p);
    equal(step, 1, 0, p);
  }
  // In pieces, after forgetting a part.
  auto c = model.make_cache(30);
  (void)run<T>(model, {{&c, std::span(sequences[3]).first(25)}});
  c.truncate(13);
  const auto rest = run<T>(model, {{&c, std::span(sequences[3]).subspan(13)}});
  for (std::size_t p = 13; p < 30; ++p) equal(rest, p - 13, 3, p);
}

}  // namespace

TEST_CASE("every state and logit agrees with transformers", "[decoder]") {
  for (const auto& name : configurations) {
    check_against_transformers(name, load<float>(name));
    check_against_transformers(name, load<double>(name));
  }
}

TEMPLATE_TEST_CASE("so do those of the models that come with the examples", "[decoder]", float, double) {
  for (const std::string name : {"main", "small"}) {
    check_against_transformers("example_" + name,
                               must(decoder::model<TestType>::load(LAGOM_EXAMPLE_MODELS "/" + name)));
  }
}

TEST_CASE("a token's states have the same bits alone or in a batch, in prefill or decoding", "[decoder]") {
  for (const auto& name : configurations) {
    check_batch_invariance<float>(name);
    check_batch_invariance<double>(name);
  }
}

TEST_CASE("stopping early leaves holes that are not read in silence", "[decoder]") {
  const auto model = load<float>("mha");
  const std::vector<token_id> tokens{1, 2, 3};
  auto cache = model.make_cache(8);
  const std::vector<feed<float>> feeds{{&cache, tokens}};
  const auto used =
      must(model.forward(feeds, [](const auto& s) { return s.layer == lagom::layer_index(1); }));
  CHECK(used == lagom::layers_used(2));
  CHECK(cache.filled(1) == 3);
  CHECK(cache.filled(2) == 0);
  const auto next = model.forward(feeds, [](const auto&) { return false; });
  REQUIRE_FALSE(next);
  CHECK(next.error().code == errc::hole);
}

TEST_CASE("the first layer shows the embedding as previous state, and no previous attention", "[decoder]") {
  const auto model = load<float>("mha");
  const std::vector<token_id> tokens{5};
  auto cache = model.make_cache(1);
  must(model.forward(std::vector<feed<float>>{{&cache, tokens}}, [](const block_states<float>& s) {
    const auto o = s.observation(0);
    CHECK(o.prev_hidden.size() == 32);
    CHECK(o.prev_attention.empty() == (s.layer.value == 0));
    CHECK(o.prev_mlp.empty() == (s.layer.value == 0));
    // hidden = previous + attention + mlp
    for (lagom::index_t j = 0; j < 32; ++j) {
      CHECK(o.hidden[j] == Approx(o.prev_hidden[j] + o.attention[j] + o.mlp[j]).margin(1e-5));
    }
    return false;
  }));
}

TEST_CASE("too long a sequence and unknown tokens are refused", "[decoder]") {
  const auto model = load<float>("mha");
  const auto code = [&](std::size_t capacity, std::vector<token_id> tokens) {
    auto cache = model.make_cache(capacity);
    auto r = model.forward(std::vector<feed<float>>{{&cache, tokens}}, [](const auto&) { return false; });
    return r ? errc{255} : r.error().code;
  };
  CHECK(code(4, {1, 2, 3, 4, 5}) == errc::too_long);
  CHECK(code(500, std::vector<token_id>(129, 1)) == errc::too_long);  // past the model's context
  CHECK(code(4, {97}) == errc::unknown_token);
  CHECK(code(4, {-1}) == errc::unknown_token);
  CHECK(code(4, {}) == errc{255});
}

TEST_CASE("a directory that is not what it says is refused by name", "[decoder]") {
  const scratch dir;
  const std::string good = read_file(golden("decoder/mha/config.json"));
  std::filesystem::copy(golden("decoder/mha/model.safetensors"), dir.file("model.safetensors"));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    dir.write("config.json", text);
    auto m = decoder::model<float>::load(dir.path());
    return m ? lagom::failure{.code = errc{255}} : m.error();
  };
  CHECK(with("llama", "llama").code == errc{255});
  const auto arch = with("\"llama\"", "\"gpt2\"");
  CHECK(arch.code == errc::unsupported);
  CHECK(lagom::io::describe(arch).find("gpt2") != std::string::npos);
  CHECK(with("\"silu\"", "\"gelu\"").code == errc::unsupported);
  CHECK(with("\"hidden_size\": 32", "\"hidden_size\": 48").code == errc::wrong_shape);
  CHECK(with("\"hidden_size\": 32", "\"hidden_size\": 0").code == errc::out_of_range);
  CHECK(with("\"hidden_size\": 32", "\"hidden_size\": -5").code == errc::out_of_range);
  CHECK(with("\"hidden_size\": 32", "\"hidden_size\": \"32\"").code == errc::wrong_type);
  CHECK(with("\"hidden_size\"", "\"hidden_sighs\"").code == errc::missing_key);
  CHECK(with("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4").code == errc::missing_tensor);
  CHECK(with("\"num_key_value_heads\": 4", "\"num_key_value_heads\": 3").code == errc::bad_value);
  CHECK(with("\"head_dim\": 8", "\"head_dim\": 7").code == errc::bad_value);
  CHECK(with("\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"").code == errc::unsupported);
  CHECK(with("{", "[").code == errc::bad_json);
  std::filesystem::remove(dir.file("config.json"));
  CHECK(decoder::model<float>::load(dir.path()).error().code == errc::cannot_open);
}
