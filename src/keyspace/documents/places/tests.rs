//! Points and shapes against a twin that compares with each.

use super::super::earth::distance_m;
use super::*;
use std::collections::BTreeMap;

/// A fixed sequence of numbers that look drawn.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }

    fn share(&mut self) -> f64 {
        self.below(1 << 31) as f64 / (1u64 << 31) as f64
    }

    fn between(&mut self, min: f64, max: f64) -> f64 {
        min + (max - min) * self.share()
    }
}

/// Where longitudes begin anew, at the poles, where coordinates are 0, in a town, and anywhere.
fn place(dice: &mut Dice, latitude_max: f64) -> Place {
    let near = |dice: &mut Dice, middle: f64| {
        let far = [1e-7, 1e-3, 1.0][dice.below(3) as usize];
        middle + dice.between(-far, far)
    };
    let (longitude, latitude) = match dice.below(6) {
        0 => (near(dice, 180.0), dice.between(-latitude_max, latitude_max)),
        1 => (dice.between(-180.0, 180.0), near(dice, latitude_max)),
        2 => (dice.between(-180.0, 180.0), near(dice, -latitude_max)),
        3 => (near(dice, 0.0), near(dice, 0.0)),
        4 => (near(dice, 13.4), near(dice, 52.5)),
        _ => (
            dice.between(-180.0, 180.0),
            dice.between(-latitude_max, latitude_max),
        ),
    };
    let longitude = match longitude {
        longitude if longitude > 180.0 => longitude - 360.0,
        longitude if dice.below(50) == 0 => longitude.round(),
        longitude => longitude,
    };
    (longitude, latitude.clamp(-latitude_max, latitude_max))
}

/// From a metre to half of the earth, some of them just as far as somebody is.
fn radius_m(dice: &mut Dice, centre: Place, points: &Points) -> f64 {
    match dice.below(3) {
        0 => {
            let point = points.of(1 + dice.below(3_000) as u32).first();
            point.map_or(1.0, |point| distance_m(centre, *point))
        }
        _ => 10f64.powf(dice.between(0.0, 7.31)),
    }
}

fn check_points(seed: u64, latitude_max: f64, several: u64, at_once: u32) {
    let mut dice = Dice(seed);
    let mut twin: BTreeMap<DocumentId, Vec<Place>> = BTreeMap::new();
    let mut points = Points::default();
    for id in 1..4_000u32 {
        let count = dice.below(several + 1).max(1);
        let given: Vec<Place> = (0..count).map(|_| place(&mut dice, latitude_max)).collect();
        if id == at_once {
            points = Points::of_all(twin.iter().map(|(id, points)| (*id, &points[..])));
        }
        if id >= at_once {
            points.add(id, &given);
        }
        twin.insert(id, given);
        if dice.below(3) == 0 {
            let gone = 1 + dice.below(u64::from(id)) as u32;
            twin.remove(&gone);
            points.remove(gone);
        }
    }
    let mut looked_at = 0;
    for _ in 0..400 {
        let centre = place(&mut dice, 90.0);
        let radius_m = radius_m(&mut dice, centre, &points);
        let is_near = |point: &Place| distance_m(centre, *point) <= radius_m;
        let near = twin.iter().filter(|(_, all)| all.iter().any(is_near));
        let expected: RoaringBitmap = near.map(|(id, _)| *id).collect();
        let found = points.near(centre, radius_m);
        looked_at += found.len();
        assert!(points.count_near(centre, radius_m) as u64 >= found.len());
        let compared = found.iter();
        let compared = compared.filter(|id| points.of(*id).iter().any(is_near));
        let compared: RoaringBitmap = compared.collect();
        assert_eq!(
            compared, expected,
            "seed {seed}, {radius_m} m around {centre:?}"
        );
        if radius_m < 10.0 && centre.1.abs() < 80.0 {
            let others = found.len() - expected.len();
            assert!(
                others < 1_000,
                "seed {seed}, {radius_m} m around {centre:?}: {others}"
            );
        }
    }
    assert!(looked_at < 400 * twin.len() as u64, "seed {seed}");
    for id in twin.keys() {
        points.remove(*id);
    }
    assert_eq!(points.size().0, 0);
    assert!(points.curve.is_empty(), "seed {seed}");
}

#[test]
fn points_are_found_as_by_comparing_with_each() {
    for seed in 1..=4 {
        check_points(seed, 85.05112878, 1, 0);
        check_points(seed, 85.05112878, 1, 2_500);
        check_points(seed, 85.05112878, 4, 2_500);
        check_points(seed, 90.0, 2, 0);
    }
}

/// A ring around a place, of any size.
fn shape(dice: &mut Dice, ground: Ground) -> Shape {
    let size = match ground {
        Ground::Sphere => 10f64.powf(dice.between(-5.0, 2.2)),
        Ground::Plane => 10f64.powf(dice.between(-5.0, 6.0)),
    };
    let (x, y) = place(dice, 90.0);
    if dice.below(4) == 0 {
        return Shape::Point((x, y));
    }
    let (wide, high) = (size * dice.share(), size * dice.share());
    let corners = 3 + dice.below(6);
    let ring = (0..=corners).map(|corner| {
        let (sine, cosine) =
            (std::f64::consts::TAU * (corner % corners) as f64 / corners as f64).sin_cos();
        (x + wide * cosine, y + high * sine)
    });
    Shape::Polygon(Box::new([ring.collect()]))
}

fn check_shapes(seed: u64, ground: Ground, at_once: u32) {
    let mut dice = Dice(seed);
    let mut twin: BTreeMap<DocumentId, Vec<Shape>> = BTreeMap::new();
    let mut shapes = Shapes::on(ground);
    for id in 1..2_000u32 {
        let count = dice.below(8).max(1).saturating_sub(5).max(1);
        let given: Vec<Shape> = (0..count).map(|_| shape(&mut dice, ground)).collect();
        if id == at_once {
            let all = twin.iter().map(|(id, shapes)| (*id, &shapes[..]));
            shapes = Shapes::of_all(ground, all);
        }
        if id >= at_once {
            shapes.add(id, &given);
        }
        twin.insert(id, given);
        if dice.below(3) == 0 {
            let gone = 1 + dice.below(u64::from(id)) as u32;
            twin.remove(&gone);
            shapes.remove(gone);
        }
    }
    let all: RoaringBitmap = twin.keys().copied().collect();
    assert_eq!(shapes.ids(), &all, "seed {seed}");
    let (mut near, mut found_near) = (0, 0);
    for _ in 0..300 {
        let extent = ground.extent(&shape(&mut dice, ground));
        let is_near = |shape: &Shape| !ground.are_apart(&extent, &ground.extent(shape));
        let expected = twin.iter().filter(|(_, all)| all.iter().any(is_near));
        let expected: RoaringBitmap = expected.map(|(id, _)| *id).collect();
        let found = shapes.near(&extent);
        assert!(
            expected.is_subset(&found),
            "seed {seed}, {ground:?}, {extent:?}: {:?} are missing",
            expected - found
        );
        let reckoned = shapes.count_near(&extent);
        assert!(reckoned.documents >= found.len() as f64);
        near += expected.len();
        found_near += found.len();
    }
    assert!(near < found_near && found_near < 300 * all.len());
    for id in twin.keys() {
        shapes.remove(*id);
    }
    assert!(shapes.sizes.is_empty() && shapes.ids.is_empty() && shapes.corners == 0);
}

#[test]
fn shapes_are_found_as_by_comparing_with_each() {
    for seed in 1..=4 {
        for ground in [Ground::Plane, Ground::Sphere] {
            check_shapes(seed, ground, 0);
            check_shapes(seed, ground, 1_200);
        }
    }
}

#[test]
fn a_point_takes_little() {
    for at_once in [false, true] {
        let mut dice = Dice(7);
        let all: Vec<(DocumentId, [Place; 1])> = (1..=100_000)
            .map(|id| (id, [place(&mut dice, 85.0)]))
            .collect();
        let mut points = Points::default();
        match at_once {
            true => points = Points::of_all(all.iter().map(|(id, points)| (*id, &points[..]))),
            false => all.iter().for_each(|(id, given)| points.add(*id, given)),
        }
        let (count, bytes) = points.size();
        assert_eq!(count, all.len());
        assert!(
            bytes < 32 * count,
            "{} bytes a point",
            bytes as f64 / count as f64
        );
    }
}
