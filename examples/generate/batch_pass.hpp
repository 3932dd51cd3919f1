// SPDX-License-Identifier: MIT
// Several sequences through one layer: what batches are decoded with.
#pragma once

#include <map>

#include "support/must.hpp"
#include "token_choice.hpp"

namespace generate {

// What was run: its work, and how often each piece of the decoder ran over so many tokens.
struct tally {
  lagom::decode_ledger ledger;
  std::map<lagom::index_t, int> blocks{}, heads{}, projections{};

  // `context`: of its tokens, on average.
  void block(double context, lagom::index_t n) {
    const auto each = static_cast<double>(n);
    ledger.spent += lagom::cost::block(ledger.shape, {1, context, each}, ledger.widths);
    ledger.token_layers += each;
    ++ledger.layer_reads;
    ++blocks[n];
  }
  void block(lagom::layer_index l, lagom::index_t first, lagom::index_t n) {
    ledger.block(l, first, n);
    ++blocks[n];
  }
  void head(lagom::index_t n) {
    ledger.head(n);
    ++heads[n];
  }
  void projection(lagom::index_t n = 1) {
    const auto each = static_cast<double>(n);
    ledger.spent += lagom::cost::kv_projection(ledger.shape, {1, 0, each}, ledger.widths);
    ledger.projections += each;
    ++projections[n];
  }
};

// What lagom::metered tells a tally.
struct tallied {
  tally* to;
  void block(lagom::layer_index l, lagom::index_t first, lagom::index_t n) { to->block(l, first, n); }
  void head(lagom::index_t n) { to->head(n); }
  void projection() { to->projection(); }
};

// One pass over a block's weights serves all sequences that it is given, and the tokens of theirs that wait; one pass over
// the head all their newest tokens.
class batch_pass {
 public:
  using rows = std::vector<lagom::index_t>;  // of the sequences
  using stats = lagom::softmax_stats<float>;

  batch_pass(const model& network, std::vector<sequence>& sequences)
      : network_(network), sequences_(sequences) {}

  [[nodiscard]] int layers() const { return network_.config().layers; }
  [[nodiscard]] lagom::index_t size() const { return static_cast<lagom::index_t>(sequences_.size()); }
  [[nodiscard]] sequence& at(lagom::index_t row) const { return sequences_[static_cast<std::size_t>(row)]; }

  // Runs block l over what each of the sequences owes it.
  void block(int l, const rows& of) {
    places_.clear();
    double context = 0;
    for (const lagom::index_t row : of) {
      sequence& s = at(row);
      for (lagom::index_t p = s.held(lagom::layer_index(l)); p < s.length(); ++p) {
        places_.push_back({&s.cache(), static_cast<std::size_t>(p)});
        from_.push_back(s.state(p));
        context += static_cast<double>(p) + 1;
      }
      s.changed();
    }
    run([&] { support::must(network_.block(l, places_, work_)); });
    const auto n = static_cast<lagom::index_t>(places_.size());
    spent_.block(context / static_cast<double>(n), n);
  }

  // The newest token of each leaves after a layer: keys and values of those it skips, projected together where the policy
  // projects.
  template <class Kv>
  void leave(const Kv& kv, int after, const rows& who) {
    if constexpr (std::is_same_v<Kv, lagom::propagate_kv>) {
      for (int l = after + 1; l < layers(); ++l) {
        places_.clear();
        for (const lagom::index_t row : who) {
          sequence& s = at(row);
          places_.push_back({&s.cache(), static_cast<std::size_t>(s.length() - 1)});
          from_.push_back(s.state(s.length() - 1));
        }
        run([&] { support::must(network_.project(l, places_, work_)); });
        spent_.projection(static_cast<lagom::index_t>(who.size()));
      }
    } else {
      for (const lagom::index_t row : who) {
        lagom::metered counted{at(row), tallied{&spent_}};
        kv.leave(counted, lagom::layer_index(after), at(row).length() - 1);
      }
    }
  }

  // States of the newest positions, a row a sequence. Until the next call.
  [[nodiscard]] lagom::mat_view<const float> newest(const rows& of) {
    const lagom::index_t h = network_.config().hidden;
    newest_.resize(of.size() * static_cast<std::size_t>(h));
    float* to = newest_.data();
    for (const lagom::index_t row : of) to = std::copy_n(at(row).state(at(row).length() - 1), h, to);
    return {newest_.data(), static_cast<lagom::index_t>(of.size()), h};
  }

  // What a sequence says, whose newest token answers now.
  [[nodiscard]] lagom::token_id choose(const token_choice& by, lagom::index_t row,
                                       lagom::token_id best) const {
    const sequence& s = at(row);
    return by(s.hidden(s.length() - 1), best, static_cast<std::size_t>(row), s.length() - 1);
  }

  // What the head says of them. Until the next call.
  [[nodiscard]] const std::vector<stats>& probe(lagom::mat_view<const float> states) {
    using space = lagom::batch_space<float>;
    const lagom::index_t n = states.rows();
    stats_.resize(static_cast<std::size_t>(n));
    space_states_.resize(static_cast<std::size_t>(space::states_for(n, states.cols())));
    space_parts_.resize(static_cast<std::size_t>(space::parts_for(n, network_.config().vocab)));
    network_.with_head([&](const auto& head) {
      lagom::unembed_batch(lagom::native{}, states, head, space{space_states_, space_parts_},
                           lagom::vec_view<stats>(stats_));
    });
    spent_.head(n);
    return stats_;
  }

  template <class Use>
  decltype(auto) with_head(const Use& use) const {
    return network_.with_head(use);
  }

  [[nodiscard]] tally& spent() { return spent_; }

 private:
  // Gathers states, works on them, and puts them back.
  template <class Work>
  void run(const Work& work) {
    const lagom::index_t h = network_.config().hidden;
    work_.begin(network_.config(), places_.size());
    for (std::size_t i = 0; i < from_.size(); ++i)
      std::copy_n(from_[i], h, &work_.x()(static_cast<lagom::index_t>(i), 0));
    network_.turn(places_, work_);
    work();
    for (std::size_t i = 0; i < from_.size(); ++i)
      std::copy_n(&work_.x()(static_cast<lagom::index_t>(i), 0), h, from_[i]);
    from_.clear();
  }

  const model& network_;
  std::vector<sequence>& sequences_;
  tally spent_;
  decoder::workspace<float> work_;
  std::vector<decoder::place<float>> places_;
  std::vector<float*> from_;
  std::vector<float> newest_, space_states_;
  std::vector<stats> stats_, space_parts_;
};

}  // namespace generate
