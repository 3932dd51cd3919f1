// SPDX-License-Identifier: MIT
/// @file io/hf/decoder_steps.hpp
/// The components of a "decoder": each changes the texts of tokens.
#pragma once

#include "normalizer.hpp"
#include "pre_tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

using hf_token_texts = std::vector<std::string>;

/// Letters back to bytes; a text with other characters stays. All become one text.
struct hf_decode_bytes {
  static void append(std::string& out, const std::string& token) {
    const auto bytes = vocab::bytes_of_letters(token);
    out += bytes ? *bytes : token;
  }
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    std::string bytes, text;
    for (const std::string& t : tokens) append(bytes, t);
    append_lossy(text, bytes);
    tokens.assign(1, std::move(text));
  }
};

/// `<0x41>` to its byte. Bytes in a row that are not UTF-8 together become U+FFFD each.
struct hf_decode_fallback {
  /// The byte that a text names; -1 for other texts.
  static int byte_of(std::string_view token) noexcept {
    if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return -1;
    int value = 0;
    for (const char c : token.substr(3, 2)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    hf_token_texts out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (is_utf8(bytes)) {
        out.push_back(bytes);
      } else {
        for (std::size_t i = 0; i < bytes.size(); ++i) out.push_back("\xEF\xBF\xBD");
      }
      bytes.clear();
    };
    for (std::string& t : tokens) {
      if (const int byte = byte_of(t); byte >= 0) {
        bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
      } else {
        flush();
        out.push_back(std::move(t));
      }
    }
    flush();
    tokens.swap(out);
  }
};

struct hf_decode_replace {
  hf_replace replace;
  [[nodiscard]] std::string of(const std::string& token, hf_matcher& matcher) const {
    hf_normalized n{.text = token};
    replace(n, matcher);
    return std::move(n.text);
  }
  void operator()(hf_token_texts& tokens, hf_matcher& matcher) const {
    for (std::string& t : tokens) t = of(t, matcher);
  }
};

struct hf_decode_fuse {
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    std::string all;
    for (const std::string& t : tokens) all += t;
    tokens.assign(1, std::move(all));
  }
};

/// Takes up to `start` characters off the begin of every text and up to `stop` off its end.
struct hf_decode_strip {
  std::string content;
  std::uint64_t start, stop;
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    for (std::string& t : tokens) {
      std::string_view rest = t;
      for (std::uint64_t i = 0; i < start && rest.substr(0, content.size()) == content; ++i) {
        rest.remove_prefix(content.size());
      }
      for (std::uint64_t i = 0;
           i < stop && rest.size() >= content.size() && rest.substr(rest.size() - content.size()) == content;
           ++i) {
        rest.remove_suffix(content.size());
      }
      t = std::string(rest);
    }
  }
};

/// The mark back to a space; the first token loses its marks unless none is ever put in front.
struct hf_decode_metaspace {
  std::string mark;
  bool keeps_first;
  [[nodiscard]] std::string of(std::string_view token, bool first) const {
    std::string out;
    for (std::size_t at = token.find(mark); at != std::string_view::npos; at = token.find(mark)) {
      out.append(token.substr(0, at)).append(first && !keeps_first ? "" : " ");
      token.remove_prefix(at + mark.size());
    }
    return out.append(token);
  }
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = of(tokens[i], i == 0);
  }
};

/// The suffix of a word's last token to a space; to nothing in the last token.
struct hf_decode_suffix {
  std::string suffix;
  [[nodiscard]] std::string of(const std::string& token, bool last) const {
    std::string out;
    for (std::size_t done = 0;;) {
      const std::size_t at = suffix.empty() ? std::string::npos : token.find(suffix, done);
      out.append(token, done, at == std::string::npos ? at : at - done);
      if (at == std::string::npos) return out;
      if (!last) out += ' ';
      done = at + suffix.size();
    }
  }
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = of(tokens[i], i + 1 == tokens.size());
  }
};

/// Everywhere `from` stands in a text, `to` instead. The empty text stands between all characters and at both
/// ends.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  if (from.empty()) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = decode_utf8(text, at).length;
      out.append(to).append(text.substr(at, length));
      at += length;
    }
    return out.append(to);
  }
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

/// Spaces that English has not: before punctuation, and in contractions.
inline std::string cleaned_up(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> changes[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : changes) text = replaced(text, from, to);
  return text;
}

/// Tokens are words, with a space before each but the first, unless their prefix says that they go on.
struct hf_decode_wordpiece {
  std::string prefix;
  bool cleanup;
  [[nodiscard]] std::string of(std::string token, bool first) const {
    if (!first) {
      const bool goes_on = token.compare(0, prefix.size(), prefix) == 0;
      token = goes_on ? token.substr(prefix.size()) : " " + token;
    }
    return cleanup ? cleaned_up(std::move(token)) : token;
  }
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = of(std::move(tokens[i]), i == 0);
  }
};

/// Connectionist temporal classification: repeats are one, padding goes, the delimiter is a space.
struct hf_decode_ctc {
  std::string pad, delimiter;
  bool cleanup;
  [[nodiscard]] std::string of(std::string_view token) const {
    std::string out = replaced(token, pad, "");
    return cleanup ? replaced(cleaned_up(std::move(out)), delimiter, " ") : out;
  }
  void operator()(hf_token_texts& tokens, hf_matcher&) const {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& t : tokens) t = of(t);
    std::erase(tokens, std::string());
  }
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
