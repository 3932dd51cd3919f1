// SPDX-License-Identifier: MIT
// PLUG rows built and masked, and answers read back. On its own the program times lagom; with prompt_peers.py, which
// does the same in Python on the same rows and compares what comes out, it is one column beside others.
//   bench_prompt                     all of it, on rows made here
//   bench_prompt --make FILE N       N quads and their answers as lines of fields between tabs
//   bench_prompt --run JOB FILE N    one job, N rows long: seconds of CPU, and a sum over what came out
#include <lagom/core/random.hpp>
#include <lagom/prompt/isolated.hpp>
#include <lagom/prompt/parse_sections.hpp>
#include <lagom/prompt/plug.hpp>
#include <lagom/prompt/section_reader.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace lp = lagom::prompt;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// A text of so many words, none of which can be taken for a header.
void append_words(std::string& out, std::uint64_t stream, std::size_t count) {
  constexpr lagom::philox random{20261122};
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += i % 12 == 0 ? ".\n" : " ";
    for (std::uint64_t n = 2 + random.below(8, stream, 2 * i); n > 0; --n)
      out += static_cast<char>('a' + random.below(26, stream, 2 * i + (n << 32) + 1));
  }
}

// id, x_p, y_p, x_t, y_t between tabs; line feeds are written as \x01.
std::string made_line(std::size_t row) {
  std::string out = std::to_string(row);
  for (std::uint64_t f = 0; f < 4; ++f) {
    std::string text;
    append_words(text, row * 4 + f, f % 2 == 0 ? 25 : 45);
    std::replace(text.begin(), text.end(), '\n', '\x01');
    out += '\t' + text;
  }
  return out;
}

// Quads as views of one text.
struct quad_file {
  std::string text;
  std::vector<lp::quad> quads;

  explicit quad_file(std::string lines) : text(std::move(lines)) {
    std::replace(text.begin(), text.end(), '\x01', '\n');
    const std::string_view all = text;
    for (std::size_t at = 0; at < all.size();) {  // a quad ends at the mark that follows its last field
      std::string_view field[5];
      for (std::string_view& f : field) {
        const std::size_t end = std::min(all.find_first_of("\t\x02", at), all.size());
        f = all.substr(at, end - at);
        at = end + 1;
      }
      quads.push_back({field[0], field[1], field[2], field[3], field[4]});
    }
  }
};
std::string read_lines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  std::string text = all.str();
  std::replace(text.begin(), text.end(), '\n', '\x02');
  return text;
}

constexpr lp::plug method{.pivot = "en", .target = "sw", .system = "Think in English, answer in Swahili."};

struct byte_tokens {
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    for (const char c : text) sink(static_cast<lagom::token_id>(static_cast<unsigned char>(c)));
  }
};

struct outcome {
  std::uint64_t sum = 0, bytes = 0;
};

// Text and trained spans of every row.
outcome build(const quad_file& file, std::size_t rows) {
  outcome out;
  std::string text;
  const lp::pivot_rows_shared shared(method);
  for (std::size_t i = 0; i < rows; ++i) {
    const lp::pivot_row row = shared.row(lp::pair_kind::through_pivot, file.quads[i % file.quads.size()]);
    text.clear();
    lp::append_text(text, row);
    for (const lp::span s : row.trained()) out.sum += 31 * s.begin + s.end;
    out.sum += static_cast<unsigned char>(text[text.size() / 2]);
    out.bytes += text.size();
  }
  return out;
}
// Ids and labels of every row, a token a byte.
outcome mask(const quad_file& file, std::size_t rows) {
  outcome out;
  lp::token_row tokens;
  const lp::pivot_rows_shared shared(method);
  for (std::size_t i = 0; i < rows; ++i) {
    const lp::pivot_row row = shared.row(lp::pair_kind::through_pivot, file.quads[i % file.quads.size()]);
    lp::isolated{}(row, byte_tokens{}, tokens);
    out.sum += tokens.trained + static_cast<std::uint64_t>(tokens.ids[tokens.ids.size() / 2]);
    out.bytes += tokens.ids.size();
  }
  return out;
}

// Answers as models give them.
std::vector<std::string> answers_of(const quad_file& file) {
  std::vector<std::string> out;
  const lp::grammar<3> g = lp::plug_grammar("en", "sw");
  for (const lp::quad& q : file.quads)
    out.push_back(lp::text_of(lp::sectioned<3>{&g, {q.x_p, q.y_p, q.y_t}}));
  return out;
}
std::uint64_t sum_of(const lp::sections_found<3>& found) {
  std::uint64_t sum = 0;
  for (const lp::found_section& s : found.sections) sum = 31 * sum + s.content.size();
  return sum;
}
outcome parse(const std::vector<std::string>& answers, std::size_t rows, lp::matching level) {
  static const lp::grammar<3> g = lp::plug_grammar("en", "sw");
  outcome out;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string& text = answers[i % answers.size()];
    out.sum += sum_of(lp::parse_sections(g, text, level).found);
    out.bytes += text.size();
  }
  return out;
}
template <class Reader>
outcome stream(const std::vector<std::string>& answers, std::size_t rows, std::size_t piece, Reader fresh) {
  outcome out;
  std::uint64_t seen = 0;
  const auto sink = [&seen](const lp::section_event& e) { seen += e.text.size(); };
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string_view text = answers[i % answers.size()];
    Reader reader = fresh;
    for (std::size_t at = 0; at < text.size(); at += piece) reader.feed(text.substr(at, piece), sink);
    reader.finish(sink);
    out.sum += sum_of(reader.found());
    out.bytes += text.size();
  }
  return seen == 0 ? outcome{} : out;
}

constexpr const char* jobs[] = {"build",        "mask",       "parse_exact", "parse_nfc",
                                "stream_exact", "stream_nfc", "stream_bytes"};

outcome run(const std::string& job, const quad_file& file, std::size_t rows, double& seconds) {
  static const lp::grammar<3> g = lp::plug_grammar("en", "sw");
  const std::vector<std::string> answers =
      job[0] == 'p' || job[0] == 's' ? answers_of(file) : std::vector<std::string>{};
  const double begin = cpu_seconds();
  const outcome out = job == "build"          ? build(file, rows)
                      : job == "mask"         ? mask(file, rows)
                      : job == "parse_exact"  ? parse(answers, rows, lp::matching::exact)
                      : job == "parse_nfc"    ? parse(answers, rows, lp::matching::nfc)
                      : job == "stream_exact" ? stream(answers, rows, 16, lp::exact_reader<3>(g))
                      : job == "stream_nfc"   ? stream(answers, rows, 16, lp::tolerant_reader<3>(g))
                      : job == "stream_bytes" ? stream(answers, rows, 1, lp::tolerant_reader<3>(g))
                                              : outcome{};
  seconds = cpu_seconds() - begin;
  return out;
}

std::string made(std::size_t rows) {
  std::string out;
  for (std::size_t i = 0; i < rows; ++i) out += made_line(i) + "\x02";
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "--make" && argc == 4) {
    std::string text = made(std::strtoull(argv[3], nullptr, 10));
    std::replace(text.begin(), text.end(), '\x02', '\n');
    std::ofstream(argv[2], std::ios::binary) << text;
    return 0;
  }
  double seconds = 0;
  if (what == "--run" && argc == 5) {
    const quad_file file(read_lines(argv[3]));
    if (file.quads.empty()) return 1;
    const outcome o = run(argv[2], file, std::strtoull(argv[4], nullptr, 10), seconds);
    std::printf("%.6f %llu %llu\n", seconds, static_cast<unsigned long long>(o.sum),
                static_cast<unsigned long long>(o.bytes));
    return 0;
  }
  const quad_file file(made(20000));
  constexpr std::size_t rows = 1000000;
  std::printf("\nprompt, %zu PLUG rows\n", rows);
  for (const char* const job : jobs) {
    double best = 1e9;
    outcome o;
    for (int round = 0; round < 3; ++round) {
      o = run(job, file, rows, seconds);
      best = std::min(best, seconds);
    }
    std::printf("  %-14s %8.1f ns a row %10.1f MB/s\n", job, 1e9 * best / rows,
                1e-6 * static_cast<double>(o.bytes) / best);
  }
  return 0;
}
