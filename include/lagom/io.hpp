// SPDX-License-Identifier: MIT
/// @file io.hpp
/// File formats: safetensors, checkpoints, JSON, tokenizer.json, saved policies and traces. Needs nlohmann-json,
/// PCRE2 and utf8proc.
///
/// Include it from translation units built with the program's own baseline flags: unlike the light families,
/// these functions do not carry their compile target in their types.
#pragma once

#include "io/atomic_file.hpp"
#include "io/checkpoint.hpp"
#include "io/describe.hpp"
#include "io/dtype.hpp"
#include "io/json.hpp"
#include "io/jsonl.hpp"
#include "io/mapped_file.hpp"
#include "io/policy_file.hpp"
#include "io/rule_json.hpp"
#include "io/safetensors.hpp"
#include "io/safetensors_writer.hpp"
#include "io/tokenizer_json.hpp"
#include "io/trace_file.hpp"
