# SPDX-License-Identifier: MIT
"""Tokenization of cold text, lagom beside its peers in one run: one thread each, the best of several runs, the
same lines, identical ids or it says so. Lines that hold an added token are left out: not all peers look for them.

    tokenize_peers.py BENCH_TOKENIZE

BENCH_TOKENIZE is the compiled bench/tokenize.cpp. Tokenizers and texts come from the folder in LAGOM_TEST_DATA, or
are made by that program. Peers that are not installed are skipped by name: the Python packages `tokenizers` and
`tiktoken`, and SentencePiece (the library that the program was compiled with).
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

try:
    import tokenizers
except ImportError:
    tokenizers = None
try:
    import tiktoken
except ImportError:
    tiktoken = None

GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
ROUNDS = 3


def best_of(run, repetitions=2):
    """CPU seconds of the fastest run, and what it returned."""
    best, out = float("inf"), None
    for _ in range(repetitions):
        begin = time.process_time()
        out = run()
        best = min(best, time.process_time() - begin)
    return best, out


def program(*arguments):
    """(load seconds, seconds, ids) of one call of the compiled program; None where it cannot."""
    with tempfile.NamedTemporaryFile() as ids:
        done = subprocess.run([*arguments, ids.name], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print("  " + done.stderr.strip(), file=sys.stderr)
            return None
        load, seconds, count = done.stdout.split()
        raw = Path(ids.name).read_bytes()
        return float(load), float(seconds), list(struct.unpack(f"<{int(count)}i", raw))


def hf_peer(path, lines):
    """A fresh tokenizer each time, since it remembers words."""
    best, out = float("inf"), None
    for _ in range(2):
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
        seconds, encoded = best_of(lambda: tokenizer.encode_batch_fast(lines, add_special_tokens=False), 1)
        if seconds < best:
            best, out = seconds, encoded
    return best, [i for e in out for i in e.ids]


def byte_ranks(document):
    """tiktoken's ranks of a byte-level tokenizer with GPT-2's split, and the ids of its ranks; None for others.
    Its rank is its place among the merges, after the bytes, whatever the ids are."""
    pre, model = document.get("pre_tokenizer") or {}, document["model"]
    plain = pre.get("type") == "ByteLevel" and pre.get("use_regex", True) and not pre.get("add_prefix_space")
    if not plain or document.get("normalizer") or model.get("type", "BPE") != "BPE":
        return None
    own = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE]
    letters = {chr(b): b for b in own}
    letters |= {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in own)}
    pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"] if not str(m).startswith("#version")]
    order = list(letters) + [a + b for a, b in pairs]
    ranks = {}
    for text in order:
        ranks.setdefault(bytes(letters[c] for c in text), len(ranks))
    return ranks, [model["vocab"][text] for text in dict.fromkeys(order)]


def tiktoken_peer(ranks, ids, lines):
    encoding = tiktoken.Encoding("bench", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
    seconds, encoded = best_of(lambda: [encoding.encode_ordinary(line) for line in lines])
    batch, _ = best_of(lambda: encoding.encode_ordinary_batch(lines, num_threads=1))
    return min(seconds, batch), [ids[i] for line in encoded for i in line]


def wire(field, kind, value):
    """One field of a protocol buffer."""
    def varint(n):
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])
    key = varint(field << 3 | kind)
    return key + (varint(value) if kind == 0 else value if kind == 5 else varint(len(value)) + value)


def sentencepiece_model(document):
    """The SentencePiece file of a tokenizer.json that was converted from one of the Llama-2 kind: a piece's score
    falls with the place of its first merge. None for others."""
    model, normalizer = document["model"], json.dumps(document.get("normalizer"))
    if not model.get("byte_fallback") or document.get("pre_tokenizer") or "Prepend" not in normalizer:
        return None
    special = {t["content"] for t in document["added_tokens"]}
    pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
    ranks = {}
    for a, b in pairs:
        ranks.setdefault(a + b, len(ranks))
    out = b""
    for text, _ in sorted(model["vocab"].items(), key=lambda x: x[1]):
        is_byte = len(text) == 6 and text.startswith("<0x")
        kind = 2 if text == model["unk_token"] else 6 if is_byte else 3 if text in special else 1
        score = struct.pack("<f", -float(ranks.get(text, len(ranks))) if kind == 1 else 0.0)
        out += wire(1, 2, wire(1, 2, text.encode()) + wire(2, 5, score) + wire(3, 0, kind))
    trainer = wire(3, 0, 2) + wire(35, 0, 1)
    rules = wire(1, 2, b"identity") + wire(3, 0, 1) + wire(4, 0, 0) + wire(5, 0, 1)
    return out + wire(2, 2, trainer) + wire(3, 2, rules)


def row(name, size, seconds, count, lagom=None, same=True):
    ratio = "" if lagom is None else f"   lagom is {seconds / lagom:6.1f} x as fast"
    differs = "" if same else "   OTHER IDS"
    print(f"    {name:24} {1e-6 * size / seconds:8.1f} MB/s {1e-6 * count / seconds:8.2f} Mtoken/s{ratio}{differs}")


def compare(bench, tokenizer, text, folder):
    """One tokenizer on one text."""
    is_file = tokenizer.suffix == ".model"
    document = None if is_file else json.loads(tokenizer.read_text())
    added = [] if is_file else [t["content"] for t in document["added_tokens"]]
    lines = [line for line in text.read_text().split("\n") if not any(t in line for t in added)]
    title, text = text.name, Path(folder, "lines.txt")
    lines = [line for line in lines if line]
    content = "".join(line + "\n" for line in lines).encode()
    text.write_bytes(content)
    peers = {}
    if tokenizers and not is_file:
        peers["tokenizers"] = lambda: hf_peer(tokenizer, lines)
    ranks = byte_ranks(document) if tiktoken and not is_file else None
    if ranks:
        peers["tiktoken"] = lambda: tiktoken_peer(*ranks, lines)
    model = tokenizer.read_bytes() if is_file else sentencepiece_model(document)
    if model:
        path = Path(folder) / "peer.model"
        path.write_bytes(model)
        peers["SentencePiece"] = lambda: (program(bench, "--sentencepiece", str(path), str(text)) or (0,))[1:]
    ours, others, load = None, {}, 0
    for _ in range(ROUNDS):
        run = program(bench, "--lagom", str(tokenizer), str(text))
        if run is None:
            return
        load, ours = run[0], min(ours or run[1:], run[1:], key=lambda r: r[0])
        for name, peer in peers.items():
            found = peer()
            if found:
                others[name] = min(others.get(name, found), found, key=lambda r: r[0])
    print(f"  {title}")
    row(f"lagom (loaded in {1e3 * load:.0f} ms)", len(content), ours[0], len(ours[1]))
    for name, (seconds, ids) in others.items():
        row(name, len(content), seconds, len(ids), ours[0], ids == ours[1])


def main():
    bench = sys.argv[1]
    for name, module in (("tokenizers", tokenizers), ("tiktoken", tiktoken)):
        print(f"{name} {module.__version__}" if module else f"{name} is not installed: skipped")
    with tempfile.TemporaryDirectory() as folder:
        data = os.environ.get("LAGOM_TEST_DATA")
        if data:
            files = sorted(Path(data, "tokenizers").iterdir())
            chosen = [f for f in files if f.name.endswith(("tokenizer.json", ".model"))]
            texts = sorted(Path(data, "text").iterdir())
        else:
            subprocess.run([bench, "--make", folder], check=True)
            chosen, texts = [Path(folder, "made_tokenizer.json")], [Path(folder, "made_text.txt")]
        print(f"texts and tokenizers: {data or 'made here'}")
        for tokenizer in chosen:
            print(f"\n{tokenizer.name}")
            for text in texts:
                compare(bench, tokenizer, text, folder)


if __name__ == "__main__":
    main()
