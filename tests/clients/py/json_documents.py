"""redis-py: JSON documents through client.json(). Arguments: port, protocol version."""

import sys

import redis
from redis.commands.json.path import Path

protocol = int(sys.argv[2])
client = redis.Redis(port=int(sys.argv[1]), protocol=protocol, decode_responses=True)
client.flushall()
json = client.json()

modules = {module["name"]: module["ver"] for module in client.module_list()}
assert modules["ReJSON"] == 80405
assert client.info("modules")["modules"]

book = {"title": "Dune", "year": 1965, "tags": ["desert", "spice"], "rating": 4.5, "read": False, "next": None}
assert json.set("book", "$", book) and json.get("book") == book
assert list(json.get("book")) == list(book), "names keep their order"
assert json.set("book", "$.pages", 412, nx=True) and json.set("book", "$.pages", 1, nx=True) is None
assert json.get("book", "$.title", "$.year") == {"$.title": ["Dune"], "$.year": [1965]}
assert json.get("book", Path(".rating")) == 4.5 and json.get("none") is None
assert client.type("book") == "ReJSON-RL"

kinds = json.type("book", "$.rating")
assert kinds == (["number"] if protocol == 2 else [["number"]]), kinds
assert json.numincrby("book", "$.year", 1) == [1966] and json.nummultby("book", "$.rating", 2) == [9.0]
assert json.arrappend("book", "$.tags", "worm", {"deep": [1]}) == [4]
assert json.arrinsert("book", "$.tags", 1, "sand") == [5] and json.arrlen("book", "$.tags") == [5]
assert json.arrindex("book", "$.tags", "worm") == [3]
assert json.arrpop("book", "$.tags") == ['{"deep":[1]}'] and json.arrtrim("book", "$.tags", 0, 1) == [2]
assert json.strappend("book", " Messiah", "$.title") == [12] and json.strlen("book", "$.title") == [12]
assert json.toggle("book", "$.read") == [True] and json.objlen("book", "$") == [7]
assert json.objkeys("book", "$")[0][:2] == ["title", "year"]
assert json.merge("book", "$", {"next": "Children", "rating": None})
assert json.get("book", "$.next") == ["Children"] and json.get("book", "$.rating") == []
assert json.clear("book", "$.tags") == 1 and json.delete("book", "$..tags") == 1

many = [(f"doc:{n}", "$", {"n": n, "v": [n / 8] * 16}) for n in range(200)]
assert json.mset(many)
assert json.mget([key for key, _, _ in many], "$.n") == [[n] for n in range(200)]
assert json.get("doc:3", "$.v") == [[0.375] * 16]
with client.pipeline(transaction=True) as pipe:
    pipe.json().set("doc:3", "$.n", 30)
    pipe.json().numincrby("doc:3", "$.n", 1)
    pipe.json().get("doc:3", "$[?(@ == 31)]")
    assert pipe.execute()[1:] == [[31], [31]]

for call, words in [
    (lambda: json.set("none", "$.a", 1), "new objects must be created at the root"),
    (lambda: json.set("book", "$.a", redis), "not JSON serializable"),
    (lambda: client.execute_command("JSON.SET", "book", "$", "{"), "EOF while parsing an object at line 1 column 1"),
    (lambda: json.get("book", Path(".none")), "Path does not exist"),
    (lambda: client.hget("book", "a"), "wrong kind of value"),
    (lambda: json.toggle("book", "."), "not a bool"),
]:
    try:
        call()
    except (redis.ResponseError, TypeError) as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)

client.set("string", "text")
try:
    json.get("string")
except redis.ResponseError as error:
    assert str(error) == "Existing key has wrong Redis type"
client.flushall()
