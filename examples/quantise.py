#!/usr/bin/python3
"""A compressor as small as one can be, to show how a study takes any program (external.toml, docs/external-methods.md):

    quantise.py compress TABLE.npz BOUNDS.csv PACKED
    quantise.py decompress PACKED TABLE.npz

Each column is rounded to a lattice that its bound allows and packed by zlib; whatever would miss its bound is kept as it is.
"""
import csv
import json
import os
import sys
import zlib

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "share", "phases"))
from haywatt_phase import phase  # noqa: E402


def pack(values, kind, epsilon):
    """The streams of one column: lattice points, and where and what is kept."""
    if kind != "abs" or epsilon <= 0:
        return [b"", b"", values.tobytes()]
    steps = numpy.rint(values.astype(numpy.float64) / (2 * epsilon))
    steps[~numpy.isfinite(steps) | (abs(steps) > 2**31 - 1)] = 0
    decoded = (steps * (2 * epsilon)).astype(values.dtype)
    missed = numpy.flatnonzero(~(abs(decoded.astype(numpy.float64) - values) <= epsilon * (1 - 2**-20)) | numpy.signbit(values) & (values == 0))
    return [steps.astype("<i4").tobytes(), missed.astype("<u4").tobytes(), values[missed].tobytes()]


def unpack(streams, dtype, rows, kind, epsilon):
    if kind != "abs" or epsilon <= 0:
        return numpy.frombuffer(streams[2], dtype)
    values = (numpy.frombuffer(streams[0], "<i4") * (2 * epsilon)).astype(dtype)
    values[numpy.frombuffer(streams[1], "<u4")] = numpy.frombuffer(streams[2], dtype)
    return values


def shuffled(data, size):
    """First bytes of all values, then second bytes, …: alike stands beside alike."""
    return numpy.frombuffer(data, "u1").reshape(-1, size).T.tobytes() if data else b""


def unshuffled(data, size):
    return numpy.frombuffer(data, "u1").reshape(size, -1).T.tobytes() if data else b""


def compress(table, bounds, packed):
    with phase("read"):
        archive = numpy.load(table)
        data, names = archive["data"], [str(n) for n in archive["names"]]
        rules = [(r["kind"], float(r["epsilon"])) for r in csv.DictReader(open(bounds))]
    head = {"dtype": data.dtype.str, "rows": len(data), "names": names, "bounds": rules, "bytes": []}
    body = b""
    for column, (kind, epsilon) in zip(data.T, rules):
        with phase("quantise"):
            streams = pack(numpy.ascontiguousarray(column), kind, epsilon)
        with phase("zlib"):
            for stream, size in zip(streams, (4, 4, data.dtype.itemsize)):
                small = zlib.compress(shuffled(stream, size), 6)
                head["bytes"].append(len(small))
                body += small
    with phase("write"), open(packed, "wb") as f:
        f.write(json.dumps(head).encode() + b"\n" + body)


def decompress(packed, table):
    with phase("read"), open(packed, "rb") as f:
        head, body = json.loads(f.readline()), f.read()
    dtype, rows = numpy.dtype(head["dtype"]), head["rows"]
    columns, at, lengths = [], 0, iter(head["bytes"])
    for kind, epsilon in head["bounds"]:
        streams = []
        with phase("zlib"):
            for size in (4, 4, dtype.itemsize):
                length = next(lengths)
                streams.append(unshuffled(zlib.decompress(body[at:at + length]), size))
                at += length
        with phase("quantise"):
            columns.append(unpack(streams, dtype, rows, kind, epsilon))
    with phase("write"):
        numpy.savez(table, data=numpy.stack(columns, axis=1), names=numpy.array(head["names"]))


if len(sys.argv) == 5 and sys.argv[1] == "compress":
    compress(*sys.argv[2:])
elif len(sys.argv) == 4 and sys.argv[1] == "decompress":
    decompress(*sys.argv[2:])
else:
    sys.exit(__doc__)
