"""redis-py: sets, sorted sets and lists. Arguments: port, protocol version."""

import sys

import redis

protocol = int(sys.argv[2])
client = redis.Redis(port=int(sys.argv[1]), protocol=protocol, decode_responses=True)
client.flushall()

assert client.sadd("a", "x", "y", "z") == 3 and client.sadd("a", "x") == 0 and client.sadd("b", "y", "z", "w") == 3
assert client.smembers("a") == {"x", "y", "z"} and client.scard("a") == 3 and client.type("a") == "set"
assert client.sismember("a", "x") and not client.sismember("a", "q") and client.smismember("a", ["x", "q"]) == [1, 0]
assert client.sinter("a", "b") == {"y", "z"} and client.sunion("a", "b") == {"x", "y", "z", "w"} and client.sdiff("a", "b") == {"x"}
assert client.sinterstore("c", "a", "b") == 2 and client.sintercard(2, ["a", "b"], limit=1) == 1 and client.smove("a", "b", "x")
assert client.srem("c", "y") == 1 and client.spop("c") == "z" and not client.exists("c") and client.srandmember("b") in client.smembers("b")
assert set(client.sscan_iter("b", match="[xy]")) == {"x", "y"}

assert client.zadd("race", {"ann": 3, "bob": 1.5, "eve": 2}) == 3 and client.zadd("race", {"bob": 4}, xx=True, ch=True) == 1
assert client.zrange("race", 0, -1) == ["eve", "ann", "bob"] and client.zrange("race", 0, 0, desc=True) == ["bob"]
pairs = client.zrange("race", 0, 1, withscores=True)
assert [tuple(pair) for pair in pairs] == [("eve", 2.0), ("ann", 3.0)], pairs
assert client.zscore("race", "ann") == 3 and client.zmscore("race", ["ann", "nobody"]) == [3, None] and client.zcard("race") == 3
assert client.zrank("race", "bob") == 2 and client.zrevrank("race", "bob") == 0 and client.zcount("race", "(2", "+inf") == 2
assert client.zrangebyscore("race", 2, 3) == ["eve", "ann"] and client.zrange("race", "(3", "inf", byscore=True) == ["bob"]
assert client.zincrby("race", 5, "eve") == 7 and client.zrevrange("race", 0, 0) == ["eve"]
assert client.zunionstore("all", {"race": 2, "b": 1}) == 7 and client.zscore("all", "ann") == 6 and client.zscore("all", "w") == 1
assert client.zinter(["all", "race"]) == ["ann", "bob", "eve"] and client.zremrangebyscore("all", "-inf", 1) == 4
assert client.zpopmin("race", 1)[0][0] == "ann" and client.zrem("race", "bob", "eve") == 2
assert client.zadd("words", {word: 0 for word in ("ant", "bee", "cat")}) == 3 and client.zrangebylex("words", "[b", "+") == ["bee", "cat"]

assert client.rpush("list", "b", "c") == 2 and client.lpush("list", "a") == 3 and client.lpushx("none", "a") == 0
assert client.lrange("list", 0, -1) == ["a", "b", "c"] and client.llen("list") == 3 and client.lindex("list", -1) == "c"
assert client.lset("list", 1, "B") and client.linsert("list", "BEFORE", "c", "b2") == 4 and client.lpos("list", "c") == 3
assert client.lrem("list", 1, "b2") == 1 and client.ltrim("list", 0, 1) and client.lrange("list", 0, -1) == ["a", "B"]
assert client.rpoplpush("list", "other") == "B" and client.lmove("other", "list", "LEFT", "RIGHT") == "B"
assert client.lpop("list") == "a" and client.rpop("list", 2) == ["B"] and client.lmpop(1, "list", direction="LEFT") is None

for call in (lambda: client.sadd("words", "x"), lambda: client.zadd("b", {"x": 1}), lambda: client.rpush("b", "x")):
    try:
        call()
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error), error
    else:
        raise AssertionError("a key of another type was written")
with client.pipeline() as pipe:
    replies = pipe.rpush("queue", "job").sadd("seen", "job").zadd("due", {"job": 1}).lpop("queue").execute()
assert replies == [1, 1, 1, "job"]
client.flushall()
