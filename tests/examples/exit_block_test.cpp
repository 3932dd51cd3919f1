// SPDX-License-Identifier: MIT
// A copy of a model's last block as the exit module of the layer before it is the model.
#include <lagom/exit/block_head.hpp>

#include "choose_exits/last_block.hpp"
#include "decoder/decoder.hpp"
#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::index_t;

namespace {

void is_the_model(const std::string& directory, double tolerance_) {
  CAPTURE(directory);
  const auto model = must(decoder::model<float>::load(directory));
  const auto& config = model.config();
  const auto last = must(choose_exits::load_last_block(directory, config));
  const lagom::philox random{7};
  std::vector<lagom::token_id> text;
  for (std::uint64_t i = 0; i < 24; ++i)
    text.push_back(
        static_cast<lagom::token_id>(random.below(static_cast<std::uint64_t>(config.vocab), 0, i)));
  std::vector<std::vector<float>> before, after;
  auto cache = model.make_cache(text.size());
  const decoder::feed<float> feed{&cache, text};
  must(model.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& s) {
    for (index_t r = 0; r < s.hidden.rows(); ++r) {
      const auto x = s.hidden.row(r);
      if (s.layer.value == config.layers - 2) before.emplace_back(x.data(), x.data() + x.size());
      if (s.layer.value == config.layers - 1) after.emplace_back(x.data(), x.data() + x.size());
    }
    return false;
  }));
  REQUIRE(before.size() == text.size());
  model.with_head([&](const auto& head) {
    lagom::exit_block_memory memory(last.shape, static_cast<index_t>(text.size()));
    for (std::size_t p = 0; p < text.size(); ++p) {
      must(memory.append(last.block(), before[p]));
      const auto z =
          memory.translate(last.block(), lagom::vec_view<const float>(before[p]), static_cast<index_t>(p));
      double size = 0;
      for (const float x : after[p]) size = std::max(size, std::abs(static_cast<double>(x)));
      for (index_t j = 0; j < z.size(); ++j) {
        REQUIRE(std::abs(static_cast<double>(z[j] - after[p][static_cast<std::size_t>(j)])) <=
                tolerance_ * size);
      }
      const auto mine =
          lagom::probe_through(last.block(), head, memory)(lagom::vec_view<const float>(before[p]));
      const auto full = lagom::unembed(lagom::portable{}, after[p], head);
      CHECK(mine.top == full.top);
      CHECK(near(static_cast<double>(mine.log_sum_exp()), static_cast<double>(full.log_sum_exp()),
                 20 * tolerance_, std::abs(static_cast<double>(full.log_sum_exp()))));
    }
  });
}

}  // namespace

TEST_CASE("the last block, copied, answers at the layer before as the model does", "[examples]") {
  for (const char* const name :
       {"mha", "gqa_tied", "mqa_sharded", "rope_llama3", "rope_linear", "qwen2", "mistral"})
    is_the_model(golden(std::string("decoder/") + name), 5e-6);
  for (const char* const name : {"main", "small"})
    is_the_model(std::string(LAGOM_EXAMPLE_MODELS) + "/" + name, 5e-6);
}

TEST_CASE("a last block that no exit block can hold is refused by name", "[examples]") {
  const std::string directory = golden("decoder/odd_head_biases");
  const auto config = must(decoder::load_config(directory));
  const auto refused = choose_exits::load_last_block(directory, config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == lagom::errc::unsupported);
  auto other = must(decoder::load_config(golden("decoder/mha")));
  other.hidden += 1;
  const auto wrong = choose_exits::load_last_block(golden("decoder/mha"), other);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == lagom::errc::wrong_shape);
  CHECK_FALSE(choose_exits::load_last_block(golden("decoder/nowhere"), other));
}
