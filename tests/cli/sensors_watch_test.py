#!/usr/bin/env python3
"""haywatt sensors --watch, as a user and a script run it, on a recorded tree whose counter moves."""

import json
import os
import pty
import signal
import subprocess
import tempfile
import threading
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
ZONE = "sys/class/powercap/intel-rapl:0"


class SensorsWatch(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.TemporaryDirectory()
        self.env = dict(os.environ, HAYWATT_SYSROOT=self.tree.name)
        self.stop = threading.Event()
        self.mover = None

    def tearDown(self):
        self.stop.set()
        if self.mover:
            self.mover.join()
        self.tree.cleanup()

    def zone(self, name="package-0", moving_W=40.0):
        folder = os.path.join(self.tree.name, ZONE)
        os.makedirs(folder)
        for file, text in (("name", name), ("max_energy_range_uj", "262143328850"), ("energy_uj", f"{0:020d}")):
            with open(os.path.join(folder, file), "w") as f:
                f.write(text + "\n")
        if moving_W:
            self.mover = threading.Thread(target=self.move, args=(os.path.join(folder, "energy_uj"), moving_W))
            self.mover.start()

    def move(self, path, watts):
        start = time.monotonic()
        fd = os.open(path, os.O_WRONLY)
        while not self.stop.wait(0.002):
            os.pwrite(fd, f"{int((time.monotonic() - start) * watts * 1e6):020d}\n".encode(), 0)
        os.close(fd)

    def watch(self, *options):
        return subprocess.Popen([HAYWATT, "sensors", "--watch", "--interval", "100", *options], env=self.env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, p):
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        self.assertEqual((p.returncode, err), (0, ""))
        return out

    def test_a_pipe_gets_a_line_a_tick_and_ctrl_c_ends_it_cleanly(self):
        self.zone()
        p = self.watch()
        lines = [p.stdout.readline() for _ in range(4)]
        lines += self.end(p).splitlines(keepends=True)
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  rapl-powercap package \d+\.\d W\n$")

    def test_json_lines_hold_power_and_energy(self):
        self.zone()
        p = self.watch("--json")
        first, last = [json.loads(p.stdout.readline()) for _ in range(5)][::4]
        self.end(p)
        self.assertEqual(last["schema"], "haywatt-sensors-watch/1")
        [channel] = last["channels"]
        self.assertEqual((channel["sensor"], channel["boundary"], channel["fault"]), ("rapl-powercap", "package", ""))
        # Between two lines the tree's mean power; wide, for the machine may be busy.
        mean_W = (channel["energy_J"] - first["channels"][0]["energy_J"]) / (last["seconds"] - first["seconds"])
        self.assertGreater(mean_W, 10.0)
        self.assertLess(mean_W, 160.0)
        self.assertGreater(channel["power_W"], 0.0)

    def test_a_counter_that_stands_still_is_unknown_never_0_W(self):
        self.zone(moving_W=None)
        p = self.watch()
        self.assertIn("package unknown\n", p.stdout.readline())
        self.end(p)
        p = self.watch("--json")
        [channel] = json.loads(p.stdout.readline())["channels"]
        self.end(p)
        self.assertEqual((channel["power_W"], channel["energy_J"]), (None, None))
        self.assertEqual(channel["fault"], "the counter has not moved yet")

    def test_a_terminal_sees_one_table_drawn_over(self):
        self.zone()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(HAYWATT, [HAYWATT, "sensors", "--watch", "--interval", "100"], self.env)
        seen = b""
        while seen.count(b"Ctrl-C ends") < 3:
            seen += os.read(terminal, 4096)
        os.kill(pid, signal.SIGINT)
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass  # the other end is closed
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        os.close(terminal)
        text = seen.decode()
        self.assertRegex(text, r"sensor +boundary +now +mean +most +energy")
        self.assertRegex(text, r"rapl-powercap +package +\d+\.\d W +\d+\.\d W +\d+\.\d W +\d")
        self.assertEqual(text.count("\x1b[3A"), text.count("Ctrl-C ends") - 1)

    def test_what_cannot_be_watched(self):
        for code, options in ((5, ["--watch"]), (2, ["--interval", "500"]), (2, ["--watch", "--interval", "5"])):
            done = subprocess.run([HAYWATT, "sensors", *options], env=self.env, capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, code, options)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_reader_that_goes_away_ends_it(self):
        self.zone()
        p = self.watch()
        p.stdout.readline()
        p.stdout.close()
        self.assertIn("Broken pipe", p.stderr.read())
        self.assertEqual(p.wait(timeout=20), 4)
        p.stderr.close()


if __name__ == "__main__":
    unittest.main()
