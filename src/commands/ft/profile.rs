//! FT.PROFILE: a search or an aggregation with what it took: the conditions of its query, each with the documents that pass it, how
//! vectors were searched, and the rows that each step let through. RediSearch's names and shapes, and `Plan`, `Candidates`,
//! `Distance computations`, `Sign comparisons` and `Spread` of the searches of vectors, which are our own.

use super::arguments;
use super::find::Observer;
use super::indexes;
use super::page;
use super::pipeline;
use super::printed::print_exactly;
use super::query::tree::{Affix, Kind, Node, Query, TagValue};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::documents::INDEXED_DB;
use crate::protocol::{Reply, Version};
use crate::search::documents::matching::Matcher;
use crate::search::documents::run::Explanation;
use crate::search::follow::Course;
use crate::search::plan::PlanKind;
use roaring::RoaringBitmap;
use std::time::{Duration, Instant};

/// `FT.PROFILE index SEARCH | AGGREGATE [LIMITED] QUERY query [option ...]`
pub const PROFILE: Command = Command {
    name: "FT.PROFILE",
    summary: "Runs FT.SEARCH or FT.AGGREGATE and tells what it took.",
    group: Group::Search,
    since: "2.2.0",
    complexity: "That of the command, and each condition of its query once more",
    args: arguments::PROFILE,
    flags: flags(&[Flags::READONLY]),
    class: Class::Aside(Delay::Long),
    examples: &[(
        "FT.PROFILE pets SEARCH QUERY tom",
        "(error) pets: no such index",
    )],
    run,
    ..COMMAND
};

fn run(call: &mut Call) -> Result {
    let start = Instant::now();
    let index = call.args.word()?;
    let is_cursor = |word: &[u8]| word.eq_ignore_ascii_case(b"WITHCURSOR");
    if call.args.clone().rest_words().skip(1).any(is_cursor) {
        return Err(Refusal::line("FT.PROFILE does not support cursor"));
    }
    indexes::index(&call.access.view(INDEXED_DB), index)?;
    let is_search = call.args.take("SEARCH");
    if !is_search && !call.args.take("AGGREGATE") {
        return Err(Refusal::line(
            "No `SEARCH`, `AGGREGATE`, or `HYBRID` provided",
        ));
    }
    let is_limited = call.args.take("LIMITED");
    if !call.args.take("QUERY") {
        return Err(Refusal::line("The QUERY keyword is expected"));
    }
    let mut profile = Profile {
        is_limited,
        ..Profile::default()
    };
    let results = match is_search {
        true => page::answer(call, index, &mut profile)?,
        false => pipeline::answer(call, index, &mut profile)?,
    };
    let profile = profile.told(start, Instant::now());
    let word = Reply::Simple;
    Ok(match call.session.version {
        Version::Resp2 => Reply::Array(vec![results, profile]),
        Version::Resp3 => Reply::Map(vec![(word("Results"), results), (word("Profile"), profile)]),
    })
}

/// What is noted of a query while it runs.
struct Profile {
    is_limited: bool,
    parsed: Option<Instant>,
    begun: Option<Instant>,
    /// When the step under way began.
    step: Instant,
    /// What it took before that.
    step_so_far: Duration,
    iterators: Reply,
    steps: Vec<Reply>,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            is_limited: false,
            parsed: None,
            begun: None,
            step: Instant::now(),
            step_so_far: Duration::ZERO,
            iterators: Reply::Map(Vec::new()),
            steps: Vec::new(),
        }
    }
}

impl Profile {
    /// What the whole took, in the shape of a server that is its only shard.
    fn told(self, start: Instant, end: Instant) -> Reply {
        let parsed = self.parsed.unwrap_or(end);
        let begun = self.begun.unwrap_or(parsed);
        let word = Reply::Simple;
        let shard = Reply::Map(vec![
            (word("Total profile time"), milliseconds(end - start)),
            (word("Parsing time"), milliseconds(parsed - start)),
            // Queries wait for no worker and for no lock that all share.
            (word("Workers queue time"), milliseconds(Duration::ZERO)),
            (word("Pipeline creation time"), milliseconds(begun - parsed)),
            (word("Total GIL time"), milliseconds(Duration::ZERO)),
            (word("Warning"), Reply::Array(vec![word("None")])),
            (word("Iterators profile"), self.iterators),
            (word("Result processors profile"), Reply::Array(self.steps)),
        ]);
        Reply::Map(vec![
            (word("Shards"), Reply::Array(vec![shard])),
            (word("Coordinator"), Reply::Map(Vec::new())),
        ])
    }
}

impl Observer for Profile {
    fn parsed(&mut self) {
        self.parsed = Some(Instant::now());
    }

    fn begun(&mut self) {
        self.step = Instant::now();
        self.begun = Some(self.step);
    }

    fn matched(
        &mut self,
        matcher: &mut Matcher,
        query: &Query,
        keys: Option<usize>,
        explanation: &Explanation,
    ) {
        self.step_so_far = self.step.elapsed();
        let mut iterators = Iterators {
            matcher,
            took: self.step_so_far,
            ranges: explanation.ranges.iter(),
            is_limited: self.is_limited,
        };
        self.iterators = iterators.of_query(query, keys, explanation);
        // What the profile itself takes belongs to no step.
        self.step = Instant::now();
    }

    fn passed(&mut self, step: &str, rows: usize) {
        let time = self.step_so_far + self.step.elapsed();
        self.steps.push(Reply::Map(vec![
            (Reply::Simple("Type"), text(step)),
            (Reply::Simple("Time"), milliseconds(time)),
            (Reply::Simple("Results processed"), Reply::count(rows)),
        ]));
        (self.step, self.step_so_far) = (Instant::now(), Duration::ZERO);
    }
}

/// Names and values of one part.
type Part = Vec<(Reply, Reply)>;

/// The conditions of a query as the iterators that RediSearch makes of them.
struct Iterators<'p, 'a> {
    matcher: &'p mut Matcher<'a>,
    /// The searches within radii that are not told yet.
    ranges: std::slice::Iter<'p, Course>,
    /// How long it took to find what passes.
    took: Duration,
    is_limited: bool,
}

impl Iterators<'_, '_> {
    fn of_query(&mut self, query: &Query, keys: Option<usize>, explanation: &Explanation) -> Reply {
        let is_all = query.root.kind == Kind::All;
        let start = Instant::now();
        let conditions = match keys {
            None => self.of_node(&query.root),
            Some(count) => {
                let list = part("ID-LIST", None, Duration::ZERO, count as u64);
                let mut all = part("INTERSECT", None, Duration::ZERO, explanation.passed);
                let mut parts = vec![Reply::Map(list)];
                if !is_all {
                    parts.push(self.of_node(&query.root));
                }
                all.push((Reply::Simple("Child iterators"), Reply::Array(parts)));
                Reply::Map(all)
            }
        };
        let Some(knn) = &query.knn else {
            return conditions;
        };
        let (course, ef) = explanation.nearest.unwrap_or_default();
        let found = explanation.found as u64;
        // The rest of what all took, where the conditions took about what they take now.
        let time = self.took.saturating_sub(start.elapsed());
        let mut vector = part("VECTOR", None, time, found);
        let mode = match course.plan {
            _ if is_all && keys.is_none() => "STANDARD_KNN",
            PlanKind::Scan | PlanKind::ScanPassing | PlanKind::FilterFirst => "HYBRID_ADHOC_BF",
            _ => "HYBRID_BATCHES",
        };
        vector.push((Reply::Simple("Vector search mode"), Reply::Simple(mode)));
        vector.extend(told(&course, Some(ef)));
        vector.extend(self.spread(knn.field));
        if !is_all || keys.is_some() {
            vector.push((Reply::Simple("Child iterator"), conditions));
        }
        Reply::Map(vector)
    }

    /// How fast distances grow with rank in a field, once searches taught it: what curves of recall are measured with.
    fn spread(&self, field: usize) -> Option<(Reply, Reply)> {
        let vectors = self.matcher.index.vectors(field)?;
        let (spread, _) = vectors.spread_learnt()?;
        let spread = (f64::from(spread) * 1e4).round() / 1e4;
        Some((Reply::Simple("Spread"), Reply::Double(spread)))
    }

    fn of_node(&mut self, node: &Node) -> Reply {
        let start = Instant::now();
        let count = self.matcher.matching(node).len();
        let time = start.elapsed();
        let sized = |kind, term: String| Reply::Map(leaf(kind, term, time, count));
        let plain = |kind| part(kind, None, time, count);
        match &node.kind {
            Kind::Nothing => Reply::Map(plain("EMPTY")),
            Kind::All => Reply::Map(plain("WILDCARD")),
            Kind::And(parts) => self.with_parts(plain("INTERSECT"), parts),
            Kind::Or(parts) => self.with_parts(part("UNION", Some("UNION"), time, count), parts),
            Kind::Not(inner) => self.with_one(plain("NOT"), inner),
            Kind::Optional(inner) => self.with_one(plain("OPTIONAL"), inner),
            Kind::Word(_) => self.words("UNION", node, (time, count)),
            Kind::Affix(affix) => self.words(&affix_kind(affix), node, (time, count)),
            Kind::Wildcard(pattern) => {
                self.words(&format!("WILDCARD - {pattern}"), node, (time, count))
            }
            Kind::Fuzzy { word, .. } => self.words(&format!("FUZZY - {word}"), node, (time, count)),
            Kind::Phrase(words) => {
                let terms = words.iter().map(|word| self.term(word));
                let terms = Reply::Array(terms.collect());
                let mut phrase = plain("INTERSECT");
                phrase.push((Reply::Simple("Child iterators"), terms));
                Reply::Map(phrase)
            }
            Kind::Tag { field, values } => self.tags(*field, values, (time, count)),
            Kind::Numeric(range) => {
                let ends = [range.min, range.max].map(print_exactly);
                sized("NUMERIC", ends.join(" - "))
            }
            Kind::Geo(circle) => {
                let centre = [circle.longitude, circle.latitude].map(print_exactly);
                sized("GEO", centre.join(","))
            }
            Kind::Geoshape { .. } => Reply::Map(plain("ID-LIST")),
            Kind::VectorRange(range) => self.range(range.distance_name.is_some(), (time, count)),
            Kind::Missing { field } => {
                let name = &self.matcher.index.schema().fields[*field].name;
                let mut missing = leaf("MISSING", String::new(), time, count);
                missing[1] = (Reply::Simple("Field"), Reply::bulk(name.clone()));
                Reply::Map(missing)
            }
        }
    }

    /// A search within a radius: where nobody asks for distances a list of documents.
    fn range(&mut self, has_distances: bool, (time, count): (Duration, u64)) -> Reply {
        let mut range = match has_distances {
            false => part("ID-LIST", None, time, count),
            true => part("METRIC - VECTOR DISTANCE", None, time, count),
        };
        if has_distances {
            let mode = Reply::Simple("RANGE_QUERY");
            range.push((Reply::Simple("Vector search mode"), mode));
        }
        if let Some(course) = self.ranges.next() {
            range.extend(told(course, None));
        }
        Reply::Map(range)
    }

    fn with_parts(&mut self, mut whole: Part, parts: &[Node]) -> Reply {
        let parts = parts.iter().map(|part| self.of_node(part)).collect();
        whole.push((Reply::Simple("Child iterators"), Reply::Array(parts)));
        Reply::Map(whole)
    }

    fn with_one(&mut self, mut whole: Part, inner: &Node) -> Reply {
        whole.push((Reply::Simple("Child iterator"), self.of_node(inner)));
        Reply::Map(whole)
    }

    /// A condition on words: a union of those that the index has, or the only one of them.
    fn words(&self, kind: &str, node: &Node, (time, count): (Duration, u64)) -> Reply {
        let words = self.matcher.words_of(node).into_iter();
        let known = words.filter(|one| self.matcher.state.words.get(&one.word).is_some());
        let terms: Vec<Reply> = known.map(|one| self.term(&one.word)).collect();
        self.union(kind, terms, (time, count))
    }

    fn union(&self, kind: &str, mut parts: Vec<Reply>, (time, count): (Duration, u64)) -> Reply {
        match parts.len() {
            0 => Reply::Map(part("EMPTY", None, time, 0)),
            1 => parts.remove(0),
            many => {
                let mut union = part("UNION", Some(kind), time, count);
                let told = format!("The number of iterators in the union is {many}");
                let parts = match self.is_limited && kind != "UNION" {
                    true => text(&told),
                    false => Reply::Array(parts),
                };
                union.push((Reply::Simple("Child iterators"), parts));
                Reply::Map(union)
            }
        }
    }

    fn term(&self, word: &str) -> Reply {
        let holders = self.matcher.state.words.get(word).map_or(0, |w| w.len());
        Reply::Map(leaf(
            "TEXT",
            word.to_owned(),
            Duration::ZERO,
            holders as u64,
        ))
    }

    /// A set of tags: a union of what its values stand for, each a tag or a union of them; of both only what the index has.
    fn tags(&self, field: usize, values: &[TagValue], (time, count): (Duration, u64)) -> Reply {
        let parts = values.iter().filter_map(|value| {
            let held = self.matcher.tags_of(field, value);
            let ids = held.iter().map(|(_, ids)| *ids);
            let passing = match (values, &held[..]) {
                (_, []) => return None,
                ([_], _) => count,
                (_, [(_, ids)]) => ids.len(),
                _ => ids.fold(RoaringBitmap::new(), |all, ids| all | ids).len(),
            };
            let leaves = held
                .iter()
                .map(|(tag, ids)| Reply::Map(leaf("TAG", (*tag).to_owned(), time, ids.len())));
            let kind = match value {
                TagValue::Whole(_) => "TAG".to_owned(),
                TagValue::Affix(affix) => affix_kind(affix),
                TagValue::Wildcard(pattern) => format!("WILDCARD - {pattern}"),
            };
            Some(self.union(&kind, leaves.collect(), (time, passing)))
        });
        self.union("TAG", parts.collect(), (time, count))
    }
}

/// How vectors were searched.
fn told(course: &Course, ef: Option<usize>) -> Part {
    let mut told = vec![(Reply::Simple("Plan"), Reply::Simple(course.plan.name()))];
    let ef = ef.map(|ef| (Reply::Simple("Candidates"), Reply::count(ef)));
    told.extend(ef);
    let count = |count: u64| Reply::count(count as usize);
    let distances = count(course.walk.distances);
    told.push((Reply::Simple("Distance computations"), distances));
    if course.walk.signs > 0 {
        told.push((Reply::Simple("Sign comparisons"), count(course.walk.signs)));
    }
    if course.walk.filter_tests > 0 {
        told.push((
            Reply::Simple("Filter tests"),
            count(course.walk.filter_tests),
        ));
    }
    told
}

fn part(kind: &'static str, query_type: Option<&str>, time: Duration, count: u64) -> Part {
    let mut part = vec![(Reply::Simple("Type"), Reply::Simple(kind))];
    let query_type = query_type.map(|kind| (Reply::Simple("Query type"), text(kind)));
    part.extend(query_type);
    part.push((Reply::Simple("Time"), milliseconds(time)));
    let count = Reply::count(count as usize);
    part.push((Reply::Simple("Number of reading operations"), count));
    part
}

fn leaf(kind: &'static str, term: String, time: Duration, count: u64) -> Part {
    let mut leaf = part(kind, None, time, count);
    leaf.insert(1, (Reply::Simple("Term"), text(&term)));
    let count = Reply::count(count as usize);
    leaf.push((Reply::Simple("Estimated number of matches"), count));
    leaf
}

fn milliseconds(time: Duration) -> Reply {
    Reply::Double(time.as_secs_f64() * 1000.0)
}

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}

fn affix_kind(affix: &Affix) -> String {
    // The module calls all of them so.
    format!("PREFIX - {}", affix.text)
}
