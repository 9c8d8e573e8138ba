"""The data sets of scripts/bench-peers, as .npy files that every engine reads.

    sets.py OUT [--quick]             writes OUT/sets.json and, where they are not there yet, the files that it names
    sets.py OUT --show SET PART       prints the file of a set's base, queries or truth

packages   63,431 x 384, cosine: real text embeddings, from the directory that RHUMB_DATA names or ../shared/data;
           where it is missing the 3,000 of data/
clustered  200,000 x 128, L2: made up here, the same numbers each time
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
K = 10


def packages(quick):
    large = Path(os.environ.get("RHUMB_DATA", ROOT / "../shared/data")) / "debian-minilm-384"
    if quick or not Path(f"{large}.f16.npy").exists():
        large = ROOT / "data/debian-3000"
    return {
        "name": "packages",
        "metric": "cosine",
        "base": f"{large}.f16.npy",
        "queries": f"{large}.queries.f16.npy",
        "truth": f"{large}.gt.npy",
    }


def clustered(out, rows, queries=1000, dim=128):
    stem = f"{out}/clustered-{rows}"
    files = {part: f"{stem}.{part}.npy" for part in ("base", "queries", "truth")}
    if not all(Path(file).exists() for file in files.values()):
        base, asked = draw(rows, queries, dim)
        np.save(files["base"], base)
        np.save(files["queries"], asked)
        np.save(files["truth"], nearest_l2(base, asked))
    return {"name": "clustered", "metric": "l2", **files}


def draw(rows, queries, dim, latent=24):
    """100 clusters of 100 clusters, of various size and spread, in `latent` directions of the space, and a little noise in all.
    benches/bed/data.rs has the same model with other numbers."""
    dice = np.random.default_rng(7)
    coarse = dice.normal(size=(100, 1, latent))
    centres = (coarse + 0.6 * dice.normal(size=(100, 100, latent))).reshape(-1, latent)
    spreads = 0.5 * np.exp(0.4 * dice.normal(size=(len(centres), 1)))
    directions = dice.normal(size=(latent, dim)) / np.sqrt(latent)
    # The cube of an even number: a few clusters hold many, most hold few.
    cluster = (dice.random(rows + queries) ** 3 * len(centres)).astype(int)
    inside = centres[cluster] + spreads[cluster] * dice.normal(size=(rows + queries, latent))
    vectors = inside @ directions + 0.15 * dice.normal(size=(rows + queries, dim))
    vectors = vectors.astype(np.float32)
    return vectors[:rows], vectors[rows:]


def nearest_l2(base, queries):
    norms = (base**2).sum(axis=1)
    rows = []
    for part in np.array_split(queries, max(1, len(queries) // 50)):
        distances = norms - 2 * part @ base.T
        best = np.argpartition(distances, K, axis=1)[:, :K]
        order = np.take_along_axis(distances, best, axis=1).argsort(axis=1)
        rows.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(rows).astype(np.int32)


def load(data_set):
    """Base and queries as f32, normalised where cosine counts, and the true neighbours."""
    base, queries = (np.load(data_set[part]).astype(np.float32) for part in ("base", "queries"))
    if data_set["metric"] == "cosine":
        base, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (base, queries))
    return base, queries, np.load(data_set["truth"])[:, :K]


def find(out, name):
    """The data set of this name."""
    (found,) = (data_set for data_set in json.loads(Path(out, "sets.json").read_text()) if data_set["name"] == name)
    return found


if __name__ == "__main__":
    out, words = sys.argv[1], sys.argv[2:]
    if "--show" in words:
        _, name, part = words
        print(find(out, name)[part])
    else:
        quick = "--quick" in words
        os.makedirs(out, exist_ok=True)
        data_sets = [packages(quick), clustered(out, 10_000 if quick else 200_000)]
        Path(out, "sets.json").write_text(json.dumps(data_sets, indent=1))
