// expect: template_text: a value is given for a name that is no placeholder
// SPDX-License-Identifier: MIT
#include <lagom/prompt.hpp>
using namespace lagom::prompt;

constexpr auto ask = template_text<"{premise} Question: {hypothesis}">;
#ifdef WITHOUT_FAULT
constexpr auto asked = ask(value<"premise">("a"), value<"hypothesis">("b"));
#else
constexpr auto asked = ask(value<"premise">("a"), value<"hypotesis">("b"));
#endif
