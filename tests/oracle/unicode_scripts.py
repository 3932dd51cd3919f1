#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes include/lagom/text/script_table.hpp from the Unicode script data in fontTools (PyPI: fonttools).

Deterministic for one version of the package; the header says which version of Unicode it holds.
"""
import os
import re
import textwrap

from fontTools.unicodedata import Scripts

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "..", "include", "lagom", "text", "script_table.hpp")
FIRST = ["Zzzz", "Zyyy", "Zinh"]  # what "unknown", "common" and "inherited" are called


def fill(items):
    return textwrap.fill(", ".join(items), width=108, initial_indent="    ", subsequent_indent="    ",
                         break_long_words=False, break_on_hyphens=False)


def main():
    with open(Scripts.__file__, encoding="utf-8") as f:
        version = re.search(r"Scripts-([0-9.]+)\.txt", f.read()).group(1)
    used = set(Scripts.VALUES)
    codes = FIRST + sorted((c for c in used if c not in FIRST), key=lambda c: Scripts.NAMES[c])
    number = {code: i for i, code in enumerate(codes)}
    assert len(codes) <= 192, "script_set holds 192 scripts"
    names = [Scripts.NAMES[c] for c in codes]
    starts = ["0x%X" % (start << 8 | number[code]) for start, code in zip(Scripts.RANGES, Scripts.VALUES)]
    both = ['{"%s", "%s"}' % (c, n) for c, n in zip(codes, names)]
    text = f"""// SPDX-License-Identifier: MIT
/// @file text/script_table.hpp
/// The scripts of Unicode {version}, and which characters are of each. Made by tests/oracle/unicode_scripts.py.
#pragma once

#include <string_view>

#include "../core/types.hpp"

namespace lagom {{
inline namespace v0 {{

// clang-format off

/// A script of the Unicode Standard (annex 24), by its long name. `unknown` is what is not assigned, a surrogate
/// or for private use; `common` and `inherited` are shared by many scripts.
enum class script : std::uint8_t {{
{fill([n.lower() for n in names])}
}};

namespace detail {{

/// Code of ISO 15924 and long name, by number.
struct script_label {{
  std::string_view code, name;
}};
inline constexpr script_label script_labels[] = {{
{fill(both)}
}};

/// Where a run of characters of one script begins, times 256, plus the number of the script; rising.
inline constexpr std::uint32_t script_starts[] = {{
{fill(starts)}
}};

}}  // namespace detail

// clang-format on

}}  // namespace v0
}}  // namespace lagom
"""
    with open(TABLE, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
