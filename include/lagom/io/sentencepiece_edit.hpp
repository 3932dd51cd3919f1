// SPDX-License-Identifier: MIT
/// @file io/sentencepiece_edit.hpp
/// A SentencePiece model with more or fewer pieces, field by field.
#pragma once

#include <bit>
#include <limits>

#include "config_edit.hpp"
#include "sentencepiece_model.hpp"
#include "tokenizer_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7F) | 0x80));
  out.push_back(static_cast<char>(value));
}
inline void append_bytes_field(std::string& out, std::uint32_t number, std::string_view bytes) {
  append_varint(out, std::uint64_t{number} << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}
inline void append_number_field(std::string& out, std::uint32_t number, std::int32_t value) {
  append_varint(out, std::uint64_t{number} << 3);
  append_varint(out, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
}

inline std::string spell_piece(const sentencepiece_entry& p) {
  std::string out;
  append_bytes_field(out, 1, p.text);
  append_varint(out, 2u << 3 | 5);
  const auto bits = std::bit_cast<std::uint32_t>(p.score);
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<char>(bits >> (8 * i) & 0xFF));
  if (p.kind != sentencepiece_kind::normal) append_number_field(out, 3, static_cast<std::int32_t>(p.kind));
  return out;
}

/// Where a field ends, from the start of the message that `reader` was given with offset 0.
[[nodiscard]] inline std::size_t end_of(const wire_field& f) noexcept {
  return static_cast<std::size_t>(f.offset + (f.type == wire_type::bytes ? f.bytes.size() : 0));
}

/// The trainer's settings with the number of pieces and the special ids brought up to date.
inline result<std::string> edited_trainer(std::string_view message, std::size_t pieces, const id_map& ids) {
  constexpr std::uint32_t vocabulary = 4, first_id = 40, last_id = 43;
  std::int32_t special[] = {0, 1, 2, -1};  // unknown, begin, end, padding, where they are not written
  bool written[4] = {};
  std::string out;
  std::size_t begin = 0;
  for (wire_reader fields(message); !fields.at_end();) {
    auto f = fields.next();
    if (!f) return f.error();
    if (f->type == wire_type::varint && f->number == vocabulary) {
      append_number_field(out, vocabulary, static_cast<std::int32_t>(pieces));
    } else if (f->type == wire_type::varint && f->number >= first_id && f->number <= last_id) {
      written[f->number - first_id] = true;
      append_number_field(out, f->number, static_cast<std::int32_t>(mapped_id(ids, f->as_int32())));
    } else {
      out += message.substr(begin, end_of(*f) - begin);
    }
    begin = end_of(*f);
  }
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto now = static_cast<std::int32_t>(mapped_id(ids, special[i]));
    if (!written[i] && now != special[i]) append_number_field(out, first_id + i, now);
  }
  return out;
}

}  // namespace detail

/// The model with the pieces that `ids` keeps (all, if it is empty) and then `more`. Kept pieces and all
/// other settings keep their bytes, those this library does not know too; the trainer's vocabulary size and
/// special ids follow, and samples of a self-test, which would fail, are dropped. Fails, for the old model
/// and for the new one (which may lack its unknown piece, or a byte), with the errors of
/// `sentencepiece_model::parse`.
[[nodiscard]] inline result<std::string> edit_sentencepiece(std::string_view model, const id_map& ids,
                                                            std::span<const sentencepiece_entry> more) {
  auto parsed = sentencepiece_model::parse(model);
  if (!parsed) return parsed.error();
  const std::vector<sentencepiece_entry>* const pieces = &parsed->pieces;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pieces->size(); ++i) kept += mapped_id(ids, static_cast<std::int64_t>(i)) >= 0;
  constexpr std::uint32_t piece_field = 1, trainer_field = 2, self_test_field = 4;
  std::string out;
  std::size_t begin = 0, row = 0;
  for (wire_reader fields(model); !fields.at_end();) {
    auto f = fields.next();
    if (!f) return f.error();
    const std::string_view whole = model.substr(begin, detail::end_of(*f) - begin);
    begin = detail::end_of(*f);
    const bool message = f->type == wire_type::bytes;
    if (message && f->number == piece_field) {
      if (mapped_id(ids, static_cast<std::int64_t>(row)) >= 0) out += whole;
      if (++row == pieces->size()) {
        for (const sentencepiece_entry& p : more)
          detail::append_bytes_field(out, piece_field, detail::spell_piece(p));
      }
    } else if (message && f->number == trainer_field) {
      auto trainer = detail::edited_trainer(f->bytes, kept + more.size(), ids);
      if (!trainer) return trainer.error();
      detail::append_bytes_field(out, trainer_field, *trainer);
    } else if (f->number != self_test_field) {
      out += whole;
    }
  }
  if (auto ok = sentencepiece_model::parse(out); !ok) return ok.error();
  return out;
}

/// A SentencePiece model brought in step with its tokenizer.json. Nothing where the pieces are not the tokens
/// by id, or the change cannot be said in pieces: the unknown piece or a byte is taken out, or ids leave a
/// gap.
///
/// New pieces of a BPE model get the scores min - 1, min - 2, ...: every merge that is there goes first,
/// which is what continued BPE means. Nothing for other merges: SentencePiece joins any two pieces that make a
/// piece, whether or not there is a merge. Added tokens between the pieces and the new ones become control and
/// user-defined pieces.
[[nodiscard]] inline std::optional<std::string> sentencepiece_in_step(std::string_view model,
                                                                      const tokenizer_document& before,
                                                                      const tokenizer_addition& more,
                                                                      const id_map& ids) {
  using kind = sentencepiece_kind;
  auto parsed = sentencepiece_model::parse(model);
  if (!parsed) return std::nullopt;
  const std::vector<sentencepiece_entry>* const pieces = &parsed->pieces;
  if (before.tokens().size() < pieces->size()) return std::nullopt;
  if (before.kind() == tokenizer_model::bpe && !more.tokens.empty() && !more.continued) return std::nullopt;
  float least = 0;
  for (std::size_t i = 0; i < pieces->size(); ++i) {
    const auto& t = before.tokens()[i];
    const sentencepiece_entry& p = (*pieces)[i];
    if (t.id != static_cast<token_id>(i) || t.content != p.text) return std::nullopt;
    least = p.score < least ? p.score : least;
  }
  std::vector<sentencepiece_entry> added;
  if (!more.tokens.empty()) {
    std::map<token_id, sentencepiece_entry> by_id;
    for (const auto& t : before.tokens()) {
      if (static_cast<std::size_t>(t.id) >= pieces->size()) by_id[t.id] = {t.content, 0, kind::user_defined};
    }
    for (const auto& t : before.added()) {
      const kind type = t.special ? kind::control : kind::user_defined;
      if (static_cast<std::size_t>(t.id) >= pieces->size()) by_id[t.id] = {t.content, 0, type};
    }
    for (const spelled_token& t : more.tokens) {
      least -= 1;
      const float score = before.kind() == tokenizer_model::unigram ? static_cast<float>(t.score) : least;
      by_id[t.id] = {t.text, score, kind::normal};
    }
    for (auto& [id, piece] : by_id) {
      if (static_cast<std::size_t>(id) != pieces->size() + added.size()) return std::nullopt;
      added.push_back(std::move(piece));
    }
  }
  auto out = edit_sentencepiece(model, ids, added);
  if (!out) return std::nullopt;
  return std::move(*out);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
