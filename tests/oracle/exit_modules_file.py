# SPDX-License-Identifier: MIT
"""Makes golden/learned/drafters_<kind>.safetensors: the modules of learned_rules.py as a Python program would save them,
tensor by tensor as a torch.nn.Linear holds its weight, without the library's help.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/exit_modules_file.py
"""

import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file

GOLDEN = pathlib.Path(__file__).parent / "golden" / "learned"
INNER = 7


def named(kind, theta, h):
    g, rest = theta[:h], theta[h:]
    yield "norm.weight", g
    if kind == "linear":
        yield "linear.weight", rest[: h * h].reshape(h, h)
        yield "linear.bias", rest[h * h :]
    if kind == "mlp":
        yield "mlp.norm.weight", rest[:h]
        gate, up, down = np.split(rest[h:], 3)
        yield "mlp.gate.weight", gate.reshape(INNER, h)
        yield "mlp.up.weight", up.reshape(INNER, h)
        yield "mlp.down.weight", down.reshape(h, INNER)


def main():
    made = load_file(GOLDEN / "modules.safetensors")
    h = made["norm"].size
    for kind in ("norm", "linear", "mlp"):
        tensors = {"norm.weight": made["norm"], "1.profile": np.arange(4096, dtype=np.uint32) % 5}
        for name, value in named(kind, made[f"{kind}.parameters"], h):
            tensors[f"0.layers.1.{name}"] = value
            tensors[f"1.layers.0.{name}"] = value * 2
        metadata = {
            "lagom": "exit_modules",
            "schema": "1",
            "model": "00000000000000ff",
            "kind": kind,
            "layers": "3",
            "inner": str(INNER if kind == "mlp" else 0),
            "epsilon": "1e-05",
            "sets": "2",
            "label.0": "Kiswahili",
            "label.1": "ελληνικά",
            "note": "other keys are of no concern",
        }
        save_file(
            {k: np.ascontiguousarray(v) for k, v in tensors.items()}, GOLDEN / f"drafters_{kind}.safetensors", metadata=metadata
        )


if __name__ == "__main__":
    main()
