#!/usr/bin/env python3
"""haywatt baler as a black box: projects of Baler in, files that numpy (so Baler) reads out, and hostile projects."""
import gzip
import io
import json
import os
import pickle
import shutil
import struct
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

    def test_corrections_are_the_bytes_that_numpy_writes(self):
        """Far more batches than a pickle's group of a thousand, some with one correction, one or none of a kind."""
        shutil.copytree(os.path.join(WORKSPACE, "jets"), self.path("many"))
        os.rename(self.path("many", "config", "jets_config.py"), self.path("many", "config", "many_config.py"))
        for size, percent in ((1, 300), (1, 1e5), (700, 10)):
            with open(self.path("many", "config", "many_config.py"), "a") as f:
                f.write(f"\n    c.batch_size = {size}\n    c.error_bounded_requirement = {percent}\n")
            self.ok("import", self.path("many"), "-o", self.path("m.hayb"), "--force", "-q")
            self.ok("compress", self.path("m.hayb"), JETS, "-o", self.path("c.npz"), "--force", "--as-baler", "-q")
            with gzip.open(self.path("c_deltas.npz.gz")) as a, gzip.open(self.path("c_batch_index_metadata.npz.gz")) as b:
                ours = a.read(), b.read()
            deltas, index = (np.load(io.BytesIO(content), allow_pickle=True) for content in ours)
            counts = [len(d) for d in deltas]
            self.assertEqual(len(counts), -(-2000 // size))
            # As Baler has them when it saves: lists of scalars; batch numbers, and pairs of arrays.
            theirs = np.empty(len(deltas), dtype=object)
            for i, numbers in enumerate(deltas):
                theirs[i] = list(numbers)
            places = np.empty((2, len(deltas)), dtype=object)
            for i, pair in enumerate(index[1]):
                places[0, i], places[1, i] = i, tuple(np.array(p) for p in pair)
            for content, array in zip(ours, (theirs, places)):
                out = io.BytesIO()
                np.save(out, array)
                self.assertEqual(out.getvalue(), content)

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

    def test_counts_are_those_of_the_documentation(self):
        self.jets()
        counts = {c["convention"]: c for c in json.loads(self.ok("count", self.path("jets.hayb"), "--json"))["counts"]}
        # docs/counting.md, AE (24-15): macs, ours, PyTorch's, ptflops'
        self.assertEqual({c["macs"] for c in counts.values()}, {61_100})
        self.assertEqual([counts[name]["forward"] for name in ("haywatt", "pytorch", "ptflops", "fvcore")],
                         [123_639, 122_200, 61_839, 61_100])
        self.assertEqual(json.loads(self.ok("count", self.path("jets.hayb"), "--json", "--rows", "7"))["counts"][0]["macs"],
                         7 * 61_100)

    def test_wrong_use(self):
        model = self.jets()
        self.fails(2, "compress", model, JETS, "-o", self.path("c.npz"), "--as-baler", "--error-bound", "5%")
        self.fails(2, "compress", model, JETS, "-o", self.path("c.npz"), "--error-bound", "5")
        self.fails(2, "compress", model, JETS, "-o", self.path("c.zip"))
        cfd = os.path.join(WORKSPACE, "data", "cfd16.npz")
        self.assertIn("60 x 16 x 16", self.fails(3, "compress", model, cfd, "-o", self.path("c.npz")))
        self.fails(3, "decompress", model, JETS, "-o", self.path("d.npz"))
        self.fails(3, "compress", JETS, JETS, "-o", self.path("c.npz"))


class Network:
    """A .hayb as docs/format-hayb.md describes it, run by numpy."""

    def __init__(self, path):
        with open(path, "rb") as f:
            content = f.read()
        assert content[:8] == b"\x89HAYB\r\n\x1a"
        version, zero, header, tensors = struct.unpack_from("<IIQQ", content, 8)
        assert (version, zero) == (1, 0)
        assert len(content) == 32 + header + tensors + 8
        self.header = json.loads(content[32 : 32 + header])
        self.tensors = [np.frombuffer(content, "<" + t["type"], t["count"], 32 + header + t["offset"]) for t in self.header["tensors"]]

    def run(self, half, x):
        for layer in self.header["model"][half]:
            if layer["op"] == "linear":
                weight = self.tensors[layer["weight"]].reshape(layer["out"][0], -1)
                x = x @ weight.T + self.tensors[layer["bias"]]
            elif layer["op"] == "relu":
                x = np.maximum(x, 0)
            elif layer["op"] == "leaky_relu":
                x = np.where(x > 0, x, layer["slope"] * x)
        return x


class Types(Case):
    """Every type of input, normalised as numpy (so Baler) does."""

    def setUp(self):
        super().setUp()
        self.ok("import", os.path.join(WORKSPACE, "fpga"), "-o", self.path("m.hayb"))
        self.network = Network(self.path("m.hayb"))
        self.range = [self.network.tensors[self.network.header["training_range"][k]].astype("f8") for k in ("minimum", "range")]

    def latents(self, data, *options):
        np.savez(self.path("in.npz"), data=data, names=np.array([f"c{i}" for i in range(24)]))
        self.ok("compress", self.path("m.hayb"), self.path("in.npz"), "-o", self.path("c.npz"), "--force", "-q", *options)
        with np.load(self.path("c.npz")) as c:
            return c["data"]

    def test_all(self):
        random = np.random.RandomState(5)
        for kind in ("f2", "f4", "f8", ">f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
            with self.subTest(kind):
                if "f" in kind:
                    data = random.normal(100, 50, (40, 24)).astype(kind)
                else:
                    # The whole range of the type: the difference of the extremes wraps, as numpy's does.
                    limits = np.iinfo(kind)
                    data = random.randint(limits.min, limits.max, (40, 24), dtype=kind)
                native = data.astype(data.dtype.newbyteorder("="))
                with np.errstate(all="ignore"):
                    low = native.min(axis=0)
                    part, whole = native - low, native.max(axis=0) - low
                    normalised = (part / whole if "f" in kind else part.astype("f8") / whole.astype("f8")).astype("f8")
                expected = self.network.run("encoder", normalised)
                scale = np.abs(expected).max()
                self.assertLess(np.abs(self.latents(data, "--as-baler") - expected).max(), 1e-13 * scale)
                working = native.astype("f4") if kind in ("f2", "f4", ">f4") else native.astype("f8")
                minimum, width = (r.astype(working.dtype) for r in self.range)
                expected = self.network.run("encoder", ((working - minimum) / width).astype("f8"))
                scale = np.abs(expected).max()
                self.assertLess(np.abs(self.latents(data) - expected).max(), 1e-13 * scale)
        err = self.fails(3, "compress", self.path("m.hayb"), self.truths(), "-o", self.path("x.npz"), "--as-baler")
        self.assertIn("truth values", err)

    def truths(self):
        np.savez(self.path("t.npz"), data=np.eye(24, dtype=bool), names=np.array(["x"] * 24))
        return self.path("t.npz")

    def test_arithmetics(self):
        with np.load(JETS) as x:
            data = x["data"]
        exact = self.latents(data)
        for name, tolerance in (("float32", 1e-5), ("bfloat16", 0.1), ("int8", 0.5)):
            coarse = self.latents(data, "--arithmetic", name)
            self.assertEqual(coarse.dtype, np.float32)
            off = np.abs(coarse - exact).max()
            self.assertLess(off, tolerance)
            self.assertGreater(off, 0)
            o = json.loads(self.ok("decompress", self.path("m.hayb"), self.path("c.npz"), "-o", self.path("d.npz"), "--force", "--json", "--arithmetic", name))
            self.assertGreater(o["deviation"]["largest"], 0)
            self.assertLess(o["deviation"]["rms"], tolerance)
        self.fails(2, "compress", self.path("m.hayb"), JETS, "-o", self.path("x.npz"), "--arithmetic", "float32", "--error-bound", "5%")
        self.fails(2, "compress", self.path("m.hayb"), JETS, "-o", self.path("x.npz"), "--arithmetic", "float32", "--as-baler")

    def test_memory_does_not_grow_with_the_rows(self):
        with open(HAYWATT, "rb") as f:
            if b"__asan_init" in f.read():
                self.skipTest("AddressSanitizer keeps what is freed for a while")
        with np.load(JETS) as x:
            data, names = x["data"], x["names"]
        peaks = []
        for times in (60, 250):  # 12 MB and 48 MB
            np.savez(self.path("in.npz"), data=np.tile(data, (times, 1)), names=names)
            for command in (["compress", self.path("m.hayb"), self.path("in.npz"), "-o", self.path("c.npz")],
                            ["decompress", self.path("m.hayb"), self.path("c.npz"), "-o", self.path("d.npz")]):
                pid = os.spawnv(os.P_NOWAIT, HAYWATT, [HAYWATT, "baler", *command, "--force", "-q", "--threads", "2"])
                _, status, usage = os.wait4(pid, 0)
                self.assertEqual(status, 0)
                peaks.append(usage.ru_maxrss)
        for few, many in zip(peaks[:2], peaks[2:]):
            self.assertLess(many, few + 18000, "kB")  # how threads meet moves some

    def test_phases_are_announced(self):
        done = subprocess.run([HAYWATT, "meter", "-q", "-o", self.path("r.json"), "--", HAYWATT, "baler", "compress", self.path("m.hayb"), JETS,
                               "-o", self.path("c.npz"), "-q", "--as-baler"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("r.json")) as f:
            text = f.read()
        for phase in ("read", "prepare", "encode", "write"):
            self.assertIn(f'"{phase}"', text)


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

    def test_untrained(self):
        self.project()
        for name in ("compressed_output/model.pt", "training/normalization_features.npy"):
            os.remove(self.path("fpga", "output", name))
            self.import_fails("no trained project", name)

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
