"""Runs published networks on published test sets and compares with the expected PSNR and SSIM.

    python3 Experiments/published-weights/published.py --weights WEIGHTS --data DATA

Needs Python 3.9 and `make build`, no packages. Each row of published.csv is one run of `halcyon evaluate --noise numpy:0`.
Prints a table; exit code 0: all within 0.003 dB and 0.0005 SSIM, 1: some row is outside, 2: the input is at fault.

    ... --rows set=Set12,sigma=25                                       some rows
    ... --rows 'network=FFDNet-*' --sigmas 35,75 --sets Kodak24         the networks of these rows on other images and levels
    ... --table mine.csv                                                other weights; psnr_db and ssim may be empty
"""

import argparse
import concurrent.futures
import csv
import fnmatch
import itertools
import json
import math
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
COLUMNS = ["network", "weights", "architecture", "set", "sigma", "psnr_db", "ssim"]
TOLERANCES = {"psnr_db": 0.003, "ssim": 0.0005}


class InputError(Exception):
    """What is at fault, in one line."""


def number(text, place, low=-math.inf, high=math.inf):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        limits = f" of {low:g} to {high:g}" if math.isfinite(low) else ""
        raise InputError(f"{place}: expected a number{limits}, found \"{text}\"")
    return value


def read_table(path):
    """The rows of a table as dictionaries: `sigma` is a number, `psnr_db` and `ssim` a number or None."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="more")
            columns = reader.fieldnames or []
            lines = [(reader.line_num, line) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not a CSV file'}") from None
    missing = [name for name in COLUMNS[:5] if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    if missing or unknown:
        what = f"no column {', '.join(missing)}" if missing else f"unknown column \"{unknown[0]}\""
        raise InputError(f"{path}:1: {what} (the first line names the columns: {','.join(COLUMNS)})")
    rows = []
    for place, line in ((f"{path}:{count}", line) for count, line in lines):
        row = {name: (line.get(name) or "").strip() for name in COLUMNS}
        empty = [name for name in COLUMNS[:5] if not row[name]]
        if empty or "more" in line:
            raise InputError(f"{place}: " + (f"{empty[0]} is empty" if empty else "more fields than columns"))
        row["sigma"] = number(row["sigma"], f"{place}: sigma", 0, 1000)
        for name in TOLERANCES:
            row[name] = number(row[name], f"{place}: {name}") if row[name] else None
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: has no rows, only the names of the columns")
    return rows


def selected(rows, text):
    """The rows that a filter `column=value,column=value` keeps; values of one column are alternatives and may have * and ?."""
    wanted = {}
    for part in filter(None, text.split(",")):
        column, equals, value = part.partition("=")
        if not equals or column not in COLUMNS[:5]:
            raise InputError(f"--rows: expected column=value with one of {', '.join(COLUMNS[:5])}, found \"{part}\"")
        wanted.setdefault(column, []).append(f"{number(value, '--rows: sigma', 0, 1000):g}" if column == "sigma" else value)
    kept = [
        row for row in rows
        if all(any(fnmatch.fnmatchcase(named(row[column]), value) for value in values) for column, values in wanted.items())]
    if not kept:
        raise InputError(f"--rows {text}: no row of the table is meant")
    return kept


def named(value):
    return value if isinstance(value, str) else f"{value:g}"


def spread(rows, sets, sigmas):
    """The networks of the rows over other sets and noise levels, with the expected numbers that the rows have for them."""
    def network(row):
        return row["network"], row["weights"], row["architecture"]

    known = {network(row) + (row["set"], row["sigma"]): row for row in rows}
    for one in dict.fromkeys(map(network, rows)):
        own = [row for row in rows if network(row) == one]
        places = itertools.product(
            sets or dict.fromkeys(row["set"] for row in own), sigmas or dict.fromkeys(row["sigma"] for row in own))
        for place in places:
            yield known.get(one + place) or dict(zip(COLUMNS, one + place + (None, None)))


def command(row, options):
    """The command line of a row; an architecture is a name in SearchSpaces/references, or a file beside the table."""
    architecture = REPOSITORY / "SearchSpaces" / "references" / f"{row['architecture']}.yaml"
    if row["architecture"].endswith((".yaml", ".json")):
        architecture = options.table.parent / row["architecture"]
    files = {"weights": options.weights / row["weights"], "architecture": architecture, "set": options.data / row["set"]}
    for what, path in files.items():
        if not (path.is_dir() if what == "set" else path.is_file()):
            hint = {"weights": f"--weights or HALCYON_WEIGHTS names their folder, {HERE.name}/README.md what is in it",
                    "architecture": "a name in SearchSpaces/references, or a .yaml file named from the table's folder",
                    "set": "--data or HALCYON_DATA names the folder that holds the test sets, each a folder of images"}[what]
            raise InputError(f"{row['network']}: no {what} {path} ({hint})")
    return [str(options.halcyon), "evaluate", str(files["weights"]), "--architecture", str(files["architecture"]),
            "--data", str(files["set"]), "--sigma", f"{row['sigma']:g}", "--noise", "numpy:0", "--json"]


def work(row, line):
    """About how much a row costs: multiply-accumulates of the network times the bytes of the set's images."""
    cost = subprocess.run([line[0], "cost", line[line.index("--architecture") + 1], "--json"], capture_output=True, text=True)
    size = sum(file.stat().st_size for file in pathlib.Path(line[line.index("--data") + 1]).iterdir() if file.is_file())
    return size * (json.loads(cost.stdout)["macs"] if cost.returncode == 0 else 1)


def evaluate(line, running):
    """What `halcyon evaluate` measures, and its seconds."""
    began = time.monotonic()
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.append(process)
    output, errors = process.communicate()
    if process.returncode == 0:
        return json.loads(output), time.monotonic() - began
    words = (errors.strip().splitlines() or [f"{line[0]} ended with code {process.returncode} and said nothing"])[-1]
    raise (InputError if process.returncode == 2 else RuntimeError)(words.removeprefix("halcyon: "))


def compare(row, result):
    """The cells of a row of the printed table, and whether all is as expected."""
    cells, good = [row["network"], row["set"], f"{row['sigma']:g}"], True
    for name, digits in (("psnr_db", 4), ("ssim", 5)):
        ours, expected = result.get(name), row[name]
        difference = None if None in (ours, expected) else ours - expected
        # The expected numbers are rounded: a difference at the limit is within it.
        good = good and (expected is None or difference is not None and abs(difference) <= TOLERANCES[name] + 1e-9)
        cells += ["-" if ours is None else f"{ours:.{digits}f}", "-" if expected is None else f"{expected:.{digits}f}",
                  "-" if difference is None else f"{round(difference, digits) + 0.0:+.{digits}f}"]
    return cells + ["" if good else "OUTSIDE"], good


def run(rows, options):
    """Runs the rows, `jobs` at a time, and prints each in order; returns how many are outside."""
    lines = [command(row, options) for row in rows]
    loads = [work(row, line) for row, line in zip(rows, lines)]
    wide = max(7, *(len(row["network"]) for row in rows)), max(3, *(len(row["set"]) for row in rows))
    layout = f"{{:{wide[0]}}}  {{:{wide[1]}}}  {{:>5}}  {{:>8}}  {{:>8}}  {{:>8}}  {{:>8}}  {{:>8}}  {{:>9}}  {{}}"

    def show(cells):
        print(layout.format(*cells).rstrip(), flush=True)

    show(["network", "set", "sigma", "PSNR", "expected", "diff", "SSIM", "expected", "diff", ""])
    began, outside, shown, done, running, terminal = time.monotonic(), 0, 0, [], [], sys.stderr.isatty()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        try:
            waiting = [pool.submit(evaluate, line, running) for line in lines]
            while shown < len(rows):
                count = len(done)
                concurrent.futures.wait([one for one in waiting if not one.done()], 1, concurrent.futures.FIRST_COMPLETED)
                done = [index for index, one in enumerate(waiting) if one.done()]
                if terminal:
                    sys.stderr.write("\r\033[K")
                while shown in done:
                    cells, good = compare(rows[shown], waiting[shown].result()[0])
                    show(cells)
                    shown, outside = shown + 1, outside + (not good)
                if terminal or len(done) > count:
                    seconds = [waiting[index].result()[1] for index in done]
                    tell(time.monotonic() - began, loads, dict(zip(done, seconds)), options.jobs, "" if terminal else "\n")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise
        finally:
            if terminal:
                sys.stderr.write("\r\033[K")
    return outside


def tell(passed, loads, seconds, jobs, end):
    """How far the run is; `seconds` are those of the rows that are done."""
    ahead = [load for index, load in enumerate(loads) if index not in seconds]
    rate = sum(loads[index] for index in seconds) / max(1e-9, sum(seconds.values()))
    left = f", about {math.ceil(sum(ahead) / rate / min(jobs, len(ahead)) / 60)} min left" if ahead and rate else ""
    sys.stderr.write(f"{len(seconds)} of {len(loads)} rows, {passed:.0f} s{left}{end}")
    sys.stderr.flush()


def folder(text, option, variable):
    if not text:
        raise InputError(f"{option}: which folder? (name it, or set {variable})")
    if not os.path.isdir(text):
        raise InputError(f"{option}: {text}: no such folder")
    return pathlib.Path(text)


class OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def main():
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    variables = os.environ
    parser.add_argument("--weights", metavar="DIR", default=variables.get("HALCYON_WEIGHTS"), help="default: $HALCYON_WEIGHTS")
    parser.add_argument("--data", metavar="DIR", default=variables.get("HALCYON_DATA"), help="default: $HALCYON_DATA")
    parser.add_argument("--table", metavar="FILE", type=pathlib.Path, default=HERE / "published.csv",
                        help="default: published.csv of its folder")
    parser.add_argument("--rows", metavar="FILTER", default="", help="column=value,...: only these rows")
    parser.add_argument("--sets", metavar="LIST", default="", help="the networks of the rows on these sets instead")
    parser.add_argument("--sigmas", metavar="LIST", default="", help="the networks of the rows at these noise levels instead")
    parser.add_argument("--halcyon", metavar="PATH", type=pathlib.Path, default=REPOSITORY / ".build" / "release" / "halcyon",
                        help="default: .build/release/halcyon of the repository")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="rows at a time, a thread each (default: 2)")
    options = parser.parse_args()
    try:
        options.weights = folder(options.weights, "--weights", "HALCYON_WEIGHTS")
        options.data = folder(options.data, "--data", "HALCYON_DATA")
        if not os.access(options.halcyon, os.X_OK) or options.halcyon.is_dir():
            raise InputError(f"--halcyon: {options.halcyon}: no such program (run `make build` first)")
        if options.jobs < 1:
            raise InputError(f"--jobs: expected at least 1, found {options.jobs}")
        rows = selected(read_table(options.table), options.rows)
        sigmas = [number(word, "--sigmas", 0, 1000) for word in options.sigmas.split(",") if word]
        if options.sets or sigmas:
            rows = list(spread(rows, [word for word in options.sets.split(",") if word], sigmas))
        outside = run(rows, options)
    except (InputError, RuntimeError) as error:
        print(f"published.py: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        return 130
    expected = sum(row["psnr_db"] is not None or row["ssim"] is not None for row in rows)
    print(f"{expected - outside} of {expected} rows within {TOLERANCES['psnr_db']} dB and {TOLERANCES['ssim']} SSIM"
          if expected else "no expected numbers to compare with")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
