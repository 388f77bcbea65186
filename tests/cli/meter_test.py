#!/usr/bin/env python3
"""`haywatt meter` as a black box: what the program gets, what the caller gets, what the record says."""
import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
CHILDREN = os.environ["HAYWATT_TEST_CHILDREN"]


def as_nobody():
    """An ordinary user, who can make no control group."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-meter-")
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o777)
        self.record_path = os.path.join(self.folder.name, "run.json")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def start(self, *command, options=(), **kwargs):
        """In a session of its own: some of these programs kill their process group."""
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([HAYWATT, "meter", "-o", self.record_path, "--force", *options, "--", *command],
                                start_new_session=True, text=True, **kwargs)

    def meter(self, *command, options=(), input=None, **kwargs):
        if input is not None:
            kwargs["stdin"] = subprocess.PIPE
        process = self.start(*command, options=options, **kwargs)
        out, err = process.communicate(input, timeout=120)
        return process.returncode, out, err

    def record(self):
        with open(self.record_path, encoding="utf-8") as f:
            return json.load(f)

    def wait_for_file(self, path, seconds=60):
        until = time.monotonic() + seconds
        while not (os.path.exists(path) and os.path.getsize(path) > 0):
            self.assertLess(time.monotonic(), until, path)
            time.sleep(0.01)

    def can_run_as(self, become):
        """Whether another user may run these programs where they lie."""
        try:
            return all(subprocess.run([p], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False,
                                      preexec_fn=become).returncode == 2 for p in (HAYWATT, CHILDREN))
        except (OSError, subprocess.SubprocessError):
            return False


class Meter(Case):
    def test_exit_codes_are_the_programs(self):
        for command, code in ((["true"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -KILL $$"], 137),
                              (["sh", "-c", "kill -SEGV $$"], 139), (["no-such-command-here"], 127),
                              (["/no/such/file"], 127), (["/"], 126)):
            got, out, _ = self.meter(*command)
            self.assertEqual(got, code, command)
            self.assertEqual(out, "")
            tree = self.record()["tree"]
            self.assertEqual(tree["exit_code"], code)
            self.assertEqual(tree["signal"], code - 128 if code > 128 else 0)
            self.assertEqual(self.record()["status"], "ok" if code == 0 else "failed")
        plain = self.path("plain")
        with open(plain, "w", encoding="utf-8") as f:
            f.write("not a program")
        os.chmod(plain, 0o644)
        self.assertEqual(self.meter(plain)[0], 126)

    def test_a_command_that_is_not_there_takes_one_line(self):
        for command, said in (("no-such-command-here", "no such command"), ("/", "Permission denied")):
            code, _, err = self.meter(command)
            self.assertEqual(err, f"haywatt: {command}: {said}\n")
            self.assertEqual(self.meter(command, options=["-q"])[2], err)

    def test_what_only_other_commands_need_is_not_loaded(self):
        out = self.meter("sh", "-c", "cat /proc/$PPID/maps", options=["-q"])[1]
        self.assertIn("haywatt", out)
        for library in ("hdf5", "curl", "ssl", "torch"):
            self.assertNotIn(f"lib{library}", out)

    def test_streams_and_arguments_pass_through(self):
        text = "some input\n" * 10_000
        code, out, err = self.meter("sh", "-c", 'cat; echo "$1" >&2', "sh", "-q --help", input=text)
        self.assertEqual((code, out), (0, text))
        self.assertTrue(err.startswith("-q --help\n"), err[:200])
        self.assertIn("haywatt: sh -c", err)
        code, out, err = self.meter("echo", "-n", "--", "x", options=["-q"])
        self.assertEqual((code, out, err), (0, "-- x", ""))

    def test_output_that_nobody_reads_ends_the_program_as_without_us(self):
        read, write = os.pipe()
        os.close(read)
        code, _, err = self.meter("yes", stdout=write)
        os.close(write)
        self.assertEqual(code, 128 + signal.SIGPIPE, err)

    def test_closed_streams(self):
        code = subprocess.run(["sh", "-c", f"'{HAYWATT}' meter -o '{self.record_path}' -- "
                               "python3 -c 'import os,sys\nfor i in (0,1,2):\n try: os.fstat(i); sys.exit(9)\n except OSError: pass'"
                               " <&- >&- 2>&-"], timeout=60, start_new_session=True, check=False).returncode
        self.assertEqual(code, 0)
        self.assertEqual(self.record()["tree"]["exit_code"], 0)

    def test_environment_and_signals_are_the_users(self):
        show = ("import os,sys,signal,json\n"
                "s=dict(l.split(':\\t') for l in open('/proc/self/status').read().splitlines() if l.startswith('Sig'))\n"
                "e=dict(os.environ)\nprint(json.dumps([s['SigBlk'],s['SigIgn'],e,sorted(os.listdir('/proc/self/fd'))]))")
        bare = subprocess.run([sys.executable, "-c", show], stdout=subprocess.PIPE, text=True, check=True).stdout
        code, metered, _ = self.meter(sys.executable, "-c", show)
        self.assertEqual(code, 0)
        bare, metered = json.loads(bare), json.loads(metered)
        self.assertTrue(metered[2].pop("HAYWATT_PHASES"))
        self.assertEqual(metered, bare)

        def odd():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        kwargs = {"preexec_fn": odd, "restore_signals": False}
        bare = subprocess.run([sys.executable, "-c", show], stdout=subprocess.PIPE, text=True, check=True, **kwargs).stdout
        metered = self.meter(sys.executable, "-c", show, **kwargs)[1]
        self.assertEqual(json.loads(metered)[:2], json.loads(bare)[:2])

    def test_signals_sent_to_the_meter_reach_the_program(self):
        for name in ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2"):
            ready = self.path("ready" + name)
            process = self.start("sh", "-c", f"trap 'echo got {name}; exit 7' {name}; echo x > {ready}; "
                                 "while :; do sleep 0.02; done")
            self.wait_for_file(ready)
            process.send_signal(getattr(signal, "SIG" + name))
            out, _ = process.communicate(timeout=60)
            self.assertEqual((process.returncode, out), (7, f"got {name}\n"))
            self.assertEqual(self.record()["tree"]["exit_code"], 7)

    def test_a_signal_that_ends_the_program_leaves_figures(self):
        ready = self.path("ready")
        process = self.start("sh", "-c", f"echo x > {ready}; exec sleep 100")
        self.wait_for_file(ready)
        process.terminate()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(self.record()["tree"]["signal"], signal.SIGTERM)

    def test_a_program_that_kills_its_group(self):
        for name in ("TERM", "INT", "HUP"):
            code, _, err = self.meter("sh", "-c", f"kill -{name} 0; sleep 60")
            self.assertEqual(code, 128 + getattr(signal, "SIG" + name), err)
            self.assertEqual(self.record()["tree"]["signal"], getattr(signal, "SIG" + name))
        # Nothing in the group survives this one, but the meter is outside.
        process = self.start("sh", "-c", "echo out; kill -KILL 0; sleep 60")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.wait_for_file(self.record_path)
        self.assertEqual(self.record()["tree"]["signal"], signal.SIGKILL)

    def test_daemons_are_waited_for(self):
        done = self.path("done")
        daemon = f"(setsid sh -c 'sleep 0.5; echo x > {done}' </dev/null >/dev/null 2>&1 &) & exit 5"
        code, _, err = self.meter("sh", "-c", daemon)
        self.assertEqual(code, 5, err)
        self.assertTrue(os.path.exists(done))
        self.assertGreater(self.record()["wall_s"], 0.45)

    def test_a_signal_ends_the_measurement_of_what_is_left_behind(self):
        ready = self.path("ready")
        process = self.start("sh", "-c", f"setsid sh -c 'echo $$ > {ready}; exec sleep 100' </dev/null >/dev/null 2>&1 & exit 6")
        self.wait_for_file(ready)
        with open(ready, encoding="utf-8") as f:
            daemon = int(f.read())
        self.addCleanup(os.kill, daemon, signal.SIGKILL)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 6)
        self.assertIn("left running", " ".join(self.record()["warnings"]))
        os.kill(daemon, 0)  # it lives on, and in no group of ours
        with open(f"/proc/{daemon}/cgroup", encoding="utf-8") as f:
            self.assertNotIn("/haywatt-", f.read())

    def test_forks_without_end(self):
        # The limit counts all processes of a user: one whom nobody else is.
        def limited():
            resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(54321)
                os.setuid(54321)
        if os.getuid() != 0 or not self.can_run_as(limited):
            self.skipTest("needs a user of its own")
        bomb = ("import os,time\nend=time.time()+1.5\n"
                "while time.time()<end:\n try: os.fork()\n except OSError: time.sleep(0.01)\nos._exit(0)")
        code, _, err = self.meter(sys.executable, "-c", bomb, preexec_fn=limited)
        self.assertEqual(code, 0, err)
        record = self.record()
        self.assertGreater(record["tree"]["processes_seen"], 20)
        self.assertGreater(max(record["samples"]["processes"]), 20)
        self.assertLessEqual(len(record["tree"]["processes"]), 200)

    def test_files_are_refused_before_the_program_runs(self):
        mark = self.path("mark")
        with open(self.record_path, "w", encoding="utf-8") as f:
            f.write("old")
        for output, code in ((self.record_path, 2), (self.path("no/such/folder/run.json"), 4)):
            done = subprocess.run([HAYWATT, "meter", "-o", output, "--", "touch", mark], stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertFalse(os.path.exists(mark))
        with open(self.record_path, encoding="utf-8") as f:
            self.assertEqual(f.read(), "old")
        self.assertEqual(self.meter("true")[0], 0)  # --force
        self.assertEqual(self.record()["tree"]["command"], ["true"])

    def test_wrong_usage(self):
        for arguments in ([], ["--interval", "0", "--", "true"], ["--idle", "soon", "--", "true"],
                          ["--tdp", "-3", "--", "true"], ["--phases-from", "(", "--", "true"], ["--nonsense", "--", "true"]):
            done = subprocess.run([HAYWATT, "meter", *arguments], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))

    def test_idle_is_watched_before(self):
        begin = time.monotonic()
        self.assertEqual(self.meter("true", options=["--idle", "600ms"])[0], 0)
        self.assertGreater(time.monotonic() - begin, 0.6)
        self.assertLess(self.record()["wall_s"], 0.6)

    def test_phases_of_the_protocol_and_of_the_output(self):
        spin = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done"
        code, out, err = self.meter("sh", "-c", f"echo '== one =='; {spin}; echo '== two ==' >&2; {spin}; {spin}",
                                    options=["--phases-from", "^== (.*) =="])
        self.assertEqual((code, out), (0, "== one ==\n"))
        self.assertTrue(err.startswith("== two ==\n"))
        record = self.record()
        phases = {p["name"]: p for p in record["phases"]}
        self.assertEqual(set(phases) - {"other"}, {"one", "two"})
        self.assertAlmostEqual(sum(p["wall_s"] for p in record["phases"]), record["wall_s"], places=6)
        self.assertAlmostEqual(sum(p["cpu_s"] for p in record["phases"]), record["cpu_s"], places=6)
        self.assertGreater(phases["two"]["cpu_s"], phases["one"]["cpu_s"])

    def test_long_output_passes_through_unchanged(self):
        script = "import sys\nfor i in range(200000): print(i)\nsys.stderr.write('e' * 300000)"
        code, out, err = self.meter(sys.executable, "-c", script, options=["-q", "--phases-from", "^nothing$"])
        self.assertEqual(code, 0)
        self.assertEqual(out, "".join(f"{i}\n" for i in range(200000)))
        self.assertEqual(err, "e" * 300000)


class MeterCounts(Case):
    """CPU time against what 200 children of 5 ms tell themselves, and what the kernel told who waited for them."""

    def seen(self, mode, **kwargs):
        told = self.path("told")
        code, _, err = self.meter(CHILDREN, told, mode, "200", **kwargs)
        self.assertEqual(code, 0, err)
        with open(told, encoding="utf-8") as f:
            clocks, waits = (int(word) * 1e-9 for word in f.read().split())
        os.unlink(told)
        return self.record(), clocks, waits

    def check(self, **kwargs):
        for mode in ("direct", "nested", "setsid", "exec", "double-fork", "ignored"):
            record, clocks, waits = self.seen(mode, **kwargs)
            by_group = record["tree"]["counted_by"].startswith("cgroup")
            where = (mode, record["cpu_s"], clocks, waits, record["tree"]["counted_by"])
            if mode == "ignored" and not by_group:
                self.assertIn("SIGCHLD", " ".join(record["warnings"]), where)
                continue
            self.assertEqual(record["warnings"], [], where)
            # Clocks stop before the kernel takes a process down, which is some 0.1 ms of its CPU time.
            self.assertGreater(record["cpu_s"], 0.999 * clocks, where)
            self.assertLess(record["cpu_s"], clocks + 200 * 2 * 1.5e-3, where)
            if mode not in ("double-fork", "ignored"):
                self.assertLess(abs(record["cpu_s"] / waits - 1), 0.01, where)
            samples = record["samples"]["cpu_s"]
            self.assertEqual(samples, sorted(samples), where)

    def test_here(self):
        self.check()

    def test_as_an_ordinary_user(self):
        if os.getuid() != 0 or not self.can_run_as(as_nobody):
            self.skipTest("is one already, or these programs are not for all to run")
        self.check(preexec_fn=as_nobody)

    def test_what_moves_into_a_group_of_its_own_is_found(self):
        # By then a thorough look has seen that all is in the meter's group.
        script = ("import os,subprocess,time\ntime.sleep(1.3)\n"
                  "path=next(l[3:].strip() for l in open('/proc/self/cgroup') if l.startswith('0::'))\n"
                  "mount=next(l.split()[4] for l in open('/proc/self/mountinfo') if ' - cgroup2 ' in l)\n"
                  "os.mkdir(mount+path+'/inner')\nopen(mount+path+'/inner/cgroup.procs','w').write('0')\n"
                  "subprocess.run(['sleep','3'])")
        code, _, err = self.meter(sys.executable, "-c", script)
        tree = self.record()["tree"]
        if code != 0 or tree["counted_by"] != "cgroup v2":
            self.skipTest("no control group can be made in the meter's here: " + err[:200])
        self.assertEqual([p["name"] for p in tree["processes"]][1:], ["sleep"])

    def test_bytes(self):
        script = ("import os\nif os.fork()==0:\n open('/dev/null','wb').write(b'x'*3_000_000)\n os._exit(0)\nos.wait()\n"
                  "f=open('/dev/zero','rb',buffering=0)\nfor i in range(100): f.read(50_000)")
        self.assertEqual(self.meter(sys.executable, "-c", script)[0], 0)
        record = self.record()
        self.assertGreaterEqual(record["read_B"], 5_000_000)
        self.assertLess(record["read_B"], 15_000_000)
        self.assertGreaterEqual(record["written_B"], 3_000_000)
        self.assertLess(record["written_B"], 3_100_000)

    def test_memory(self):
        script = "import time\nx=bytearray(100_000_000)\nx[::4096]=b'1'*len(x[::4096])\ntime.sleep(0.5)"
        self.assertEqual(self.meter(sys.executable, "-c", script)[0], 0)
        self.assertGreater(self.record()["rss_peak_B"], 100_000_000)
        self.assertLess(self.record()["rss_peak_B"], 150_000_000)


    def test_memory_of_a_program_that_lives_for_milliseconds(self):
        with open(HAYWATT, "rb") as f:
            if b"__asan_init" in f.read():
                self.skipTest("the copy of the meter that the program was is larger than the program")
        peaks = []
        for _ in range(6):
            self.assertEqual(self.meter("dd", "if=/dev/zero", "of=/dev/null", "bs=3M", "count=1", options=["-q"])[0], 0)
            peaks.append(self.record()["rss_peak_B"])
        self.assertGreater(min(peaks), 3 << 20)
        self.assertLess(max(peaks), 8 << 20)
        self.assertLess(max(peaks) - min(peaks), 700_000, peaks)


class MeterTerminal(Case):
    """On a terminal, as a person uses it."""

    def on_terminal(self, *arguments, size=(24, 80)):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(HAYWATT, [HAYWATT, "meter", "-o", self.record_path, "--force", *arguments])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.addCleanup(os.close, terminal)
        return pid, terminal

    def read_until(self, terminal, wanted, seconds=60):
        text, until = b"", time.monotonic() + seconds
        while wanted is None or wanted not in text:
            self.assertLess(time.monotonic(), until, text)
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                self.assertIsNone(wanted, text)
                break
            text += piece
        return text

    def test_keys_reach_the_program_once(self):
        script = ("import signal,time\nn=0\ndef h(*a):\n global n\n n+=1\nsignal.signal(signal.SIGINT,h)\nprint('ready',flush=True)\n"
                  "while n<2: time.sleep(0.01)\ntime.sleep(0.3)\nprint('counted',n,flush=True)")
        pid, terminal = self.on_terminal("--", sys.executable, "-c", script)
        text = self.read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        time.sleep(0.3)
        os.write(terminal, b"\x03")
        text = self.read_until(terminal, b"counted 2")
        text += self.read_until(terminal, None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertIn(b"record:", text)
        self.assertEqual(self.record()["tree"]["exit_code"], 0)

    def test_a_key_that_ends_the_program(self):
        pid, terminal = self.on_terminal("--", "sh", "-c", "echo ready; exec sleep 100")
        self.read_until(terminal, b"ready")
        os.write(terminal, b"\x03\x03\x03")
        self.read_until(terminal, None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)
        self.assertEqual(self.record()["tree"]["signal"], signal.SIGINT)

    def test_the_program_has_the_terminal(self):
        script = ("import os,sys\nprint(sys.stdin.isatty(),sys.stdout.isatty(),sys.stderr.isatty(),os.get_terminal_size(2).columns,"
                  "os.tcgetpgrp(0)==os.getpgrp(),input())")
        for options in ([], ["--phases-from", "^x$"]):
            pid, terminal = self.on_terminal(*options, "--", "sh", "-c", f"sleep 0.3; exec {sys.executable} -c \"$0\"", script,
                                             size=(30, 91))
            os.write(terminal, b"typed\n")
            text = self.read_until(terminal, None)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, text)
            self.assertIn(b"True True True 91 True typed\r\n", text)

    def test_stop_and_go_on(self):
        pid, terminal = self.on_terminal("--", "sh", "-c", "echo ready; sleep 0.5; echo again")
        self.read_until(terminal, b"ready")
        os.kill(pid, signal.SIGTSTP)  # an orphaned group ignores the key's stop, so: the signal, to the guardian
        os.kill(pid, signal.SIGCONT)
        self.read_until(terminal, b"again")
        self.read_until(terminal, None)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_live_line_leaves_nothing(self):
        pid, terminal = self.on_terminal("--live", "--", "sh", "-c", "echo first; sleep 1.2; echo last")
        text = self.read_until(terminal, None).decode()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertRegex(text, r"0:0[01]  CPU \d+ %")
        # As a terminal shows it: every live line was erased before anything else was written.
        shown = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)", "", text).replace("\r\x1b[K", "")
        lines = shown.replace("\r\n", "\n").split("\n")
        self.assertEqual(lines[:2], ["first", "last"])
        self.assertNotIn("\x1b", shown)
        self.assertNotRegex(shown, r"0:0[01]  CPU")


if __name__ == "__main__":
    unittest.main(verbosity=2)
