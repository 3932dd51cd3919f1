// SPDX-License-Identifier: MIT
/// @file io/fasttext.hpp
/// fastText models: words, and vectors for any word from its n-grams.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "../core/vec_view.hpp"
#include "../vocab/token_table.hpp"
#include "mapped_file.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// A fastText model file (`.bin`, format version 12), read in place: a vector costs the rows it is the mean of.
///
/// The vector of a word is the mean of its own row, if it is in the dictionary, and of the rows of its
/// character n-grams (Bojanowski et al., arXiv 1607.04606): the substrings of `<word>` of `minn` to `maxn` code
/// points, each hashed into `bucket` rows by 32-bit FNV-1a (whose bytes fastText extends with their sign); the
/// single characters `<` and `>` are none. Sums are taken in float in fastText's order: same bits.
/// Memory: the dictionary; the matrices stay in the file.
class fasttext {
 public:
  /// Fails with `cannot_open`, `cannot_read`, `wrong_schema` (no fastText model, or another version),
  /// `unsupported` (a quantized model), `truncated`, `trailing_bytes`, `bad_value`, `duplicate_key`,
  /// `size_mismatch` (a matrix of other extents than the dictionary asks for), `too_large`.
  static result<fasttext> open(const std::string& path) {
    auto file = mapped_file::open(path);
    if (!file) return file.error();
    auto out = parse(file->text());
    if (!out) return out.error().in(path);
    out->file_.emplace(std::move(*file));
    return out;
  }

  /// A model in memory that somebody else keeps.
  static result<fasttext> parse(std::string_view bytes) {
    fasttext out;
    cursor in{bytes};
    if (auto ok = out.read_header(in); !ok) return ok.error();
    if (auto ok = out.read_words(in); !ok) return ok.error();
    if (auto ok = out.read_matrices(in); !ok) return ok.error();
    return out;
  }

  [[nodiscard]] index_t size() const noexcept { return words_.size(); }
  [[nodiscard]] index_t width() const noexcept { return width_; }
  [[nodiscard]] bool has_subwords() const noexcept { return maxn_ > 0; }

  /// Word `i`, the most frequent first. Precondition: 0 <= i < size().
  [[nodiscard]] std::string_view word(index_t i) const noexcept { return words_[static_cast<token_id>(i)]; }

  /// How often word `i` was seen in training.
  [[nodiscard]] std::uint64_t count(index_t i) const noexcept { return counts_[static_cast<std::size_t>(i)]; }

  /// The number of a word, or -1.
  [[nodiscard]] index_t find(std::string_view word) const noexcept { return words_.find(word); }

  /// Writes the vector of any text, zeros and false where nothing of it is known. Precondition: `width` long.
  bool vector_of(std::string_view word, vec_view<float> out) const {
    for (index_t j = 0; j < width_; ++j) out[j] = 0;
    index_t rows = 0;
    for_each_row(word, [&](index_t row) {
      const char* from = input_.data() + static_cast<std::size_t>(row * width_) * sizeof(float);
      for (index_t j = 0; j < width_; ++j, from += sizeof(float)) {
        float x;
        std::memcpy(&x, from, sizeof x);
        out[j] += x;
      }
      ++rows;
    });
    if (rows == 0) return false;
    const auto by = static_cast<float>(1.0 / static_cast<double>(rows));
    for (index_t j = 0; j < width_; ++j) out[j] *= by;
    return true;
  }

  /// Calls `visit(row)` for the rows of the input matrix whose mean the word's vector is.
  template <class Visit>
  void for_each_row(std::string_view word, Visit visit) const {
    if (const index_t known = find(word); known >= 0) visit(known);
    if (maxn_ <= 0 || word == "</s>") return;
    const std::string marked = "<" + std::string(word) + ">";
    const auto continues = [&](std::size_t i) {
      return (static_cast<unsigned char>(marked[i]) & 0xC0u) == 0x80u;
    };
    for (std::size_t begin = 0; begin < marked.size(); ++begin) {
      if (continues(begin)) continue;
      std::uint32_t hash = 2166136261u;
      std::size_t end = begin;
      for (std::int32_t n = 1; end < marked.size() && n <= maxn_; ++n) {
        do {
          const auto byte = static_cast<std::int8_t>(marked[end++]);
          hash = (hash ^ static_cast<std::uint32_t>(byte)) * 16777619u;
        } while (end < marked.size() && continues(end));
        if (n >= minn_ && !(n == 1 && (begin == 0 || end == marked.size()))) {
          visit(size() + static_cast<index_t>(hash % bucket_));
        }
      }
    }
  }

 private:
  struct cursor {
    std::string_view bytes;
    std::size_t at = 0;

    template <class T>
    [[nodiscard]] bool read(T& out) noexcept {
      if (bytes.size() - at < sizeof(T)) return false;
      std::memcpy(&out, bytes.data() + at, sizeof(T));
      at += sizeof(T);
      return true;
    }
    [[nodiscard]] failure fail(errc code, std::string_view key) const noexcept {
      return failure{.code = code, .key = key, .byte = at};
    }
  };

  fasttext() = default;

  result<done> read_header(cursor& in) {
    std::int32_t magic = 0, version = 0;
    if (!in.read(magic) || magic != 793712314) return in.fail(errc::wrong_schema, "fastText model");
    if (!in.read(version)) return in.fail(errc::truncated, "version");
    if (version != 12) {
      failure f = in.fail(errc::wrong_schema, "version");
      f.expected = 12;
      f.found = static_cast<std::uint32_t>(version);
      return f;
    }
    enum field { dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, rate, fields };
    std::int32_t value[fields];
    double threshold = 0;
    if (!in.read(value) || !in.read(threshold)) return in.fail(errc::truncated, "arguments");
    if (value[dim] < 1) return in.fail(errc::bad_value, "dim");
    if (value[bucket] < 0) return in.fail(errc::bad_value, "bucket");
    if (value[maxn] > 0 && (value[bucket] == 0 || value[minn] < 1)) return in.fail(errc::bad_value, "minn");
    width_ = value[dim];
    bucket_ = static_cast<std::uint32_t>(value[bucket]);
    minn_ = value[minn];
    maxn_ = value[maxn];
    return done{};
  }

  result<done> read_words(cursor& in) {
    std::int32_t size = 0, words = 0, labels = 0;
    std::int64_t tokens = 0, pruned = 0;
    if (!in.read(size) || !in.read(words) || !in.read(labels) || !in.read(tokens) || !in.read(pruned)) {
      return in.fail(errc::truncated, "dictionary");
    }
    if (words < 0 || labels < 0 || size < 0 || std::int64_t{words} + labels != size) {
      return in.fail(errc::bad_value, "dictionary");
    }
    if (pruned >= 0) return in.fail(errc::unsupported, "pruned (quantized) model");
    for (std::int32_t i = 0; i < size; ++i) {
      const std::size_t end = in.bytes.find('\0', in.at);
      if (end == std::string_view::npos) return in.fail(errc::truncated, "dictionary");
      const std::string_view word = in.bytes.substr(in.at, end - in.at);
      in.at = end + 1;
      std::int64_t count = 0;
      std::int8_t type = 0;
      if (!in.read(count) || !in.read(type)) return in.fail(errc::truncated, "dictionary");
      if (count < 0 || type != (i < words ? 0 : 1)) return in.fail(errc::bad_value, word);
      if (type != 0) continue;
      if (auto ok = words_.add(static_cast<token_id>(i), word); !ok) return in.fail(ok.error().code, word);
      counts_.push_back(static_cast<std::uint64_t>(count));
    }
    return done{};
  }

  result<done> read_matrices(cursor& in) {
    auto input = read_matrix(in, "input matrix");
    if (!input) return input.error();
    if (input->rows != static_cast<std::uint64_t>(size()) + bucket_) {
      failure f = in.fail(errc::size_mismatch, "input matrix");
      f.expected = static_cast<std::uint64_t>(size()) + bucket_;
      f.found = input->rows;
      return f;
    }
    input_ = input->bytes;
    if (auto output = read_matrix(in, "output matrix"); !output) return output.error();
    if (in.at != in.bytes.size()) return in.fail(errc::trailing_bytes, "output matrix");
    return done{};
  }

  struct matrix {
    std::uint64_t rows = 0;
    std::string_view bytes{};
  };
  result<matrix> read_matrix(cursor& in, std::string_view name) const {
    std::uint8_t quantized = 0;
    std::int64_t rows = 0, cols = 0;
    if (!in.read(quantized)) return in.fail(errc::truncated, name);
    if (quantized != 0) return in.fail(errc::unsupported, "quantized model");
    if (!in.read(rows) || !in.read(cols)) return in.fail(errc::truncated, name);
    if (rows < 0 || cols != width_) return in.fail(errc::size_mismatch, name);
    const std::size_t pitch = sizeof(float) * static_cast<std::size_t>(width_);
    if (static_cast<std::uint64_t>(rows) > (in.bytes.size() - in.at) / pitch)
      return in.fail(errc::truncated, name);
    const std::size_t length = static_cast<std::size_t>(rows) * pitch;
    const matrix out{static_cast<std::uint64_t>(rows), in.bytes.substr(in.at, length)};
    in.at += length;
    return out;
  }

  std::optional<mapped_file> file_;
  std::string_view input_;
  index_t width_ = 0;
  std::uint32_t bucket_ = 0;
  std::int32_t minn_ = 0, maxn_ = 0;
  vocab::token_table words_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace io
}  // namespace v0
}  // namespace lagom
