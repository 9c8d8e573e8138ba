//! What a query asks for, as a tree that was checked against a schema: fields are their places in it, parameters are replaced by
//! their values.

use std::ops::Bound;

/// A checked query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which documents pass.
    pub root: Node,
    /// Of those, the nearest to a vector.
    pub knn: Option<Knn>,
}

/// One condition, with what may be said of every condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The condition.
    pub kind: Kind,
    /// The TEXT fields that its words are looked for in.
    pub fields: FieldMask,
    /// What `=>{$name: value}` says.
    pub options: Options,
}

/// TEXT fields of a schema, a bit each (see `Schema::text_bit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldMask(pub u128);

impl FieldMask {
    /// Every field.
    pub const ALL: FieldMask = FieldMask(u128::MAX);

    /// Whether every field is meant.
    pub fn is_all(self) -> bool {
        self == FieldMask::ALL
    }

    /// Whether the field with that bit is meant.
    pub fn has(self, bit: u128) -> bool {
        self.0 & bit != 0
    }
}

/// What `=>{$name: value}` says of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Factor of its score.
    pub weight: f64,
    /// Words that may stand between its words; none means any number.
    pub slop: Option<u32>,
    /// Whether its words stand in their order; none leaves it to the request.
    pub in_order: Option<bool>,
    /// Whether words that sound alike match; none leaves it to the field.
    pub phonetic: Option<bool>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            weight: 1.0,
            slop: None,
            in_order: None,
            phonetic: None,
        }
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// No document: an empty query, or stop words only.
    Nothing,
    /// `*`: every document.
    All,
    /// All of them.
    And(Vec<Node>),
    /// At least one of them.
    Or(Vec<Node>),
    /// All documents but these.
    Not(Box<Node>),
    /// Every document; these score.
    Optional(Box<Node>),
    /// A word.
    Word(Word),
    /// `"exact phrase"`: these words next to each other, not stemmed. Without words it matches nothing.
    Phrase(Vec<String>),
    /// A part of a word.
    Affix(Affix),
    /// `w'pattern'`: `?` is any character, `*` any number of them; a backslash makes them ordinary. Case as written.
    Wildcard(String),
    /// `%word%`: words at most so many edits away.
    Fuzzy {
        /// In lower case.
        word: String,
        /// Edits: 1 to 3.
        distance: u8,
    },
    /// `@field:{a | b}`: at least one of the values.
    Tag {
        /// The field's place.
        field: usize,
        /// The values.
        values: Vec<TagValue>,
    },
    /// `@field:[min max]` and comparisons.
    Numeric(NumericRange),
    /// `@field:[lon lat radius unit]`.
    Geo(GeoRadius),
    /// `@field:[WITHIN $shape]`.
    Geoshape {
        /// The field's place.
        field: usize,
        /// How the document's shape lies to the query's.
        relation: Relation,
        /// The query's shape in WKT.
        wkt: String,
    },
    /// `@field:[VECTOR_RANGE radius $vector]`.
    VectorRange(Box<VectorRange>),
    /// `ismissing(@field)`.
    Missing {
        /// The field's place.
        field: usize,
    },
}

/// A word of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// In lower case, without escapes.
    pub text: String,
    /// Not to be stemmed: a number.
    pub is_verbatim: bool,
}

/// A part of a word, with case as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Affix {
    /// Without escapes.
    pub text: String,
    /// Anything may follow: `text*`.
    pub is_prefix: bool,
    /// Anything may precede: `*text`.
    pub is_suffix: bool,
}

/// One value of a tag set, with case as written.
#[derive(Clone, Debug, PartialEq)]
pub enum TagValue {
    /// The whole value, without escapes.
    Whole(String),
    /// A part of it.
    Affix(Affix),
    /// A pattern, escapes in it.
    Wildcard(String),
}

/// Numbers between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumericRange {
    /// The field's place.
    pub field: usize,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Whether `min` itself passes.
    pub includes_min: bool,
    /// Whether `max` itself passes.
    pub includes_max: bool,
}

impl NumericRange {
    /// The bounds; none where everything passes on that side.
    pub fn bounds(&self) -> (Bound<f64>, Bound<f64>) {
        let bound = |value: f64, is_included: bool, end: f64| match is_included {
            true if value == end => Bound::Unbounded,
            true => Bound::Included(value),
            false => Bound::Excluded(value),
        };
        (
            bound(self.min, self.includes_min, f64::NEG_INFINITY),
            bound(self.max, self.includes_max, f64::INFINITY),
        )
    }

    /// Whether a number passes.
    pub fn has(&self, value: f64) -> bool {
        let is_above = value > self.min || (self.includes_min && value == self.min);
        let is_below = value < self.max || (self.includes_max && value == self.max);
        is_above && is_below
    }
}

/// Points around a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoRadius {
    /// The field's place.
    pub field: usize,
    /// Degrees, east is positive.
    pub longitude: f64,
    /// Degrees, north is positive.
    pub latitude: f64,
    /// In `unit`s.
    pub radius: f64,
    /// Of the radius.
    pub unit: GeoUnit,
}

impl GeoRadius {
    /// The radius in metres.
    pub fn radius_m(&self) -> f64 {
        self.radius * self.unit.metres()
    }
}

/// A unit of distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeoUnit {
    /// `m`
    Metre,
    /// `km`
    Kilometre,
    /// `mi`
    Mile,
    /// `ft`
    Foot,
}

impl GeoUnit {
    /// Reads `m`, `km`, `mi` or `ft`, in any case.
    pub fn parse(word: &[u8]) -> Option<GeoUnit> {
        let all = [
            GeoUnit::Metre,
            GeoUnit::Kilometre,
            GeoUnit::Mile,
            GeoUnit::Foot,
        ];
        let is_it = |unit: &GeoUnit| word.eq_ignore_ascii_case(unit.word().as_bytes());
        all.into_iter().find(is_it)
    }

    /// The unit's word.
    pub fn word(self) -> &'static str {
        match self {
            GeoUnit::Metre => "m",
            GeoUnit::Kilometre => "km",
            GeoUnit::Mile => "mi",
            GeoUnit::Foot => "ft",
        }
    }

    /// Metres in one.
    pub fn metres(self) -> f64 {
        match self {
            GeoUnit::Metre => 1.0,
            GeoUnit::Kilometre => 1000.0,
            GeoUnit::Mile => 1609.34,
            GeoUnit::Foot => 0.3048,
        }
    }
}

/// How a document's shape lies to the query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Wholly inside the query's.
    Within,
    /// The query's is wholly inside it.
    Contains,
    /// They have points in common.
    Intersects,
    /// They have none.
    Disjoint,
}

/// Vectors within a distance.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorRange {
    /// The field's place.
    pub field: usize,
    /// The greatest distance; not negative once it ran (see `check_vector`).
    pub radius: f64,
    /// The vector, and what is said of the search.
    pub target: VectorTarget,
    /// The name under which the distance is given, if one was asked for.
    pub distance_name: Option<String>,
}

/// The nearest vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    /// The field's place.
    pub field: usize,
    /// How many.
    pub k: usize,
    /// The vector, and what is said of the search.
    pub target: VectorTarget,
    /// The name under which the distance is given.
    pub distance_name: String,
}

/// The vector of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorTarget {
    /// Its bytes, as the client sent them.
    pub blob: Vec<u8>,
    /// The parameter that held them.
    pub parameter: String,
    /// Names and values (EF_RUNTIME, HYBRID_POLICY, ...), checked by `VectorTarget::parameters`.
    pub attributes: Vec<(String, String)>,
}

impl Node {
    /// A condition without options, on all fields.
    pub fn new(kind: Kind) -> Node {
        Node {
            kind,
            fields: FieldMask::ALL,
            options: Options::default(),
        }
    }

    /// The conditions that it is made of.
    pub fn children(&self) -> &[Node] {
        match &self.kind {
            Kind::And(nodes) | Kind::Or(nodes) => nodes,
            Kind::Not(node) | Kind::Optional(node) => std::slice::from_ref(node),
            _ => &[],
        }
    }

    /// Whether a copy of it takes so many bytes at most, about. Of a greater one no more than that is looked at.
    pub fn takes_at_most(&self, bytes: usize) -> bool {
        let mut left = Some(bytes);
        self.take_from(&mut left);
        left.is_some()
    }

    fn take_from(&self, left: &mut Option<usize>) {
        let own = match &self.kind {
            Kind::Word(Word { text, .. }) | Kind::Affix(Affix { text, .. }) => text.len(),
            Kind::Wildcard(text) | Kind::Fuzzy { word: text, .. } => text.len(),
            Kind::Geoshape { wkt, .. } => wkt.len(),
            Kind::Phrase(words) => words
                .iter()
                .map(|word| size_of_val(word) + word.len())
                .sum(),
            Kind::Tag { values, .. } => values.iter().map(TagValue::bytes).sum(),
            Kind::VectorRange(range) => size_of_val(&**range) + range.target.blob.len(),
            _ => 0,
        };
        *left = left.and_then(|left| left.checked_sub(size_of::<Node>() + own));
        for part in self.children() {
            if left.is_none() {
                return;
            }
            part.take_from(left);
        }
    }

    /// The conditions that it is made of, to be changed.
    pub fn children_mut(&mut self) -> &mut [Node] {
        match &mut self.kind {
            Kind::And(nodes) | Kind::Or(nodes) => nodes,
            Kind::Not(node) | Kind::Optional(node) => std::slice::from_mut(node),
            _ => &mut [],
        }
    }
}

impl TagValue {
    fn bytes(&self) -> usize {
        let (TagValue::Whole(text)
        | TagValue::Wildcard(text)
        | TagValue::Affix(Affix { text, .. })) = self;
        size_of::<TagValue>() + text.len()
    }
}

impl Query {
    /// The names under which distances are given: KNN's first, then those of ranges, in the order of the query.
    pub fn distance_names(&self) -> Vec<&str> {
        fn collect<'t>(node: &'t Node, names: &mut Vec<&'t str>) {
            if let Kind::VectorRange(range) = &node.kind {
                names.extend(range.distance_name.as_deref());
            }
            for child in node.children() {
                collect(child, names);
            }
        }
        let mut names: Vec<&str> = Vec::new();
        names.extend(self.knn.as_ref().map(|knn| knn.distance_name.as_str()));
        collect(&self.root, &mut names);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_filter_takes_grows_with_all_its_parts() {
        let word = |text: &str| {
            Node::new(Kind::Word(Word {
                text: text.to_owned(),
                is_verbatim: false,
            }))
        };
        let tags = |count: usize| {
            Node::new(Kind::Tag {
                field: 0,
                values: vec![TagValue::Whole("a".to_owned()); count],
            })
        };
        let both = |one: Node, other: Node| Node::new(Kind::And(vec![one, other]));
        let long = "a".repeat(1000);
        for small in [word("a"), both(word("a"), tags(3)), Node::new(Kind::All)] {
            assert!(small.takes_at_most(1000), "{small:?}");
        }
        for great in [
            word(&long),
            tags(100),
            both(word("a"), tags(100)),
            Node::new(Kind::Not(Box::new(word(&long)))),
            Node::new(Kind::Or(vec![word("a"); 20])),
            Node::new(Kind::Phrase(vec!["a".to_owned(); 50])),
        ] {
            assert!(!great.takes_at_most(1000), "{great:?}");
            assert!(great.takes_at_most(10_000), "{great:?}");
        }
    }
}
