// SPDX-License-Identifier: MIT
// Beginnings of texts in several languages, and what the model itself says after them: what its drafters are to draft.
#pragma once

#include <algorithm>
#include <lagom/io/text_lines.hpp>
#include <lagom/text/text_profile.hpp>
#include <string>
#include <thread>
#include <vector>

#include "decoder/language_model.hpp"
#include "generate/decoded.hpp"
#include "support/must.hpp"
#include "support/parallel.hpp"
#include "support/progress.hpp"

namespace fit_drafters {

using generate::limits;
using generate::model;
using generate::sequence;
using generate::tokens;

// One language: prompts to train after and prompts to judge after.
struct language {
  std::string label;
  std::vector<tokens> train, held_out;
  lagom::text_profile profile;
};

struct text_limits {
  std::size_t lines = 160, held_out = 24, prompt = 16;
};

// "LABEL=FILE" of every language, in order; files of one label belong together. Every fifth line is held out. Lines are
// taken evenly until there are enough; their first tokens are the prompts.
[[nodiscard]] inline std::vector<language> read_texts(const std::vector<std::string>& named,
                                                      const lagom::io::hf_tokenizer& tokenizer,
                                                      const text_limits& most) {
  std::vector<language> out;
  std::vector<std::vector<std::string>> files;
  for (const std::string& text : named) {
    const std::size_t at = text.find('=');
    if (at == 0 || at == std::string::npos || at + 1 == text.size())
      throw support::stop_program{"--texts: '" + text + "' is not LANGUAGE=FILE", 2};
    const std::string label = text.substr(0, at);
    const auto same = [&](const language& l) { return l.label == label; };
    const auto known = std::find_if(out.begin(), out.end(), same) - out.begin();
    if (known == static_cast<std::ptrdiff_t>(out.size())) {
      out.push_back({.label = label, .train = {}, .held_out = {}, .profile = {}});
      files.emplace_back();
    }
    files[static_cast<std::size_t>(known)].push_back(text.substr(at + 1));
  }
  for (std::size_t k = 0; k < out.size(); ++k) {
    auto open = support::must(lagom::io::text_lines::open(files[k]));
    std::vector<std::string_view> lines[2];
    std::size_t n = 0;
    for (std::string_view line; open.next(line);) {
      if (!line.empty()) lines[n++ % 5 == 4].push_back(line);
    }
    for (const bool judge : {false, true}) {
      auto& prompts = judge ? out[k].held_out : out[k].train;
      const std::size_t take = std::min(lines[judge].size(), judge ? most.held_out : most.lines);
      if (take == 0)
        throw support::stop_program{files[k].front() + ": too few lines of " + out[k].label +
                                    ", five is the least"};
      for (std::size_t i = 0; i < take; ++i) {
        const std::string_view line = lines[judge][i * lines[judge].size() / take];
        tokens ids = tokenizer.encode(line, true);
        ids.resize(std::min(ids.size(), most.prompt));
        if (ids.empty()) continue;
        prompts.push_back(std::move(ids));
        if (!judge) out[k].profile.push(line);
      }
      if (prompts.empty()) throw support::stop_program{files[k].front() + ": no tokens of " + out[k].label};
    }
  }
  return out;
}

// Calls task(i) on threads, with a bar.
template <class Task>
void for_each_prompt(const std::string& what, std::size_t n, unsigned threads, const Task& task) {
  support::progress bar(what, n);
  support::parallel(n, threads, [&](std::size_t i) {
    task(i);
    bar.advance();
  });
}

// Greedy decoding at full depth: `engine` holds the prompt but its last token.
[[nodiscard]] inline tokens full_depth(sequence& engine, lagom::token_id last, const limits& until) {
  const auto policy = generate::leave_after(engine.layers() - 1);
  tokens out;
  while (!until.reached(out))
    out.push_back(last = support::must(lagom::early_token(engine, last, policy, lagom::fill_kv{})).token);
  return out;
}
[[nodiscard]] inline sequence after(const model& network, const tokens& prompt, const limits& until) {
  sequence s(network, prompt.size() + until.most + 1);
  support::must(s.prefill(std::span(prompt).first(prompt.size() - 1)));
  return s;
}

// The model's continuations, and then the states of every position of prompt and continuation after the layers that draft
// and after the last one, in this order.
[[nodiscard]] inline lagom::hidden_states<float> record(const model& network,
                                                        const std::vector<tokens>& prompts,
                                                        const limits& until, const std::vector<int>& layers,
                                                        unsigned threads, const std::string& what) {
  const int depth = network.config().layers, width = network.config().hidden;
  const auto columns = static_cast<int>(layers.size()) + 1;
  std::vector<lagom::hidden_states<float>> parts(prompts.size(), {columns, width});
  for_each_prompt(what, prompts.size(), threads, [&](std::size_t i) {
    sequence s = after(network, prompts[i], until);
    tokens text = prompts[i];
    const tokens said = full_depth(s, text.back(), until);
    text.insert(text.end(), said.begin(), said.end());
    auto cache = network.make_cache(text.size());
    const decoder::feed<float> feed{&cache, text};
    std::vector<std::vector<float>> seen;
    support::must(network.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& block) {
      const int l = block.layer.value;
      if (l + 1 == depth || std::find(layers.begin(), layers.end(), l + 1) != layers.end())
        seen.emplace_back(block.hidden.data(), block.hidden.data() + block.hidden.rows() * width);
      return false;
    }));
    for (std::size_t p = 0; p < text.size(); ++p) {
      parts[i].begin_row();
      for (int c = 0; c < columns; ++c)
        parts[i].record(lagom::layer_obs{
            .layer = c,
            .hidden = {seen[static_cast<std::size_t>(c)].data() + p * static_cast<std::size_t>(width),
                       width}});
    }
  });
  lagom::hidden_states<float> out(columns, width);
  for (const auto& part : parts) out.append(part);
  return out;
}

}  // namespace fit_drafters
