"""The networks and operations that packaging/bench times, in plain PyTorch, eager mode, f32, on the CPU.

Written here from the published networks' layer shapes; the parameter counts below are the published ones and
are checked. Runs what is named on the standard input, a line each, and writes its seconds to the standard
output (core/nets/benches/beside.rs speaks the same way).
"""

import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

CHECKPOINT = os.environ["LIPSMITH_BENCH_CHECKPOINT"]
PARAMETERS = {"diff2lip_unet": 101_670_630, "wav2lip": 36_298_035}


class ResBlock(nn.Module):
    """Norm, SiLU, convolution; plus the embedding; norm, SiLU, convolution; plus the shortcut."""

    def __init__(self, c_in, c_out, emb, resample=None):
        super().__init__()
        self.resample = resample or nn.Identity()
        self.in_norm, self.in_conv = nn.GroupNorm(32, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.embed = nn.Sequential(nn.SiLU(), nn.Linear(emb, c_out))
        self.out_norm, self.out_conv = nn.GroupNorm(32, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x, emb):
        h = self.in_conv(self.resample(F.silu(self.in_norm(x))))
        h = h + self.embed(emb)[:, :, None, None]
        h = self.out_conv(F.silu(self.out_norm(h)))
        return self.skip(self.resample(x)) + h


class Attention(nn.Module):
    """All positions attend to all, heads of 64 channels, each with its q, k and v in a row."""

    def __init__(self, channels):
        super().__init__()
        self.heads = channels // 64
        self.norm = nn.GroupNorm(32, channels)
        self.qkv, self.proj = nn.Conv1d(channels, 3 * channels, 1), nn.Conv1d(channels, channels, 1)

    def forward(self, x, _emb):
        n, c, h, w = x.shape
        flat = x.reshape(n, c, h * w)
        q, k, v = self.qkv(self.norm(flat)).reshape(n * self.heads, 192, h * w).split(64, dim=1)
        scale = 64**-0.25
        weights = torch.softmax(torch.einsum("bct,bcs->bts", q * scale, k * scale), dim=-1)
        mixed = torch.einsum("bts,bcs->bct", weights, v).reshape(n, c, h * w)
        return (flat + self.proj(mixed)).reshape(n, c, h, w)


class Stem(nn.Conv2d):
    def forward(self, x, _emb):
        return super().forward(x)


def embedding(t, dim):
    angles = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(dim // 2) / (dim // 2))[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class AudioEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 32))
        self.stem = nn.Sequential(nn.Conv1d(80, 64, 3, padding=1), nn.GroupNorm(32, 64), nn.SiLU())
        self.lift = nn.Conv2d(1, 32, 3, padding=1)
        self.blocks, channels = nn.ModuleList(), 32
        for width, window in [(32, (2, 1)), (64, (2, 1)), (96, (2, 2)), (128, None)]:
            for _ in range(2):
                self.blocks.append(ResBlock(channels, width, 32))
                channels = width
            if window:
                self.blocks.append(ResBlock(channels, channels, 32, nn.AvgPool2d(window)))
        self.blocks.append(ResBlock(channels, channels, 32))

    def forward(self, mel):
        emb = self.time(embedding(torch.zeros(len(mel)), 32))
        x = self.lift(self.stem(mel)[:, None])
        for block in self.blocks:
            x = block(x, emb)
        return x


class Diff2Lip(nn.Module):
    """Channels 128·(1, 1, 2, 3, 4), two residual blocks a level, attention at 32, 16 and 8 pixels."""

    def __init__(self):
        super().__init__()
        widths, attends, emb = [128, 128, 256, 384, 512], [False, False, True, True, True], 512
        self.time = nn.Sequential(nn.Linear(128, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.audio = AudioEncoder()
        self.style = nn.Sequential(
            nn.GroupNorm(32, 128), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(128, emb, 1), nn.Flatten()
        )
        channels, skips = widths[0], [widths[0]]
        self.down = nn.ModuleList([nn.ModuleList([Stem(9, channels, 3, padding=1)])])
        for level, (width, attend) in enumerate(zip(widths, attends)):
            for _ in range(2):
                layers = [ResBlock(channels, width, emb)] + ([Attention(width)] if attend else [])
                channels = width
                self.down.append(nn.ModuleList(layers))
                skips.append(channels)
            if level < 4:
                self.down.append(nn.ModuleList([ResBlock(channels, channels, emb, nn.AvgPool2d(2))]))
                skips.append(channels)
        self.middle = nn.ModuleList(
            [ResBlock(channels, channels, emb), Attention(channels), ResBlock(channels, channels, emb)]
        )
        self.up = nn.ModuleList()
        for level, (width, attend) in reversed(list(enumerate(zip(widths, attends)))):
            for i in range(3):
                layers = [ResBlock(channels + skips.pop(), width, emb)] + ([Attention(width)] if attend else [])
                channels = width
                if level and i == 2:
                    layers.append(ResBlock(channels, channels, emb, nn.Upsample(scale_factor=2, mode="nearest")))
                self.up.append(nn.ModuleList(layers))
        self.out = nn.Sequential(nn.GroupNorm(32, channels), nn.SiLU(), nn.Conv2d(channels, 6, 3, padding=1))

    def forward(self, x, t, face, mask, reference, mel):
        x = torch.cat([x * mask + (1 - mask) * face, face, reference], dim=1)
        emb = self.time(embedding(t, 128)) + self.style(self.audio(mel))
        skips = []
        for block in self.down:
            for layer in block:
                x = layer(x, emb)
            skips.append(x)
        for layer in self.middle:
            x = layer(x, emb)
        for block in self.up:
            x = torch.cat([x, skips.pop()], dim=1)
            for layer in block:
                x = layer(x, emb)
        return self.out(x)


class ConvBlock(nn.Module):
    def __init__(self, c_in, c_out, kernel=3, stride=1, padding=1, residual=False, transposed=False):
        super().__init__()
        if transposed:
            extra = {"output_padding": 1} if stride == 2 else {}
            conv = nn.ConvTranspose2d(c_in, c_out, kernel, stride, padding, **extra)
        else:
            conv = nn.Conv2d(c_in, c_out, kernel, stride, padding)
        self.block, self.residual = nn.Sequential(conv, nn.BatchNorm2d(c_out)), residual

    def forward(self, x):
        y = self.block(x)
        return F.relu(y + x if self.residual else y)


def level(first, channels, residuals):
    return nn.Sequential(first, *(ConvBlock(channels, channels, residual=True) for _ in range(residuals)))


class Wav2Lip(nn.Module):
    def __init__(self):
        super().__init__()
        self.face = nn.ModuleList([ConvBlock(6, 16, 7, 1, 3)])
        for c, residuals in [(32, 2), (64, 3), (128, 2), (256, 2), (512, 1)]:
            self.face.append(level(ConvBlock(c // 2, c, 3, 2, 1), c, residuals))
        self.face.append(nn.Sequential(ConvBlock(512, 512, 3, 1, 0), ConvBlock(512, 512, 1, 1, 0)))
        self.audio = nn.Sequential(
            level(ConvBlock(1, 32), 32, 2),
            level(ConvBlock(32, 64, 3, (3, 1)), 64, 2),
            level(ConvBlock(64, 128, 3, 3), 128, 2),
            level(ConvBlock(128, 256, 3, (3, 2)), 256, 1),
            ConvBlock(256, 512, 3, 1, 0),
            ConvBlock(512, 512, 1, 1, 0),
        )
        self.decode = nn.ModuleList([ConvBlock(512, 512, 1, 1, 0)])
        for i, (c_in, c, residuals) in enumerate(
            [(1024, 512, 1), (1024, 512, 2), (768, 384, 2), (512, 256, 2), (320, 128, 2), (160, 64, 2)]
        ):
            stride, padding = (2, 1) if i else (1, 0)
            first = ConvBlock(c_in, c, 3, stride, padding, transposed=True)
            self.decode.append(level(first, c, residuals))
        self.output = nn.Sequential(ConvBlock(80, 32), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, mel, x):
        features = []
        for block in self.face:
            x = block(x)
            features.append(x)
        x = self.audio(mel)
        for block in self.decode:
            x = torch.cat([block(x), features.pop()], dim=1)
        return self.output(x)


def attention(qkv, heads):
    q, k, v = qkv.reshape(heads, 192, -1).split(64, dim=1)
    scale = 64**-0.25
    weights = torch.softmax(torch.einsum("bct,bcs->bts", q * scale, k * scale), dim=-1)
    return torch.einsum("bts,bcs->bct", weights, v)


def gradients(x, weight):
    with torch.inference_mode(False), torch.enable_grad():
        x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
        return torch.autograd.grad(F.conv2d(x, weight, padding=1).sum(), [x, weight])


def operation(name):
    """An operation with its inputs, as a function of nothing; None where the name is of none."""
    r = torch.randn
    operations = {
        "conv3_128_at_64": lambda: (F.conv2d, r(1, 128, 64, 64), r(128, 128, 3, 3), None, 1, 1),
        "conv3_256_at_32": lambda: (F.conv2d, r(1, 256, 32, 32), r(256, 256, 3, 3), None, 1, 1),
        "conv3_512_at_16": lambda: (F.conv2d, r(1, 512, 16, 16), r(512, 512, 3, 3), None, 1, 1),
        "conv3_stride2_128_at_64": lambda: (F.conv2d, r(1, 128, 64, 64), r(128, 128, 3, 3), None, 2, 1),
        "conv1_512_at_16": lambda: (F.conv2d, r(1, 512, 16, 16), r(512, 512, 1, 1)),
        "conv_transpose4_256_at_32": lambda: (
            F.conv_transpose2d, r(1, 256, 32, 32), r(256, 128, 4, 4), None, 2, 1,
        ),
        "group_norm_silu_128_at_64": lambda: (
            lambda *args: F.silu(F.group_norm(*args)), r(1, 128, 64, 64), 32, r(128), r(128),
        ),
        "silu_256_at_64": lambda: (F.silu, r(1, 256, 64, 64)),
        "attention_256_at_16": lambda: (attention, r(1, 768, 256), 4),
        "upsample_256_at_32": lambda: (nn.Upsample(scale_factor=2, mode="nearest"), r(1, 256, 32, 32)),
        "avg_pool_128_at_64": lambda: (F.avg_pool2d, r(1, 128, 64, 64), 2),
        "conv3_gradients_64_at_32_b4": lambda: (gradients, r(4, 64, 32, 32), r(64, 64, 3, 3)),
    }
    if name == "checkpoint_load":
        return checkpoint_load
    if name not in operations:
        return None
    function, *inputs = operations[name]()
    return lambda: function(*inputs)


@torch.inference_mode(False)  # What is made in it can learn nothing.
def forward(name):
    """The network with its inputs, as a function of nothing."""
    if name == "diff2lip_unet":
        network, n = Diff2Lip(), 1
        mask = (torch.arange(128) >= 64).float()[None, None, :, None].expand(1, 1, 128, 128)
        pictures = [torch.rand(n, 3, 128, 128) for _ in range(3)]
        inputs = [pictures[0], torch.tensor([480.0]), pictures[1], mask, pictures[2], torch.randn(n, 80, 16)]
    else:
        n = int(name.split("_b")[1] if "_b" in name else 1)
        network = Wav2Lip()
        inputs = [torch.randn(n, 1, 80, 16), torch.rand(n, 6, 96, 96)]
    found = sum(p.numel() for p in network.parameters())
    expected = next(count for key, count in PARAMETERS.items() if name.startswith(key))
    if found != expected:
        sys.exit(f"{name} has {found} parameters here, {expected} as published")
    if "gradients" in name:
        truth = torch.rand(n, 3, 96, 96)
        return lambda: training_step(network, inputs, truth)
    network.eval()
    return lambda: network(*inputs)


def training_step(network, inputs, truth):
    """But for the optimiser."""
    with torch.inference_mode(False), torch.enable_grad():
        network.zero_grad()
        F.l1_loss(network(*(x.clone() for x in inputs)), truth.clone()).backward()


def checkpoint_load():
    """All tensors of a checkpoint, from the disk into memory."""
    return torch.load(CHECKPOINT, weights_only=True, map_location="cpu")


def main():
    if not os.path.exists(CHECKPOINT):
        torch.save(Diff2Lip().state_dict(), CHECKPOINT)
    torch.set_num_threads(int(sys.argv[1]))
    known, run = None, None
    with torch.inference_mode():
        for line in sys.stdin:
            name = line.strip()
            plain = name.removesuffix("_half")
            if name != known:
                known, run = name, operation(plain) or forward(plain)
            begin = time.perf_counter()
            # What a user of PyTorch would write for half precision on a processor.
            with torch.autocast("cpu", torch.bfloat16, enabled=name != plain):
                run()
            print(f"{time.perf_counter() - begin:.6f}", flush=True)


main()
