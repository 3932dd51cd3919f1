// SPDX-License-Identifier: MIT
/// @file prompt/plug.hpp
/// PLUG and the four ways to tune that it is compared with: which pairs a quad becomes.
#pragma once

#include <iterator>

#include "exchange.hpp"
#include "language.hpp"
#include "quad.hpp"
#include "spans.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// An input and the output that is asked for.
enum class pair_kind : std::uint8_t {
  p_to_p,         ///< x_p -> y_p
  t_to_t,         ///< x_t -> y_t
  p_to_t,         ///< x_p -> y_t
  t_to_p,         ///< x_t -> y_p
  translate_x,    ///< [P_trans; x_p] -> x_t
  translate_y,    ///< [P_trans; y_p] -> y_t
  through_pivot,  ///< x_t -> [x_p; y_p; y_t]
};

/// The answer of PLUG: the instruction in the pivot language, the response in it, the response in the target language.
[[nodiscard]] constexpr grammar<3> plug_grammar(const language& pivot, const language& target) noexcept {
  return {.sections = {{{.name = "x_p", .language = pivot.tag, .header = pivot.instruction},
                        {.name = "y_p", .language = pivot.tag, .header = pivot.response},
                        {.name = "y_t", .language = target.tag, .header = target.response}}}};
}

/// One row of training data, made of a quad: a lazy range of segments. Sees the method's view and the quad.
struct pivot_row {
  using pieces = exchange<request, sectioned<3>>;
  using cursor = pieces::cursor;

  std::string_view id;
  pair_kind kind{};
  pieces body;

  constexpr bool next(cursor& at, segment& out) const { return body.next(at, out); }
  /// Its segments and its runs of trained bytes. Both see the row, which has to outlive them.
  [[nodiscard]] constexpr prompt::segments<pieces> segments() const& noexcept {
    return prompt::segments<pieces>(body);
  }
  [[nodiscard]] constexpr trained_runs<pieces> trained() const& noexcept {
    return trained_runs<pieces>(body);
  }
  void segments() const&& = delete;
  void trained() const&& = delete;
  /// The row up to where the answer begins: what a model is asked with.
  [[nodiscard]] constexpr pivot_row question() const {
    pivot_row q = *this;
    q.body.answered = false;
    return q;
  }
  /// Whether all texts that the row needs are there.
  [[nodiscard]] constexpr bool complete() const {
    if (body.user.text.empty()) return false;
    for (const auto& f : body.answer.fields) {
      if (f && f->empty()) return false;
    }
    return true;
  }
};

/// What the rows of a method share, made ready: the grammars of the answers and the style. Rows see it.
class pivot_rows_shared {
 public:
  template <class Method>
  constexpr explicit pivot_rows_shared(const Method& m) noexcept
      : style_(m.style),
        through_(plug_grammar(m.pivot, m.target)),
        pivot_system_(m.pivot_system),
        target_system_(m.target_system),
        through_system_(m.system),
        translate_(m.translate),
        translate_joint_(m.translate_joint),
        trained_(m.trained) {
    through_.header_end = m.header_end;
    through_.separator = m.separator;
    in_pivot_.sections[0] = {.name = "y_p", .language = m.pivot.tag};
    in_target_.sections[0] = {.name = "y_t", .language = m.target.tag};
    in_target_x_.sections[0] = {.name = "x_t", .language = m.target.tag};
    in_pivot_.target = in_target_.target = in_target_x_.target = 0;
  }

  /// The row of one kind.
  [[nodiscard]] constexpr pivot_row row(pair_kind kind, const quad& q) const {
    const std::string_view pivot = through_.sections[0].language, target = through_.sections[2].language;
    switch (kind) {
      case pair_kind::p_to_p:
        return plain(kind, q, {{}, {}, q.x_p, "x_p", pivot}, in_pivot_, q.y_p);
      case pair_kind::t_to_t:
        return plain(kind, q, {{}, {}, q.x_t, "x_t", target}, in_target_, q.y_t);
      case pair_kind::p_to_t:
        return plain(kind, q, {{}, {}, q.x_p, "x_p", pivot}, in_target_, q.y_t);
      case pair_kind::t_to_p:
        return plain(kind, q, {{}, {}, q.x_t, "x_t", target}, in_pivot_, q.y_p);
      case pair_kind::translate_x:
        return plain(kind, q, {translate_, translate_joint_, q.x_p, "x_p", pivot}, in_target_x_, q.x_t);
      case pair_kind::translate_y:
        return plain(kind, q, {translate_, translate_joint_, q.y_p, "y_p", pivot}, in_target_, q.y_t);
      default:
        break;
    }
    return make(kind, q, through_system_, {{}, {}, q.x_t, "x_t", target}, through_, {q.x_p, q.y_p, q.y_t});
  }
  [[nodiscard]] constexpr const grammar<3>& answer_grammar() const noexcept { return through_; }

 private:
  [[nodiscard]] constexpr pivot_row plain(pair_kind kind, const quad& q, const request& asked,
                                          const grammar<3>& answer, std::string_view text) const {
    return make(kind, q, &answer == &in_pivot_ ? pivot_system_ : target_system_, asked, answer,
                {text, {}, {}});
  }
  [[nodiscard]] constexpr pivot_row make(pair_kind kind, const quad& q, std::string_view system,
                                         const request& asked, const grammar<3>& answer,
                                         const fields<3>& texts) const {
    pivot_row out{q.id, kind, {}};
    out.body.style = &style_;
    if (!system.empty()) out.body.system = system;
    out.body.user = asked;
    out.body.answer = {&answer, texts, trained_};
    out.body.lead_trained = trained_ == trained_part::all;
    out.body.end_trained = trains_end(trained_);
    return out;
  }

  chat_style style_;
  grammar<3> through_, in_pivot_{}, in_target_{}, in_target_x_{};
  std::string_view pivot_system_, target_system_, through_system_, translate_, translate_joint_;
  trained_part trained_;
};

/// The rows that a range of quads becomes: an input range whose rows are made as they are read.
template <class Method, class Iterator, class Sentinel>
class pivot_rows {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = pivot_row;
    using difference_type = std::ptrdiff_t;

    constexpr iterator() = default;
    constexpr iterator(const pivot_rows& of, Iterator at) : of_(&of), at_(at) {}
    [[nodiscard]] constexpr pivot_row operator*() const {
      return of_->shared_.row(Method::kinds[kind_], *at_);
    }
    constexpr iterator& operator++() {
      if (++kind_ == std::size(Method::kinds)) {
        kind_ = 0;
        ++at_;
      }
      return *this;
    }
    constexpr void operator++(int) { ++*this; }
    friend constexpr bool operator==(const iterator& i, std::default_sentinel_t) { return i.finished(); }

   private:
    [[nodiscard]] constexpr bool finished() const { return at_ == of_->end_; }

    const pivot_rows* of_ = nullptr;
    Iterator at_{};
    std::size_t kind_ = 0;
  };

  constexpr pivot_rows(const Method& method, Iterator begin, Sentinel end)
      : shared_(method), begin_(begin), end_(end) {}
  [[nodiscard]] constexpr iterator begin() const { return iterator(*this, begin_); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  pivot_rows_shared shared_;
  Iterator begin_;
  Sentinel end_;
};

/// A tuning method: the kinds of pairs that it makes of every quad (arXiv 2311.08711, section 3). Texts that the paper
/// leaves open are members.
///
/// ```cpp
/// for (auto&& row : lagom::prompt::plug{.pivot = "en", .target = "ko"}.rows(quads))
///   write(row.segments(), row.trained());
/// ```
/// A method of your own is a list of kinds: `using back = pivot_method<pair_kind::t_to_p>;`
template <pair_kind... Kinds>
struct pivot_method {
  static_assert(sizeof...(Kinds) > 0);
  static constexpr pair_kind kinds[] = {Kinds...};

  language pivot = "en";
  language target{};
  std::string_view system{};                         ///< of answers through the pivot; empty: no system turn
  std::string_view pivot_system{}, target_system{};  ///< of answers in the one language alone
  std::string_view translate = "Translate this text.";  ///< P_trans
  std::string_view translate_joint = "\n";              ///< between P_trans and the text
  std::string_view header_end = "\n", separator = "\n\n";
  chat_style style = plug_style;
  trained_part trained = trained_part::all;

  /// Rows that `n` quads become.
  [[nodiscard]] static constexpr std::size_t count(std::size_t n) noexcept { return n * sizeof...(Kinds); }

  /// The rows of a range of quads, made one at a time: all kinds of the first quad, then of the second, ... Nothing is
  /// allocated. Sees the quads, which have to outlive it; rows see the returned view.
  template <class Quads>
  [[nodiscard]] constexpr auto rows(const Quads& quads) const {
    return pivot_rows<pivot_method, decltype(std::begin(quads)), decltype(std::end(quads))>(
        *this, std::begin(quads), std::end(quads));
  }
  template <class Quads>
  void rows(const Quads&& quads) const = delete;
};

/// Pivot data alone: x_p -> y_p.
using pivot_only = pivot_method<pair_kind::p_to_p>;
/// Both languages, each by itself.
using mono = pivot_method<pair_kind::p_to_p, pair_kind::t_to_t>;
/// And across: questions of one language answered in the other.
using code_switch = pivot_method<pair_kind::p_to_p, pair_kind::t_to_t, pair_kind::p_to_t, pair_kind::t_to_p>;
/// Both languages, and the translation of instruction and response.
using aux_translation =
    pivot_method<pair_kind::p_to_p, pair_kind::t_to_t, pair_kind::translate_x, pair_kind::translate_y>;
/// Pivot data, and answers through the pivot.
using plug = pivot_method<pair_kind::p_to_p, pair_kind::through_pivot>;

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
