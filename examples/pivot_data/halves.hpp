// SPDX-License-Identifier: MIT
// One language of a data set: instruction and response under an id.
#pragma once

#include <optional>

#include "quads.hpp"

namespace pivot_data {

struct half {
  std::string id, x, y;
  bool number = false;  // the answer has to be one
};

// What a line is, or why it is nothing.
template <class T>
struct read_line {
  T value{};
  std::optional<quad_loss> lost{};
  std::string sentence{};  // of the loss
};

enum class half_format : std::uint8_t { pairs, mgsm, msvamp, xquad };

// By the word, or for "auto" by the end of the file's name and how it begins.
[[nodiscard]] half_format format_of(const std::string& word, const std::string& path);

// A half in a line; `row` counts from 1 and is the id where the format has none.
[[nodiscard]] read_line<half> half_of(half_format format, std::string_view line, std::uint64_t row,
                                      const std::string& path, bool answers);
// A quad in a line of its own: {id, x_p, y_p, x_t, y_t}, or MSVAMP's line with the English question beside.
struct whole_quad {
  half pivot, target;
};
[[nodiscard]] read_line<whole_quad> quad_of(std::string_view line, std::uint64_t row, const quad_input& in);

// All halves of an XQuAD file (SQuAD's JSON): the paragraph and its question, and the first answer.
[[nodiscard]] std::vector<half> xquad_halves(const std::string& path);

// Whether two answers may be those of one quad; what they are where not.
[[nodiscard]] std::optional<std::string> mismatch(const half& pivot, const half& target,
                                                  const quad_input& in);

}  // namespace pivot_data
