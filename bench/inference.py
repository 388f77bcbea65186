#!/usr/bin/python3
"""How fast Baler's networks run here and in other runtimes: one run, one model, the same rows.

    bench/inference.py [--build build] [--only NAME] [--json FILE] [--onnx-python build/onnx/bin/python]

Cases: encoder and decoder of the AE 24-200-100-50-15 (weights and rows of a real project of Baler's, tests/golden/baler,
the rows repeated with the jets of examples/jets.npz) and of CFD_dense_AE 2500-200-100-50-25 (torch's initial weights,
smooth random fields), at 512 rows a batch and all rows in one (65,536; CFD 8,192), on 1 and 2 threads. Programs that were not built are left out and
named. Prints Markdown: GFLOP/s of the linear layers, share of the best sgemm (f64: dgemm) of OpenBLAS on as many
threads, rows/s, and for ours the error against float64.

ONNX Runtime comes from PyPI: python3 -m venv build/onnx && build/onnx/bin/pip install onnxruntime onnx
"""
import argparse
import json
import os
import platform
import struct
import subprocess
import sys
import tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SIZES = [24, 200, 100, 50, 15]


def write_case(path, layers, rows):
    with open(path, "wb") as out:
        sizes = [layers[0][0].shape[1]] + [w.shape[0] for w, _ in layers]
        out.write(struct.pack(f"<i{len(sizes)}i", len(layers), *sizes))
        for weight, bias in layers:
            out.write(weight.astype("<f8").tobytes())
            out.write(bias.astype("<f8").tobytes())
        out.write(struct.pack("<q", len(rows)))
        out.write(rows.astype("<f4").tobytes())


def forward(layers, rows):
    x = rows.astype("f8")
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        if i + 1 < len(layers):
            x = numpy.where(x > 0, x, 0.01 * x)
    return x.astype("f4")


def golden(name, dtype):
    return numpy.fromfile(os.path.join(ROOT, "tests", "golden", "baler", name), dtype)


def ae_layers():
    values = golden("jets_model.f8", "<f8")
    layers, at = [], 0
    for sizes in (SIZES, SIZES[::-1]):
        for n, m in zip(sizes, sizes[1:]):
            weight = values[at : at + n * m].reshape(m, n)
            bias = values[at + n * m : at + n * m + m]
            layers.append((weight, bias))
            at += n * m + m
    return layers[:4], layers[4:]


def jets(count):
    table = numpy.load(os.path.join(ROOT, "examples", "jets.npz"))
    rows = table["data"] if "data" in table else numpy.stack([table[k] for k in table.files], axis=1)
    rows = rows.astype("f4")
    low, high = rows.min(0), rows.max(0)
    rows = (rows - low) / numpy.where(high > low, high - low, 1)
    return numpy.resize(rows, (count, rows.shape[1]))


def random_layers(sizes, generator):
    layers = []
    for n, m in zip(sizes, sizes[1:]):
        reach = n**-0.5
        layers.append((generator.uniform(-reach, reach, (m, n)).astype("f4"), generator.uniform(-reach, reach, m).astype("f4")))
    return layers


def fields(count, generator):
    """50 x 50 fields in [0, 1]: a few waves each."""
    y, x = numpy.mgrid[0:50, 0:50] / 50.0
    waves = numpy.stack([numpy.sin(2 * numpy.pi * (i * x + j * y)).ravel() for i in range(1, 4) for j in range(3)])
    parts = []
    for first in range(0, count, 4096):
        weight = generator.normal(size=(min(4096, count - first), len(waves))).astype("f4")
        field = weight @ waves.astype("f4")
        parts.append(0.5 + field / (2 * numpy.abs(field).max()))
    return numpy.concatenate(parts).astype("f4")


def write_cases(folder, rows_ae, rows_cfd, only):
    generator = numpy.random.default_rng(1)
    encoder, decoder = ae_layers()
    wide = [2500, 200, 100, 50, 25]
    cases = {}
    if only in (None, "AE"):
        rows = jets(rows_ae)
        cases["AE encode"] = (encoder, rows)
        cases["AE decode"] = (decoder, forward(encoder, rows))
    if only in (None, "CFD"):
        frames = fields(rows_cfd, generator)
        encoder, decoder = random_layers(wide, generator), random_layers(wide[::-1], generator)
        cases["CFD encode"] = (encoder, frames)
        cases["CFD decode"] = (decoder, forward(encoder, frames))
    paths = {}
    for name, (layers, rows) in cases.items():
        paths[name] = os.path.join(folder, name.replace(" ", "_"))
        write_case(paths[name], layers, rows)
    return paths


def lines(command, environment=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode:
        print(f"{command[0]}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def peaks(program):
    """OpenBLAS by the kernels it takes itself and by others that this processor runs: the best that computes rightly."""
    found = []
    for core in ["", "Haswell", "Zen"]:
        environment = {"OPENBLAS_CORETYPE": core} if core else {}
        found += [{**line, "asked": core or "its own choice"} for line in lines([program], environment)]
    right = [line for line in found if line["right"]]
    best = {"f32": max(right, key=lambda line: line["sgemm"]), "f64": max(right, key=lambda line: line["dgemm"])}
    return found, best


def processor():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--onnx-python", default=None)
    parser.add_argument("--only", choices=["AE", "CFD"])
    parser.add_argument("--cfd-rows", type=int, default=8192)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--json")
    settings = parser.parse_args()
    programs = {name: [os.path.join(settings.build, "bin", f"inference_{name}")] for name in ["haywatt", "torch", "onednn"]}
    python = settings.onnx_python or os.path.join(settings.build, "onnx", "bin", "python")
    programs["onnx"] = [python, os.path.join(HERE, "inference_onnx.py")]
    missing = [name for name, command in programs.items() if not os.path.exists(command[0])]
    found, best = peaks(os.path.join(settings.build, "bin", "inference_blas"))
    print(f"{processor()}, {os.cpu_count()} CPUs\n")
    print("| OpenBLAS kernels | sgemm, GFLOP/s | dgemm, GFLOP/s | right |\n| --- | --- | --- | --- |")
    for line in found:
        print(f"| {line['core']} ({line['asked']}) | {line['sgemm']:.1f} (n = {line['sgemm_size']}) | "
              f"{line['dgemm']:.1f} (n = {line['dgemm_size']}) | {'yes' if line['right'] else 'NO'} |")
    registers = {t: max(line["registers_" + t] for line in found) for t in ("f32", "f64")}
    print(f"\nFused multiply-adds on registers alone: {registers['f32']:.1f} GFLOP/s (f32), {registers['f64']:.1f} (f64), "
          "one thread. Share: of the best sgemm or dgemm above times the threads.")
    if missing:
        print(f"\nNot built, so left out: {', '.join(missing)}.")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        cases = write_cases(folder, 65536, settings.cfd_rows, settings.only)
        for name, path in cases.items():
            for threads in [int(t) for t in settings.threads.split(",")]:
                print(f"\n### {name}, {threads} thread{'s' if threads > 1 else ''}\n")
                print("| runtime | arithmetic | batch | GFLOP/s | share | M rows/s | rms error / spread | largest error |")
                print("| --- | --- | --- | --- | --- | --- | --- | --- |")
                for program, command in programs.items():
                    if program in missing:
                        continue
                    for batch in (512, settings.cfd_rows if name.startswith("CFD") else 65536):
                        # OpenBLAS below libtorch has threads of its own, which libtorch's setting does not reach.
                        limits = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
                        for line in lines(command + [path, str(batch), str(threads)], limits):
                            peak = best["f64"]["dgemm"] if line["arithmetic"] == "f64" else best["f32"]["sgemm"]
                            line.update(case=name, threads=threads, batch=batch,
                                        share=line["gflop_per_s"] / peak / threads)
                            results.append(line)
                            error = ("", "")
                            if "rms_error" in line:
                                spread = line["spread"] or 1.0
                                error = (f"{line['rms_error'] / spread:.1e}", f"{line['largest_error']:.1e}")
                            print(f"| {line['who']} | {line['arithmetic']} | {batch} | {line['gflop_per_s']:.1f} | "
                                  f"{100 * line['share']:.0f} % | {line['rows_per_s'] / 1e6:.3f} | {error[0]} | {error[1]} |",
                                  flush=True)
    if settings.json:
        with open(settings.json, "w") as out:
            json.dump({"processor": processor(), "blas": found, "registers": registers, "results": results}, out, indent=1)


if __name__ == "__main__":
    main()
