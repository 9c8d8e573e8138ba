"""langchain-redis: vector stores, caches and histories of talks. Arguments: port, protocol version."""

import sys

import redis
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import Generation
from langchain_redis import RedisCache, RedisChatMessageHistory, RedisConfig, RedisSemanticCache, RedisVectorStore
from redisvl.query.filter import Num, Tag

from words import embed, embed_many

port = int(sys.argv[1])
# Without `protocol`, redis-py speaks RESP3 and answers in the shapes that redisvl reads.
client = redis.Redis(port=port, **({"protocol": 2} if sys.argv[2] == "2" else {}))
client.flushall()


class Words(Embeddings):
    """Texts that share words are near each other."""

    def embed_documents(self, texts):
        return embed_many(texts)

    def embed_query(self, text):
        return embed(text)


notes = [
    ("the cat sleeps on the warm stove", {"kind": "animal", "year": 2020}),
    ("the dog runs after the cat", {"kind": "animal", "year": 2022}),
    ("bread is baked in a stove", {"kind": "food", "year": 2024}),
    ("rain falls on the hills", {"kind": "weather", "year": 2024}),
]
fields = [{"name": "kind", "type": "tag"}, {"name": "year", "type": "numeric"}]


def config(name, **more):
    return RedisConfig(index_name=name, redis_client=client, metadata_schema=fields, **more)


def texts(documents):
    return [document.page_content for document in documents]


def check_store(name, **more):
    """A store of this configuration, asked everything."""
    store = RedisVectorStore(Words(), config(name, **more))
    ids = store.add_texts([text for text, _ in notes], [metadata for _, metadata in notes], keys=["1", "2", "3", "4"])
    assert len(ids) == 4 and client.dbsize() == 4, ids
    assert texts(store.similarity_search("a stove", k=1)) == ["bread is baked in a stove"]
    near = store.similarity_search_with_score("the cat sleeps", k=2)
    assert texts(document for document, _ in near) == ["the cat sleeps on the warm stove", "the dog runs after the cat"]
    assert near[0][0].metadata["kind"] == "animal" and 0 < near[0][1] < near[1][1] < 1, near

    assert texts(store.similarity_search("the cat", k=4, filter=Tag("kind") == "food")) == ["bread is baked in a stove"]
    late = store.similarity_search("the cat", k=4, filter=(Num("year") >= 2022) & (Tag("kind") != "weather"))
    assert texts(late) == ["the dog runs after the cat", "bread is baked in a stove"]
    by_vector = store.similarity_search_by_vector(embed("rain on hills"), k=1)
    assert texts(by_vector) == ["rain falls on the hills"]
    diverse = store.max_marginal_relevance_search("the cat", k=2, fetch_k=4, lambda_mult=0.3)
    assert len(diverse) == 2 and diverse[0].page_content == "the dog runs after the cat", diverse
    relevant = store.as_retriever(search_kwargs={"k": 1}).invoke("dog")
    assert texts(relevant) == ["the dog runs after the cat"]

    (found,) = store.get_by_ids(["1"])
    assert found.page_content == notes[0][0]
    store.add_documents([Document("snow falls in winter", metadata={"kind": "weather", "year": 2025})], ids=["5"])
    assert texts(store.similarity_search("snow", k=1)) == ["snow falls in winter"]

    existing = RedisVectorStore.from_existing_index(name, Words(), redis_client=client)
    assert texts(existing.similarity_search("rain", k=1)) == ["rain falls on the hills"]
    assert store.delete(["1", "4"]) and texts(store.similarity_search("the cat sleeps", k=1)) == ["the dog runs after the cat"]
    store.index.delete(drop=True)
    assert client.dbsize() == 0


def check_caches():
    exact = RedisCache(redis_client=client, prefix="exact", ttl=100)
    assert exact.lookup("a question", "model") is None
    exact.update("a question", "model", [Generation(text="an answer")])
    assert exact.lookup("a question", "model")[0].text == "an answer" and exact.lookup("a question", "other") is None
    exact.clear()
    assert exact.lookup("a question", "model") is None

    similar = RedisSemanticCache(Words(), redis_client=client, name="similar", distance_threshold=0.3)
    similar.update("which animal sleeps on the stove", "model", [Generation(text="the cat")])
    assert similar.lookup("which animal sleeps on the warm stove", "model")[0].text == "the cat"
    assert similar.lookup("which animal sleeps on the stove", "other") is None
    assert similar.lookup("how is bread baked", "model") is None
    similar.clear()
    assert similar.lookup("which animal sleeps on the stove", "model") is None


def check_histories():
    # A history of an index that is there already reads FT.INFO as RESP2 has it.
    client = redis.Redis(port=port, protocol=2)
    history = RedisChatMessageHistory("ann", redis_client=client, ttl=100)
    history.add_message(HumanMessage("Where does the cat sleep?"))
    history.add_messages([AIMessage("On the stove."), HumanMessage("Thank you.")])
    other = RedisChatMessageHistory("bob", redis_client=client)
    other.add_user_message("Does it rain?")
    assert texts_of(history) == ["Where does the cat sleep?", "On the stove.", "Thank you."] and texts_of(other) == ["Does it rain?"]
    assert [message.type for message in history.messages] == ["human", "ai", "human"]
    assert [found["content"] for found in history.search_messages("stove")] == ["On the stove."]
    assert len(history) == 3
    history.clear()
    assert history.messages == [] and texts_of(other) == ["Does it rain?"]


def texts_of(history):
    return [message.content for message in history.messages]


check_store("flat")
check_store("graph", indexing_algorithm="HNSW", distance_metric="L2")
check_store("json", storage_type="json")
check_caches()
check_histories()
client.flushall()
