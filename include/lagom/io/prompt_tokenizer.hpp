// SPDX-License-Identifier: MIT
/// @file io/prompt_tokenizer.hpp
/// A tokenizer from a file as prompts need it: literals and contents apart, tokens with their bytes, and counts.
#pragma once

#include <array>

#include "../prompt/joint.hpp"
#include "../prompt/spelled_offsets.hpp"
#include "any_tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Sees a tokenizer, and has what the mask policies `isolated` and `joint` and budgets ask for. Control tokens are
/// the special tokens of a tokenizer.json, and the control pieces of a SentencePiece model, which are found in
/// literals here although SentencePiece itself never finds them in a text.
///
/// ```cpp
/// prompt_tokenizer tokens(*tokenizer);
/// row_verdict verdict = prompt::joint{}(pieces, tokens, row);
/// ```
/// Keeps scratch: one a thread.
class prompt_tokenizer {
 public:
  explicit prompt_tokenizer(const hf_tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  explicit prompt_tokenizer(const sentencepiece_tokenizer& tokenizer) : tokenizer_(&tokenizer) {
    const auto& pieces = tokenizer.model().pieces;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].kind == sentencepiece_kind::control && !pieces[i].text.empty()) {
        controls_.push_back({pieces[i].text, static_cast<token_id>(i)});
        begins_control_[static_cast<unsigned char>(pieces[i].text[0])] = true;
      }
    }
  }
  explicit prompt_tokenizer(const any_tokenizer& tokenizer)
      : prompt_tokenizer(tokenizer.visit([](const auto& t) { return prompt_tokenizer(t); })) {}

  /// Calls `sink(token)` for every token; the text may spell control tokens.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    if (const auto* const hf = get<hf_tokenizer>()) return hf->encode(text, hf_scratch_, sink);
    for_each_part(text, [&](std::string_view part, std::size_t, token_id found) {
      if (found != no_token) {
        sink(found);
      } else {
        get<sentencepiece_tokenizer>()->encode(part, sp_scratch_, sink);
      }
    });
  }

  /// The same for text that a user gave: control tokens are not looked for.
  template <std::invocable<token_id> Sink>
  void encode_plain(std::string_view text, Sink&& sink) const {
    if (const auto* const hf = get<hf_tokenizer>()) return hf->encode_plain(text, hf_scratch_, sink);
    get<sentencepiece_tokenizer>()->encode(text, sp_scratch_, sink);
  }

  /// Calls `sink(token, begin, end)` with the bytes of the text under each token of `encode`. Exact to the byte where
  /// the tokens spell the text; else, for a tokenizer.json, the characters that Hugging Face tokenizers names, which
  /// may overlap and leave gaps. False where neither is to be had.
  template <class Sink>
  bool encode_offsets(std::string_view text, Sink&& sink) const {
    places_.clear();
    const auto keep = [this](token_id id, std::size_t begin, std::size_t end) {
      places_.push_back({id, begin, end});
    };
    if (!spell(text, keep)) {
      const auto* const hf = get<hf_tokenizer>();
      if (hf == nullptr) return false;
      characters(*hf, text);
    }
    for (const place& p : places_) sink(p.id, p.begin, p.end);
    return true;
  }

  [[nodiscard]] bool is_control(token_id token) const {
    if (const auto* const hf = get<hf_tokenizer>()) return hf->is_special(token);
    return find_control(token) != nullptr;
  }

  /// Tokens of a text: `token_counter`.
  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t n = 0;
    encode(text, [&n](token_id) { ++n; });
    return n;
  }

  [[nodiscard]] std::string_view bytes_of(token_id token) const {
    if (const auto* const hf = get<hf_tokenizer>()) return hf->bytes_of(token);
    const control* const found = find_control(token);
    return found != nullptr ? found->text : get<sentencepiece_tokenizer>()->bytes_of(token);
  }
  [[nodiscard]] index_t size() const {
    return std::visit([](const auto* t) { return t->size(); }, tokenizer_);
  }

 private:
  struct control {
    std::string_view text;
    token_id id;
  };
  struct place {
    token_id id;
    std::size_t begin, end;
  };

  template <class T>
  [[nodiscard]] const T* get() const noexcept {
    const T* const* const at = std::get_if<const T*>(&tokenizer_);
    return at == nullptr ? nullptr : *at;
  }

  [[nodiscard]] const control* find_control(token_id token) const noexcept {
    const auto at = std::lower_bound(controls_.begin(), controls_.end(), token,
                                     [](const control& c, token_id id) { return c.id < id; });
    return at != controls_.end() && at->id == token ? &*at : nullptr;
  }

  // Calls `visit(part, begin, control)`: the longest control pieces, and what is between.
  template <class Visit>
  void for_each_part(std::string_view text, Visit visit) const {
    std::size_t done_to = 0;
    for (std::size_t at = 0; at < text.size();) {
      const control* found = nullptr;
      const bool may = begins_control_[static_cast<unsigned char>(text[at])];
      for (std::size_t i = 0; may && i < controls_.size(); ++i) {
        const control& c = controls_[i];
        const bool longer = found == nullptr || c.text.size() > found->text.size();
        if (longer && text.substr(at, c.text.size()) == c.text) found = &c;
      }
      if (found == nullptr) {
        ++at;
        continue;
      }
      if (at > done_to) visit(text.substr(done_to, at - done_to), done_to, no_token);
      visit(found->text, at, found->id);
      at = done_to = at + found->text.size();
    }
    if (done_to < text.size()) visit(text.substr(done_to), done_to, no_token);
  }

  // Tokens one after the other, each of which spells what comes next.
  template <class Keep>
  bool spell(std::string_view text, Keep keep) const {
    if (const auto* const hf = get<hf_tokenizer>())
      return prompt::encode_spelled(text, whole{*hf, hf_scratch_}, ids_, keep);
    const part_of_text inner{*get<sentencepiece_tokenizer>(), sp_scratch_};
    bool ok = true;
    for_each_part(text, [&](std::string_view part, std::size_t begin, token_id found) {
      const auto shifted = [&](token_id id, std::size_t b, std::size_t e) { keep(id, begin + b, begin + e); };
      if (found != no_token) {
        shifted(found, 0, part.size());
      } else {
        ok = prompt::encode_spelled(part, inner, ids_, shifted) && ok;
      }
    });
    return ok;
  }

  // From characters to bytes.
  void characters(const hf_tokenizer& hf, std::string_view text) const {
    begins_.clear();
    for (std::size_t at = 0; at < text.size(); at += decode_utf8(text, at).length) begins_.push_back(at);
    begins_.push_back(text.size());
    places_.clear();
    hf.encode_with_offsets(text, [&](const token_span& s) {
      const std::size_t last = begins_.size() - 1;
      places_.push_back(
          {s.token, begins_[std::min(s.char_begin, last)], begins_[std::min(s.char_end, last)]});
    });
  }

  struct whole {
    const hf_tokenizer& tokenizer;
    tokenizer_scratch& scratch;
    template <class Sink>
    void encode(std::string_view text, Sink&& sink) const {
      tokenizer.encode(text, scratch, sink);
    }
    [[nodiscard]] std::string_view bytes_of(token_id id) const { return tokenizer.bytes_of(id); }
    [[nodiscard]] index_t size() const { return tokenizer.size(); }
    [[nodiscard]] bool starts_over(token_id id) const { return tokenizer.is_added(id); }
  };
  struct part_of_text {
    const sentencepiece_tokenizer& tokenizer;
    sentencepiece_scratch& scratch;
    template <class Sink>
    void encode(std::string_view text, Sink&& sink) const {
      tokenizer.encode(text, scratch, sink);
    }
    [[nodiscard]] std::string_view bytes_of(token_id id) const { return tokenizer.bytes_of(id); }
    [[nodiscard]] index_t size() const { return tokenizer.size(); }
  };

  std::variant<const hf_tokenizer*, const sentencepiece_tokenizer*> tokenizer_;
  std::vector<control> controls_;  // by id
  std::array<bool, 256> begins_control_{};
  mutable tokenizer_scratch hf_scratch_;
  mutable sentencepiece_scratch sp_scratch_;
  mutable std::vector<token_id> ids_;
  mutable std::vector<place> places_;
  mutable std::vector<std::size_t> begins_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
