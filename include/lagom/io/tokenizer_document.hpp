// SPDX-License-Identifier: MIT
/// @file io/tokenizer_document.hpp
/// A tokenizer.json as a text to edit: where its tokens stand, and which ids they have.
#pragma once

#include <unordered_map>

#include "../core/types.hpp"
#include "json_text.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The models whose files can be edited.
enum class tokenizer_model : std::uint8_t {
  bpe,      ///< a vocabulary by content, and merges
  unigram,  ///< a list of pieces and scores; ids are positions
  words,    ///< WordPiece and WordLevel: a vocabulary by content
};

/// The parts of a tokenizer.json that a change of the vocabulary touches. Nothing of it is run: normalizers,
/// pre-tokenizers and decoders may be of any kind.
class tokenizer_document {
 public:
  struct token {
    std::string content{};
    token_id id = no_token;
    json_span element{};  ///< of an added token: its entry
    bool special = false;
  };

  /// Fails with the errors of `parse_json`; `missing_key`, `wrong_type`; `out_of_range` for an id that is
  /// negative, over 2^31 - 2, or so large that most ids below it have no token (over 2^22 and over 16 times the
  /// number of tokens); `duplicate_key` for an id of two contents or a content of two ids;
  /// `unsupported` for other models.
  static result<tokenizer_document> parse(std::string text) {
    auto document = json_text::parse(std::move(text));
    if (!document) return document.error();
    tokenizer_document out(std::move(*document));
    if (auto ok = out.read(); !ok) return ok.error();
    return out;
  }

  [[nodiscard]] tokenizer_model kind() const noexcept { return kind_; }
  [[nodiscard]] const json_text& text() const noexcept { return text_; }
  [[nodiscard]] json_text& text() noexcept { return text_; }

  /// Tokens of the model by rising id.
  [[nodiscard]] const std::vector<token>& tokens() const noexcept { return tokens_; }
  /// Added tokens as they are listed.
  [[nodiscard]] const std::vector<token>& added() const noexcept { return added_; }
  /// The model's id of a content; `no_token` when there is none.
  [[nodiscard]] token_id find(const std::string& content) const {
    const auto at = ids_.find(content);
    return at == ids_.end() ? no_token : at->second;
  }
  /// The id of a content, the added tokens' too.
  [[nodiscard]] token_id find_any(const std::string& content) const {
    if (const token_id id = find(content); id != no_token) return id;
    for (const token& t : added_) {
      if (t.content == content) return t.id;
    }
    return no_token;
  }
  /// One more than the largest id.
  [[nodiscard]] index_t size() const noexcept { return size_; }

  /// Added tokens that the model does not have, by rising id. The reference numbers them by turn, from the
  /// model's count on: more tokens in the model would move them.
  [[nodiscard]] std::vector<token> beyond() const {
    std::vector<token> out;
    for (const token& t : added_) {
      if (find(t.content) == no_token) out.push_back(t);
    }
    std::stable_sort(out.begin(), out.end(), [](const token& a, const token& b) { return a.id < b.id; });
    out.erase(std::unique(out.begin(), out.end(),
                          [](const token& a, const token& b) { return a.content == b.content; }),
              out.end());
    return out;
  }

  [[nodiscard]] json_span vocabulary() const noexcept { return vocabulary_; }
  /// The list of merges of a BPE model.
  [[nodiscard]] json_span merges() const noexcept { return merges_; }
  [[nodiscard]] const json& merge_list() const { return (*find_json("model"))["merges"]; }
  [[nodiscard]] std::string prefix() const {
    const json* const at = io::find(*find_json("model"), "continuing_subword_prefix");
    return at != nullptr && at->is_string() ? at->get<std::string>() : "";
  }
  [[nodiscard]] const json* find_json(const char* key) const { return io::find(text_.value(), key); }

  /// The sides of a merge, which is a text with one space or a list of two texts; empty ones when it is
  /// neither.
  static std::pair<std::string_view, std::string_view> sides(const json& entry) {
    if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
      return {entry[0].get_ref<const std::string&>(), entry[1].get_ref<const std::string&>()};
    }
    if (!entry.is_string()) return {};
    const std::string_view line = entry.get_ref<const std::string&>();
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) return {};
    return {line.substr(0, space), line.substr(space + 1)};
  }

 private:
  static constexpr std::uint64_t id_limit = 0x7FFFFFFE;

  explicit tokenizer_document(json_text text) : text_(std::move(text)) {}

  result<done> read() {
    const json& root = text_.value();
    if (!root.is_object()) return failure{.code = errc::wrong_type, .key = "tokenizer.json"};
    const json* const model = io::find(root, "model");
    if (model == nullptr) return failure{.code = errc::missing_key, .key = "model"};
    if (!model->is_object()) return failure{.code = errc::wrong_type, .key = "model"};
    const json* const words = io::find(*model, "vocab");
    if (words == nullptr) return failure{.code = errc::missing_key, .key = "model.vocab"};
    if (auto ok = read_kind(*model, *words); !ok) return ok;
    vocabulary_ = *text_.find({"model", "vocab"});
    if (kind_ == tokenizer_model::bpe) {
      const json* const list = io::find(*model, "merges");
      if (list == nullptr) return failure{.code = errc::missing_key, .key = "model.merges"};
      if (!list->is_array()) return failure{.code = errc::wrong_type, .key = "model.merges"};
      merges_ = *text_.find({"model", "merges"});
    }
    if (auto ok = kind_ == tokenizer_model::unigram ? read_pieces(*words) : read_words(*words); !ok)
      return ok;
    return read_added(root);
  }

  result<done> read_kind(const json& model, const json& words) {
    const json* const type = io::find(model, "type");
    std::string name = words.is_array() ? "Unigram" : model.contains("merges") ? "BPE" : "WordPiece";
    if (type != nullptr) {
      if (!type->is_string()) return failure{.code = errc::wrong_type, .key = "model.type"};
      name = type->get<std::string>();
    }
    if (name == "Unigram") {
      kind_ = tokenizer_model::unigram;
    } else if (name == "BPE") {
      kind_ = tokenizer_model::bpe;
    } else if (name == "WordPiece" || name == "WordLevel") {
      kind_ = tokenizer_model::words;
    } else {
      return failure{.code = errc::unsupported, .key = "model.type " + name};
    }
    const bool right = kind_ == tokenizer_model::unigram ? words.is_array() : words.is_object();
    if (!right) return failure{.code = errc::wrong_type, .key = "model.vocab"};
    return done{};
  }

  static result<token_id> id_of(const json& number, const std::string& where) {
    if (!number.is_number_integer()) return failure{.code = errc::wrong_type, .key = where};
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > id_limit) {
      return failure{.code = errc::out_of_range, .key = where};
    }
    return static_cast<token_id>(number.get<std::uint64_t>());
  }

  result<done> read_words(const json& words) {
    for (const auto& [content, number] : words.items()) {
      auto id = id_of(number, "model.vocab \"" + content + "\"");
      if (!id) return id.error();
      tokens_.push_back({.content = content, .id = *id});
      ids_.emplace(content, *id);
    }
    std::sort(tokens_.begin(), tokens_.end(), [](const token& a, const token& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      size_ = std::max(size_, index_t{tokens_[i].id} + 1);
      if (i > 0 && tokens_[i].id == tokens_[i - 1].id) {
        return failure{.code = errc::duplicate_key,
                       .key = "model.vocab \"" + tokens_[i].content + "\"",
                       .found = static_cast<std::uint64_t>(tokens_[i].id)};
      }
    }
    return done{};
  }

  result<done> read_pieces(const json& words) {
    for (const json& entry : words) {
      const auto row = static_cast<std::uint64_t>(tokens_.size());
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
        return failure{.code = errc::wrong_type, .key = "model.vocab", .row = row};
      }
      token t{.content = entry[0].get<std::string>(), .id = static_cast<token_id>(row)};
      ids_.emplace(t.content, t.id);  // of two equal pieces the first has the content
      tokens_.push_back(std::move(t));
      size_ = static_cast<index_t>(tokens_.size());
    }
    return done{};
  }

  result<done> read_added(const json& root) {
    const json* const list = io::find(root, "added_tokens");
    if (list == nullptr || list->is_null()) return done{};
    if (!list->is_array()) return failure{.code = errc::wrong_type, .key = "added_tokens"};
    std::vector<json_span> elements;
    text_.for_each_element(*text_.find({"added_tokens"}), [&](json_span e) { elements.push_back(e); });
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string where = "added_tokens[" + std::to_string(i) + "]";
      const json* const content = io::find((*list)[i], "content");
      const json* const number = io::find((*list)[i], "id");
      if (content == nullptr || number == nullptr) {
        return failure{.code = errc::missing_key, .key = where + (content == nullptr ? ".content" : ".id")};
      }
      if (!content->is_string()) return failure{.code = errc::wrong_type, .key = where + ".content"};
      auto id = id_of(*number, where + ".id");
      if (!id) return id.error();
      const json* const special = io::find((*list)[i], "special");
      added_.push_back({.content = content->get<std::string>(),
                        .id = *id,
                        .element = elements[i],
                        .special = special != nullptr && special->is_boolean() && special->get<bool>()});
      const token_id known = find(added_.back().content);
      if (known != no_token && known != *id) {
        return failure{.code = errc::bad_value,
                       .key = where + ".id",
                       .expected = static_cast<std::uint64_t>(known),
                       .found = static_cast<std::uint64_t>(*id)};
      }
      size_ = std::max(size_, index_t{*id} + 1);
    }
    return require_one_id_each();
  }

  /// No id has two contents, and no content two ids.
  result<done> require_one_id_each() const {
    const std::uint64_t believable =
        std::max(std::uint64_t{1} << 22, std::uint64_t{16} * (tokens_.size() + added_.size()));
    if (static_cast<std::uint64_t>(size_) >
        believable) {  // tables by id follow: most ids would have no token
      return failure{.code = errc::out_of_range,
                     .key = "largest id",
                     .expected = believable,
                     .found = static_cast<std::uint64_t>(size_)};
    }
    std::unordered_map<token_id, const std::string*> by_id;
    std::unordered_map<std::string, token_id> by_content;
    for (const token& t : tokens_) by_id.emplace(t.id, &t.content);
    for (const token& t : added_) {
      const bool same_content = *by_id.emplace(t.id, &t.content).first->second == t.content;
      if (same_content && by_content.emplace(t.content, t.id).first->second == t.id) continue;
      return failure{.code = errc::duplicate_key,
                     .key = "added_tokens \"" + t.content + "\"",
                     .found = static_cast<std::uint64_t>(t.id)};
    }
    return done{};
  }

  json_text text_;
  tokenizer_model kind_{};
  json_span vocabulary_{}, merges_{};
  std::vector<token> tokens_, added_;
  std::unordered_map<std::string, token_id> ids_;
  index_t size_ = 0;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
