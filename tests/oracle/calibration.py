#!/usr/bin/env python3
"""Golden file of the calibration tests: the binomial distribution to 60 digits (SciPy agrees), and p-values and bounds written down from their papers
in NumPy.

Writes tests/oracle/golden/calibration/tests.json.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/calibration.py
"""

import argparse
import json
import pathlib

import mpmath
import numpy as np
import scipy
from scipy import optimize, special, stats


def binomial():
    """Rows [k, n, p, log P(X <= k)], checked against SciPy where that is a normal double."""
    rng = np.random.default_rng(1)
    cases = [(0, 1, 0.5), (0, 100, 0.02), (3, 14, 0.25), (14, 15, 0.9), (15, 16, 0.9), (7, 100, 0.1)]
    for n in (1, 2, 5, 14, 15, 16, 17, 40, 100, 1000, 20_000, 1_000_000):
        for p in (1e-6, 0.001, 0.02, 0.1, 0.5, 0.77, 0.999):
            deviation = np.sqrt(n * p * (1 - p))
            for z in (-30, -6, -2, -0.5, 0, 0.5, 3, 7):
                cases.append((int(np.floor(n * p + z * deviation)), n, p))
    for _ in range(100):
        n = int(10 ** rng.uniform(0, 6))
        cases.append((int(rng.integers(0, n)), n, float(rng.uniform(0, 1))))
    rows = []
    for k, n, p in sorted(set(cases)):
        if not 0 <= k < n:
            continue
        log = logarithm(k, n, p)
        cdf = stats.binom.cdf(k, n, p)
        assert abs(np.exp(log) - cdf) <= 1e-10 * cdf + 1e-300, (k, n, p)
        rows.append([k, n, p, log])
    return rows


def logarithm(k, n, p):
    """log P(X <= k) from the terms of the smaller side, in 60 digits."""
    with mpmath.workdps(60):
        p = mpmath.mpf(p)
        odds = p / (1 - p)
        lower = k <= (n + 1) * p
        start = k if lower else k + 1
        term = total = mpmath.mpf(1)
        for i in range(start, 0, -1) if lower else range(start, n):
            term *= mpmath.mpf(i) / ((n - i + 1) * odds) if lower else mpmath.mpf(n - i) * odds / (i + 1)
            total += term
            if term < mpmath.mpf(10) ** -50 * total:
                break
        mass = mpmath.loggamma(n + 1) - mpmath.loggamma(start + 1) - mpmath.loggamma(n - start + 1)
        log = mass + start * mpmath.log(p) + (n - start) * mpmath.log1p(-p) + mpmath.log(total)
        return float(log if lower else mpmath.log1p(-mpmath.exp(log)))


def gammas():
    xs = np.concatenate([[1e-3, 0.01, 0.3, 0.5, 1, 1.5, 2, 3, 14.9, 15, 15.1], 10 ** np.linspace(-2, 8, 41)])
    return [[float(x), float(special.gammaln(x))] for x in xs]


def relative_entropy(a, b):
    return special.rel_entr(a, b) + special.rel_entr(1 - a, 1 - b)


def p_values():
    """Rows [losses of 1, rows, tolerance, simple, tight, Bentkus, binomial]."""
    rows = []
    for count, n, limit in [(2, 100, 0.05), (50, 500, 0.1), (25, 500, 0.1), (0, 100, 0.05), (30, 1000, 0.05), (7, 100, 0.1),
                            (60, 1000, 0.05), (1, 1, 0.3), (0, 1, 0.3), (49_000, 1_000_000, 0.05), (99, 100, 0.995)]:
        mean = count / n
        rows.append([count, n, limit, float(np.exp(-2 * n * max(0.0, limit - mean) ** 2)),
                     float(np.exp(-n * relative_entropy(min(mean, limit), limit))),
                     float(min(1, np.e * stats.binom.cdf(count, n, limit))), float(stats.binom.cdf(count, n, limit))])
    return rows


def bet(x, limit, aim):
    """Logarithm of the betting capital after every loss."""
    n = len(x)
    t = np.arange(1, n + 1)
    mean = (np.cumsum(x) + 0.5) / (1 + t)
    variance = (np.cumsum((x - mean) ** 2) + 0.25) / (1 + t)
    variance = np.concatenate([[0.25], variance[:-1]])
    nu = np.minimum(np.sqrt(2 * np.log(1 / aim) / (n * variance)), 1)
    return np.cumsum(np.log1p(-nu * (x - limit)))


def betting():
    rng = np.random.default_rng(2)
    sets = {"bits": np.array([0, 0, 1, 0, 0, 0, 0, 1, 0, 0] * 10, float), "ramp": np.arange(1, 21) / 100,
            "50 zeros": np.zeros(50), "100 zeros": np.zeros(100), "fractions": rng.beta(0.3, 4, 300).round(6),
            "ones": np.ones(5), "one": np.array([0.25])}
    out = []
    for name, x in sets.items():
        for error in (0.1, 0.05):
            p = {str(limit): float(min(1, np.exp(-bet(x, limit, error).max()))) for limit in (0.02, 0.1, 0.3, 0.9)}
            excess = lambda mu: bet(x, mu, error).max() + np.log(error)
            bound = 1.0 if excess(1 - 1e-15) < 0 else optimize.brentq(excess, 1e-12, 1 - 1e-15, xtol=1e-14)
            out.append({"name": name, "losses": x.tolist(), "error": error, "p": p, "bound": bound})
    return out


def bounds():
    """Rows [losses of 1, rows, error rate, Hoeffding, tight Hoeffding, Clopper-Pearson]."""
    rows = []
    for count, n in [(0, 10), (0, 100), (3, 50), (7, 100), (250, 1000), (49, 50), (50, 50), (1234, 1_000_000)]:
        for error in (0.1, 0.01):
            mean = count / n
            simple = min(1.0, mean + np.sqrt(np.log(1 / error) / (2 * n)))
            tight = 1.0
            if count < n:
                tight = optimize.brentq(lambda b: n * relative_entropy(mean, b) + np.log(error), mean + 1e-15, 1 - 1e-15,
                                        xtol=1e-15)
            exact = 1.0 if count == n else float(stats.beta.ppf(1 - error, count + 1, n - count))
            rows.append([count, n, error, simple, tight, exact])
    return rows


def sequences():
    """Empirical Bernstein confidence sequences (Waudby-Smith & Ramdas, theorem 2): bounds after some of the losses."""
    rng = np.random.default_rng(4)
    sets = {"bits": (rng.uniform(size=2000) < 0.07).astype(float), "fractions": rng.beta(2, 5, 500).round(4),
            "zeros": np.zeros(300), "halves": np.full(40, 0.5), "drift": np.concatenate([np.zeros(400), np.ones(400)])}
    out = []
    for name, x in sets.items():
        for error in (0.05, 0.2):
            t = np.arange(1, len(x) + 1)
            mean = (0.5 + np.cumsum(x)) / (t + 1)
            variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
            before = np.concatenate([[0.5], mean[:-1]])
            variance = np.concatenate([[0.25], variance[:-1]])
            bets = np.minimum(np.sqrt(2 * np.log(2 / error) / (variance * t * np.log(1 + t))), 0.5)
            psi = (-np.log(1 - bets) - bets) / 4
            middle = np.cumsum(bets * x) / np.cumsum(bets)
            radius = (np.log(2 / error) + np.cumsum(4 * (x - before) ** 2 * psi)) / np.cumsum(bets)
            lower = np.maximum.accumulate(np.maximum(middle - radius, 0))
            upper = np.minimum.accumulate(np.minimum(middle + radius, 1))
            at = sorted({1, 2, 10, 40, 100, 300, len(x)} & set(range(1, len(x) + 1)))
            out.append({"name": name, "error": error, "losses": [int(v) if v == int(v) else v for v in x.tolist()],
                        "bounds": [[n, float(lower[n - 1]), float(upper[n - 1])] for n in at]})
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "calibration")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    document = {"scipy": scipy.__version__, "binomial": binomial(), "log_gamma": gammas(), "p_values": p_values(),
                "betting": betting(), "bounds": bounds(), "sequences": sequences()}
    text = json.dumps(document, separators=(",", ":")).replace('],[', '],\n[').replace('},{', '},\n{')
    (out / "tests.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
