// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/io/text_lines.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

// The plain definition: split at '\n', a '\r' before it goes, what follows the last end is a line if there is any.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (end != std::string::npos && !line.empty() && line.back() == '\r') line.pop_back();
    out.push_back(line);
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return out;
}

std::string text_of(std::uint64_t stream) {
  constexpr lagom::philox random{41};
  std::string out;
  const std::uint64_t size = random.below(40, stream, 0);
  for (std::uint64_t i = 0; i < size; ++i) out += "\n\r\nab\0\n"[random.below(7, stream, i + 1)];
  return out;
}

std::vector<std::string> read(lagom::io::text_lines& lines) {
  std::vector<std::string> out;
  for (std::string_view line; lines.next(line);) out.emplace_back(line);
  return out;
}

}  // namespace

TEST_CASE("ranges that follow each other share the lines of a text", "[io][lines]") {
  constexpr lagom::philox random{42};
  for (std::uint64_t t = 0; t < 2000; ++t) {
    const std::string text = text_of(t);
    std::vector<std::string> found;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = begin + 1 + random.below(text.size() - begin, t, begin);
      lagom::io::for_each_line_in(text, begin, end, [&](std::string_view l) { found.emplace_back(l); });
      begin = end;
    }
    REQUIRE(found == lines_of(text));
  }
}

TEST_CASE("files follow each other, and no line goes over the end of one", "[io][lines]") {
  lagom_test::scratch directory;
  std::vector<std::string> paths, expected;
  std::uint64_t bytes = 0;
  for (std::uint64_t t = 0; t < 50; ++t) {
    const std::string text = text_of(t);
    paths.push_back(directory.write(std::to_string(t), text));
    for (std::string& line : lines_of(text)) expected.push_back(line);
    bytes += text.size();
  }
  auto lines = lagom::io::text_lines::open(paths);
  REQUIRE(lines);
  CHECK(lines->of_bytes() == bytes);
  CHECK(read(*lines) == expected);
  CHECK(lines->bytes() == bytes);
  lines->rewind();
  CHECK(lines->bytes() == 0);
  CHECK(read(*lines) == expected);
}

TEST_CASE("a corpus without files or a file without bytes has no line; a missing file is named",
          "[io][lines]") {
  lagom_test::scratch directory;
  std::string_view line;
  CHECK_FALSE(lagom::io::text_lines::open({})->next(line));
  CHECK_FALSE(lagom::io::text_lines::open({directory.write("empty", "")})->next(line));
  const auto missing = lagom::io::text_lines::open({directory.write("there", "a\n"), "/nowhere/at all"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().file.view() == "/nowhere/at all");
}

TEST_CASE("pages that were let go of are read again", "[io][lines]") {
  lagom_test::scratch directory;
  std::string text;
  for (int i = 0; text.size() < (std::size_t{20} << 20); ++i) text += std::to_string(i) + "\r\n";
  auto lines = lagom::io::text_lines::open({directory.write("long", text)});
  REQUIRE(lines);
  for (int pass = 0; pass < 2; ++pass, lines->rewind()) {
    int i = 0;
    bool same = true;
    for (std::string_view line; lines->next(line); ++i) same = same && line == std::to_string(i);
    CHECK(same);
    CHECK(lines->bytes() == text.size());
  }
}
