"""Semantic search with redisvl: Debian packages found by what they are for.

    pip install 'redisvl>=0.28,<1' 'numpy>=2,<3'
    python examples/redisvl_search.py [--port 6379] [--question 0] [--section python]

Loads the bundled packages as hashes into an index called `debian`, asks a question and drops the index with its hashes again.
"""

from redisvl.index import SearchIndex
from redisvl.query import CountQuery, VectorQuery
from redisvl.query.filter import Tag

import debian

SCHEMA = {
    "index": {"name": "debian", "prefix": "debian", "storage_type": "hash"},
    "fields": [
        {"name": "section", "type": "tag"},
        {"name": "size", "type": "numeric"},
        {"name": "desc", "type": "text"},
        {
            "name": "vector",
            "type": "vector",
            "attrs": {"algorithm": "hnsw", "dims": debian.DIMENSION, "distance_metric": "cosine", "datatype": "float32"},
        },
    ],
}


def main():
    given = debian.given()
    index = SearchIndex.from_dict(SCHEMA, redis_url=f"redis://localhost:{given.port}")
    index.create(overwrite=True, drop=True)
    try:
        index.load(({**package, "vector": package["vector"].tobytes()} for package in debian.packages()), id_field="name")
        text, vector = debian.question(given.question)
        section = Tag("section") == given.section if given.section else None
        query = VectorQuery(vector.tolist(), "vector", ["name", "section", "desc"], section, num_results=5)
        hits = [(hit["vector_distance"], hit["name"], hit["section"], hit["desc"]) for hit in index.query(query)]
        debian.show(text, index.query(CountQuery(section)), hits)
    finally:
        index.delete(drop=True)


if __name__ == "__main__":
    main()
