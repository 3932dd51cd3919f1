// SPDX-License-Identifier: MIT
// Files of trained exit modules. tests/oracle/exit_modules_file.py writes some without the library.
#include <lagom/io/load_exit_modules.hpp>
#include <lagom/io/save_exit_modules.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
using lagom::exit_module;
using lagom::exit_modules;
namespace io = lagom::io;

namespace {

constexpr lagom::index_t width = 6;
constexpr std::uint64_t model = 0xfedcba9876543210u;

exit_modules some_modules(exit_module kind, std::uint64_t seed, int layers = 4) {
  const lagom::exit_module_shape shape{kind, width, kind == exit_module::mlp ? 3 : 0};
  exit_modules out(layers, shape, normal<float>(width, 1), 1.25e-6);
  for (int l = 0; l < layers; l += 2) {
    auto p = normal<float>(static_cast<std::size_t>(shape.parameters()), seed + static_cast<std::uint64_t>(l),
                           1e-3);
    p[0] = -0.0f;
    p[1] = std::numeric_limits<float>::denorm_min();
    p[2] = (std::numeric_limits<float>::max)();
    out.set(l, p);
  }
  return out;
}

bool same_bits(lagom::vec_view<const float> a, lagom::vec_view<const float> b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}
void check_same(const exit_modules& a, const exit_modules& b) {
  CHECK(a.shape() == b.shape());
  CHECK(a.epsilon() == b.epsilon());
  CHECK(same_bits(a.norm_weight(), b.norm_weight()));
  REQUIRE(a.layers() == b.layers());
  for (int l = 0; l < a.layers(); ++l) {
    CHECK(a.trained(l) == b.trained(l));
    CHECK(same_bits(a.parameters(l), b.parameters(l)));
  }
}

// A file of two layers, one of them trained, with one thing changed.
struct forged {
  std::map<std::string, std::string> metadata{
      {"lagom", "exit_modules"}, {"schema", "1"}, {"model", io::hexadecimal(model)},
      {"kind", "linear"},        {"layers", "2"}, {"inner", "0"},
      {"epsilon", "1e-05"},      {"sets", "1"},   {"label.0", "en"}};
  struct entry {
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, entry> tensors{{"norm.weight", {{2}, {1, 1}}},
                                       {"0.layers.1.norm.weight", {{2}, {1, 1}}},
                                       {"0.layers.1.linear.weight", {{2, 2}, {1, 2, 3, 4}}},
                                       {"0.layers.1.linear.bias", {{2}, {5, 6}}}};
  std::vector<std::uint32_t> profile{};

  lagom::result<std::vector<io::labelled_modules>> load(const scratch& dir) const {
    io::safetensors_writer out;
    for (const auto& [key, value] : metadata) out.add_metadata(key, value);
    for (const auto& [name, t] : tensors) out.add(name, t.shape, std::span<const float>(t.values));
    if (!profile.empty()) out.add("0.profile", {profile.size()}, std::span<const std::uint32_t>(profile));
    REQUIRE(out.write(dir.file("forged")));
    return io::load_exit_modules(dir.file("forged"), model);
  }
};

}  // namespace

TEST_CASE("modules come back with the same bits", "[io][drafters]") {
  const scratch dir;
  for (const auto kind : {exit_module::norm, exit_module::linear, exit_module::mlp}) {
    lagom::text_profile profile;
    profile.push("habari ya asubuhi");
    const std::vector<io::labelled_modules> sets{{"en", some_modules(kind, 10)},
                                                 {"", some_modules(kind, 20)},
                                                 {"sw 한국어 \"\\\n", some_modules(kind, 30), profile}};
    REQUIRE(io::save_exit_modules(dir.file("m"), sets, model));
    const auto back = io::load_exit_modules(dir.file("m"), model);
    REQUIRE(back);
    REQUIRE(back->size() == sets.size());
    for (std::size_t k = 0; k < sets.size(); ++k) {
      CHECK((*back)[k].label == sets[k].label);
      CHECK((*back)[k].profile == sets[k].profile);
      check_same((*back)[k].modules, sets[k].modules);
    }
    REQUIRE(io::save_exit_modules(dir.file("n"), *back, model));
    CHECK(read_file(dir.file("m")) == read_file(dir.file("n")));
    const auto other = io::load_exit_modules(dir.file("m"), model + 1);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == errc::changed);
    CHECK(other.error().key.view() == "model");
    CHECK(other.error().file.view() == dir.file("m"));
  }
  CHECK(io::load_exit_modules(dir.file("none"), model).error().code == errc::cannot_open);
}

TEST_CASE("modules that Python saved probe as they do in PyTorch", "[io][drafters]") {
  const auto oracle = must(io::safetensors::open(golden("learned/modules.safetensors")));
  const auto all = [&](const std::string& name) { return elements<float>(oracle, name); };
  const auto w = all("head"), norm = all("norm"), states = all("states");
  const lagom::head to{lagom::mat_view<const float>(w.data(), 30, 12), lagom::rms_norm{norm, 1e-5}, 0.7f};
  for (const std::string kind : {"norm", "linear", "mlp"}) {
    const auto sets = io::load_exit_modules(golden("learned/drafters_" + kind + ".safetensors"), 0xff);
    REQUIRE(sets);
    REQUIRE(sets->size() == 2);
    CHECK((*sets)[0].label == "Kiswahili");
    CHECK((*sets)[1].label == "ελληνικά");
    CHECK((*sets)[0].profile.total() == 0);
    CHECK((*sets)[1].profile.counts()[4] == 4);
    const exit_modules& m = (*sets)[0].modules;
    CHECK(m.layers() == 3);
    CHECK((!m.trained(0) && m.trained(1) && !m.trained(2)));
    const auto theta = all(kind + ".parameters"), logits = all(kind + ".logits");
    CHECK(same_bits(m.parameters(1), theta));
    CHECK((*sets)[1].modules.parameters(0)[3] == 2 * theta[3]);
    std::vector<float> scratch(static_cast<std::size_t>(m.shape().scratch()));
    for (std::size_t r = 0; r < 6; ++r) {
      const auto said = m.at(1, to, scratch)(lagom::vec_view<const float>(states.data() + 12 * r, 12));
      double sum = 0;
      for (std::size_t v = 0; v < 30; ++v) sum += std::exp(static_cast<double>(logits[30 * r + v]));
      CHECK(near(static_cast<double>(said.log_sum_exp()), std::log(sum), 1e-5));
    }
  }
}

TEST_CASE("what are no modules of this model is refused by name", "[io][drafters]") {
  const scratch dir;
  REQUIRE(forged{}.load(dir));
  CHECK(forged{}.load(dir)->at(0).modules.parameters(1)[5] == 4);
  const auto refused = [&](const forged& f, errc code, const std::string& key) {
    const auto r = f.load(dir);
    CAPTURE(key);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == code);
    CHECK(r.error().key.view() == key);
    CHECK(r.error().file.view() == dir.file("forged"));
  };
  const auto with = [](const char* key, const char* value) {
    forged f;
    f.metadata[key] = value;
    return f;
  };
  refused(with("lagom", "plan"), errc::wrong_schema, "lagom");
  refused(with("schema", "2"), errc::wrong_schema, "schema");
  refused(with("model", "0123456789abcdef"), errc::changed, "model");
  for (const char* text : {"", "0123", "0123456789abcdeg", "0123456789abcdef0"})
    refused(with("model", text), errc::bad_value, "model");
  refused(with("kind", "block"), errc::bad_value, "kind");
  refused(with("kind", "mlp"), errc::bad_value, "inner");
  refused(with("inner", "3"), errc::bad_value, "inner");
  for (const char* text : {"", "-1", "2.0", " 2", "0x2"})
    refused(with("layers", text), errc::bad_value, "layers");
  refused(with("layers", "0"), errc::bad_value, "layers");
  refused(with("layers", "1001"), errc::too_large, "layers");
  refused(with("sets", "99999999999"), errc::too_large, "sets");
  refused(with("sets", "2"), errc::missing_key, "label.1");
  refused(with("epsilon", "small"), errc::bad_value, "epsilon");
  refused(with("epsilon", "nan"), errc::not_finite, "epsilon");
  refused(with("epsilon", "-1e-5"), errc::out_of_range, "epsilon");
  for (const char* key : {"layers", "inner", "sets", "epsilon", "label.0"}) {
    forged f;
    f.metadata.erase(key);
    refused(f, errc::missing_key, key);
  }
  auto twice = with("sets", "2");
  twice.metadata["label.1"] = "en";
  refused(twice, errc::duplicate_key, "label.1");
  auto huge = with("kind", "mlp");
  huge.metadata["inner"] = "4294967296";
  refused(huge, errc::too_large, "inner");
  huge.metadata["inner"] = "2147483647";  // nothing of that size is made
  refused(huge, errc::unknown_key, "0.layers.1.linear.bias");

  for (const char* name :
       {"norm.weight", "0.layers.1.norm.weight", "0.layers.1.linear.weight", "0.layers.1.linear.bias"}) {
    forged f;
    f.tensors.erase(name);
    refused(f, errc::missing_tensor, name);
    f = {};
    f.tensors[name].values[1] = std::numeric_limits<float>::quiet_NaN();
    refused(f, errc::not_finite, name);
    CHECK(f.load(dir).error().row == 1);
    f.tensors[name].values[1] = std::numeric_limits<float>::infinity();
    refused(f, errc::not_finite, name);
  }
  forged f;
  f.tensors["norm.weight"] = {{3}, {1, 1, 1}};
  refused(f, errc::wrong_shape, "0.layers.1.linear.bias");
  f.tensors["norm.weight"] = {{1, 2}, {1, 1}};
  refused(f, errc::wrong_shape, "norm.weight");
  f.tensors["norm.weight"] = {{0}, {}};
  refused(f, errc::empty, "norm.weight");
  f = {};
  f.tensors["0.layers.1.linear.weight"].shape = {4};
  refused(f, errc::wrong_shape, "0.layers.1.linear.weight");
  for (const char* name : {"x", "0.layers.1", "0.layers.1.", "0.layers.1.mlp.gate.weight",
                           "0.layer.1.norm.weight", "00.layers.1.norm.weight", "0.layers.01.norm.weight",
                           "0.layers.-1.norm.weight", ".layers.1.norm.weight", "0.layers.1.norm.weight2"}) {
    f = {};
    f.tensors[name] = {{2}, {1, 1}};
    refused(f, errc::unknown_key, name);
  }
  for (const char* name : {"1.layers.1.norm.weight", "0.layers.2.norm.weight", "7.profile"}) {
    f = {};
    f.tensors[name] = {{2}, {1, 1}};
    refused(f, errc::out_of_range, name);
  }
  f = {};
  f.tensors["0.profile"] = {{4096}, std::vector<float>(4096)};
  refused(f, errc::wrong_dtype, "0.profile");
  f = {};
  f.profile.resize(4095);
  refused(f, errc::wrong_shape, "0.profile");
  f.profile.resize(4096, 0xFFFFFFFFu);
  CHECK(f.load(dir)->at(0).profile.total() == 0xFFFFFFFFu);

  const std::vector<io::labelled_modules> sets{{"a", some_modules(exit_module::linear, 1)}};
  REQUIRE(io::save_exit_modules(dir.file("whole"), sets, model));
  const std::string whole = read_file(dir.file("whole"));
  for (std::size_t n = 0; n < whole.size(); n += 1 + n / 40)
    CHECK_FALSE(io::load_exit_modules(dir.write("cut", whole.substr(0, n)), model));
}

TEST_CASE("sets that do not belong together are not saved", "[io][drafters]") {
  const scratch dir;
  const auto refused = [&](const std::vector<io::labelled_modules>& sets, errc code, const std::string& key) {
    const auto r = io::save_exit_modules(dir.file("m"), sets, model);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == code);
    CHECK(r.error().key.view() == key);
    CHECK_FALSE(std::filesystem::exists(dir.file("m")));
  };
  const auto a = some_modules(exit_module::linear, 1);
  refused({}, errc::empty, "sets");
  refused({{"a", exit_modules()}}, errc::empty, "sets");
  refused({{"a", a}, {"a", a}}, errc::duplicate_key, "label.1");
  refused({{"a", a}, {"b", some_modules(exit_module::norm, 1)}}, errc::wrong_shape, "set 1");
  refused({{"a", a}, {"b", some_modules(exit_module::linear, 1, 5)}}, errc::wrong_shape, "set 1");
  refused({{"a", a}, {"b", exit_modules(4, a.shape(), a.norm_weight(), 1e-5)}}, errc::wrong_shape, "set 1");
  refused({{"a", a}, {"b", exit_modules(4, a.shape(), normal<float>(width, 2), a.epsilon())}},
          errc::wrong_shape, "set 1");
  refused({{"a", exit_modules(4, a.shape(), a.norm_weight(), -1)}}, errc::out_of_range, "epsilon");
  refused({{"a", exit_modules(4, {exit_module::mlp, width, 0}, a.norm_weight(), 1)}}, errc::bad_value,
          "inner");
  refused({{"a", exit_modules(1001, a.shape(), a.norm_weight(), 1)}}, errc::too_large, "layers");
  refused({{"\xff", a}}, errc::bad_utf8, "text");
  auto bad = a;
  auto p = std::vector<float>(static_cast<std::size_t>(a.shape().parameters()));
  p[width + 1] = std::numeric_limits<float>::quiet_NaN();
  bad.set(3, p);
  refused({{"a", a}, {"b", bad}}, errc::not_finite, "1.layers.3.linear.weight");
  CHECK(io::save_exit_modules(dir.file("none/m"), std::vector<io::labelled_modules>{{"a", a}}, model)
            .error()
            .code == errc::cannot_write);
}
