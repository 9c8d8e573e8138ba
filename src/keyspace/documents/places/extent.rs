//! How far a shape extends around its centre, on a plane or on a sphere, and in which rectangles of coordinates everything is that may
//! meet it. Whatever is rounded is rounded up: shapes that are apart by this have nothing in common.

use super::super::earth::{EARTH_RADIUS_M, angle, middle};
use super::super::shape::Shape;
use super::Place;
use super::curve::Area;
use std::f64::consts::PI;

/// What shapes are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// X and Y, edges are straight.
    #[default]
    Plane,
    /// Longitude and latitude in degrees, edges are arcs of great circles.
    Sphere,
}

/// A square on the plane or a circle on the sphere with a shape in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// On the sphere a longitude within half a turn and a latitude within a quarter.
    pub centre: Place,
    /// Half of the square's side, or the circle's radius in radians; infinite if the shape may be anywhere.
    pub reach: f64,
}

/// Share of the numbers at hand by which shapes on a plane are taken to extend farther: more than is lost by rounding.
const PLANE_SLACK: f64 = 1e-9;
/// Radians by which shapes on the sphere are taken to extend farther, some six metres. The arc of nearly half a turn is known to a
/// hundredth of that.
const SPHERE_SLACK: f64 = 1e-6;
/// A circle of no greater radius has the edges between its points in it: it is less than half of the sphere, by a good deal.
const CAP_MAX: f64 = 1.4;

impl Extent {
    /// Of a circle on the earth.
    pub fn of_circle(centre: Place, radius_m: f64) -> Extent {
        Extent {
            centre: on_sphere(centre),
            reach: radius_m / EARTH_RADIUS_M,
        }
    }
}

/// A place by the degrees that are usual.
fn on_sphere(place: Place) -> Place {
    if place.0.abs() <= 180.0 && place.1.abs() <= 90.0 {
        return place;
    }
    let (longitude, latitude) = middle(std::iter::once(&place));
    (longitude.to_degrees(), latitude.to_degrees())
}

impl Ground {
    /// Of a shape.
    pub fn extent(self, shape: &Shape) -> Extent {
        match (self, shape) {
            (Ground::Plane, Shape::Point(place)) => Extent {
                centre: *place,
                reach: 0.0,
            },
            (Ground::Sphere, Shape::Point(place)) => Extent {
                centre: on_sphere(*place),
                reach: 0.0,
            },
            (Ground::Plane, Shape::Polygon(_)) => square(shape),
            (Ground::Sphere, Shape::Polygon(_)) => cap(shape),
        }
    }

    /// Whether two shapes have nothing in common, by their extents.
    pub fn are_apart(self, one: &Extent, other: &Extent) -> bool {
        let reach = one.reach + other.reach;
        match self {
            Ground::Plane => {
                let is_apart = |one: f64, other: f64| (one - other).abs() > plane_reach(one, reach);
                is_apart(one.centre.0, other.centre.0) || is_apart(one.centre.1, other.centre.1)
            }
            Ground::Sphere => angle(one.centre, other.centre) > reach + SPHERE_SLACK,
        }
    }

    /// Where the centres are of all that is not apart from it and reaches no farther than `others_reach`.
    pub fn areas(self, extent: &Extent, others_reach: f64) -> Vec<Area> {
        let reach = extent.reach + others_reach;
        match self {
            Ground::Plane => {
                let (x, y) = extent.centre;
                // Once more, for what is rounded here.
                let (east, north) = (2.0 * plane_reach(x, reach), 2.0 * plane_reach(y, reach));
                vec![Area::between((x - east, y - north), (x + east, y + north))]
            }
            Ground::Sphere => areas_around(extent.centre, reach + 2.0 * SPHERE_SLACK),
        }
    }
}

/// `reach` with what is lost by rounding near a coordinate.
fn plane_reach(coordinate: f64, reach: f64) -> f64 {
    reach + (reach + coordinate.abs()) * PLANE_SLACK
}

fn square(shape: &Shape) -> Extent {
    let (mut min, mut max) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
    for (x, y) in shape.places() {
        min = (x.min(min.0), y.min(min.1));
        max = (x.max(max.0), y.max(max.1));
    }
    // Halves, as sums may be infinite.
    let middle = |min: f64, max: f64| min / 2.0 + max / 2.0;
    let half = |min: f64, max: f64| max / 2.0 - min / 2.0;
    Extent {
        centre: (middle(min.0, max.0), middle(min.1, max.1)),
        reach: half(min.0, max.0).max(half(min.1, max.1)),
    }
}

fn cap(shape: &Shape) -> Extent {
    let (longitude, latitude) = middle(shape.places());
    let centre = (longitude.to_degrees(), latitude.to_degrees());
    let mut reach = 0.0f64;
    for place in shape.places() {
        reach = match angle(centre, *place) {
            angle if angle <= CAP_MAX => angle.max(reach),
            // NaN as well.
            _ => f64::INFINITY,
        };
    }
    Extent { centre, reach }
}

/// The longitudes and latitudes of a circle: two rectangles where longitudes begin anew, all longitudes around a pole.
fn areas_around((longitude, latitude): Place, radius: f64) -> Vec<Area> {
    const END: f64 = f64::INFINITY;
    if radius < 0.0 {
        return Vec::new();
    }
    if radius >= PI || radius.is_nan() {
        return vec![Area::between((-END, -END), (END, END))];
    }
    let degrees = radius.to_degrees();
    let (south, north) = (latitude - degrees, latitude + degrees);
    if south <= -90.0 || north >= 90.0 {
        // The other side of the pole is no farther from it than this one.
        let south = if south <= -90.0 { -END } else { south };
        let north = if north >= 90.0 { END } else { north };
        return vec![Area::between((-END, south), (END, north))];
    }
    // Where a meridian touches the circle.
    let east = (radius.sin() / latitude.to_radians().cos()).min(1.0).asin();
    let east = (east + SPHERE_SLACK).to_degrees();
    let between = |west: f64, east: f64| Area::between((west, south), (east, north));
    let (west, east) = (longitude - east, longitude + east);
    match (west <= -180.0, east >= 180.0) {
        (true, _) => vec![between(-END, east), between(west + 360.0, END)],
        (_, true) => vec![between(west, END), between(-END, east - 360.0)],
        _ => vec![between(west, east)],
    }
}
