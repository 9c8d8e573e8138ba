//! Members in the order of their scores: a B+ tree that counts what is below each node, so that a rank is found, and found
//! out, in O(log n). Nodes are shared with a snapshot until they change: a change copies the nodes on one path at most.

use bytes::Bytes;
use std::cmp::Ordering;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// Members of a leaf, and children of an inner node, at most.
const WIDTH_MAX: usize = 64;
/// A node with fewer is joined with a neighbour.
const WIDTH_MIN: usize = WIDTH_MAX / 4;

/// A member with its score, which is never NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What it is ordered by first.
    pub score: f64,
    /// What it is ordered by where scores are equal: its bytes.
    pub member: Bytes,
}

impl Ranked {
    /// Its place beside a score and a member. Both zeros are one score.
    pub fn order(&self, score: f64, member: &[u8]) -> Ordering {
        let by_score = self.score.partial_cmp(&score);
        by_score
            .unwrap_or(Ordering::Equal)
            .then_with(|| (*self.member).cmp(member))
    }
}

#[derive(Clone)]
enum Node {
    Leaf(Vec<Ranked>),
    Inner(Vec<Child>),
}

#[derive(Clone)]
struct Child {
    /// No member below is before it, and all members of the children to the left are. Of a node's first child it says
    /// nothing. It need not be a member any more.
    first: Ranked,
    /// Members below.
    len: usize,
    node: Arc<Node>,
}

/// The members. Cloning shares the nodes.
#[derive(Clone)]
pub(super) struct Tree {
    root: Arc<Node>,
    len: usize,
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree {
            root: Arc::new(Node::Leaf(Vec::new())),
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a member that is not there.
    pub(super) fn insert(&mut self, item: Ranked) {
        self.len += 1;
        if let Some(right) = Arc::make_mut(&mut self.root).insert(item) {
            let before_all = Ranked {
                score: f64::NEG_INFINITY,
                member: Bytes::new(),
            };
            let left = Child {
                first: before_all,
                len: self.len - right.len,
                node: Arc::clone(&self.root),
            };
            self.root = Arc::new(Node::Inner(vec![left, right]));
        }
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) -> Option<Ranked> {
        let removed = Arc::make_mut(&mut self.root).remove(score, member);
        debug_assert!(removed.is_some(), "a member that has a score has a rank");
        self.len -= usize::from(removed.is_some());
        loop {
            let lower = match &*self.root {
                Node::Inner(children) if children.is_empty() => Arc::new(Node::Leaf(Vec::new())),
                Node::Inner(children) if children.len() == 1 => Arc::clone(&children[0].node),
                _ => return removed,
            };
            self.root = lower;
        }
    }

    /// Number of members that come first and for which `is_before` holds. It must hold for no member after one for which it
    /// does not hold.
    pub(super) fn rank(&self, is_before: impl Fn(&Ranked) -> bool) -> usize {
        let (mut node, mut rank) = (&*self.root, 0);
        loop {
            match node {
                Node::Leaf(items) => return rank + items.partition_point(is_before),
                Node::Inner(children) => {
                    let at = children[1..].partition_point(|child| is_before(&child.first));
                    rank += children[..at].iter().map(|child| child.len).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    /// The members of these ranks, which must lie within the tree.
    pub(super) fn range(&self, ranks: Range<usize>) -> Items<'_> {
        debug_assert!(ranks.start <= ranks.end && ranks.end <= self.len);
        Items {
            tree: self,
            ranks,
            front: [].iter(),
            back: [].iter(),
        }
    }

    /// The leaf that holds a rank, and the ranks it holds.
    fn leaf_of(&self, rank: usize) -> (&[Ranked], usize) {
        let (mut node, mut first) = (&*self.root, 0);
        loop {
            match node {
                Node::Leaf(items) => return (items, first),
                Node::Inner(children) => {
                    let mut at = 0;
                    while at + 1 < children.len() && first + children[at].len <= rank {
                        first += children[at].len;
                        at += 1;
                    }
                    node = &children[at].node;
                }
            }
        }
    }
}

/// Members in order, from both ends.
pub struct Items<'t> {
    tree: &'t Tree,
    /// What is left.
    ranks: Range<usize>,
    /// What is left of the leaf at the front.
    front: slice::Iter<'t, Ranked>,
    /// What is left of the leaf at the back.
    back: slice::Iter<'t, Ranked>,
}

impl<'t> Iterator for Items<'t> {
    type Item = &'t Ranked;

    fn next(&mut self) -> Option<&'t Ranked> {
        if self.ranks.is_empty() {
            return None;
        }
        let item = self.front.next().or_else(|| {
            let (items, first) = self.tree.leaf_of(self.ranks.start);
            self.front = items[self.ranks.start - first..].iter();
            self.front.next()
        });
        self.ranks.start += 1;
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        self.ranks.end -= 1;
        let rank = self.ranks.end;
        self.back.next_back().or_else(|| {
            let (items, first) = self.tree.leaf_of(rank);
            self.back = items[..=rank - first].iter();
            self.back.next_back()
        })
    }
}

impl ExactSizeIterator for Items<'_> {}

impl Node {
    fn width(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(children) => children.len(),
        }
    }

    /// Adds a member below; when the node became too wide, the part that must stand to its right.
    fn insert(&mut self, item: Ranked) -> Option<Child> {
        let at = match self {
            Node::Leaf(items) => {
                let at =
                    items.partition_point(|other| other.order(item.score, &item.member).is_lt());
                items.insert(at, item);
                at
            }
            Node::Inner(children) => {
                let at = child_of(children, item.score, &item.member);
                let child = &mut children[at];
                child.len += 1;
                let right = Arc::make_mut(&mut child.node).insert(item)?;
                child.len -= right.len;
                children.insert(at + 1, right);
                at + 1
            }
        };
        let width = self.width();
        (width > WIDTH_MAX).then(|| {
            // What grows at one end goes on growing there: the full part is left full.
            self.split_off(match at {
                0 => 1,
                at if at + 1 == width => at,
                _ => width / 2,
            })
        })
    }

    /// Cuts off what stands at `at` and to its right.
    fn split_off(&mut self, at: usize) -> Child {
        match self {
            Node::Leaf(items) => {
                let right = items.split_off(at);
                Child {
                    first: right[0].clone(),
                    len: right.len(),
                    node: Arc::new(Node::Leaf(right)),
                }
            }
            Node::Inner(children) => {
                let right = children.split_off(at);
                Child {
                    first: right[0].first.clone(),
                    len: right.iter().map(|child| child.len).sum(),
                    node: Arc::new(Node::Inner(right)),
                }
            }
        }
    }

    /// Removes a member below.
    fn remove(&mut self, score: f64, member: &[u8]) -> Option<Ranked> {
        match self {
            Node::Leaf(items) => {
                let at = items.binary_search_by(|item| item.order(score, member));
                at.ok().map(|at| items.remove(at))
            }
            Node::Inner(children) => {
                let at = child_of(children, score, member);
                let child = &mut children[at];
                let removed = Arc::make_mut(&mut child.node).remove(score, member)?;
                child.len -= 1;
                if child.len == 0 {
                    children.remove(at);
                } else if child.node.width() < WIDTH_MIN && children.len() > 1 {
                    join(children, at.min(children.len() - 2));
                }
                Some(removed)
            }
        }
    }

    /// Takes in what stands to the right of it, whose members are not before `first`.
    fn append(&mut self, right: Node, first: Ranked) {
        match (self, right) {
            (Node::Leaf(items), Node::Leaf(right)) => items.extend(right),
            (Node::Inner(children), Node::Inner(mut right)) => {
                if let Some(child) = right.first_mut() {
                    child.first = first;
                }
                children.append(&mut right);
            }
            _ => unreachable!("all leaves have one depth"),
        }
    }
}

/// Which child a member belongs to.
fn child_of(children: &[Child], score: f64, member: &[u8]) -> usize {
    children[1..].partition_point(|child| child.first.order(score, member).is_le())
}

/// Joins the child at `at` with the next; cuts them apart in the middle if that is too wide.
fn join(children: &mut Vec<Child>, at: usize) {
    let right = children.remove(at + 1);
    let left = &mut children[at];
    let node = Arc::make_mut(&mut left.node);
    node.append(Arc::unwrap_or_clone(right.node), right.first);
    left.len += right.len;
    if node.width() > WIDTH_MAX {
        let right = node.split_off(node.width() / 2);
        left.len -= right.len;
        children.insert(at + 1, right);
    }
}

#[cfg(test)]
impl Tree {
    /// Verifies counts, widths, depths and separators.
    pub(super) fn check(&self) {
        fn check_node(node: &Node, from: Option<&Ranked>, to: Option<&Ranked>) -> (usize, usize) {
            assert!(node.width() <= WIDTH_MAX);
            match node {
                Node::Leaf(items) => {
                    let ordered = |a: &Ranked, b: &Ranked| a.order(b.score, &b.member).is_lt();
                    assert!(items.is_sorted_by(ordered));
                    for item in items {
                        assert!(from.is_none_or(|from| !ordered(item, from)));
                        assert!(to.is_none_or(|to| ordered(item, to)));
                    }
                    (items.len(), 0)
                }
                Node::Inner(children) => {
                    let mut depths = Vec::new();
                    for (at, child) in children.iter().enumerate() {
                        let from = if at == 0 { from } else { Some(&child.first) };
                        let to = children.get(at + 1).map(|next| &next.first).or(to);
                        let (len, depth) = check_node(&child.node, from, to);
                        assert_eq!(len, child.len);
                        assert!(len > 0, "no empty child");
                        depths.push(depth);
                    }
                    assert!(depths.windows(2).all(|pair| pair[0] == pair[1]));
                    (children.iter().map(|child| child.len).sum(), depths[0] + 1)
                }
            }
        }
        let (len, depth) = check_node(&self.root, None, None);
        assert_eq!(len, self.len);
        assert!(depth <= 4, "{depth} levels for {len} members");
    }
}
