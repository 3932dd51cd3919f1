// SPDX-License-Identifier: MIT
#include <lagom/vocab.hpp>

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::errc;
using lagom::token_id;

// A tokenizer of any kind: the longest token that fits, left to right; some tokens are added ones.
struct longest_match {
  std::vector<std::string> texts{};
  std::set<token_id> added{};

  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    for (std::size_t at = 0; at < text.size();) {
      token_id best = -1;
      for (token_id id = 0; id < size(); ++id) {
        const std::string& t = texts[static_cast<std::size_t>(id)];
        if (is_added(id) || t.empty() || text.substr(at, t.size()) != t) continue;
        if (best < 0 || t.size() > texts[static_cast<std::size_t>(best)].size()) best = id;
      }
      if (best < 0) return;
      sink(best);
      at += texts[static_cast<std::size_t>(best)].size();
    }
  }
  [[nodiscard]] std::string_view bytes_of(token_id id) const { return texts[static_cast<std::size_t>(id)]; }
  [[nodiscard]] lagom::index_t size() const { return static_cast<lagom::index_t>(texts.size()); }
  [[nodiscard]] bool is_added(token_id id) const { return added.contains(id); }
};
static_assert(lagom::tokenizer<longest_match>);

std::vector<token_id> plain(std::span<const source_id> ids) {
  std::vector<token_id> out;
  for (const source_id id : ids) out.push_back(static_cast<token_id>(id));
  return out;
}

}  // namespace

TEST_CASE("a replacement copies equal bytes and cuts the others by the source", "[vocab][replace]") {
  const longest_match source{{"<s>", "</s>", "a", "b", "ab", " ", "<pad>", "a"}, {0, 1, 6}};
  const longest_match target{{"ab", "b", "abba", "<pad>", "zb", "<bos>", "</s>", "<s>", "", "a", "a"},
                             {3, 5, 6, 7}};
  auto change =
      replace(source, target, {.roles = {{source_id{0}, target_id{5}}, {source_id{1}, target_id{5}}}});
  REQUIRE(change);
  CHECK(change->source_size == 8);
  CHECK(change->target_size == 11);
  CHECK(change->rows() == 11);
  CHECK(change->same[0] == source_id{4});
  CHECK(change->same[1] == source_id{3});
  CHECK(change->same[2] == source_id::none);
  CHECK(change->same[3] == source_id{6});
  CHECK(change->same[5] == source_id{0});  // the first role that names a token decides
  CHECK(change->same[6] == source_id{1});
  CHECK(change->same[7] == source_id{0});
  CHECK(change->same[8] == source_id::none);
  CHECK(plain(change->pieces[0]) == std::vector<token_id>{4});
  CHECK(plain(change->pieces[2]) == std::vector<token_id>{4, 3, 2});
  CHECK(change->pieces[4].empty());  // the source has no z
  CHECK(change->bytes_of(2) == "abba");
  CHECK(change->bytes_of(3).empty());  // an added token means nothing to the model
  CHECK(change->pieces[3].empty());
  // Two tokens of one text: the usual one with the usual one, the other with the other.
  CHECK(change->same[9] == source_id{2});
  CHECK(change->same[10] == source_id{7});
  CHECK(change->rules.empty());
  CHECK(replace(source, target, {.roles = {{source_id{8}, target_id{0}}}}).error().code ==
        errc::out_of_range);
  CHECK(replace(source, target, {.roles = {{source_id{0}, target_id{11}}}}).error().code ==
        errc::out_of_range);
  CHECK(replace(source, target, {.roles = {{source_id::none, target_id{0}}}})->same[0] == source_id{4});
  auto nothing = replace(longest_match{}, longest_match{});
  REQUIRE(nothing);
  CHECK(nothing->rows() == 0);
}

TEST_CASE("a replacement by a BPE model knows its rules", "[vocab][replace]") {
  const std::vector<std::pair<std::string, std::uint64_t>> here = {{" abab", 9}, {" cd", 5}},
                                                           there = {{" abcd", 7}, {"dd", 3}};
  auto source = train_bpe(here, {.tokens = 260}), target = train_bpe(there, {.tokens = 262});
  REQUIRE(source);
  REQUIRE(target);
  auto change = replace(*source, *target);
  REQUIRE(change);
  CHECK(change->rules.size() == target->merges().size());
  for (std::size_t r = 0; r < change->rows(); ++r) {
    std::string spelled;
    for (const token_id t : plain(change->pieces[r])) spelled += source->bytes_of(t);
    CHECK(spelled == target->bytes_of(static_cast<token_id>(r)));
    const token_id equal = source->tokens().find(spelled);
    CHECK(static_cast<token_id>(change->same_as(r)) == equal);
  }
}
