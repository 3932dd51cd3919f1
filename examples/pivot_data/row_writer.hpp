// SPDX-License-Identifier: MIT
// Rows of training data: from segments to lines of JSON, with tokens and labels where there is a tokenizer.
#pragma once

#include <lagom/prompt/budget.hpp>
#include <memory>

#include "lines.hpp"
#include "report.hpp"
#include "tokens.hpp"

namespace pivot_data {

enum class row_loss : std::uint8_t {
  incomplete,   // a text that it needs is empty
  collision,    // a text that would be read as a header
  over_budget,  // what has to stay is over --max-tokens
  unaligned,    // the tokenizer cannot say where its tokens lie
  empty,        // no token
  injected,     // a user's text became a control token
  straddled,    // a token over trained and untrained bytes
  all_masked,   // no token is trained
  no_end,       // the last trained token is not the end token
};
[[nodiscard]] constexpr std::array<std::string_view, 9> names_of(row_loss) noexcept {
  return {"incomplete", "collision", "over_budget", "unaligned", "empty",
          "injected",   "straddled", "all_masked",  "no_end"};
}

// What rows are written with.
struct row_options {
  std::string out = "-", tokenizer, mask = "isolated", straddle = "mask", begin, end;
  std::size_t max_tokens = 0;
  bool asks = false;  // prompts without answers: nothing is trained
};

class row_writer {
 public:
  row_writer(const row_options& o, std::string end_text, complaints& complain);

  [[nodiscard]] const counter& counts() const noexcept { return counter_; }
  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  // A row that was begun is lost.
  void lose(row_loss why, const std::string& sentence);
  // Begins a row. Every row is then lost or written.
  void took() { account_.took(); }
  void write(std::string_view id, std::string_view kind, const segment_list& pieces);
  void note_shortened() { ++shortened_; }
  void note_changed(std::size_t n) { changed_ += n; }
  void commit() { sink_.commit(); }
  [[nodiscard]] bool on_stdout() const noexcept { return sink_.is_stdout(); }
  [[nodiscard]] account counted() const;

 private:
  line_sink sink_;
  complaints& complain_;
  std::unique_ptr<tokens> tokenizer_;
  counter counter_;
  mask_options mask_;
  std::size_t limit_;
  bool asks_, unknown_end_ = false;
  lagom::prompt::losses<row_loss> account_;
  std::uint64_t shortened_ = 0, changed_ = 0, bytes_ = 0, trained_bytes_ = 0, token_count_ = 0,
                trained_tokens_ = 0, straddlers_ = 0;
  lagom::prompt::token_row row_;
};

[[nodiscard]] std::string_view name_of_role(lagom::prompt::role r) noexcept;

}  // namespace pivot_data
