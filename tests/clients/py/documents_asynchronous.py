"""redis-py's asynchronous client: an index filled and asked by many tasks. Arguments: port, protocol version (0: what redis-py asks for)."""

import asyncio
import sys

import numpy
import redis.asyncio
from redis.commands.search import reducers
from redis.commands.search.aggregation import AggregateRequest, Asc, Cursor
from redis.commands.search.field import NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType
from redis.commands.search.query import Query

version = int(sys.argv[2])
COUNT = 200


def packed(*components):
    return numpy.array(components, dtype="<f4").tobytes()


async def main():
    asked = {"protocol": version} if version else {}
    pool = redis.asyncio.BlockingConnectionPool(port=int(sys.argv[1]), decode_responses=True, max_connections=16, **asked)
    client = redis.asyncio.Redis(connection_pool=pool)
    await client.flushall()
    index = client.ft("points")
    schema = (
        TextField("$.name", as_name="name"),
        TagField("$.kind", as_name="kind"),
        NumericField("$.n", as_name="n", sortable=True),
        VectorField("$.v", "HNSW", {"TYPE": "FLOAT32", "DIM": 2, "DISTANCE_METRIC": "L2"}, as_name="v"),
    )
    await index.create_index(schema, definition=IndexDefinition(prefix=["point:"], index_type=IndexType.JSON))

    async def work(n):
        point = {"name": f"point number {n}", "kind": "even" if n % 2 == 0 else "odd", "n": n, "v": [n, 0]}
        assert await client.json().set(f"point:{n}", "$", point)
        query = Query("*=>[KNN 1 @v $v AS distance]").return_fields("n", "distance").dialect(2)
        found = await index.search(query, {"v": packed(n, 0)})
        return found["results"][0]["extra_attributes"]["n"] if isinstance(found, dict) else found.docs[0].n

    nearest = await asyncio.gather(*(work(n) for n in range(COUNT)))
    assert [int(n) for n in nearest] == list(range(COUNT)), "a write is seen by the next search"
    assert int((await index.info())["num_docs"]) == COUNT

    found = await index.search(Query("@kind:{even} @n:[10 20]").sort_by("n", asc=False).no_content())
    keys = [row["id"] for row in found["results"]] if isinstance(found, dict) else [document.id for document in found.docs]
    assert keys == [f"point:{n}" for n in range(20, 9, -2)], keys

    request = AggregateRequest("*").group_by("@kind", reducers.count().alias("count"), reducers.sum("@n").alias("sum")).sort_by(Asc("@kind"))
    answer = await index.aggregate(request)
    rows = [row["extra_attributes"] for row in answer["results"]] if isinstance(answer, dict) else answer.rows
    rows = [row if isinstance(row, dict) else dict(zip(row[::2], row[1::2])) for row in rows]
    assert [(row["kind"], int(row["count"]), int(row["sum"])) for row in rows] == [("even", 100, 9900), ("odd", 100, 10000)], rows

    read, request = 0, AggregateRequest("*").load("@n").cursor(count=64)
    while True:
        answer = await index.aggregate(request)
        # An explicit RESP3 gives what came, else redis-py makes an object of it.
        page, cursor = (answer[0]["results"], answer[1]) if isinstance(answer, list) else (answer.rows, answer.cursor.cid)
        read, request = read + len(page), Cursor(cursor)
        if cursor == 0:
            break
    assert read == COUNT, read
    await index.dropindex(delete_documents=True)
    assert await client.dbsize() == 0
    await client.aclose()
    await pool.disconnect()


asyncio.run(main())
