// SPDX-License-Identifier: MIT
// Plans on the disk: what was saved comes back equal, what is no plan is refused.
#include <lagom/io/plan_file.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
namespace io = lagom::io;
namespace embed = lagom::embed;

namespace {

embed::plan some_plan() {
  embed::plan_builder out(100);
  const embed::source_id latin[] = {embed::source_id{5}, embed::source_id{3}},
                         greek[] = {embed::source_id{99}};
  const auto a = out.add_group(latin), b = out.add_group(greek);
  out.add(embed::source_id{7}, 1.0 / 3);
  out.add(embed::source_id{2}, -2.0 / 3);
  out.end_row(embed::target_id{100}, {embed::method::mean, embed::reason::unseen | embed::reason::no_rule});
  out.add({.group = a, .ddof = 1, .mean = 0.5F, .deviation = 0.25F, .seed = ~std::uint64_t{0} - 3});
  out.add(
      {.group = embed::gaussian::standard, .mean = 0, .deviation = 1e-30F, .stream = embed::target_id{4}});
  out.set({embed::rescale::rule::quantile, 0.75F, b});
  out.end_row(embed::target_id{101}, {embed::method::script_gaussian});
  out.end_row(embed::target_id{2147483647}, {embed::method::padding});
  return std::move(out).build();
}

}  // namespace

TEST_CASE("a plan is saved and comes back equal", "[io][plan]") {
  const scratch dir;
  for (const embed::plan& plan : {some_plan(), embed::plan()}) {
    REQUIRE(io::save_plan(dir.file("p"), plan));
    const auto back = must(io::load_plan(dir.file("p")));
    CHECK((back == plan));
    CHECK(back.source_size() == plan.source_size());
    CHECK(back.groups() == plan.groups());
  }
  CHECK(io::save_plan(dir.file("none/p"), some_plan()).error().code == errc::cannot_write);
}

TEST_CASE("a plan that numpy wrote is read", "[io][plan]") {
  embed::plan_builder out(10);
  const embed::source_id members[] = {embed::source_id{2}, embed::source_id{3}, embed::source_id{5}};
  const auto group = out.add_group(members);
  out.add(embed::source_id{1}, 0.25);
  out.add(embed::source_id{7}, 0.75);
  out.set({embed::rescale::rule::norm, 3});
  out.end_row(embed::target_id{10}, {embed::method::mean});
  out.add(embed::source_id{9}, 1);
  out.add({.group = group, .ddof = 1, .mean = 0.5F, .deviation = 2});
  out.end_row(embed::target_id{12}, {embed::method::script_gaussian, embed::reason::unseen});
  CHECK((must(io::load_plan(golden("edited/plan.safetensors"))) == std::move(out).build()));
}

TEST_CASE("what is no plan, or no longer one, is refused", "[io][plan]") {
  const scratch dir;
  const std::string path = dir.file("p");
  REQUIRE(io::save_plan(path, some_plan()));
  const std::string good = read_file(path);
  const auto code = [&] {
    auto r = io::load_plan(path);
    if (!r) CHECK(r.error().file.view() == path);
    return r ? errc{255} : r.error().code;
  };
  // Every column in turn: not there, of another type, one longer; and each value of it made too large or negative.
  const auto file = must(io::safetensors::open(path));
  for (const auto& [name, tensor] : file.tensors()) {
    CAPTURE(name);
    const auto rewritten = [&, &column = name, &t = tensor](const auto& change) {
      io::safetensors_writer out;
      for (const auto& [key, value] : file.metadata()) out.add_metadata(key, value);
      for (const auto& [other, value] : file.tensors()) {
        if (other != column) out.add(other, value.shape, value.type, value.bytes);
      }
      change(out, t);
      REQUIRE(out.write(path));
      return code();
    };
    CHECK(rewritten([](auto&, const auto&) {}) == errc::missing_tensor);
    const std::vector<double> wrong(tensor.elements());
    CHECK(rewritten([&, &column = name](auto& out, const auto&) {
            out.template add<double>(column, {wrong.size()}, wrong);
          }) == errc::wrong_dtype);
    const std::size_t width = static_cast<std::size_t>(io::info(tensor.type).bits) / 8;
    std::vector<std::byte> longer(tensor.bytes.size() + width);
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), longer.begin());
    CHECK(rewritten([&, &column = name](auto& out, const auto& t) {
            out.add(column, {t.shape[0] + 1}, t.type, longer);
          }) != errc{255});
    for (std::size_t i = 0; i < tensor.elements(); ++i) {
      std::vector<std::byte> bent(tensor.bytes.begin(), tensor.bytes.end());
      std::fill_n(bent.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                  std::byte{0xFF});  // -1, 255 or NaN
      const errc found = rewritten(
          [&, &column = name](auto& out, const auto& t) { out.add(column, t.shape, t.type, bent); });
      // Any seed is a seed, and the norm of a row that is not rescaled is not looked at.
      const bool free = name == "noise.seed" || name == "rescale.value";
      if (!free || found != errc{255}) {
        CHECK((found == errc::out_of_range || found == errc::not_finite || found == errc::bad_value ||
               found == errc::duplicate_key || found == errc::size_mismatch));
      }
    }
  }
  for (std::size_t n : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
    dir.write("p", good.substr(0, n));
    CHECK(code() == errc::truncated);
  }
  for (const auto& [from, to, why] :
       {std::tuple("\"schema\":\"1\"", "\"schema\":\"2\"", errc::wrong_schema),
        std::tuple("\"lagom\":\"plan\"", "\"lagom\":\"rats\"", errc::wrong_schema),
        std::tuple("\"source_size\":\"100\"", "\"source_size\":\"99 \"", errc::bad_value),
        std::tuple("\"source_size\":\"100\"", "\"source_size\":\"099\"", errc::out_of_range)}) {
    std::string text = good;
    text.replace(text.find(from), std::string(from).size(), to);
    dir.write("p", text);
    CHECK(code() == why);
  }
}
