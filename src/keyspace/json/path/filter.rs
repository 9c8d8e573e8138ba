//! Deciding `?` selectors: whether a filter holds for a node.

use super::find::Scope;
use super::pattern::Pattern;
use super::{Comparison, Filter, Operand};
use crate::keyspace::json::Node;
use std::cmp::Ordering;

/// What an operand comes to: the nodes that a query leads to, or one constant.
enum Term<'d> {
    Constant(Node<'d>),
    Nodes(Vec<Node<'d>>),
}

impl Filter {
    /// Whether it holds for `node`.
    pub(super) fn holds<'d>(&'d self, scope: Scope<'_, 'd>, node: Node<'d>) -> bool {
        match self {
            Filter::Any(all) => all.iter().any(|filter| filter.holds(scope, node)),
            Filter::Every(all) => all.iter().all(|filter| filter.holds(scope, node)),
            Filter::Not(filter) => !filter.holds(scope, node),
            Filter::Exists(operand) => match operand.term(scope, node) {
                Term::Constant(_) => true,
                Term::Nodes(nodes) => !nodes.is_empty(),
            },
            Filter::Compare(left, comparison, right) => {
                compare(left.term(scope, node), *comparison, right.term(scope, node))
            }
            Filter::Matches(text, pattern, is_whole) => {
                matches(scope, &text.term(scope, node), pattern, node, *is_whole)
            }
        }
    }
}

impl Operand {
    fn term<'d>(&'d self, scope: Scope<'_, 'd>, node: Node<'d>) -> Term<'d> {
        match self {
            Operand::Constant(json) => Term::Constant(json.node()),
            Operand::Here(path) => Term::Nodes(scope.query(path, node)),
            Operand::Root(path) => Term::Nodes(scope.query(path, scope.root())),
            Operand::Pattern(_) => Term::Nodes(Vec::new()),
            Operand::Count(query) => {
                let count = query.term(scope, node).nodes().len();
                Term::Constant(Node::Int(count as i64))
            }
            Operand::Value(query) => match query.term(scope, node).nodes() {
                [one] => Term::Nodes(vec![*one]),
                _ => Term::Nodes(Vec::new()),
            },
            Operand::Length(operand) => match operand.term(scope, node).nodes() {
                [Node::Text(text)] => Term::Constant(Node::Int(text.chars().count() as i64)),
                [one @ (Node::Array(_) | Node::Object(_))] => {
                    Term::Constant(Node::Int(one.len() as i64))
                }
                _ => Term::Nodes(Vec::new()),
            },
        }
    }
}

/// With several nodes on a side it holds if it holds for one of them; unequal is the opposite of equal.
fn compare(left: Term<'_>, comparison: Comparison, right: Term<'_>) -> bool {
    let is = |wanted: fn(Ordering) -> bool| {
        any_pair(&left, &right, |a, b| a.order(b).is_some_and(wanted))
    };
    let is_equal = || match (&left, &right) {
        (Term::Nodes(_), Term::Nodes(_)) => any_pair(&left, &right, |a, b| a == b),
        _ => is(Ordering::is_eq),
    };
    match comparison {
        Comparison::Equal => is_equal(),
        Comparison::Unequal => !is_equal(),
        Comparison::Less => is(Ordering::is_lt),
        Comparison::LessOrEqual => is(Ordering::is_le),
        Comparison::Greater => is(Ordering::is_gt),
        Comparison::GreaterOrEqual => is(Ordering::is_ge),
    }
}

/// Whether one of the strings has a match of one of the patterns; what is no pattern matches nothing.
fn matches<'d>(
    scope: Scope<'_, 'd>,
    text: &Term<'d>,
    pattern: &'d Operand,
    node: Node<'d>,
    is_whole: bool,
) -> bool {
    let holds = |pattern: &Pattern| {
        let texts = text.nodes().iter().filter_map(|node| node.as_str());
        let mut affordable = texts.filter(|text| scope.spend(pattern.cost(text)));
        affordable.any(|text| pattern.matches(text, is_whole))
    };
    if let Operand::Pattern(pattern) = pattern {
        return pattern.as_ref().is_some_and(holds);
    }
    let patterns = pattern.term(scope, node);
    let patterns = patterns.nodes().iter().filter_map(|node| node.as_str());
    let mut compiled = patterns.filter_map(Pattern::parse);
    compiled.any(|pattern| holds(&pattern))
}

fn any_pair(left: &Term, right: &Term, holds: impl Fn(Node, Node) -> bool) -> bool {
    let (left, right) = (left.nodes(), right.nodes());
    left.iter().any(|a| right.iter().any(|b| holds(*a, *b)))
}

impl<'d> Term<'d> {
    fn nodes(&self) -> &[Node<'d>] {
        match self {
            Term::Constant(node) => std::slice::from_ref(node),
            Term::Nodes(nodes) => nodes,
        }
    }
}
