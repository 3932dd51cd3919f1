// SPDX-License-Identifier: MIT
// Two pictures of a trace, drawn by gnuplot.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "experiment.hpp"

namespace early_exit {

// A gnuplot process that is given a script. Not there: `draw` returns false.
class gnuplot {
 public:
  static bool draw(const std::string& script) {
    if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) return false;
    FILE* const pipe = ::popen("gnuplot", "w");
    if (pipe == nullptr) return false;
    std::fwrite(script.data(), 1, script.size(), pipe);
    return ::pclose(pipe) == 0;
  }
};

namespace detail {

inline std::string header(const std::string& file, std::string_view title, std::string_view y, int layers) {
  std::string quoted;
  for (const char c : file) quoted.append(c == '\'' ? 2 : 1, c);
  return fmt::format(
      "set terminal svg size 960,540 dynamic font 'sans-serif,13' background '#ffffff'\nset output '{}'\n"
      "set title '{}'\nset xlabel 'layer (0-based)'\nset ylabel '{}'\nset yrange [-0.05:1.05]\nset xrange "
      "[-0.4:{}]\n"
      "set xtics {}\n"
      "set grid ytics lc rgb '#dddddd'\nset key outside right noenhanced\nset border 3\nset tics nomirror\n",
      quoted, title, y, layers - 0.6, 1 + layers / 24);
}

// Mean of `value(row, layer)` over the rows that count, layer by layer.
template <class Keep, class Value>
std::vector<double> by_layer(const lagom::trace<>& t, const Keep& keep, const Value& value) {
  std::vector<double> sum(static_cast<std::size_t>(t.layers()), 0.0);
  double rows = 0;
  for (lagom::index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    ++rows;
    for (int l = 0; l < t.layers(); ++l) sum[static_cast<std::size_t>(l)] += value(row, l);
  }
  for (double& s : sum) s /= rows > 0 ? rows : 1;
  return sum;
}

inline std::string block(const std::string& label, const std::vector<double>& values, std::size_t first = 0) {
  std::string out = fmt::format("${} << EOD\n", label);
  for (std::size_t l = first; l < values.size(); ++l) out += fmt::format("{} {:.5f}\n", l, values[l]);
  return out + "EOD\n";
}

}  // namespace detail

// Accuracy of every layer's answer, a line a task, coloured by grade.
inline bool draw_accuracy(const std::string& file, const lagom::trace<>& t, const std::vector<task>& tasks) {
  const std::string_view palette[] = {"#2a9d8f", "#e9a23b", "#c8553d", "#5a5a9d", "#777777"};
  std::vector<std::string> grades;
  std::string script = detail::header(file, "Accuracy of the answer at every layer", "accuracy", t.layers()),
              plot;
  std::vector<int> drawn;  // lines of a grade: told apart by dashes and marks
  for (std::size_t k = 0; k < tasks.size(); ++k) {
    auto at = std::find(grades.begin(), grades.end(), tasks[k].grade);
    if (at == grades.end()) {
      at = grades.insert(grades.end(), tasks[k].grade);
      drawn.push_back(0);
    }
    const int nth = ++drawn[static_cast<std::size_t>(at - grades.begin())];
    const auto colour = palette[std::min<std::size_t>(static_cast<std::size_t>(at - grades.begin()), 4)];
    const auto label = fmt::format("task{}", k);
    script += detail::block(
        label, detail::by_layer(
                   t, [&](lagom::index_t r) { return t.group(r) == group_of(static_cast<int>(k), true); },
                   [&](lagom::index_t r, int l) {
                     return t.expected(r) != lagom::no_token && t.stats(r, l).top == t.expected(r) ? 1.0
                                                                                                   : 0.0;
                   }));
    std::string title = tasks[k].name + " (" + tasks[k].grade + ")";
    for (char& c : title) c = c == '\'' ? ' ' : c;
    plot += fmt::format("{}${} with linespoints lw 1.6 dt {} pt {} ps 0.7 lc rgb '{}' title '{}'",
                        k == 0 ? "plot " : ", ", label, 1 + (nth - 1) % 5, nth, colour, title);
  }
  return gnuplot::draw(script + plot + "\n");
}

// Gap, top probability and the three cosines, averaged over all held-out rows.
inline bool draw_signals(const std::string& file, const lagom::trace<>& t) {
  const auto all = [&](lagom::index_t r) { return is_test(t.group(r)); };
  std::string script =
      detail::header(file, "Exit signals by layer, mean over held-out items", "value", t.layers());
  script += detail::block("gap", detail::by_layer(t, all, [&](lagom::index_t r, int l) {
                            return static_cast<double>(t.stats(r, l).gap());
                          }));
  script += detail::block("top", detail::by_layer(t, all, [&](lagom::index_t r, int l) {
                            return static_cast<double>(t.stats(r, l).top_prob());
                          }));
  for (const std::string_view signal : {"hidden_cosine", "attention_cosine", "mlp_cosine"}) {
    const lagom::index_t column = t.find_column(signal);
    const std::size_t first = signal == "hidden_cosine" ? 0 : 1;  // the others have nothing before them
    script += detail::block(
        std::string(signal),
        detail::by_layer(t, all,
                         [&](lagom::index_t r, int l) { return static_cast<double>(t.value(column, r, l)); }),
        first);
  }
  return gnuplot::draw(
      script +
      "set yrange [*:1.05]\nplot $gap with linespoints lw 2 lc rgb '#c8553d' title 'gap', "
      "$top with linespoints lw 2 lc rgb '#e9a23b' title 'top prob', "
      "$hidden_cosine with linespoints lw 2 lc rgb '#2a9d8f' title 'cosine of hidden states', "
      "$attention_cosine with linespoints lw 2 lc rgb '#5a5a9d' title 'cosine of attention outputs', "
      "$mlp_cosine with linespoints lw 2 lc rgb '#777777' title 'cosine of MLP outputs'\n");
}

}  // namespace early_exit
