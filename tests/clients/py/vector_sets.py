"""redis-py's vset(): every vector set command with its options. Arguments: port, protocol version."""

import math
import random
import struct
import sys

import redis
from redis.commands.vectorset.commands import QuantizationOptions

client = redis.Redis(port=int(sys.argv[1]), protocol=int(sys.argv[2]), decode_responses=True)
client.flushall()
vset = client.vset()


def blob(*components):
    return struct.pack(f"<{len(components)}f", *components)


def near(one, other, tolerance=0.02):
    return all(math.isclose(a, b, abs_tol=tolerance) for a, b in zip(one, other, strict=True))


assert vset.vadd("points", [1.0, 0.0], "east") and vset.vadd("points", blob(0.0, 2.0), "north", attributes={"up": 1})
assert vset.vadd("points", [-1, 0], "west", ef=50, numlinks=16, cas=True) and not vset.vadd("points", [-2, 0], "west")
assert vset.vcard("points") == 3 and vset.vdim("points") == 2 and client.type("points") == "vectorset"
assert vset.vcard("none") == 0

assert vset.vsim("points", "east") == ["east", "north", "west"]
assert vset.vsim("points", [1, 0.1], count=1) == ["east"] and vset.vsim("points", blob(0, 1), count=1) == ["north"]
scores = vset.vsim("points", "east", with_scores=True)
assert list(scores) == ["east", "north", "west"] and near(scores.values(), (1, 0.5, 0)), scores
assert vset.vsim("points", "east", with_attribs=True) == {"east": None, "north": {"up": 1}, "west": None}
both = vset.vsim("points", "east", with_scores=True, with_attribs=True)
assert near([both["north"]["score"]], [0.5]) and both["north"]["attributes"] == {"up": 1}, both
assert vset.vsim("points", "east", filter=".up == 1") == ["north"]
assert vset.vsim("points", "east", filter=".up > 1", filter_ef=10) == []
assert vset.vsim("points", "east", truth=True, no_thread=True, ef=20) == ["east", "north", "west"]
assert vset.vsim("points", "east", epsilon=0.6) == ["east", "north"]
assert vset.vsim("none", "east") == []
# Redis answers this one with an array in RESP3, on which redis-py raises; an empty map suits it.
assert vset.vsim("none", "east", with_scores=True) == {}

assert near(vset.vemb("points", "north"), (0, 2)) and vset.vemb("points", "none") is None
raw = vset.vemb("points", "north", raw=True)
assert raw["quantization"] == "int8" and near([raw["l2"]], [2]) and len(raw["raw"]) == 2 and "range" in raw, raw

assert vset.vgetattr("points", "north") == {"up": 1} and vset.vgetattr("points", "east") is None
assert vset.vsetattr("points", "east", {"up": 0}) and vset.vgetattr("points", "east") == {"up": 0}
assert vset.vsetattr("points", "east", "") and vset.vgetattr("points", "east") is None
assert not vset.vsetattr("points", "none", {"up": 0})

info = vset.vinfo("points")
assert info["quant-type"] == "int8" and info["size"] == 3 and info["vector-dim"] == 2 and info["hnsw-m"] == 16, info
assert vset.vinfo("none") is None
assert vset.vrandmember("points") in ("east", "north", "west") and vset.vrandmember("none") is None
assert sorted(vset.vrandmember("points", 9)) == ["east", "north", "west"] and len(vset.vrandmember("points", -9)) == 9
assert vset.vrange("points", "-", "+") == ["east", "north", "west"] and vset.vrange("points", "(east", "+", 1) == ["north"]
links = vset.vlinks("points", "east")
assert "north" in links[-1] and "north" in vset.vlinks("points", "east", with_scores=True)[-1], links
assert client.execute_command("VISMEMBER", "points", "east") and not client.execute_command("VISMEMBER", "points", "no")
assert vset.vrem("points", "west") and not vset.vrem("points", "west") and vset.vcard("points") == 2

assert vset.vadd("exact", [0.1, 0.7, -3.25], "a", quantization=QuantizationOptions.NOQUANT)
assert near(vset.vemb("exact", "a"), (0.1, 0.7, -3.25), 1e-6)
assert vset.vadd("bits", [0.1, -0.7, 3], "a", quantization=QuantizationOptions.BIN) and vset.vemb("bits", "a") == [1, -1, 1]
assert vset.vadd("short", [0.1] * 100, "a", reduce_dim=10) and vset.vdim("short") == 10

for refused, words in (
    ("invalid vector specification", ["VADD", "points", "VALUES", "2", "1", "x"]),
    ("Vector dimension mismatch - got 3 but set has 2", ["VADD", "points", "VALUES", "3", "1", "2", "3", "a"]),
    ("asked quantization mismatch with existing vector set", ["VADD", "points", "VALUES", "2", "1", "2", "a", "BIN"]),
    ("element not found in set", ["VSIM", "points", "ELE", "none"]),
    ("syntax error in FILTER expression", ["VSIM", "points", "ELE", "east", "FILTER", "("]),
    ("wrong number of arguments for 'VCARD' command", ["VCARD"]),
    ("key does not exist", ["VDIM", "none"]),
):
    try:
        client.execute_command(*words)
        raise AssertionError(f"{words} was accepted")
    except redis.ResponseError as error:
        assert refused in str(error), error



def place(n):
    components = random.Random(n)
    return [components.gauss() for _ in range(16)]


with client.pipeline(transaction=False) as pipe:
    for n in range(1000):
        pipe.execute_command("VADD", "places", "VALUES", 16, *place(n), f"at:{n}")
    assert sum(bool(reply) for reply in pipe.execute()) == 1000
assert vset.vcard("places") == 1000 and vset.vinfo("places")["max-level"] > 0
assert vset.vsim("places", place(7), count=1, ef=200) == ["at:7"]
with client.pipeline() as pipe:
    for n in range(1000):
        pipe.execute_command("VREM", "places", f"at:{n}")
    assert all(pipe.execute())
assert client.exists("places") == 0
client.flushall()
