// SPDX-License-Identifier: MIT
#include <lagom/exit/certified_answer.hpp>
#include <lagom/exit/exit_policy.hpp>
#include <lagom/io/calibrated_rule.hpp>
#include <lagom/io/model_fingerprint.hpp>
#include <lagom/io/safetensors_writer.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/top_prob.hpp>
#include <lagom/stop/calibrate/exact_binomial.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using lagom::errc;
using lagom_test::must;
using lagom_test::scratch;
namespace io = lagom::io;

namespace {

using pack = lagom::features<lagom::gap, lagom::top_prob>;

// What certify says of a rule that loses once in 200 rows.
lagom::certificate shown() {
  std::vector<double> losses(200, 0.0);
  losses[17] = 1;
  return must(lagom::certify(lagom::mat_view<const double>(losses.data(), 1, 200), lagom::tolerance(.05),
                             lagom::error_rate(.01), lagom::exact_binomial{}));
}

std::string text_of(const std::string& path) { return std::string(must(io::mapped_file::open(path)).text()); }

}  // namespace

static_assert(lagom::stop_rule<lagom::calibrated<lagom::threshold<>>> &&
              lagom::stop_rule<lagom::calibrated<lagom::standardized<lagom::crf<2>>>>);
static_assert(lagom::monotone_rule<lagom::calibrated<lagom::threshold<>>> &&
              !lagom::monotone_rule<lagom::calibrated<lagom::crf<2>>>);
static_assert(lagom::detail::width_of<lagom::calibrated<lagom::linear_svm<2>>> == 2 &&
              lagom::detail::width_of<lagom::calibrated<lagom::patience>> == 0);

TEST_CASE("a calibrated rule is saved with what was shown of it", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const std::uint64_t model = 0xfedcba9876543210u;
  const lagom::calibrated safe{lagom::threshold<lagom::above>{.value = 0.7f, .feature = 1}, shown(), model};
  REQUIRE(io::save_policy(path, pack{}, safe));
  const auto back = must(io::load_calibrated_policy<lagom::threshold<lagom::above>>(path, pack{}, model));
  CHECK(back.rule.value == 0.7f);
  CHECK(back.rule.feature == 1);
  CHECK(back.model == model);
  CHECK(back.shown.candidate == 0);
  CHECK(back.shown.rows == 200);
  CHECK(back.shown.mean_loss == safe.shown.mean_loss);
  CHECK(back.shown.p_value == safe.shown.p_value);
  CHECK(back.shown.p_value < .01);
  CHECK(back.shown.tolerance.value == .05);
  CHECK(back.shown.error_rate.value == .01);
  CHECK(back.shown.test.view() == "exact_binomial");
  CHECK(back.shown.procedure.view() == "fixed_sequence");
  // It runs as its rule does.
  const std::vector<float> x{0, .71f}, y{0, .7f};
  lagom::no_state s;
  CHECK(back.step(s, x) == safe.rule.step(s, x));
  CHECK(back.step(s, y) < 0);
  const lagom::exit_policy policy{pack{}, back};
  static_assert(sizeof(policy) > sizeof(pack));
  // The bare rule is in the same file; a bare file has no certificate.
  CHECK(must(io::load_policy<lagom::threshold<lagom::above>>(path, pack{})).value == 0.7f);
  REQUIRE(io::save_policy(path, pack{}, safe.rule));
  const auto bare = io::load_calibrated_policy<lagom::threshold<lagom::above>>(path, pack{}, model);
  REQUIRE(!bare);
  CHECK(bare.error().code == errc::missing_key);
  CHECK(bare.error().key.view() == "calibration");

  const lagom::calibrated svm{lagom::standardized<lagom::linear_svm<2>>{{{1, 2}, {3, 4}}, {{5, 6}, 7}},
                              shown(), 1};
  REQUIRE(io::save_policy(path, pack{}, svm));
  CHECK(must(io::load_calibrated_policy<lagom::standardized<lagom::linear_svm<2>>>(path, pack{}, 1))
            .rule.rule.bias == 7);
}

TEST_CASE("a calibration of another model or of no calibration is refused", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const lagom::calibrated safe{lagom::threshold{0.7f}, shown(), 0x0123456789abcdefu};
  REQUIRE(io::save_policy(path, pack{}, safe));
  const auto load = [&] {
    const auto r = io::load_calibrated_policy<lagom::threshold<>>(path, pack{}, safe.model);
    return r ? lagom::failure{.code = errc{255}} : r.error();
  };
  const auto other = io::load_calibrated_policy<lagom::threshold<>>(path, pack{}, 5);
  REQUIRE(!other);
  CHECK(other.error().code == errc::changed);
  CHECK(other.error().file.view() == path);
  CHECK(io::describe(other.error()).find("model is not what it was") != std::string::npos);
  CHECK(must(io::load_policy<lagom::calibrated<lagom::threshold<>>>(path, pack{})).check(5).error().found ==
        5);

  const std::string good = text_of(path);
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + good);
    text.replace(at, from.size(), to);
    dir.write("p.json", text);
    return load().code;
  };
  CHECK(edited("gap", "gap") == errc{255});
  CHECK(edited("0123456789abcdef", "0123456789abcdeF") == errc{255});
  CHECK(edited("0123456789abcdef", "0123456789abcdee") == errc::changed);
  CHECK(edited("0123456789abcdef", "123456789abcdef") == errc::bad_value);
  CHECK(edited("0123456789abcdef", "0x23456789abcdef") == errc::bad_value);
  CHECK(edited("\"0123456789abcdef\"", "81985529216486895") == errc::wrong_type);
  CHECK(edited("\"rows\": 200", "\"rows\": 0") == errc::out_of_range);
  CHECK(edited("\"rows\": 200", "\"rows\": -3") == errc::wrong_type);
  CHECK(edited("\"rows\": 200", "\"rows\": 18446744073709551615") == errc::out_of_range);
  CHECK(edited("\"rows\": 200", "\"row\": 200") == errc::missing_key);
  CHECK(edited("\"candidate\": 0", "\"candidate\": 0.5") == errc::wrong_type);
  CHECK(edited("\"tolerance\": 0.05", "\"tolerance\": 1.5") == errc::out_of_range);
  CHECK(edited("\"tolerance\": 0.05", "\"tolerance\": \"0.05\"") == errc::wrong_type);
  CHECK(edited("\"error_rate\": 0.01", "\"error_rate\": 1") == errc::out_of_range);
  CHECK(edited("\"error_rate\": 0.01", "\"error_rate\": 0") == errc::out_of_range);
  CHECK(edited("\"error_rate\": 0.01", "\"error_rate\": 1e-9") == errc::not_certified);
  CHECK(edited("\"test\": \"exact_binomial\"", "\"test\": 4") == errc::wrong_type);
  const std::size_t schemas = good.find("\"schema\": 1"), second = good.find("\"schema\": 1", schemas + 1);
  REQUIRE(second != std::string::npos);
  for (const std::size_t at : {schemas, second}) {
    std::string text = good;
    text.replace(at, 11, "\"schema\": 2");
    dir.write("p.json", text);
    CHECK(load().code == errc::wrong_schema);
  }
  auto broken = safe;
  broken.shown.p_value = std::numeric_limits<double>::quiet_NaN();
  CHECK(io::save_policy(path, pack{}, broken).error().code == errc::not_finite);
}

TEST_CASE("models are told apart by their weights, not by their files", "[io][policy]") {
  const scratch dir;
  const std::vector<float> a{1, 2, 3, 4, 5, 6}, b{7, 8, 9};
  const std::vector<std::uint8_t> odd{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto write = [&](const std::string& folder, const std::vector<float>& first,
                         std::vector<std::uint64_t> shape, const std::string& name) {
    std::filesystem::create_directories(dir.file(folder));
    io::safetensors_writer out;
    out.add(name, std::move(shape), std::span<const float>(first));
    out.add("b", {3}, std::span<const float>(b));
    out.add("odd", {11}, std::span<const std::uint8_t>(odd));
    REQUIRE(out.write(dir.file(folder) + "/model.safetensors"));
    return io::model_fingerprint(must(io::checkpoint::open(dir.file(folder))));
  };
  const auto original = write("m", a, {2, 3}, "a");
  CHECK(write("same", a, {2, 3}, "a") == original);
  CHECK(write("shape", a, {3, 2}, "a") != original);
  CHECK(write("name", a, {2, 3}, "a2") != original);
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto other = a;
    other[i] = std::nextafter(other[i], 100.0f);
    CHECK(write("bit", other, {2, 3}, "a") != original);
  }
  // The same tensors in two files.
  std::filesystem::create_directories(dir.file("two"));
  io::safetensors_writer one, two;
  one.add("odd", {11}, std::span<const std::uint8_t>(odd));
  one.add("a", {2, 3}, std::span<const float>(a));
  two.add("b", {3}, std::span<const float>(b));
  REQUIRE(one.write(dir.file("two/x.safetensors")));
  REQUIRE(two.write(dir.file("two/y.safetensors")));
  dir.write("two/model.safetensors.index.json",
            R"({"weight_map":{"a":"x.safetensors","odd":"x.safetensors","b":"y.safetensors"}})");
  CHECK(io::model_fingerprint(must(io::checkpoint::open(dir.file("two")))) == original);
}

TEST_CASE("a policy is saved with the layers it is asked at", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const lagom::calibrated safe{lagom::threshold{0.5f}, shown(), std::uint64_t{7}};
  const lagom::at_layers layers{0, 3, 64, 255};
  REQUIRE(io::save_policy(path, pack{}, safe, layers));
  CHECK(must(io::load_calibrated_policy<lagom::threshold<>>(path, pack{}, 7)).rule.value == 0.5f);
  const auto back = must(io::load_layers(path));
  for (int l = 0; l < lagom::at_layers::capacity; ++l) CHECK(back(l, 256) == layers(l, 256));
  const std::string text = text_of(path);
  const auto refused = [&](const std::string& list, errc code) {
    auto changed = text;
    const auto from = changed.find("\"layers\""), to = changed.find(']', from) + 1;
    changed.replace(from, to - from, list);
    REQUIRE(io::write_file(path, changed));
    const auto read = io::load_layers(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == code);
    CHECK(read.error().key.view() == "layers");
    CHECK(read.error().file.view() == path);
  };
  refused("\"layers\": [256]", errc::out_of_range);
  refused("\"layers\": [18446744073709551615]", errc::out_of_range);
  refused("\"layers\": [-1]", errc::wrong_type);
  refused("\"layers\": [1.5]", errc::wrong_type);
  refused("\"layers\": 3", errc::wrong_type);
  refused("\"layers\": [3, 3]", errc::bad_value);
  refused("\"layers\": [4, 3]", errc::bad_value);
  REQUIRE(io::save_policy(path, pack{}, safe));
  CHECK(io::load_layers(path).error().code == errc::missing_key);
  REQUIRE(io::save_policy(path, pack{}, safe, lagom::at_layers{}));
  CHECK_FALSE(must(io::load_layers(path))(0, 256));
  REQUIRE(io::write_file(path, "{\"layers\": [1]}"));
  CHECK(io::load_layers(path).error().code == errc::wrong_schema);
}
