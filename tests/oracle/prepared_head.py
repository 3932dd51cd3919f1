# SPDX-License-Identifier: MIT
"""A head in int8 rows as `lagom::io::save_prepared_head` writes it, made by numpy and the safetensors package.

    python tests/oracle/prepared_head.py

writes golden/prepared/int8.safetensors: 4 rows of 70 elements, not rotated.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

rows, cols = 4, 70
r, j = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
w = (((r * 31 + j * 17) % 23 - 11) / 8.0).astype(np.float32)  # every element is exact
mean = w.astype(np.float64).mean(axis=0).astype(np.float32)
rest = w.astype(np.float64) - mean
scale = (np.abs(rest).max(axis=1) / 127).astype(np.float32)
q = np.floor(rest / scale[:, None].astype(np.float64) + 128.5)
kept = scale[:, None].astype(np.float64) * (q - 128)
error = np.linalg.norm(rest - kept, axis=1)
norm = np.maximum(np.linalg.norm(w.astype(np.float64), axis=1), np.linalg.norm(kept, axis=1))
up = lambda x: np.nextafter((x * (1 + 2.0**-20)).astype(np.float32), np.float32(np.inf))

codes = np.zeros((rows, 128), np.uint8)
codes[:, :cols] = q
out = Path(__file__).parent / "golden" / "prepared"
out.mkdir(exist_ok=True)
save_file(
    {"codes": codes.view(np.uint64), "rows": np.stack([scale, up(error), up(norm)]), "mean": mean},
    out / "int8.safetensors",
    {"lagom": "prepared_head", "schema": "2", "bits": "8", "rotated": "0", "key": "7", "fingerprint": "0"},
)
