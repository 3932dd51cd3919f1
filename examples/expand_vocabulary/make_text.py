#!/usr/bin/env python3
"""Makes the text files beside it: lines in the made-up second language that the example models know a little, and English.

    make_text.py             writes second_language.txt and second_language_held_out.txt, which share no line, and
                             english.txt: stories of the kind that the models were trained on
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "model"))

import text


def main() -> None:
    rng = random.Random("second language corpus")
    lines: dict[str, None] = {}
    while len(lines) < 1320:
        frame = (rng.choice(text.QUALITIES), rng.choice(text.PEOPLE), rng.choice(list(text.ACTIONS)),
                 rng.choice(text.OBJECTS), rng.choice(text.PLACES), rng.choice(text.TIMES))
        lines[text.SECOND.sentence(*frame)] = None
    ordered = list(lines)
    stories = "".join(text.story(rng) for _ in range(100))
    (HERE / "english.txt").write_text(stories, encoding="utf-8")
    for name, part in (("second_language.txt", ordered[:1200]), ("second_language_held_out.txt", ordered[1200:])):
        (HERE / name).write_text("\n".join(part) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
