// SPDX-License-Identifier: MIT
/// @file io/hf/pattern.hpp
/// Compiled patterns of tokenizer.json: literal texts and regular expressions (PCRE2; scripts and `\w` need 10.40).
#pragma once

#ifdef PCRE2_CODE_UNIT_WIDTH
#include <pcre2.h>
#else
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#undef PCRE2_CODE_UNIT_WIDTH
#endif

#include <memory>

#include "pattern_syntax.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

struct pcre2_deleter {
  void operator()(pcre2_code_8* p) const noexcept { pcre2_code_free_8(p); }
  void operator()(pcre2_compile_context_8* p) const noexcept { pcre2_compile_context_free_8(p); }
  void operator()(pcre2_match_context_8* p) const noexcept { pcre2_match_context_free_8(p); }
  void operator()(pcre2_match_data_8* p) const noexcept { pcre2_match_data_free_8(p); }
};
template <class T>
using pcre2_ptr = std::unique_ptr<T, pcre2_deleter>;

/// What a thread needs for matching; made when first used.
class hf_matcher {
 public:
  /// Steps a search may take before it counts as "no match": no expression of a file hangs a program.
  static constexpr std::uint32_t step_limit = 50'000'000;

  [[nodiscard]] pcre2_match_data_8* data() {
    if (data_ == nullptr) {
      data_.reset(pcre2_match_data_create_8(1, nullptr));
      context_.reset(pcre2_match_context_create_8(nullptr));
      pcre2_set_match_limit_8(context_.get(), step_limit);
    }
    return data_.get();
  }
  [[nodiscard]] pcre2_match_context_8* context() const noexcept { return context_.get(); }

 private:
  pcre2_ptr<pcre2_match_data_8> data_;
  pcre2_ptr<pcre2_match_context_8> context_;
};

/// A literal text or a regular expression. Immutable; one pattern serves any number of threads, a matcher
/// each.
class hf_pattern {
 public:
  /// A text that stands for itself. The empty text matches between all characters.
  static result<hf_pattern> literal(std::string_view text) {
    if (text.empty()) return compile("(?:)");
    hf_pattern out;
    out.text_ = text;
    return out;
  }

  /// An expression in the dialect of tokenizer.json. Fails with `too_large`, `bad_pattern` or `unsupported`.
  static result<hf_pattern> expression(std::string_view text) {
    if (text.size() > size_limit) {
      return failure{.code = errc::too_large, .key = "pattern", .expected = size_limit, .found = text.size()};
    }
    auto rewritten = hf_pattern_rewriter::rewrite(text);
    if (!rewritten) return rewritten.error();
    // PCRE2 10.42's compiler lets some atomic groups backtrack, which its interpreter does not.
    bool atomic = false;
    for (const std::string_view mark : {"(?>", ")?+", ")*+", ")++"}) {
      atomic = atomic || rewritten->find(mark) != std::string::npos;
    }
    return compile(*rewritten, !atomic);
  }

  /// An expression in PCRE2's own dialect. Fails with `bad_pattern`.
  static result<hf_pattern> compile(std::string_view text, bool to_machine_code = true) {
    const pcre2_ptr<pcre2_compile_context_8> context(pcre2_compile_context_create_8(nullptr));
    pcre2_set_newline_8(context.get(), PCRE2_NEWLINE_LF);
    int error = 0;
    std::size_t offset = 0;
    hf_pattern out;
    out.code_.reset(pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                                    &offset, context.get()));
    if (out.code_ == nullptr) return failure{.code = errc::bad_pattern, .key = "pattern"};
    if (to_machine_code) pcre2_jit_compile_8(out.code_.get(), PCRE2_JIT_COMPLETE);  // else it is interpreted
    return out;
  }

  /// Whether it can match the empty text.
  [[nodiscard]] bool may_match_nothing() const noexcept {
    std::uint32_t answer = 0;
    if (code_ != nullptr) pcre2_pattern_info_8(code_.get(), PCRE2_INFO_MATCHEMPTY, &answer);
    return answer != 0;
  }

  /// Calls `found(begin, end)` for every match, from left to right, none inside another. An empty match right
  /// after another match does not count, and the search goes on one character later. A search that takes more
  /// than `hf_matcher::step_limit` steps ends the matching. `subject` is valid UTF-8.
  template <class Found>
  void for_each_match(std::string_view subject, hf_matcher& matcher, Found&& found) const {
    if (code_ == nullptr) {
      for (std::size_t at = subject.find(text_); at != std::string_view::npos;
           at = subject.find(text_, at + text_.size())) {
        found(at, at + text_.size());
      }
      return;
    }
    constexpr std::size_t never = ~std::size_t{0};
    std::size_t from = 0, last_end = never;
    pcre2_match_data_8* const data = matcher.data();
    const std::size_t* const span = pcre2_get_ovector_pointer_8(data);
    while (from <= subject.size() && search(subject, from, matcher)) {
      const std::size_t begin = span[0], end = span[1];
      if (begin > end) return;
      if (begin == end && last_end == end) {
        from += from < subject.size() ? std::size_t{decode_utf8(subject, from).length} : 1;
        continue;
      }
      from = last_end = end;
      found(begin, end);
    }
  }

  /// Whether it matches at the begin of `subject`.
  [[nodiscard]] bool begins(std::string_view subject, hf_matcher& matcher) const {
    if (code_ == nullptr) return subject.substr(0, text_.size()) == text_;
    return search(subject, 0, matcher, PCRE2_ANCHORED);
  }

 private:
  static constexpr std::size_t size_limit = 65536;

  hf_pattern() = default;

  bool search(std::string_view subject, std::size_t from, hf_matcher& matcher,
              std::uint32_t options = 0) const {
    pcre2_match_data_8* const data = matcher.data();
    const auto run = [&](std::uint32_t extra) {
      return pcre2_match_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(subject.data()), subject.size(), from,
                           PCRE2_NO_UTF_CHECK | options | extra, data, matcher.context());
    };
    int count = run(0);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) count = run(PCRE2_NO_JIT);
    return count >= 0;
  }

  std::string text_;
  pcre2_ptr<pcre2_code_8> code_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
