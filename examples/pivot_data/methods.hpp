// SPDX-License-Identifier: MIT
// Which rows a quad becomes, by the name of a method.
#pragma once

#include <functional>
#include <lagom/prompt/chat_family.hpp>
#include <lagom/prompt/collides.hpp>
#include <lagom/prompt/fit_row.hpp>
#include <lagom/prompt/free_fields.hpp>
#include <vector>

#include "row_writer.hpp"

namespace pivot_data {

struct language_options {
  std::string tag, name, instruction, response;  // headers; empty: those that the library knows
};

struct method_options {
  std::string method = "plug", style = "plug", trained = "all", cut = "contents", on_collision = "error";
  language_options pivot{"en", {}, {}, {}}, target;
  std::string system, pivot_system, target_system;  // {pivot} and {target} stand for the names
  std::string translate = "Translate this text into {target}.";
  std::string end;  // of answers; empty: the style's
};

[[nodiscard]] const std::vector<std::string>& method_names();
[[nodiscard]] const std::vector<std::string>& style_names();

// The language of some options. Ends the program for a tag without headers.
[[nodiscard]] lagom::prompt::language language_of(const language_options& o, const char* which);

// TaCo's answer (arXiv 2311.10797): three labels, each with its text on one line.
[[nodiscard]] lagom::prompt::grammar<3> taco_grammar(const lagom::prompt::language& pivot,
                                                     const lagom::prompt::language& target,
                                                     std::array<std::string, 3>& labels);

// Makes the rows of quads and gives them to a writer.
class method {
 public:
  explicit method(const method_options& o);
  ~method();
  method(const method&) = delete;
  method& operator=(const method&) = delete;

  // What ends an answer.
  [[nodiscard]] const std::string& end() const noexcept { return end_; }
  // Calls `visit(kind, pieces)` for every row that is there of a quad; every other one is lost in the writer.
  void rows(const lagom::prompt::quad& q, row_writer& out, bool asks,
            const std::function<void(std::string_view, const segment_list&)>& visit) const;

 private:
  struct shared;
  std::unique_ptr<shared> with_;
  std::string end_;
};

}  // namespace pivot_data
