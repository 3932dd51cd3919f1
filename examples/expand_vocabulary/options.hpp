// SPDX-License-Identifier: MIT
// What the program is asked to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "vectors.hpp"

namespace expand_vocabulary {

enum class job { expand, replace, trim, study };

struct options {
  job what = job::expand;
  std::string model = LAGOM_SHIPPED_MODELS "/main";
  std::vector<std::string> corpus{LAGOM_SHIPPED_TEXT "/second_language.txt"};
  std::string held_out, source_corpus, tokens = "100", placement = "append_continued", replace;
  std::vector<std::string> inits;
  std::string head_init, out, json, checkpoint;
  word_vector_files words;
  bool placement_given = false;
  std::uint64_t seed = 42, pad_to = 1, study_from = 1024, vector_lines = 65536;
  std::size_t loss_lines = 200, trim_to = 0;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// Does it all. Ends with support::stop_program where something fails.
int run(const options& o);

}  // namespace expand_vocabulary
