"""Times one training step of a reference network in Halcyon and in PyTorch (channels-last), in turn, on one thread.

    python3 -m venv venv && venv/bin/pip install torch numpy
    venv/bin/python Experiments/step-speed/compare.py --rounds 3

A step is forward, mean squared error, backward and Adam on 16 patches of 48x48. Prints patches per second of both and
the ratio of their medians over the rounds.
"""

import argparse
import json
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from torch import nn


def conv_bn_relu(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class DnCNN(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += conv_bn_relu(width, width)
        self.net = nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, x):
        return x - self.net(x)


class UNetPlusPlus(nn.Module):
    def __init__(self, levels, width):
        super().__init__()
        self.levels, widths = levels, [width * 2**i for i in range(levels)]
        self.nodes = nn.ModuleDict()
        for i in range(levels):
            for j in range(levels - i):
                inputs = widths[i] * j + widths[i + 1] if j else (widths[i - 1] if i else 1)
                self.nodes[f"{i},{j}"] = nn.Sequential(*conv_bn_relu(inputs, widths[i]), *conv_bn_relu(widths[i], widths[i]))
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        v = {}
        for j in range(self.levels):
            for i in range(self.levels - j):
                if j == 0:
                    y = x if i == 0 else F.max_pool2d(v[i - 1, 0], 2)
                else:
                    up = F.interpolate(v[i + 1, j - 1], scale_factor=2, mode="bilinear", align_corners=False)
                    y = torch.cat([v[i, k] for k in range(j)] + [up], 1)
                v[i, j] = self.nodes[f"{i},{j}"](y)
        return x - self.out(v[0, self.levels - 1])


class InvertedResidual(nn.Module):
    def __init__(self, width):
        super().__init__()
        hidden = 2 * width
        self.body = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.Hardswish(), nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.Hardswish())
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(hidden, hidden // 4, 1), nn.ReLU(), nn.Conv2d(hidden // 4, hidden, 1), nn.Hardsigmoid())
        self.project = nn.Conv2d(hidden, width, 1)

    def forward(self, x):
        y = self.body(x)
        return x + self.project(y * self.gate(y))


class Mobile(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        blocks = [InvertedResidual(width) for _ in range(depth)]
        self.net = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), *blocks, nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, x):
        return x - self.net(x)


class AttentionLayer(nn.Module):
    """Pre-norm attention in windows, rolled by `shift`, with a free bias for each head and pair of places, then a GELU MLP."""

    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.norm1, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(heads, window**2, window**2))
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        n, h, w, c = x.shape
        s, k = self.shift, self.window
        y = torch.roll(self.norm1(x), (-s, -s), (1, 2)) if s else self.norm1(x)
        y = y.view(n, h // k, k, w // k, k, c).transpose(2, 3).reshape(-1, k * k, c)
        q, key, v = self.qkv(y).view(-1, k * k, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, key, v, attn_mask=self.bias)
        y = self.proj(y.transpose(1, 2).reshape(-1, k * k, c))
        y = y.view(n, h // k, w // k, k, k, c).transpose(2, 3).reshape(n, h, w, c)
        x = x + (torch.roll(y, (s, s), (1, 2)) if s else y)
        return x + self.mlp(x)


class Swin(nn.Module):
    def __init__(self, groups, depth, width, heads=4, window=8):
        super().__init__()
        self.head, self.tail = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 1, 3, padding=1)
        self.groups = nn.ModuleList(
            nn.Sequential(*[AttentionLayer(width, heads, window, i % 2 * window // 2) for i in range(depth)]) for _ in range(groups))
        self.closing = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(groups))

    def forward(self, x):
        y = self.head(x)
        for group, closing in zip(self.groups, self.closing):
            y = y + closing(group(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return x - self.tail(y)


NETWORKS = {
    "dncnn17x64": lambda: DnCNN(17, 64),
    "dncnn8x32": lambda: DnCNN(8, 32),
    "unetpp4x32": lambda: UNetPlusPlus(4, 32),
    "unetpp3x16": lambda: UNetPlusPlus(3, 16),
    "mobile8x32": lambda: Mobile(8, 32),
    "swin2x4x48": lambda: Swin(2, 4, 48),
}


def pytorch(name, seconds, batch=16, size=48):
    torch.manual_seed(0)
    model = NETWORKS[name]().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    clean = torch.rand(batch, 1, size, size)
    noisy = (clean + 0.1 * torch.randn_like(clean)).to(memory_format=torch.channels_last)

    def step():
        optimizer.zero_grad()
        ((model(noisy) - clean) ** 2).mean().backward()
        optimizer.step()

    step()
    step()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)


def halcyon(binary, name, seconds):
    command = [binary, "bench", "step", "--architecture", f"SearchSpaces/references/{name}.yaml", "--seconds", str(seconds), "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["patches_per_second"]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--networks", default=",".join(NETWORKS))
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=4)
parser.add_argument("--binary", default=".build/release/halcyon")
options = parser.parse_args()
torch.set_num_threads(1)
print(f"PyTorch {torch.__version__}, one thread")
for name in options.networks.split(","):
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(halcyon(options.binary, name, options.seconds))
        theirs.append(pytorch(name, options.seconds))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{name:12} halcyon {a:7.1f}  pytorch {b:7.1f} patches/s  ratio {a / b:.2f}", flush=True)
