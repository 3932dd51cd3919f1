#!/usr/bin/env python3
"""Golden files of the fastText readers: a tiny model, what fastText makes of words, and its text form.

Writes tests/oracle/golden/fasttext/{subwords.bin, words.bin, quantized.ftz, words.vec, expected.safetensors,
expected.json}: vectors and n-gram rows of words that the models know and of words that they do not.

fastText's wheels want NumPy below 2, so it needs an environment of its own:

    python -m venv .venv-fasttext && .venv-fasttext/bin/pip install "numpy<2" fasttext-wheel==0.9.2 safetensors
    .venv-fasttext/bin/python tests/oracle/fasttext_models.py
"""

import json
import pathlib
import random
import tempfile

import fasttext
import numpy as np
from safetensors.numpy import save_file

OUT = pathlib.Path(__file__).parent / "golden" / "fasttext"
STEMS = "river stone bread κήπος δέντρο नदी रोटी 水道 café naïve mto jiwe mkate".split()
ENDS = ["", "s", "ni", "ος", "यों", "の", "😀"]
ASKED = [
    "river", "rivers", "riverbank", "stoneni", "κήπος", "κήποςος", "δέ", "नदी", "नदियों", "水道の", "水", "😀",
    "café", "cafe\u0301", "a", "", "</s>", "<", ">", "an unknown phrase", "x" * 300, "\u00a0",
]


def corpus() -> str:
    rng = random.Random(3)
    words = [stem + end for stem in STEMS for end in ENDS]
    return "\n".join(" ".join(rng.choice(words) for _ in range(12)) for _ in range(300)) + "\n"


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as text:
        text.write(corpus())
        text.flush()
        common = dict(model="cbow", dim=8, bucket=200, minCount=2, epoch=2, thread=1, neg=3, verbose=0)
        subwords = fasttext.train_unsupervised(text.name, minn=2, maxn=4, **common)
        words = fasttext.train_unsupervised(text.name, minn=0, maxn=0, **common)
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as labelled:
            for i, line in enumerate(corpus().splitlines()[:120]):
                labelled.write(f"__label__{i % 3} {line}\n")
            labelled.flush()
            classifier = fasttext.train_supervised(labelled.name, dim=8, epoch=1, minn=2, maxn=3, bucket=200, verbose=0)
            classifier.save_model(str(OUT / "labels.bin"))
            classifier.quantize(input=labelled.name, dsub=2, qnorm=False)
            classifier.save_model(str(OUT / "quantized.ftz"))
        classifier = fasttext.load_model(str(OUT / "labels.bin"))
    subwords.save_model(str(OUT / "subwords.bin"))
    words.save_model(str(OUT / "words.bin"))
    tensors, asked = {}, ASKED + subwords.get_words()
    for name, model in [("subwords", subwords), ("words", words), ("labels", classifier)]:
        tensors[name] = np.stack([model.get_word_vector(w) for w in asked]).astype(np.float32)
    save_file(tensors, OUT / "expected.safetensors")
    found, counts = subwords.get_words(include_freq=True)
    record = {
        "asked": asked,
        "rows": [[int(i) for i in subwords.get_subwords(w)[1]] for w in ASKED],
        "words": found,
        "counts": [int(c) for c in counts],
    }
    (OUT / "expected.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    # fastText's own layout: a header, a space after every number; here two words with spaces in them as well
    names = words.get_words()
    lines = [f"{len(names) + 2} 8"]
    lines += [w + " " + " ".join(f"{x:.5g}" for x in words.get_word_vector(w)) + " " for w in names]
    lines += ["New York " + "0.5 " * 8, "a\u00a0b 1 2 3 4 5 6 7 8 "]
    (OUT / "words.vec").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
