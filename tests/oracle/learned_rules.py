#!/usr/bin/env python3
"""Golden files of the rules learned from hidden states: what PyTorch and scikit-learn make of small data sets.

Writes into tests/oracle/golden/learned:
- probes.safetensors: hidden states of sequences and layers, labels, and for BERxiT's learning-to-exit module and CALM's
  meta head the minima, their objectives and their outputs;
- specee.safetensors: a perceptron before and after steps of Adam, its outputs and losses;
- modules.safetensors: exit modules (norm, linear, gated MLP) before a shared head, their logits, losses against the last
  layer's token and distribution, and gradients.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/learned_rules.py
"""

import argparse
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

SEQUENCES, LAYERS, HIDDEN = 60, 6, 8
L2 = 1e-2


def make_states(seed: int):
    """States of uneven sizes whose direction says, more clearly with depth, whether the answer is there."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=HIDDEN)
    scale = np.exp(rng.normal(size=HIDDEN) * 1.5)
    offset = rng.normal(size=HIDDEN) * 3
    states = np.empty((SEQUENCES, LAYERS, HIDDEN))
    labels = np.zeros((SEQUENCES, LAYERS), np.int8)
    for s in range(SEQUENCES):
        first = rng.integers(0, LAYERS)
        for layer in range(LAYERS):
            right = layer >= first and rng.uniform() > 0.1
            states[s, layer] = rng.normal(size=HIDDEN) + (0.8 if right else -0.8) * direction
            if layer + 1 < LAYERS:  # the last layer is never tested
                labels[s, layer] = 1 if right else -1
    labels[:, 0] = -1  # a layer of one label
    labels[5, 2] = labels[9, 1] = 0  # left out
    return (states * scale + offset).astype(np.float32), labels


def minimise(loss, width):
    theta = torch.zeros(width, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [theta], max_iter=5000, tolerance_grad=1e-12, tolerance_change=1e-16, history_size=50, line_search_fn="strong_wolfe"
    )

    def closure():
        solver.zero_grad()
        value = loss(theta)
        value.backward()
        return value

    for _ in range(5):
        solver.step(closure)
    return theta.detach(), float(loss(theta.detach()))


def probes():
    raw, labels = make_states(1)
    cells, y = raw.reshape(-1, HIDDEN).astype(np.float64), labels.reshape(-1)
    out = {"states": raw, "labels": labels, "l2": np.array([L2])}

    def standardised(used):
        mean, deviation = cells[used].mean(0), cells[used].std(0)
        return (cells - mean) / deviation

    # BERxiT: mean squared error of u = sigmoid(w . x + b) against 1 - [right]
    used = y != 0
    x = torch.tensor(standardised(used)[used])
    t = torch.tensor((y[used] < 0).astype(np.float64))

    def lte(theta):
        u = torch.sigmoid(x @ theta[:-1] + theta[-1])
        return ((u - t) ** 2).mean() + L2 / 2 * (theta[:-1] ** 2).sum()

    theta, value = minimise(lte, HIDDEN + 1)
    out["lte_objective"] = np.array([value])
    out["lte_u"] = torch.sigmoid(x @ theta[:-1] + theta[-1]).numpy()

    # CALM, layers apart: balanced within a layer, mean over the layers that have both labels
    weight = np.zeros(y.shape)
    at_layer = np.arange(y.size) % LAYERS
    both = []
    for layer in range(LAYERS):
        mine = used & (at_layer == layer)
        if not mine.any():
            continue
        f = (y[mine] > 0).mean()
        if f in (0.0, 1.0):
            continue
        c = np.where(y[mine] > 0, 1 - f, f)
        weight[mine] = c / c.sum()
        both.append(layer)
    weight /= len(both)
    counted = weight > 0
    xs = standardised(counted)[counted]
    model = LogisticRegression(C=1 / L2, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    model.fit(xs, y[counted], sample_weight=weight[counted])
    z = model.decision_function(xs)
    loss = weight[counted] * np.logaddexp(0, -y[counted] * z)
    out["meta_objective"] = np.array([loss.sum() + L2 / 2 * (model.coef_[0] ** 2).sum()])
    out["meta_cells"] = np.flatnonzero(counted)
    out["meta_p"] = 1 / (1 + np.exp(-z))

    # CALM, geom_like: L-way cross-entropy of the first right layer, straight from the products of probabilities
    upto = np.zeros(y.shape, bool)
    target = []
    for s in range(SEQUENCES):
        target.append(LAYERS - 1)
        for layer in range(LAYERS - 1):
            if labels[s, layer] == 0:
                continue
            upto[s * LAYERS + layer] = True
            if labels[s, layer] > 0:
                target[-1] = layer
                break
    xg = torch.tensor(standardised(upto)).reshape(SEQUENCES, LAYERS, HIDDEN)
    skipped = torch.tensor(labels == 0)

    def geometric(theta):
        z = xg @ theta[:-1] + theta[-1]
        stop = torch.nn.functional.logsigmoid(z)
        go = torch.nn.functional.logsigmoid(-z).masked_fill(skipped, 0.0)
        before = torch.cumsum(go, 1) - go
        log_p = before + stop
        log_p = torch.cat([log_p[:, :-1], before[:, -1:]], 1)  # nobody stops before: the last layer
        return -log_p[torch.arange(SEQUENCES), torch.tensor(target)].mean() + L2 / 2 * (theta[:-1] ** 2).sum()

    theta, value = minimise(geometric, HIDDEN + 1)
    out["geometric_objective"] = np.array([value])
    out["geometric_p"] = torch.sigmoid(xg @ theta[:-1] + theta[-1]).numpy()
    return out


def specee():
    """A perceptron 9 -> 10 -> ReLU -> 1 of three candidates, trained by Adam on all rows at once."""
    inputs, hidden, rows, steps = 9, 10, 50, 40
    torch.manual_seed(3)
    x = torch.randn(rows, inputs)
    y = (x[:, 0] * x[:, 4] + x[:, 7] > 0).float()
    net = torch.nn.Sequential(torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1))
    weight = torch.where(y > 0, 1.0, 3.0)
    weight = weight / weight.sum()

    def parameters():  # first weights input by input, their biases, second weights, their bias
        parts = [net[0].weight.T, net[0].bias, net[2].weight, net[2].bias]
        return torch.cat([p.detach().reshape(-1) for p in parts]).numpy().copy()

    def loss():
        z = net(x).squeeze(1)
        return (weight * torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")).sum()

    out = {"inputs": x.numpy(), "labels": y.numpy(), "before": parameters(), "logits_before": net(x).detach().numpy()}
    solver = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(steps):
        solver.zero_grad()
        value = loss()
        value.backward()
        losses.append(value.item())
        solver.step()
    out["losses"] = np.array(losses + [loss().item()])
    out["after"] = parameters()
    out["logits_after"] = net(x).detach().numpy()
    return out


def modules():
    """Norm, tuned lens and gated MLP in front of one head, in double; parameters in the order the library keeps them."""
    vocab, hidden, inner, rows, epsilon, scale = 30, 12, 7, 6, 1e-5, 0.7
    torch.manual_seed(4)
    torch.set_default_dtype(torch.float64)

    def single(x):  # numbers that float32 holds
        return x.to(torch.float32).to(torch.float64)

    head = single(torch.randn(vocab, hidden) * 0.5)
    norm = single(1 + 0.3 * torch.randn(hidden))
    x, last = single(torch.randn(rows, hidden) * 2), single(torch.randn(rows, hidden) * 3)

    def rms(v, weight):
        return v / torch.sqrt((v**2).mean(-1, keepdim=True) + epsilon) * weight

    teacher = scale * rms(last, norm) @ head.T
    out = {"head": head, "norm": norm, "states": x, "last": last, "teacher": teacher}
    for kind, size in (("norm", 0), ("linear", hidden * (hidden + 1)), ("mlp", hidden * (1 + 3 * inner))):
        theta = single(torch.cat([1 + 0.2 * torch.randn(hidden), 0.3 * torch.randn(size)]))

        def logits(theta, kind=kind):
            g, rest = theta[:hidden], theta[hidden:]
            y = x
            if kind == "linear":
                y = x + x @ rest[: hidden * hidden].reshape(hidden, hidden).T + rest[hidden * hidden :]
            if kind == "mlp":
                n = rms(x, rest[:hidden])
                gate, up, down = rest[hidden:].split(inner * hidden)
                units = torch.nn.functional.silu(n @ gate.reshape(inner, hidden).T) * (n @ up.reshape(inner, hidden).T)
                y = x + units @ down.reshape(hidden, inner).T
            return scale * rms(y, g) @ head.T

        losses = {
            "token": lambda z: torch.nn.functional.cross_entropy(z, teacher.argmax(-1)),
            "distribution": lambda z: torch.nn.functional.kl_div(
                torch.log_softmax(z, -1), torch.log_softmax(teacher, -1), log_target=True, reduction="batchmean"
            ),
        }
        out[f"{kind}.parameters"] = theta
        out[f"{kind}.logits"] = logits(theta)
        for name, loss in losses.items():
            at = theta.clone().requires_grad_(True)
            value = loss(logits(at))
            value.backward()
            out[f"{kind}.{name}.loss"] = value.detach().reshape(1)
            out[f"{kind}.{name}.gradient"] = at.grad
    torch.set_default_dtype(torch.float32)
    return {k: v.detach().numpy().astype(np.float32 if "loss" not in k else np.float64) for k, v in out.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "learned")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for make in (probes, specee, modules):
        save_file({k: np.ascontiguousarray(v) for k, v in make().items()}, args.out / f"{make.__name__}.safetensors")


if __name__ == "__main__":
    main()
