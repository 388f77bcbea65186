#!/usr/bin/env python3
"""`haywatt-mpi baler` as a black box: the files of one process, whatever the layout and the number of ranks."""
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
    print("skipped: numpy is not installed")
    sys.exit(77)

HAYWATT = os.environ["HAYWATT_BINARY"]
WORKER = os.path.join(os.path.dirname(HAYWATT), "haywatt-mpi")
GOLDEN = os.path.join(os.environ["HAYWATT_SOURCE_DIR"], "tests", "golden", "baler")
WORKSPACE = os.path.join(GOLDEN, "workspaces", "golden")
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "vader,self"]


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-mpi-baler-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def one(self, *args):
        done = subprocess.run([HAYWATT, "baler", *args, "-q"], stderr=subprocess.PIPE, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)

    def model(self, project):
        name = self.path(os.path.basename(project) + ".hayb")
        self.one("import", os.path.join(GOLDEN, project), "-o", name)
        return name

    def start(self, command):
        done = subprocess.run([*MPIRUN, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100, env=ENVIRONMENT)
        return done.returncode, done.stdout, done.stderr

    def ranks(self, count, *args):
        """--wait sleep: more ranks than CPUs that all spin would take turns."""
        code, out, err = self.start(["-n", str(count), WORKER, "baler", *args, "--wait", "sleep", "--force"])
        self.assertEqual(code, 0, err)
        self.assertIn(f"by {count} ranks", out)
        self.assertEqual(out.count("\n"), 1, out)

    def fails(self, expected, *words, command=None, args=()):
        code, out, err = self.start(command or ["-n", "2", WORKER, "baler", *args])
        self.assertEqual((code, out), (expected, ""), err)
        told = [line for line in err.splitlines() if line.startswith("haywatt-mpi: ")]
        self.assertEqual(len(told), 1, err)
        for word in words:
            self.assertIn(word, told[0])

    def table(self):
        """26,000 jets in three chunks, each with extremes of its own."""
        with np.load(os.path.join(WORKSPACE, "data", "jets.npz")) as x:
            data, names = np.tile(x["data"], (13, 1)), x["names"]
        data *= np.repeat(np.linspace(0.9, 1.1, 13), 2000).astype(data.dtype)[:, None]
        np.savez(self.path("t.npz"), data=data, names=names)
        return self.path("t.npz")


class MpiBaler(Case):
    def setUp(self):
        super().setUp()
        self.m = self.model("workspaces/golden/fpga")
        self.t = self.table()
        self.one("compress", self.m, self.t, "-o", self.path("one.npz"), "--as-baler")
        self.one("decompress", self.m, self.path("one.npz"), "-o", self.path("back.npz"))

    def same(self, ranks, *layout):
        self.ranks(ranks, "compress", self.m, self.t, "-o", self.path("c.npz"), "--as-baler", *layout)
        self.assertEqual(read(self.path("c.npz")), read(self.path("one.npz")))
        self.ranks(ranks, "decompress", self.m, self.path("one.npz"), "-o", self.path("d.npz"), *layout)
        self.assertEqual(read(self.path("d.npz")), read(self.path("back.npz")))

    def test_rows_are_those_of_one_process(self):
        for ranks in (2, 3):
            self.same(ranks)

    def test_pipeline_gives_the_same_bits(self):
        self.same(2, "--layout", "pipeline")
        self.same(3, "--layout", "pipeline", "--micro-batch", "999")

    def test_tensor_differs_by_rounding(self):
        for ranks in (1, 2, 3):
            self.ranks(ranks, "compress", self.m, self.t, "-o", self.path("c.npz"), "--as-baler", "--layout", "tensor")
            with np.load(self.path("c.npz")) as a, np.load(self.path("one.npz")) as b:
                self.assertEqual(a.files, b.files)
                self.assertLess(np.abs(a["data"] - b["data"]).max(), 1e-12 * np.abs(b["data"]).max())
                self.assertEqual((a["data"] == b["data"]).all(), ranks == 1)


class MpiBalerModels(Case):
    """Other networks: an error bound, images, float32, BatchNorm, convolutions."""

    def test_corrections_are_those_of_one_process(self):
        for project, table in (("jets", self.table()), ("cfd", os.path.join(WORKSPACE, "data", "cfd16.npz"))):
            m = self.model("workspaces/golden/" + project)
            os.makedirs(self.path("one"), exist_ok=True)
            self.one("compress", m, table, "-o", self.path("one/c.npz"), "--force")
            self.ranks(2, "compress", m, table, "-o", self.path("c.npz"))
            for name in ("c.npz", "c_deltas.npz.gz", "c_batch_index_metadata.npz.gz"):
                self.assertEqual(read(self.path(name)), read(self.path("one/" + name)))
            self.one("decompress", m, self.path("c.npz"), "-o", self.path("one/d.npz"), "--force")
            self.ranks(2, "decompress", m, self.path("c.npz"), "-o", self.path("d.npz"), "--layout", "pipeline")
            self.assertEqual(read(self.path("d.npz")), read(self.path("one/d.npz")))

    def off(self, a, b):
        with np.load(self.path(a)) as a, np.load(self.path(b)) as b:
            self.assertEqual(a["data"].dtype, b["data"].dtype)
            return np.abs(a["data"].astype("f8") - b["data"]).max() / np.abs(b["data"]).max()

    def test_batch_norm_and_float32(self):
        for project, table, tolerance in (("classes/dropout_bn", os.path.join(GOLDEN, "classes", "dropout_bn", "data.npz"), 1e-12),
                                          ("workspaces/golden/cfd", os.path.join(WORKSPACE, "data", "cfd16.npz"), 1e-5)):
            m = self.model(project)
            self.one("compress", m, table, "-o", self.path("one.npz"), "--force")
            self.one("decompress", m, self.path("one.npz"), "-o", self.path("back.npz"), "--force")
            parts = ["--micro-batch", "7"]
            self.ranks(3, "compress", m, table, "-o", self.path("c.npz"), "--layout", "tensor", *parts)
            self.assertLess(self.off("c.npz", "one.npz"), tolerance)
            self.ranks(2, "decompress", m, self.path("one.npz"), "-o", self.path("d.npz"), "--layout", "tensor", *parts)
            self.assertLess(self.off("d.npz", "back.npz"), tolerance)
            self.ranks(3, "decompress", m, self.path("one.npz"), "-o", self.path("d.npz"), "--layout", "pipeline", *parts)
            self.assertEqual(read(self.path("d.npz")), read(self.path("back.npz")))

    def test_convolutions_go_by_rows_only(self):
        m, table = self.model("classes/conv"), os.path.join(GOLDEN, "classes", "conv", "data.npz")
        self.one("compress", m, table, "-o", self.path("one.npz"))
        self.ranks(2, "compress", m, table, "-o", self.path("c.npz"))
        self.assertEqual(read(self.path("c.npz")), read(self.path("one.npz")))
        self.fails(2, "--layout rows", args=["compress", m, table, "-o", self.path("x.npz"), "--layout", "tensor"])


class MpiBalerMistakes(Case):
    def test_are_told_once_and_leave_no_file(self):
        m, t = self.model("workspaces/golden/fpga"), os.path.join(WORKSPACE, "data", "jets.npz")
        self.one("compress", m, t, "-o", self.path("there.npz"))
        before = read(self.path("there.npz"))
        self.fails(2, "there.npz", "--force", args=["compress", m, t, "-o", self.path("there.npz")])
        self.fails(3, "latent values", args=["decompress", m, t, "-o", self.path("x.npz"), "--layout", "pipeline"])
        self.assertEqual(read(self.path("there.npz")), before)
        self.fails(2, "--layout", args=["compress", m, t, "-o", self.path("x.npz"), "--layout", "ring"])
        self.fails(4, "none.hayb", args=["compress", self.path("none.hayb"), t, "-o", self.path("x.npz")])
        self.fails(3, args=["compress", t, t, "-o", self.path("x.npz"), "--layout", "tensor"])
        self.assertFalse(os.path.exists(self.path("x.npz")))

    def test_a_rank_that_fails_ends_all(self):
        m, jets = self.model("workspaces/golden/fpga"), os.path.join(WORKSPACE, "data", "jets.npz")
        both = lambda table: ["-n", "1", WORKER, "baler", "compress", m, jets, "-o", self.path("x.npz"), ":",
                              "-n", "1", WORKER, "baler", "compress", m, table, "-o", self.path("x.npz")]
        self.fails(4, "missing.npz", command=both(self.path("missing.npz")))
        self.fails(3, "not the same table", command=both(self.table()))
        self.assertEqual([n for n in os.listdir(self.folder.name) if "x.npz" in n], [])

    def test_phases_and_cpu_time_are_metered(self):
        m, t = self.model("workspaces/golden/fpga"), self.table()
        done = subprocess.run([HAYWATT, "meter", "-q", "-o", self.path("r.json"), "--", *MPIRUN, "-n", "2", WORKER, "baler", "compress", m, t,
                               "-o", self.path("c.npz"), "--as-baler"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("r.json")) as f:
            text = f.read()
        json.loads(text)
        for phase in ("read", "prepare", "encode", "write"):
            self.assertIn(f'"{phase}"', text)


if __name__ == "__main__":
    if shutil.which("mpirun") is None or not os.path.exists(WORKER):
        print("skipped: mpirun (openmpi-bin) or haywatt-mpi (libopenmpi-dev) is not there")
        sys.exit(77)
    unittest.main()
