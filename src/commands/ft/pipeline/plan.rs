//! What the steps of a request name, looked at before any of them runs: what is wrong with a later step is told before what goes wrong
//! with a row in an earlier one.

use super::super::aggregate::{
    AggregateRequest, Arrange, Load, Loaded, ReducerCall, Step, read_loaded,
};
use super::super::expression::{self, Expression, ExpressionError};
use super::super::reducers::Reducer;
use super::super::schema::{DocumentKind, Field, Schema};
use crate::commands::error::{Refusal, Result};
use std::collections::HashSet;

/// A step that may run: what it names is there. `kept` are fields that it names and the index has at hand, to be made properties of rows.
pub(super) enum Task<'a> {
    Load(Vec<Loaded>),
    /// LOAD of all fields of a hash.
    LoadWhole,
    Group {
        properties: &'a [String],
        calls: &'a [ReducerCall],
        reducers: Vec<Reducer>,
        kept: Vec<&'a Field>,
    },
    Apply {
        expression: Expression,
        name: &'a str,
        kept: Vec<&'a Field>,
    },
    Filter {
        expression: Expression,
        kept: Vec<&'a Field>,
    },
    Arrange {
        arrange: &'a Arrange,
        kept: Vec<&'a Field>,
    },
}

/// The steps of a request over documents of this schema, whose distances have these names.
pub(super) fn plan<'a>(
    schema: &'a Schema,
    request: &'a AggregateRequest,
    distances: &[&str],
) -> Result<Vec<Task<'a>>> {
    let mut known: Vec<String> = distances.iter().map(|&name| name.to_owned()).collect();
    if request.options.adds_scores {
        known.push("__score".to_owned());
    }
    let mut names = Names {
        schema,
        known,
        is_grouped: false,
        is_count: request.options.is_count,
    };
    let tasks = request.steps.iter().map(|step| names.task(step));
    tasks.collect()
}

/// What a step may name.
struct Names<'a> {
    schema: &'a Schema,
    /// Properties that earlier steps made.
    known: Vec<String>,
    /// Whether rows were grouped: they are of no documents any more.
    is_grouped: bool,
    /// Whether rows are only counted, and nobody asks what they are sorted by.
    is_count: bool,
}

impl<'a> Names<'a> {
    fn task(&mut self, step: &'a Step) -> Result<Task<'a>> {
        match step {
            Step::Load(load) => self.load(load),
            Step::Group {
                properties,
                reducers,
            } => self.group(properties, reducers),
            Step::Apply { expression, name } => {
                let (expression, kept) = self.read(expression)?;
                self.learn(name);
                Ok(Task::Apply {
                    expression,
                    name,
                    kept,
                })
            }
            Step::Filter { expression } => {
                let (expression, kept) = self.read(expression)?;
                Ok(Task::Filter { expression, kept })
            }
            Step::Arrange(arrange) => self.arrange(arrange),
        }
    }

    fn load(&mut self, load: &Load) -> Result<Task<'a>> {
        if self.is_grouped {
            let line = "LOAD cannot be applied after projectors or reducers";
            return Err(Refusal::line(line));
        }
        match load {
            Load::Fields(fields) => {
                let fields = read_loaded(fields)?;
                fields.iter().for_each(|field| self.learn(&field.name));
                Ok(Task::Load(fields))
            }
            // Fields that no row has may be named too; of those that are not in the schema nobody knows before there are rows.
            Load::All if self.schema.documents == DocumentKind::Hash => {
                let fields = self.schema.fields.iter();
                fields.for_each(|field| self.learn(&field.name));
                Ok(Task::LoadWhole)
            }
            // No step may name the whole of a JSON document.
            Load::All => Ok(Task::Load(vec![Loaded {
                identifier: "$".to_owned(),
                name: "$".to_owned(),
            }])),
        }
    }

    fn group(&mut self, properties: &'a [String], calls: &'a [ReducerCall]) -> Result<Task<'a>> {
        let mut made = HashSet::new();
        let mut make = |name: &'a str| match made.insert(name) {
            true => Ok(()),
            false => Err(Refusal::made(format!(
                "Property `{name}` specified more than once"
            ))),
        };
        for property in properties {
            if !self.is_there(property) {
                return Err(Refusal::made(format!("No such property `{property}`")));
            }
            make(property)?;
        }
        let mut reducers = Vec::with_capacity(calls.len());
        for call in calls {
            reducers.push(Reducer::new(call, |property| self.is_there(property))?);
            make(&call.name)?;
        }
        let reduced = reducers.iter().flat_map(Reducer::properties);
        let kept = self.kept(properties.iter().map(String::as_str).chain(reduced));
        self.known = made.into_iter().map(str::to_owned).collect();
        self.is_grouped = true;
        Ok(Task::Group {
            properties,
            calls,
            reducers,
            kept,
        })
    }

    fn arrange(&mut self, arrange: &'a Arrange) -> Result<Task<'a>> {
        let names = || arrange.keys.iter().map(|key| &*key.property);
        let missing = names().find(|name| !self.is_there(name));
        if let Some(missing) = missing.filter(|_| !self.is_count) {
            let line = format!("Property `{missing}` not loaded nor in schema");
            return Err(Refusal::made(line));
        }
        names().for_each(|name| self.learn(name));
        let kept = self.kept(names());
        Ok(Task::Arrange { arrange, kept })
    }

    fn read(&self, text: &[u8]) -> Result<(Expression, Vec<&'a Field>)> {
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
        let kept = self.kept(expression.properties());
        Ok((expression, kept))
    }

    /// Whether an expression may name the property: it was made before, or the index has its value at hand.
    fn is_known(&self, property: &str) -> bool {
        let is_sortable = |field: &Field| field.is_sortable;
        self.is_made(property) || self.in_schema(property).is_some_and(is_sortable)
    }

    /// Whether rows can be grouped or sorted by the property, which is loaded for that if it is a field.
    fn is_there(&self, property: &str) -> bool {
        self.is_made(property) || self.in_schema(property).is_some()
    }

    fn is_made(&self, property: &str) -> bool {
        self.known.iter().any(|known| known == property)
    }

    /// The field of a property that is none of the rows' own yet; behind a GROUPBY there are only those.
    fn in_schema(&self, property: &str) -> Option<&'a Field> {
        match self.is_grouped {
            true => None,
            false => self.field(property),
        }
    }

    fn field(&self, property: &str) -> Option<&'a Field> {
        self.schema.find(property).map(|at| &self.schema.fields[at])
    }

    fn kept<'p>(&self, properties: impl IntoIterator<Item = &'p str>) -> Vec<&'a Field> {
        let fields = properties.into_iter().map(|property| self.field(property));
        fields.flatten().collect()
    }

    fn learn(&mut self, property: &str) {
        if !self.is_made(property) {
            self.known.push(property.to_owned());
        }
    }
}
