"""redis-om: models kept as hashes and as JSON, found by fields, words and vectors. Arguments: port, protocol version."""

import datetime
import os
import struct
import sys
from typing import Optional

# redis-om reads it as it is imported.
os.environ["REDIS_OM_URL"] = f"redis://localhost:{sys.argv[1]}" + ("?protocol=2" if sys.argv[2] == "2" else "")

from redis_om import EmbeddedJsonModel, Field, HashModel, JsonModel, KNNExpression, Migrator, NotFoundError, VectorFieldOptions
from redis_om import get_redis_connection

from words import DIMENSION, embed

client = get_redis_connection()
client.flushall()


class Pet(HashModel, index=True):
    name: str = Field(index=True, full_text_search=True)
    kind: str = Field(index=True)
    size: int = Field(index=True, sortable=True)
    born: datetime.date = Field(index=True)

    class Meta:
        global_key_prefix = "om"


class Author(EmbeddedJsonModel, index=True):
    name: str = Field(index=True)
    city: Optional[str] = Field(index=True, default=None)


class Book(JsonModel, index=True):
    title: str = Field(index=True, full_text_search=True)
    tags: list[str] = Field(index=True)
    year: int = Field(index=True, sortable=True)
    author: Author
    embedding: list[float] = Field(
        [],
        vector_options=VectorFieldOptions.hnsw(
            type=VectorFieldOptions.TYPE.FLOAT32,
            dimension=DIMENSION,
            distance_metric=VectorFieldOptions.DISTANCE_METRIC.COSINE,
        ),
    )
    distance: Optional[float] = None

    class Meta:
        global_key_prefix = "om"


def check_hashes():
    tom = Pet(name="Tom the Great", kind="cat", size=3, born=datetime.date(2020, 5, 1)).save()
    Pet(name="Rex", kind="dog", size=7, born=datetime.date(2021, 1, 1)).save()
    Pet(name="Tim", kind="cat, tame", size=5, born=datetime.date(2019, 1, 1)).save()

    def names(*conditions):
        return sorted(pet.name for pet in Pet.find(*conditions).all())

    assert names() == ["Rex", "Tim", "Tom the Great"] and Pet.find().count() == 3
    assert names(Pet.kind == "cat") == ["Tom the Great"] and names(Pet.kind != "cat") == ["Rex", "Tim"]
    assert names(Pet.kind == "cat, tame") == ["Tim"] and names(Pet.kind << ["dog", "cat"]) == ["Rex", "Tom the Great"]
    assert names(Pet.size > 3) == ["Rex", "Tim"] and names(Pet.size <= 3) == ["Tom the Great"] and names(Pet.size != 3) == ["Rex", "Tim"]
    assert names((Pet.size == 3) | (Pet.size == 7)) == ["Rex", "Tom the Great"]
    assert names((Pet.size > 4) & (Pet.size < 6)) == ["Tim"]
    assert names((Pet.kind == "cat") & ~(Pet.size == 7)) == ["Tom the Great"]
    assert names(Pet.name % "great") == ["Tom the Great"] and names(Pet.name.startswith("To")) == ["Tom the Great"]
    assert names(Pet.born > datetime.date(2020, 1, 1)) == ["Rex", "Tom the Great"]
    assert [pet.size for pet in Pet.find().sort_by("-size").all()] == [7, 5, 3]
    assert Pet.find(Pet.kind == "dog").first().name == "Rex" and Pet.find().sort_by("size").page(1, 1)[0].name == "Tim"

    assert Pet.get(tom.pk) == tom and len(list(Pet.all_pks())) == 3
    tom.update(size=4)
    assert names(Pet.size == 4) == ["Tom the Great"]
    tom.expire(100)
    assert 0 < client.ttl(tom.key()) <= 100
    Pet.find(Pet.kind == "dog").delete()
    Pet.delete(tom.pk)
    assert names() == ["Tim"]
    try:
        Pet.get(tom.pk)
    except NotFoundError:
        pass
    else:
        raise AssertionError("a deleted pet was found")


def check_json():
    shelf = [
        ("Dune", ["desert", "spice"], 1965, "Frank Herbert", "Tacoma"),
        ("Children of Dune", ["desert"], 1976, "Frank Herbert", "Tacoma"),
        ("The Left Hand of Darkness", ["ice", "winter"], 1969, "Ursula K. Le Guin", "Berkeley"),
        ("A Fire Upon the Deep", ["space"], 1992, "Vernor Vinge", None),
    ]
    for title, tags, year, name, city in shelf:
        Book(title=title, tags=tags, year=year, author=Author(name=name, city=city), embedding=embed(title)).save()

    def titles(*conditions, **more):
        return [book.title for book in Book.find(*conditions, **more).sort_by("year").all()]

    assert titles(Book.author.name == "Frank Herbert") == ["Dune", "Children of Dune"]
    assert titles(Book.tags << ["spice", "space"]) == ["Dune", "A Fire Upon the Deep"]
    assert titles((Book.year >= 1970) & (Book.author.city == "Tacoma")) == ["Children of Dune"]
    assert titles(Book.title % "darkness") == ["The Left Hand of Darkness"] and titles(Book.title % "dune") == ["Dune", "Children of Dune"]
    assert titles(~(Book.author.name == "Frank Herbert")) == ["The Left Hand of Darkness", "A Fire Upon the Deep"]

    def nearest(text, k, *conditions):
        target = struct.pack(f"<{DIMENSION}f", *embed(text))
        knn = KNNExpression(k=k, vector_field=Book.embedding, score_field=Book.distance, reference_vector=target)
        return Book.find(*conditions, knn=knn).all()

    found = nearest("the children of dune", 2)
    assert found[0].title == "Children of Dune" and 0 < found[0].distance < found[1].distance <= 1, found
    assert [book.title for book in nearest("dune", 3, Book.year < 1970)] == ["Dune", "The Left Hand of Darkness"]

    dune = Book.find(Book.title == "Dune").first()
    dune.update(author__city="Seattle")
    assert titles(Book.author.city == "Seattle") == ["Dune"]
    assert Book.get(dune.pk).author.city == "Seattle" and Book.find(Book.year > 1960).count() == 4


Migrator().run()
# A second run finds its indexes as they should be.
Migrator().run()
check_hashes()
check_json()
client.flushall()
