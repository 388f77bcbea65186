#!/usr/bin/env python3
"""What it costs Haywatt's programs to announce their operators to a profiler.

    bench/operator_overhead.py [--haywatt build/bin/haywatt] [--pairs 20] [--rows 200000] [--only TEXT]
                              [--json FILE]

Each load runs --pairs times under haywatt meter, with the operators announced and without, in turn, the order by lot.
Compared are the program's CPU seconds as the meter counts them, of the whole program and of the phase in which the
operators are: the ratio within a round, less 1, with a 95 % interval (Hodges-Lehmann, Wilcoxon).
"""
import argparse
import json
import math
import os
import random
import subprocess
import tempfile

from profile_overhead import ROOT, hodges_lehmann

import numpy as np


def make_table(path, rows):
    table = np.load(os.path.join(ROOT, "examples", "jets.npz"))
    data = np.asarray(table["data"], dtype=np.float64)
    np.savez(path, data=np.resize(data, (rows, data.shape[1])), names=table["names"])


def loads(haywatt, folder, rows):
    table, model = os.path.join(folder, "in.npz"), os.path.join(folder, "m.hayb")
    make_table(table, rows)
    jets = os.path.join(ROOT, "examples", "jets.npz")
    subprocess.run([haywatt, "baler-libtorch", "train", table, "-o", model, "--epochs", "1", "-q"], check=True)
    out = os.path.join(folder, "out")
    return {
        "train, our steps": ("train", ["baler-libtorch", "train", jets, "-o", out, "--force", "--epochs", "10", "-q"]),
        "train, autograd": ("train", ["baler-libtorch", "train", jets, "-o", out, "--force", "--epochs", "5",
                                      "--like-python", "-q"]),
        "compress, our kernels": ("encode", ["baler", "compress", model, table, "-o", out + ".npz", "--force", "-q"]),
        "compress, zstd": ("encode", ["compress", table, "-o", out + ".hay", "--force", "-q"]),
        "compress, method baler": ("train", ["compress", jets, "-o", out + ".hay", "--force", "-q", "--method",
                                             "baler:epochs=10", "--bound", "range:1e-3"]),
    }


def cpu_seconds(haywatt, command, phase, announced, folder):
    record, operators = os.path.join(folder, "r.json"), os.path.join(folder, "operators")
    os.makedirs(operators, exist_ok=True)
    environment = dict(os.environ)
    if announced:
        environment["HAYWATT_OPERATORS"] = operators
    subprocess.run([haywatt, "meter", "-q", "--force", "-o", record, "--", haywatt, *command], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    if announced and not os.listdir(operators):
        raise SystemExit(f"{' '.join(command)}: no operator was announced")
    for name in os.listdir(operators):
        os.remove(os.path.join(operators, name))
    with open(record, encoding="utf-8") as f:
        run = json.load(f)
    return run["cpu_s"], sum(p["cpu_s"] for p in run["phases"] if p["name"] == phase)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haywatt", default=os.path.join(ROOT, "build", "bin", "haywatt"))
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--only", default="", help="only loads whose names hold this")
    parser.add_argument("--json")
    a = parser.parse_args()
    result = {"pairs": a.pairs, "rows": a.rows, "loads": {}}
    with tempfile.TemporaryDirectory(prefix="haywatt-overhead-") as folder:
        for name, (phase, command) in loads(a.haywatt, folder, a.rows).items():
            if a.only not in name:
                continue
            logs = {"program": [], phase: []}
            for _ in range(a.pairs):
                order = [False, True]
                random.shuffle(order)
                seconds = {on: cpu_seconds(a.haywatt, command, phase, on, folder) for on in order}
                for i, what in enumerate(logs):
                    logs[what].append(math.log(seconds[True][i] / seconds[False][i]))
            found = {what: [math.expm1(x) for x in hodges_lehmann(values)] for what, values in logs.items()}
            result["loads"][name] = {what: dict(zip(("overhead", "low", "high"), v)) for what, v in found.items()}
            print(f"{name:<24}" + "  ".join(f"{what} {100 * v:+.2f} % ({100 * low:+.2f} to {100 * high:+.2f})"
                                            for what, (v, low, high) in found.items()), flush=True)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
