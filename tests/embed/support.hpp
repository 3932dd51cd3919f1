// SPDX-License-Identifier: MIT
// The hand-checked vocabulary of the tests: a0 b1 c2 d3 ab4 cd5, and matrices to go with it.
#pragma once

#include <lagom/embed.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/approx.hpp"
#include "support/catch.hpp"

namespace lagom_test {

using lagom::index_t;
using lagom::vocab::expansion;
using lagom::vocab::source_id;
using lagom::vocab::target_id;

inline source_id s(int id) { return static_cast<source_id>(id); }
inline target_id t(int id) { return static_cast<target_id>(id); }

// A matrix that owns its elements.
template <class T>
struct table {
  index_t rows = 0, cols = 0;
  std::vector<T> data;
  table(index_t r, index_t c) : rows(r), cols(c), data(static_cast<std::size_t>(r * c)) {}
  table(index_t c, std::vector<T> elements)
      : rows(static_cast<index_t>(elements.size()) / c), cols(c), data(std::move(elements)) {}
  [[nodiscard]] lagom::mat_view<T> view() { return {data.data(), rows, cols}; }
  [[nodiscard]] lagom::mat_view<const T> view() const { return {data.data(), rows, cols}; }
  [[nodiscard]] T at(index_t r, index_t c) const { return data[static_cast<std::size_t>(r * cols + c)]; }
};

template <class T>
table<T> input_rows() {
  return {2, {T(1), T(0), T(0), T(1), T(2), T(2), T(-1), T(1), T(3), T(-1), T(0), T(4)}};
}
template <class T>
table<T> head_rows() {
  return {2, {T(1), T(1), T(-2), T(0), T(0), T(-4), T(6), T(2), T(8), T(0), T(2), T(-6)}};
}

// `source_size` tokens stay, the rest is new: its bytes and its pieces, in order of their ids.
struct newcomer {
  std::string bytes;
  std::vector<int> pieces;
};
inline expansion expand(int source_size, const std::vector<newcomer>& added) {
  expansion e;
  e.source_size = source_size;
  e.target_size = source_size + static_cast<index_t>(added.size());
  for (int i = 0; i < source_size; ++i) e.same.push_back(s(i));
  for (const newcomer& one : added) {
    e.wanted.push_back(t(static_cast<int>(e.same.size())));
    e.same.push_back(source_id::none);
    e.bytes.push_back(one.bytes);
    std::vector<source_id> ids;
    for (const int id : one.pieces) ids.push_back(s(id));
    e.pieces.push_back(ids);
  }
  return e;
}

// As many threads as asked, tasks dealt out in an order that is not theirs.
struct threads {
  int count = 2;
  template <class Task>
  void operator()(index_t n, Task task) const {
    std::vector<std::thread> pool;
    for (int k = 0; k < count; ++k) {
      pool.emplace_back([n, k, task, step = count] {
        for (index_t i = n - 1 - k; i >= 0; i -= step) task(i);
      });
    }
    for (auto& one : pool) one.join();
  }
};

template <class Out, class S>
table<Out> applied(const lagom::embed::plan& plan, const table<S>& source) {
  table<Out> out(static_cast<index_t>(plan.rows()), source.cols);
  REQUIRE(lagom::embed::applicable(plan, source.view(), out.view()));
  lagom::embed::apply(plan, source.view(), out.view());
  return out;
}

template <class T>
bool same_bits(const table<T>& a, const table<T>& b) {
  return a.data.size() == b.data.size() &&
         std::memcmp(a.data.data(), b.data.data(), a.data.size() * sizeof(T)) == 0;
}

}  // namespace lagom_test
