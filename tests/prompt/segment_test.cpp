// SPDX-License-Identifier: MIT
// Segments, their range, and the views over them.
#include <lagom/prompt/segment_list.hpp>
#include <lagom/prompt/spans.hpp>

#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

using listed = segment_list;

static_assert(prompt_pieces<listed>);
static_assert(!std::is_constructible_v<segments<listed>, listed>);
static_assert(!std::is_constructible_v<trained_runs<listed>, listed>);
static_assert(std::forward_iterator<segments<listed>::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, segments<listed>::iterator>);

const listed sample{{{"a", role::user, "", "", true},
                     {"bc", role::user, "", "", true},
                     {"d", role::user, "", "", false},
                     {"ef", role::assistant, "", "", true}}};

std::vector<span> trained(const listed& p) {
  std::vector<span> out;
  for_each_trained(p, [&](span s) { out.push_back(s); });
  return out;
}

}  // namespace

TEST_CASE("a prompt is walked as a range, any number of times", "[prompt][segment]") {
  const segments<listed> range(sample);
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<segment> seen;
    for (const segment& s : range) seen.push_back(s);
    CHECK(seen == sample.all);
  }
  auto second = range.begin();
  const auto first = second++;
  CHECK(first->text == "a");
  CHECK(second->text == "bc");
  CHECK(first != second);
  CHECK(std::next(range.begin()) == second);
  const listed none{};
  CHECK(segments<listed>(none).begin() == std::default_sentinel);
}

TEST_CASE("text, size and trained runs are views over the segments", "[prompt][spans]") {
  CHECK(text_of(sample) == "abcdef");
  CHECK(size_of(sample) == prompt_size{6, 5});
  CHECK(trained(sample) == std::vector<span>{{0, 3}, {4, 6}});
  CHECK(trained({}).empty());
  CHECK(trained({{{"x", role::none, "", "", false}}}).empty());
  CHECK(trained({{{"x", role::none, "", "", false}, {"y", role::none, "", "", true}}}) ==
        std::vector<span>{{1, 2}});
}
