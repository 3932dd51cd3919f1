// SPDX-License-Identifier: MIT
/// @file io/tokenizer_writer.hpp
/// Adding tokens to a tokenizer.json.
#pragma once

#include <set>

#include "../core/math.hpp"
#include "../vocab/byte_alphabet.hpp"
#include "../vocab/expanded.hpp"
#include "tokenizer_document.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A token for a file, spelled as the file spells: byte-level models in letters, others with their marks.
struct spelled_token {
  token_id id = no_token;
  std::string text{};
  double score = 0;  ///< of a Unigram model; of a SentencePiece file written beside
};

/// What to put into a tokenizer.json.
struct tokenizer_addition {
  std::vector<spelled_token> tokens{};  ///< by rising id, all above the ids that are there
  std::vector<std::pair<std::string, std::string>> merges{};  ///< of a BPE model, by falling priority
  bool all_merges = false;  ///< `merges` are the whole list, not what comes behind the one that is there
  bool continued = false;   ///< the merges are those of continued BPE, which a list of pieces can say too
};

/// A tokenizer.json that was edited.
struct edited_tokenizer {
  std::string text{};
  std::vector<std::string> notes{};  ///< what is not as one might expect, a sentence each
};

/// The addition that an expansion is. `letters`: the model's tokens are bytes, which the file spells in
/// letters.
[[nodiscard]] inline tokenizer_addition addition_of(const vocab::expanded& expansion, bool letters) {
  const auto spell = [&](std::string_view text) {
    std::string out;
    if (!letters) return std::string(text);
    vocab::append_letters(out, text);
    return out;
  };
  tokenizer_addition out{.all_merges = !expansion.appended};
  for (const vocab::new_token& t : expansion.tokens) out.tokens.push_back({t.id, spell(t.text)});
  const vocab::token_table& texts = expansion.model.tokens();
  const auto add = [&](const vocab::merge& m) {
    out.merges.emplace_back(spell(texts[m.left]), spell(texts[m.right]));
  };
  if (expansion.appended) {
    for (const vocab::merge& m : expansion.merges) add(m);
  } else {
    for (const vocab::merge& m : expansion.model.merges()) add(m);
  }
  return out;
}

namespace detail {

/// Added tokens that the model lacks get entries of the model, with the ids that they have.
inline result<std::vector<spelled_token>> moved_into_model(const tokenizer_document& doc) {
  std::vector<spelled_token> out;
  double least = 0;
  if (doc.kind() ==
      tokenizer_model::unigram) {  // as low as the lowest: a lower one would move the unknown score
    for (const json& entry : (*doc.find_json("model"))["vocab"])
      least = std::min(least, entry[1].get<double>());
  }
  for (const auto& t : doc.beyond()) out.push_back({t.id, t.content, least});
  return out;
}

/// Whether the ids of a Unigram model, which are positions, go on without a gap.
inline result<done> require_positions(const tokenizer_document& doc, const std::vector<spelled_token>& more) {
  token_id next = static_cast<token_id>(doc.tokens().size());
  for (const spelled_token& t : more) {
    if (t.id != next) {
      return failure{.code = errc::bad_value,
                     .key = "id of \"" + t.text + "\"",
                     .expected = static_cast<std::uint64_t>(next),
                     .found = static_cast<std::uint64_t>(t.id)};
    }
    if (!is_finite(&t.score)) return failure{.code = errc::not_finite, .key = "score of \"" + t.text + "\""};
    ++next;
  }
  return done{};
}

inline std::string merge_text(const std::pair<std::string, std::string>& m, bool as_pair) {
  return as_pair ? json::array({m.first, m.second}).dump() : json(m.first + " " + m.second).dump();
}

/// The new list of merges in the form of the old one, or all in pairs when a new one has a space.
inline result<done> add_merges(tokenizer_document& doc, const tokenizer_addition& more,
                               std::vector<std::string>& notes) {
  const json& old = doc.merge_list();
  const bool had_pairs = old.empty() || !old[0].is_string();
  const bool spaces = std::any_of(more.merges.begin(), more.merges.end(), [](const auto& m) {
    return m.first.find(' ') != std::string::npos || m.second.find(' ') != std::string::npos;
  });
  const bool pairs = had_pairs || spaces;
  std::vector<std::string> elements;
  if (pairs && !had_pairs && !more.all_merges) {
    for (std::size_t row = 0; row < old.size(); ++row) {
      const auto [left, right] = tokenizer_document::sides(old[row]);
      if (old[row].is_string() && old[row].get_ref<const std::string&>().starts_with("#version")) continue;
      if (left.empty() || right.empty())
        return failure{.code = errc::bad_merge, .key = "model.merges", .row = row};
      elements.push_back(merge_text({std::string(left), std::string(right)}, true));
    }
  }
  if (pairs && !had_pairs)
    notes.push_back("merges are written as pairs, because a text with a space cannot carry them");
  for (const auto& m : more.merges) elements.push_back(merge_text(m, pairs));
  if (more.all_merges || (pairs && !had_pairs)) {
    doc.text().replace_elements(doc.merges(), elements);
  } else {
    doc.text().append_elements(doc.merges(), elements);
  }
  return done{};
}

}  // namespace detail

/// The document with more tokens and merges; every other byte of it stays.
///
/// New tokens come after the largest id, added tokens included. The reference numbers added tokens that the
/// model lacks by their turn, from the model's count on: so these are entered into the model with the ids
/// that they have, and keep them. Merges take the form that the file has; texts become pairs when a token has
/// a space in it.
///
/// Fails with the errors of `tokenizer_document::parse`; `out_of_range` for an id that does not rise above
/// all before it; `duplicate_key` for a content that is there; `bad_utf8`; `bad_merge`, with the row in the
/// addition, for a merge that does not join two tokens into a third (the reference refuses such a file);
/// `unsupported` for merges of a model without; for Unigram `bad_value` where ids leave a gap and
/// `not_finite` for a score.
[[nodiscard]] inline result<edited_tokenizer> add_tokens(std::string text, const tokenizer_addition& more) {
  auto doc = tokenizer_document::parse(std::move(text));
  if (!doc) return doc.error();
  edited_tokenizer out;
  std::set<std::string_view> texts;
  index_t next = doc->size();
  for (const spelled_token& t : more.tokens) {
    if (t.id < next) {
      return failure{.code = errc::out_of_range,
                     .key = "id of \"" + t.text + "\"",
                     .expected = static_cast<std::uint64_t>(next),
                     .found = static_cast<std::uint64_t>(t.id)};
    }
    if (!is_utf8(t.text)) return failure{.code = errc::bad_utf8, .key = "token " + std::to_string(t.id)};
    if (doc->find_any(t.text) != no_token || !texts.insert(t.text).second) {
      return failure{.code = errc::duplicate_key, .key = "\"" + t.text + "\""};
    }
    next = index_t{t.id} + 1;
  }
  const bool bpe = doc->kind() == tokenizer_model::bpe;
  if (!bpe && !more.merges.empty())
    return failure{.code = errc::unsupported, .key = "merges of a model without"};
  const std::string prefix = bpe ? doc->prefix() : "";
  const auto known = [&](const std::string& t) { return doc->find(t) != no_token || texts.contains(t); };
  for (std::size_t row = 0; row < more.merges.size(); ++row) {
    const auto& [left, right] = more.merges[row];
    const bool marked = right.compare(0, prefix.size(), prefix) == 0;
    if (left.empty() || right.empty() || !marked || !known(left) || !known(right) ||
        !known(left + right.substr(prefix.size()))) {
      return failure{.code = errc::bad_merge, .key = "new merges", .row = row};
    }
  }
  std::vector<spelled_token> entries;
  if (!more.tokens.empty()) {
    auto moved = detail::moved_into_model(*doc);
    if (!moved) return moved.error();
    entries = std::move(*moved);
  }
  if (!entries.empty()) {
    out.notes.push_back(
        std::to_string(entries.size()) +
        " added tokens were entered into the model, which keeps their ids when it has more tokens");
  }
  entries.insert(entries.end(), more.tokens.begin(), more.tokens.end());
  if (doc->kind() == tokenizer_model::unigram) {
    if (auto ok = detail::require_positions(*doc, entries); !ok) return ok.error();
    std::vector<std::string> elements;
    for (const spelled_token& t : entries) elements.push_back(json::array({t.text, t.score}).dump());
    doc->text().append_elements(doc->vocabulary(), elements);
  } else {
    std::vector<std::pair<std::string, std::string>> members;
    for (const spelled_token& t : entries) members.emplace_back(t.text, std::to_string(t.id));
    doc->text().append_members(doc->vocabulary(), members);
  }
  if (bpe && (more.all_merges || !more.merges.empty())) {
    if (auto ok = detail::add_merges(*doc, more, out.notes); !ok) return ok.error();
  }
  out.text = doc->text().edited();
  return out;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
