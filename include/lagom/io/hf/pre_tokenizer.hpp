// SPDX-License-Identifier: MIT
/// @file io/hf/pre_tokenizer.hpp
/// The "pre_tokenizer" of a tokenizer.json.
#pragma once

#include <variant>

#include "../../vocab/byte_alphabet.hpp"
#include "fast_split.hpp"
#include "splitters.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Texts become bytes: a space in front if asked for, GPT-2's split if asked for, and each byte as a letter
/// where further steps look at the letters.
struct hf_byte_level {
  bool prefix_space = true;
  std::optional<hf_splitter> split{};
  bool spell = false;

  void operator()(hf_pieces& pieces) const {
    if (prefix_space) pieces.prefix_space();
    if (split) (*split)(pieces);
    if (!spell) return;
    std::string bytes;
    pieces.rewrite([&](const hf_piece& p, std::string& out) {
      bytes.clear();
      pieces.append_bytes(p, bytes);
      vocab::append_letters(out, bytes);
      return std::size_t{0};
    });
    pieces.raw.clear();
  }
};

/// Spaces become a mark, which may be put in front too and begin a piece each.
struct hf_metaspace {
  enum class prepend : std::uint8_t { always, never, first };
  std::string mark{};
  prepend scheme = prepend::always;
  std::optional<hf_splitter> split{};

  void operator()(hf_pieces& pieces) const {
    put_marks(pieces);
    if (split) (*split)(pieces);
  }

  /// The pieces with their marks, not yet split.
  void put_marks(hf_pieces& pieces) const {
    pieces.rewrite([&](const hf_piece& p, std::string& out) {
      const std::string_view text = pieces.view(p);
      const bool marked = text.front() == ' ' || text.substr(0, mark.size()) == mark;
      std::size_t origin = 0;
      if (!marked && (scheme == prepend::always || (scheme == prepend::first && p.origin > 0))) {
        out += mark;
        origin = p.origin > 0 ? mark.size() : 0;
      }
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t before = out.size();
        text[i] == ' ' ? out.append(mark) : out.append(1, text[i]);
        if (i < p.origin) origin += out.size() - before;
      }
      return origin;
    });
  }
};

/// Reads a Metaspace component, pre-tokenizer or decoder: the mark is in it, `split` where it splits.
inline result<hf_metaspace> read_metaspace(const hf_node& node) {
  auto mark = node.text("replacement");
  if (!mark) return mark.error();
  if (mark->empty() || decode_utf8(*mark, 0).length != mark->size()) {
    return failure{.code = errc::bad_value, .key = node.path_of("replacement")};
  }
  hf_metaspace out{.mark = std::string(*mark)};
  const hf_node scheme = node.optional("prepend_scheme");
  if (scheme.value != nullptr) {
    auto name = node.text("prepend_scheme");
    if (!name) return name.error();
    if (*name != "always" && *name != "never" && *name != "first") return scheme.fail(errc::bad_value);
    out.scheme = *name == "always"  ? hf_metaspace::prepend::always
                 : *name == "never" ? hf_metaspace::prepend::never
                                    : hf_metaspace::prepend::first;
  }
  auto space = node.flag("add_prefix_space", true);  // what files had before there were schemes
  if (!space) return space.error();
  if (!*space) {
    const bool contradicts = scheme.value != nullptr && out.scheme != hf_metaspace::prepend::never;
    if (contradicts) return scheme.fail(errc::bad_value);
    out.scheme = hf_metaspace::prepend::never;
  }
  auto splits = node.flag("split", true);
  if (!splits) return splits.error();
  if (*splits) {
    auto pattern = hf_pattern::literal(out.mark);
    if (!pattern) return pattern.error();
    out.split = hf_splitter{std::move(*pattern), hf_split::merged_with_next};
  }
  return out;
}

/// The steps of a pre-tokenizer, in order. Texts are valid UTF-8.
class hf_pre_tokenizer {
 public:
  /// Fails with `unsupported` for other kinds than Sequence, ByteLevel, Split, Digits, Punctuation,
  /// Whitespace, WhitespaceSplit, BertPreTokenizer, Metaspace, CharDelimiterSplit and FixedLength, and for a
  /// ByteLevel or a Metaspace after a ByteLevel.
  static result<hf_pre_tokenizer> read(const hf_node& node) {
    hf_pre_tokenizer out;
    if (node.is_null()) return out;
    if (auto ok = out.add(node); !ok) return ok.error();
    return out;
  }

  void operator()(hf_pieces& pieces) const {
    for_each_step([&](const auto& run) { run(pieces); });
  }

  /// Calls `f(step)` for every step, in order.
  template <class F>
  void for_each_step(F f) const {
    for (const step& s : steps_) std::visit(f, s);
  }

  /// Whether `cut` can do it: every step cuts, and none rewrites but for a space in front.
  [[nodiscard]] bool only_cuts() const noexcept { return fast_.works(); }

  /// Whether it may cut a text at all.
  [[nodiscard]] bool splits() const noexcept { return !fast_.works() || !fast_.empty(); }

  /// Calls `part(piece, end)` for every piece of a text without ill-formed sequences, as bytes where
  /// `byte_level()`, where `end` is that of the text it lies in: the same pieces as the call operator leaves.
  /// `spare` holds the text if it gets a space in front.
  template <class Part>
  void cut(std::string_view text, hf_matcher& matcher, std::string& spare, Part&& part) const {
    if (fast_.prefix_space() && !text.empty() && text[0] != ' ') {
      spare.assign(1, ' ').append(text);
      text = spare;
    }
    const char* const stop = text.data() + text.size();
    fast_(
        text,
        [&](std::size_t at, std::string_view subject, auto found) {
          std::get<hf_splitter>(steps_[at]).pattern.for_each_match(subject, matcher, found);
        },
        [&](const char* begin, const char* end) {
          part(std::string_view(begin, static_cast<std::size_t>(end - begin)), stop);
        });
  }

  /// Whether pieces end as bytes.
  [[nodiscard]] bool byte_level() const noexcept { return byte_level_at_ != nowhere; }

  /// Whether those bytes are spelled in letters.
  [[nodiscard]] bool spells_bytes() const noexcept {
    return byte_level() && byte_level_at_ + 1 != steps_.size();
  }

  /// Whether every byte of the input arrives as it is, spaces in front apart.
  [[nodiscard]] bool keeps_bytes() const noexcept {
    if (!byte_level()) return false;
    for (std::size_t i = 0; i < byte_level_at_; ++i) {
      if (std::holds_alternative<hf_metaspace>(steps_[i])) return false;
    }
    return true;
  }

 private:
  using step = std::variant<hf_splitter, hf_byte_level, hf_metaspace, hf_fixed_length>;
  static constexpr std::size_t nowhere = ~std::size_t{0};

  result<done> add(const hf_node& node) {
    auto kind = node.kind();
    if (!kind) return kind.error();
    if (*kind == "Sequence") {
      auto list = node.list("pretokenizers");
      if (!list) return list.error();
      for (const hf_node& each : *list) {
        if (auto ok = add(each); !ok) return ok;
      }
      return done{};
    }
    if (*kind == "ByteLevel") return add_byte_level(node);
    if (byte_level()) std::get<hf_byte_level>(steps_[byte_level_at_]).spell = true;
    if (*kind == "Metaspace") {
      auto metaspace = read_metaspace(node);
      if (!metaspace) return metaspace.error();
      if (byte_level()) return node.unsupported("Metaspace after ByteLevel");
      fast_.refuse();
      steps_.push_back(std::move(*metaspace));
      return done{};
    }
    if (*kind == "FixedLength") {
      auto length = node.count("length", ~std::uint64_t{0}, 5);
      if (!length) return length.error();
      if (*length == 0) return failure{.code = errc::bad_value, .key = node.path_of("length")};
      fast_.refuse();
      steps_.push_back(hf_fixed_length{*length});
      return done{};
    }
    if (*kind == "BertPreTokenizer") {
      for (const char* const each : {"WhitespaceSplit", "Punctuation"}) {
        auto splitter = read_splitter(each, {});
        if (!splitter) return splitter.error();
        add_fast(each, {}, *splitter);
        steps_.push_back(std::move(*splitter));
      }
      return done{};
    }
    auto splitter = read_splitter(*kind, node);
    if (!splitter) return splitter.error();
    add_fast(*kind, node, *splitter);
    steps_.push_back(std::move(*splitter));
    return done{};
  }

  /// The same splitter for `fast_`; `node` was read without failure.
  void add_fast(std::string_view kind, const hf_node& node, const hf_splitter& splitter) {
    if (kind == "Digits") {
      fast_.add_sets(char_bit::numeric, *node.flag("individual_digits") ? 1 : 0);
    } else if (kind == "Punctuation" && splitter.behavior == hf_split::isolated) {
      const auto behavior = node.optional("behavior");
      const bool runs = behavior.value != nullptr && *behavior.value == "Contiguous";
      fast_.add_sets(char_bit::punctuation, runs ? 0 : 1);
    } else {
      const hf_node pattern = node.optional("pattern");
      std::string expression;
      if (kind == "Split" && pattern.value->contains("Regex")) expression = *pattern.text("Regex");
      fast_.add_splitter(steps_.size(), expression, splitter.behavior, splitter.invert);
    }
  }

  result<done> add_byte_level(const hf_node& node) {
    if (byte_level()) return node.unsupported("ByteLevel after ByteLevel");
    auto space = node.flag("add_prefix_space", true);
    if (!space) return space.error();
    auto splits = node.flag("use_regex", true);
    if (!splits) return splits.error();
    hf_byte_level out{.prefix_space = *space};
    if (*splits) {
      auto gpt2 = hf_pattern::expression(gpt2_pattern);
      if (!gpt2) return gpt2.error();
      out.split = hf_splitter{std::move(*gpt2)};
    }
    fast_.add_byte_level(*space, *splits);
    byte_level_at_ = steps_.size();
    steps_.push_back(std::move(out));
    return done{};
  }

  std::vector<step> steps_;
  hf_fast_split fast_;
  std::size_t byte_level_at_ = nowhere;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
