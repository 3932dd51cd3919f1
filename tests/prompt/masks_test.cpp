// SPDX-License-Identifier: MIT
// Labels: the mask law over generated prompts and tokenizers, and what is wrong with rows.
#include <lagom/prompt/isolated.hpp>
#include <lagom/prompt/joint.hpp>
#include <lagom/prompt/losses.hpp>
#include <lagom/prompt/prefix_length.hpp>
#include <lagom/prompt/spelled_offsets.hpp>

#include <functional>

#include "prompt/support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::token_id;
using lagom_test::draws;
using lagom_test::greedy_tokenizer;

namespace {

using ids_t = std::vector<token_id>;

const std::vector<std::string> controls = {"<s>", "</s>"};

// A PLUG-like row with end token, of which "\nA" may be one token.
segment_list sample() {
  return {{{.text = "<s>", .origin = origin::literal},
           {.text = "Q", .origin = origin::content},
           {.text = "\n", .origin = origin::literal},
           {.text = "A", .trained = true, .origin = origin::content},
           {.text = "</s>", .trained = true, .origin = origin::literal}}};
}

std::string spelled(const greedy_tokenizer& t, const ids_t& ids, const ids_t& labels, token_id ignore,
                    bool trained) {
  std::string out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!trained || labels[i] != ignore) out += t.bytes_of(ids[i]);
  }
  return out;
}

std::string trained_text(const segment_list& p) {
  std::string out;
  for (const segment& s : p.all) out += s.trained ? s.text : std::string_view();
  return out;
}

// Offsets of every kind that tokenizers give: dropped spaces, empty tokens, tokens of parts of a character.
struct odd_tokenizer {
  std::uint64_t seed;
  template <class Sink>
  bool encode_offsets(std::string_view text, Sink&& sink) const {
    draws d{.stream = seed};
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = (std::min)(text.size(), at + 1 + d.below(5));
      switch (d.below(6)) {
        case 0:
          sink(1, at, at);
          break;  // covers nothing, then goes on
        case 1:
          at = end;
          break;  // drops bytes
        case 2:
          sink(2, at, end), sink(3, at, end), at = end;
          break;  // two parts of one character
        default:
          sink(4, at, end), at = end;
      }
    }
    if (d.one_in(3)) sink(5, text.size(), text.size());
    return true;
  }
};

// A tokenizer with a dummy prefix, or one that folds case.
struct folding {
  greedy_tokenizer inner;
  bool lower;
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    std::string changed = lower ? "" : " ";
    for (const char c : text) changed += lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    inner.encode(changed, sink);
  }
  [[nodiscard]] std::string_view bytes_of(token_id id) const { return inner.bytes_of(id); }
  [[nodiscard]] lagom::index_t size() const { return inner.size(); }
};

}  // namespace

TEST_CASE("isolated rows train exactly the trained segments", "[prompt][masks]") {
  token_row row;
  int injected_attempts = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    draws d{.stream = round};
    std::vector<std::string> words;
    for (std::size_t n = 1 + d.below(30); n > 0; --n) words.push_back(d.text("ab<s>/\n", 5));
    const greedy_tokenizer tokenizer(controls, words);
    const lagom_test::generated_prompt g(d, "ab<s>/\n", {"<s>", "</s>", "ab"});
    const isolated policy{};
    const row_verdict verdict = policy(g.prompt, tokenizer, row);
    REQUIRE(row.ids.size() == row.labels.size());
    CHECK(spelled(tokenizer, row.ids, row.labels, -100, false) == text_of(g.prompt));
    CHECK(spelled(tokenizer, row.ids, row.labels, -100, true) == trained_text(g.prompt));
    CHECK(row.straddlers.empty());
    CHECK(row.injected == 0);
    for (std::size_t i = 0; i < row.ids.size(); ++i) {
      CHECK((row.labels[i] == -100 || row.labels[i] == row.ids[i]));
    }
    CHECK(verdict == (row.ids.empty()    ? row_verdict::empty
                      : row.trained == 0 ? row_verdict::all_masked
                                         : row_verdict::ok));
    // No control token out of contents: as many as the literals alone have.
    std::size_t in_row = 0, in_literals = 0;
    for (const token_id id : row.ids) in_row += tokenizer.is_control(id) ? 1u : 0u;
    std::string run;
    for (std::size_t i = 0; i <= g.prompt.all.size(); ++i) {
      const bool goes_on = i < g.prompt.all.size() && g.prompt.all[i].origin == origin::literal &&
                           (run.empty() || g.prompt.all[i].trained == g.prompt.all[i - 1].trained);
      if (!goes_on) {
        tokenizer.encode(run, [&](token_id id) { in_literals += tokenizer.is_control(id) ? 1u : 0u; });
        run.clear();
      }
      if (i < g.prompt.all.size() && g.prompt.all[i].origin == origin::literal) run += g.prompt.all[i].text;
      if (i < g.prompt.all.size() && g.prompt.all[i].origin == origin::content) {
        tokenizer.encode(g.prompt.all[i].text,
                         [&](token_id id) { injected_attempts += tokenizer.is_control(id) ? 1 : 0; });
      }
    }
    CHECK(in_row == in_literals);
  }
  CHECK(injected_attempts > 1000);
}

TEST_CASE("joint rows are those of the whole text, labelled by bytes", "[prompt][masks]") {
  token_row row;
  int straddlers = 0, uncovered = 0;
  for (std::uint64_t round = 0; round < 6000; ++round) {
    draws d{.stream = round};
    const bool odd = round % 2 == 0;
    std::vector<std::string> words;
    for (std::size_t n = 1 + d.below(30); n > 0; --n) words.push_back(d.text("ab\n", 5));
    const greedy_tokenizer greedy({}, words);
    const odd_tokenizer irregular{round};
    const lagom_test::generated_prompt g(d, "ab\n", {"ab", "a\nb"});
    const joint policy{.at_seam = static_cast<straddle>(round % 3), .labels = {.ignore = -1}};

    struct place {
      token_id id;
      std::size_t begin, end;
    };
    std::vector<place> places;
    const std::string text = text_of(g.prompt);
    const auto note = [&](token_id id, std::size_t b, std::size_t e) { places.push_back({id, b, e}); };
    odd ? irregular.encode_offsets(text, note) : greedy.encode_offsets(text, note);
    const row_verdict verdict = odd ? policy(g.prompt, irregular, row) : policy(g.prompt, greedy, row);

    std::vector<char> trained, under(text.size(), 0);
    for (const segment& s : g.prompt.all) trained.insert(trained.end(), s.text.size(), s.trained ? 1 : 0);
    REQUIRE(row.ids.size() == places.size());
    std::vector<straddler> expected;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto& [id, begin, end] = places[i];
      CHECK(row.ids[i] == id);
      std::size_t yes = 0, no = 0;
      for (std::size_t b = begin; b < end; ++b) {
        (trained[b] != 0 ? yes : no) += 1;
        under[b] = 1;
      }
      if (begin == end && begin > 0) (trained[begin - 1] != 0 ? yes : no) += 1;
      if (begin == end && end < text.size()) (trained[end] != 0 ? yes : no) += 1;
      if (yes > 0 && no > 0) {
        expected.push_back({i, {begin, end}});
        CHECK((row.labels[i] == id) == (policy.at_seam == straddle::train));
      } else {
        CHECK((row.labels[i] == id) == (yes > 0));
        CHECK((row.labels[i] == -1) == (yes == 0));
      }
    }
    CHECK(row.straddlers == expected);
    std::size_t bare = 0;
    for (std::size_t b = 0; b < text.size(); ++b) bare += trained[b] != 0 && under[b] == 0 ? 1u : 0u;
    CHECK(row.uncovered == bare);
    CHECK((verdict == row_verdict::straddled) == (policy.at_seam == straddle::error && !expected.empty()));
    straddlers += static_cast<int>(expected.size());
    uncovered += bare > 0 ? 1 : 0;
  }
  CHECK(straddlers > 500);
  CHECK(uncovered > 500);
}

TEST_CASE("offsets that no text has are brought into it", "[prompt][masks]") {
  struct wild {
    bool encode_offsets(std::string_view,
                        const std::function<void(token_id, std::size_t, std::size_t)>& sink) const {
      sink(1, 9, 20);
      sink(2, 1, 0);
      sink(3, 2, 99);
      sink(4, 0, 2);
      return true;
    }
  };
  token_row row;
  const segment_list p{{{.text = "ab"}, {.text = "cd", .trained = true}}};
  CHECK(joint{}(p, wild{}, row) == row_verdict::ok);
  CHECK(row.labels == ids_t{1, -100, 3, -100});
  CHECK(row.uncovered == 0);
}

TEST_CASE("rows that teach nothing say so", "[prompt][masks]") {
  const greedy_tokenizer tokenizer(controls);
  token_row row;
  const label_options ends{.end = 1};
  CHECK(isolated{ends}(sample(), tokenizer, row) == row_verdict::ok);
  CHECK(row.ids == ids_t{0, 'Q' + 2, '\n' + 2, 'A' + 2, 1});
  CHECK(row.labels == ids_t{-100, -100, -100, 'A' + 2, 1});
  CHECK(row.trained == 2);
  CHECK(joint{.labels = ends}(sample(), tokenizer, row) == row_verdict::ok);

  CHECK(right_cut(row, 9, ends) == row_verdict::ok);
  CHECK(right_cut(row, 4, ends) == row_verdict::no_end);
  CHECK(row.trained == 1);
  CHECK(right_cut(row, 3, ends) == row_verdict::all_masked);
  CHECK(row.ids.size() == 3);
  CHECK(right_cut(row, 0, ends) == row_verdict::empty);

  segment_list p = sample();
  p.all[4].trained = false;
  CHECK(isolated{ends}(p, tokenizer, row) == row_verdict::no_end);
  p.all[3].trained = false;
  CHECK(isolated{ends}(p, tokenizer, row) == row_verdict::all_masked);
  CHECK(isolated{ends}(segment_list{}, tokenizer, row) == row_verdict::empty);
  CHECK(joint{}(segment_list{}, tokenizer, row) == row_verdict::empty);

  losses<row_verdict> account;
  account.count(row_verdict::ok);
  account.count(row_verdict::no_end);
  CHECK(account[row_verdict::no_end] == 1);
  CHECK(name_of(row_verdict::all_masked) == "all_masked");
}

TEST_CASE("a control token that a user's text spells is found, or never made", "[prompt][masks]") {
  const greedy_tokenizer tokenizer(controls, {"<s"});
  segment_list p = sample();
  p.all[1].text = "</s>!";
  token_row row;
  CHECK(isolated{}(p, tokenizer, row) == row_verdict::ok);
  CHECK(std::count(row.ids.begin(), row.ids.end(), 1) == 1);
  CHECK(joint{}(p, tokenizer, row) == row_verdict::injected);
  CHECK(row.injected == 1);
  // Half in a content, half in a literal.
  p.all[1].text = "x<";
  p.all[2].text = "s>";
  CHECK(joint{}(p, tokenizer, row) == row_verdict::injected);
  // White space that a control token swallows is no text of the user's.
  const greedy_tokenizer greedy({"<s>", "</s>", "<s> "});
  p = sample();
  p.all[1].text = " Q";
  CHECK(joint{}(p, greedy, row) == row_verdict::ok);
  CHECK(row.ids.front() == 2);
}

TEST_CASE("the begin token is put before a row once", "[prompt][masks]") {
  const greedy_tokenizer tokenizer(controls, {"\nA"});
  token_row row;
  const label_options begins{.begin = 0};
  CHECK(isolated{begins}(sample(), tokenizer, row) == row_verdict::ok);
  CHECK(std::count(row.ids.begin(), row.ids.end(), 0) == 1);
  segment_list p = sample();
  p.all.erase(p.all.begin());
  CHECK(joint{.labels = begins}(p, tokenizer, row) == row_verdict::ok);
  CHECK(row.ids.front() == 0);
  CHECK(row.labels.front() == -100);
  REQUIRE(row.straddlers.size() == 1);
  CHECK(row.ids[row.straddlers[0].token] == 258);
  CHECK(row.straddlers[0].bytes == span{1, 3});
}

TEST_CASE("the mask by the prefix's length drifts when tokens merge at the seam", "[prompt][masks]") {
  token_row row;
  const greedy_tokenizer apart(controls);
  const auto clean = prefix_length{}(sample(), apart, row);
  CHECK(clean.verdict == row_verdict::ok);
  CHECK(clean.prefix == 3);
  CHECK(clean.drift == 0);
  CHECK(row.labels == ids_t{-100, -100, -100, 'A' + 2, 1});

  // "Q" and "\nA" in the whole text, "Q" and "\n" in the prefix: the answer is masked.
  const greedy_tokenizer merges(controls, {"\nA"});
  const auto drifted = prefix_length{{.end = 1}}(sample(), merges, row);
  CHECK(drifted.drift == 1);
  CHECK(row.ids == ids_t{0, 'Q' + 2, 258, 1});
  CHECK(row.labels == ids_t{-100, -100, -100, 1});
  CHECK(drifted.verdict == row_verdict::ok);

  // "\n\nA" against "\n", "\n": two tokens of the prefix are one of the text, and a trained token is lost.
  segment_list p = sample();
  p.all[2].text = "\n\n";
  const greedy_tokenizer deep(controls, {"\n\nA"});
  CHECK(prefix_length{{.end = 1}}(p, deep, row).verdict == row_verdict::all_masked);
  // The same prompt by the two policies that cannot drift.
  CHECK(isolated{{.end = 1}}(p, deep, row) == row_verdict::ok);
  CHECK(row.trained == 2);
  CHECK(joint{.at_seam = straddle::train, .labels = {.end = 1}}(p, deep, row) == row_verdict::ok);
  CHECK(row.straddlers == std::vector<straddler>{{2, {4, 7}}});
  CHECK(row.trained == 2);
}

TEST_CASE("tokens that spell their text say where they lie", "[prompt][masks]") {
  const greedy_tokenizer tokenizer(controls, {" A", "\nA", "Q\n"});
  token_row exact, found;
  for (std::uint64_t round = 0; round < 200; ++round) {
    draws d{.stream = round};
    const lagom_test::generated_prompt g(d, "AQ\n ", {"<s>"});
    const row_verdict v = joint{}(g.prompt, tokenizer, exact);
    CHECK(joint{}(g.prompt, spelled_offsets(tokenizer), found) == v);
    CHECK(found.ids == exact.ids);
    CHECK(found.labels == exact.labels);
    CHECK(found.straddlers == exact.straddlers);
  }
  // A dummy prefix, and a tokenizer that folds.
  const folding prefixed{greedy_tokenizer({}, {" A"}), false};
  const segment_list a{{{.text = "AQ", .trained = true}}};
  CHECK(joint{}(a, spelled_offsets(prefixed), found) == row_verdict::ok);
  CHECK(found.ids == ids_t{256, 'Q'});
  CHECK(found.uncovered == 0);
  const folding lower{greedy_tokenizer(), true};
  CHECK(joint{}(a, spelled_offsets(lower), found) == row_verdict::unaligned);
  CHECK(joint{}(segment_list{{{.text = "aq", .trained = true}}}, spelled_offsets(lower), found) ==
        row_verdict::ok);
}
