"""A test forward in time: servers newer than all that the models were fitted to."""

import re

import numpy as np

from .server import Predicted
from .tables import LOADS, Server, cpu_key, rows

# W a socket, data sheets of the makers.
TDP = {"epyc8024p": 90, "epyc8024pn": 80, "epyc8124p": 125, "epyc8124pn": 120, "epyc8224p": 160, "epyc8224pn": 120,
       "epyc8324p": 180, "epyc8324pn": 130, "epyc8434p": 200, "epyc8434pn": 155, "epyc8534p": 200, "epyc8534pn": 175,
       "epyc9654": 360, "epyc9654p": 360, "epyc9754": 360, "xeonplatinum8480+": 350, "xeonplatinum8490h": 350,
       "xeonplatinum8592+": 350, "xeongold6414u": 250, "xeongold6421n": 185, "xeongold6438n": 205,
       "xeongold6438y+": 205, "xeongold6454s": 270}


def new_servers(folder, lines):
    """Straight lines count from 30 % load on; five results are known by their points."""
    result = []
    for s in lines:
        if s.uarch and s.cpu in TDP:
            watts = [np.nan] * 3 + list(s.line_watts[3:])
            result.append(Server(s.cpu, s.uarch, s.vendor, 2023, s.sockets, s.cores, 2 * s.cores, TDP[s.cpu], s.mem_gb,
                                 watts))
    for r in rows(folder / "specpower_recent_points.csv"):
        watts = [float(r[k] or "nan") for k in ["w_idle"] + [f"w{round(100 * u)}" for u in LOADS[1:]]]
        result.append(Server(cpu_key(r["cpu"]), "point: " + re.sub(r"^(AMD|Intel) ", "", r["cpu"]), r["vendor"], 2024,
                             int(r["chips"]), int(r["cores"]), int(r["threads"]), float(r["tdp_w_per_chip"]), 1.0, watts))
    return result


def print_newest(folder, lines, models, spreads, vm):
    tests = new_servers(folder, lines)
    for tier in ("T2c", "T3a", "T3b"):
        for name, own in (("straight lines, 30-100 %", [s for s in tests if not s.uarch.startswith("point")]),
                          ("published points", [s for s in tests if s.uarch.startswith("point")])):
            p = models[tier].predict(own)
            watts = np.hstack([np.exp(p.ln_idle)[:, None], np.exp(p.ln_idle)[:, None] + p.dynamic()])
            u = spreads[tier, False].u_total(Predicted(p.ln_idle, p.ln_full, p.curve))
            r = np.log(np.stack([s.watts for s in own]) / watts)
            there = ~np.isnan(r)
            inside = (np.abs(r) <= 1.96 * u)[there]
            missed = [s.uarch.removeprefix("point: ") if "point" in s.uarch else s.cpu for s, x, t, uu in
                      zip(own, r, there, u) if (np.abs(x[t]) > 1.96 * uu[t]).any()]
            print("newest %-4s %-25s %2d machines  coverage %5.1f %%  median width %.2f  true/estimate %.2f  missed: %s" %
                  (tier, name, len(own), 100 * inside.mean(), np.median(np.exp(2 * 1.96 * u)[there]),
                   np.exp(np.median(r[there])), ", ".join(missed) or "none"))
    power = {row[0]: [float(x) for x in row[2:6]] for row in vm}
    for s in tests:
        if not s.uarch.startswith("point"):
            continue
        key = "sapphirerapids" if s.vendor == "intel" else "zen4" if "96" in s.cpu and s.cpu < "epyc9655" else "AuthenticAMD"
        idle, u_idle, busy, u_busy = power[key]
        z = (np.log(s.watts[0] / s.threads / idle) / u_idle,
             np.log((s.watts[-1] - s.watts[0]) / s.threads / busy) / u_busy)
        print("newest VM   %-20s by %-14s idle %.2f W a thread (%+.1f u)  busy %.2f W (%+.1f u)" %
              (s.cpu, key, s.watts[0] / s.threads, z[0], (s.watts[-1] - s.watts[0]) / s.threads, z[1]))
