// SPDX-License-Identifier: MIT
// Embedding and unembedding rows, kept in the type they are stored in.
#pragma once

#include <lagom/core/mat_view.hpp>
#include <lagom/io/safetensors.hpp>
#include <variant>
#include <vector>

namespace decoder {

// A V x h matrix in f32, f64, f16 or bf16. A bf16 head is probed as bf16: half the bytes, the same values.
class table {
 public:
  table() = default;
  // Rows that are there, one after the other.
  template <class W>
  table(std::vector<W> elements, lagom::index_t cols)
      : rows_(static_cast<lagom::index_t>(elements.size()) / cols),
        cols_(cols),
        elements_(std::move(elements)) {}

  [[nodiscard]] lagom::index_t rows() const { return rows_; }
  [[nodiscard]] lagom::index_t cols() const { return cols_; }

  static lagom::result<table> load(const lagom::io::tensor_view& from) {
    table t;
    t.rows_ = static_cast<lagom::index_t>(from.shape[0]);
    t.cols_ = static_cast<lagom::index_t>(from.shape[1]);
    switch (from.type) {
      case lagom::io::dtype::f32:
        t.copy<float>(from);
        break;
      case lagom::io::dtype::f64:
        t.copy<double>(from);
        break;
      case lagom::io::dtype::f16:
        t.copy<lagom::f16>(from);
        break;
      case lagom::io::dtype::bf16:
        t.copy<lagom::bf16>(from);
        break;
      default:
        return lagom::failure{.code = lagom::errc::wrong_dtype};
    }
    return t;
  }

  // Calls `use(lagom::mat_view<const W>)` with the stored type W.
  template <class Use>
  decltype(auto) visit(Use&& use) const {
    return std::visit(
        [&]<class W>(const std::vector<W>& w) -> decltype(auto) {
          return use(lagom::mat_view<const W>(w.data(), rows_, cols_));
        },
        elements_);
  }

  // Copies row `r`.
  template <class T>
  void row(lagom::index_t r, T* out) const {
    visit([&](auto m) {
      for (lagom::index_t j = 0; j < cols_; ++j) out[j] = static_cast<T>(m(r, j));
    });
  }

 private:
  template <class W>
  void copy(const lagom::io::tensor_view& from) {
    auto& w = elements_.emplace<std::vector<W>>(from.elements());
    if (!w.empty()) std::memcpy(w.data(), from.bytes.data(), from.bytes.size());
  }

  lagom::index_t rows_ = 0, cols_ = 0;
  std::variant<std::vector<float>, std::vector<double>, std::vector<lagom::f16>, std::vector<lagom::bf16>>
      elements_;
};

}  // namespace decoder
