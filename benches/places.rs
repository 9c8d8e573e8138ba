//! Documents near a point and shapes near a shape, among few and many, as FT.SEARCH finds them; and what a place takes:
//! `cargo bench --bench places -- [--sizes 10000,500000]`.
//!
//! Points are drawn evenly from a square of 10 degrees, shapes are triangles of a thousandth of a degree around the same points. A
//! radius is chosen so that about so many documents pass; the last one lets all pass.

mod bed;

use bed::data::Dice;
use bed::machine;
use bytes::Bytes;
use clap::Parser;
use rhumb::keyspace::Keyspace;
use rhumb::keyspace::change::{Change, Effect, Expiry};
use rhumb::keyspace::documents::index::DocumentIndex;
use rhumb::keyspace::documents::schema;
use rhumb::keyspace::documents::turns::Turn;
use rhumb::keyspace::documents::words::Words;
use rhumb::search::documents::patience::Patience;
use rhumb::search::documents::pattern::PartLimits;
use rhumb::search::documents::run::{self, Question};
use rhumb::search::documents::sought::Expansion;
use rhumb::search::documents::tree::{GeoRadius, GeoUnit, Kind, Node, Relation};
use std::sync::Arc;
use std::time::Instant;

const INDEX: &[u8] = b"bench";
/// Places that are asked for.
const QUERIES: usize = 200;
/// Documents that pass, about.
const PASSING: [usize; 3] = [1, 100, 5_000];
/// Degrees of the square's side, and the longitude and latitude that it begins at: it has the equator in it.
const SIDE: f64 = 10.0;
const FIRST: (f64, f64) = (10.0, -5.0);
const METRES_OF_DEGREE: f64 = 111_226.0;

#[derive(Parser)]
struct Options {
    /// Numbers of documents
    #[arg(long, value_delimiter = ',', default_value = "10000,500000")]
    sizes: Vec<usize>,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let sizes = match bed::is_brief() {
        true => vec![2_000],
        false => options.sizes,
    };
    println!(
        "{:>10}{:>8}{:>10}{:>10}{:>14}{:>12}",
        "documents", "field", "radius", "passing", "CPU us each", "bytes each"
    );
    for documents in sizes {
        for field in ["GEO", "GEOSHAPE"] {
            measure(documents, field);
        }
    }
    bed::succeed();
}

fn measure(documents: usize, field: &str) {
    let index = fill(documents, field);
    let bytes = index.read().sizes();
    let bytes = (bytes.posting_bytes + bytes.shape_bytes) as f64 / documents as f64;
    let spread = documents as f64 / (SIDE * SIDE);
    let radii = PASSING.map(|passing| (passing as f64 / spread / std::f64::consts::PI).sqrt());
    let all = (field == "GEO").then_some(2.0 * SIDE);
    for radius in radii.into_iter().chain(all) {
        let mut dice = Dice::new(2);
        let asked: Vec<Node> = (0..QUERIES)
            .map(|_| Node::new(condition(field, place(&mut dice), radius)))
            .collect();
        let cpu_s = machine::cpu_seconds();
        let passing: u64 = asked.iter().map(|root| answer(&index, root)).sum();
        let cpu_s = machine::cpu_seconds() - cpu_s;
        println!(
            "{documents:>10}{field:>10}{:>10}{:>10.1}{:>14.1}{bytes:>12.1}",
            format!("{:.1} km", radius * METRES_OF_DEGREE / 1000.0),
            passing as f64 / QUERIES as f64,
            cpu_s * 1e6 / QUERIES as f64,
        );
    }
}

fn place(dice: &mut Dice) -> (f64, f64) {
    let mut share = || dice.below(1 << 30) as f64 / (1u64 << 30) as f64;
    (FIRST.0 + SIDE * share(), FIRST.1 + SIDE * share())
}

fn ring((x, y): (f64, f64), radius: f64) -> String {
    let corners = [
        (-1.0, -1.0),
        (1.0, -1.0),
        (1.0, 1.0),
        (-1.0, 1.0),
        (-1.0, -1.0),
    ];
    let corners =
        corners.map(|(east, north)| format!("{} {}", x + radius * east, y + radius * north));
    format!("POLYGON (({}))", corners.join(", "))
}

fn condition(field: &str, (longitude, latitude): (f64, f64), radius: f64) -> Kind {
    match field {
        "GEO" => Kind::Geo(GeoRadius {
            field: 0,
            longitude,
            latitude,
            radius: radius * METRES_OF_DEGREE,
            unit: GeoUnit::Metre,
        }),
        _ => Kind::Geoshape {
            field: 0,
            relation: Relation::Intersects,
            wkt: ring((longitude, latitude), radius),
        },
    }
}

fn fill(documents: usize, field: &str) -> Arc<DocumentIndex> {
    let keyspace = Keyspace::new(1, 0);
    let words = format!("SCHEMA at {field}");
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let schema = schema::create(&mut Words::new(&words));
    let schema = Arc::new(schema.unwrap_or_else(|error| panic!("{error:?}")));
    let create = Effect::CreateIndex { schema };
    keyspace.apply(Change::new(0, INDEX, create), 1);
    let mut dice = Dice::new(1);
    let begun = Instant::now();
    for row in 0..documents {
        let place = place(&mut dice);
        let text = match field {
            "GEO" => format!("{},{}", place.0, place.1),
            _ => ring(place, 0.001),
        };
        let fields: Vec<(Bytes, Bytes)> = vec![("at".into(), text.into())];
        let effect = Effect::HashSet {
            fields,
            expiry: Expiry::Keep,
        };
        let key = row.to_string();
        keyspace.apply(Change::new(0, key.as_bytes(), effect), row as u64 + 2);
    }
    let us = begun.elapsed().as_secs_f64() * 1e6 / documents as f64;
    println!("{documents:>10}{field:>10}  {us:.2} us an HSET");
    keyspace.indexes().get(INDEX).expect("it was made above")
}

/// How many documents pass.
fn answer(index: &DocumentIndex, root: &Node) -> u64 {
    let question = Question {
        root,
        knn: None,
        ranges: Vec::new(),
        keys: None,
        language: index.schema().language,
        expansion: Expansion::WHOLE,
        parts: PartLimits {
            bytes_min: 2,
            expansions_max: 200,
        },
        patience: &Patience::new(&|| false),
        turn: Turn::InTurn,
    };
    run::run(index, &question, |_, found| found.ids.len())
}
