"""The distances of ten pairs of images by the published packages `stlpips-pytorch` and `lpips`, beside `halcyon evaluate`.

    python3 Experiments/perceptual-metrics/peer.py --data DATA --weights WEIGHTS [--halcyon PROGRAM]

Needs torch, numpy, pillow, safetensors, and the two packages (`pip install --no-deps stlpips-pytorch lpips`). DATA holds Set12 and Kodak24,
WEIGHTS stlpips_alex_f32.safetensors and lpips_v0.1_{alex,vgg}_lin.safetensors. No package holds the trunks of LPIPS, so those get made-up
weights here, the same in both programs (w of number i is ((7919 i + 13) mod 1000 / 1000 - 0.5) sqrt(6 / fan-in), biases are 0.01).
A pair is an image and the same with `numpy.random.RandomState(0)` noise, both rounded to 8 bits. Exit code 0: all within 1e-3.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import types

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

PAIRS = [("Set12", f"{n:02}.png", s) for n, s in zip(range(1, 6), [5, 15, 25, 50, 75])] + [
    ("Kodak24", f"kodim{n:02}.png", s) for n, s in zip(range(1, 6), [5, 15, 25, 50, 75])
]
# Rows and columns of the colour images, from the top left: odd sizes on purpose.
CUT = (200, 253)


def alexnet_features():
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(True), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(3, 2),
    )


def vgg16_features():
    layers, channels = [], 3
    for width, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def fill(features):
    with torch.no_grad():
        for layer in features:
            if isinstance(layer, nn.Conv2d):
                count = layer.weight.numel()
                fan_in = count // layer.weight.shape[0]
                values = ((7919 * numpy.arange(count, dtype=numpy.int64) + 13) % 1000 / 1000 - 0.5) * numpy.sqrt(6 / fan_in)
                layer.weight.copy_(torch.from_numpy(values.reshape(layer.weight.shape)))
                layer.bias.fill_(0.01)
    return features


def stand_in(name, **members):
    """A module of this name, where the packages import what they do not use here."""
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


def prepare_imports():
    def network(features):
        return lambda pretrained=False, **_: types.SimpleNamespace(features=features)

    models = stand_in("torchvision.models", alexnet=network(TRUNKS["alex"]), vgg16=network(TRUNKS["vgg"]))
    models.__getattr__ = lambda name: None
    stand_in("torchvision", models=models, transforms=stand_in("torchvision.transforms"))
    stand_in("torchsummary", summary=None)
    stand_in("IPython", embed=None)


def pair(data, folder, name, sigma):
    clean = numpy.asarray(Image.open(pathlib.Path(data, folder, name)))
    if clean.ndim == 3:
        clean = clean[: CUT[0], : CUT[1]]
    noise = numpy.random.RandomState(0).normal(0, 1, clean.shape)
    noisy = numpy.clip(numpy.rint((clean / 255 + sigma / 255 * noise) * 255), 0, 255).astype(numpy.uint8)
    return clean, noisy


def tensor(image):
    if image.ndim == 2:
        image = numpy.stack([image] * 3, -1)
    return torch.from_numpy(image.astype(numpy.float32) / 127.5 - 1).permute(2, 0, 1)[None]


def ours(program, clean, noisy, metric):
    """What `halcyon evaluate` measures of the noisy image: a network of one convolution that gives its input back."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        channels = 1 if clean.ndim == 2 else 3
        for name, image in [("a_noisy.png", noisy), ("a_clean.png", clean)]:
            Image.fromarray(image).save(folder / name)
        network = {"input-channels": channels, "predicts": "noise", "skeleton": {"kind": "chain", "width": 1, "blocks": []}}
        (folder / "a.yaml").write_text(json.dumps({"halcyon": 1, "network": network}))
        weights = {"conv0.weight": (1, channels, 3, 3), "conv0.bias": (1,), "conv1.weight": (channels, 1, 3, 3), "conv1.bias": (channels,)}
        save_file({name: torch.zeros(shape) for name, shape in weights.items()}, folder / "a.safetensors")
        result = subprocess.run(
            [program, "evaluate", folder / "a.safetensors", "--architecture", folder / "a.yaml", "--data", folder, "--noisy", "*_noisy.png",
             "--clean", "*_clean.png", "--metrics", metric, "--json"],
            capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        return list(json.loads(result.stdout).values())


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--data", required=True)
parser.add_argument("--weights", required=True)
parser.add_argument("--halcyon", help="the program; without it the packages' values alone are printed")
arguments = parser.parse_args()
TRUNKS = {"alex": fill(alexnet_features()), "vgg": fill(vgg16_features())}
prepare_imports()

import lpips  # noqa: E402
from stlpips_pytorch import stlpips  # noqa: E402

torch.set_grad_enabled(False)
weights = pathlib.Path(arguments.weights)
trunks = tempfile.TemporaryDirectory()
metrics = [("stlpips", stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False), f"{{stlpips: {weights}/stlpips_alex_f32.safetensors}}")]
for net, features in TRUNKS.items():
    trunk = f"{trunks.name}/{net}.safetensors"
    save_file({f"features.{name}": value for name, value in features.state_dict().items()}, trunk)
    reference = lpips.LPIPS(net=net, verbose=False)
    heads = load_file(weights / f"lpips_v0.1_{net}_lin.safetensors")
    assert all(torch.equal(reference.state_dict()[name], value) for name, value in heads.items()), "the shared heads are the package's"
    metrics.append((f"lpips {net}", reference, f"{{lpips: [{weights}/lpips_v0.1_{net}_lin.safetensors, {trunk}]}}"))
worst = 0
for folder, name, sigma in PAIRS:
    clean, noisy = pair(arguments.data, folder, name, sigma)
    for title, reference, metric in metrics:
        expected = reference(tensor(clean), tensor(noisy)).item()
        line = f"{folder}/{name} sigma {sigma:2} {title:10} {expected:.6f}"
        if arguments.halcyon:
            found = ours(arguments.halcyon, clean, noisy, metric)
            found = found[-1]
            worst = max(worst, abs(found - expected))
            line += f"  halcyon {found:.6f}  difference {abs(found - expected):.1e}"
        print(line, flush=True)
if arguments.halcyon:
    print(f"largest difference {worst:.1e}")
sys.exit(0 if worst < 1e-3 else 1)
