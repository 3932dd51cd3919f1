"""Training of one early-exit decoder.

Loss: cross-entropy at the last layer and at a few other layers drawn afresh each step (LayerSkip's rotation), each
weighted by its depth (CALM), all through the one final norm and the one head. Depth grows during the first part of
the run: a new last layer starts as a copy of the one below it, and the items grow with it from small to all sizes. Then
the deep tasks are drawn most, and at last the look-ups.
"""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from data import Stream
from llama import Llama, Layer, Shape, rms_norm
from measure import packed_accuracy
from optim import Muon

WORK = torch.bfloat16


@dataclass(frozen=True)
class Plan:
    """How one model is trained. Tokens per step are the same whatever the length of the sequences."""

    layers: int
    steps: int
    first_layers: int = 4
    grow_every: int = 300  # steps between two new layers
    ramp: int = 4000  # steps over which the items grow to full size
    batch_tokens: int = 4096
    lengths: tuple = (128, 256, 512)
    length_odds: tuple = (0.8, 0.1, 0.1)
    look_ups: int = 5500  # step from which look-ups are drawn more
    exits: int = 4
    target_share: float = 0.25  # of all positions, at most, carry a loss
    muon_rate: float = 0.02
    adam_rate: float = 0.004
    warm_up: int = 100
    cool_down: int = 2000  # steps at the end over which the rates fall to zero


def exit_loss(hidden, norm, embed, targets, weights, eps: float):
    logits = (rms_norm(hidden, norm, eps).to(WORK) @ embed.to(WORK).t()).float()
    return (F.cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()


class Trainer:
    def __init__(self, plan: Plan, vocabulary: int, stream: Stream, seed: int):
        self.plan, self.stream = plan, stream
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.model = Llama(Shape(plan.first_layers, vocabulary))
        self.run_layer = torch.compile(Layer.forward, dynamic=False)
        self.loss = torch.compile(exit_loss)
        self.model.run_layer = self.run_layer
        self.step, self.seconds = 0, 0.0
        self._optimizers()

    def _optimizers(self):
        inner = [p for layer in self.model.layers for p in layer.parameters()]
        self.muon = Muon([p for p in inner if p.ndim == 2])
        self.adam = torch.optim.AdamW([self.model.embed, self.model.norm] + [p for p in inner if p.ndim == 1],
                                      betas=(0.9, 0.95), weight_decay=0.0)

    def _grow(self):
        layers = self.model.layers
        layers.append(copy.deepcopy(layers[-1]))
        self._optimizers()

    def _rate(self) -> float:
        p = self.plan
        return min(1.0, (self.step + 1) / p.warm_up, (p.steps - self.step) / p.cool_down)

    def _batch(self):
        p = self.plan
        length = int(self.rng.choice(p.lengths, p=p.length_odds)) if self.step >= p.ramp else p.lengths[0]
        ids, targets, weights = self.stream.batch(p.batch_tokens // length, length)
        flat, count = weights.reshape(-1), int(p.batch_tokens * p.target_share)
        at = self.rng.permutation(np.flatnonzero(flat))[:count]
        spare = count - len(at)
        at = np.concatenate([at, np.zeros(spare, np.int64)])
        weight = flat[at]
        weight[count - spare:] = 0.0
        return (torch.from_numpy(ids), torch.from_numpy(at), torch.from_numpy(targets.reshape(-1)[at]),
                torch.from_numpy(weight))

    def train_step(self) -> float:
        p, model = self.plan, self.model
        if len(model.layers) < p.layers and self.step and self.step % p.grow_every == 0:
            self._grow()
        depth = len(model.layers)
        self.stream.stage = min(1.0, self.step / p.ramp)
        self.stream.phase = "growing" if self.step < p.ramp else "deep" if self.step < p.look_ups else "look-ups"
        ids, at, targets, weights = self._batch()
        hidden = model.hidden_states(ids, WORK)
        exits = sorted({*self.rng.choice(depth, min(p.exits, depth), replace=False).tolist(), depth - 1})
        shares = np.array(exits) + 1.0
        losses = [self.loss(hidden[e].flatten(0, 1)[at], model.norm, model.embed, targets, weights, model.s.eps)
                  for e in exits]
        sum(float(s) * loss for s, loss in zip(shares / shares.sum(), losses)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = self._rate()
        self.muon.step(p.muon_rate * rate)
        for group in self.adam.param_groups:
            group["lr"] = p.adam_rate * rate
        self.adam.step()
        model.zero_grad(set_to_none=True)
        self.step += 1
        return losses[-1].item()

    def run(self, checkpoint: Path, rows, encode, save_every: int = 500, report_every: int = 1000):
        if checkpoint.exists():
            self.load(checkpoint)
        mean = None
        while self.step < self.plan.steps:
            start = time.monotonic()
            loss = self.train_step()
            self.seconds += time.monotonic() - start
            mean = loss if mean is None else 0.98 * mean + 0.02 * loss
            if self.step % 100 == 0:
                print(f"step {self.step} layers {len(self.model.layers)} loss {mean:.3f} "
                      f"{self.seconds / self.step * 1000:.0f} ms/step", flush=True)
            if self.step % report_every == 0 or self.step == self.plan.steps:
                self.report(rows, encode)
            if self.step % save_every == 0 or self.step == self.plan.steps:
                self.save(checkpoint)

    def report(self, rows, encode):
        for task, accuracy in packed_accuracy(self.model, rows, encode, WORK).items():
            print(f"  {task:16s}", " ".join(f"{100 * a:3.0f}" for a in accuracy), flush=True)

    def save(self, path: Path):
        torch.save({"plan": asdict(self.plan), "model": self.model.state_dict(), "depth": len(self.model.layers),
                    "muon": self.muon.state_dict(), "adam": self.adam.state_dict(), "step": self.step,
                    "seconds": self.seconds, "rng": self.rng.bit_generator.state,
                    "stream": self.stream.rng.getstate()}, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path):
        state = torch.load(path, weights_only=False)
        end = {"steps": self.plan.steps, "cool_down": self.plan.cool_down}  # may change as long as it is ahead
        ahead = state["step"] <= self.plan.steps - self.plan.cool_down
        if ({**state["plan"], **end} if ahead else state["plan"]) != asdict(self.plan):
            raise ValueError(f"{path} belongs to another plan; remove it to start again")
        while len(self.model.layers) < state["depth"]:
            self._grow()
        self.model.load_state_dict(state["model"])
        self._optimizers()
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.rng.bit_generator.state = state["rng"]
        self.stream.rng.setstate(state["stream"])
