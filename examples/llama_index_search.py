"""Semantic search with LlamaIndex: Debian packages in a RedisVectorStore, found by what they are for.

    pip install 'llama-index-vector-stores-redis>=0.9,<0.10'
    python examples/llama_index_search.py [--port 6379] [--question 0] [--section python]

Loads the bundled packages into an index called `debian`, asks a question and drops the index with its documents again.
"""

from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.vector_stores.redis import RedisVectorStore
from redisvl.schema import IndexSchema

import debian

SCHEMA = {
    "index": {"name": "debian", "prefix": "debian"},
    "fields": [
        {"name": "id", "type": "tag"},
        {"name": "doc_id", "type": "tag"},
        {"name": "text", "type": "text"},
        {"name": "section", "type": "tag"},
        {"name": "vector", "type": "vector", "attrs": {"algorithm": "hnsw", "dims": debian.DIMENSION, "distance_metric": "cosine"}},
    ],
}


def node(package):
    """A package as LlamaIndex keeps it."""
    about = {"section": package["section"]}
    return TextNode(id_=package["name"], text=package["desc"], metadata=about, embedding=package["vector"].tolist())


def main():
    given = debian.given()
    schema = IndexSchema.from_dict(SCHEMA)
    store = RedisVectorStore(schema, redis_url=f"redis://localhost:{given.port}", overwrite=True)
    try:
        nodes = [node(package) for package in debian.packages()]
        store.add(nodes)
        text, vector = debian.question(given.question)
        section = MetadataFilters(filters=[MetadataFilter(key="section", value=given.section)]) if given.section else None
        count = sum(given.section in (None, node.metadata["section"]) for node in nodes)
        found = store.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=5, filters=section))
        # Where nothing is found, the store says None.
        near = zip(found.similarities or [], found.nodes or [])
        debian.show(text, count, [(1 - similarity, hit.node_id, hit.metadata["section"], hit.text) for similarity, hit in near])
    finally:
        store.delete_index()


if __name__ == "__main__":
    main()
