#!/usr/bin/env python3
"""Golden files of the initializers that use auxiliary vectors, from the packages that published them.

Writes tests/oracle/golden/vectors/<part>.safetensors (and wechsel.json), one part a run:

  entmax    PyPI entmax: sparsemax and entmax 1.5 of random, shifted, tied and spread scores
  focus     PyPI deepfocus: the rows of new tokens (its last step; the steps before it download or train)
  wechsel   PyPI wechsel on the tiny fastText model of fasttext_models.py: token vectors by n-grams and by words,
            the alignment of a dictionary, the rows of new tokens. Stub tokenizers: longest match over a list
  formulas  NumPy and SciPy: CLP, CLP+ (a sparsemax of its own), Procrustes, truncated singular values

The packages pin what does not go together, so each wants an environment of its own:

    entmax, formulas: pip install -r tests/oracle/requirements.txt
    focus:   pip install "numpy<2.3" torch numba fastdist entmax fasttext-wheel datasets print-on-steroids regex transformers
             pip install --no-deps deepfocus==1.0.1
    wechsel: pip install "numpy<2" "scipy<1.13" fasttext-wheel gensim nltk scikit-learn "pyarrow<17" "datasets<3" safetensors
             pip install --no-deps wechsel==0.0.4
    python tests/oracle/vector_initializers.py PART
"""

import argparse
import json
import pathlib
import sys
import tempfile
import types

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
OUT = HERE / "golden" / "vectors"


def numbers():
    """Vectors in two clusters and matrices, the same for every part; some zero vectors."""
    rng = np.random.default_rng(5)
    n, new, width, dim = 40, 12, 6, 5
    base = rng.normal(size=(2, width)) * 0.7
    side = rng.integers(0, 2, n + new)
    vectors = (base[side] + rng.normal(size=(n + new, width))).astype(np.float32)
    vectors[n + 3] = 0  # a new token without a direction
    return {
        "vectors": vectors,
        "source_vectors": rng.normal(size=(n, width)).astype(np.float32),
        "rows": rng.normal(size=(n, dim)).astype(np.float32),
    }


def sparsemax(z):
    """Of one vector, by its definition."""
    s = np.sort(z.astype(np.float64))[::-1]
    k = np.arange(1, len(s) + 1)
    support = (1 + k * s > np.cumsum(s)).sum()
    return np.maximum(z - (s[:support].sum() - 1) / support, 0)


def cosines(x, y):
    unit = lambda m: m / np.linalg.norm(m, axis=1, keepdims=True)
    return unit(x.astype(np.float64)) @ unit(y.astype(np.float64)).T


def entmax_part():
    import entmax
    import torch

    rng = np.random.default_rng(1)
    z = [rng.normal(size=400) * s for s in (1e-3, 0.02, 0.1, 0.5, 3)]
    z += [z[3] + 100, np.round(z[3], 1), np.zeros(400)]
    z = np.stack(z)
    t = torch.from_numpy(z)
    save_file(
        {"z": z, "sparsemax": entmax.sparsemax(t).numpy(), "entmax15": entmax.entmax15(t).numpy()},
        OUT / "entmax.safetensors",
    )


def focus_part():
    import torch
    from deepfocus.focus import focus_additional_token_initialization

    data = numbers()
    n = len(data["rows"])
    token = lambda i: types.SimpleNamespace(
        auxiliary_embedding=data["vectors"][i],
        source_embedding=torch.from_numpy(data["rows"][i]) if i < n else None,
        target=types.SimpleNamespace(id=i),
    )
    new = {i: token(i) for i in range(n, len(data["vectors"])) if data["vectors"][i].any()}
    out = torch.zeros(len(data["vectors"]), data["rows"].shape[1])
    out = focus_additional_token_initialization({i: token(i) for i in range(n)}, new, out)
    save_file(data | {"expected": out.numpy()[n:].copy()}, OUT / "focus.safetensors")


class LongestMatch:
    """A stub of a Hugging Face tokenizer: the longest token of the list at every place, unknown characters left out."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.vocab = {t: i for i, t in enumerate(tokens)}
        self.special_tokens_map = {"bos_token": "<s>"}

    def __len__(self):
        return len(self.tokens)

    def get_vocab(self):
        return self.vocab

    def decode(self, i):
        return self.tokens[i]

    def convert_ids_to_tokens(self, ids):
        return self.tokens[ids] if np.isscalar(ids) else [self.tokens[i] for i in ids]

    def encode(self, text, add_special_tokens=False):
        out, at = [], 0
        while at < len(text):
            size = next((n for n in range(len(text) - at, 0, -1) if text[at : at + n] in self.vocab), 0)
            if size:
                out.append(self.vocab[text[at : at + size]])
            at += max(size, 1)
        return out


def wechsel_part():
    import fasttext
    import wechsel

    model = fasttext.load_model(str(HERE / "golden" / "fasttext" / "subwords.bin"))
    other = fasttext.load_model(str(HERE / "golden" / "fasttext" / "words.bin"))
    tokens = "<s>| |r|ri|river| river|s|st|stone| bread|ni|κ|κήπος| κ|ος|δέντρο|नदी| नदी|रोटी|水|道|水道| caf|é|naïve| mto| mkate|zzz|q"
    tokens = tokens.split("|")
    tokenizer = LongestMatch(tokens)
    by_ngrams, _ = wechsel.get_subword_embeddings_in_word_embedding_space(
        tokenizer, wechsel.WordEmbedding(model), use_subword_info=True, verbose=False
    )
    by_words, sources = wechsel.get_subword_embeddings_in_word_embedding_space(
        tokenizer, wechsel.WordEmbedding(model), use_subword_info=False, verbose=False
    )
    dictionary = [("river", "mto"), ("stone", "jiwe"), ("bread", "mkate"), ("café", "café"), ("नदी", "水道"), ("gone", "mto")]
    dictionary += [(w, w) for w in model.get_words()[5:25]]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join("\t".join(p) for p in dictionary) + "\n")
        file.flush()
        turned = wechsel.WECHSEL(model, other, bilingual_dictionary=file.name).source_transform(np.eye(8))

    data = numbers()
    names = [f"s{i}" for i in range(len(data["rows"]))]
    target_names = [f"t{i}" for i in range(len(data["vectors"]))]
    source, target = LongestMatch(names), LongestMatch(target_names)
    source.special_tokens_map = {}
    rows, missing, _ = wechsel.create_target_embeddings(
        data["source_vectors"], data["vectors"], source, target, data["rows"], verbose=False
    )
    assert missing == ["t43"]
    with np.errstate(all="ignore"):
        cold, _, _ = wechsel.create_target_embeddings(
            data["source_vectors"].astype(np.float64), data["vectors"].astype(np.float64), source, target, data["rows"],
            temperature=1e-4, verbose=False,
        )
    twice = int(max(np.bincount(ids).max() for ids in sources.values()))
    assert twice == 2
    save_file(
        data
        | {
            "by_ngrams": by_ngrams.astype(np.float32),
            "by_words": by_words.astype(np.float32),
            "rotation": np.ascontiguousarray(turned, dtype=np.float64),
            "expected": rows.astype(np.float32),
            "cold": cold.astype(np.float32),
        },
        OUT / "wechsel.safetensors",
    )
    record = {"tokens": tokens, "dictionary": dictionary}
    (OUT / "wechsel.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")


def formulas_part():
    from scipy.linalg import orthogonal_procrustes

    data = numbers()
    n = len(data["rows"])
    new = [i for i in range(n, len(data["vectors"])) if data["vectors"][i].any()]
    c = cosines(data["vectors"][new], data["vectors"][:n])
    clp = c / c.sum(1, keepdims=True)
    plus = np.stack([sparsemax(row) for row in c])
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(30, 7)).astype(np.float32), rng.normal(size=(30, 7)).astype(np.float32)
    matrix = rng.normal(size=(50, 20)).astype(np.float32) * 0.9 ** np.arange(20, dtype=np.float32)
    u, s, vt = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    save_file(
        data
        | {
            "new": np.array(new, dtype=np.int32),
            "clp": clp @ data["rows"],
            "clp_plus": plus @ data["rows"],
            "cancellation": np.abs(c.sum(1)) / np.abs(c).sum(1),
            "x": x,
            "y": y,
            "rotation": orthogonal_procrustes(x.astype(np.float64), y.astype(np.float64))[0],
            "matrix": matrix,
            "truncated": (u[:, :6] * s[:6]) @ vt[:6],
        },
        OUT / "formulas.safetensors",
    )
    f = OUT / "focus.safetensors"
    if f.exists():  # two oracles of one item
        sparse = np.stack([sparsemax(row) for row in c]) @ data["rows"]
        np.testing.assert_allclose(load_file(f)["expected"][[i - n for i in new]], sparse, atol=2e-6)


def main() -> None:
    parts = {"entmax": entmax_part, "focus": focus_part, "wechsel": wechsel_part, "formulas": formulas_part}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts)
    OUT.mkdir(parents=True, exist_ok=True)
    parts[parser.parse_args().part]()


if __name__ == "__main__":
    sys.exit(main())
