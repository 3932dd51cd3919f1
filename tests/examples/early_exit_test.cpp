// SPDX-License-Identifier: MIT
// The parts of the main job that turn items into prompts and tasks into folds.
#include "early_exit/experiment.hpp"

#include <map>
#include <set>
#include <thread>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using early_exit::prompt_builder;
using early_exit::task;
using lagom::errc;

namespace {

const lagom::io::hf_tokenizer& tokenizer() {
  static const auto t = must(lagom::io::hf_tokenizer::open(LAGOM_EXAMPLE_MODELS "/main/tokenizer.json"));
  return t;
}

std::string text(const early_exit::prompt& p) { return tokenizer().decode(p.tokens, false); }
std::string answer(const early_exit::prompt& p) { return tokenizer().decode(std::vector{p.answer}, false); }

// One task of `train` and `test` numbered items.
task numbered(int train, int test) {
  task t{"numbers", "easy", {}, {}};
  const auto item = [](const std::string& what, int i) {
    return early_exit::item{what + " " + std::to_string(i) + ":", i % 2 == 0 ? "even" : "odd",
                            static_cast<std::uint64_t>(i + 1)};
  };
  for (int i = 0; i < train; ++i) t.train.push_back(item("Train", i));
  for (int i = 0; i < test; ++i) t.test.push_back(item("Test", i));
  return t;
}

early_exit::prompt_set build(const task& t, std::vector<int> shots, std::size_t context = 512,
                             std::size_t limit = 0) {
  return must(prompt_builder(tokenizer(), context, 1).build({t}, shots, limit, "file"));
}

}  // namespace

TEST_CASE("a prompt shows demonstrations that are not asked, then the question", "[early_exit][prompts]") {
  const auto set = build(numbered(10, 4), {3});
  REQUIRE(set.prompts.size() == 7 + 4);
  std::set<std::string> shown, asked;
  for (const auto& p : set.prompts) {
    const std::string whole = text(p);
    std::size_t demonstrations = 0, at = 0;
    for (std::size_t end; (end = whole.find("\n\n", at)) != std::string::npos; at = end + 2, ++demonstrations)
      shown.insert(whole.substr(at, whole.find(':', at) - at));
    CHECK(demonstrations == 3);
    const std::string question = whole.substr(at);
    CHECK(question.back() == ':');
    CHECK(question.starts_with(p.test ? "Test" : "Train"));
    if (!p.test) asked.insert(question.substr(0, question.size() - 1));
    CHECK(answer(p) == ((question[question.size() - 2] - '0') % 2 == 0 ? " even" : " odd"));
  }
  CHECK(shown.size() == 3);
  for (const auto& s : shown) CHECK_FALSE(asked.contains(s));
  CHECK(set.notes.shortened == 0);
  CHECK(set.notes.long_answers == 0);
}

TEST_CASE("demonstrations go until the prompt fits, and never more than half of the items",
          "[early_exit][prompts]") {
  const auto whole = build(numbered(10, 1), {4});
  const std::size_t longest = whole.prompts.back().tokens.size();
  const auto exact = build(numbered(10, 1), {4}, longest);
  CHECK(exact.prompts.back().tokens.size() == longest);
  const auto tight = build(numbered(10, 1), {4}, longest - 1);
  CHECK(tight.notes.shortened > 0);
  CHECK(tight.prompts.back().tokens.size() < longest);
  CHECK(build(numbered(10, 1), {20}).notes.shortened ==
        6);  // five of ten are shown to the other five and the test
  CHECK(build(numbered(10, 8), {2}, 512, 4).prompts.size() == 2 + 4);
  const auto none = prompt_builder(tokenizer(), 2, 1).build({numbered(0, 3)}, {0}, 0, "file");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::too_long);
  CHECK(none.error().row == 1);
}

TEST_CASE("where the answer merges with the prompt, the model is asked for what comes first",
          "[early_exit][prompts]") {
  task t{"spaces",
         "easy",
         {},
         {{"Mood:", "positive", 1}, {"Mood: ", "positive", 2}, {"Mood:\n", "positive", 3}}};
  const auto set = build(t, {0});
  REQUIRE(set.prompts.size() == 3);
  CHECK(set.prompts[0].tokens == set.prompts[1].tokens);  // the dangling space belongs to the answer
  CHECK(set.prompts[0].answer == set.prompts[1].answer);
  CHECK(answer(set.prompts[1]) == " positive");
  CHECK(set.prompts[2].tokens.size() == set.prompts[0].tokens.size() + 1);
  CHECK(answer(set.prompts[2])[0] == 'p');
  task longer{"several", "easy", {}, {{"Say:", "positive negative", 1}}};
  const auto several = build(longer, {0});
  CHECK(several.notes.long_answers == 1);
  CHECK(answer(several.prompts[0]) == " positive");
}

TEST_CASE("folds judge every task once, on six to nine others", "[early_exit][folds]") {
  for (const int tasks : {2, 5, 7, 12, 17, 30}) {
    CAPTURE(tasks);
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      std::multiset<int> judged;
      for (const auto& fold : early_exit::inter_task_folds(tasks, seed)) {
        judged.insert(fold.test.begin(), fold.test.end());
        if (tasks >= 15) {
          CHECK(fold.train.size() >= 6);
          CHECK(fold.train.size() <= 9);
        } else {
          CHECK(!fold.train.empty());
        }
        for (const int t : fold.train) CHECK(std::count(fold.test.begin(), fold.test.end(), t) == 0);
      }
      CHECK(judged.size() == static_cast<std::size_t>(tasks));
      for (int t = 0; t < tasks; ++t) CHECK(judged.count(t) == 1);
    }
  }
  CHECK(early_exit::inter_task_folds(1, 1).empty());
}

TEST_CASE("a task file names its tasks in print", "[early_exit][tasks]") {
  const scratch dir;
  const auto load = [&](const std::string& task) {
    return early_exit::load_tasks(dir.write(
        "t.jsonl", R"({"task":")" + task + R"(","grade":"easy","split":"test","prompt":"a","answer":"b"})"));
  };
  CHECK(must(load("a & <b>")).size() == 1);
  CHECK(load("two\\nlines").error().code == errc::bad_value);
  CHECK(load("two\\nlines").error().row == 1);
}

#ifdef NDEBUG  // too slow without optimisation
TEST_CASE("on the shipped model a linear SVM stops early and loses next to nothing", "[early_exit][models]") {
  support::single_threaded_blas();
  const auto tasks = must(early_exit::load_tasks(LAGOM_EXAMPLE_MODELS "/tasks.jsonl"));
  const auto model = must(decoder::model<float>::load(LAGOM_EXAMPLE_MODELS "/main"));
  prompt_builder builder(tokenizer(), static_cast<std::size_t>(model.config().context), 1);
  const auto prompts = must(builder.build(tasks, {5}, 120, "tasks.jsonl"));
  const auto trace = must(early_exit::record(model, prompts.prompts,
                                             std::max(1u, std::thread::hardware_concurrency()), "tracing"));
  struct means {
    double full = 0, exit = 0, stop = 0, paper = 0;
    int n = 0;
  };
  std::map<std::string, means> by_grade;
  for (int t = 0; t < static_cast<int>(tasks.size()); ++t) {
    auto data = must(early_exit::training_set(trace, {t}, lagom::label_kind::correct));
    const auto rule = must(early_exit::fit_rule(early_exit::rule_kind::svm_linear, data.view(), 100)).rule;
    const auto o = must(early_exit::judge(trace, model.config().shape(), t, early_exit::setting::intra,
                                          early_exit::rule_kind::svm_linear, rule));
    for (const std::string& grade : {tasks[static_cast<std::size_t>(t)].grade, std::string("all")}) {
      means& m = by_grade[grade];
      m.full += o.judged.full_accuracy();
      m.exit += o.judged.exit_accuracy();
      m.stop += o.judged.stop.mean;
      m.paper += o.flops.paper.value;
      ++m.n;
    }
  }
  for (auto& [grade, m] : by_grade) {
    for (double* sum : {&m.full, &m.exit, &m.stop, &m.paper}) *sum /= m.n;
  }
  const means &all = by_grade["all"], &easy = by_grade["easy"], &hard = by_grade["hard"];
  CHECK(all.full - all.exit <= 0.01);
  CHECK(easy.full >= 0.9);
  CHECK(easy.paper <= 0.65);
  CHECK(hard.full >= 0.7);
  CHECK(hard.full - hard.exit <= 0.02);
  CHECK(hard.stop >= easy.stop + 3);
}
#endif
