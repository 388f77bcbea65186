#!/usr/bin/env python3
"""The command line as a black box: exit codes, one-line errors, round trips judged by numpy, kills and full disks."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import numpy as np
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

HAYWATT = os.environ["HAYWATT_BINARY"]
JETS = os.path.join(os.environ["HAYWATT_SOURCE_DIR"], "examples", "jets.npz")


def run(*args, **kwargs):
    done = subprocess.run([HAYWATT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=280, **kwargs)
    return done.returncode, done.stdout, done.stderr


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-cli-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def ok(self, *args, **kwargs):
        code, out, err = run(*args, **kwargs)
        self.assertEqual(code, 0, err)
        return out

    def fails(self, expected, *args, **kwargs):
        """The command fails with this exit code and exactly one line."""
        code, _, err = run(*args, **kwargs)
        self.assertEqual(code, expected, err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("haywatt: "), err)
        return err


class RoundTrips(Case):
    def test_jets_lossless(self):
        self.ok("compress", JETS, "-o", self.path("j.hay"))
        self.ok("verify", self.path("j.hay"), "--against", JETS)
        self.ok("decompress", self.path("j.hay"), "-o", self.path("j.npz"))
        with np.load(JETS) as a, np.load(self.path("j.npz")) as b:
            self.assertEqual(a.files, b.files)
            for key in a.files:
                self.assertEqual(a[key].dtype, b[key].dtype)
                self.assertTrue(np.array_equal(a[key], b[key]))

    def test_jets_within_range_bound_as_numpy_sees_it(self):
        for method in ("zstd", "lz4", "zfp"):
            self.ok("compress", JETS, "-o", self.path(method), "--method", method, "--bound", "range:1e-3")
            self.ok("decompress", self.path(method), "-o", self.path(method + ".npz"))
            with np.load(JETS) as a, np.load(self.path(method + ".npz")) as b:
                x, y = a["data"], b["data"]
                error = np.abs(x - y).max(axis=0)  # in float32, as a user would
                self.assertTrue((error <= np.float32(1e-3) * (x.max(axis=0) - x.min(axis=0))).all(), method)
                whole = (x == np.trunc(x)).all(axis=0)
                self.assertTrue((x[:, whole] == y[:, whole]).all())

    def test_columns_and_rows(self):
        self.ok("compress", JETS, "-o", self.path("j.hay"))
        self.ok("decompress", self.path("j.hay"), "-o", self.path("p.npz"), "--columns", "pt*,mass", "--rows", "1000:2000")
        with np.load(JETS) as a, np.load(self.path("p.npz")) as b:
            names = list(a["names"])
            self.assertEqual(list(b["names"]), ["pt", "mass"])
            want = a["data"][1000:2000][:, [names.index("pt"), names.index("mass")]]
            self.assertTrue(np.array_equal(b["data"], want))

    def test_many_arrays(self):
        rng = np.random.default_rng(1)
        arrays = {
            "x": rng.normal(size=1000), "short": rng.integers(0, 9, 77).astype(">i2"), "flag": rng.random(1000) < 0.5,
            "field": np.asfortranarray(rng.normal(size=(50, 6, 7)).astype("f4")), "half": rng.normal(size=30).astype("f2"),
            "title": np.array("a text"), "empty": np.zeros(0, "u4"), "scalar": np.array(3.5), "big": np.array([2**63, 5], "u8"),
        }
        np.savez(self.path("a.npz"), **arrays)
        self.ok("compress", self.path("a.npz"), "-o", self.path("a.hay"))
        self.ok("decompress", self.path("a.hay"), "-o", self.path("b.npz"))
        with np.load(self.path("b.npz")) as b:
            self.assertEqual(b.files, list(arrays))
            for key, value in arrays.items():
                self.assertEqual(b[key].dtype, value.dtype, key)
                self.assertEqual(b[key].shape, value.shape, key)
                self.assertEqual(b[key].tobytes(), value.tobytes(), key)
            self.assertTrue(b["field"].flags.f_contiguous)

    def test_names_belong_to_data_where_two_arrays_fit(self):
        np.savez(self.path("a.npz"), scale=np.ones((2, 3)), data=np.eye(3)[[0, 1, 2, 0]], names=np.array(["a", "b", "c"]))
        self.ok("compress", self.path("a.npz"), "-o", self.path("a.hay"))
        self.ok("decompress", self.path("a.hay"), "-o", self.path("b.npz"), "--columns", "b")
        with np.load(self.path("b.npz")) as b:
            self.assertEqual(b["data"].tolist(), [[0.0], [1.0], [0.0], [0.0]])

    def test_csv(self):
        with open(self.path("t.csv"), "w") as f:
            f.write("a,b\n1,0.5\n2,\n3,1e300\n")
        self.ok("compress", self.path("t.csv"), "-o", self.path("t.hay"))
        self.ok("decompress", self.path("t.hay"), "-o", self.path("u.csv"))
        with open(self.path("u.csv")) as f:
            lines = f.read().split()
        self.assertEqual(lines[0], "a,b")
        self.assertEqual([float(v) if v else None for v in lines[3].split(",")], [3.0, 1e300])

    def test_json(self):
        out = json.loads(self.ok("compress", JETS, "-o", self.path("j.hay"), "--json"))
        self.assertEqual(out["rows"], 30000)
        self.assertEqual(out["file_B"], os.path.getsize(self.path("j.hay")))
        self.assertTrue(json.loads(self.ok("verify", self.path("j.hay"), "--against", JETS, "--json"))["within_bounds"])
        self.assertEqual(json.loads(self.ok("inspect", self.path("j.hay"), "--json"))["method"], "zstd")
        self.assertIn("zstd", [m["name"] for m in json.loads(self.ok("methods", "--json"))["methods"]])


class Mistakes(Case):
    def test_usage(self):
        self.fails(2)
        self.fails(2, "nothing")
        self.fails(2, "compress", JETS)
        self.fails(2, "compress", JETS, "-o", self.path("x"), "--bound", "foo:1")
        self.fails(2, "compress", JETS, "-o", self.path("x"), "--method", "nothing")
        self.fails(2, "compress", JETS, "-o", self.path("x"), "--bound", "none")
        self.fails(2, "compress", JETS, "-o", self.path("x"), "--memory", "lots")
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_no_surprise_overwrites(self):
        self.ok("compress", JETS, "-o", self.path("j.hay"))
        before = os.stat(self.path("j.hay"))
        self.fails(2, "compress", JETS, "-o", self.path("j.hay"))
        self.assertEqual(os.stat(self.path("j.hay")).st_ino, before.st_ino)
        self.ok("compress", JETS, "-o", self.path("j.hay"), "--force")

    def test_bad_input(self):
        self.fails(4, "compress", self.path("none.npz"), "-o", self.path("x"))
        with open(self.path("junk.npz"), "wb") as f:
            f.write(os.urandom(1000))
        self.fails(3, "compress", self.path("junk.npz"), "-o", self.path("x"))
        self.fails(3, "verify", self.path("junk.npz"))
        np.savez(self.path("o.npz"), a=np.array([{}], dtype=object))
        self.fails(3, "compress", self.path("o.npz"), "-o", self.path("x"))
        np.savez(self.path("c.npz"), a=np.zeros(3, complex))
        self.fails(3, "compress", self.path("c.npz"), "-o", self.path("x"))
        with open(JETS, "rb") as f, open(self.path("cut.npz"), "wb") as g:
            g.write(f.read()[:100000])
        self.fails(3, "compress", self.path("cut.npz"), "-o", self.path("x"))
        self.assertNotIn("x", os.listdir(self.folder.name))

    def test_verify_tells_another_table(self):
        np.savez(self.path("a.npz"), x=np.arange(10.0))
        np.savez(self.path("b.npz"), x=np.arange(10.0) * 2)
        self.ok("compress", self.path("a.npz"), "-o", self.path("a.hay"))
        code, _, err = run("verify", self.path("a.hay"), "--against", self.path("b.npz"))
        self.assertEqual(code, 1, err)

    def test_without_the_hdf5_plug_in(self):
        os.mkdir(self.path("filters"))
        with open(self.path("filters/libh5zstd.so"), "w") as f:
            f.write("no library")
        os.mkdir(self.path("ours"))
        alone = shutil.copy(HAYWATT, self.path("haywatt"))
        environment = {"PATH": os.environ["PATH"], "HDF5_PLUGIN_PATH": self.path("filters")}
        for plugin, reason in ((None, "not found in"), ("no library", "cannot load")):
            if plugin:
                with open(self.path("ours/libhaywatt_hdf5.so"), "w") as f:
                    f.write(plugin)
                environment["HAYWATT_PLUGIN_DIR"] = self.path("ours")
            done = subprocess.run([alone, "methods"], env=environment, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            line = next(l for l in done.stdout.splitlines() if l.startswith("hdf5:zstd"))
            self.assertIn("libhaywatt_hdf5.so", line)
            self.assertIn(reason, line)
            done = subprocess.run([alone, "compress", JETS, "-o", self.path("x"), "--method", "hdf5:zstd"], env=environment,
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 5, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(reason, done.stderr)
        self.assertFalse(os.path.exists(self.path("x")))

    def test_help_has_examples(self):
        top = self.ok("--help")
        for command in ("compress", "decompress", "verify", "inspect", "methods", "study", "report"):
            self.assertIn(command, top)
            self.assertIn("Example", self.ok(command, "--help"), command)

    def test_completion_works_in_bash(self):
        script = self.ok("completion", "bash")
        probe = script + '\nCOMP_WORDS=(haywatt compress --me) COMP_CWORD=2; _haywatt; echo "${COMPREPLY[@]}"\n'
        out = subprocess.run(["bash", "-c", probe], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        self.assertEqual(out, ["--method", "--memory"])

    def test_a_closed_pipe_is_one_line(self):
        code = subprocess.run(f"{HAYWATT} methods --json 2>err | true; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                              cwd=self.folder.name, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        with open(self.path("err")) as f:
            err = f.read()
        self.assertIn(code, ("0", "4"))  # 0 if it all fitted into the pipe before it closed
        self.assertLessEqual(err.count("\n"), 1)


class Interruptions(Case):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(2)
        np.savez(self.path("in.npz"), x=rng.normal(size=400000), y=rng.normal(size=400000).astype("f4"))
        self.ok("compress", self.path("in.npz"), "-o", self.path("out.hay"), "--bound", "abs:0.01")
        with open(self.path("out.hay"), "rb") as f:
            self.old = f.read()

    def interrupted(self, how):
        chance = random.Random(3)
        killed = 0
        for _ in range(12):
            p = subprocess.Popen([HAYWATT, "compress", self.path("in.npz"), "-o", self.path("out.hay"), "--force", "-q", "--method", "zstd:level=15"])
            time.sleep(chance.random() * 0.5)
            p.send_signal(how)
            killed += p.wait(timeout=60) != 0
            self.assertEqual(sorted(os.listdir(self.folder.name)), ["in.npz", "out.hay"])
            with open(self.path("out.hay"), "rb") as f:
                whole = f.read()
            if whole != self.old:
                self.ok("verify", self.path("out.hay"), "--against", self.path("in.npz"))
        self.assertGreater(killed, 0)

    def test_kill_9(self):
        self.interrupted(signal.SIGKILL)

    def test_ctrl_c(self):
        self.interrupted(signal.SIGINT)

    def test_full_disk(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        self.fails(4, "compress", self.path("in.npz"), "-o", self.path("out.hay"), "--force", preexec_fn=small_files)
        self.fails(4, "decompress", self.path("out.hay"), "-o", self.path("back.npz"), preexec_fn=small_files)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["in.npz", "out.hay"])
        with open(self.path("out.hay"), "rb") as f:
            self.assertEqual(f.read(), self.old)


if __name__ == "__main__":
    unittest.main(verbosity=2)
