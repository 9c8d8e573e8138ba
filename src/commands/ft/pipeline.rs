//! FT.AGGREGATE and FT.CURSOR: documents become rows of properties, which steps load, group, compute, drop and sort.

use super::aggregate::{
    self, AggregateRequest, Arrange, CursorRequest, Load, Loaded, ReducerCall, Step,
};
use super::cursors::Cursor;
use super::deadline::{deadline, warn_of_time};
use super::expression::{self, Expression, ExpressionError, Row, Value};
use super::find::{self, Ground, Observer, Passed, find};
use super::indexes::{self, bulk};
use super::options::Format;
use super::reducers::Reducer;
use super::rows;
use super::schema::{Field, FieldKind, Schema};
use super::words::Words;
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::View;
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::index::DocumentIndex;
use crate::protocol::{Reply, Version};
use crate::search::documents::patience::Patience;
use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::HashMap;

/// `FT.AGGREGATE index query [step ...]`
pub const AGGREGATE: Command = Command {
    name: "FT.AGGREGATE",
    summary: "Searches an index, then groups, computes, filters and sorts what was found.",
    group: Group::Search,
    since: "1.1.0",
    complexity: "O(N), N the number of documents that pass",
    args: &[
        Arg::Str("index"),
        Arg::Str("query"),
        Arg::Optional(&Arg::Multiple(&Arg::Str("step"))),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Pool,
    examples: &[
        (
            "FT.CREATE pets PREFIX 1 pet: SCHEMA kind TAG SORTABLE age NUMERIC SORTABLE",
            "OK",
        ),
        ("HSET pet:1 kind cat age 3", "(integer) 2"),
        ("HSET pet:2 kind cat age 5", "(integer) 2"),
        (
            "FT.AGGREGATE pets * GROUPBY 1 @kind REDUCE AVG 1 @age AS age",
            "1) (integer) 1\n2) 1) \"kind\"\n   2) \"cat\"\n   3) \"age\"\n   4) \"4\"",
        ),
    ],
    run: aggregate,
    ..COMMAND
};

/// `FT.CURSOR READ | DEL index cursor [COUNT count]`
pub const CURSOR: Command = Command {
    name: "FT.CURSOR",
    summary: "Reads the next rows of an aggregation, or forgets it.",
    group: Group::Search,
    since: "1.1.0",
    complexity: "O(N), N the number of rows",
    args: &[
        Arg::OneOf(&[Arg::Token("READ"), Arg::Token("DEL")]),
        Arg::Str("index"),
        Arg::Int("cursor"),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Pool,
    examples: &[("FT.CURSOR READ pets 1", "(error) pets: no such index")],
    run: cursor,
    ..COMMAND
};

/// Properties of a row, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Properties(Vec<Property>);

/// A property with its value.
#[derive(Clone, Debug, Default)]
struct Property {
    name: String,
    value: Value,
    /// What replies show in place of the value, where that is something else.
    shown: Option<Box<Reply>>,
}

impl Row for Properties {
    fn get(&self, property: &str) -> Option<Value> {
        self.property(property).map(|found| found.value.clone())
    }
}

impl Properties {
    fn property(&self, name: &str) -> Option<&Property> {
        self.0.iter().find(|property| property.name == name)
    }

    fn property_mut(&mut self, name: &str) -> Option<&mut Property> {
        self.0.iter_mut().find(|property| property.name == name)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.put(Property {
            name: name.to_owned(),
            value,
            shown: None,
        });
    }

    fn put(&mut self, property: Property) {
        match self.property_mut(&property.name) {
            Some(known) => *known = property,
            None => self.0.push(property),
        }
    }
}

impl FromIterator<(String, Value)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(named: I) -> Properties {
        let property = |(name, value)| Property {
            name,
            value,
            shown: None,
        };
        Properties(named.into_iter().map(property).collect())
    }
}

impl Property {
    fn reply(&self) -> Reply {
        match &self.shown {
            Some(shown) => Reply::clone(shown),
            None => value_reply(&self.value),
        }
    }
}

/// A row, and the document that it comes from until rows are grouped.
struct Line {
    key: Option<Box<[u8]>>,
    properties: Properties,
}

/// The documents that a query found, as rows.
struct Found {
    lines: Vec<Line>,
    /// The names of distances.
    distances: Vec<String>,
    warnings: Vec<&'static str>,
}

impl Found {
    fn of(passed: Passed, adds_scores: bool, observer: &mut dyn Observer) -> Found {
        let in_time = passed.ids.iter().take_while(|_| !passed.patience.ends());
        let lines = in_time.filter_map(|id| {
            let key = Some(passed.state.documents.get(id)?.key.clone());
            let distances = passed.distances.iter();
            let distances = distances
                .filter_map(|(name, all)| Some((name.clone(), Value::Number(all.get(id)?))));
            let mut properties: Properties = distances.collect();
            if adds_scores {
                properties.set("__score", Value::Number(passed.score(id)));
            }
            Some(Line { key, properties })
        });
        let lines: Vec<Line> = lines.collect();
        observer.passed("Index", lines.len());
        if !passed.distances.is_empty() {
            observer.passed("Metrics Applier", lines.len());
        }
        let names = passed.distances.into_iter().map(|(name, _)| name);
        Found {
            lines,
            distances: names.collect(),
            warnings: passed.warnings,
        }
    }
}

fn aggregate(call: &mut Call) -> Result {
    let name = call.args.word()?;
    answer(call, name, &mut ())
}

/// Answers the words that are left.
pub fn answer(call: &mut Call, name: &[u8], observer: &mut dyn Observer) -> Result {
    let (ground, request) = find::begin(call, name, aggregate::read)?;
    rows::check_format(
        &request.options,
        ground.index.schema(),
        call.session.version,
    )?;
    if request.cursor.is_some() && observer.is_profile() {
        return Err(Refusal::line("FT.PROFILE does not support cursor"));
    }
    let is_late = deadline(&request.options, &ground.limits);
    let patience = Patience::new(&is_late);
    let found = find(
        &ground,
        &request.options,
        &patience,
        observer,
        |passed, observer| Found::of(passed, request.options.adds_scores, observer),
    );
    let mut found = found?;
    let mut warnings = std::mem::take(&mut found.warnings);
    let total = found.lines.len();
    let seed = call.context.draw_random();
    let pipeline = Pipeline::begin(&ground, &request, &found, &patience);
    let lines = pipeline.run(found.lines, seed, observer)?;
    warn_of_time(&patience, &ground.limits, &mut warnings)?;
    let rows: Vec<Properties> = lines.into_iter().map(|line| line.properties).collect();
    let is_counted = request.steps.iter().any(|step| {
        matches!(step, Step::Group { .. })
            || matches!(step, Step::Arrange(arrange) if !arrange.keys.is_empty())
    });
    let format = request.options.format;
    let form = (call.session.version, format);
    let total = match is_counted {
        true => rows.len(),
        false => total.min(1),
    };
    let Some(options) = request.cursor else {
        return Ok(reply(&rows, total, &warnings, form));
    };
    let mut cursor = Cursor {
        index: ground.index.name().into(),
        rows,
        read: 0,
        is_done: false,
        total,
        format,
        count: options.count as usize,
        idle_max_ms: u64::from(options.idle_max_ms),
        used_ms: call.access.now_ms(),
    };
    let first = reply(cursor.take(None), total, &warnings, form);
    let id = match cursor.is_done {
        true => 0,
        false => call.context.cursors.add(
            cursor,
            ground.limits.cursors_max,
            call.context.draw_random(),
        )?,
    };
    Ok(Reply::Array(vec![first, Reply::Int(id)]))
}

fn cursor(call: &mut Call) -> Result {
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let name = words.get(1).copied().unwrap_or_default();
    let request = aggregate::read_cursor_request(&mut Words::new(&words))?;
    indexes::index(&call.access.view(INDEXED_DB), name)?;
    let cursors = &call.context.cursors;
    match request {
        CursorRequest::Read { id, count } => {
            let not_found = || Refusal::made(format!("Cursor not found, id: {id}"));
            let mut cursor = cursors
                .take(id, call.access.now_ms())
                .ok_or_else(not_found)?;
            let (total, form) = (cursor.total, (call.session.version, cursor.format));
            let rows = cursor.take(count.map(|count| count as usize));
            // The last read may find that there was no more.
            let total = if rows.is_empty() { 0 } else { total };
            let page = reply(rows, total, &[], form);
            let id = match cursor.is_done {
                true => 0,
                false => {
                    cursors.put_back(id, cursor, call.access.now_ms());
                    id
                }
            };
            Ok(Reply::Array(vec![page, Reply::Int(id)]))
        }
        CursorRequest::Delete { id } => match cursors.take(id, call.access.now_ms()) {
            Some(_) => Ok(Reply::ok()),
            None => Err(Refusal::line("Cursor does not exist")),
        },
        CursorRequest::Collect => {
            cursors.collect(call.access.now_ms());
            Ok(Reply::ok())
        }
    }
}

/// The reply of FT.AGGREGATE.
fn reply(
    rows: &[Properties],
    total: usize,
    warnings: &[&'static str],
    (version, format): (Version, Format),
) -> Reply {
    let pairs = |row: &Properties| -> Vec<(Reply, Reply)> {
        let properties = row.0.iter();
        properties
            .map(|property| (bulk(property.name.as_bytes()), property.reply()))
            .collect()
    };
    match version {
        Version::Resp2 => {
            let flat = |row| {
                let pairs = pairs(row).into_iter();
                Reply::Array(pairs.flat_map(|(name, value)| [name, value]).collect())
            };
            let rows = rows.iter().map(flat);
            Reply::Array(std::iter::once(Reply::count(total)).chain(rows).collect())
        }
        Version::Resp3 => {
            let word = Reply::Simple;
            let row = |row| {
                Reply::Map(vec![
                    (word("extra_attributes"), Reply::Map(pairs(row))),
                    (word("values"), Reply::Array(Vec::new())),
                ])
            };
            Reply::Map(vec![
                (word("attributes"), Reply::Array(Vec::new())),
                (word("format"), word(format.word())),
                (
                    word("results"),
                    Reply::Array(rows.iter().map(row).collect()),
                ),
                (word("total_results"), Reply::count(total)),
                (word("warning"), rows::warnings(warnings)),
            ])
        }
    }
}

fn value_reply(value: &Value) -> Reply {
    match value {
        Value::Null => Reply::Null,
        Value::Array(values) => Reply::Array(values.iter().map(value_reply).collect()),
        value => Reply::Bulk(value.to_text()),
    }
}

/// What RediSearch calls a step.
fn step_name(step: &Step) -> &'static str {
    match step {
        Step::Load(_) => "Loader",
        Step::Group { .. } => "Grouper",
        Step::Apply { .. } => "Projector",
        Step::Filter { .. } => "Filter",
        Step::Arrange(arrange) if arrange.keys.is_empty() => "Pager/Limiter",
        Step::Arrange(_) => "Sorter",
    }
}

/// What the steps run with.
struct Pipeline<'a> {
    view: &'a View<'a>,
    index: &'a DocumentIndex,
    request: &'a AggregateRequest,
    /// How long it may take; steps that stop early have fewer rows.
    patience: &'a Patience<'a>,
    /// Properties that a step may name.
    known: Vec<String>,
}

impl<'a> Pipeline<'a> {
    fn begin(
        ground: &'a Ground,
        request: &'a AggregateRequest,
        found: &Found,
        patience: &'a Patience<'a>,
    ) -> Pipeline<'a> {
        let mut known = vec!["__key".to_owned(), "__score".to_owned()];
        known.extend(found.distances.iter().cloned());
        Pipeline {
            view: &ground.view,
            index: &ground.index,
            request,
            patience,
            known,
        }
    }

    fn schema(&self) -> &Schema {
        self.index.schema()
    }

    fn run(
        mut self,
        mut lines: Vec<Line>,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Line>> {
        for step in &self.request.steps {
            lines = match step {
                Step::Load(load) => self.load(lines, load),
                Step::Group {
                    properties,
                    reducers,
                } => self.group(lines, properties, reducers, seed)?,
                Step::Apply { expression, name } => self.apply(lines, expression, name)?,
                Step::Filter { expression } => self.filter(lines, expression)?,
                Step::Arrange(arrange) => self.arrange(lines, arrange)?,
            };
            observer.passed(step_name(step), lines.len());
        }
        Ok(lines)
    }

    /// Whether a step may name the property: it was made before, or the index has its value at hand.
    fn is_known(&self, property: &str) -> bool {
        let is_sortable = |at: usize| self.schema().fields[at].is_sortable;
        self.known.iter().any(|known| known == property)
            || self.schema().find(property).is_some_and(is_sortable)
    }

    fn learn(&mut self, property: &str) {
        if !self.known.iter().any(|known| known == property) {
            self.known.push(property.to_owned());
        }
    }

    /// Makes a property that the index has at hand one of the rows'.
    fn fetch(&self, lines: &mut [Line], property: &str) {
        if self.schema().find(property).is_some() {
            let loaded = Loaded {
                identifier: property.to_owned(),
                name: property.to_owned(),
            };
            lines
                .iter_mut()
                .for_each(|line| self.load_one(line, &loaded));
        }
    }

    fn load(&mut self, mut lines: Vec<Line>, load: &Load) -> Vec<Line> {
        match load {
            Load::Fields(fields) => {
                for loaded in fields {
                    for line in &mut lines {
                        self.load_one(line, loaded);
                        self.show_all(line, loaded);
                    }
                    self.learn(&loaded.name);
                }
            }
            Load::All => {
                let root = Loaded {
                    identifier: "$".to_owned(),
                    name: "$".to_owned(),
                };
                for line in &mut lines {
                    let all = line.key.as_ref().map(|key| rows::whole(self.view, key));
                    for (name, value) in all.into_iter().flatten() {
                        self.learn(&name);
                        line.properties.set(&name, Value::Text(value));
                    }
                    self.show_all(line, &root);
                }
            }
        }
        lines
    }

    fn load_one(&self, line: &mut Line, loaded: &Loaded) {
        if line.properties.get(&loaded.name).is_some() {
            return;
        }
        let Some(key) = &line.key else { return };
        if loaded.identifier == "__key" {
            let key = Value::Text(Bytes::copy_from_slice(key));
            return line.properties.set(&loaded.name, key);
        }
        let (field, identifier) = self.field_of(loaded);
        let Some(value) = rows::value(self.view, key, identifier) else {
            return;
        };
        let is_number = field.is_some_and(|field| field.kind == FieldKind::Numeric);
        let number = is_number
            .then(|| expression::value::parse_number(&value))
            .flatten();
        let value = number.map_or(Value::Text(value), Value::Number);
        line.properties.set(&loaded.name, value);
    }

    /// Lets replies show all that the path of a loaded property leads to, where the dialect wants that.
    fn show_all(&self, line: &mut Line, loaded: &Loaded) {
        let (_, identifier) = self.field_of(loaded);
        let Some(property) = line.properties.property_mut(&loaded.name) else {
            return;
        };
        let shown = line
            .key
            .as_ref()
            .and_then(|key| rows::in_place(self.view, key, identifier, &self.request.options));
        property.shown = shown.map(Box::new);
    }

    /// The field that a property is loaded from, if it is one, and what it is called in documents.
    fn field_of<'l>(&'l self, loaded: &'l Loaded) -> (Option<&'l Field>, &'l str) {
        let field = self.schema().find(&loaded.identifier);
        let field = field.map(|at| &self.schema().fields[at]);
        let identifier = field.map_or(&*loaded.identifier, |field| &*field.identifier);
        (field, identifier)
    }

    /// Reads an expression, and fetches what it names and the index has at hand.
    fn read(&self, lines: &mut [Line], text: &[u8]) -> Result<Expression> {
        let expression = expression::parse(text)?;
        let known = |property: &str| self.is_known(property);
        expression
            .check_properties(known)
            .map_err(|error| match error {
                ExpressionError::UnknownProperty(name) => {
                    Refusal::made(format!("Property `{name}` not loaded nor in pipeline"))
                }
                error => error.into(),
            })?;
        for property in expression.properties() {
            self.fetch(lines, property);
        }
        Ok(expression)
    }

    fn apply(&mut self, mut lines: Vec<Line>, text: &[u8], name: &str) -> Result<Vec<Line>> {
        let expression = self.read(&mut lines, text)?;
        let mut computed = 0;
        for line in lines.iter_mut().take_while(|_| !self.patience.ends()) {
            let value = expression.evaluate(&line.properties, expression::Mode::Query);
            line.properties.set(name, value?);
            computed += 1;
        }
        lines.truncate(computed);
        self.learn(name);
        Ok(lines)
    }

    fn filter(&self, mut lines: Vec<Line>, text: &[u8]) -> Result<Vec<Line>> {
        let expression = self.read(&mut lines, text)?;
        let mut kept = Vec::with_capacity(lines.len());
        for line in lines {
            if self.patience.ends() {
                break;
            }
            if expression.passes(&line.properties)? {
                kept.push(line);
            }
        }
        Ok(kept)
    }

    fn group(
        &mut self,
        mut lines: Vec<Line>,
        properties: &[String],
        calls: &[ReducerCall],
        seed: u64,
    ) -> Result<Vec<Line>> {
        for property in properties {
            if !self.is_known(property) && self.schema().find(property).is_none() {
                let line = format!("No such property `{property}`");
                return Err(Refusal::made(line));
            }
            self.fetch(&mut lines, property);
        }
        let is_known =
            |property: &str| self.is_known(property) || self.schema().find(property).is_some();
        let mut reducers = Vec::with_capacity(calls.len());
        for call in calls {
            let reducer = Reducer::new(call, is_known)?;
            reducer
                .properties()
                .for_each(|property| self.fetch(&mut lines, property));
            reducers.push(reducer);
        }
        let mut places: HashMap<Vec<Bytes>, usize> = HashMap::new();
        let mut groups = Vec::new();
        for line in lines.iter().take_while(|_| !self.patience.ends()) {
            let by = properties.iter().map(|name| line.properties.property(name));
            let name = by.clone().map(|found| match found {
                Some(property) => property.value.to_text(),
                None => Value::Null.to_text(),
            });
            let place = *places.entry(name.collect()).or_insert_with(|| {
                let named = by.zip(properties).map(|(found, name)| Property {
                    name: name.clone(),
                    ..found.cloned().unwrap_or_default()
                });
                let started = reducers.iter().map(|reducer| reducer.start(seed));
                groups.push((named.collect::<Vec<_>>(), started.collect::<Vec<_>>()));
                groups.len() - 1
            });
            let gathering = groups[place].1.iter_mut();
            gathering.for_each(|accumulator| accumulator.add(&line.properties));
        }
        self.known = properties.to_vec();
        self.known
            .extend(calls.iter().map(|call| call.name.clone()));
        let grouped = groups.into_iter().map(|(named, gathered)| {
            let mut properties = Properties(named);
            for (call, accumulator) in calls.iter().zip(gathered) {
                properties.set(&call.name, accumulator.finish());
            }
            Line {
                key: None,
                properties,
            }
        });
        Ok(grouped.collect())
    }

    fn arrange(&self, mut lines: Vec<Line>, arrange: &Arrange) -> Result<Vec<Line>> {
        for key in &arrange.keys {
            if !self.is_known(&key.property) && self.schema().find(&key.property).is_none() {
                let line = format!("Property `{}` not loaded nor in schema", key.property);
                return Err(Refusal::made(line));
            }
            self.fetch(&mut lines, &key.property);
        }
        let order = |one: &Line, other: &Line| {
            let compared = arrange.keys.iter().map(|key| {
                let values = (
                    one.properties.get(&key.property),
                    other.properties.get(&key.property),
                );
                match values {
                    (Some(one), Some(other)) if key.is_descending => other.order(&one),
                    (Some(one), Some(other)) => one.order(&other),
                    // What is missing comes last either way.
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            });
            compared.fold(Ordering::Equal, Ordering::then)
        };
        lines.sort_by(order);
        let kept = arrange.rows_max().map_or(usize::MAX, |max| max as usize);
        Ok(lines
            .into_iter()
            .take(kept)
            .skip(arrange.offset() as usize)
            .collect())
    }
}
