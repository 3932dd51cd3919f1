#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/io/sentencepiece_test.cpp, made by SentencePiece (PyPI: sentencepiece 0.2, protobuf) and
Hugging Face tokenizers 0.23.

Writes into tests/oracle/golden/sentencepiece/:
  <name>.model    models with every option that changes ids, trained on text that this script makes up or put
                  together by hand
  hf_<name>.json  Unigram tokenizers in Hugging Face's format
  texts.json      {"utf8": texts, "ill_formed": bytes in hexadecimal}
  expected.json   for each model {"ids": of all texts, then of all ill-formed ones; "decode": [ids, text] of those
                  and of ids put together at random}; for a tokenizer.json {"ids", "decode"} of the texts alone
  outside.json    (only with --data) number of tokens and a hash of all ids, for files that are not here

Deterministic: no clock, no random source but its own; run it again and nothing changes.
"""
import argparse
import base64
import io
import json
import os
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Tokenizer

from tokenizer_json import PIECES, Lcg, corpus, fnv, sentence, texts

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "golden", "sentencepiece")

# Each line: code points, a tab, what they become. The longest fits first in SentencePiece, the shortest in HF.
RULES = [
    "9\t20", "A\t20", "D\t20", "D A\t20", "A0\t20", "3000\t20", "200B\t20", "FEFF\t", "AD\t", "FB01\t66 69", "2460\t31",
    "41 301\tC1", "61 301\tE1", "61 301 323\t61", "65 301\tE9", "A0 301\t20 27", "FDFA\t635 20 644", "FF21\t41", "FF01\t21",
    "1E9B 323\t1E69", "1100 1161\tAC00", "1100 1161 11A8\tAC01", "915 93C\t958", "2167\t56 49 49 49", "1F1EB\t46",
]


def train(model_type, vocab=300, rules=None, lines=None, **options):
    out = io.BytesIO()
    args = dict(sentence_iterator=iter(lines or corpus()[:500]), model_writer=out, model_type=model_type, num_threads=1,
                vocab_size=vocab, character_coverage=0.98, normalization_rule_name="identity", minloglevel=2)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as table:
        if rules:
            table.write("\n".join(rules) + "\n")
            table.flush()
            args["normalization_rule_tsv"] = table.name
            args.pop("normalization_rule_name")
        sentencepiece.SentencePieceTrainer.train(**args, **options)
    model = pb.ModelProto()
    model.ParseFromString(out.getvalue())
    model.normalizer_spec.normalization_rule_tsv = ""
    return model


def by_hand(model_type, pieces, **options):
    """A model of pieces (text, score, type)."""
    model = pb.ModelProto()
    for text, score, kind in [("<unk>", 0, 2), ("<s>", 0, 3)] + pieces:
        model.pieces.add(piece=text, score=score, type=kind)
    model.trainer_spec.model_type = model_type
    for key, value in options.items():
        setattr(model.trainer_spec if hasattr(model.trainer_spec, key) else model.normalizer_spec, key, value)
    return model


NORMAL, UNKNOWN, CONTROL, SYMBOL, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM, BPE = 1, 2
MARK = "\u2581"
LETTERS = [(c, -6.5 - i / 7, NORMAL) for i, c in enumerate(MARK + "abcdeiknortu ")]


def models():
    raw = dict(add_dummy_prefix=False, remove_extra_whitespaces=False)
    yield "unigram", train("unigram", rules=RULES)
    yield "unigram_bytes", train("unigram", vocab=520, byte_fallback=True, split_digits=True)
    yield "unigram_raw", train("unigram", **raw, user_defined_symbols=["the", "<mask>", "a b", MARK + "w", "  "])
    yield "unigram_suffix", train("unigram", treat_whitespace_as_suffix=True)
    yield "unigram_across", train("unigram", split_by_whitespace=False, unk_surface="?")
    yield "bpe", train("bpe", rules=RULES, control_symbols=["<c>"])
    yield "bpe_bytes", train("bpe", vocab=520, byte_fallback=True, **raw, allow_whitespace_only_pieces=True)
    yield "bpe_symbols", train("bpe", user_defined_symbols=["the", "<mask>", "is", MARK + "w"], treat_whitespace_as_suffix=True)
    yield "bpe_across", train("bpe", split_by_whitespace=False, remove_extra_whitespaces=False)
    yield "char", train("char", user_defined_symbols=["the"])
    yield "word", train("word", vocab=80)
    # Ties: equal scores in two roundings, and sums that pass 1e5.
    yield "ties", by_hand(UNIGRAM, LETTERS + [("aa", -2.1, NORMAL), ("aaa", -3.3, NORMAL), ("00", -1.1, NORMAL), ("0", -7.7, NORMAL),
                                              ("ab", -4.2, SYMBOL), ("ba", -0.1, UNUSED), ("9", -999.9, NORMAL), ("99", -57.3, NORMAL),
                                              ("999", -944.6, NORMAL)])
    # Pieces without a split into pieces, equal scores, score 0 above all, unused ones on the way.
    yield "scores", by_hand(BPE, LETTERS + [("ab", -1, NORMAL), ("aa", -1, NORMAL), ("aab", 0, NORMAL), ("xy", -2, NORMAL),
                                            ("xyz", -1, NORMAL), ("in", -3, UNUSED), ("ind", -2.5, NORMAL), ("er", -4, UNUSED),
                                            ("the", -0.5, NORMAL), ("th", -5, UNUSED), ("\u4e2d\u6587", -1, NORMAL), ("z", -9, UNUSED)])


ILL_FORMED = [
    "80", "61ff62", "c328", "e4b8", "e4b8207a", "f09f98", "eda080", "c0af", "f8888080", "20c320", "e29681ff", "ffe29681", "f4908080",
    "61cc", "efbfbd", "efbf", "e29620", "ff" * 9, "746865ff746865", "00", "610062",
]


def inputs():
    lcg = Lcg(11)
    out = texts()[:52]
    out += ["a" * n for n in (2, 3, 4, 5, 30)] + ["0" * n for n in (3, 4, 300)] + ["9" * 230, "ab" * 9 + "ba", "xyzzy xy xyz aabab", "inder thin"]
    out += ["a" + MARK + "b" + MARK * 2 + "c " + MARK, MARK, MARK * 3, " the  the the ", "a b a  b", "<s></s><unk><c><mask>", "A\u0301 a\u0301\u0323 \ufb01\u0301\r\n\t\ufeff"]
    out += ["".join(lcg.pick(PIECES + ["the", "a", " "]) for _ in range(12)) for _ in range(12)]
    return list(dict.fromkeys(out))


def expected(model, plain, ill_formed):
    sp = sentencepiece.SentencePieceProcessor()
    sp.LoadFromSerializedProto(model.SerializeToString(deterministic=True))
    ids = [sp.encode(t) for t in plain] + [sp.encode(bytes.fromhex(t)) for t in ill_formed]
    lcg = Lcg(5)
    lists = ids[::4] + [[lcg.below(sp.get_piece_size()) for _ in range(1 + lcg.below(9))] for _ in range(40)]
    return {"ids": ids, "decode": [[x, sp.decode(x)] for x in lists]}


def hf_families(built):
    def document(name, normalizer, pre_tokenizer, decoder, **options):
        model = built[name]
        entries = [[p.piece, p.score] for p in model.pieces]
        return {
            "version": "1.0", "truncation": None, "padding": None, "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "post_processor": None, "decoder": decoder, "model": dict({"type": "Unigram", "unk_id": 0, "vocab": entries}, **options),
            "added_tokens": [{"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                              "special": True} for i, c in enumerate(["<unk>", "<s>", "</s>"])],
        }

    rules = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(built["unigram"].normalizer_spec.precompiled_charsmap).decode()}
    mark = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always", "split": True}
    legacy = {"type": "Metaspace", "replacement": MARK, "add_prefix_space": True}

    def sequence(kind, *steps):
        names = {"n": ("normalizers", "Sequence"), "p": ("pretokenizers", "Sequence"), "d": ("decoders", "Sequence")}[kind]
        return {"type": names[1], names[0]: list(steps)}

    def replace(pattern, content, kind="String"):
        return {"type": "Replace", "pattern": {kind: pattern}, "content": content}

    t5 = document("unigram", rules, sequence("p", {"type": "WhitespaceSplit"}, legacy), legacy)
    del t5["model"]["type"]
    yield "hf_t5", t5
    yield "hf_xlmr", document("unigram", sequence("n", rules, replace(" {2,}", " ", "Regex")), mark, mark)
    yield "hf_albert", document("unigram", sequence("n", replace("``", '"'), replace("''", '"'), {"type": "NFKD"}, {"type": "StripAccents"},
                                                    {"type": "Lowercase"}, rules), mark, mark)
    yield "hf_first", document("unigram", rules, dict(mark, prepend_scheme="first"), mark)
    yield "hf_bytes", document("unigram_bytes", None, dict(mark, split=False), sequence("d", replace(MARK, " "), {"type": "ByteFallback"},
                                                                                       {"type": "Fuse"}), byte_fallback=True)
    # What the reference does with odd vocabularies: a piece listed twice, a run of unknown characters that is a piece.
    odd = document("unigram", None, None, None)
    odd["model"]["vocab"] = [["<unk>", 30], ["xy", 30], ["z", 30], ["a", -1], ["a", 31.5], ["", 3], ["aa", 30.2], ["the", 62.1], ["th", 40]]
    odd["added_tokens"] = []
    yield "hf_odd", odd


def outside(folder):
    rows = []

    def add(name, file, encode):
        with open(os.path.join(folder, "text", file), "rb") as f:
            lines = f.read().split(b"\n")
        state, tokens = fnv(b""), 0
        for line in lines:
            ids = encode(line)
            tokens += len(ids)
            state = fnv(b"".join(i.to_bytes(4, "little") for i in ids) + b"\xff\xff\xff\xff", state)
        rows.append({"tokenizer": name, "text": file, "lines": len(lines), "tokens": tokens, "fnv1a": "%016x" % state})

    for file in sorted(os.listdir(os.path.join(folder, "text"))):
        name = "sentencepiece_test_model.model"
        sp = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "tokenizers", name))
        add(name, file, sp.encode)
        name = "sw_xlmr_unigram50k_tokenizer.json"
        tok = Tokenizer.from_file(os.path.join(folder, "tokenizers", name))
        add(name, file, lambda line: tok.encode(line.decode(), add_special_tokens=False).ids)
    return rows


def write(name, value):
    path = os.path.join(GOLDEN, name)
    data = value if isinstance(value, bytes) else (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    with open(path, "wb") as f:
        f.write(data)
    return len(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", metavar="DIR", help="the folder of outside data: also write outside.json")
    options = parser.parse_args()
    os.makedirs(GOLDEN, exist_ok=True)
    plain, total, answers, built = inputs(), 0, {}, {}
    total += write("texts.json", {"utf8": plain, "ill_formed": ILL_FORMED})
    for name, model in models():
        built[name] = model
        answers[name] = expected(model, plain, ILL_FORMED)
        total += write(name + ".model", model.SerializeToString(deterministic=True))
    for name, doc in hf_families(built):
        tok = Tokenizer.from_str(json.dumps(doc))
        ids = [tok.encode(t, add_special_tokens=False).ids for t in plain]
        answers[name] = {"ids": ids, "decode": [[x, tok.decode(x, skip_special_tokens=False)] for x in ids[::4]]}
        total += write(name + ".json", doc)
    total += write("expected.json", answers)
    if options.data:
        total += write("outside.json", outside(options.data))
    print(total, "bytes")


if __name__ == "__main__":
    main()
