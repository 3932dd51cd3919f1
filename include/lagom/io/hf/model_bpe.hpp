// SPDX-License-Identifier: MIT
/// @file io/hf/model_bpe.hpp
/// The "model" of a tokenizer.json where it is BPE: a vocabulary and its merges.
#pragma once

#include <map>

#include "../../vocab/bpe.hpp"
#include "../../vocab/byte_alphabet.hpp"
#include "json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// How lenient `hf_tokenizer` is with a file.
struct tokenizer_options {
  /// Leaves out merges that are no merge of two tokens into a third, instead of failing with `bad_merge`.
  /// Files whose vocabulary went through a tool that damaged a few spaces need it; see
  /// `hf_tokenizer::skipped_merges`.
  bool skip_bad_merges = false;
};

namespace detail {

/// A BPE model as a file has it, where a byte-level model spells bytes in letters.
class hf_bpe_model {
 public:
  /// `byte_level`: pieces come as bytes. `id_limit`: the largest id that is believed.
  static result<hf_bpe_model> read(const hf_node& node, bool byte_level, std::uint64_t id_limit,
                                   const tokenizer_options& options) {
    if (auto ok = require_members(node); !ok) return ok.error();
    reader r{.node = node, .byte_level = byte_level, .skip = options.skip_bad_merges};
    auto settings = r.settings();
    if (!settings) return settings.error();
    if (auto ok = r.texts(id_limit); !ok) return ok.error();
    if (auto ok = r.merges(); !ok) return ok.error();
    return r.finish(std::move(*settings));
  }

  [[nodiscard]] const vocab::bpe& bpe() const noexcept { return bpe_; }

  template <class Sink>
  void encode_piece(std::string_view piece, Sink& sink) const {
    bpe_.encode_piece(piece, sink);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

  /// One more than the largest id.
  [[nodiscard]] index_t size() const noexcept {
    return others_.empty() ? bpe_.size()
                           : std::max<index_t>(bpe_.size(), others_.rbegin()->first + index_t{1});
  }

  /// A token as the file spells it; empty when there is none.
  [[nodiscard]] std::string spelling(token_id id) const {
    if (const auto other = others_.find(id); other != others_.end()) return other->second;
    std::string out(bpe_.bytes_of(id));
    if (bpe_.options().unit == vocab::bpe_unit::character) return out;
    std::string letters;
    vocab::append_letters(letters, out);
    return letters;
  }

  /// The bytes of a token of a byte-level model; nothing where it is not spelled in letters.
  [[nodiscard]] std::optional<std::string> letters_to_bytes(token_id id) const {
    if (!bpe_.tokens().contains(id)) return std::nullopt;
    return std::string(bpe_.bytes_of(id));
  }
  [[nodiscard]] bool contains(token_id id) const {
    return bpe_.tokens().contains(id) || others_.contains(id);
  }

  [[nodiscard]] token_id find(std::string_view spelling) const {
    if (bpe_.options().unit == vocab::bpe_unit::character) return bpe_.tokens().find(spelling);
    if (const auto bytes = vocab::bytes_of_letters(spelling)) return bpe_.tokens().find(*bytes);
    const auto other = other_ids_.find(spelling);
    return other == other_ids_.end() ? no_token : other->second;
  }

 private:
  static result<done> require_members(const hf_node& model) {
    const hf_node texts = model.optional("vocab"), merges = model.optional("merges");
    if (texts.value == nullptr) return texts.fail(errc::missing_key);
    if (!texts.value->is_object()) return texts.fail(errc::wrong_type);
    if (merges.value == nullptr) return merges.fail(errc::missing_key);
    if (!merges.value->is_array()) return merges.fail(errc::wrong_type);
    return done{};
  }

  /// The parts while they are read.
  struct reader {
    hf_node node;
    bool byte_level, skip;
    vocab::token_table spellings{};
    std::vector<vocab::merge> list{};
    std::string prefix{}, suffix{};
    std::uint64_t skipped = 0;

    result<vocab::bpe_options> settings() {
      const hf_node dropout = node.optional("dropout");
      if (!dropout.is_null()) {
        if (!dropout.value->is_number()) return dropout.fail(errc::wrong_type);
        if (dropout.value->get<double>() != 0) return dropout.fail(errc::unsupported);
      }
      vocab::bpe_options out;
      if (!byte_level) out.unit = vocab::bpe_unit::character;
      const std::pair<const char*, bool*> flags[] = {{"ignore_merges", &out.ignore_merges},
                                                     {"byte_fallback", &out.byte_fallback},
                                                     {"fuse_unk", &out.fuse_unk}};
      for (const auto& [key, value] : flags) {
        auto flag = node.flag(key, false);
        if (!flag) return flag.error();
        *value = *flag;
      }
      const std::pair<const char*, std::string*> texts[] = {{"continuing_subword_prefix", &prefix},
                                                            {"end_of_word_suffix", &suffix}};
      for (const auto& [key, value] : texts) {
        auto text = node.text_or_null(key);
        if (!text) return text.error();
        *value = *text;
      }
      const auto plain = [&](const std::string& text) {
        return byte_level ? vocab::bytes_of_letters(text) : std::optional<std::string>(text);
      };
      const auto before = plain(prefix), after = plain(suffix);
      if (!before) {
        return failure{.code = errc::unsupported, .key = node.path_of("continuing_subword_prefix")};
      }
      if (!after) return failure{.code = errc::unsupported, .key = node.path_of("end_of_word_suffix")};
      out.continuing_prefix = *before;
      out.end_suffix = *after;
      return out;
    }

    result<done> texts(std::uint64_t id_limit) {
      const hf_node member = node.optional("vocab");
      for (const auto& [text, id] : member.value->items()) {
        const auto where = [&, &spelled = text] { return member.path + " \"" + spelled + "\""; };
        auto number = hf_node::as_count(id, member.path, id_limit);
        failure f = number ? failure{} : number.error();
        if (number) {
          auto added = spellings.add(static_cast<token_id>(*number), text);
          if (added) continue;
          f = added.error();
        }
        f.key = where();
        return f;
      }
      return done{};
    }

    /// The two sides of a merge; empty ones when it has none.
    static std::pair<std::string_view, std::string_view> sides(const json& entry) {
      if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        return {entry[0].get_ref<const std::string&>(), entry[1].get_ref<const std::string&>()};
      }
      if (!entry.is_string()) return {};
      const std::string_view text = entry.get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) return {};
      return {text.substr(0, space), text.substr(space + 1)};
    }

    result<done> merges() {
      const hf_node member = node.optional("merges");
      std::string joined;
      std::uint64_t row = 0;
      for (const json& entry : *member.value) {
        const std::uint64_t here = row++;
        if (entry.is_string() && entry.get_ref<const std::string&>().rfind("#version", 0) == 0) continue;
        const auto [left, right] = sides(entry);
        vocab::merge m{.left = spellings.find(left), .right = spellings.find(right)};
        if (!left.empty() && !right.empty() && right.substr(0, prefix.size()) == prefix) {
          joined.assign(left).append(right.substr(prefix.size()));
          m.result = spellings.find(joined);
        }
        if (m.left != no_token && m.right != no_token && m.result != no_token) {
          list.push_back(m);
        } else if (skip) {
          ++skipped;
        } else {
          return failure{.code = errc::bad_merge, .key = member.path, .row = here};
        }
      }
      return done{};
    }

    result<hf_bpe_model> finish(vocab::bpe_options options) {
      const auto unk = node.text_or_null("unk_token");
      if (!unk) return unk.error();
      const bool has_unk = !node.optional("unk_token").is_null();
      options.unk = has_unk ? spellings.find(*unk) : no_token;
      const bool unk_is_missing = has_unk && options.unk == no_token;
      const bool falls_back = options.byte_fallback;

      vocab::token_table tokens;
      std::map<token_id, std::string> others;
      for (token_id id = 0; id < spellings.size(); ++id) {
        if (!spellings.contains(id)) continue;
        auto bytes =
            byte_level ? vocab::bytes_of_letters(spellings[id]) : std::optional(std::string(spellings[id]));
        if (!bytes) {
          others.emplace(id, spellings[id]);
        } else if (auto ok = tokens.add(id, *bytes); !ok) {
          return ok.error();
        }
      }
      if (byte_level) {  // what is not spelled in letters no text reaches
        std::erase_if(list, [&](const vocab::merge& m) {
          return others.contains(m.left) || others.contains(m.right) || others.contains(m.result);
        });
        options.byte_fallback = false;
      }
      if (others.contains(options.unk)) options.unk = no_token;
      const bool unk_is_other = has_unk && !unk_is_missing && options.unk == no_token;
      auto model = vocab::bpe::make(std::move(tokens), std::move(list), std::move(options));
      if (!model) return model.error();
      if (!model->knows_every_byte()) {  // else no text asks for the unknown token, nor for byte tokens
        if (unk_is_missing) return failure{.code = errc::unknown_token, .key = node.path_of("unk_token")};
        if (unk_is_other) return failure{.code = errc::unsupported, .key = node.path_of("unk_token")};
        if (byte_level && falls_back) return node.unsupported("byte_fallback beside missing letters");
      }
      return hf_bpe_model(std::move(*model), std::move(others), static_cast<std::uint64_t>(spellings.count()),
                          skipped);
    }
  };

  hf_bpe_model(vocab::bpe model, std::map<token_id, std::string> others, std::uint64_t count,
               std::uint64_t skipped)
      : bpe_(std::move(model)), others_(std::move(others)), count_(count), skipped_(skipped) {
    for (const auto& [id, text] : others_) other_ids_.emplace(text, id);
  }

  vocab::bpe bpe_;
  std::map<token_id, std::string> others_;  // of a byte-level model: what is not spelled in letters
  std::map<std::string, token_id, std::less<>> other_ids_;
  std::uint64_t count_ = 0, skipped_ = 0;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
