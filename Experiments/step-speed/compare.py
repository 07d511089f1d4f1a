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


NETWORKS = {
    "dncnn17x64": lambda: DnCNN(17, 64),
    "dncnn8x32": lambda: DnCNN(8, 32),
    "unetpp4x32": lambda: UNetPlusPlus(4, 32),
    "unetpp3x16": lambda: UNetPlusPlus(3, 16),
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
