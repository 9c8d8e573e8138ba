//! How two shapes lie to each other: on a plane, or on a sphere.
//!
//! Edges on the sphere are arcs of great circles. A gnomonic projection (from the sphere's centre onto the plane that touches it)
//! makes these straight lines, so both cases are decided on a plane. It shows less than half of the sphere: shapes that do not
//! fit there are taken as they are in degrees.

use super::tree::Relation;
use crate::keyspace::documents::earth::middle;
use crate::keyspace::documents::places::extent::{Extent, Ground};
use crate::keyspace::documents::shape::{Place, Shape};

/// Places nearer to a line than this share of the lengths at hand are on it.
const TOLERANCE: f64 = 1e-12;
/// The least cosine of the angle between the projection's centre and what it shows.
const COSINE_MIN: f64 = 1e-3;

/// A query's shape, and how documents' shapes are compared with it.
pub struct Comparison<'q> {
    shape: &'q Shape,
    relation: Relation,
    ground: Ground,
    extent: Extent,
    projected: Option<(Projection, Shape)>,
}

impl<'q> Comparison<'q> {
    /// With a shape on a plane or on the sphere.
    pub fn new(shape: &'q Shape, relation: Relation, ground: Ground) -> Comparison<'q> {
        let is_projected = ground == Ground::Sphere;
        let projection = is_projected.then(|| Projection::around(shape));
        let projected = projection.and_then(|projection| {
            let shape = projection.project(shape)?;
            Some((projection, shape))
        });
        Comparison {
            shape,
            relation,
            ground,
            extent: ground.extent(shape),
            projected,
        }
    }

    /// How far the query's shape extends: what is apart from it is disjoint.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// Whether a document's shape lies to the query's as it should.
    pub fn holds(&self, document: &Shape) -> bool {
        let extent = self.ground.extent(document);
        match self.ground.are_apart(&self.extent, &extent) {
            true => self.relation == Relation::Disjoint,
            false => self.compares(document),
        }
    }

    /// The same corner by corner.
    fn compares(&self, document: &Shape) -> bool {
        let Some((projection, query)) = &self.projected else {
            return relates(document, self.shape, self.relation);
        };
        match projection.project(document) {
            Some(document) => relates(&document, query, self.relation),
            // Wholly on the other side.
            None if !document.places().any(|place| projection.shows(*place)) => {
                self.relation == Relation::Disjoint
            }
            None => relates(document, self.shape, self.relation),
        }
    }
}

/// A gnomonic projection around a place: sines and cosines of its latitude, and its longitude.
struct Projection {
    longitude: f64,
    sine: f64,
    cosine: f64,
}

impl Projection {
    /// Around the middle of a shape's corners.
    fn around(shape: &Shape) -> Projection {
        let (longitude, latitude) = middle(shape.places());
        Projection {
            longitude,
            sine: latitude.sin(),
            cosine: latitude.cos(),
        }
    }

    /// Cosine of the angle to the centre, and the place times it.
    fn look(&self, (longitude, latitude): Place) -> (f64, Place) {
        let east = longitude.to_radians() - self.longitude;
        let (sine, cosine) = latitude.to_radians().sin_cos();
        let toward = self.sine * sine + self.cosine * cosine * east.cos();
        let y = self.cosine * sine - self.sine * cosine * east.cos();
        (toward, (cosine * east.sin(), y))
    }

    fn shows(&self, place: Place) -> bool {
        self.look(place).0 > COSINE_MIN
    }

    /// The shape on the plane; none if not all of it is shown.
    fn project(&self, shape: &Shape) -> Option<Shape> {
        let project = |place: &Place| {
            let (toward, (x, y)) = self.look(*place);
            (toward > COSINE_MIN).then_some((x / toward, y / toward))
        };
        Some(match shape {
            Shape::Point(place) => Shape::Point(project(place)?),
            Shape::Polygon(rings) => {
                let rings = rings.iter().map(|ring| ring.iter().map(project).collect());
                Shape::Polygon(rings.collect::<Option<_>>()?)
            }
        })
    }
}

/// Whether one shape lies to another on the plane as `relation` says.
fn relates(one: &Shape, other: &Shape, relation: Relation) -> bool {
    match relation {
        Relation::Within => is_within(one, other),
        Relation::Contains => is_within(other, one),
        Relation::Intersects => intersects(one, other),
        Relation::Disjoint => !intersects(one, other),
    }
}

type Rings = [Box<[Place]>];

/// Where a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Inside,
    Edge,
    Outside,
}

fn minus(a: Place, b: Place) -> Place {
    (a.0 - b.0, a.1 - b.1)
}

fn cross(a: Place, b: Place) -> f64 {
    a.0 * b.1 - a.1 * b.0
}

fn length(a: Place) -> f64 {
    a.0.hypot(a.1)
}

/// Twice the triangle's area: positive if `c` is on the left of the way from `a` to `b`; 0 on it, but for rounding.
fn turn(a: Place, b: Place, c: Place) -> f64 {
    let (ab, ac) = (minus(b, a), minus(c, a));
    let area = cross(ab, ac);
    match area.abs() <= TOLERANCE * length(ab) * length(ac) {
        true => 0.0,
        false => area,
    }
}

fn is_on(place: Place, (a, b): (Place, Place)) -> bool {
    let is_between = |x: f64, a: f64, b: f64| (a.min(b)..=a.max(b)).contains(&x);
    turn(a, b, place) == 0.0 && is_between(place.0, a.0, b.0) && is_between(place.1, a.1, b.1)
}

fn edges(rings: &Rings) -> impl Iterator<Item = (Place, Place)> {
    rings.iter().flat_map(|ring| ring_edges(ring))
}

fn ring_edges(ring: &[Place]) -> impl Iterator<Item = (Place, Place)> {
    ring.windows(2).map(|pair| (pair[0], pair[1]))
}

/// Counts how often a ray to the right leaves the ring.
fn side_of_ring(place: Place, ring: &[Place]) -> Side {
    let mut is_inside = false;
    for (a, b) in ring_edges(ring) {
        if is_on(place, (a, b)) {
            return Side::Edge;
        }
        let spans = (a.1 > place.1) != (b.1 > place.1);
        if spans && (turn(a, b, place) > 0.0) == (b.1 > a.1) {
            is_inside = !is_inside;
        }
    }
    match is_inside {
        true => Side::Inside,
        false => Side::Outside,
    }
}

fn side(place: Place, rings: &Rings) -> Side {
    let Some((outer, holes)) = rings.split_first() else {
        return Side::Outside;
    };
    let outer = side_of_ring(place, outer);
    if outer != Side::Inside {
        return outer;
    }
    for hole in holes {
        match side_of_ring(place, hole) {
            Side::Inside => return Side::Outside,
            Side::Edge => return Side::Edge,
            Side::Outside => {}
        }
    }
    Side::Inside
}

fn intersects(one: &Shape, other: &Shape) -> bool {
    match (one, other) {
        (Shape::Point(one), Shape::Point(other)) => one == other,
        (Shape::Point(place), Shape::Polygon(rings))
        | (Shape::Polygon(rings), Shape::Point(place)) => side(*place, rings) != Side::Outside,
        (Shape::Polygon(one), Shape::Polygon(other)) => {
            let meets = |edge| edges(other).any(|other| !meetings(edge, other).is_empty());
            let has_corner_in =
                |one: &Rings, other: &Rings| side(one[0][0], other) != Side::Outside;
            edges(one).any(meets) || has_corner_in(one, other) || has_corner_in(other, one)
        }
    }
}

/// Whether nothing of `one` is outside of `other`, and something is inside. Nothing is within a point.
fn is_within(one: &Shape, other: &Shape) -> bool {
    match (one, other) {
        (_, Shape::Point(_)) => false,
        (Shape::Point(place), Shape::Polygon(rings)) => side(*place, rings) == Side::Inside,
        (Shape::Polygon(one), Shape::Polygon(other)) => {
            let is_in = |place: Place| side(place, other) != Side::Outside;
            let holes = &other[1..];
            let is_in_one = |place: Place| side(place, one) == Side::Inside;
            edges(one).all(|edge| pieces(edge, other).all(is_in))
                // A hole of the other must not be where the one is.
                && !edges(holes).any(|edge| pieces(edge, one).any(is_in_one))
                && inner_place(one).is_none_or(is_in)
        }
    }
}

/// The middles of the pieces into which the edges of a polygon cut an edge, and the corners.
fn pieces(edge: (Place, Place), rings: &Rings) -> impl Iterator<Item = Place> {
    let (a, b) = edge;
    let mut cuts = vec![0.0, 1.0];
    for other in edges(rings) {
        cuts.extend(meetings(edge, other));
    }
    cuts.sort_by(f64::total_cmp);
    let at = move |share: f64| (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    let middles: Vec<Place> = cuts
        .windows(2)
        .filter(|pair| pair[1] - pair[0] > TOLERANCE)
        .map(|pair| at((pair[0] + pair[1]) / 2.0))
        .collect();
    middles.into_iter().chain([a, b])
}

/// Where an edge meets another: shares of its length from its beginning.
fn meetings((a, b): (Place, Place), (c, d): (Place, Place)) -> Vec<f64> {
    let (ab, cd) = (minus(b, a), minus(d, c));
    let slope = cross(ab, cd);
    if slope.abs() <= TOLERANCE * length(ab) * length(cd) {
        // Side by side: where they lie on each other, the ends do.
        let square = ab.0 * ab.0 + ab.1 * ab.1;
        let share = |place: Place| {
            let way = minus(place, a);
            (way.0 * ab.0 + way.1 * ab.1) / square
        };
        let mut shares: Vec<f64> = [c, d]
            .into_iter()
            .filter(|end| is_on(*end, (a, b)))
            .map(share)
            .collect();
        shares.extend(
            [(a, 0.0), (b, 1.0)]
                .into_iter()
                .filter_map(|(end, share)| is_on(end, (c, d)).then_some(share)),
        );
        return shares;
    }
    let ac = minus(c, a);
    let (own, others) = (cross(ac, cd) / slope, cross(ac, ab) / slope);
    let is_share = |share: &f64| (-TOLERANCE..=1.0 + TOLERANCE).contains(share);
    match is_share(&own) && is_share(&others) {
        true => vec![own.clamp(0.0, 1.0)],
        false => Vec::new(),
    }
}

/// A place inside a polygon: on a level line between two corners, in the middle of the first stretch that is inside.
fn inner_place(rings: &Rings) -> Option<Place> {
    let mut levels: Vec<f64> = rings.iter().flatten().map(|place| place.1).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    for pair in levels.windows(2) {
        let y = (pair[0] + pair[1]) / 2.0;
        let crossing = |(a, b): (Place, Place)| {
            let spans = (a.1 > y) != (b.1 > y);
            spans.then(|| a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1))
        };
        let mut crossings: Vec<f64> = edges(rings).filter_map(crossing).collect();
        crossings.sort_by(f64::total_cmp);
        let mut middles = crossings
            .windows(2)
            .map(|pair| ((pair[0] + pair[1]) / 2.0, y));
        let inner = middles.find(|place| side(*place, rings) == Side::Inside);
        if inner.is_some() {
            return inner;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        Shape::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn square(from: f64, to: f64) -> String {
        format!("POLYGON (({from} {from}, {from} {to}, {to} {to}, {to} {from}, {from} {from}))")
    }

    fn holds(document: &str, relation: Relation, query: &str, is_flat: bool) -> bool {
        let query = shape(query);
        let ground = match is_flat {
            true => Ground::Plane,
            false => Ground::Sphere,
        };
        Comparison::new(&query, relation, ground).holds(&shape(document))
    }

    #[test]
    fn shapes_lie_to_each_other() {
        use Relation::{Contains, Disjoint, Intersects, Within};
        let (small, large) = (square(1.0, 2.0), square(0.0, 3.0));
        let ring = "POLYGON ((0 0, 0 3, 3 3, 3 0, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))";
        let inner = square(1.2, 1.8);
        let cases = [
            (small.as_str(), Within, large.as_str(), true),
            (&large, Within, &small, false),
            (&large, Contains, &small, true),
            (&large, Within, &large, true),
            (&small, Intersects, &large, true),
            (&small, Disjoint, &large, false),
            (&square(2.0, 4.0), Intersects, &large, true),
            (&square(2.0, 4.0), Within, &large, false),
            (&square(3.0, 4.0), Intersects, &large, true),
            (&square(3.1, 4.0), Disjoint, &large, true),
            // A hole is outside.
            (&inner, Disjoint, ring, true),
            (&small, Within, ring, false),
            (&small, Intersects, ring, true),
            (ring, Within, &large, true),
            (ring, Contains, &inner, false),
            ("POINT (1 1)", Within, &large, true),
            // The edge is not inside, but is touched.
            ("POINT (0 1)", Within, &large, false),
            ("POINT (0 1)", Intersects, &large, true),
            ("POINT (1.5 1.5)", Within, ring, false),
            ("POINT (5 1)", Disjoint, &large, true),
            (&large, Contains, "POINT (1 1)", true),
            ("POINT (1 1)", Within, "POINT (1 1)", false),
            ("POINT (1 1)", Intersects, "POINT (1 1)", true),
        ];
        for (document, relation, query, expected) in cases {
            for is_flat in [true, false] {
                let found = holds(document, relation, query, is_flat);
                assert_eq!(found, expected, "{document} {relation:?} {query} {is_flat}");
            }
        }
    }

    #[test]
    fn edges_of_the_sphere_are_great_circles() {
        // The arc between two places of one latitude bends towards the pole.
        let band = "POLYGON ((0 50, 90 50, 90 40, 0 40, 0 50))";
        let above = "POINT (45 55)";
        assert!(!holds(above, Relation::Within, band, true));
        assert!(holds(above, Relation::Within, band, false));
        // Over the line where longitudes begin anew.
        let across = "POLYGON ((179 -1, -179 -1, -179 1, 179 1, 179 -1))";
        assert!(holds("POINT (-179.5 0)", Relation::Within, across, false));
        assert!(holds("POINT (0 0)", Relation::Disjoint, across, false));
        // Of which one half is behind the horizon.
        assert!(holds(across, Relation::Disjoint, "POINT (90 0)", false));
        assert!(!holds(across, Relation::Intersects, "POINT (90 0)", false));
    }

    /// A fixed sequence of numbers that look drawn.
    struct Dice(u64);

    impl Dice {
        fn between(&mut self, min: f64, max: f64) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            min + (max - min) * ((self.0 >> 33) as f64 / (1u64 << 31) as f64)
        }

        /// A point or a ring, small or large, often at a pole or where longitudes begin anew.
        fn shape(&mut self) -> Shape {
            let x = [self.between(-180.0, 180.0), 180.0, 0.0][self.between(0.0, 3.0) as usize];
            let y = [self.between(-90.0, 90.0), 89.0, 0.0][self.between(0.0, 3.0) as usize];
            let corners = self.between(1.0, 9.0) as u32;
            if corners < 3 {
                return Shape::Point((x, y));
            }
            let size = 10f64.powf(self.between(-2.0, 2.2));
            let (wide, high) = (self.between(0.1, size), self.between(0.1, size));
            let ring = (0..=corners).map(|corner| {
                let share = f64::from(corner % corners) / f64::from(corners);
                let turn = std::f64::consts::TAU * share;
                (x + wide * turn.cos(), y + high * turn.sin())
            });
            Shape::Polygon(Box::new([ring.collect()]))
        }
    }

    #[test]
    fn shapes_that_are_apart_have_nothing_in_common() {
        use Relation::{Contains, Disjoint, Intersects, Within};
        for seed in 1..=3 {
            let mut dice = Dice(seed);
            let documents: Vec<Shape> = (0..100).map(|_| dice.shape()).collect();
            let mut apart = 0;
            for query in (0..60).map(|_| dice.shape()) {
                for ground in [Ground::Plane, Ground::Sphere] {
                    for relation in [Within, Contains, Intersects, Disjoint] {
                        let comparison = Comparison::new(&query, relation, ground);
                        for document in &documents {
                            // Of those that are half behind the horizon, degrees tell something else.
                            let horizon = comparison.projected.as_ref().map(|(it, _)| it);
                            let is_shown =
                                |place: &Place| horizon.is_none_or(|it| it.shows(*place));
                            let shown = document.places().filter(|place| is_shown(place)).count();
                            if shown > 0 && shown < document.places().count() {
                                continue;
                            }
                            let extent = ground.extent(document);
                            apart += u32::from(ground.are_apart(comparison.extent(), &extent));
                            assert_eq!(
                                comparison.holds(document),
                                comparison.compares(document),
                                "seed {seed}, {ground:?}: {document:?} {relation:?} {query:?}"
                            );
                        }
                    }
                }
            }
            assert!(apart > 10_000, "{apart}");
        }
    }
}
