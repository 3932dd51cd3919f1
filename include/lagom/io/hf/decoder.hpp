// SPDX-License-Identifier: MIT
/// @file io/hf/decoder.hpp
/// The "decoder" of a tokenizer.json.
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
    vocab::append_lossy(text, bytes);
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
      if (vocab::is_utf8(bytes)) {
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

/// The steps of a decoder, in order.
class hf_decoder {
 public:
  /// Fails with `unsupported` for other kinds than Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip,
  /// Metaspace and BPEDecoder, and for a Replace that may match nothing.
  static result<hf_decoder> read(const hf_node& node) {
    hf_decoder out;
    if (node.is_null()) return out;
    if (auto ok = out.add(node); !ok) return ok.error();
    out.present_ = true;
    return out;
  }

  /// The text of some tokens. Without a decoder they are joined by spaces.
  [[nodiscard]] std::string operator()(hf_token_texts tokens) const {
    hf_matcher matcher;
    for (const step& s : steps_) {
      std::visit([&](const auto& run) { run(tokens, matcher); }, s);
    }
    std::string out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 && !present_) out += ' ';
      out += tokens[i];
    }
    return out;
  }

  /// The bytes that a token stands for among others: what each step makes of it, without the steps that look
  /// at the begin or the end of a text.
  [[nodiscard]] std::string bytes_of(std::string token) const {
    hf_matcher matcher;
    for (const step& s : steps_) {
      if (std::holds_alternative<hf_decode_fallback>(s)) {
        const int byte = hf_decode_fallback::byte_of(token);
        if (byte >= 0) token.assign(1, static_cast<char>(static_cast<unsigned char>(byte)));
      } else if (const auto* replace = std::get_if<hf_decode_replace>(&s)) {
        if (vocab::is_utf8(token)) token = replace->of(token, matcher);
      } else if (const auto* metaspace = std::get_if<hf_decode_metaspace>(&s)) {
        token = metaspace->of(token, false);
      } else if (const auto* suffix = std::get_if<hf_decode_suffix>(&s)) {
        token = suffix->of(token, false);
      } else if (std::holds_alternative<hf_decode_bytes>(s)) {
        std::string bytes;
        hf_decode_bytes::append(bytes, token);
        token = std::move(bytes);
      }
    }
    return token;
  }

 private:
  using step = std::variant<hf_decode_bytes, hf_decode_fallback, hf_decode_replace, hf_decode_fuse,
                            hf_decode_strip, hf_decode_metaspace, hf_decode_suffix>;

  result<done> add(const hf_node& node) {
    auto kind = node.kind();
    if (!kind) return kind.error();
    if (*kind == "Sequence") {
      auto list = node.list("decoders");
      if (!list) return list.error();
      for (const hf_node& each : *list) {
        if (auto ok = add(each); !ok) return ok;
      }
    } else if (*kind == "ByteLevel") {
      steps_.push_back(hf_decode_bytes{});
    } else if (*kind == "ByteFallback") {
      steps_.push_back(hf_decode_fallback{});
    } else if (*kind == "Fuse") {
      steps_.push_back(hf_decode_fuse{});
    } else if (*kind == "Replace") {
      auto replace = read_replace(node);
      if (!replace) return replace.error();
      steps_.push_back(hf_decode_replace{std::move(*replace)});
    } else if (*kind == "Strip") {
      auto content = node.text("content");
      if (!content) return content.error();
      if (content->empty() || vocab::decode_utf8(*content, 0).length != content->size()) {
        return failure{.code = errc::bad_value, .key = node.path_of("content")};
      }
      auto start = node.count("start", ~std::uint64_t{0});
      if (!start) return start.error();
      auto stop = node.count("stop", ~std::uint64_t{0});
      if (!stop) return stop.error();
      steps_.push_back(hf_decode_strip{std::string(*content), *start, *stop});
    } else if (*kind == "Metaspace") {
      auto metaspace = read_metaspace(node);
      if (!metaspace) return metaspace.error();
      steps_.push_back(
          hf_decode_metaspace{metaspace->mark, metaspace->scheme == hf_metaspace::prepend::never});
    } else if (*kind == "BPEDecoder") {
      auto suffix = node.text("suffix");
      if (!suffix) return suffix.error();
      steps_.push_back(hf_decode_suffix{std::string(*suffix)});
    } else {
      return node.unsupported(*kind);
    }
    return done{};
  }

  std::vector<step> steps_;
  bool present_ = false;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
