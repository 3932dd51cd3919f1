#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/io/prompt_tokenizer_test.cpp, made by Hugging Face tokenizers (PyPI: tokenizers 0.23).

Writes tests/oracle/golden/plain/expected.json: for tokenizers of golden/tokenizers/, texts that spell their added
tokens, each as [text, ids, ids with special tokens taken as text (`encode_special_tokens`)]. No random source.
"""
import json
import os

from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = ["bert", "falcon", "flags", "gemma", "gpt2", "llama2", "llama3", "metaspace", "mistral", "neox", "phi3",
            "prefix", "qwen2", "roberta", "smollm", "unigram"]


def main():
    expected = {}
    for family in FAMILIES:
        path = os.path.join(HERE, "golden", "tokenizers", family + ".json")
        with open(path, encoding="utf-8") as f:
            added = [t["content"] for t in json.load(f)["added_tokens"]][:8]
        tokenizer, plain = Tokenizer.from_file(path), Tokenizer.from_file(path)
        plain.encode_special_tokens = True
        texts = ["the day " + "".join(added), " ".join(added) + " ?"]
        for a in added:
            texts += [a, "x" + a + "y", " " + a + " 日 ", a[:-1] + " " + a + a[1:]]
        expected[family] = [[t, tokenizer.encode(t, add_special_tokens=False).ids,
                             plain.encode(t, add_special_tokens=False).ids] for t in texts]
    folder = os.path.join(HERE, "golden", "plain")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(expected, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
