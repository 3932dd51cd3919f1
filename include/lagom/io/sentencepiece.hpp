// SPDX-License-Identifier: MIT
/// @file io/sentencepiece.hpp
/// SentencePiece's .model files: tokenizers, encoded and decoded as the reference library does it.
#pragma once

#include "mapped_file.hpp"
#include "sentencepiece_segmenter.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A tokenizer read from a SentencePiece file: the same ids and the same text as the library gives.
///
/// ```cpp
/// auto tokenizer = lagom::io::sentencepiece_tokenizer::open("tokenizer.model");
/// if (!tokenizer) return report(tokenizer.error());
/// tokenizer->encode("Hello", [](lagom::token_id t) { ... });
/// ```
/// Handled: the Unigram, BPE, character and word algorithms; user-defined, unused and byte pieces; charsmaps;
/// every option about spaces. No token is put around a text, and control tokens are not found in it. Of
/// ill-formed UTF-8, each byte that begins no character counts as U+FFFD, as in the library.
///
/// Immutable: const calls may run in several threads at once.
class sentencepiece_tokenizer {
 public:
  /// Reads a file. Fails with the errors of `mapped_file::open` and `parse`, naming the file.
  static result<sentencepiece_tokenizer> open(const std::string& path) {
    auto file = mapped_file::open(path);
    if (!file) return file.error();
    auto parsed = parse(file->text());
    if (!parsed) return parsed.error().in(path);
    return parsed;
  }

  /// Reads a serialized `ModelProto`. Fails with the errors of `sentencepiece_model::parse` and `make`.
  static result<sentencepiece_tokenizer> parse(std::string_view bytes) {
    auto model = sentencepiece_model::parse(bytes);
    if (!model) return model.error();
    return make(std::move(*model));
  }

  /// Fails with the errors of `sentencepiece_model::check`, `vocab::charsmap::parse`, `vocab::scored_bpe::make`
  /// and `vocab::unigram::make`.
  static result<sentencepiece_tokenizer> make(sentencepiece_model model) {
    if (auto ok = model.check(); !ok) return ok.error();
    sentencepiece_tokenizer out;
    out.file_ = std::move(model);
    if (auto ok = out.read_pieces(); !ok) return ok.error();
    if (auto ok = out.read_normalizers(); !ok) return ok.error();
    auto segmenter = detail::sentencepiece_segmenter::make(out.file_);
    if (!segmenter) return segmenter.error();
    out.segmenter_ = std::move(*segmenter);
    return out;
  }

  /// Calls `sink(token)` for every token of the text, in order. Unigram: O(bytes times the longest piece); BPE:
  /// O(n log n) in the longest word.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    std::string normalized;
    normalizer_(text, normalized);
    segmenter_.encode(normalized, sink);
  }

  /// The same with the caller's scratch, which makes many texts several times faster.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, sentencepiece_scratch& scratch, Sink&& sink) const {
    normalizer_(text, scratch.text_);
    segmenter_.encode(scratch.text_, scratch, sink);
  }

  /// Calls `sink(part)` for every part of the text, in order: user-defined symbols of a BPE model, and the words
  /// that the model sees, cut where no piece reaches across (`vocab::word_cutter`).
  template <std::invocable<const vocab::pre_token&> Sink>
  void pre_tokenize(std::string_view text, Sink&& sink) const {
    std::string normalized;
    normalizer_(text, normalized);
    segmenter_.pre_tokenize(normalized, sink);
  }

  /// Calls `sink(token)` for every token of one part, as `pre_tokenize` gives it. All parts together are what
  /// `encode` gives, with one exception: a Unigram model's sums are rounded to f32, so that what comes before a
  /// word may decide between segmentations of it that are equally likely; here nothing comes before.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    segmenter_.encode_piece(piece, sink);
  }

  /// The text of some tokens, which is always UTF-8. Ids without a token are left out.
  [[nodiscard]] std::string decode(std::span<const token_id> ids) const {
    const auto& options = file_.normalizer;
    const bool drops = options.add_dummy_prefix || options.remove_extra_whitespaces;
    std::string out, bytes;
    bool at_begin = true, dropped = false;
    const auto flush = [&] {
      for (std::size_t at = 0; at < bytes.size();) {
        const utf8_char c = decode_utf8(bytes, at);
        if (c.well_formed) {
          out.append(bytes, at, c.length);
        } else {
          append_utf8(out, 0xFFFD);
        }
        at += c.well_formed ? c.length : 1u;
      }
      bytes.clear();
    };
    for (const token_id id : ids) {
      if (!is_token(id)) continue;
      const sentencepiece_entry& p = file_.pieces[static_cast<std::size_t>(id)];
      if (p.kind == sentencepiece_kind::byte) {
        bytes += bytes_of(id);
        continue;
      }
      flush();
      if (dropped || !out.empty()) at_begin = false;
      dropped = false;
      if (p.kind == sentencepiece_kind::unknown)
        out.append(file_.unk_surface, 0, file_.unk_surface.find('\0'));
      if (p.kind == sentencepiece_kind::unknown || p.kind == sentencepiece_kind::control) continue;
      std::string_view text = bytes_of(id);
      if (at_begin && drops && p.text.substr(0, 3) == vocab::space_mark) {
        text.remove_prefix(1);
        dropped = !options.remove_extra_whitespaces;
      }
      out += text;
    }
    flush();
    if (!file_.denormalizer_charsmap.empty()) {
      denormalizer_(out, bytes);
      out.swap(bytes);
    }
    return out;
  }

  /// The bytes that a token stands for in the middle of a text: marks are spaces. Empty for control tokens, the
  /// unknown token and an id without a token.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    if (!is_token(token)) return {};
    const std::span<const char> bytes = bytes_[static_cast<std::size_t>(token)];
    return {bytes.data(), bytes.size()};
  }

  /// How many tokens there are: one more than the largest id.
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(file_.pieces.size()); }

  /// The token with that content, spelled as in the file.
  [[nodiscard]] std::optional<token_id> token_of(std::string_view content) const {
    const token_id id = ids_.find(content);
    return id == no_token ? std::nullopt : std::optional<token_id>(id);
  }

  /// A token's content, spelled as in the file; empty for an id without a token.
  [[nodiscard]] std::string_view content_of(token_id token) const noexcept { return ids_[token]; }

  [[nodiscard]] bool is_token(token_id token) const noexcept {
    return token >= 0 && static_cast<std::size_t>(token) < file_.pieces.size();
  }

  /// What the file says.
  [[nodiscard]] const sentencepiece_model& model() const noexcept { return file_; }

  /// The model under it, if it is of that algorithm; null otherwise.
  [[nodiscard]] const vocab::unigram* unigram() const noexcept { return segmenter_.unigram(); }
  [[nodiscard]] const vocab::scored_bpe* bpe() const noexcept { return segmenter_.bpe(); }

 private:
  sentencepiece_tokenizer() = default;

  result<done> read_pieces() {
    std::string bytes;
    for (const sentencepiece_entry& p : file_.pieces) {
      const auto id = static_cast<token_id>(bytes_.size());
      if (auto ok = ids_.add(id, p.text); !ok) return ok.error();
      bytes.clear();
      if (p.kind == sentencepiece_kind::byte) {
        bytes.push_back(static_cast<char>(static_cast<unsigned char>(sentencepiece_model::byte_of(p.text))));
      } else if (p.is_in_text()) {
        std::size_t done_to = 0;
        for (std::size_t at = p.text.find(vocab::space_mark); at != std::string::npos;
             at = p.text.find(vocab::space_mark, done_to)) {
          bytes.append(p.text, done_to, at - done_to).push_back(' ');
          done_to = at + vocab::space_mark.size();
        }
        bytes.append(p.text, done_to);
      }
      bytes_.push_back(bytes);
    }
    return done{};
  }

  result<done> read_normalizers() {
    const auto rules_of = [](const std::string& bytes, std::string_view name) -> result<vocab::charsmap> {
      auto rules = vocab::charsmap::parse(bytes);
      if (rules) return rules;
      failure f = rules.error();
      f.key = name;
      return f;
    };
    std::vector<std::string_view> symbols;
    for (const sentencepiece_entry& p : file_.pieces) {
      if (p.kind == sentencepiece_kind::user_defined) symbols.push_back(p.text);
    }
    auto rules = rules_of(file_.charsmap, "precompiled_charsmap");
    if (!rules) return rules.error();
    auto normalizer = vocab::sentencepiece_normalizer::make(std::move(*rules), symbols, file_.normalizer);
    if (!normalizer) return normalizer.error();
    normalizer_ = std::move(*normalizer);
    auto back = rules_of(file_.denormalizer_charsmap, "denormalizer precompiled_charsmap");
    if (!back) return back.error();
    auto denormalizer = vocab::sentencepiece_normalizer::make(std::move(*back), {}, file_.denormalizer);
    if (!denormalizer) return denormalizer.error();
    denormalizer_ = std::move(*denormalizer);
    return done{};
  }

  sentencepiece_model file_;
  vocab::token_table ids_;
  vocab::ragged<char> bytes_;
  vocab::sentencepiece_normalizer normalizer_, denormalizer_;
  detail::sentencepiece_segmenter segmenter_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
