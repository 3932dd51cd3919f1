#!/usr/bin/env python3
"""Makes the example models: tokenizer, task file, training, Hugging Face directories, record.

    make.py data             tokenizer and task file
    make.py train main       train one model (resumes from its checkpoint)
    make.py export main      write its directory from the checkpoint
    make.py evaluate         accuracy by layer, from the directories
    make.py record           hashes, environment and accuracies into record.json, and the model card from it
    make.py all              everything, in order
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: waiting threads leave the cores to others

import torch
from tokenizers import Tokenizer, __version__ as tokenizers_version

import card
import data
from llama import Llama, Shape, load_hf, save_hf
from measure import few_shot_accuracy
from tasks import TASKS
from train import Plan, Trainer

HERE = Path(__file__).resolve().parent
PLANS = {"main": Plan(layers=14, steps=7500), "small": Plan(layers=10, steps=8000)}
SHOTS = (0, 5, 10, 15, 20)


def put(path: Path, write) -> None:
    """write(temporary path), then rename: readers see the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        write(part)
        os.replace(part, path)


def put_json(path: Path, value) -> None:
    put(path, lambda p: p.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"))


def tokenizer(args) -> Tokenizer:
    return Tokenizer.from_file(str(args.out / "main" / "tokenizer.json"))


def make_data(args) -> None:
    tok = data.train_tokenizer(args.seed)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": Shape(1, 1).context,
              "bos_token": data.END, "eos_token": data.END, "unk_token": data.END,
              "add_bos_token": False, "clean_up_tokenization_spaces": False}
    for name in PLANS:
        put(args.out / name / "tokenizer.json", lambda p: tok.save(str(p)))
        put_json(args.out / name / "tokenizer_config.json", config)
    rows = data.make_task_rows(args.seed, tok)
    put(args.out / "tasks.jsonl", lambda p: data.write_rows(p, rows))


def make_trainer(args, name: str) -> tuple[Trainer, list[dict], data.Encoder]:
    tok = tokenizer(args)
    rows = data.read_rows(args.out / "tasks.jsonl")
    stream = data.Stream(f"{args.seed} train {name}", tok, {r["prompt"] for r in rows})
    plan = replace(PLANS[name], **({"steps": args.steps} if args.steps else {}))
    return Trainer(plan, tok.get_vocab_size(), stream, args.seed), rows, data.Encoder(tok)


def train(args, name: str) -> None:
    args.work.mkdir(parents=True, exist_ok=True)
    trainer, rows, encode = make_trainer(args, name)
    trainer.run(args.work / f"{name}.pt", rows, encode)


def export(args, name: str) -> None:
    state = torch.load(args.work / f"{name}.pt", weights_only=False)
    shape = Shape(state["depth"], state["model"]["embed"].shape[0])
    model = Llama(shape)
    model.load_state_dict(state["model"])
    end = tokenizer(args).token_to_id(data.END)
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        save_hf(model, Path(folder), end)
        for file in ("config.json", "model.safetensors"):
            (Path(folder) / file).chmod(0o644)
            os.replace(Path(folder) / file, args.out / name / file)
    put_json(args.work / f"{name}.json",
             {**asdict(shape), "parameters": sum(p.numel() for p in model.parameters()), "plan": state["plan"],
              "steps": state["step"], "tokens": state["step"] * state["plan"]["batch_tokens"],
              "hours": round(state["seconds"] / 3600, 2), "threads": args.threads})


def evaluate(args) -> None:
    tok, rows = tokenizer(args), data.read_rows(args.out / "tasks.jsonl")
    result = {}
    for name in PLANS:
        model = load_hf(args.out / name)
        for shots in SHOTS:
            table = few_shot_accuracy(model, rows, tok, shots, args.limit or None)
            result.setdefault(name, {})[str(shots)] = {
                task: {"items": n, "by_layer": [round(a, 4) for a in accuracy]}
                for task, (accuracy, n) in table.items()}
            print(f"{name}, {shots} shots, percent right after each layer")
            for task, (accuracy, n) in table.items():
                print(f"  {task:16s}", " ".join(f"{100 * a:3.0f}" for a in accuracy), flush=True)
    put_json(args.work / "accuracy.json", result)


def record(args) -> None:
    """record.json (hashes, environment, plans, accuracies) and the model card."""
    files = [Path("tasks.jsonl")] + [Path(name) / file for name in PLANS
                                     for file in ("config.json", "model.safetensors", "tokenizer.json")]
    whole = {
        "seed": args.seed,
        "sha256": {f.as_posix(): hashlib.sha256((args.out / f).read_bytes()).hexdigest() for f in files},
        "environment": {"python": platform.python_version(), "torch": torch.__version__,
                        "tokenizers": tokenizers_version, "system": platform.system(), "machine": platform.machine()},
        "second_language_share": data.SECOND_LANGUAGE_SHARE,
        "models": {name: json.loads((args.work / f"{name}.json").read_text()) for name in PLANS},
        "accuracy": json.loads((args.work / "accuracy.json").read_text()),
    }
    put_json(args.out / "record.json", whole)
    prompts = {row["task"]: row["prompt"] for row in reversed(data.read_rows(args.out / "tasks.jsonl"))}
    put(args.out / "README.md", lambda p: p.write_text(card.write(whole, [t for t in TASKS if t.filed], prompts), encoding="utf-8"))


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["data", "train", "export", "evaluate", "record", "all"])
    parser.add_argument("model", nargs="?", choices=list(PLANS), help="for train and export; default both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE, help="where the directories and the task file go")
    parser.add_argument("--work", type=Path, help="checkpoints; default: the user's cache directory",
                        default=Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lagom-model")
    parser.add_argument("--steps", type=int, help="steps of training, instead of the plan's")
    parser.add_argument("--limit", type=int, default=100, help="test items a task in evaluate, 0 = all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    names = [args.model] if args.model else list(PLANS)
    if args.stage in ("data", "all"):
        make_data(args)
    if args.stage in ("train", "all"):
        for name in names:
            train(args, name)
    if args.stage in ("export", "all"):
        for name in names:
            export(args, name)
    if args.stage in ("evaluate", "all"):
        evaluate(args)
    if args.stage in ("record", "all"):
        record(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
