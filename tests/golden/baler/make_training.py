#!/usr/bin/python3
"""Writes training.json: what torch in Python makes of Baler's training rules, for baler_trainer_test.cpp.

Needs torch, numpy and scikit-learn (Debian: python3-torch python3-numpy python3-sklearn). Rows and initial weights come
from a linear congruential generator that the test repeats, so that only results are stored.
"""
import json
import math
import sys

import numpy
import sklearn
import torch
from sklearn.model_selection import train_test_split


class Lcg:
    """x <- 6364136223846793005 x + 1442695040888963407 mod 2^64; the top 53 bits as a number in [0, 1)."""

    def __init__(self, seed):
        self.x = seed

    def next(self):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.x >> 11) * 2.0**-53


class AE(torch.nn.Module):
    def __init__(self, n, z, dtype):
        super().__init__()
        sizes = [n, 200, 100, 50, z, 50, 100, 200, n]
        self.layers = torch.nn.ModuleList(
            torch.nn.Linear(a, b, dtype=dtype) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i not in (3, 7):
                x = torch.nn.functional.leaky_relu(x, 0.01)
        return x


def make_rows(count, n):
    g = Lcg(1)
    rows = numpy.empty((count, n))
    for r in range(count):
        a, b = g.next(), g.next()
        for c in range(n):
            rows[r, c] = (a * (c + 1) + b * (n - c) + g.next()) / (n + 2)
    return rows


def fill(model):
    g = Lcg(2)
    with torch.no_grad():
        for layer in model.layers:
            reach = 1.0 / math.sqrt(layer.in_features)
            for p in (layer.weight, layer.bias):
                values = [(2.0 * g.next() - 1.0) * reach for _ in range(p.numel())]
                p.copy_(torch.tensor(values, dtype=torch.float64).view(p.shape))


def train(case):
    dtype = torch.float32 if case["float32"] else torch.float64
    rows = make_rows(case["rows"], case["columns"])
    model = AE(case["columns"], case["latent"], dtype)
    if case["fill"]:
        fill(model)
    else:
        torch.manual_seed(case["seed"])
        model = AE(case["columns"], case["latent"], dtype)
    if case["test_size"] > 0:
        part, test = train_test_split(rows, test_size=case["test_size"], random_state=1)
    else:
        part = test = rows
    load = lambda data: torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(data).to(dtype)), batch_size=case["batch"], shuffle=False)
    adam = torch.optim.Adam(model.parameters(), lr=case["lr"])
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        adam, mode="min", factor=0.5, patience=case["lr_patience"], min_lr=1e-6)
    square = torch.nn.MSELoss(reduction="sum")
    best, bad = None, 0
    history = [[], []]
    for _ in range(case["epochs"]):
        losses = []
        for (x,) in load(part):
            adam.zero_grad()
            loss = square(model(x), x) / x.shape[1]
            loss.backward()
            adam.step()
            losses.append(loss.item())
        history[0].append(sum(losses) / len(losses))
        if test is not part:
            with torch.no_grad():
                losses = [(square(model(x), x) / x.shape[1]).item() for (x,) in load(test)]
        history[1].append(sum(losses) / len(losses))
        loss = history[1][-1]
        schedule.step(loss)
        if best is None:
            best = loss
        elif best - loss > 0:
            best, bad = loss, 0
        elif best - loss < 0:
            bad += 1
        if bad >= case["patience"]:
            break
    case["train_loss"], case["validation_loss"] = history
    case["last_lr"] = adam.param_groups[0]["lr"]
    case["weight_sums"] = [float(l.weight.double().abs().sum()) for l in model.layers]
    case["first_weights"] = [float(v) for v in model.layers[0].weight.flatten()[:4]]
    return case


def initial(float32, seed):
    torch.manual_seed(seed)
    model = AE(6, 3, torch.float32 if float32 else torch.float64)
    return {"float32": float32, "seed": seed,
            "first_weights": [float(l.weight.flatten()[0]) for l in model.layers],
            "last_biases": [float(l.bias.flatten()[-1]) for l in model.layers]}


def main():
    torch.set_num_threads(1)
    base = dict(rows=1300, columns=6, latent=3, epochs=5, lr=0.001, batch=512, test_size=0.0, patience=100,
                lr_patience=50, float32=False, fill=True, seed=0)
    cases = [
        dict(base, name="default"),
        dict(base, name="float32", float32=True),
        dict(base, name="split", test_size=0.15, batch=100),
        dict(base, name="plateau", lr=0.05, lr_patience=1, patience=6, test_size=0.3, batch=64, epochs=40, rows=400),
        dict(base, name="stopped", lr=0.05, lr_patience=1, patience=3, test_size=0.3, batch=64, epochs=40, rows=400),
        dict(base, name="seeded", fill=False, seed=7),
    ]
    out = {
        "torch": torch.__version__, "numpy": numpy.__version__, "sklearn": sklearn.__version__,
        "permutation": {str(n): [int(i) for i in numpy.random.RandomState(1).permutation(n)] for n in (1, 2, 7, 100)},
        "split_101_at_0.15": [[int(i) for i in part] for part in
                              train_test_split(numpy.arange(101), test_size=0.15, random_state=1)],
        "permutation_100000_ends": [int(i) for i in numpy.random.RandomState(1).permutation(100000)[[0, 1, 99998, 99999]]],
        "initial": [initial(False, 0), initial(True, 0)],
        "cases": [train(c) for c in cases],
    }
    json.dump(out, open(sys.argv[1] if len(sys.argv) > 1 else "training.json", "w"), indent=1)


main()
