// SPDX-License-Identifier: MIT
// Any bytes as a synthesizer's output: every piece is a pair or a loss, and pairs that are written again are read again.
#include <lagom/prompt/instruction_task.hpp>
#include <lagom/prompt/read_pairs.hpp>
#include <lagom/prompt/spans.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace lagom::prompt;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const pair_marks marks{.skip_leading = (data[0] & 1) != 0, .resync = (data[0] & 2) != 0};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<question_answer> pairs;
  const auto losses = read_distinct_pairs(text, pairs, marks);
  must(losses.balanced() && losses.out == pairs.size());
  for (const question_answer& p : pairs) {
    must(!p.question.empty() && !p.answer.empty());
    const checked_task task = read_task(p);
    must(task.check != task_check::ok || task.task.option_count <= instruction_task::most_options);
  }
  if (!pairs.empty()) {
    const std::vector<synthesized> example{{"", pairs}};
    const std::string built = text_of(synthesizer_sequence{example});
    std::vector<question_answer> again;
    must(read_distinct_pairs(std::string_view(built).substr(3), again, marks).lost() == 0);
    must(again == pairs);
  }
  std::string spare;
  compat::lmops_parse(text, spare, [](std::string_view, std::string_view) {});
  return 0;
}
