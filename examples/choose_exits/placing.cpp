// SPDX-License-Identifier: MIT
#include "placing.hpp"

#include <algorithm>
#include <map>

namespace choose_exits {

namespace {

using lagom::index_t;
using lagom::layer_sets;
using lagom::probe_kind;

// Rows of `sets`, which are of the whole trace, that `keep` keeps.
template <class Keep>
layer_sets of_part(const layer_sets& sets, const Keep& keep, index_t kept) {
  layer_sets out(sets.size(), lagom::row_set(kept));
  index_t bit = 0;
  for (index_t row = 0; row < sets.front().rows(); ++row) {
    if (!keep(row)) continue;
    for (std::size_t l = 0; l < sets.size(); ++l) {
      if (sets[l].has(row)) out[l].add(bit);
    }
    ++bit;
  }
  return out;
}

// The trace that probes over a few rows would have recorded.
lagom::trace<> restricted_trace(const study& s, const std::vector<lagom::token_id>& tokens) {
  lagom::trace<> t(s.trace.layers());
  s.with_head([&](const auto& head) {
    for (index_t row = 0; row < s.trace.rows(); ++row) {
      t.begin_row(s.trace.expected(row), s.trace.group(row), s.trace.length(row));
      for (int l = 0; l < s.trace.layers(); ++l)
        t.set(l, lagom::unembed_rows(lagom::portable{}, s.states.at(row, l), head, tokens));
    }
  });
  return t;
}

// What certified probes of a gap threshold read, layer by layer, measured on some of the rows to fit on.
lagom::result<std::vector<lagom::cost::work>> certified_work(const study& s, float gap) {
  return s.with_head([&]<class Head>(const Head& head) -> lagom::result<std::vector<lagom::cost::work>> {
    const lagom::portable backend;
    const auto prepared = lagom::prepare_head(backend, head.rows, {.code = lagom::row_code::int8});
    if (!prepared) return prepared.error();
    lagom::certified_workspace memory{backend, prepared->view()};
    const lagom::monotone_decision decide{lagom::features<lagom::gap>{}, lagom::threshold{gap}};
    const double probes = 2e10 / s.shape.head_macs() / s.shape.layers;  // a few seconds at most
    const auto wanted = static_cast<index_t>(std::clamp(probes, 2.0, 64.0));
    const index_t stride = std::max<index_t>(1, s.count(part::fit) / wanted);
    std::vector<lagom::cost::work> out;
    for (int l = 0; l < s.shape.layers; ++l) {
      memory.account = {};
      index_t nth = 0;
      for (index_t row = 0; row < s.trace.rows(); ++row) {
        if (!s.rows(part::fit)(row) || nth++ % stride != 0) continue;
        (void)lagom::certified_probe(backend, s.states.at(row, l), head, prepared->view(), memory, decide);
      }
      const auto& seen = memory.account;
      const double n = std::max<double>(1, static_cast<double>(seen.probes));
      const auto bytes = static_cast<double>(seen.bytes_read) / n,
                 rows = static_cast<double>(seen.rows_read) / n;
      // Products with all prepared rows, and with those of the head that were in doubt.
      out.push_back(lagom::cost::final_norm(s.shape, s.widths) +
                    lagom::cost::work{s.shape.head_macs() + rows * s.shape.hidden +
                                          lagom::cost::softmax_macs * s.shape.vocab,
                                      bytes});
    }
    return out;
  });
}

// All that is known of every row before exits are chosen.
class ground {
 public:
  static lagom::result<ground> make(const study& s, std::size_t levels) {
    ground g(s);
    const lagom::features<lagom::gap> gap;
    const lagom::features<lagom::hidden_cosine> cosine;
    auto gaps = quantiles(s, gap, 0, levels);
    auto cosines = quantiles(s, cosine, 0, 5);
    if (!gaps) return gaps.error();
    if (!cosines) return cosines.error();
    g.tokens = candidate_tokens(s);
    if (g.tokens.size() > 1) g.few.emplace(restricted_trace(s, g.tokens));
    g.loses = lagom::rows_that_lose(s.trace, s.trace, s.loss);
    if (g.few) g.few_lose = lagom::rows_that_lose(*g.few, s.trace, s.loss);
    for (const float at : *gaps) {
      auto full = lagom::rows_that_stop(s.trace, gap, lagom::threshold{at});
      if (!full) return full.error();
      g.by_gap.emplace(at, std::move(*full));
      if (!g.few) continue;
      auto few = lagom::rows_that_stop(*g.few, gap, lagom::threshold{at});
      if (!few) return few.error();
      g.by_few.emplace(at, std::move(*few));
    }
    for (std::size_t k = 1; k + 1 < cosines->size(); ++k) {
      auto sets = lagom::rows_that_stop(s.trace, cosine, lagom::threshold{(*cosines)[k]});
      if (!sets) return sets.error();
      g.by_cosine.emplace((*cosines)[k], std::move(*sets));
    }
    const auto typical = certified_gap(s, levels);
    if (!typical) return typical.error();
    auto certified = certified_work(s, *typical);
    if (!certified) return certified.error();
    g.certified = std::move(*certified);
    return g;
  }

  // The work of a probe, in its stages.
  struct stages {
    lagom::cost::work probe, look, answer;
  };
  [[nodiscard]] stages work_of(const placed_exit& e) const {
    const auto head = lagom::cost::full_head(s->shape, s->widths);
    const auto decision = lagom::cost::linear_decision(1),
               cheap = lagom::cost::state_cosine(s->shape) + decision;
    switch (e.kind) {
      case probe_kind::head:
        return {head + decision, {}, {}};
      case probe_kind::certified:
        return {certified[static_cast<std::size_t>(e.layer.value)] + decision, {}, {}};
      case probe_kind::rows:
        return {lagom::cost::row_head(s->shape, static_cast<double>(tokens.size()), s->widths) + decision,
                {},
                {}};
      case probe_kind::cheap:
        return {cheap, {}, head};
      case probe_kind::cheap_first:
        break;
    }
    return {cheap, certified[static_cast<std::size_t>(e.layer.value)] + decision, {}};
  }

  // The same in nanoseconds. Precondition: times are known.
  [[nodiscard]] lagom::probe_costs time_of(const placed_exit& e) const {
    lagom::exit_costs c = s->times->costs;
    c.certified = s->times->certified[static_cast<std::size_t>(e.layer.value)];
    if (e.kind == probe_kind::cheap_first) return {c.cheap + c.decision, c.certified + c.decision, 0};
    return lagom::costs_of(e.kind, c);
  }

  [[nodiscard]] bool looks(const placed_exit& e, index_t row) const {
    return e.kind == probe_kind::cheap_first && at(by_cosine, e.cosine, e).has(row);
  }
  [[nodiscard]] bool stops(const placed_exit& e, index_t row) const {
    switch (e.kind) {
      case probe_kind::rows:
        return at(by_few, e.gap, e).has(row);
      case probe_kind::cheap:
        return at(by_cosine, e.cosine, e).has(row);
      case probe_kind::cheap_first:
        return looks(e, row) && at(by_gap, e.gap, e).has(row);
      default:
        return at(by_gap, e.gap, e).has(row);
    }
  }

  // What a placement does with the rows of a part, and what it costs each.
  [[nodiscard]] outcomes walk(const std::vector<placed_exit>& exits, part which) const {
    outcomes all(static_cast<std::size_t>(s->trace.rows()));
    for (index_t row = 0; row < s->trace.rows(); ++row) {
      if (!s->rows(which)(row)) continue;
      row_outcome& o = all[static_cast<std::size_t>(row)];
      double time = 0;
      for (const placed_exit& e : exits) {
        const stages work = work_of(e);
        const lagom::probe_costs takes = s->times ? time_of(e) : lagom::probe_costs{};
        o.extra += work.probe;
        time += takes.probe;
        if (looks(e, row)) {
          o.extra += work.look;
          time += takes.look;
        }
        if (!stops(e, row)) continue;
        o.extra += work.answer;
        time += takes.answer;
        o.stop = e.layer;
        o.token = (e.kind == probe_kind::rows ? *few : s->trace).stats(row, e.layer).top;
        break;
      }
      if (s->times) o.extra_time = time;
      if (o.stop.value >= 0) continue;
      o.stop = s->trace.layers() - 1;
      o.token = s->trace.final_token(row);
      o.heads = 1;
    }
    return all;
  }

  // Which share of the rows that `keep` keeps a placement loses.
  template <class Keep>
  [[nodiscard]] double risk(const std::vector<placed_exit>& exits, const Keep& keep) const {
    double rows = 0, losses = 0;
    for (index_t row = 0; row < s->trace.rows(); ++row) {
      if (!keep(row)) continue;
      ++rows;
      const auto left =
          std::find_if(exits.begin(), exits.end(), [&](const placed_exit& e) { return stops(e, row); });
      if (left == exits.end()) continue;
      const layer_sets& lose = left->kind == probe_kind::rows ? few_lose : loses;
      losses += lose[static_cast<std::size_t>(left->layer.value)].has(row);
    }
    return rows > 0 ? losses / rows : 0;
  }

  // All exits at one gap threshold, over the rows that `keep` keeps; `what` says which option is which exit.
  template <class Keep>
  [[nodiscard]] lagom::exit_options options(float gap, const placing_options& o, const Keep& keep,
                                            std::vector<placed_exit>& what) const {
    index_t n = 0;
    double length = 0;
    for (index_t row = 0; row < s->trace.rows(); ++row) {
      if (!keep(row)) continue;
      ++n;
      length += s->trace.length(row);
    }
    const auto pass = lagom::cost::decode(length / static_cast<double>(std::max<index_t>(1, n)));
    auto all = lagom::no_options(
        s->trace,
        s->times ? s->times->costs
                 : lagom::ledger_costs(s->shape, pass, {.unit = o.unit, .widths = s->widths}),
        keep);
    const auto in = [&](const lagom::cost::work& w) {
      return o.unit == lagom::cost_unit::macs ? w.macs : w.bytes;
    };
    const auto add = [&](probe_kind kind, const layer_sets& stop, const layer_sets& lose, float cosine,
                         const layer_sets* look = nullptr) {
      if (!o.probes.empty() && std::find(o.probes.begin(), o.probes.end(), kind) == o.probes.end()) return;
      const std::size_t first = all.options.size();
      lagom::add_exits(all, kind, stop, lose, 0, look);
      for (std::size_t k = first; k < all.options.size(); ++k) {
        const placed_exit e{all.options[k].layer, kind, gap, cosine};
        const stages work = work_of(e);
        all.options[k].costs =
            s->times ? time_of(e) : lagom::probe_costs{in(work.probe), in(work.look), in(work.answer)};
        what.push_back(e);
      }
    };
    const auto part_of = [&](const layer_sets& sets) { return of_part(sets, keep, n); };
    const auto lose = part_of(loses), stop = part_of(by_gap.at(gap));
    add(probe_kind::head, stop, lose, 0);
    add(probe_kind::certified, stop, lose, 0);
    if (few) add(probe_kind::rows, part_of(by_few.at(gap)), part_of(few_lose), 0);
    for (const auto& [cosine, sets] : by_cosine) {
      const auto close = part_of(sets);
      add(probe_kind::cheap, close, lose, cosine);
      add(probe_kind::cheap_first, stop, lose, cosine, &close);
    }
    return all;
  }

  std::map<float, layer_sets> by_gap, by_few, by_cosine;
  std::vector<lagom::token_id> tokens;
  std::optional<lagom::trace<>> few;
  std::vector<lagom::cost::work> certified;

 private:
  explicit ground(const study& from) : s(&from) {}

  static const lagom::row_set& at(const std::map<float, layer_sets>& sets, float threshold,
                                  const placed_exit& e) {
    return sets.at(threshold)[static_cast<std::size_t>(e.layer.value)];
  }

  const study* s;
  layer_sets loses, few_lose;
};

}  // namespace

std::string_view name(lagom::probe_kind kind) {
  constexpr std::string_view names[] = {"head", "certified", "rows", "cosine", "cosine_then_certified"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<lagom::token_id> candidate_tokens(const study& s) {
  std::vector<lagom::token_id> out;
  for (index_t row = 0; row < s.trace.rows(); ++row) {
    if (s.rows(part::fit)(row) && s.trace.expected(row) != lagom::no_token)
      out.push_back(s.trace.expected(row));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (static_cast<int>(out.size()) > s.shape.vocab / 4) out.clear();
  return out;
}

lagom::result<float> certified_gap(const study& s, std::size_t levels) {
  const auto gaps = quantiles(s, lagom::features<lagom::gap>{}, 0, levels);
  if (!gaps) return gaps.error();
  return gaps->empty() ? 0.8f : (*gaps)[gaps->size() * 3 / 4];
}

lagom::result<placing> place(const study& s, const placing_options& o) {
  const auto known = ground::make(s, o.levels);
  if (!known) return known.error();
  placing out;
  out.candidates = known->tokens;
  const double head = lagom::cost::full_head(s.shape, s.widths).bytes;
  for (const auto& w : known->certified) out.certified_share.push_back(w.bytes / head);

  // Of the rows to fit on, every second one chooses; the others say how much that fits their fellows only.
  std::vector<char> half(static_cast<std::size_t>(s.trace.rows()), 0);  // 1 chooses, 2 orders
  index_t nth = 0, choosing = 0;
  for (index_t row = 0; row < s.trace.rows(); ++row) {
    if (!s.rows(part::fit)(row)) continue;
    half[static_cast<std::size_t>(row)] = nth++ % 2 == 0 ? 1 : 2;
    choosing += nth % 2;
  }
  const auto chooses = [&](index_t row) { return half[static_cast<std::size_t>(row)] == 1; };
  const auto orders = [&](index_t row) { return half[static_cast<std::size_t>(row)] == 2; };

  // Every gap threshold has a front of its own.
  struct candidate {
    placement_point point;
    double risk = 0;  // where it was not chosen
  };
  std::vector<candidate> all;
  const auto budget = static_cast<index_t>(1.5 * s.tolerance.value * static_cast<double>(choosing)) + 1;
  for (const auto& [gap, unused] : known->by_gap) {
    std::vector<placed_exit> what;
    const auto options = known->options(gap, o, chooses, what);
    const auto front = lagom::place_exits(options, budget, 3000);
    if (!front) return front.error();
    out.exact = out.exact && front->exact;
    const double full = options.layers * options.costs.block + options.costs.head;
    for (const auto& p : front->points) {
      candidate& to = all.emplace_back();
      to.point = {{}, front->risk(p), p.cost / full, p.bound / full};
      for (const index_t i : p.options) to.point.exits.push_back(what[static_cast<std::size_t>(i)]);
      to.risk = known->risk(to.point.exits, orders);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) {
    return a.point.risk != b.point.risk ? a.point.risk < b.point.risk : a.point.cost < b.point.cost;
  });
  for (const candidate& c : all) {  // what stands in none's shadow
    if (out.front.empty() || c.point.cost < out.front.back().cost * (1 - 1e-9)) out.front.push_back(c.point);
  }
  // The sequence to test: equal risks from the dearest to the cheapest, in steps that are worth a test.
  std::stable_sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) {
    return a.risk != b.risk ? a.risk < b.risk : a.point.cost > b.point.cost;
  });
  out.tested.push_back({{}, 0, 1, 1});
  for (const candidate& c : all) {
    if (c.point.cost < out.tested.back().cost * 0.995) out.tested.push_back(c.point);
  }

  family f{.name = "placed",
           .source = "dynamic programming over layers and kinds of probes",
           .setting = {},
           .settings = {}};
  for (std::size_t k = 0; k < out.tested.size(); ++k) f.settings.push_back(static_cast<double>(k));
  std::size_t judged = 0;
  auto row = judge(s, f, [&](double setting, part which) -> lagom::result<outcomes> {
    const auto k = static_cast<std::size_t>(setting);
    auto walked = known->walk(out.tested[k].exits, which);
    if (which == part::test) {
      judged = k;
      out.replay = walked;
    }
    return walked;
  });
  if (!row) return row.error();
  out.row = std::move(*row);
  const std::size_t exits = out.tested[judged].exits.size();
  out.row.setting = fmt::format("{} exit{}", exits, exits == 1 ? "" : "s");
  if (out.row.shown) out.deployed = judged;
  return out;
}

std::vector<rule_row> oracles(const study& s) {
  std::vector<rule_row> rows;
  const auto add = [&](std::string label, std::string setting, bool charged, const auto& stop) {
    outcomes all(static_cast<std::size_t>(s.trace.rows()));
    for (index_t row = 0; row < s.trace.rows(); ++row) {
      const lagom::layer_index at = stop(row);
      all[static_cast<std::size_t>(row)] = {
          at, s.trace.stats(row, at).top, charged ? at.value + 1.0 : 1.0, {}};
    }
    rule_row r = tally(s, part::test, all);
    r.name = std::move(label);
    r.setting = std::move(setting);
    rows.push_back(std::move(r));
  };
  const auto agreeing = [&](index_t row) { return lagom::earliest_agreeing(s.trace, row); };
  const auto consistent = [&](index_t row) { return lagom::earliest_consistent(s.trace, row); };
  add("full_depth", "no exits", false, [&](index_t) { return lagom::layer_index(s.trace.layers() - 1); });
  add("oracle_agreeing", "first layer that agrees, probes free", false, agreeing);
  add("oracle_consistent", "agrees from there on, probes free", false, consistent);
  add("oracle_probing", "consistent, every layer probed", true, consistent);
  return rows;
}

}  // namespace choose_exits
