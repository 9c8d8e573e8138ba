"""Builds every engine's index over every data set, each in a process of its own on one core, then lets them search in turns:
in each round each engine passes once over the queries with each effort, so that a busy machine disturbs all alike.

    side_by_side.py OUT IN_PROCESS [--quick] [--core N] [--rounds N] [--engines NAME,...] [--sets NAME,...]

OUT holds sets.json; IN_PROCESS is the built bench of that name. Writes OUT/in-process.json.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import engines

M, EF_CONSTRUCTION = 16, 200
EFS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 480]
LISTS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192]
OURS = {
    "Rhumb F32": ["--type", "F32"],
    "Rhumb F32, WALK Q4": ["--type", "F32", "--walk", "Q4"],
    "Rhumb F16": ["--type", "F16"],
    "Rhumb Q8": ["--type", "Q8"],
}
NAMES = list(OURS) + list(engines.ENGINES)


class Engine:
    """A process that builds an index and then answers efforts."""

    def __init__(self, name, data_set, options):
        self.name, self.passes = name, {}
        pinned = ["taskset", "-c", str(options.core)]
        self.process = subprocess.Popen(
            pinned + command(name, data_set, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.built = json.loads(self.process.stdout.readline())

    def efforts(self, quick):
        return (LISTS if "IVF" in self.name else EFS)[:: 3 if quick else 1]

    def turn(self, effort):
        self.process.stdin.write(f"{effort}\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        self.passes.setdefault(effort, []).append(told)

    def results(self):
        """The median of the rounds, and the rounds."""
        for effort, passes in self.passes.items():
            speeds = [told["queries_per_s"] for told in passes]
            yield {
                "ef": effort,
                "recall": passes[0]["recall"],
                "queries_per_s": statistics.median(speeds),
                "rounds": speeds,
            }

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def command(name, data_set, options):
    if name not in OURS:
        peer = Path(engines.__file__)
        return [sys.executable, peer, name, options.out, data_set["name"], str(M), str(EF_CONSTRUCTION)]
    files = [word for part in ("base", "queries", "truth") for word in (f"--{part}", data_set[part])]
    graph = ["--metric", data_set["metric"], "--m", str(M), "--ef-construction", str(EF_CONSTRUCTION)]
    return [options.in_process, "--bench", "--turns", *OURS[name], *files, *graph]


def measure(data_set, options):
    running = []
    for name in options.engines:
        if data_set["metric"] not in getattr(engines.ENGINES.get(name), "metrics", [data_set["metric"]]):
            continue
        engine = Engine(name, data_set, options)
        print(f"{data_set['name']}: {name} built in {engine.built['build_wall_s']:.1f} s", flush=True)
        running.append(engine)
    for round in range(options.rounds):
        # Whoever goes first in one round goes later in the next.
        first = round % len(running)
        for engine in running[first:] + running[:first]:
            for effort in engine.efforts(options.quick):
                engine.turn(effort)
        print(f"{data_set['name']}: round {round + 1} of {options.rounds}", flush=True)
    results = {engine.name: {"build": engine.built, "searches": list(engine.results())} for engine in running}
    for engine in running:
        engine.end()
    return results


def main():
    words = argparse.ArgumentParser()
    words.add_argument("out", type=Path)
    words.add_argument("in_process")
    words.add_argument("--quick", action="store_true")
    words.add_argument("--core", type=int, default=0)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--engines", type=lambda text: text.split(","), default=NAMES)
    words.add_argument("--sets", type=lambda text: text.split(","))
    options = words.parse_args()
    data_sets = json.loads((options.out / "sets.json").read_text())
    results = {}
    for data_set in data_sets:
        if options.sets and data_set["name"] not in options.sets:
            continue
        results[data_set["name"]] = {"metric": data_set["metric"], "engines": measure(data_set, options)}
        (options.out / "in-process.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
