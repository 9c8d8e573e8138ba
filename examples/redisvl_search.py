"""Semantic search with redisvl: Debian packages found by what they are for.

    pip install 'redisvl>=0.28,<1' 'numpy>=2,<3'
    python examples/redisvl_search.py [--port 6379] [--question 0] [--section python]

Loads the bundled 3,000 packages (data/) as hashes into an index called `debian`, asks one of the 100 bundled questions and drops
the index with its hashes again. The vectors of packages and questions were computed beforehand (data/README.md says how): no
model is needed here. For questions of your own, embed them with the same model.
"""

import argparse
import json
import pathlib

import numpy
from redisvl.index import SearchIndex
from redisvl.query import CountQuery, VectorQuery
from redisvl.query.filter import Tag

DATA = pathlib.Path(__file__).parents[1] / "data"
SCHEMA = {
    "index": {"name": "debian", "prefix": "debian", "storage_type": "hash"},
    "fields": [
        {"name": "section", "type": "tag"},
        {"name": "size", "type": "numeric"},
        {"name": "desc", "type": "text"},
        {
            "name": "vector",
            "type": "vector",
            "attrs": {"algorithm": "hnsw", "dims": 384, "distance_metric": "cosine", "datatype": "float32", "ef_runtime": 100},
        },
    ],
}


def packages():
    """Every package with its vector, as a hash holds it."""
    vectors = numpy.load(DATA / "debian-3000.f16.npy").astype("<f4")
    with (DATA / "debian-3000.meta.jsonl").open() as lines:
        for vector, line in zip(vectors, lines, strict=True):
            yield {**json.loads(line), "vector": vector.tobytes()}


def question(number):
    """The text of a bundled question and its vector."""
    text = (DATA / "debian-3000.queries.txt").read_text().splitlines()[number]
    return text, numpy.load(DATA / "debian-3000.queries.f16.npy").astype("<f4")[number]


def main():
    arguments = argparse.ArgumentParser(description="Finds Debian packages by what they are for.")
    arguments.add_argument("--port", type=int, default=6379)
    arguments.add_argument("--question", type=int, default=0, help="0 to 99")
    arguments.add_argument("--section", help="only packages of this Debian section")
    given = arguments.parse_args()

    index = SearchIndex.from_dict(SCHEMA, redis_url=f"redis://localhost:{given.port}")
    index.create(overwrite=True, drop=True)
    try:
        index.load(packages(), id_field="name")
        section = Tag("section") == given.section if given.section else None
        count = index.query(CountQuery(section))
        text, vector = question(given.question)
        print(f"{text}\n\nThe nearest of {count} packages:")
        query = VectorQuery(vector.tolist(), "vector", ["name", "section", "desc"], section, num_results=5)
        for hit in index.query(query):
            print(f"{float(hit['vector_distance']):.3f}  {hit['name']} ({hit['section']}): {hit['desc']}")
    finally:
        index.delete(drop=True)


if __name__ == "__main__":
    main()
