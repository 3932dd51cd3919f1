// SPDX-License-Identifier: MIT
/// @file vocab/prepend_aux.hpp
/// New merges before the old ones, as a reference release places them.
#pragma once

#include "auxiliary.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Expands as a reference release does (compat mode "prepend_aux": gucci-j/lowres-cve, the Hugging Face path).
/// The auxiliary merges are walked in order while fewer than `tokens` were added: an unknown left side, an
/// unknown right side and the whole become tokens, so that up to two more than `tokens` can come out. Where
/// both sides are the same unknown token, it takes two ids, and the first of them has no token.
///
/// The list of merges is then: the auxiliary merges that the source has or whose three texts are tokens now,
/// in auxiliary order, and after them the source's other merges. New merges so go before old ones, and old
/// ones change places: new tokens cross what the source keeps together, other languages are cut otherwise, and
/// a source merge may lose its place. Known defects, kept: use `expand` or `append_aux` for what they should be.
/// Merges that would make a token of one of the `reserved` texts are left out, and so is what is made of it.
/// `auxiliary` comes from `auxiliary_of`. Fails with `out_of_range`, and with `unsupported` for models with
/// a prefix or suffix.
template <piece_counts Counts>
result<expanded> prepend_aux(const bpe& source, const bpe& auxiliary, const Counts& counts,
                             std::size_t tokens, token_id first_id = no_token,
                             const reserved_texts& reserved = {}) {
  if (auto ok = detail::require_plain(source); !ok) return ok.error();
  if (auto ok = detail::require_plain(auxiliary); !ok) return ok.error();
  const auto first = detail::first_new_id(source, first_id, tokens);
  if (!first) return first.error();
  token_table texts = source.tokens();
  std::vector<new_token> added;
  std::vector<merge> list;
  token_id next = *first;
  const auto text_of = [&](token_id t) { return std::string(auxiliary.bytes_of(t)); };
  const auto add = [&](const std::string& text) -> result<done> {
    added.push_back({.id = next, .text = text});
    return texts.add(next++, text);
  };
  std::size_t counted = 0;
  for (const merge& m : auxiliary.merges()) {
    if (counted >= tokens) break;
    const std::string left = text_of(m.left), right = text_of(m.right), whole = text_of(m.result);
    if (texts.find(whole) != no_token) continue;
    const auto barred = [&](const std::string& text) {
      return texts.find(text) == no_token && reserved.contains(text);
    };
    if (barred(left) || barred(right) || barred(whole)) continue;
    const bool lacks_left = texts.find(left) == no_token, lacks_right = texts.find(right) == no_token;
    counted += (lacks_left ? 1u : 0u) + (lacks_right ? 1u : 0u) + 1u;
    if (lacks_left && lacks_right && left == right) ++next;  // the first id is overwritten by the second
    if (lacks_left && left != right) {
      if (auto ok = add(left); !ok) return ok.error();
    }
    if (lacks_right) {
      if (auto ok = add(right); !ok) return ok.error();
    }
    if (auto ok = add(whole); !ok) return ok.error();
  }
  const merge_table old(source.merges());
  std::set<std::pair<token_id, token_id>> moved;
  for (const merge& m : auxiliary.merges()) {
    const merge here{texts.find(auxiliary.bytes_of(m.left)), texts.find(auxiliary.bytes_of(m.right)),
                     texts.find(auxiliary.bytes_of(m.result))};
    if (here.left == no_token || here.right == no_token || here.result == no_token) continue;
    list.push_back(here);
    moved.emplace(here.left, here.right);
  }
  for (const merge& m : source.merges()) {
    if (!moved.contains({m.left, m.right})) list.push_back(m);
  }
  std::vector<merge> rules;
  for (const merge& m : list) {
    if (m.result < *first) continue;
    rules.push_back(m);
    const auto t = std::lower_bound(added.begin(), added.end(), m.result,
                                    [](const new_token& n, token_id id) { return n.id < id; });
    if (t->left == no_token) {
      t->left = m.left;
      t->right = m.right;
    }
  }
  auto model = bpe::make(std::move(texts), std::move(list), source.options());
  if (!model) return model.error();
  expanded out{
      .model = std::move(*model), .tokens = std::move(added), .merges = std::move(rules), .appended = false};
  if (counted < tokens) out.end = learning_end::no_pairs;
  detail::finish_expansion(source, *first, counts, out);
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
