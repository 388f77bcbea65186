#!/usr/bin/python3
"""Projects of the model classes that no real project here covers: small state_dicts by torch, with what torch makes of
them. Needs Debian's python3-torch (1.13). Writes classes/NAME/: config/, output/, data.npz (input), expected.npz (latents
and output of torch, before any un-normalisation).

The wide linear layers are views of small storages (as_strided), so that the files stay small; torch.save keeps them so.
"""
import pathlib

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent / "classes"
torch.manual_seed(7)
rng = np.random.RandomState(7)


def thin(module):
    """Gives every large weight a small storage: w[i, j] = base[3 i + j], wide enough that signals last."""
    for m in module.modules():
        for name, p in list(m.named_parameters(recurse=False)):
            if p.dim() < 2 or p.numel() < 3000:
                continue
            flat = (p.shape[0], p.numel() // p.shape[0])
            base = (torch.rand(3 * flat[0] + flat[1], dtype=p.dtype) - 0.5) * 2 * (6 / flat[1]) ** 0.5
            inner, strides = 1, []
            for size in reversed(p.shape[1:]):
                strides.insert(0, inner)
                inner *= size
            p.data = base.as_strided(p.shape, [3] + strides)
    return module


class GDN(nn.Module):
    def __init__(self, channels, inverse=False):
        super().__init__()
        self.inverse = inverse
        # Some below their bounds, to see that these are kept.
        self.beta = nn.Parameter(torch.rand(channels) * 1.5 - 0.1)
        self.gamma = nn.Parameter(torch.rand(channels, channels) * 0.4 - 0.1)

    def forward(self, x):
        p = torch.tensor(2.0**-36)
        beta = torch.maximum(self.beta, (1e-6 + p) ** 0.5) ** 2 - p
        gamma = torch.maximum(self.gamma, torch.tensor(2.0**-18)) ** 2 - p
        norm = torch.sqrt(nn.functional.conv2d(x**2, gamma[:, :, None, None], beta))
        return x * norm if self.inverse else x / norm


class Model(nn.Module):
    """Named parts in order; encode runs the first half, decode the second, with a reshape where `shape` is given."""

    def __init__(self, encoder, decoder, shape=None):
        super().__init__()
        for name, part in encoder + decoder:
            self.add_module(name, part)
        self.parts = ([n for n, _ in encoder], [n for n, _ in decoder])
        self.shape = shape

    def encode(self, x):
        for name in self.parts[0]:
            x = getattr(self, name)(x)
            if name == "q_z_conv":
                x = x.flatten(1)
        return x

    def decode(self, x):
        for name in self.parts[1]:
            if name == "p_x_conv":
                x = x.view(-1, *self.shape)
            x = getattr(self, name)(x)
        return x


def dense(names, sizes, dtype, activation):
    parts = []
    for i, name in enumerate(names):
        parts.append((name, nn.Linear(sizes[i], sizes[i + 1], dtype=dtype)))
        if i + 1 < len(names):
            parts.append((name + "_act", activation()))
    return parts


def conv_ae(height, width, z, gdn):
    inner = (32, height - 1, width - 4)
    values = int(np.prod(inner))
    act = (lambda c, inverse=False: GDN(c, inverse)) if gdn else (lambda c, inverse=False: nn.ReLU())
    q_z_conv = nn.Sequential(nn.Conv2d(1, 8, (2, 5), padding=1), act(8), nn.Conv2d(8, 16, 3, padding=1),
                             nn.BatchNorm2d(16), act(16), nn.Conv2d(16, 32, 3), act(32))
    q_z_lin = nn.Sequential(nn.Linear(values, 2000), nn.ReLU(), nn.Linear(2000, z), nn.ReLU())
    p_x_lin = nn.Sequential(nn.Linear(z, 2000), nn.ReLU(), nn.Linear(2000, values), nn.ReLU())
    if gdn:
        p_x_conv = nn.Sequential(nn.ConvTranspose2d(32, 16, 3), GDN(16, True), nn.ConvTranspose2d(16, 8, 3, padding=1),
                                 GDN(8, True), nn.ConvTranspose2d(8, 1, (2, 5), padding=1))
    else:
        p_x_conv = nn.Sequential(nn.ConvTranspose2d(32, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
                                 nn.ConvTranspose2d(16, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                 nn.ConvTranspose2d(8, 1, (2, 5), padding=1))
    return Model([("q_z_conv", q_z_conv), ("q_z_lin", q_z_lin)], [("p_x_lin", p_x_lin), ("p_x_conv", p_x_conv)], inner)


def pj_conv_ae(z):
    encoder = nn.Sequential(nn.Conv2d(1, 20, 5, 2, 2), nn.LeakyReLU(0.2), nn.Conv2d(20, 50, 5, 2, 2), nn.Flatten(),
                            nn.Linear(2450, 500), nn.Linear(500, z))
    decoder = nn.Sequential(nn.Linear(z, 500), nn.LeakyReLU(0.2), nn.Linear(500, 2450), nn.Unflatten(1, (50, 7, 7)),
                            nn.ConvTranspose2d(50, 20, 5, 2, 2, 1), nn.ConvTranspose2d(20, 1, 5, 2, 2, 1),
                            nn.LeakyReLU(0.2))
    return Model([("encoder", encoder)], [("decoder", decoder)])


def dropout_bn(n, z):
    f8 = dict(dtype=torch.float64)
    sizes = [n, 200, 100, 50, z]
    enc = []
    for i, p in enumerate((0.5, 0.4, 0.3, 0.2)):
        enc += [nn.Linear(sizes[i], sizes[i + 1], **f8), nn.Dropout(p), nn.LeakyReLU()]
    dec = []
    for i in (4, 3, 2):
        dec += [nn.Linear(sizes[i], sizes[i - 1], **f8), nn.LeakyReLU(), nn.BatchNorm1d(sizes[i - 1], **f8)]
    dec += [nn.Linear(200, n, **f8), nn.BatchNorm1d(n, **f8), nn.ReLU()]
    return Model([("enc_nn", nn.Sequential(*enc))], [("dec_nn", nn.Sequential(*dec))])


def config(name, model_name, **fields):
    c = dict(input_path=f"nowhere/{name}.npz", model_name=model_name, compression_ratio=2.0, batch_size=4,
             apply_normalization=False, custom_norm=False, extra_compression=False, save_error_bounded_deltas=False,
             error_bounded_requirement=10, convert_to_blocks=False, separate_model_saving=False)
    c.update(fields)
    return "def set_config(c):\n" + "".join(f"    c.{k} = {v!r}\n" for k, v in c.items())


def project(name, model_name, model, data, tensor, normalization=None, final_layer=None, separate=False, **fields):
    for m in model.modules():  # statistics as after a training
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            with torch.no_grad():
                m.running_mean.uniform_(-0.3, 0.3)
                m.running_var.uniform_(0.2, 2)
                m.weight.uniform_(0.5, 1.5)
                m.bias.uniform_(-0.2, 0.2)
    thin(model).eval()
    folder = HERE / name
    for sub in ("config", "output/compressed_output", "output/training"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    (folder / "config" / f"{name}_config.py").write_text(config(name, model_name, separate_model_saving=separate, **fields))
    out = folder / "output"
    if separate:
        torch.save(model.encoder.state_dict(), out / "compressed_output/encoder.pt")
        torch.save(model.decoder.state_dict(), out / "compressed_output/decoder.pt")
    else:
        torch.save(model.state_dict(), out / "compressed_output/model.pt")
    if normalization is not None:
        np.save(out / "training/normalization_features.npy", normalization)
    if final_layer is not None:
        np.save(out / "training/final_layer.npy", np.array(final_layer))
    np.savez_compressed(folder / "data.npz", data=data, names=np.array([f"c{i}" for i in range(data.shape[1])] if data.ndim == 2 else []))
    with torch.no_grad():
        latents = model.encode(tensor)
        np.savez_compressed(folder / "expected.npz", latents=latents.numpy(), output=model.decode(latents).numpy())


def images(count, height, width):
    return rng.uniform(0, 1, (count, height, width)).astype(np.float32)


x = rng.uniform(-3, 5, (7, 9))
features = np.array([x.min(axis=0), x.max(axis=0) - x.min(axis=0)])
project("dropout_bn", "AE_Dropout_BN", dropout_bn(9, 5), x, torch.tensor((x - features[0]) / features[1]), features,
        data_dimension=1, apply_normalization=True)

f4 = images(7, 5, 5)
t = torch.tensor(f4)[:, None]
project("conv", "Conv_AE", conv_ae(5, 5, 6, False), f4, t, final_layer=(4, 32, 4, 1), data_dimension=2, model_type="convolutional")
project("conv_gdn", "Conv_AE_GDN", conv_ae(5, 5, 6, True), f4, t, final_layer=(4, 32, 4, 1), data_dimension=2, model_type="convolutional")
f4 = images(3, 6, 8)  # 640 values before the linear layers, where Baler's own class takes 128 only
project("conv_wide", "Conv_AE", conv_ae(6, 8, 6, False), f4, torch.tensor(f4)[:, None], final_layer=(3, 32, 5, 4), data_dimension=2, model_type="convolutional")

f4 = images(3, 28, 28)
t = torch.tensor(f4)[:, None]
project("pj", "PJ_Conv_AE", pj_conv_ae(10), f4, t, data_dimension=2, model_type="convolutional")
project("pj_separate", "PJ_Conv_AE", pj_conv_ae(10), f4, t, separate=True, data_dimension=2, model_type="convolutional")

f4 = images(4, 6, 8)  # blocks of 3 x 4: runs of 12 consecutive values
names = ["en1", "en2", "en3", "en4"], ["de1", "de2", "de3", "de4"]
sizes = [12, 200, 100, 50, 6]
blocks = Model(dense(names[0], sizes, torch.float32, nn.LeakyReLU), dense(names[1], sizes[::-1], torch.float32, nn.LeakyReLU))
b = f4.reshape(-1, 3, 4)
features = np.array([b.min(axis=0), b.max(axis=0) - b.min(axis=0)])
project("blocks", "CFD_dense_AE", blocks, f4, torch.tensor(((b - features[0]) / features[1]).reshape(-1, 12)), features,
        data_dimension=2, model_type="dense", apply_normalization=True, convert_to_blocks=[1, 3, 4])
