#!/usr/bin/env python3
"""A worker in another language: the whole protocol of ../worker-protocol, with nothing but Python's own library.

It learns a filter of `taps` numbers that takes noise off random walks. Put your own training where `batch`, `fit` and the loop of
`train` are; the rest stays. Three rules make a study safe against kills: a checkpoint is on disk before it is told, training
from it gives the same numbers as training without a break (randomness from seed and step alone), and the end of stdin ends it.
"""
import json, math, os, platform, queue, random, sys, threading, time

messages = os.fdopen(os.dup(1), "w")  # A copy of its own: whatever libraries print goes to the trial's log.
os.dup2(2, 1)
lock, stop, requests, now = threading.Lock(), threading.Event(), queue.SimpleQueue(), {}

def say(message, **fields):
    with lock:
        messages.write(json.dumps({"message": message, **fields}, allow_nan=False) + "\n")
        messages.flush()

def batch(seed, step, count=64):
    draw, clean = random.Random(f"{seed} {step}"), [0.0]
    while len(clean) < count: clean.append(0.95 * clean[-1] + draw.gauss(0, 1))
    return clean, [value + draw.gauss(0, 1) for value in clean]

def fit(weights, clean, noisy):  # The mean square error and its gradient.
    n, taps = len(clean) - len(weights) + 1, range(len(weights))
    errors = [sum(weights[k] * noisy[i + k] for k in taps) - clean[i + len(weights) // 2] for i in range(n)]
    return sum(e * e for e in errors) / n, [2 * sum(errors[i] * noisy[i + k] for i in range(n)) / n for k in taps]

def train(request):
    about, candidate = {"trial": request["trial"], "attempt": request["attempt"]}, request["candidate"]
    path, goal = request["folder"] + "/checkpoint.json", request["resource"]
    step, weights = json.load(open(request["from"])) if request["from"] else (0, [0.0] * candidate["taps"])
    def save():
        with open(path + ".new", "w") as file:
            json.dump([step, weights], file), file.flush(), os.fsync(file.fileno())
        os.replace(path + ".new", path)
        say("checkpoint", **about, resource=step, path=path)
    while step < goal and not stop.is_set():
        now.update(about, step=step, total_steps=goal, phase="training")
        loss, gradient = fit(weights, *batch(request["seed"], step))
        if not math.isfinite(loss) or loss > 1e12:
            return say("failed", **about, reason=f"the training diverged: the loss is {loss} at step {step}", fatal=True)
        step, weights = step + 1, [w - candidate["rate"] * g for w, g in zip(weights, gradient)]
        if step % 50 == 0 and step < goal: save()
    save()
    if step < goal: return say("stopped", **about)
    error = sum(fit(weights, *batch("validation", k))[0] for k in range(20)) / 20
    metrics = {"psnr_db": -10 * math.log10(error), "parameters": len(weights), "macs": len(weights)}
    say("measurement", **about, point=0, metric="psnr_db", resource=step, value=metrics["psnr_db"], unit="dB")
    say("result", **about, resource=step, points=[{"point": 0, "threshold": None, "metrics": metrics}])

def work():
    while True:
        request = requests.get()
        about = {"trial": request["trial"], "attempt": request["attempt"]}
        now.update(about, step=request["previous_resource"], total_steps=request["resource"], phase="training")
        say("started", **about)
        try: train(request)
        except Exception as error: say("failed", **about, reason=f"{type(error).__name__}: {error}", fatal=False)
        now.clear()

def beat():
    while True:
        time.sleep(1)
        fields = dict(now)
        if fields: say("heartbeat", **fields)

say("hello", version=1, pid=os.getpid(), capabilities=["train"], environment={"host": platform.node(), "python": platform.python_version()})
for body in (work, beat): threading.Thread(target=body, daemon=True).start()
for line in sys.stdin:
    request = json.loads(line)
    if "stop" in request: stop.set()
    else: stop.clear(), requests.put(request)
os._exit(0)  # The controller is gone.
