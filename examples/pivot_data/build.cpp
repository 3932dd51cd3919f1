// SPDX-License-Identifier: MIT
#include "build.hpp"

namespace pivot_data {

void build(const build_options& o) {
  const method how(o.how);
  complaints complain(o.strict);
  row_writer out(o.rows, how.end(), complain);
  const auto quads = read_quads(o.in, complain, [&](const lagom::prompt::quad& q) {
    how.rows(q, out, o.rows.asks,
             [&](std::string_view kind, const segment_list& pieces) { out.write(q.id, kind, pieces); });
  });
  out.commit();
  const std::vector<account> all{account_of("quads", quads), out.counted()};
  print_accounts(all, out.on_stdout());
  write_report(o.json, "build", all);
}

}  // namespace pivot_data
