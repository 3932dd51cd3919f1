#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers as Babel (CLDR) writes them in the languages of MGSM and others: golden/numbers/formats.tsv.

Columns: language tag, plain decimal value, formatted text. Latin digits and the digits of the script, where it has some.
"""
import random
from decimal import Decimal
from pathlib import Path

from babel.numbers import format_currency, format_decimal

DIGITS = {"bn": ["beng"], "te": ["telu"], "th": ["thai"], "hi": ["deva"], "ar": ["arab"], "fa": ["arabext"]}
LANGUAGES = "en es fr de ru zh ja th sw bn te hi ko it pt el tr vi ar fa pl id sv".split()
CURRENCY = {"en": "USD", "zh": "CNY", "ja": "JPY", "bn": "BDT", "te": "INR", "sw": "USD", "th": "THB", "ko": "KRW"}

draw = random.Random(11)
values = [Decimal(v) for v in ("0 7 18 999 1000 1234 70000 123456 1234567 12345678 -5 -1234 0.5 3.25 1234.5 -98765.43 "
                               "1000000.001").split()]
values += [Decimal(draw.randrange(-10**9, 10**9)) / (10 ** draw.choice([0, 0, 1, 2])) for _ in range(8)]

lines = []
for language in LANGUAGES:
    locale = {"zh": "zh_CN", "pt": "pt_BR", "en": "en_US"}.get(language, language)
    for value in values:
        plain = format(value.normalize(), "f")
        systems = ["latn"] + DIGITS.get(language, [])
        for system in systems:
            text = format_decimal(value, format=None, locale=locale, numbering_system=system)
            shown = value.quantize(Decimal("0.001")).normalize()  # CLDR's default keeps three decimals
            lines.append((language, format(shown, "f"), text))
        if language in CURRENCY and value >= 0 and value == value.to_integral_value():
            text = format_currency(value, CURRENCY[language], locale=locale)
            lines.append((language, plain, text))

out = Path(__file__).parent / "golden" / "numbers" / "formats.tsv"
out.parent.mkdir(exist_ok=True)
marks = dict.fromkeys(map(ord, "\u200e\u200f\u061c"))  # marks of direction are no part of the number
out.write_text("".join("\t".join(l).translate(marks) + "\n" for l in lines), encoding="utf-8")
print(len(lines), "lines")
