"""Optuna's samplers on the tables, judged as `halcyon bench search` judges ours; one JSON object a search for its --beside."""
import argparse, csv, json, os, warnings
from concurrent.futures import ProcessPoolExecutor

import numpy
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore")
TABLES = os.environ.get("HALCYON_TABLES", "")
CELL, GRAPH, MACRO = [f"edge{i}" for i in range(6)], ["link", "o0", "o1", "o2", "o3"], [f"layer{i}" for i in range(8)]
# experiment: file, decisions, choices of each, error columns (100 - x; one a seed), cost, references
EXPERIMENTS = {
    "nasbench201-1080ti": ("nasbench201.csv", CELL, 5, ["c10_test_200"], "lat_1080ti_1", (15, 17.0872)),
    "nasbench201-titan": ("nasbench201.csv", CELL, 5, ["c10_test_200"], "lat_titan_rtx_256", (15, 47.7211)),
    "nasbench201-silver": ("nasbench201.csv", CELL, 5, ["c10_test_200"], "lat_silver_4114", (15, 48.0771)),
    "nasbench201-samsung": ("nasbench201.csv", CELL, 5, ["c10_test_200"], "lat_samsung_s7", (15, 90.0)),
    "graph-cora": ("nasbench_graph.csv", GRAPH, 9, ["cora_test"], "cora_lat_ms", (21.47, 6.0385465)),
    "graph-citeseer": ("nasbench_graph.csv", GRAPH, 9, ["citeseer_test"], "citeseer_lat_ms", (34.6, 9.905724)),
    "graph-pubmed": ("nasbench_graph.csv", GRAPH, 9, ["pubmed_test"], "pubmed_lat_ms", (25.97, 7.8885795)),
    "macro": ("nasbench_macro.csv", MACRO, 3, ["acc_s0", "acc_s1", "acc_s2"], "flops", (15, 105660928)),
}
SAMPLERS = {
    "optuna-random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "optuna-nsga2": lambda seed: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
    "optuna-tpe": lambda seed: optuna.samplers.TPESampler(multivariate=True, seed=seed),
}


def load(name):
    file, decisions, _, errors, cost, _ = EXPERIMENTS[name]
    rows = list(csv.DictReader(open(os.path.join(TABLES, file))))
    values = [([100 - float(row[column]) for column in errors], float(row[cost])) for row in rows]
    if file != "nasbench_graph.csv":
        return {tuple(int(row[d]) for d in decisions): value for row, value in zip(rows, values)}
    keys = {row["hash"]: value for row, value in zip(rows, values)}
    raw = csv.DictReader(open(os.path.join(TABLES, "nasbench_graph_raw2canonical.csv")))
    return {tuple(int(row[d]) for d in decisions): keys[row["hash"]] for row in raw}


def hypervolume(points, reference):
    area, top = 0.0, reference[1]
    for x, y in sorted(points):
        if x < reference[0] and y < top:
            area += (reference[0] - x) * (top - y)
            top = y
    return area


def search(task):
    name, kind, seed, trials = task
    _, decisions, choices, _, _, reference = EXPERIMENTS[name]
    table = load(name)
    truth = hypervolume([(numpy.mean(errors), cost) for errors, cost in table.values()], reference)
    noise, front, ratios = numpy.random.RandomState(seed), [], []

    def objective(trial):
        found = table.get(tuple(trial.suggest_categorical(d, list(range(choices))) for d in decisions))
        if found is None:  # infeasible
            return reference
        errors, cost = found
        front.append((float(numpy.mean(errors)), cost))
        return errors[noise.randint(len(errors))], cost

    study = optuna.create_study(sampler=SAMPLERS[kind](seed), directions=["minimize", "minimize"])
    for _ in range(trials):
        study.optimize(objective, n_trials=1)
        front[:] = [p for p in set(front) if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in front)]
        ratios.append(round(hypervolume(front, reference) / truth, 6))
    return {"experiment": name, "strategy": kind, "seed": seed, "costs": list(range(1, trials + 1)), "ratios": ratios}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--experiments", default=",".join(EXPERIMENTS), help="names with commas between")
    arguments.add_argument("--samplers", default=",".join(SAMPLERS), help="names with commas between")
    arguments.add_argument("--seeds", type=int, default=30)
    arguments.add_argument("--trials", type=int, default=300)
    arguments.add_argument("--processes", type=int, default=os.cpu_count())
    arguments.add_argument("--out", required=True)
    options = arguments.parse_args()
    if not TABLES:
        arguments.error("HALCYON_TABLES is not set: name the folder of the tables")
    tasks = [
        (name, kind, seed, options.trials)
        for name in options.experiments.split(",") for kind in options.samplers.split(",") for seed in range(1, options.seeds + 1)
    ]
    with ProcessPoolExecutor(options.processes) as pool, open(options.out, "w") as out:
        for record in pool.map(search, tasks):
            print(json.dumps(record), file=out, flush=True)
