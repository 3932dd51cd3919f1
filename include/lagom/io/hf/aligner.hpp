// SPDX-License-Identifier: MIT
/// @file io/hf/aligner.hpp
/// Tokens with their places: in the text that the model sees, and in the input.
#pragma once

#include "aligned_pieces.hpp"
#include "cutter.hpp"
#include "model_spans.hpp"
#include "post_processor.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A token and where it lies.
struct token_span {
  token_id token = no_token;
  /// In bytes of the stream that the model sees: the parts that `pre_tokenize` gives, one after the other, where
  /// an added token counts with the text that it was found as.
  std::size_t begin = 0, end = 0;
  /// In characters of the input: the offsets of Hugging Face tokenizers. An ill-formed sequence is a character.
  std::size_t char_begin = 0, char_end = 0;
};

namespace detail {

/// The way of `hf_cutter`, with the alignment kept. Slower by far, and apart: plain encoding pays nothing for it.
class hf_aligner {
 public:
  hf_aligner(const hf_cutter& cutter, const hf_model& model, const hf_post_processor& post_processor)
      : cutter_(cutter), model_(model), post_processor_(post_processor) {}

  template <class Sink>
  void operator()(std::string_view text, Sink& sink) {
    std::vector<hf_raw_bytes> raw;
    std::string well_formed;
    if (!is_utf8(text)) {
      cutter_.replace_ill_formed(text, well_formed, raw);
      text = well_formed;
    }
    count_chars(text);
    hf_matcher& matcher = parts_.pieces.matcher;
    std::vector<hf_stretch> in_input, in_normalized;
    cutter_.added_tokens.find_in(text, false, matcher, in_input);
    for (const hf_stretch& s : in_input) {
      const std::string_view part = text.substr(s.begin, s.end - s.begin);
      aligned_.reset(part, s.begin);
      if (s.token != no_token) {
        give_added(s.token, part, aligned_.from.data(), sink);
        continue;
      }
      cutter_.normalizer.for_each_step([&](const auto& step) { aligned_.apply(step, matcher); });
      in_normalized.clear();
      cutter_.added_tokens.find_in(aligned_.text, true, matcher, in_normalized);
      for (const hf_stretch& t : in_normalized) {
        const std::string_view stretch = std::string_view(aligned_.text).substr(t.begin, t.end - t.begin);
        const hf_extent* const extents = aligned_.from.data() + t.begin;
        if (t.token != no_token) {
          give_added(t.token, stretch, extents, sink);
          continue;
        }
        parts_.reset(stretch, extents);
        cutter_.keep_raw(raw, s.begin + t.begin, s.begin + t.end, parts_.pieces);
        cutter_.pre_tokenizer.for_each_step([&](const auto& step) { parts_.apply(step); });
        for (const hf_piece& p : parts_.pieces.list) give_piece(p, sink);
      }
    }
  }

 private:
  void count_chars(std::string_view text) {
    char_of_.assign(text.size() + 1, 0);
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count) {
      for (auto left = decode_utf8(text, at).length; left > 0; --left) char_of_[at++] = count;
    }
    char_of_[text.size()] = count;
  }

  template <class Sink>
  void give_added(token_id token, std::string_view text, const hf_extent* extents, Sink& sink) {
    if (text.empty()) return;
    const hf_extent in_input{extents[0].begin, extents[text.size() - 1].end};
    give({token, stream_, stream_ + text.size(), 0, 0}, in_input, text, sink);
    stream_ += text.size();
  }

  template <class Sink>
  void give_piece(const hf_piece& p, Sink& sink) {
    const bool byte_level = cutter_.pre_tokenizer.byte_level();
    std::string_view piece = parts_.pieces.view(p), spelled = piece;
    const hf_extent* extents = parts_.from.data() + p.begin;
    if (byte_level) {
      if (!cutter_.pre_tokenizer.spells_bytes()) {
        parts_.spell(p, letters_, extents_);
        spelled = letters_;
        extents = extents_.data();
      }
      bytes_ = *vocab::bytes_of_letters(spelled);
      piece = bytes_;
    }
    // A letter is one or two bytes, and stands for one.
    const auto in_stream = [&](std::size_t at) {
      if (!byte_level) return stream_ + at;
      const auto is_begin = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
      const std::string_view before = spelled.substr(0, at);
      return stream_ + static_cast<std::size_t>(std::count_if(before.begin(), before.end(), is_begin));
    };
    spans_(model_, piece, spelled, [&](token_id token, std::size_t begin, std::size_t end) {
      const bool inside = begin < end && end <= spelled.size();
      const hf_extent in_input = inside ? hf_extent{extents[begin].begin, extents[end - 1].end}
                                        : hf_extent{begin, end};  // as the reference does it
      const bool unknown_text = model_.unigram() != nullptr && token == model_.unigram()->options().unk;
      const std::string text =
          unknown_text && inside ? std::string(spelled.substr(begin, end - begin)) : model_.spelling(token);
      give(
          {token, in_stream(std::min(begin, spelled.size())), in_stream(std::min(end, spelled.size())), 0, 0},
          in_input, text, sink);
    });
    stream_ += piece.size();
  }

  template <class Sink>
  void give(token_span span, hf_extent in_input, std::string_view text, Sink& sink) {
    const std::size_t size = char_of_.size() - 1;
    span.char_begin = in_input.begin;
    span.char_end = in_input.end;
    if (in_input.begin < size) {  // beyond the end, the reference leaves bytes, or takes two characters
      span.char_begin = char_of_[in_input.begin];
      span.char_end = in_input.end <= size ? char_of_[in_input.end] : span.char_begin + 2;
    }
    post_processor_.trim(text, given_ == 0, span.char_begin, span.char_end);
    ++given_;
    sink(static_cast<const token_span&>(span));
  }

  const hf_cutter cutter_;
  const hf_model& model_;
  const hf_post_processor& post_processor_;
  hf_aligned_text aligned_;
  hf_aligned_pieces parts_;
  hf_model_spans spans_;
  std::vector<std::size_t> char_of_;  // of each byte of the input
  std::string letters_, bytes_;
  std::vector<hf_extent> extents_;
  std::size_t stream_ = 0, given_ = 0;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
