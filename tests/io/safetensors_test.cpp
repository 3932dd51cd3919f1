// SPDX-License-Identifier: MIT
#include <lagom/io/checkpoint.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/safetensors_writer.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
using lagom::io::safetensors;

namespace {

// A file from its header text and its data.
std::string file(const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + std::string(data_bytes, '\1');
}

lagom::result<safetensors> parse(const std::string& bytes) {
  return safetensors::parse(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

errc code(const std::string& bytes) {
  auto r = parse(bytes);
  REQUIRE_FALSE(r);
  CHECK_FALSE(lagom::io::describe(r.error()).empty());
  return r.error().code;
}

const std::string f32_2x2 = R"("dtype":"F32","shape":[2,2])";

}  // namespace

TEST_CASE("valid files load: padding, unaligned data, empty and scalar tensors, any order",
          "[io][safetensors]") {
  CHECK(parse(file("{}", 0)));
  CHECK(parse(file("{}      ", 0)));
  CHECK(parse(file(R"({"__metadata__":{"format":"pt"}})", 0)));
  const auto scalar = file(R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4);
  REQUIRE(parse(scalar));
  CHECK(parse(scalar)->find("s")->elements() == 1);
  const auto empty = file(
      R"({"z":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"F64","shape":[0],"data_offsets":[1,1]}})",
      1);
  REQUIRE(parse(empty));
  CHECK(parse(empty)->find("z")->elements() == 0);
  // An F32 at an odd offset, named before the tensor that precedes it.
  const auto odd = file(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      5);
  auto loaded = parse(odd);
  REQUIRE(loaded);
  std::vector<float> out(1);
  CHECK(loaded->find("a")->copy_to(std::span<float>(out)));
  CHECK(parse(file(R"({"q":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}})", 2)));
  CHECK(parse(file(R"({"q":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3)));
  // A product that only a zero keeps from overflowing.
  CHECK(parse(file(R"({"z":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,0]}})", 0)));
}

TEST_CASE("hostile files are refused with their reason", "[io][safetensors]") {
  CHECK(code("") == errc::truncated);
  CHECK(code("1234567") == errc::truncated);
  CHECK(code(std::string("\x64\0\0\0\0\0\0\0{}", 10)) == errc::truncated);
  CHECK(code(std::string(8, '\xff')) == errc::too_large);
  CHECK(code(file("", 0)) == errc::bad_json);
  CHECK(code(file(" {}", 0)) == errc::bad_json);
  CHECK(code(file("[]", 0)) == errc::bad_json);
  CHECK(code(file("{", 0)) == errc::bad_json);
  CHECK(code(file("{}x", 0)) == errc::bad_json);
  CHECK(code(file("{\"\xff\":1}", 0)) == errc::bad_json);
  CHECK(code(file("{\"a\":" + std::string(100'000, '['), 0)) == errc::too_deep);
  CHECK(code(file(R"({"a":1})", 0)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{}})", 0)) == errc::missing_key);
  CHECK(code(file(R"({"a":{"dtype":"F33","shape":[],"data_offsets":[0,4]}})", 4)) == errc::unknown_dtype);
  CHECK(code(file(R"({"a":{"dtype":7,"shape":[],"data_offsets":[0,4]}})", 4)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}})", 4)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}})", 16)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}})", 4)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,1.6e1]}})", 16)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4)) == errc::wrong_type);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4)) == errc::bad_value);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 4)) == errc::truncated);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4)) == errc::size_mismatch);
  CHECK(code(file(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2)) == errc::size_mismatch);
  // Sizes that wrap around 2^64: the product, and the product times four bytes.
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,0]}})", 0)) ==
        errc::overflow);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4)) ==
        errc::overflow);
  CHECK(code(file(R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}})", 4)) ==
        errc::wrong_type);
  // Overlap, alias, hole, trailing bytes.
  CHECK(code(file("{\"a\":{" + f32_2x2 + R"(,"data_offsets":[0,16]},"b":{)" + f32_2x2 +
                      R"(,"data_offsets":[8,24]}})",
                  24)) == errc::overlap);
  CHECK(code(file("{\"a\":{" + f32_2x2 + R"(,"data_offsets":[0,16]},"b":{)" + f32_2x2 +
                      R"(,"data_offsets":[0,16]}})",
                  16)) == errc::overlap);
  CHECK(code(file("{\"a\":{" + f32_2x2 + R"(,"data_offsets":[0,16]},"b":{)" + f32_2x2 +
                      R"(,"data_offsets":[20,36]}})",
                  36)) == errc::hole);
  CHECK(code(file("{\"a\":{" + f32_2x2 + R"(,"data_offsets":[4,20]}})", 20)) == errc::hole);
  CHECK(code(file("{\"a\":{" + f32_2x2 + R"(,"data_offsets":[0,16]}})", 17)) == errc::trailing_bytes);
  CHECK(code(file("{}", 1)) == errc::trailing_bytes);
  // A key twice, a metadata value that is no string.
  const std::string a = "\"a\":{" + f32_2x2 + R"(,"data_offsets":[0,16]})";
  CHECK(code(file("{" + a + "," + a + "}", 16)) == errc::duplicate_key);
  CHECK(code(file(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1)) ==
        errc::duplicate_key);
  CHECK(code(file(R"({"__metadata__":{"n":1}})", 0)) == errc::wrong_type);
  CHECK(code(file(R"({"__metadata__":[]})", 0)) == errc::wrong_type);
}

TEST_CASE("every prefix of a valid file is refused", "[io][safetensors]") {
  const std::string whole =
      file("{\"a\":{" + f32_2x2 +
               R"(,"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}})",
           22);
  REQUIRE(parse(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) REQUIRE_FALSE(parse(whole.substr(0, n)));
}

TEST_CASE("what is written is read back, aligned and in one step", "[io][safetensors]") {
  const scratch dir;
  const std::vector<float> w{1, 2, 3, 4, 5, 6};
  const std::vector<lagom::bf16> half{lagom::bf16(1.5f), lagom::bf16(-2.0f)};
  const std::vector<std::int8_t> bytes{1, -1, 7};
  lagom::io::safetensors_writer out;
  out.add<std::int8_t>("tiny", {3}, bytes);
  out.add<lagom::bf16>("half", {2, 1}, half);
  out.add<float>("w", {2, 3}, w);
  out.add<float>("none", {0, 5}, std::span<const float>());
  out.add_metadata("format", "pt");
  REQUIRE(out.write(dir.file("m.safetensors")));
  const auto in = must(safetensors::open(dir.file("m.safetensors")));
  CHECK(elements<float>(in, "w") == w);
  CHECK(elements<std::int8_t>(in, "tiny") == bytes);
  CHECK(in.find("w")->shape == std::vector<std::uint64_t>{2, 3});
  CHECK(in.find("w")->in_place<float>().value()[5] == 6);
  CHECK_FALSE(in.find("w")->in_place<double>());
  std::vector<double> wide(2);
  REQUIRE(in.find("half")->copy_to(std::span<double>(wide)));
  CHECK(wide == std::vector<double>{1.5, -2});
  wide.resize(3);
  CHECK(in.find("tiny")->copy_to(std::span<double>(wide)).error().code == errc::wrong_dtype);
  CHECK(in.find("absent") == nullptr);
  CHECK(in.metadata().at("format") == "pt");

  lagom::io::safetensors_writer bad;
  bad.add<float>("w", {7}, w);
  const std::string before = read_file(dir.file("m.safetensors"));
  CHECK(bad.write(dir.file("m.safetensors")).error().code == errc::size_mismatch);
  CHECK(read_file(dir.file("m.safetensors")) == before);
  CHECK(out.write(dir.path() + "/nowhere/m.safetensors").error().code == errc::cannot_write);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);  // no temporary file left
}

TEST_CASE("a checkpoint is one file or the shards of its index", "[io][checkpoint]") {
  const scratch dir;
  const std::vector<float> w{1, 2}, v{3};
  lagom::io::safetensors_writer one, two;
  one.add<float>("w", {2}, w);
  two.add<float>("v", {1, 1}, v);
  REQUIRE(one.write(dir.file("a.safetensors")));
  REQUIRE(two.write(dir.file("b.safetensors")));
  const auto open = [&] { return lagom::io::checkpoint::open(dir.path()); };
  CHECK(open().error().code == errc::cannot_open);
  const auto index = [&](const std::string& map) {
    dir.write("model.safetensors.index.json", "{\"weight_map\":" + map + "}");
  };
  index(R"({"w":"a.safetensors","v":"b.safetensors"})");
  auto both = must(open());
  REQUIRE(both.find("w"));
  REQUIRE(both.find("v"));
  CHECK(both.require("w", {2}));
  CHECK(both.require("w", {3}).error().found == 2);
  CHECK(both.require("w", {2, 1}).error().code == errc::wrong_shape);
  CHECK(both.require("x", {1}).error().code == errc::missing_tensor);
  const std::vector<float> newer{7, 8};
  two.add<float>("w", {2}, newer);
  REQUIRE(two.write(dir.file("b.safetensors")));
  index(R"({"w":"b.safetensors"})");  // a stale tensor of that name in another shard does not count
  auto moved = must(open());
  CHECK(std::memcmp(moved.find("w")->bytes.data(), newer.data(), 8) == 0);
  CHECK(moved.find("v") == nullptr);
  index("{}");
  CHECK(open().error().code == errc::empty);
  index(R"({"v":"a.safetensors"})");
  CHECK(open().error().code == errc::missing_tensor);
  CHECK(lagom::io::checkpoint::open(std::string(5000, 'x')).error().code == errc::cannot_open);
  index(R"({"w":"../a.safetensors"})");
  CHECK(open().error().code == errc::bad_value);
  index(R"({"w":"gone.safetensors"})");
  CHECK(open().error().code == errc::cannot_open);
  index(R"({"w":3})");
  CHECK(open().error().code == errc::wrong_type);
  dir.write("model.safetensors.index.json", "{}");
  CHECK(open().error().code == errc::missing_key);
  REQUIRE(one.write(dir.file("model.safetensors")));  // a single file wins over an index
  CHECK(open());
}

TEST_CASE("a missing file, a directory and an empty file", "[io][safetensors]") {
  const scratch dir;
  CHECK(safetensors::open(dir.file("none")).error().code == errc::cannot_open);
  CHECK(safetensors::open(dir.path()).error().code == errc::cannot_open);
  const auto empty = safetensors::open(dir.write("empty", ""));
  CHECK(empty.error().code == errc::truncated);
  CHECK(lagom::io::describe(empty.error()).find("empty") != std::string::npos);
}
