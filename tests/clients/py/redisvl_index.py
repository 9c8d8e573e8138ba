"""redisvl: an index over hashes and one over JSON, and its kinds of query, also asynchronous. Arguments: port, protocol version."""

import asyncio
import sys

import numpy
import redis
import redis.asyncio
from redisvl.index import AsyncSearchIndex, SearchIndex
from redisvl.query import AggregateHybridQuery, CountQuery, FilterQuery, MultiVectorQuery, RangeQuery, TextQuery, Vector, VectorQuery
from redisvl.query.filter import Geo, GeoRadius, Num, Tag, Text

# redisvl reads what redis-py makes of replies without `protocol`: over RESP3 as it does over RESP2.
server = {"port": int(sys.argv[1]), **({"protocol": 2} if sys.argv[2] == "2" else {})}
client = redis.Redis(**server)
client.flushall()

people = [
    {"id": "1", "user": "john", "job": "engineer", "note": "likes long walks", "age": 18, "at": "13.4,52.5", "v": [0.1, 0.1, 0.5]},
    {"id": "2", "user": "mary", "job": "doctor", "note": "walks to work", "age": 14, "at": "2.35,48.85", "v": [0.1, 0.1, 0.5]},
    {"id": "3", "user": "joe", "job": "dentist", "note": "has a boat", "age": 55, "at": "13.3,52.4", "v": [0.9, 0.9, 0.1]},
    {"id": "4", "user": "tim", "job": "engineer", "note": "sleeps late", "age": 25, "at": "-0.1,51.5", "v": [0.7, 0.1, 0.5]},
]


def schema(storage, algorithm):
    vector = {"dims": 3, "distance_metric": "cosine", "algorithm": algorithm, "datatype": "float32"}
    return {
        "index": {"name": f"people-{storage}", "prefix": f"person-{storage}", "storage_type": storage},
        "fields": [
            {"name": "user", "type": "tag"},
            {"name": "job", "type": "tag"},
            {"name": "note", "type": "text"},
            {"name": "age", "type": "numeric", "attrs": {"sortable": True}},
            {"name": "at", "type": "geo"},
            {"name": "v", "type": "vector", "attrs": vector},
        ],
    }


def stored(storage):
    """The people as an index of this storage holds them."""
    if storage == "json":
        return people
    return [{**person, "v": numpy.array(person["v"], dtype="<f4").tobytes()} for person in people]


def loaded(storage, algorithm):
    """An index with everybody in it."""
    index = SearchIndex.from_dict(schema(storage, algorithm), redis_client=client)
    assert not index.exists()
    index.create()
    index.create(overwrite=True)
    assert index.exists() and index.name in index.listall()

    keys = index.load(stored(storage), id_field="id")
    assert keys == [f"person-{storage}:{person['id']}" for person in people], keys
    assert int(index.info()["num_docs"]) == 4
    return index


def users(found):
    return sorted(row["user"] for row in found)


def check(index):
    """Asks everything that redisvl can ask of the people."""

    def filtered(condition):
        return users(index.query(FilterQuery(filter_expression=condition, return_fields=["user", "age"])))

    assert filtered(Tag("job") == "engineer") == ["john", "tim"]
    assert filtered(Tag("job") != "engineer") == ["joe", "mary"]
    assert filtered(Tag("job") == ["doctor", "dentist"]) == ["joe", "mary"]
    assert filtered((Num("age") > 18) & (Tag("job") == "engineer")) == ["tim"]
    assert filtered(Num("age") == 18) == ["john"] and filtered(Num("age") != 18) == ["joe", "mary", "tim"]
    assert filtered((Num("age") < 15) | (Num("age").between(50, 60))) == ["joe", "mary"]
    assert filtered(Text("note") == "long walks") == ["john"] and filtered(Text("note") % "walk*") == ["john", "mary"]
    assert filtered(Text("note") % "boat|sleeps") == ["joe", "tim"]
    assert filtered(Geo("at") == GeoRadius(13.4, 52.5, 50, "km")) == ["joe", "john"]

    by_age = FilterQuery(return_fields=["user", "age"], sort_by="age", num_results=3)
    assert [row["user"] for row in index.query(by_age)] == ["mary", "john", "tim"]
    assert index.query(CountQuery(Tag("job") == "engineer")) == 2 and index.query(CountQuery()) == 4

    target = [0.1, 0.1, 0.5]
    near = index.query(VectorQuery(vector=target, vector_field_name="v", return_fields=["user", "age"], num_results=3))
    assert len(near) == 3 and users(near[:2]) == ["john", "mary"] and near[2]["user"] == "tim", near
    assert abs(float(near[0]["vector_distance"])) < 1e-6 and float(near[2]["vector_distance"]) > 0.01
    engineers = VectorQuery(target, "v", return_fields=["user"], filter_expression=Tag("job") == "engineer", num_results=3)
    assert [row["user"] for row in index.query(engineers)] == ["john", "tim"]
    whole = index.query(VectorQuery(target, "v", num_results=1, return_score=False))
    assert len(whole) == 1

    close = index.query(RangeQuery(target, "v", return_fields=["user"], distance_threshold=0.3, num_results=10))
    assert len(close) == 3 and users(close) == ["john", "mary", "tim"], close
    close = RangeQuery(target, "v", return_fields=["user"], distance_threshold=0.3, filter_expression=Num("age") < 20)
    assert users(index.query(close)) == ["john", "mary"] and index.query(CountQuery(close.filter)) == 2

    few = VectorQuery(target, "v", ["user"], Tag("job") == "engineer", num_results=2, hybrid_policy="BATCHES", batch_size=1)
    assert users(index.query(few)) == ["john", "tim"]
    few = VectorQuery(target, "v", ["user"], num_results=1, normalize_vector_distance=True, sort_by=("age", "DESC"))
    assert 0.99 < float(index.query(few)[0]["vector_distance"]) <= 1
    by_words = index.query(TextQuery("a long walk", "note", return_fields=["user"], stopwords=None))
    assert users(by_words) == [] or by_words[0]["user"] == "john", by_words
    by_words = index.query(TextQuery("walks boat", {"note": 2.0}, filter_expression=Num("age") < 30, return_fields=["user"]))
    assert users(by_words) == ["john", "mary"] and all(row["score"] > 0 for row in by_words), by_words
    both = index.query(AggregateHybridQuery("boat", "note", target, "v", alpha=0.1, num_results=4, return_fields=["user"]))
    assert len(both) == 4 and float(both[0]["hybrid_score"]) > float(both[1]["hybrid_score"]) and both[0]["user"] == "joe", both
    several = MultiVectorQuery([Vector(vector=target, field_name="v", weight=0.5), Vector(vector=target, field_name="v")], ["user"])
    assert users(index.query(several)[:2]) == ["john", "mary"]
    (engineers, doctors) = index.batch_query([FilterQuery(Tag("job") == job, ["user"]) for job in ("engineer", "doctor")])
    assert users(engineers) == ["john", "tim"] and users(doctors) == ["mary"]

    pages = list(index.paginate(FilterQuery(return_fields=["user"], num_results=10), page_size=3))
    assert [len(page) for page in pages] == [3, 1]
    assert index.fetch("1")["user"] == "john"


for storage, algorithm in (("hash", "flat"), ("hash", "hnsw"), ("json", "flat"), ("json", "hnsw")):
    index = loaded(storage, algorithm)
    check(index)
    there = SearchIndex.from_existing(index.name, redis_client=client)
    assert there.schema.field_names == ["user", "job", "note", "age", "at", "v"]
    assert there.schema.index.storage_type.value == storage
    assert index.drop_keys(f"person-{storage}:1") == 1 and index.query(CountQuery()) == 3
    index.delete(drop=True)
    assert not index.exists() and client.dbsize() == 0


async def check_asynchronous(storage):
    """The same index, made, filled, asked and dropped by many tasks."""
    connection = redis.asyncio.Redis(**server)
    index = AsyncSearchIndex.from_dict(schema(storage, "hnsw"), redis_client=connection)
    await index.create()
    await asyncio.gather(*(index.load([person], id_field="id") for person in stored(storage)))
    query = VectorQuery([0.1, 0.1, 0.5], "v", ["user"], Num("age") > 15, num_results=2)
    answers = await asyncio.gather(*(index.query(query) for _ in range(50)))
    assert all([row["user"] for row in answer] == ["john", "tim"] for answer in answers), answers
    assert (await index.fetch("2"))["user"] == "mary" and int((await index.info())["num_docs"]) == 4
    assert [len(page) async for page in index.paginate(FilterQuery(num_results=10), page_size=3)] == [3, 1]
    assert await index.clear() == 4 and await index.query(CountQuery()) == 0
    await index.delete()
    await connection.aclose()


for storage in ("hash", "json"):
    asyncio.run(check_asynchronous(storage))
assert client.dbsize() == 0
