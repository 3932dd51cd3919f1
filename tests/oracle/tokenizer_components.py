#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/io/tokenizer_components_test.cpp, made by Hugging Face tokenizers (PyPI: tokenizers 0.23).

Components of a tokenizer.json put together at random, around three small models that show where pieces begin. Writes
golden/tokenizers/components.json:
  models   the models; "texts" of tokenizer_json.py are the texts, with some more of this script
  texts    those
  cases    a list a case: number of the model, normalizer, pre_tokenizer, post_processor, decoder, and hashes of the ids
           and offsets, of the ids with special tokens, and of the decoded texts

Deterministic.
"""
import json
import os

from tokenizer_json import CL100K, GOLDEN, GPT4, PIECES, QWEN2, WORDS, Lcg, fnv, offsets_hash, texts, write
from tokenizers import Tokenizer

SCRIPTS = [(0x20, 0x7E), (0xA0, 0xFF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2460, 0x24FF),
           (0x3000, 0x30FF), (0x4E00, 0x4EFF), (0xAC00, 0xACFF), (0xE000, 0xE010), (0xF900, 0xF9FF), (0xFB00, 0xFB4F),
           (0xFE00, 0xFE0F), (0xFF00, 0xFFEF), (0x1F300, 0x1F6FF), (0x1D400, 0x1D4FF), (0x20000, 0x20100), (0, 0x1F),
           (0x7F, 0x9F), (0x1F1E6, 0x1F1FF), (0x860, 0x8FF), (0x10D40, 0x10D8F), (0x2FE0, 0x2FEF)]


def more_texts(lcg):
    out = ["\u0344\u0323" * 4, "\u0323\u0301a", "\u4e2da", "\u00c9\u0323", "a\u0344\u0323 b", "\0\u4e2d\u0301", "\u0301\u0301 x"]
    for _ in range(24):
        out.append("".join(chr(low + lcg.below(high - low + 1)) if lcg.below(3) else lcg.pick(PIECES)
                           for low, high in [lcg.pick(SCRIPTS) for _ in range(4 + lcg.below(9))]))
    return out


def base_models(characters):
    words = ["[UNK]", "<s>", "</s>"] + characters
    bytes_ = ["<0x%02X>" % b for b in range(256)]
    return [
        {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 30,
         "vocab": {t: i for i, t in enumerate(words + ["##" + c for c in characters])}},
        {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "end_of_word_suffix": None,
         "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "merges": [],
         "vocab": {t: i for i, t in enumerate(words + bytes_ + ["##" + c for c in characters[::2]])}},
        {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
         "vocab": [[t, -3.1 - i % 7 / 3.7] for i, t in enumerate(words + ["th", "he", "\u2581t", "is", "an", "aa", "\u0120t"])]},
    ]


def pattern(text, regex=True):
    return {"Regex" if regex else "String": text}


def normalizer(lcg):
    kind = lcg.pick(["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Prepend", "Replace", "Replace",
                     "BertNormalizer", "BertNormalizer", "Nmt", "ByteLevel"])
    out = {"type": kind}
    if kind == "Strip":
        out.update(strip_left=lcg.below(2) == 0, strip_right=lcg.below(2) == 0)
    if kind == "Prepend":
        out["prepend"] = lcg.pick(["\u2581", "ab", "\u00e9"])
    if kind == "Replace":
        out["pattern"] = lcg.pick([pattern(" ", False), pattern("a", False), pattern(r"\s+"), pattern(r"[aeiou]+"),
                                   pattern(r"\p{L}\p{M}*"), pattern(" {2,}")])
        out["content"] = lcg.pick(["", " ", "\u2581", "xy"])
    if kind == "BertNormalizer":
        out.update(clean_text=lcg.below(3) > 0, handle_chinese_chars=lcg.below(3) > 0,
                   strip_accents=lcg.pick([None, True, False]), lowercase=lcg.below(3) > 0)
    return out


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def pre_tokenizer(lcg):
    kind = lcg.pick(["ByteLevel", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Digits", "Punctuation", "Metaspace",
                     "CharDelimiterSplit", "FixedLength", "Split", "Split"])
    out = {"type": kind}
    if kind == "ByteLevel":
        out.update(add_prefix_space=lcg.below(2) == 0, trim_offsets=lcg.below(2) == 0, use_regex=lcg.below(2) == 0)
    if kind == "Digits":
        out["individual_digits"] = lcg.below(2) == 0
    if kind == "Punctuation":
        out["behavior"] = lcg.pick(BEHAVIORS)
    if kind == "Metaspace":
        out.update(replacement="\u2581", prepend_scheme=lcg.pick(["always", "never", "first"]), split=lcg.below(3) > 0)
    if kind == "CharDelimiterSplit":
        out["delimiter"] = lcg.pick(["|", "e", " "])
    if kind == "FixedLength":
        out["length"] = 1 + lcg.below(7)
    if kind == "Split":
        out.update(pattern=pattern(lcg.pick([CL100K, QWEN2, GPT4, r"\s+", r"\p{L}+", r"\d+|\p{P}", r"(?<=\p{Ll})(?=\p{Lu})", r"\b"])),
                   behavior=lcg.pick(BEHAVIORS), invert=lcg.below(5) == 0)
    return out


def decoder(lcg):
    return lcg.pick([
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "a", "cleanup": False},
        {"type": "CTC", "pad_token": "a", "word_delimiter_token": "e", "cleanup": True},
        {"type": "CTC", "pad_token": "<s>", "word_delimiter_token": "|", "cleanup": False},
        {"type": "BPEDecoder", "suffix": "e"}, {"type": "Fuse"}, {"type": "ByteFallback"},
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        {"type": "Replace", "pattern": pattern(r"\s"), "content": "_"}])


def post_processor(lcg):
    bytes_ = {"type": "ByteLevel", "add_prefix_space": lcg.below(2) == 0, "trim_offsets": lcg.below(3) > 0, "use_regex": True}
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}]
    template = {"type": "TemplateProcessing", "single": single, "pair": pair,
                "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    return lcg.pick([
        None, bytes_, template, {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]},
        {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": lcg.below(3) > 0,
         "add_prefix_space": lcg.below(2) == 0},
        {"type": "Sequence", "processors": [bytes_, template]}])


def sequence(lcg, make, name, key, counts):
    count = lcg.pick(counts)
    if count == 0:
        return None
    return make(lcg) if count == 1 else {"type": "Sequence" if name is None else name, key: [make(lcg) for _ in range(count)]}


def is_handled(pre):
    """Not what lagom refuses: letters that become letters or marks again."""
    kinds = [p["type"] for p in (pre or {}).get("pretokenizers", [])]
    after = kinds[kinds.index("ByteLevel") + 1:] if "ByteLevel" in kinds else []
    return "ByteLevel" not in after and "Metaspace" not in after


def main():
    lcg = Lcg(5)
    more = more_texts(lcg)
    all_texts = texts() + more
    characters = sorted({c for t in all_texts for c in t if lcg.below(12) > 0} | {c for w in WORDS for c in w} | {"\u2581", "\u0120"})
    models = base_models(characters)
    cases = []
    while len(cases) < 240:
        number = lcg.below(len(models))
        parts = [sequence(lcg, normalizer, None, "normalizers", [0, 1, 1, 2, 3]),
                 sequence(lcg, pre_tokenizer, None, "pretokenizers", [0, 1, 1, 2, 3]), post_processor(lcg),
                 sequence(lcg, decoder, None, "decoders", [0, 1, 1, 2])]
        bytes_fall_back = number == 1 and "ByteLevel" in json.dumps(parts[1])
        if not is_handled(parts[1]) or bytes_fall_back:
            continue
        names = ["normalizer", "pre_tokenizer", "post_processor", "decoder"]
        tok = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": models[number], **dict(zip(names, parts))}))
        tokens, whole, decoded = fnv(b""), fnv(b""), fnv(b"")
        for text in all_texts:
            encoding = tok.encode(text, add_special_tokens=False)
            tokens = offsets_hash(encoding, fnv(b"\n", tokens))
            whole = fnv(b"".join(i.to_bytes(4, "little") for i in tok.encode(text).ids), fnv(b"\n", whole))
            decoded = fnv(tok.decode(encoding.ids, skip_special_tokens=False).encode(), fnv(b"\n", decoded))
        cases.append([number, *parts, "%016x" % tokens, "%016x" % whole, "%016x" % decoded])
    os.makedirs(GOLDEN, exist_ok=True)
    size = write("components.json", {"models": models, "texts": more, "cases": cases})
    print("%d cases, %d texts, %d bytes written" % (len(cases), len(all_texts), size))


if __name__ == "__main__":
    main()
