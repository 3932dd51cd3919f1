# SPDX-License-Identifier: MIT
"""The fused probe on a device beside what PyTorch's users run: norm, linear, softmax, topk; in one session, one row a
batch. PyTorch runs each chain as it is, through torch.compile, and as a captured CUDA graph; the fastest counts.

    cuda_peers.py CUDA_UNEMBED [--json FILE]

CUDA_UNEMBED is the compiled bench/cuda_unembed.cu. Without PyTorch or a device it says so and shows lagom alone.
"""

import argparse
import json
import subprocess
import sys

VOCAB, DIM, REPETITIONS = 128256, 4096, 31


def median_ns(torch, run):
    for _ in range(5):
        run()
    times = []
    for _ in range(REPETITIONS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(1e6 * begin.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def peers(torch, batch):
    """(name, nanoseconds) of every way to run the chain."""
    generator = torch.Generator("cuda").manual_seed(1)
    head = torch.empty(VOCAB, DIM, dtype=torch.bfloat16, device="cuda").normal_(0, 0.02, generator=generator)
    hidden = torch.empty(batch, DIM, dtype=torch.bfloat16, device="cuda").normal_(0, 2, generator=generator)
    weight = torch.empty(DIM, dtype=torch.float32, device="cuda").normal_(generator=generator)

    def probe(x):
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5) * weight
        logits = torch.nn.functional.linear(normed.to(x.dtype), head)
        return torch.topk(torch.softmax(logits, -1, dtype=torch.float32), 2)

    with torch.inference_mode():
        yield "PyTorch", median_ns(torch, lambda: probe(hidden))
        try:
            compiled = torch.compile(probe)
            compiled(hidden)
            yield "PyTorch compiled", median_ns(torch, lambda: compiled(hidden))
        except Exception as why:  # a compiler that is not there is no result
            print(f"  torch.compile is skipped: {type(why).__name__}", file=sys.stderr)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            probe(hidden)
        yield "PyTorch graph", median_ns(torch, graph.replay)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    done = subprocess.run([arguments.program, str(VOCAB), str(DIM)], capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode != 0 or not done.stdout:
        return done.returncode
    rows = json.loads(done.stdout)
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or not torch.cuda.is_available():
        print("PyTorch with a device is not here: skipped", file=sys.stderr)
    else:
        for row in rows:
            name, ns = min(peers(torch, row["batch"]), key=lambda one: one[1])
            row |= {"peer": name, "peer_ns": round(ns), "times_faster_than_peer": round(ns / row["lagom_ns"], 3)}
    print("| B | lagom us | of the copy's bandwidth | fastest PyTorch us | times faster |\n|---|---|---|---|---|")
    for row in rows:
        peer = f"{row['peer_ns'] / 1e3:.1f} ({row['peer']}) | {row['times_faster_than_peer']:.2f}" if row["peer"] else "- | -"
        print(f"| {row['batch']} | {row['lagom_ns'] / 1e3:.1f} | {row['fraction_of_limit']:.2f} | {peer} |")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
