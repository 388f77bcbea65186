#!/usr/bin/env python3
"""`haywatt baler-libtorch` as a black box: habits change the cost and not the files, which are Baler's as numpy reads them."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

HAYWATT = os.environ["HAYWATT_BINARY"]
PYTHON = ["--like-python"]


def run(*args, program=HAYWATT):
    done = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


class BalerLibtorch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="haywatt-libtorch-")
        rng = np.random.default_rng(4)
        hidden = rng.normal(size=(900, 3))
        cls.data = np.hstack([hidden, hidden ** 2, rng.random((900, 1))]).astype(np.float32)
        cls.names = np.array([f"c{i}" for i in range(7)])
        np.savez(cls.path("in.npz"), data=cls.data, names=cls.names)
        cls.trained = cls.json("train", cls.path("in.npz"), "-o", cls.path("m.hayb"), "--epochs", "3", *PYTHON)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def json(cls, command, *args):
        code, out, err = run("baler-libtorch", command, *args, "--json", "--force")
        assert code == 0, err
        return json.loads(out)

    def compress(self, *args):
        self.json("compress", self.path("in.npz"), "--model", self.path("m.hayb"), "-o", self.path("c.npz"), *args)
        with np.load(self.path("c.npz")) as f:
            return {key: f[key] for key in f.files}

    def fails(self, expected, *args, program=HAYWATT):
        code, _, err = run("baler-libtorch", *args, program=program)
        self.assertEqual(code, expected, err)
        self.assertEqual(err.count("\n"), 1, err)
        return err

    def test_training_is_the_same_however_it_is_done(self):
        self.assertEqual(self.trained["schema"], "haywatt-baler-libtorch/1")
        self.assertEqual(self.trained["habits"]["adam"], "plain")
        out = self.path("other.hayb")
        for habits in ([], PYTHON + ["--adam", "fused"], ["--loops", "tensor"], ["--device", "cpu"]):
            other = self.json("train", self.path("in.npz"), "-o", out, "--epochs", "3", *habits)
            np.testing.assert_allclose(other["train_loss"], self.trained["train_loss"], rtol=1e-9)

    def test_files_are_balers(self):
        c = self.compress(*PYTHON)
        self.assertEqual(sorted(c), ["data", "names", "normalization_features"])
        self.assertEqual((c["data"].dtype, c["data"].shape), (np.float64, (900, 4)))
        self.assertTrue(np.array_equal(c["names"], self.names))
        low = self.data.min(axis=0)
        self.assertTrue(np.array_equal(c["normalization_features"], np.stack([low, self.data.max(axis=0) - low])))
        self.json("decompress", self.path("c.npz"), "--model", self.path("m.hayb"), "-o", self.path("d.npz"), *PYTHON)
        with np.load(self.path("d.npz")) as d:
            self.assertEqual((d["data"].dtype, d["data"].shape), (np.float64, self.data.shape))
            loss = (((d["data"] - self.data) / (self.data.max(axis=0) - low)) ** 2).sum() / 7
        self.assertLess(loss, self.trained["train_loss"][0] * 2)

    def test_habits_change_no_bit(self):
        expected = self.compress(*PYTHON)["data"]
        for habits in ([], PYTHON + ["--concat", "preallocate"], PYTHON + ["--normalise", "vector"]):
            self.assertTrue(np.array_equal(self.compress(*habits)["data"], expected), habits)
        np.testing.assert_allclose(self.compress("--graph", "frozen", "--batch", "100")["data"], expected, rtol=0, atol=1e-12)
        narrow = self.compress("--dtype", "f32")["data"]
        self.assertEqual(narrow.dtype, np.float32)
        np.testing.assert_allclose(narrow, expected, rtol=0, atol=1e-5 * np.abs(expected).max())

    def test_stops_by_energy(self):
        r = self.json("train", self.path("in.npz"), "-o", self.path("s.hayb"), "--epochs", "30", "--stop", "energy",
                      "--joule-per-byte", "1e-12")
        self.assertTrue(r["stop"]["stopped_by_energy"])
        self.assertEqual(r["epochs"], 4)
        self.assertGreater(r["stop"]["epoch_J"], r["stop"]["next_epoch_gain_J"])

    def test_a_meter_sees_its_phases(self):
        code, _, err = run("meter", "-o", self.path("r.json"), "--", HAYWATT, "baler-libtorch", "compress",
                           self.path("in.npz"), "--model", self.path("m.hayb"), "-o", self.path("metered.npz"))
        self.assertEqual(code, 0, err)
        with open(self.path("r.json")) as f:
            text = f.read()
        for phase in ("read", "prepare/minmax", "prepare/normalise", "encode", "write"):
            self.assertIn(f'"{phase}"', text)

    def test_devices_that_are_not_there(self):
        out = ["-o", self.path("z.hayb")]
        err = self.fails(5, "train", self.path("in.npz"), "--device", "cuda", *out)
        self.assertIn("--device cpu" if "no such GPU" in err else "CPU build", err)
        self.fails(5, "compress", self.path("in.npz"), "--model", self.path("m.hayb"), "--device", "cuda:63", *out)
        for name in ("gpu", "cuda:", "cuda:-1", "cuda:1x", "CPU"):
            self.fails(2, "train", self.path("in.npz"), "--device", name, *out)
        code, _, err = run("compress", self.path("in.npz"), "-o", self.path("z.hay"), "--method", "baler:device=cuda:63")
        self.assertEqual((code, err.count("\n")), (5, 1), err)
        self.assertFalse(os.path.exists(self.path("z.hay")) or os.path.exists(self.path("z.hayb")))

    def test_mistakes(self):
        model = ["--model", self.path("m.hayb"), "-o", self.path("x.npz")]
        self.fails(2, "train", self.path("in.npz"), "-o", self.path("x.hayb"), "--adam", "plain")
        self.fails(2, "compress", self.path("in.npz"), "--dtype", "f16", *model)
        np.savez(self.path("narrow.npz"), data=self.data[:, :5])
        self.fails(3, "compress", self.path("narrow.npz"), *model)
        np.savez(self.path("cube.npz"), data=np.zeros((3, 4, 5)))
        self.fails(3, "compress", self.path("cube.npz"), *model)
        self.fails(3, "compress", self.path("in.npz"), "--model", self.path("in.npz"), "-o", self.path("x.npz"))
        bad = self.data.copy()
        bad[5, 2] = np.nan
        np.savez(self.path("nan.npz"), data=bad)
        self.fails(3, "train", self.path("nan.npz"), "-o", self.path("x.hayb"))
        self.assertFalse(os.path.exists(self.path("x.npz")))

    def test_without_the_plug_in(self):
        alone = os.path.join(self.folder.name, "alone")
        os.makedirs(alone)
        shutil.copy(HAYWATT, alone)
        err = self.fails(5, "compress", self.path("in.npz"), "--model", self.path("m.hayb"), "-o", self.path("y.npz"),
                         program=os.path.join(alone, "haywatt"))
        self.assertIn("libhaywatt_torch.so", err)


if __name__ == "__main__":
    if run("baler-libtorch", "compress", "/nonexistent", "--model", "x", "-o", "y")[0] == 5:
        print("the libtorch plug-in is not built")
        sys.exit(77)
    unittest.main(verbosity=2)
