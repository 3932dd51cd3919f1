// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/io/corpus_file.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/tokenizer_json.hpp>

#include <sys/wait.h>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

namespace {

using namespace lagom::io;
using lagom::errc;
using lagom::failure;
using lagom::token_id;
using lagom_test::golden;
using lagom_test::must;
using lagom_test::read_file;
using lagom_test::scratch;

const hf_tokenizer& gpt2() {
  static const hf_tokenizer t = must(hf_tokenizer::open(golden("tokenizers/gpt2.json")));
  return t;
}

// Lines of words, some of them empty, some long, some ended by "\r\n"; no line end after the last one.
std::string text(std::size_t lines, std::uint64_t stream) {
  const lagom::philox random{3};
  std::uint64_t at = 0;
  std::string out;
  for (std::size_t i = 0; i < lines; ++i) {
    if (i > 0) out += random.below(10, stream, at++) == 0 ? "\r\n" : "\n";
    const std::uint64_t words = random.below(100, stream, at++) == 0 ? 5000 : random.below(12, stream, at++);
    for (std::uint64_t w = 0; w < words; ++w) {
      out += "word";
      out += std::to_string(random.below(400, stream, at++));
      out += random.below(20, stream, at++) == 0 ? " \xCE\xB1\xCE\xB2 " : " ";
    }
  }
  return out;
}

// By the definition: the text cut at line ends, one line after the other.
lagom::vocab::corpus_counts by_definition(const hf_tokenizer& t, const std::string& text) {
  lagom::vocab::corpus_counts out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find('\n', begin);
    const std::size_t next = end == std::string::npos ? text.size() : end + 1;
    if (end == std::string::npos)
      end = text.size();
    else if (end > begin && text[end - 1] == '\r')
      --end;
    out.push_line(t, std::string_view(text).substr(begin, end - begin));
    begin = next;
  }
  return out;
}

corpus_checkpoint example() {
  corpus_checkpoint c{
      .tokenizer = 0x123456789ABCDEF0, .files = {{10, 20, 30}, {40, 50, 60}}, .file = 1, .offset = 40};
  c.counts.push({.lines = 3, .bytes = 30, .characters = 20});
  c.counts.push_added(0, 2);
  c.counts.push_added(50256, 1);
  c.counts.push_pre_token("", 1);
  c.counts.push_pre_token("abc", 300);
  c.counts.push_pre_token(std::string(200, '\xFF'), std::uint64_t{1} << 60);
  return c;
}

// The same bytes with the hash put right.
std::string mended(std::string bytes) {
  lagom::vocab::fnv1a hash;
  hash.push(std::string_view(bytes).substr(0, bytes.size() - 8));
  for (unsigned i = 0; i < 8; ++i) {
    bytes[bytes.size() - 8 + i] =
        static_cast<char>(static_cast<unsigned char>((hash.value() >> (8 * i)) & 0xFFu));
  }
  return bytes;
}

}  // namespace

TEST_CASE("any number of threads and any step count a file alike", "[io][corpus]") {
  const scratch dir;
  const std::string all = text(4000, 1);
  const std::string path = dir.write("a.txt", all);
  const auto expected = by_definition(gpt2(), all);
  CHECK(expected.lines() == 4000);
  for (const unsigned threads : {1u, 2u, 3u, 8u}) {
    for (const std::uint64_t step : {std::uint64_t{1} << 30, std::uint64_t{100'001}, std::uint64_t{7001}}) {
      const auto counts = must(count_corpus(gpt2(), {path}, {.threads = threads, .step_bytes = step}));
      CHECK(counts == expected);
    }
  }
  // A step of one byte, and line ends of every kind at its edges.
  for (const std::string& s : {std::string(), std::string("\n"), std::string("\n\n"), std::string("a"),
                               std::string("a\n"), std::string("\r\n\r\na\r\n"), std::string("a\n\nb\r"),
                               std::string("\r"), std::string("a\rb\n\rc\n")}) {
    const std::string small = dir.write("b.txt", s);
    for (const std::uint64_t step : {1u, 2u, 3u, 100u}) {
      const auto counts = must(count_corpus(gpt2(), {small}, {.step_bytes = step}));
      CHECK(counts == by_definition(gpt2(), s));
    }
  }
  auto two = expected;
  two.merge(by_definition(gpt2(), "x y\nz"));
  const std::string other = dir.write("c.txt", "x y\nz"), empty = dir.write("d.txt", "");
  CHECK(must(count_corpus(gpt2(), {path, empty, other})) == two);
  CHECK(must(count_corpus(gpt2(), {})) == lagom::vocab::corpus_counts{});
}

TEST_CASE("a line is a line, however long", "[io][corpus]") {
  const scratch dir;
  std::string all = "first\n";
  while (all.size() < 1'500'000) all += "some words of one line ";  // several blocks without a line end
  all += "\nlast";
  const auto counts =
      must(count_corpus(gpt2(), {dir.write("a.txt", all)}, {.threads = 4, .step_bytes = 200'000}));
  CHECK(counts == by_definition(gpt2(), all));
  CHECK(counts.lines() == 3);
}

TEST_CASE("token counts of a corpus are those of its lines", "[io][corpus]") {
  for (const char* name : {"gpt2", "llama2", "qwen2", "gemma", "roberta", "flags", "mistral"}) {
    const auto t = must(hf_tokenizer::open(golden(std::string("tokenizers/") + name + ".json")));
    const auto texts = must(load_json(golden("tokenizers/texts.json")));
    std::map<token_id, std::uint64_t> expected;
    lagom::vocab::corpus_counts counts;
    for (const auto& entry : texts) {
      const auto& line = entry.get_ref<const std::string&>();
      counts.push_line(t, line);
      t.encode(line, [&](token_id id) { ++expected[id]; });
    }
    const lagom::vocab::token_counts found(t, counts);
    std::uint64_t total = 0;
    for (token_id id = 0; id < t.size(); ++id) {
      CHECK(found[id] == expected[id]);
      total += expected[id];
    }
    CHECK(found.total() == total);
  }
}

TEST_CASE("what was interrupted goes on and ends alike", "[io][corpus]") {
  const scratch dir;
  const std::string all = text(3000, 2), more = text(500, 3);
  const std::vector<std::string> paths{dir.write("a.txt", all), dir.write("b.txt", more)};
  auto expected = by_definition(gpt2(), all);
  expected.merge(by_definition(gpt2(), more));
  const corpus_options options{
      .threads = 2, .checkpoint = dir.file("state"), .checkpoint_bytes = 60'000, .step_bytes = 20'000};
  std::uint64_t last = 0, runs = 0;
  while (true) {  // a child that dies without a word after five steps
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int steps = 0;
      auto done = count_corpus(gpt2(), paths, options, [&](const corpus_progress&) {
        if (++steps == 5) ::_exit(3);
      });
      ::_exit(done ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    ++runs;
    if (WEXITSTATUS(status) == 0) break;
    REQUIRE(WEXITSTATUS(status) == 3);
    const auto saved = must(read_corpus_checkpoint(options.checkpoint));
    const std::uint64_t at = saved.file == 0 ? saved.offset : all.size() + saved.offset;
    CHECK(at >= last + 60'000);  // of five steps, two at most are lost
    last = at;
    REQUIRE(runs < 100);
  }
  CHECK(runs > 3);
  const auto done = must(read_corpus_checkpoint(options.checkpoint));
  CHECK(done.file == 2);
  CHECK(done.counts == expected);
  std::size_t calls = 0;
  CHECK(must(count_corpus(gpt2(), paths, options, [&](const corpus_progress&) { ++calls; })) == expected);
  CHECK(calls == 0);

  corpus_progress end;
  CHECK(must(count_corpus(gpt2(), paths, {.step_bytes = 1000}, [&](const corpus_progress& p) { end = p; })) ==
        expected);
  CHECK(end.bytes == all.size() + more.size());
  CHECK(end.of_bytes == end.bytes);
  CHECK(end.lines == 3500);
  CHECK(end.pre_tokens == expected.pre_tokens().size());
}

TEST_CASE("a checkpoint of something else is refused", "[io][corpus]") {
  const scratch dir;
  const std::string path = dir.write("a.txt", text(50, 4));
  corpus_options options{.checkpoint = dir.file("state"), .step_bytes = 100};
  (void)must(count_corpus(gpt2(), {path}, options));
  const std::string before = read_file(options.checkpoint);
  const auto refused = [&](auto&& result, std::string_view key) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == errc::changed);
    CHECK(result.error().key.view().substr(0, key.size()) == key);
    CHECK(result.error().file.view() == options.checkpoint);
    CHECK(read_file(options.checkpoint) == before);
  };
  const auto other = must(hf_tokenizer::open(golden("tokenizers/qwen2.json")));
  refused(count_corpus(other, {path}, options), "the tokenizer");
  refused(count_corpus(gpt2(), {path, path}, options), "the list of corpus files");
  refused(count_corpus(gpt2(), {dir.write("b.txt", text(50, 4) + "x")}, options), "corpus file");
  options.tokenizer = 99;
  refused(count_corpus(gpt2(), {path}, options), "the tokenizer");
  options.tokenizer = 0;
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
  refused(count_corpus(gpt2(), {path}, options), "corpus file");
  dir.write("state", "not a checkpoint");
  CHECK(count_corpus(gpt2(), {path}, options).error().code == errc::wrong_schema);
  CHECK(count_corpus(gpt2(), {dir.file("none.txt")}).error().code == errc::cannot_open);
  options.checkpoint = dir.file("no/such/folder");
  CHECK(count_corpus(gpt2(), {path}, options).error().code == errc::cannot_write);
}

TEST_CASE("checkpoints are read back as they were written", "[io][corpus]") {
  const corpus_checkpoint c = example();
  const std::string bytes = corpus_checkpoint_bytes(c);
  CHECK(must(parse_corpus_checkpoint(bytes)) == c);
  // The file is the same on every machine.
  CHECK(bytes == read_file(golden("corpus/counts.bin")));
  const scratch dir;
  REQUIRE(write_corpus_checkpoint(dir.file("c"), c));
  CHECK(read_file(dir.file("c")) == bytes);
  CHECK(must(read_corpus_checkpoint(dir.file("c"))) == c);
  corpus_checkpoint large;
  for (int i = 0; i < 200'000; ++i) large.counts.push_pre_token("piece " + std::to_string(i));
  CHECK(must(parse_corpus_checkpoint(corpus_checkpoint_bytes(large))) == large);
}

TEST_CASE("a damaged checkpoint is refused", "[io][corpus]") {
  const std::string good = corpus_checkpoint_bytes(example());
  const auto code = [](const std::string& bytes) {
    auto r = parse_corpus_checkpoint(bytes);
    REQUIRE_FALSE(r);
    CHECK_FALSE(describe(r.error()).empty());
    return r.error().code;
  };
  for (std::size_t n = 0; n < good.size(); ++n) {
    (void)code(good.substr(0, n));
    if (n >= 20) (void)code(mended(good.substr(0, n)));
    std::string flipped = good;
    flipped[n] = static_cast<char>(flipped[n] ^ 1);
    (void)code(flipped);
  }
  CHECK(code("") == errc::wrong_schema);
  CHECK(code(good + "x") == errc::bad_value);
  CHECK(code(mended(good + "x")) == errc::trailing_bytes);
  std::string later = good;
  later[8] = 2;
  CHECK(code(mended(later)) == errc::wrong_schema);
  corpus_checkpoint c = example();
  c.offset = 41;
  CHECK(code(corpus_checkpoint_bytes(c)) == errc::out_of_range);
  c.file = 2;
  CHECK(code(corpus_checkpoint_bytes(c)) == errc::out_of_range);
  c.file = 3;
  c.offset = 0;
  CHECK(code(corpus_checkpoint_bytes(c)) == errc::out_of_range);
  c.file = 2;
  CHECK(must(parse_corpus_checkpoint(corpus_checkpoint_bytes(c))) == c);
  // A number of pre-tokens that no file has, a count of 2^64, and pre-tokens out of order.
  std::string many = corpus_checkpoint_bytes({});
  for (std::size_t i = many.size() - 16; i < many.size() - 8; ++i) many[i] = '\x7F';
  CHECK(code(mended(many)) == errc::truncated);
  const auto with = [](const std::string& entries, char n) {
    std::string out = corpus_checkpoint_bytes({});
    out[out.size() - 16] = n;
    out.insert(out.size() - 8, entries);
    return mended(out);
  };
  CHECK(parse_corpus_checkpoint(with(std::string("\1\1a\1\1b"), 2)));
  CHECK(code(with(std::string("\1\1b\1\1a"), 2)) == errc::bad_value);
  CHECK(code(with(std::string("\1\1a\1\1a"), 2)) == errc::bad_value);
  CHECK(code(with(std::string("\0\1a", 3), 1)) == errc::bad_value);
  CHECK(code(with(std::string("\x81\0\1a", 4), 1)) == errc::bad_value);
  CHECK(code(with(std::string(9, '\xFF') + "\2\1a", 1)) == errc::overflow);
  CHECK(code(with(std::string(9, '\xFF') + "\1\1a\1\1b", 2)) == errc::overflow);
  CHECK(code(with(std::string("\1") + std::string(9, '\xFF') + "\1", 1)) == errc::truncated);
}
