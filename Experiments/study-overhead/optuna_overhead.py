"""What a trial that trains nothing costs in Optuna with its SQLite storage: a random search of two objectives."""
import argparse, json, logging, os, tempfile, time
import optuna

arguments = argparse.ArgumentParser()
arguments.add_argument("--trials", type=int, default=300)
trials = arguments.parse_args().trials
optuna.logging.set_verbosity(logging.WARNING)

def objective(trial):
    width = trial.suggest_int("width", 4, 32, step=4)
    for block in range(trial.suggest_int("count", 1, 4)):
        trial.suggest_categorical(f"block{block}", ["plain", "residual"])
    rate = trial.suggest_float("learning-rate", 1e-4, 1e-2, log=True)
    trial.set_user_attr("loss", rate)            # our bench has one measurement and one checkpoint on the way
    trial.set_user_attr("checkpoint", "checkpoint.h5")
    return rate, width

with tempfile.TemporaryDirectory() as folder:
    study = optuna.create_study(
        storage="sqlite:///" + os.path.join(folder, "study.db"), sampler=optuna.samplers.RandomSampler(seed=1),
        directions=["maximize", "minimize"])
    begin = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    seconds = time.perf_counter() - begin
print(json.dumps({"trials": trials, "seconds": seconds, "ms_per_trial": 1000 * seconds / trials, "optuna": optuna.__version__}))
