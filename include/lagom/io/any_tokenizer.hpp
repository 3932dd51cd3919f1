// SPDX-License-Identifier: MIT
/// @file io/any_tokenizer.hpp
/// A tokenizer of whatever kind of file, behind one value.
#pragma once

#include <sys/stat.h>

#include <variant>

#include "gguf_vocabulary.hpp"
#include "gpt2_files.hpp"
#include "sentencepiece.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The kinds of files that hold a tokenizer.
enum class tokenizer_format : std::uint8_t { tokenizer_json, gpt2_files, sentencepiece, gguf };

/// A tokenizer that was read from a file.
///
/// ```cpp
/// auto tokenizer = lagom::io::open_tokenizer(path);
/// if (!tokenizer) return report(tokenizer.error());
/// tokenizer->visit([&](const auto& t) { t.encode(text, sink); });
/// ```
/// `visit` gives the tokenizer its own type, so that hot loops are compiled for it; the members are a
/// convenience, and make this a tokenizer itself. Immutable: const calls may run in several threads at once.
class any_tokenizer {
 public:
  using variant = std::variant<hf_tokenizer, sentencepiece_tokenizer>;

  any_tokenizer(variant tokenizer, tokenizer_format format)
      : tokenizer_(std::move(tokenizer)), format_(format) {}

  /// Calls `f(tokenizer)` with the one that is there, and returns what it returns.
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(std::forward<F>(f), tokenizer_);
  }

  [[nodiscard]] tokenizer_format format() const noexcept { return format_; }

  /// Calls `sink(token)` for every token of the text, in order; none are put around it.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    visit([&](const auto& t) { t.encode(text, sink); });
  }

  /// The bytes that a token stands for in the middle of a text.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    return visit([&](const auto& t) { return t.bytes_of(token); });
  }

  /// One more than the largest token id.
  [[nodiscard]] index_t size() const noexcept {
    return visit([](const auto& t) { return t.size(); });
  }

 private:
  variant tokenizer_;
  tokenizer_format format_;
};

/// A scratch for encoding with a tokenizer; one a thread.
[[nodiscard]] inline tokenizer_scratch scratch_for(const hf_tokenizer&) { return {}; }
[[nodiscard]] inline sentencepiece_scratch scratch_for(const sentencepiece_tokenizer&) { return {}; }

namespace detail {

[[nodiscard]] inline bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}
[[nodiscard]] inline bool exists(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0;
}

/// The first file of a directory that holds a tokenizer. Fails with `cannot_open`.
[[nodiscard]] inline result<std::string> tokenizer_file_in(const std::string& directory) {
  for (const char* const name : {"tokenizer.json", "tokenizer.model", "encoder.json", "vocab.json"}) {
    std::string path = directory + "/" + name;
    if (exists(path)) return path;
  }
  return failure{.code = errc::cannot_open, .file = directory + "/tokenizer.json"};
}

/// The first byte that is no white space, after a byte order mark; NUL when there is none.
[[nodiscard]] inline char first_letter(std::string_view text) noexcept {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : text[at];
}

/// Whether the first line of a text is one of a list of merges.
[[nodiscard]] inline bool begins_merges(std::string_view text) noexcept {
  const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
  if (line.substr(0, 8) == "#version") return true;
  const std::size_t space = line.find(' ');
  return space != std::string_view::npos && space > 0 && space + 1 < line.size() && is_utf8(line) &&
         std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' ' && c != '\r'; });
}

template <class Tokenizer>
result<any_tokenizer> as_any(result<Tokenizer> tokenizer, tokenizer_format format, const std::string& path) {
  if (!tokenizer) return tokenizer.error().in(path);
  return any_tokenizer(std::move(*tokenizer), format);
}

inline result<any_tokenizer> open_pair(const std::string& path) {
  const auto pair = gpt2_paths_of(path);
  if (!pair) return failure{.code = errc::unsupported, .file = path, .key = "a half of a pair by this name"};
  return as_any(open_gpt2(*pair), tokenizer_format::gpt2_files, path);
}

inline result<any_tokenizer> open_gguf(const std::string& path) {
  auto file = gguf::open(path);
  if (!file) return file.error();
  auto tokenizer = read_gguf_tokenizer(*file);
  if (!tokenizer) return tokenizer.error().in(path);
  return any_tokenizer(std::move(*tokenizer), tokenizer_format::gguf);
}

}  // namespace detail

/// Opens a tokenizer: a file, or a directory that holds tokenizer.json, or else tokenizer.model, or else a pair
/// of GPT-2's files. What a file is shows in what it holds: tokenizer.json is JSON with an object "model"; other JSON
/// and lists of merges are halves of a pair, the other half of which is found by name (`gpt2_paths_of`); GGUF says
/// so; everything else should be a SentencePiece model.
///
/// Fails with the errors of the readers, naming the file.
[[nodiscard]] inline result<any_tokenizer> open_tokenizer(const std::string& path,
                                                          const tokenizer_options& options = {}) {
  if (detail::is_directory(path)) {
    auto inside = detail::tokenizer_file_in(path);
    if (!inside) return inside.error();
    return open_tokenizer(*inside, options);
  }
  auto file = mapped_file::open(path);
  if (!file) return file.error();
  const std::string_view text = file->text();
  if (text.empty()) return failure{.code = errc::empty, .file = path};
  if (detail::first_letter(text) == '{' || detail::first_letter(text) == '[') {
    auto document = parse_json(text, 64, detail::as_serde_reads);
    if (!document) return document.error().in(path);
    const json* const model = find(*document, "model");  // which may be a token too
    const bool is_half = document->is_object() && (model == nullptr || !model->is_object());
    if (is_half && gpt2_paths_of(path)) return detail::open_pair(path);
    return detail::as_any(hf_tokenizer::make(*document, options), tokenizer_format::tokenizer_json, path);
  }
  if (detail::begins_merges(text)) return detail::open_pair(path);
  if (text.substr(0, 4) == "GGUF") return detail::open_gguf(path);
  return detail::as_any(sentencepiece_tokenizer::parse(text), tokenizer_format::sentencepiece, path);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
