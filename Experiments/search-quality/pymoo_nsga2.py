"""pymoo's NSGA-II on the problems of `halcyon bench search --problem`; one JSON object a search for its --beside."""
import argparse, json, os
from concurrent.futures import ProcessPoolExecutor

import numpy
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.indicators.hv import HV
from pymoo.optimize import minimize
from pymoo.problems import get_problem

# problem: arguments, reference, hypervolume of the whole front (as in Sources/Execution/Problems/ProblemCatalogue.swift)
PROBLEMS = {
    "zdt1": ({}, (1.1, 7), 7.7 - 1 / 3),
    "zdt2": ({}, (1.1, 7), 7.7 - 2 / 3),
    "zdt3": ({}, (1.1, 7), 7.8217627),
    "dtlz2": ({"n_var": 12, "n_obj": 3}, (2.5, 2.5, 2.5), 15.625 - numpy.pi / 6),
    "srn": ({}, (250, 50), 42689.70),
    "osy": ({}, (0, 80), 16796.05),
}


def search(task):
    """The ratio of all that was evaluated, at each of the places."""
    name, seed, evaluations, population, places = task
    arguments, reference, best = PROBLEMS[name]
    problem, found = get_problem(name, **arguments), []
    plain = problem._evaluate

    def evaluate(x, out, *rest, **named):
        plain(x, out, *rest, **named)
        found.extend(zip(out["F"], out["G"] if problem.n_ieq_constr else numpy.zeros((len(x), 1))))

    problem._evaluate = evaluate
    # pymoo's defaults: simulated binary crossover (0.9, index 15), polynomial mutation (0.9, index 20), binary tournaments
    minimize(problem, NSGA2(pop_size=population), ("n_eval", evaluations), seed=seed, verbose=False)
    volume = HV(ref_point=numpy.array(reference, dtype=float))
    ratios = []
    for place in places:
        feasible = [values for values, excess in found[:place] if (excess <= 0).all()]
        ratios.append(float(volume(numpy.array(feasible))) / best if feasible else 0.0)
    return {"experiment": name, "strategy": f"pymoo-nsga2-{population}", "seed": seed, "costs": places, "ratios": ratios}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--problems", default=",".join(PROBLEMS), help="names with commas between")
    arguments.add_argument("--seeds", type=int, default=30)
    arguments.add_argument("--evaluations", type=int, default=5000)
    arguments.add_argument("--population", type=int, default=100)
    arguments.add_argument("--processes", type=int, default=os.cpu_count())
    arguments.add_argument("--out", required=True)
    options = arguments.parse_args()
    steps = max(1, options.evaluations // 100)
    places = list(range(steps, options.evaluations + 1, steps))
    tasks = [
        (name, seed, options.evaluations, options.population, places)
        for name in options.problems.split(",") for seed in range(1, options.seeds + 1)
    ]
    with ProcessPoolExecutor(options.processes) as pool, open(options.out, "w") as out:
        for record in pool.map(search, tasks):
            print(json.dumps(record), file=out, flush=True)
