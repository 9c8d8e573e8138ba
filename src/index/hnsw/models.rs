//! x
#[test]
fn first() {
    loom::model(|| {
        let x = crate::index::VectorIndex::new(crate::index::IndexOptions {
            dim: 1, metric: crate::index::Metric::L2, quantization: crate::index::Quantization::Int8, kind: crate::index::IndexKind::Hnsw, m: 2, ef_construction: 4 });
        let a = x.reserve(&[1.0]);
        x.connect(a, u64::MAX, None);
        x.check().unwrap();
    });
}
