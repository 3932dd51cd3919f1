// SPDX-License-Identifier: MIT
// Scores of labels: against brute force, and the collision that the first token makes.
#include <lagom/prompt/label_tokens.hpp>
#include <lagom/prompt/label_trie.hpp>
#include <lagom/prompt/task_templates.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::token_id;

namespace {

// Bytes are tokens; with `merges`, ":" and a space after it are one token (256), as some tokenizers have it.
struct byte_tokenizer {
  bool merges = false;
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (merges && text.substr(i, 2) == ": ") {
        sink(token_id{256});
        ++i;
      } else {
        sink(static_cast<token_id>(static_cast<unsigned char>(text[i])));
      }
    }
  }
  std::string_view bytes_of(token_id) const { return {}; }
  lagom::index_t size() const { return 257; }
};
static_assert(lagom::tokenizer<byte_tokenizer>);

// A model of 6 tokens whose logits depend on the whole prefix.
struct model {
  std::map<std::vector<token_id>, std::vector<float>> made;
  std::size_t calls = 0;
  std::span<const float> operator()(std::span<const token_id> prefix) {
    ++calls;
    std::vector<float>& row = made[{prefix.begin(), prefix.end()}];
    if (row.empty()) {
      unsigned seed = 7;
      for (const token_id t : prefix) seed = seed * 31 + static_cast<unsigned>(t) + 1;
      std::mt19937 draw(seed);
      std::normal_distribution<float> normal(0, 3);
      for (int i = 0; i < 6; ++i) row.push_back(normal(draw));
    }
    return row;
  }
};

using labels = std::vector<std::vector<token_id>>;

}  // namespace

TEST_CASE("tokens of labels follow the prompt, seams included", "[prompt][label]") {
  const std::string_view words[] = {" True", " Neither"};
  const auto plain = tokens_of_labels(byte_tokenizer{}, "Answer:", words);
  CHECK(plain.prompt.size() == 7);
  CHECK(plain.merged == 0);
  CHECK(plain.labels[0] == std::vector<token_id>{' ', 'T', 'r', 'u', 'e'});
  const auto merged = tokens_of_labels(byte_tokenizer{true}, "Answer:", words);
  CHECK(merged.prompt.size() == 6);
  CHECK(merged.merged == 1);
  CHECK(merged.labels[1].front() == 256);
  const std::string_view mixed[] = {" True", "x"};
  const auto both = tokens_of_labels(byte_tokenizer{true}, "Answer:", mixed);
  CHECK(both.labels[0] == std::vector<token_id>{256, 'T', 'r', 'u', 'e'});
  CHECK(both.labels[1] == std::vector<token_id>{':', 'x'});
  CHECK(tokens_of_labels(byte_tokenizer{}, "", {}).labels.empty());
}

TEST_CASE("the first divergent token tells labels apart", "[prompt][label]") {
  const auto trie = label_trie::build(labels{{1, 2, 3}, {1, 4}, {1, 2}, {5}});
  REQUIRE(trie);
  CHECK(trie->first_divergent(0).position == 2);
  CHECK(trie->first_divergent(0).token == 3);
  CHECK(trie->first_divergent(1).position == 1);
  CHECK(trie->first_divergent(1).token == 4);
  CHECK(trie->first_divergent(2).position == 2);
  CHECK(trie->first_divergent(2).token == lagom::no_token);
  CHECK(trie->first_divergent(3).position == 0);
  CHECK_FALSE(trie->one_step());
  CHECK(label_trie::build(labels{{1, 2}, {3, 2}})->one_step());
  CHECK(label_trie::build(labels{{1}})->one_step());

  CHECK(label_trie::build({}).error().code == lagom::errc::empty);
  CHECK(label_trie::build(labels{{1}, {}}).error().row == 1);
  CHECK(label_trie::build(labels{{2}, {1}, {2}}).error().code == lagom::errc::duplicate_key);
  CHECK(label_trie::build(labels{{2}, {1}, {2}}).error().row == 2);
}

TEST_CASE("scores are those of brute force, and sum to one", "[prompt][label]") {
  std::mt19937 draw(3);
  for (int round = 0; round < 300; ++round) {
    labels all;
    const auto count = 1 + draw() % 5;
    while (all.size() < count) {
      std::vector<token_id> l(1 + draw() % 4);
      for (token_id& t : l) t = static_cast<token_id>(draw() % 3);
      bool again = false;
      for (const auto& other : all) again = again || other == l;
      if (!again) all.push_back(l);
    }
    const auto trie = label_trie::build(all);
    REQUIRE(trie);
    model m;
    const auto chosen = trie->choose(m, token_id{5});
    REQUIRE(chosen);
    CHECK(m.calls == m.made.size());  // no prefix twice
    const auto whole = trie->log_likelihood(m);
    REQUIRE(whole);
    double sum = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      sum += std::exp((*chosen)[i]);
      double likelihood = 0, among = 0;
      for (std::size_t d = 0; d <= all[i].size(); ++d) {
        const std::vector<token_id> prefix(all[i].begin(), all[i].begin() + static_cast<std::ptrdiff_t>(d));
        const auto row = m(prefix);
        const token_id own = d < all[i].size() ? all[i][d] : 5;
        double every = 0, branches = 0;
        for (token_id t = 0; t < 6; ++t) {
          const double e = std::exp(static_cast<double>(row[static_cast<std::size_t>(t)]));
          every += e;
          bool branch = false;
          for (const auto& other : all) {
            if (other.size() < d || !std::equal(prefix.begin(), prefix.end(), other.begin())) continue;
            branch = branch || (d < other.size() ? other[d] : 5) == t;
          }
          if (branch) branches += e;
        }
        const double x = static_cast<double>(row[static_cast<std::size_t>(own)]);
        if (d < all[i].size()) likelihood += x - std::log(every);
        among += x - std::log(branches);
      }
      CHECK((*whole)[i] == Approx(likelihood).margin(1e-9));
      CHECK((*chosen)[i] == Approx(among).margin(1e-9));
    }
    CHECK(sum == Approx(1).margin(1e-9));
  }
}

TEST_CASE("one place of parting is one step of the model", "[prompt][label]") {
  model m;
  const auto trie = label_trie::build(labels{{1, 2, 3}, {1, 4, 3}, {1, 0}});
  REQUIRE(trie->choose(m));
  CHECK(m.calls == 1);
  CHECK(m.made.count({1}) == 1);
}

TEST_CASE("what cannot be scored says why", "[prompt][label]") {
  std::vector<float> row{1, 2, 3};
  const auto logits = [&row](std::span<const token_id>) { return std::span<const float>(row); };
  const auto prefix = label_trie::build(labels{{1}, {1, 2}});
  CHECK(prefix->choose(logits).error().code == lagom::errc::missing_key);
  CHECK(prefix->choose(logits, token_id{0}));
  CHECK(prefix->choose(logits, token_id{2}).error().code == lagom::errc::duplicate_key);
  const auto trie = label_trie::build(labels{{1}, {7}});
  CHECK(trie->choose(logits).error().code == lagom::errc::unknown_token);
  CHECK(trie->choose(logits).error().row == 1);
  const auto two = label_trie::build(labels{{1}, {2}});
  const std::uint32_t nan = 0x7fc00000u, minus = 0xff800000u;
  std::memcpy(&row[1], &nan, 4);
  CHECK(two->choose(logits).error().code == lagom::errc::not_finite);
  CHECK(two->log_likelihood(logits).error().code == lagom::errc::not_finite);
  row[1] = 2;
  std::memcpy(&row[0], &minus, 4);
  CHECK(two->choose(logits));
  CHECK((*two->log_likelihood(logits))[1] == Approx(-std::log(1 + std::exp(-1.0))).margin(1e-6));
  row.clear();
  CHECK(two->log_likelihood(logits).error().code == lagom::errc::empty);
}

TEST_CASE("the largest logit of any piece ties labels that share one", "[prompt][label]") {
  std::vector<float> logits(257, 0.0f);
  logits[' '] = 5;
  logits['T'] = 4;
  const byte_tokenizer t;
  const std::uint32_t nan = 0x7fc00000u;
  std::memcpy(&logits['u'], &nan, 4);
  CHECK(first_token_max(t, "True", logits) == 5);
  CHECK(first_token_max(t, "True", {}) == std::numeric_limits<float>::lowest());
  logits['u'] = 0;
  CHECK(first_token_max(t, "True", logits) == first_token_max(t, "Neither", logits));  // both have the space
  const auto tokens = tokens_of_labels(t, "Answer:", find_nli_labels("en")->words);
  const auto trie = label_trie::build(tokens.labels);
  CHECK(trie->first_divergent(0).position == 1);
  const auto scores = trie->choose([&](std::span<const token_id>) { return std::span<const float>(logits); });
  CHECK((*scores)[0] == Approx(4 - std::log(std::exp(4.0) + 2)).margin(1e-6));
  CHECK((*scores)[1] == Approx(-std::log(std::exp(4.0) + 2)).margin(1e-6));
}
