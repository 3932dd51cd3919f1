// SPDX-License-Identifier: MIT
/// @file io/embedding_tensors.hpp
/// Which tensors of a checkpoint have one row a token: input embedding, head, biases.
#pragma once

#include "checkpoint.hpp"
#include "row_edit.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// The tensors that a change of the vocabulary touches, and no others.
struct embedding_tensors {
  std::vector<std::string> inputs{};  ///< the input embedding, then further stored copies of it
  std::vector<std::string>
      heads{};  ///< the head and its copies; empty when it is the input embedding, or there is none
  std::vector<std::string> biases{};  ///< one number a row of the head: the head's bias and its copies
  std::uint64_t input_rows = 0,
                head_rows = 0;  ///< heights; `head_rows` is `input_rows` without a head of its own
  std::uint64_t width = 0;      ///< of an input row
  dtype input_type{}, head_type{};
  bool tied = false;             ///< logits come from the input embedding, or nobody asks for logits
  std::uint64_t vocab_size = 0;  ///< as config.json says; the head's height when it does not
};

/// What the files do not say, or say wrongly.
struct embedding_names {
  std::string input{}, head{}, bias{};  ///< not empty: this tensor, whatever the list of known names says
  std::optional<bool> tied{};           ///< set: whatever config.json says
};

namespace detail {

[[nodiscard]] inline bool named(std::string_view name, std::string_view ending) noexcept {
  if (!name.ends_with(ending)) return false;
  return name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.';
}

/// Endings that stand for an input embedding; with a leading '=' the whole name.
inline constexpr std::string_view input_endings[] = {"embed_tokens.weight",
                                                     "wte.weight",
                                                     "embed_in.weight",
                                                     "word_embeddings.weight",
                                                     "=shared.weight",
                                                     "=model.shared.weight",
                                                     "tok_embeddings.weight",
                                                     "token_embedding.weight",
                                                     "backbone.embeddings.weight",
                                                     "rwkv.embeddings.weight",
                                                     "backbone.embedding.weight"};
inline constexpr std::string_view head_endings[] = {
    "lm_head.weight",          "embed_out.weight",
    "shared_head.head.weight", "cls.predictions.decoder.weight",
    "lm_head.decoder.weight",  "vocab_projector.weight",
    "=output.weight",          "=head.weight",
    "=proj_out.weight",        "transformer.output_layer.weight",
    "generator_lm_head.weight"};
inline constexpr std::string_view bias_endings[] = {
    "lm_head.bias",         "embed_out.bias",       "cls.predictions.bias", "cls.predictions.decoder.bias",
    "lm_head.decoder.bias", "vocab_projector.bias", "final_logits_bias",    "generator_lm_head.bias"};

template <std::size_t N>
[[nodiscard]] bool is_one_of(std::string_view name, const std::string_view (&endings)[N]) noexcept {
  for (const std::string_view e : endings) {
    if (e.front() == '=' ? name == e.substr(1) : named(name, e)) return true;
  }
  return false;
}

[[nodiscard]] inline std::vector<std::pair<std::string, const tensor_view*>> all_tensors(
    const checkpoint& from) {
  std::vector<std::pair<std::string, const tensor_view*>> out;
  for (const auto& [file, shard] : from.shards()) {
    for (const auto& [name, tensor] : shard.tensors()) {
      const std::string* const home = from.shard_of(name);
      if (home != nullptr && *home == file) out.emplace_back(name, &tensor);
    }
  }
  return out;
}

[[nodiscard]] inline bool same_bytes(const tensor_view& a, const tensor_view& b) noexcept {
  return a.type == b.type && a.shape == b.shape && a.bytes.size() == b.bytes.size() &&
         std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin());
}

/// "vocab_size" or "tie_word_embeddings": at the top, else in the text model's own configuration.
[[nodiscard]] inline const json* config_value(const json& config, const char* key) {
  if (const json* const at = find(config, key); at != nullptr && !at->is_null()) return at;
  for (const char* const part : {"text_config", "llm_config", "language_config", "decoder"}) {
    const json* const nested = find(config, part);
    if (nested == nullptr) continue;
    if (const json* const at = find(*nested, key); at != nullptr && !at->is_null()) return at;
  }
  return nullptr;
}

}  // namespace detail

/// The names of the matrices with that many rows, joined: what an input embedding or a head could be.
[[nodiscard]] inline std::string embedding_candidates(const checkpoint& from, std::uint64_t rows) {
  std::string out;
  for (const auto& [name, tensor] : detail::all_tensors(from)) {
    if (tensor->shape.size() != 2 || tensor->shape[0] != rows) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out.empty() ? "none" : out;
}

/// Finds the tensors by the names that the families of Hugging Face models give them.
///
/// Tied: no head is stored; or the stored one is a copy and config.json's "tie_word_embeddings" is true or
/// missing. Stored copies of a matrix (T5's "shared" beside its aliases, a prediction module's own embedding)
/// are found by name and compared byte by byte.
///
/// Fails with `unsupported` for a layout that is not known, naming the matrices that have "vocab_size" rows;
/// for several matrices that are no copies of each other; and for a further tensor of the head with a row a
/// token (the scales of a quantised head). Fails with `missing_tensor` for a name given that is not there,
/// `wrong_shape` for a matrix that is none or a bias of another height, `bad_value` where config.json says
/// tied and the stored head is another matrix.
[[nodiscard]] inline result<embedding_tensors> find_embeddings(const checkpoint& from, const json& config,
                                                               const embedding_names& names = {}) {
  embedding_tensors out;
  const json* const size = detail::config_value(config, "vocab_size");
  if (size != nullptr && !size->is_number_unsigned()) {
    return failure{.code = errc::wrong_type, .file = "config.json", .key = "vocab_size"};
  }
  const json* const tie = detail::config_value(config, "tie_word_embeddings");
  if (tie != nullptr && !tie->is_boolean()) {
    return failure{.code = errc::wrong_type, .file = "config.json", .key = "tie_word_embeddings"};
  }
  const auto tensors = detail::all_tensors(from);
  const auto unknown = [&](const char* what) {
    const std::uint64_t rows = size != nullptr ? size->get<std::uint64_t>() : 0;
    return failure{.code = errc::unsupported,
                   .key = std::string(what) + " (candidates: " + embedding_candidates(from, rows) + ")"};
  };
  std::optional<failure> wrong;
  const auto gather = [&](const std::string& given, const auto& endings, const char* what) {
    std::vector<std::string> found;
    if (!given.empty()) found.push_back(given);
    for (const auto& [name, tensor] : tensors) {
      if (detail::is_one_of(name, endings) && tensor->shape.size() == 2 && name != given)
        found.push_back(name);
    }
    if (found.empty()) return found;
    const auto shorter = [](const std::string& a, const std::string& b) { return a.size() < b.size(); };
    std::stable_sort(found.begin() + (given.empty() ? 0 : 1), found.end(), shorter);
    const tensor_view* const first = from.find(found[0]);
    if (first == nullptr) {
      wrong = failure{.code = errc::missing_tensor, .key = found[0]};
    } else if (first->shape.size() != 2) {
      wrong =
          failure{.code = errc::wrong_shape, .key = found[0], .expected = 2, .found = first->shape.size()};
    }
    for (std::size_t i = 1; i < found.size() && !wrong; ++i) {
      if (detail::same_bytes(*first, *from.find(found[i]))) continue;
      if (given.empty()) {
        wrong = failure{.code = errc::unsupported,
                        .key = std::string(what) + " " + found[0] + " beside " + found[i]};
      } else {
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(i--));  // another matrix, and not asked for
      }
    }
    return found;
  };
  out.inputs = gather(names.input, detail::input_endings, "input embedding");
  if (wrong) return *wrong;
  if (out.inputs.empty()) return unknown("this layout without a known input embedding");
  out.heads = gather(names.head, detail::head_endings, "head");
  if (wrong) return *wrong;
  const tensor_view& input = *from.find(out.inputs[0]);
  out.input_rows = out.head_rows = input.shape[0];
  out.width = input.shape[1];
  out.input_type = out.head_type = input.type;
  if (out.heads.empty()) {
    const bool untied = !names.tied && tie != nullptr && !tie->get<bool>();
    for (const auto& [name, tensor] : tensors) {  // a head of another name or form would be left behind
      const bool of_head = name.starts_with("lm_head.") || name.find(".lm_head.") != std::string::npos;
      const bool as_high = tensor->shape.size() == 2 && tensor->shape[0] == out.input_rows &&
                           std::find(out.inputs.begin(), out.inputs.end(), name) == out.inputs.end();
      if (of_head || (untied && as_high)) return unknown("head");
    }
    out.tied = true;
  } else {
    const tensor_view& head = *from.find(out.heads[0]);
    const bool copy = detail::same_bytes(input, head);
    out.tied = names.tied.value_or(tie != nullptr ? tie->get<bool>() : copy);
    if (out.tied) {
      if (!copy) {
        return failure{.code = errc::bad_value, .key = "tie_word_embeddings beside " + out.heads[0]};
      }
      out.inputs.insert(out.inputs.end(), out.heads.begin(), out.heads.end());
      out.heads.clear();
    }
    out.head_rows = head.shape[0];
    out.head_type = head.type;
  }
  for (const auto& [name, tensor] : tensors) {
    const bool bias =
        (!names.bias.empty() && name == names.bias) || detail::is_one_of(name, detail::bias_endings);
    const bool flat = tensor->shape.size() == 1 || (tensor->shape.size() == 2 && tensor->shape[0] == 1);
    if (bias) {
      if (!flat || tensor->elements() != out.head_rows) {
        return failure{
            .code = errc::wrong_shape, .key = name, .expected = out.head_rows, .found = tensor->elements()};
      }
      out.biases.push_back(name);
      continue;
    }
    // What else belongs to a matrix row by row would be left behind.
    const auto in = [&n = name](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), n) != list.end();
    };
    if (in(out.inputs) || in(out.heads)) continue;
    for (const auto* list : {&out.inputs, &out.heads}) {
      for (const std::string& matrix : *list) {
        const std::string_view stem = std::string_view(matrix).substr(0, matrix.rfind('.') + 1);
        if (stem.empty() || !name.starts_with(stem) || tensor->shape.empty()) continue;
        if (name.find('.', stem.size()) == std::string::npos &&
            tensor->shape[0] == from.find(matrix)->shape[0]) {
          return failure{.code = errc::unsupported, .key = name + " beside " + matrix};
        }
      }
    }
  }
  out.vocab_size = size != nullptr ? size->get<std::uint64_t>() : out.head_rows;
  return out;
}

/// The axis of a bias that counts tokens: 1 for BART's [1, V].
[[nodiscard]] inline std::size_t bias_axis(const tensor_view& bias) noexcept {
  return bias.shape.size() == 2 ? 1 : 0;
}

/// Whether every token has a row: `tokens` is one more than the largest id. Rows above it pad the matrix.
/// Fails with `wrong_shape`, naming the matrix that is too low.
[[nodiscard]] inline result<done> require_rows(const embedding_tensors& found, std::uint64_t tokens) {
  if (found.input_rows < tokens) {
    return failure{
        .code = errc::wrong_shape, .key = found.inputs[0], .expected = tokens, .found = found.input_rows};
  }
  if (!found.heads.empty() && found.head_rows < tokens) {
    return failure{
        .code = errc::wrong_shape, .key = found.heads[0], .expected = tokens, .found = found.head_rows};
  }
  return done{};
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
