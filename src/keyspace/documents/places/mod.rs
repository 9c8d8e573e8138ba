//! Where documents are: their points and shapes, and which of them may be near others. What lies in an area is found without going
//! through all ([`curve`]); whoever asks gets a few more, and compares.

pub mod curve;
pub mod extent;
#[cfg(test)]
mod tests;

use super::fields::DocumentId;
use super::pages::Pages;
use super::shape::{Place, Shape};
use curve::{Curve, step_of};
use extent::{Extent, Ground};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// What one document holds in a field: mostly one thing, which then takes no memory of its own.
enum Held<T> {
    One(T),
    Several(Box<[T]>),
}

// There is one for each document: whatever is added here is added to all of them.
const _: () = assert!(size_of::<Option<Held<Place>>>() <= 24);
const _: () = assert!(size_of::<Option<Held<Shape>>>() <= 24);

impl<T: Clone> Held<T> {
    /// None of nothing.
    fn of(all: &[T]) -> Option<Held<T>> {
        match all {
            [] => None,
            [one] => Some(Held::One(one.clone())),
            several => Some(Held::Several(several.into())),
        }
    }

    fn all(&self) -> &[T] {
        match self {
            Held::One(one) => std::slice::from_ref(one),
            Held::Several(several) => several,
        }
    }
}

fn held_by<T: Clone>(held: &Pages<Held<T>>, id: DocumentId) -> &[T] {
    held.get(id).map_or(&[], Held::all)
}

/// The documents of blocks, each once.
fn ids_of(blocks: &[&[DocumentId]]) -> RoaringBitmap {
    let mut ids = blocks.concat();
    ids.sort_unstable();
    ids.dedup();
    RoaringBitmap::from_sorted_iter(ids).unwrap_or_default()
}

/// The documents of a GEO field by their points, longitudes and latitudes in degrees.
#[derive(Default)]
pub struct Points {
    held: Pages<Held<Place>>,
    curve: Curve,
}

impl Points {
    /// The points of many documents, all at once.
    pub(super) fn of_all<'p>(all: impl Iterator<Item = (DocumentId, &'p [Place])>) -> Points {
        let (mut held, mut spots) = (Pages::default(), Vec::new());
        for (id, points) in all {
            spots.extend(points.iter().map(|point| (step_of(*point), id)));
            if let Some(points) = Held::of(points) {
                held.insert(id, points);
            }
        }
        Points {
            held,
            curve: Curve::of_all(spots),
        }
    }

    /// Adds the points of a document.
    pub fn add(&mut self, id: DocumentId, points: &[Place]) {
        let Some(of_document) = Held::of(points) else {
            return;
        };
        self.held.insert(id, of_document);
        let steps_of = |id| held_by(&self.held, id).iter().map(|point| step_of(*point));
        for point in points {
            self.curve.add(id, step_of(*point), steps_of);
        }
    }

    /// Takes the points of a document out, if it has some.
    pub fn remove(&mut self, id: DocumentId) {
        let Some(points) = self.held.remove(id) else {
            return;
        };
        for point in points.all() {
            self.curve.remove(id, step_of(*point));
        }
    }

    /// The points of a document.
    pub fn of(&self, id: DocumentId) -> &[Place] {
        held_by(&self.held, id)
    }

    /// All documents with a point not farther from a centre than a radius, and others.
    pub fn near(&self, centre: Place, radius_m: f64) -> RoaringBitmap {
        ids_of(&self.blocks(centre, radius_m))
    }

    /// How many [`Points::near`] finds, at most.
    pub fn count_near(&self, centre: Place, radius_m: f64) -> usize {
        let blocks = self.blocks(centre, radius_m);
        blocks.iter().map(|ids| ids.len()).sum()
    }

    /// How many points there are, and the bytes that they take.
    pub fn size(&self) -> (usize, usize) {
        let points = self.held.values().map(|held| held.all().len());
        let several = self.held.values().map(bytes_beside);
        let entries = self.held.len() * size_of::<Option<Held<Place>>>();
        let bytes = entries + several.sum::<usize>() + self.curve.bytes();
        (points.sum(), bytes)
    }

    fn blocks(&self, centre: Place, radius_m: f64) -> Vec<&[DocumentId]> {
        let extent = Extent::of_circle(centre, radius_m);
        let areas = Ground::Sphere.areas(&extent, 0.0).into_iter();
        areas.flat_map(|area| self.curve.blocks_in(&area)).collect()
    }
}

/// What is not in its entry.
fn bytes_beside<T>(held: &Held<T>) -> usize {
    match held {
        Held::One(_) => 0,
        Held::Several(several) => size_of_val(&several[..]),
    }
}

/// The documents of a GEOSHAPE field by their shapes. These are on a curve by their centres, those of about one size on one: how far
/// around an area to look is told by the size.
#[derive(Default)]
pub struct Shapes {
    ground: Ground,
    held: Pages<Held<Shape>>,
    ids: RoaringBitmap,
    /// By [`size_of_reach`].
    sizes: BTreeMap<u16, OfSize>,
    /// Of all shapes.
    corners: usize,
}

/// Shapes of about one size.
#[derive(Default)]
struct OfSize {
    /// No shape ever reached farther.
    reach: f64,
    curve: Curve,
}

/// What a query's shape is compared with, at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Documents.
    pub documents: f64,
    /// Corners of all their shapes.
    pub corners: f64,
}

/// Corners of so many documents are counted; of more they are taken to be as many as documents have on average.
const COUNTED_MAX: usize = 512;

/// Reaches of one size are within four times of each other: the upper bits of the exponent.
fn size_of_reach(reach: f64) -> u16 {
    (reach.to_bits() >> 53) as u16
}

impl Shapes {
    /// Of none yet.
    pub fn on(ground: Ground) -> Shapes {
        Shapes {
            ground,
            ..Shapes::default()
        }
    }

    /// The shapes of many documents, all at once, by ids that ascend.
    pub(super) fn of_all<'s>(
        ground: Ground,
        all: impl Iterator<Item = (DocumentId, &'s [Shape])>,
    ) -> Shapes {
        let mut shapes = Shapes::on(ground);
        let mut spots: BTreeMap<u16, Vec<(u64, DocumentId)>> = BTreeMap::new();
        for (id, of_document) in all {
            for shape in of_document {
                let extent = ground.extent(shape);
                let size = size_of_reach(extent.reach);
                let of_size = shapes.sizes.entry(size).or_default();
                of_size.reach = of_size.reach.max(extent.reach);
                let spot = (step_of(extent.centre), id);
                spots.entry(size).or_default().push(spot);
            }
            shapes.hold(id, of_document);
        }
        for (of_size, spots) in shapes.sizes.values_mut().zip(spots.into_values()) {
            of_size.curve = Curve::of_all(spots);
        }
        shapes
    }

    fn hold(&mut self, id: DocumentId, shapes: &[Shape]) {
        if let Some(of_document) = Held::of(shapes) {
            self.held.insert(id, of_document);
            self.ids.insert(id);
            self.corners += corners(shapes);
        }
    }

    /// Adds the shapes of a document.
    pub fn add(&mut self, id: DocumentId, shapes: &[Shape]) {
        self.hold(id, shapes);
        let (ground, held) = (self.ground, &self.held);
        for shape in shapes {
            let extent = ground.extent(shape);
            let size = size_of_reach(extent.reach);
            let of_size = self.sizes.entry(size).or_default();
            of_size.reach = of_size.reach.max(extent.reach);
            let steps_of = |id| {
                let extents = held_by(held, id).iter().map(|shape| ground.extent(shape));
                let of_size = extents.filter(|extent| size_of_reach(extent.reach) == size);
                of_size.map(|extent| step_of(extent.centre))
            };
            of_size.curve.add(id, step_of(extent.centre), steps_of);
        }
    }

    /// Takes the shapes of a document out, if it has some.
    pub fn remove(&mut self, id: DocumentId) {
        let Some(shapes) = self.held.remove(id) else {
            return;
        };
        self.ids.remove(id);
        self.corners -= corners(shapes.all());
        for shape in shapes.all() {
            let extent = self.ground.extent(shape);
            let size = size_of_reach(extent.reach);
            let Some(of_size) = self.sizes.get_mut(&size) else {
                continue;
            };
            of_size.curve.remove(id, step_of(extent.centre));
            if of_size.curve.is_empty() {
                self.sizes.remove(&size);
            }
        }
    }

    /// What they are on.
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// All documents with a shape.
    pub fn ids(&self) -> &RoaringBitmap {
        &self.ids
    }

    /// The shapes of a document.
    pub fn of(&self, id: DocumentId) -> &[Shape] {
        held_by(&self.held, id)
    }

    /// All documents with a shape that is not apart from this, and others.
    pub fn near(&self, extent: &Extent) -> RoaringBitmap {
        match extent.reach.is_finite() {
            true => ids_of(&self.blocks(extent)),
            false => self.ids.clone(),
        }
    }

    /// How many [`Shapes::near`] finds, at most, and how many corners these have, about.
    pub fn count_near(&self, extent: &Extent) -> Compared {
        let blocks = match extent.reach.is_finite() {
            true => self.blocks(extent),
            false => Vec::new(),
        };
        let documents = match extent.reach.is_finite() {
            true => blocks.iter().map(|ids| ids.len()).sum(),
            false => self.held.len(),
        };
        let corners = match documents <= COUNTED_MAX && extent.reach.is_finite() {
            true => {
                let ids = blocks.into_iter().flatten();
                ids.map(|id| corners(self.of(*id))).sum::<usize>() as f64
            }
            false => documents as f64 * self.corners as f64 / self.held.len().max(1) as f64,
        };
        Compared {
            documents: documents as f64,
            corners,
        }
    }

    /// The bytes that they take.
    pub fn bytes(&self) -> usize {
        let places = self.held.values().flat_map(Held::all).map(Shape::bytes);
        let several = self.held.values().map(bytes_beside);
        let entries = self.held.len() * size_of::<Option<Held<Shape>>>();
        let curves = self.sizes.values().map(|of_size| of_size.curve.bytes());
        entries + places.sum::<usize>() + several.sum::<usize>() + curves.sum::<usize>()
    }

    fn blocks(&self, extent: &Extent) -> Vec<&[DocumentId]> {
        let mut found = Vec::new();
        for of_size in self.sizes.values() {
            let areas = self.ground.areas(extent, of_size.reach).into_iter();
            found.extend(areas.flat_map(|area| of_size.curve.blocks_in(&area)));
        }
        found
    }
}

fn corners(shapes: &[Shape]) -> usize {
    shapes.iter().map(|shape| shape.places().count()).sum()
}
