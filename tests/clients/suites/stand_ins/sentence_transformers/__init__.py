"""Stands for the package of that name where the suites of clients ask for embeddings: words are counted, no model is loaded.

Texts that share words are near each other; tests that ask for more than that fail (skipped.txt names them).
"""

import re
import zlib

import numpy


class SentenceTransformer:
    """A vectorizer of 768 components, as the models that the suites name have."""

    def __init__(self, model_name_or_path=None, **_):
        self.name = model_name_or_path

    def encode(self, texts, **_):
        """The unit vectors of texts."""
        return numpy.array([self._vector(text) for text in texts], dtype="float32")

    @staticmethod
    def _vector(text):
        vector = numpy.zeros(768)
        for word in re.findall(r"\w+", str(text).lower()):
            vector[zlib.crc32(word.encode()) % 768] += 1
        return vector / (numpy.linalg.norm(vector) or 1)


class CrossEncoder:
    """Named by redisvl's rerankers; nothing here runs it."""
