#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real tokenizers after expansion and after trimming, judged by Hugging Face tokenizers and transformers.

    g++ -std=c++20 -O2 -Iinclude tests/oracle/tools/edit_model.cpp -lpcre2-8 -lutf8proc -o edit_model
    LAGOM_TEST_DATA=/path/to/data python tests/oracle/edited_tokenizers.py ./edit_model [FILE ...]

Every tokenizer of tests/oracle/golden and of the test data, or the files named: to each up to 300 tokens are added, and from each half of the
vocabulary is taken out. Both results load in tokenizers and in transformers, and give the ids of our own tokenizer, and
of an edit by Python, on lines of the test data's texts and on the hostile texts of edited_directory.py.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import tempfile

import edited_directory as edits

LINES = 100  # of each text


def ids_of(tokenizer, texts, special):
    return [tokenizer.encode(t, add_special_tokens=special).ids for t in texts]


def check(program, path, texts, work):
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast
    doc = json.loads(path.read_text(encoding="utf-8"))
    rng = random.Random(path.name)
    more, kept = edits.addition(doc, 300), edits.kept_ids(doc, rng, all_added=True)
    said = []
    for name, job, expected in (("added", {"add": more}, edits.added(doc, more)), ("kept", {"keep": kept}, edits.trimmed(doc, kept))):
        source, target = work / f"{path.stem}_{name}_source", work / f"{path.stem}_{name}"
        source.mkdir()
        target.mkdir()
        (source / "tokenizer.json").write_bytes(path.read_bytes())
        (work / "job.json").write_text(json.dumps({**job, "source": str(source), "target": str(target), "texts": texts}))
        done = subprocess.run([program, work / "job.json"], capture_output=True, text=True)
        assert done.returncode == 0, (path.name, name, done.stderr)
        ours = [json.loads(line) for line in done.stdout.splitlines()]
        theirs = Tokenizer.from_file(str(target / "tokenizer.json"))
        fast = PreTrainedTokenizerFast.from_pretrained(target)
        python = edits.load(expected)
        for column, special in ((0, False), (1, True)):
            mine, want = [row[column] for row in ours], ids_of(theirs, texts, special)
            assert mine == want, (path.name, name, next((t, a, b) for t, a, b in zip(texts, mine, want) if a != b))
            assert want == ids_of(python, texts, special), (path.name, name, "Python's edit")
            assert want == [fast(t, add_special_tokens=special)["input_ids"] for t in texts], (path.name, name, "transformers")
        assert all(theirs.decode(row[0]) == python.decode(row[0]) for row in ours), (path.name, name, "decoding")
        size = edits.size_of(doc)
        used = sum(i >= size for row in ours for i in row[0])
        assert name == "kept" or used > 0 or "merges" not in doc["model"], (path.name, "no new token is used")
        said.append(f"{size} -> {theirs.get_vocab_size()} {name}")
    print(f"{path.name}: {', '.join(said)}; {len(texts)} texts, ids agree", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the compiled tests/oracle/tools/edit_model.cpp")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    golden = edits.HERE / "golden"
    files, texts = args.files, list(edits.TEXTS)
    if not args.files:
        files = [f for f in sorted((golden / "tokenizers").glob("*.json")) + sorted((golden / "sentencepiece").glob("hf_*.json"))
                 if "model" in json.loads(f.read_text(encoding="utf-8"))]
    if "LAGOM_TEST_DATA" in os.environ:
        data = pathlib.Path(os.environ["LAGOM_TEST_DATA"])
        if not args.files:
            files += sorted((data / "tokenizers").glob("*tokenizer.json"))
        for text in sorted((data / "text").glob("*.txt")):
            texts += text.read_text(encoding="utf-8").splitlines()[:LINES]
    else:
        print("LAGOM_TEST_DATA is not set: tokenizers and texts of the test data are left out")
    edits.TEXTS = texts
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            check(os.path.abspath(args.program), path, texts, pathlib.Path(folder))


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
