#!/usr/bin/env bash
# Makes the golden .hay files anew (only when version 0 of the format changes; from version 1 on they stay for ever).
# usage: make.sh HAYWATT      needs python3-numpy
set -euo pipefail
haywatt=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")"
/usr/bin/python3 - <<'PY'
import numpy as np

rng = np.random.default_rng(2026)
x = np.cumsum(rng.normal(size=200))
data = np.stack([x, x * 2 + rng.normal(size=200) * 0.01, rng.exponential(5, 200), rng.integers(0, 9, 200)], axis=1).astype("f4")
data[3, 2], data[4, 2], data[5, 2] = np.nan, -np.inf, -0.0
np.savez("table.npz", data=data, names=np.array(["x", "y", "z", "n"]), run=np.array("golden"), ids=np.arange(7, dtype=">u8"))
PY
"$haywatt" compress table.npz -o zstd.hay --force --bound range:1e-3
"$haywatt" compress table.npz -o lz4.hay --force --method lz4
"$haywatt" compress table.npz -o zfp.hay --force --method zfp --bound abs:0.01
"$haywatt" compress table.npz -o baler.hay --force --method baler:epochs=2,batch=50 --bound range:1e-2
for f in *.hay; do "$haywatt" verify "$f" --against table.npz -q; done
