//! What a query says of a search for vectors: EF_RUNTIME, HYBRID_POLICY and their like, checked when the search is about to run.

use super::QueryError;
use super::tree::{Knn, VectorRange, VectorTarget};
use crate::commands::ft::numbers::{read_double, read_int};
use crate::commands::ft::schema::{Algorithm, VectorAttributes};

/// The most neighbours of a KNN.
pub const NEIGHBOURS_MAX: usize = 1 << 58;

/// The kind of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// KNN of all documents.
    Knn,
    /// KNN of those that pass a filter.
    Filtered,
    /// VECTOR_RANGE.
    Range,
}

/// How RediSearch would combine filter and graph; here it is a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// ADHOC_BF: exact distances of all that pass.
    AdHoc,
    /// BATCHES: batches from the graph.
    Batches,
}

/// What a query says of its search.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parameters {
    /// EF_RUNTIME.
    pub ef_runtime: Option<usize>,
    /// EPSILON.
    pub epsilon: Option<f64>,
    /// HYBRID_POLICY.
    pub policy: Option<Policy>,
    /// BATCH_SIZE.
    pub batch_size: Option<usize>,
    /// SEARCH_WINDOW_SIZE.
    pub search_window_size: Option<usize>,
    /// SEARCH_BUFFER_CAPACITY.
    pub search_buffer_capacity: Option<usize>,
    /// USE_SEARCH_HISTORY: none is AUTO.
    pub uses_search_history: Option<bool>,
}

/// Why what a query says of its search does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// No parameter of this field's algorithm, or of this kind of search.
    Unknown,
    /// Given twice.
    Twice,
    /// A value that does not do.
    Value,
    /// One for filtered KNN, on another search.
    NotFiltered,
    /// One for ranges, on KNN.
    NotRange,
    /// HYBRID_POLICY that does not exist.
    Policy,
    /// BATCH_SIZE with ADHOC_BF.
    BatchSizeOfAdHoc,
    /// EF_RUNTIME with ADHOC_BF.
    EfOfAdHoc,
}

impl Knn {
    /// Checks the vector and what is said of the search against the field, in RediSearch's order. RediSearch does so only once
    /// something was indexed in the field.
    pub fn check(
        &self,
        field: &VectorAttributes,
        is_filtered: bool,
    ) -> Result<Parameters, QueryError> {
        self.target.check_length(field)?;
        let search = match is_filtered {
            true => Search::Filtered,
            false => Search::Knn,
        };
        let parameters = self.target.parameters(&field.algorithm, search)?;
        match self.k > NEIGHBOURS_MAX {
            true => Err(QueryError::TooManyNeighbours),
            false => Ok(parameters),
        }
    }
}

impl VectorRange {
    /// As [`Knn::check`].
    pub fn check(&self, field: &VectorAttributes) -> Result<Parameters, QueryError> {
        self.target.check_length(field)?;
        if self.radius < 0.0 {
            return Err(QueryError::NegativeRadius(self.radius));
        }
        self.target.parameters(&field.algorithm, Search::Range)
    }
}

impl VectorTarget {
    fn check_length(&self, field: &VectorAttributes) -> Result<(), QueryError> {
        let (got, expected) = (self.blob.len(), field.blob_bytes());
        match got == expected {
            true => Ok(()),
            false => Err(QueryError::VectorLength { got, expected }),
        }
    }

    /// What is said of the search.
    pub fn parameters(
        &self,
        algorithm: &Algorithm,
        search: Search,
    ) -> Result<Parameters, QueryError> {
        let mut parameters = Parameters::default();
        for (name, value) in &self.attributes {
            parameters
                .set(name, value, algorithm, search)
                .map_err(QueryError::VectorParameter)?;
        }
        if parameters.policy == Some(Policy::AdHoc) {
            if parameters.batch_size.is_some() {
                return Err(QueryError::VectorParameter(
                    ParameterError::BatchSizeOfAdHoc,
                ));
            }
            if parameters.ef_runtime.is_some() {
                return Err(QueryError::VectorParameter(ParameterError::EfOfAdHoc));
            }
        }
        Ok(parameters)
    }
}

impl Parameters {
    fn set(
        &mut self,
        name: &str,
        value: &str,
        algorithm: &Algorithm,
        search: Search,
    ) -> Result<(), ParameterError> {
        let is_hnsw = matches!(algorithm, Algorithm::Hnsw(_));
        let is_svs = matches!(algorithm, Algorithm::Svs(_));
        let must = |is_met: bool, error| if is_met { Ok(()) } else { Err(error) };
        match name.to_ascii_uppercase().as_str() {
            "EF_RUNTIME" => {
                must(is_hnsw && search != Search::Range, ParameterError::Unknown)?;
                once(&mut self.ef_runtime, count(value))
            }
            "EPSILON" => {
                must(is_hnsw || is_svs, ParameterError::Unknown)?;
                must(search == Search::Range, ParameterError::NotRange)?;
                let epsilon = read_double(value.as_bytes());
                once(&mut self.epsilon, epsilon.filter(|epsilon| *epsilon > 0.0))
            }
            "BATCH_SIZE" => {
                must(search == Search::Filtered, ParameterError::NotFiltered)?;
                once(&mut self.batch_size, count(value))
            }
            "HYBRID_POLICY" => {
                must(search == Search::Filtered, ParameterError::NotFiltered)?;
                must(self.policy.is_none(), ParameterError::Twice)?;
                self.policy = Some(policy(value)?);
                Ok(())
            }
            "SEARCH_WINDOW_SIZE" if is_svs => once(&mut self.search_window_size, count(value)),
            "SEARCH_BUFFER_CAPACITY" if is_svs => {
                once(&mut self.search_buffer_capacity, count(value))
            }
            "USE_SEARCH_HISTORY" if is_svs => {
                must(self.uses_search_history.is_none(), ParameterError::Twice)?;
                self.uses_search_history = history(value)?;
                Ok(())
            }
            _ => Err(ParameterError::Unknown),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), ParameterError> {
    if place.is_some() {
        return Err(ParameterError::Twice);
    }
    *place = Some(value.ok_or(ParameterError::Value)?);
    Ok(())
}

fn count(value: &str) -> Option<usize> {
    let count = read_int(value.as_bytes())?;
    usize::try_from(count).ok().filter(|count| *count > 0)
}

fn policy(value: &str) -> Result<Policy, ParameterError> {
    match value.to_ascii_uppercase().as_str() {
        "ADHOC_BF" => Ok(Policy::AdHoc),
        "BATCHES" => Ok(Policy::Batches),
        _ => Err(ParameterError::Policy),
    }
}

fn history(value: &str) -> Result<Option<bool>, ParameterError> {
    match value.to_ascii_uppercase().as_str() {
        "ON" => Ok(Some(true)),
        "OFF" => Ok(Some(false)),
        "AUTO" => Ok(None),
        _ => Err(ParameterError::Value),
    }
}
