// SPDX-License-Identifier: MIT
/// @file text.hpp
/// Characters: UTF-8 and the scripts of Unicode.
#pragma once

// clang-format off
#include "text/script.hpp"
#include "text/script_table.hpp"
#include "text/text_profile.hpp"
#include "text/utf8.hpp"
// clang-format on
