"""Accuracy by layer: the exit after every layer, read at the position that must say the answer."""

from __future__ import annotations

import random

import torch


def by_task(rows, split):
    out: dict[str, list] = {}
    for row in rows:
        if row["split"] == split:
            out.setdefault(row["task"], []).append(row)
    return out


def demonstration(row) -> str:
    return f"{row['prompt']} {row['answer']}\n\n"


@torch.no_grad()
def exits_right(model, ids, at, answers, work=torch.float32):
    """For each layer, which of the positions `at` (flat indices) say their answer."""
    return torch.stack([model.logits(h.flatten(0, 1)[at]).argmax(-1) == answers
                        for h in model.hidden_states(ids, work)])


def packed_accuracy(model, rows, encode, work, length: int = 256, sequences: int = 16):
    """A quick look: train items packed one after the other, every answer counted. {task: accuracy by layer}"""
    result = {}
    for task, items in by_task(rows, "train").items():
        rng = random.Random(task)
        ids, at, answers = [], [], []
        for n in range(sequences):
            line: list[int] = []
            for row in rng.sample(items, len(items)):
                prompt = encode.tok.encode(row["prompt"]).ids
                answer = encode.word(row["answer"])
                if len(line) + len(prompt) + 3 > length:
                    break
                line += prompt
                at.append(n * length + len(line) - 1)
                answers.append(answer)
                line += [answer, *encode("\n"), *encode("\n")]
            ids.append(line + [encode.end] * (length - len(line)))
        right = exits_right(model, torch.tensor(ids), torch.tensor(at), torch.tensor(answers), work)
        result[task] = right.float().mean(1).tolist()
    return result


def few_shot_accuracy(model, rows, tok, shots: int, limit: int | None = None, batch: int = 32):
    """Test items after `shots` demonstrations drawn from the train split. {task: (accuracy by layer, items)}

    Items whose prompt does not fit the context are left out.
    """
    demos, result = by_task(rows, "train"), {}
    for task, items in by_task(rows, "test").items():
        rng = random.Random(f"{task} {shots}")
        prompts = []
        for row in items[:limit]:
            text = "".join(demonstration(d) for d in rng.sample(demos[task], shots)) + row["prompt"]
            ids = tok.encode(text).ids
            if len(ids) < model.s.context:
                (answer,) = tok.encode(" " + row["answer"]).ids
                prompts.append((ids, answer))
        prompts.sort(key=lambda p: len(p[0]))
        right = []
        for i in range(0, len(prompts), batch):
            part = prompts[i:i + batch]
            width = max(len(ids) for ids, _ in part)
            ids = torch.tensor([p + [0] * (width - len(p)) for p, _ in part])
            at = torch.tensor([n * width + len(p) - 1 for n, (p, _) in enumerate(part)])
            right.append(exits_right(model, ids, at, torch.tensor([a for _, a in part])))
        if right:
            whole = torch.cat(right, 1).float()
            result[task] = (whole.mean(1).tolist(), whole.shape[1])
    return result
