"""What the estimate must give for some machines, computed from the tables as they are committed: the C++ is held to it."""

import csv
import math
from collections import defaultdict

from .tables import LOADS, cpu_key

# cpu name, CPUID vendor, micro-architecture, sockets, cores, GiB, TDP W or None, known idle W or None
MACHINES = [
    ("Intel(R) Xeon(R) Platinum 8280 CPU @ 2.70GHz", "GenuineIntel", "cascadelake", 2, 56, 192, 205, None),
    ("Intel(R) Xeon(R) CPU E5-2660 v2 @ 2.20GHz", "GenuineIntel", "ivybridge", 2, 20, 64, 95, None),
    ("AMD EPYC 7742 64-Core Processor", "AuthenticAMD", "zen2", 1, 64, 128, 225, None),
    ("AMD EPYC 7763 64-Core Processor", "AuthenticAMD", "zen3", 2, 128, 256, 280, 110.0),
    ("AMD EPYC 9654 96-Core Processor", "AuthenticAMD", "zen4", 2, 192, 384, 360, None),
    ("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "GenuineIntel", "cascadelake", 2, 40, 192, 150, None),
    ("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "GenuineIntel", "cascadelake", 2, 40, 192, 150, 140.0),
    ("AMD EPYC 9755 128-Core Processor", "AuthenticAMD", "zen5", 2, 256, 768, 500, None),
    ("AMD EPYC 9755 128-Core Processor", "AuthenticAMD", "zen5", 2, 256, 768, 500, 200.0),
    ("some CPU", "AuthenticAMD", "", 1, 16, 64, None, None),
    ("some CPU", "GenuineIntel", "", 2, 32, 64, None, 60.0),
    ("some CPU", "ARM", "", 1, 64, 256, None, None),
    ("some CPU", "ARM", "", 1, 64, 256, 150, 1000.0),
]


class Committed:
    def __init__(self, folder):
        read = lambda name: list(csv.DictReader(open(folder / name, newline="", encoding="utf-8")))
        self.b = {(r["tier"], r["part"], r["term"]): float(r["value"]) for r in read("model_coefficients.csv")}
        self.u = {(r["tier"], r["idle_known"], int(r["load_pct"])): r for r in read("model_intervals.csv")
                  if r["load_pct"]}
        self.known = defaultdict(list)
        for r in read("known_servers.csv"):
            self.known[r["cpu"]].append(r)

    def curve(self, uarch):
        part = f"shape:{uarch}" if ("T2b", f"shape:{uarch}", "s0") in self.b else "shape"
        return [self.b["T2b", part, f"s{round(100 * u)}"] for u in LOADS]

    def of_known(self, rows, sockets, mem_gb):
        ln = []
        for part, column in (("idle", "idle_w"), ("full", "full_w")):
            a, b = self.b["T1", part, "ln_sockets"], self.b["T1", part, "ln_mem_gb"]
            n = sum(int(r["machines"]) for r in rows)
            mean = sum(int(r["machines"]) * (math.log(float(r[column])) - a * math.log(int(r["sockets"])) -
                                             b * math.log(float(r["mem_gb"]))) for r in rows) / n
            ln.append(mean + a * math.log(sockets) + b * math.log(mem_gb))
        return ln

    def model(self, name, vendor, uarch, sockets, cores, mem_gb, tdp, idle_w):
        """-> tier, ln idle, ln full, curve, key of the intervals"""
        rows = self.known.get(cpu_key(name), [])
        amd, vendor_known = vendor == "AuthenticAMD", vendor in ("AuthenticAMD", "GenuineIntel")
        if rows:
            tier, key = "T1", "T1-line" if "line" in rows[0]["source"] else "T1"
            ln, curve = self.of_known(rows, sockets, mem_gb), self.curve(uarch)
        else:
            known_uarch = ("T2b", "idle", f"uarch:{uarch}") in self.b
            tier = key = ("T2b" if known_uarch else "T2c") if vendor_known and tdp else "T3a" if vendor_known else "T3b"
            value = {"const": 1.0, "ln_sockets_x_tdp_w": math.log(sockets * (tdp or 1)),
                     "ln_total_cores": math.log(cores), "is_amd": float(amd), f"uarch:{uarch}": 1.0}
            ln = [sum(self.b.get((tier, part, t), 0.0) * v for t, v in value.items()) for part in ("idle", "full")]
            shape = f"shape:{uarch}" if (tier, f"shape:{uarch}", "s0") in self.b else "shape"
            curve = [self.b[tier, shape, f"s{round(100 * u)}"] for u in LOADS]
        if idle_w:
            ln = [math.log(idle_w), ln[1] + float(self.u[key, "0", 0]["full_on_idle"]) * (math.log(idle_w) - ln[0])]
        return tier, ln[0], max(ln[1], ln[0] + math.log(1.05)), curve, key

    def at(self, model, known, load):
        """-> W, standard uncertainty of its logarithm"""
        _, ln_idle, ln_full, curve, key = model
        k = min(int(load * 10), 9)
        interpolate = lambda v: v[k] + (load * 10 - k) * (v[k + 1] - v[k])
        rows = [self.u[key, known, max(round(100 * u), 10)] for u in LOADS]
        u_dynamic, rho = (interpolate([float(r[c]) for r in rows]) for c in ("u_ln", "correlation"))
        idle, dynamic = math.exp(ln_idle), (math.exp(ln_full) - math.exp(ln_idle)) * interpolate(curve)
        a = idle / (idle + dynamic) * float(self.u[key, known, 0]["u_ln"])
        b = dynamic / (idle + dynamic) * u_dynamic
        return idle + dynamic, math.sqrt(max(a * a + b * b + 2 * rho * a * b, 0.0))


def write_golden(path, folder):
    committed, lines = Committed(folder), []
    for m in MACHINES:
        model, known = committed.model(*m), "1" if m[7] else "0"
        lines.append([*("" if x is None else x for x in m), model[0], f"{math.exp(model[1]):.4f}",
                      f"{math.exp(model[2]):.4f}"] +
                     [f"{x:.5g}" for u in (0.0, 0.05, 0.33, 1.0) for x in committed.at(model, known, u)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("cpu_name vendor micro_architecture sockets cores memory_gib tdp_w known_idle_w tier idle_w full_w "
                        "w_0 u_0 w_5 u_5 w_33 u_33 w_100 u_100".split())
        writer.writerows(lines)
