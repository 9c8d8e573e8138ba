//! The attributes of a VECTOR field: `FLAT|HNSW|SVS-VAMANA count name value ...`.

use super::super::words::{ArgumentError, Words, text_of};

/// Components of the largest vector.
pub const DIMENSION_MAX: usize = 65_536;
/// The least TRAINING_THRESHOLD.
const TRAINING_THRESHOLD_MIN: usize = 1024;

/// How vectors are indexed and compared.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorAttributes {
    /// The index, with its own attributes.
    pub algorithm: Algorithm,
    /// TYPE.
    pub kind: VectorType,
    /// DIM: components of a vector.
    pub dimension: usize,
    /// DISTANCE_METRIC.
    pub metric: Metric,
    /// INITIAL_CAP: kept to be shown, without effect.
    pub initial_capacity: Option<usize>,
    /// BLOCK_SIZE: kept to be shown, without effect.
    pub block_size: Option<usize>,
}

/// The index of a VECTOR field.
#[derive(Clone, Debug, PartialEq)]
pub enum Algorithm {
    /// Exact scan.
    Flat,
    /// HNSW graph.
    Hnsw(Hnsw),
    /// SVS-VAMANA.
    Svs(Svs),
}

/// Attributes of HNSW.
#[derive(Clone, Debug, PartialEq)]
pub struct Hnsw {
    /// Links of a node; level 0 has twice as many.
    pub m: usize,
    /// Candidates kept while a node is linked.
    pub ef_construction: usize,
    /// Candidates kept while searching, if given.
    pub ef_runtime: Option<usize>,
    /// How far a range query looks beyond its radius, if given.
    pub epsilon: Option<f64>,
}

/// Attributes of SVS-VAMANA. Values that were not given are none; [`Svs`]'s functions have the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Svs {
    /// GRAPH_MAX_DEGREE.
    pub graph_max_degree: Option<usize>,
    /// CONSTRUCTION_WINDOW_SIZE.
    pub construction_window_size: Option<usize>,
    /// SEARCH_WINDOW_SIZE.
    pub search_window_size: Option<usize>,
    /// EPSILON.
    pub epsilon: Option<f64>,
    /// COMPRESSION, in its own spelling.
    pub compression: Option<&'static str>,
    /// TRAINING_THRESHOLD.
    pub training_threshold: Option<usize>,
    /// REDUCE.
    pub reduce: Option<usize>,
}

pub use crate::index::ComponentType as VectorType;

/// How far two vectors are apart; smaller is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Squared euclidean distance.
    L2,
    /// 1 - inner product.
    Ip,
    /// 1 - cosine.
    Cosine,
}

/// Why the attributes of a VECTOR field are none.
#[derive(Clone, Debug, PartialEq)]
pub enum VectorError {
    /// The algorithm's word: missing or unknown.
    Algorithm(ArgumentError),
    /// The count of words that follow.
    Count(ArgumentError),
    /// An odd count.
    OddCount {
        /// The algorithm's word.
        algorithm: &'static str,
        /// The count.
        got: usize,
    },
    /// An attribute's value.
    Value {
        /// The algorithm's word.
        algorithm: &'static str,
        /// The attribute's name.
        attribute: &'static str,
        /// What is wrong with the value.
        why: ArgumentError,
    },
    /// A word that is no attribute of the algorithm.
    Attribute {
        /// The algorithm's word.
        algorithm: &'static str,
        /// The word.
        word: String,
    },
    /// The words end before the count is reached.
    TooFew {
        /// The count.
        expected: usize,
        /// Words that were there.
        got: usize,
    },
    /// TYPE, DIM or DISTANCE_METRIC is missing.
    Mandatory {
        /// The algorithm's word.
        algorithm: &'static str,
        /// The attribute's name.
        attribute: &'static str,
    },
    /// SVS-VAMANA takes FLOAT16 and FLOAT32.
    SvsType,
    /// TRAINING_THRESHOLD too low.
    TrainingThreshold {
        /// The least that is taken.
        min: usize,
    },
    /// TRAINING_THRESHOLD without COMPRESSION.
    UselessTraining,
    /// REDUCE without a LeanVec COMPRESSION.
    UselessReduce,
    /// A vector larger than this server takes.
    TooLarge {
        /// Bytes of one vector.
        bytes: usize,
        /// The most that is taken.
        max: usize,
    },
}

const TYPES: [(&str, VectorType); 6] = [
    ("FLOAT32", VectorType::Float32),
    ("FLOAT64", VectorType::Float64),
    ("FLOAT16", VectorType::Float16),
    ("BFLOAT16", VectorType::Bfloat16),
    ("INT8", VectorType::Int8),
    ("UINT8", VectorType::Uint8),
];

const METRICS: [(&str, Metric); 3] = [
    ("L2", Metric::L2),
    ("IP", Metric::Ip),
    ("COSINE", Metric::Cosine),
];

const COMPRESSIONS: [(&str, &str); 6] = [
    ("LVQ8", "LVQ8"),
    ("LVQ4", "LVQ4"),
    ("LVQ4x4", "LVQ4x4"),
    ("LVQ4x8", "LVQ4x8"),
    ("LeanVec4x8", "LeanVec4x8"),
    ("LeanVec8x8", "LeanVec8x8"),
];

impl VectorAttributes {
    /// Bytes of one vector in a hash field or query parameter.
    pub fn blob_bytes(&self) -> usize {
        self.dimension * self.kind.width()
    }
}

impl VectorType {
    /// The word of TYPE.
    pub fn word(self) -> &'static str {
        name_of(&TYPES, self)
    }
}

impl Metric {
    /// The word of DISTANCE_METRIC.
    pub fn word(self) -> &'static str {
        name_of(&METRICS, self)
    }
}

impl Algorithm {
    /// The word of FT.CREATE.
    pub fn word(&self) -> &'static str {
        match self {
            Algorithm::Flat => "FLAT",
            Algorithm::Hnsw(_) => "HNSW",
            Algorithm::Svs(_) => "SVS-VAMANA",
        }
    }
}

impl Default for Hnsw {
    fn default() -> Hnsw {
        Hnsw {
            m: 16,
            ef_construction: 200,
            ef_runtime: None,
            epsilon: None,
        }
    }
}

impl Svs {
    /// Links of a node.
    pub fn degree(&self) -> usize {
        self.graph_max_degree.unwrap_or(32)
    }

    /// Candidates kept while a node is linked.
    pub fn construction_window(&self) -> usize {
        self.construction_window_size.unwrap_or(200)
    }

    /// Vectors that compression waits for; none without compression.
    pub fn training(&self) -> Option<usize> {
        let is_compressed = self.compression.is_some();
        is_compressed.then(|| {
            self.training_threshold
                .unwrap_or(10 * TRAINING_THRESHOLD_MIN)
        })
    }

    /// Components that LeanVec keeps of `dimension`; none without LeanVec.
    pub fn reduced(&self, dimension: usize) -> Option<usize> {
        let is_lean = self.is_lean();
        is_lean.then(|| self.reduce.unwrap_or(dimension / 2))
    }

    fn is_lean(&self) -> bool {
        self.compression
            .is_some_and(|name| name.starts_with("LeanVec"))
    }
}

/// Reads the words after VECTOR.
pub(super) fn read(words: &mut Words) -> Result<VectorAttributes, VectorError> {
    let mut read = Reading::begin(words)?;
    let count = words.size(0).map_err(VectorError::Count)?;
    if count % 2 != 0 {
        return Err(VectorError::OddCount {
            algorithm: read.algorithm.word(),
            got: count,
        });
    }
    let mut taken = 0;
    while taken < count && !words.is_done() {
        read.attribute(words)?;
        taken += 2;
    }
    if taken < count {
        return Err(VectorError::TooFew {
            expected: count,
            got: taken,
        });
    }
    read.finish()
}

/// Attributes as far as they were read.
struct Reading {
    algorithm: Algorithm,
    kind: Option<VectorType>,
    dimension: Option<usize>,
    metric: Option<Metric>,
    initial_capacity: Option<usize>,
    block_size: Option<usize>,
}

impl Reading {
    fn begin(words: &mut Words) -> Result<Reading, VectorError> {
        let algorithm = match () {
            () if words.accept("FLAT") => Algorithm::Flat,
            () if words.accept("HNSW") => Algorithm::Hnsw(Hnsw::default()),
            () if words.accept("SVS-VAMANA") => Algorithm::Svs(Svs::default()),
            () if words.is_done() => return Err(VectorError::Algorithm(ArgumentError::Missing)),
            () => return Err(VectorError::Algorithm(ArgumentError::Unknown)),
        };
        Ok(Reading {
            algorithm,
            kind: None,
            dimension: None,
            metric: None,
            initial_capacity: None,
            block_size: None,
        })
    }

    /// One name and its value.
    fn attribute(&mut self, words: &mut Words) -> Result<(), VectorError> {
        let algorithm = self.algorithm.word();
        let bad = |attribute| {
            move |why| VectorError::Value {
                algorithm,
                attribute,
                why,
            }
        };
        if words.accept("TYPE") {
            let kind = choose(&TYPES, words).map_err(bad("TYPE"))?;
            let is_svs = matches!(self.algorithm, Algorithm::Svs(_));
            if is_svs && !matches!(kind, VectorType::Float16 | VectorType::Float32) {
                return Err(VectorError::SvsType);
            }
            self.kind = Some(kind);
        } else if words.accept("DIM") {
            self.dimension = Some(words.size(1).map_err(bad("DIM"))?);
        } else if words.accept("DISTANCE_METRIC") {
            self.metric = Some(choose(&METRICS, words).map_err(bad("DISTANCE_METRIC"))?);
        } else if self.has_initial_capacity() && words.accept("INITIAL_CAP") {
            self.initial_capacity = Some(words.size(0).map_err(bad("INITIAL_CAP"))?);
        } else if self.algorithm == Algorithm::Flat && words.accept("BLOCK_SIZE") {
            self.block_size = Some(words.size(1).map_err(bad("BLOCK_SIZE"))?);
        } else {
            let is_taken = match &mut self.algorithm {
                Algorithm::Flat => false,
                Algorithm::Hnsw(hnsw) => hnsw_attribute(hnsw, words, bad)?,
                Algorithm::Svs(svs) => svs_attribute(svs, words, bad)?,
            };
            if !is_taken {
                let word = words.peek().map(text_of).unwrap_or_default();
                return Err(VectorError::Attribute { algorithm, word });
            }
        }
        Ok(())
    }

    fn has_initial_capacity(&self) -> bool {
        !matches!(self.algorithm, Algorithm::Svs(_))
    }

    fn finish(self) -> Result<VectorAttributes, VectorError> {
        let algorithm = self.algorithm.word();
        let missing = |attribute| VectorError::Mandatory {
            algorithm,
            attribute,
        };
        let kind = self.kind.ok_or(missing("TYPE"))?;
        let dimension = self.dimension.ok_or(missing("DIM"))?;
        let metric = self.metric.ok_or(missing("DISTANCE_METRIC"))?;
        if let Algorithm::Svs(svs) = &self.algorithm {
            if svs.compression.is_none() && svs.training_threshold.is_some() {
                return Err(VectorError::UselessTraining);
            }
            if !svs.is_lean() && svs.reduce.is_some() {
                return Err(VectorError::UselessReduce);
            }
        }
        if dimension > DIMENSION_MAX {
            return Err(VectorError::TooLarge {
                bytes: dimension.saturating_mul(kind.width()),
                max: DIMENSION_MAX * kind.width(),
            });
        }
        Ok(VectorAttributes {
            algorithm: self.algorithm,
            kind,
            dimension,
            metric,
            initial_capacity: self.initial_capacity,
            block_size: self.block_size,
        })
    }
}

/// Takes an attribute of HNSW with its value; false if the next word is none.
fn hnsw_attribute<E>(
    hnsw: &mut Hnsw,
    words: &mut Words,
    bad: impl Fn(&'static str) -> E,
) -> Result<bool, VectorError>
where
    E: Fn(ArgumentError) -> VectorError,
{
    match () {
        () if words.accept("M") => hnsw.m = words.size(1).map_err(bad("M"))?,
        () if words.accept("EF_CONSTRUCTION") => {
            hnsw.ef_construction = words.size(1).map_err(bad("EF_CONSTRUCTION"))?;
        }
        () if words.accept("EF_RUNTIME") => {
            hnsw.ef_runtime = Some(words.size(1).map_err(bad("EF_RUNTIME"))?);
        }
        () if words.accept("EPSILON") => {
            hnsw.epsilon = Some(words.double(0.0).map_err(bad("EPSILON"))?);
        }
        () => return Ok(false),
    }
    Ok(true)
}

/// Takes an attribute of SVS-VAMANA with its value; false if the next word is none.
fn svs_attribute<E>(
    svs: &mut Svs,
    words: &mut Words,
    bad: impl Fn(&'static str) -> E,
) -> Result<bool, VectorError>
where
    E: Fn(ArgumentError) -> VectorError,
{
    if words.accept("COMPRESSION") {
        svs.compression = Some(choose(&COMPRESSIONS, words).map_err(bad("COMPRESSION"))?);
        return Ok(true);
    }
    if words.accept("EPSILON") {
        svs.epsilon = Some(words.double(0.0).map_err(bad("EPSILON"))?);
        return Ok(true);
    }
    let sizes: [(&'static str, &mut Option<usize>); 5] = [
        ("GRAPH_MAX_DEGREE", &mut svs.graph_max_degree),
        (
            "CONSTRUCTION_WINDOW_SIZE",
            &mut svs.construction_window_size,
        ),
        ("SEARCH_WINDOW_SIZE", &mut svs.search_window_size),
        ("REDUCE", &mut svs.reduce),
        ("TRAINING_THRESHOLD", &mut svs.training_threshold),
    ];
    for (name, place) in sizes {
        if words.accept(name) {
            let size = words.size(1).map_err(bad(name))?;
            if name == "TRAINING_THRESHOLD" && size < TRAINING_THRESHOLD_MIN {
                let min = TRAINING_THRESHOLD_MIN;
                return Err(VectorError::TrainingThreshold { min });
            }
            *place = Some(size);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes a word that must be one of `choices`, in any case.
fn choose<T: Copy>(choices: &[(&str, T)], words: &mut Words) -> Result<T, ArgumentError> {
    let mut ahead = *words;
    let word = ahead.word()?;
    let known = choices
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    *words = ahead;
    known.map(|&(_, value)| value).ok_or(ArgumentError::Unknown)
}

/// The word of a value that the table holds.
fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    let found = table.iter().find(|(_, known)| *known == value);
    found.map_or("", |(name, _)| name)
}
