// SPDX-License-Identifier: MIT
/// @file io/hf/normalizer.hpp
/// The "normalizer" of a tokenizer.json.
#pragma once

#include <variant>

#include "bert.hpp"
#include "precompiled.hpp"
#include "splitter.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

struct hf_prepend {
  std::string prefix;
  void operator()(hf_normalized& n, hf_matcher&) const {
    if (n.text.empty()) return;
    n.text.insert(0, prefix);
    if (n.origin > 0) n.origin += prefix.size();
  }
};

struct hf_replace {
  hf_pattern pattern;
  std::string content;
  void operator()(hf_normalized& n, hf_matcher& matcher) const {
    std::string out;
    std::size_t done = 0, origin = 0;
    const auto keep = [&](std::size_t end) {
      out.append(n.text, done, end - done);
      if (done < n.origin) origin = out.size() - (end > n.origin ? end - n.origin : 0);
      done = end;
    };
    pattern.for_each_match(n.text, matcher, [&](std::size_t begin, std::size_t end) {
      keep(begin);
      out += content;
      if (end <= n.origin) origin = out.size();
      done = end;
    });
    keep(n.text.size());
    n = {std::move(out), origin};
  }
};

/// Normalizers and decoders share "Replace".
[[nodiscard]] inline result<hf_replace> read_replace(const hf_node& node) {
  auto pattern = read_pattern(node);
  if (!pattern) return pattern.error();
  auto content = node.text("content");
  if (!content) return content.error();
  if (pattern->may_match_nothing()) return node.unsupported("Replace of what may match nothing");
  return hf_replace{std::move(*pattern), std::string(*content)};
}

struct hf_unicode_form {
  unicode_form form;
  void operator()(hf_normalized& n, hf_matcher&) const {
    if (is_surely_normalized(n.text, form)) return;
    std::string out, head;
    append_normalized(out, n.text, form);
    if (n.origin > 0) append_normalized(head, std::string_view(n.text).substr(0, n.origin), form);
    // where the text's first character joins what follows, it is the first character of the result
    if (out.compare(0, head.size(), head) != 0) head.resize(decode_utf8(out, 0).length);
    n = {std::move(out), head.size()};
  }
};

struct hf_lowercase {
  void operator()(hf_normalized& n, hf_matcher&) const {
    n.rewrite_chars([](char32_t code, std::string_view, std::string& out) { append_lower(out, code); });
  }
};

struct hf_strip {
  bool left, right;

  /// The begin and the end of what stays of a text.
  [[nodiscard]] std::pair<std::size_t, std::size_t> kept(std::string_view text) const {
    std::size_t first = text.size(),
                last = 0;  // the first and the end of the last character that is no space
    for (std::size_t at = 0; at < text.size();) {
      const utf8_char c = decode_utf8(text, at);
      const bool space = holds(white_space, c.code);
      if (!space) first = std::min(first, at);
      at += c.length;
      if (!space) last = at;
    }
    const std::size_t begin = left ? first : 0;
    return {begin, std::max(begin, right ? last : text.size())};
  }

  void operator()(hf_normalized& n, hf_matcher&) const {
    const auto [begin, end] = kept(n.text);
    n.text = n.text.substr(begin, end - begin);
    n.origin = std::min(n.text.size(), n.origin > begin ? n.origin - begin : 0);
  }
};

struct hf_strip_accents {
  void operator()(hf_normalized& n, hf_matcher&) const {
    n.rewrite_chars([](char32_t code, std::string_view bytes, std::string& out) {
      if (!is_mark(code)) out.append(bytes);
    });
  }
};

/// The steps of a normalizer, in order. Texts are valid UTF-8.
class hf_normalizer {
 public:
  /// Fails with `unsupported` for other kinds than Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD,
  /// Lowercase, Strip, StripAccents, BertNormalizer, Nmt, ByteLevel and Precompiled, and for a Replace that may match
  /// nothing.
  static result<hf_normalizer> read(const hf_node& node) {
    hf_normalizer out;
    if (node.is_null()) return out;
    if (auto ok = out.add(node); !ok) return ok.error();
    return out;
  }

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

  void operator()(hf_normalized& text, hf_matcher& matcher) const {
    for_each_step([&](const auto& run) { run(text, matcher); });
  }

  /// Calls `f(step)` for every step, in order.
  template <class F>
  void for_each_step(F f) const {
    for (const step& s : steps_) std::visit(f, s);
  }

 private:
  using step = std::variant<hf_prepend, hf_replace, hf_unicode_form, hf_lowercase, hf_strip, hf_strip_accents,
                            hf_bert, hf_nmt, hf_spell_bytes, hf_precompiled>;

  result<done> add(const hf_node& node) {
    auto kind = node.kind();
    if (!kind) return kind.error();
    if (*kind == "Sequence") {
      auto list = node.list("normalizers");
      if (!list) return list.error();
      for (const hf_node& each : *list) {
        if (auto ok = add(each); !ok) return ok;
      }
    } else if (*kind == "Prepend") {
      auto prefix = node.text("prepend");
      if (!prefix) return prefix.error();
      steps_.push_back(hf_prepend{std::string(*prefix)});
    } else if (*kind == "Replace") {
      auto replace = read_replace(node);
      if (!replace) return replace.error();
      steps_.push_back(std::move(*replace));
    } else if (*kind == "NFC" || *kind == "NFD" || *kind == "NFKC" || *kind == "NFKD") {
      steps_.push_back(hf_unicode_form{*kind == "NFC"    ? unicode_form::nfc
                                       : *kind == "NFD"  ? unicode_form::nfd
                                       : *kind == "NFKC" ? unicode_form::nfkc
                                                         : unicode_form::nfkd});
    } else if (*kind == "Lowercase") {
      steps_.push_back(hf_lowercase{});
    } else if (*kind == "StripAccents") {
      steps_.push_back(hf_strip_accents{});
    } else if (*kind == "BertNormalizer") {
      auto bert = read_bert(node);
      if (!bert) return bert.error();
      steps_.push_back(*bert);
    } else if (*kind == "Nmt") {
      steps_.push_back(hf_nmt{});
    } else if (*kind == "ByteLevel") {
      steps_.push_back(hf_spell_bytes{});
    } else if (*kind == "Precompiled") {
      auto rules = hf_precompiled::read(node);
      if (!rules) return rules.error();
      steps_.push_back(std::move(*rules));
    } else if (*kind == "Strip") {
      auto left = node.flag("strip_left");
      if (!left) return left.error();
      auto right = node.flag("strip_right");
      if (!right) return right.error();
      steps_.push_back(hf_strip{*left, *right});
    } else {
      return node.unsupported(*kind);
    }
    return done{};
  }

  std::vector<step> steps_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
