// SPDX-License-Identifier: MIT
// Pairs are translated between marks: the request, its collisions, and what translators do to marks.
#include <lagom/prompt/marked_translation.hpp>
#include <lagom/prompt/spans.hpp>

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

TEST_CASE("a request of two marked texts", "[prompt][translation]") {
  const marked_request r{{"7", "Say hi.", "Hi."}, "Translate into Swahili.\n", {}, "en"};
  CHECK(text_of(r) == "Translate into Swahili.\n<|user|> Say hi. \n\n<|assistant|> Hi.");
  std::vector<segment> contents;
  for_each_segment(r, [&](const segment& s) {
    if (s.origin == origin::content) contents.push_back(s);
  });
  REQUIRE(contents.size() == 2);
  CHECK(contents[0] == segment{"Say hi.", role::user, "x", "en", false, origin::content});
  CHECK(contents[1].section == "y");
  CHECK(text_of(marked_request{}) == "<|user|>  \n\n<|assistant|> ");
}

TEST_CASE("translations are taken apart, or lost with a reason", "[prompt][translation]") {
  const auto code = [](std::string_view text, mark_matching how = mark_matching::folded) {
    return name_of(split_marked(text, {}, how).code);
  };
  const auto whole = split_marked(" <|user|> Sema jambo. \n\n<|assistant|> Jambo.\n");
  CHECK(whole.code == split_code::ok);
  CHECK(whole.x == "Sema jambo.");
  CHECK(whole.y == "Jambo.");
  CHECK(code("Sema jambo.") == "no_marks");
  CHECK(code("") == "no_marks");
  CHECK(code("<|user|> a") == "no_response_mark");
  CHECK(code("<|assistant|> a") == "no_instruction_mark");
  CHECK(code("<|assistant|> b <|user|> a") == "out_of_order");
  CHECK(code("<|user|> a <|assistant|> b <|user|> c") == "repeated_mark");
  CHECK(code("<|user|> a <|assistant|> b <|assistant|> c") == "repeated_mark");
  CHECK(code("Here you are: <|user|> a <|assistant|> b") == "preamble");
  CHECK(code("<|user|> \xE3\x80\x80 <|assistant|> b") == "empty_instruction");
  CHECK(code("<|user|> a <|assistant|> \n") == "empty_response");
  CHECK(code("<|user|><|assistant|>") == "empty_instruction");

  for (const char* text :
       {"<|User|> a <|ASSISTANT|> b", "<| user |> a < |assistant|> b", "＜｜user｜＞a＜｜assistant｜＞b"}) {
    CAPTURE(text);
    CHECK(code(text) == "ok");
    CHECK(code(text, mark_matching::exact) == "no_marks");
    CHECK(split_marked(text).x == "a");
    CHECK(split_marked(text).y == "b");
  }
  CHECK(code("<|使用者|> a <|助理|> b") == "no_marks");
  CHECK(code("<|user:> a <|assistant|> b") == "no_instruction_mark");  // a bar is no colon
  CHECK(code("<<|user|> a <|assistant|> b") == "preamble");
  const translation_marks own{.instruction = "指示：", .response = "回答：", .lead = "", .between = "\n"};
  CHECK(split_marked("指示: あ\n回答:い", own).y == "い");
  CHECK(split_marked("x", {.instruction = "", .response = ""}).code == split_code::no_marks);
}

TEST_CASE("whatever a pair holds, it comes back whole or collides", "[prompt][translation]") {
  std::mt19937 draw(9);
  const std::string_view pieces[] = {"<|", "user", "|>", "<|user|>", "<|assistant|>", " ",
                                     "a",  "\n",   "か", "＜",       "\xFF",          "assistant"};
  std::size_t kept = 0, collided = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string x, y;
    for (auto n = draw() % 5; n > 0; --n) x += pieces[draw() % std::size(pieces)];
    for (auto n = draw() % 5; n > 0; --n) y += pieces[draw() % std::size(pieces)];
    const pair source{"1", x, y};
    const std::string text = text_of(marked_request{source});
    CAPTURE(text);
    losses<split_code> account;
    quad q;
    const bool made = make_quad(source, text, q, account);
    CHECK(account.balanced());
    if (collides(source)) {
      ++collided;
      CHECK(account[split_code::collision] == 1);
      CHECK_FALSE(made);
    } else if (strip(x).empty() || strip(y).empty()) {
      CHECK_FALSE(made);
    } else {
      ++kept;
      REQUIRE(made);
      CHECK(q == quad{"1", x, y, strip(x), strip(y)});
    }
  }
  CHECK(kept > 1000);
  CHECK(collided > 500);
}

TEST_CASE("failures are counted by reason", "[prompt][translation]") {
  losses<split_code> account;
  quad q;
  CHECK(make_quad({"a", "x", "y"}, "<|user|> i <|assistant|> j", q, account));
  CHECK(q == quad{"a", "x", "y", "i", "j"});
  CHECK_FALSE(make_quad({"b", "x", "y"}, "lost", q, account));
  CHECK_FALSE(make_quad({"c", "x <|user|>", "y"}, "<|user|> i <|assistant|> j", q, account));
  CHECK(q.id == "a");
  CHECK(account.in == 3);
  CHECK(account.out == 1);
  CHECK(account[split_code::no_marks] == 1);
  CHECK(account[split_code::collision] == 1);
}
