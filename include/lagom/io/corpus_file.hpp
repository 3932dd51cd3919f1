// SPDX-License-Identifier: MIT
/// @file io/corpus_file.hpp
/// Counting text files of any size, on several threads, with a way back after a crash.
#pragma once

#include <atomic>
#include <thread>

#include "corpus_checkpoint.hpp"
#include "text_lines.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How `count_corpus` works.
struct corpus_options {
  unsigned threads = 1;  ///< 0: as many as the machine runs at once
  /// Where the state is kept; empty for nowhere. A file that is there is gone on from.
  std::string checkpoint{};
  /// Bytes of text between two writings of the checkpoint, which is all that a crash can lose.
  std::uint64_t checkpoint_bytes = std::uint64_t{256} << 20;
  std::uint64_t step_bytes = std::uint64_t{32} << 20;  ///< bytes of text between two reports
  /// What the tokenizer is told apart by, such as a hash of its file; 0: `vocab::fingerprint`.
  std::uint64_t tokenizer = 0;
};

/// How far the work is.
struct corpus_progress {
  std::uint64_t bytes = 0, of_bytes = 0;  ///< of all files
  std::uint64_t lines = 0;
  std::size_t pre_tokens = 0;  ///< distinct ones
};

namespace detail {

/// Counts the lines that begin in [begin, end), on some threads.
template <tokenizer T>
void count_range(const T& tokenizer, std::string_view text, std::size_t begin, std::size_t end,
                 unsigned threads, vocab::corpus_counts& into) {
  constexpr std::size_t block = std::size_t{1} << 18;
  std::vector<vocab::corpus_counts> shards(threads);
  std::atomic<std::size_t> next{0};
  const auto work = [&](vocab::corpus_counts& counts) {
    while (true) {
      const std::size_t at = begin + block * next.fetch_add(1);
      if (at >= end) return;
      for_each_line_in(text, at, std::min(at + block, end),
                       [&](std::string_view line) { counts.push_line(tokenizer, line); });
    }
  };
  if (threads == 1) {
    work(into);
    return;
  }
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < threads; ++i) pool.emplace_back([&, i] { work(shards[i]); });
  work(shards[0]);
  for (std::thread& t : pool) t.join();
  for (vocab::corpus_counts& s : shards) {
    into.merge(s);
    s = {};
  }
}

inline result<corpus_file_identity> identity_of(const std::string& path, std::string_view text) {
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0) return failure{.code = errc::cannot_open, .file = path};
  constexpr std::size_t part = std::size_t{64} << 10;
  vocab::fnv1a hash;
  hash.push(text.substr(0, part));
  hash.push(text.substr(text.size() - std::min(text.size(), part)));
  return corpus_file_identity{text.size(),
                              static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000u +
                                  static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
                              hash.value()};
}

struct no_progress {
  void operator()(const corpus_progress&) const noexcept {}
};

}  // namespace detail

/// Counts the lines of text files: the same value for any number of threads, and whether or not the work was
/// interrupted and gone on with. Lines end at '\n' or "\r\n"; an empty line is a line, and so is what follows
/// the last line end, if anything does.
///
/// ```cpp
/// auto counts = lagom::io::count_corpus(tokenizer, {"sw.txt"}, {.threads = 2, .checkpoint = "sw.counts"},
///                                       [](const lagom::io::corpus_progress& p) { ... });
/// ```
/// `progress` is called between steps, on the calling thread. Const calls of the tokenizer must be safe in
/// several threads at once. Memory: the counts, at most once more for each thread for what a step adds, and
/// the text of one step. When all is done the checkpoint holds the counts of the whole corpus.
///
/// Fails with the errors of `mapped_file::open`, `read_corpus_checkpoint` and `write_corpus_checkpoint`, and with
/// `changed` when the checkpoint is of another tokenizer or of other files; then nothing was written.
/// Precondition: nobody truncates the files meanwhile.
template <tokenizer T, class Progress = detail::no_progress>
result<vocab::corpus_counts> count_corpus(const T& tokenizer, const std::vector<std::string>& paths,
                                          const corpus_options& options = {}, Progress progress = {}) {
  const unsigned threads =
      std::clamp(options.threads == 0 ? std::thread::hardware_concurrency() : options.threads, 1u, 1024u);
  corpus_checkpoint state;
  state.tokenizer = options.tokenizer != 0 ? options.tokenizer : vocab::fingerprint(tokenizer);
  std::vector<mapped_file> files;
  corpus_progress report;
  for (const std::string& path : paths) {
    auto file = mapped_file::open(path);
    if (!file) return file.error();
    auto identity = detail::identity_of(path, file->text());
    if (!identity) return identity.error();
    files.push_back(std::move(*file));
    state.files.push_back(*identity);
    report.of_bytes += identity->size;
  }
  if (!options.checkpoint.empty() && ::access(options.checkpoint.c_str(), F_OK) == 0) {
    auto saved = read_corpus_checkpoint(options.checkpoint);
    if (!saved) return saved.error();
    const auto changed = [&](std::string_view what) {
      return failure{.code = errc::changed, .file = options.checkpoint, .key = what};
    };
    if (saved->tokenizer != state.tokenizer) return changed("the tokenizer");
    if (saved->files.size() != state.files.size()) return changed("the list of corpus files");
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (saved->files[i] != state.files[i]) return changed("corpus file " + paths[i]);
    }
    state = std::move(*saved);
  }
  for (std::size_t i = 0; i < state.file; ++i) report.bytes += state.files[i].size;
  report.bytes += state.offset;

  const std::uint64_t step = std::max<std::uint64_t>(options.step_bytes, 1);
  std::uint64_t unsaved = 0;
  const auto save = [&]() -> result<done> {
    unsaved = 0;
    if (options.checkpoint.empty()) return done{};
    return write_corpus_checkpoint(options.checkpoint, state);
  };
  const bool all_done = state.file == files.size();
  while (state.file < files.size()) {
    const std::string_view text = files[state.file].text();
    const std::uint64_t begin = state.offset,
                        end = begin + std::min<std::uint64_t>(step, text.size() - begin);
    detail::count_range(tokenizer, text, begin, end, threads, state.counts);
    forget(text.substr(0, end));
    state.offset = end;
    if (end == text.size()) {
      ++state.file;
      state.offset = 0;
    }
    report.bytes += end - begin;
    report.lines = state.counts.lines();
    report.pre_tokens = state.counts.pre_tokens().size();
    unsaved += end - begin;
    if (unsaved >= options.checkpoint_bytes && state.file < files.size()) {
      if (auto ok = save(); !ok) return ok.error();
    }
    progress(std::as_const(report));
  }
  if (!all_done) {
    if (auto ok = save(); !ok) return ok.error();
  }
  return std::move(state.counts);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
