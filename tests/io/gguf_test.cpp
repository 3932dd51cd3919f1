// SPDX-License-Identifier: MIT
// GGUF files: what a container must be, and the tokenizers of vocabularies (tests/oracle/gguf_vocabulary.py).
#include <lagom/io/any_tokenizer.hpp>
#include <lagom/io/describe.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace {

namespace io = lagom::io;
using lagom::errc;
using lagom::token_id;
using ids_t = std::vector<token_id>;

const std::string golden = LAGOM_GOLDEN "/gguf/";

// Writes the bytes of a file, piece by piece.
struct builder {
  std::string bytes = "GGUF";

  template <class T>
  builder& put(T n) {
    bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
    return *this;
  }
  builder& text(std::string_view t) {
    put(std::uint64_t{t.size()});
    bytes += t;
    return *this;
  }
  builder& head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return put(version).put(tensors).put(keys);
  }
  builder& key(std::string_view name, io::gguf_type type) {
    return text(name).put(static_cast<std::uint32_t>(type));
  }
  builder& array(std::string_view name, io::gguf_type element, std::uint64_t count) {
    return key(name, io::gguf_type::array).put(static_cast<std::uint32_t>(element)).put(count);
  }
  builder& texts(std::string_view name, std::vector<std::string> list) {
    array(name, io::gguf_type::text, list.size());
    for (const std::string& t : list) text(t);
    return *this;
  }
  builder& tensor(std::string_view name, std::vector<std::uint64_t> extents, std::uint32_t type,
                  std::uint64_t offset) {
    text(name).put(static_cast<std::uint32_t>(extents.size()));
    for (const std::uint64_t n : extents) put(n);
    return put(type).put(offset);
  }
  builder& data(std::size_t size, std::size_t alignment = 32) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }
};

lagom::result<io::gguf> parse(const builder& b) {
  return io::gguf::parse({reinterpret_cast<const std::byte*>(b.bytes.data()), b.bytes.size()});
}

errc code_of(const builder& b) {
  auto file = parse(b);
  if (file) FAIL("was accepted");
  CHECK_FALSE(io::describe(file.error()).empty());
  return file.error().code;
}

builder one_tensor(std::vector<std::uint64_t> extents, std::uint32_t type = 0, std::uint64_t offset = 0,
                   const std::string& name = "w") {
  builder b;
  b.head(1, 0).tensor(name, std::move(extents), type, offset).data(4096);
  return b;
}

constexpr std::uint64_t huge = std::uint64_t{1} << 63;

}  // namespace

TEST_CASE("vocabularies in GGUF files give the ids of the tokenizers they were made of", "[io][gguf]") {
  auto texts = io::load_json(LAGOM_GOLDEN "/tokenizers/texts.json");
  auto expected = io::load_json(golden + "expected.json");
  REQUIRE(texts);
  REQUIRE(expected);
  REQUIRE(expected->size() >= 10);
  for (const auto& [name, rows] : expected->items()) {
    INFO(name);
    auto tokenizer = io::open_tokenizer(golden + name + ".gguf");
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    CHECK(tokenizer->format() == io::tokenizer_format::gguf);
    REQUIRE(rows.size() == texts->size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ids_t ids;
      INFO((*texts)[i].dump());
      tokenizer->encode((*texts)[i].get<std::string>(), [&](token_id t) { ids.push_back(t); });
      CHECK(ids == rows[i].get<ids_t>());
    }
  }
}

TEST_CASE("the table of tensors and the metadata", "[io][gguf]") {
  auto file = io::gguf::open(golden + "gpt2.gguf");
  REQUIRE(file);
  CHECK(file->version() == 3);
  REQUIRE(file->tensors().size() == 2);
  const io::gguf_tensor &a = file->tensors()[0], &b = file->tensors()[1];
  CHECK(a.name == "a");
  CHECK(a.extents == std::array<std::uint64_t, 4>{3, 2, 1, 1});
  REQUIRE(a.bytes.size() == 24);
  float last = 0;
  std::memcpy(&last, a.bytes.data() + 20, 4);
  CHECK(last == 5.0F);
  CHECK(b.type == 1);
  CHECK(b.bytes.size() == 10);
  REQUIRE(file->find("tokenizer.ggml.model") != nullptr);
  CHECK(file->find("tokenizer.ggml.model")->text() == "gpt2");
  CHECK(file->find("tokenizer.ggml.tokens")->texts()->size() == file->find("tokenizer.ggml.tokens")->size());
  CHECK_FALSE(file->find("tokenizer.ggml.tokens")->floats());
  CHECK(file->find("nothing") == nullptr);
  CHECK(io::gguf::open("/no/such/file").error().code == errc::cannot_open);
}

TEST_CASE("numbers in the metadata, of every width", "[io][gguf]") {
  using t = io::gguf_type;
  builder b;
  b.head(0, 6);
  b.key("u8", t::u8).put(std::uint8_t{200}).key("i8", t::i8).put(std::int8_t{-1});
  b.key("u64", t::u64).put(~std::uint64_t{0}).key("f", t::flag).put(std::uint8_t{1});
  b.array("i", t::i32, 2).put(std::int32_t{-5}).put(std::int32_t{7}).array("none", t::f32, 0);
  auto file = parse(b);
  REQUIRE(file);
  CHECK(file->find("u8")->count() == 200u);
  CHECK_FALSE(file->find("i8")->count());
  CHECK(file->find("u64")->count() == ~std::uint64_t{0});
  CHECK(file->find("f")->flag() == true);
  CHECK_FALSE(file->find("f")->count());
  CHECK(file->find("i")->integers() == std::vector<std::int32_t>{-5, 7});
  CHECK(file->find("none")->floats()->empty());
}

TEST_CASE("containers that lie are refused", "[io][gguf]") {
  using t = io::gguf_type;
  builder b;
  b.bytes = "GGML";
  CHECK(code_of(b) == errc::wrong_schema);
  CHECK(code_of(builder{}) == errc::truncated);
  CHECK(code_of(builder{}.head(0, 0, 1)) == errc::unsupported);
  CHECK(code_of(builder{}.head(0, 0, 0x03000000)) == errc::unsupported);
  CHECK(code_of(builder{}.head(0, huge)) == errc::truncated);
  CHECK(code_of(builder{}.head(huge, 0)) == errc::truncated);
  CHECK(code_of(builder{}.head(0, 1).put(huge)) == errc::too_large);
  CHECK(code_of(builder{}.head(0, 1).put(std::uint64_t{100}).text("k")) == errc::truncated);
  CHECK(code_of(builder{}.head(0, 1).key(std::string("a\0b", 3), t::u8).put(std::uint8_t{0})) ==
        errc::bad_value);
  CHECK(code_of(builder{}.head(0, 1).key("", t::u8).put(std::uint8_t{0})) == errc::bad_value);
  CHECK(code_of(builder{}.head(0, 1).key("k", static_cast<t>(13))) == errc::wrong_type);
  CHECK(code_of(
            builder{}.head(0, 2).key("k", t::u8).put(std::uint8_t{0}).key("k", t::u8).put(std::uint8_t{0})) ==
        errc::duplicate_key);
  CHECK(code_of(builder{}.head(0, 1).array("k", t::array, 1)) == errc::unsupported);
  CHECK(code_of(builder{}.head(0, 1).array("k", t::u8, huge)) == errc::too_large);
  CHECK(code_of(builder{}.head(0, 1).array("k", t::f64, 1u << 29)) == errc::truncated);
  CHECK(code_of(builder{}.head(0, 1).array("k", t::text, 3).text("x").put(~std::uint64_t{0})) ==
        errc::too_large);
  CHECK(code_of(builder{}.head(0, 1).key("general.alignment", t::u64).put(std::uint64_t{32})) ==
        errc::wrong_type);
  for (const std::uint32_t bad : {0u, 3u}) {
    CHECK(code_of(builder{}.head(0, 1).key("general.alignment", t::u32).put(bad)) == errc::bad_value);
  }
}

TEST_CASE("tensors that do not fit are refused", "[io][gguf]") {
  REQUIRE(parse(one_tensor({8, 4})));
  CHECK(code_of(one_tensor({})) == errc::wrong_shape);
  CHECK(code_of(one_tensor({1, 1, 1, 1, 1})) == errc::wrong_shape);
  CHECK(code_of(one_tensor({0})) == errc::wrong_shape);
  CHECK(code_of(one_tensor({huge})) == errc::overflow);
  CHECK(code_of(one_tensor({std::uint64_t{1} << 40, std::uint64_t{1} << 40})) == errc::overflow);
  CHECK(code_of(one_tensor({huge / 2})) == errc::overflow);
  CHECK(code_of(one_tensor({31}, 8)) == errc::wrong_shape);  // blocks of 32
  CHECK(code_of(one_tensor({32}, 4)) == errc::unknown_dtype);
  CHECK(code_of(one_tensor({32}, 4000000000)) == errc::unknown_dtype);
  CHECK(code_of(one_tensor({2000})) == errc::truncated);
  CHECK(code_of(one_tensor({8}, 0, 32)) == errc::hole);
  CHECK(code_of(one_tensor({8}, 0, 0, std::string(64, 'n'))) == errc::too_large);
  const auto two = [](std::uint64_t second, const char* name = "b") {
    builder b;
    b.head(2, 0).tensor("a", {9}, 0, 0).tensor(name, {8}, 0, second).data(4096);
    return b;
  };
  REQUIRE(parse(two(64)));
  CHECK(parse(two(64))->tensors()[1].bytes.data() - parse(two(64))->tensors()[0].bytes.data() != 0);
  CHECK(code_of(two(32)) == errc::overlap);
  CHECK(code_of(two(96)) == errc::hole);
  CHECK(code_of(two(64, "a")) == errc::duplicate_key);
}

TEST_CASE("vocabularies that contradict themselves are refused by their key", "[io][gguf]") {
  using t = io::gguf_type;
  const auto fails = [](builder b) {
    auto file = parse(b);
    if (!file) FAIL(io::describe(file.error()));
    auto tokenizer = io::read_gguf_tokenizer(*file);
    if (tokenizer) FAIL("was accepted");
    CHECK_FALSE(io::describe(tokenizer.error()).empty());
    return tokenizer.error();
  };
  const auto model = [](const char* name, std::uint64_t keys) {
    builder b;
    b.head(0, keys).key("tokenizer.ggml.model", t::text).text(name);
    return b;
  };
  const std::string tokens = "tokenizer.ggml.tokens", merges = "tokenizer.ggml.merges",
                    pre = "tokenizer.ggml.pre", types = "tokenizer.ggml.token_type",
                    scores = "tokenizer.ggml.scores";
  CHECK(fails(builder{}.head(0, 0)).key.view() == "tokenizer.ggml.model");
  CHECK(fails(model("rwkv", 1)).key.view() == "tokenizer.ggml.model rwkv");
  CHECK(fails(model("gpt2", 1)).key.view() == tokens);
  CHECK(fails(model("gpt2", 2).array(tokens, t::u8, 0)).code == errc::wrong_type);
  CHECK(fails(model("gpt2", 2).texts(tokens, {})).code == errc::empty);
  CHECK(fails(model("gpt2", 2).texts(tokens, {"a", "\xFF"})).row == 1);
  CHECK(fails(model("gpt2", 2).texts(tokens, {"a"})).key.view() == pre);
  CHECK(fails(model("gpt2", 3).texts(tokens, {"a"}).key(pre, t::text).text("tekken")).key.view() ==
        pre + " tekken");
  const auto bytes = [&](std::uint64_t keys) {
    return model("gpt2", keys).texts(tokens, {"a", "b", "ab"}).key(pre, t::text).text("gpt-2");
  };
  CHECK(fails(bytes(3)).key.view() == merges);
  CHECK(fails(bytes(4).texts(merges, {"a b", "b a"})).row == 1);
  CHECK(fails(bytes(4).texts(merges, {"a\xC3 b"})).code == errc::bad_utf8);
  CHECK(fails(bytes(5).texts(merges, {"a b"}).array(types, t::i32, 1).put(1)).code == errc::size_mismatch);
  CHECK(fails(bytes(5).texts(merges, {"a b"}).array(types, t::i32, 3).put(1).put(1).put(9)).row == 2);
  CHECK(fails(bytes(5).texts(merges, {"a b"}).array(types, t::u8, 0)).code == errc::wrong_type);
  CHECK(fails(model("gpt2", 4).texts(tokens, {"a", "a"}).key(pre, t::text).text("gpt-2").texts(merges, {}))
            .code == errc::duplicate_key);
  const auto scored = [&](std::uint64_t keys) { return model("llama", keys).texts(tokens, {"<unk>", "a"}); };
  CHECK(fails(scored(2)).key.view() == scores);
  CHECK(fails(scored(3).array(scores, t::u8, 2).put(std::uint16_t{0})).code == errc::wrong_type);
  CHECK(fails(scored(3).array(scores, t::f32, 1).put(1.0F)).code == errc::size_mismatch);
  CHECK(fails(scored(3).array(scores, t::f32, 2).put(0.0F).put(1.0F)).code == errc::unknown_token);
  builder bad_byte = model("llama", 4).texts(tokens, {"<unk>", "<0x-1>"});
  bad_byte.array(scores, t::f32, 2).put(0.0F).put(0.0F).array(types, t::i32, 2).put(2).put(6);
  CHECK(fails(bad_byte).code == errc::bad_value);
  const auto words = [&] { return model("bert", 3).texts(tokens, {"[UNK]", "a"}); };
  CHECK(fails(words().key("tokenizer.ggml.unknown_token_id", t::u32).put(7u)).code == errc::out_of_range);
}

TEST_CASE("tokenizers are recognised by what their files hold", "[io][tokenizer]") {
  const lagom_test::scratch place;
  const auto format = [](const std::string& path) {
    auto tokenizer = io::open_tokenizer(path);
    if (!tokenizer) FAIL(io::describe(tokenizer.error()));
    return tokenizer->format();
  };
  const auto ids = [](const std::string& path) {
    ids_t out;
    auto tokenizer = io::open_tokenizer(path);
    REQUIRE(tokenizer);
    tokenizer->encode(" the time<|endoftext|> that", [&](token_id t) { out.push_back(t); });
    return out;
  };
  const std::string json_file = LAGOM_GOLDEN "/tokenizers/gpt2.json";
  const std::string document = lagom_test::read_file(json_file);
  CHECK(format(place.write("oddly_named.model", document)) == io::tokenizer_format::tokenizer_json);
  CHECK(format(place.write("a.json", lagom_test::read_file(golden + "bert.gguf"))) ==
        io::tokenizer_format::gguf);

  // GPT-2's pair, from the same vocabulary.
  auto whole = io::parse_json(document);
  REQUIRE(whole);
  std::string lines = "#version: 0.2\n";
  for (const auto& m : (*whole)["model"]["merges"]) lines += m.get<std::string>() + "\r\n";
  const std::string tokens = (*whole)["model"]["vocab"].dump();
  const std::string first = place.write("x_encoder.json", tokens), second = place.write("x_vocab.bpe", lines);
  CHECK(format(first) == io::tokenizer_format::gpt2_files);
  CHECK(format(second) == io::tokenizer_format::gpt2_files);
  CHECK(ids(first) == ids(json_file));
  CHECK(ids(second) == ids(json_file));
  place.write("vocab.json", tokens);
  place.write("merges.txt", lines);
  CHECK(ids(place.path()) == ids(json_file));
  place.write("tokenizer.json", document);
  CHECK(format(place.path()) == io::tokenizer_format::tokenizer_json);

  const auto code = [](const std::string& path) {
    auto refused = io::open_tokenizer(path);
    if (refused) FAIL("was accepted");
    CHECK(refused.error().file.view().find('/') != std::string_view::npos);
    return refused.error().code;
  };
  const lagom_test::scratch other;
  CHECK(code(other.path()) == errc::cannot_open);
  CHECK(code(other.file("nothing")) == errc::cannot_open);
  CHECK(code(other.write("empty.json", "")) == errc::empty);
  CHECK(code(other.write("lonely_encoder.json", tokens)) == errc::cannot_open);
  CHECK(code(other.write("half.json", tokens)) == errc::missing_key);
  CHECK(code(other.write("cut.json", document.substr(0, 500))) == errc::bad_json);
  CHECK(code(other.write("nonsense", "\x7F\x45LF")) != errc{255});
  other.write("y_encoder.json", tokens);
  CHECK(code(other.write("y_vocab.bpe", "#version: 0.2\na b c\n")) == errc::bad_merge);
}
