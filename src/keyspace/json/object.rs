//! Members of an object in the order in which they were given; found by name in order of names once there are many. No hash
//! table: nobody can choose names that collide, and an entry costs four bytes for being found.

use super::Json;

/// Up to so many members, a name is looked for one by one.
const FEW: usize = 16;

/// An object.
#[derive(Clone, Debug, Default)]
pub struct Object {
    members: Vec<(Box<str>, Json)>,
    /// Positions of the members in order of their names; empty while there are few.
    by_name: Vec<u32>,
}

impl Object {
    /// An object of these members; of several with one name the last value counts, at the place of the first.
    pub fn new(members: Vec<(Box<str>, Json)>) -> Object {
        let mut object = Object {
            members,
            by_name: Vec::new(),
        };
        object.drop_repeated();
        object.members.shrink_to_fit();
        object.sort();
        object
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        Some(&self.members[self.position(name)?].1)
    }

    /// The value under a name, to be altered.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        let at = self.position(name)?;
        Some(&mut self.members[at].1)
    }

    /// Replaces the value under a name, or adds it at the end; the old one.
    pub(super) fn insert(&mut self, name: &str, value: Json) -> Option<Json> {
        if let Some(old) = self.get_mut(name) {
            return Some(std::mem::replace(old, value));
        }
        let at = self.members.len();
        self.members.push((name.into(), value));
        if self.by_name.is_empty() {
            self.sort();
        } else {
            let rank = self.rank(name).unwrap_or_else(|rank| rank);
            self.by_name.insert(rank, at as u32);
        }
        None
    }

    /// Adds members whose names are not there yet: in one go, so that many cost one sort.
    pub(super) fn append(&mut self, members: Vec<(Box<str>, Json)>) {
        if !members.is_empty() {
            self.members.extend(members);
            self.sort();
        }
    }

    /// Removes a member; its value. The last member takes its place, as it does in RedisJSON.
    pub(super) fn remove(&mut self, name: &str) -> Option<Json> {
        let at = self.position(name)?;
        let (_, value) = self.members.swap_remove(at);
        if self.members.len() <= FEW {
            self.by_name = Vec::new();
        } else {
            let moved = self.members.len();
            self.by_name.retain(|position| *position as usize != at);
            let of_moved = self.by_name.iter_mut();
            of_moved
                .filter(|position| **position as usize == moved)
                .for_each(|position| *position = at as u32);
        }
        Some(value)
    }

    /// The members in order, taken out.
    pub(super) fn into_members(self) -> Vec<(Box<str>, Json)> {
        self.members
    }

    /// Bytes on the heap, about.
    pub(super) fn heap_bytes(&self) -> usize {
        let members = self.iter();
        let inner = members.map(|(name, value)| Object::member_bytes(name) + value.heap_bytes());
        size_of::<Object>() + inner.sum::<usize>()
    }

    /// Bytes of a member without what its value has on the heap.
    pub(super) fn member_bytes(name: &str) -> usize {
        size_of::<(Box<str>, Json)>() + size_of::<u32>() + name.len()
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.by_name.is_empty() {
            self.members.iter().position(|(have, _)| **have == *name)
        } else {
            let rank = self.rank(name).ok()?;
            Some(self.by_name[rank] as usize)
        }
    }

    /// Where the name is in `by_name`, or where it would be.
    fn rank(&self, name: &str) -> Result<usize, usize> {
        let name_at = |at: &u32| &*self.members[*at as usize].0;
        self.by_name.binary_search_by(|at| name_at(at).cmp(name))
    }

    fn sort(&mut self) {
        if self.members.len() > FEW {
            self.by_name = sorted(&self.members);
        }
    }

    fn drop_repeated(&mut self) {
        let order = sorted(&self.members);
        let mut dropped = vec![false; self.members.len()];
        let members = &mut self.members;
        let same = |a: &u32, b: &u32| members[*a as usize].0 == members[*b as usize].0;
        let groups: Vec<&[u32]> = order
            .chunk_by(same)
            .filter(|group| group.len() > 1)
            .collect();
        for group in &groups {
            // The order is stable: the first in it is the first that was given.
            let (first, last) = (group[0] as usize, group[group.len() - 1] as usize);
            members[first].1 = std::mem::replace(&mut members[last].1, Json::Null);
            group[1..]
                .iter()
                .for_each(|at| dropped[*at as usize] = true);
        }
        if !groups.is_empty() {
            let mut dropped = dropped.into_iter();
            members.retain(|_| !dropped.next().unwrap_or(false));
        }
    }
}

/// Positions in order of names, equal names in order of position.
fn sorted(members: &[(Box<str>, Json)]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..members.len() as u32).collect();
    order.sort_by(|a, b| members[*a as usize].0.cmp(&members[*b as usize].0));
    order
}
