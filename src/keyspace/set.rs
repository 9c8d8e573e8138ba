//! The set value: different members without an order, in buckets that are shared with a snapshot until they change.

use super::buckets::Buckets;
use bytes::Bytes;

/// Members. Cloning shares them.
#[derive(Clone)]
pub struct Set(Buckets<()>);

impl Set {
    /// An empty set; `seed` keeps clients from choosing members that collide.
    pub fn new(seed: u64) -> Set {
        Set(Buckets::new(seed))
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all members.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Whether `member` is in it.
    pub fn contains(&self, member: &[u8]) -> bool {
        self.0.get(member).is_some()
    }

    /// All members; those of a small set in the order of their insertion, unless members were removed.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.0.iter().map(|(member, ())| member)
    }

    /// A member, each as likely as any other; `random` gives random numbers. None if the set is empty.
    pub fn draw(&self, random: impl FnMut() -> u64) -> Option<&Bytes> {
        self.0.draw(random).map(|(member, ())| member)
    }

    /// About `count` members from `cursor` on, with the cursor to go on (0: done). A member that stays in the set is seen
    /// whatever happens to others between two calls.
    pub fn scan(&self, cursor: u64, count: usize) -> (u64, Vec<&Bytes>) {
        let (next, found) = self.0.scan(cursor, count);
        (next, found.into_iter().map(|(member, ())| member).collect())
    }

    /// Adds a member; whether it is new.
    pub fn insert(&mut self, member: Bytes) -> bool {
        self.0.insert(member, ()).is_none()
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        self.0.remove(member).is_some()
    }
}

impl PartialEq for Set {
    /// Equal members, whatever the order.
    fn eq(&self, other: &Set) -> bool {
        self.len() == other.len() && self.iter().all(|member| other.contains(member))
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_there_once() {
        let mut set = Set::new(7);
        assert!(set.insert(Bytes::from_static(b"a")));
        assert!(!set.insert(Bytes::from_static(b"a")));
        assert!(set.insert(Bytes::from_static(b"bc")));
        let before = set.clone();
        assert!(set.remove(b"a") && !set.remove(b"a"));
        assert_eq!((set.len(), set.bytes(), before.len()), (1, 2, 2));
        assert!(before.contains(b"a") && !set.contains(b"a"));
        assert_ne!(set, before);
        assert!(set.insert(Bytes::from_static(b"a")));
        assert_eq!(set, before, "whatever the order");
    }
}
