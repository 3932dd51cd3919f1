// SPDX-License-Identifier: MIT
#include <lagom/prompt/best_fit.hpp>
#include <lagom/prompt/packing_window.hpp>
#include <nlohmann/json.hpp>

#include "mix.hpp"
#include "token_lines.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

// Bins as lines, and what they hold.
class bin_writer {
 public:
  explicit bin_writer(const pack_command& o) : sink_(o.out), capacity_(o.capacity) {}

  template <class RowOf>
  void write(std::span<const lp::packed_piece> bin, RowOf&& row_of) {
    lp::gather(bin, row_of, row_);
    nlohmann::ordered_json line;
    line["samples"] = nlohmann::ordered_json::array();
    for (const lp::packed_piece& p : bin) line["samples"].push_back(row_of(p.sample).id);
    line["ids"] = row_.ids;
    line["labels"] = row_.labels;
    line["cu_seqlens"] = row_.cu_seqlens;
    line["position_ids"] = row_.position_ids;
    sink_.write(line.dump());
    ++bins_;
    tokens_ += row_.ids.size();
  }
  void finish(const lp::losses<token_loss>& rows, const lp::losses<lp::pack_loss>& samples,
              const std::string& json) {
    sink_.commit();
    std::vector<account> all{account_of("rows", rows), account_of("samples", samples)};
    all[1].notes = {
        {"packed rows", bins_}, {"tokens", tokens_}, {"tokens of room left", bins_ * capacity_ - tokens_}};
    print_accounts(all, sink_.is_stdout());
    write_report(json, "pack", all);
  }

 private:
  line_sink sink_;
  std::uint64_t capacity_, bins_ = 0, tokens_ = 0;
  lp::packed_row row_;
};

[[nodiscard]] std::string lost_sentence(const std::string& path, std::uint64_t line, token_loss why) {
  return place(path, line) + ": " + std::string(lp::name_of(why));
}

// A few bins at a time: rows are held while they are in an open bin.
void pack_stream(const pack_command& o, complaints& complain) {
  bin_writer out(o);
  lp::losses<token_loss> rows;
  struct held {
    token_line row;
    std::size_t left = 0;
  };
  std::vector<held> room;
  std::vector<std::uint32_t> free;
  const auto write = [&](std::span<const lp::packed_piece> bin) {
    out.write(bin, [&](std::uint32_t s) -> const token_line& { return room[s].row; });
    for (const lp::packed_piece& p : bin) {
      if ((room[p.sample].left -= p.size) == 0) free.push_back(p.sample);
    }
  };
  lp::packing_window window{o.capacity, o.window,
                            o.split == "anywhere"   ? lp::split::anywhere
                            : o.split == "too_long" ? lp::split::too_long
                                                    : lp::split::none};
  line_source lines(o.in);
  for (std::string_view line; lines.next(line);) {
    if (is_blank(line)) continue;
    if (free.empty()) {
      free.push_back(static_cast<std::uint32_t>(room.size()));
      room.emplace_back();
    }
    const std::uint32_t sample = free.back();
    held& h = room[sample];
    if (const auto lost = read_tokens(line, h.row)) {
      rows.drop(*lost);
      complain(lost_sentence(lines.path(), lines.number(), *lost));
      continue;
    }
    rows.keep();
    free.pop_back();
    h.left = h.row.ids.size();
    const std::uint64_t kept = window.account().out;
    window.push(sample, static_cast<std::uint32_t>(h.row.ids.size()), write);
    if (window.account().out == kept) free.push_back(sample);
  }
  window.finish(write);
  out.finish(rows, window.account(), o.json);
}

// The whole file: lengths first, then the rows of each bin.
void pack_file(const pack_command& o, complaints& complain) {
  bin_writer out(o);
  const line_index file(o.in);
  lp::losses<token_loss> rows;
  std::vector<std::uint32_t> lengths;
  std::vector<std::size_t> lines;
  token_line row;
  for (std::size_t i = 0; i < file.size(); ++i) {
    if (const auto lost = read_tokens(file[i], row)) {
      rows.drop(*lost);
      complain(lost_sentence(file.path(), i + 1, *lost));
      continue;
    }
    rows.keep();
    lengths.push_back(static_cast<std::uint32_t>(row.ids.size()));
    lines.push_back(i);
  }
  const lp::packed_bins bins = lp::pack_best_fit(lengths, o.capacity, o.split == "too_long");
  std::uint32_t now = ~std::uint32_t{0};
  for (std::size_t b = 0; b < bins.size(); ++b) {
    out.write(bins[b], [&](std::uint32_t sample) -> const token_line& {
      if (sample != now) static_cast<void>(read_tokens(file[lines[sample]], row));
      now = sample;
      return row;
    });
  }
  out.finish(rows, bins.account, o.json);
}

}  // namespace

void pack(const pack_command& o) {
  complaints complain(o.strict);
  if (o.window > 0) {
    pack_stream(o, complain);
  } else {
    pack_file(o, complain);
  }
}

}  // namespace pivot_data
