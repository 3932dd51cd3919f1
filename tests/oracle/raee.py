#!/usr/bin/env python3
"""Golden file of the RAEE tests: a memory of embeddings and layers, queries, and what scikit-learn's neighbours and the formulas of the paper make of them.

Writes tests/oracle/golden/raee/memory.safetensors: embeddings (F32, n x h), prob (F32, n x layers), right (I32, n x layers), queries (F32, m x h), and
for metric 0 (squared Euclidean) and 1 (cosine), weight 0 (inverse distance) and 1 (equal): METRIC_WEIGHT/neighbours (I32, m x k) and
METRIC_WEIGHT/distribution (F64, m x layers).

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/raee.py
"""

import pathlib

import numpy as np
from safetensors.numpy import save_file
from sklearn.neighbors import NearestNeighbors

ROWS, WIDTH, LAYERS, QUERIES, NEIGHBOURS, CONFIDENT, OTHERWISE = 60, 9, 6, 25, 5, 0.9, 2


def main():
    rng = np.random.default_rng(15)
    kinds = rng.normal(size=(4, WIDTH))
    kind = rng.integers(0, 4, ROWS)
    embeddings = (kinds[kind] + 0.4 * rng.normal(size=(ROWS, WIDTH))).astype(np.float32)
    prob = rng.uniform(0.2, 1, (ROWS, LAYERS)).astype(np.float32)
    right = (np.arange(LAYERS) >= kind[:, None] + rng.integers(0, 2, (ROWS, 1))).astype(np.int32)
    right[rng.integers(0, ROWS, 6)] = 0  # rows that were right nowhere
    queries = (kinds[rng.integers(0, 4, QUERIES)] + 0.5 * rng.normal(size=(QUERIES, WIDTH))).astype(np.float32)
    queries[0] = embeddings[7]  # a remembered row itself: distance 0
    tensors = {"embeddings": embeddings, "prob": prob, "right": right, "queries": queries}
    offers = []
    for p, ok in zip(prob, right):
        entries = [(layer, float(p[layer])) for layer in range(LAYERS) if ok[layer]]
        confident = [e for e in entries if e[1] >= np.float32(CONFIDENT)]
        offers.append(confident or sorted(entries, key=lambda e: -e[1])[:OTHERWISE])
    for metric, name in enumerate(("sqeuclidean", "cosine")):
        distances, found = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute", metric=name).fit(
            embeddings.astype(float)).kneighbors(queries.astype(float))
        distances[distances < 1e-12] = 0
        for weight in (0, 1):
            distribution = np.zeros((QUERIES, LAYERS))
            for q in range(QUERIES):
                for d, row in zip(distances[q], found[q]):
                    w = 1.0 if weight or d == distances[q, 0] else distances[q, 0] / d
                    for layer, p in offers[row]:
                        distribution[q, layer] += w * p
                if distribution[q].sum() > 0:
                    distribution[q] /= distribution[q].sum()
            tensors[f"{metric}_{weight}/neighbours"] = found.astype(np.int32)
            tensors[f"{metric}_{weight}/distribution"] = distribution
    folder = pathlib.Path(__file__).parent / "golden" / "raee"
    folder.mkdir(exist_ok=True)
    path = folder / "memory.safetensors"
    save_file(tensors, path)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
