#!/usr/bin/env python3
"""Compares halcyon with other people's programs on random architectures of the shipped search spaces.

    exports    onnx's checker accepts the exported networks; onnxruntime and OpenVINO compute what halcyon computes
    gradients  PyTorch, walking the exported training graph, finds the same gradients, batch-norm statistics and Adam steps
    cost       parameters and multiply-accumulates counted from the ONNX files are those of `halcyon cost`

Each case is one architecture, drawn by its own seed: a failing one is repeated alone by the command that is printed.
Exit code: 0 all within the tolerances, 1 not, 2 a package or the halcyon binary is missing. README.md tells the rest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
SPACES = ["chain", "unetpp", "swin", "mobile", "dynamic", "mixed"]
CHECKS = ["exports", "gradients", "cost"]
PACKAGES = {"exports": ["onnxruntime", "openvino"], "gradients": ["torch"], "cost": []}

# What is measured and how far it may be off: the columns of the table, in order.
TOLERANCES = {
    "onnxruntime": 1e-4,  # largest absolute difference of any output
    "OpenVINO": 1e-3,
    "f32 output": 1e-4,  # of the training graph
    "f32 gradient": 1e-4,  # max|a - b| / max|b| of the worst tensor that is judged by it
    "f32 nearness": 2.0,  # our distance from Float64 as a multiple of PyTorch's, of tensors beyond the above
    "f32 statistics": 1e-5,
    "f32 Adam": 1e-3,
    "f64 output": 1e-9,
    "f64 gradient": 1e-9,
    "f64 statistics": 1e-9,
    "f64 Adam": 1e-8,
    "cost": 0.0,  # parameters and multiply-accumulates that differ
}
ADAM_STEPS = 10
PERTURBED_RUNS = 8
METADATA = ["architecture_hash", "architecture", "family", "input-channels", "noise-map", "predicts", "size-multiple", "padding"]


@dataclass(frozen=True)
class Case:
    check: str
    space: str
    seed: int

    def __str__(self) -> str:
        return f"{self.space}:{self.seed}"

    @property
    def options(self) -> str:
        count = "--count" if self.check == "exports" else f"--{self.check}"
        return f"--only {self.check} --spaces {self.space} --seed {self.seed} {count} 1"


@dataclass
class Report:
    """What a case found: the largest error of each kind, and what was wrong with the worst place of each."""

    case: Case
    family: str = "unknown"
    errors: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0

    def measure(self, kind: str, error: float, place: str) -> None:
        error = error if math.isfinite(error) else math.inf
        self.errors[kind] = max(self.errors.get(kind, 0.0), error)
        if error > TOLERANCES[kind]:
            self.failures.append(f"{kind}: {error:.3g} > {TOLERANCES[kind]:g} in {place}")

    def require(self, condition: bool, message: str) -> None:
        if not condition:
            self.failures.append(message)


@dataclass(frozen=True)
class Settings:
    halcyon: str
    fast: bool
    keep: Path | None


class Workspace:
    """A case's folder, and the halcyon commands that it runs there."""

    def __init__(self, case: Case, settings: Settings, folder: Path) -> None:
        self.case, self.settings, self.folder = case, settings, folder
        self.random = random.Random(f"{case.check} {case.space} {case.seed}")
        self.seed = str(case.seed)
        self.architecture = folder / "architecture.json"
        space = REPOSITORY / "SearchSpaces" / f"{case.space}.yaml"
        self.architecture.write_text(self.halcyon("space", "sample", space, "--count", "1", "--seed", self.seed, "--json"))

    def halcyon(self, *arguments: str | Path) -> str:
        command = [self.settings.halcyon, *map(str, arguments)]
        # Without these two variables the program need not restart itself.
        environment = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=self.folder)
        if result.returncode != 0:
            message = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"halcyon {' '.join(command[1:])}: exit code {result.returncode}: {message}")
        return result.stdout

    def cost(self, *options: str) -> dict[str, Any]:
        return json.loads(self.halcyon("cost", self.architecture, *options, "--json"))

    def export(self, name: str, *options: str) -> Path:
        self.halcyon("export", self.architecture, "--onnx", self.folder / name, "--seed", self.seed, *options)
        return self.folder / name

    def tensors(self, name: str, *command: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The tensors and metadata that `halcyon bench` writes."""
        from safetensors import safe_open

        file = self.folder / f"{name}.safetensors"
        self.halcyon("bench", *command, "--architecture", self.architecture, "--seed", self.seed, "--out", file)
        with safe_open(file, framework="np") as opened:
            return {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata()

    def infer(self, height: int, width: int, batch: int) -> dict[str, Any]:
        size = f"{height}x{width}"
        return self.tensors(f"infer-{size}-{batch}", "infer", "--size", size, "--batch", str(batch))[0]


def difference(a: Any, b: Any) -> float:
    """The largest absolute difference; infinite for other shapes."""
    import numpy as np

    if a.shape != b.shape:
        return math.inf
    return float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))


def relative(a: Any, b: Any, floor: float = 0.0) -> float:
    """max|a - b| / max|b|, where max|b| is at least the floor."""
    distance, largest = difference(a, b), max(float(abs(b).max(initial=0.0)), floor)
    return distance / largest if largest > 0 else math.inf if distance > 0 else 0.0


# Exports


def onnxruntime_runner(file: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds)))


def openvino_runner(file: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    return lambda feeds: {output.get_any_name(): value for output, value in compiled(feeds).items()}


def checked_model(file: Path, cost: dict[str, Any], report: Report) -> Any:
    """The model, when onnx's full check accepts it; its format and metadata are checked too."""
    import onnx

    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    name = file.name
    report.require(model.ir_version == 8, f"{name}: IR {model.ir_version}, expected 8")
    opsets = [(opset.domain, opset.version) for opset in model.opset_import]
    report.require(opsets == [("", 17)], f"{name}: opset {opsets}, expected 17")
    missing = [key for key in METADATA if key not in metadata]
    report.require(not missing, f"{name}: no metadata {', '.join(missing)}")
    report.require(metadata.get("architecture_hash") == cost["hash"], f"{name}: another hash than `halcyon cost` prints")
    report.require(metadata.get("family") == cost["family"], f"{name}: another family than `halcyon cost` prints")
    names = [node.name for node in model.graph.node]
    report.require(all(names) and len(set(names)) == len(names), f"{name}: nodes without a name of their own")
    return model


def metadata_of(model: Any, key: str) -> str:
    return next(entry.value for entry in model.metadata_props if entry.key == key)


def feeds_of(tensors: dict[str, Any]) -> dict[str, Any]:
    renamed = {"image": tensors["input"], "noise-map": tensors.get("noise-map")}
    return {key: value for key, value in renamed.items() if value is not None}


def check_exports(work: Workspace, report: Report) -> None:
    cost = work.cost()
    report.family = cost["family"]
    network = work.export("network.onnx")
    model = checked_model(network, cost, report)
    # Odd sizes, at least the multiple that the image is padded to: a reflection needs as many pixels.
    smallest = max(int(metadata_of(model, "size-multiple")), 16)
    sides = [smallest + 1 + 2 * work.random.randrange(16) - smallest % 2 for _ in range(4)]
    runs = [work.infer(sides[0], sides[1], 1), work.infer(sides[2], sides[3], 2)]
    exits = sum(key.startswith("exit") for key in runs[0]) + 1
    files = {network: ("denoised", "output")}
    if cost["family"] == "dynamic":
        work.export("depths.onnx", "--depths", "each")
        for number in range(1, exits + 1):
            files[work.folder / f"depths-exit{number}.onnx"] = ("denoised", f"exit{number}" if number < exits else "output")
        files[work.folder / "depths-router.onnx"] = ("router", "router")
    programs = [("onnxruntime", onnxruntime_runner)] + ([] if work.settings.fast else [("OpenVINO", openvino_runner)])
    for file, (output, tensor) in files.items():
        if file != network:
            checked_model(file, cost, report)
        for program, make_runner in programs:
            run = make_runner(file)
            for tensors in runs:
                error = difference(run(feeds_of(tensors))[output], tensors[tensor])
                report.measure(program, error, f"{file.name} at {'x'.join(map(str, tensors['input'].shape))}")
    if cost["family"] == "dynamic":
        check_routed(work, report, cost, runs[0], exits)


def check_routed(work: Workspace, report: Report, cost: dict[str, Any], tensors: dict[str, Any], exits: int) -> None:
    """The file that chooses its depth itself: at the model's threshold and at thresholds that reach each exit."""
    import numpy as np
    import onnx

    file = work.export("routed.onnx", "--depths", "routed")
    model = checked_model(file, cost, report)
    trained = [onnx.numpy_helper.to_array(value) for value in model.graph.initializer if value.name == "router.threshold"]
    report.require(len(trained) == 1 and trained[0].shape == (1,), f"{file.name}: no initializer router.threshold [1]")
    gaps = [max(float(gap), 0.0) for gap in tensors["router"].flatten()]
    steps = sorted({0.0, *gaps})
    # Between the gaps, so that rounding decides nothing.
    thresholds = [0.0, *((low + high) / 2 for low, high in zip(steps, steps[1:]) if high - low > 1e-3), steps[-1] + 1]
    run = onnxruntime_runner(file)
    for threshold in [None, *thresholds]:
        value = float(trained[0][0]) if threshold is None and trained else threshold or 0.0
        chosen = {} if threshold is None else {"router.threshold": np.array([threshold], np.float32)}
        found = run(feeds_of(tensors) | chosen)
        expected = next((number for number, gap in enumerate(gaps, 1) if gap < value), exits)
        place = f"{file.name} at {'x'.join(map(str, tensors['input'].shape))}, threshold {value:g}"
        number = int(found["exit"])
        report.require(found["exit"].dtype == np.int64 and found["exit"].shape == (), f"{place}: exit is no int64 scalar")
        report.require(number == expected, f"{place}: left at exit {number}, expected {expected} by gaps {gaps}")
        image = tensors.get(f"exit{number}", tensors["output"])
        report.measure("onnxruntime", difference(found["denoised"], image), place)


# Gradients


def widened(value: float) -> float:
    """What a 32-bit constant of a graph was meant to be in 64 bits: a short decimal, 1/n, 1/sqrt(n) or sqrt(n)."""
    import numpy as np

    narrow = np.float32(value)
    if narrow == 0 or not np.isfinite(narrow):
        return float(narrow)
    size = abs(float(narrow))
    guesses = [round(size, 3 - math.floor(math.log10(size)))]
    if size < 1:
        guesses += [1 / round(1 / size), 1 / math.sqrt(round(size**-2))]
    else:
        guesses += [math.sqrt(round(size**2))]
    found = next((guess for guess in guesses if np.float32(guess) == abs(narrow)), size)
    return math.copysign(found, float(narrow))


class TorchNetwork:
    """An exported training graph with its parameters, run node by node with PyTorch's functions; autograd does the rest."""

    def __init__(self, model: Any, dtype: Any) -> None:
        import torch
        from onnx import numpy_helper

        self.torch, self.dtype = torch, dtype
        nodes = list(model.graph.node)
        norms = [node for node in nodes if node.op_type == "BatchNormalization"]
        frozen = {name for node in norms for name in node.input[3:5]} | {"router.threshold"}
        self.parameters: dict[str, Any] = {}
        self.buffers: dict[str, Any] = {}
        for initializer in model.graph.initializer:
            tensor = torch.from_numpy(numpy_helper.to_array(initializer).copy()).to(dtype)
            if initializer.name in frozen:
                self.buffers[initializer.name] = tensor
            else:
                self.parameters[initializer.name] = tensor.requires_grad_()
        self.nodes = [(node, {item.name: self.attribute(item) for item in node.attribute}) for node in nodes]
        self.outputs = [output.name for output in model.graph.output]
        self.functions = self.make_functions()

    def attribute(self, item: Any) -> Any:
        import onnx

        value = onnx.helper.get_attribute_value(item)
        if isinstance(value, onnx.TensorProto):
            array = onnx.numpy_helper.to_array(value)
            if array.dtype.kind != "f":
                return self.torch.from_numpy(array.copy())
            values = [self.exact(number) for number in array.flatten().tolist()]
            return self.torch.tensor(values, dtype=self.dtype).reshape(array.shape)
        return self.exact(value) if isinstance(value, float) else value.decode() if isinstance(value, bytes) else value

    def exact(self, value: float) -> float:
        return widened(value) if self.dtype == self.torch.float64 else value

    def run(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """The graph's outputs. The running statistics are moved by the batch."""
        values = {"": None, **feeds, **self.parameters, **self.buffers}
        for node, attributes in self.nodes:
            function = self.functions.get(node.op_type)
            if function is None:
                raise RuntimeError(f"node {node.name}: no PyTorch function for {node.op_type}")
            if node.op_type == "Split":
                attributes = {"parts": len(node.output), **attributes}
            results = function(attributes, *(values[name] for name in node.input))
            for name, result in zip(node.output, results if isinstance(results, (list, tuple)) else [results]):
                values[name] = result
        return {name: values[name] for name in self.outputs}

    def make_functions(self) -> dict[str, Callable[..., Any]]:
        torch, dtype = self.torch, self.dtype
        F = torch.nn.functional

        def require(condition: bool, attributes: dict[str, Any]) -> None:
            if not condition:
                raise RuntimeError(f"no PyTorch function with these attributes: {attributes}")

        def convolution(a: dict[str, Any], x: Any, weight: Any, bias: Any = None) -> Any:
            top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
            require(top == bottom and left == right, a)
            return F.conv2d(x, weight, bias, a.get("strides", 1), (top, left), a.get("dilations", 1), a.get("group", 1))

        def batch_normalization(a: dict[str, Any], x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
            return F.batch_norm(x, mean, variance, scale, bias, True, 1 - a.get("momentum", 0.9), a.get("epsilon", 1e-5))

        def layer_normalization(a: dict[str, Any], x: Any, scale: Any, bias: Any = None) -> Any:
            require(a.get("axis", -1) in (-1, x.dim() - 1), a)
            return F.layer_norm(x, x.shape[-1:], scale, bias, a.get("epsilon", 1e-5))

        def pad(a: dict[str, Any], x: Any, pads: Any, *rest: Any) -> Any:
            amounts, mode = pads.tolist(), {"reflect": "reflect", "edge": "replicate"}[a.get("mode", "constant")]
            require(amounts[:2] + amounts[4:6] == [0, 0, 0, 0], a)
            return F.pad(x, (amounts[3], amounts[7], amounts[2], amounts[6]), mode)

        def resize(a: dict[str, Any], x: Any, roi: Any, scales: Any) -> Any:
            require(a.get("mode") == "linear" and a.get("coordinate_transformation_mode", "half_pixel") == "half_pixel", a)
            require(scales.tolist() == [1, 1, 2, 2], a)
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

        def max_pool(a: dict[str, Any], x: Any) -> Any:
            require(not any(a.get("pads", [])) and not a.get("ceil_mode"), a)
            return F.max_pool2d(x, a["kernel_shape"], a.get("strides", 1))

        def space_to_depth(a: dict[str, Any], x: Any) -> Any:
            n, c, h, w = x.shape
            r = a["blocksize"]
            return x.reshape(n, c, h // r, r, w // r, r).permute(0, 3, 5, 1, 2, 4).reshape(n, c * r * r, h // r, w // r)

        def depth_to_space(a: dict[str, Any], x: Any) -> Any:
            n, c, h, w = x.shape
            r = a["blocksize"]
            if a.get("mode", "DCR") == "CRD":
                return F.pixel_shuffle(x, r)
            return x.reshape(n, r, r, c // r**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // r**2, h * r, w * r)

        def gather(a: dict[str, Any], x: Any, indices: Any) -> Any:
            axis = a.get("axis", 0) % x.dim()
            chosen = x.index_select(axis, indices.flatten() % x.shape[axis])
            return chosen.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])

        def slices(a: dict[str, Any], x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
            indices = [slice(None)] * x.dim()
            dimensions = range(len(starts)) if axes is None else axes.tolist()
            strides = [1] * len(starts) if steps is None else steps.tolist()
            for axis, start, end, stride in zip(dimensions, starts.tolist(), ends.tolist(), strides):
                require(stride > 0, {"steps": strides})
                indices[axis] = slice(start, end, stride)
            return x[tuple(indices)]

        def split(a: dict[str, Any], x: Any, sizes: Any = None) -> Any:
            axis = a.get("axis", 0)
            return x.split(x.shape[axis] // a["parts"] if sizes is None else sizes.tolist(), axis)

        def reshape(a: dict[str, Any], x: Any, shape: Any) -> Any:
            return x.reshape([x.shape[axis] if size == 0 else size for axis, size in enumerate(shape.tolist())])

        def squeeze(a: dict[str, Any], x: Any, axes: Any = None) -> Any:
            return x.squeeze() if axes is None else x.squeeze(axes.tolist())

        def unsqueeze(a: dict[str, Any], x: Any, axes: Any) -> Any:
            for axis in sorted(axis % (x.dim() + len(axes)) for axis in axes.tolist()):
                x = x.unsqueeze(axis)
            return x

        def shape(a: dict[str, Any], x: Any) -> Any:
            return torch.tensor(x.shape)[a.get("start", 0) : a.get("end")]

        def divide(a: dict[str, Any], x: Any, y: Any) -> Any:
            return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")

        def hard_sigmoid(a: dict[str, Any], x: Any) -> Any:
            return (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1)

        def cast(a: dict[str, Any], x: Any) -> Any:
            return x.to({1: dtype, 6: torch.int32, 7: torch.int64, 9: torch.bool, 11: torch.float64}[a["to"]])

        def numbers(a: dict[str, Any], *inputs: Any) -> Any:
            key, value = next(iter(a.items()))
            return value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=dtype if "float" in key else torch.int64)

        return {
            "Conv": convolution, "BatchNormalization": batch_normalization, "LayerNormalization": layer_normalization,
            "Pad": pad, "Resize": resize, "MaxPool": max_pool, "SpaceToDepth": space_to_depth, "DepthToSpace": depth_to_space,
            "Gather": gather, "Slice": slices, "Split": split, "Reshape": reshape, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
            "Shape": shape, "Div": divide, "HardSigmoid": hard_sigmoid, "Cast": cast, "Constant": numbers,
            "Relu": lambda a, x: F.relu(x), "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
            "Erf": lambda a, x: torch.erf(x), "HardSwish": lambda a, x: F.hardswish(x), "Sigmoid": lambda a, x: torch.sigmoid(x),
            "Softmax": lambda a, x: torch.softmax(x, a.get("axis", -1)), "Neg": lambda a, x: -x, "Identity": lambda a, x: x,
            "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y,
            "MatMul": lambda a, x, y: x @ y, "Mod": lambda a, x, y: torch.remainder(x, y), "Less": lambda a, x, y: x < y,
            "Equal": lambda a, x, y: x == y, "And": lambda a, x, y: x & y, "Or": lambda a, x, y: x | y, "Not": lambda a, x: ~x,
            "Where": lambda a, x, y, z: torch.where(x, y, z), "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
            "Transpose": lambda a, x: x.permute(a["perm"]), "Expand": lambda a, x, size: x * torch.ones(size.tolist(), dtype=x.dtype),
            "Range": lambda a, start, limit, delta: torch.arange(start.item(), limit.item(), delta.item()),
            "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
        }


def torch_loss(network: TorchNetwork, results: dict[str, Any], target: Any, metadata: dict[str, str]) -> tuple[Any, Any]:
    """What a training step minimizes, and the loss that it reports. For a dynamic network the decisions of this step move
    the buffer `router.threshold`."""
    torch = network.torch
    if "router" not in results:
        loss = torch.mean((results["denoised"] - target) ** 2)
        return loss, loss
    costs = torch.tensor(json.loads(metadata["exit-costs"]), dtype=torch.float64)
    budget, threshold = float(metadata["budget"]), network.buffers["router.threshold"]
    exits = [results[f"exit{number}"] for number in range(1, len(costs))] + [results["denoised"]]
    errors = torch.stack([((image - target) ** 2).flatten(1).mean(1) for image in exits], 1)  # [N, K]
    foretold = results["router"].flatten(1)
    with torch.no_grad():
        decibels = 10 * torch.log10(errors + 1e-10)
        gaps = decibels[:, :-1] - decibels[:, -1:]
        # The first exit whose foretold gap is below the threshold; the last one always is.
        stops = torch.cat([foretold.clamp(min=0) < threshold, torch.ones_like(foretold[:, :1], dtype=torch.bool)], 1)
        left = stops.to(torch.int64).argmax(1)
        weights = (0.75 * costs / costs.sum()).expand(len(left), -1) + 0.25 * torch.nn.functional.one_hot(left, len(costs))
        threshold *= torch.exp(0.05 * (costs[left].mean() - budget)).to(threshold.dtype)
        threshold.clamp_(1e-4, 10)
    reported = (weights.to(errors.dtype) * errors).mean(0).sum()
    return reported + ((foretold - gaps) ** 2).mean(), reported


@dataclass
class TrainingRun:
    """One precision's first step, and the losses of all."""

    outputs: dict[str, Any]
    gradients: dict[str, Any]
    buffers: dict[str, Any]
    losses: list[float]


def torch_training(model: Any, ours: dict[str, Any], metadata: dict[str, str], precision: str, steps: int, moved: int = 0) -> TrainingRun:
    """PyTorch's training steps from our parameters and inputs.
    - moved: a seed other than 0 moves every parameter and input by at most one unit in the last place of 32 bits."""
    import torch

    torch.set_num_threads(1)
    network = TorchNetwork(model, {"f32": torch.float32, "f64": torch.float64}[precision])
    if "parameters/router.threshold" in ours:
        network.buffers["router.threshold"] = torch.from_numpy(ours["parameters/router.threshold"].copy())
    feeds = {name: torch.from_numpy(value.copy()) for name, value in feeds_of(ours).items()}
    target = torch.from_numpy(ours["target"].copy())
    if moved:
        generator = torch.Generator().manual_seed(moved)
        with torch.no_grad():
            for tensor in [*network.parameters.values(), *feeds.values()]:
                tensor *= 1 + (2 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64) - 1) * 2.0**-23
    optimizer = torch.optim.Adam(list(network.parameters.values()), lr=float(metadata["learning-rate"]))
    run = TrainingRun({}, {}, {}, [])
    for step in range(steps):
        optimizer.zero_grad()
        results = network.run(feeds)
        loss, reported = torch_loss(network, results, target, metadata)
        loss.backward()
        run.losses.append(reported.item())
        if step == 0:
            run.outputs = {("output" if name == "denoised" else name): value.detach().numpy() for name, value in results.items()}
            run.gradients = {
                name: torch.zeros_like(value).numpy() if value.grad is None else value.grad.numpy().copy()
                for name, value in network.parameters.items()
            }
            run.buffers = {name: value.numpy().copy() for name, value in network.buffers.items()}
        optimizer.step()
    return run


def check_gradients(work: Workspace, report: Report) -> None:
    import numpy as np
    from onnx import numpy_helper

    cost = work.cost()
    report.family = cost["family"]
    model = checked_model(work.export("training.onnx", "--training"), cost, report)
    # Small enough for the Float64 interpreter, and mostly no multiple of what the network needs, so that padding counts.
    multiple = int(metadata_of(model, "size-multiple"))
    largest = -(-12 // multiple) * multiple
    size = "x".join(str(largest - work.random.randrange(min(4, multiple) if multiple > 1 else 4)) for _ in range(2))
    options = ["gradients", "--batch", "2", "--size", size, "--steps", str(ADAM_STEPS), "--precision"]
    ours = {precision: work.tensors(precision, *options, precision) for precision in ("f32", "f64")}
    (narrow, narrow_metadata), (wide, wide_metadata) = ours["f32"], ours["f64"]

    initializers = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    if "router" in narrow:  # no output of the graph reads it: only the routed file must have it
        initializers["router.threshold"] = narrow["parameters/router.threshold"]
    parameters = {name.removeprefix("parameters/"): value for name, value in narrow.items() if name.startswith("parameters/")}
    report.require(set(initializers) == set(parameters), f"other initialisers than parameters: {sorted(set(initializers) ^ set(parameters))}")
    for name in sorted(set(initializers) & set(parameters)):
        report.require(np.array_equal(initializers[name], parameters[name]), f"{name}: another value in the ONNX file")
    for name in ["input", "target", *(f"parameters/{name}" for name in parameters)]:
        report.require(np.array_equal(narrow[name].astype(np.float64), wide[name]), f"{name}: other values in f64")

    runs = {"f32": torch_training(model, narrow, narrow_metadata, "f32", ADAM_STEPS)}
    runs["f64"] = torch_training(model, wide, wide_metadata, "f64", ADAM_STEPS)
    for precision, (tensors, _) in ours.items():
        run = runs[precision]
        for name, value in run.outputs.items():
            report.measure(f"{precision} output", relative(tensors[name], value, floor=1.0), f"{name} at {size}")
        for name, value in run.buffers.items():
            report.measure(f"{precision} statistics", relative(tensors[f"buffers/{name}"], value, floor=1e-3), f"{name} at {size}")
        losses = np.array(run.losses)
        report.require(bool(np.allclose(tensors["loss"], tensors["losses"][:1])), f"{precision}: loss is not the first of losses")
        error = float(np.max(np.abs(tensors["losses"] / losses - 1))) if tensors["losses"].shape == losses.shape else math.inf
        report.measure(f"{precision} Adam", error, f"the losses at {size}")
        found = {name.removeprefix("gradients/") for name in tensors if name.startswith("gradients/")}
        report.require(found == set(run.gradients), f"{precision}: other gradients than parameters: {sorted(found ^ set(run.gradients))}")

    # A gradient that is 0 by symmetry is noise in both: it is judged against a millionth of the network's largest one.
    floor = 1e-6 * max(float(abs(value).max(initial=0)) for value in runs["f64"].gradients.values())
    perturbed: list[TrainingRun] = []
    for name, truth in runs["f64"].gradients.items():
        report.measure("f64 gradient", relative(wide[f"gradients/{name}"], truth, floor), f"{name} at {size}")
        mine, theirs = narrow[f"gradients/{name}"], runs["f32"].gradients[name]
        error = relative(mine, theirs)
        if error <= TOLERANCES["f32 gradient"]:
            report.measure("f32 gradient", error, name)
            continue
        # Rounding decides here: is ours as near the Float64 interpreter's as PyTorch's with its own rounding?
        if not perturbed:
            perturbed = [runs["f32"]] + [
                torch_training(model, narrow, narrow_metadata, "f32", 1, moved=seed) for seed in range(1, PERTURBED_RUNS + 1)
            ]
        reference = wide[f"gradients/{name}"]
        distance = max(difference(run.gradients[name], reference) for run in perturbed)
        nearness = difference(mine, reference) / distance if distance > 0 else math.inf
        report.measure("f32 nearness", nearness, f"{name} at {size} (max|a - b| / max|b| = {error:.3g})")


# Cost


def check_cost(work: Workspace, report: Report) -> None:
    import onnx

    size, batch = f"{16 * work.random.randint(1, 6) + 1}x{16 * work.random.randint(1, 6) + 3}", str(work.random.randint(1, 3))
    size = size if work.case.seed % 2 else "64x64"
    cost = work.cost("--size", size, "--batch", batch)
    report.family = cost["family"]
    training = onnx.load(work.export("training.onnx", "--training"))
    buffers = {name for node in training.graph.node if node.op_type == "BatchNormalization" for name in node.input[3:5]}
    parameters = sum(
        math.prod(item.dims)
        for item in training.graph.initializer
        if item.data_type == onnx.TensorProto.FLOAT and item.name not in buffers | {"router.threshold"}
    )
    found = {"parameters": parameters, "macs": macs_of(onnx.load(work.export("network.onnx", "--size", size, "--batch", batch)))}
    for name, value in found.items():
        report.measure("cost", float(value != cost[name]), f"{name} at {batch} of {size}: the file has {value}, halcyon cost {cost[name]}")


def macs_of(model: Any) -> int:
    """Multiply-accumulates of the graph's convolutions and matrix products, from the shapes that onnx infers."""
    import onnx

    given = {value.name: value for value in model.graph.value_info}
    del model.graph.value_info[:]  # what the file says itself counts only where onnx infers nothing
    graph = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    infos = given | {value.name: value for value in [*graph.value_info, *graph.input, *graph.output]}
    shapes = {name: [d.dim_value for d in value.type.tensor_type.shape.dim] for name, value in infos.items()}
    shapes |= {item.name: list(item.dims) for item in graph.initializer}
    macs = 0
    for node in graph.node:
        if node.op_type not in ("Conv", "MatMul"):
            continue
        output, weight = shapes.get(node.output[0], [0]), shapes.get(node.input[1], [0])
        terms = weight[1:] if node.op_type == "Conv" else weight[-2:-1]
        if not all(output) or not all(terms) or not terms:
            raise RuntimeError(f"onnx infers no shape of {node.name}")
        macs += math.prod(output) * math.prod(terms)
    return macs


# Running the cases


def run_case(case: Case, settings: Settings) -> Report:
    report, start = Report(case), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="halcyon-outside-"))
    try:
        work = Workspace(case, settings, folder)
        {"exports": check_exports, "gradients": check_gradients, "cost": check_cost}[case.check](work, report)
    except Exception as error:  # of any program that is compared: this case fails, the others go on
        report.failures.append(f"{type(error).__name__}: {' '.join(str(error).split())[:600]}")
    if report.failures and settings.keep:
        kept = settings.keep / f"{case.check}-{case.space}-{case.seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept)
        (kept / "failures.txt").write_text("\n".join([f"outside_check.py {case.options}", *report.failures]) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    report.seconds = time.monotonic() - start
    return report


def run_cases(cases: list[Case], settings: Settings, jobs: int) -> Iterator[Report]:
    if jobs == 1:
        yield from (run_case(case, settings) for case in cases)
        return
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(run_case, case, settings): case for case in cases}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                yield Report(futures[future], failures=["a process crashed while this case ran or waited: repeat it with --jobs 1"])


def progress(reports: Iterator[Report], total: int) -> list[Report]:
    """Collects the reports, telling how far it is."""
    start, told, found = time.monotonic(), 0.0, []
    for report in reports:
        found.append(report)
        elapsed = time.monotonic() - start
        if elapsed - told >= (1 if sys.stderr.isatty() else 15) or report.failures:
            told, left = elapsed, elapsed / len(found) * (total - len(found))
            line = f"{len(found)} of {total}, {elapsed:.0f} s, about {left:.0f} s left: {report.case.check} {report.case}"
            print(line + (" FAILED" if report.failures else ""), file=sys.stderr, flush=True)
    return found


def table(reports: list[Report]) -> str:
    """Largest error of each kind by family, and the case that comes nearest to its tolerance or farthest beyond."""
    kinds = [kind for kind in TOLERANCES if any(kind in report.errors for report in reports)]
    families: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        families[report.family].append(report)
    rows = [["family", "cases", "failed", *kinds, "worst case"], ["tolerance", "", "", *(f"{TOLERANCES[kind]:g}" for kind in kinds), ""]]
    for family, members in sorted(families.items()):
        def largest(kind: str) -> str:
            return f"{max(report.errors[kind] for report in members if kind in report.errors):.2g}" if any(
                kind in report.errors for report in members) else "-"

        ranked = [
            (bool(report.failures), error / (TOLERANCES[kind] or 1), f"{report.case} {kind}")
            for report in members for kind, error in report.errors.items()
        ]
        failed = sum(bool(report.failures) for report in members)
        rows.append([family, str(len(members)), str(failed), *map(largest, kinds), max(ranked)[2] if ranked else "-"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halcyon", default=str(REPOSITORY / ".build/release/halcyon"), help="the binary (default: the release build)")
    parser.add_argument("--spaces", nargs="+", choices=SPACES, default=SPACES, help="names in SearchSpaces (default: all)")
    parser.add_argument("--count", type=int, help="architectures of each space whose exports are run (default: 200)")
    parser.add_argument("--gradients", type=int, help="architectures, the spaces in turn (default: 60)")
    parser.add_argument("--cost", type=int, help="architectures, the spaces in turn (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the first case of each space; the next one has the next (default: 1)")
    parser.add_argument("--only", choices=CHECKS, help="one of the checks")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each (default: 2)")
    parser.add_argument("--fast", action="store_true", help="exports with onnxruntime alone and cost, of 3 networks of each space")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keeps the files of failing cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes every case's errors")
    options = parser.parse_args()

    checks = [options.only] if options.only else ["exports", "cost"] if options.fast else CHECKS
    packages = ["numpy", "onnx", "safetensors", *(package for check in checks for package in PACKAGES[check])]
    missing = [name for name in packages if not (options.fast and name == "openvino") and importlib.util.find_spec(name) is None]
    if missing:
        print(f"outside_check.py: missing Python packages: {', '.join(missing)}; Experiments/outside-check/run installs them", file=sys.stderr)
        return 2
    halcyon = shutil.which(options.halcyon)
    if halcyon is None:
        print(f"outside_check.py: no program {options.halcyon}: build it with `make build`, or name one with --halcyon", file=sys.stderr)
        return 2

    spaces, few = options.spaces, 3 * len(options.spaces) if options.fast else None
    counts = {
        "exports": (options.count if options.count is not None else 3 if options.fast else 200) * len(spaces),
        "gradients": options.gradients if options.gradients is not None else few or 60,
        "cost": options.cost if options.cost is not None else few or 50,
    }
    cases = [
        Case(check, spaces[index % len(spaces)], options.seed + index // len(spaces)) for check in checks for index in range(counts[check])
    ]
    settings = Settings(str(Path(halcyon).resolve()), options.fast, options.keep.resolve() if options.keep else None)
    reports = progress(run_cases(cases, settings, max(1, options.jobs)), len(cases))
    reports.sort(key=lambda report: cases.index(report.case))
    if options.json:
        rows = [vars(report) | {"case": vars(report.case), "reproduce": report.case.options} for report in reports]
        options.json.write_text(json.dumps({"tolerances": TOLERANCES, "cases": rows}, indent=1) + "\n")
    print(table(reports))
    failed = [report for report in reports if report.failures]
    for report in failed:
        more = f" (and {len(report.failures) - 1} more)" if len(report.failures) > 1 else ""
        print(f"FAILED {report.failures[0]}{more}: outside_check.py {report.case.options}")
    print(f"{len(reports)} cases, {len(failed)} failed, {sum(report.seconds for report in reports):.0f} s of work")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
