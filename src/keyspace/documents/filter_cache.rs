//! Who passes filters that are asked again while nobody writes: the same tenant, category or time span, for one target after another.
//!
//! A filter is known by all that its answer depends on but the documents, of whatever type its language has for that; what is kept of it
//! goes with the first write to the index. It is kept when it is asked for the second time: one that is asked once costs a look.

use super::index::State;
use crate::index::{GatheredSigns, Listed};
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Filters that are known, the one that was asked last in front. What is made of the documents that pass takes a bit of each document
/// of the index, and where they are scanned four bytes and their signs for each of them, which planners do where few pass.
const FILTERS_MAX: usize = 16;

/// The filters of an index.
#[derive(Default)]
pub struct FilterCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often the index had been written to.
    writes: u64,
    filters: Vec<Filter>,
}

struct Filter {
    /// What it is known by.
    key: Box<dyn Any + Send + Sync>,
    /// None yet of one that was asked for once.
    passing: Option<Arc<PassingDocuments>>,
}

/// The documents that pass a filter and have a vector in a field.
#[derive(Default)]
pub struct PassingDocuments {
    /// Documents that pass, with or without a vector.
    pub passed: u64,
    /// Those with one.
    pub ids: RoaringBitmap,
    /// Of documents that are asked for again: how often the index had been written to.
    writes: Option<u64>,
    slots: OnceLock<Box<[u32]>>,
    signs: GatheredSigns,
}

impl FilterCache {
    /// The documents that pass a filter: `is` says whether a key is its own, `key` makes that, and `find` finds them, and says whether that
    /// is the whole answer, which may be given again. `writes` is how often the index was written to, which the caller keeps from changing.
    pub fn passing<K: Any + Send + Sync>(
        &self,
        writes: u64,
        is: impl Fn(&K) -> bool,
        key: impl FnOnce() -> K,
        find: impl FnOnce() -> (PassingDocuments, bool),
    ) -> Arc<PassingDocuments> {
        let is = |filter: &Filter| filter.key.downcast_ref().is_some_and(&is);
        let found = self.0.lock().find(is, writes);
        if let Some(Some(passing)) = found {
            return passing;
        }
        let (passing, is_whole) = find();
        let is_kept = found.is_some() && is_whole;
        let passing = Arc::new(PassingDocuments {
            writes: is_kept.then_some(writes),
            ..passing
        });
        match found {
            Some(_) if is_kept => self.0.lock().keep(is, &passing),
            Some(_) => {}
            None => {
                let key = Box::new(key());
                self.0.lock().add(is, key);
            }
        }
        passing
    }

    /// How many pass a filter that is kept. `writes` and `is` as above.
    pub fn count_known<K: Any>(&self, writes: u64, is: impl Fn(&K) -> bool) -> Option<u64> {
        let known = self.0.lock();
        let is = |filter: &&Filter| filter.key.downcast_ref().is_some_and(&is);
        let mut filters = known.filters.iter().filter(|_| known.writes == writes);
        let passing = filters.find(is)?.passing.as_ref()?;
        Some(passing.ids.len())
    }

    /// Drops all that is known.
    pub fn forget(&self) {
        self.0.lock().filters.clear();
    }

    /// Bytes in memory, about.
    pub fn memory(&self) -> usize {
        let known = self.0.lock();
        let passing = known.filters.iter().flat_map(|filter| &filter.passing);
        passing.map(|passing| passing.memory()).sum()
    }
}

impl Known {
    /// What is kept of a filter, if that was asked for since the last write.
    fn find(
        &mut self,
        is: impl Fn(&Filter) -> bool,
        writes: u64,
    ) -> Option<Option<Arc<PassingDocuments>>> {
        if self.writes != writes {
            self.writes = writes;
            self.filters.clear();
        }
        let at = self.filters.iter().position(is)?;
        self.filters[..=at].rotate_right(1);
        Some(self.filters[0].passing.clone())
    }

    fn keep(&mut self, is: impl Fn(&Filter) -> bool, passing: &Arc<PassingDocuments>) {
        if let Some(filter) = self.filters.iter_mut().find(|filter| is(filter)) {
            filter.passing = Some(Arc::clone(passing));
        }
    }

    /// Unless somebody who asked at the same time did: each of many connections that ask the same after a write would forget another one.
    fn add(&mut self, is: impl Fn(&Filter) -> bool, key: Box<dyn Any + Send + Sync>) {
        if self.filters.iter().any(is) {
            return;
        }
        self.filters.truncate(FILTERS_MAX - 1);
        let filter = Filter { key, passing: None };
        self.filters.insert(0, filter);
    }
}

impl PassingDocuments {
    /// Of those that pass the ones that have a vector.
    pub fn new(passing: RoaringBitmap, present: &RoaringBitmap) -> PassingDocuments {
        PassingDocuments {
            passed: passing.len(),
            ids: passing & present,
            ..PassingDocuments::default()
        }
    }

    /// The slots of their vectors in the field, where they are not known, in the order of their ids, and whether some of them are documents no longer. `writes`
    /// is how often `state` was written to.
    pub fn slots(&self, state: &State, field: usize, writes: u64) -> (Listed<'_>, bool) {
        let mut listed = Vec::with_capacity(self.ids.len() as usize);
        let mut has_lost = false;
        state.slots(field).of_all(&self.ids, |of_document| {
            has_lost |= of_document.is_empty();
            listed.extend_from_slice(of_document);
        });
        match self.writes == Some(writes) {
            true => (self.listed(self.slots.get_or_init(|| listed.into())), false),
            false => (listed_now(Cow::Owned(listed), None), has_lost),
        }
    }

    /// Slots that are kept, where they are known.
    pub fn known_slots(&self) -> Option<Listed<'_>> {
        self.slots.get().map(|slots| self.listed(slots))
    }

    fn listed<'a>(&'a self, slots: &'a [u32]) -> Listed<'a> {
        listed_now(Cow::Borrowed(slots), Some(&self.signs))
    }

    fn memory(&self) -> usize {
        let slots = self.slots.get().map_or(0, |slots| size_of_val(&**slots));
        self.ids.serialized_size() + slots + self.signs.memory()
    }
}

/// A document that is written after its slots were listed is found at its former vector, and missed there: if scans left it out nobody would know.
fn listed_now<'a>(slots: Cow<'a, [u32]>, signs: Option<&'a GatheredSigns>) -> Listed<'a> {
    Listed {
        slots,
        signs,
        finds_removed: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A filter with the number `key`, which ten documents from `first` on pass; who passes it, and whether that had to be found out.
    fn ask(
        cache: &FilterCache,
        key: u32,
        first: u32,
        (writes, is_whole): (u64, bool),
    ) -> (Arc<PassingDocuments>, bool) {
        let is_new = Cell::new(false);
        let find = || {
            is_new.set(true);
            let ids: RoaringBitmap = (first..first + 10).collect();
            let present = (0..first + 7).collect();
            (PassingDocuments::new(ids, &present), is_whole)
        };
        let passing = cache.passing(writes, |other: &u32| *other == key, || key, find);
        (passing, is_new.get())
    }

    #[test]
    fn a_filter_is_kept_from_the_second_time_on_until_somebody_writes() {
        let cache = FilterCache::default();
        assert!(ask(&cache, 1, 100, (5, true)).1);
        assert_eq!(cache.memory(), 0);
        assert!(ask(&cache, 1, 100, (5, true)).1);
        assert!(cache.memory() > 0);
        let count = |writes| cache.count_known(writes, |key: &u32| *key == 1);
        assert_eq!((count(5), count(6)), (Some(7), None));
        let (passing, is_new) = ask(&cache, 1, 200, (5, true));
        assert_eq!((passing.passed, passing.ids.len(), is_new), (10, 7, false));
        assert!(passing.ids.contains(100));
        // Others know it by other keys, or by keys of other types.
        assert!(ask(&cache, 2, 100, (5, true)).1);
        let find = || (PassingDocuments::default(), true);
        assert_eq!(cache.passing(5, |_: &u64| true, || 1u64, find).passed, 0);
        let (passing, is_new) = ask(&cache, 1, 300, (6, true));
        assert!(is_new && passing.ids.contains(300));
        assert_eq!(cache.memory(), 0);
        assert!(ask(&cache, 1, 300, (6, true)).1);
        assert!(!ask(&cache, 1, 300, (6, true)).1);
        cache.forget();
        assert!(ask(&cache, 1, 300, (6, true)).1);
    }

    #[test]
    fn a_part_of_an_answer_is_not_kept() {
        let cache = FilterCache::default();
        for _ in 0..4 {
            assert!(ask(&cache, 1, 100, (0, false)).1);
        }
        assert!(ask(&cache, 1, 100, (0, true)).1);
        assert!(!ask(&cache, 1, 100, (0, true)).1);
    }

    #[test]
    fn who_asks_the_same_at_the_same_time_makes_nobody_forget_another() {
        let cache = FilterCache::default();
        (0..2).for_each(|_| drop(ask(&cache, 1, 100, (0, true))));
        // Each comes while the one before finds out who passes.
        fn ask_within(cache: &FilterCache, more: usize) {
            let find = || {
                if more > 0 {
                    ask_within(cache, more - 1);
                }
                (PassingDocuments::default(), true)
            };
            cache.passing(0, |key: &u32| *key == 2, || 2, find);
        }
        ask_within(&cache, FILTERS_MAX);
        assert!(!ask(&cache, 1, 100, (0, true)).1);
    }

    #[test]
    fn filters_that_were_not_asked_for_longest_are_forgotten() {
        let cache = FilterCache::default();
        for _ in 0..2 {
            (0..FILTERS_MAX as u32).for_each(|key| drop(ask(&cache, key, 0, (0, true))));
        }
        // All are known; the first is asked again before another one comes.
        assert!(!ask(&cache, 0, 0, (0, true)).1);
        assert!(ask(&cache, 99, 0, (0, true)).1);
        assert!(!ask(&cache, 0, 0, (0, true)).1);
        assert!(ask(&cache, 1, 0, (0, true)).1);
        assert!(!ask(&cache, 3, 0, (0, true)).1);
    }
}
