"""Tokenizer, task file and the endless stream of training sequences."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import text
import words
from tasks import COUNTS, TASKS, Item, Task

VOCABULARY = 896
END = "<|endoftext|>"
TRAIN_ITEMS, TEST_ITEMS = 250, 1000
SECOND_LANGUAGE_SHARE = 0.015  # of all training tokens
TEXT_SHARE = 0.10
ANSWER, STEP, TEXT, NEWLINE = 1.0, 0.25, 0.5, 0.05  # weights of the kinds of targets
TEXT_TARGETS = 0.3  # share of the positions of running text that carry a target
# How often a task is drawn, by grade or name, in the three phases of training: while items grow, for depth, and for
# look-ups, which form late.
ODDS = {"growing": {"easy": 1.5, "medium": 1.5, "hard": 1.0},
        "deep": {"easy": 0.5, "medium": 1.0, "hard": 2.5},
        "look-ups": {"easy": 1.0, "medium": 1.0, "hard": 1.0, "after": 4.0, "recall": 4.0, "two_hop": 4.0}}


# --- tokenizer ------------------------------------------------------------------------------------------------

def whole_words() -> list[str]:
    """Words that must be one token after a space: answers and what the tasks are made of."""
    groups = [words.LETTERS, words.DIGITS, words.NAMES, words.DOORS, words.SPELLS, words.DYES, words.SHUFFLES,
              list(COUNTS), list(words.OPPOSITES), *words.CATEGORIES,
              ["positive", "negative", "even", "odd", "first", "second", "not", "yes", "no"]]
    return sorted({w for group in groups for w in group} | set("([{<)]}>"))


def line_starts() -> list[str]:
    """Words that stand at the start of a line in the tasks, with no space before them."""
    rng = random.Random("line starts")
    lines = {line for task in TASKS for line in task.make(rng, task.sizes[0]).prompt.split("\n")}
    return sorted({line.split(":")[0].split(" ")[0] for line in lines})


def tokenizer_corpus(seed: int):
    """Text the merges are learned on: stories, a little second language, tasks, and the whole words."""
    rng = random.Random(f"{seed} tokenizer")
    for _ in range(3000):
        yield text.story(rng)
    for _ in range(60):
        yield text.second_language(rng)
    for task in TASKS:
        if task.name == "larger":  # digits stay apart
            continue
        for _ in range(200):
            item = task.make(rng, rng.choice(task.sizes))
            yield item.prompt
    for _ in range(6000):
        yield "".join(" " + w for w in whole_words())
        yield "\n".join(line_starts())


def train_tokenizer(seed: int) -> Tokenizer:
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(tokenizer_corpus(seed), trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    broken = [w for w in whole_words() if len(tok.encode(" " + w).ids) != 1]
    if broken:
        raise ValueError(f"not one token each: {broken}")
    return tok


class Encoder:
    """Encodes pieces with a cache; a piece starts and ends where the pre-tokenizer splits anyway."""

    def __init__(self, tok: Tokenizer):
        self.tok, self.cache = tok, {}
        self.end = tok.token_to_id(END)

    def __call__(self, piece: str) -> list[int]:
        ids = self.cache.get(piece)
        if ids is None:
            ids = self.tok.encode(piece).ids
            if len(piece) < 16:
                self.cache[piece] = ids
        return ids

    def word(self, answer: str) -> int:
        (token,) = self(" " + answer)
        return token


# --- task file ------------------------------------------------------------------------------------------------

def make_task_rows(seed: int, tok: Tokenizer) -> list[dict]:
    """Distinct items of every task, checked: one answer token, prompt a prefix of prompt + answer, pieces exact."""
    encode, rows = Encoder(tok), []
    for task in (t for t in TASKS if t.filed):
        rng = random.Random(f"{seed} file {task.name}")
        seen: set[str] = set()
        while len(seen) < TRAIN_ITEMS + TEST_ITEMS:
            item = task.make(rng, rng.choice(task.sizes))
            if item.prompt in seen:
                continue
            whole = tok.encode(item.prompt + " " + item.answer).ids
            pieces = [i for p in item.pieces for i in encode(p if isinstance(p, str) else p[0])]
            if pieces + [encode.word(item.answer)] != whole or tok.encode(item.prompt).ids != pieces:
                raise ValueError(f"{task.name}: the answer is not one token after the prompt: {item.prompt!r}")
            split = "train" if len(seen) < TRAIN_ITEMS else "test"
            seen.add(item.prompt)
            rows.append({"task": task.name, "grade": task.grade, "split": split, "prompt": item.prompt,
                         "answer": item.answer})
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows), encoding="utf-8")


def read_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- training stream ------------------------------------------------------------------------------------------

class Stream:
    """Batches of packed sequences: items of one task with a blank line between, or running text.

    Items of the task file are never drawn. `stage` in [0, 1] widens the sizes of the items from small to all;
    `phase` names the odds of the tasks.
    """

    def __init__(self, seed: str, tok: Tokenizer, forbidden: set[str]):
        self.rng = random.Random(seed)
        self.encode = Encoder(tok)
        self.forbidden = forbidden
        self.stage, self.phase = 1.0, "deep"

    def _size(self, task: Task) -> int:
        sizes = task.train_sizes[:max(1, round(len(task.train_sizes) * self.stage))]
        return self.rng.choice(sizes[-2:] if self.rng.random() < 0.5 else sizes)

    def _item(self, task: Task) -> Item:
        while True:
            item = task.make(self.rng, self._size(task))
            if item.prompt not in self.forbidden:
                return item

    def _append(self, ids, targets, weights, pieces, answer):
        for piece in pieces:
            label = None
            if not isinstance(piece, str):
                piece, label = piece
            for token in self.encode(piece):
                ids.append(token)
                targets.append(0)
                weights.append(0.0)
            if label is not None:
                targets[-1], weights[-1] = self.encode.word(label), STEP
        targets[-1], weights[-1] = self.encode.word(answer), ANSWER
        newline = self.encode("\n")[0]
        ids += [self.encode.word(answer), newline]
        targets += [newline, newline]
        weights += [NEWLINE, 0.0]

    def task_sequence(self, length: int):
        odds = ODDS[self.phase]
        (task,) = self.rng.choices(TASKS, [odds.get(t.name, odds[t.grade]) for t in TASKS])
        ids, targets, weights = [], [], []
        newline = self.encode("\n")[0]
        follow = self.rng.random() < (0.5 if self.stage >= 1 else 0.8)
        while len(ids) < length:
            item = self._item(task)
            self._append(ids, targets, weights, item.pieces, item.answer)
            if follow:
                for pieces, answer in item.more:
                    self._append(ids, targets, weights, pieces, answer)
            ids.append(newline)
            targets.append(0)
            weights.append(0.0)
        return ids[:length], targets[:length], weights[:length]

    def text_sequence(self, length: int):
        second = self.rng.random() < SECOND_LANGUAGE_SHARE / TEXT_SHARE
        ids = []
        while len(ids) <= length:
            ids += self.encode(text.second_language(self.rng) if second else text.story(self.rng)) + [self.encode.end]
        weights = [TEXT if self.rng.random() < TEXT_TARGETS else 0.0 for _ in range(length)]
        return ids[:length], ids[1:length + 1], weights

    def batch(self, count: int, length: int):
        """Arrays (count, length): token ids, targets, weights (0: no target)."""
        rows = [self.text_sequence(length) if self.rng.random() < TEXT_SHARE else self.task_sequence(length)
                for _ in range(count)]
        ids, targets, weights = zip(*rows)
        return np.array(ids, np.int64), np.array(targets, np.int64), np.array(weights, np.float32)
