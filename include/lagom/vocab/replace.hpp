// SPDX-License-Identifier: MIT
/// @file vocab/replace.hpp
/// A vocabulary exchanged for another one: which rows are the same, and what the others are made of.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "../core/result.hpp"
#include "fill_expansion.hpp"
#include "token_counts.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Two tokens that do the same job: the begin of text here and there, the end, the padding.
struct role_pair {
  source_id source = source_id::none;
  target_id target = target_id::none;
};

struct replace_options {
  /// The most important role first: where two roles share a target token, the first one decides (the begin
  /// of text before the padding). A role that a side lacks is `none` there, and passed over.
  std::vector<role_pair> roles{};
};

namespace detail {

template <class T>
[[nodiscard]] bool is_added_token(const T& t, token_id id) {
  if constexpr (requires { t.is_added(id); }) return t.is_added(id);
  return false;
}

/// Whether a tokenizer's model is given "▁" for spaces: tokenizers that keep their tokens' spellings say.
template <class T>
[[nodiscard]] bool takes_marks(const T& t) {
  if constexpr (requires { t.content_of(token_id{}); }) {
    for (token_id id = 0; id < t.size(); ++id) {
      const std::string content(t.content_of(id));
      if (content.compare(0, space_mark.size(), space_mark) == 0) return t.bytes_of(id).substr(0, 1) == " ";
    }
  }
  return false;
}

/// Tokens of bytes by the model alone: no normalizer, nothing put before, no added tokens.
template <tokenizer T>
class model_of_bytes {
 public:
  explicit model_of_bytes(const T& t) : tokenizer_(&t), marks_(takes_marks(t)) {}

  void operator()(std::string_view bytes, std::vector<token_id>& out) {
    out.clear();
    if (bytes.empty()) return;
    if (marks_) {
      text_.clear();
      for (const char c : bytes) c == ' ' ? text_.append(space_mark) : text_.append(1, c);
      bytes = text_;
    }
    encode_piece(*tokenizer_, bytes, [&](token_id t) { out.push_back(t); });
  }

  /// Whether a token is what its bytes become. Of two tokens with the same bytes (a byte token and the literal)
  /// that is one at most.
  bool is_usual(token_id token) {
    (*this)(tokenizer_->bytes_of(token), ids_);
    return ids_.size() == 1 && ids_[0] == token;
  }

 private:
  const T* tokenizer_;
  bool marks_;
  std::string text_;
  std::vector<token_id> ids_;
};

/// Ids of a tokenizer by the bytes of its tokens; added tokens apart, the usual one of several first.
template <tokenizer T>
class ids_by_bytes {
 public:
  struct entry {
    std::string_view bytes{};
    bool added = false;
    int order = 0;  // 0: usual
    token_id id = no_token;
    friend auto operator<=>(const entry&, const entry&) = default;
  };

  explicit ids_by_bytes(const T& t) {
    model_of_bytes<T> model(t);
    for (token_id id = 0; id < t.size(); ++id) {
      const bool added = is_added_token(t, id);
      if (std::string_view(t.bytes_of(id)).empty()) continue;
      entries_.push_back({t.bytes_of(id), added, added || model.is_usual(id) ? 0 : 1, id});
    }
    std::sort(entries_.begin(), entries_.end());
  }

  /// The token with these bytes; of several, one that is as usual as asked for, if there is.
  [[nodiscard]] token_id find(std::string_view bytes, bool added, bool usual) const {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), entry{bytes, added, 0, no_token});
    const auto fits = [&](auto e) { return e != entries_.end() && e->bytes == bytes && e->added == added; };
    if (!fits(at)) return no_token;
    return !usual && at->order == 0 && fits(at + 1) ? (at + 1)->id : at->id;
  }

 private:
  std::vector<entry> entries_;  // sorted; views into the tokenizer
};

template <class T, class Visit>
void for_each_merge(const T& t, Visit visit) {
  if constexpr (requires { t.merges(); }) {
    for (const merge& m : t.merges()) visit(m);
  } else if constexpr (requires { t.bpe()->merges(); }) {
    if (t.bpe() == nullptr) return;
    for (const merge& m : t.bpe()->merges()) visit(m);
  }
}

}  // namespace detail

/// A replacement: the target's vocabulary with all its rows wanted, from tokenizers of any kinds.
///
/// - `same`: by the roles given, then by equal bytes: added tokens with added ones, others with others. Where
///   several tokens have the same bytes (a byte token beside a literal), the one that the bytes become goes with
///   the one that they become, the other with another if there is one.
/// - `bytes`: `bytes_of` the target; empty for added tokens, whose texts mean nothing to a model.
/// - `source_bytes`: the same of the source.
/// - `pieces`: the source model's tokens of those bytes as one piece, for tokens that are the same too; empty
///   where the source cannot spell them (unknown characters).
/// - `rules`: the target's merges, if it has any.
///
/// A tokenizer that says `is_added(id)`, `content_of(id)` and `bpe()`, as `io::hf_tokenizer` does, is asked.
/// Fails with `out_of_range` for a role that is no token. O(n log n) in the sizes of both vocabularies.
template <tokenizer S, tokenizer T>
result<expansion> replace(const S& source, const T& target, const replace_options& options = {}) {
  expansion out;
  out.source_size = source.size();
  out.target_size = target.size();
  out.same.assign(static_cast<std::size_t>(target.size()), source_id::none);
  for (std::size_t row = 0; row < options.roles.size(); ++row) {
    const role_pair& r = options.roles[row];
    if (r.source == source_id::none || r.target == target_id::none) continue;
    const auto s = static_cast<token_id>(r.source), t = static_cast<token_id>(r.target);
    if (s < 0 || s >= source.size() || t < 0 || t >= target.size()) {
      return failure{.code = errc::out_of_range, .key = "role", .row = row};
    }
    if (source_id& same = out.same[row_of(r.target)]; same == source_id::none) same = r.source;
  }
  const detail::ids_by_bytes<S> by_bytes(source);
  detail::model_of_bytes<S> source_model(source);
  detail::model_of_bytes<T> target_model(target);
  for (token_id id = 0; id < target.size(); ++id) {
    const bool added = detail::is_added_token(target, id);
    const std::string_view bytes = target.bytes_of(id);
    source_id& same = out.same[static_cast<std::size_t>(id)];
    if (same == source_id::none && !bytes.empty()) {
      same = source_id{by_bytes.find(bytes, added, added || target_model.is_usual(id))};
    }
    out.wanted.push_back(target_id{id});
  }
  const auto meaning = [](const auto& t, token_id id) {
    return detail::is_added_token(t, id) ? std::string_view{} : std::string_view(t.bytes_of(id));
  };
  const auto wanted = [&](std::size_t r) { return meaning(target, static_cast<token_id>(out.wanted[r])); };
  std::string spelled;
  detail::fill_expansion(
      out, [&](token_id id) { return meaning(source, id); }, wanted,
      [&](std::size_t r, std::vector<token_id>& ids) {
        source_model(wanted(r), ids);
        spelled.clear();
        for (const token_id id : ids) spelled += source.bytes_of(id);
        return spelled == wanted(r);
      });
  detail::for_each_merge(target, [&](const merge& m) {
    out.rules.push_back({target_id{m.left}, target_id{m.right}, target_id{m.result}});
  });
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
