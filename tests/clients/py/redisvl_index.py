"""redisvl: an index over hashes and one over JSON, and its kinds of query. Arguments: port, protocol version."""

import sys

import numpy
import redis
from redisvl.index import SearchIndex
from redisvl.query import CountQuery, FilterQuery, RangeQuery, VectorQuery
from redisvl.query.filter import Geo, GeoRadius, Num, Tag, Text

# redisvl reads what redis-py makes of replies without `protocol`: over RESP3 as it does over RESP2.
client = redis.Redis(port=int(sys.argv[1]), **({"protocol": 2} if sys.argv[2] == "2" else {}))
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


def loaded(storage, algorithm):
    """An index with everybody in it."""
    index = SearchIndex.from_dict(schema(storage, algorithm), redis_client=client)
    assert not index.exists()
    index.create()
    index.create(overwrite=True)
    assert index.exists() and index.name in index.listall()

    def as_stored(person):
        vector = person["v"] if storage == "json" else numpy.array(person["v"], dtype="<f4").tobytes()
        return {**person, "v": vector}

    keys = index.load([as_stored(person) for person in people], id_field="id")
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
