#!/usr/bin/env python3
"""Golden file of the divergence tests: pairs of rows of logits, and their divergences: from torch in double where logits are masked, else from mpmath,
which torch agrees with as far as its digits go.

Writes tests/oracle/golden/divergences/pairs.safetensors: for each case NAME the tensors NAME/p and NAME/q (F32) and NAME/expected (F64): KL(p||q),
KL(q||p), Jensen-Shannon, the mean cross entropy with the mixture, the mean KL of the mixture from both. 1.7e308 stands for infinity.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/divergences.py
"""

import pathlib

import mpmath
import numpy as np
import torch
from safetensors.numpy import save_file

mpmath.mp.dps = 50
INFINITE = 1.7e308


def by_torch(p, q):
    """From log-softmax by torch.nn.functional.kl_div, which takes (log of the second, log of the first)."""
    a, b = (torch.log_softmax(torch.from_numpy(z).double(), 0) for z in (p, q))
    m = torch.logsumexp(torch.stack([a, b]), 0) - np.log(2.0)

    def kl(x, y):
        seen = x > -np.inf
        return torch.nn.functional.kl_div(y[seen], x[seen], reduction="sum", log_target=True)

    def cross(x):
        seen = x > -np.inf
        return -(x[seen].exp() * m[seen]).sum()

    values = [kl(a, b), kl(b, a), (kl(a, m) + kl(b, m)) / 2, (cross(a) + cross(b)) / 2, (kl(m, a) + kl(m, b)) / 2]
    return [float(v) if np.isfinite(float(v)) else INFINITE for v in values]


def by_mpmath(p, q):
    """Defining sums in 50 digits; every logit unmasked."""
    def softmax(z):
        top = max(z)
        e = [mpmath.exp(mpmath.mpf(float(x)) - float(top)) for x in z]
        total = mpmath.fsum(e)
        return [x / total for x in e]

    a, b = softmax(p), softmax(q)
    m = [(x + y) / 2 for x, y in zip(a, b)]

    def kl(x, y):
        return mpmath.fsum(u * mpmath.log(u / v) for u, v in zip(x, y))

    ce = -mpmath.fsum(x * mpmath.log(x) for x in m)
    return [float(v) for v in (kl(a, b), kl(b, a), (kl(a, m) + kl(b, m)) / 2, ce, (kl(m, a) + kl(m, b)) / 2)]


def main():
    rng = np.random.default_rng(6)
    cases = {}
    for n in (1, 2, 3, 31, 33, 511, 513, 700):
        p = rng.normal(0, 3, n).astype(np.float32)
        cases[f"random_{n}"] = (p, (p * rng.uniform(0.3, 1.5) + rng.normal(0, 2, n)).astype(np.float32), by_mpmath)
    for scale in (1e-1, 1e-2, 1e-3, 1e-4):  # nearly equal
        p = rng.normal(0, 3, 200).astype(np.float32)
        cases[f"near_{scale}"] = (p, (p + rng.normal(0, scale, 200)).astype(np.float32), by_mpmath)
        cases[f"shifted_{scale}"] = (p, (p + 7 + rng.normal(0, scale, 200)).astype(np.float32), by_mpmath)
    p = rng.normal(0, 3, 100).astype(np.float32)
    cases["equal"] = (p, p.copy(), by_mpmath)
    cases["equal_shifted"] = (p, (np.round(p * 64) / 64 + 8).astype(np.float32), by_mpmath)
    cases["far"] = (np.array([1e4, 9999, -1e4], np.float32), np.array([-1e4, -10001, -3e4], np.float32), by_torch)
    cases["opposite"] = (np.array([1e4, 0, 0], np.float32), np.array([0, 0, 1e4], np.float32), by_torch)
    cases["ties"] = (np.zeros(40, np.float32), np.full(40, -7, np.float32), by_torch)
    masked = rng.normal(0, 2, 64).astype(np.float32)
    both = masked.copy()
    both[::2] = -np.inf
    only = rng.normal(0, 2, 64).astype(np.float32)
    cases["masked_in_both"] = (both, np.where(np.isinf(both), both, only).astype(np.float32), by_torch)
    cases["masked_in_one"] = (both, only, by_torch)
    other = only.copy()
    other[:40] = -np.inf
    cases["masked_apart"] = (both, other, by_torch)
    left, right = only.copy(), masked.copy()
    left[:32], right[32:] = -np.inf, -np.inf
    cases["disjoint"] = (left, right, by_torch)
    tensors = {}
    for name, (p, q, oracle) in cases.items():
        expected = oracle(p, q)
        if not (np.isinf(p).any() or np.isinf(q).any()):  # the two oracles agree where torch has digits left
            np.testing.assert_allclose(by_torch(p, q), by_mpmath(p, q), rtol=1e-9, atol=1e-11)
        tensors |= {f"{name}/p": p, f"{name}/q": q, f"{name}/expected": np.array(expected)}
    folder = pathlib.Path(__file__).parent / "golden" / "divergences"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "pairs.safetensors")


if __name__ == "__main__":
    main()
