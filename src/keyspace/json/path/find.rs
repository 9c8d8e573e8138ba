//! Walking a document along a path. Matches come in the order of the document, a node before what is inside it; the work
//! of one question is bounded, because a few characters of path can ask for more steps than there are atoms.

use super::{JsonPath, Segment, Selector};
use crate::keyspace::json::{Elements, Json, Node, Place, Step};
use std::cell::Cell;

/// Nodes that one question may visit: about a second.
const VISITS_MAX: u64 = 50_000_000;

/// A path asked for more work than a question may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// A match and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'d> {
    /// Its place.
    pub place: Place,
    /// What is there.
    pub node: Node<'d>,
}

impl JsonPath {
    /// The nodes that match, in order.
    ///
    /// # Errors
    /// If the path asks for too much work.
    pub fn find<'d>(&self, root: Node<'d>) -> Result<Vec<Node<'d>>, Exhausted> {
        let mut found = Vec::new();
        self.visit(root, &mut |node, _| found.push(node))?;
        Ok(found)
    }

    /// As `find`, with the places.
    ///
    /// # Errors
    /// As `find`.
    pub fn locate<'d>(&self, root: Node<'d>) -> Result<Vec<Found<'d>>, Exhausted> {
        let mut found = Vec::new();
        self.visit(root, &mut |node, trail| {
            let place = trail.place();
            found.push(Found { place, node });
        })?;
        Ok(found)
    }

    fn visit<'d>(
        &self,
        root: Node<'d>,
        each: &mut dyn FnMut(Node<'d>, &Trail<'_>),
    ) -> Result<(), Exhausted> {
        let visits = Cell::new(VISITS_MAX);
        let scope = Scope {
            root,
            visits: &visits,
        };
        scope.walk(&self.segments, root, &Trail::Root, each);
        match visits.get() {
            0 => Err(Exhausted),
            _ => Ok(()),
        }
    }
}

/// The way from the root to where a walk is; lives on the stack, so that nothing is allocated for what does not match.
pub(super) enum Trail<'t> {
    Root,
    Name(&'t Trail<'t>, &'t str),
    At(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    fn place(&self) -> Place {
        let mut steps = Vec::new();
        let mut trail = self;
        loop {
            trail = match trail {
                Trail::Root => break,
                Trail::Name(parent, name) => {
                    steps.push(Step::Name((*name).into()));
                    parent
                }
                Trail::At(parent, at) => {
                    steps.push(Step::At(*at));
                    parent
                }
            };
        }
        steps.reverse();
        Place::new(steps)
    }
}

/// Where matches go.
type Each<'e, 'd> = dyn FnMut(Node<'d>, &Trail<'_>) + 'e;

/// What all steps of one question share.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'd> {
    /// What `$` means.
    root: Node<'d>,
    /// Nodes that may still be visited.
    visits: &'s Cell<u64>,
}

impl<'d> Scope<'_, 'd> {
    /// The nodes that a path inside a filter leads to.
    pub(super) fn query(self, path: &JsonPath, from: Node<'d>) -> Vec<Node<'d>> {
        let mut found = Vec::new();
        let mut each = |node, _: &Trail<'_>| found.push(node);
        self.walk(&path.segments, from, &Trail::Root, &mut each);
        found
    }

    /// Takes so many visits from what is left; whether they were there.
    pub(super) fn spend(self, visits: u64) -> bool {
        let left = self.visits.get().saturating_sub(visits);
        self.visits.set(left);
        left > 0
    }

    /// What `$` means.
    pub(super) fn root(self) -> Node<'d> {
        self.root
    }

    fn walk(self, segments: &[Segment], node: Node<'d>, trail: &Trail, each: &mut Each<'_, 'd>) {
        if !self.spend(1) {
            return;
        }
        match segments.split_first() {
            None => each(node, trail),
            Some((segment, rest)) if segment.descends => {
                self.descend(segment, rest, node, trail, each);
            }
            Some((segment, rest)) => self.select(segment, rest, node, trail, each),
        }
    }

    /// Selects from a node and all nodes below.
    fn descend(
        self,
        segment: &Segment,
        rest: &[Segment],
        node: Node<'d>,
        trail: &Trail,
        each: &mut Each<'_, 'd>,
    ) {
        if !self.spend(1) {
            return;
        }
        self.select(segment, rest, node, trail, each);
        for_children(node, trail, &mut |child, trail| {
            if let Node::Array(_) | Node::Object(_) = child {
                self.descend(segment, rest, child, trail, each);
            }
        });
    }

    fn select(
        self,
        segment: &Segment,
        rest: &[Segment],
        node: Node<'d>,
        trail: &Trail,
        each: &mut Each<'_, 'd>,
    ) {
        for selector in &segment.selectors {
            match (selector, node) {
                (Selector::Name(name), Node::Object(object)) => {
                    if let Some(value) = object.get(name) {
                        self.walk(rest, value.node(), &Trail::Name(trail, name), each);
                    }
                }
                (Selector::All, _) => for_children(node, trail, &mut |child, trail| {
                    self.walk(rest, child, trail, each);
                }),
                (Selector::Where(filter), _) => for_children(node, trail, &mut |child, trail| {
                    if filter.holds(self, child) {
                        self.walk(rest, child, trail, each);
                    }
                }),
                (Selector::At(at), Node::Array(elements)) => {
                    let at = position(*at, elements.len());
                    if let Some(element) = elements.get(at) {
                        self.walk(rest, element, &Trail::At(trail, at), each);
                    }
                }
                (Selector::Slice { start, end, step }, Node::Array(elements)) => {
                    slice(elements, (*start, *end, *step), &mut |at, element| {
                        self.walk(rest, element, &Trail::At(trail, at), each);
                    });
                }
                _ => {}
            }
        }
    }
}

fn for_children<'d>(node: Node<'d>, trail: &Trail, each: &mut Each<'_, 'd>) {
    match node {
        Node::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                each(element, &Trail::At(trail, at));
            }
        }
        Node::Object(object) => {
            for (name, value) in object.iter() {
                each(Json::node(value), &Trail::Name(trail, name));
            }
        }
        _ => {}
    }
}

/// Counted from the end if negative, and the first if it lies before that.
fn position(at: i64, len: usize) -> usize {
    match usize::try_from(at) {
        Ok(at) => at,
        Err(_) => len.saturating_sub(at.unsigned_abs() as usize),
    }
}

/// RFC 9535, 2.3.4.2.2: bounds counted from the end if negative, cut to what is there; backwards if the step is negative.
fn slice<'d>(
    elements: Elements<'d>,
    (start, end, step): (Option<i64>, Option<i64>, i64),
    each: &mut dyn FnMut(usize, Node<'d>),
) {
    let len = elements.len() as i64;
    let normal = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (mut at, bound) = match step > 0 {
        true => {
            let start = normal(start.unwrap_or(0)).clamp(0, len);
            (start, end.map_or(len, |end| normal(end).clamp(0, len)))
        }
        false => {
            let start = start.map_or(len - 1, |start| normal(start).clamp(-1, len - 1));
            (start, end.map_or(-1, |end| normal(end).clamp(-1, len - 1)))
        }
    };
    while (step > 0 && at < bound) || (step < 0 && at > bound) {
        if let Some(element) = elements.get(at as usize) {
            each(at as usize, element);
        }
        at = at.saturating_add(step);
    }
}
