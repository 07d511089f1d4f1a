"""Times one image through the reference networks in ONNX Runtime and OpenVINO (Float32 and bf16) on the CPU.

    python infer.py --models dncnn8x32,mobile8x32 --size 256 --threads 1

One JSON object a network and engine, ms the median; `halcyon bench versus --help` says what its keys mean. PyTorch (with onnxscript)
only writes the ONNX file.
"""

import argparse
import json
import os
import statistics
import tempfile
import time

import numpy
import onnxruntime
import openvino
import torch

from models import MODELS

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--models", default=",".join(MODELS))
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--size", type=int, default=256)
parser.add_argument("--seconds", type=float, default=4)
options = parser.parse_args()
image = numpy.random.default_rng(0).random((1, 1, options.size, options.size), dtype=numpy.float32)


def report(name, engine, call):
    call(), call()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < options.seconds or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    row = {"model": name, "engine": engine, "threads": options.threads, "size": options.size, "ms": statistics.median(times) * 1e3}
    print(json.dumps(row), flush=True)


for name in options.models.split(","):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        torch.onnx.export(MODELS[name]().eval(), (torch.from_numpy(image),), path, dynamo=True, verbose=False)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: image}
        report(name, "onnxruntime", lambda: session.run(None, feed))
        for precision in ("f32", "bf16"):
            compiled = openvino.Core().compile_model(path, "CPU", {
                "INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
            request = compiled.create_infer_request()
            report(name, f"openvino_{precision}", lambda: request.infer([image]))
