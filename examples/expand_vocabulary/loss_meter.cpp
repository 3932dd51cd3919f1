// SPDX-License-Identifier: MIT
#include "loss_meter.hpp"

#include <unistd.h>

#include <lagom/lagom.hpp>
#include <mutex>

#include "decoder/decoder.hpp"
#include "support/parallel.hpp"
#include "support/progress.hpp"

namespace expand_vocabulary {
namespace {

using network = decoder::model<float>;

// -log p(tokens | start, tokens before), and the probability of `fresh` ones. A line longer than the context is read in
// pieces, each after `start` again.
lagom::result<text_loss> loss_of_line(const network& model, const std::vector<lagom::token_id>& tokens,
                                      lagom::token_id start, const std::vector<lagom::token_id>& fresh) {
  text_loss out{.tokens = tokens.size(), .lines = 1};
  const auto context = static_cast<std::size_t>(model.config().context);
  const lagom::layer_index last(model.config().layers - 1);
  for (std::size_t from = 0; from < tokens.size(); from += context - 1) {
    const std::size_t n = std::min(tokens.size() - from, context - 1);
    std::vector<lagom::token_id> input{start};
    input.insert(input.end(), tokens.begin() + static_cast<std::ptrdiff_t>(from),
                 tokens.begin() + static_cast<std::ptrdiff_t>(from + n - 1));
    auto cache = model.make_cache(input.size());
    const decoder::feed<float> feed{&cache, input};
    auto ran = model.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& states) {
      if (states.layer != last) return false;
      model.with_head([&](const auto& head) {
        for (std::size_t r = 0; r < n; ++r) {
          const auto hidden = states.hidden.row(static_cast<lagom::index_t>(r));
          const double all = lagom::unembed(lagom::portable{}, hidden, head).log_sum_exp();
          const auto of = [&](const lagom::token_id* list, std::size_t size) -> double {
            return lagom::unembed_rows(lagom::portable{}, hidden, head,
                                       lagom::vec_view<const lagom::token_id>(list, size))
                .log_sum_exp();
          };
          out.nats += all - of(&tokens[from + r], 1);
          if (!fresh.empty()) out.new_mass += std::exp(of(fresh.data(), fresh.size()) - all);
        }
      });
      return false;
    });
    if (!ran) return ran.error();
  }
  return out;
}

class meter final : public loss_meter {
 public:
  meter(const source_model& source, network model, std::vector<std::string> lines, unsigned threads)
      : source_(source), network_(std::move(model)), lines_(std::move(lines)), threads_(threads) {}

  lagom::result<text_loss> of_source() const override {
    return measure(source_.tokenizer(), source_.start(), {}, "measuring source");
  }

  lagom::result<text_loss> of(const lagom::io::hf_tokenizer& tokenizer, const model_rows& rows,
                              lagom::token_id start, const std::vector<lagom::token_id>& fresh,
                              const std::string& what) override {
    network_.exchange_vocabulary({}, {});  // one vocabulary at a time
    auto embedding = table_of(source_.input(), rows.input);
    if (!embedding) return embedding.error();
    decoder::table unembedding;
    if (rows.head) {
      auto made = table_of(source_.head(), *rows.head);
      if (!made) return made.error();
      unembedding = std::move(*made);
    }
    network_.exchange_vocabulary(std::move(*embedding), std::move(unembedding));
    return measure(tokenizer, start, fresh, what);
  }

 private:
  // Deterministic for any number of threads.
  lagom::result<text_loss> measure(const lagom::io::hf_tokenizer& tokenizer, lagom::token_id start,
                                   const std::vector<lagom::token_id>& fresh, const std::string& what) const {
    std::vector<std::vector<lagom::token_id>> tokens(lines_.size());
    const line_tokenizer cut(tokenizer);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      cut.encode(lines_[i], [&](lagom::token_id t) { tokens[i].push_back(t); });
    }
    std::vector<text_loss> parts(lines_.size());
    std::optional<lagom::failure> failed;
    std::mutex one;
    support::progress bar(what, lines_.size());
    support::parallel(lines_.size(), threads_, [&](std::size_t i) {
      auto loss = loss_of_line(network_, tokens[i], start, fresh);
      if (!loss) {
        const std::lock_guard hold(one);
        failed = loss.error();
        return;
      }
      parts[i] = *loss;
      parts[i].bytes = lines_[i].size();
      bar.advance();
    });
    if (failed) return *failed;
    text_loss sum;
    for (const text_loss& part : parts) sum.merge(part);
    return sum;
  }

  const source_model& source_;
  network network_;
  std::vector<std::string> lines_;
  unsigned threads_;
};

}  // namespace

lagom::result<std::unique_ptr<loss_meter>> loss_meter::open(const source_model& source,
                                                            std::vector<std::string> lines,
                                                            unsigned threads) {
  auto config = decoder::load_config(source.directory);
  if (!config) return config.error();
  if (lines.empty()) return lagom::failure{.code = lagom::errc::empty, .key = "the held-out text"};
  const auto bytes = 4 * static_cast<std::uint64_t>(lagom::cost::parameters(config->shape()));
  const auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (bytes > memory / 2) {
    return lagom::failure{
        .code = lagom::errc::too_large, .key = "model", .expected = memory / 2, .found = bytes};
  }
  const std::string file = source.directory + "/config.json";
  if (source.start() == lagom::no_token) {
    return lagom::failure{.code = lagom::errc::missing_key, .file = file, .key = "bos_token_id"};
  }
  if (config->context < 2) {
    return lagom::failure{.code = lagom::errc::out_of_range, .file = file, .key = "max_position_embeddings"};
  }
  if (!source.tensors.biases.empty()) {
    return lagom::failure{.code = lagom::errc::unsupported, .key = source.tensors.biases.front()};
  }
  auto model = network::load(source.directory);
  if (!model) return model.error();
  return std::unique_ptr<loss_meter>(
      std::make_unique<meter>(source, std::move(*model), std::move(lines), threads));
}

}  // namespace expand_vocabulary
