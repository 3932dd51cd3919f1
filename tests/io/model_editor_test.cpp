// SPDX-License-Identifier: MIT
// New model directories from old ones: rows, offsets, other files, memory, and what a kill leaves.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <lagom/io/model_editor.hpp>
#include <lagom/io/safetensors_writer.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
namespace io = lagom::io;
namespace fs = std::filesystem;

namespace {

// `n` elements that no two tensors share.
std::vector<float> numbers(std::size_t n, float first) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = first + static_cast<float>(i) / 64;
  return out;
}
std::vector<lagom::bf16> halves(std::size_t n, float first) {
  std::vector<lagom::bf16> out;
  for (const float x : numbers(n, first)) out.emplace_back(x);
  return out;
}

constexpr std::size_t rows = 7, width = 3;

// A model of three layers' tensors with an input embedding, a head, and a head bias; some are odd in size.
struct toy {
  std::vector<lagom::bf16> input = halves(rows * width, 1), norm = halves(5, 100);
  std::vector<float> head = numbers(rows * width, 200), bias = numbers(rows, 300), block = numbers(11, 400);
  std::vector<std::int8_t> bytes{1, 2, 3};

  void write(const std::string& path) const {
    io::safetensors_writer out;
    out.add_metadata("format", "pt");
    out.add<lagom::bf16>("model.embed_tokens.weight", {rows, width}, input);
    out.add<lagom::bf16>("model.norm.weight", {5}, norm);
    out.add<float>("lm_head.weight", {rows, width}, head);
    out.add<float>("lm_head.bias", {rows}, bias);
    out.add<float>("block.weight", {11}, block);
    out.add<std::int8_t>("block.small", {3, 1}, bytes);
    REQUIRE(out.write(path));
  }
};

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& v) {
  return std::as_bytes(std::span<const T>(v));
}

template <class T>
std::vector<T> expected_rows(const std::vector<T>& old, const std::vector<std::int64_t>& from,
                             const std::vector<T>& made, std::size_t columns) {
  std::vector<T> out;
  std::size_t next = 0;
  for (const std::int64_t f : from) {
    const T* const row = f == io::made_row ? made.data() + columns * next++
                                           : old.data() + columns * static_cast<std::size_t>(f);
    out.insert(out.end(), row, row + columns);
  }
  return out;
}

std::vector<std::string> names(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    out.push_back(entry.path().lexically_relative(directory).string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

const io::file_change& file_of(const io::edit_report& report, const std::string& name) {
  for (const auto& f : report.files) {
    if (f.name == name) return f;
  }
  throw std::runtime_error("the report lacks " + name);
}

}  // namespace

TEST_CASE("rows are copied, moved, left out and made; all else keeps its bytes", "[io][editor]") {
  const scratch dir;
  const toy model;
  fs::create_directory(dir.file("in"));
  model.write(dir.file("in/model.safetensors"));
  dir.write("in/config.json",
            "{\n  \"tie_word_embeddings\": false,\n  \"rope_theta\": 1e6,\n  \"vocab_size\": 7\n}\n");
  const std::vector<std::vector<std::int64_t>> shapes = {
      {0, 1, 2, 3, 4, 5, 6, -1, -1},         // expansion
      {0, 2, 3, 6},                          // trimming
      {-1, -1, -1, -1, -1, -1, -1, -1, -1},  // replacement
      {6, 0, -1, 5, 5, -1, 1, 2},            // anything
      {0, 1, 2, 3, 4, 5, 6},                 // nothing
      {},
  };
  int made_directories = 0;
  for (const auto& from : shapes) {
    for (const bool kernel : {true, false}) {
      const auto count = static_cast<std::size_t>(std::count(from.begin(), from.end(), io::made_row));
      const auto new_input = halves(count * width, -50);
      const auto new_head = numbers(count * width, -60), new_bias = numbers(count, -70);
      const io::model_edit edit{.tensors = {{"model.embed_tokens.weight", from, bytes_of(new_input)},
                                            {"lm_head.weight", from, bytes_of(new_head)},
                                            {"lm_head.bias", from, bytes_of(new_bias)}},
                                .config = {.old_size = rows, .new_size = from.size()}};
      const std::string target = dir.file("out" + std::to_string(made_directories++));
      const auto report = must(io::edit_model(dir.file("in"), target, edit, {.kernel_copies = kernel}));
      const auto file = must(io::safetensors::open(target + "/model.safetensors"));
      CHECK(elements<lagom::bf16>(file, "model.embed_tokens.weight") ==
            expected_rows(model.input, from, new_input, width));
      CHECK(elements<float>(file, "lm_head.weight") == expected_rows(model.head, from, new_head, width));
      CHECK(elements<float>(file, "lm_head.bias") == expected_rows(model.bias, from, new_bias, 1));
      CHECK(file.find("lm_head.weight")->shape == std::vector<std::uint64_t>{from.size(), width});
      CHECK(elements<lagom::bf16>(file, "model.norm.weight") == model.norm);
      CHECK(elements<float>(file, "block.weight") == model.block);
      CHECK(elements<std::int8_t>(file, "block.small") == model.bytes);
      CHECK(file.find("block.small")->shape == std::vector<std::uint64_t>{3, 1});
      CHECK(file.metadata().at("format") == "pt");
      for (const auto& [name, t] : file.tensors()) {
        CHECK(file.offset_of(t) % (static_cast<std::uint64_t>(io::info(t.type).bits) / 8) == 0);
      }
      CHECK(file.data_offset() % 8 == 0);
      CHECK(read_file(target + "/config.json") ==
            "{\n  \"tie_word_embeddings\": false,\n  \"rope_theta\": 1e6,\n  \"vocab_size\": " +
                std::to_string(from.size()) + "\n}\n");
      REQUIRE(report.tensors.size() == 3);
      CHECK(report.tensors[1].tensor == "lm_head.weight");
      CHECK(report.tensors[1].file == "model.safetensors");
      CHECK(report.tensors[1].rows_before == rows);
      CHECK(report.tensors[1].rows_after == from.size());
      CHECK(report.tensors[1].rows_made == count);
      CHECK(file_of(report, "model.safetensors").action == io::file_action::edited);
      CHECK(report.bytes.copied + report.bytes.written >= fs::file_size(target + "/model.safetensors"));
    }
  }
}

TEST_CASE("a tensor never loses its alignment", "[io][editor]") {
  const scratch dir;
  fs::create_directory(dir.file("in"));
  // A layout that the usual writer does not make: bytes first, where a longer one would shift the floats.
  const std::string header =
      R"({"b":{"dtype":"I8","shape":[4,1],"data_offsets":[0,4]},"f":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},)"
      R"("__metadata__":{"k":"v"}} )";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  const std::string old = length + header + "abcdEFGHijkl";
  dir.write("in/model.safetensors", old);
  const std::vector<std::byte> made{std::byte{'X'}};
  for (const std::size_t extra : {std::size_t{0}, std::size_t{1}}) {
    std::vector<std::int64_t> from{3, 2, 1, 0};
    from.insert(from.end(), extra, io::made_row);
    const std::string target = dir.file("out" + std::to_string(extra));
    REQUIRE(io::edit_model(dir.file("in"), target, {.tensors = {{"b", from, std::span(made).first(extra)}}}));
    const auto file = must(io::safetensors::open(target + "/model.safetensors"));
    const auto text = [](const io::tensor_view* t) {
      return std::string(reinterpret_cast<const char*>(t->bytes.data()), t->bytes.size());
    };
    CHECK(text(file.find("b")) == (extra == 0 ? "dcba" : "dcbaX"));
    CHECK(text(file.find("f")) == "EFGHijkl");
    CHECK(file.offset_of(*file.find("f")) == (extra == 0 ? 4u : 0u));
    CHECK(file.metadata().at("k") == "v");
  }
}

TEST_CASE("shards, index, links into a cache, stale files", "[io][editor]") {
  const scratch dir;
  const auto input = numbers(rows * width, 1), head = numbers(rows * width, 2), other = numbers(9, 3);
  fs::create_directories(dir.file("blobs"));
  fs::create_directories(dir.file("snap/1_Pooling"));
  fs::create_directories(dir.file("snap/.git"));
  io::safetensors_writer one, two;
  one.add<float>("model.embed_tokens.weight", {rows, width}, input);
  one.add<float>("a", {9}, other);
  two.add<float>("lm_head.weight", {rows, width}, head);
  REQUIRE(one.write(dir.file("blobs/1")));
  REQUIRE(two.write(dir.file("blobs/2")));
  dir.write("blobs/index",
            "{\"metadata\": {\"total_parameters\": 51, \"total_size\": 204.0}, \"weight_map\": {\"a\": "
            "\"m1.safetensors\", "
            "\"lm_head.weight\": \"m2.safetensors\", \"model.embed_tokens.weight\": \"m1.safetensors\"}}");
  dir.write("blobs/config", "{\"vocab_size\":7}");
  const auto link = [&](const std::string& blob, const std::string& name) {
    fs::create_symlink("../blobs/" + blob, dir.file("snap/" + name));
  };
  link("1", "m1.safetensors");
  link("2", "m2.safetensors");
  link("index", "model.safetensors.index.json");
  link("config", "config.json");
  for (const char* const name :
       {"pytorch_model.bin", "optimizer.pt", "m.gguf", "consolidated.safetensors",
        "pytorch_model.bin.index.json", "README.md", "1_Pooling/config.json", ".git/x"}) {
    dir.write(std::string("snap/") + name, name);
  }
  dir.write("snap/generation_config.json", "{\"eos_token_id\":[5,2]}");
  const std::vector<std::int64_t> from{0, 1, 2, 5};
  const lagom::token_id kept[] = {0, 1, 2, 5};
  io::model_edit edit;
  edit.tensors.push_back({"lm_head.weight", from});
  edit.config.old_size = 7;
  edit.config.new_size = 4;
  edit.config.ids = must(io::map_of_kept(kept, 7));
  edit.files.push_back({"README.md", std::nullopt, "says other things"});
  edit.files.push_back({"new/tokenizer.json", "{}", "is new"});
  edit.files.push_back({"1_Pooling/config.json", "1_Pooling/config.json", "has the text that it had"});
  const std::string before = read_file(dir.file("blobs/2"));
  const auto report = must(io::edit_model(dir.file("snap"), dir.file("out/"), edit));
  CHECK(names(dir.file("out")) ==
        std::vector<std::string>{"1_Pooling", "1_Pooling/config.json", "config.json",
                                 "generation_config.json", "m1.safetensors", "m2.safetensors",
                                 "model.safetensors.index.json", "new", "new/tokenizer.json"});
  CHECK(fs::is_regular_file(fs::symlink_status(dir.file("out/m1.safetensors"))));
  CHECK(read_file(dir.file("out/m1.safetensors")) == read_file(dir.file("blobs/1")));
  CHECK(read_file(dir.file("blobs/2")) == before);
  CHECK(read_file(dir.file("out/generation_config.json")) == "{\"eos_token_id\":[3,2]}");
  CHECK(read_file(dir.file("out/model.safetensors.index.json")) ==
        "{\"metadata\": {\"total_parameters\": 42, \"total_size\": 168}, \"weight_map\": {\"a\": "
        "\"m1.safetensors\", "
        "\"lm_head.weight\": \"m2.safetensors\", \"model.embed_tokens.weight\": \"m1.safetensors\"}}");
  const auto weights = must(io::checkpoint::open(dir.file("out")));
  CHECK(weights.find("lm_head.weight")->shape[0] == 4);
  CHECK(weights.find("model.embed_tokens.weight")->shape[0] == 7);
  for (const char* const name : {"pytorch_model.bin", "optimizer.pt", "m.gguf", "consolidated.safetensors",
                                 "pytorch_model.bin.index.json", ".git/", "README.md"}) {
    CHECK(file_of(report, name).action == io::file_action::left_out);
    CHECK_FALSE(file_of(report, name).why.empty());
  }
  CHECK(file_of(report, "m1.safetensors").action == io::file_action::copied);
  CHECK(file_of(report, "m2.safetensors").action == io::file_action::edited);
  CHECK(file_of(report, "1_Pooling/config.json").action == io::file_action::copied);
  CHECK(file_of(report, "new/tokenizer.json").why == "is new");
}

TEST_CASE("what cannot be done leaves nothing behind", "[io][editor]") {
  const scratch dir;
  const toy model;
  fs::create_directories(dir.file("in"));
  fs::create_directories(dir.file("full"));
  fs::create_directories(dir.file("empty"));
  model.write(dir.file("in/model.safetensors"));
  dir.write("in/config.json", "{\"vocab_size\":7}");
  dir.write("full/x", "");
  dir.write("file", "");
  fs::create_directory_symlink("empty", dir.file("link"));
  const std::vector<std::int64_t> all{0, 1, 2, 3, 4, 5, 6}, more{0, 7}, below{-2}, made{-1};
  const std::vector<float> row(width), short_row(width - 1);
  const auto code = [&](const std::string& target, const io::model_edit& edit) {
    auto r = io::edit_model(dir.file("in"), target.empty() ? target : dir.file(target), edit);
    return r ? errc{255} : r.error().code;
  };
  const auto tensor = [&](const char* name, const std::vector<std::int64_t>& from, std::size_t axis = 0) {
    return io::model_edit{.tensors = {{name, from, {}, axis}}};
  };
  CHECK(code("full", tensor("lm_head.bias", all)) == errc::not_empty);
  CHECK(code("file", tensor("lm_head.bias", all)) == errc::cannot_write);
  CHECK(code("none/out", tensor("lm_head.bias", all)) == errc::cannot_write);
  CHECK(code("", tensor("lm_head.bias", all)) == errc::cannot_write);
  CHECK(code("in", tensor("lm_head.bias", all)) == errc::unsupported);
  CHECK(code("in/out", tensor("lm_head.bias", all)) == errc::unsupported);
  CHECK(code(".", tensor("lm_head.bias", all)) == errc::unsupported);
  CHECK(code("out", tensor("nobody", all)) == errc::missing_tensor);
  CHECK(code("out", tensor("lm_head.bias", more)) == errc::out_of_range);
  CHECK(code("out", tensor("lm_head.bias", below)) == errc::out_of_range);
  CHECK(code("out", tensor("lm_head.bias", made)) == errc::size_mismatch);
  CHECK(code("out", tensor("lm_head.bias", all, 1)) == errc::wrong_shape);
  CHECK(code("out", tensor("lm_head.weight", all, 1)) == errc::wrong_shape);
  CHECK(code("out", {.tensors = {{"lm_head.weight", made, bytes_of(short_row)}}}) == errc::size_mismatch);
  CHECK(code("out", {.tensors = {{"lm_head.bias", all}, {"lm_head.bias", all}}}) == errc::duplicate_key);
  CHECK(code("out", {.config = {.old_size = 8, .new_size = 9}}) == errc::size_mismatch);
  fs::create_symlink("nowhere", dir.file("in/dead"));
  CHECK(code("out", tensor("lm_head.bias", all)) == errc::cannot_open);
  fs::remove(dir.file("in/dead"));
  CHECK(names(dir.path()) == std::vector<std::string>{"empty", "file", "full", "full/x", "in",
                                                      "in/config.json", "in/model.safetensors", "link"});
  CHECK(code("link", {.tensors = {{"lm_head.weight", made, bytes_of(row)}}}) == errc{255});
  CHECK(names(dir.file("empty")) == std::vector<std::string>{"config.json", "model.safetensors"});
}

TEST_CASE("ranges of any size arrive whole, by the kernel and by the window", "[io][editor]") {
  const scratch dir;
  std::string bytes;
  std::uint32_t state = 7;
  for (int i = 0; i < 3'500'000; ++i)
    bytes += static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  const auto source = must(io::source_file::open(dir.write("in", bytes)));
  const std::uint64_t sizes[] = {0, 1, 65535, 65536, 65537, 1048575, 1048576, 1048577, 2097153, 3'400'000};
  int n = 0;
  for (const bool kernel : {true, false}) {
    const std::string path = dir.file("out" + std::to_string(n++));
    auto out = must(io::range_writer::create(path, kernel));
    std::string want;
    for (const std::uint64_t size : sizes) {
      REQUIRE(out.write("between"));
      REQUIRE(out.copy(source, 99'999, size));
      want.append("between").append(bytes, 99'999, size);
    }
    REQUIRE(out.write(std::string_view(bytes).substr(0, 2'000'000)));
    REQUIRE(out.finish());
    CHECK((read_file(path) == want + bytes.substr(0, 2'000'000)));
    CHECK(out.counts().copied + out.counts().written == want.size() + 2'000'000);
    if (!kernel) CHECK(out.counts().copied == 0);
  }
  auto whole = must(io::range_writer::create(dir.file("whole")));
  REQUIRE(whole.copy(source));
  REQUIRE(whole.finish());
  CHECK((read_file(dir.file("whole")) == bytes));
  auto beyond = must(io::range_writer::create(dir.file("beyond")));
  CHECK(beyond.copy(source, bytes.size() - 10, 11).error().code == errc::truncated);
  CHECK(beyond.copy(source, bytes.size() - 10, 100'000).error().code == errc::truncated);
  CHECK_FALSE(io::range_writer::create(dir.file("whole")));
}

TEST_CASE("a kill at any point leaves the source whole and no target", "[io][editor]") {
  const scratch dir;
  const toy model;
  fs::create_directory(dir.file("in"));
  model.write(dir.file("in/model.safetensors"));
  dir.write("in/config.json", "{\"vocab_size\":7}");
  dir.write("in/tokenizer.json", "{}");
  const std::string weights = read_file(dir.file("in/model.safetensors"));
  const std::vector<std::int64_t> from{0, 6, 3, 1};
  const io::model_edit edit{.tensors = {{"lm_head.weight", from}, {"model.embed_tokens.weight", from}},
                            .config = {.old_size = 7, .new_size = 4}};
  int steps = 0;
  (void)must(io::edit_model(dir.file("in"), dir.file("whole"), edit, {},
                            [&](std::uint64_t, std::uint64_t) { ++steps; }));
  REQUIRE(steps > 5);
  for (int at = 1; at <= steps; ++at) {
    const pid_t child = ::fork();
    if (child == 0) {
      int step = 0;
      (void)io::edit_model(dir.file("in"), dir.file("out"), edit, {}, [&](std::uint64_t, std::uint64_t) {
        if (++step == at) ::raise(SIGKILL);
      });
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK_FALSE(fs::exists(dir.file("out")));
    CHECK(read_file(dir.file("in/model.safetensors")) == weights);
    int partial = 0;
    for (const auto& entry : fs::directory_iterator(dir.path())) {
      if (entry.path().filename().string().find(".partial-") == std::string::npos) continue;
      ++partial;
      CHECK_FALSE(fs::exists(entry.path() / "config.json"));
      fs::remove_all(entry.path());
    }
    CHECK(partial == 1);
  }
  // At times that no code chose.
  for (int turn = 0; turn < 30; ++turn) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)io::edit_model(dir.file("in"), dir.file("out"), edit);
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(turn) * 150);
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (fs::exists(dir.file("out"))) {
      CHECK(names(dir.file("out")) ==
            std::vector<std::string>{"config.json", "model.safetensors", "tokenizer.json"});
      CHECK(read_file(dir.file("out/model.safetensors")) == read_file(dir.file("whole/model.safetensors")));
      fs::remove_all(dir.file("out"));
    }
    CHECK(read_file(dir.file("in/model.safetensors")) == weights);
  }
}

namespace {

// A line of /proc/self/status in bytes.
std::uint64_t status_of(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(key + ":", 0) == 0) return std::stoull(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

}  // namespace

TEST_CASE("memory is bounded by the made rows and a window, not by the model", "[io][editor]") {
  const scratch dir;
  fs::create_directory(dir.file("in"));
  // 3 GiB that are mostly holes: an embedding of 64 MiB, one huge tensor, with data here and there.
  constexpr std::uint64_t vocabulary = 16384, wide = 2048, huge = std::uint64_t{3} << 30;
  constexpr std::uint64_t embedding = vocabulary * wide * 2;
  std::string header = R"({"embed_tokens.weight":{"dtype":"BF16","shape":[16384,2048],"data_offsets":[0,)" +
                       std::to_string(embedding) + R"(]},"huge":{"dtype":"U8","shape":[)" +
                       std::to_string(huge) + R"(],"data_offsets":[)" + std::to_string(embedding) + "," +
                       std::to_string(embedding + huge) + "]}}";
  header.resize(4096 - 8, ' ');
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size() & 0xff);
  length[1] = static_cast<char>(header.size() >> 8);
  const std::string path = dir.write("in/model.safetensors", length + header);
  fs::resize_file(path, 4096 + embedding + huge);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t row = 0; row < vocabulary; row += 7) {
      file.seekp(static_cast<std::streamoff>(4096 + row * wide * 2));
      file << "row " << row;
    }
    for (const std::uint64_t at : {std::uint64_t{5}, huge / 2 + 12345, huge - 9}) {
      file.seekp(static_cast<std::streamoff>(4096 + embedding + at));
      file << "here";
    }
  }
  dir.write("in/config.json", "{\"vocab_size\":16384}");
  std::vector<std::int64_t> from;
  for (std::int64_t r = 0; r < 16384; ++r) {
    if (r % 5 != 1) from.push_back(r);  // many runs
  }
  from.insert(from.end(), 100, io::made_row);
  const std::vector<std::byte> made(100 * wide * 2, std::byte{0x3F});
  const io::model_edit edit{.tensors = {{"embed_tokens.weight", from, made}},
                            .config = {.old_size = vocabulary, .new_size = from.size()}};
  const std::uint64_t data_before = status_of("VmData"), anonymous_before = status_of("RssAnon");
  std::uint64_t data = 0, anonymous = 0;
  const auto report =
      must(io::edit_model(dir.file("in"), dir.file("out"), edit, {}, [&](std::uint64_t, std::uint64_t) {
        static int turn = 0;
        if (turn++ % 64 != 0) return;
        data = std::max(data, status_of("VmData"));
        anonymous = std::max(anonymous, status_of("RssAnon"));
      }));
  data = std::max(data, status_of("VmData"));
  CHECK(data < data_before + (std::uint64_t{8} << 20));
  CHECK(anonymous < anonymous_before + (std::uint64_t{8} << 20));
  CHECK(report.bytes.copied >= huge);
  CHECK(report.bytes.written <= embedding + made.size() + (1 << 20));
  const auto file = must(io::safetensors::open(dir.file("out/model.safetensors")));
  const auto* const rows_now = file.find("embed_tokens.weight");
  std::size_t wrong = 0;
  for (std::size_t r = 0; r < from.size(); ++r) {
    const std::string row(reinterpret_cast<const char*>(rows_now->bytes.data()) + r * wide * 2, 10);
    std::string want = from[r] >= 0 && from[r] % 7 == 0 ? "row " + std::to_string(from[r]) : "";
    want.resize(10, '\0');
    if (from[r] < 0) want.assign(10, '\x3F');
    wrong += row != want;
  }
  CHECK(wrong == 0);
  const auto* const tail = file.find("huge");
  for (const std::uint64_t at : {std::uint64_t{5}, huge / 2 + 12345, huge - 9}) {
    CHECK(std::string(reinterpret_cast<const char*>(tail->bytes.data()) + at, 5) == std::string("here\0", 5));
  }
  struct ::stat status{};
  REQUIRE(::stat(dir.file("out/model.safetensors").c_str(), &status) == 0);
  CHECK(status.st_blocks * 512 < (std::int64_t{256} << 20));  // holes stay holes
}
