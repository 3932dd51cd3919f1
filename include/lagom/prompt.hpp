// SPDX-License-Identifier: MIT
/// @file prompt.hpp
/// Umbrella of the prompt family: pivot prompts, instruction data, parsers, mixing, packing. Nothing here needs a third party.
#pragma once

// clang-format off
#include "prompt/best_fit.hpp"
#include "prompt/chat_style.hpp"
#include "prompt/exchange.hpp"
#include "prompt/few_shot.hpp"
#include "prompt/grammar.hpp"
#include "prompt/isolated.hpp"
#include "prompt/joint.hpp"
#include "prompt/label_tokens.hpp"
#include "prompt/label_trie.hpp"
#include "prompt/language.hpp"
#include "prompt/losses.hpp"
#include "prompt/number_answer.hpp"
#include "prompt/numerals.hpp"
#include "prompt/packed.hpp"
#include "prompt/packing_window.hpp"
#include "prompt/plug.hpp"
#include "prompt/prefix_length.hpp"
#include "prompt/price.hpp"
#include "prompt/quad.hpp"
#include "prompt/runaway.hpp"
#include "prompt/scores.hpp"
#include "prompt/sectioned.hpp"
#include "prompt/segment.hpp"
#include "prompt/spans.hpp"
#include "prompt/spelled_offsets.hpp"
#include "prompt/successor_set.hpp"
#include "prompt/task_templates.hpp"
#include "prompt/template_form.hpp"
#include "prompt/template_text.hpp"
#include "prompt/text_template.hpp"
#include "prompt/token_row.hpp"
#include "prompt/word_overlap.hpp"
// clang-format on
