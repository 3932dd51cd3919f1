// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "methods.hpp"
#include "quads.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

[[nodiscard]] bool has_colour() {
  const char* const term = std::getenv("TERM");
  return ::isatty(1) == 1 && std::getenv("NO_COLOR") == nullptr && term != nullptr &&
         std::string_view(term) != "dumb";
}

// Who speaks by colour, literals dim, what is trained in bold under a line; without colour, trained bytes in brackets.
void print(const segment_list& pieces, bool colour) {
  bool open = false;
  std::string out;
  lp::for_each_segment(pieces, [&](const lp::segment& s) {
    if (!colour) {
      if (s.trained != open) out += s.trained ? "⟦" : "⟧";
      open = s.trained;
      out += s.text;
      return;
    }
    const char* const who = s.role == lp::role::system ? "35" : s.role == lp::role::user ? "36" : "32";
    const std::string style = fmt::format("\x1b[{}{}{}m", who, s.origin == lp::origin::literal ? ";2" : "",
                                          s.trained ? ";1;4" : "");
    std::string_view rest = s.text;  // colours end with their lines
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (end > 0) out += style + std::string(rest.substr(0, end)) + "\x1b[0m";
      if (end < rest.size()) out += '\n';
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  });
  if (open) out += "⟧";
  fmt::print("{}\n", out);
}

struct sample {
  const char* method;
  const char* target;
  const char* says;
};
constexpr sample samples[] = {
    {"plug", "zh", "the pivot's answer first, then the answer: one row through the pivot, one in it"},
    {"pivot_only", "sw", "the pivot language alone"},
    {"mono", "sw", "each language by itself"},
    {"code_switch", "es", "mono, and questions of one language answered in the other"},
    {"aux_translation", "es", "mono, and translations of instruction and response"},
    {"taco", "sw", "three labelled lines"},
    {"crossin", "es", "the output's language asked for by a tag, and a translation"},
};

}  // namespace

void show(const std::string& quads) {
  const bool colour = has_colour();
  fmt::print("One quad by every method; {}.\n",
             colour ? "underlined is what is trained" : "⟦what is trained⟧ is in brackets");
  complaints complain(true);
  for (const sample& m : samples) {
    method_options o;
    o.method = m.method;
    o.target.tag = m.target;
    if (o.method == "plug") o.system = "Think in {pivot}, answer in {target}.";
    const method how(o);
    row_options rows;
    rows.out = "/dev/null";
    row_writer out(rows, how.end(), complain);
    bool first = true;
    const auto all = read_quads({quads, {}, "quads", "en", m.target, true}, complain, [&](const lp::quad& q) {
      if (!first) return;
      first = false;
      fmt::print("\n==== {} (en, {}): {}\n", m.method, m.target, m.says);
      how.rows(q, out, false, [&](std::string_view kind, const segment_list& pieces) {
        fmt::print("\n-- {}\n", kind);
        print(pieces, colour);
      });
    });
    static_cast<void>(all);
  }
  fmt::print("\nThe program's jobs: pivot_data build, parse, synthesize, mix, pack; each has --help.\n");
  if (std::fflush(stdout) != 0) stop({.code = lagom::errc::cannot_write, .key = "standard output"});
}

}  // namespace pivot_data
