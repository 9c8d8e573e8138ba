"""Semantic search with redis-py: Debian packages, kept as JSON, found by what they are for.

    pip install 'redis>=8,<9' 'numpy>=2,<3'
    python examples/redis_py_search.py [--port 6379] [--question 0] [--section python]

Loads the bundled packages as JSON documents into an index called `debian`, asks a question and drops the index with its documents.
"""

import redis
from redis.commands.search.field import NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType
from redis.commands.search.query import Query

import debian

VECTOR = {"TYPE": "FLOAT32", "DIM": debian.DIMENSION, "DISTANCE_METRIC": "COSINE"}
SCHEMA = (
    TagField("$.section", as_name="section"),
    NumericField("$.size", as_name="size"),
    TextField("$.desc", as_name="desc"),
    VectorField("$.vector", "HNSW", VECTOR, as_name="vector"),
)


def main():
    given = debian.given()
    client = redis.Redis(port=given.port, decode_responses=True)
    index = client.ft("debian")
    if "debian" in client.execute_command("FT._LIST"):
        # A run before this one did not come to its end.
        index.dropindex(delete_documents=True)
    index.create_index(SCHEMA, definition=IndexDefinition(prefix=["debian:"], index_type=IndexType.JSON))
    try:
        with client.pipeline(transaction=False) as pipe:
            for package in debian.packages():
                pipe.json().set(f"debian:{package['name']}", "$", {**package, "vector": package["vector"].tolist()})
            pipe.execute()
        text, vector = debian.question(given.question)
        # A parameter, since names like gnu-r would have to be escaped in the query.
        section = "@section:{$section}" if given.section else "*"
        params = {"section": given.section or "", "vector": vector.tobytes()}
        count = index.search(Query(section).paging(0, 0), params).total
        query = Query(f"({section})=>[KNN 5 @vector $vector AS distance]").sort_by("distance")
        query = query.return_fields("distance", "$.name", "section", "desc")
        found = index.search(query, params)
        debian.show(text, count, [(hit.distance, hit["$.name"], hit.section, hit.desc) for hit in found.docs])
    finally:
        index.dropindex(delete_documents=True)


if __name__ == "__main__":
    main()
