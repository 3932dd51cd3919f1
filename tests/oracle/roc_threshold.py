#!/usr/bin/env python3
"""Golden file of the draft-threshold tests: rounds of drafts, and the threshold that scikit-learn's ROC curve gives after each, as Hugging Face's assisted
generation takes it; of thresholds that cost the same, the largest.

Writes tests/oracle/golden/drafts/roc_threshold.safetensors: for each case C the tensors C/confidence (F32), C/round (I32, which round a draft was of),
C/kept (I32, how many drafts of each round were kept) and C/threshold (F64, after each round).

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/roc_threshold.py
"""

import pathlib
from fractions import Fraction

import numpy as np
from safetensors.numpy import save_file
from sklearn.metrics import roc_curve


def main():
    rng = np.random.default_rng(4)
    tensors = {}
    for case in range(8):
        confidence, of_round, kept, threshold, matches, probs = [], [], [], [], [], []
        now = 0.4
        for r in range(25):
            c = rng.beta(2, 1, rng.integers(1, 7)).astype(np.float32)
            if case % 2:
                c = np.round(c * 8).astype(np.float32) / 8  # ties
            good = rng.uniform(size=len(c)) < (c if case < 6 else 1 - c)
            n = int(np.argmin(good)) if not good.all() else len(c)
            confidence.extend(c)
            of_round.extend([r] * len(c))
            kept.append(n)
            matches.extend([1] * n + [0] * (n < len(c)))
            probs.extend(c[: n + (n < len(c))])
            if len(matches) > 5 and {0, 1} <= set(matches):
                fpr, tpr, thresholds = roc_curve(matches, probs)
                positives = sum(matches)
                cost = [Fraction(round(f * (len(matches) - positives)), len(matches) - positives)
                        - 3 * Fraction(round(t * positives), positives) for f, t in zip(fpr, tpr)]
                best = cost.index(min(cost))  # the rounded costs may take another of equals
                assert cost[int(np.argmin(fpr + 3 * (1 - tpr)))] == cost[best]
                now = float(thresholds[best])
            threshold.append(now)
        tensors |= {f"{case}/confidence": np.array(confidence, np.float32), f"{case}/round": np.array(of_round, np.int32),
                    f"{case}/kept": np.array(kept, np.int32), f"{case}/threshold": np.array(threshold)}
    folder = pathlib.Path(__file__).parent / "golden" / "drafts"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "roc_threshold.safetensors")
    (folder / "roc_threshold.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
