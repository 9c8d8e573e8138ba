//! Payloads that tell what is known of recall: curves, the spread of distances, queries. docs/snapshot-format.md, "Calibrations".

use super::cursor::{Cursor, Fault, put_varint};
use super::elements::{Encoded, Payload, put_u32s};
use crate::keyspace::calibration::{ASKED_MAX, Curve, CurvePoint, QuerySource, SavedCalibration};

/// The least that a curve takes, in bytes.
const CURVE_BYTES_MIN: usize = 1 + 5 + 8 + 4 + 8 + 1;
/// The least that a point takes, in bytes.
const POINT_BYTES_MIN: usize = 1 + 3 * 8;

/// One entry, or none where nothing is known.
pub(super) fn encode(saved: &SavedCalibration) -> Encoded {
    if saved.is_empty() {
        return (0, Vec::new());
    }
    let mut out = Vec::new();
    let (spread, of) = saved.spread.unwrap_or_default();
    out.extend_from_slice(&spread.to_le_bytes());
    put_varint(&mut out, of);
    put_varint(&mut out, saved.inserts);
    put_varint(&mut out, saved.seen);
    put_varint(&mut out, saved.curves.len() as u64);
    saved
        .curves
        .iter()
        .for_each(|curve| put_curve(&mut out, curve));
    put_varint(&mut out, saved.asked.len() as u64);
    for query in &saved.asked {
        put_varint(&mut out, query.len() as u64);
        put_u32s(&mut out, query.iter().map(|x| x.to_bits()));
    }
    (1, out)
}

fn put_curve(out: &mut Vec<u8>, curve: &Curve) {
    out.push(match curve.source {
        QuerySource::Asked => 0,
        QuerySource::Made => 1,
        QuerySource::Elements => 2,
    });
    put_varint(out, curve.k as u64);
    put_varint(out, curve.sample as u64);
    put_varint(out, curve.elements as u64);
    put_varint(out, curve.inserts);
    put_varint(out, curve.asked);
    out.extend_from_slice(&curve.at_ms.to_le_bytes());
    out.extend_from_slice(&curve.spread.to_le_bytes());
    out.extend_from_slice(&curve.ceiling.to_le_bytes());
    put_varint(out, curve.points.len() as u64);
    for point in &curve.points {
        put_varint(out, point.ef as u64);
        for number in [point.recall, point.error, point.distances] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// What an image tells. `dims`: how many components queries may have.
pub(super) fn decode(payload: Payload<'_>, dims: &[u32]) -> Result<SavedCalibration, Fault> {
    if payload.entries != 1 {
        return Err("what is known of recall is one entry");
    }
    let mut cursor = Cursor::new(payload.bytes);
    let (spread, of) = (f32::from_bits(cursor.u32()?), cursor.varint()?);
    if !(0.0..=1.0).contains(&spread) {
        return Err("a spread is out of bounds");
    }
    let (inserts, seen) = (cursor.varint()?, cursor.varint()?);
    let curves = cursor.count(CURVE_BYTES_MIN)?;
    let curves = (0..curves).map(|_| take_curve(&mut cursor));
    let curves = curves.collect::<Result<_, _>>()?;
    let asked = cursor.count(1)?;
    if asked > ASKED_MAX {
        return Err("there are too many queries");
    }
    let asked = (0..asked).map(|_| take_query(&mut cursor, dims));
    let asked = asked.collect::<Result<_, _>>()?;
    cursor.finish()?;
    Ok(SavedCalibration {
        spread: (spread > 0.0).then_some((spread, of)),
        inserts,
        seen,
        curves,
        asked,
    })
}

fn take_curve(cursor: &mut Cursor<'_>) -> Result<Curve, Fault> {
    let source = match cursor.u8()? {
        0 => QuerySource::Asked,
        1 => QuerySource::Made,
        2 => QuerySource::Elements,
        _ => return Err("a curve was measured with something unknown"),
    };
    let (k, sample, elements) = (take_size(cursor)?, take_size(cursor)?, take_size(cursor)?);
    let (inserts, asked, at_ms) = (cursor.varint()?, cursor.varint()?, cursor.u64()?);
    let (spread, ceiling) = (f32::from_bits(cursor.u32()?), take_f64(cursor)?);
    let points = cursor.count(POINT_BYTES_MIN)?;
    let points = (0..points).map(|_| take_point(cursor));
    let points: Vec<CurvePoint> = points.collect::<Result<_, _>>()?;
    let is_curve = !points.is_empty() && points.is_sorted_by(|a, b| a.ef < b.ef);
    let is_share = ceiling > 0.0 && ceiling <= 1.0;
    if !is_curve || !is_share || !spread.is_finite() {
        return Err("a curve is none");
    }
    Ok(Curve {
        k,
        source,
        sample,
        elements,
        inserts,
        asked,
        at_ms,
        spread,
        ceiling,
        points,
    })
}

fn take_point(cursor: &mut Cursor<'_>) -> Result<CurvePoint, Fault> {
    let point = CurvePoint {
        ef: take_size(cursor)?,
        recall: take_f64(cursor)?,
        error: take_f64(cursor)?,
        distances: take_f64(cursor)?,
    };
    let is_share = (0.0..=1.0).contains(&point.recall);
    if !is_share || !point.error.is_finite() || !point.distances.is_finite() {
        return Err("a point of a curve is out of bounds");
    }
    Ok(point)
}

fn take_query(cursor: &mut Cursor<'_>, dims: &[u32]) -> Result<Box<[f32]>, Fault> {
    let count = cursor.count(4)?;
    if !dims.iter().any(|dim| *dim as usize == count) {
        return Err("a query has another length than the vectors");
    }
    let query: Box<[f32]> = cursor.u32s(count)?.map(f32::from_bits).collect();
    if !query.iter().all(|x| x.is_finite()) {
        return Err("a query is no vector");
    }
    Ok(query)
}

/// A number of something, small enough to count with.
fn take_size(cursor: &mut Cursor<'_>) -> Result<usize, Fault> {
    let size = u32::try_from(cursor.varint()?);
    size.map(|size| size as usize)
        .map_err(|_| "a number is too large")
}

fn take_f64(cursor: &mut Cursor<'_>) -> Result<f64, Fault> {
    cursor.u64().map(f64::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SavedCalibration {
        let point = |ef: usize, recall| CurvePoint {
            ef,
            recall,
            error: 0.003,
            distances: 812.5,
        };
        let curve = |k, source| Curve {
            k,
            source,
            sample: 192,
            elements: 63_431,
            inserts: 70_000,
            asked: 300,
            at_ms: 1_795_000_000_000,
            spread: 0.064,
            ceiling: 0.99,
            points: vec![point(10, 0.8), point(13, 0.87), point(300, 1.0)],
        };
        SavedCalibration {
            spread: Some((0.0651, 60_000)),
            inserts: 71_000,
            seen: 1 << 40,
            curves: vec![
                curve(10, QuerySource::Asked),
                curve(10, QuerySource::Elements),
                curve(100, QuerySource::Made),
            ],
            asked: vec![[1.0, -0.5].into(), [0.0, 3.5, 2.0].into()],
        }
    }

    fn decoded(bytes: &[u8], entries: u32) -> Result<SavedCalibration, Fault> {
        decode(Payload { entries, bytes }, &[2, 3])
    }

    #[test]
    fn calibrations_come_back() {
        let all = sample();
        let no_spread = SavedCalibration {
            spread: None,
            asked: Vec::new(),
            ..sample()
        };
        let spread_alone = SavedCalibration {
            spread: Some((0.1, 64)),
            ..SavedCalibration::default()
        };
        for saved in [all, no_spread, spread_alone] {
            let (entries, bytes) = encode(&saved);
            assert_eq!(decoded(&bytes, entries), Ok(saved));
        }
        assert_eq!(encode(&SavedCalibration::default()).0, 0);
    }

    /// The bytes are a format: old directories must stay readable when types move.
    #[test]
    fn the_bytes_are_those_of_the_page() {
        let mut saved = sample();
        (saved.seen, saved.asked) = (300, vec![[1.0, -0.5].into()]);
        saved.curves.truncate(1);
        saved.curves[0].points.truncate(1);
        let expected: Vec<u8> = [
            &0.0651f32.to_le_bytes()[..],
            // 60,000, 71,000, 300; a curve, of queries that were asked.
            &[0xe0, 0xd4, 3, 0xd8, 0xaa, 4, 0xac, 2, 1, 0],
            // 10, 192, 63,431, 70,000, 300.
            &[10, 0xc0, 1, 0xc7, 0xef, 3, 0xf0, 0xa2, 4, 0xac, 2],
            &1_795_000_000_000u64.to_le_bytes(),
            &0.064f32.to_le_bytes(),
            &0.99f64.to_le_bytes(),
            &[1, 10],
            &0.8f64.to_le_bytes(),
            &0.003f64.to_le_bytes(),
            &812.5f64.to_le_bytes(),
            // A query of two components.
            &[1, 2],
            &1f32.to_le_bytes(),
            &(-0.5f32).to_le_bytes(),
        ]
        .concat();
        assert_eq!(encode(&saved), (1, expected));
    }

    #[test]
    fn what_could_not_be_searched_with_is_refused() {
        let refuses = |spoil: &dyn Fn(&mut SavedCalibration)| {
            let mut saved = sample();
            spoil(&mut saved);
            let (entries, bytes) = encode(&saved);
            assert!(decoded(&bytes, entries).is_err(), "{saved:?}");
        };
        refuses(&|saved| saved.spread = Some((f32::NAN, 9)));
        refuses(&|saved| saved.spread = Some((1.5, 9)));
        refuses(&|saved| saved.curves[0].points.clear());
        refuses(&|saved| saved.curves[0].points[1].ef = 10);
        refuses(&|saved| saved.curves[0].points[1].ef = 1 << 40);
        refuses(&|saved| saved.curves[0].points[1].recall = 1.1);
        refuses(&|saved| saved.curves[0].points[1].error = f64::INFINITY);
        refuses(&|saved| saved.curves[0].ceiling = 0.0);
        refuses(&|saved| saved.curves[0].spread = f32::NAN);
        refuses(&|saved| saved.asked[0] = [1.0; 4].into());
        refuses(&|saved| saved.asked[0] = [f32::NAN; 2].into());
        refuses(&|saved| saved.asked = vec![[1.0; 2].into(); ASKED_MAX + 1]);
        let (_, bytes) = encode(&sample());
        assert!(decoded(&bytes, 2).is_err());
    }

    #[test]
    fn no_cut_and_no_flipped_bit_asks_for_more_than_there_is() {
        let (entries, good) = encode(&sample());
        for len in 0..good.len() {
            assert!(decoded(&good[..len], entries).is_err(), "cut to {len}");
        }
        assert!(decoded(&[&good[..], &[0]].concat(), entries).is_err());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // Some of these say something else that may be said; a checksum tells them.
            let _ = decoded(&bad, entries);
        }
    }
}
