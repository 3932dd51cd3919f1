// SPDX-License-Identifier: MIT
// Uses every light family; the including file says under which name.
#include <lagom/adapt/native.hpp>
#include <lagom/lagom.hpp>

// An engine that both translation units know: all of it is inlined, so what is shared is the library's.
struct shared_sequence {
  using scalar_type = float;
  using stats_type = lagom::softmax_stats<float>;
  const float* rows = nullptr;
  lagom::index_t at = 0, full[4] = {};
  float state[16][16] = {};

  LAGOM_INLINE int layers() const { return 4; }
  LAGOM_INLINE lagom::index_t length() const { return at; }
  LAGOM_INLINE lagom::index_t held(lagom::layer_index l) const { return full[l.value]; }
  LAGOM_INLINE lagom::result<lagom::done> feed(lagom::token_id t) {
    if (at == 16) return lagom::failure{.code = lagom::errc::too_long};
    for (int j = 0; j < 16; ++j) state[at][j] = rows[(t % 64) * 16 + j];
    ++at;
    return lagom::done{};
  }
  LAGOM_INLINE void block(lagom::layer_index l, lagom::index_t first, lagom::index_t n) {
    for (lagom::index_t p = first; p < first + n; ++p) state[p][l.value] += 0.5f;
    full[l.value] += n;
  }
  LAGOM_INLINE void project_kv(lagom::layer_index l, lagom::index_t) { ++full[l.value]; }
  LAGOM_INLINE void copy_kv(lagom::layer_index l, lagom::index_t) { ++full[l.value]; }
  LAGOM_INLINE void skip_kv(lagom::layer_index l, lagom::index_t) { ++full[l.value]; }
  LAGOM_INLINE void crop(lagom::index_t n) {
    at = at < n ? at : n;
    for (auto& f : full) f = f < n ? f : n;
  }
  LAGOM_INLINE void rewind(lagom::index_t p) {
    for (auto& f : full) f = f < p ? f : p;
  }
  LAGOM_INLINE lagom::vec_view<const float> hidden(lagom::index_t p) const { return {state[p], 16}; }
  LAGOM_INLINE lagom::layer_obs observation(lagom::layer_index l) const {
    return {.layer = l, .hidden = hidden(at - 1)};
  }
  LAGOM_INLINE stats_type probe(lagom::vec_view<const float> x) const noexcept {
    return lagom::unembed(lagom::portable{}, x, lagom::head{lagom::mat_view(rows, 64, 16)});
  }
  LAGOM_INLINE void answers(lagom::index_t first, lagom::index_t n, lagom::vec_view<stats_type> to) const {
    for (lagom::index_t i = 0; i < n; ++i) to[i] = probe(hidden(first + i));
  }
  LAGOM_INLINE stats_type probe_normed(lagom::vec_view<const float> x) const noexcept { return probe(x); }
  LAGOM_INLINE void logits_normed(lagom::vec_view<const float> x, lagom::vec_view<float> to) const {
    logits(x, to);
  }
  LAGOM_INLINE float logit(lagom::vec_view<const float> x, lagom::token_id t) const { return x[t % 16]; }
  LAGOM_INLINE void logits(lagom::vec_view<const float> x, lagom::vec_view<float> to) const {
    for (lagom::index_t t = 0; t < to.size(); ++t) to[t] = x[t % 16];
  }
};

namespace {

// One lane of a dot product in which a fused multiply-add keeps 2^-24 and a rounded product loses it.
inline float rounding() {
  float x[64] = {}, y[64] = {};
  x[0] = -(1 + 0x1p-11f);
  y[0] = 1;
  x[32] = y[32] = 1 + 0x1p-12f;
  volatile float* const hide = x;
  hide[32] = x[32];
  return lagom::dot(lagom::portable{}, x, y);
}

inline double calibration() {
  using namespace lagom;
  const std::vector<double> losses(200, 0.01);
  const mat_view<const double> table(losses.data(), 2, 100);
  double sum = 0;
  if (auto c = certify(table, tolerance(0.1), error_rate(0.1))) sum += c->p_value;
  if (auto c = certify(table, tolerance(0.1), error_rate(0.1), wsr_betting{}, holm{})) sum += c->p_value;
  if (auto c = certify(table, tolerance(0.1), error_rate(0.1), hoeffding{}, multi_start{2}))
    sum += c->p_value;
  if (auto b = upper_bound(wsr_betting{}, losses, error_rate(0.1))) sum += *b;
  if (auto b = upper_bound(exact_binomial{}, counted_losses(1, 100), error_rate(0.1))) sum += *b;
  if (auto c = conformal_risk_control(table, tolerance(0.1))) sum += c->losses.mean();
  adaptive_threshold adaptive;
  for (const double c : {0.1, 0.5, 0.9}) adaptive.push(c, c > 0.3);
  if (adaptive.refit()) sum += adaptive.current().value;
  if (auto m = fit_unlabelled({}, losses)) sum += m->mixture.weight[0];
  const token_id text[] = {1, 2, 3};
  sum += textual_consistency_loss(text, text) + risk_consistency_loss(text, text, text, token_f1_distance{});
  sum += position_decay{}.at(3);
  risk_monitor::state seen;
  drift_alarm::state drift;
  confidence_sequence::state bounds;
  for (const double loss : losses) {
    risk_monitor{tolerance(0.1), error_rate(0.1)}.step(seen, loss);
    drift_alarm{tolerance(0.1)}.step(drift, loss);
    confidence_sequence{}.step(bounds, loss);
  }
  sum += seen.above + drift.evidence + bounds.upper;
  return sum;
}

template <class Leave>
double batch(const std::vector<float>& x, const lagom::head<float>& to, Leave leave) {
  using namespace lagom;
  const exit_policy policy{features<gap, hidden_cosine>{}, threshold{0.5f}};
  const exit_policy steady{features<hidden_cosine>{}, threshold{0.5f}};
  batch_run run{policy, leave};
  batch_run other{steady, leave};
  double sum = 0;
  const auto decode = [&](auto& r) {
    r.begin(2, 3);
    for (int l = 0; l < 3 && !r.live().empty(); ++l) {
      const mat_view rows(x.data(), static_cast<index_t>(r.live().size()), 16);
      sum += r.observe({.layer = l, .hidden = rows, .prev_hidden = rows}, to) ? 1 : 0;
    }
    sum += r.token(1) + r.used(0).value;
  };
  decode(run);
  decode(other);
  const token_id drafts[] = {0, 1, 1, 0};  // two a sequence
  specee<2> predictor{.hidden = 2};
  predictor.parameters.assign(static_cast<std::size_t>(specee<2>::size(2)), 0.25f);
  const exit_policy confirming{
      features{candidate_probe<2, head<float>>{to, vec_view<const token_id>(drafts, 4)}}, predictor};
  batch_run confirmed{confirming, leave};
  decode(confirmed);
  return sum;
}

inline double tokens(const std::vector<float>& w) {
  using namespace lagom;
  stop_generating enough{
      token_features{of_token{entropy{}}, of_token{hidden_cosine{}}, end_prob{}, repeats{}},
      any_of{threshold<below>{0.1f}, falling_threshold{position_decay{}, 2}, threshold{4.0f, 3},
             when_alarmed{drift_alarm{tolerance(0.5)}, 2},
             when_alarmed{risk_monitor{tolerance(0.5), error_rate(0.1)}, 2}},
      not_before{token_position{2}}};
  enough.most = 8;
  auto run = enough.begin();
  for (int i = 0; i < 8; ++i) {
    const vec_view<const float> x(w.data() + 16 * i, 16);
    if (run.observe({.token = i % 2,
                     .stats = softmax_stats_of(portable{}, x),
                     .end_prob = 0.1f,
                     .hidden = x,
                     .prev_hidden = x}))
      break;
  }
  return run.length();
}

inline double divergences(const std::vector<float>& w) {
  using namespace lagom;
  const head to{mat_view(w.data(), 64, 16)};
  const exit_policy calm{features{jensen_shannon{to}, fpabee_released{to}}, fpabee(2, 0.1f)};
  auto run = calm.begin(4);
  premature_layer premature;
  for (int l = 0; l < 4; ++l) {
    const vec_view<const float> x(w.data() + 16 * l, 16), last(w.data(), 16);
    if (run.observe({.layer = l, .hidden = x, .last_hidden = last}, to)) break;
    premature.push(l, divergence_of(portable{}, x, last));
  }
  std::vector<float> out(16);
  const vec_view<const float> a(w.data(), 16), b(w.data() + 16, 16);
  const std::int64_t stopped[] = {1, 2, 3};
  trace<> remembered(2);
  remembered.begin_row(no_token, 0, 1);
  const auto memory = fit(raee_config{.label = label_kind::agrees_with_final}, remembered,
                          mat_view<const float>(w.data(), 1, 16));
  if (memory) {
    premature.push(memory->choose(portable{}, a), divergence_of(portable{}, a, b));
    const auto again = replay_chosen(remembered, [&](index_t) { return memory->draw(portable{}, b, 0.5); });
    premature.divergence += again.outcomes[0].stop.value;
  }
  return run.used().value + premature.divergence + cost::depth_cost_ratio(stopped).value +
         dola_contrast(portable{}, a, b, vec_view<float>(out)).top;
}

inline double sequences(const std::vector<float>& w) {
  using namespace lagom;
  const head to{mat_view(w.data(), 64, 16)};
  double sum = batch(w, to, each_row{}) + batch(w, to, all_rows{}) + batch(w, to, majority{}) +
               batch(w, to, where_it_pays{});
  const vec_view<const float> p(w.data(), 16), q(w.data() + 16, 16);
  if (auto again = rebatch<>::make({.batch = 2, .enough = 1}, std::vector<layer_index>{1}, 4, 4)) {
    again->add(0);
    while (again->next())
      again->settle(vec_view<const float>(w.data(), static_cast<index_t>(again->rows().size())));
    const cost::model_part part[] = {{2, 1}, {2, 0.5}};
    sum += cost::rebatched_time(part, 2, {}) / cost::split_batch_time(part, 2, {}) +
           (cost::waiting_pays(1, 2, 2, {}) ? 1 : 0);
  }
  const draft_sampler sampler{philox{1}};
  const token_id draft = sampler.draw(q, 0, 0);
  sum += sampler.verify(p, q, draft, 0, 0).token;
  fastest_drafts::state learned;
  fastest_drafts{}.learn(learned, 4, 2);
  stepwise_drafts::state stepped;
  stepwise_drafts{}.learn(stepped, 4, 4);
  sum += fastest_drafts{}.drafts(learned) + stepwise_drafts{}.drafts(stepped);
  token_id rows[] = {0, 1, 2};
  float logits[] = {w[0], w[1], w[2]};
  sum += static_cast<double>(keep_best(vec_view<token_id>(rows, 3), vec_view<float>(logits, 3), 2)) +
         falling_rows{}(3) + rows_by_confidence{}(64, 0.5) + layer_dropout(layer_index(3), 8, 0.1);
  const token_id drafts[] = {1, 2}, verified[] = {1, 3, 4};
  return sum + static_cast<double>(accept_drafts(drafts, verified)) +
         cost::self_speculation_bytes(cost::llama2_7b, {}, 0.8, 100).value;
}

inline double learned(lagom::trace<>& t, const std::vector<float>& x, const std::vector<float>& w) {
  using namespace lagom;
  hidden_states<bf16> states(t.layers(), 16);
  for (index_t row = 0; row < t.rows(); ++row) {
    states.begin_row();
    std::vector<float> h = x;
    for (int l = 0; l < t.layers(); ++l) {
      h[static_cast<std::size_t>(row + l) % 16] += 1;
      states.record(layer_obs{.layer = l, .hidden = h});
    }
  }
  double sum = 0;
  if (const auto labelled = label(t, states, label_kind::agrees_with_final)) {
    const auto record_and_run = [&](const auto& fit, const auto& rule) {
      if (!fit || !record_signal(t, states, fit->model.signal())) return;
      if (auto run = replay(t, exit_policy{features{fit->model.signal()}, rule}))
        sum += run->outcomes[0].stop.value;
    };
    record_and_run(fit(lte_config{}, labelled->view()), threshold<below>{0.5f});
    record_and_run(fit(meta_config{}, labelled->view()), threshold{0.5f});
  }
  const head<float> to{mat_view(w.data(), 64, 16)};
  const token_id drafts[] = {1, 2, 3};
  const features probe{candidate_probe<3, head<float>>{to, drafts}};
  if (!record_signal(t, states, candidate_probe<3, head<float>>{to, drafts})) return sum;
  if (auto data = label(t, probe, label_kind::agrees_with_final)) {
    if (auto fitted = fit<3>(specee_config{.hidden = 8, .epochs = 2}, data->view())) {
      const exit_policy policy{probe, fitted->model.above(0.6f)};
      auto run = policy.begin(2);
      sum += run.observe({.layer = 0, .hidden = x}, to) ? 1 : 0;
      if (auto all = replay(t, policy)) sum += all->outcomes[0].stop.value;
    }
  }
  const head normed{mat_view(w.data(), 64, 16), rms_norm{vec_view(x), 1e-5}};
  for (const exit_module kind : {exit_module::linear, exit_module::mlp}) {
    const auto tuned = fit(exit_modules_config{.kind = kind, .inner = 4, .epochs = 1}, states, normed);
    if (!tuned) continue;
    std::vector<float> scratch(static_cast<std::size_t>(tuned->model.shape().scratch()));
    if (record_answers(t, states, [&](layer_index l) { return tuned->model.at(l, normed, scratch); }))
      sum += static_cast<double>(t.stats(0, 0).gap());
  }
  const exit_block_shape shape{.width = 16, .inner = 4, .heads = 2, .kv_heads = 1, .head_dim = 4};
  const std::vector<float> start(static_cast<std::size_t>(shape.parameters()), 0.1f);
  hidden_sequences<> sequences(16);
  for (int s = 0; s < 3; ++s) {
    sequences.begin_sequence(s == 0 ? 0 : 1);
    sequences.push(x);
    sequences.answer(sequences.length() - 1, x);
  }
  hidden_sequences<> more(16);
  more.append(sequences);
  const auto block =
      fit(exit_block_config{.epochs = 1}, exit_block<>{.shape = shape, .parameters = start}, more, normed);
  exit_block_memory memory(shape, 4);
  if (block && memory.append(block->block(), x) && memory.append(block->block(), mat_view(w.data(), 2, 16))) {
    memory.crop(2);
    const vec_view<const float> second(w.data(), 16);
    sum += static_cast<double>(probe_through(block->block(), normed, memory)(second).gap());
  }
  return sum;
}

template <class Kv>
double decode(const std::vector<float>& w, const Kv& kv) {
  using namespace lagom;
  const exit_policy policy{features<gap>{}, threshold{0.1f}};
  shared_sequence s{.rows = w.data()};
  metered counted{s, decode_ledger{.shape = cost::llama2_7b}};
  double sum = 0;
  for (int i = 0; i < 5; ++i) {
    if (auto next = early_token(s, i, policy, kv)) sum += next->token;
    if (auto next = early_token(counted, i, policy, kv)) sum += next->token;
  }
  return sum + counted.meter().spent.macs;
}

inline double decoding(const std::vector<float>& w) {
  using namespace lagom;
  double sum = decode(w, copy_kv{}) + decode(w, propagate_kv{}) + decode(w, drop_kv{}) +
               decode(w, fill_kv{}) + decode(w, defer_batch{}) + decode(w, recompute_kv{});
  shared_sequence s{.rows = w.data()};
  token_id out[5];
  greedy_drafts<float> greedy(4);
  sampled_drafts<float> sampled(4, 64, draft_sampler{philox{1}}, 2);
  shallow_deep<float> free{{.exit = 1, .most = 2, .rollback = 0.1}};
  const speculation_round round{.draft_layers = layers_used(2)};
  if (auto r = self_speculate(s, 1, round, greedy, vec_view<token_id>(out, 5))) sum += r->kept;
  if (auto r = self_speculate(s, 1, round, sampled, vec_view<token_id>(out, 5))) sum += r->kept;
  confident_drafts<float> confident(4);
  if (auto r = self_speculate(s, 1, round, confident, vec_view<token_id>(out, 5))) sum += r->kept;
  exit_modules modules(4, {.kind = exit_module::linear, .width = 16}, std::vector<float>(16, 1.0f), 1e-5);
  modules.set(1, std::vector<float>(16 * 18, 0.1f));
  const module_head through{modules};
  s.crop(0);
  greedy_drafts<float, module_head<>> tuned(4, 0, through);
  sampled_drafts<float, module_head<>> tuned_samples(4, 64, draft_sampler{philox{1}}, 2, through);
  confident_drafts<float, module_head<>> tuned_confident(4, {}, through);
  if (auto r = self_speculate(s, 1, round, tuned, vec_view<token_id>(out, 5))) sum += r->kept;
  if (auto r = self_speculate(s, 1, round, tuned_samples, vec_view<token_id>(out, 5))) sum += r->kept;
  if (auto r = self_speculate(s, 1, round, tuned_confident, vec_view<token_id>(out, 5))) sum += r->kept;
  for (int i = 0; i < 4; ++i) {
    if (auto a = free.decode(s, i, 0.1)) sum += a->token;
  }
  const adaptive_drafts<2> rule{.layers = {1, 2}, .n_layers = 4};
  routed<adaptive_drafts<2>::state, 2> memory;
  rule.learn(memory.of(0), rule.next(memory.of(0)), 4, 2);
  return sum + rule.acceptance(memory.of(0), 0) + cost::defer_work({32, 8, 3}).layer_reads +
         cost::propagate_work({32, 8, 3}, 0.1).layer_reads + cost::recompute_work({32, 8, 3}).token_layers;
}

inline double everything() {
  using namespace lagom;
  std::vector<float> w(64 * 16), x(16, 1.0f), g(16, 1.0f);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 13) * 0.1f;
  const head probe{mat_view(w.data(), 64, 16), rms_norm{g, 1e-5}};
  const features<gap, top_prob, entropy, hidden_cosine, attention_cosine, mlp_cosine, agreement,
                 relative_depth>
      all;
  trace<> t(4, all);
  for (int r = 0; r < 8; ++r) {
    t.begin_row(r, 0, 10);
    for (int l = 0; l < 4; ++l) {
      layer_obs o{.layer = l, .n_layers = 4, .hidden = x, .prev_hidden = x};
      x[static_cast<std::size_t>(r)] += 0.3f;
      o.stats = unembed(portable{}, x, probe);
      t.record(portable{}, o, all);
    }
  }
  trace<> more(4, all);
  more.append(t);
  double sum = static_cast<double>(cosine(portable{}, x, g).value()) +
               static_cast<double>(squared_norm(portable{}, x));
  const token_id some[] = {1, 2, 3};
  sum += static_cast<double>(unembed_rows(portable{}, x, probe, some).gap()) +
         static_cast<double>(softmax_stats_of(portable{}, w).entropy());
  std::vector<std::int8_t> bytes(w.size());
  std::vector<float> scales(64), states(batch_space<>::states_for(2, 16));
  sum += static_cast<double>(
      quantize_rows(portable{}, mat_view(w.data(), 64, 16), mat_view(bytes.data(), 64, 16), scales));
  const int8_head small{mat_view<const std::int8_t>(bytes.data(), 64, 16), scales};
  std::vector<softmax_stats<>> parts(batch_space<>::parts_for(2, 64)), both(2);
  const auto probes = [&](const auto& b) {
    unembed_batch(b, mat_view(w.data(), 2, 16), probe, batch_space<>{states, parts},
                  vec_view<softmax_stats<>>(both));
    return static_cast<double>(
        both[1].gap() + unembed(b, x, small).gap() + unembed(b, x, with_int8_hidden(small)).gap() +
        unembed(b, x, probe).gap() + cosine(b, x, g, 1.0f).value() +
        softmax_stats_of(b, w, 0, without_entropy{}).gap() + softmax_stats_of(b, w).gap() +
        divergence_of(b, x, g).jensen_shannon() +
        unembed_divergence(b, x, g, probe, unembed(b, x, probe), unembed(b, g, probe)).jensen_shannon());
  };
  sum += probes(portable{}) + probes(native{});
  sum += decoding(w);
  const features<gap, top_prob> two;
  const auto keep = [](index_t row) { return row > 0; };
  auto exits = no_options(more, ledger_costs(cost::llama2_7b, cost::decode(10)), keep);
  if (auto stops = rows_that_stop(more, two, threshold{0.1f}, keep)) {
    add_exits(exits, probe_kind::head, *stops, rows_that_lose(more, more, exit_loss::risk, keep));
    if (auto front = place_exits(exits, 2)) {
      for (const auto& p : front->points) sum += walk_exits(exits, p.options)->cost + front->risk(p);
    }
  }
  sum += oracle_exits(more, exits.costs, [&](index_t row) { return earliest_consistent(more, row); }).free +
         earliest_agreeing(more, 0).value;
  if (auto data = label(more, two, label_kind::agrees_with_final, [](index_t) { return true; })) {
    const auto view = data->view();
    if (auto svm = fit<2>(linear_svm_config{}, view)) sum += svm->report.objective;
    if (auto hinge = fit<2>(linear_svm_config{.loss = svm_loss::hinge}, view)) sum += hinge->report.objective;
    if (auto model = fit<2>(logistic_config{}, view)) sum += model->report.objective;
    if (auto rbf = fit<2>(rbf_svm_config{.max_rows = 20}, view)) sum += rbf->report.objective;
    if (auto crf = fit<2>(crf_config{}, view)) {
      sum += crf->report.objective;
      const auto same = [&](index_t) { return exit_policy{two, crf->model}; };
      if (auto table = exit_losses(more, 1, exit_loss::risk, same)) sum += table->values[0];
      if (auto run = replay(more, exit_policy{two, crf->model, all_of{not_before{1}, every_nth{1}}})) {
        auto e = evaluate(more, *run, [](index_t) { return true; });
        e.merge(e);
        sum += e.exit_accuracy();
      }
    }
  }
  exit_policy policy{all, any_of{threshold{0.9f}, patience{2, 6}}, at_layers{1, 2}};
  auto run = policy.begin(4);
  for (int l = 0; l < 4; ++l) {
    if (run.observe({.layer = l, .hidden = x, .prev_hidden = x}, probe)) break;
  }
  sum += run.used().value +
         cost::flops_ratio(cost::llama2_7b, cost::decode(100), {.blocks = 20, .heads = 20}).value;
  sum += calibration() + sequences(w) + learned(more, x, w);
  sum += divergences(w) + tokens(w);
  moments m;
  m.push(sum);
  return m.mean + philox{1}.uniform(0, 0);
}

}  // namespace
