"""redis-py with NumPy: the bundled packages, added in pipelines, found again. Arguments: port, protocol version."""

import json
import pathlib
import sys

import numpy
import redis

data = pathlib.Path(__file__).parents[3] / "data"
base = numpy.load(data / "debian-3000.f16.npy").astype("<f4")
queries = numpy.load(data / "debian-3000.queries.f16.npy").astype("<f4")
truth = numpy.load(data / "debian-3000.gt.npy")
packages = [json.loads(line) for line in (data / "debian-3000.meta.jsonl").open()]

client = redis.Redis(port=int(sys.argv[1]), protocol=int(sys.argv[2]), decode_responses=True)
client.flushall()
with client.pipeline(transaction=False) as pipe:
    for vector, package in zip(base, packages, strict=True):
        words = ["VADD", "packages", "FP32", vector.tobytes(), package["name"], "SETATTR", json.dumps(package)]
        pipe.execute_command(*words)
    assert all(pipe.execute())

vset = client.vset()
found = 0
for query, rows in zip(queries, truth, strict=True):
    names = vset.vsim("packages", query.tobytes(), count=10, ef=200)
    found += len(set(names) & {packages[row]["name"] for row in rows})
assert found >= 950, f"{found} of 1,000 true neighbours"

for query in queries[:20]:
    names = vset.vsim("packages", query.tobytes(), count=10, filter='.section == "python" and .size < 500')
    assert names and all(name in {p["name"] for p in packages if p["section"] == "python" and p["size"] < 500} for name in names)
client.flushall()
