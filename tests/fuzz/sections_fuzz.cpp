// SPDX-License-Identifier: MIT
// Any bytes as an answer in sections, cut anywhere: whole text and stream agree at every level, nothing is lost, and
// what is built of free contents is read back.
#include <lagom/prompt/collides.hpp>
#include <lagom/prompt/plug.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

using namespace lagom::prompt;

namespace {

constexpr grammar<3> zh = plug_grammar("en", "zh");
constexpr grammar<3> taco{
    .sections = {{{.name = "x_p", .language = "en", .header = {"Instruction in English:", {}}},
                  {.name = "y_p", .language = "en", .header = {"Response in English:", {}}},
                  {.name = "y_t", .language = "ko", .header = {"한국어 응답:", {}}, .optional = true}}},
    .header_end = " ",
    .separator = "\n",
    .closing = "</s>"};

void must(bool holds) {
  if (!holds) std::abort();
}

template <class Reader>
void stream(Reader reader, std::string_view text, std::size_t step, const sections_found<3>& whole) {
  std::array<std::string, 3> contents;
  const auto sink = [&](const section_event& e) {
    if (e.what == section_event::kind::chunk && e.section < 3 && !e.repeated) contents[e.section] += e.text;
  };
  for (std::size_t at = 0; at < text.size(); at += step) {
    reader.feed(text.substr(at, step), sink);
    must(reader.held() <= held_bytes::capacity + 4);
  }
  reader.finish(sink);
  must(reader.found() == whole);
  for (std::size_t i = 0; i < 3; ++i) {
    const span s = whole.sections[i].content;
    must(s.end <= text.size() && contents[i] == text.substr(s.begin, s.size()));
  }
}

void check(const grammar<3>& g, std::string_view text, std::size_t step) {
  for (const matching level : {matching::exact, matching::width, matching::nfc, matching::letter_case}) {
    const auto parsed = parse_sections(g, text, level);
    if (level == matching::exact) {
      stream(exact_reader<3>(g), text, step, parsed.found);
    } else {
      stream(tolerant_reader<3>(g, level), text, step, parsed.found);
    }
    const fields<3> read = parsed.fields();
    if (parsed.code() != parse_code::ok || collides(g, read, level)) continue;
    const std::string built = text_of(sectioned<3>{&g, read});
    const auto again = parse_sections(g, built, level);
    for (std::size_t i = 0; i < 3; ++i) {
      must(again.content(i).has_value() == read[i].has_value());
      must(!read[i] || (level == matching::exact ? *again.content(i) == *read[i]
                                                 : *again.content(i) == trimmed(*read[i])));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 17;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(zh, text, step);
  check(taco, text, step);
  grammar<3> to_end = zh;
  to_end.target_to_end = true;
  check(to_end, text, step);
  return 0;
}
