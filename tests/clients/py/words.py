"""A vectorizer that needs no model: each word of a text counts in one of 128 components. Texts that share words are near each other."""

import re
import zlib

import numpy

DIMENSION = 128


def embed(text):
    """The unit vector of a text."""
    vector = numpy.zeros(DIMENSION)
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % DIMENSION] += 1
    return (vector / (numpy.linalg.norm(vector) or 1)).tolist()


def embed_many(texts):
    """The unit vectors of texts."""
    return [embed(text) for text in texts]
