"""redis-py: strings, hashes, keys, pipelines, transactions and errors. Arguments: port, protocol version."""

import sys

import redis

client = redis.Redis(port=int(sys.argv[1]), protocol=int(sys.argv[2]), decode_responses=True)
client.flushall()

assert client.ping()
assert client.set("a", "1") and client.get("a") == "1"
assert client.set("a", "2", nx=True) is None
assert client.set("a", "3", xx=True, get=True) == "1"
assert client.incrby("a", 4) == 7 and client.incrbyfloat("f", 0.5) == 0.5
assert client.mset({"x": 1, "y": 2}) and client.mget("x", "none", "y") == ["1", None, "2"]
assert client.append("a", "8") == 2 and client.strlen("a") == 2

binary = redis.Redis(port=int(sys.argv[1]), protocol=int(sys.argv[2]))
every_byte = bytes(range(256)) * 300
assert binary.set(b"\x00\r\n", every_byte) and binary.get(b"\x00\r\n") == every_byte
assert binary.delete(b"\x00\r\n") == 1

assert client.hset("h", mapping={"name": "rhumb", "size": 3}) == 2
assert client.hgetall("h") == {"name": "rhumb", "size": "3"}
assert client.hincrby("h", "size", 2) == 5 and client.hmget("h", ["name", "none"]) == ["rhumb", None]
assert sorted(client.hkeys("h")) == ["name", "size"] and client.hdel("h", "name") == 1
assert client.hexpire("h", 100, "size") == [1] and 0 < client.httl("h", "size")[0] <= 100
assert client.hset("wide", mapping={f"field:{n}": n for n in range(1000)}) == 1000
assert len(dict(client.hscan_iter("wide"))) == 1000

assert client.expire("x", 100) and 0 < client.ttl("x") <= 100 and client.persist("x") and client.ttl("x") == -1
assert client.type("h") == "hash" and client.exists("h", "none") == 1 and client.rename("h", "g")
assert client.copy("g", "g2") and client.object("encoding", "x") == "int"
assert sorted(client.scan_iter(match="g*", count=2)) == ["g", "g2"] and sorted(client.keys("g*")) == ["g", "g2"]
assert client.unlink("g", "g2") == 2 and client.dbsize() == 5

with client.pipeline(transaction=False) as pipe:
    for n in range(5000):
        pipe.set(f"key:{n}", n)
        pipe.get(f"key:{n}")
    replies = pipe.execute()
assert replies[1::2] == [str(n) for n in range(5000)] and all(replies[::2])


def double(pipe):
    value = int(pipe.get("counter") or 1)
    pipe.multi()
    pipe.set("counter", value * 2)


for expected in (2, 4, 8):
    assert client.transaction(double, "counter") == [True] and client.get("counter") == str(expected)

with client.pipeline() as pipe:
    pipe.watch("counter")
    binary.set("counter", 100)
    pipe.multi()
    pipe.set("counter", 0)
    try:
        pipe.execute()
        raise AssertionError("a spoiled WATCH went through")
    except redis.WatchError:
        pass
assert client.get("counter") == "100"

for refused, words in (
    ("unknown command", ["NOSUCH"]),
    ("wrong number of arguments", ["GET"]),
    ("Operation against a key holding the wrong kind of value", ["HGET", "counter", "x"]),
    ("value is not an integer", ["INCRBY", "counter", "x"]),
):
    try:
        client.execute_command(*words)
        raise AssertionError(f"{words} was accepted")
    except redis.ResponseError as error:
        assert refused in str(error), error

assert client.client_setname("tester") and client.client_getname() == "tester"
assert any(other["name"] == "tester" for other in client.client_list())
assert client.info("server")["redis_version"].startswith("8.")
assert "used_memory" in client.info("memory") and client.time()[0] > 0
assert client.config_get("maxmemory")["maxmemory"] == "0"
assert client.select(3) and client.set("elsewhere", 1) and client.select(0) and client.get("elsewhere") is None
assert any(module["name"] == "vectorset" for module in client.module_list())
client.flushall()
assert client.dbsize() == 0
