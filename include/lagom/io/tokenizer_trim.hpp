// SPDX-License-Identifier: MIT
/// @file io/tokenizer_trim.hpp
/// Taking tokens out of a tokenizer.json and numbering the others anew.
#pragma once

#include "config_edit.hpp"
#include "tokenizer_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

/// One trimming of one document.
class tokenizer_trimmer {
 public:
  tokenizer_trimmer(tokenizer_document& doc, const id_map& ids) : doc_(doc), ids_(ids) {}

  result<edited_tokenizer> run() {
    if (auto ok = require_specials(); !ok) return ok.error();
    trim_added();
    trim_vocabulary();
    if (doc_.kind() == tokenizer_model::bpe) trim_merges();
    for (auto& [at, with] : changes_) doc_.text().replace(at, std::move(with));
    return edited_tokenizer{doc_.text().edited(), std::move(notes_)};
  }

 private:
  [[nodiscard]] token_id now(token_id id) const { return static_cast<token_id>(mapped_id(ids_, id)); }

  /// The tokens that other parts of the document speak of must stay; their ids are brought up to date.
  result<done> require_specials() {
    json_text& text = doc_.text();
    const json* const model = doc_.find_json("model");
    if (const json* const unk = find(*model, "unk_token"); unk != nullptr && unk->is_string()) {
      const token_id id = doc_.find_any(unk->get<std::string>());
      if (id != no_token && now(id) == no_token) return gone("model.unk_token", id);
    }
    if (const auto at = text.find({"model", "unk_id"})) {
      if (auto ok = remap(*at, "model.unk_id"); !ok) return ok;
    }
    if (const auto at = text.find({"padding", "pad_id"})) {
      if (auto ok = remap(*at, "padding.pad_id"); !ok) return ok;
    }
    const auto at = text.find({"post_processor"});
    return at ? visit_processor(*at, "post_processor") : result<done>(done{});
  }

  result<done> visit_processor(json_span at, const std::string& where) {
    json_text& text = doc_.text();
    result<done> ok = done{};
    const auto keep_first = [&](result<done> next) {
      if (ok && !next) ok = next.error();
    };
    if (const auto list = text.member(at, "processors")) {
      text.for_each_element(
          *list, [&](json_span each) { keep_first(visit_processor(each, where + ".processors")); });
    }
    for (const char* const key : {"cls", "sep"}) {  // [content, id]
      const auto pair = text.member(at, key);
      if (!pair) continue;
      int place = 0;
      text.for_each_element(*pair, [&](json_span each) {
        if (place++ == 1) keep_first(remap(each, where + "." + key));
      });
    }
    if (const auto specials = text.member(at, "special_tokens")) {
      text.for_each_member(*specials, [&](std::string_view name, json_span special, json_span) {
        const auto list = text.member(special, "ids");
        if (!list) return;
        text.for_each_element(*list, [&](json_span each) {
          keep_first(remap(each, where + ".special_tokens." + std::string(name)));
        });
      });
    }
    return ok;
  }

  result<done> remap(json_span at, const std::string& where) {
    const json value = json::parse(doc_.text().raw(at));
    if (value.is_null()) return done{};
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7FFFFFFE) {
      return failure{.code = errc::wrong_type, .key = where};
    }
    const auto id = static_cast<token_id>(value.get<std::uint64_t>());
    if (now(id) == no_token) return gone(where, id);
    if (now(id) != id) changes_.emplace_back(at, std::to_string(now(id)));
    return done{};
  }
  static failure gone(const std::string& where, token_id id) {
    return {.code = errc::unknown_token, .key = where, .found = static_cast<std::uint64_t>(id)};
  }

  void trim_added() {
    const auto list = doc_.text().find({"added_tokens"});
    if (!list || doc_.text().raw(*list) == "null") return;
    std::vector<std::string> elements;
    for (const auto& t : doc_.added()) {
      if (now(t.id) == no_token) {
        notes_.push_back("added token \"" + t.content +
                         "\" is taken out; a tokenizer class that expects it would make it anew");
        continue;
      }
      json_text entry = std::move(*json_text::parse(std::string(doc_.text().raw(t.element))));
      entry.replace(*entry.find({"id"}), std::to_string(now(t.id)));
      elements.push_back(entry.edited());
    }
    doc_.text().replace_elements(*list, elements);
  }

  /// Whether the reference would give the added tokens that the model lacks the ids that they are to have.
  [[nodiscard]] bool numbered_by_turn(std::size_t model_count) const {
    auto next = static_cast<token_id>(model_count);
    for (const auto& t : doc_.added()) {
      const token_id id = now(t.id);
      if (id == no_token) continue;
      const bool in_model = doc_.find(t.content) != no_token;
      if (in_model ? id >= static_cast<token_id>(model_count) : id != next++) return false;
    }
    return true;
  }

  void trim_vocabulary() {
    std::vector<spelled_token> kept;
    for (const auto& t : doc_.tokens()) {
      if (now(t.id) != no_token) kept.push_back({now(t.id), t.content});
    }
    std::vector<spelled_token> moved;
    if (!numbered_by_turn(kept.size())) {
      for (const auto& t : doc_.beyond()) {
        if (now(t.id) != no_token) moved.push_back({now(t.id), t.content});
      }
      notes_.push_back(std::to_string(moved.size()) +
                       " added tokens were entered into the model, which keeps their ids");
    }
    if (doc_.kind() == tokenizer_model::unigram) {
      trim_pieces(moved);
      return;
    }
    kept.insert(kept.end(), moved.begin(), moved.end());
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    std::vector<std::pair<std::string, std::string>> members;
    for (const spelled_token& t : kept) members.emplace_back(t.text, std::to_string(t.id));
    doc_.text().replace_members(doc_.vocabulary(), members);
  }

  /// Pieces keep the spelling of their scores. Added tokens beyond the list come behind it in any case.
  void trim_pieces(const std::vector<spelled_token>& moved) {
    const json& list = (*doc_.find_json("model"))["vocab"];
    double least_before = 0, least_now = 0;
    std::vector<std::string> elements;
    std::size_t row = 0;
    doc_.text().for_each_element(doc_.vocabulary(), [&](json_span e) {
      const double score = list[row][1].get<double>();
      least_before = std::min(least_before, score);
      if (now(static_cast<token_id>(row++)) == no_token) return;
      least_now = std::min(least_now, score);
      elements.emplace_back(doc_.text().raw(e));
    });
    for (const spelled_token& t : moved) elements.push_back(json::array({t.text, least_now}).dump());
    doc_.text().replace_elements(doc_.vocabulary(), elements);
    if (least_now > least_before) {
      notes_.push_back("the least likely piece is gone, and with it the score of unknown characters moved");
    }
  }

  void trim_merges() {
    const json& list = doc_.merge_list();
    const std::string prefix = doc_.prefix();
    const auto stays = [&](std::string_view text) {
      const token_id id = doc_.find(std::string(text));
      return id != no_token && now(id) != no_token;
    };
    std::size_t taken_out = 0;
    doc_.text().filter(doc_.merges(), [&](std::size_t row) {
      const auto [left, right] = tokenizer_document::sides(list[row]);
      const bool marked = right.substr(0, prefix.size()) == prefix;
      const bool keep = !left.empty() && marked && stays(left) && stays(right) &&
                        stays(std::string(left).append(right.substr(prefix.size())));
      taken_out += keep ? 0 : 1;
      return keep;
    });
    if (taken_out > 0) {
      notes_.push_back(std::to_string(taken_out) + " merges were taken out with their tokens");
    }
  }

  tokenizer_document& doc_;
  const id_map& ids_;
  std::vector<std::pair<json_span, std::string>> changes_;
  std::vector<std::string> notes_;
};

}  // namespace detail

/// The document with some of its tokens only: the kept ids, rising, become 0, 1, 2... Merges stay whose two
/// sides and result stay, in their order. Ids are brought up to date in the vocabulary, the added tokens, the
/// post-processor, the padding and the unknown token; every other byte stays.
///
/// Trimming is exact where `kept` is closed as `vocab` makes it; here nothing is added to it. Fails with the
/// errors of `tokenizer_document::parse` and `map_of_kept`; `unknown_token` for a token that the document
/// needs (unknown, padding, post-processor) and that is not kept; `empty` when nothing is kept.
[[nodiscard]] inline result<edited_tokenizer> keep_tokens(std::string text, std::span<const token_id> kept) {
  auto doc = tokenizer_document::parse(std::move(text));
  if (!doc) return doc.error();
  if (kept.empty()) return failure{.code = errc::empty, .key = "kept ids"};
  auto ids = map_of_kept(kept, doc->size());
  if (!ids) return ids.error();
  return detail::tokenizer_trimmer(*doc, *ids).run();
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
