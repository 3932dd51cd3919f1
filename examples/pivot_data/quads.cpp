// SPDX-License-Identifier: MIT
#include "quads.hpp"

#include <algorithm>
#include <lagom/io/mapped_file.hpp>
#include <lagom/prompt/strip.hpp>
#include <optional>
#include <unordered_map>

#include "halves.hpp"
#include "lines.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

// The halves of the target's file by id: of lines only where they are is kept.
class half_index {
 public:
  half_index(const quad_input& in, complaints& complain, lp::losses<quad_loss>& account)
      : in_(in), format_(format_of(in.format, in.target_path)) {
    const auto add = [&](const std::string& id, entry e) {
      if (entries_.try_emplace(id, e).second) return;
      account.drop(quad_loss::duplicate_id);
      complain(place(in.target_path, e.row) + ": id " + id + " came before");
    };
    if (format_ == half_format::xquad) {
      halves_ = xquad_halves(in.target_path);
      for (std::size_t i = 0; i < halves_.size(); ++i) add(halves_[i].id, {{}, i + 1});
      return;
    }
    file_.emplace(must(lagom::io::mapped_file::open(in.target_path)));
    std::string_view rest = file_->text();
    if (rest.substr(0, 3) == "\xEF\xBB\xBF") rest.remove_prefix(3);
    for (std::uint64_t row = 1; !rest.empty(); ++row) {
      const std::size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (is_blank(line)) continue;
      const auto read = half_of(format_, line, row, in.target_path, in.answers);
      if (read.lost) {
        account.drop(*read.lost);
        complain(read.sentence);
      } else {
        add(read.value.id, {line, row});
      }
    }
  }

  enum class found : std::uint8_t { no, yes, again };
  found take(const std::string& id, half& out) {
    const auto at = entries_.find(id);
    if (at == entries_.end()) return found::no;
    entry& e = at->second;
    if (e.used) return found::again;
    e.used = true;
    out = format_ == half_format::xquad
              ? halves_[e.row - 1]
              : std::move(half_of(format_, e.line, e.row, in_.target_path, in_.answers).value);
    return found::yes;
  }

  // Rows that nothing asked for, in their order.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::string>> left() const {
    std::vector<std::pair<std::uint64_t, std::string>> out;
    for (const auto& [id, e] : entries_) {
      if (!e.used) out.emplace_back(e.row, id);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  struct entry {
    std::string_view line;
    std::uint64_t row = 0;
    bool used = false;
  };
  const quad_input& in_;
  half_format format_;
  std::optional<lagom::io::mapped_file> file_;
  std::vector<half> halves_;
  std::unordered_map<std::string, entry> entries_;
};

// Without white space around the texts, as PLUG has them.
[[nodiscard]] lp::quad view_of(const half& p, const half& t) {
  return {p.id, lp::strip(p.x), lp::strip(p.y), lp::strip(t.x), lp::strip(t.y)};
}

// Calls `visit(half, row)` for the rows of the pivot's file.
template <class Visit>
void for_each_pivot_half(const quad_input& in, complaints& complain, lp::losses<quad_loss>& account,
                         Visit visit) {
  const half_format format = format_of(in.format, in.pivot_path);
  if (format == half_format::xquad) {
    std::uint64_t row = 0;
    for (const half& h : xquad_halves(in.pivot_path)) visit(h, ++row);
    return;
  }
  line_source lines(in.pivot_path);
  for (std::string_view line; lines.next(line);) {
    if (is_blank(line)) continue;
    const auto read = half_of(format, line, lines.number(), in.pivot_path, in.answers);
    if (read.lost) {
      account.drop(*read.lost);
      complain(read.sentence);
    } else {
      visit(read.value, lines.number());
    }
  }
}

}  // namespace

lp::losses<quad_loss> read_quads(const quad_input& in, complaints& complain, const quad_visit& visit) {
  lp::losses<quad_loss> account;
  const auto give = [&](const half& p, const half& t, const std::string& where) {
    if (const auto why = mismatch(p, t, in)) {
      account.drop(quad_loss::answer_mismatch);
      complain(where + ": " + *why);
      return;
    }
    account.keep();
    visit(view_of(p, t));
  };
  if (in.target_path.empty()) {
    line_source lines(in.pivot_path);
    for (std::string_view line; lines.next(line);) {
      if (is_blank(line)) continue;
      const auto read = quad_of(line, lines.number(), in);
      if (read.lost) {
        account.drop(*read.lost);
        if (*read.lost != quad_loss::other_language) complain(read.sentence);
      } else {
        give(read.value.pivot, read.value.target, place(in.pivot_path, lines.number()));
      }
    }
    return account;
  }
  half_index targets(in, complain, account);
  half t;
  for_each_pivot_half(in, complain, account, [&](const half& p, std::uint64_t row) {
    const auto found = targets.take(p.id, t);
    if (found == half_index::found::yes) return give(p, t, in.pivot_path + ": id " + p.id);
    const bool no = found == half_index::found::no;
    account.drop(no ? quad_loss::missing_target : quad_loss::duplicate_id);
    complain(place(in.pivot_path, row) + ": id " + p.id +
             (no ? " is not in " + in.target_path : " came before"));
  });
  for (const auto& [row, id] : targets.left()) {
    account.drop(quad_loss::missing_pivot);
    complain(place(in.target_path, row) + ": id " + id + " is not in " + in.pivot_path);
  }
  return account;
}

}  // namespace pivot_data
