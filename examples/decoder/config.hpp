// SPDX-License-Identifier: MIT
// The shape of a Llama-architecture model, read from a Hugging Face config.json.
#pragma once

#include <cstdint>
#include <lagom/cost/shape.hpp>
#include <lagom/io/json.hpp>
#include <string>

namespace decoder {

// Llama-3's frequency scaling; factor 1 means none. `linear` divides every frequency by the factor.
struct rope_scaling {
  enum class kind { none, linear, llama3 } type = kind::none;
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  double original_context = 8192;
};

struct model_config {
  std::string architecture;  // model_type
  int layers = 0, hidden = 0, ffn = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0;
  int context = 0;  // most tokens of a sequence
  double norm_epsilon = 1e-6;
  double rope_theta = 10000;
  rope_scaling rope;
  bool qkv_bias = false, output_bias = false, mlp_bias = false, tied = false;

  [[nodiscard]] lagom::cost::decoder_shape shape() const {
    return {.layers = layers,
            .hidden = hidden,
            .ffn = ffn,
            .heads = heads,
            .kv_heads = kv_heads,
            .head_dim = head_dim,
            .vocab = vocab,
            .gated = true,
            .tied = tied,
            .attention_bias = output_bias,
            .mlp_bias = mlp_bias};
  }
};

namespace detail {

using lagom::errc;
using lagom::failure;
using lagom::io::json;

// Collects the first thing that is wrong, so that the reading code stays a list of keys.
class reader {
 public:
  reader(const json& object, std::string path) : object_(object), path_(std::move(path)) {}

  // A positive integer; `fallback` < 0 means that the key must be there.
  int integer(const char* key, int fallback = -1) {
    const json* const at = present(key);
    if (at == nullptr) {
      if (fallback < 0) fail(errc::missing_key, key);
      return fallback;
    }
    if (!at->is_number_integer()) {
      fail(errc::wrong_type, key);
    } else if (at->get<std::int64_t>() < 1 || at->get<std::int64_t>() > 1 << 28) {
      fail(errc::out_of_range, key);
    } else {
      return at->get<int>();
    }
    return 1;
  }
  double number(const json& from, const char* key, double fallback) {
    const json* const at = lagom::io::find(from, key);
    if (at == nullptr || at->is_null()) return fallback;
    if (!at->is_number()) {
      fail(errc::wrong_type, key);
    } else if (!(at->get<double>() > 0 && at->get<double>() < 1e12)) {
      fail(errc::out_of_range, key);
    } else {
      return at->get<double>();
    }
    return fallback;
  }
  bool flag(const char* key, bool fallback) {
    const json* const at = present(key);
    if (at == nullptr) return fallback;
    if (!at->is_boolean()) fail(errc::wrong_type, key);
    return at->is_boolean() && at->get<bool>();
  }
  std::string text(const char* key, const std::string& fallback) {
    const json* const at = present(key);
    if (at == nullptr) return fallback;
    if (!at->is_string()) fail(errc::wrong_type, key);
    return at->is_string() ? at->get<std::string>() : fallback;
  }
  const json* present(const char* key) const {
    const json* const at = lagom::io::find(object_, key);
    return at == nullptr || at->is_null() ? nullptr : at;
  }
  void fail(errc code, const std::string& key) {
    if (ok_) failure_ = {.code = code, .file = path_, .key = key};
    ok_ = false;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const failure& error() const { return failure_; }

 private:
  const json& object_;
  std::string path_;
  bool ok_ = true;
  failure failure_{};
};

// `rope_scaling` with `rope_theta` beside it, or `rope_parameters` with everything inside (transformers 5).
inline void read_rope(reader& from, const json& root, model_config& c) {
  c.rope_theta = from.number(root, "rope_theta", 10000);
  const json* scaling = from.present("rope_parameters");
  if (scaling == nullptr) scaling = from.present("rope_scaling");
  if (scaling == nullptr) return;
  if (!scaling->is_object()) return from.fail(errc::wrong_type, "rope_scaling");
  c.rope_theta = from.number(*scaling, "rope_theta", c.rope_theta);
  const json* type = lagom::io::find(*scaling, "rope_type");
  if (type == nullptr) type = lagom::io::find(*scaling, "type");
  const std::string name = type != nullptr && type->is_string() ? type->get<std::string>() : "default";
  if (name == "default") return;
  c.rope.factor = from.number(*scaling, "factor", 1);
  if (name == "linear") {
    c.rope.type = rope_scaling::kind::linear;
  } else if (name == "llama3") {
    c.rope.type = rope_scaling::kind::llama3;
    c.rope.low_freq_factor = from.number(*scaling, "low_freq_factor", 1);
    c.rope.high_freq_factor = from.number(*scaling, "high_freq_factor", 4);
    c.rope.original_context = from.number(*scaling, "original_max_position_embeddings", 8192);
    if (!(c.rope.low_freq_factor < c.rope.high_freq_factor)) from.fail(errc::bad_value, "high_freq_factor");
  } else {
    from.fail(errc::unsupported, "rope_type " + name);
  }
}

}  // namespace detail

// Reads DIR/config.json. Llama, and the two families that differ from it only in biases and window: Mistral and
// Qwen2. Everything else is refused by name.
[[nodiscard]] inline lagom::result<model_config> load_config(const std::string& directory) {
  using lagom::errc;
  const std::string path = directory + "/config.json";
  auto parsed = lagom::io::load_json(path);
  if (!parsed) return parsed.error();
  if (!parsed->is_object()) return lagom::failure{.code = errc::wrong_type, .file = path};
  detail::reader from(*parsed, path);
  model_config c;
  c.architecture = from.text("model_type", "");
  const bool llama = c.architecture == "llama", mistral = c.architecture == "mistral",
             qwen2 = c.architecture == "qwen2";
  if (!llama && !mistral && !qwen2) from.fail(errc::unsupported, "architecture '" + c.architecture + "'");
  c.layers = from.integer("num_hidden_layers");
  c.hidden = from.integer("hidden_size");
  c.ffn = from.integer("intermediate_size");
  c.heads = from.integer("num_attention_heads");
  c.kv_heads = from.integer("num_key_value_heads", c.heads);
  c.head_dim = from.integer("head_dim", c.heads > 0 ? c.hidden / c.heads : 0);
  c.vocab = from.integer("vocab_size");
  c.context = from.integer("max_position_embeddings", 2048);
  c.norm_epsilon = from.number(*parsed, "rms_norm_eps", 1e-6);
  c.tied = from.flag("tie_word_embeddings", false);
  c.output_bias = llama && from.flag("attention_bias", false);
  c.qkv_bias = c.output_bias || qwen2;
  c.mlp_bias = llama && from.flag("mlp_bias", false);
  detail::read_rope(from, *parsed, c);
  if (const std::string act = from.text("hidden_act", "silu"); act != "silu") {
    from.fail(errc::unsupported, "hidden_act '" + act + "'");
  }
  const bool windowed = mistral || (qwen2 && from.flag("use_sliding_window", false));
  if (windowed && from.present("sliding_window") != nullptr) {
    c.context = std::min(c.context, from.integer("sliding_window"));  // exact up to the window
  }
  if (from.ok() && c.heads % c.kv_heads != 0) from.fail(errc::bad_value, "num_key_value_heads");
  const auto wide = (std::int64_t{c.heads} + 2 * std::int64_t{c.kv_heads}) * c.head_dim;
  if (from.ok() && wide > 1 << 28) from.fail(errc::out_of_range, "num_attention_heads");
  if (from.ok() && (c.head_dim < 2 || c.head_dim % 2 != 0)) from.fail(errc::bad_value, "head_dim");
  if (!from.ok()) return from.error();
  return c;
}

}  // namespace decoder
