"""PyTorch as the judge of halcyon's training: the exported training graph, run node by node, and its objective and Adam steps.

Only torch's own functions compute here; the objective of dynamic networks is written from its description in the sources.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor

Attributes = dict[str, Any]
DTYPES = {"f32": torch.float32, "f64": torch.float64}
# What the exporter writes and the functions below read. A node with another attribute, or without one of these, is refused.
ATTRIBUTES = {
    "BatchNormalization": {"epsilon", "momentum"}, "Cast": {"to"}, "Concat": {"axis"}, "Constant": {"value"},
    "Conv": {"kernel_shape", "pads", "dilations", "group"}, "DepthToSpace": {"blocksize", "mode"}, "Gather": {"axis"},
    "HardSigmoid": {"alpha", "beta"}, "LayerNormalization": {"axis", "epsilon"}, "LeakyRelu": {"alpha"},
    "MaxPool": {"kernel_shape", "strides"}, "Pad": {"mode"}, "Resize": {"mode", "coordinate_transformation_mode"},
    "Shape": {"start", "end"}, "Softmax": {"axis"}, "SpaceToDepth": {"blocksize"}, "Split": {"axis"}, "Transpose": {"perm"},
}


def widened(value: float) -> float:
    """What a 32-bit constant of a graph was meant to be in 64 bits: the short decimal, 1/n or 1/sqrt(n) that rounds to it."""
    size = abs(float(value))
    if size == 0 or not math.isfinite(size):
        return float(value)
    guesses = [round(size, 3 - math.floor(math.log10(size)))]
    guesses += [1 / round(1 / size), 1 / math.sqrt(round(size**-2))] if size < 1 else []
    return math.copysign(next((guess for guess in guesses if np.float32(guess) == np.float32(size)), size), float(value))


class TorchNetwork:
    """An exported training graph with its parameters; autograd differentiates it."""

    def __init__(self, model: onnx.ModelProto, dtype: torch.dtype, frozen: set[str]) -> None:
        self.dtype = dtype
        values = {item.name: torch.tensor(onnx.numpy_helper.to_array(item), dtype=dtype) for item in model.graph.initializer}
        self.parameters = {name: value.requires_grad_() for name, value in values.items() if name not in frozen}
        self.buffers = {name: value for name, value in values.items() if name in frozen}
        self.nodes = [(node, self.attributes(node)) for node in model.graph.node]
        self.outputs = [output.name for output in model.graph.output]
        self.functions = torch_functions(dtype)

    def attributes(self, node: onnx.NodeProto) -> Attributes:
        found = {item.name for item in node.attribute}
        if found != ATTRIBUTES.get(node.op_type, set()):
            raise RuntimeError(f"node {node.name}: {node.op_type} with the attributes {sorted(found)}")
        return {"outputs": len(node.output)} | {item.name: self.attribute(item) for item in node.attribute}

    def attribute(self, item: onnx.AttributeProto) -> Any:
        value, exact = onnx.helper.get_attribute_value(item), widened if self.dtype == torch.float64 else float
        if isinstance(value, onnx.TensorProto):
            array = onnx.numpy_helper.to_array(value)
            if array.dtype.kind != "f":
                return torch.tensor(array)
            return torch.tensor([exact(number) for number in array.flatten()], dtype=self.dtype).reshape(array.shape)
        return exact(value) if isinstance(value, float) else value.decode() if isinstance(value, bytes) else value

    def run(self, feeds: dict[str, Tensor]) -> dict[str, Tensor]:
        """The graph's outputs. The running statistics are moved by the batch."""
        values = {"": None, **feeds, **self.parameters, **self.buffers}
        for node, attributes in self.nodes:
            if node.op_type not in self.functions:
                raise RuntimeError(f"node {node.name}: no PyTorch function for {node.op_type}")
            results = self.functions[node.op_type](attributes, *(values[name] for name in node.input))
            values.update(zip(node.output, results if isinstance(results, tuple) else [results]))
        return {name: values[name] for name in self.outputs}


def torch_functions(dtype: torch.dtype) -> dict[str, Callable[..., Any]]:
    """For each ONNX operator a function of its attributes and inputs."""

    def require(condition: bool, attributes: dict[str, Any]) -> None:
        if not condition:
            raise RuntimeError(f"no PyTorch function with these attributes: {attributes}")

    def convolution(a, x, weight, bias=None):
        top, left, bottom, right = a["pads"]
        require(top == bottom and left == right, a)
        return F.conv2d(x, weight, bias, 1, (top, left), a["dilations"], a["group"])

    def layer_normalization(a, x, scale, bias):
        require(a["axis"] in (-1, x.dim() - 1), a)
        return F.layer_norm(x, x.shape[-1:], scale, bias, a["epsilon"])

    def pad(a, x, pads):
        *before, top, left, _, _, bottom, right = pads.tolist()
        return F.pad(x, (left, right, top, bottom), {"reflect": "reflect", "edge": "replicate"}[a["mode"]])

    def resize(a, x, roi, scales):
        require(a["mode"] == "linear" and a["coordinate_transformation_mode"] == "half_pixel", a)
        require(scales.tolist() == [1, 1, 2, 2], a)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    def space_to_depth(a, x):
        (n, c, h, w), r = x.shape, a["blocksize"]
        return x.reshape(n, c, h // r, r, w // r, r).permute(0, 3, 5, 1, 2, 4).reshape(n, c * r * r, h // r, w // r)

    def depth_to_space(a, x):
        (n, c, h, w), r = x.shape, a["blocksize"]
        if a["mode"] == "CRD":
            return F.pixel_shuffle(x, r)
        return x.reshape(n, r, r, c // r**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // r**2, h * r, w * r)

    def gather(a, x, indices):
        axis = a["axis"] % x.dim()
        chosen = x.index_select(axis, indices.flatten() % x.shape[axis])
        return chosen.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])

    def slices(a, x, starts, ends, axes):
        places = [slice(None)] * x.dim()
        for index, axis in enumerate(axes.tolist()):
            places[axis] = slice(int(starts[index]), int(ends[index]))
        return x[tuple(places)]

    def reshape(a, x, shape):
        return x.reshape([x.shape[axis] if size == 0 else size for axis, size in enumerate(shape.tolist())])

    def unsqueeze(a, x, axes):
        for axis in sorted(axis % (x.dim() + len(axes)) for axis in axes.tolist()):
            x = x.unsqueeze(axis)
        return x

    return {
        "Conv": convolution, "LayerNormalization": layer_normalization, "Pad": pad, "Resize": resize, "Gather": gather,
        "SpaceToDepth": space_to_depth, "DepthToSpace": depth_to_space, "Slice": slices, "Reshape": reshape,
        "Unsqueeze": unsqueeze, "BatchNormalization": lambda a, x, scale, bias, mean, variance: F.batch_norm(
            x, mean, variance, scale, bias, training=True, momentum=1 - a["momentum"], eps=a["epsilon"]),
        "Split": lambda a, x: x.chunk(a["outputs"], a["axis"]), "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
        "MaxPool": lambda a, x: F.max_pool2d(x, a["kernel_shape"], a["strides"]), "Relu": lambda a, x: F.relu(x),
        "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True), "LeakyRelu": lambda a, x: F.leaky_relu(x, a["alpha"]),
        "HardSwish": lambda a, x: F.hardswish(x), "HardSigmoid": lambda a, x: (a["alpha"] * x + a["beta"]).clamp(0, 1),
        "Sigmoid": lambda a, x: torch.sigmoid(x), "Erf": lambda a, x: torch.erf(x), "Softmax": lambda a, x: x.softmax(a["axis"]),
        "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y, "Mul": lambda a, x, y: x * y, "Neg": lambda a, x: -x,
        "Mod": lambda a, x, y: torch.remainder(x, y), "MatMul": lambda a, x, y: x @ y, "Constant": lambda a: a["value"],
        "Less": lambda a, x, y: x < y, "Equal": lambda a, x, y: x == y, "Where": lambda a, x, y, z: torch.where(x, y, z),
        "Cast": lambda a, x: x.to({onnx.TensorProto.FLOAT: dtype}[a["to"]]),
        "Range": lambda a, start, limit, delta: torch.arange(start.item(), limit.item(), delta.item()),
        "Shape": lambda a, x: torch.tensor(x.shape)[a["start"] : a["end"]],
        "Transpose": lambda a, x: x.permute(a["perm"]), "Squeeze": lambda a, x, axes: x.squeeze(axes.tolist()),
    }


def objective(
    network: TorchNetwork, outputs: dict[str, Tensor], target: Tensor, metadata: dict[str, str]
) -> tuple[Tensor, Tensor]:
    """What a training step minimizes, and the loss that it reports. For a dynamic network the decisions of this step move
    the buffer `router.threshold`."""
    if "router" not in outputs:
        loss = torch.mean((outputs["denoised"] - target) ** 2)
        return loss, loss
    costs = torch.tensor(json.loads(metadata["exit-costs"]), dtype=torch.float64)
    budget, threshold = float(metadata["budget"]), network.buffers["router.threshold"]
    exits = [outputs[f"exit{number}"] for number in range(1, len(costs))] + [outputs["denoised"]]
    errors = torch.stack([((image - target) ** 2).flatten(1).mean(1) for image in exits], 1)  # [N, K]
    foretold = outputs["router"].flatten(1)
    with torch.no_grad():
        decibels = 10 * torch.log10(errors + 1e-10)
        gaps = decibels[:, :-1] - decibels[:, -1:]
        # The first exit whose foretold gap is below the threshold; the last one always is.
        stops = torch.cat([foretold.clamp(min=0) < threshold, torch.ones_like(foretold[:, :1], dtype=torch.bool)], 1)
        left = stops.to(torch.int64).argmax(1)
        weights = (0.75 * costs / costs.sum()).expand(len(left), -1) + 0.25 * F.one_hot(left, len(costs))
        threshold *= torch.exp(0.05 * (costs[left].mean() - budget)).to(threshold.dtype)
        threshold.clamp_(1e-4, 10)
    reported = (weights.to(errors.dtype) * errors).mean(0).sum()
    return reported + ((foretold - gaps) ** 2).mean(), reported


@dataclass
class TrainingRun:
    """The first step's outputs, gradients and buffers after it, and all steps' losses."""

    outputs: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    buffers: dict[str, np.ndarray]
    losses: np.ndarray


def train(
    network: TorchNetwork, feeds: dict[str, np.ndarray], target: np.ndarray, metadata: dict[str, str], moved: int = 0
) -> TrainingRun:
    """As many steps of PyTorch's Adam as `metadata` tells, always on the same batch.
    - moved: a seed other than 0 first moves every parameter and input by some units in the last place of 32 bits: seeds 1 to 8
      by at most one, 9 to 16 by at most two, and so on."""
    torch.set_num_threads(1)
    inputs, goal = {name: torch.tensor(value) for name, value in feeds.items()}, torch.tensor(target)
    if moved:
        generator, units = torch.Generator().manual_seed(moved), 1 + (moved - 1) // 8
        with torch.no_grad():
            for tensor in [*network.parameters.values(), *inputs.values()]:
                tensor *= 1 + (2 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64) - 1) * units * 2.0**-23
    optimizer = torch.optim.Adam(list(network.parameters.values()), lr=float(metadata["learning-rate"]))
    losses: list[float] = []
    first: list[dict[str, np.ndarray]] = []
    for _ in range(int(metadata["steps"])):
        optimizer.zero_grad()
        outputs = network.run(inputs)
        loss, reported = objective(network, outputs, goal, metadata)
        loss.backward()
        losses.append(reported.item())
        gradients = {
            name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in network.parameters.items()
        }
        parts = (outputs, gradients, network.buffers)
        first = first or [{name: value.detach().numpy().copy() for name, value in part.items()} for part in parts]
        optimizer.step()
    return TrainingRun(*first, np.array(losses))
