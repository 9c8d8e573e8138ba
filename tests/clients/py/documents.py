"""redis-py: indexes over documents through client.ft(). Arguments: port, protocol version."""

import sys
import time

import numpy
import redis
from redis.commands.search.field import GeoField, NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType
from redis.commands.search.query import GeoFilter, NumericFilter, Query

protocol = int(sys.argv[2])
client = redis.Redis(port=int(sys.argv[1]), protocol=protocol, decode_responses=True)
binary = redis.Redis(port=int(sys.argv[1]), protocol=protocol)
client.flushall()


def rows(result):
    """The total, and each document as its key and its fields."""
    if isinstance(result, dict):
        shown = [(row["id"], row.get("extra_attributes", {})) for row in result["results"]]
        return result["total_results"], shown
    hidden = {"id", "payload", "score"}
    return result.total, [(doc.id, {k: v for k, v in vars(doc).items() if k not in hidden}) for doc in result.docs]


def keys(result):
    return [key for key, _ in rows(result)[1]]


def packed(*components):
    return numpy.array(components, dtype="<f4").tobytes()


def refused(words, call):
    try:
        call()
    except redis.ResponseError as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)


pets = client.ft("pets")
schema = (
    TextField("name", weight=2.0),
    TagField("kind", separator="|"),
    NumericField("size", sortable=True),
    GeoField("at"),
    VectorField("v", "HNSW", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "L2", "M": 8}),
)
assert pets.create_index(schema, definition=IndexDefinition(prefix=["pet:"], index_type=IndexType.HASH))
refused("Index already exists", lambda: pets.create_index(schema))
assert list(client.execute_command("FT._LIST")) == ["pets"]
nothing = Query("@v:[VECTOR_RANGE $r $v]=>{$YIELD_DISTANCE_AS: d}").sort_by("d").dialect(2)
assert keys(pets.search(nothing, {"v": packed(2, 0), "r": 1})) == [], "a distance is known before there are vectors"

animals = [("Tom", "cat|tame", 3, "13.4,52.5"), ("Rex", "dog|tame", 7, "2.35,48.85"), ("Tom Tom", "fish", 1, "13.3,52.4")]
for n, (name, kind, size, at) in enumerate(animals):
    client.hset(f"pet:{n}", mapping={"name": name, "kind": kind, "size": size, "at": at, "v": packed(n, 0)})

info = pets.info()
assert int(info["num_docs"]) == 3 and info["index_name"] == "pets", info
assert int(info["hash_indexing_failures"]) == 0 and int(info["indexing"]) == 0

assert keys(pets.search("tom")) == ["pet:2", "pet:0"], "two mentions are worth more than one"
assert keys(pets.search(Query("@kind:{tame}").sort_by("size", asc=False).no_content())) == ["pet:1", "pet:0"]
assert rows(pets.search(Query("*").paging(0, 0)))[0] == 3
assert keys(pets.search(Query("*").add_filter(NumericFilter("size", 3, NumericFilter.INF)))) == ["pet:0", "pet:1"]
assert keys(pets.search(Query("*").add_filter(GeoFilter("at", 13.4, 52.5, 50)))) == ["pet:0", "pet:2"]
assert keys(pets.search(Query("-@kind:{tame}"))) == ["pet:2"] and keys(pets.search("zebra")) == []
total, found = rows(pets.search(Query("rex").return_fields("size", "kind")))
assert total == 1 and found[0][0] == "pet:1" and found[0][1]["size"] == "7" and found[0][1]["kind"] == "dog|tame"
scored = pets.search(Query("tom").with_scores())
scores = [row["score"] for row in scored["results"]] if isinstance(scored, dict) else [doc.score for doc in scored.docs]
assert len(scores) == 2 and float(scores[0]) > float(scores[1]) > 0, scores

near = Query("*=>[KNN 2 @v $v AS distance]").sort_by("distance").return_fields("name", "distance").dialect(2)
total, found = rows(pets.search(near, {"v": packed(1.75, 0)}))
assert [(key, fields["distance"]) for key, fields in found] == [("pet:2", "0.0625"), ("pet:1", "0.5625")], found
near = Query("(@kind:{tame})=>[KNN 2 @v $v AS distance]").sort_by("distance").return_fields("distance").dialect(2)
assert keys(pets.search(near, {"v": packed(1.75, 0)})) == ["pet:1", "pet:0"]
within = Query("@v:[VECTOR_RANGE $r $v]=>{$YIELD_DISTANCE_AS: d}").sort_by("d").return_fields("d").dialect(2)
assert keys(pets.search(within, {"v": packed(2, 0), "r": 1})) == ["pet:2", "pet:1"]
# The whole document has bytes that are no text.
total, found = rows(binary.ft("pets").search(Query("rex")))
assert total == 1 and len(found) == 1

refused("No such index", lambda: client.ft("none").search("*"))
refused("no such index", lambda: client.ft("none").info())
refused("Syntax error at offset", lambda: pets.search(Query("(tom").dialect(2)))
refused("query vector blob size (3)", lambda: pets.search(near, {"v": "123"}))

client.expire("pet:0", 1)
deadline = time.monotonic() + 60
while keys(pets.search("*")) != ["pet:1", "pet:2"]:
    assert time.monotonic() < deadline
    time.sleep(0.01)
assert pets.dropindex() and client.exists("pet:1", "pet:2") == 2

books = client.ft("books")
schema = (
    TextField("$.title", as_name="title"),
    TagField("$.tags[*]", as_name="tags"),
    NumericField("$.year", as_name="year"),
    VectorField("$.v", "FLAT", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "COSINE"}, as_name="v"),
)
books.create_index(schema, definition=IndexDefinition(prefix=["book:"], index_type=IndexType.JSON))
client.json().set("book:1", "$", {"title": "Dune", "tags": ["desert", "spice"], "year": 1965, "v": [1, 0]})
client.json().set("book:2", "$", {"title": "Children of Dune", "tags": ["desert"], "year": 1976, "v": [0, 1]})
assert keys(books.search("dune @tags:{spice}")) == ["book:1"]
assert rows(books.search(Query("@year:[1970 1980]").return_fields("title")))[1][0][1]["title"] == "Children of Dune"
nearest = Query("*=>[KNN 1 @v $v AS d]").return_fields("d", "year").dialect(2)
((key, fields),) = rows(books.search(nearest, {"v": packed(1, 0.1)}))[1]
assert key == "book:1" and fields["year"] == "1965" and 0 < float(fields["d"]) < 0.01
client.json().numincrby("book:1", "$.year", 10)
assert len(keys(books.search("@year:[1970 1980]"))) == 2
assert books.dropindex(delete_documents=True) and sorted(client.keys("*")) == ["pet:1", "pet:2"]
client.flushall()
