// SPDX-License-Identifier: MIT
/// @file io/sentencepiece_model.hpp
/// What a SentencePiece file says, read and checked.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "../core/math.hpp"
#include "../vocab/sentencepiece_normalizer.hpp"
#include "protobuf_wire.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// What a piece is for.
enum class sentencepiece_kind : std::uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

struct sentencepiece_entry {
  std::string text{};
  float score = 0;
  sentencepiece_kind kind = sentencepiece_kind::normal;

  /// Whether texts are cut into it.
  [[nodiscard]] bool is_in_text() const noexcept {
    return kind == sentencepiece_kind::normal || kind == sentencepiece_kind::user_defined ||
           kind == sentencepiece_kind::unused;
  }
};

enum class sentencepiece_algorithm : std::uint8_t { unigram = 1, bpe, word, character };

/// A SentencePiece model as its file has it: ids are places in `pieces`.
struct sentencepiece_model {
  std::vector<sentencepiece_entry> pieces{};
  sentencepiece_algorithm algorithm = sentencepiece_algorithm::unigram;
  bool byte_fallback = false;
  std::string unk_surface = " \xE2\x81\x87 ";  ///< what the unknown token is decoded to
  vocab::sentencepiece_normalizer_options normalizer{};
  std::string charsmap{};  ///< as in the file
  vocab::sentencepiece_normalizer_options denormalizer{};
  std::string denormalizer_charsmap{};  ///< if there is one, decoded text is normalized too

  /// Reads a `ModelProto`. Fails with the errors of `wire_reader`, with the byte; with `wrong_type`, naming the
  /// field; and, with the piece in `row`, with `bad_value` for a kind, `missing_key` for a piece without a text
  /// or a score; then with the errors of `check`. Unknown fields are passed over.
  static result<sentencepiece_model> parse(std::string_view bytes) {
    sentencepiece_model out;
    wire_reader file(bytes);
    while (!file.at_end()) {
      auto field = file.next();
      if (!field) return field.error();
      result<done> ok = done{};
      if (field->number >= 1 && field->number <= 5 && field->type != wire_type::bytes) {
        return failure{.code = errc::wrong_type, .key = "model", .byte = field->offset};
      }
      if (field->number == 1) ok = out.read_piece(*field);
      if (field->number == 2) ok = out.read_trainer(*field);
      if (field->number == 3) ok = read_normalizer(*field, out.normalizer, out.charsmap);
      if (field->number == 5) ok = read_normalizer(*field, out.denormalizer, out.denormalizer_charsmap);
      if (!ok) return ok.error();
    }
    if (auto ok = out.check(); !ok) return ok.error();
    return out;
  }

  /// Fails with `empty` without pieces; with the piece in `row`: `empty` (no text), `bad_utf8`, `duplicate_key`,
  /// `not_finite` and `out_of_range` (a score; see `largest_score`), `bad_value` (a byte piece that is no
  /// "<0x00>" ... "<0xFF>", or one without byte fallback); `unknown_token` unless there is one unknown piece;
  /// `missing_key` where byte fallback lacks one of the 256 byte pieces.
  [[nodiscard]] result<done> check() const {
    if (pieces.empty()) return failure{.code = errc::empty, .key = "pieces"};
    std::unordered_set<std::string_view> seen;
    std::size_t unknowns = 0, bytes = 0;
    for (std::size_t row = 0; row < pieces.size(); ++row) {
      const sentencepiece_entry& p = pieces[row];
      const auto fail = [&](errc code) {
        return failure{.code = code, .key = "piece " + p.text, .row = row};
      };
      if (p.text.empty()) return fail(errc::empty);
      if (!is_utf8(p.text)) return fail(errc::bad_utf8);
      if (!seen.insert(p.text).second) return fail(errc::duplicate_key);
      if (!is_finite(&p.score)) return fail(errc::not_finite);
      if (p.score > largest_score || p.score < -largest_score) return fail(errc::out_of_range);
      if (p.kind == sentencepiece_kind::unknown) ++unknowns;
      if (p.kind != sentencepiece_kind::byte) continue;
      if (!byte_fallback || byte_of(p.text) < 0) return fail(errc::bad_value);
      ++bytes;
    }
    if (!is_utf8(unk_surface)) return failure{.code = errc::bad_utf8, .key = "unk_surface"};
    if (unknowns != 1) {
      return failure{.code = errc::unknown_token, .key = "unknown piece", .expected = 1, .found = unknowns};
    }
    if (byte_fallback && bytes != 256) {
      return failure{.code = errc::missing_key, .key = "byte piece", .expected = 256, .found = bytes};
    }
    return done{};
  }

  /// Scores of a greater magnitude are refused.
  static constexpr float largest_score = 1e30F;

  /// The byte that "<0x41>" names; -1 for other texts.
  static int byte_of(std::string_view text) noexcept {
    if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
    constexpr std::string_view hex = "0123456789ABCDEF";
    const std::size_t high = hex.find(text[3]), low = hex.find(text[4]);
    if (high == std::string_view::npos || low == std::string_view::npos) return -1;
    return static_cast<int>(16 * high + low);
  }

 private:
  static failure wrong(std::string_view what, const wire_field& field) {
    return {.code = errc::wrong_type, .key = what, .byte = field.offset};
  }

  result<done> read_piece(const wire_field& message) {
    sentencepiece_entry piece;
    bool has_text = false, has_score = false;
    const std::uint64_t row = pieces.size();
    const auto fail = [&](errc code, std::string_view what) {
      return failure{.code = code, .key = what, .byte = message.offset, .row = row};
    };
    wire_reader reader(message.bytes, message.offset);
    while (!reader.at_end()) {
      auto field = reader.next();
      if (!field) return field.error();
      if (field->number == 1) {
        if (field->type != wire_type::bytes) return fail(errc::wrong_type, "piece");
        piece.text = field->bytes;
        has_text = true;
      } else if (field->number == 2) {
        if (field->type != wire_type::fixed32) return fail(errc::wrong_type, "score");
        piece.score = field->as_float();
        has_score = true;
      } else if (field->number == 3) {
        if (field->type != wire_type::varint) return fail(errc::wrong_type, "type");
        if (field->value < 1 || field->value > 6) return fail(errc::bad_value, "type");
        piece.kind = static_cast<sentencepiece_kind>(field->value);
      }
    }
    if (!has_text) return fail(errc::missing_key, "piece");
    if (!has_score && piece.kind == sentencepiece_kind::normal) return fail(errc::missing_key, "score");
    pieces.push_back(std::move(piece));
    return done{};
  }

  result<done> read_trainer(const wire_field& message) {
    wire_reader reader(message.bytes, message.offset);
    while (!reader.at_end()) {
      auto field = reader.next();
      if (!field) return field.error();
      const bool number = field->number == 3 || field->number == 24 || field->number == 35;
      if (number && field->type != wire_type::varint) return wrong("trainer_spec", *field);
      if (field->number == 3) {
        if (field->value < 1 || field->value > 4) {
          return failure{.code = errc::bad_value, .key = "model_type", .byte = field->offset};
        }
        algorithm = static_cast<sentencepiece_algorithm>(field->value);
      }
      if (field->number == 24) normalizer.whitespace_as_suffix = field->as_bool();
      if (field->number == 35) byte_fallback = field->as_bool();
      if (field->number == 44) {
        if (field->type != wire_type::bytes) return wrong("unk_surface", *field);
        unk_surface = field->bytes;
      }
    }
    return done{};
  }

  static result<done> read_normalizer(const wire_field& message,
                                      vocab::sentencepiece_normalizer_options& options, std::string& rules) {
    wire_reader reader(message.bytes, message.offset);
    while (!reader.at_end()) {
      auto field = reader.next();
      if (!field) return field.error();
      const bool flag = field->number >= 3 && field->number <= 5;
      if (flag && field->type != wire_type::varint) return wrong("normalizer_spec", *field);
      if (field->number == 2) {
        if (field->type != wire_type::bytes) return wrong("precompiled_charsmap", *field);
        rules = field->bytes;
      }
      if (field->number == 3) options.add_dummy_prefix = field->as_bool();
      if (field->number == 4) options.remove_extra_whitespaces = field->as_bool();
      if (field->number == 5) options.escape_whitespaces = field->as_bool();
    }
    return done{};
  }
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
