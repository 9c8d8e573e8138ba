//! FT.AGGREGATE: documents become rows of properties, which steps load, group (grouping.rs), compute, drop and sort (arranging.rs), once all of
//! them were checked (plan.rs).

mod arranging;
mod grouping;
mod plan;

use super::aggregate::{self, AggregateRequest, Arrange, Loaded, Step};
use super::arguments;
use super::cells::{self, Cell};
use super::cost;
use super::cursors::Cursor;
use super::deadline::{End, Time};
use super::expression::{self, Expression, Row, Value};
use super::find::{self, Ground, Observer, Passed, find};
use super::options::Options;
use super::properties::{self, Content, Properties, Property};
use super::schema::{DocumentKind, Field, Schema};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::View;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::DocumentIndex;
use crate::protocol::{Reply, Version};
use crate::search::documents::patience::{Patience, STEPS};
use bytes::Bytes;
use plan::{Task, plan};

/// `FT.AGGREGATE index query [step ...]`
pub const AGGREGATE: Command = Command {
    name: "FT.AGGREGATE",
    summary: "Searches an index, then loads, groups, computes, filters and sorts what was found, step by step as the request has them.",
    group: Group::Search,
    since: "1.1.0",
    complexity: "O(N), N the number of documents that pass",
    args: arguments::AGGREGATE,
    flags: flags(&[Flags::READONLY]),
    class: Class::Begun,
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

/// A row, and the document that it comes from until rows are grouped.
struct Line {
    key: Option<Box<[u8]>>,
    /// The words and tags by which the document was found, where a step asks for them.
    terms: Vec<String>,
    properties: Properties,
    /// Which of the rows it is that were counted last.
    place: usize,
}

impl Row for Line {
    fn get(&self, property: &str) -> Option<Value> {
        self.properties.get(property)
    }

    fn matched_terms(&self) -> &[String] {
        &self.terms
    }
}

/// The documents that a query found, as rows.
struct Found {
    lines: Vec<Line>,
    warnings: Vec<&'static str>,
}

impl Found {
    fn of(passed: Passed, options: &Options, observer: &mut dyn Observer) -> Found {
        let mut ids: Vec<DocumentId> = passed.ids.iter().collect();
        // Without a sorter the rows of a KNN come as they were found.
        if let Some((_, nearest)) = passed.distances.first().filter(|_| passed.is_nearest) {
            let distance = |id: &DocumentId| nearest.get(*id).unwrap_or(f64::INFINITY);
            ids.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
        }
        let in_time = ids.into_iter().take_while(|_| !passed.patience.ends());
        let lines = in_time.filter_map(|id| {
            let key = Some(passed.state.documents.get(id)?.key().into());
            let distances = passed.distances.iter();
            let distances = distances
                .filter_map(|(name, all)| Some((name.clone(), Value::Number(all.get(id)?))));
            let mut properties: Properties = distances.collect();
            if options.adds_scores {
                properties.set("__score", Value::Number(passed.score(id)));
            }
            let terms = match options.tells_terms {
                true => passed.terms(id),
                false => Vec::new(),
            };
            Some(Line {
                key,
                terms,
                properties,
                place: 0,
            })
        });
        let lines: Vec<Line> = lines.collect();
        observer.passed("Index", lines.len());
        if !passed.distances.is_empty() {
            observer.passed("Metrics Applier", lines.len());
        }
        Found {
            lines,
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
    let ground = Ground {
        delay_min: Some(Delay::Brief),
        ..ground
    };
    let end = End::of(&request.options, &ground);
    let is_past = || end.is_past();
    let time = end.time(&is_past);
    let version = ground.version;
    let result = run(&ground, &request, version, observer, &time)?;
    result.show(&ground, &request, version, &time)
}

/// What became of the documents.
struct Outcome {
    rows: Vec<Properties>,
    /// How many there are, as replies say.
    total: usize,
    /// Whether a step counted them.
    is_counted: bool,
    warnings: Vec<&'static str>,
}

fn run(
    ground: &Ground,
    request: &AggregateRequest,
    version: Version,
    observer: &mut dyn Observer,
    time: &Time,
) -> Result<Outcome> {
    let options = &request.options;
    let asked = find::ask(ground, options, observer)?;
    let tasks = plan(
        ground.index.schema(),
        request,
        &asked.query.distance_names(),
    )?;
    let mut found = find(
        ground,
        options,
        &asked,
        cost::of_rows(request),
        &time.patience,
        observer,
        |passed, observer| Ok(Found::of(passed, options, observer)),
    )?;
    let warnings = std::mem::take(&mut found.warnings);
    let count = found.lines.len();
    let seed = ground.context.draw_random();
    let pipeline = Pipeline::begin(ground, request, time);
    let (lines, tally) = pipeline.run(found.lines, &tasks, seed, observer)?;
    time.check(ground)?;
    let counted = tally.total(&lines, version);
    let total = match counted {
        Some(counted) => counted,
        None => passed_by(&request.steps, (count, tally.dropped), lines.len(), version),
    };
    let mut rows: Vec<Properties> = lines.into_iter().map(|line| line.properties).collect();
    hide(ground.index.schema(), &mut rows);
    Ok(Outcome {
        rows,
        total,
        is_counted: counted.is_some(),
        warnings,
    })
}

/// What tells of documents can be computed with, and is not shown.
fn hide(schema: &Schema, rows: &mut [Properties]) {
    if schema.about_documents().next().is_some() {
        let is_shown = |property: &Property| !schema.is_about_documents(property.name.as_bytes());
        rows.iter_mut().for_each(|row| row.0.retain(is_shown));
    }
}

impl Outcome {
    /// The reply: all rows or, with a cursor, the first and the cursor that reads on, 0 if there are no more.
    fn show(
        mut self,
        ground: &Ground,
        request: &AggregateRequest,
        version: Version,
        time: &Time,
    ) -> Result {
        let form = (version, request.options.format);
        let patience = &time.patience;
        let shown = |rows: &mut dyn Iterator<Item = Properties>| {
            patience.spare(SHOWN_STEPS);
            let mut shown = Vec::new();
            for row in rows {
                let steps = steps_of(&row);
                shown.push(properties::row(row, version));
                if patience.ends_behind(steps) {
                    break;
                }
            }
            shown
        };
        let Some(options) = request.cursor else {
            let rows = shown(&mut self.rows.into_iter());
            time.warn(ground, &mut self.warnings)?;
            return Ok(properties::reply(rows, self.total, &self.warnings, form));
        };
        let count = self.rows.len();
        let mut cursor = Cursor {
            is_counted: self.is_counted,
            count: options.count as usize,
            idle_max_ms: u64::from(options.idle_max_ms),
            used_ms: ground.view.now_ms,
            ..Cursor::new(ground.index.name(), self.rows, form.1)
        };
        let rows = shown(&mut cursor.take(None));
        time.warn(ground, &mut self.warnings)?;
        let total = match (self.is_counted, version) {
            // Rows of later replies were not looked at.
            (false, Version::Resp3) => (self.total + rows.len()).saturating_sub(count),
            _ => self.total,
        };
        let first = properties::reply(rows, total, &self.warnings, form);
        let random = ground.context.draw_random();
        let id = match cursor.is_done {
            true => 0,
            false => ground
                .context
                .cursors
                .add(cursor, ground.limits.cursors_max, random)?,
        };
        Ok(Reply::Array(vec![first, Reply::Int(id)]))
    }
}

/// How many rows there are where no step counts them, as the module says: those that were looked at when the reply begins, which
/// is with the first row in RESP2 and behind the last in RESP3. Where none is shown all are counted.
fn passed_by(
    steps: &[Step],
    (count, dropped): (usize, usize),
    shown: usize,
    version: Version,
) -> usize {
    let pages = steps.iter().filter_map(|step| match step {
        Step::Arrange(arrange) => Some(arrange),
        _ => None,
    });
    if pages.clone().any(|page| page.rows_max() == Some(0)) {
        return count;
    }
    let offset: usize = pages.map(|page| page.offset() as usize).sum();
    let kept = count - dropped.min(count);
    match version {
        Version::Resp2 => (offset + shown.min(1)).min(kept),
        Version::Resp3 => (offset + shown).min(kept),
    }
}

/// What steps counted.
#[derive(Default)]
struct Tally {
    /// The rows of the last step that sees all before it goes on, groups or rows to be sorted; all that passed where none is wanted.
    counted: Option<usize>,
    /// How many filters dropped since.
    dropped: usize,
    /// How many a page passed over since.
    passed_over: usize,
}

impl Tally {
    /// Begins with the rows that a step handed on, having counted so many.
    fn begin(counted: usize, lines: &mut [Line]) -> Tally {
        let places = lines.iter_mut().zip(0..);
        places.for_each(|(line, place)| line.place = place);
        Tally {
            counted: Some(counted),
            ..Tally::default()
        }
    }

    /// What replies say: the number is less by what filters dropped until it is told, which is with the first row in RESP2 and behind
    /// the last in RESP3.
    fn total(&self, shown: &[Line], version: Version) -> Option<usize> {
        let dropped = match (version, shown.first()) {
            (Version::Resp2, Some(first)) => first.place.saturating_sub(self.passed_over),
            (Version::Resp2 | Version::Resp3, _) => self.dropped,
        };
        self.counted.map(|counted| counted.saturating_sub(dropped))
    }
}

/// Gives a row what a document has of a property, if it has something.
fn put(line: &mut Line, name: &str, field: Option<&Field>, cell: Option<Cell>) {
    let Some(cell) = cell else { return };
    let value = match cell.number(field) {
        Some(number) => Value::Number(number),
        None => cell.value.map_or(Value::Null, Value::Text),
    };
    let shown = cell.shown.map(Box::new);
    line.properties.set(name, Content { value, shown });
}

/// As how many steps of a loop, between which nobody looks at the clock, a row counts: it is made, gone through and freed.
fn steps_of(row: &Properties) -> usize {
    const ROW_STEPS: usize = 8;
    const BYTES_OF_A_STEP: usize = 64;
    ROW_STEPS + row.bytes() / BYTES_OF_A_STEP
}

/// Steps of a loop that each of the pipeline's is granted when the time is over, for some thousand rows: two or three milliseconds.
const LATE_STEPS: usize = 1 << 15;

/// The same for showing rows, which takes less.
const SHOWN_STEPS: usize = 1 << 18;

/// Most bytes of what an aggregation computes with APPLY: rows are in memory until the last step.
const APPLIED_BYTES_MAX: usize = 512 << 20;

/// What RediSearch calls LIMIT without SORTBY.
const PAGER: &str = "Pager/Limiter";

/// What RediSearch calls a step.
fn step_name(task: &Task) -> &'static str {
    match task {
        Task::Load(_) | Task::LoadWhole => "Loader",
        Task::Group { .. } => "Grouper",
        Task::Apply { .. } => "Projector",
        Task::Filter { .. } => "Filter",
        Task::Arrange { arrange, .. } if arrange.keys.is_empty() => PAGER,
        Task::Arrange { .. } => "Sorter",
    }
}

/// Steps that look at one row at a time, the page that they fill, and the steps behind it.
fn row_by_row<'t, 'a>(
    tasks: &'t [Task<'a>],
) -> Option<(&'t [Task<'a>], &'a Arrange, &'t [Task<'a>])> {
    let looks_at_one = |task: &&Task| {
        matches!(
            task,
            Task::Load(_) | Task::LoadWhole | Task::Apply { .. } | Task::Filter { .. }
        )
    };
    let count = tasks.iter().take_while(looks_at_one).count();
    let (each, behind) = tasks.split_at(count);
    match behind {
        [Task::Arrange { arrange, .. }, others @ ..] if count > 0 && arrange.keys.is_empty() => {
            Some((each, arrange, others))
        }
        _ => None,
    }
}

/// What the steps run with.
struct Pipeline<'a> {
    view: &'a View<'a>,
    index: &'a DocumentIndex,
    request: &'a AggregateRequest,
    ground: &'a Ground<'a>,
    /// How long it may take; steps that stop early have fewer rows.
    time: &'a Time<'a>,
    /// See `time`.
    patience: &'a Patience<'a>,
    /// Bytes of what was computed with APPLY, also where it is replaced.
    applied_bytes: usize,
}

impl<'a> Pipeline<'a> {
    fn begin(
        ground: &'a Ground,
        request: &'a AggregateRequest,
        time: &'a Time<'a>,
    ) -> Pipeline<'a> {
        Pipeline {
            view: &ground.view,
            index: &ground.index,
            request,
            ground,
            time,
            patience: &time.patience,
            applied_bytes: 0,
        }
    }

    fn schema(&self) -> &Schema {
        self.index.schema()
    }

    /// The rows that are left, and how many there were.
    fn run(
        mut self,
        mut lines: Vec<Line>,
        mut tasks: &[Task],
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Line>, Tally)> {
        let mut tally = Tally::default();
        while let [task, others @ ..] = tasks {
            if let Some((each, page, others)) = row_by_row(tasks) {
                let before = lines.len();
                let (kept, dropped) = self.fill_page(lines, each, page, seed, observer)?;
                lines = kept;
                tally.dropped += dropped;
                tally.passed_over += page.offset() as usize;
                // Who wants no row is told how many there are.
                if page.rows_max() == Some(0) && tally.counted.is_none() {
                    tally.counted = Some(before);
                }
                observer.passed(PAGER, lines.len());
                tasks = others;
                continue;
            }
            let before = lines.len();
            lines = self.take_step(lines, task, seed)?;
            match task {
                Task::Group { .. } => tally = Tally::begin(lines.len(), &mut lines),
                Task::Filter { .. } => tally.dropped += before - lines.len(),
                Task::Arrange { arrange, .. } if arrange.keys.is_empty() => {
                    tally.passed_over += arrange.offset() as usize;
                }
                Task::Arrange { .. } => tally = Tally::begin(before, &mut lines),
                Task::Load(_) | Task::LoadWhole | Task::Apply { .. } => {}
            }
            observer.passed(step_name(task), lines.len());
            tasks = others;
        }
        Ok((lines, tally))
    }

    fn take_step(&mut self, lines: Vec<Line>, task: &Task, seed: u64) -> Result<Vec<Line>> {
        self.begin_loop()?;
        match task {
            Task::Load(fields) => Ok(self.load(lines, Some(fields))),
            Task::LoadWhole => Ok(self.load(lines, None)),
            Task::Group {
                properties,
                calls,
                reducers,
                kept,
            } => {
                let groups = self.gather(lines, (properties, kept), reducers, seed);
                self.finish(groups, calls)
            }
            Task::Apply {
                expression,
                name,
                kept,
            } => self.apply(lines, (expression, kept), name),
            Task::Filter { expression, kept } => self.filter(lines, (expression, kept)),
            Task::Arrange { arrange, kept } => self.arrange(lines, arrange, kept),
        }
    }

    /// Called before each loop over rows: when the time is over it goes on with some of them, if what there is by then is wanted.
    fn begin_loop(&self) -> Result<()> {
        self.time.check(self.ground)?;
        self.patience.spare(LATE_STEPS);
        Ok(())
    }

    /// Steps that look at one row at a time, for as many rows as a page shows: what is wrong with rows behind it nobody is told. The
    /// page, and how many rows filters dropped.
    fn fill_page(
        &mut self,
        lines: Vec<Line>,
        each: &[Task],
        page: &Arrange,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Line>, usize)> {
        let end = match page.rows_max() {
            None | Some(0) => usize::MAX,
            Some(max) => max as usize,
        };
        let mut left = lines.into_iter();
        let mut passed = vec![0; each.len()];
        let (mut page_lines, mut taken) = (Vec::new(), 0);
        loop {
            let wanted = end - page_lines.len();
            let mut some: Vec<Line> = left.by_ref().take(wanted).collect();
            let is_over = some.len() < wanted;
            taken += some.len();
            for (task, passed) in each.iter().zip(&mut passed) {
                some = self.take_step(some, task, seed)?;
                *passed += some.len();
            }
            page_lines.append(&mut some);
            if is_over || page_lines.len() == end || self.patience.is_over() {
                break;
            }
        }
        for (task, passed) in each.iter().zip(passed) {
            observer.passed(step_name(task), passed);
        }
        let dropped = taken - page_lines.len();
        let shown = page.offset() as usize..page.rows_max().map_or(usize::MAX, |max| max as usize);
        page_lines.truncate(shown.end);
        page_lines.drain(..shown.start.min(page_lines.len()));
        Ok((page_lines, dropped))
    }

    /// Counts what was done with a row. Whether to stop with the rows so far.
    fn ends_behind(&self, line: &Line) -> bool {
        self.patience.ends_behind(steps_of(&line.properties))
    }

    /// Gives each row these fields, or all of its hash's.
    fn load(&self, mut lines: Vec<Line>, fields: Option<&[Loaded]>) -> Vec<Line> {
        let is_json = self.schema().documents == DocumentKind::Json;
        // What a path takes in a document nobody knows: the clock is looked at behind each.
        let path_steps = if is_json { STEPS } else { 0 };
        let mut loaded = 0;
        for line in &mut lines {
            match fields {
                Some(fields) => fields.iter().for_each(|field| self.load_one(line, field)),
                None => self.load_whole(line),
            }
            loaded += 1;
            let steps = path_steps + steps_of(&line.properties);
            if self.patience.ends_behind(steps) {
                break;
            }
        }
        lines.truncate(loaded);
        lines
    }

    /// Loads all fields of a hash.
    fn load_whole(&self, line: &mut Line) {
        let all = line.key.as_ref().map(|key| cells::whole(self.view, key));
        for (name, value) in all.into_iter().flatten() {
            line.properties.set(&name, Value::Text(value));
        }
    }

    fn load_all_kept(&self, line: &mut Line, fields: &[&Field]) {
        fields.iter().for_each(|field| self.load_kept(line, field));
    }

    /// Loads what an index keeps of a field for sorting.
    fn load_kept(&self, line: &mut Line, field: &Field) {
        if line.properties.content(&field.name).is_some() {
            return;
        }
        let Some(key) = &line.key else { return };
        let cell = cells::kept(self.view, key, field, self.request.options.listing());
        put(line, &field.name, Some(field), cell);
    }

    fn load_one(&self, line: &mut Line, loaded: &Loaded) {
        let Loaded { identifier, name } = loaded;
        if line.properties.content(name).is_some() {
            return;
        }
        let Some(key) = &line.key else { return };
        if identifier == "__key" {
            let key = Value::Text(Bytes::copy_from_slice(key));
            return line.properties.set(name, key);
        }
        let field = self.schema().find(identifier);
        let field = field.map(|at| &self.schema().fields[at]);
        let cell = cells::load(
            self.view,
            key,
            (field, identifier),
            self.request.options.listing(),
        );
        put(line, name, field, cell);
    }

    fn apply(
        &mut self,
        mut lines: Vec<Line>,
        (expression, kept): (&Expression, &[&Field]),
        name: &str,
    ) -> Result<Vec<Line>> {
        let mut computed = 0;
        for line in &mut lines {
            self.load_all_kept(line, kept);
            let value = expression.evaluate(line, expression::Mode::Query)?;
            // What is only named is shown as it was.
            let shown = match expression {
                Expression::Property(named) => line.properties.content(named),
                _ => None,
            };
            let shown = shown.and_then(|content| content.shown.clone());
            let content = Content { value, shown };
            self.applied_bytes += content.bytes();
            if self.applied_bytes > APPLIED_BYTES_MAX {
                return Err(Refusal::line("What APPLY computed takes more than 512 MB"));
            }
            line.properties.set(name, content);
            computed += 1;
            if self.ends_behind(line) {
                break;
            }
        }
        lines.truncate(computed);
        Ok(lines)
    }

    fn filter(
        &self,
        lines: Vec<Line>,
        (expression, loaded): (&Expression, &[&Field]),
    ) -> Result<Vec<Line>> {
        let mut kept = Vec::with_capacity(lines.len());
        for mut line in lines {
            self.load_all_kept(&mut line, loaded);
            let is_last = self.ends_behind(&line);
            if expression.passes(&line)? {
                kept.push(line);
            }
            if is_last {
                break;
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
