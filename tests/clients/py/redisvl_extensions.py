"""redisvl: what it builds on indexes: caches, histories and routers. Arguments: port, protocol version."""

import sys

import redis
from redisvl.extensions.cache.embeddings import EmbeddingsCache
from redisvl.extensions.cache.llm import SemanticCache
from redisvl.extensions.message_history import MessageHistory, SemanticMessageHistory
from redisvl.extensions.router import Route, SemanticRouter
from redisvl.extensions.router.schema import DistanceAggregationMethod, RoutingConfig
from redisvl.query.filter import Num, Tag
from redisvl.utils.vectorize import CustomVectorizer

from words import embed, embed_many

client = redis.Redis(port=int(sys.argv[1]), **({"protocol": 2} if sys.argv[2] == "2" else {}))
client.flushall()
vectorizer = CustomVectorizer(embed, embed_many)


def check_semantic_cache():
    filterable = [{"name": "user", "type": "tag"}, {"name": "year", "type": "numeric"}]
    cache = SemanticCache("answers", 0.2, vectorizer=vectorizer, filterable_fields=filterable, redis_client=client)
    question, filters = "what is the capital of france", {"user": "ann", "year": 2024}
    capital = cache.store(question, "Paris", metadata={"source": "atlas"}, filters=filters)
    cache.store("how high is mount everest", "8849 metres", filters={"user": "bob", "year": 2025}, ttl=100)
    # A cache of the same name and schema is the same cache.
    again = SemanticCache("answers", 0.2, vectorizer=vectorizer, filterable_fields=filterable, redis_client=client)

    (hit,) = again.check("what is the capital of france please")
    assert hit["response"] == "Paris" and hit["metadata"] == {"source": "atlas"} and hit["key"] == capital, hit
    assert 0 < float(hit["vector_distance"]) < 0.2
    assert cache.check("who painted the mona lisa") == []
    assert len(cache.check("capital of france", distance_threshold=0.5)) == 1
    assert len(cache.check(vector=embed("how high is mount everest"), num_results=5, return_fields=["response"])) == 1
    assert cache.check(question, filter_expression=Tag("user") == "bob") == []
    assert len(cache.check(question, filter_expression=(Tag("user") == "ann") & (Num("year") < 2025))) == 1

    client.persist(capital)
    cache.set_ttl(50)
    (hit,) = cache.check(question)
    assert 0 < client.ttl(capital) <= 50, "a hit is kept for longer"
    cache.drop(ids=[hit["entry_id"]])
    assert cache.check(question) == []
    cache.clear()
    assert cache.check("how high is mount everest") == [] and cache.index.exists()
    cache.delete()
    assert not cache.index.exists()


def check_embeddings_cache():
    cache = EmbeddingsCache("embeddings", redis_client=client, ttl=100)
    cached = CustomVectorizer(embed, embed_many, cache=cache)
    assert cached.embed("a b") == cached.embed("a b") == embed("a b")
    assert cache.exists("a b", "custom") and cache.get("a b", "custom")["embedding"] == embed("a b")
    assert cached.embed_many(["a b", "c d"]) == embed_many(["a b", "c d"]) and cache.mexists(["c d", "e f"], "custom") == [True, False]
    cache.clear()
    assert client.dbsize() == 0


def check_histories():
    history = MessageHistory("talk", redis_client=client)
    history.store("hello", "how can I help", session_tag="first")
    history.add_messages([{"role": "user", "content": "tell a joke"}, {"role": "llm", "content": "no"}], session_tag="first")
    history.store("other", "thing", session_tag="second")
    recent = history.get_recent(top_k=3, session_tag="first")
    assert [message["content"] for message in recent] == ["how can I help", "tell a joke", "no"], recent
    assert [message["role"] for message in history.get_recent(role="user", session_tag="first")] == ["user", "user"]
    assert history.get_recent(session_tag="second", as_text=True) == ["other", "thing"] and history.count("first") == 4
    history.clear()
    history.delete()

    history = SemanticMessageHistory("semantic", redis_client=client, vectorizer=vectorizer, distance_threshold=0.4)
    history.store("name three fruits", "apples oranges and pears")
    history.store("name three vegetables", "carrots peas and beans")
    history.store("who won the race", "nobody")
    relevant = history.get_relevant("name three fruits please", top_k=1)
    assert [message["content"] for message in relevant] == ["name three fruits"], relevant
    assert {message["content"] for message in history.get_relevant("name three things")} == {"name three fruits", "name three vegetables"}
    assert history.get_relevant("zebra", fall_back=True, top_k=2) == history.get_recent(top_k=2)
    assert history.get_relevant("zebra") == []
    history.drop()
    assert history.count() == 5
    history.delete()


def check_router():
    routes = [
        Route(name="greeting", references=["hello there", "good morning to you"], metadata={"kind": "social"}, distance_threshold=0.5),
        Route(name="farewell", references=["goodbye then", "see you later"], distance_threshold=0.5),
    ]
    router = SemanticRouter("topics", routes, vectorizer, redis_client=client)
    match = router("hello there friend")
    assert match.name == "greeting" and 0 < match.distance < 0.5, match
    assert router("quantum chromodynamics").name is None
    assert [match.name for match in router.route_many("see you later or hello there", max_k=2)] == ["farewell", "greeting"]
    router.update_routing_config(RoutingConfig(max_k=2, aggregation_method=DistanceAggregationMethod.min))
    assert router(vector=embed("goodbye")).name == "farewell"

    again = SemanticRouter("topics-2", [route.model_copy(deep=True) for route in routes], vectorizer, redis_client=client)
    assert again("good morning").name == "greeting"
    again.add_route_references("farewell", ["so long"])
    assert again("so long").name == "farewell" and len(again.get_route_references(route_name="farewell")) == 3
    first, *_ = again.get_route_references(route_name="farewell")
    assert again.delete_route_references("farewell", reference_ids=[first["reference_id"]]) == 1
    assert len(again.get_route_references(route_name="farewell")) == 2
    again.remove_route("greeting")
    assert again("hello there").name is None and router("hello there").name == "greeting"
    again.delete()
    router.clear()
    router.delete()


check_semantic_cache()
check_embeddings_cache()
check_histories()
check_router()
assert client.execute_command("FT._LIST") in ([], set()), client.execute_command("FT._LIST")
client.flushall()
