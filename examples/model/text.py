"""Running text: short stories in English, and a made-up second language with the same meanings."""

from __future__ import annotations

import random

PEOPLE = ("farmer baker sailor teacher child queen miller hunter weaver painter doctor singer".split())
BEINGS = "cat dog horse bird fox goat duck mouse".split()
OBJECTS = ("boat lamp basket letter apple key rope bell coat book stone cake drum map ladder bucket".split())
PLACES = "river village market forest bridge harbour mill garden tower field".split()
QUALITIES = "old young small big red green quiet brave tired clever".split()
ACTIONS = {"see": "saw", "find": "found", "carry": "carried", "lose": "lost", "sell": "sold", "paint": "painted",
           "hide": "hid", "want": "wanted", "bring": "brought", "clean": "cleaned"}
TIMES = ["in the morning", "at night", "one day", "in the winter", "after the rain", "before lunch"]
FEELINGS = "glad sad proud calm angry hungry".split()
NAMES = "Mara Tom Lena Oskar Nils Vera Ruth Emil Ada Hugo".split()


class SecondLanguage:
    """A made-up language: own roots, the verb last, cases and tense as endings, no articles."""

    ONSETS = "k t p š ž m n r l v ð z g b ķ ñ".split()
    NUCLEI = "a e i o u ā ö ü ō ė".split()
    CODAS = ["", "", "n", "r", "š", "l", "k"]
    OBJECT_ENDING, PLACE_ENDING, PAST_ENDING, TIME_ENDING = "ōm", "ešti", "ðal", "üna"

    def __init__(self, seed: str = "second language"):
        rng = random.Random(seed)
        used: set[str] = set()
        self.roots = {}
        for word in (*PEOPLE, *BEINGS, *OBJECTS, *PLACES, *QUALITIES, *ACTIONS, *TIMES):
            while True:
                root = "".join(rng.choice(self.ONSETS) + rng.choice(self.NUCLEI) + rng.choice(self.CODAS)
                               for _ in range(rng.choice((2, 2, 3))))
                if root not in used:
                    break
            used.add(root)
            self.roots[word] = root

    def sentence(self, quality, subject, action, what, where, when) -> str:
        r = self.roots
        words = [r[when] + self.TIME_ENDING, r[subject] + " " + r[quality], r[where] + self.PLACE_ENDING,
                 r[what] + self.OBJECT_ENDING, r[action] + self.PAST_ENDING]
        line = " ".join(words) + "."
        return line[0].upper() + line[1:]


SECOND = SecondLanguage()


def _frame(rng):
    return (rng.choice(QUALITIES), rng.choice(PEOPLE), rng.choice(list(ACTIONS)), rng.choice(OBJECTS),
            rng.choice(PLACES), rng.choice(TIMES))


def _english(frame) -> str:
    quality, subject, action, what, where, when = frame
    line = f"{when}, the {quality} {subject} {ACTIONS[action]} the {what} near the {where}."
    return line[0].upper() + line[1:]


def story(rng: random.Random) -> str:
    """A story of six to ten sentences about one person, one thing and one animal; what happened is kept track of."""
    name, other = rng.sample(NAMES, 2)
    person, animal, thing, place, far = (rng.choice(PEOPLE), rng.choice(BEINGS), rng.choice(OBJECTS),
                                         *rng.sample(PLACES, 2))
    look, mood = rng.choice(QUALITIES), rng.choice(FEELINGS)
    lines = [rng.choice([f"{name} was a {person} who lived near the {place}.",
                         f"Near the {place} lived a {person}. The name of the {person} was {name}."]),
             rng.choice([f"{name} had a {look} {animal} and a {thing}.",
                         f"The {animal} of {name} was {look}, and {name} had a {thing} too."])]
    for _ in range(rng.randint(2, 5)):
        lines.append(rng.choice([
            f"{rng.choice(TIMES).capitalize()}, {name} took the {thing} to the {far}.",
            f"The {animal} went with {name} to the {far}.",
            f"At the {far} {name} met {other}.",
            f"{other} asked {name} about the {thing}, and {name} was {mood}.",
            f"\"Is this your {thing}?\" asked {other}. \"Yes, it is my {thing},\" said {name}.",
            f"{name} lost the {thing}, but the {animal} found it.",
            f"Then the {animal} hid the {thing} behind the {rng.choice(OBJECTS)}.",
            _english(_frame(rng)),
        ]))
    lines.append(rng.choice([f"In the end {name} and the {animal} went back to the {place}.",
                             f"So {name} gave the {thing} to {other}, and {other} was {mood}.",
                             f"That night {name} was {mood}, and the {animal} slept near the {thing}."]))
    return " ".join(lines) + "\n"


def second_language(rng: random.Random) -> str:
    """A few sentences in the second language, half the time each after its English meaning."""
    frames = [_frame(rng) for _ in range(rng.randint(2, 4))]
    if rng.random() < 0.5:
        return "".join(f"{_english(f)} = {SECOND.sentence(*f)}\n" for f in frames)
    return " ".join(SECOND.sentence(*f) for f in frames) + "\n"
