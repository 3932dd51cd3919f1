// SPDX-License-Identifier: MIT
// Conversations in the styles of families: as Jinja templates render them; what is trained; content stays content.
#include <lagom/prompt/conversation.hpp>
#include <lagom/prompt/exchange.hpp>
#include <lagom/prompt/spans.hpp>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

struct golden_row {
  std::string family, text;
  bool asks = false, refused = false;
  std::vector<std::string> texts;
  std::vector<role> roles;
  [[nodiscard]] std::vector<turn> turns() const {
    std::vector<turn> out;
    for (std::size_t i = 0; i < roles.size(); ++i) out.push_back({roles[i], texts[i], "", ""});
    return out;
  }
};

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<golden_row> golden_rows() {
  std::vector<golden_row> rows;
  std::ifstream in(std::string(LAGOM_GOLDEN) + "/chat/conversations.tsv");
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i <= line.size();) {
      const std::size_t tab = line.find('\t', i), end = tab == std::string::npos ? line.size() : tab;
      cells.push_back(line.substr(i, end - i));
      i = end + 1;
    }
    golden_row r{cells[0], unescaped(cells[2].substr(1)), cells[1] == "1", cells[2] == "!", {}, {}};
    for (std::size_t i = 3; i < cells.size(); ++i) {
      const std::size_t equals = cells[i].find('=');
      const std::string who = cells[i].substr(0, equals);
      r.roles.push_back(who == "system" ? role::system : who == "user" ? role::user : role::assistant);
      r.texts.push_back(unescaped(cells[i].substr(equals + 1)));
    }
    rows.push_back(std::move(r));
  }
  return rows;
}

std::string trained_text(const conversation& c) {
  const std::string text = text_of(c);
  std::string out;
  for_each_trained(c, [&](span s) { out += "[" + text.substr(s.begin, s.size()) + "]"; });
  return out;
}

}  // namespace

TEST_CASE("families write what their templates render", "[prompt][chat]") {
  const auto rows = golden_rows();
  REQUIRE(rows.size() > 250);
  std::set<std::string> seen;
  for (const golden_row& r : rows) {
    CAPTURE(r.family, r.asks, r.text);
    const chat_family* const family = chat::find(r.family);
    REQUIRE(family != nullptr);
    seen.insert(r.family);
    const std::vector<turn> turns = r.turns();
    const conversation c{family, turns, trained_turns::all, r.asks};
    CHECK(bool(c.check()) == !r.refused);
    if (!r.refused) CHECK(text_of(c) == r.text);
  }
  CHECK(seen.size() == chat::families.size());
}

TEST_CASE("text of a conversation that is content stays content, whatever it looks like", "[prompt][chat]") {
  for (const golden_row& r : golden_rows()) {
    if (r.refused) continue;
    CAPTURE(r.family, r.text);
    const std::vector<turn> turns = r.turns();
    const conversation c{chat::find(r.family), turns, trained_turns::all, r.asks};
    std::string contents, texts, literals, marks;
    for_each_segment(c, [&](const segment& s) {
      CHECK_FALSE(s.text.empty());
      (s.origin == origin::content ? contents : literals) += s.text;
      if (s.origin != origin::content) return;
      bool inside = false;  // a view of one of the turns
      for (const turn& t : turns)
        inside = inside || (s.text.data() >= t.text.data() &&
                            s.text.data() + s.text.size() <= t.text.data() + t.text.size());
      CHECK(inside);
    });
    // The literals are those of the same turns with harmless texts.
    std::vector<turn> harmless = turns;
    for (turn& t : harmless) {
      if (!strip(t.text).empty()) t.text = "x";
    }
    for_each_segment(conversation{c.family, harmless, c.trained, c.asks},
                     [&](const segment& s) { (s.origin == origin::content ? texts : marks) += s.text; });
    CHECK(literals == marks);
  }
}

TEST_CASE("answers are trained with the mark that ends them", "[prompt][chat]") {
  const std::vector<turn> turns{{role::system, "s", "", ""},
                                {role::user, "u", "", ""},
                                {role::assistant, "a", "sw", "y_t"},
                                {role::user, "v", "", ""},
                                {role::assistant, "b", "", ""}};
  CHECK(trained_text({&chat::chatml, turns}) == "[a<|im_end|>][b<|im_end|>]");
  CHECK(trained_text({&chat::chatml, turns, trained_turns::last}) == "[b<|im_end|>]");
  CHECK(trained_text({&chat::chatml, turns, trained_turns::none}).empty());
  CHECK(trained_text({&chat::llama2, turns}) == "[ a </s>][ b </s>]");
  CHECK(trained_text({&chat::phi3, turns, trained_turns::last}) == "[b<|end|>]");
  CHECK(trained_text({&chat::vicuna, turns, trained_turns::all}) == "[ a</s>][ b</s>]");
  const std::span<const turn> asked(turns.data(), 4);
  CHECK(trained_text({&chat::llama3, asked, trained_turns::last, true}) == "[a<|eot_id|>]");
  bool tagged = false;
  for_each_segment(conversation{&chat::gemma3, turns}, [&](const segment& s) {
    if (s.text == "a")
      tagged = s.language == "sw" && s.section == "y_t" && s.role == role::assistant && s.trained;
  });
  CHECK(tagged);
}

TEST_CASE("a prompt to answer is a prefix of the answered conversation", "[prompt][chat]") {
  const std::vector<turn> turns{{role::user, "u", "", ""},
                                {role::assistant, "a", "", ""},
                                {role::user, "v", "", ""},
                                {role::assistant, "b", "", ""}};
  for (const chat_family* f : chat::families) {
    CAPTURE(f->name);
    const std::string asked = text_of(conversation{f, std::span(turns.data(), 3), trained_turns::none, true});
    const std::string whole = text_of(conversation{f, turns});
    CHECK(whole.substr(0, asked.size()) == asked);
  }
}

TEST_CASE("one request and its answer are the exchange of the same style", "[prompt][chat]") {
  grammar<1> bare;
  bare.sections[0].name = "y";
  for (const chat_family* f : chat::families) {
    if (f->system != system_place::own_turn || !f->finish.empty()) continue;
    CAPTURE(f->name);
    const std::vector<turn> turns{
        {role::system, "s", "", ""}, {role::user, "u", "", ""}, {role::assistant, "a", "", ""}};
    const exchange<request, sectioned<1>> e{
        .style = &f->style, .system = "s", .user = {{}, {}, "u", {}, {}}, .answer = {&bare, {"a"}}};
    const conversation c{f, turns};
    CHECK(text_of(c) == text_of(e));
    std::vector<span> of_c, of_e;
    for_each_trained(c, [&](span s) { of_c.push_back(s); });
    for_each_trained(e, [&](span s) { of_e.push_back(s); });
    CHECK(of_c == of_e);
  }
}

TEST_CASE("turns that no family can write say which", "[prompt][chat]") {
  const auto row = [](const chat_family& f, std::vector<turn> turns, bool asks = false) {
    const auto r = conversation{&f, turns, trained_turns::all, asks}.check();
    REQUIRE_FALSE(r);
    return std::pair(r.error().code, r.error().row);
  };
  using lagom::errc;
  const turn s{role::system, "s", "", ""}, u{role::user, "u", "", ""}, a{role::assistant, "a", "", ""},
      none{role::none, "n", "", ""};
  CHECK(row(chat::chatml, {}).first == errc::empty);
  CHECK(row(chat::gemma, {s, u}) == std::pair(errc::unsupported, std::uint64_t{0}));
  CHECK(row(chat::chatml, {u, s}) == std::pair(errc::bad_value, std::uint64_t{1}));
  CHECK(row(chat::chatml, {u, none}) == std::pair(errc::bad_value, std::uint64_t{1}));
  CHECK(row(chat::llama2, {s, u, u}) == std::pair(errc::bad_value, std::uint64_t{2}));
  CHECK(row(chat::chatml, {u, a}, true) == std::pair(errc::bad_value, std::uint64_t{1}));
  CHECK(text_of(conversation{&chat::llama2, std::span(&s, 1)}).empty());
  CHECK(text_of(conversation{&chat::chatml, {}, trained_turns::all, true}) == "<|im_start|>assistant\n");
}

TEST_CASE("white space is what Python strips", "[prompt][strip]") {
  CHECK(strip(" \t\n\x1c a \xC2\x85\xE3\x80\x80") == "a");
  CHECK(strip("\xE2\x80\x8B a") == "\xE2\x80\x8B a");  // a zero-width space is none
  CHECK(strip("a \xFF ") == "a \xFF");
  CHECK(strip(" \xC2 ") == "\xC2");
  CHECK(strip("a \x80\x80\xA0") == "a \x80\x80\xA0");
  CHECK(strip(" \xE3\x80\x80 ").empty());
  CHECK(strip("") == "");
  CHECK(strip(" a ", false, true) == " a");
}
