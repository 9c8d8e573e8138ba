"""Filtered searches of the packages in turns: Rhumb (benches/filtered.rs, which defines the cases), hnswlib's filter callback and
Qdrant Edge with an index on the field; recall@10 against the exact nearest of those that pass, hits that are missing, CPU time.

    filtered.py OUT FILTERED [--quick] [--core N] [--rounds N]      OUT holds sets.json; writes OUT/filtered.json
    filtered.py --engine ENGINE OUT                                 one of the peers, for the first form
"""

import argparse
import functools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import engines
import sets

K, EF, M, EF_CONSTRUCTION = sets.K, 100, 16, 200
QUERIES, REGIONS = 200, 8
SHARES = [0.5, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0002]
CASES = [("all", 1)] + [(kind, share) for kind in ("random", "near", "far") for share in SHARES]
OURS = {"Rhumb F32": "F32", "Rhumb Q8": "Q8"}
PEERS = ["hnswlib f32", "Qdrant Edge int8"]


class Ground:
    """Base and queries, and for each row its place in an order of chance and in the orders around the first rows."""

    def __init__(self, data_set):
        self.base, queries, _ = sets.load(data_set)
        self.queries = queries[:QUERIES]
        chance = np.random.default_rng(1).permutation(len(self.base))
        around = [(-(self.base @ middle)).argsort(kind="stable").argsort() for middle in self.base[:REGIONS]]
        self.orders = np.stack([chance, *around], axis=1)
        self.nearness = self.queries @ self.base.T
        middles = self.nearness[:, :REGIONS]
        self.columns = {"near": 1 + middles.argmax(axis=1), "far": 1 + middles.argmin(axis=1)}

    def column(self, kind, query):
        return int(self.columns[kind][query]) if kind in self.columns else 0

    def bound(self, share):
        return max(1, round(len(self.base) * share))

    @functools.cache
    def truths(self, kind, share):
        """The true hits of each query."""
        truths = []
        for query, nearness in enumerate(self.nearness):
            passing = np.flatnonzero(self.orders[:, self.column(kind, query)] < self.bound(share))
            truths.append(set(passing[np.argsort(-nearness[passing])[:K]].tolist()))
        return truths


class HnswlibFiltered(engines.Hnswlib):
    def __init__(self, ground):
        super().__init__(ground.base, "cosine", M, EF_CONSTRUCTION)
        self.index.set_ef(EF)

    def prepare(self, ground, kind, share):
        if share == 1:
            return ([(query, None) for query in ground.queries],)
        masks = [(ground.orders[:, column] < ground.bound(share)).tolist() for column in range(REGIONS + 1)]
        return ([(row, masks[ground.column(kind, query)].__getitem__) for query, row in enumerate(ground.queries)],)

    def search(self, asked):
        return [self.search_one(query, passes) for query, passes in asked]

    def search_one(self, query, passes):
        # It refuses to return fewer than it was asked for: then it is asked for fewer.
        for k in range(K, 0, -1):
            try:
                return self.index.knn_query(query, k, num_threads=1, filter=passes)[0][0].tolist()
            except RuntimeError:
                pass
        return []


class QdrantFiltered(engines.QdrantEdge):
    def __init__(self, ground):
        fields = [f"o{column}" for column in range(REGIONS + 1)]
        payload = lambda row: dict(zip(fields, ground.orders[row].tolist()))
        super().__init__(ground.base, "cosine", M, EF_CONSTRUCTION, payload, fields)

    def prepare(self, ground, kind, share):
        q = self.q
        below = q.RangeFloat(lt=float(ground.bound(share)))
        condition = lambda query: q.Filter(must=[q.FieldCondition(f"o{ground.column(kind, query)}", range=below)])
        filters = None if share == 1 else [condition(query) for query in range(len(ground.queries))]
        return super().prepare(ground.queries, EF, filters)


def serve(name, out):
    ground = Ground(sets.find(out, "packages"))
    engine = (HnswlibFiltered if "hnswlib" in name else QdrantFiltered)(ground)
    engines.tell(rows=len(ground.base))
    for line in sys.stdin:
        kind, share, _ = line.split()
        asked = engine.prepare(ground, kind, float(share))
        cpu = time.process_time()
        found = engine.search(*asked)
        cpu = time.process_time() - cpu
        truths = ground.truths(kind, float(share))
        wanted = sum(map(len, truths))
        engines.tell(
            recall=sum(len(truth & set(hits)) for truth, hits in zip(truths, found)) / wanted,
            missing=wanted - sum(map(len, found)),
            us=cpu * 1e6 / len(ground.queries),
        )
    if hasattr(engine, "close"):
        engine.close()


def start(name, options):
    data_set = sets.find(options.out, "packages")
    if name in OURS:
        files = [word for part in ("base", "queries", "truth") for word in (f"--{part}", data_set[part])]
        command = [options.filtered, "--bench", "--turns", "--type", OURS[name], *files]
    else:
        command = [sys.executable, __file__, "--engine", name, options.out]
    pinned = ["taskset", "-c", str(options.core), *command]
    process = subprocess.Popen(pinned, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    print(f"{name} built", flush=True)
    return process


def turn(process, kind, share):
    process.stdin.write(f"{kind} {share} {EF}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def main():
    words = argparse.ArgumentParser()
    words.add_argument("out", type=Path)
    words.add_argument("filtered", nargs="?")
    words.add_argument("--engine")
    words.add_argument("--quick", action="store_true")
    words.add_argument("--core", type=int, default=0)
    words.add_argument("--rounds", type=int, default=3)
    options = words.parse_args()
    if options.engine:
        return serve(options.engine, options.out)
    running = {name: start(name, options) for name in [*OURS, *PEERS]}
    told = {name: {case: [] for case in CASES} for name in running}
    for round in range(options.rounds):
        for case in CASES:
            for name, process in running.items():
                told[name][case].append(turn(process, *case))
        print(f"round {round + 1} of {options.rounds}", flush=True)
    for process in running.values():
        process.stdin.close()
        process.wait()
    results = [
        {
            "engine": name,
            "kind": kind,
            "share": share,
            **rounds[0],
            "us": statistics.median(one["us"] for one in rounds),
        }
        for name, cases in told.items()
        for (kind, share), rounds in cases.items()
    ]
    (options.out / "filtered.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
