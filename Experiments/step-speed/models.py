"""The six reference networks in PyTorch: the same layers and parameter counts as SearchSpaces/references.

Each takes and returns a batch of gray images [N, 1, H, W] and predicts the noise, which is subtracted from its input.
"""

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


MODELS = {
    "dncnn17x64": lambda: DnCNN(17, 64),
    "dncnn8x32": lambda: DnCNN(8, 32),
    "unetpp4x32": lambda: UNetPlusPlus(4, 32),
    "unetpp3x16": lambda: UNetPlusPlus(3, 16),
    "mobile8x32": lambda: Mobile(8, 32),
    "swin2x4x48": lambda: Swin(2, 4, 48),
}
