"""One peer as a process: builds its index over a data set, prints a JSON line of what that took, then answers each line of its
input, an effort, with a JSON line about one pass over the queries. `cargo bench --bench in_process -- --turns` does the same.

    engines.py ENGINE OUT SET M EF_CONSTRUCTION     OUT holds sets.json

Effort is ef, of the inverted file the lists that are looked into. All build and search on one thread. Queries are handed over in
one call, so that a call from Python costs no engine anything; each engine is given the vectors in the form that it likes best.
"""

import importlib
import json
import math
import resource
import shutil
import sys
import tempfile
import time

import numpy as np

import sets

K = sets.K


class Hnswlib:
    library = "hnswlib"

    def __init__(self, base, metric, m, ef_construction):
        import hnswlib

        self.index = hnswlib.Index("l2" if metric == "l2" else "cosine", base.shape[1])
        self.index.init_index(len(base), M=m, ef_construction=ef_construction)
        self.index.add_items(base, num_threads=1)

    def search(self, queries, ef):
        self.index.set_ef(max(ef, K))
        return self.index.knn_query(queries, K, num_threads=1)[0]


class FaissHnsw:
    library = "faiss"

    def __init__(self, base, metric, m, ef_construction):
        self.index = faiss().IndexHNSWFlat(base.shape[1], m, faiss_metric(metric))
        self.index.hnsw.efConstruction = ef_construction
        self.index.add(base)

    def search(self, queries, ef):
        self.index.hnsw.efSearch = ef
        return self.index.search(queries, K)[1]


class FaissIvfPq:
    """4-bit product quantizers of two components each, scanned by registers, and the best 20 k ranked anew by the vectors."""

    library = "faiss"

    def __init__(self, base, metric, m, ef_construction):
        lists = 1 << int(np.log2(2 * np.sqrt(len(base))))
        factory = f"IVF{lists},PQ{base.shape[1] // 2}x4fs,RFlat"
        self.index = faiss().index_factory(base.shape[1], factory, faiss_metric(metric))
        self.index.train(base[: 60 * lists])
        self.index.add(base)
        self.index.k_factor = 20

    def search(self, queries, lists):
        faiss().extract_index_ivf(self.index).nprobe = lists
        return self.index.search(queries, K)[1]


class Usearch:
    library, dtype = "usearch.index", "f16"

    def __init__(self, base, metric, m, ef_construction):
        from usearch.index import Index

        self.index = Index(
            ndim=base.shape[1],
            metric="l2sq" if metric == "l2" else "cos",
            dtype=self.dtype,
            connectivity=m,
            expansion_add=ef_construction,
        )
        self.index.add(np.arange(len(base)), base, threads=1)

    def search(self, queries, ef):
        self.index.expansion_search = ef
        return self.index.search(queries, K, threads=1).keys


class UsearchInt8(Usearch):
    """Its codes are of vectors on the unit sphere: they rank by cosine only."""

    dtype, metrics = "i8", ["cosine"]


class QdrantEdge:
    """int8 codes, the best 2 k ranked anew by the vectors; without the second factor it cannot pass the recall of its codes."""

    library = "qdrant_edge"

    def __init__(self, base, metric, m, ef_construction, payload=None, fields=()):
        import qdrant_edge as q

        self.q, self.directory = q, tempfile.mkdtemp()
        distance = q.Distance.Euclid if metric == "l2" else q.Distance.Cosine
        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=base.shape[1], distance=distance, memory=q.Memory.Cached),
            hnsw_config=q.HnswIndexConfig(m, ef_construction, full_scan_threshold=10, max_indexing_threads=1),
            quantization_config=q.ScalarQuantizationConfig(q.ScalarType.Int8, quantile=0.99, always_ram=True),
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=1,
            wal_enabled=False,
        )
        self.shard = q.EdgeShard.create(self.directory + "/shard", config)
        for field in fields:
            index = q.UpdateOperation.create_field_index(field, q.PayloadSchemaType.Integer)
            self.shard.update(index)
        for start in range(0, len(base), 1000):
            rows = range(start, min(start + 1000, len(base)))
            points = [q.Point(row, base[row].tolist(), payload(row) if payload else None) for row in rows]
            self.shard.update(q.UpdateOperation.upsert_points(points))
        while self.shard.optimize():
            pass

    def prepare(self, queries, ef, filters=None):
        q = self.q
        quantization = q.QuantizationSearchParams(rescore=True, oversampling=2.0)
        params = q.SearchParams(hnsw_ef=ef, quantization=quantization)
        requests = [
            q.QueryRequest(K, query=q.Query.Nearest(row.tolist()), params=params, filter=filters and filters[at])
            for at, row in enumerate(queries)
        ]
        return (q.QueryBatchRequest(requests),)

    def search(self, request):
        return [[hit.id for hit in hits] for hits in self.shard.query_batch(request)]

    def close(self):
        self.shard.close()
        shutil.rmtree(self.directory)


ENGINES = {
    "hnswlib f32": Hnswlib,
    "faiss HNSW f32": FaissHnsw,
    "faiss IVF-PQ fast scan": FaissIvfPq,
    "usearch f16": Usearch,
    "usearch int8": UsearchInt8,
    "Qdrant Edge int8": QdrantEdge,
}


def faiss():
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def faiss_metric(metric):
    return faiss().METRIC_L2 if metric == "l2" else faiss().METRIC_INNER_PRODUCT


def recall(found, truth):
    """Share of the true neighbours that were found, over all queries."""
    common = sum(len(set(hits) & set(wanted)) for hits, wanted in zip(found, truth.tolist()))
    return common / truth.size


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def serve(name, data_set, m, ef_construction):
    base, queries, truth = sets.load(data_set)
    # What the library itself takes is not the index's.
    importlib.import_module(ENGINES[name].library)
    before, wall, cpu = resident_bytes(), time.perf_counter(), time.process_time()
    engine = ENGINES[name](base, data_set["metric"], m, ef_construction)
    tell(
        rows=len(base),
        dim=base.shape[1],
        build_wall_s=time.perf_counter() - wall,
        build_cpu_s=time.process_time() - cpu,
        resident_bytes_each=(resident_bytes() - before) / len(base),
    )
    for line in sys.stdin:
        effort = int(line)
        asked = engine.prepare(queries, effort) if hasattr(engine, "prepare") else (queries, effort)
        # Few queries are asked again and again, or the time would be that of a moment.
        repeats = math.ceil(1000 / len(queries))
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            found = engine.search(*asked)
        # By CPU time, of all threads: others who use the core do not count, nor does an engine gain by a second one.
        cpu, elapsed = time.process_time() - cpu, time.perf_counter() - started
        found = found.tolist() if hasattr(found, "tolist") else found
        asked = repeats * len(queries)
        tell(ef=effort, queries_per_s=asked / cpu, wall_queries_per_s=asked / elapsed, recall=recall(found, truth))
    if hasattr(engine, "close"):
        engine.close()


def tell(**facts):
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    name, out, chosen, m, ef_construction = sys.argv[1:]
    serve(name, sets.find(out, chosen), int(m), int(ef_construction))
