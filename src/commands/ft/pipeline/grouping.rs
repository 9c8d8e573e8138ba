//! GROUPBY and REDUCE: rows that have the same values become one, with what reducers make of the others.

use super::super::aggregate::ReducerCall;
use super::super::expression::Value;
use super::super::properties::{Content, Properties, Property};
use super::super::reducers::{Accumulator, Reducer};
use super::super::schema::Field;
use super::{Line, Pipeline, steps_of};
use crate::commands::error::Result;
use bytes::Bytes;
use std::collections::HashMap;

/// A group while rows come: what it is grouped by, and what its reducers have so far.
pub(super) type Group<'r> = (Vec<Property>, Vec<Accumulator<'r>>);

impl Pipeline<'_> {
    /// The rows that groups become.
    pub(super) fn finish(&self, groups: Vec<Group>, calls: &[ReducerCall]) -> Result<Vec<Line>> {
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

    /// The groups in the order in which they begin.
    pub(super) fn gather<'r>(
        &self,
        lines: Vec<Line>,
        (properties, kept): (&[String], &[&Field]),
        reducers: &'r [Reducer],
        seed: u64,
    ) -> Vec<Group<'r>> {
        // Nothing is another value than the empty text.
        let text = |(content, place): &Choice| {
            let value = &content.elements()[*place];
            (!value.is_null()).then(|| value.to_text())
        };
        let mut places: HashMap<Vec<Option<Bytes>>, usize> = HashMap::new();
        let mut groups: Vec<Group<'r>> = Vec::new();
        for mut line in lines {
            self.load_all_kept(&mut line, kept);
            let steps = steps_of(&line.properties);
            for choices in Choices::of(&line.properties, properties) {
                let texts = choices.iter().map(text);
                let place = *places.entry(texts.collect()).or_insert_with(|| {
                    let started = reducers.iter().map(|reducer| reducer.start(seed));
                    let named = group_of(properties, &choices);
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
}

/// What a row without a property, or with an empty array, is grouped by.
static NOTHING: Content = Content {
    value: Value::Null,
    shown: None,
};

/// What a row is grouped by: for each property its values, several if it is an array. The row belongs to a group for each choice of
/// one value of each property.
struct Choices<'r> {
    columns: Vec<&'r Content>,
    next: usize,
    end: usize,
}

/// One of the values of a property, and its place among them.
type Choice<'r> = (&'r Content, usize);

impl<'r> Choices<'r> {
    fn of(row: &'r Properties, names: &[String]) -> Choices<'r> {
        let content = |name: &String| match row.content(name) {
            None => &NOTHING,
            Some(content) if content.elements().is_empty() => &NOTHING,
            Some(content) => content,
        };
        let columns: Vec<&Content> = names.iter().map(content).collect();
        let end = columns.iter().map(|content| content.elements().len());
        Choices {
            next: 0,
            end: end.fold(1, usize::saturating_mul),
            columns,
        }
    }
}

impl<'r> Iterator for Choices<'r> {
    type Item = Vec<Choice<'r>>;

    fn next(&mut self) -> Option<Vec<Choice<'r>>> {
        let mut place = self.next;
        if place == self.end {
            return None;
        }
        self.next += 1;
        let mut chosen: Vec<Choice> = Vec::with_capacity(self.columns.len());
        // The last property changes first.
        for content in self.columns.iter().rev() {
            let count = content.elements().len();
            chosen.push((content, place % count));
            place /= count;
        }
        chosen.reverse();
        Some(chosen)
    }
}

/// The properties of a group that begins with these choices.
fn group_of(names: &[String], choices: &[Choice]) -> Vec<Property> {
    let pairs = names.iter().zip(choices);
    let property = |(name, (content, place)): (&String, &Choice)| Property {
        name: name.clone(),
        content: content.element(*place),
    };
    pairs.map(property).collect()
}
