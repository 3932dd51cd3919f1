// SPDX-License-Identifier: MIT
/// @file io/plan_file.hpp
/// Saving and loading embedding plans.
#pragma once

#include <charconv>

#include "../embed/plan_builder.hpp"
#include "safetensors_writer.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

namespace detail {

/// Reads the columns of a plan, remembering the first failure.
class plan_columns {
 public:
  explicit plan_columns(const safetensors& file) : file_(file) {}

  /// The elements of a vector: `count` of them, or as many as there are.
  template <class T>
  std::vector<T> read(const std::string& name, std::optional<std::uint64_t> count = std::nullopt) {
    const tensor_view* const t = file_.find(name);
    if (t == nullptr) return fail<T>({.code = errc::missing_tensor, .key = name});
    if (t->type != dtype_of<T>) return fail<T>({.code = errc::wrong_dtype, .key = name});
    if (t->shape.size() != 1 || (count && t->shape[0] != *count)) {
      failure f{.code = errc::wrong_shape, .key = name};
      if (count) f.expected = *count;
      return fail<T>(f);
    }
    std::vector<T> out(t->shape[0]);
    if (!out.empty()) std::memcpy(out.data(), t->bytes.data(), t->bytes.size());
    return out;
  }

  /// Ends of runs, which rise up to `total`.
  std::vector<std::int64_t> ends(const std::string& name, std::optional<std::uint64_t> count,
                                 std::size_t total) {
    std::vector<std::int64_t> out = read<std::int64_t>(name, count);
    std::int64_t last = 0;
    for (std::size_t r = 0; r < out.size(); ++r) {
      if (out[r] < last || static_cast<std::uint64_t>(out[r]) > total) {
        return fail<std::int64_t>({.code = errc::out_of_range, .key = name, .row = r});
      }
      last = out[r];
    }
    if (static_cast<std::uint64_t>(last) != total) {
      return fail<std::int64_t>({.code = errc::size_mismatch,
                                 .key = name,
                                 .expected = total,
                                 .found = static_cast<std::uint64_t>(last)});
    }
    return out;
  }

  template <class T>
  std::vector<T> fail(const failure& f) {
    if (!wrong_) wrong_ = f;
    return {};
  }
  [[nodiscard]] const std::optional<failure>& wrong() const noexcept { return wrong_; }

 private:
  const safetensors& file_;
  std::optional<failure> wrong_;
};

/// The run of row `r`.
[[nodiscard]] inline std::pair<std::size_t, std::size_t> run_of(const std::vector<std::int64_t>& ends,
                                                                std::size_t r) {
  return {r == 0 ? 0 : static_cast<std::size_t>(ends[r - 1]), static_cast<std::size_t>(ends[r])};
}

[[nodiscard]] inline result<index_t> plan_source_size(const safetensors& file) {
  const auto metadata = [&](const char* key) {
    const auto at = file.metadata().find(key);
    return at == file.metadata().end() ? std::string() : at->second;
  };
  if (metadata("lagom") != "plan") return failure{.code = errc::wrong_schema, .key = "lagom"};
  if (metadata("schema") != "1") return failure{.code = errc::wrong_schema, .key = "schema"};
  const std::string text = metadata("source_size");
  std::int64_t size = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < 0 || size > 0x7FFFFFFF) {
    return failure{.code = errc::bad_value, .key = "source_size"};
  }
  return static_cast<index_t>(size);
}

}  // namespace detail

/// Writes a plan as a safetensors file: one vector a field, so that numpy reads it too; rows are runs that
/// "..._ends" close. The file is replaced in one step. Fails with `cannot_write`.
[[nodiscard]] inline result<done> save_plan(const std::string& path, const embed::plan& plan) {
  std::vector<std::int32_t> targets, ids, why, members;
  std::vector<std::int64_t> term_ends, noise_ends, noise_groups, ddofs, seeds, streams, group_ends,
      rescale_groups;
  std::vector<float> weights, means, deviations, norms;
  std::vector<std::uint8_t> methods, rules;
  for (std::size_t r = 0; r < plan.rows(); ++r) {
    targets.push_back(static_cast<std::int32_t>(plan.target(r)));
    for (const embed::term& t : plan.row(r)) {
      ids.push_back(static_cast<std::int32_t>(t.id));
      weights.push_back(t.weight);
    }
    term_ends.push_back(static_cast<std::int64_t>(ids.size()));
    for (const embed::gaussian& g : plan.gaussians(r)) {
      noise_groups.push_back(g.group);
      ddofs.push_back(g.ddof);
      means.push_back(g.mean);
      deviations.push_back(g.deviation);
      seeds.push_back(static_cast<std::int64_t>(g.seed));
      streams.push_back(static_cast<std::int64_t>(g.stream));
    }
    noise_ends.push_back(static_cast<std::int64_t>(means.size()));
    const embed::rescale s = plan.rescaling(r);
    rules.push_back(static_cast<std::uint8_t>(s.to));
    norms.push_back(s.value);
    rescale_groups.push_back(s.group);
    methods.push_back(static_cast<std::uint8_t>(plan.made_by(r)));
    why.push_back(static_cast<std::int32_t>(plan.reason(r)));
  }
  for (std::size_t g = 1; g < plan.groups(); ++g) {
    for (const embed::source_id id : plan.group(g)) members.push_back(static_cast<std::int32_t>(id));
    group_ends.push_back(static_cast<std::int64_t>(members.size()));
  }
  safetensors_writer out;
  out.add_metadata("lagom", "plan");
  out.add_metadata("schema", "1");
  out.add_metadata("source_size", std::to_string(plan.source_size()));
  const auto add = [&out](const char* name, const auto& v) {
    out.add(name, {v.size()}, std::span<const typename std::remove_cvref_t<decltype(v)>::value_type>(v));
  };
  add("target", targets);
  add("term.id", ids);
  add("term.weight", weights);
  add("term_ends", term_ends);
  add("noise.group", noise_groups);
  add("noise.ddof", ddofs);
  add("noise.mean", means);
  add("noise.deviation", deviations);
  add("noise.seed", seeds);
  add("noise.stream", streams);
  add("noise_ends", noise_ends);
  add("rescale.rule", rules);
  add("rescale.value", norms);
  add("rescale.group", rescale_groups);
  add("method", methods);
  add("reason", why);
  add("group.member", members);
  add("group_ends", group_ends);
  return out.write(path);
}

/// The plan of an opened file. Fails with `wrong_schema` (no plan, or of another version), `missing_tensor`,
/// `wrong_dtype`, `wrong_shape`, `size_mismatch` (runs that do not fill their elements), `out_of_range`,
/// `bad_value` (rows or groups that are not in canonical form), `too_large` (over 4096 groups), and the
/// errors of `plan_builder::checked`; rows count from 0.
[[nodiscard]] inline result<embed::plan> read_plan(const safetensors& file) {
  auto source_size = detail::plan_source_size(file);
  if (!source_size) return source_size.error();
  detail::plan_columns from(file);
  const auto targets = from.read<std::int32_t>("target");
  const std::size_t rows = targets.size();
  const auto ids = from.read<std::int32_t>("term.id");
  const auto weights = from.read<float>("term.weight", ids.size());
  const auto term_ends = from.ends("term_ends", rows, ids.size());
  const auto means = from.read<float>("noise.mean");
  const auto deviations = from.read<float>("noise.deviation", means.size());
  const auto noise_groups = from.read<std::int64_t>("noise.group", means.size());
  const auto ddofs = from.read<std::int64_t>("noise.ddof", means.size());
  const auto seeds = from.read<std::int64_t>("noise.seed", means.size());
  const auto streams = from.read<std::int64_t>("noise.stream", means.size());
  const auto noise_ends = from.ends("noise_ends", rows, means.size());
  const auto rules = from.read<std::uint8_t>("rescale.rule", rows);
  const auto norms = from.read<float>("rescale.value", rows);
  const auto rescale_groups = from.read<std::int64_t>("rescale.group", rows);
  const auto methods = from.read<std::uint8_t>("method", rows);
  const auto why = from.read<std::int32_t>("reason", rows);
  const auto members = from.read<std::int32_t>("group.member");
  const auto group_ends = from.ends("group_ends", std::nullopt, members.size());
  if (from.wrong()) return *from.wrong();

  constexpr std::size_t group_limit = 4096;
  constexpr std::int64_t word = 0xFFFFFFFF;
  if (group_ends.size() > group_limit) {
    return failure{
        .code = errc::too_large, .key = "group_ends", .expected = group_limit, .found = group_ends.size()};
  }
  embed::plan_builder out(*source_size);
  for (std::size_t g = 0; g < group_ends.size(); ++g) {
    const auto [begin, end] = detail::run_of(group_ends, g);
    std::vector<embed::source_id> group;
    for (std::size_t i = begin; i < end; ++i) {
      if (i > begin && members[i] <= members[i - 1]) {
        return failure{.code = errc::bad_value, .key = "group.member", .row = i};
      }
      group.push_back(embed::source_id{members[i]});
    }
    if (out.add_group(group) != g + 1) return failure{.code = errc::bad_value, .key = "group_ends", .row = g};
  }
  for (std::size_t r = 0; r < rows; ++r) {
    const auto fail = [r](const char* key) {
      return failure{.code = errc::out_of_range, .key = key, .row = r};
    };
    const auto [begin, end] = detail::run_of(term_ends, r);
    for (std::size_t i = begin; i < end; ++i) {
      if (i > begin && ids[i] <= ids[i - 1])
        return failure{.code = errc::bad_value, .key = "term.id", .row = r};
      out.add(embed::source_id{ids[i]}, static_cast<double>(weights[i]));
    }
    const auto [first, last] = detail::run_of(noise_ends, r);
    for (std::size_t i = first; i < last; ++i) {
      if (noise_groups[i] < 0 || noise_groups[i] > word) return fail("noise.group");
      if (ddofs[i] < 0 || ddofs[i] > word) return fail("noise.ddof");
      if (streams[i] < 0 || streams[i] > 0x7FFFFFFF) return fail("noise.stream");
      out.add(embed::gaussian{.group = static_cast<std::uint32_t>(noise_groups[i]),
                              .ddof = static_cast<std::uint32_t>(ddofs[i]),
                              .mean = means[i],
                              .deviation = deviations[i],
                              .seed = static_cast<std::uint64_t>(seeds[i]),
                              .stream = embed::target_id{static_cast<token_id>(streams[i])}});
    }
    if (rules[r] > static_cast<unsigned>(embed::rescale::rule::nan)) return fail("rescale.rule");
    if (rescale_groups[r] < 0 || rescale_groups[r] > word) return fail("rescale.group");
    if (methods[r] >= embed::method_count) return fail("method");
    if (why[r] < 0 || why[r] >= 1 << embed::reason_bits) return fail("reason");
    out.set({static_cast<embed::rescale::rule>(rules[r]), norms[r],
             static_cast<std::uint32_t>(rescale_groups[r])});
    out.end_row(embed::target_id{targets[r]},
                {static_cast<embed::method>(methods[r]), static_cast<embed::reason>(why[r])});
  }
  return std::move(out).checked();
}

/// Reads a plan; what was saved comes back equal. Fails with the errors of `safetensors::open` and
/// `read_plan`, naming the file.
[[nodiscard]] inline result<embed::plan> load_plan(const std::string& path) {
  auto file = safetensors::open(path);
  if (!file) return file.error();
  auto plan = read_plan(*file);
  if (!plan) return plan.error().in(path);
  return plan;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
