"""How far other work than the benchmark is from its curve: RAPL of a few CPUs under a stress tool."""

from collections import defaultdict

import numpy as np

from .tables import LOADS, rows


def workload(folder, model):
    """Root mean square of ln(P/P_max/s(u)) about its median; also prints it."""
    runs = defaultdict(list)
    for r in rows(folder / "rapl_vs_load.csv"):
        runs[r["file"], r["load_type"]].append((float(r["cpu_load_pct"]) / 100, float(r["rapl_package_w"])))
    logs, mid = [], []
    for points in runs.values():
        points = sorted(points)[1:]  # the first is a start-up artefact
        full = max(w for _, w in points)
        # Package power has no fan, disk or power supply in it: its idle part is small and not in these points.
        at = np.array([(u, w / full) for u, w in points if 0.15 < u < 0.85])
        if len(at) < 3:
            continue
        logs += list(np.log(at[:, 1] / np.interp(at[:, 0], LOADS, model.common)))
        mid.append(np.interp(0.5, at[:, 0], at[:, 1]))
    logs = np.array(logs)
    u = np.sqrt(np.mean((logs - np.median(logs)) ** 2))
    print("workload: P(50 %%)/P_max of %d RAPL runs: %s (curve %.2f); ln(P/P_max/s(u)) between 15 and 85 %% load: "
          "median %.2f, root mean square about it %.2f" %
          (len(mid), " ".join(f"{m:.2f}" for m in sorted(mid)), np.interp(0.5, LOADS, model.common), np.median(logs), u))
    return u
