"""What the Python examples share: the bundled 3,000 Debian packages, 100 questions about them, and how hits are shown.

The vectors of packages and questions were computed beforehand (data/README.md says how), so that no model is needed here. For
questions of your own, embed them with the same model.
"""

import argparse
import json
import pathlib

import numpy

DATA = pathlib.Path(__file__).parents[1] / "data"
DIMENSION = 384


def given():
    """What the command line says: where the server is, which question is asked, and of which section packages are wanted."""
    arguments = argparse.ArgumentParser(description="Finds Debian packages by what they are for.")
    arguments.add_argument("--port", type=int, default=6379)
    arguments.add_argument("--question", type=int, default=0, help="0 to 99")
    arguments.add_argument("--section", help="only packages of this Debian section")
    given = arguments.parse_args()
    if not 0 <= given.question < 100:
        arguments.error("there are the questions 0 to 99")
    return given


def packages():
    """Every package: name, section, priority, size, desc, and its vector as an array of f32."""
    vectors = numpy.load(DATA / "debian-3000.f16.npy").astype("<f4")
    with (DATA / "debian-3000.meta.jsonl").open() as lines:
        for vector, line in zip(vectors, lines, strict=True):
            yield {**json.loads(line), "vector": vector}


def question(number):
    """The text of a bundled question and its vector."""
    text = (DATA / "debian-3000.queries.txt").read_text().splitlines()[number]
    return text, numpy.load(DATA / "debian-3000.queries.f16.npy").astype("<f4")[number]


def show(text, count, hits):
    """Prints a question and what was found: distances, names, sections and descriptions."""
    print(f"{text}\n\nThe nearest of {count} packages:")
    for distance, name, section, desc in hits:
        print(f"{float(distance):.3f}  {name} ({section}): {desc}")
