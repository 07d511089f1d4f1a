"""Times PyTorch's training steps (forward, mean squared error, backward, Adam) of the reference networks on the CPU.

    python train_step.py --models dncnn8x32 --modes channels_last,compile --threads 1 --batch 16 --size 48

One JSON object a network and mode; `halcyon bench versus --help` says what its keys mean. Modes: eager, channels_last, compile, bf16
(autocast), compile_bf16; all but eager keep channels last.
"""

import argparse
import json
import statistics
import time

import torch

from models import MODELS


def measure(name, mode, options):
    torch.manual_seed(0)
    torch._dynamo.reset()
    layout = torch.contiguous_format if mode == "eager" else torch.channels_last
    model = MODELS[name]().to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    clean = torch.rand(options.batch, 1, options.size, options.size)
    noisy = (clean + 0.1 * torch.randn_like(clean)).to(memory_format=layout)
    forward = torch.compile(model) if mode.startswith("compile") else model

    def step():
        began = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.endswith("bf16")):
            loss = ((forward(noisy) - clean) ** 2).mean()
        loss.backward()
        optimizer.step()
        return time.perf_counter() - began

    first = step()
    step()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < options.seconds or len(times) < 5:
        times.append(step())
    return {"model": name, "mode": mode, "threads": options.threads, "params": sum(p.numel() for p in model.parameters()),
            "patches_per_s": options.batch / statistics.median(times), "first_step_s": first}


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--models", default=",".join(MODELS))
parser.add_argument("--modes", default="channels_last,compile")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--size", type=int, default=48)
parser.add_argument("--seconds", type=float, default=4)
options = parser.parse_args()
modes = options.modes.split(",")
unknown = set(modes) - {"eager", "channels_last", "compile", "bf16", "compile_bf16"}
if unknown:
    parser.error(f"--modes: unknown {', '.join(sorted(unknown))}")
torch.set_num_threads(options.threads)
for name in options.models.split(","):
    for mode in modes:
        print(json.dumps(measure(name, mode, options)), flush=True)
