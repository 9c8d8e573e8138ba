//! Which documents pass a tree of conditions: sets of ids, put together from the postings.

use super::distances::Distances;
use super::patience::Patience;
use super::pattern::PartLimits;
use super::proximity::is_within;
use super::run::Question;
use super::shapes::Comparison;
use super::sought::{Expansion, Sought};
use super::tree::{
    FieldMask, GeoRadius, Kind, Node, NumericRange, Options, Relation, TagValue, VectorRange,
};
use super::within::Within;
use crate::keyspace::documents::earth::distance_m;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::postings::{Packed, Postings};
use crate::keyspace::documents::shape::Shape;
use crate::keyspace::documents::text::language::Language;
use roaring::RoaringBitmap;
use std::cell::Cell;

/// What the conditions of a query are answered with.
pub struct Matcher<'a> {
    /// The index.
    pub index: &'a DocumentIndex,
    /// Its postings, held for the query.
    pub state: &'a State,
    /// The language of the query's words.
    pub language: Language,
    /// What words stand for beside themselves.
    pub expansion: Expansion,
    /// What bounds parts of words.
    pub parts: PartLimits,
    /// How long it may take. Loops that stop early have found less.
    pub patience: &'a Patience<'a>,
    /// Whether a part of a word stands for more words than were taken.
    pub is_cut: Cell<bool>,
    /// What the searches within radii found.
    within: &'a [Within<'a>],
    /// Distances of ranges that are named, by name. Filled while matching.
    pub distances: Vec<(String, Distances)>,
    /// Whether a range may lack somebody who was written meanwhile. Found out while matching.
    pub is_torn: bool,
}

/// Words of which one is asked for.
struct Group {
    sought: Vec<Sought>,
    /// A document may pass with none of them.
    is_optional: bool,
}

impl Group {
    fn of_one(sought: Sought) -> Group {
        Group {
            sought: vec![sought],
            is_optional: false,
        }
    }
}

impl<'a> Matcher<'a> {
    /// For one question; `within` answers its ranges.
    pub fn new(
        index: &'a DocumentIndex,
        state: &'a State,
        question: &Question<'a>,
        within: &'a [Within<'a>],
    ) -> Matcher<'a> {
        Matcher {
            index,
            state,
            language: question.language,
            expansion: question.expansion,
            parts: question.parts,
            patience: question.patience,
            is_cut: Cell::new(false),
            within,
            distances: Vec::new(),
            is_torn: false,
        }
    }

    /// Documents that pass all that a question says of them.
    pub fn passing(&mut self, question: &Question) -> RoaringBitmap {
        let ids = self.matching(question.root);
        let Some(keys) = question.keys else {
            return ids;
        };
        let wanted = keys.iter().filter_map(|key| self.state.id_of(key));
        ids & wanted.collect::<RoaringBitmap>()
    }

    /// Documents that pass.
    pub fn matching(&mut self, node: &Node) -> RoaringBitmap {
        if self.is_unindexed(&node.kind) {
            return RoaringBitmap::new();
        }
        match &node.kind {
            Kind::Nothing => RoaringBitmap::new(),
            Kind::All => self.state.all.clone(),
            Kind::And(nodes) => self.all_of(nodes, &node.options),
            Kind::Or(nodes) => {
                let found = nodes.iter().map(|node| self.matching(node));
                found.fold(RoaringBitmap::new(), |all, ids| all | ids)
            }
            Kind::Not(inner) => {
                let ids = self.matching(inner);
                // Of a part of those that do not pass, nobody knows the rest.
                match self.patience.is_over() {
                    true => RoaringBitmap::new(),
                    false => &self.state.all - ids,
                }
            }
            Kind::Optional(inner) => {
                self.matching(inner);
                self.state.all.clone()
            }
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                self.holding(&self.words_of(node))
            }
            Kind::Phrase(words) => self.phrase(words, node.fields),
            Kind::Tag { field, values } => self.tagged(*field, values),
            Kind::Numeric(range) => self.between(range),
            Kind::Geo(circle) => self.around(circle),
            Kind::Geoshape {
                field,
                relation,
                wkt,
            } => self.shaped(*field, *relation, wkt),
            Kind::VectorRange(range) => self.within(range),
            Kind::Missing { field } => &self.state.all - &self.state.fields[*field].present,
        }
    }

    /// Whether a condition asks for a value of a field that is kept for sorting alone. Words are not even asked there.
    fn is_unindexed(&self, kind: &Kind) -> bool {
        let field = match kind {
            Kind::Tag { field, .. } => *field,
            Kind::Numeric(range) => range.field,
            Kind::Geo(circle) => circle.field,
            _ => return false,
        };
        self.index.schema().fields[field].is_unindexed
    }

    fn all_of(&mut self, nodes: &[Node], options: &Options) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        for node in nodes {
            let ids = self.matching(node);
            found = Some(match found {
                Some(found) => found & ids,
                None => ids,
            });
        }
        let found = found.unwrap_or_default();
        if options.slop.is_none() && options.in_order.is_none() {
            return found;
        }
        let slop = options.slop.unwrap_or(u32::MAX / 2);
        let is_in_order = options.in_order.unwrap_or(false);
        let groups: Vec<Group> = nodes.iter().map(|node| self.group(node)).collect();
        let is_close = |id: &DocumentId| self.is_close(&groups, *id, slop, is_in_order);
        let in_time = found.into_iter().take_while(|_| !self.patience.ends());
        in_time.filter(is_close).collect()
    }

    fn group(&self, node: &Node) -> Group {
        let mut sought = Vec::new();
        self.gather(node, &mut sought);
        Group {
            sought,
            is_optional: matches!(node.kind, Kind::Optional(_)),
        }
    }

    /// The words in a condition, whichever way they are joined; what is not to be there has no place.
    fn gather(&self, node: &Node, sought: &mut Vec<Sought>) {
        match &node.kind {
            Kind::Not(_) => {}
            Kind::Phrase(words) => {
                sought.extend(words.iter().map(|word| Sought::plain(word, node.fields)));
            }
            _ => {
                sought.extend(self.words_of(node));
                node.children()
                    .iter()
                    .for_each(|part| self.gather(part, sought));
            }
        }
    }

    /// Whether one of each group of words stands near one of every other, in the fields that are asked. What has no places, as in
    /// indexes that keep none, is near everything.
    fn is_close(&self, groups: &[Group], id: DocumentId, slop: u32, is_in_order: bool) -> bool {
        let places = groups.iter().map(|group| {
            let found = group
                .sought
                .iter()
                .filter_map(|one| Some((self.posting(&one.word, id)?, self.asked(one.fields))));
            let places = found.flat_map(|(posting, fields)| posting.places(fields.0));
            let mut places: Vec<u32> = places.collect();
            places.sort_unstable();
            places
        });
        let keeps_places = !self.index.schema().options.no_offsets;
        let places: Vec<Vec<u32>> = places
            .zip(groups)
            .filter(|(places, group)| {
                let must_be_there = keeps_places && !group.is_optional;
                !group.sought.is_empty() && (must_be_there || !places.is_empty())
            })
            .map(|(places, _)| places)
            .collect();
        let places: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
        is_within(&places, slop, is_in_order)
    }

    /// The posting of a word in a document.
    pub fn posting(&self, word: &str, id: DocumentId) -> Option<Packed<'a>> {
        self.state.words.get(word)?.get(id)
    }

    /// The fields that a condition asks; all where postings do not know theirs.
    pub fn asked(&self, fields: FieldMask) -> FieldMask {
        match self.index.schema().options.no_fields {
            true => FieldMask::ALL,
            false => fields,
        }
    }

    fn holding(&self, sought: &[Sought]) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for one in sought {
            let fields = self.asked(one.fields);
            let postings = self.state.words.get(&one.word).into_iter();
            let postings = postings.flat_map(Postings::iter);
            let postings = postings.take_while(|_| !self.patience.ends());
            let asked = postings.filter(|(_, posting)| fields.has(posting.fields));
            found.extend(asked.map(|(id, _)| id));
        }
        found
    }

    fn phrase(&self, words: &[String], fields: FieldMask) -> RoaringBitmap {
        let sought = words.iter().map(|word| Sought::plain(word, fields));
        let groups: Vec<Group> = sought.map(Group::of_one).collect();
        let found = groups.iter().map(|group| self.holding(&group.sought));
        let Some(found) = found.reduce(|all, ids| all & ids) else {
            return RoaringBitmap::new();
        };
        let is_phrase = |id: &DocumentId| self.is_close(&groups, *id, 0, true);
        let in_time = found.into_iter().take_while(|_| !self.patience.ends());
        in_time.filter(is_phrase).collect()
    }

    fn tagged(&self, field: usize, values: &[TagValue]) -> RoaringBitmap {
        let values = values.iter().map(|value| self.tags_of(field, value));
        values
            .flatten()
            .fold(RoaringBitmap::new(), |all, (_, ids)| all | ids)
    }

    fn between(&self, range: &NumericRange) -> RoaringBitmap {
        let (min, max) = range.bounds();
        self.state.fields[range.field].numbers.between(min, max)
    }

    /// Compared with the shapes that are near; all others are disjoint. A text that is no shape was refused before.
    fn shaped(&self, field: usize, relation: Relation, text: &str) -> RoaringBitmap {
        let Ok(shape) = Shape::parse(text) else {
            return RoaringBitmap::new();
        };
        let shapes = &self.state.fields[field].shapes;
        let comparison = Comparison::new(&shape, relation, shapes.ground());
        let near = shapes.near(comparison.extent());
        let in_time = near.iter().take_while(|_| !self.patience.ends());
        let holds = |id: &DocumentId| shapes.of(*id).iter().any(|it| comparison.holds(it));
        let found: RoaringBitmap = in_time.filter(holds).collect();
        match relation {
            Relation::Disjoint => found | (shapes.ids() - near),
            _ => found,
        }
    }

    fn around(&self, circle: &GeoRadius) -> RoaringBitmap {
        let centre = (circle.longitude, circle.latitude);
        let is_near = |point: &(f64, f64)| distance_m(centre, *point) <= circle.radius_m();
        let points = &self.state.fields[circle.field].points;
        let near = points.near(centre, circle.radius_m()).into_iter();
        let in_time = near.take_while(|_| !self.patience.ends());
        in_time
            .filter(|id| points.of(*id).iter().any(is_near))
            .collect()
    }

    fn within(&mut self, range: &VectorRange) -> RoaringBitmap {
        let found = self.within.iter().find(|within| within.answers(range));
        let (hits, is_torn) = found.map_or_else(Default::default, |w| w.documents(self.state));
        self.is_torn |= is_torn;
        self.patience.look();
        let found = hits.ids().collect();
        if let Some(name) = &range.distance_name {
            self.distances.push((name.clone(), hits));
        }
        found
    }
}
