// expect: template_text: a brace that stands alone is written
// SPDX-License-Identifier: MIT
#include <lagom/prompt.hpp>
using namespace lagom::prompt;

#ifdef WITHOUT_FAULT
constexpr lagom::prompt::template_view ask = template_text<"{{ {premise} }}">;
#else
constexpr lagom::prompt::template_view ask = template_text<"{ {premise} }">;
#endif
