#!/usr/bin/env python3
"""Golden files of the embedding initializers: random vocabulary changes, and what NumPy makes of each.

Writes tests/oracle/golden/embedding_plans/<set>.json (the change, and which method makes which row) and
<set>.safetensors (the source rows and every initializer's new rows, float64). Nothing here shares code or
algorithms with the library: merges are followed by recursion, tuples are averaged one occurrence at a time, the
generator is written from Salmon et al. (SC 2011).

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/embedding_plans.py
"""

import argparse
import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

SEED = 42
ALPHABETS = {"latin": "abcdefgh", "cyrillic": "абвг", "bengali": "কখগ", "common": "12!"}
SCRIPT = {letter: script for script, letters in ALPHABETS.items() for letter in letters}
SCRIPT[" "] = "common"


def philox(key: int, stream: int, counter: int):
    """Philox4x32-10: four words."""
    low, high = (lambda x: x & 0xFFFFFFFF), (lambda x: x >> 32)
    c = [low(counter), high(counter), low(stream), high(stream)]
    k = [low(key), high(key)]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [high(b) ^ c[1] ^ k[0], low(b), high(a) ^ c[3] ^ k[1], low(a)]
        k = [low(k[0] + 0x9E3779B9), low(k[1] + 0xBB67AE85)]
    return c


def normal(token: int, columns: int, seed: int = SEED):
    out = []
    for pair in range((columns + 1) // 2):
        w = philox(seed, token, pair)
        u = ((w[1] << 32 | w[0]) >> 11) / 2.0**53
        v = ((w[3] << 32 | w[2]) >> 11) / 2.0**53
        radius = np.sqrt(-2 * np.log(1 - u))
        out += [radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)]
    return np.array(out[:columns])


def kind(text: bytes):
    """Majority script, the first on a tie, common only alone; and whether a blank begins it."""
    letters = [SCRIPT[c] for c in text.decode("utf-8", "ignore")]
    if not letters:
        return None
    real = [s for s in letters if s != "common"] or letters
    return max(dict.fromkeys(real), key=real.count), text[:1] == b" "


class Change:
    """A random change: some tokens shared, some with rules, tuples, pieces, some with nothing."""

    def __init__(self, seed: int, source_size: int, target_size: int, columns: int, replaces: bool):
        rng = np.random.default_rng(seed)
        word = lambda: self.word(rng)
        self.source_size = source_size
        self.rows = rng.normal(size=(source_size, columns)) * rng.uniform(0.5, 2, size=(source_size, 1)) + 0.3
        self.source_bytes = [word() for _ in range(source_size)]
        self.same = [-1] * target_size
        if replaces:
            for t, s in zip(rng.permutation(target_size)[: target_size // 3], rng.permutation(source_size)):
                self.same[t] = int(s)
            self.wanted = list(range(target_size))
        else:
            self.same[:source_size] = range(source_size)
            self.wanted = list(range(source_size, target_size))
        self.bytes = [word() if rng.uniform() < 0.8 else b"" for _ in self.wanted]
        self.pieces = [
            rng.integers(0, source_size, rng.integers(1, 5)).tolist() if rng.uniform() < 0.7 else [] for _ in self.wanted
        ]
        self.rules = []
        for row, token in enumerate(self.wanted):
            parts = [t for t in range(target_size) if self.same[t] >= 0] + self.wanted[:row]
            for _ in range(rng.integers(0, 3)):
                if len(parts) > 0:
                    left, right = rng.choice(parts, 2)
                    self.rules.append([int(left), int(right), token])
        rng.shuffle(self.rules)
        self.alignment = []
        for token in self.wanted:
            if rng.uniform() < 0.5:
                continue
            tuples = {}
            for _ in range(rng.integers(1, 4)):
                ids = rng.integers(0, source_size, rng.integers(0, 4)).tolist()
                shares = [1] * len(ids) if seed % 2 else rng.integers(1, 5, len(ids)).tolist()
                tuples[tuple(zip(ids, shares))] = int(rng.integers(1, 9))
            self.alignment += [[token, [list(p) for p in pieces], count] for pieces, count in tuples.items()]

    @staticmethod
    def word(rng):
        letters = ALPHABETS[list(ALPHABETS)[rng.integers(0, len(ALPHABETS))]]
        text = "".join(rng.choice(list(letters), rng.integers(1, 5)))
        if rng.uniform() < 0.2:
            text += "a"
        return ((" " if rng.uniform() < 0.5 else "") + text).encode()

    # ---- one function a method: a row, or None ----

    def mean(self, r):
        return self.rows[self.pieces[r]].mean(0) if self.pieces[r] else None

    def subword(self, r, weights):
        ids = self.pieces[r]
        if not ids:
            return None
        n = len(ids)
        w = {"sum": [1] * n, "first": [1] + [0] * (n - 1), "last": [0] * (n - 1) + [1],
             "rising": np.arange(1, n + 1) / (n * (n + 1) / 2),
             "falling": np.arange(n, 0, -1) / (n * (n + 1) / 2)}[weights]
        return np.asarray(w, float) @ self.rows[ids]

    def merge(self, r, flat=False, first=False):
        def value(token):  # row, number of leaves
            if self.same[token] >= 0:
                return self.rows[self.same[token]], 1.0
            rules = dict.fromkeys((a, b) for a, b, t in self.rules if t == token)
            found = []
            for left, right in rules:
                a, b = value(left), value(right)
                if a is None or b is None:
                    continue
                share = a[1] / (a[1] + b[1]) if flat else 0.5
                found.append((share * a[0] + (1 - share) * b[0], a[1] + b[1]))
            if not found:
                return None
            if first:
                return found[0]
            return sum(v for v, _ in found) / len(found), sum(n for _, n in found) / len(found)

        out = value(self.wanted[r])
        return None if out is None else out[0]

    def align(self, r, consider_mean=False):
        tuples = [(p, c) for t, p, c in self.alignment if t == self.wanted[r] and p]
        if consider_mean and self.pieces[r]:
            tuples.append(([[i, 1] for i in self.pieces[r]], max((c for _, c in tuples), default=1)))
        occurrences = []
        for pieces, count in tuples:
            shares = np.array([s for _, s in pieces], float)
            occurrences += [shares / shares.sum() @ self.rows[[i for i, _ in pieces]]] * count
        return np.mean(occurrences, 0) if occurrences else None

    def script(self, r, ddof=1):
        mine = kind(self.bytes[r])
        group = [i for i, b in enumerate(self.source_bytes) if kind(b) == mine]
        if mine is None or len(group) < 2:
            return None
        rows = self.rows[group]
        return rows.mean(0) + rows.std(0, ddof=ddof) * normal(self.wanted[r], rows.shape[1])

    def gaussian(self, r, deviation=1.0, ddof=0):
        mean = self.rows.mean(0)
        return mean + deviation * self.rows.std(0, ddof=ddof) * normal(self.wanted[r], len(mean))

    # ---- the initializers ----

    def chain(self, *methods):
        rows, made_by = [], []
        for r, token in enumerate(self.wanted):
            if self.same[token] >= 0:
                rows.append(self.rows[self.same[token]])
                made_by.append("copy")
                continue
            for name, method in methods:
                row = method(r)
                if row is not None:
                    rows.append(row)
                    made_by.append(name)
                    break
        return np.array(rows), made_by

    def initializers(self):
        whole = ("source_mean", lambda r: self.rows.mean(0))
        script = ("script_gaussian", self.script)
        mean = ("mean", self.mean)
        merge = ("merge", self.merge)
        yield "random", self.chain(("random", self.gaussian))
        yield "random_ddof1", self.chain(("random", lambda r: self.gaussian(r, ddof=1)))
        yield "source_mean", self.chain(whole)
        yield "resized", self.chain(("source_mean", lambda r: self.gaussian(r, np.sqrt(1e-9))))
        yield "script_gaussian", self.chain(script, whole)
        yield "mean", self.chain(mean, script, whole)
        for weights in ("sum", "first", "last", "rising", "falling"):
            yield weights, self.chain(("subword", lambda r, w=weights: self.subword(r, w)), script, whole)
        yield "merge_tree", self.chain(merge, mean, script, whole)
        yield "merge_tree_first", self.chain(("merge", lambda r: self.merge(r, first=True)), mean, script, whole)
        yield "merge_flat", self.chain(("merge", lambda r: self.merge(r, flat=True)), mean, script, whole)
        yield "align", self.chain(("align", self.align), merge, mean, script, whole)
        yield "align_mean", self.chain(("align", lambda r: self.align(r, True)), merge, mean, script, whole)
        rows, made_by = self.chain(mean, script, whole)
        length = lambda m: np.linalg.norm(m, axis=1, keepdims=True)
        norms = length(self.rows)
        yield "mean_median_norm", (rows / length(rows) * np.quantile(norms, 0.5), made_by)
        yield "mean_mean_norm", (rows / length(rows) * norms.mean() * 1.5, made_by)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).parent
    parser.add_argument("--out", type=pathlib.Path, default=here / "golden" / "embedding_plans")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, arguments in {"expansion": (1, 30, 60, 7, False), "replacement": (2, 40, 45, 6, True),
                            "shares": (4, 25, 50, 5, False)}.items():
        change = Change(*arguments)
        tensors, made_by = {"source": change.rows}, {}
        for initializer, (rows, methods) in change.initializers():
            assert np.isfinite(rows).all() and len(rows) == len(change.wanted)
            tensors["rows." + initializer] = np.ascontiguousarray(rows)
            made_by[initializer] = methods
        save_file(tensors, args.out / f"{name}.safetensors")
        content = {"source_size": change.source_size, "same": change.same, "wanted": change.wanted,
                   "bytes": [b.hex() for b in change.bytes], "source_bytes": [b.hex() for b in change.source_bytes],
                   "pieces": change.pieces, "rules": change.rules, "alignment": change.alignment, "made_by": made_by}
        (args.out / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
