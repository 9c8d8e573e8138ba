"""redis-py's asynchronous client: many tasks over one pool. Arguments: port, protocol version."""

import asyncio
import random
import sys

import redis.asyncio


async def main():
    pool = redis.asyncio.BlockingConnectionPool(
        port=int(sys.argv[1]), protocol=int(sys.argv[2]), decode_responses=True, max_connections=8
    )
    client = redis.asyncio.Redis(connection_pool=pool)
    await client.flushall()

    async def work(n):
        components = random.Random(n)
        vector = [components.gauss() for _ in range(16)]
        assert await client.vset().vadd("async", vector, f"e:{n}", attributes={"n": n})
        assert (await client.vset().vsim("async", vector, count=1, ef=300)) == [f"e:{n}"]
        await client.hset(f"h:{n}", mapping={"n": n})
        return await client.incr("counter")

    replies = await asyncio.gather(*(work(n) for n in range(300)))
    assert sorted(replies) == list(range(1, 301))
    assert await client.vset().vcard("async") == 300
    assert await client.vset().vsim("async", "e:7", filter=".n == 7") == ["e:7"]

    async with client.pipeline(transaction=True) as pipe:
        replies = await pipe.set("a", 1).incr("a").hgetall("h:3").execute()
    assert replies == [True, 2, {"n": "3"}]
    await client.flushall()
    await client.aclose()
    await pool.disconnect()


asyncio.run(main())
