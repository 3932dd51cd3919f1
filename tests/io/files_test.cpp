// SPDX-License-Identifier: MIT
// JSON, JSON lines, saved policies, saved traces, sentences.
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <lagom/exit/replay.hpp>
#include <lagom/io/describe.hpp>
#include <lagom/io/jsonl.hpp>
#include <lagom/io/policy_file.hpp>
#include <lagom/io/trace_file.hpp>
#include <lagom/signal/entropy.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/signal/top_prob.hpp>
#include <thread>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::errc;
using lagom::features;
namespace io = lagom::io;

TEST_CASE("strict JSON: duplicate keys, depth, garbage", "[io][json]") {
  CHECK(must(io::parse_json(R"({"a":[1,2.5,"x",null,true],"b":{}})"))["a"][1] == 2.5);
  CHECK(must(io::parse_json("3")) == 3);
  CHECK(io::parse_json(R"({"a":1,"a":1})").error().code == errc::duplicate_key);
  CHECK(io::parse_json(R"({"a":1,"a":1})").error().key.view() == "a");
  CHECK(io::parse_json(R"({"a":{"b":1},"c":{"b":1}})"));  // the same key in two objects is fine
  CHECK(io::parse_json("[1,]").error().code == errc::bad_json);
  CHECK(io::parse_json("[1,]").error().byte == 3);
  CHECK(io::parse_json("").error().code == errc::bad_json);
  CHECK(io::parse_json(std::string(200'000, '[')).error().code == errc::too_deep);
  CHECK(io::parse_json("[[[1]]]", 2).error().code == errc::too_deep);
  CHECK(io::parse_json("[[[1]]]", 3));
  CHECK(io::parse_json(std::string_view("{}\0]]", 5)).error().byte == 2);
  CHECK(io::dump_json("\xff").error().code == errc::bad_utf8);
}

TEST_CASE("a written file replaces what a link names, and a pipe is written as it is", "[io][atomic]") {
  const scratch dir;
  dir.write("old", "old");
  std::filesystem::create_symlink(dir.file("old"), dir.file("link"));
  REQUIRE(io::write_file(dir.file("link"), "new"));
  CHECK(std::filesystem::is_symlink(dir.file("link")));
  CHECK(read_file(dir.file("old")) == "new");
  REQUIRE(io::write_file("/dev/null", "gone"));
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK(io::write_file(dir.path(), "x").error().code == errc::cannot_write);
  {
    (void)io::atomic_file::create(dir.file("never"));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 2);  // nothing is left behind
  REQUIRE(::mkfifo(dir.file("pipe").c_str(), 0600) == 0);
  CHECK(io::load_json(dir.file("pipe")).error().code == errc::cannot_open);  // and does not wait for a writer
}

TEST_CASE("a signal does not end a write", "[io][atomic]") {
  const scratch dir;
  REQUIRE(::mkfifo(dir.file("pipe").c_str(), 0600) == 0);
  std::string text(1 << 20, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  std::string read;
  static volatile ::sig_atomic_t signals = 0;
  signals = 0;
  ::sigset_t alarms, old_mask;
  ::sigemptyset(&alarms);
  ::sigaddset(&alarms, SIGALRM);
  ::pthread_sigmask(SIG_BLOCK, &alarms, &old_mask);  // the reader is not to be interrupted
  std::thread reader([&] {
    std::ifstream in(dir.file("pipe"), std::ios::binary);
    std::vector<char> part(1 << 14);
    while (in.read(part.data(), static_cast<std::streamsize>(part.size())) || in.gcount() > 0) {
      read.append(part.data(), static_cast<std::size_t>(in.gcount()));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the writer waits, and is woken by signals
    }
  });
  ::pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
  struct ::sigaction count{}, old{};
  count.sa_handler = [](int) { signals = signals + 1; };  // without SA_RESTART
  ::sigaction(SIGALRM, &count, &old);
  const ::itimerval often{.it_interval = {0, 500}, .it_value = {0, 500}}, never{};
  bool written = false;
  {
    auto file = io::atomic_file::create(dir.file("pipe"));
    ::setitimer(ITIMER_REAL, &often, nullptr);
    written = file && file->write(text) && file->commit();
    ::setitimer(ITIMER_REAL, &never, nullptr);
  }
  ::sigaction(SIGALRM, &old, nullptr);
  reader.join();
  CHECK(written);
  CHECK(signals > 0);
  CHECK((read == text));  // a megabyte is not for printing
}

TEST_CASE("JSON lines name file and line", "[io][jsonl]") {
  const scratch dir;
  const auto sum = [](const std::string& path) {
    int total = 0;
    auto ok =
        io::for_each_json_line(path, [&](const io::json& j, std::uint64_t) -> lagom::result<lagom::done> {
          if (!j.is_number()) return lagom::failure{.code = errc::wrong_type, .key = "row"};
          total += j.get<int>();
          return lagom::done{};
        });
    return std::pair(total, ok ? lagom::failure{.code = errc{255}} : ok.error());
  };
  CHECK(sum(dir.write("good", "1\n\n 2 \r\n3")).first == 6);
  const auto bad = sum(dir.write("bad", "1\n{\n")).second;
  CHECK(bad.code == errc::bad_json);
  CHECK(bad.row == 2);
  CHECK(io::describe(bad).find("line 2") != std::string::npos);
  const auto wrong = sum(dir.write("wrong", "1\n\n\"x\"\n")).second;
  CHECK(wrong.row == 3);
  CHECK(wrong.code == errc::wrong_type);
  CHECK(sum(dir.file("none")).second.code == errc::cannot_open);
}

TEST_CASE("a failure becomes one line", "[io][describe]") {
  CHECK(io::describe({.code = errc::overlap,
                      .file = "m.safetensors",
                      .key = "w",
                      .byte = 4096,
                      .expected = 128,
                      .found = 64}) ==
        "m.safetensors: w overlaps another tensor (byte 4096; expected 128; found 64)");
  CHECK(io::describe({.code = errc::cannot_open, .file = "x"}) == "x: cannot be opened");
  CHECK(io::describe({.code = errc::empty, .key = "training rows"}) == "training rows is empty");
  CHECK(io::describe({.code = errc::missing_tensor, .key = "a\nb\x1b[31m"}).find_first_of("\n\x1b") ==
        std::string::npos);
}

TEST_CASE("rules are saved and come back bit for bit", "[io][policy]") {
  const scratch dir;
  const features<lagom::gap, lagom::top_prob> pack;
  const std::string path = dir.file("p.json");
  const auto round = [&]<class Rule>(const Rule& rule) {
    REQUIRE(io::save_policy(path, pack, rule));
    return must(io::load_policy<Rule>(path, pack));
  };
  const lagom::standardized<lagom::linear_svm<2>> svm{{{0.1f, 0.2f}, {3.0f, 1e-7f}},
                                                      {{0.3333333f, -1e30f}, 7.7f}};
  const auto back = round(svm);
  CHECK(std::ranges::equal(back.rule.weights, svm.rule.weights));
  CHECK(std::ranges::equal(back.scale.mean, svm.scale.mean));
  CHECK(std::ranges::equal(back.scale.inverse_deviation, svm.scale.inverse_deviation));
  const lagom::rbf_svm<2> rbf{{1, 2, 3, 4}, {0.5f, -0.5f}, 0.7f, 0.1f};
  CHECK(round(rbf).support == rbf.support);
  CHECK(round(rbf).gamma == rbf.gamma);
  const lagom::crf<2> crf{{{1, 2}, {3, 4}}, {5, 6}, {{7, 8}, {9, 10}}, 0.6f};
  const auto again = round(crf);
  CHECK(std::ranges::equal(again.transitions[1], crf.transitions[1]));
  CHECK(std::ranges::equal(again.weights[0], crf.weights[0]));
  CHECK(std::ranges::equal(again.bias, crf.bias));
  CHECK(round(lagom::logistic<2>{{1, 2}, 3, 0.25f}).log_odds == 0.25f);
  CHECK(round(lagom::threshold<lagom::below>{0.3f, 1}).value == 0.3f);
  CHECK(round(lagom::patience{4, 1}).steps == 4);
}

TEST_CASE("a policy file of another kind is refused with its reason", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const features<lagom::gap, lagom::top_prob> pack;
  REQUIRE(io::save_policy(path, pack, lagom::linear_svm<2>{{1, 2}, 3}));
  const auto failure_of = [](auto r) { return r ? lagom::failure{.code = errc{255}} : r.error(); };
  CHECK(failure_of(io::load_policy<lagom::logistic<2>>(path, pack)).code == errc::wrong_schema);
  const auto other =
      failure_of(io::load_policy<lagom::linear_svm<2>>(path, features<lagom::gap, lagom::entropy>{}));
  CHECK(other.code == errc::wrong_features);
  CHECK(other.key.view() == "entropy");
  CHECK(other.file.view() == path);
  const std::string good = read_file(path);
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    dir.write("p.json", text);
    return failure_of(io::load_policy<lagom::linear_svm<2>>(path, pack)).code;
  };
  CHECK(edited("\"schema\": 1", "\"schema\": 2") == errc::wrong_schema);
  CHECK(edited("\"policy\"", "\"trace\"") == errc::wrong_schema);
  CHECK(edited("\"bias\"", "\"base\"") == errc::missing_key);
  CHECK(edited("1.0", "\"1\"") == errc::wrong_type);
  CHECK(edited("1.0", "1e60") == errc::not_finite);
  CHECK(edited("1.0,", "1.0, 1.0,") == errc::wrong_width);
  CHECK(edited("{", "[") == errc::bad_json);
  CHECK(io::save_policy(path, pack, lagom::threshold{std::numeric_limits<float>::quiet_NaN()}).error().code ==
        errc::not_finite);
  dir.write("p.json", R"({"lagom":"policy","schema":1,"features":["gap","top_prob"],"widths":[1,1],)"
                      R"("kind":"patience","rule":{"steps":1.9,"feature":0}})");
  CHECK(failure_of(io::load_policy<lagom::patience>(path, pack)).code == errc::wrong_type);
  CHECK(io::save_policy(path, pack, lagom::patience{2, 2}).error().code ==
        errc::out_of_range);  // no third feature
  dir.write("p.json", R"({"lagom":"policy","schema":1,"features":["gap","top_prob"],"widths":[1,1],)"
                      R"("kind":"patience","rule":{"steps":2,"feature":2}})");
  CHECK(failure_of(io::load_policy<lagom::patience>(path, pack)).code == errc::out_of_range);
}

namespace {
// A signal of 1200 numbers, each its own place.
struct wide {
  static constexpr std::string_view name = "wide";
  static constexpr std::size_t width = 1200;
  static constexpr lagom::need needs = lagom::need::hidden;
  void operator()(const auto&, const auto&, float* out) const noexcept {
    for (std::size_t i = 0; i < width; ++i) out[i] = static_cast<float>(i);
  }
};
}  // namespace

TEST_CASE("a trace keeps a thousand columns in order", "[io][trace]") {
  const scratch dir;
  const features<wide> pack;
  lagom::trace<> t(1, pack);
  t.begin_row(0, 0, 1);
  t.record(lagom::portable{}, lagom::layer_obs{.n_layers = 1}, pack);
  REQUIRE(io::save_trace(dir.file("t"), t));
  const auto back = must(io::load_trace(dir.file("t")));
  REQUIRE(back.columns().size() == wide::width);
  for (lagom::index_t c = 0; c < 1200; ++c) CHECK(back.value(c, 0, 0) == static_cast<float>(c));
}

TEST_CASE("a trace is saved and replays the same", "[io][trace]") {
  const scratch dir;
  const features<lagom::gap, lagom::hidden_cosine> pack;
  lagom::trace<> t(4, pack);
  for (int r = 0; r < 20; ++r) {
    t.begin_row(r % 5, r % 2, 100 + r);
    for (int l = 0; l < 4; ++l) {
      const auto z = normal<float>(5, static_cast<std::uint64_t>(r * 4 + l), 2);
      lagom::layer_obs o{.layer = l, .n_layers = 4, .hidden = z, .prev_hidden = z};
      for (int v = 0; v < 5; ++v) o.stats.push(z[static_cast<std::size_t>(v)], v);
      if (r == 3 && l == 1) o.stats.push(std::numeric_limits<float>::infinity(), 5);
      t.record(lagom::portable{}, o, pack);
    }
  }
  const std::string path = dir.file("t.safetensors");
  REQUIRE(io::save_trace(path, t));
  const auto back = must(io::load_trace(path));
  CHECK(back.rows() == t.rows());
  const lagom::exit_policy policy{pack, lagom::threshold{.4f}};
  const auto a = must(lagom::replay(t, policy)), b = must(lagom::replay(back, policy));
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(a.outcomes[i].stop == b.outcomes[i].stop);
    CHECK(a.outcomes[i].token == b.outcomes[i].token);
  }
  CHECK(back.stats(3, 1).bad);
  CHECK(back.value(0, 7, 2) == t.value(0, 7, 2));
  CHECK(back.length(19) == 119);
  CHECK(io::load_trace<lagom::trace_kind::free_running>(path).error().code == errc::wrong_schema);
  io::safetensors_writer empty;
  REQUIRE(empty.write(dir.file("e.safetensors")));
  CHECK(io::load_trace(dir.file("e.safetensors")).error().code == errc::wrong_schema);
  const std::string bytes = read_file(path);
  for (std::size_t n : {std::size_t{0}, bytes.size() / 3, bytes.size() - 1}) {
    CHECK_FALSE(io::load_trace(dir.write("cut", bytes.substr(0, n))));
  }
}
