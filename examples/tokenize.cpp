// SPDX-License-Identifier: MIT
// Tokenizes lines: the ids of each line of the input on a line of the output.
#include <fmt/format.h>
#include <lagom/io/any_tokenizer.hpp>
#include <lagom/io/describe.hpp>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

struct options {
  std::string tokenizer;
  bool offsets = false, json = false;
};

// Standard input by lines. A line ends at a line feed, and the last one where the input does; everything else,
// carriage returns and NUL included, is text.
class line_reader {
 public:
  // The next line, valid until the next call; false at the end.
  bool next(std::string_view& line) {
    for (std::size_t from = begin_;;) {
      const std::size_t end = buffer_.find('\n', from);
      if (end != std::string::npos) {
        line = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = end + 1;
        return true;
      }
      buffer_.erase(0, begin_);
      from = buffer_.size();
      begin_ = 0;
      if (!fill()) break;
    }
    line = buffer_;
    begin_ = buffer_.size();
    return !line.empty();
  }
  [[nodiscard]] bool failed() const noexcept { return std::ferror(stdin) != 0; }

 private:
  bool fill() {
    const std::size_t before = buffer_.size();
    buffer_.resize(before + chunk);
    const std::size_t got = std::fread(buffer_.data() + before, 1, chunk, stdin);
    buffer_.resize(before + got);
    return got > 0;
  }

  static constexpr std::size_t chunk = std::size_t{1} << 18;
  std::string buffer_;
  std::size_t begin_ = 0;
};

// Standard output, written in large parts.
class output {
 public:
  ~output() { flush(); }
  fmt::memory_buffer& text() noexcept { return text_; }
  void end_line() {
    text_.push_back('\n');
    if (text_.size() >= part) flush();
  }
  bool flush() {
    good_ = good_ && std::fwrite(text_.data(), 1, text_.size(), stdout) == text_.size();
    text_.clear();
    good_ = std::fflush(stdout) == 0 && good_;
    return good_;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  static constexpr std::size_t part = std::size_t{1} << 18;
  fmt::memory_buffer text_;
  bool good_ = true;
};

template <class Tokenizer>
constexpr bool has_offsets = std::is_same_v<Tokenizer, lagom::io::hf_tokenizer>;

// Writes the tokens of all lines.
template <class Tokenizer>
int run(const Tokenizer& tokenizer, const options& o) {
  if (o.offsets && !has_offsets<Tokenizer>) {
    fmt::print(stderr, "tokenize: {}: offsets of a SentencePiece model are not supported\n", o.tokenizer);
    return 1;
  }
  line_reader in;
  output out;
  auto scratch = lagom::io::scratch_for(tokenizer);
  const std::string_view separator = o.json ? "," : " ";
  for (std::string_view line; out.good() && in.next(line); out.end_line()) {
    fmt::memory_buffer& text = out.text();
    bool first = true;
    const auto separate = [&] {
      if (!first) text.append(separator);
      first = false;
    };
    if (o.json) text.push_back('[');
    if (o.offsets) {
      if constexpr (has_offsets<Tokenizer>) {
        tokenizer.encode_with_offsets(line, [&](const lagom::io::token_span& t) {
          separate();
          fmt::format_to(fmt::appender(text), o.json ? fmt::runtime("[{},{},{}]") : fmt::runtime("{}:{}-{}"),
                         t.token, t.char_begin, t.char_end);
        });
      }
    } else {
      tokenizer.encode(line, scratch, [&](lagom::token_id token) {
        separate();
        const fmt::format_int digits(token);
        text.append(digits.data(), digits.data() + digits.size());
      });
    }
    if (o.json) text.push_back(']');
  }
  if (!out.flush()) {
    fmt::print(stderr, "tokenize: standard output cannot be written\n");
    return 1;
  }
  if (in.failed()) {
    fmt::print(stderr, "tokenize: standard input cannot be read\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Tokenizes the lines of standard input: a line of ids each, with no special tokens around them."};
  app.add_option(
         "--tokenizer", o.tokenizer,
         "tokenizer.json, a SentencePiece model, a GGUF file, encoder.json or vocab.bpe of GPT-2's pair, "
         "or a directory that holds one")
      ->required();
  app.add_flag("--offsets", o.offsets,
               "id:begin-end, in characters of the line, as Hugging Face tokenizers gives them");
  app.add_flag("--json", o.json, "a JSON array a line; with --offsets of [id, begin, end]");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    const auto tokenizer = lagom::io::open_tokenizer(o.tokenizer);
    if (tokenizer) return tokenizer->visit([&](const auto& t) { return run(t, o); });
    fmt::print(stderr, "tokenize: {}\n", lagom::io::describe(tokenizer.error()));
  } catch (const std::exception& error) {
    fmt::print(stderr, "tokenize: {}\n", error.what());
  }
  return 1;
}
