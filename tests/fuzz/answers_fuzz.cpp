// SPDX-License-Identifier: MIT
// Any bytes as what a model or a translator wrote: numbers, sentences, words, marked pairs, templates, mined tasks.
#include <lagom/prompt.hpp>

#include "fuzz/support.hpp"

using namespace lagom::prompt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const numerals way : {numerals::any, numerals::point, numerals::comma}) {
    std::size_t end = 0;
    for_each_number(text, way, [&](const number& n) {
      if (n.where.begin < end || n.where.end > size || n.where.begin >= n.where.end || n.value.empty())
        __builtin_trap();
      end = n.where.end;
    });
  }
  std::size_t at = 0;
  for_each_sentence(text, [&](std::string_view s) {
    const auto begin = static_cast<std::size_t>(s.data() - text.data());
    if (begin < at || s.empty() || strip(s) != s) __builtin_trap();
    at = begin + s.size();
  });
  if (word_overlap(text, text).f1() != 1) __builtin_trap();

  const split_translation pair_of = split_marked(text);
  if (pair_of.code == split_code::ok && (pair_of.x.empty() || pair_of.y.empty())) __builtin_trap();
  if (const auto form = text_template::parse(text)) {
    std::vector<named_text> values;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < form->view().slots.size(); ++i)
      values.push_back({form->view().name(i), "{x}"});
    const auto filled = form->fill(values);
    if (!filled) __builtin_trap();
    for_each_segment(*filled, [&](const segment& s) { bytes += s.text.size(); });
    if (bytes != text_of(*filled).size()) __builtin_trap();
  }
  auto tasks = mine_tasks(text.substr(0, size / 8), text);
  for (const mined_task& t : tasks) {
    if (t.answer.empty()) __builtin_trap();
  }
  if (!fit_tasks(text, tasks, lagom::byte_counter{}, 2 * size).balanced()) __builtin_trap();
  return 0;
}
