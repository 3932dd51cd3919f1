// SPDX-License-Identifier: MIT
/// @file vocab.hpp
/// Umbrella of the vocabulary family: tokenizers, and what is known of a vocabulary change. Nothing here needs a third party.
#pragma once

#include "vocab/alignment_counts.hpp"
#include "vocab/bpe.hpp"
#include "vocab/byte_alphabet.hpp"
#include "vocab/byte_arena.hpp"
#include "vocab/byte_counts.hpp"
#include "vocab/corpus_counts.hpp"
#include "vocab/expansion.hpp"
#include "vocab/ids.hpp"
#include "vocab/merge_loop.hpp"
#include "vocab/merge_table.hpp"
#include "vocab/piece_trie.hpp"
#include "vocab/pre_token.hpp"
#include "vocab/ragged.hpp"
#include "vocab/script.hpp"
#include "vocab/script_table.hpp"
#include "vocab/token_counts.hpp"
#include "vocab/token_table.hpp"
#include "vocab/token_vectors.hpp"
#include "vocab/unigram.hpp"
#include "vocab/utf8.hpp"
