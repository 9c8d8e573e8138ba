//! What an index must find, told in the plainest way: documents in a map, and one look at each for every query.

use std::collections::BTreeMap;

/// Mean radius of the earth in metres, as Redis has it.
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// A document: its fields as they were written.
pub type Fields = BTreeMap<&'static str, Vec<u8>>;

/// All documents, by key.
#[derive(Default)]
pub struct Twin(pub BTreeMap<String, Fields>);

/// A condition on documents.
#[derive(Clone, Debug)]
pub enum Filter {
    All,
    Tags(Vec<&'static str>),
    TagPrefix(&'static str),
    /// Bounds, and whether each is within.
    Number(f64, bool, f64, bool),
    /// A word in one of the fields.
    Word(&'static [&'static str], &'static str),
    Prefix(&'static [&'static str], &'static str),
    Phrase(&'static [&'static str], Vec<&'static str>),
    /// Longitude, latitude and a radius in kilometres.
    Near(f64, f64, f64),
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

impl Filter {
    /// The filter in the language of FT.SEARCH.
    pub fn query(&self) -> String {
        let fields = |names: &[&str]| match names {
            [name] => format!("@{name}:"),
            _ => String::new(),
        };
        let bound = |value: f64, is_within: bool| match is_within {
            true => value.to_string(),
            false => format!("({value}"),
        };
        let join = |filters: &[Filter], by: &str| {
            let parts: Vec<String> = filters.iter().map(Filter::query).collect();
            format!("({})", parts.join(by))
        };
        match self {
            Filter::All => "*".into(),
            Filter::Tags(tags) => format!("@tags:{{{}}}", tags.join("|")),
            Filter::TagPrefix(prefix) => format!("@tags:{{{prefix}*}}"),
            Filter::Number(min, has_min, max, has_max) => {
                format!(
                    "@number:[{} {}]",
                    bound(*min, *has_min),
                    bound(*max, *has_max)
                )
            }
            Filter::Word(names, word) => format!("{}{word}", fields(names)),
            Filter::Prefix(names, prefix) => format!("{}{prefix}*", fields(names)),
            Filter::Phrase(names, words) => format!("{}\"{}\"", fields(names), words.join(" ")),
            Filter::Near(longitude, latitude, km) => {
                format!("@place:[{longitude} {latitude} {km} km]")
            }
            Filter::And(filters) => join(filters, " "),
            Filter::Or(filters) => join(filters, " | "),
            Filter::Not(filter) => format!("(-({}))", filter.query()),
        }
    }

    fn passes(&self, fields: &Fields) -> bool {
        match self {
            Filter::All => true,
            Filter::Tags(asked) => tags(fields).iter().any(|tag| asked.contains(&tag.as_str())),
            Filter::TagPrefix(prefix) => tags(fields).iter().any(|tag| tag.starts_with(prefix)),
            Filter::Number(min, has_min, max, has_max) => number(fields).is_some_and(|number| {
                (number > *min || *has_min && number == *min)
                    && (number < *max || *has_max && number == *max)
            }),
            Filter::Word(names, word) => {
                any_text(fields, names, |words| words.contains(&(*word).to_owned()))
            }
            Filter::Prefix(names, prefix) => any_text(fields, names, |words| {
                words.iter().any(|word| word.starts_with(prefix))
            }),
            Filter::Phrase(names, phrase) => any_text(fields, names, |words| {
                words
                    .windows(phrase.len())
                    .any(|some| some == phrase.as_slice())
            }),
            Filter::Near(longitude, latitude, km) => {
                let centre = (*longitude, *latitude);
                place(fields).is_some_and(|place| metres(centre, place) <= km * 1000.0)
            }
            Filter::And(filters) => filters.iter().all(|filter| filter.passes(fields)),
            Filter::Or(filters) => filters.iter().any(|filter| filter.passes(fields)),
            Filter::Not(filter) => !filter.passes(fields),
        }
    }
}

impl Twin {
    /// Keys of the documents that pass, sorted.
    pub fn found(&self, filter: &Filter) -> Vec<String> {
        let passing = self
            .0
            .iter()
            .filter(|(_, fields)| is_indexed(fields) && filter.passes(fields));
        passing.map(|(key, _)| key.clone()).collect()
    }

    /// Squared distances of the documents that pass and have a vector in `field`, by key.
    pub fn distances(&self, field: &str, filter: &Filter, target: &[f32]) -> BTreeMap<String, f32> {
        let passing = self.found(filter).into_iter();
        let distance = |key: String| {
            let vector = vector(self.0[&key].get(field)?);
            let squares = vector.iter().zip(target).map(|(x, y)| (x - y) * (x - y));
            Some((key, squares.sum()))
        };
        passing.filter_map(distance).collect()
    }
}

/// A document with a number that is none is not indexed.
fn is_indexed(fields: &Fields) -> bool {
    fields.get("number").is_none() || number(fields).is_some()
}

fn text(fields: &Fields, name: &str) -> String {
    String::from_utf8(fields.get(name).cloned().unwrap_or_default()).expect("text")
}

fn number(fields: &Fields) -> Option<f64> {
    text(fields, "number").parse().ok()
}

fn tags(fields: &Fields) -> Vec<String> {
    let tags = text(fields, "tags").to_lowercase();
    tags.split(',').map(|tag| tag.trim().to_owned()).collect()
}

/// Whether one of the texts is as asked: its words in lower case, without "the", which is a stop word.
fn any_text(fields: &Fields, names: &[&str], is_asked: impl Fn(&[String]) -> bool) -> bool {
    names.iter().any(|name| {
        let text = text(fields, name).to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric());
        let words: Vec<String> = words
            .filter(|word| !word.is_empty() && *word != "the")
            .map(str::to_owned)
            .collect();
        is_asked(&words)
    })
}

fn place(fields: &Fields) -> Option<(f64, f64)> {
    let text = text(fields, "place");
    let (longitude, latitude) = text.split_once(',')?;
    Some((longitude.parse().ok()?, latitude.parse().ok()?))
}

/// Along a great circle.
fn metres(one: (f64, f64), other: (f64, f64)) -> f64 {
    let on_sphere = |(longitude, latitude): (f64, f64)| {
        let (longitude, latitude) = (longitude.to_radians(), latitude.to_radians());
        [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ]
    };
    let squares = on_sphere(one)
        .into_iter()
        .zip(on_sphere(other))
        .map(|(x, y)| (x - y) * (x - y));
    let chord: f64 = squares.sum::<f64>().sqrt();
    2.0 * EARTH_RADIUS_M * (chord / 2.0).asin()
}

fn vector(bytes: &[u8]) -> Vec<f32> {
    let (parts, _) = bytes.as_chunks();
    parts.iter().map(|part| f32::from_le_bytes(*part)).collect()
}
