// SPDX-License-Identifier: MIT
#include "initializers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/embed.hpp>

namespace expand_vocabulary {
namespace {

// Options of one group exclude each other.
struct known_option {
  std::string_view name;
  char group;
  std::string_view what;
};

struct known_initializer {
  std::string_view name;
  wants reads;
  std::string_view what, number;  // what a number among the options says; empty where there is none
  std::vector<known_option> options;
};

const std::vector<known_initializer>& known_initializers() {
  static const std::vector<known_initializer> all = {
      {"random", wants::nothing, "drawn a dimension from mean and deviation of the source rows", "", {}},
      {"zero", wants::nothing, "zeros, which a head of negative logits prefers to all tokens", "", {}},
      {"source_mean", wants::nothing, "the mean of all source rows", "", {}},
      {"mean", wants::nothing, "the mean of the source tokens of its bytes", "", {}},
      {"subword",
       wants::nothing,
       "other weights of those",
       "",
       {{"sum", 'w', "1 each (default)"},
        {"first", 'w', "the first token alone"},
        {"last", 'w', "the last token alone"},
        {"rising", 'w', "1, 2, ... n, divided by their sum"},
        {"falling", 'w', "n, ... 2, 1, divided by their sum"}}},
      {"merge",
       wants::nothing,
       "the mean of the two tokens that merge into it, all the way down",
       "",
       {{"tree", 'w', "halves at every merge (default)"},
        {"flat", 'w', "all source tokens under it alike"},
        {"first", 'r', "of several merges that make it the first, instead of their mean"}}},
      {"align",
       wants::alignment,
       "the mean of the source tokens that it covers in the corpus, weighed by how often",
       "",
       {{"exact_cover", 'p', "where both its ends are ends of source tokens (default)"},
        {"containment", 'p', "those inside it, or the one around it"},
        {"overlap", 'p', "all that share a byte with it"},
        {"overlap_weighted", 'p', "the same, by how many bytes"},
        {"consider_mean", 'm', "its pieces count as one more cover, as often as the most frequent"},
        {"flat", 'w', "backs off to merge:flat instead of merge"},
        {"first", 'r', "backs off to merge:first"}}},
      {"script_gaussian", wants::nothing, "drawn like the source tokens of its script", "", {}},
      {"focus",
       wants::target_vectors,
       "shared tokens that stand in similar places, by vectors of the new language",
       "",
       {{"centred", 'c', "vectors less their mean, which tells tokens of small corpora apart"}}},
      {"clp",
       wants::target_vectors,
       "all shared tokens, by the same similarity",
       "",
       {{"unbounded", 'c', "also where the similarities add up to almost nothing, as published"}}},
      {"clp_plus", wants::target_vectors, "the same, made sparse", "", {}},
      {"omp",
       wants::target_vectors,
       "few shared tokens whose vectors rebuild its vector",
       "how many (default 64)",
       {{"raw", 'c', "long vectors win, as in a widely used tool"}}},
      {"wechsel",
       wants::both_vectors,
       "the nearest source tokens by word vectors of two languages",
       "how many (default 10)",
       {{"keep", 'c', "shared tokens keep their rows, instead of added ones only"}}},
      {"ofa",
       wants::both_vectors,
       "the same, shared tokens keep their rows; OFA without its factorisation",
       "how many (default 10)",
       {}},
      {"fase", wants::both_vectors, "the source token that is nearest both ways, else as focus", "", {}},
  };
  return all;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

bool initializer::has(std::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

lagom::vocab::align_policy initializer::policy() const {
  using enum lagom::vocab::align_policy;
  return has("containment")        ? containment
         : has("overlap")          ? overlap
         : has("overlap_weighted") ? overlap_weighted
                                   : exact_cover;
}

lagom::result<lagom::embed::plan> initializer::operator()(const lagom::vocab::expansion& e,
                                                          std::uint64_t seed) const {
  namespace embed = lagom::embed;
  const lagom::xtensor_blas blas;
  const embed::gaussian rest{.seed = seed};
  const auto weights = has("flat") ? embed::merge_weights::flat : embed::merge_weights::tree;
  const auto several = has("first") ? embed::several_rules::first : embed::several_rules::mean;
  if (name == "random") return embed::random{.seed = seed}(e);
  if (name == "zero") return embed::zero{}(e);
  if (name == "source_mean") return embed::source_mean{}(e);
  if (name == "mean") return embed::mean{}(e);
  if (name == "subword") {
    return embed::subword{has("first")     ? embed::piece_weights::first
                          : has("last")    ? embed::piece_weights::last
                          : has("rising")  ? embed::piece_weights::rising
                          : has("falling") ? embed::piece_weights::falling
                                           : embed::piece_weights::sum}(e);
  }
  if (name == "merge") return embed::merge{weights, several}(e);
  if (name == "align") return embed::align{has("consider_mean"), weights, several}(e);
  if (name == "script_gaussian") return embed::script_gaussian{.seed = seed}(e);
  if (name == "focus") {
    const embed::focus method{.rare = rest};
    if (!has("centred")) return method(e, blas);
    lagom::vocab::expansion centred = e;
    centred.target_vectors = embed::centred(e.target_vectors);
    return method(centred, blas);
  }
  if (name == "clp") {
    embed::clp method{.rest = rest};
    if (has("unbounded")) method.least = 0;
    return method(e, blas);
  }
  if (name == "clp_plus") return embed::clp_plus{.rest = rest}(e, blas);
  if (name == "omp") {
    embed::omp method{.rest = rest, .raw = has("raw")};
    if (number > 0) method.atoms = number;
    return method(e, blas);
  }
  const auto nearest = [&](auto method) {
    if (number > 0) method.neighbours = number;
    if (has("keep")) method.copy = embed::copies::all;
    method.rest = rest;
    return method(e, blas);
  };
  if (name == "wechsel") return nearest(embed::wechsel{});
  if (name == "ofa") return nearest(embed::ofa{});
  if (name == "fase") return embed::fase{.rest = rest}(e, blas);
  return lagom::failure{.code = lagom::errc::unsupported, .key = "initializer " + label};
}

lagom::result<initializer> initializer_of(const std::string& text) {
  initializer out;
  out.label = text;
  std::size_t end = text.find(':');
  const std::string_view all = text, name = all.substr(0, end);
  const auto known = std::find_if(known_initializers().begin(), known_initializers().end(),
                                  [&](const known_initializer& k) { return k.name == name; });
  if (known == known_initializers().end()) {
    return lagom::failure{.code = lagom::errc::unsupported, .key = "initializer " + std::string(name)};
  }
  out.name = known->name;
  out.reads = known->reads;
  const auto fail = [&](std::string_view option, const char* how) {
    return lagom::failure{
        .code = lagom::errc::unsupported,
        .key = fmt::format("initializer {} {} {}", name, how, option.empty() ? "no option" : option)};
  };
  std::string groups;
  while (end != std::string::npos) {
    const std::size_t begin = end + 1;
    end = text.find(':', begin);
    const std::string_view option = all.substr(begin, end == std::string::npos ? end : end - begin);
    if (!known->number.empty() && out.number == 0 && is_number(option)) {
      out.number = std::stoul(std::string(option));
      continue;
    }
    const auto at = std::find_if(known->options.begin(), known->options.end(),
                                 [&](const known_option& o) { return o.name == option; });
    if (at == known->options.end()) return fail(option, "with");
    if (groups.find(at->group) != std::string::npos) return fail(option, "with all of its options and");
    groups += at->group;
    out.options.push_back(at->name);
  }
  return out;
}

std::string initializer_list() {
  std::string out;
  for (const known_initializer& known : known_initializers()) {
    out += fmt::format("  {:<20} {}{}\n", known.name, known.what,
                       known.reads == wants::both_vectors ? " (--vectors, --source-vectors)" : "");
    if (!known.number.empty()) out += fmt::format("    :{:<17} {}\n", "N", known.number);
    for (const known_option& option : known.options) {
      out += fmt::format("    :{:<17} {}\n", option.name, option.what);
    }
  }
  return out;
}

}  // namespace expand_vocabulary
