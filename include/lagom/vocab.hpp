// SPDX-License-Identifier: MIT
/// @file vocab.hpp
/// Umbrella of the vocabulary family: BPE models. Nothing here needs a third party.
#pragma once

#include "vocab/bpe.hpp"
#include "vocab/byte_alphabet.hpp"
#include "vocab/merge_loop.hpp"
#include "vocab/merge_table.hpp"
#include "vocab/token_table.hpp"
#include "vocab/utf8.hpp"
