#!/usr/bin/env python3
"""Golden files of the classifiers: what scikit-learn and CRFsuite make of small data sets.

Writes tests/oracle/golden/classifiers/<set>.safetensors (features, labels, sequence starts, held-out features)
and <set>.json (for every estimator its settings, its objective and its held-out decision values).

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/classifiers.py
"""

import argparse
import json
import pathlib
from importlib.metadata import version

import numpy as np
import sklearn
import sklearn_crfsuite
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, LinearSVC


def make_set(seed: int, sequences: int, steps: int, width: int, noise: float):
    """Layers of instances: confidence grows with depth, and so does the chance that stopping is right."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for _ in range(sequences):
        knows = rng.uniform(0.2, 1.1)
        for step in range(steps):
            depth = (step + 1) / steps
            certainty = 1 / (1 + np.exp(-8 * (depth - knows) + noise * rng.normal()))
            rest = rng.normal(size=width)
            rest[0] = certainty
            if width > 1:
                rest[1] = certainty + (1 - certainty) * rng.uniform(0, 0.5)
            rows.append(rest)
            labels.append(1 if rng.uniform() < certainty else -1)
    return np.array(rows, dtype=np.float32), np.array(labels, dtype=np.int8)


def standardise(train: np.ndarray, test: np.ndarray):
    """In float32, as the classifier computes it when it runs."""
    mean, deviation = train.astype(np.float64).mean(0), train.astype(np.float64).std(0)
    scale = np.where(deviation > 0, 1 / deviation, 1).astype(np.float32)
    return [((x - mean.astype(np.float32)) * scale).astype(np.float64) for x in (train, test)]


def regularised(w, b, loss, c, with_bias):
    return 0.5 * (w @ w + (b * b if with_bias else 0)) + c * loss.sum()


def linear_models(x, y, held_out):
    for c in (0.1, 1.0, 10.0):
        for loss in ("hinge", "squared_hinge"):
            model = LinearSVC(C=c, loss=loss, dual=True, tol=1e-10, max_iter=2_000_000, random_state=0)
            model.fit(x, y)
            w, b = model.coef_[0], float(model.intercept_[0])
            margin = np.maximum(0, 1 - y * (x @ w + b))
            value = regularised(w, b, margin if loss == "hinge" else margin**2, c, True)
            yield {"kind": "linear_svm", "C": c, "loss": loss, "bias": "regularised", "objective": value,
                   "decisions": model.decision_function(held_out).tolist()}
        model = SVC(C=c, kernel="linear", tol=1e-9, cache_size=500)
        model.fit(x, y)
        w, b = model.coef_[0], float(model.intercept_[0])
        value = regularised(w, b, np.maximum(0, 1 - y * (x @ w + b)), c, False)
        yield {"kind": "linear_svm", "C": c, "loss": "hinge", "bias": "unregularised", "objective": value,
               "decisions": model.decision_function(held_out).tolist()}
        model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
        model.fit(x, y)
        w, b = model.coef_[0], float(model.intercept_[0])
        value = regularised(w, b, np.logaddexp(0, -y * (x @ w + b)), c, False)
        yield {"kind": "logistic", "C": c, "objective": value,
               "decisions": model.decision_function(held_out).tolist()}


def cautious_models(x, y, held_out):
    """Classes balanced first, then a wrong stop four times as dear as a missed one."""
    weight = {-1: 4 * len(y) / (2 * (y < 0).sum()), 1: len(y) / (2 * (y > 0).sum())}
    costs = np.where(y > 0, weight[1], weight[-1])
    settings = {"C": 1.0, "balanced": True, "negative_weight": 4.0}
    model = SVC(C=1.0, kernel="linear", tol=1e-9, cache_size=500, class_weight=weight).fit(x, y)
    w, b = model.coef_[0], float(model.intercept_[0])
    yield {"kind": "linear_svm", "loss": "hinge", "bias": "unregularised", **settings,
           "objective": regularised(w, b, costs * np.maximum(0, 1 - y * (x @ w + b)), 1.0, False),
           "decisions": model.decision_function(held_out).tolist()}
    model = LinearSVC(C=1.0, loss="squared_hinge", dual=True, tol=1e-10, max_iter=2_000_000, random_state=0,
                      class_weight=weight).fit(x, y)
    w, b = model.coef_[0], float(model.intercept_[0])
    yield {"kind": "linear_svm", "loss": "squared_hinge", "bias": "regularised", **settings,
           "objective": regularised(w, b, costs * np.maximum(0, 1 - y * (x @ w + b)) ** 2, 1.0, True),
           "decisions": model.decision_function(held_out).tolist()}
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000, class_weight=weight).fit(x, y)
    w, b = model.coef_[0], float(model.intercept_[0])
    yield {"kind": "logistic", **settings,
           "objective": regularised(w, b, costs * np.logaddexp(0, -y * (x @ w + b)), 1.0, False),
           "decisions": model.decision_function(held_out).tolist()}
    model = SVC(C=1.0, kernel="rbf", gamma="scale", tol=1e-9, cache_size=500, class_weight=weight).fit(x, y)
    s, a = model.support_vectors_, model.dual_coef_[0]
    k = np.exp(-((s[:, None, :] - s[None, :, :]) ** 2).sum(-1) / (x.shape[1] * x.var()))
    yield {"kind": "rbf_svm", "gamma": 0, **settings, "objective": 0.5 * a @ k @ a - np.abs(a).sum(),
           "decisions": model.decision_function(held_out).tolist()}


def rbf_models(x, y, held_out):
    for c, gamma in ((1.0, "scale"), (10.0, 0.5)):
        model = SVC(C=c, kernel="rbf", gamma=gamma, tol=1e-9, cache_size=500)
        model.fit(x, y)
        width = gamma if gamma != "scale" else 1 / (x.shape[1] * x.var())
        s, a = model.support_vectors_, model.dual_coef_[0]
        k = np.exp(-width * ((s[:, None, :] - s[None, :, :]) ** 2).sum(-1))
        yield {"kind": "rbf_svm", "C": c, "gamma": 0 if gamma == "scale" else gamma,
               "objective": 0.5 * a @ k @ a - np.abs(a).sum(),
               "decisions": model.decision_function(held_out).tolist()}


def crf_models(x, y, starts, held_out, steps):
    def items(rows):
        return [{f"f{j}": float(v) for j, v in enumerate(r)} | {"bias": 1.0} for r in rows]

    bounds = list(zip(starts[:-1], starts[1:]))
    sequences = [items(x[a:b]) for a, b in bounds]
    tags = [["1" if v > 0 else "0" for v in y[a:b]] for a, b in bounds]
    for c2 in (0.1, 1.0):
        # min_freq: CRFsuite's "frequency" of a real-valued feature is the sum of its values, and by default it
        # drops every feature whose sum is negative.
        model = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=0, c2=c2, epsilon=1e-12, delta=1e-14, period=50,
                                     max_iterations=100_000, min_freq=-1e9, all_possible_states=True,
                                     all_possible_transitions=True)
        model.fit(sequences, tags)
        state, move = model.state_features_, model.transition_features_
        theta = np.array(list(state.values()) + list(move.values()))
        trans = np.array([[move.get((str(a), str(b)), 0.0) for b in range(2)] for a in range(2)])
        names = [f"f{j}" for j in range(x.shape[1])] + ["bias"]
        weight = np.array([[state.get((n, str(k)), 0.0) for n in names] for k in range(2)])
        loss = c2 * (theta**2).sum()
        for a, b in bounds:
            emit = np.c_[x[a:b], np.ones(b - a)] @ weight.T
            path = (y[a:b] > 0).astype(int)
            alpha = emit[0]
            gold = emit[0][path[0]]
            for t in range(1, b - a):
                alpha = np.logaddexp(alpha[0] + trans[0], alpha[1] + trans[1]) + emit[t]
                gold += trans[path[t - 1], path[t]] + emit[t][path[t]]
            loss += np.logaddexp(*alpha) - gold
        # The filtered marginal at step t is the marginal of the last item of the sequence cut after t.
        filtered = []
        for a in range(0, len(held_out), steps):
            for t in range(1, steps + 1):
                filtered.append(model.predict_marginals_single(items(held_out[a:a + t]))[-1].get("1", 0.0))
        yield {"kind": "crf", "c2": c2, "objective": loss, "filtered": filtered}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "classifiers")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, seed, sequences, steps, width, noise in (("gap_top_prob", 1, 60, 8, 2, 1.0), ("wide", 2, 40, 10, 5, 2.0)):
        x, y = make_set(seed, sequences, steps, width, noise)
        held_out, _ = make_set(seed + 100, sequences, steps, width, noise)
        starts = np.arange(0, len(x) + 1, steps, dtype=np.int64)
        scaled, scaled_out = standardise(x, held_out)
        models = [*linear_models(scaled, y, scaled_out), *rbf_models(scaled, y, scaled_out),
                  *cautious_models(scaled, y, scaled_out),
                  *crf_models(scaled, y, starts, scaled_out, steps)]
        for m in models:
            for key in ("decisions", "filtered"):
                if key in m:
                    m[key] = [round(v, 9) for v in m[key]]
        save_file({"features": np.ascontiguousarray(x.T), "labels": y, "starts": starts,
                   "held_out": np.ascontiguousarray(held_out)}, args.out / f"{name}.safetensors")
        document = {"made_with": {"scikit-learn": sklearn.__version__, "sklearn-crfsuite": version("sklearn-crfsuite")},
                    "steps": steps, "models": models}
        (args.out / f"{name}.json").write_text(json.dumps(document) + "\n")
        print(name, [(m["kind"], round(m["objective"], 6)) for m in models])


if __name__ == "__main__":
    main()
