// SPDX-License-Identifier: MIT
// One way of decoding beside full depth.
#pragma once

#include "decoding.hpp"
#include "measure.hpp"
#include "report.hpp"
#include "speaker.hpp"

namespace generate {

// How often full depth says what text `number` says, after every prefix of prompt and text: one pass over both.
[[nodiscard]] inline double agreement(const model& network, const tokens& prompt, const tokens& text,
                                      const token_choice& choose, std::size_t number) {
  tokens whole = prompt;
  whole.insert(whole.end(), text.begin(), text.end() - 1);
  auto cache = network.make_cache(whole.size());
  const decoder::feed<float> feed{&cache, whole};
  std::size_t same = 0;
  const auto first = static_cast<lagom::index_t>(prompt.size()) - 1;
  support::must(network.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& s) {
    if (s.layer.value + 1 < network.config().layers) return false;
    network.with_head([&](const auto& head) {
      for (std::size_t i = 0; i < text.size(); ++i) {
        const auto x = s.hidden.row(first + static_cast<lagom::index_t>(i));
        const auto best = choose.draws() ? lagom::no_token : lagom::unembed(lagom::native{}, x, head).top;
        same += choose(x, best, number, first + static_cast<lagom::index_t>(i)) == text[i];
      }
    });
    return false;
  }));
  return static_cast<double>(same) / static_cast<double>(text.size());
}

// What a way of decoding gave and took.
struct work_done {
  std::vector<decoded> out;
  double seconds = 0;
  lagom::decode_ledger ledger;
};

// Decodes after every prompt, several times for the clock and once for the ledger.
[[nodiscard]] inline work_done decode_all(const speaker& s, const std::vector<std::string>& written,
                                          const std::vector<tokens>& prompts, const limits& until,
                                          const options& o, support::progress& bar) {
  const model& network = s.network();
  const lagom::decode_ledger nothing{.shape = network.config().shape(), .widths = {.weight = 4, .kv = 4}};
  work_done done{.out = {}, .seconds = 0, .ledger = nothing};
  std::vector<sequence> all;
  tokens last;
  for (const tokens& p : prompts) {
    all.emplace_back(network, p.size() + until.most + 1);
    if (o.temperature > 0) all.back().temperature(static_cast<float>(o.temperature));
    support::must(all.back().prefill(std::span(p).first(p.size() - 1)));
    last.push_back(p.back());
  }
  const auto again = [&] {
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i].crop(static_cast<lagom::index_t>(prompts[i].size()) - 1);
  };
  const bool in_step = all.size() > 1 && decodes_together(o);
  done.seconds = 1e300;
  for (int r = 0; r < o.repeats; ++r) {
    again();
    lagom::decode_ledger counted = nothing;
    std::vector<decoded> out;
    decoding how(o, network);
    const double t = seconds([&] {
      if (in_step) {
        out = how(network, all, last, until, counted);
      } else {
        for (std::size_t i = 0; i < all.size(); ++i)
          out.push_back(how(all[i], last[i], until, written[i], i));
      }
    });
    done.seconds = std::min(done.seconds, t);
    done.out = std::move(out);
    done.ledger = counted;
    bar.advance();
  }
  if (!in_step) {
    again();
    decoding how(o, network);
    for (std::size_t i = 0; i < all.size(); ++i) {
      lagom::metered counted{all[i], done.ledger};
      (void)how(counted, last[i], until, written[i], i);
      done.ledger = counted.meter();
    }
  }
  return done;
}

// The text of every token: what it adds to the text before. A character of several tokens belongs to its last.
inline void spell(const speaker& s, outcome& one) {
  const tokens& ids = one.got.text;
  std::string shown;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto so_far = tokens(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(k) + 1);
    one.text = s.trained ? s.trained->tokenizer.decode(so_far, true) : one.text + fmt::format(" {}", ids[k]);
    const bool longer = one.text.compare(0, shown.size(), shown) == 0;
    one.pieces.push_back(longer ? one.text.substr(shown.size()) : std::string());
    if (longer) shown = one.text;
  }
}

// Sequence by sequence, and all together.
struct comparison {
  std::vector<outcome> all;
  totals sum;
};
[[nodiscard]] inline comparison compare(const speaker& s, const std::vector<std::string>& written,
                                        const std::vector<tokens>& prompts, const work_done& mine,
                                        const work_done& full, const options& o) {
  const model& network = s.network();
  const token_choice choose(network, o.temperature, o.seed);
  comparison out;
  double n = 0, full_n = 0, used = 0, context = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    outcome& one = out.all.emplace_back();
    one.got = mine.out[i];
    one.prompt = written[i];
    spell(s, one);
    const tokens& text = one.got.text;
    const tokens& deep = full.out[i].text;
    // Drafts that are drawn are drawn anew where full depth keeps none: alike in distribution only.
    if (!choose.draws() || o.policy != "self-spec")
      one.agreement = agreement(network, prompts[i], text, choose, i);
    one.same = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), deep.begin(), deep.end()).first - text.begin());
    n += static_cast<double>(text.size());
    full_n += static_cast<double>(deep.size());
    for (const int l : one.got.layers) used += l;
    context += static_cast<double>(prompts[i].size()) + static_cast<double>(text.size()) / 2;
  }
  // Per token: an early text may end elsewhere than the full one.
  totals& sum = out.sum;
  sum.layers = used / n;
  sum.seconds = mine.seconds;
  sum.full_seconds = full.seconds * n / full_n;
  sum.wall_ratio = sum.seconds / sum.full_seconds;
  sum.flops_honest = mine.ledger.spent.macs / n / (full.ledger.spent.macs / full_n);
  sum.bytes_honest = mine.ledger.spent.bytes / n / (full.ledger.spent.bytes / full_n);
  const auto paper =
      lagom::cost::published_model(network.config().shape(), context / static_cast<double>(prompts.size()));
  sum.flops_paper =
      lagom::cost::adainfer_ratio(paper, lagom::mean_layers_used(mine.ledger.token_layers / n)).value;
  return out;
}

}  // namespace generate
