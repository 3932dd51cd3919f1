#!/usr/bin/env python3
"""Checks the program expand_vocabulary against transformers and tokenizers.

    expand_vocabulary.py PROGRAM [--model DIR] [--corpus FILE --held-out FILE]

PROGRAM writes an expanded, a trimmed and a replaced directory. Each is loaded by transformers, and must give the loss a
byte on the held-out text that the program printed: the same ids and the same logits, seen through one number. Rows of
tokens that stay must be the bytes that they were, old tokens found by their contents, and so must all other weights.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
TEXT = ROOT / "examples" / "expand_vocabulary"


def loss_per_byte(directory: Path, lines: list[str]) -> tuple[float, float]:
    """Nats a byte, each line after the token that begins a text; and tokens a line."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(directory)
    config = AutoConfig.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    start = config.bos_token_id if config.bos_token_id is not None else config.eos_token_id
    nats = tokens = 0
    with torch.no_grad():
        for line in lines:
            ids = tokenizer.encode(line, add_special_tokens=False).ids
            if auto(line, add_special_tokens=False)["input_ids"] != ids:
                raise SystemExit(f"{directory}: transformers and tokenizers disagree on {line!r}")
            logits = model(torch.tensor([[start] + ids[:-1]])).logits[0].double().log_softmax(-1)
            nats -= logits[range(len(ids)), ids].sum().item()
            tokens += len(ids)
    return nats / sum(len(line.encode()) for line in lines), tokens / len(lines)


def same_weights(before: Path, after: Path) -> int:
    """Compares bits, and says how many rows of the embedding were compared."""
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    if old.keys() != new.keys():
        raise SystemExit(f"{after}: other tensors")
    ids = [Tokenizer.from_file(str(d / "tokenizer.json")).get_vocab(with_added_tokens=True) for d in (before, after)]
    pairs = sorted((i, ids[1][content]) for content, i in ids[0].items() if content in ids[1])
    for name, tensor in old.items():
        was, now = tensor.view(torch.uint8), new[name].view(torch.uint8)
        if "embed" in name or "lm_head" in name:
            if new[name].shape[1:] != tensor.shape[1:] or new[name].dtype != tensor.dtype:
                raise SystemExit(f"{after}: {name} has another shape")
            was, now = was[[a for a, _ in pairs]], now[[b for _, b in pairs]]
        if not torch.equal(was, now):
            raise SystemExit(f"{after}: {name} changed")
    return len(pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--model", type=Path, default=ROOT / "examples" / "model" / "main")
    parser.add_argument("--corpus", type=Path, default=TEXT / "second_language.txt")
    parser.add_argument("--held-out", type=Path, default=TEXT / "second_language_held_out.txt")
    parser.add_argument("--replace", type=Path, help="a tokenizer.json for the replacement; default: the expanded one")
    args = parser.parse_args()
    torch.set_num_threads(1)
    lines = [line for line in args.held_out.read_text(encoding="utf-8").splitlines() if line][:200]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        runs = [(f"expanded-{init}", ["--init", init]) for init in ("random", "mean", "merge", "align", "focus")]
        runs += [(f"expanded-{how}", ["--placement", how]) for how in ("append_aux", "prepend_aux")]
        runs += [("trimmed", ["--trim"]),
                 ("replaced", ["--replace", str(args.replace or work / "expanded-mean" / "tokenizer.json"), "--init", "mean"])]
        for name, options in runs:
            out, report = work / name, work / f"{name}.json"
            subprocess.run([args.program, "--model", args.model, "--corpus", args.corpus, "--held-out", args.held_out,
                            "--pad-to", "8", "--out", out, "--json", report, *options], check=True,
                           stdout=subprocess.DEVNULL)
            said = json.loads(report.read_text())["losses"][-1]
            loss, tokens = loss_per_byte(out, lines)
            kept = same_weights(args.model, out)
            ok = math.isclose(said["nats_per_byte"], loss, rel_tol=2e-4) and said["tokens_per_line"] == tokens
            wrong += not ok
            print(f"{name:22} program {said['nats_per_byte']:.6f} transformers {loss:.6f} nats/byte, "
                  f"{tokens:.2f} tokens/line, {kept} rows kept {'ok' if ok else 'WRONG'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
