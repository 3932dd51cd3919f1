// SPDX-License-Identifier: MIT
// Who speaks, and what is said to it.
#pragma once

#include <fmt/core.h>

#include <memory>

#include "decoder/language_model.hpp"
#include "options.hpp"
#include "random_model.hpp"
#include "support/must.hpp"
#include "support/progress.hpp"

namespace generate {

// A model, and its tokenizer where it has one.
struct speaker {
  std::unique_ptr<decoder::language_model<float>> trained;
  std::unique_ptr<model> random;
  lagom::token_id end = lagom::no_token;

  [[nodiscard]] const model& network() const { return trained ? trained->network : *random; }
};

inline lagom::token_id end_of_text(const std::string& directory) {
  const auto config = support::must(lagom::io::load_json(directory + "/config.json"));
  const lagom::io::json* at = lagom::io::find(config, "eos_token_id");
  if (at != nullptr && at->is_array() && !at->empty()) at = &at->front();
  return at != nullptr && at->is_number_integer() ? at->get<lagom::token_id>() : lagom::no_token;
}

[[nodiscard]] inline speaker load(const options& o) {
  speaker s;
  if (o.model == "random") {
    support::progress bar("making random weights", 1);
    s.random = std::make_unique<model>(random_model(o.seed));
  } else {
    s.trained = support::must(decoder::language_model<float>::load(o.model));
    s.end = end_of_text(o.model);
  }
  return s;
}

// Stories as the shipped model knows them.
inline constexpr const char* beginnings[] = {
    "Ruth was a farmer who lived near the mill.",
    "Lena was a child who lived near the garden.",
    "Near the bridge lived a baker.",
    "Hugo was a queen who lived near the garden.",
    "Mara had a clever goat and a key.",
    "Emil was a doctor who lived near the harbour.",
    "Near the tower lived a weaver.",
    "Tom was a singer who lived near the field.",
};

// What the model continues: the prompts given, or the beginnings of stories, in turn.
[[nodiscard]] inline std::vector<std::string> texts(const options& o) {
  std::vector<std::string> out;
  const auto n = std::max(o.prompts.size(), static_cast<std::size_t>(o.batch));
  for (std::size_t i = 0; i < n; ++i) {
    if (o.model == "random")
      out.emplace_back();
    else
      out.push_back(!o.prompts.empty() ? o.prompts[i % o.prompts.size()]
                                       : beginnings[i % std::size(beginnings)]);
  }
  return out;
}

// What is said, as the model reads it; for random weights, random tokens.
[[nodiscard]] inline std::vector<tokens> token_ids(const speaker& s, const std::vector<std::string>& prompts,
                                                   const options& o) {
  std::vector<tokens> out;
  const lagom::philox random{o.seed};
  const auto context = static_cast<std::size_t>(s.network().config().context);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    auto& ids = out.emplace_back();
    if (s.trained) {
      ids = s.trained->tokenizer.encode(prompts[i], true);
    } else {
      for (std::uint64_t k = 0; k < 32; ++k)
        ids.push_back(static_cast<lagom::token_id>(
            random.below(static_cast<std::uint64_t>(s.network().config().vocab), 1 << 20 | i, k)));
    }
    if (ids.empty()) throw support::stop_program{"a prompt has no tokens", 2};
    if (ids.size() + 1 > context)
      throw support::stop_program{
          fmt::format("a prompt has {} tokens, the model's context {}", ids.size(), context), 2};
  }
  return out;
}

}  // namespace generate
