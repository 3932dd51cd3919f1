"""Muon for the matrices of the layers, AdamW for the rest."""

from __future__ import annotations

import torch


@torch.no_grad()
def orthogonalise(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Newton-Schulz iteration of Muon on a stack of matrices (count, rows, columns), rows >= columns."""
    x = g / (g.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x.transpose(1, 2) @ x
        x = 3.4445 * x + x @ (-4.7750 * a + 2.0315 * a @ a)
    return x


class Muon:
    """Momentum, orthogonalised; matrices of one shape are handled as one stack."""

    def __init__(self, parameters, momentum: float = 0.95, decay: float = 0.01):
        self.momentum, self.decay = momentum, decay
        self.groups: dict[tuple, list] = {}
        for p in parameters:
            self.groups.setdefault(tuple(sorted(p.shape)), []).append(p)
        self.buffers = {shape: torch.zeros(len(ps), max(shape), min(shape)) for shape, ps in self.groups.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for shape, ps in self.groups.items():
            wide = [p.shape[0] < p.shape[1] for p in ps]
            g = torch.stack([p.grad.t() if w else p.grad for p, w in zip(ps, wide)])
            buffer = self.buffers[shape]
            buffer.lerp_(g, 1 - self.momentum)
            update = orthogonalise(g.lerp(buffer, self.momentum))
            for p, u, w in zip(ps, update, wide):
                u = u.t() if w else u
                p.mul_(1 - rate * self.decay)
                p.add_(u, alpha=-rate * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

    def state_dict(self):
        return {"buffers": self.buffers}

    def load_state_dict(self, state):
        self.buffers = state["buffers"]
