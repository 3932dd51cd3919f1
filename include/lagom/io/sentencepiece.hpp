// SPDX-License-Identifier: MIT
/// @file io/sentencepiece.hpp
/// SentencePiece's .model files: tokenizers, encoded and decoded as the reference library does it.
#pragma once

#include <variant>

#include "../vocab/pre_token.hpp"
#include "../vocab/scored_bpe.hpp"
#include "../vocab/unigram.hpp"
#include "../vocab/word_cache.hpp"
#include "../vocab/word_cutter.hpp"
#include "mapped_file.hpp"
#include "sentencepiece_model.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What encoding needs beside a `sentencepiece_tokenizer`: room, and the words met before. One a thread; it
/// serves one tokenizer, and a caller who keeps it between texts saves its making and what it has learned.
class sentencepiece_scratch {
  friend class sentencepiece_tokenizer;
  std::string text_;
  vocab::word_cache words_;
  std::vector<token_id> pending_;  // tokens that the sum of scores lacks
};

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
    if (auto ok = out.make_model(); !ok) return ok.error();
    return out;
  }

  /// Calls `sink(token)` for every token of the text, in order. Unigram: O(bytes times the longest piece); BPE:
  /// O(n log n) in the longest word.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    std::string normalized;
    normalizer_(text, normalized);
    double sum = 0;
    cutter_(normalized, [&](std::string_view word) { sum = encode_after(sum, word, sink); });
  }

  /// The same with the caller's scratch, which makes many texts several times faster.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, sentencepiece_scratch& scratch, Sink&& sink) const {
    std::string& normalized = scratch.text_;
    normalizer_(text, normalized);
    const char* const end = normalized.data() + normalized.size();
    const auto* const unigram = std::get_if<vocab::unigram>(&model_);
    if (unigram == nullptr) {
      cutter_(normalized, [&](std::string_view word) {
        const auto compute = [&](auto&& push) { encode_piece(word, push); };
        scratch.words_(word, static_cast<std::size_t>(end - word.data()), compute, sink);
      });
      return;
    }
    running_sum sum{*unigram, scratch.pending_};
    scratch.pending_.clear();
    cutter_(normalized, [&](std::string_view word) {
      if (!sum.is_small()) {
        sum.restart(unigram->encode_after(sum.value(), word, sink));
        return;
      }
      bool sure = true;
      const auto compute = [&](auto&& push) {
        if (!unigram->encode_if_sure(word, push)) push(no_token);
      };
      const auto take = [&](token_id t) {
        if (t == no_token) {
          sure = false;
          return;
        }
        scratch.pending_.push_back(t);
        sink(t);
      };
      scratch.words_(word, static_cast<std::size_t>(end - word.data()), compute, take);
      if (!sure) sum.restart(unigram->encode_after(sum.value(), word, sink));
    });
  }

  /// Calls `sink(part)` for every part of the text, in order: user-defined symbols of a BPE model, and the words
  /// that the model sees, cut where no piece reaches across (`vocab::word_cutter`).
  template <std::invocable<const vocab::pre_token&> Sink>
  void pre_tokenize(std::string_view text, Sink&& sink) const {
    std::string normalized;
    normalizer_(text, normalized);
    cutter_(normalized, [&](std::string_view word) {
      if (!std::holds_alternative<vocab::scored_bpe>(model_)) {
        sink(vocab::pre_token{.text = word});
        return;
      }
      split_symbols(
          word, [&](token_id symbol) { sink(vocab::pre_token{.added = symbol}); },
          [&](std::string_view part) { sink(vocab::pre_token{.text = part}); });
    });
  }

  /// Calls `sink(token)` for every token of one part, as `pre_tokenize` gives it. All parts together are what
  /// `encode` gives, with one exception: a Unigram model's sums are rounded to f32, so that what comes before a
  /// word may decide between segmentations of it that are equally likely; here nothing comes before.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    (void)encode_after(0, piece, sink);
  }

  /// The text of some tokens, which is always UTF-8. Ids without a token are left out.
  [[nodiscard]] std::string decode(std::span<const token_id> ids) const {
    const auto& options = file_.normalizer;
    const bool drops = options.add_dummy_prefix || options.remove_extra_whitespaces;
    std::string out, bytes;
    bool at_begin = true, dropped = false;
    const auto flush = [&] {
      for (std::size_t at = 0; at < bytes.size();) {
        const vocab::utf8_char c = vocab::decode_utf8(bytes, at);
        if (c.well_formed) {
          out.append(bytes, at, c.length);
        } else {
          vocab::append_utf8(out, 0xFFFD);
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
      if (p.kind == sentencepiece_kind::unknown) out.append(file_.unk_surface, 0, file_.unk_surface.find('\0'));
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
  [[nodiscard]] const vocab::unigram* unigram() const noexcept { return std::get_if<vocab::unigram>(&model_); }
  [[nodiscard]] const vocab::scored_bpe* bpe() const noexcept { return std::get_if<vocab::scored_bpe>(&model_); }

 private:
  sentencepiece_tokenizer() = default;

  /// A sum of scores that is made only when somebody asks.
  struct running_sum {
    const vocab::unigram& model;
    std::vector<token_id>& pending;
    double known = 0;

    double value() {
      for (const token_id t : pending) known = model.add(known, t);
      pending.clear();
      return known;
    }
    void restart(double sum) { known = sum; }
    bool is_small() {
      const auto bound = [&] {
        return std::abs(known) + static_cast<double>(pending.size()) * model.greatest_magnitude();
      };
      if (bound() <= vocab::unigram::sure_limit) return true;
      (void)value();
      return bound() <= vocab::unigram::sure_limit;
    }
  };

  struct whole_words {};
  struct single_characters {};

  template <class Sink>
  double encode_after(double sum, std::string_view word, Sink& sink) const {
    if (const auto* const unigram = std::get_if<vocab::unigram>(&model_)) {
      return unigram->encode_after(sum, word, sink);
    }
    if (const auto* const bpe = std::get_if<vocab::scored_bpe>(&model_)) {
      split_symbols(word, sink, [&](std::string_view part) { bpe->encode_piece(part, sink); });
    } else {
      look_up(word, sink);
    }
    return sum;
  }

  /// Calls `symbol(token)` for the user-defined symbols in a word, from left to right, and `part(text)` for what
  /// is between them.
  template <class Symbol, class Part>
  void split_symbols(std::string_view word, Symbol&& symbol, Part&& part) const {
    std::size_t begin = 0;
    for (std::size_t at = 0; has_symbols_ && at < word.size();) {
      const std::size_t length = normalizer_.symbol_at(word.substr(at));
      if (length == 0) {
        at += vocab::decode_utf8(word, at).length;
        continue;
      }
      if (at > begin) part(word.substr(begin, at - begin));
      symbol(ids_.find(word.substr(at, length)));
      at += length;
      begin = at;
    }
    if (begin < word.size()) part(word.substr(begin));
  }

  /// The algorithms that only look up: characters and user-defined symbols, or what is between marks.
  template <class Sink>
  void look_up(std::string_view text, Sink& sink) const {
    bool after_unknown = false;
    const bool by_words = std::holds_alternative<whole_words>(model_);
    while (!text.empty()) {
      std::size_t length = by_words ? text.find(vocab::space_mark, 1) : normalizer_.symbol_at(text);
      if (length == 0) length = vocab::decode_utf8(text, 0).length;
      const std::string_view part = text.substr(0, length);
      text.remove_prefix(part.size());
      const token_id known = ids_.find(part);
      if (known != no_token && is_in_text(known)) {
        sink(known);
      } else if (file_.byte_fallback) {
        for (const char c : part) sink(fallback_[static_cast<unsigned char>(c)]);
      } else if (!after_unknown) {
        sink(unk_);
      }
      after_unknown = known == no_token || !is_in_text(known);
    }
  }

  [[nodiscard]] bool is_in_text(token_id token) const noexcept {
    const sentencepiece_kind kind = file_.pieces[static_cast<std::size_t>(token)].kind;
    return kind == sentencepiece_kind::normal || kind == sentencepiece_kind::user_defined ||
           kind == sentencepiece_kind::unused;
  }

  result<done> read_pieces() {
    std::string bytes;
    for (const sentencepiece_entry& p : file_.pieces) {
      const auto id = static_cast<token_id>(bytes_.size());
      if (auto ok = ids_.add(id, p.text); !ok) return ok.error();
      bytes.clear();
      if (p.kind == sentencepiece_kind::unknown) unk_ = id;
      if (p.kind == sentencepiece_kind::byte) {
        const auto byte = static_cast<unsigned char>(sentencepiece_model::byte_of(p.text));
        fallback_[byte] = id;
        bytes.push_back(static_cast<char>(byte));
      } else if (is_in_text(id)) {
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
    has_symbols_ = !symbols.empty();
    auto rules = rules_of(file_.charsmap, "precompiled_charsmap");
    if (!rules) return rules.error();
    auto normalizer =
        vocab::sentencepiece_normalizer::make(std::move(*rules), symbols, file_.normalizer);
    if (!normalizer) return normalizer.error();
    normalizer_ = std::move(*normalizer);
    auto back = rules_of(file_.denormalizer_charsmap, "denormalizer precompiled_charsmap");
    if (!back) return back.error();
    auto denormalizer = vocab::sentencepiece_normalizer::make(std::move(*back), {}, file_.denormalizer);
    if (!denormalizer) return denormalizer.error();
    denormalizer_ = std::move(*denormalizer);
    return done{};
  }

  result<done> make_model() {
    const bool only_looks_up = file_.algorithm == sentencepiece_algorithm::word ||
                               file_.algorithm == sentencepiece_algorithm::character;
    if (only_looks_up) {
      if (file_.algorithm == sentencepiece_algorithm::word) model_ = whole_words{};
      return done{};
    }
    std::vector<std::string_view> texts;
    for (const sentencepiece_entry& p : file_.pieces) {
      if (p.kind == sentencepiece_kind::normal || p.kind == sentencepiece_kind::user_defined ||
          p.kind == sentencepiece_kind::unused) {
        texts.push_back(p.text);
      }
    }
    const bool is_bpe = file_.algorithm == sentencepiece_algorithm::bpe;
    auto ok = is_bpe ? make_bpe() : make_unigram();
    if (!ok) return ok;
    // A mark that is unknown would be one token with unknown characters around it; and how an unused piece falls
    // apart depends on the whole text.
    const token_id mark = ids_.find(vocab::space_mark);
    const bool mark_is_known = mark != no_token && (file_.pieces[static_cast<std::size_t>(mark)].kind ==
                                                        sentencepiece_kind::normal ||
                                                    file_.pieces[static_cast<std::size_t>(mark)].kind ==
                                                        sentencepiece_kind::user_defined);
    const bool has_unused = std::any_of(file_.pieces.begin(), file_.pieces.end(), [](const auto& p) {
      return p.kind == sentencepiece_kind::unused;
    });
    if ((mark_is_known || file_.byte_fallback) && !(is_bpe && has_unused)) {
      cutter_ = vocab::word_cutter(texts, file_.normalizer.whitespace_as_suffix);
    }
    return done{};
  }

  result<done> make_bpe() {
    std::vector<vocab::scored_piece> pieces;
    for (const sentencepiece_entry& p : file_.pieces) {
      const bool unused = p.kind == sentencepiece_kind::unused;
      pieces.push_back({.text = p.text,
                        .score = p.score,
                        .matches = p.kind == sentencepiece_kind::normal || unused,
                        .unused = unused});
    }
    auto model = vocab::scored_bpe::make(pieces, unk_,
                                         file_.byte_fallback ? fallback_ : std::span<const token_id>{});
    if (!model) return model.error();
    model_ = std::move(*model);
    return done{};
  }

  /// A user-defined symbol's score is what the library makes it: its bytes times the greatest score, less 0.1.
  result<done> make_unigram() {
    bool any = false;
    float least = 0, greatest = 0;
    for (const sentencepiece_entry& p : file_.pieces) {
      if (p.kind != sentencepiece_kind::normal) continue;
      least = any ? std::min(least, p.score) : p.score;
      greatest = std::max(greatest, p.score);
      any = true;
    }
    std::vector<vocab::unigram_piece> pieces;
    for (const sentencepiece_entry& p : file_.pieces) {
      const bool symbol = p.kind == sentencepiece_kind::user_defined;
      const double bonus = static_cast<double>(static_cast<float>(p.text.size()) * greatest) - 0.1;
      pieces.push_back({.text = p.text,
                        .score = symbol ? bonus : static_cast<double>(p.score),
                        .matches = symbol || p.kind == sentencepiece_kind::normal});
    }
    auto model = vocab::unigram::make(pieces, {.unk = unk_,
                                               .rules = vocab::unigram_rules::sentencepiece,
                                               .byte_fallback = file_.byte_fallback,
                                               .unk_score = static_cast<double>(least - 10.0F)});
    if (!model) return model.error();
    model_ = std::move(*model);
    return done{};
  }

  sentencepiece_model file_;
  vocab::token_table ids_;
  vocab::ragged<char> bytes_;
  std::array<token_id, 256> fallback_{};
  token_id unk_ = no_token;
  bool has_symbols_ = false;
  vocab::sentencepiece_normalizer normalizer_, denormalizer_;
  vocab::word_cutter cutter_;
  std::variant<single_characters, whole_words, vocab::unigram, vocab::scored_bpe> model_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
