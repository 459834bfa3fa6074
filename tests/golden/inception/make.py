#!/usr/bin/env python3
"""Inception v3 as pytorch-fid has it, written down once more for PyTorch from its description, with weights by the rule of
core/nets/src/procedural.rs: what comes out for two small pictures.

    python3 tests/golden/inception/make.py      (torch, numpy, safetensors)
"""
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "released")
SEED = "seedA"
rules = []


def uniform(key, count):
    state = 0xCBF29CE484222325
    for byte in f"{SEED}/{key}".encode():
        state = ((state ^ byte) * 0x100000001B3) & (1 << 64) - 1
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1


def param(key, shape, offset, scale):
    offset, scale = float(f"{offset:.6g}"), float(f"{scale:.6g}")
    rules.append(f"{key}\t{','.join(map(str, shape))}\tfloat32\tproc\t{offset}\t{scale}")
    values = (offset + scale * uniform(key, int(np.prod(shape)))).astype(np.float32)
    return torch.from_numpy(values.reshape(shape)).double()


def unit(x, name, out, kernel, stride=1, padding=(0, 0)):
    weight = param(f"{name}.conv.weight", (out, x.shape[1], *kernel), 0, (6 / (x.shape[1] * kernel[0] * kernel[1])) ** 0.5)
    x = F.conv2d(x, weight, stride=stride, padding=padding)
    gain, shift = param(f"{name}.bn.weight", (out,), 1, 0.3), param(f"{name}.bn.bias", (out,), 0.1, 0.3)
    mean, var = param(f"{name}.bn.running_mean", (out,), 0, 0.2), param(f"{name}.bn.running_var", (out,), 1, 0.3)
    return F.relu(F.batch_norm(x, mean, var, gain, shift, False, 0.0, 0.001))


def average(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def a(x, name, pool):
    n = name + ".branch"
    five = unit(unit(x, n + "5x5_1", 48, (1, 1)), n + "5x5_2", 64, (5, 5), padding=(2, 2))
    three = unit(unit(x, n + "3x3dbl_1", 64, (1, 1)), n + "3x3dbl_2", 96, (3, 3), padding=(1, 1))
    three = unit(three, n + "3x3dbl_3", 96, (3, 3), padding=(1, 1))
    return torch.cat([unit(x, n + "1x1", 64, (1, 1)), five, three, unit(average(x), n + "_pool", pool, (1, 1))], 1)


def b(x, name):
    n = name + ".branch"
    three = unit(unit(x, n + "3x3dbl_1", 64, (1, 1)), n + "3x3dbl_2", 96, (3, 3), padding=(1, 1))
    three = unit(three, n + "3x3dbl_3", 96, (3, 3), 2)
    return torch.cat([unit(x, n + "3x3", 384, (3, 3), 2), three, F.max_pool2d(x, 3, 2)], 1)


def c(x, name, width):
    n, across, down = name + ".branch7x7", dict(kernel=(1, 7), padding=(0, 3)), dict(kernel=(7, 1), padding=(3, 0))
    seven = unit(unit(x, n + "_1", width, (1, 1)), n + "_2", width, **across)
    seven = unit(seven, n + "_3", 192, **down)
    twice = unit(unit(x, n + "dbl_1", width, (1, 1)), n + "dbl_2", width, **down)
    twice = unit(unit(twice, n + "dbl_3", width, **across), n + "dbl_4", width, **down)
    twice = unit(twice, n + "dbl_5", 192, **across)
    pool = unit(average(x), name + ".branch_pool", 192, (1, 1))
    return torch.cat([unit(x, name + ".branch1x1", 192, (1, 1)), seven, twice, pool], 1)


def d(x, name):
    n = name + ".branch"
    three = unit(unit(x, n + "3x3_1", 192, (1, 1)), n + "3x3_2", 320, (3, 3), 2)
    seven = unit(unit(x, n + "7x7x3_1", 192, (1, 1)), n + "7x7x3_2", 192, (1, 7), padding=(0, 3))
    seven = unit(unit(seven, n + "7x7x3_3", 192, (7, 1), padding=(3, 0)), n + "7x7x3_4", 192, (3, 3), 2)
    return torch.cat([three, seven, F.max_pool2d(x, 3, 2)], 1)


def e(x, name, pool):
    n, across, down = name + ".branch", dict(kernel=(1, 3), padding=(0, 1)), dict(kernel=(3, 1), padding=(1, 0))
    three = unit(x, n + "3x3_1", 384, (1, 1))
    three = [unit(three, n + "3x3_2a", 384, **across), unit(three, n + "3x3_2b", 384, **down)]
    twice = unit(unit(x, n + "3x3dbl_1", 448, (1, 1)), n + "3x3dbl_2", 384, (3, 3), padding=(1, 1))
    twice = [unit(twice, n + "3x3dbl_3a", 384, **across), unit(twice, n + "3x3dbl_3b", 384, **down)]
    return torch.cat([unit(x, n + "1x1", 320, (1, 1)), *three, *twice, unit(pool(x), n + "_pool", 192, (1, 1))], 1)


pictures = (uniform("pictures", 2 * 3 * 70 * 90) * 0.5 + 0.5).astype(np.float32).reshape(2, 3, 70, 90)
x = F.interpolate(torch.from_numpy(pictures).double(), size=(299, 299), mode="bilinear", align_corners=False) * 2 - 1
x = unit(x, "Conv2d_1a_3x3", 32, (3, 3), 2)
x = unit(unit(x, "Conv2d_2a_3x3", 32, (3, 3)), "Conv2d_2b_3x3", 64, (3, 3), padding=(1, 1))
x = unit(unit(F.max_pool2d(x, 3, 2), "Conv2d_3b_1x1", 80, (1, 1)), "Conv2d_4a_3x3", 192, (3, 3))
x = F.max_pool2d(x, 3, 2)
for name, pool in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)]:
    x = a(x, name, pool)
x = b(x, "Mixed_6a")
for name, width in [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)]:
    x = c(x, name, width)
x = e(d(x, "Mixed_7a"), "Mixed_7b", average)
x = e(x, "Mixed_7c", lambda x: F.max_pool2d(x, 3, 1, 1))
made = F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)

os.makedirs(FOLDER, exist_ok=True)
save_file({"pictures": pictures, "features": made.float().numpy()}, os.path.join(FOLDER, "io.safetensors"))
with open(os.path.join(FOLDER, "weights.tsv"), "w") as table:
    table.write(f"# seed={SEED}\nkey\tshape\tdtype\tkind\toffset\tscale\n" + "\n".join(rules) + "\n")
print(made.shape, made.mean().item(), made.std().item(), len(rules))
