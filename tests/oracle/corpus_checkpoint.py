#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes golden/corpus/counts.bin: a corpus checkpoint put together from the description of its format alone."""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def fnv1a(data):
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


def main():
    files = [(10, 20, 30), (40, 50, 60)]
    added = {0: 2, 50256: 1}
    pieces = {b"": 1, b"abc": 300, b"\xff" * 200: 2**60}
    out = b"lagomcor" + struct.pack("<IQQ", 1, 0x123456789ABCDEF0, len(files))
    for file in files:
        out += struct.pack("<QQQ", *file)
    out += struct.pack("<QQQQQ", 1, 40, 3, 30, 20)
    out += struct.pack("<Q", len(added))
    for token, count in sorted(added.items()):
        out += struct.pack("<IQ", token, count)
    out += struct.pack("<Q", len(pieces))
    for piece, count in sorted(pieces.items()):
        out += varint(count) + varint(len(piece)) + piece
    out += struct.pack("<Q", fnv1a(out))
    path = os.path.join(HERE, "golden", "corpus", "counts.bin")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(out)


if __name__ == "__main__":
    main()
