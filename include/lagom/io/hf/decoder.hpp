// SPDX-License-Identifier: MIT
/// @file io/hf/decoder.hpp
/// The "decoder" of a tokenizer.json.
#pragma once

#include "decoder_steps.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// The steps of a decoder, in order.
class hf_decoder {
 public:
  /// Fails with `unsupported` for other kinds than Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip,
  /// Metaspace, BPEDecoder, WordPiece and CTC, and for a Replace that may match nothing.
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
        if (is_utf8(token)) token = replace->of(token, matcher);
      } else if (const auto* metaspace = std::get_if<hf_decode_metaspace>(&s)) {
        token = metaspace->of(token, false);
      } else if (const auto* suffix = std::get_if<hf_decode_suffix>(&s)) {
        token = suffix->of(token, false);
      } else if (const auto* wordpiece = std::get_if<hf_decode_wordpiece>(&s)) {
        token = wordpiece->of(std::move(token), false);
      } else if (const auto* ctc = std::get_if<hf_decode_ctc>(&s)) {
        token = ctc->of(token);
      } else if (std::holds_alternative<hf_decode_bytes>(s)) {
        std::string bytes;
        hf_decode_bytes::append(bytes, token);
        token = std::move(bytes);
      }
    }
    return token;
  }

 private:
  using step =
      std::variant<hf_decode_bytes, hf_decode_fallback, hf_decode_replace, hf_decode_fuse, hf_decode_strip,
                   hf_decode_metaspace, hf_decode_suffix, hf_decode_wordpiece, hf_decode_ctc>;

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
      if (content->empty() || decode_utf8(*content, 0).length != content->size()) {
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
    } else if (*kind == "WordPiece") {
      auto prefix = node.text("prefix");
      if (!prefix) return prefix.error();
      auto cleanup = node.flag("cleanup");
      if (!cleanup) return cleanup.error();
      steps_.push_back(hf_decode_wordpiece{std::string(*prefix), *cleanup});
    } else if (*kind == "CTC") {
      auto pad = node.text("pad_token");
      if (!pad) return pad.error();
      auto delimiter = node.text("word_delimiter_token");
      if (!delimiter) return delimiter.error();
      auto cleanup = node.flag("cleanup");
      if (!cleanup) return cleanup.error();
      steps_.push_back(hf_decode_ctc{std::string(*pad), std::string(*delimiter), *cleanup});
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
