"""Reads the tables that the energy model is fitted to; their origins: share/energy/README.md."""

import csv
import math
import re
from collections import Counter

import numpy as np

LOADS = [k / 10 for k in range(11)]
# Two names of the source are not micro-architectures of their own, and three differ from share/energy/cpuid_uarch.csv.
UARCH = {
    "epyc": "zen3",  # EPYC 7773X
    "epyc-gen1": "zen1",
    "epyc-gen2": "zen2",
    "epyc-gen3": "zen3",
    "kabylabe": "coffeelake",  # one CPUID range
    "skylake": "skylake-x",
    "icelake": "icelake-x",
}
TERMS = ["const", "ln_sockets_x_tdp_w", "ln_total_cores", "is_amd"]
# Student's t, 97.5 %, for 1, 2, … degrees of freedom.
T975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131]
T975 += [2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]


class Server:
    """One measured server. watts: wall power at the loads 0, 10, … 100 %, or only at the first and last (NaN else)."""

    def __init__(self, cpu, uarch, vendor, year, sockets, cores, threads, tdp, mem_gb, watts, maker="", machines=1):
        self.cpu, self.uarch, self.vendor, self.year = cpu, uarch, vendor, year
        self.sockets, self.cores, self.threads, self.tdp, self.mem_gb = sockets, cores, threads, tdp, mem_gb
        self.watts, self.maker, self.machines = np.array(watts, float), maker, machines
        self.terms = np.array([1.0, math.log(sockets * tdp), math.log(cores), self.amd])

    @property
    def amd(self):
        return float(self.vendor == "amd")


def cpu_key(name):
    """As known_cpu() of src/meter/server_table.cpp does it: "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz" ->
    "xeongold6130"."""
    text = re.sub(r"\(.*?\)", "", name.lower().replace("(r)", "").replace("(tm)", "").replace("_", " "))
    text = re.sub(r"@.*", "", text)
    text = re.sub(r"\d+(\.\d+)?\s*ghz", "", text)
    words = [w for w in text.split() if w not in ("processor", "cpu", "intel", "amd", "gen") and not w.endswith("core")]
    return re.sub(r"[^a-z0-9+]", "", "".join(words))


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def maker_of(system):
    word = system.split()[0].lower().rstrip(",") if system.split() else ""
    return {"hewlett-packard": "hewlett", "hpe": "hewlett", "super": "supermicro"}.get(word, word)


def read_servers(folder):
    """specpower_servers.csv: 11 loads. Rows without TDP or micro-architecture are left out."""
    servers = []
    for r in rows(folder / "specpower_servers.csv"):
        if not r["tdp_w_per_chip"] or not r["uarch"]:
            continue
        key, year = cpu_key(r["cpu_key"]), int(r["hw_year"])
        uarch = UARCH.get(r["uarch"], r["uarch"])
        if uarch == "skylake-x" and "v5" in key:
            uarch = "skylake-client"
        if uarch == "zen1" and year < 2017:
            year = 2018  # one row is dated nine years before the CPU existed
        watts = [float(r["w_idle"])] + [float(r[f"w{k}"]) for k in range(10, 101, 10)]
        servers.append(Server(key, uarch, r["vendor"], year, int(r["chips"]), int(r["cores"]), int(r["threads"]),
                              float(r["tdp_w_per_chip"]), float(r["mem_gb"]), watts, maker_of(r["system"])))
    return servers


def read_idle_full(folder):
    """specpower_idle_full_ccf.csv: idle and full load. Repeated rows of the source are taken once."""
    servers, seen = [], set()
    for r in rows(folder / "specpower_idle_full_ccf.csv"):
        key = cpu_key(r["cpu"])
        identity = (key, r["chips"], r["mem_gb"], r["w_idle"], r["w100"], r["system"])
        if identity in seen or not re.search(r"\d", key) or not float(r["mem_gb"] or 0) > 0:
            continue
        seen.add(identity)
        watts = [float(r["w_idle"])] + [math.nan] * 9 + [float(r["w100"])]
        servers.append(Server(key, "", "", int(r["submitted"][:4]), int(r["chips"]), int(r["cores"]), int(r["threads"]),
                              math.nan, float(r["mem_gb"]), watts, maker_of(r["system"])))
    return servers


def read_lines(folder):
    """kepler_specpower_linear.csv: straight lines W = a + b load, good for 30 to 100 %."""
    lines = []
    for r in rows(folder / "kepler_specpower_linear.csv"):
        key = re.sub(r"^xeon8(480|592)\+", r"xeonplatinum8\1+", cpu_key(r["cpu"]))
        key = re.sub(r"^e3", "xeone3", key)
        a, b = float(r["intercept_w"]), float(r["slope_w_0_to_100pct"])
        if not re.search(r"\d", key) or a <= 0 or b <= 0:
            continue
        lines.append(Server(key, line_uarch(key), "amd" if key.startswith(("epyc", "opteron")) else "intel", 0,
                            int(float(r["chips"])), int(float(r["cores"])), 0, math.nan, float(r["mem_gb"]),
                            [a + b * u for u in LOADS], machines=int(r["machines"])))
    return lines


def line_uarch(key):
    """Of the CPUs that are newer than the other tables."""
    if re.match(r"epyc(8\d{2}4|9\d{2}4)", key):
        return "zen4"
    if re.match(r"xeonplatinum859|xeongold65", key):
        return "emeraldrapids"
    if re.match(r"xeonplatinum84|xeongold64", key):
        return "sapphirerapids"
    return ""


def weights(servers, by, power):
    """n^-power, n the machines of the same CPU, micro-architecture, …"""
    n = Counter(by(s) for s in servers)
    return np.array([n[by(s)] ** -power for s in servers])


def t975(freedom):
    return T975[min(max(int(freedom), 1), len(T975)) - 1]
