"""Semantic search with LangChain: Debian packages in a RedisVectorStore, found by what they are for.

    pip install 'langchain-redis>=0.2.6,<0.3' 'numpy>=2,<3'
    python examples/langchain_search.py [--port 6379] [--question 0] [--section python]

Loads the bundled packages into an index called `debian`, asks a question and drops the index with its documents again.
"""

from langchain_core.embeddings import Embeddings
from langchain_redis import RedisConfig, RedisVectorStore
from redisvl.query.filter import Tag

import debian


class Bundled(Embeddings):
    """Stands for a model: it knows the vectors of the bundled texts."""

    def __init__(self, vectors):
        self.vectors = vectors

    def embed_documents(self, texts):
        return [self.vectors[text].tolist() for text in texts]

    def embed_query(self, text):
        return self.vectors[text].tolist()


def main():
    given = debian.given()
    packages = list(debian.packages())
    # Descriptions are not unique; with the package's name before them they are.
    texts = [f"{package['name']}: {package['desc']}" for package in packages]
    question, vector = debian.question(given.question)
    model = Bundled({question: vector} | {text: package["vector"] for text, package in zip(texts, packages)})
    config = RedisConfig(
        index_name="debian",
        redis_url=f"redis://localhost:{given.port}",
        embedding_dimensions=debian.DIMENSION,
        indexing_algorithm="HNSW",
        metadata_schema=[{"name": "section", "type": "tag"}, {"name": "size", "type": "numeric"}],
    )
    store = RedisVectorStore(model, config)
    try:
        store.add_texts(texts, [{"section": package["section"], "size": package["size"]} for package in packages])
        section = Tag("section") == given.section if given.section else None
        count = sum(given.section in (None, package["section"]) for package in packages)
        found = store.similarity_search_with_score(question, k=5, filter=section)
        hits = [(distance, *document.page_content.split(": ", 1), document.metadata["section"]) for document, distance in found]
        debian.show(question, count, [(distance, name, section, desc) for distance, name, desc, section in hits])
    finally:
        store.index.delete(drop=True)


if __name__ == "__main__":
    main()
