#!/usr/bin/env python3
"""Golden file of FREE's Beta mixtures: the formulas of its section 4.3 and the behaviour of its program, in NumPy with SciPy's
densities.

Writes tests/oracle/golden/calibration/beta_mixture.json.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/beta_mixture.py
"""

import argparse
import json
import pathlib

import numpy as np
from scipy import stats

GRID = np.linspace(0.3, 0.9, 10)


def densities(x, alpha, beta):
    return np.stack([stats.beta.pdf(x, alpha[k], beta[k]) for k in range(2)], 1)


def lifted(r):
    r = np.maximum(r, 1e-4)
    return r / r.sum(1, keepdims=True)


def matched(x, r):
    mean = (r * x[:, None]).sum(0) / r.sum(0)
    variance = (r * (x[:, None] - mean) ** 2).sum(0) / r.sum(0)
    alpha = mean * (mean * (1 - mean) / variance - 1)
    return alpha, alpha * (1 - mean) / mean


def labelled(x, y, mode, iterations):
    alpha, beta, weight = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([0.5, 0.5])
    one_hot = np.stack([1 - y, y], 1).astype(float)
    for _ in range(iterations):
        joint = weight * densities(x, alpha, beta)
        if mode == "released":
            r = lifted(0.2 * one_hot)
        elif mode == "paper":
            r = lifted(0.8 * joint + 0.2 * one_hot)
        else:
            r = 0.8 * joint / joint.sum(1, keepdims=True) + 0.2 * one_hot
            weight = r.mean(0)
        alpha, beta = matched(x, r)
    return alpha, beta, weight


def unlabelled(x, iterations):
    alpha, beta, weight = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([0.5, 0.5])
    for _ in range(iterations):
        r = lifted(weight * densities(x, alpha, beta))
        next_alpha, next_beta = matched(x, r)
        alpha, beta = 0.95 * alpha + 0.05 * next_alpha, 0.95 * beta + 0.05 * next_beta
        weight = 0.95 * weight + 0.05 * r.sum(0) / r.sum()
    return alpha, beta, weight


def described(alpha, beta, weight):
    ratios = densities(GRID, alpha, beta)
    upper = int(np.argmax(alpha / (alpha + beta)))
    ratios = ratios[:, upper] / ratios.sum(1)
    passes = ratios > 0.4
    top = 0
    while top < 10 and passes[9 - top]:
        top += 1
    pick = lambda count: float(GRID[min(max(10 - count, 0), 9)])
    return {"alpha": alpha.tolist(), "beta": beta.tolist(), "weight": weight.tolist(), "ratios": ratios.tolist(),
            "by_count": pick(int(passes.sum())), "from_top": pick(top)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "calibration")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    sets = []
    for n, a, b in [(30, (1, 3), (4, 1)), (200, (0.4, 2), (3, 0.4)), (60, (2, 2), (2, 2)), (40, (8, 2), (2, 8)), (150, (5, 5), (0.3, 0.3))]:
        y = (rng.uniform(size=n) < 0.6).astype(int)
        x = np.where(y == 1, rng.beta(*b, size=n), rng.beta(*a, size=n)).round(5)
        clipped = np.clip(x, 1e-4, 1 - 1e-4)
        fits = [{"mode": mode, "iterations": i, **described(*labelled(clipped, y, mode, i))}
                for mode in ("paper", "released", "fixed") for i in (1, 4)]
        fits += [{"mode": "unlabelled", "iterations": i, **described(*unlabelled(clipped, i))} for i in (1, 10, 100)]
        sets.append({"confidences": x.tolist(), "agreed": y.tolist(), "fits": fits})
    (out / "beta_mixture.json").write_text(json.dumps(sets, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
