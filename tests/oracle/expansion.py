#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/vocab/expansion_golden_test.cpp (PyPI: tokenizers 0.23, sentencepiece 0.2, transformers 5).

Writes tests/oracle/golden/expansion/*.json:
  byte_level.json   a byte-level source trained by Hugging Face tokenizers; continued BPE, the auxiliary top k and the
                    prepended mode by brute force (everything counted anew for every token); ids by tokenizers with the
                    tokenizer.json that results
  byte_fallback.json  the same of a model of characters with byte tokens, continued BPE only
  scored.json       a SentencePiece model and what the library does with pieces at score 0, exchanged in rounds, and
                    with pieces below the least score
  unigram.json      a SentencePiece unigram vocabulary, and new pieces for it: candidates by brute force, segmentations by
                    tokenizers, their scores fitted in rounds
  merges.json       transformers' generate_merges on made-up vocabularies

Deterministic: no clock, no random source but its own; run it again and nothing changes.
"""
import io
import json
import math
import os
from collections import Counter

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers.tokenization_utils_sentencepiece import generate_merges

from tokenizer_json import HERE, WORDS, Lcg, sentence

GOLDEN = os.path.join(HERE, "golden", "expansion")
MARK = "\u2581"


def letters():
    own = list(range(0x21, 0x7F)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    table, n = {}, 0
    for b in range(256):
        if b in own:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


LETTERS = letters()
BYTES = {c: b for b, c in LETTERS.items()}


def spell(data):
    return "".join(LETTERS[b] for b in data)


def unspell(text):
    return bytes(BYTES[c] for c in text)


# ---- brute force ---------------------------------------------------------------------------------------------------


def pair_counts(words):
    counts = Counter()
    for word, count in words:
        end = {}
        for i in range(len(word) - 1):
            pair = (word[i], word[i + 1])
            if None in (p[0] for p in pair) or end.get(pair, 0) > i:
                continue
            end[pair] = i + 2
            counts[pair] += count
    return counts


def merge_all(word, pair, whole):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(whole)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


def continued(words, known, k, min_gain=2, rule=lambda a, b: True):
    """words: [symbols, count]; a symbol is (text, None), or (None, text) for a character that is no token."""
    words = [list(w) for w in words]
    known, learned = set(known), []
    while len(learned) < k:
        best = None
        for (a, b), count in pair_counts(words).items():
            text = a[0] + b[0]
            if text in known or len(text) > 64 or not rule(a[0], b[0]):
                continue
            key = (-count, a[0], b[0])
            if best is None or key < best:
                best = key
        lost = Counter()
        for word, count in words:
            for s in word:
                if s[0] is None:
                    lost[s[1]] += count
        unit = min(((-(len(c) - 1) * n, c) for c, n in lost.items() if n >= min_gain and len(c) > 1), default=None)
        if unit is not None and (best is None or unit[0] <= best[0]):
            if -unit[0] < min_gain:
                break
            learned.append((unit[1], None, None, -unit[0]))
            known.add(unit[1])
            words = [[[(unit[1], None) if s == (None, unit[1]) else s for s in w], n] for w, n in words]
        elif best is not None and -best[0] >= min_gain:
            a, b = best[1], best[2]
            learned.append((a + b, a, b, -best[0]))
            known.add(a + b)
            words = [[merge_all(w, ((a, None), (b, None)), (a + b, None)), n] for w, n in words]
        else:
            break
    return learned


# ---- byte level ----------------------------------------------------------------------------------------------------


def hf_bpe(vocab, merges, **options):
    return Tokenizer(models.BPE(vocab=vocab, merges=merges, **options))


def pieces_of(lines):
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return Counter(piece for line in lines for piece, _ in cut.pre_tokenize_str(line))


def ids(tokenizer, piece):
    return tokenizer.encode(piece, add_special_tokens=False).ids


def top_k(aux, counts, known, k):
    """The most frequent tokens of an auxiliary vocabulary that are not known, each with its parts."""
    rule = {text: (a, b) for text, a, b, _ in aux}
    vocab = {LETTERS[b]: b for b in range(256)}
    for text, *_ in aux:
        vocab[spell(text)] = len(vocab)
    tokenizer = hf_bpe(vocab, [(spell(a), spell(b)) for _, a, b, _ in aux])
    by_id = {i: unspell(t) for t, i in vocab.items()}
    frequency = Counter()
    for piece, n in counts.items():
        for i in ids(tokenizer, piece):
            frequency[by_id[i]] += n
    chosen = set()

    def lacks(text):
        if text in known or text in chosen:
            return set()
        return {text}.union(*(lacks(part) for part in rule.get(text, ())))

    for text, n in sorted(frequency.items(), key=lambda x: (-x[1], x[0])):
        if text not in known and len(chosen | lacks(text)) <= k:
            chosen |= lacks(text)
    return [text for text, *_ in aux if text in chosen]


def prepended(source_vocab, source_merges, aux, k):
    vocab, count = dict(source_vocab), 0
    for text, a, b, _ in aux:
        if count >= k:
            break
        if text in vocab:
            continue
        for part in (a, b, text):
            if part not in vocab:
                vocab[part] = len(vocab)
                count += 1
    front = [(a, b) for text, a, b, _ in aux if a in vocab and b in vocab and text in vocab]
    return vocab, front + [m for m in source_merges if m not in set(front)]


def byte_level():
    lcg = Lcg(77)
    english = [w for w in WORDS if all(ord(c) < 128 for c in w)][:30]
    others = [w for w in WORDS if any(ord(c) > 127 for c in w)]
    pick = lambda words, n: " ".join(lcg.pick(words[: 1 + lcg.below(len(words))]) for _ in range(n))
    source_lines = [pick(english, 12) for _ in range(60)]
    target_lines = [pick(others, 10) for _ in range(60)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        source_lines, trainers.BpeTrainer(vocab_size=340, initial_alphabet=sorted(alphabet), show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    vocab = model["vocab"]
    merges = [tuple(m) for m in model["merges"]]
    plain = hf_bpe(vocab, merges)
    by_id = {i: unspell(t) for t, i in vocab.items()}
    target, source = pieces_of(target_lines), pieces_of(source_lines)
    words = [[[(by_id[i], None) for i in ids(plain, p)], n] for p, n in sorted(target.items())]
    known = set(by_id.values())
    checked = sorted(target) + sorted(source)

    def outcome(new, new_merges):
        all_vocab = dict(vocab)
        for text in new:
            all_vocab[spell(text)] = len(all_vocab)
        both = hf_bpe(all_vocab, new_merges)
        return [ids(both, p) for p in checked]

    learned = continued(words, known, 120)
    aux = continued([[[(bytes([b]), None) for b in unspell(p)], n] for p, n in sorted(target.items())],
                    {bytes([b]) for b in range(256)}, 200)
    chosen = top_k(aux, target, known, 60)
    rule = {text: (a, b) for text, a, b, _ in aux}
    in_front, front_merges = prepended(by_id_texts(by_id), [tuple(map(unspell, m)) for m in merges], aux, 60)
    front = sorted((t for t in in_front if in_front[t] >= len(vocab)), key=in_front.get)
    appended = lambda pairs: merges + [(spell(a), spell(b)) for a, b in pairs]
    save("byte_level.json", {
        "vocab": [t for t, _ in sorted(vocab.items(), key=lambda x: x[1])],
        "merges": merges,
        "target": sorted(target.items()),
        "source": sorted(source.items()),
        "source_ids": [ids(plain, p) for p in checked],
        "continued": {
            "tokens": [[spell(t), spell(a), spell(b), g] for t, a, b, g in learned],
            "ids": outcome([t for t, *_ in learned], appended([(a, b) for _, a, b, _ in learned])),
        },
        "auxiliary": {"tokens": [[spell(t), *map(spell, rule[t])] for t in chosen],
                      "ids": outcome(chosen, appended([rule[t] for t in chosen]))},
        "prepended": {"tokens": [spell(t) for t in front],
                      "trained": [[spell(a), spell(b)] for _, a, b, _ in aux],
                      "merges": [[spell(a), spell(b)] for a, b in front_merges],
                      "ids": outcome(front, [(spell(a), spell(b)) for a, b in front_merges])},
    })


def by_id_texts(by_id):
    return {text: i for i, text in by_id.items()}


# ---- characters with byte tokens -----------------------------------------------------------------------------------


def byte_fallback():
    lcg = Lcg(99)
    latin = [w for w in WORDS if all(ord(c) < 0x250 for c in w)][:40]
    others = [w for w in WORDS if any(ord(c) > 0x370 for c in w)][:60]
    pick = lambda words, n: [lcg.pick(words[: 1 + lcg.below(len(words))]) for _ in range(n)]
    vocab = {"<unk>": 0, **{f"<0x{b:02X}>": b + 1 for b in range(256)}}
    corpus = Counter(MARK + w for w in pick(latin, 600))
    for c in sorted({c for w in corpus for c in w}):
        vocab[c] = len(vocab)
    source = continued([[[(c.encode(), None) for c in w], n] for w, n in sorted(corpus.items())],
                       {t.encode() for t in vocab}, 80)
    merges = []
    for text, a, b, _ in source:
        vocab[text.decode()] = len(vocab)
        merges.append((a.decode(), b.decode()))
    options = dict(byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    plain = hf_bpe(vocab, merges, **options)
    target = Counter()
    for _ in range(150):
        target["".join(MARK + w for w in pick(others + latin[:5], 4))] += 1 + lcg.below(3)
    by_id = {i: t for t, i in vocab.items()}

    def symbols(piece):
        out, at = [], 0
        found = ids(plain, piece)
        while found:
            text = by_id[found[0]]
            if text.startswith("<0x"):
                size = len(piece[at].encode())
                out.append((None, piece[at].encode()))
                found, at = found[size:], at + 1
            else:
                out.append((text.encode(), None))
                found, at = found[1:], at + len(text)
        return out

    words = [[symbols(p), n] for p, n in sorted(target.items())]
    learned = continued(words, {t.encode() for t in vocab}, 100, rule=lambda a, b: not b.startswith(MARK.encode()))
    both = dict(vocab)
    for text, *_ in learned:
        both[text.decode()] = len(both)
    more = hf_bpe(both, merges + [(a.decode(), b.decode()) for _, a, b, _ in learned if a is not None], **options)
    save("byte_fallback.json", {
        "vocab": [t for t, _ in sorted(vocab.items(), key=lambda x: x[1])],
        "merges": merges,
        "target": sorted(target.items()),
        "source_ids": [ids(plain, p) for p in sorted(target)],
        "continued": {
            "tokens": [[t.decode(), (a or b"").decode(), (b or b"").decode(), g] for t, a, b, g in learned],
            "ids": [ids(more, p) for p in sorted(target)],
        },
    })


# ---- SentencePiece -------------------------------------------------------------------------------------------------


def train_sentencepiece(lines, size):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=size, model_type="bpe", character_coverage=1.0,
        normalization_rule_name="identity", num_threads=1, minloglevel=2, bos_id=-1, eos_id=-1)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto


def scored():
    lcg = Lcg(5)
    english = [w for w in WORDS if all(ord(c) < 128 and c.isalpha() for c in w)]
    others = [w for w in WORDS if w.isalpha() and any(ord(c) > 127 for c in w) and ord(max(w)) < 0x250] + english[:6]
    pick = lambda words, n: " ".join(lcg.pick(words[: 1 + lcg.below(len(words))]) for _ in range(n))
    source_lines = [pick(english, 10) for _ in range(120)]
    target_lines = [pick(others, 10) for _ in range(80)]
    # The source knows the characters of both, so that nothing is lost.
    source = train_sentencepiece(source_lines + [" ".join(sorted(set("".join(others))))], 150)
    auxiliary = train_sentencepiece(target_lines, 130)
    names = {p.piece for p in source.pieces}
    candidates = [p.piece for p in auxiliary.pieces if p.type == 1]

    def library(pieces):
        proto = sentencepiece_model_pb2.ModelProto()
        proto.CopyFrom(source)
        for text, score in pieces:
            proto.pieces.add(piece=text, score=score)
        return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())

    words = Counter(MARK + w for line in target_lines for w in line.split())
    encode = lambda model, word: model.encode(word[1:])
    k, queue = 40, [c for c in candidates if c not in names]
    chosen, queue = queue[:k], queue[k:]
    rounds = 0
    while rounds < 10:
        model = library([(c, 0.0) for c in chosen])
        used = {model.id_to_piece(i) for w in words for i in encode(model, w)}
        before, more = len(chosen), bool(queue)
        for c in chosen:  # removing while iterating: the one after a removed piece is not looked at
            if c not in used:
                chosen.remove(c)
        if len(chosen) == before:
            break
        while len(chosen) < k and queue:
            chosen.append(queue.pop(0))
        rounds += 1
        if not more:
            break
    zero = library([(c, 0.0) for c in chosen])
    least = min(p.score for p in source.pieces)
    new = [c for c in candidates if c not in names][:k]
    below = library([(c, least - 1 - i) for i, c in enumerate(new)])
    checked = sorted(words) + sorted({MARK + w for line in source_lines for w in line.split()})
    plain = library([])
    save("scored.json", {
        "pieces": [[p.piece, p.score, p.type] for p in source.pieces],
        "candidates": candidates,
        "target": sorted(words.items()),
        "checked": checked,
        "source_ids": [encode(plain, w) for w in checked],
        "zero": {"tokens": chosen, "rounds": rounds, "ids": [encode(zero, w) for w in checked]},
        "below": {"tokens": new, "ids": [encode(below, w) for w in checked]},
    })


# ---- generate_merges -----------------------------------------------------------------------------------------------


def merges():
    lcg = Lcg(3)
    cases = []
    hand = dict(zip(["a", "b", "c", "d", "ab", "cd", "abc", "bc"], [-10, -11, -12, -13, -1, -2, 0, 0]))
    for n in range(12):
        if n > 0:
            hand = {}
            for _ in range(60):
                text = "".join(lcg.pick("abé\u0928") for _ in range(1 + lcg.below(5)))
                hand.setdefault(text, -float(lcg.below(12)))
        vocab = {t: i for i, t in enumerate(hand)}
        cases.append({"pieces": list(hand), "scores": list(hand.values()),
                      "scored": generate_merges(vocab, hand), "by_id": generate_merges(vocab)})
    save("merges.json", cases)


# ---- Unigram -------------------------------------------------------------------------------------------------------


def fitted(source, corpus, tokens, rounds, auxiliary, min_count=2):
    """New pieces [text, score, gain] of a unigram vocabulary whose own scores stay."""
    alphabet = sorted({c for piece in corpus for c in piece})
    words = [[[(c, None) for c in piece], n] for piece, n in sorted(corpus.items())]
    learned = continued(words, alphabet, auxiliary - len(alphabet), min_count, lambda a, b: not b.startswith(MARK))
    vocab = {t: i for i, t in enumerate(alphabet + [text for text, *_ in learned])}
    candidates = hf_bpe(vocab, [(a, b) for _, a, b, _ in learned])
    least = min(score for _, score in source)
    old = {text for text, _ in source}

    def counts_by(model):
        counts = Counter()
        for piece, n in corpus.items():
            for token in model.encode(piece).tokens:
                counts[token] += n
        return counts

    def model_of(fresh):
        return Tokenizer(models.Unigram(source + list(fresh.items()), 0, False))

    plain = model_of({})
    counts = counts_by(candidates)
    total = sum(counts.values())
    fresh = {t: max(least, math.log(n / total)) for t, n in sorted(counts.items()) if t not in old}
    for number in range(rounds):
        counts = Counter()
        model = model_of(fresh)
        by_id = dict(enumerate([t for t, _ in source] + list(fresh)))
        for piece, n in corpus.items():
            for i in ids(model, piece):
                counts[by_id[i]] += n
        total = sum(counts.values())
        fresh = {t: max(least, math.log(counts[t] / total)) for t in fresh if counts[t] >= min_count}
        gain = {}
        for t in fresh:
            under = ids(plain, t)
            gain[t] = counts[t] * (len(t.encode()) if 0 in under else len(under) - 1)
        if number + 2 >= rounds:
            order = sorted(fresh, key=lambda t: (-gain[t], t.encode()))[:tokens]
            fresh = {t: fresh[t] for t in order}
    return [[t, score, gain[t]] for t, score in fresh.items()], model_of(fresh), plain


def unigram():
    lcg = Lcg(31)
    latin = [w for w in WORDS if all(ord(c) < 0x250 for c in w)][:60]
    others = [w for w in WORDS if any(ord(c) > 0x370 for c in w)][:40]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(lcg.pick(latin) for _ in range(8)) for _ in range(300)]), model_writer=model,
        vocab_size=90, model_type="unigram", character_coverage=1.0, normalization_rule_name="identity", num_threads=1,
        minloglevel=2, bos_id=-1, eos_id=-1)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    source = [(p.piece, p.score) for p in proto.pieces]
    corpus = Counter()
    for _ in range(120):
        words = [lcg.pick((others + latin[:15])[: 1 + lcg.below(len(others) + 15)]) for _ in range(3)]
        corpus["".join(MARK + w for w in words)] += 1 + lcg.below(3)
    found, target, plain = fitted(source, corpus, tokens=40, rounds=3, auxiliary=300)
    save("unigram.json", {
        "pieces": source,
        "target": sorted(corpus.items()),
        "source_ids": [ids(plain, p) for p in sorted(corpus)],
        "tokens": found,
        "ids": [ids(target, p) for p in sorted(corpus)],
    })


def save(name, value):
    os.makedirs(GOLDEN, exist_ok=True)
    with open(os.path.join(GOLDEN, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    byte_level()
    byte_fallback()
    scored()
    unigram()
    merges()
