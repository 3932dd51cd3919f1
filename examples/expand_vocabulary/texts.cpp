// SPDX-License-Identifier: MIT
#include "texts.hpp"

#include "support/parallel.hpp"

namespace expand_vocabulary {
namespace {

// Calls `visit(state, line)` for every line, on some threads, each with a state of its own.
template <class State, class Make, class Visit>
lagom::result<std::vector<State>> over_lines(const text_files& paths, unsigned threads,
                                             const std::string& what, Make make, Visit visit) {
  constexpr std::size_t block = std::size_t{1} << 18;
  struct part {
    std::string_view text;
    std::size_t begin;
  };
  std::vector<lagom::io::mapped_file> files;
  std::vector<part> parts;
  for (const std::string& path : paths) {
    auto file = lagom::io::mapped_file::open(path);
    if (!file) return file.error();
    const std::string_view text = file->text();
    for (std::size_t at = 0; at < text.size(); at += block) parts.push_back({text, at});
    files.push_back(std::move(*file));
  }
  std::vector<State> states;
  for (unsigned t = 0; t < std::max(1u, threads); ++t) states.push_back(make());
  std::atomic<std::size_t> next = 0;
  support::progress bar(what, parts.size());
  support::parallel(states.size(), threads, [&](std::size_t t) {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      const auto [text, begin] = parts[i];
      const std::size_t end = std::min(begin + block, text.size());
      lagom::io::for_each_line_in(text, begin, end, [&](std::string_view line) { visit(states[t], line); });
      lagom::io::forget(text.substr(begin, end - begin));
      bar.advance();
    }
  });
  return states;
}

}  // namespace

lagom::result<lagom::vocab::cut_changes> compare_texts(const lagom::io::hf_tokenizer& source,
                                                       const lagom::io::hf_tokenizer& target,
                                                       const text_files& paths, unsigned threads) {
  struct state {
    line_tokenizer source, target;
    lagom::vocab::cut_changes changes;
  };
  auto states = over_lines<state>(
      paths, threads, "comparing", [&] { return state{line_tokenizer(source), line_tokenizer(target), {}}; },
      [](state& s, std::string_view line) { s.changes.push_line(s.source, s.target, line); });
  if (!states) return states.error();
  lagom::vocab::cut_changes out;
  for (const state& s : *states) out.merge(s.changes);
  return out;
}

lagom::result<lagom::done> align_texts(const lagom::io::hf_tokenizer& source,
                                       const lagom::io::hf_tokenizer& target, const text_files& paths,
                                       unsigned threads, lagom::vocab::corpus_alignment& sum) {
  struct state {
    line_tokenizer source, target;
    lagom::vocab::corpus_alignment sum;
  };
  auto states = over_lines<state>(
      paths, threads, "aligning", [&] { return state{line_tokenizer(source), line_tokenizer(target), sum}; },
      [](state& s, std::string_view line) { s.sum.push_line(s.source, s.target, line); });
  if (!states) return states.error();
  for (const state& s : *states) sum.merge(s.sum);
  return lagom::done{};
}

lagom::result<std::vector<std::string>> read_lines(const std::string& path, std::size_t limit) {
  auto lines = lagom::io::text_lines::open({path});
  if (!lines) return lines.error();
  spread some{0, limit};
  for (std::string_view line; lines->next(line);) some.n += line.empty() ? 0u : 1u;
  lines->rewind();
  std::vector<std::string> out;
  std::uint64_t i = 0;
  for (std::string_view line; lines->next(line);) {
    if (!line.empty() && some.takes(i++)) out.emplace_back(line);
  }
  return out;
}

}  // namespace expand_vocabulary
