//! Searches under filters across selectivities, with recall beside the time. `cargo bench --bench filtered`.
//!
//! Each line says which share of the elements passes and how the passing ones lie: `random`, or a region that is `near` the
//! queries or `far` from them. Its name holds recall@10, the plan and the most hits that any query lacked. Vectors as in
//! benches/hnsw.rs; the elements' attributes are a line of JSON of some 170 bytes.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use half::f16;
use rayon::prelude::*;
use rhumb::index::WalkedOn;
use rhumb::keyspace::change::{Change, Effect, Upsert};
use rhumb::keyspace::collection::{
    Collection, IndexKind, IndexOptions, Metric, Quantization, Schema,
};
use rhumb::keyspace::{Keyspace, Value};
use rhumb::search::expression::Expression;
use rhumb::search::filter::Filter;
use rhumb::search::{Query, QueryTarget, run};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const K: usize = 10;
const QUERIES: usize = 200;
const SHARES: [f64; 7] = [0.5, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0002];

struct DataSet {
    rows: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
}

impl DataSet {
    fn read() -> DataSet {
        let given = std::env::var_os("RHUMB_DATA").map(PathBuf::from);
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let large = given.unwrap_or_else(|| package.join("../shared/data"));
        let places = [
            (large, "debian-minilm-384"),
            (package.join("data"), "debian-3000"),
        ];
        let found = places.iter().find_map(|(directory, name)| {
            let rows = read_npy(&directory.join(format!("{name}.f16.npy")))?;
            let mut queries = read_npy(&directory.join(format!("{name}.queries.f16.npy")))?;
            queries.truncate(QUERIES);
            Some(DataSet { rows, queries })
        });
        found.expect("data/debian-3000.* is part of the repository")
    }

    /// The place of each row in the order of nearness to `vector`.
    fn ranks(&self, vector: &[f32]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_cached_key(|&row| (-dot(&self.rows[row], vector) * 1e6) as i64);
        let mut ranks = vec![0; order.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(rank, &row)| ranks[row] = rank);
        ranks
    }
}

/// A .npy file of f16 in C order, as rows of f32; none if it cannot be opened.
fn read_npy(path: &Path) -> Option<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).ok()?;
    let header_length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, data) = bytes[10..].split_at(header_length);
    let shape = std::str::from_utf8(header).ok()?.split_once('(')?.1;
    let shape = shape.split_once(')')?.0;
    let dim: usize = shape.split(',').nth(1)?.trim().parse().ok()?;
    let row = |row: &[u8]| {
        row.chunks_exact(2)
            .map(|x| f16::from_le_bytes([x[0], x[1]]).to_f32())
            .collect()
    };
    Some(data.chunks_exact(2 * dim).map(row).collect())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How the passing elements lie.
struct Layout {
    name: &'static str,
    /// The row passes where this is below the share of all rows.
    ranks: Vec<usize>,
    queries: Vec<Vec<f32>>,
}

/// Random; a region around a row that the queries know nothing of; and a region with queries out of its middle.
fn layouts(data: &DataSet) -> Vec<Layout> {
    let mut order: Vec<usize> = (0..data.rows.len()).collect();
    order.sort_by_key(|&row| mix(row as u64));
    let mut random = vec![0; order.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(rank, &row)| random[row] = rank);
    let centre = &data.rows[order[0]];
    let region = data.ranks(centre);
    let mut nearest: Vec<usize> = (0..data.queries.len()).collect();
    nearest.sort_by_cached_key(|&query| (-dot(&data.queries[query], centre) * 1e6) as i64);
    let query = |place: &usize| data.queries[*place].clone();
    let third = nearest.len() / 3;
    vec![
        Layout {
            name: "random",
            ranks: random,
            queries: data.queries.clone(),
        },
        Layout {
            name: "near",
            ranks: region.clone(),
            queries: nearest[..third].iter().map(query).collect(),
        },
        Layout {
            name: "far",
            ranks: region,
            queries: nearest[2 * third..].iter().map(query).collect(),
        },
    ]
}

fn collection_of(
    data: &DataSet,
    layouts: &[Layout],
    quantization: Quantization,
) -> Arc<Collection> {
    let keyspace = Keyspace::new(1, 7);
    let index = IndexOptions {
        dim: data.rows[0].len() as u32,
        metric: Metric::Cosine,
        quantization,
        kind: IndexKind::Hnsw,
        m: 16,
        ef_construction: 200,
        walked_on: WalkedOn::Codes,
    };
    let schema = Box::new(Schema {
        index,
        projected_from: None,
        declared: true,
        recall: None,
    });
    keyspace.apply(Change::new(0, b"c", Effect::CreateCollection { schema }), 1);
    data.rows.par_iter().enumerate().for_each(|(row, vector)| {
        let attributes = format!(
            "{{\"name\": \"row{row}\", \"desc\": \"{}\", \"random\": {}, \"region\": {}, \"tags\": [\"a{}\", \"b{}\"]}}",
            "some words about it, ".repeat(4),
            layouts[0].ranks[row],
            layouts[1].ranks[row],
            layouts[0].ranks[row] % 10,
            layouts[0].ranks[row] % 7,
        );
        let upsert = Upsert {
            element: row.to_string().into(),
            vector: vector.clone(),
            schema: None,
            ef: None,
            attributes: Some(attributes.into()),
        };
        keyspace.apply(Change::new(0, b"c", Effect::Upsert(Box::new(upsert))), row as u64 + 2);
    });
    match keyspace.view(0, 0).get(b"c") {
        Some(Value::Collection(collection)) => collection,
        _ => panic!("the collection is there"),
    }
}

/// The nearest passing rows, by comparing all.
fn truth(data: &DataSet, query: &[f32], passes: impl Fn(usize) -> bool) -> Vec<usize> {
    let passing = (0..data.rows.len()).filter(|&row| passes(row));
    let mut all: Vec<(f32, usize)> = passing
        .map(|row| (-dot(&data.rows[row], query), row))
        .collect();
    let k = K.min(all.len());
    if k < all.len() {
        all.select_nth_unstable_by(k, |a, b| a.0.total_cmp(&b.0));
    }
    all[..k].iter().map(|(_, row)| *row).collect()
}

fn ask(target: &[f32], filter: Option<&Filter>) -> Query {
    Query {
        filter: filter.cloned(),
        ..Query::nearest(QueryTarget::Vector(target.to_vec()), K)
    }
}

/// Recall, the plan of the last query, the most hits that a query lacked.
fn quality(
    data: &DataSet,
    collection: &Collection,
    queries: &[Query],
    passes: &(dyn Fn(usize) -> bool + Sync),
) -> (f64, String, usize) {
    let each: Vec<(f64, String, usize)> = queries
        .par_iter()
        .map(|query| {
            let QueryTarget::Vector(target) = &query.target else {
                panic!("queries are vectors")
            };
            let expected = truth(data, target, passes);
            let answer = run(collection, query).expect("an answer");
            let row = |name: &[u8]| std::str::from_utf8(name).ok()?.parse().ok();
            let found: Vec<usize> = answer
                .hits
                .iter()
                .filter_map(|hit| row(hit.element.name()))
                .collect();
            assert!(found.iter().all(|&row| passes(row)), "a hit does not pass");
            let met = found.iter().filter(|row| expected.contains(row)).count();
            let plan = match answer.explanation.was_scanned_after {
                true => format!("{},then-scan", answer.explanation.plan.name()),
                false => answer.explanation.plan.name().to_owned(),
            };
            let lacking = expected.len() - found.len();
            (met as f64 / expected.len().max(1) as f64, plan, lacking)
        })
        .collect();
    let recall = each.iter().map(|(recall, ..)| recall).sum::<f64>() / each.len() as f64;
    let lacking = each.iter().map(|(.., lacking)| *lacking).max().unwrap_or(0);
    (recall, each[each.len() - 1].1.clone(), lacking)
}

fn measure(
    bench: &mut Criterion,
    (data, collection): (&DataSet, &Collection),
    name: &str,
    queries: Vec<Query>,
    passes: &(dyn Fn(usize) -> bool + Sync),
) {
    // Columns are made by the first searches.
    for _ in 0..16 {
        black_box(run(collection, &queries[0]).expect("an answer"));
    }
    let (recall, plan, lacking) = quality(data, collection, &queries, passes);
    let id = BenchmarkId::new(name, format!("{plan} recall={recall:.3} lacking={lacking}"));
    let mut group = bench.benchmark_group("filtered");
    let mut next = queries.iter().cycle();
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            let query = next.next().expect("a cycle has no end");
            black_box(run(collection, query).expect("an answer"))
        });
    });
    group.finish();
}

fn filtered(bench: &mut Criterion) {
    let data = DataSet::read();
    let layouts = layouts(&data);
    for quantization in [Quantization::Int8, Quantization::F32] {
        let collection = collection_of(&data, &layouts, quantization);
        let on = (&data, &*collection);
        for layout in &layouts {
            let unfiltered = layout.queries.iter().map(|target| ask(target, None));
            let name = format!("{quantization:?} {} all", layout.name);
            measure(bench, on, &name, unfiltered.collect(), &|_| true);
            let field = if layout.name == "random" {
                "random"
            } else {
                "region"
            };
            for share in SHARES {
                let below = ((data.rows.len() as f64 * share).round() as usize).max(1);
                let filter = compile(&format!(".{field} < {below}"));
                let queries = layout
                    .queries
                    .iter()
                    .map(|target| ask(target, Some(&filter)));
                let name = format!("{quantization:?} {} {:.2}%", layout.name, share * 100.0);
                let passes = |row: usize| layout.ranks[row] < below;
                measure(bench, on, &name, queries.collect(), &passes);
            }
        }
        let filter = compile("\"a3\" in .tags and .random > 100");
        let queries = data.queries.iter().map(|target| ask(target, Some(&filter)));
        let ranks = &layouts[0].ranks;
        let passes = |row: usize| ranks[row] % 10 == 3 && ranks[row] > 100;
        let name = format!("{quantization:?} tags 10%");
        measure(bench, on, &name, queries.collect(), &passes);
    }
}

fn compile(text: &str) -> Filter {
    Filter::Expression(Expression::compile(text.as_bytes()).expect("an expression"))
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = settings();
    targets = filtered
}
criterion_main!(benches);
