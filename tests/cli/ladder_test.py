#!/usr/bin/env python3
"""`haywatt ladder` as a black box: the plan of docs/ladder.md, resuming, reports, mistakes; and the patches of Baler."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
SOURCE = os.environ["HAYWATT_SOURCE_DIR"]
TABLE = os.path.join(SOURCE, "examples", "jets.npz")
PACKAGE = os.environ.get("HAYWATT_BALER_PACKAGE", os.path.join(SOURCE, "build", "baler-package"))


def run(*args):
    done = subprocess.run([HAYWATT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


class Ladder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-ladder-")
        self.addCleanup(self.folder.cleanup)
        with open(os.path.join(SOURCE, "docs", "ladder.md")) as f:
            plan = re.search(r"```toml\n(.*?)```", f.read(), re.S)[1]
        self.plan = self.path("plan.toml")
        with open(self.plan, "w") as f:
            f.write(plan)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def climb(self, *args):
        return run("ladder", self.plan, "--table", TABLE, "-o", self.path("L"), *args)

    def test_the_plan_of_the_documentation(self):
        code, out, err = self.climb("--rows", "100,200", "--rounds", "2", "--write-improvements", self.path("i.md"))
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"(?m)^compress, 200 rows\nrung .*\nnine .*\nsix ")
        with open(self.path("L/ladder.json")) as f:
            record = json.load(f)
        self.assertEqual(record["schema"], "haywatt-ladder/1")
        self.assertEqual(len(record["runs"]), 2 * 2 * 3)
        self.assertTrue(all(r["wall_s"] > 0 and r["energy"] for r in record["runs"]))
        checks = {(c["rung"], c["phase"]): c for c in record["checks"]}
        self.assertEqual(checks["six", "compress"]["max_error"], 0)
        self.assertIn("gzip", record["versions"])
        with open(self.path("i.md")) as f:
            self.assertIn("### 1. Level 6", f.read())
        self.assertEqual(run("report", self.path("L"))[0], 0)
        with open(self.path("L/report.html")) as f:
            self.assertIn("Level 6", f.read())
        self.assertIn("## compress, 100 rows", run("report", self.path("L"), "--format", "md", "-o", "-")[1])
        code, again, _ = run("report", self.path("L"), "--format", "improvements", "-o", "-")
        with open(self.path("i.md")) as f:
            self.assertEqual((code, again), (0, f.read()))
        self.assertEqual(run("report", self.path("L"), "--format", "prmon")[0], 2)

    def test_goes_on_where_it_stopped(self):
        self.assertEqual(self.climb("--rows", "100", "--rounds", "1")[0], 0)
        code, out, err = self.climb("--rows", "100", "--rounds", "2", "--json")
        self.assertEqual(code, 0, err)
        runs = json.loads(out)["runs"]
        self.assertEqual([r["round"] for r in runs], [0] * 3 + [1] * 3)
        self.assertEqual(len({r["id"] for r in runs}), 6)

    def test_mistakes(self):
        for args, words in ((("--rows", "x"), "--rows"), (("--budget", "x"), "--budget"), (("--rungs", "ten"), "no rung"),
                            (("--phases", "eat"), "no phase"), (("--set", "x"), "NAME=VALUE"), (("--rows", "40000"), "rows")):
            code, out, err = self.climb(*args)
            self.assertEqual((code, out), (2, ""), err)
            self.assertIn(words, err)
        with open(self.plan, "a") as f:
            f.write("colour = 1\n")
        code, _, err = self.climb()
        self.assertEqual(code, 2)
        self.assertRegex(err, r"plan.toml:\d+: unknown key 'colour'")

    def test_lists_without_running(self):
        code, out, err = run("ladder", "--list")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"(?m)^openblas +OpenBLAS instead of the reference BLAS \[train, compress, decompress\]$")


class Patches(unittest.TestCase):
    """Those that promise the same bits keep the promise, with the package itself."""

    def test_same_bytes(self):
        with tempfile.TemporaryDirectory(prefix="haywatt-patches-") as folder:
            table = os.path.join(folder, "table.npz")
            subprocess.run(["/usr/bin/python3", "-c", "import numpy, sys; t = numpy.load(sys.argv[1]); "
                            "numpy.savez(sys.argv[2], data=t['data'][:1300], names=t['names'])", TABLE, table], check=True)
            made = {}
            for patches in ("none", "slices,preallocate,normalise,minmax,imports,exit,inference"):
                project = os.path.join(folder, str(len(made)), "p")
                os.makedirs(project)
                subprocess.run(["/usr/bin/python3", os.path.join(SOURCE, "share", "ladder", "baler_patches.py"), patches,
                                "train,compress,decompress", table, project, "--epochs", "1", "--package", PACKAGE],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=dict(os.environ, OMP_NUM_THREADS="1"))
                made[patches] = [open(os.path.join(project, "output", f), "rb").read()
                                 for f in ("training/normalization_features.npy", "compressed_output/model.pt",
                                           "compressed_output/compressed.npz", "decompressed_output/decompressed.npz")]
            plain, patched = made.values()
            self.assertEqual(plain, patched)


if __name__ == "__main__":
    if sys.argv[1:] == ["Patches"] and not os.path.isdir(os.path.join(PACKAGE, "baler_compressor")):
        print("skipped: Python's Baler is not in " + PACKAGE + " (tools/install-baler)")
        sys.exit(77)
    unittest.main()
