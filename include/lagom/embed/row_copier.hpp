// SPDX-License-Identifier: MIT
/// @file embed/row_copier.hpp
/// Rows of one plan as parts of another.
#pragma once

#include "plan_builder.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Adds rows of plan `from`, times a factor, to the row that `out` is making. Groups keep their rows, whatever
/// their ids become; noise keeps its token.
class row_copier {
 public:
  row_copier(const plan& from, plan_builder& out) : from_(from), out_(out), ids_(from.groups(), unknown) {
    ids_[0] = gaussian::every_row;
  }

  void add(std::size_t r, double factor = 1) {
    for (const term& t : from_.row(r)) out_.add(t.id, factor * static_cast<double>(t.weight));
    for (gaussian g : from_.gaussians(r)) {
      g.group = group(g.group);
      g.mean = static_cast<float>(factor * static_cast<double>(g.mean));
      g.deviation = static_cast<float>(factor * static_cast<double>(g.deviation));
      out_.add(g);
    }
  }

  /// Row r's rescaling, in the other plan's groups.
  [[nodiscard]] rescale rescaling(std::size_t r) {
    rescale s = from_.rescaling(r);
    s.group = group(s.group);
    return s;
  }

  /// The whole row, as it is.
  void copy(std::size_t r) {
    add(r);
    out_.set(rescaling(r));
    out_.end_row(from_.target(r), from_.tag_of(r));
  }

 private:
  static constexpr std::uint32_t unknown = gaussian::standard;

  std::uint32_t group(std::uint32_t g) {
    if (g == gaussian::standard) return g;
    if (ids_[g] == unknown) ids_[g] = out_.add_group(from_.group(g));
    return ids_[g];
  }

  const plan& from_;
  plan_builder& out_;
  std::vector<std::uint32_t> ids_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
