#!/usr/bin/env python3
"""haywatt baler as a black box: projects of Baler in, files that numpy (so Baler) reads out, and hostile projects."""
import gzip
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import numpy as np
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

HAYWATT = os.environ["HAYWATT_BINARY"]
GOLDEN = os.path.join(os.environ["HAYWATT_SOURCE_DIR"], "tests", "golden", "baler")
WORKSPACE = os.path.join(GOLDEN, "workspaces", "golden")
JETS = os.path.join(WORKSPACE, "data", "jets.npz")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-baler-")
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def content(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def run_it(self, *args):
        done = subprocess.run([HAYWATT, "baler", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=200)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *args):
        code, out, err = self.run_it(*args)
        self.assertEqual(code, 0, err)
        return out

    def fails(self, expected, *args):
        code, _, err = self.run_it(*args)
        self.assertEqual(code, expected, err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("haywatt: "), err)
        return err


class Projects(Case):
    def jets(self):
        self.ok("import", os.path.join(WORKSPACE, "jets"), "-o", self.path("jets.hayb"))
        return self.path("jets.hayb")

    def test_as_baler_numpy_reads_what_baler_wrote(self):
        model = self.jets()
        self.ok("compress", model, JETS, "-o", self.path("compressed.npz"), "--as-baler", "-q")
        theirs = os.path.join(WORKSPACE, "jets", "output", "compressed_output")
        with np.load(self.path("compressed.npz")) as a, np.load(os.path.join(theirs, "compressed.npz")) as b:
            self.assertEqual(a.files, b.files)
            self.assertLess(np.abs(a["data"] - b["data"]).max(), 1e-12)
            self.assertTrue((a["names"] == b["names"]).all())
        for name in ("compressed_deltas.npz.gz", "compressed_batch_index_metadata.npz.gz"):
            with gzip.open(self.path(name)) as a, gzip.open(os.path.join(theirs, name)) as b:
                self.assertEqual(a.read(), b.read())
        self.ok("decompress", model, self.path("compressed.npz"), "-o", self.path("d.npz"), "--as-baler")
        with np.load(self.path("d.npz")) as a, np.load(os.path.join(WORKSPACE, "jets", "output", "decompressed_output", "decompressed.npz")) as b:
            self.assertEqual(a["data"].dtype, b["data"].dtype)
            self.assertLess(np.abs(a["data"] - b["data"]).max(), 1e-10)

    def test_bound_holds_and_baler_can_read_the_corrections(self):
        model = self.jets()
        o = json.loads(self.ok("compress", model, JETS, "-o", self.path("c.npz"), "--error-bound", "1%", "--json"))
        self.assertEqual(o["schema"], "haywatt-baler-compress/1")
        self.ok("decompress", model, self.path("c.npz"), "-o", self.path("d.npz"))
        with np.load(JETS) as x, np.load(self.path("d.npz")) as y:
            x, y = x["data"].astype("f8"), y["data"]
        self.assertTrue((np.abs(y - x) <= 0.01 * np.abs(x) * (1 + 1e-12)).all())
        # As Baler opens them, and with its places: batch, row in the batch, column.
        deltas = np.load(gzip.GzipFile(self.path("c_deltas.npz.gz")), allow_pickle=True)
        index = np.load(gzip.GzipFile(self.path("c_batch_index_metadata.npz.gz")), allow_pickle=True)
        self.assertEqual(index.shape, (2, 4))
        self.assertEqual(deltas.dtype, np.float16)
        count = 0
        for d, (rows, columns) in zip(deltas, index[1]):
            self.assertEqual(len(d), len(rows))
            self.assertLess(rows.max(), 512)
            self.assertLess(columns.max(), 24)
            count += np.count_nonzero(d)
        self.assertLessEqual(abs(count - o["corrections"]), 0)

    def test_batches_and_threads_do_not_matter(self):
        model = self.jets()
        with np.load(JETS) as x:
            data, names = x["data"], x["names"]
        np.savez(self.path("part.npz"), data=data[700:1007], names=names)
        self.ok("compress", model, JETS, "-o", self.path("all.npz"), "--threads", "3")
        self.ok("compress", model, self.path("part.npz"), "-o", self.path("p.npz"), "--threads", "1")
        with np.load(self.path("all.npz")) as a, np.load(self.path("p.npz")) as p:
            self.assertTrue((a["data"][700:1007] == p["data"]).all())

    def test_fortran_order_and_big_endian_input_is_the_same(self):
        model = self.jets()
        with np.load(JETS) as x:
            data, names = x["data"], x["names"]
        np.savez_compressed(self.path("f.npz"), data=np.asfortranarray(data.astype(">f4")), names=names)
        for name, source in (("a.npz", JETS), ("b.npz", self.path("f.npz"))):
            self.ok("compress", model, source, "-o", self.path(name), "--as-baler")
        with np.load(self.path("a.npz")) as a, np.load(self.path("b.npz")) as b:
            self.assertTrue((a["data"] == b["data"]).all())

    def test_values_that_are_not_finite_come_back_under_a_bound(self):
        model = self.jets()
        with np.load(JETS) as x:
            data, names = x["data"][:50].copy(), x["names"]
        data[3, 0], data[4, 13], data[49, 23] = np.nan, np.inf, -np.inf
        np.savez(self.path("n.npz"), data=data, names=names)
        o = json.loads(self.ok("compress", model, self.path("n.npz"), "-o", self.path("c.npz"), "--json"))
        self.assertEqual(o["not_finite"], 3)
        self.ok("decompress", model, self.path("c.npz"), "-o", self.path("d.npz"))
        with np.load(self.path("d.npz")) as y:
            y = y["data"]
        self.assertTrue(np.array_equal(y[[3, 4, 49], [0, 13, 23]], data[[3, 4, 49], [0, 13, 23]].astype("f8"), equal_nan=True))
        self.assertEqual(np.isfinite(y).sum(), y.size - 3)

    def test_nothing_is_overwritten(self):
        model = self.jets()
        self.ok("compress", model, JETS, "-o", self.path("c.npz"))
        before = self.content("c.npz")
        self.fails(2, "compress", model, JETS, "-o", self.path("c.npz"))
        self.fails(2, "import", os.path.join(WORKSPACE, "jets"), "-o", model)
        os.remove(self.path("c.npz"))
        self.assertIn("belongs to another", self.fails(2, "compress", model, JETS, "-o", self.path("c.npz")))
        self.ok("compress", model, JETS, "-o", self.path("c.npz"), "--force")
        self.assertEqual(before, self.content("c.npz"))

    def test_inspect(self):
        done = subprocess.run([HAYWATT, "inspect", self.jets(), "--json"], stdout=subprocess.PIPE, text=True, check=True)
        o = json.loads(done.stdout)
        self.assertEqual((o["format"], o["model"], o["parameters"], o["macs_encode_per_row"]), ("hayb", "AE", 61839, 30550))

    def test_wrong_use(self):
        model = self.jets()
        self.fails(2, "compress", model, JETS, "-o", self.path("c.npz"), "--as-baler", "--error-bound", "5%")
        self.fails(2, "compress", model, JETS, "-o", self.path("c.npz"), "--error-bound", "5")
        self.fails(2, "compress", model, JETS, "-o", self.path("c.zip"))
        cfd = os.path.join(WORKSPACE, "data", "cfd16.npz")
        self.assertIn("60 x 16 x 16", self.fails(3, "compress", model, cfd, "-o", self.path("c.npz")))
        self.fails(3, "decompress", model, JETS, "-o", self.path("d.npz"))
        self.fails(3, "compress", JETS, JETS, "-o", self.path("c.npz"))


class Call:
    def __init__(self, *command):
        self.command = command

    def __reduce__(self):
        return os.system, self.command


class Hostile(Case):
    def project(self):
        """A copy of the golden project `fpga` that may be spoiled."""
        shutil.copytree(os.path.join(WORKSPACE, "fpga"), self.path("fpga"))
        shutil.copytree(os.path.join(WORKSPACE, "data"), self.path("data"))
        return self.path("fpga")

    def import_fails(self, *parts, code=3):
        err = self.fails(code, "import", self.path("fpga"), "-o", self.path("m.hayb"))
        for part in parts:
            self.assertIn(part, err)
        self.assertFalse(os.path.exists(self.path("m.hayb")))

    def model(self):
        return self.path("fpga", "output", "compressed_output", "model.pt")

    def change_model(self, change):
        """change(name, bytes) gives the new bytes of a member, or None to leave it out."""
        with zipfile.ZipFile(self.model()) as z:
            members = [(n, z.read(n)) for n in z.namelist()]
        with zipfile.ZipFile(self.model(), "w", zipfile.ZIP_STORED) as z:
            for name, content in members:
                content = change(name, content)
                if content is not None:
                    z.writestr(name, content)

    def change_config(self, text):
        path = self.path("fpga", "config", "fpga_config.py")
        with open(path, "a") as f:
            f.write(text)

    def test_code_in_the_model(self):
        self.project()
        owned = self.path("owned")
        for protocol in range(6):
            evil = pickle.dumps({"en1.weight": Call("touch " + owned)}, protocol=protocol)
            self.change_model(lambda name, content: evil if name.endswith("data.pkl") else content)
            # Protocols 0 and 1 begin with operations that no model of torch uses.
            self.import_fails(*(["'posix system'", "refused"] if protocol >= 2 else []))
        self.assertFalse(os.path.exists(owned))

    def test_code_in_the_corrections(self):
        self.ok("import", os.path.join(WORKSPACE, "jets"), "-o", self.path("jets.hayb"))
        theirs = os.path.join(WORKSPACE, "jets", "output", "compressed_output")
        owned = self.path("owned")
        for victim in ("compressed_deltas.npz.gz", "compressed_batch_index_metadata.npz.gz"):
            for name in ("compressed.npz", "compressed_deltas.npz.gz", "compressed_batch_index_metadata.npz.gz"):
                shutil.copy(os.path.join(theirs, name), self.path(name))
            shape = (4,) if "deltas" in victim else (2, 4)
            evil = np.empty(shape, dtype=object)
            evil.flat[0] = Call("touch " + owned)
            with gzip.open(self.path(victim), "wb") as f:
                np.save(f, evil)
            err = self.fails(3, "decompress", self.path("jets.hayb"), self.path("compressed.npz"), "-o", self.path("d.npz"))
            self.assertIn("'posix system'", err)
            with open(os.path.join(theirs, victim), "rb") as f:
                whole = f.read()
            with open(self.path(victim), "wb") as f:
                f.write(whole[: len(whole) // 2])
            self.assertIn("truncated", self.fails(3, "decompress", self.path("jets.hayb"), self.path("compressed.npz"), "-o", self.path("d.npz")))
            # A bomb: a gigabyte of zeros in a megabyte.
            with open(self.path(victim), "wb") as f:
                zeros = gzip.compress(bytes(16 << 20))
                for _ in range(64):
                    f.write(zeros)
            self.fails(3, "decompress", self.path("jets.hayb"), self.path("compressed.npz"), "-o", self.path("d.npz"))
            os.remove(self.path(victim))
            self.assertIn("missing", self.fails(3, "decompress", self.path("jets.hayb"), self.path("compressed.npz"), "-o", self.path("d.npz")))
        self.assertFalse(os.path.exists(owned))

    def test_code_in_the_config(self):
        self.project()
        self.change_config("\n    __import__('os').system('touch x')\n")
        self.import_fails("line 3", "__import__")

    def test_weights(self):
        self.project()

        def with_nan(name, content):
            if not name.endswith("data/2"):
                return content
            values = np.frombuffer(content).copy()
            values[5] = np.nan
            return values.tobytes()

        self.change_model(with_nan)
        self.import_fails("NaN", "'en2.weight'")

    def test_missing_and_wrong_layers(self):
        self.project()
        self.change_config("\n    c.model_name = 'AE'\n")
        self.import_fails("'en4.weight'")
        self.change_config("\n    c.model_name = 'TransformerAE'\n")
        self.import_fails("TransformerAE", code=5)
        self.change_config("\n    c.model_name = 'Nothing'\n")
        self.import_fails("'Nothing'")
        self.change_config("\n    c.model_name = 'FPGA_prototype_model'\n    c.type_list = ['int'] * 3\n")
        self.import_fails("type_list")

    def test_archives(self):
        self.project()
        with open(self.model(), "rb") as f:
            whole = f.read()
        for size in (0, 1, 10, len(whole) // 2, len(whole) - 1):
            with open(self.model(), "wb") as f:
                f.write(whole[:size])
            self.import_fails()
        damaged = bytearray(whole)
        damaged[len(whole) // 2] ^= 1
        with open(self.model(), "wb") as f:
            f.write(damaged)
        self.import_fails("checksum")
        with open(self.model(), "wb") as f:
            f.write(whole)
        self.change_model(lambda name, content: None if name.endswith("data/3") else content)
        self.import_fails("data/3 is missing")
        with open(self.model(), "wb") as f:
            f.write(whole)
        self.change_model(lambda name, content: b"big" if name.endswith("byteorder") else content)
        self.import_fails("big-endian")
        with zipfile.ZipFile(io.BytesIO(whole)) as z, zipfile.ZipFile(self.model(), "w", zipfile.ZIP_DEFLATED) as out:
            for name in z.namelist():
                out.writestr(name, z.read(name))
        self.import_fails("deflated")
        with open(self.model(), "wb") as f:
            pickle.dump({}, f)
        self.import_fails("no ZIP archive")

    def test_hayb(self):
        self.ok("import", os.path.join(WORKSPACE, "fpga"), "-o", self.path("m.hayb"))
        with open(self.path("m.hayb"), "rb") as f:
            whole = f.read()
        spoiled = [whole[:n] for n in (0, 7, 31, 200, len(whole) - 1)] + [whole + b"x"]
        for at in (8, 20, 60, len(whole) // 2, len(whole) - 1):
            spoiled.append(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        for bytes_ in spoiled:
            with open(self.path("s.hayb"), "wb") as f:
                f.write(bytes_)
            self.fails(3, "compress", self.path("s.hayb"), JETS, "-o", self.path("c.npz"))

    def test_other_torch_versions(self):
        for version in ("1_13", "2_15"):
            shutil.rmtree(self.path("fpga"), ignore_errors=True)
            shutil.rmtree(self.path("data"), ignore_errors=True)
            self.project()
            for out in ("a.npz", "b.npz"):
                self.ok("import", self.path("fpga"), "-o", self.path("m.hayb"), "--force")
                self.ok("compress", self.path("m.hayb"), os.path.join(WORKSPACE, "data", "jets_transfer.npz"), "-o", self.path(out), "--force")
                shutil.copy(os.path.join(GOLDEN, "formats", f"fpga_torch_{version}.pt"), self.model())
            with np.load(self.path("a.npz")) as a, np.load(self.path("b.npz")) as b:
                self.assertTrue((a["data"] == b["data"]).all())


if __name__ == "__main__":
    unittest.main()
