#!/usr/bin/env python3
"""`haywatt profile METHOD DATA` as a black box, and operators of Haywatt's programs below `profile -- CMD`."""
import csv
import json
import os
import subprocess
import tempfile
import unittest
import unittest.mock

HAYWATT = os.environ["HAYWATT_BINARY"]
SOURCE = os.environ["HAYWATT_SOURCE_DIR"]
TABLE = os.path.join(SOURCE, "examples", "jets.npz")
HAVE_TORCH = os.path.exists(os.path.join(os.path.dirname(HAYWATT), "libhaywatt_torch.so"))
ROWS, EPOCHS = 30_000, 2
# Baler's AE over 24 columns with a latent of 12: weights of each half, and biases.
ENCODER = [(24, 200), (200, 100), (100, 50), (50, 12)]


def run(*args):
    done = subprocess.run([HAYWATT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


class ProfileMethod(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-profile-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def check_adds_up(self, record):
        """CPU seconds of the rows are those of the run, phase by phase."""
        phases = {p["name"]: p["cpu_s"] for p in record["run"]["phases"]}
        rows = {}
        for o in record["operators"]:
            rows[o["phase"]] = rows.get(o["phase"], 0.0) + o["cpu_s"]
        for name, cpu_s in phases.items():
            self.assertGreaterEqual(rows.get(name, 0.0), cpu_s * 0.999 - 1e-6, name)
        self.assertLess(sum(rows.values()), 1.3 * record["run"]["cpu_s"] + 0.05)

    def test_a_classical_method_and_every_form(self):
        files = {"-o": "p.json", "--html": "p.html", "--csv": "p.csv", "--chrome": "p.trace", "--folded": "p.folded",
                 "--speedscope": "p.ss"}
        options = [word for option, name in files.items() for word in (option, self.path(name))]
        code, out, err = run("profile", "zstd:level=3", TABLE, "--bound", "range:1e-3", "--threads", "1", *options)
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"(?m)^encode  zstd compress ")
        self.assertRegex(out, r"(?m)^roof: f64 .*FLOP/s, f32 ")
        with open(self.path("p.json")) as f:
            record = json.load(f)
        self.assertEqual((record["schema"], record["by"]), ("haywatt-profile/1", "operators"))
        self.check_adds_up(record)
        self.assertIn("pt", {o["layer"] for o in record["operators"]}, "columns are layers")
        with open(self.path("p.csv"), newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(len(rows), len(record["operators"]))
        for name in ("p.trace", "p.ss"):
            with open(self.path(name)) as f:
                json.load(f)
        with open(self.path("p.folded")) as f:
            self.assertRegex(f.read(), r"(?m)^encode;zstd compress \d+$")
        with open(self.path("p.html")) as f:
            self.assertIn("Operators and layers", f.read())
        self.assertEqual(run("report", self.path("p.json"), "--format", "md", "-o", "-")[1].splitlines()[0][:11],
                         "# Profile: ")
        self.assertEqual(run("profile", "zstd", TABLE, "-o", self.path("p.json"))[0], 2, "no file is overwritten")

    @unittest.skipUnless(HAVE_TORCH, "the libtorch plug-in is not there")
    def test_baler_counts_its_layers(self):
        code, out, err = run("profile", f"baler:epochs={EPOCHS}", TABLE, "--threads", "1", "--json")
        self.assertEqual(code, 0, err)
        record = json.loads(out)
        self.check_adds_up(record)
        encode = {o["layer"]: o for o in record["operators"] if o["phase"] == "encode" and o["layer"]}
        for i, (inputs, outputs) in enumerate(ENCODER):
            layer = encode[f"encoder.{i}"]
            self.assertEqual(layer["macs"], ROWS * inputs * outputs)
            self.assertEqual(layer["parameters"], (inputs + 1) * outputs)
            # 2 a MAC, the bias, and a leaky activation but after the last (docs/counting.md)
            self.assertEqual(layer["flops"], ROWS * outputs * (2 * inputs + (2 if i < 3 else 1)))
        one_way = sum(i * o for i, o in ENCODER)
        train = sum(o["macs"] for o in record["operators"] if o["phase"] == "train" and (o["macs"] or 0) > 0)
        wanted = EPOCHS * ROWS * (3 * 2 * one_way - 24 * 200)
        self.assertLess(abs(train / wanted - 1.0), 0.02, "batches drawn at random stand for all")
        self.assertTrue(all(o["energy"] for o in record["operators"] if o["cpu_s"] > 1e-3))
        self.assertTrue(any("add nothing" in note for note in record["notes"])
                        or not any(e["sensor"] == "estimate" for e in record["run"]["energy"]))

    def test_our_own_programs_tell_their_operators_below_the_profiler(self):
        with unittest.mock.patch.dict(os.environ, {"TMPDIR": self.folder.name}):
            code, _, err = run("profile", "-o", self.path("p.json"), "--", HAYWATT, "compress", TABLE, "-o",
                               self.path("t.hay"))
        if code == 5:
            self.skipTest(err.strip())
        self.assertEqual(code, 0, err)
        with open(self.path("p.json")) as f:
            record = json.load(f)
        self.assertEqual(record["by"], "sampling")
        self.assertIn(("encode", "zstd compress"), {(o["phase"], o["name"]) for o in record["operators"]})
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["p.json", "t.hay"], "nothing is left behind")

    def test_mistakes_are_told_in_one_line(self):
        for code, args in ((2, ("profile", "zstd")), (2, ("profile", "zstdd", TABLE)),
                           (3, ("profile", "zstd", os.path.join(SOURCE, "README.md"))),
                           (4, ("profile", "zstd", self.path("missing.npz"))),
                           (2, ("profile", "zstd", TABLE, "--bound", "rang:1")),
                           (2, ("profile", "--json", "--", "true")),
                           (2, ("profile", "zstd", TABLE, "--memory", "x"))):
            done, out, err = run(*args)
            self.assertEqual(done, code, (args, err))
            self.assertEqual((out, err.count("\n")), ("", 1), args)


if __name__ == "__main__":
    unittest.main(verbosity=1)
