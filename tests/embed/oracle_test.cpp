// SPDX-License-Identifier: MIT
// Every initializer beside NumPy's: tests/oracle/embedding_plans.py.
#include <lagom/io/json.hpp>

#include <functional>
#include <map>

#include "support.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using namespace lagom;
using embed::plan;
using io::json;

namespace {

std::string unhex(const std::string& digits) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

expansion change_of(const json& from) {
  expansion e;
  e.source_size = from["source_size"].get<index_t>();
  for (const json& id : from["same"]) e.same.push_back(s(id.get<int>()));
  e.target_size = static_cast<index_t>(e.same.size());
  for (const json& id : from["wanted"]) e.wanted.push_back(t(id.get<int>()));
  for (const json& text : from["bytes"]) e.bytes.push_back(unhex(text.get<std::string>()));
  for (const json& text : from["source_bytes"]) e.source_bytes.push_back(unhex(text.get<std::string>()));
  for (const json& row : from["pieces"]) {
    std::vector<source_id> ids;
    for (const json& id : row) ids.push_back(s(id.get<int>()));
    e.pieces.push_back(ids);
  }
  for (const json& rule : from["rules"]) {
    e.rules.push_back({t(rule[0].get<int>()), t(rule[1].get<int>()), t(rule[2].get<int>())});
  }
  if (!from["alignment"].empty()) e.alignment.emplace();
  for (const json& one : from["alignment"]) {
    std::vector<lagom::vocab::aligned_piece> pieces;
    for (const json& piece : one[1])
      pieces.push_back({s(piece[0].get<int>()), piece[1].get<std::uint32_t>()});
    e.alignment->push(t(one[0].get<int>()), pieces, one[2].get<std::uint64_t>());
  }
  return e;
}

using initializer = std::function<plan(const expansion&)>;
const std::map<std::string, initializer>& initializers() {
  using embed::merge_weights;
  using embed::piece_weights;
  using embed::several_rules;
  using rule = embed::rescale::rule;
  static const std::map<std::string, initializer> all{
      {"random", embed::random{}},
      {"random_ddof1", embed::random{.ddof = 1}},
      {"source_mean", embed::source_mean{}},
      {"resized", embed::source_mean{.deviation = embed::source_mean::resize_deviation}},
      {"script_gaussian", embed::script_gaussian{}},
      {"mean", embed::mean{}},
      {"sum", embed::subword{piece_weights::sum}},
      {"first", embed::subword{piece_weights::first}},
      {"last", embed::subword{piece_weights::last}},
      {"rising", embed::subword{piece_weights::rising}},
      {"falling", embed::subword{piece_weights::falling}},
      {"merge_tree", embed::merge{}},
      {"merge_tree_first", embed::merge{.several = several_rules::first}},
      {"merge_flat", embed::merge{.weights = merge_weights::flat}},
      {"align", embed::align{}},
      {"align_mean", embed::align{.consider_mean = true}},
      {"mean_median_norm",
       [](const expansion& e) { return embed::rescaled(embed::mean{}(e), {rule::quantile, 0.5f}); }},
      {"mean_mean_norm",
       [](const expansion& e) { return embed::rescaled(embed::mean{}(e), {rule::mean, 1.5f}); }},
  };
  return all;
}

}  // namespace

TEST_CASE("every initializer makes the rows that NumPy makes", "[embed][oracle]") {
  std::map<std::string, int> seen;
  for (const std::string name : {"expansion", "replacement", "shares"}) {
    CAPTURE(name);
    const json document = must(io::load_json(golden("embedding_plans/" + name + ".json")));
    const auto file = must(io::safetensors::open(golden("embedding_plans/" + name + ".safetensors")));
    const expansion e = change_of(document);
    table<double> source(1, elements<double>(file, "source"));
    source.rows = e.source_size;
    source.cols = static_cast<index_t>(source.data.size()) / e.source_size;
    for (const auto& [which, make] : initializers()) {
      CAPTURE(which);
      const plan p = make(e);
      const auto expected = elements<double>(file, "rows." + which);
      const auto rows = applied<double>(p, source);
      table<float> narrow(source.rows, source.cols);
      for (std::size_t i = 0; i < narrow.data.size(); ++i)
        narrow.data[i] = static_cast<float>(source.data[i]);
      const auto narrow_rows = applied<float>(p, narrow);
      REQUIRE(rows.data.size() == expected.size());
      double worst = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(rows.data[i] - expected[i]));
        worst = std::max(worst, std::abs(static_cast<double>(narrow_rows.data[i]) - expected[i]));
      }
      CHECK(worst < 4e-6);
      const json& methods = document["made_by"][which];
      REQUIRE(methods.size() == p.rows());
      for (std::size_t r = 0; r < p.rows(); ++r) {
        CHECK(std::string(embed::name(p.made_by(r))) == methods[r].get<std::string>());
        ++seen[methods[r].get<std::string>()];
      }
    }
  }
  for (const char* method :
       {"copy", "random", "source_mean", "script_gaussian", "mean", "subword", "merge", "align"}) {
    CHECK(seen[method] > 0);
  }
}
