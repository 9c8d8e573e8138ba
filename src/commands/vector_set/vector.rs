//! Vectors as requests give them: `FP32 blob` or `VALUES n v1 .. vn`.

use super::super::args::Args;
use super::super::error::Result;
use super::errors::INVALID_VECTOR;
use super::{DIM_MAX, errors};
use crate::keyspace::collection::Collection;
use crate::protocol::number;

/// Takes a vector off the request: 1 to 65,536 finite components whose squared norm is a finite f32 too.
pub fn take(args: &mut Args) -> Result<Vec<f32>> {
    let vector = if args.take("FP32") {
        from_blob(args.try_next().ok_or(INVALID_VECTOR)?)?
    } else if args.take("VALUES") {
        take_values(args)?
    } else {
        return Err(INVALID_VECTOR);
    };
    check_finite(&vector)?;
    Ok(vector)
}

/// One NaN or infinity, or an overflow of the sum of squares, would poison every score of the element.
pub fn check_finite(vector: &[f32]) -> Result<()> {
    let norm_squared: f32 = vector.iter().map(|x| x * x).sum();
    if norm_squared.is_finite() {
        Ok(())
    } else {
        Err(INVALID_VECTOR)
    }
}

/// Takes `REDUCE dim`, if it stands there.
pub fn take_reduce(args: &mut Args) -> Result<Option<u32>> {
    if !args.take("REDUCE") {
        return Ok(None);
    }
    let dim = args.int_or(INVALID_VECTOR)?;
    if (1..=DIM_MAX).contains(&dim) {
        Ok(Some(dim as u32))
    } else {
        Err(INVALID_VECTOR)
    }
}

/// Whether the collection can compare itself with such a vector: its own dimension or, where it projects, its input's.
pub fn check_dimension(vector: &[f32], collection: &Collection) -> Result<()> {
    let (got, schema) = (vector.len(), collection.schema());
    match schema.projected_from {
        _ if got == schema.index.dim as usize => Ok(()),
        Some(from) if got == from as usize => Ok(()),
        Some(from) => Err(errors::input_dimension_mismatch(got, from)),
        None => Err(errors::dimension_mismatch(got, schema.index.dim)),
    }
}

fn from_blob(blob: &[u8]) -> Result<Vec<f32>> {
    let (components, rest) = blob.as_chunks::<4>();
    if components.is_empty() || !rest.is_empty() || components.len() > DIM_MAX as usize {
        return Err(INVALID_VECTOR);
    }
    Ok(components
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}

fn take_values(args: &mut Args) -> Result<Vec<f32>> {
    let count = args.int_or(INVALID_VECTOR).map_err(|_| INVALID_VECTOR)?;
    let fits = (1..=DIM_MAX).contains(&count) && count as usize <= args.left();
    if !fits {
        return Err(INVALID_VECTOR);
    }
    let mut vector = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let component = args
            .try_next()
            .and_then(number::parse_double)
            .ok_or(INVALID_VECTOR)?;
        vector.push(component as f32);
    }
    Ok(vector)
}
