//! GROUPBY and REDUCE: rows that have the same values become one, with what reducers make of the others.

use super::super::aggregate::ReducerCall;
use super::super::expression::Value;
use super::super::properties::{Properties, Property};
use super::super::reducers::{Accumulator, Reducer};
use super::{Line, Pipeline, steps_of};
use crate::commands::error::{Refusal, Result};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// A group while rows come: what it is grouped by, and what its reducers have so far.
type Group<'r> = (Vec<Property>, Vec<Accumulator<'r>>);

impl Pipeline<'_> {
    pub(super) fn group(
        &mut self,
        lines: Vec<Line>,
        properties: &[String],
        calls: &[ReducerCall],
        seed: u64,
    ) -> Result<Vec<Line>> {
        self.check_groups(properties, calls)?;
        let reducers = self.reducers(calls)?;
        let groups = self.gather(lines, properties, &reducers, seed);
        self.known = properties.to_vec();
        self.is_grouped = true;
        self.known
            .extend(calls.iter().map(|call| call.name.clone()));
        self.begin_loop()?;
        let mut grouped = Vec::with_capacity(groups.len());
        for (named, gathered) in groups {
            let mut properties = Properties(named);
            for (call, accumulator) in calls.iter().zip(gathered) {
                properties.set(&call.name, accumulator.finish());
            }
            let line = Line {
                key: None,
                terms: Vec::new(),
                properties,
                place: 0,
            };
            let is_last = self.ends_behind(&line);
            grouped.push(line);
            if is_last {
                break;
            }
        }
        Ok(grouped)
    }

    /// Whether there is what rows are grouped by, and no name twice.
    fn check_groups(&self, properties: &[String], calls: &[ReducerCall]) -> Result<()> {
        let made = calls.iter().map(|call| &call.name);
        let mut seen = HashSet::new();
        let mut names = properties.iter().chain(made);
        if let Some(again) = names.find(|name| !seen.insert(*name)) {
            let line = format!("Property `{again}` specified more than once");
            return Err(Refusal::made(line));
        }
        let is_known = |name: &&String| self.is_known(name) || self.in_schema(name).is_some();
        match properties.iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(unknown) => Err(Refusal::made(format!("No such property `{unknown}`"))),
        }
    }

    /// The groups in the order in which they begin.
    fn gather<'r>(
        &self,
        lines: Vec<Line>,
        properties: &[String],
        reducers: &'r [Reducer],
        seed: u64,
    ) -> Vec<Group<'r>> {
        let reduced = reducers.iter().flat_map(Reducer::properties);
        let kept = self.kept(properties.iter().map(String::as_str).chain(reduced));
        // Nothing is another value than the empty text.
        let text = |value: &&Value| (!value.is_null()).then(|| value.to_text());
        let mut places: HashMap<Vec<Option<Bytes>>, usize> = HashMap::new();
        let mut groups: Vec<Group<'r>> = Vec::new();
        for mut line in lines {
            self.load_all_kept(&mut line, &kept);
            let steps = steps_of(&line.properties);
            for values in Choices::of(&line.properties, properties) {
                let texts = values.iter().map(text);
                let place = *places.entry(texts.collect()).or_insert_with(|| {
                    let started = reducers.iter().map(|reducer| reducer.start(seed));
                    let named = group_of(&line.properties, properties, &values);
                    groups.push((named, started.collect()));
                    groups.len() - 1
                });
                let gathering = groups[place].1.iter_mut();
                gathering.for_each(|accumulator| accumulator.add(&line.properties));
                if self.patience.ends_behind(steps) {
                    return groups;
                }
            }
        }
        groups
    }

    /// The reducers that are called.
    fn reducers(&self, calls: &[ReducerCall]) -> Result<Vec<Reducer>> {
        let is_known =
            |property: &str| self.is_known(property) || self.in_schema(property).is_some();
        let mut reducers = Vec::with_capacity(calls.len());
        for call in calls {
            reducers.push(Reducer::new(call, is_known)?);
        }
        Ok(reducers)
    }
}

/// What a row without a property, or with an empty array, is grouped by.
static NOTHING: [Value; 1] = [Value::Null];

/// What a row is grouped by: for each property its values, several if it is an array. The row belongs to a group for each choice of
/// one value of each property.
struct Choices<'r> {
    columns: Vec<&'r [Value]>,
    next: usize,
    end: usize,
}

impl<'r> Choices<'r> {
    fn of(row: &'r Properties, names: &[String]) -> Choices<'r> {
        let values = |name: &String| match row.property(name).map(|found| &found.value) {
            None => &NOTHING[..],
            Some(Value::Array(values)) if values.is_empty() => &NOTHING[..],
            Some(Value::Array(values)) => &values[..],
            Some(value) => std::slice::from_ref(value),
        };
        let columns: Vec<&[Value]> = names.iter().map(values).collect();
        let end = columns.iter().map(|values| values.len());
        Choices {
            next: 0,
            end: end.fold(1, usize::saturating_mul),
            columns,
        }
    }
}

impl<'r> Iterator for Choices<'r> {
    type Item = Vec<&'r Value>;

    fn next(&mut self) -> Option<Vec<&'r Value>> {
        let mut place = self.next;
        if place == self.end {
            return None;
        }
        self.next += 1;
        let mut chosen: Vec<&Value> = Vec::with_capacity(self.columns.len());
        // The last property changes first.
        for values in self.columns.iter().rev() {
            chosen.push(&values[place % values.len()]);
            place /= values.len();
        }
        chosen.reverse();
        Some(chosen)
    }
}

/// The properties of a group that begins with a row.
fn group_of(row: &Properties, names: &[String], values: &[&Value]) -> Vec<Property> {
    let pairs = names.iter().zip(values);
    let property = |(name, value): (&String, &&Value)| Property {
        name: name.clone(),
        value: Value::clone(value),
        shown: row.property(name).and_then(|found| found.shown.clone()),
    };
    pairs.map(property).collect()
}
