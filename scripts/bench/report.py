"""Tables and plots of what scripts/bench-peers measured.

    report.py OUT COMMAND_LINE [--quick]

Reads OUT/*.json, prints the tables, writes them between the markers of docs/benchmarks.md and the plots to docs/plots/; with
--quick both go to OUT.
"""

import bisect
import datetime
import json
import math
import subprocess
import sys
from pathlib import Path

import plot
import sets

DOCS = sets.ROOT / "docs"
MARKERS = "<!-- bench-peers begin -->", "<!-- bench-peers end -->"
RECALLS = [0.90, 0.95, 0.99]
BASELINE = "hnswlib f32"


def frontier(points):
    """Of (recall, speed) those that no other one beats in both, by recall."""
    best = []
    for recall, speed in sorted(points, reverse=True):
        if not best or speed > best[-1][1]:
            best.append((recall, speed))
    return best[::-1]


def speed_at(points, recall):
    """Queries a second at this recall, on a straight line between the logarithms of the speeds on both sides; none above the
    highest recall that was reached; below the lowest one its speed, for there is nothing faster."""
    points = frontier(points)
    at = bisect.bisect_left([r for r, _ in points], recall)
    if at == len(points):
        return None
    if at == 0:
        return points[0][1]
    (r0, s0), (r1, s1) = points[at - 1], points[at]
    along = (recall - r0) / (r1 - r0)
    return math.exp(math.log(s0) * (1 - along) + math.log(s1) * along)


def table(head, rows):
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def number(value, form=",.0f"):
    return "-" if value is None else format(value, form)


def points_of(engine):
    return [(search["recall"], search["queries_per_s"]) for search in engine["searches"]]


def ratios(speeds, others):
    """Of each recall the ratio of two speeds."""
    return [number(a / b if a and b else None, ".2f") for a, b in zip(speeds, others)]


def in_process(name, result, plots):
    engines = result["engines"]
    speeds = {engine: [speed_at(points_of(e), r) for r in RECALLS] for engine, e in engines.items()}
    built = next(iter(engines.values()))["build"]
    title = f"{name}, {built['rows']:,} x {built['dim']}, {result['metric']}"
    (plots / f"{name}.svg").write_text(plot.plot(title, {e: points_of(engines[e]) for e in engines}))
    rows = [
        [
            engine,
            *[number(speed) for speed in speeds[engine]],
            f"{max(r for r, _ in points_of(told)):.4f}",
            number(told["build"]["build_cpu_s"], ".1f"),
            number(told["build"]["resident_bytes_each"]),
        ]
        for engine, told in engines.items()
    ]
    head = ["engine", *[f"queries/s at {r:.2f}" for r in RECALLS], "highest recall", "build, CPU s", "resident bytes an element"]
    return f"### {title}\n\n![recall against speed](plots/{name}.svg)\n\n" + table(head, rows) + "\n" + compared(speeds)


def compared(speeds):
    """Our engines' speeds as multiples of hnswlib's and of the best peer's at each recall."""
    peers = {engine: s for engine, s in speeds.items() if not engine.startswith("Rhumb")}
    best = [max((s[at] or 0, engine) for engine, s in peers.items()) for at in range(len(RECALLS))]
    rows = []
    for engine in (engine for engine in speeds if engine.startswith("Rhumb")):
        if BASELINE in peers:
            rows.append([engine, BASELINE, *ratios(speeds[engine], peers[BASELINE])])
        rows.append([engine, "best peer (" + ", ".join(name for _, name in best) + ")", *ratios(speeds[engine], [s for s, _ in best])])
    return table(["speed of", "to that of", *[f"at {r:.2f}" for r in RECALLS]], rows) if peers else ""


def filtered(results):
    engines = list(dict.fromkeys(result["engine"] for result in results))
    cells = {(r["engine"], r["kind"], r["share"]): r for r in results}
    rows = []
    for kind, share in dict.fromkeys((r["kind"], r["share"]) for r in results):
        row = ["no filter" if kind == "all" else f"{kind}, {share * 100:g} %"]
        for engine in engines:
            told = cells[engine, kind, share]
            missing = f" ({told['missing']} missing)" if told["missing"] else ""
            row.append(f"{told['recall']:.3f}{missing} in {told['us']:,.0f} us" + (f", {told['plan']}" if "plan" in told else ""))
        rows.append(row)
    return "### Filtered searches of the packages, ef 100\n\n" + table(["passing", *engines], rows)


# Heading, and the runs of rhumb bench under it with what their searches are called.
WIRE = [
    ("small commands", {"commands": ""}),
    ("vector sets, Q8", {"Q8-add": "", "Q8": "VSIM", "Q8-nothread": "VSIM NOTHREAD"}),
    ("vector sets, NOQUANT", {"NOQUANT-add": "", "NOQUANT": "VSIM", "NOQUANT-nothread": "VSIM NOTHREAD"}),
    ("searches beside a connection that adds 16 vectors at a time without a pause", {"writer": "VSIM"}),
]


def wire(title, runs):
    """One table of several runs, given as (what a search is called, result)."""
    rows, notes = [], []
    for search, result in runs:
        versions = {server["name"]: server["version"] for server in result["servers"]}
        rows += [wire_row(line, search, versions[line["server"]]) for line in result["lines"]]
        each = [f"{s['version']} {s['bytes_per_vector']:,}" for s in result["servers"] if s["bytes_per_vector"]]
        notes += [f"\nBytes an element, all in: {', '.join(each)}.\n"] if each else []
        notes += [cpu_ratios(search, result)]
    head = ["command", "server", "a second", "p50 ms", "p99 ms", "server CPU us", "recall@10"]
    return f"### Over the wire: {title}\n\n" + table(head, rows) + "".join(notes)


def wire_row(line, search, server):
    command = line["command"] if line["ef"] is None else f"{search}, EF {line['ef']}"
    beside = f" beside {line['added_per_second']:,.0f} VADD/s" if line["beside_writer"] else ""
    return [
        command + beside,
        server,
        number(line["per_second"]),
        f"{line['p50_ms']:.3f}",
        f"{line['p99_ms']:.3f}",
        number(line["cpu_us"], ".1f"),
        number(line["recall"], ".4f"),
    ]


def cpu_ratios(search, result):
    """Server CPU of a search at equal recall."""
    costs = {}
    for line in result["lines"]:
        if line["recall"] is not None and line["cpu_us"]:
            costs.setdefault(line["server"], []).append((line["recall"], 1 / line["cpu_us"]))
    if len(costs) != 2:
        return ""
    ours, theirs = costs.values()
    told = [(r, speed_at(ours, r), speed_at(theirs, r)) for r in (0.93, 0.95, 0.96, 0.98, 0.99, 0.995)]
    told = [f"{theirs / ours:.2f} at {r}" for r, ours, theirs in told if ours and theirs]
    return f"\nServer CPU of {search}, Rhumb's to the peer's at equal recall: {', '.join(told)}.\n" if told else ""


def head(command_line):
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "unknown processor")
    run = lambda *words: subprocess.run(words, capture_output=True, text=True).stdout.strip()
    commit = run("git", "rev-parse", "--short", "HEAD") or "no commit"
    load = open("/proc/loadavg").read().split()[1]
    return (
        f"    {command_line}\n\n{model}, {run('nproc')} processors, load over the last five minutes {load}; "
        f"{datetime.date.today()}, commit {commit}.\n"
    )


def main():
    out, command_line, quick = Path(sys.argv[1]), sys.argv[2], "--quick" in sys.argv
    plots = (out if quick else DOCS) / "plots"
    plots.mkdir(exist_ok=True)
    read = lambda name: json.loads((out / name).read_text()) if (out / name).exists() else {}
    parts = [head(command_line)]
    parts += [in_process(name, result, plots) for name, result in read("in-process.json").items()]
    parts += [filtered(told)] if (told := read("filtered.json")) else []
    for title, runs in WIRE:
        found = [(search, result) for run, search in runs.items() if (result := read(f"wire-{run}.json"))]
        parts += [wire(title, found)] if found else []
    whole = "\n".join(parts)
    print(whole)
    page = out / "tables.md" if quick else DOCS / "benchmarks.md"
    if not quick:
        before, after = page.read_text().split(MARKERS[0])[0], page.read_text().split(MARKERS[1])[1]
        whole = f"{before}{MARKERS[0]}\n{whole}{MARKERS[1]}{after}"
    page.write_text(whole)
    print(f"written to {page} and {plots}")


if __name__ == "__main__":
    main()
