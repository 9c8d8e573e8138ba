"""llama-index's vector store: nodes added, found, filtered and deleted, also asynchronously. Arguments: port, protocol version.

The store stands on redisvl 0.4 and redis-py 5, which read FT.INFO of RESP2 alone: it asks for RESP2, whatever version is wanted here.
"""

import asyncio
import sys

import redis
import redis.asyncio
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.vector_stores.redis import RedisVectorStore
from redisvl.schema import IndexSchema

from words import DIMENSION, embed

server = {"port": int(sys.argv[1])}
client = redis.Redis(**server)
client.flushall()

SCHEMA = {
    "index": {"name": "notes", "prefix": "note", "key_separator": ":"},
    "fields": [
        {"name": "id", "type": "tag"},
        {"name": "doc_id", "type": "tag"},
        {"name": "text", "type": "text"},
        {"name": "kind", "type": "tag"},
        {"name": "year", "type": "numeric"},
        {"name": "vector", "type": "vector", "attrs": {"dims": DIMENSION, "algorithm": "hnsw", "distance_metric": "cosine"}},
    ],
}


def node(name, text, kind, year, document):
    """A node with its vector, a part of a document."""
    source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)}
    return TextNode(id_=name, text=text, metadata={"kind": kind, "year": year}, embedding=embed(text), relationships=source)


nodes = [
    node("stove", "the cat sleeps on the warm stove", "animal", 2020, "house"),
    node("chase", "the dog runs after the cat", "animal", 2022, "yard"),
    node("bread", "bread is baked in a stove", "food", 2024, "house"),
    node("rain", "rain falls on the hills", "weather", 2024, "hills"),
]


def query(text, k, *filters, condition=FilterCondition.AND):
    """What a store is asked for."""
    filters = MetadataFilters(filters=list(filters), condition=condition) if filters else None
    return VectorStoreQuery(query_embedding=embed(text), similarity_top_k=k, filters=filters)


def where(key, operator, value):
    return MetadataFilter(key=key, operator=operator, value=value)


def names(result):
    return [found.node_id for found in result.nodes]


ANIMALS = where("kind", FilterOperator.EQ, "animal")
LATE = where("year", FilterOperator.GTE, 2022)


def check_store():
    store = RedisVectorStore(IndexSchema.from_dict(SCHEMA), redis_client=client, overwrite=True)
    assert len(store.add(nodes)) == 4 and store.index_exists() and client.dbsize() == 4

    found = store.query(query("the cat sleeps", 2))
    assert names(found) == ["stove", "chase"] and found.nodes[0].metadata == {"kind": "animal", "year": 2020}
    assert found.nodes[0].text == nodes[0].text and 1 > found.similarities[0] > found.similarities[1] > 0, found.similarities
    assert names(store.query(query("the cat", 4, ANIMALS, LATE))) == ["chase"]
    either = query("the cat on a stove", 4, where("kind", FilterOperator.EQ, "weather"), LATE, condition=FilterCondition.OR)
    assert sorted(names(store.query(either))) == ["bread", "chase", "rain"]
    assert names(store.query(query("cat", 4, where("kind", FilterOperator.NE, "animal"), where("year", FilterOperator.LT, 2020)))) == []
    foods = where("kind", FilterOperator.IN, ["food", "weather"])
    assert sorted(names(store.query(query("cat", 4, foods)))) == ["bread", "rain"]
    match = where("text", FilterOperator.TEXT_MATCH, "hill*")
    assert names(store.query(query("cat", 4, match))) == ["rain"]

    assert sorted(found.node_id for found in store.get_nodes(["stove", "rain"])) == ["rain", "stove"]
    assert [found.node_id for found in store.get_nodes(filters=MetadataFilters(filters=[ANIMALS, LATE]))] == ["chase"]
    store.delete("house")
    assert sorted(names(store.query(query("the cat on a stove", 4)))) == ["chase", "rain"]
    store.delete_nodes(["rain"])
    assert client.dbsize() == 1
    store.persist("")
    store.delete_index()
    assert not store.index_exists() and client.dbsize() == 0


async def check_asynchronous_store():
    connection = redis.asyncio.Redis(**server)
    store = RedisVectorStore(IndexSchema.from_dict(SCHEMA), redis_client_async=connection)
    await store.async_add(nodes)
    answers = await asyncio.gather(*(store.aquery(query("the cat sleeps", 2, ANIMALS)) for _ in range(20)))
    assert all(names(answer) == ["stove", "chase"] for answer in answers)
    assert [found.node_id for found in await store.aget_nodes(["bread"])] == ["bread"]
    await store.adelete("house")
    assert sorted(names(await store.aquery(query("the cat", 4)))) == ["chase", "rain"]
    await store.async_delete_index()
    await connection.aclose()


check_store()
asyncio.run(check_asynchronous_store())
client.flushall()
