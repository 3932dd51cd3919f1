// SPDX-License-Identifier: MIT
// What every rule is given: a traced model, and who may look at which prompts.
#pragma once

#include <lagom/lagom.hpp>
#include <optional>
#include <string>

#include "decoder/table.hpp"

namespace decoder {
template <std::floating_point T>
class model;
}
namespace early_exit {
struct prompt;
}

namespace choose_exits {

// Every prompt has one part. Rules are fitted and exits placed on the first, calibrated on the second, judged on the
// third.
enum class part : std::uint8_t { fit, calibrate, test };

// The rows of one part: a `keep` for all that takes one.
struct keep_part {
  const std::vector<part>* parts;
  part which;
  bool operator()(lagom::index_t row) const { return (*parts)[static_cast<std::size_t>(row)] == which; }
};

// What a decoded token's pieces take on the decoder, in nanoseconds.
struct exit_times {
  lagom::exit_costs costs;        // certified: the mean over layers
  std::vector<double> certified;  // a certified probe after each layer
  int context = 0;                // tokens before the one that was timed
};

struct study {
  lagom::cost::decoder_shape shape;
  lagom::cost::widths widths;          // bytes a stored number of this model
  lagom::trace<> trace;                // rules may add columns (record_signal)
  lagom::hidden_states<float> states;  // block outputs behind the trace
  std::vector<part> parts;
  const decoder::table* head_rows = nullptr;
  std::vector<float> final_norm;
  double norm_epsilon = 0;

  // For rules that need more than was traced: the model itself, and the prompt of every row.
  std::string directory;
  const decoder::model<float>* network = nullptr;
  const std::vector<early_exit::prompt>* prompts = nullptr;
  unsigned threads = 1;

  lagom::exit_loss loss = lagom::exit_loss::textual;
  lagom::tolerance tolerance{0.05};
  lagom::error_rate error{0.05};
  float caution = 100;  // how many missed stops a wrong one is worth, where a fit asks
  std::uint64_t seed = 1;
  std::optional<exit_times> times;  // where time is what placement saves

  [[nodiscard]] keep_part rows(part which) const { return {&parts, which}; }
  [[nodiscard]] lagom::index_t count(part which) const {
    return static_cast<lagom::index_t>(std::count(parts.begin(), parts.end(), which));
  }
  // Nanoseconds of work that was not timed for itself, at the head's pace: by its bytes or its multiply-adds, whichever
  // takes longer. Precondition: times.
  [[nodiscard]] double at_the_heads_pace(const lagom::cost::work& w) const {
    const auto head = lagom::cost::full_head(shape, widths);
    return times->costs.head * std::max(w.bytes / head.bytes, w.macs / head.macs);
  }
  // What makes stopping right, for fits.
  [[nodiscard]] lagom::label_kind label() const {
    return loss == lagom::exit_loss::textual ? lagom::label_kind::agrees_with_final
                                             : lagom::label_kind::correct;
  }
  // Calls `use(lagom::head)`: the model's unembedding in its stored type, with the final norm before it.
  template <class Use>
  decltype(auto) with_head(Use&& use) const {
    return head_rows->visit([&](auto rows) -> decltype(auto) {
      return use(lagom::head{rows, lagom::rms_norm{final_norm, norm_epsilon}});
    });
  }
};

// Up to `n` different values that feature `feature` of `pack` takes on the rows to fit on, at even quantiles, ascending:
// thresholds to choose from. Values that are not finite are left out.
template <class... Ss>
[[nodiscard]] lagom::result<std::vector<float>> quantiles(const study& s, const lagom::features<Ss...>& pack,
                                                          std::size_t feature, std::size_t n) {
  const auto tested = [](lagom::layer_index l, int layers) noexcept { return l.value + 1 < layers; };
  auto data = lagom::label(s.trace, pack, s.label(), s.rows(part::fit), tested);
  if (!data) return data.error();
  const auto column = data->view().features.row(static_cast<lagom::index_t>(feature));
  std::vector<float> values, out;
  for (lagom::index_t r = 0; r < column.size(); ++r) values.push_back(column[r]);
  std::sort(values.begin(), values.end());
  for (std::size_t k = 0; k < n && !values.empty(); ++k) {
    const float at = values[std::min(values.size() - 1, k * values.size() / std::max<std::size_t>(1, n - 1))];
    if (out.empty() || at != out.back()) out.push_back(at);
  }
  return out;
}

}  // namespace choose_exits
