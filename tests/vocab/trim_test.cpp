// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom::vocab;
using lagom::errc;
using lagom::no_token;
using lagom::script;
using lagom::script_set;
using lagom::token_id;
using ids_t = std::vector<token_id>;

class numbers {
 public:
  explicit numbers(std::uint64_t stream) : stream_(stream) {}
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(random_.below(limit, stream_, at_++));
  }

 private:
  lagom::philox random_{31};
  std::uint64_t stream_, at_ = 0;
};

// A random model over a, b, c, d: units, then what random merges make; sometimes several merges make one token,
// and some merges are never reached.
bpe random_model(numbers& n, const bpe_options& options) {
  token_table tokens;
  token_id next = 0;
  const auto spelled = [&](std::string_view core, bool continues, bool ends) {
    return (continues ? options.continuing_prefix : std::string()) + std::string(core) +
           (ends ? options.end_suffix : "");
  };
  REQUIRE(tokens.add(next++, "<unk>"));
  for (const char* unit : {"a", "b", "c", "d"}) {
    for (const bool continues : {false, true}) {
      for (const bool ends : {false, true}) {
        const std::string text = spelled(unit, continues, ends);
        if (tokens.find(text) == no_token) REQUIRE(tokens.add(next++, text));
      }
    }
  }
  std::vector<merge> merges;
  std::set<std::pair<token_id, token_id>> pairs;
  for (int i = 0; i < 70; ++i) {
    const auto left = static_cast<token_id>(1 + n.below(static_cast<std::size_t>(next) - 1)),
               right = static_cast<token_id>(1 + n.below(static_cast<std::size_t>(next) - 1));
    std::string_view tail = tokens[right];
    if (!options.continuing_prefix.empty()) {
      if (tail.substr(0, options.continuing_prefix.size()) != options.continuing_prefix) continue;
      tail.remove_prefix(options.continuing_prefix.size());
    }
    const std::string joined = std::string(tokens[left]) + std::string(tail);
    if (joined.size() > 24 || !pairs.insert({left, right}).second) continue;
    if (tokens.find(joined) == no_token) REQUIRE(tokens.add(next++, joined));
    merges.push_back({left, right, tokens.find(joined)});
  }
  return *bpe::make(tokens, merges, options);
}

std::string word(numbers& n, std::size_t longest) {
  std::string out;
  for (std::size_t i = 1 + n.below(longest); i > 0; --i) out += "abcdabcdabcdabcdx"[n.below(17)];
  return out;
}

corpus_counts words(numbers& n, std::size_t how_many) {
  corpus_counts out;
  for (std::size_t i = 0; i < how_many; ++i) out.push_pre_token(word(n, 9));
  out.push({.lines = 1, .bytes = 1, .characters = 1});
  return out;
}

ids_t encode(const auto& model, std::string_view piece) {
  ids_t out;
  model.encode_piece(piece, [&](token_id t) { out.push_back(t); });
  return out;
}

// Distinct pieces that a trimmed model cuts otherwise.
template <class Model>
std::size_t changed(const Model& full, const Model& trimmed, const trim_plan& plan,
                    const corpus_counts& corpus) {
  std::size_t out = 0;
  corpus.pre_tokens().for_each([&](std::string_view piece, std::uint64_t) {
    ids_t expected = encode(full, piece);
    for (token_id& t : expected) t = plan(t);
    out += expected == encode(trimmed, piece) ? 0u : 1u;
  });
  return out;
}

const std::vector<bpe_options> kinds = {
    {},
    {.unit = bpe_unit::character, .unk = 0},
    {.unit = bpe_unit::character, .unk = 0, .fuse_unk = true},
    {.ignore_merges = true},
    {.unk = 0, .continuing_prefix = "##"},
    {.unk = 0, .end_suffix = "</w>"},
    {.unit = bpe_unit::character,
     .ignore_merges = true,
     .unk = 0,
     .continuing_prefix = "##",
     .end_suffix = "</w>"},
};

}  // namespace

TEST_CASE(
    "with all tokens that a corpus makes it is tokenized as before; with its final ones alone it is not",
    "[vocab][trim]") {
  std::size_t by_finals = 0, pieces = 0;
  for (std::uint64_t round = 0; round < 140; ++round) {
    numbers n(round);
    const bpe model = random_model(n, kinds[round % kinds.size()]);
    const corpus_counts corpus = words(n, 25);
    token_set all, finals;
    keep_always(model, all);
    keep_always(model, finals);
    keep_exact(model, corpus, all);
    keep_frequent(model, corpus, finals);
    const trim_plan plan = trim_plan::of(all, model.size()), few = trim_plan::of(finals, model.size());
    auto trimmed = trim(model, plan), wrong = trim(model, few);
    REQUIRE(trimmed);
    REQUIRE(wrong);
    REQUIRE(changed(model, *trimmed, plan, corpus) == 0);
    by_finals += changed(model, *wrong, few, corpus);
    pieces += corpus.pre_tokens().size();
    const trim_report report = compare(model, *trimmed, plan, corpus, 0);
    CHECK(report.changed == 0);
    CHECK(report.before == report.after);
    CHECK(report.unk_before == report.unk_after);
    CHECK(report.pieces == 25);
    CHECK(report.rows_after == all.count());
    CHECK(report.rows_before == static_cast<std::uint64_t>(model.size()));
  }
  INFO(by_finals << " of " << pieces);
  CHECK(by_finals > pieces / 100);
}

TEST_CASE("the steps of a model are those of the definition", "[vocab][trim]") {
  for (std::uint64_t round = 0; round < 60; ++round) {
    numbers n(1000 + round);
    const bpe model = random_model(n, {});
    merge_trace trace(model);
    for (int i = 0; i < 30; ++i) {
      std::string piece = word(n, i == 0 ? 80 : 12);
      for (char& c : piece) c = c == 'x' ? 'a' : c;
      ids_t ids, begins;
      for (const char c : piece) ids.push_back(model.tokens().find({&c, 1}));
      std::vector<std::string> expected, made;
      while (true) {  // the pair of least rank, the leftmost one
        std::size_t best = 0, rank = model.merges().size();
        for (std::size_t at = 0; at + 1 < ids.size(); ++at) {
          for (std::size_t r = 0; r < rank; ++r) {
            if (model.merges()[r].left == ids[at] && model.merges()[r].right == ids[at + 1]) {
              best = at;
              rank = r;
            }
          }
        }
        if (rank == model.merges().size()) break;
        ids[best] = model.merges()[rank].result;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
        expected.emplace_back(model.tokens()[ids[best]]);
      }
      trace(
          piece, [&](token_id t) { begins.push_back(t); },
          [&](const merge& m) {
            made.emplace_back(model.tokens()[m.result]);
            CHECK(std::string(model.tokens()[m.left]) + std::string(model.tokens()[m.right]) == made.back());
          });
      REQUIRE(made == expected);
      CHECK(begins.size() == piece.size());
      CHECK(encode(model, piece) == ids);
    }
  }
}

TEST_CASE("what tokens are made of is known without a corpus", "[vocab][trim]") {
  for (std::uint64_t round = 0; round < 105; ++round) {
    numbers n(2000 + round);
    const bpe model = random_model(n, kinds[round % kinds.size()]);
    const bpe_ancestry ancestry(model);
    const corpus_counts corpus = words(n, 80);
    token_set made, closed;
    keep_exact(model, corpus, made);
    keep_frequent(model, corpus, closed);
    ancestry.close(closed);
    // Units that are not left over in the corpus are in the first set alone, if their token is made of others.
    made.for_each([&](token_id t) {
      if (!closed.contains(t)) {
        INFO(model.tokens()[t]);
        CHECK(model.options().ignore_merges);
      }
    });
    if (model.options().ignore_merges) continue;
    CHECK(made == closed);
    for (token_id t = 0; t < model.size(); ++t) {
      const merge m = ancestry.last_merge(t);
      if (m.result == no_token) continue;
      CHECK(m.result == t);
      CHECK(ancestry.reaches(t));
      CHECK(ancestry.reaches(m.left));
      CHECK(ancestry.reaches(m.right));
    }
    if (model.options().continuing_prefix.empty() && model.options().end_suffix.empty()) {
      for (token_id t = 1; t < model.size(); ++t) {
        CHECK(ancestry.reaches(t) == (encode(model, model.bytes_of(t)) == ids_t{t}));
      }
    }
    // A random closed set: each of its tokens that was reached still is.
    token_set some;
    keep_always(model, some);
    for (int i = 0; i < 8; ++i)
      some.add(static_cast<token_id>(n.below(static_cast<std::size_t>(model.size()))));
    ancestry.close(some);
    const trim_plan plan = trim_plan::of(some, model.size());
    const auto trimmed = trim(model, plan);
    REQUIRE(trimmed);
    const bpe_ancestry after(*trimmed);
    some.for_each([&](token_id t) { CHECK((after.reaches(plan(t)) || !ancestry.reaches(t))); });
    token_set kept = token_set::all(trimmed->size()), before = some;
    CHECK(unreachable(*trimmed, kept).size() <= unreachable(model, before).size());
  }
}

TEST_CASE("leaves go first, the least frequent one before all", "[vocab][trim]") {
  for (std::uint64_t round = 0; round < 80; ++round) {
    numbers n(3000 + round);
    const bpe model = random_model(n, {});
    const bpe_ancestry ancestry(model);
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(model.size()));
    for (auto& c : counts) c = n.below(6);
    token_set always;
    always.add(static_cast<token_id>(n.below(counts.size())));
    const token_set all = token_set::all(model.size());
    const std::size_t target = n.below(counts.size());
    const token_set left = leaf_first(ancestry, all, counts, target, always);
    // The definition, looking at every token in every step.
    token_set expected = all, must = always;
    ancestry.close(must);
    while (expected.count() > target) {
      token_id worst = no_token;
      for (token_id t = 0; t < model.size(); ++t) {
        bool leaf = expected.contains(t) && !must.contains(t);
        for (token_id u = 0; u < model.size(); ++u) {
          const merge m = ancestry.last_merge(u);
          if (expected.contains(u) && m.result != no_token && (m.left == t || m.right == t)) leaf = false;
        }
        const auto count = [&](token_id x) { return counts[static_cast<std::size_t>(x)]; };
        if (leaf && (worst == no_token || count(t) <= count(worst))) worst = t;
      }
      if (worst == no_token) break;
      expected.remove(worst);
      const merge m = ancestry.last_merge(worst);
      if (m.result == no_token) continue;
      counts[static_cast<std::size_t>(m.left)] += counts[static_cast<std::size_t>(worst)];
      counts[static_cast<std::size_t>(m.right)] += counts[static_cast<std::size_t>(worst)];
    }
    REQUIRE(left == expected);
    token_set closed = left;
    ancestry.close(closed);
    CHECK(closed == left);
    must.for_each([&](token_id t) { CHECK(left.contains(t)); });
  }
}

TEST_CASE("a plan numbers what is kept, and data with it", "[vocab][trim]") {
  token_set keep;
  for (const token_id t : {7, 2, 3, 99}) keep.add(t);
  const trim_plan plan = trim_plan::of(keep, 9);
  CHECK(plan.kept == ids_t{2, 3, 7});
  CHECK(plan.new_id == ids_t{-1, -1, 0, 1, -1, -1, -1, 2, -1});
  CHECK(plan(7) == 2);
  CHECK(plan(8) == no_token);
  CHECK(plan(-1) == no_token);
  CHECK(plan(9) == no_token);
  CHECK(plan.rows_before() == 9);
  CHECK(plan.bytes_saved(2 * 4096, 2) == 6 * 2 * 4096 * 2);
  ids_t data{3, 7, 2, 2};
  REQUIRE(plan.remap(data));
  CHECK(data == ids_t{1, 2, 0, 0});
  ids_t bad{3, 8, 2};
  auto refused = plan.remap(bad);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unknown_token);
  CHECK(refused.error().row == 1);
  CHECK(refused.error().found == 8);
  CHECK(bad == ids_t{3, 8, 2});
  CHECK(trim_plan::of({}, 0).rows_after() == 0);

  numbers n(1);
  const bpe model = random_model(n, {.unk = 0});
  CHECK(trim(model, plan).error().code == errc::unknown_token);
}

TEST_CASE("a unigram model keeps the score of what it does not know", "[vocab][trim]") {
  const std::vector<unigram_piece> pieces = {{"<unk>", 0}, {"a", -2},   {"b", -2.5}, {"ab", -3},
                                             {"c", -1},    {"abc", -9}, {"zz", -30}, {"bc", -2}};
  const auto model = unigram::make(pieces, {.unk = 0});
  REQUIRE(model);
  corpus_counts corpus;
  for (const char* text : {"abc", "abxc", "aab", "xy"}) corpus.push_pre_token(text);
  token_set keep;
  keep_always(*model, keep);
  keep_exact(*model, corpus, keep);
  CHECK(keep.contains(6));  // "zz" occurs nowhere
  CHECK_FALSE(keep.contains(5));
  const trim_plan plan = trim_plan::of(keep, model->size());
  const auto trimmed = trim(*model, plan);
  REQUIRE(trimmed);
  CHECK(changed(*model, *trimmed, plan, corpus) == 0);
  CHECK(trim(*model, trim_plan::of(corpus.pre_tokens().empty() ? keep : token_set{}, 8)).error().code ==
        errc::unknown_token);
  // Random models and texts with unknown characters in them.
  for (std::uint64_t round = 0; round < 60; ++round) {
    numbers n(5000 + round);
    std::vector<std::string> texts{"<unk>", "a", "b"};
    std::set<std::string> seen(texts.begin(), texts.end());
    while (texts.size() < 20) {
      std::string t = word(n, 4);
      if (seen.insert(t).second) texts.push_back(t);
    }
    std::vector<unigram_piece> some;
    for (const auto& t : texts) some.push_back({t, -static_cast<double>(n.below(40)) / 4, t != "<unk>"});
    const auto full = unigram::make(some, {.unk = 0});
    REQUIRE(full);
    const corpus_counts text = words(n, 40);
    token_set used;
    keep_always(*full, used);
    keep_exact(*full, text, used);
    const trim_plan p = trim_plan::of(used, full->size());
    const auto part = trim(*full, p);
    REQUIRE(part);
    REQUIRE(changed(*full, *part, p, text) == 0);
  }
}

TEST_CASE("a WordPiece model keeps what unknown words ran into", "[vocab][trim]") {
  token_table tokens;
  token_id next = 0;
  for (const char* t : {"[UNK]", "a", "ab", "##bc", "##b", "c"}) REQUIRE(tokens.add(next++, t));
  const auto model = wordpiece::make(tokens, {.unk = 0});
  REQUIRE(model);
  corpus_counts corpus;
  corpus.push_pre_token("abc");  // "ab", and then no "##c": unknown
  corpus.push_pre_token("abbc");
  corpus.push_pre_token("a");
  REQUIRE(encode(*model, "abc") == ids_t{0});
  token_set finals, exact;
  keep_always(*model, finals);
  keep_always(*model, exact);
  keep_frequent(*model, corpus, finals);
  keep_exact(*model, corpus, exact);
  CHECK(exact.contains(2));
  for (std::uint64_t round = 0; round < 80; ++round) {
    numbers n(6000 + round);
    token_table some;
    token_id id = 0;
    REQUIRE(some.add(id++, "[UNK]"));
    while (id < 24) {
      const std::string t = (n.below(2) == 0 ? "##" : "") + word(n, 4);
      if (some.find(t) == no_token) REQUIRE(some.add(id++, t));
    }
    const auto full = wordpiece::make(some, {.max_chars = 8, .unk = 0});
    REQUIRE(full);
    const corpus_counts text = words(n, 60);
    token_set used;
    keep_always(*full, used);
    keep_exact(*full, text, used);
    const trim_plan p = trim_plan::of(used, full->size());
    const auto part = trim(*full, p);
    REQUIRE(part);
    REQUIRE(changed(*full, *part, p, text) == 0);
  }
  // With final tokens alone an unknown word is known all of a sudden.
  corpus_counts one;
  one.push_pre_token("abc");
  one.push_pre_token("a");
  one.push_pre_token("abbc");
  token_set few;
  few.add(0);
  few.add(1);
  few.add(3);
  const trim_plan plan = trim_plan::of(few, model->size());
  const auto wrong = trim(*model, plan);
  REQUIRE(wrong);
  CHECK(encode(*wrong, "abc") == ids_t{1, 2});
}

TEST_CASE("tokens are of scripts as far as their bytes say", "[vocab][trim]") {
  const script_set bengali{script::bengali}, latin{script::latin};
  CHECK(is_of_scripts(" na", latin));
  CHECK(is_of_scripts(" 12,", latin));
  CHECK(is_of_scripts(" 12,", {}));
  CHECK(is_of_scripts("", latin));
  CHECK_FALSE(is_of_scripts(" na", bengali));
  CHECK_FALSE(is_of_scripts("a\xE0\xA6\x95", bengali));
  CHECK(is_of_scripts("\xE0\xA6\x95", bengali));
  CHECK(is_of_scripts("\xE0\xA6", bengali));        // all that it may become is Bengali
  CHECK_FALSE(is_of_scripts("\xE0\xA4", bengali));  // Devanagari
  CHECK(is_of_scripts("\xE0", bengali));
  CHECK_FALSE(is_of_scripts("\xE0\xA6", latin));
  CHECK(is_of_scripts("\xA6\x95", latin));  // the end of any character
  CHECK(is_of_scripts("\x95 \xE0\xA6", bengali));
  CHECK_FALSE(is_of_scripts("\xFF", latin));
  CHECK_FALSE(is_of_scripts("a\x95g", latin));
  CHECK_FALSE(is_of_scripts("\xEE\x80\x80", latin));
  CHECK(is_of_scripts("\xEE\x80\x80", {lagom::script::unknown}));

  token_table tokens;
  token_id next = 0;
  for (const char* t : {"a", "\xE0", "\xA6", "\x95", "\xE0\xA6", "\xE0\xA6\x95", "ab", "b", "\xD0"}) {
    REQUIRE(tokens.add(next++, t));
  }
  const auto model = bpe::make(tokens, {{1, 2, 4}, {4, 3, 5}, {0, 7, 6}});
  REQUIRE(model);
  token_set keep, other;
  keep_scripts(*model, bengali, keep);
  CHECK(keep.ids() == ids_t{1, 2, 3, 4, 5});
  keep_scripts(*model, latin, other);
  CHECK(other.ids() == ids_t{0, 1, 2, 3, 6, 7});  // E0 may begin a common sign
  keep.merge(other);
  CHECK(keep == token_set::all(8));
}

TEST_CASE("token sets are sets", "[vocab][trim]") {
  token_set s;
  CHECK(s.empty());
  CHECK(s.add(5));
  CHECK_FALSE(s.add(5));
  CHECK(s.add(0));
  CHECK_FALSE(s.contains(-1));
  CHECK_FALSE(s.contains(4));
  CHECK_FALSE(s.contains(1000));
  CHECK(s.count() == 2);
  CHECK(s.ids() == ids_t{0, 5});
  token_set larger = s;
  larger.add(100);
  larger.remove(100);
  CHECK(larger == s);
  CHECK(s == larger);
  CHECK_FALSE(larger.remove(100));
  larger.merge(token_set::all(3));
  CHECK(larger.ids() == ids_t{0, 1, 2, 5});
  CHECK_FALSE(larger == s);
  CHECK(token_set::all(0).empty());
}
