#!/usr/bin/python3
"""Runs Python's Baler (PyPI baler-compressor 0.0.6), unchanged, with its phases marked for haywatt meter.

    PYTHONPATH=FOLDER_OF_THE_PACKAGE tools/baler_phases.py TABLE.npz OUTPUT_FOLDER [--epochs 5] [--batch 512]
                                                           [--ratio 1.6] [--threads 1] [--only-train] [--blas FILE]

Trains, compresses and writes model.pt and compressed.npz. Marks come from functions of Baler, PyTorch and numpy that are
wrapped here, from outside; without a meter the wrappers do nothing. With --blas, the BLAS and LAPACK libraries that this
process has mapped are written to FILE.
"""
import argparse
import os
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "share", "phases"))
from haywatt_phase import begin, phase  # noqa: E402


def phased(name, function):
    """The function, each call of it a phase. (Not the decorator: numba's functions are no plain functions.)"""
    def within(*args, **kwargs):
        with phase(name):
            return function(*args, **kwargs)
    return within


def loader(name, base):
    """A DataLoader whose making of each batch is a phase."""
    class Loader(base):
        def __iter__(self):
            batches = super().__iter__()
            while True:
                with phase(name):
                    try:
                        batch = next(batches)
                    except StopIteration:
                        return
                yield batch
    return Loader


def numpy_for_compress():
    """numpy with a phase around concatenate, for Baler's helper module alone."""
    import numpy
    module = types.ModuleType("numpy")
    module.__dict__.update(numpy.__dict__)
    module.concatenate = phased("compress/concatenate", numpy.concatenate)
    return module


def settings(options, model):
    from baler_compressor.config import Config
    config = Config()
    fields = dict(
        data_dimension=1, apply_normalization=True, custom_norm=False, model_type="dense", model_name="AE",
        early_stopping=True, early_stopping_patience=100, min_delta=0, lr_scheduler=True, lr_scheduler_patience=50,
        lr=0.001, test_size=0, reg_param=0.001, RHO=0.05, l1=True, mse_avg=False, mse_sum=True, emd=False,
        extra_compression=False, activation_extraction=False, deterministic_algorithm=False, verbose=False,
        save_error_bounded_deltas=False, convert_to_blocks=False, epochs=options.epochs, batch_size=options.batch,
        compression_ratio=options.ratio, model=model)
    for name, value in fields.items():
        setattr(config, name, value)
    return config


def libraries():
    """Paths of the mapped BLAS and LAPACK libraries."""
    with open("/proc/self/maps") as f:
        paths = {line.split(None, 5)[5].strip() for line in f if line.count(" ") >= 5 and "/" in line}
    names = {p: os.path.basename(p) for p in paths}
    return sorted(p for p, n in names.items() if any(w in n for w in ("blas", "lapack", "mkl")) and "cpython" not in n)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--ratio", type=float, default=1.6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only-train", action="store_true")
    parser.add_argument("--blas")
    options = parser.parse_args()

    with phase("import"):
        import numpy
        import torch
        from baler_compressor import compressor, data_processing, helper, trainer
        from baler_compressor.legacy_models import AE
    torch.set_num_threads(options.threads)

    class Model(AE):
        """The package asks for the halves by name."""
        encoder = phased("compress/encode", AE.encode)
        decoder = AE.decode
        forward = phased("train/forward", AE.forward)

    trainer.DataLoader = loader("train/batches", trainer.DataLoader)
    helper.DataLoader = loader("compress/batches", helper.DataLoader)
    trainer.fit = phased("train/epoch", trainer.fit)
    torch.Tensor.backward = phased("train/backward", torch.Tensor.backward)
    torch.optim.Adam.step = phased("train/adam", torch.optim.Adam.step)
    data_processing.find_minmax = phased("train/minimum and maximum", data_processing.find_minmax)
    normalize = helper.normalize

    with phase("train"):
        helper.normalize = phased("train/normalise", normalize)
        config = settings(options, Model)
        model, features, _ = trainer.run(options.table, config)
    with phase("write"):
        path = os.path.join(options.folder, "model.pt")
        torch.save(model.state_dict(), path)
    if not options.only_train:
        with phase("compress"):
            helper.normalize = phased("compress/normalise", normalize)
            helper.np = numpy_for_compress()
            latents, names, _ = compressor.run(options.table, path, features, config)
        with phase("write"):
            numpy.savez(os.path.join(options.folder, "compressed.npz"), data=latents, names=names, normalization_features=features)
    if options.blas:
        with open(options.blas, "w") as f:
            f.write(f"torch {torch.__version__}, numpy {numpy.__version__}, {torch.get_num_threads()} thread(s)\n")
            f.writelines(p + "\n" for p in libraries())
    begin("exit")  # until the process is gone: PyTorch takes its time to take itself down


main()
