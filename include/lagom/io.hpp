// SPDX-License-Identifier: MIT
/// @file io.hpp
/// File formats: safetensors, checkpoints, JSON, tokenizer.json, saved policies and traces. Needs nlohmann-json,
/// PCRE2 and utf8proc.
///
/// Include it from translation units built with the program's own baseline flags: unlike the light families,
/// these functions do not carry their compile target in their types.
#pragma once

#include "io/any_tokenizer.hpp"
#include "io/atomic_file.hpp"
#include "io/case_forms.hpp"
#include "io/checkpoint.hpp"
#include "io/config_edit.hpp"
#include "io/corpus_checkpoint.hpp"
#include "io/corpus_file.hpp"
#include "io/describe.hpp"
#include "io/dtype.hpp"
#include "io/edit_report.hpp"
#include "io/embedding_tensors.hpp"
#include "io/fasttext.hpp"
#include "io/gpt2_files.hpp"
#include "io/json.hpp"
#include "io/json_text.hpp"
#include "io/jsonl.hpp"
#include "io/mapped_file.hpp"
#include "io/model_directory.hpp"
#include "io/model_editor.hpp"
#include "io/output_directory.hpp"
#include "io/policy_file.hpp"
#include "io/protobuf_wire.hpp"
#include "io/range_writer.hpp"
#include "io/row_edit.hpp"
#include "io/rule_json.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_edit.hpp"
#include "io/safetensors_writer.hpp"
#include "io/sentencepiece.hpp"
#include "io/sentencepiece_model.hpp"
#include "io/sentencepiece_segmenter.hpp"
#include "io/tokenizer_json.hpp"
#include "io/trace_file.hpp"
#include "io/word_vectors.hpp"
