//! Shapes of GEOSHAPE fields: points and polygons in well-known text (OGC 06-103r4, 7.2), without Z and M.

use crate::protocol::number::parse_double;

/// X and Y, or longitude and latitude in degrees.
pub type Place = (f64, f64);

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// `POINT (x y)`
    Point(Place),
    /// `POLYGON ((x y, ..), ..)`: a ring, and holes in it. Rings end where they begin.
    Polygon(Box<[Box<[Place]>]>),
}

impl Shape {
    /// Reads a shape; rings that are open are closed. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Shape, String> {
        let mut reader = Reader { text, rest: text };
        let shape = match text {
            text if text.starts_with("POI") => {
                reader.keyword("POINT")?;
                reader.sign('(')?;
                let place = reader.place()?;
                reader.sign(')')?;
                Shape::Point(place)
            }
            text if text.starts_with("POL") => {
                reader.keyword("POLYGON")?;
                Shape::Polygon(reader.rings()?.into())
            }
            _ => return Err("unknown geometry type".to_owned()),
        };
        match reader.rest.trim_ascii() {
            "" => shape.checked(),
            _ => Err(reader.error("Too many tokens")),
        }
    }

    /// The corners of all rings, or the point.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let (point, rings) = match self {
            Shape::Point(place) => (Some(place), &[][..]),
            Shape::Polygon(rings) => (None, &rings[..]),
        };
        point.into_iter().chain(rings.iter().flatten())
    }

    /// Bytes of its places.
    pub fn bytes(&self) -> usize {
        self.places().count() * size_of::<Place>()
    }

    fn checked(self) -> Result<Shape, String> {
        let invalid = |why: &str| Err(format!("invalid geometry: {why}"));
        if !self.places().all(|(x, y)| x.is_finite() && y.is_finite()) {
            return invalid("Geometry has point(s) with invalid coordinate(s)");
        }
        if self.places().nth(PLACES_MAX).is_some() {
            return invalid("Geometry has too many points");
        }
        if let Shape::Polygon(rings) = &self {
            if rings.iter().any(|ring| ring.len() < RING_PLACES_MIN) {
                return invalid("Geometry has too few points");
            }
            if rings.iter().any(|ring| has_crossing(ring)) {
                return invalid("Geometry has invalid self-intersections");
            }
        }
        Ok(self)
    }
}

/// Shapes are compared edge by edge with each other: so many corners take milliseconds, a million would take hours.
const PLACES_MAX: usize = 2000;

/// Places of the smallest ring, its first one twice.
const RING_PLACES_MIN: usize = 4;

/// Whether two edges of a ring cross that are no neighbours.
fn has_crossing(ring: &[Place]) -> bool {
    let turn = |a: Place, b: Place, c: Place| {
        let cross = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0);
        cross.partial_cmp(&0.0)
    };
    let crosses = |(a, b): (Place, Place), (c, d): (Place, Place)| {
        let (one, other) = (turn(a, b, c), turn(a, b, d));
        let (third, last) = (turn(c, d, a), turn(c, d, b));
        let is_apart = |one: Option<std::cmp::Ordering>, other: Option<std::cmp::Ordering>| {
            one.is_some_and(|one| one.is_ne() && other == Some(one.reverse()))
        };
        is_apart(one, other) && is_apart(third, last)
    };
    // From the west to the east: an edge meets none that begins behind its end, so that few are compared with each other.
    let west = |(a, b): &(Place, Place)| a.0.min(b.0);
    let east = |(a, b): &(Place, Place)| a.0.max(b.0);
    let mut edges: Vec<(Place, Place)> = ring.windows(2).map(|pair| (pair[0], pair[1])).collect();
    edges.sort_by(|one, other| west(one).total_cmp(&west(other)));
    let mut numbered = edges.iter().enumerate();
    numbered.any(|(at, edge)| {
        let others = edges[at + 1..].iter();
        let mut near = others.take_while(|other| west(other) <= east(edge));
        near.any(|other| crosses(*edge, *other))
    })
}

/// So much is told of a text that was no shape.
const CHARS_SHOWN: usize = 128;

/// A text, and what of it was not read yet.
struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn error(&self, what: &str) -> String {
        let shown: String = self.text.chars().take(CHARS_SHOWN).collect();
        format!("{what} in '{shown}'")
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), String> {
        let rest = self.rest.strip_prefix(keyword);
        self.rest = rest.ok_or_else(|| self.error(&format!("Should start with '{keyword}'")))?;
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.chars().next()
    }

    fn accept(&mut self, sign: char) -> bool {
        let is_it = self.next() == Some(sign);
        if is_it {
            self.rest = &self.rest[sign.len_utf8()..];
        }
        is_it
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        match self.accept(sign) {
            true => Ok(()),
            false => Err(self.error(&format!("Expected '{sign}'"))),
        }
    }

    fn number(&mut self) -> Result<f64, String> {
        self.next();
        let is_end = |c: char| matches!(c, ',' | '(' | ')') || c.is_ascii_whitespace();
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let number = parse_double(word.as_bytes());
        number.ok_or_else(|| {
            self.error("bad lexical cast: source type value could not be interpreted as target")
        })
    }

    fn place(&mut self) -> Result<Place, String> {
        Ok((self.number()?, self.number()?))
    }

    fn rings(&mut self) -> Result<Vec<Box<[Place]>>, String> {
        let mut rings = Vec::new();
        self.sign('(')?;
        loop {
            rings.push(self.ring()?);
            if !self.accept(',') {
                self.sign(')')?;
                return Ok(rings);
            }
        }
    }

    fn ring(&mut self) -> Result<Box<[Place]>, String> {
        let mut ring = Vec::new();
        self.sign('(')?;
        loop {
            ring.push(self.place()?);
            if !self.accept(',') {
                break;
            }
        }
        self.sign(')')?;
        if ring.first() != ring.last() {
            ring.push(ring[0]);
        }
        Ok(ring.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read() {
        assert_eq!(
            Shape::parse("POINT (1 -2.5)"),
            Ok(Shape::Point((1.0, -2.5)))
        );
        assert_eq!(Shape::parse("POINT(1 2) "), Ok(Shape::Point((1.0, 2.0))));
        let square = "POLYGON ((0 0, 0 2, 2 2, 2 0, 0 0), (1 1,1 1.5,1.5 1.5))";
        let Ok(Shape::Polygon(rings)) = Shape::parse(square) else {
            panic!("{square}");
        };
        let lengths: Vec<usize> = rings.iter().map(|ring| ring.len()).collect();
        assert_eq!(lengths, [5, 4], "open rings are closed");
        assert_eq!(Shape::parse(square).map(|shape| shape.bytes()), Ok(9 * 16));
    }

    #[test]
    fn rings_of_many_corners_cross_themselves_where_two_edges_do() {
        let ring = |twisted: Option<u32>| {
            let places = (0..1_999).map(|corner| {
                let turn = f64::from(match twisted {
                    Some(at) if corner == at => at + 2,
                    Some(at) if corner == at + 2 => at,
                    _ => corner,
                });
                let (sine, cosine) = (std::f64::consts::TAU * turn / 1_999.0).sin_cos();
                format!("{cosine} {sine}")
            });
            format!("POLYGON (({}))", places.collect::<Vec<_>>().join(","))
        };
        assert!(Shape::parse(&ring(None)).is_ok());
        for at in (1..1_990).step_by(97) {
            let why = Shape::parse(&ring(Some(at))).expect_err("a twisted ring");
            assert_eq!(
                why,
                "invalid geometry: Geometry has invalid self-intersections"
            );
        }
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        let cases = [
            ("point (1 2)", "unknown geometry type"),
            ("LINESTRING (1 2, 3 4)", "unknown geometry type"),
            ("POINT 1 2", "Expected '(' in 'POINT 1 2'"),
            (
                "POLYGON ((0 0, 1 1, 0 0))",
                "invalid geometry: Geometry has too few points",
            ),
            (
                "POLYGON ((0 0, 2 2, 0 2, 2 0))",
                "invalid geometry: Geometry has invalid self-intersections",
            ),
            (
                "POLYGON ((0 0, 0 2, 2 2",
                "Expected ')' in 'POLYGON ((0 0, 0 2, 2 2'",
            ),
            ("POINT (1 2) x", "Too many tokens in 'POINT (1 2) x'"),
        ];
        for (text, expected) in cases {
            assert_eq!(Shape::parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}
