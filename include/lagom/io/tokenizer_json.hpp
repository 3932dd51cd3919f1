// SPDX-License-Identifier: MIT
/// @file io/tokenizer_json.hpp
/// Hugging Face's tokenizer.json: tokenizers, encoded and decoded as the reference library does it.
#pragma once

#include "../vocab/pre_token.hpp"
#include "hf/aligner.hpp"
#include "hf/cutter.hpp"
#include "hf/decoder.hpp"
#include "hf/model.hpp"
#include "hf/post_processor.hpp"
#include "hf/serde_number.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A tokenizer read from a tokenizer.json: the same ids and the same text as Hugging Face tokenizers gives,
/// or a failure that names what is not handled; nothing in a file is approximated.
///
/// ```cpp
/// auto tokenizer = lagom::io::hf_tokenizer::open("tokenizer.json");
/// if (!tokenizer) return report(tokenizer.error());
/// std::vector<lagom::token_id> ids = tokenizer->encode("Hello", true);
/// std::string text = tokenizer->decode(ids, true);
/// ```
/// Handled: BPE, Unigram, WordPiece and WordLevel models (the type may be missing), merges as texts or as pairs, byte-level or by
/// characters, byte fallback, unk, `ignore_merges`, prefix and suffix; added tokens of every kind; the components that
/// `hf_normalizer`, `hf_pre_tokenizer`, `hf_decoder` and `hf_post_processor` list. Regular expressions run on
/// PCRE2 after `hf_pattern_rewriter` gave them their meaning back. "truncation" and "padding" are about
/// batches and are not applied. Characters are classified as the reference does (`io/hf/unicode_tables.hpp`).
///
/// Ill-formed UTF-8 (which the reference never sees): each ill-formed sequence counts as one U+FFFD. A
/// byte-level tokenizer without normalizer encodes the bytes that were there; any other encodes U+FFFD.
///
/// Immutable: const calls may run in several threads at once.
class hf_tokenizer {
 public:
  /// Reads a file. Fails with the errors of `mapped_file::open` and `parse`, naming the file.
  static result<hf_tokenizer> open(const std::string& path, const tokenizer_options& options = {}) {
    auto file = mapped_file::open(path);
    if (!file) return file.error();
    auto parsed = parse(file->text(), options);
    if (!parsed) return parsed.error().in(path);
    return parsed;
  }

  /// Reads the text of a document. Fails with `bad_json`, `duplicate_key`, `too_deep`, and the errors of `make`.
  static result<hf_tokenizer> parse(std::string_view json_text, const tokenizer_options& options = {}) {
    auto document = parse_json(json_text, 64, detail::as_serde_reads);
    if (!document) return document.error();
    return make(*document, options);
  }

  /// Reads a document. Fails with
  /// - `missing_key`, `wrong_type`, `bad_value`;
  /// - `wrong_schema` for a "version" that is not "1.0";
  /// - `out_of_range` for an id that is negative, or so large that most ids below it have no token (over 2^22
  ///   and over 16 times the number of tokens), `duplicate_key` for an id that two tokens have;
  /// - `bad_value` for an added token with another id than the reference gives it, which goes by its turn;
  /// - `bad_merge`, with the row from 0, for a merge that does not parse, or names or makes what is no token;
  /// - `unsupported` for other models, for dropout, and for whatever is not handled exactly;
  /// - `bad_pattern` for a regular expression that does not compile.
  static result<hf_tokenizer> make(const json& document, const tokenizer_options& options = {}) {
    const detail::hf_node root{&document};
    if (!document.is_object()) return failure{.code = errc::wrong_type, .key = "tokenizer.json"};
    auto model_node = root.required("model");
    if (!model_node) return model_node.error();
    if (const auto version = root.optional("version"); version.value != nullptr && *version.value != "1.0") {
      return failure{.code = errc::wrong_schema, .key = "tokenizer.json"};
    }
    if (auto type = detail::hf_model::type_of(*model_node); !type) return type.error();
    auto normalizer = detail::hf_normalizer::read(root.optional("normalizer"));
    if (!normalizer) return normalizer.error();
    auto pre_tokenizer = detail::hf_pre_tokenizer::read(root.optional("pre_tokenizer"));
    if (!pre_tokenizer) return pre_tokenizer.error();
    const auto size_of = [](const detail::hf_node& node) {
      return node.value == nullptr ? 0 : node.value->size();
    };
    const std::uint64_t count =
        size_of(model_node->optional("vocab")) + size_of(root.optional("added_tokens"));
    const std::uint64_t id_limit = std::min(largest_id, std::max(believable_id, 16 * count));
    auto model = detail::hf_model::read(*model_node, pre_tokenizer->byte_level(), id_limit, options);
    if (!model) return model.error();
    const auto id_of = [&](std::string_view text) { return model->find(text); };
    auto added = detail::hf_added_tokens::read(root, *normalizer, id_of, model->count(), id_limit);
    if (!added) return added.error();
    auto decoder = detail::hf_decoder::read(root.optional("decoder"));
    if (!decoder) return decoder.error();
    const auto is_token = [&](token_id id) { return model->contains(id) || added->find(id) != nullptr; };
    auto post_processor = detail::hf_post_processor::read(root.optional("post_processor"), is_token);
    if (!post_processor) return post_processor.error();
    return hf_tokenizer({std::move(*normalizer), std::move(*pre_tokenizer), std::move(*model),
                         std::move(*added), std::move(*decoder), std::move(*post_processor)});
  }

  /// Calls `sink(token)` for every token of the text, in order. Added and special tokens in the text are
  /// found; none are put around it. O(n log n) in the longest piece, O(n) in the rest.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    tokenizer_scratch scratch;
    encode(text, scratch, sink);
  }

  /// The same with the caller's scratch, which makes many short texts several times faster.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, tokenizer_scratch& scratch, Sink&& sink) const {
    encode_cut(text, scratch, sink, false);
  }

  /// The same for text of a user: special tokens that it spells are text like any other (the reference's
  /// `encode_special_tokens`).
  template <std::invocable<token_id> Sink>
  void encode_plain(std::string_view text, tokenizer_scratch& scratch, Sink&& sink) const {
    encode_cut(text, scratch, sink, true);
  }

  /// Calls `sink(span)` for every token of the text, with its places: the tokens of `encode`, in order. Slower
  /// than `encode` many times over.
  template <std::invocable<const token_span&> Sink>
  void encode_with_offsets(std::string_view text, Sink&& sink) const {
    const detail::hf_cutter cutter{p_.normalizer, p_.pre_tokenizer, p_.added};
    detail::hf_aligner{cutter, p_.model, p_.post_processor}(text, sink);
  }

  /// Calls `sink(token)` for every token of one piece, as `pre_tokenize` gives it: the model alone.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view piece, Sink&& sink) const {
    p_.model.encode_piece(piece, sink);
  }

  /// Calls `sink(part)` for every part of the text, in order: the added tokens, and the pieces that the model
  /// sees.
  template <std::invocable<const vocab::pre_token&> Sink>
  void pre_tokenize(std::string_view text, Sink&& sink) const {
    tokenizer_scratch scratch;
    pre_tokenize(text, scratch, sink);
  }

  /// The same with the caller's scratch.
  template <std::invocable<const vocab::pre_token&> Sink>
  void pre_tokenize(std::string_view text, tokenizer_scratch& scratch, Sink&& sink) const {
    cut(
        text, scratch, [&](token_id added) { sink(vocab::pre_token{.added = added}); },
        [&](std::string_view piece, std::size_t) { sink(vocab::pre_token{.text = piece}); }, [] {});
  }

  /// The tokens of a single text, with the special tokens that the post-processor puts around it, or without.
  [[nodiscard]] std::vector<token_id> encode(std::string_view text, bool add_special_tokens) const {
    std::vector<token_id> ids;
    encode(text, [&ids](token_id t) { ids.push_back(t); });
    return add_special_tokens ? p_.post_processor(std::move(ids))
                              : p_.post_processor.without_specials(std::move(ids));
  }

  /// The text of some tokens, which is always UTF-8. Ids without a token are left out.
  [[nodiscard]] std::string decode(std::span<const token_id> ids, bool skip_special_tokens) const {
    detail::hf_token_texts texts;
    for (const token_id id : ids) {
      const detail::hf_added_token* const added = p_.added.find(id);
      if (added == nullptr && !p_.model.contains(id)) continue;
      std::string text = added != nullptr ? added->match : p_.model.spelling(id);
      if (!skip_special_tokens || !p_.added.is_special(text)) texts.push_back(std::move(text));
    }
    return p_.decoder(std::move(texts));
  }

  /// The bytes that a token stands for in the middle of a text: letters, marks and byte tokens resolved as
  /// the decoder does it. An added token stands for its content. Empty for an id without a token.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept {
    if (token < 0 || static_cast<std::size_t>(token) + 1 >= bytes_at_.size()) return {};
    const std::size_t begin = bytes_at_[static_cast<std::size_t>(token)];
    return {bytes_.data() + begin, bytes_at_[static_cast<std::size_t>(token) + 1] - begin};
  }

  /// One more than the largest token id.
  [[nodiscard]] index_t size() const noexcept { return static_cast<index_t>(bytes_at_.size()) - 1; }

  /// The token with that content, spelled as in the file.
  [[nodiscard]] std::optional<token_id> token_of(std::string_view content) const {
    token_id id = p_.added.find(content);
    if (id == no_token) id = p_.model.find(content);
    return id == no_token ? std::nullopt : std::optional<token_id>(id);
  }

  /// A token's content, spelled as in the file; empty for an id without a token.
  [[nodiscard]] std::string content_of(token_id token) const {
    const detail::hf_added_token* const added = p_.added.find(token);
    return added != nullptr ? added->content : p_.model.spelling(token);
  }

  [[nodiscard]] bool is_token(token_id token) const { return is_added(token) || p_.model.contains(token); }
  [[nodiscard]] bool is_added(token_id token) const { return p_.added.find(token) != nullptr; }

  /// Whether it is an added token that decoding may skip.
  [[nodiscard]] bool is_special(token_id token) const {
    const detail::hf_added_token* const added = p_.added.find(token);
    return added != nullptr && p_.added.is_special(added->content);
  }

  /// The model under it, if it is BPE: its tokens are bytes if `is_byte_level()`, and spellings otherwise.
  /// Null if it is another one.
  [[nodiscard]] const vocab::bpe* bpe() const noexcept { return p_.model.bpe(); }

  /// The model under it, if it is Unigram; null if it is another one. Its tokens are spellings.
  [[nodiscard]] const vocab::unigram* unigram() const noexcept { return p_.model.unigram(); }

  /// The model under it, if it is WordPiece; null if it is another one. Its tokens are spellings.
  [[nodiscard]] const vocab::wordpiece* wordpiece() const noexcept { return p_.model.wordpiece(); }
  [[nodiscard]] bool is_byte_level() const noexcept { return p_.pre_tokenizer.byte_level(); }

  /// How many merges were left out because of `tokenizer_options::skip_bad_merges`.
  [[nodiscard]] std::uint64_t skipped_merges() const noexcept { return p_.model.skipped(); }

 private:
  static constexpr std::uint64_t largest_id = 0x7FFFFFFF, believable_id = std::uint64_t{1} << 22;

  struct parts {
    detail::hf_normalizer normalizer;
    detail::hf_pre_tokenizer pre_tokenizer;
    detail::hf_model model;
    detail::hf_added_tokens added;
    detail::hf_decoder decoder;
    detail::hf_post_processor post_processor;
  };

  explicit hf_tokenizer(parts p) : p_(std::move(p)) {
    const auto& added = p_.added.tokens();
    const index_t above = added.empty() ? 0 : index_t{added.rbegin()->first} + 1;
    const index_t count = std::max(p_.model.size(), above);
    bytes_at_.reserve(static_cast<std::size_t>(count) + 1);
    for (index_t i = 0; i < count; ++i) {
      const auto id = static_cast<token_id>(i);
      bytes_at_.push_back(bytes_.size());
      if (const detail::hf_added_token* const token = p_.added.find(id)) {
        bytes_ += token->content;
      } else if (p_.model.contains(id)) {
        const auto bytes = is_byte_level() ? p_.model.letters_to_bytes(id) : std::nullopt;
        bytes_ += bytes             ? *bytes
                  : is_byte_level() ? p_.model.spelling(id)
                                    : p_.decoder.bytes_of(p_.model.spelling(id));
      }
    }
    bytes_at_.push_back(bytes_.size());
    cuts_words_ = !is_byte_level() || !p_.pre_tokenizer.splits();
  }

  template <class Sink>
  void encode_cut(std::string_view text, tokenizer_scratch& scratch, Sink& sink, bool plain) const {
    const auto compute = [&](std::span<const std::string_view> pieces, auto&& give) {
      p_.model.encode_pieces(pieces, give);
    };
    const auto take = [&](std::string_view, std::span<const token_id> tokens) {
      for (const token_id t : tokens) sink(t);
    };
    cut(
        text, scratch, [&](token_id added) { sink(added); },
        [&](std::string_view piece, std::size_t readable) { scratch.words_(piece, readable, compute, take); },
        [&] { scratch.words_.flush(compute, take); }, plain);
  }

  template <class Added, class Piece, class Passed>
  void cut(std::string_view text, tokenizer_scratch& scratch, Added added, Piece piece, Passed passed,
           bool plain = false) const {
    const detail::hf_cutter cutter{p_.normalizer, p_.pre_tokenizer, p_.added, plain};
    const vocab::bpe* const model = p_.model.bpe();
    if (model == nullptr || !cuts_words_) return cutter(text, scratch, added, piece, passed);
    const auto words = [&](std::string_view whole, std::size_t readable) {
      model->cut_words(whole, [&](std::size_t begin, std::size_t end) {
        piece(whole.substr(begin, end - begin), readable - begin);
      });
    };
    cutter(text, scratch, added, words, passed);
  }

  parts p_;
  std::string bytes_;
  std::vector<std::size_t> bytes_at_;
  bool cuts_words_ = false;  // else pieces are words, or less
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
