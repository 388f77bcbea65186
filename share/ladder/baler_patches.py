#!/usr/bin/python3
"""Runs Python's Baler (PyPI baler-compressor 0.0.6) with improvements, each a small change to named functions of it.

    share/ladder/baler_patches.py PATCH[,PATCH…] [--result FILE] STEP … (the rest as tools/baler-python takes it)
    share/ladder/baler_patches.py --list

Nothing of the package on disk is changed: functions are replaced after it was imported. `none` runs it as it is. --result
writes the last loss, a row, and the number of epochs as JSON. Weights start from seed 1 in every case, so that results can be
compared; Baler itself leaves them to chance. HAYWATT_STOP_WATTS and HAYWATT_STOP_J_PER_PERCENT set the rule of `stop-rule`.
"""
import json
import math
import os
import runpy
import sys
import time
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "share", "phases"))
from haywatt_phase import phase  # noqa: E402

PATCHES, BEFORE_IMPORT = {}, {}


def patch(name, where, before_import=False):
    """Registers a patch: its name, and the functions of Baler that it changes."""
    def register(function):
        function.where = where
        (BEFORE_IMPORT if before_import else PATCHES)[name] = function
        return function
    return register


def clone(module, **changes):
    """The module with some of its names replaced, for one module of Baler alone."""
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(module.__dict__)
    copy.__dict__.update(changes)
    return copy


@patch("slices", "helper.compress, helper.decompress, trainer.train: DataLoader")
def slices(baler):
    """A batch of consecutive rows is a view of the tensor, not 512 views stacked into a copy."""
    class Slices:
        def __init__(self, dataset, batch_size=1, **_):
            self.dataset, self.batch_size = dataset, batch_size

        def __len__(self):
            return math.ceil(len(self.dataset) / self.batch_size)

        def __iter__(self):
            for start in range(0, len(self.dataset), self.batch_size):
                yield self.dataset[start:start + self.batch_size]
    baler.helper.DataLoader = baler.trainer.DataLoader = Slices


@patch("preallocate", "helper.compress, helper.decompress: np.concatenate in the loop over batches")
def preallocate(baler):
    """One array of the final size, each batch written into its place, instead of copying all batches so far for each."""
    import numpy
    join, base = numpy.concatenate, baler.helper.DataLoader
    known = {"rows": 0, "view": None, "whole": None}

    class Counting(base):
        def __init__(self, dataset, **kwargs):
            super().__init__(dataset, **kwargs)
            known.update(rows=len(dataset), view=None, whole=None)

    def concatenate(parts, *args, **kwargs):
        if args or kwargs or not isinstance(parts, tuple) or len(parts) != 2 or parts[0].ndim != parts[1].ndim:
            return join(parts, *args, **kwargs)
        first, second = parts
        if first is not known["view"]:
            if len(first) + len(second) > known["rows"] or first.dtype != second.dtype:
                return join(parts)
            known["whole"] = numpy.empty((known["rows"], *first.shape[1:]), first.dtype)
            known["whole"][:len(first)] = first
        end = len(first) + len(second)
        known["whole"][len(first):end] = second
        known["view"] = known["whole"][:end]
        return known["view"]
    baler.helper.DataLoader, numpy.concatenate = Counting, concatenate


@patch("normalise", "helper.normalize, data_processing.normalize")
def normalise(baler):
    """(x - min) / (max - min) of whole columns, instead of one Python object a value. The same operations, the same bits."""
    import numpy

    def normalize(data, custom_norm):
        if custom_norm:
            return data
        low = data.min(axis=0)
        return numpy.ascontiguousarray((data - low) / (data.max(axis=0) - low))
    baler.helper.normalize = normalize


@patch("minmax", "data_processing.find_minmax")
def minmax(baler):
    """Two reductions over the array, instead of a list of rows stacked again for each."""
    import numpy

    def find_minmax(data):
        low = data.min(axis=0)
        return numpy.array([low, data.max(axis=0) - low])
    baler.data_processing.find_minmax = find_minmax


@patch("imports", "helper, data_processing, utils, trainer: import lines", before_import=True)
def imports():
    """Modules that no step of this configuration uses are imported when they are. Decorators of numba in object mode go:
    they compile nothing and cost an import, a look-up of the cache and a call through the dispatcher."""
    def on_use(module, name):
        def function(*args, **kwargs):
            for stub in [m for m in sys.modules if m.split(".")[0] == module.split(".")[0]]:
                del sys.modules[stub]
            __import__(module)
            return getattr(sys.modules[module], name)(*args, **kwargs)
        return function
    for module, name in (("sklearn.model_selection", "train_test_split"), ("scipy.stats", "wasserstein_distance")):
        top = types.ModuleType(module.split(".")[0])
        top.__path__ = []
        inner = types.ModuleType(module)
        setattr(inner, name, on_use(module, name))
        sys.modules[top.__name__], sys.modules[module] = top, inner
    numba = types.ModuleType("numba")
    numba.jit = lambda **_: lambda function: function
    numba.__version__ = "not imported"
    sys.modules["numba"] = numba


@patch("exit", "__main__: end of the process")
def leave(baler):
    """Files are closed by then; the process ends without taking PyTorch down object by object. See the end of main()."""


@patch("inference", "helper.compress, helper.decompress: torch.no_grad")
def inference(baler):
    """inference_mode also drops version counters and view tracking."""
    baler.helper.torch = clone(baler.helper.torch, no_grad=baler.torch.inference_mode)


@patch("float32", "legacy_models.AE, helper.compress, trainer.train: float64")
def float32(baler):
    """Half the bytes a value, twice the values an instruction; latents are written as float32."""
    torch = baler.torch
    for module in (baler.helper, baler.trainer):
        module.torch = clone(module.torch, float64=torch.float32, from_numpy=lambda a: torch.from_numpy(a).float())
    sys.argv += ["--dtype", "float32"]


def change_model(baler, change):
    """Applies `change` to each model that compress or decompress loads."""
    load = baler.data_processing.load_model

    def load_model(*args, **kwargs):
        return change(load(*args, **kwargs).eval())
    baler.data_processing.load_model = load_model


@patch("bf16", "data_processing.load_model")
def bf16(baler):
    """Weights and activations in bfloat16: 8 bits of mantissa."""
    torch = baler.torch

    def change(model):
        model.bfloat16()
        for name in ("encoder", "decode"):
            inner = getattr(model, name)
            setattr(model, name, lambda x, inner=inner: inner(x.bfloat16()).float())
        return model
    change_model(baler, change)


@patch("int8", "data_processing.load_model")
def int8(baler):
    """Dynamic quantisation: weights in 8 bits, activations quantised a batch at a time."""
    torch = baler.torch
    engines = [e for e in ("fbgemm", "x86", "onednn", "qnnpack") if e in torch.backends.quantized.supported_engines]
    torch.backends.quantized.engine = engines[0]
    change_model(baler, lambda model: torch.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8))


@patch("freeze", "data_processing.load_model")
def freeze(baler):
    """Traced once, weights become constants, linear layers are handed to oneDNN; the interpreter of Python is left out."""
    torch = baler.torch

    class Half(torch.nn.Module):
        def __init__(self, model, name):
            super().__init__()
            self.model, self.name = model, name

        def forward(self, x):
            return getattr(self.model, self.name)(x)

    def change(model):
        example = next(model.parameters())
        for name, inner, width in (("encoder", "plain_encode", model.n_features), ("decode", "plain_decode", model.z_dim)):
            with torch.no_grad():
                traced = torch.jit.trace(Half(model, inner).eval(), torch.zeros(512, width, dtype=example.dtype))
                traced = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
            step = "compress/encode" if name == "encoder" else "decompress/decode"

            def call(x, traced=traced, step=step):
                with phase(step):
                    return traced(x)
            setattr(model, name, call)
        return model
    AE = baler.legacy_models.AE
    AE.plain_encode, AE.plain_decode = AE.encode, AE.decode
    change_model(baler, change)


@patch("batch", "config: batch_size of compress and decompress")
def batch(baler):
    """4096 rows at a time instead of 512."""
    if sys.argv[1] != "train":
        sys.argv += ["--batch", "4096"]


@patch("train-batch", "config: batch_size and lr of train")
def train_batch(baler):
    """Eight times as many rows a step, eight times fewer steps; the learning rate times the square root of 8."""
    if sys.argv[1] == "train":
        sys.argv += ["--batch", "4096", "--lr", f"{0.001 * math.sqrt(8):.5f}"]


@patch("epochs25", "config: epochs")
def epochs25(baler):
    """As many epochs as Baler's example for jets asks for."""
    if sys.argv[1] == "train":
        sys.argv += ["--epochs", "25"]


@patch("stop-rule", "utils.EarlyStopping, called by trainer.train")
def stop_rule(baler):
    """Ends training when the next epoch is worth less than it costs, twice in a row.

    L: losses by epoch, t: seconds of the last one, P: watts, X: joules that 1 % less loss is worth.
    The loss falls geometrically: r = (L[e-1] - L[e]) / (L[e-2] - L[e-1]), held within 0 and 1.
    Predicted gain of the next epoch: g = 100 r (L[e-1] - L[e]) / L[e] per cent. Stop if g X < P t.
    """
    watts = float(os.environ.get("HAYWATT_STOP_WATTS", "3"))
    worth_J = float(os.environ.get("HAYWATT_STOP_J_PER_PERCENT", "0.1"))

    class EnergyStop:
        def __init__(self, **_):
            self.losses, self.last, self.below, self.early_stop = [], time.perf_counter(), 0, False

        def __call__(self, loss):
            now = time.perf_counter()
            cost_J, self.last = watts * (now - self.last), now
            self.losses.append(float(loss))
            if len(self.losses) < 3:
                return
            a, b, c = self.losses[-3:]
            r = min(1.0, max(0.0, (b - c) / (a - b))) if a > b else 0.0
            self.below = self.below + 1 if 100.0 * r * max(0.0, b - c) / c * worth_J < cost_J else 0
            self.early_stop = self.below >= 2
    baler.utils.EarlyStopping = EnergyStop


def rows_of(table):
    """From the header of its array `data` alone."""
    import zipfile
    from numpy.lib import format as header
    with zipfile.ZipFile(table) as archive, archive.open("data.npy") as f:
        header.read_magic(f)
        return header.read_array_header_1_0(f)[0][0]


def write_result(path, table, project, batch):
    """Baler's loss is a sum over a batch, averaged over batches: brought to one row, it does not depend on the batch."""
    import numpy
    loss = numpy.load(os.path.join(project, "output", "training", "loss_data.npy"))[0]
    rows = rows_of(table)
    with open(path, "w") as f:
        json.dump({"loss": float(loss[-1]) * math.ceil(rows / batch) / rows, "epochs": len(loss)}, f)


def value_of(option, default):
    """Takes `option VALUE` out of the command line."""
    if option not in sys.argv:
        return default
    at = sys.argv.index(option)
    value = sys.argv[at + 1]
    del sys.argv[at:at + 2]
    return value


def main():
    if sys.argv[1:] == ["--list"]:
        for name, function in {**BEFORE_IMPORT, **PATCHES}.items():
            print(f"{name:13}{function.where}")
        return
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    names = [n for n in sys.argv.pop(1).split(",") if n not in ("", "none")]
    for name in names:
        if name not in PATCHES and name not in BEFORE_IMPORT:
            sys.exit(f"baler_patches: no patch is called {name}; --list shows them")
    result = value_of("--result", None)
    package = value_of("--package", os.path.join(ROOT, "build", "baler-package"))
    sys.argv += ["--package", package, "--seed", "1"]
    sys.path.insert(0, package)
    with phase("import"):
        for name in names:
            if name in BEFORE_IMPORT:
                BEFORE_IMPORT[name]()
        try:
            import torch
            from baler_compressor import compressor, data_processing, decompressor, helper, legacy_models, trainer, utils
        except ImportError as e:
            print(f"baler_patches: {e}: run tools/install-baler {package}", file=sys.stderr)
            sys.exit(5)
    baler = types.SimpleNamespace(torch=torch, compressor=compressor, data_processing=data_processing, helper=helper,
                                  decompressor=decompressor, legacy_models=legacy_models, trainer=trainer, utils=utils)
    for name in names:
        if name in PATCHES:
            PATCHES[name](baler)
    runpy.run_path(os.path.join(ROOT, "tools", "baler-python"), run_name="__main__")
    if result:
        write_result(result, sys.argv[2], sys.argv[3], 4096 if "train-batch" in names else 512)
    if "exit" in names:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
