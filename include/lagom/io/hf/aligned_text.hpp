// SPDX-License-Identifier: MIT
/// @file io/hf/aligned_text.hpp
/// A text on its way through a normalizer that remembers where it comes from.
#pragma once

#include <vector>

#include "normalizer.hpp"
#include "unicode_changes.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A part of the input, in bytes.
struct hf_extent {
  std::size_t begin = 0, end = 0;
};

/// A text and, for each byte of it, the character of the input that it comes from. The normalizers' steps do
/// what they do in `hf_normalized`, and keep the alignment as Hugging Face tokenizers defines it: a character
/// that replaces one has its extent, one that is added has the extent of the character before it.
class hf_aligned_text {
 public:
  std::string text{};
  std::vector<hf_extent> from{};  ///< as many as bytes

  /// A part of the input that begins at byte `offset` of it.
  void reset(std::string_view part, std::size_t offset) {
    text = part;
    from.clear();
    for (std::size_t at = 0; at < part.size();) {
      const std::size_t length = decode_utf8(part, at).length;
      from.insert(from.end(), length, {offset + at, offset + at + length});
      at += length;
    }
  }

  void apply(const hf_prepend& step, hf_matcher&) {
    if (text.empty() || step.prefix.empty()) return;
    text.insert(0, step.prefix);
    from.insert(from.begin(), step.prefix.size(), hf_extent(from.front()));
  }

  void apply(const hf_replace& step, hf_matcher& matcher) {
    start();
    std::size_t done = 0;
    step.pattern.for_each_match(text, matcher, [&](std::size_t begin, std::size_t end) {
      keep(done, begin);
      put(step.content, end - 1);
      done = end;
    });
    keep(done, text.size());
    finish();
  }

  void apply(const hf_unicode_form& step, hf_matcher&) { normalize(step.form); }

  void apply(const hf_lowercase&, hf_matcher&) {
    each([&](char32_t code, std::size_t at, std::size_t) {
      spare_.clear();
      append_lower(spare_, code);
      put(spare_, at);
    });
  }

  void apply(const hf_strip& step, hf_matcher&) {
    const auto [begin, end] = step.kept(text);
    start();
    keep(begin, end);
    finish();
  }

  void apply(const hf_precompiled& step, hf_matcher&) {
    changes_.clear();
    step.run(text, [&](std::string_view replaced, std::string_view by) {
      const std::ptrdiff_t before = characters(replaced), after = characters(by);
      std::ptrdiff_t i = 0;
      for (std::size_t at = 0; at < by.size(); ++i) {
        const utf8_char c = decode_utf8(by, at);
        changes_.push_back({c.code, i < before ? 0 : 1});
        at += c.length;
      }
      // what is gone goes with the character before it
      if (after < before && !changes_.empty()) changes_.back().change += static_cast<int>(after - before);
    });
    transform();
  }

  void apply(const hf_strip_accents&, hf_matcher&) {
    filter([](char32_t code) { return is_mark(code) ? dropped : code; });
  }

  void apply(const hf_nmt&, hf_matcher&) { filter(nmt_clean); }

  void apply(const hf_spell_bytes&, hf_matcher&) {
    each([&](char32_t, std::size_t at, std::size_t end) {
      spare_.clear();
      vocab::append_letters(spare_, std::string_view(text).substr(at, end - at));
      put(spare_, at);
    });
  }

  void apply(const hf_bert& step, hf_matcher& matcher) {
    if (step.clean) filter(bert_clean);
    if (step.ideographs_apart) {
      each([&](char32_t code, std::size_t at, std::size_t end) {
        const bool apart = holds(ideographs, code);
        if (apart) put(" ", at);
        keep(at, end);
        if (apart) put(" ", at);
      });
    }
    if (step.strip_accents) {
      normalize(unicode_form::nfd);
      filter(bert_strip_accent);
    }
    if (step.lower) apply(hf_lowercase{}, matcher);
  }

 private:
  void start() {
    out_.clear();
    out_from_.clear();
  }
  void finish() {
    text.swap(out_);
    from.swap(out_from_);
  }
  void keep(std::size_t begin, std::size_t end) {
    out_.append(text, begin, end - begin);
    out_from_.insert(out_from_.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
                     from.begin() + static_cast<std::ptrdiff_t>(end));
  }
  void put(std::string_view what, std::size_t at) {
    out_.append(what);
    out_from_.insert(out_from_.end(), what.size(), from[at]);
  }
  template <class F>
  void each(F f) {
    start();
    for (std::size_t at = 0; at < text.size();) {
      const utf8_char c = decode_utf8(text, at);
      f(c.code, at, at + c.length);
      at += c.length;
    }
    finish();
  }
  template <class F>
  void filter(F f) {
    each([&](char32_t code, std::size_t at, std::size_t) {
      spare_.clear();
      if (const char32_t kept = f(code); kept != dropped) append_utf8(spare_, kept);
      put(spare_, at);
    });
  }

  void normalize(unicode_form form) {
    normalized_with_changes(text, form, changes_);
    transform();
  }

  /// The reference counts characters: those of the result that replace one of the text take its characters in
  /// order, whatever was moved, and one that swallows others skips them.
  void transform() {
    start();
    std::size_t at = 0;
    const auto skip = [&] { at += at < text.size() ? std::size_t{decode_utf8(text, at).length} : 0; };
    for (const auto& [code, change] : changes_) {
      spare_.clear();
      append_utf8(spare_, code);
      if (change > 0 && at == 0) {
        out_ += spare_;
        out_from_.resize(out_.size());
      } else if (change > 0) {
        put(spare_, at - 1);
      } else {
        put(spare_, std::min(at, text.size() - 1));
        skip();
      }
      for (int swallowed = change; swallowed < 0; ++swallowed) skip();
    }
    finish();
  }

  static std::ptrdiff_t characters(std::string_view part) noexcept {
    return std::count_if(part.begin(), part.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  }

  std::string out_, spare_;
  std::vector<hf_extent> out_from_;
  std::vector<changed_char> changes_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
