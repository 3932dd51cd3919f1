// SPDX-License-Identifier: MIT
// Initializers by name: "mean", "merge:flat", "align:overlap".
#pragma once

#include <fmt/core.h>
#include <fmt/format.h>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed.hpp>
#include <lagom/vocab/align.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace expand_vocabulary {

// What an initializer reads of an expansion besides the tokens' pieces.
enum class wants : unsigned { nothing = 0, alignment = 1, target_vectors = 2, both_vectors = 4 };

struct initializer {
  std::string name, option;  // "merge", "flat"
  wants reads = wants::nothing;
  lagom::vocab::align_policy policy = lagom::vocab::align_policy::exact_cover;

  [[nodiscard]] std::string label() const { return option.empty() ? name : name + ":" + option; }

  // The rows, as a plan. Fails where the expansion lacks what the method reads.
  [[nodiscard]] lagom::result<lagom::embed::plan> operator()(const lagom::vocab::expansion& e,
                                                             std::uint64_t seed) const {
    namespace embed = lagom::embed;
    const lagom::xtensor_blas blas;
    if (name == "random") return embed::random{.seed = seed}(e);
    if (name == "source_mean") return embed::source_mean{}(e);
    if (name == "mean") return embed::mean{}(e);
    if (name == "subword") {
      const auto weights = option == "first"     ? embed::piece_weights::first
                           : option == "last"    ? embed::piece_weights::last
                           : option == "rising"  ? embed::piece_weights::rising
                           : option == "falling" ? embed::piece_weights::falling
                                                 : embed::piece_weights::sum;
      return embed::subword{weights}(e);
    }
    if (name == "merge") {
      return embed::merge{option == "flat" ? embed::merge_weights::flat : embed::merge_weights::tree}(e);
    }
    if (name == "align") return embed::align{}(e);
    if (name == "script_gaussian") return embed::script_gaussian{.seed = seed}(e);
    if (name == "focus" && option == "centred") {
      lagom::vocab::expansion centred = e;
      centred.target_vectors = embed::centred(e.target_vectors);
      return embed::focus{.rare = {.seed = seed}}(centred, blas);
    }
    if (name == "focus") return embed::focus{.rare = {.seed = seed}}(e, blas);
    if (name == "clp") return embed::clp{}(e, blas);
    if (name == "clp_plus") return embed::clp_plus{}(e, blas);
    if (name == "wechsel") return embed::wechsel{}(e, blas);
    if (name == "fase") return embed::fase{}(e, blas);
    return lagom::failure{.code = lagom::errc::unsupported, .key = "initializer " + label()};
  }
};

struct known_initializer {
  std::string_view name;
  wants reads;
  std::vector<std::string_view> options;
  std::string_view what;
};

inline const std::vector<known_initializer>& known_initializers() {
  static const std::vector<known_initializer> all = {
      {"random", wants::nothing, {}, "mean and deviation of the source rows, drawn a dimension"},
      {"source_mean", wants::nothing, {}, "the mean of all source rows"},
      {"mean", wants::nothing, {}, "the mean of the source tokens of its bytes"},
      {"subword", wants::nothing, {"sum", "first", "last", "rising", "falling"}, "other weights of those"},
      {"merge",
       wants::nothing,
       {"tree", "flat"},
       "the mean of the two tokens that merge into it, all the way down"},
      {"align",
       wants::alignment,
       {"exact_cover", "containment", "overlap", "overlap_weighted"},
       "the mean of what it covers in the corpus, weighed by how often"},
      {"script_gaussian", wants::nothing, {}, "drawn like the source tokens of its script"},
      {"focus", wants::target_vectors, {"centred"}, "similar shared tokens by vectors trained on the corpus"},
      {"clp", wants::target_vectors, {}, "all shared tokens, by similarity"},
      {"clp_plus", wants::target_vectors, {}, "the same, made sparse"},
      {"wechsel", wants::both_vectors, {}, "the nearest source tokens by word vectors of two languages"},
      {"fase", wants::both_vectors, {}, "the source token that is nearest both ways, else as focus"},
  };
  return all;
}

// Reads "name" or "name:option". Fails with `unsupported`, naming it.
[[nodiscard]] inline lagom::result<initializer> initializer_of(const std::string& text) {
  initializer out;
  out.name = text.substr(0, text.find(':'));
  if (out.name.size() < text.size()) out.option = text.substr(out.name.size() + 1);
  for (const known_initializer& known : known_initializers()) {
    if (known.name != out.name) continue;
    out.reads = known.reads;
    const auto at = std::find(known.options.begin(), known.options.end(), out.option);
    if (!out.option.empty() && at == known.options.end()) break;
    if (out.name == "align" && !out.option.empty()) {
      out.policy = static_cast<lagom::vocab::align_policy>(at - known.options.begin());
    }
    return out;
  }
  return lagom::failure{.code = lagom::errc::unsupported, .key = "initializer " + text};
}

// The list for --help, a line each.
[[nodiscard]] inline std::string initializer_list() {
  std::string out;
  for (const known_initializer& known : known_initializers()) {
    out += fmt::format("  {:<16} {}", known.name, known.what);
    for (std::size_t i = 0; i < known.options.size(); ++i) {
      out += i == 0 ? fmt::format(" ({}:", known.name) : ", ";
      out += known.options[i];
    }
    out += known.options.empty() ? "\n" : ")\n";
  }
  return out;
}

}  // namespace expand_vocabulary
