// expect: template_text: a value is given twice
// SPDX-License-Identifier: MIT
#include <lagom/prompt.hpp>
using namespace lagom::prompt;

constexpr auto ask = template_text<"{premise} Question: {hypothesis}">;
#ifdef WITHOUT_FAULT
constexpr auto asked = ask(value<"hypothesis">("b"), value<"premise">("a"));
#else
constexpr auto asked = ask(value<"premise">("a"), value<"premise">("a"));
#endif
