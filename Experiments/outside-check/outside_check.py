#!/usr/bin/env python3
"""Compares halcyon with other people's programs on random architectures of the shipped search spaces.

    exports    onnx's checker accepts the exported networks; onnxruntime and OpenVINO compute what halcyon computes
    gradients  PyTorch, walking the exported training graph, finds the same gradients, batch-norm statistics and Adam steps
    cost       parameters and multiply-accumulates counted from the ONNX files are those of `halcyon cost`

Each case is one architecture, drawn by its own seed: a failing one is repeated alone by the options that are printed.
Exit code: 0 all within the tolerances, 1 not, 2 a wrong option, or no package or halcyon binary. README.md tells the rest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import random
import shlex
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

try:
    import numpy as np
    import onnx
    from safetensors import safe_open
except ImportError as error:
    print(f"outside_check.py: {error}; Experiments/outside-check/run installs what is needed", file=sys.stderr)
    sys.exit(2)

REPOSITORY = Path(__file__).resolve().parents[2]
HALCYON = REPOSITORY / ".build/release/halcyon"
SPACES = ["chain", "unetpp", "swin", "mobile", "dynamic", "mixed"]
PACKAGES = {"exports": ["onnxruntime", "openvino"], "gradients": ["torch"], "cost": []}
COUNTS = {"exports": "--count", "gradients": "--gradients", "cost": "--cost"}
METADATA = ["architecture_hash", "architecture", "family", "input-channels", "noise-map", "predicts", "size-multiple", "padding"]
ADAM_STEPS = 10
LEARNING_RATE = 3e-5  # at 1e-3 some networks are chaotic in 32 bits: README.md
MOVED_RUNS = 32

# What is measured and how far it may be off: the columns of the table, in order.
TOLERANCES = {
    "onnxruntime": 1e-4,  # largest absolute difference of any output
    "OpenVINO": 1e-3,
    "f32 output": 1e-4,  # of the training graph
    "f32 gradient": 1e-4,  # max|a - b| / max|b| of the worst tensor among those within this; nearness judges the others
    "f32 statistics": 1e-5,
    "f32 nearness": 2.0,  # of the gradients that are farther off: our distance from Float64 as a multiple of PyTorch's
    "f32 Adam": 1e-4,  # relative, of the worst step's loss: an epsilon of 1e-7 is off by up to 2e-5
    "f64 output": 1e-9,
    "f64 gradient": 1e-9,
    "f64 statistics": 1e-9,
    "f64 Adam": 1e-8,
    "cost": 0.0,  # numbers that differ
}


@dataclass(frozen=True)
class Case:
    check: str
    space: str
    seed: int

    def __str__(self) -> str:
        return f"{self.space}:{self.seed}"


@dataclass
class Report:
    """What a case found: the largest error of each kind with its place, and what else was wrong."""

    case: Case
    family: str = "unknown"
    errors: dict[str, tuple[float, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    gradients: int = 0  # tensors
    near_gradients: int = 0  # those of them that are judged by nearness
    fall: float = 0  # of the loss by the Adam steps, as a part of it
    seconds: float = 0

    def measure(self, kind: str, error: float, place: str) -> None:
        error = error if math.isfinite(error) else math.inf
        if error >= self.errors.get(kind, (0.0, ""))[0]:
            self.errors[kind] = (error, place)

    def require(self, condition: bool, fault: str) -> None:
        if not condition:
            self.faults.append(fault)

    @property
    def failures(self) -> list[str]:
        beyond = [(kind, error, place) for kind, (error, place) in self.errors.items() if error > TOLERANCES[kind]]
        return self.faults + [f"{kind} {error:.3g}, allowed {TOLERANCES[kind]:g}: {place}" for kind, error, place in beyond]


@dataclass(frozen=True)
class Settings:
    halcyon: str
    fast: bool
    keep: Path | None

    def repeating(self, case: Case) -> str:
        """The command that runs this case alone."""
        command = f"outside_check.py --only {case.check} --spaces {case.space} --seed {case.seed} {COUNTS[case.check]} 1"
        other = "" if Path(self.halcyon) == HALCYON.resolve() else f" --halcyon {shlex.quote(self.halcyon)}"
        return command + " --fast" * self.fast + other


class Workspace:
    """A case's folder, and the halcyon commands that it runs there."""

    def __init__(self, case: Case, settings: Settings, folder: Path) -> None:
        self.case, self.settings, self.folder = case, settings, folder
        self.random = random.Random(f"{case.check} {case.space} {case.seed}")
        self.architecture = folder / "architecture.json"
        space = REPOSITORY / "SearchSpaces" / f"{case.space}.yaml"
        self.architecture.write_text(self.halcyon("space", "sample", space, "--count", "1", "--seed", str(case.seed), "--json"))

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
        self.halcyon("export", self.architecture, "--onnx", self.folder / name, "--seed", str(self.case.seed), *options)
        return self.folder / name

    def bench(self, name: str, *command: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The tensors and metadata that `halcyon bench` writes."""
        file = self.folder / f"{name}.safetensors"
        self.halcyon("bench", *command, "--architecture", self.architecture, "--seed", str(self.case.seed), "--out", file)
        with safe_open(file, framework="np") as opened:
            return {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata()

    def infer(self, height: int, width: int, batch: int) -> dict[str, Any]:
        size = f"{height}x{width}"
        return self.bench(f"infer-{size}-{batch}", "infer", "--size", size, "--batch", str(batch))[0]


def difference(a: Any, b: Any) -> float:
    """The largest absolute difference; infinite for other shapes."""
    return float(np.max(np.abs(a.astype(np.float64) - b), initial=0.0)) if a.shape == b.shape else math.inf


def relative(a: Any, b: Any, floor: float = 0.0) -> float:
    """max|a - b| / max|b|, where max|b| is at least the floor."""
    distance, largest = difference(a, b), max(float(np.max(np.abs(b), initial=0.0)), floor)
    return distance / largest if largest > 0 else math.inf if distance > 0 else 0.0


def checked_model(file: Path, cost: dict[str, Any], report: Report) -> Any:
    """The model, when onnx's full check accepts it; its format and metadata are checked too."""
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    report.require(model.ir_version == 8, f"{file.name}: IR {model.ir_version}, expected 8")
    opsets = [(opset.domain, opset.version) for opset in model.opset_import]
    report.require(opsets == [("", 17)], f"{file.name}: opset {opsets}, expected 17")
    report.require(set(METADATA) <= set(metadata), f"{file.name}: no metadata {sorted(set(METADATA) - set(metadata))}")
    report.require(metadata.get("architecture_hash") == cost["hash"], f"{file.name}: another hash than `halcyon cost` prints")
    report.require(metadata.get("family") == cost["family"], f"{file.name}: another family than `halcyon cost` prints")
    names = [node.name for node in model.graph.node]
    report.require(all(names) and len(set(names)) == len(names), f"{file.name}: nodes without a name of their own")
    return model


def size_multiple(model: Any) -> int:
    return int(next(entry.value for entry in model.metadata_props if entry.key == "size-multiple"))


def buffer_names(model: Any) -> set[str]:
    """The initialisers that are no parameters."""
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    return {name for node in norms for name in node.input[3:5]} | {"router.threshold"}


def feeds_of(tensors: dict[str, Any]) -> dict[str, Any]:
    return {"image": tensors["input"]} | ({"noise-map": tensors["noise-map"]} if "noise-map" in tensors else {})


def shape_text(tensors: dict[str, Any]) -> str:
    return "x".join(map(str, tensors["input"].shape))


def size_text(tensors: dict[str, Any]) -> str:
    return "x".join(map(str, tensors["input"].shape[2:]))


# Exports

Runner = Callable[[dict[str, Any]], dict[str, Any]]
Runners = dict[str, Callable[[Path], Runner]]


def onnxruntime_runner(file: Path) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds)))


def openvino_runner(file: Path) -> Runner:
    import openvino

    core, settings = openvino.Core(), {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(core.read_model(str(file)), "CPU", settings)
    return lambda feeds: {output.get_any_name(): value for output, value in compiled(feeds).items()}


def check_exports(work: Workspace, report: Report) -> None:
    cost = work.cost()
    report.family = cost["family"]
    network = work.export("network.onnx")
    # Odd sizes, at least the multiple that the image is padded to: a reflection needs as many pixels.
    smallest = max(size_multiple(checked_model(network, cost, report)), 16)
    sides = [(smallest + 2 * work.random.randrange(16)) | 1 for _ in range(4)]
    runs = [work.infer(sides[0], sides[1], 1), work.infer(sides[2], sides[3], 2)]
    exits = sum(key.startswith("exit") for key in runs[0]) + 1
    early = [f"exit{number}" for number in range(1, exits)]
    whole = {"denoised": "output"}
    every = whole | ({name: name for name in [*early, "router"]} if early else {})
    fixed = ["--size", size_text(runs[1]), "--batch", "2"]
    # The files, the tensor that each of their outputs must be, and what they are run with.
    files = [
        (network, whole, runs), (work.export("training.onnx", "--training"), every, runs),
        (work.export("network-fixed.onnx", *fixed), whole, runs[1:]),
        (work.export("training-fixed.onnx", "--training", *fixed), every, runs[1:]),
    ]
    if early:
        work.export("depths.onnx", "--depths", "each")
        tensors = enumerate([*early, "output"], 1)
        files += [(work.folder / f"depths-exit{number}.onnx", {"denoised": tensor}, runs) for number, tensor in tensors]
        files.append((work.folder / "depths-router.onnx", {"router": "router"}, runs))
    programs = {"onnxruntime": onnxruntime_runner} | ({} if work.settings.fast else {"OpenVINO": openvino_runner})
    for file, expected, inputs in files:
        if file != network:
            checked_model(file, cost, report)
        for program, runner in programs.items():
            run = runner(file)
            for tensors in inputs:
                found, place = run(feeds_of(tensors)), f"{file.name} at {shape_text(tensors)}"
                report.require(set(found) == set(expected), f"{place}: {program} has the outputs {sorted(found)}")
                for output in set(found) & set(expected):
                    report.measure(program, difference(found[output], tensors[expected[output]]), f"{output} of {place}")
    if early:
        images = [runs[0][name] for name in [*early, "output"]]
        check_routed(work, report, cost, runs[0], images, programs)


def check_routed(
    work: Workspace, report: Report, cost: dict[str, Any], tensors: dict[str, Any], images: list[Any], programs: Runners
) -> None:
    """The files that choose their depth themselves: with the model's router at the model's threshold, and with a router that
    foretells one dB less for each exit, so that every exit is reached."""
    file = work.export("routed.onnx", "--depths", "routed")
    fixed = work.export("routed-fixed.onnx", "--depths", "routed", "--size", size_text(tensors))
    initializers = {item.name: item for item in checked_model(file, cost, report).graph.initializer}
    checked_model(fixed, cost, report)

    def check(program: str, file: Path, threshold: float | None, expected: set[int]) -> None:
        given = {} if threshold is None else {"router.threshold": np.array([threshold], np.float32)}
        found = programs[program](file)(feeds_of(tensors) | given)
        place, number = f"{file.name} at {shape_text(tensors)}", int(found["exit"])
        place += "" if threshold is None else f", threshold {threshold:g}"
        report.require(found["exit"].dtype == np.int64 and found["exit"].shape == (), f"{place}: exit is no int64 scalar")
        report.require(number in expected, f"{place}: {program} left at exit {number}, expected {sorted(expected)}")
        if 1 <= number <= len(images):
            report.measure(program, difference(found["denoised"], images[number - 1]), f"exit {number} of {place}")

    trained = float(onnx.numpy_helper.to_array(initializers["router.threshold"])[0])
    gaps = [max(float(gap), 0.0) for gap in tensors["router"].flatten()]
    for program in programs:
        # Where a gap is as near the threshold as the program may be off, it may leave at either exit.
        limits = [trained, trained - TOLERANCES[program], trained + TOLERANCES[program]]
        expected = {next((number for number, gap in enumerate(gaps, 1) if gap < limit), len(images)) for limit in limits}
        for routed in (file, fixed):
            check(program, routed, None, expected)

    foretold = [float(len(images) - number) for number in range(1, len(images))]
    stepped = {"router.output.weight": [0.0], "router.output.bias": foretold}
    descending = rewritten(file, "routed-descending.onnx", stepped)
    for number in range(1, len(images) + 1):
        threshold = len(images) - number + 0.5
        check("onnxruntime", descending, threshold, {number})
        if number > 1:  # a gap that equals the threshold is not below it
            check("onnxruntime", descending, threshold + 0.5, {number})
        if "OpenVINO" in programs:  # it drops inputs that have an initialiser
            stored = rewritten(file, f"routed-descending-{number}.onnx", stepped | {"router.threshold": [threshold]})
            check("OpenVINO", stored, None, {number})


def rewritten(file: Path, name: str, values: dict[str, list[float]]) -> Path:
    """A copy of the file with other initialisers; a single value fills all of one."""
    model = onnx.load(file)
    kept = {item.name: item for item in model.graph.initializer}
    for key, numbers in values.items():
        sizes = tuple(kept[key].dims)
        array = np.full(sizes, numbers[0], np.float32) if len(numbers) == 1 else np.array(numbers, np.float32).reshape(sizes)
        kept[key].CopyFrom(onnx.numpy_helper.from_array(array, key))
    onnx.save(model, file.with_name(name))
    return file.with_name(name)


# Gradients


def named(tensors: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def torch_training(model: Any, precision: str, tensors: dict[str, Any], metadata: dict[str, str], moved: int = 0) -> Any:
    """PyTorch's training from our parameters, inputs and target."""
    import torch_network

    network = torch_network.TorchNetwork(model, torch_network.DTYPES[precision], buffer_names(model))
    if "router" in tensors:
        network.buffers["router.threshold"] = torch_network.torch.tensor(tensors["parameters/router.threshold"])
    return torch_network.train(network, feeds_of(tensors), tensors["target"], metadata, moved)


def check_gradients(work: Workspace, report: Report) -> None:
    cost = work.cost()
    report.family = cost["family"]
    model = checked_model(work.export("training.onnx", "--training"), cost, report)
    # Small enough for the Float64 interpreter, and mostly no multiple of what the network needs, so that padding counts.
    multiple = size_multiple(model)
    largest = -(-10 // multiple) * multiple
    size = "x".join(str(largest - work.random.randrange(min(4, max(multiple, 2)))) for _ in range(2))
    options = ["gradients", "--batch", "2", "--size", size, "--steps", str(ADAM_STEPS)]
    options += ["--learning-rate", str(LEARNING_RATE), "--precision"]
    ours = {precision: work.bench(precision, *options, precision) for precision in ("f32", "f64")}
    theirs = {precision: torch_training(model, precision, *ours[precision]) for precision in ours}
    (narrow, metadata), (wide, _) = ours["f32"], ours["f64"]

    parameters = named(narrow, "parameters/")
    kept = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    kept |= {name: value for name, value in parameters.items() if name == "router.threshold"}  # read by no output of this file
    report.require(set(kept) == set(parameters), f"other initialisers than parameters: {sorted(set(kept) ^ set(parameters))}")
    for name in set(kept) & set(parameters):
        report.require(np.array_equal(kept[name], parameters[name]), f"{name}: another value in the ONNX file")
    for name in ["input", "target", *(f"parameters/{name}" for name in parameters)]:
        report.require(np.array_equal(narrow[name].astype(np.float64), wide[name]), f"{name}: other values in f64")

    for precision, (tensors, _) in ours.items():
        run, place = theirs[precision], f"at {size}"
        for name, value in run.outputs.items():
            error = relative(tensors["output" if name == "denoised" else name], value, floor=1)
            report.measure(f"{precision} output", error, f"{name} {place}")
        for name, value in run.buffers.items():
            report.measure(f"{precision} statistics", relative(tensors[f"buffers/{name}"], value, floor=1e-3), f"{name} {place}")
        report.require(np.array_equal(tensors["loss"], tensors["losses"][:1]), f"{precision}: loss is not the first of losses")
        names = set(named(tensors, "gradients/")) ^ set(run.gradients)
        report.require(not names, f"{precision}: gradients of other tensors than the parameters: {sorted(names)}")

        error = difference(tensors["losses"] / run.losses, np.ones(ADAM_STEPS))
        report.measure(f"{precision} Adam", error, f"the losses {place}")

    report.fall = float(1 - wide["losses"][-1] / wide["losses"][0])
    moved: list[Any] = []

    def nearness(name: str) -> float:
        """Our distance from the Float64 interpreter as a multiple of that of PyTorch in 32 bits: README.md."""
        reference = wide[f"gradients/{name}"]
        ours, farthest = difference(narrow[f"gradients/{name}"], reference), difference(theirs["f32"].gradients[name], reference)
        for index in range(MOVED_RUNS):
            if ours <= TOLERANCES["f32 nearness"] * farthest:
                break
            if len(moved) == index:
                moved.append(torch_training(model, "f32", narrow, metadata | {"steps": "1"}, moved=index + 1))
            farthest = max(farthest, difference(moved[index].gradients[name], reference))
        return ours / farthest if farthest > 0 else math.inf

    # A gradient that is 0 by symmetry is noise in both: it is judged against a millionth of the network's largest one.
    floor = 1e-6 * max(float(np.max(np.abs(value), initial=0)) for value in theirs["f64"].gradients.values())
    for name, truth in theirs["f64"].gradients.items():
        key, place = f"gradients/{name}", f"{name} at {size}"
        report.measure("f64 gradient", relative(wide[key], truth, floor), place)
        error = relative(narrow[key], theirs["f32"].gradients[name])
        report.gradients += 1
        if error <= TOLERANCES["f32 gradient"]:
            report.measure("f32 gradient", error, place)
        else:
            report.near_gradients += 1
            report.measure("f32 nearness", nearness(name), f"{place}, which is {error:.3g} from PyTorch's")


# Cost


def check_cost(work: Workspace, report: Report) -> None:
    sides, batch = [str(work.random.randint(32, 96)) for _ in range(2)], str(work.random.randint(1, 3))
    fixed = ["--size", "x".join(sides), "--batch", batch]
    cost = work.cost(*fixed)
    report.family = cost["family"]
    training = onnx.load(work.export("training.onnx", "--training"))
    initializers = [item for item in training.graph.initializer if item.name not in buffer_names(training)]
    parameters = sum(math.prod(item.dims) for item in initializers if item.data_type == onnx.TensorProto.FLOAT)
    found = {"parameters": parameters, "macs": macs_of(onnx.load(work.export("network.onnx", *fixed)))}
    for name, value in found.items():
        place = f"{name} with {' '.join(fixed)}: {value} in the file, {cost[name]} told"
        report.measure("cost", float(value != cost[name]), place)


def macs_of(model: Any) -> int:
    """Multiply-accumulates of the graph's convolutions and matrix products, from the shapes that onnx infers."""
    given = {value.name: value for value in model.graph.value_info}
    del model.graph.value_info[:]  # what the file says itself counts only where onnx infers nothing
    graph = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    infos = given | {value.name: value for value in [*graph.value_info, *graph.input, *graph.output]}
    shapes = {name: [side.dim_value for side in value.type.tensor_type.shape.dim] for name, value in infos.items()}
    shapes |= {item.name: list(item.dims) for item in graph.initializer}
    macs = 0
    for node in graph.node:
        if node.op_type in ("Conv", "MatMul"):
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
        check = {"exports": check_exports, "gradients": check_gradients, "cost": check_cost}[case.check]
        check(Workspace(case, settings, folder), report)
    except Exception as error:  # of any program that is compared: this case fails, the others go on
        report.faults.append(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
    if report.failures and settings.keep:
        kept = settings.keep / f"{case.check}-{case.space}-{case.seed}"
        shutil.copytree(folder, kept, dirs_exist_ok=True)
        (kept / "failures.txt").write_text("\n".join([settings.repeating(case), *report.failures]) + "\n")
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
                yield Report(futures[future], faults=["a process crashed while this case ran or waited: repeat it with --jobs 1"])


def collected(reports: Iterator[Report], total: int) -> list[Report]:
    """All reports; tells on standard error how far it is."""
    start, told, found = time.monotonic(), 0.0, []
    for report in reports:
        found.append(report)
        elapsed = time.monotonic() - start
        if report.failures or elapsed - told >= 15:
            told, left = elapsed, elapsed / len(found) * (total - len(found))
            failed = " FAILED" if report.failures else ""
            line = f"{len(found)} of {total}, {elapsed:.0f} s, about {left:.0f} s left: {report.case.check} {report.case}{failed}"
            print(line, file=sys.stderr, flush=True)
    return found


def table(reports: list[Report]) -> str:
    """Largest error of each kind by family, and the case that comes nearest to its tolerance or farthest beyond."""
    kinds = [kind for kind in TOLERANCES if any(kind in report.errors for report in reports)]
    rows = [["family", "cases", "failed", *kinds, "worst case"]]
    rows.append(["tolerance", "", "", *(f"{TOLERANCES[kind]:g}" for kind in kinds), ""])
    families: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        families[report.family].append(report)
    for family, members in sorted(families.items()):
        found = [
            (error / (TOLERANCES[kind] or 1), error, kind, f"{report.case} {kind}")
            for report in members for kind, (error, _) in report.errors.items()
        ]
        failed = sum(bool(report.failures) for report in members)
        largest = {kind: f"{error:.2g}" for _, error, kind, _ in sorted(found)}
        cells = [largest.get(kind, "-") for kind in kinds]
        rows.append([family, str(len(members)), str(failed), *cells, max(found, default=" ")[-1]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def training_text(reports: list[Report]) -> str:
    """What the table's columns do not tell: the gradients that the first one leaves out, and how far the Adam steps lead."""
    members = [report for report in reports if report.gradients]
    near = [report for report in members if report.near_gradients]
    tensors = f"{sum(report.near_gradients for report in near)} of {sum(report.gradients for report in members)} tensors"
    which = f": {', '.join(str(report.case) for report in near)}" if near else ""
    falls = [f"{100 * part:.2g} %" for part in np.quantile([report.fall for report in members], [0.5, 0, 1])]
    return (
        f"{len(near)} of {len(members)} networks had a gradient judged by nearness ({tensors}){which}\n"
        f"{ADAM_STEPS} Adam steps lower the loss by {falls[0]} (median; {falls[1]} to {falls[2]})"
    )


def refusal(options: argparse.Namespace, checks: list[str]) -> str | None:
    """What is wrong with the options: a set without cases, or an option without effect."""
    if options.fast and options.only == "gradients":
        return "--fast --only gradients: --fast has no gradients; leave one of them out"
    for check, name in COUNTS.items():
        count = vars(options)[name.removeprefix("--")]
        if count is not None and count < 1:
            return f"{name} {count}: expected 1 or more"
        if count is not None and check not in checks:
            return f"{name}: has no effect, for only {' and '.join(checks)} {'is' if len(checks) == 1 else 'are'} checked"
    if options.jobs < 1:
        return f"--jobs {options.jobs}: expected 1 or more"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halcyon", default=str(HALCYON), help="default: the release build")
    parser.add_argument("--spaces", nargs="+", choices=SPACES, default=SPACES, metavar="NAME", help=f"{', '.join(SPACES)}: all")
    parser.add_argument("--count", type=int, metavar="N", help="architectures of each space whose exports are run (default: 200)")
    parser.add_argument("--gradients", type=int, metavar="N", help="architectures, the spaces in turn (default: 60)")
    parser.add_argument("--cost", type=int, metavar="N", help="architectures, the spaces in turn (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="of each space's first case, counted up (default: 1)")
    parser.add_argument("--only", choices=list(PACKAGES), help="one of the checks")
    parser.add_argument("--jobs", type=int, default=2, help="processes, of one thread each (default: 2)")
    parser.add_argument("--fast", action="store_true", help="2 exports of each space with onnxruntime alone, and their cost")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keeps the files of failing cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes every case's errors")
    options = parser.parse_args()

    checks = [options.only] if options.only else ["exports", "cost"] if options.fast else list(PACKAGES)
    if wrong := refusal(options, checks):
        print(f"outside_check.py: {wrong}", file=sys.stderr)
        return 2
    packages = [name for check in checks for name in PACKAGES[check] if not (options.fast and name == "openvino")]
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    halcyon = shutil.which(options.halcyon)
    if missing or halcyon is None:
        packages = f"no Python package {', '.join(missing)}: Experiments/outside-check/run installs what is needed"
        binary = f"no program {options.halcyon}: `make build` makes it, --halcyon names another"
        print("outside_check.py: " + (packages if missing else binary), file=sys.stderr)
        return 2

    spaces = options.spaces
    counts = {
        "exports": (options.count or (2 if options.fast else 200)) * len(spaces),
        "gradients": options.gradients or 60,
        "cost": options.cost or (2 * len(spaces) if options.fast else 50),
    }
    numbered = [(check, index) for check in checks for index in range(counts[check])]
    cases = [Case(check, spaces[index % len(spaces)], options.seed + index // len(spaces)) for check, index in numbered]
    settings = Settings(str(Path(halcyon).resolve()), options.fast, options.keep.resolve() if options.keep else None)
    reports = collected(run_cases(cases, settings, options.jobs), len(cases))
    order = {case: index for index, case in enumerate(cases)}
    reports.sort(key=lambda report: order[report.case])
    if options.json:
        rows = [vars(report) | {"case": vars(report.case), "failures": report.failures} for report in reports]
        options.json.write_text(json.dumps({"tolerances": TOLERANCES, "cases": rows}, indent=1) + "\n")
    print(table(reports))
    if any(report.gradients for report in reports):
        print(training_text(reports))
    failed = [report for report in reports if report.failures]
    for report in failed:
        more = f" (and {len(report.failures) - 1} more)" if len(report.failures) > 1 else ""
        print(f"FAILED {report.case} {report.failures[0]}{more}; again: {settings.repeating(report.case)}")
    print(f"{len(reports)} cases, {len(failed)} failed, {sum(report.seconds for report in reports):.0f} s of work")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
