"""Semantic search with redis-om: Debian packages as models, found by what they are for.

    pip install 'redis-om>=1.2,<2' 'numpy>=2,<3'
    python examples/redis_om_search.py [--port 6379] [--question 0] [--section python]

Saves the bundled packages as JSON models, asks a question and drops the models with their index again.
"""

import os
from typing import Optional

import debian

given = debian.given()
# redis-om reads it as it is imported.
os.environ["REDIS_OM_URL"] = f"redis://localhost:{given.port}"

from redis_om import Field, JsonModel, KNNExpression, Migrator, VectorFieldOptions

VECTOR = VectorFieldOptions.hnsw(
    type=VectorFieldOptions.TYPE.FLOAT32,
    dimension=debian.DIMENSION,
    distance_metric=VectorFieldOptions.DISTANCE_METRIC.COSINE,
)


class Package(JsonModel, index=True):
    """A Debian package."""

    name: str = Field(primary_key=True)
    section: str = Field(index=True)
    size: int = Field(index=True)
    desc: str = Field(index=True, full_text_search=True)
    vector: list[float] = Field(vector_options=VECTOR)
    distance: Optional[float] = None

    class Meta:
        global_key_prefix = "debian"


def main():
    Migrator().run()
    try:
        Package.add([Package(**{**package, "vector": package["vector"].tolist()}) for package in debian.packages()])
        text, vector = debian.question(given.question)
        section = [Package.section == given.section] if given.section else []
        near = KNNExpression(k=5, vector_field=Package.vector, score_field=Package.distance, reference_vector=vector.tobytes())
        hits = [(hit.distance, hit.name, hit.section, hit.desc) for hit in Package.find(*section, knn=near).all()]
        debian.show(text, Package.find(*section).count(), hits)
    finally:
        name = Package.Meta.index_name
        Package.db().ft(name).dropindex(delete_documents=True)
        # What redis-om notes of the schemas that it made.
        Package.db().delete(f"{name}:hash", f"{name}:schema")


if __name__ == "__main__":
    main()
