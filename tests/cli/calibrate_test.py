#!/usr/bin/env python3
"""haywatt calibrate as a user meets it: typed readings, a smart plug's file, and the estimate that follows."""
import json
import os
import subprocess
import tempfile
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]


class Calibrate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="haywatt-calibrate-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        # An empty root: whatever sensors this machine has, the estimate stands in.
        self.env = dict(os.environ, XDG_CONFIG_HOME=os.path.join(self.folder, "config"), HAYWATT_SYSROOT=self.folder)
        self.env.pop("HAYWATT_CALIBRATION", None)

    def run_it(self, *args):
        done = subprocess.run([HAYWATT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              text=True, timeout=120, env=self.env)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *args):
        code, out, err = self.run_it(*args)
        self.assertEqual(code, 0, err)
        return out

    def fails(self, expected, *args):
        code, _, err = self.run_it(*args)
        self.assertEqual(code, expected, err)
        self.assertEqual(err.count("\n"), 1, err)
        return err

    def test_typed_readings_serve_the_estimate(self):
        out = json.loads(self.ok("calibrate", "--whole-host", "--json", "--idle-watts", "41", "--full-watts", "128",
                                 "--at", "50:92"))
        self.assertEqual(out["schema"], "haywatt-calibrate/1")
        half = next(c for c in out["curve"] if c["load"] == 0.5)
        self.assertLess(abs(half["W"] - 92), 3)
        self.assertTrue(out["file"].startswith(self.env["XDG_CONFIG_HOME"]))
        self.assertEqual(json.loads(self.ok("calibrate", "--show", "--json"))["points"], out["points"])
        record = os.path.join(self.folder, "r.json")
        self.ok("meter", "-q", "-o", record, "--", "true")
        with open(record) as file:
            energy = json.load(file)["energy"]
        self.assertEqual({e["tier"] for e in energy if e["sensor"] == "estimate"}, {"calibrated"})
        self.assertTrue(all(e["boundary"] == "wall" for e in energy if e["sensor"] == "estimate"))

    def test_a_plug_that_recorded_known_loads(self):
        log = os.path.join(self.folder, "loads.csv")
        self.ok("calibrate", "--whole-host", "--run", "--step", "500ms", "--load-log", log)
        with open(log) as file:
            steps = [line.split(",") for line in file.read().split()[1:]]
        self.assertEqual(len(steps), 6)
        # The loads that were reached depend on the machine: the plug is of a machine whose loads are known.
        with open(log, "w") as file:
            file.write("start_unix_s,end_unix_s,load\n")
            for step, load in zip(steps, (0, 0.25, 0.5, 0.75, 1, 0)):
                file.write(f"{step[0]},{step[1]},{load}\n")
        plug = os.path.join(self.folder, "plug.csv")
        with open(plug, "w") as file:
            file.write("time;apower\n")
            for step, watts in zip(steps, ("40,5", "70", "90", "105", "130", "39,5")):
                for k in range(1, 5):
                    file.write(f"{float(step[0]) + 0.1 * k:.3f};{watts}\n")
        out = json.loads(self.ok("calibrate", "--whole-host", "--json", "--plug", plug, "--load-log", log, "--settle", "0s"))
        self.assertEqual([p["watts"] for p in out["points"]], [40.5, 70, 90, 105, 130, 39.5])
        self.assertIn("is its clock", self.fails(3, "calibrate", "--whole-host", "--plug", self.moved(plug), "--load-log", log))

    def moved(self, plug):
        path = os.path.join(self.folder, "moved.csv")
        with open(path, "w") as file:
            file.write("time,power\n1000000000,40\n1000000001,41\n")
        return path

    def test_mistakes(self):
        self.fails(2, "calibrate", "--whole-host")
        self.fails(2, "calibrate", "--whole-host", "--at", "fifty")
        self.fails(3, "calibrate", "--whole-host", "--idle-watts", "41")
        self.fails(3, "calibrate", "--whole-host", "--idle-watts", "41", "--full-watts", "30")
        self.fails(5, "calibrate", "--show")
        self.fails(3, "calibrate", "--whole-host", "--plug", __file__, "--load-log", __file__)

    def test_a_guest_has_no_wall_plug(self):
        with open("/proc/cpuinfo") as file:
            if "hypervisor" not in file.read():
                self.skipTest("not a virtual machine")
        self.assertIn("virtual machine", self.fails(5, "calibrate", "--idle-watts", "41", "--full-watts", "128"))
        self.assertIn("a virtual one", self.fails(5, "meter", "--idle-watts", "41", "--", "true"))


if __name__ == "__main__":
    unittest.main()
