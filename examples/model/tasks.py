"""Task generators.

An item is a list of pieces. A piece is a string, or a pair (string, label): after the last token of a labelled
piece the network is taught to say the label. The labels inside a prompt are the running results of the task
(the room after each step of a walk, the partial sum after each number); they are training targets only and never
appear in the text. Every piece starts and ends at a boundary of the pre-tokenizer, so pieces can be encoded alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Callable

from words import (ANIMALS, BAD, CATEGORIES, COLOURS, DIGITS, DOORS, DYES, FLIP, GOOD, KEEP, LETTERS, NAMES,
                   OPPOSITES, ROOMS, SHUFFLES, SPELLS, THINGS)

MODULUS = 7


@dataclass
class Item:
    """One question: the pieces of its prompt, its answer, and further questions about the same facts."""

    pieces: list
    answer: str
    more: list = field(default_factory=list)  # [(pieces, answer)], used in training only

    @property
    def prompt(self) -> str:
        return "".join(p if isinstance(p, str) else p[0] for p in self.pieces)


@dataclass(frozen=True)
class Task:
    """A named generator: make(rng, size) gives an Item; sizes the file uses, sizes training may use."""

    name: str
    grade: str
    make: Callable[[random.Random, int], Item]
    sizes: tuple[int, ...]
    train_sizes: tuple[int, ...]
    chance: float  # accuracy of a uniform guess among the possible answers
    filed: bool = True  # in the task file, or in training only


# --- easy -----------------------------------------------------------------------------------------------------

def sentiment_not(rng, size):
    """Polarity of one adjective, turned over by a negation."""
    good = rng.random() < 0.5
    flip = rng.random() < 0.35
    adjective = rng.choice(GOOD if good != flip else BAD)
    middle = rng.choice(FLIP) if flip else rng.choice(KEEP + [""])
    parts = ["The", rng.choice(THINGS)]
    if rng.random() < 0.5:
        parts += ["in the", rng.choice(ROOMS)]
    parts += [rng.choice(["was", "is", "seemed", "felt"])] + ([middle] if middle else []) + [adjective]
    if rng.random() < 0.4:
        parts += ["to", rng.choice(NAMES)]
    return Item(["Review:", *(" " + w for w in parts), "\n", "Mood", ":"], "positive" if good else "negative")


def sentiment_count(rng, size):
    """More good things than bad ones, or fewer; "not" turns the next word over."""
    good = rng.random() < 0.5
    majority = rng.randint(size // 2 + 1, size)
    votes = [good] * majority + [not good] * (size - majority)
    rng.shuffle(votes)
    things = rng.sample(THINGS, size)
    pieces = ["Notes", ":"]
    for i, (vote, thing) in enumerate(zip(votes, things)):
        flip = rng.random() < 0.3
        pieces += [" not"] * flip + [" " + rng.choice(GOOD if vote != flip else BAD), " " + thing]
        pieces.append("," if i + 1 < size else "\n")
    return Item(pieces + ["Overall", ":"], "positive" if good else "negative")


def opposite(rng, size):
    """The word said, or its opposite after an odd number of nots."""
    word, nots = rng.choice(list(OPPOSITES)), rng.choice((0, *range(size + 1)))
    parts = [rng.choice(NAMES), "says", "the", rng.choice(THINGS), "is", *["not"] * nots, word]
    pieces = ["Saying", ":", *(" " + w for w in parts)]
    return Item([*pieces, "\n", "So", ":"], OPPOSITES[word] if nots % 2 else word)


def larger(rng, size):
    """Which of two numbers is larger, compared digit by digit."""
    low, high = 10 ** (size - 1), 10 ** size - 1
    a, b = rng.sample(range(low, high + 1), 2)
    return Item(["Numbers", ":", f" {a}", f" {b}", "\n", "Larger", ":"], "first" if a > b else "second")


def chosen(rng, size):
    """The one word of a list that has a yes before it."""
    words = rng.sample([w for group in CATEGORIES for w in group], size)
    at = rng.randrange(size)
    pieces = ["Choice", ":"]
    for i, word in enumerate(words):
        pieces += [" yes" if i == at else " no", " " + word, "," if i + 1 < size else "\n"]
    return Item([*pieces, "Chosen", ":"], words[at])


def odd_one(rng, size):
    """The word that is of another kind than the rest."""
    usual, other = rng.sample(CATEGORIES, 2)
    words = rng.sample(usual, size - 1)
    odd = rng.choice(other)
    words.insert(rng.randint(0, size - 1), odd)
    return Item(["Kinds", ":", *(" " + w for w in words), "\n", "Odd", ":"], odd)


# --- medium ---------------------------------------------------------------------------------------------------

def _queries(rng, facts, questions):
    """Facts, then one question; the other questions follow as further lines in training."""
    rng.shuffle(questions)
    (key, answer), *rest = questions
    return Item([*facts, " " + key, ":"], answer, [([" " + k, ":"], a) for k, a in rest])


def recall(rng, size):
    """Look up the digit written after a letter."""
    keys = rng.sample(LETTERS, size)
    values = rng.sample(DIGITS, size)
    facts = ["Keys", ":"]
    for i, (k, v) in enumerate(zip(keys, values)):
        facts += [" " + k, " " + v, "," if i + 1 < size else "\n"]
    return _queries(rng, facts + ["Key"], list(zip(keys, values)))


def after(rng, size):
    """The element that follows a given one in a list."""
    words = rng.sample(LETTERS, size)
    facts = ["List", ":", *(" " + w for w in words), "\n", "After"]
    return _queries(rng, facts, list(zip(words, words[1:])))


def two_hop(rng, size):
    """A name points to a letter, the letter to a digit."""
    names = rng.sample(NAMES, size)
    letters = rng.sample(LETTERS, size)
    values = dict(zip(letters, rng.sample(DIGITS, size)))
    facts = ["Desks", ":"]
    for i, (n, k) in enumerate(zip(names, letters)):
        facts += [" " + n, " " + k, "," if i + 1 < size else ";"]
    order = rng.sample(letters, size)
    for i, k in enumerate(order):
        facts += [" " + k, " " + values[k], "," if i + 1 < size else "\n"]
    return _queries(rng, facts + ["Desk of"], [(n, values[k]) for n, k in zip(names, letters)])


BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}


def brackets(rng, size):
    """The bracket that must close next."""
    while True:
        stack, pieces = [], ["Open", ":"]
        for left in range(size, 0, -1):
            if stack and (rng.random() < 0.45):
                pieces.append(" " + BRACKETS[stack.pop()])
            else:
                stack.append(rng.choice(list(BRACKETS)))
                pieces.append(" " + stack[-1])
            if stack:
                pieces[-1] = (pieces[-1], BRACKETS[stack[-1]])
        if stack and len(pieces) > 2:
            return Item([*pieces, "\n", "Close", ":"], BRACKETS[stack[-1]])


def parity(rng, size):
    """Does x occur an even or an odd number of times."""
    count, pieces = 0, ["Marks", ":"]
    for _ in range(size):
        mark = rng.choice("xxov")
        count += mark == "x"
        pieces.append((" " + mark, "odd" if count % 2 else "even"))
    return Item([*pieces, "\n", "Crosses", ":"], "odd" if count % 2 else "even")


def add_up(rng, size):
    """Sum of a few digits, modulo 7."""
    total, pieces = 0, ["Sum", ":"]
    for _ in range(size):
        digit = rng.randrange(MODULUS)
        total = (total + digit) % MODULUS
        pieces.append((f" {digit}", str(total)))
    return Item([*pieces, "\n", "Rest", ":"], str(total))


# --- hard -----------------------------------------------------------------------------------------------------

COUNTS = {"next": lambda n: n + 1, "back": lambda n: n - 1, "double": lambda n: 2 * n, "triple": lambda n: 3 * n}


def _permutations(seed, states, moves):
    """A fixed table: each move sends every state to another one, one to one."""
    rng = random.Random(seed)
    table = {}
    for move in moves:
        while True:
            image = rng.sample(states, len(states))
            if all(a != b for a, b in zip(states, image)):
                break
        table[move] = dict(zip(states, image))
    return table


def _walk(name, what, table, start, row, end):
    """A task: where a row of moves leads from a state. Every move is a fixed permutation of the states."""
    moves = list(table)
    states = list(table[moves[0]])

    def make(rng, size):
        state = rng.choice(states)
        pieces = [start, ":", " " + state, "\n", row, ":"]
        for _ in range(size):
            move = rng.choice(moves)
            state = table[move][state]
            pieces.append((" " + move, state))
        return Item([*pieces, "\n", end, ":"], state)

    make.__doc__ = what
    return Task(name, "hard", make, (8, 9), tuple(range(1, 10)), 1 / len(states))


TASKS = [
    Task("sentiment_not", "easy", sentiment_not, (1,), (1,), 1 / 2),
    Task("sentiment_count", "easy", sentiment_count, (3,), (3,), 1 / 2),
    Task("opposite", "easy", opposite, (3,), (1, 2, 3), 1 / 2),
    Task("larger", "easy", larger, (3,), (1, 2, 3), 1 / 2, filed=False),
    Task("odd_one", "easy", odd_one, (5,), (4, 5), 1 / 5, filed=False),
    Task("chosen", "easy", chosen, (5, 6), (3, 4, 5, 6), 1 / 6),
    Task("after", "medium", after, (6, 7, 8), (3, 4, 5, 6, 7, 8), 1 / 7),
    Task("recall", "medium", recall, (5, 6), (2, 3, 4, 5, 6), 1 / 6, filed=False),
    Task("two_hop", "medium", two_hop, (4,), (2, 3, 4), 1 / 4, filed=False),
    Task("brackets", "medium", brackets, (8, 9, 10), tuple(range(1, 11)), 1 / 4),
    Task("parity", "medium", parity, (7, 8, 9), tuple(range(1, 10)), 1 / 2),
    Task("add_up", "medium", add_up, (5,), (1, 2, 3, 4, 5), 1 / 7),
    _walk("rooms", "Where a walk through a fixed house ends.",
          _permutations("house", ROOMS, DOORS), "Start", "Walk", "Room"),
    _walk("spells", "What an animal becomes under a row of spells.",
          _permutations("spells", ANIMALS, SPELLS), "Beast", "Cast", "Now"),
    _walk("paints", "The colour after a row of additions.",
          _permutations("dyes", COLOURS, DYES), "Paint", "Add", "Gives"),
    _walk("deck", "Where a card is after a row of shuffles.",
          _permutations("shuffles", DIGITS[1:9], SHUFFLES), "Card", "Shuffle", "Place"),
    _walk("counter", "A number modulo 7 after a row of operations.",
          {move: {str(n): str(f(n) % MODULUS) for n in range(MODULUS)} for move, f in COUNTS.items()},
          "Number", "Do", "Result"),
]
