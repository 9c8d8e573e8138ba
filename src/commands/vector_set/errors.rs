//! The error lines of vector sets: those of Redis' module in its words, and those of the native commands.

use super::super::error::Refusal;
use crate::keyspace::collection::Collection;
use crate::keyspace::collection::VectorError;
use crate::search::QueryError;
use crate::search::expression::SyntaxError;

/// A vector is malformed: format word, length, component, REDUCE, or a component that is no finite f32.
pub const INVALID_VECTOR: Refusal = Refusal::line("ERR invalid vector specification");
/// EF outside its bounds.
pub const INVALID_EF: Refusal = Refusal::line("ERR invalid EF");
/// M outside its bounds.
pub const INVALID_M: Refusal = Refusal::line("ERR invalid M");
/// VADD: an unknown word, or one without its value.
pub const INVALID_OPTION_AFTER_ELEMENT: Refusal = Refusal::line("ERR invalid option after element");
/// VADD asks for another type than the set has.
pub const QUANTIZATION_MISMATCH: Refusal =
    Refusal::line("ERR asked quantization mismatch with existing vector set");
/// VADD asks for another M than the set has.
pub const M_MISMATCH: Refusal =
    Refusal::line("ERR asked M value mismatch with existing vector set");
/// VADD with REDUCE on a set that does not project.
pub const NO_PROJECTION: Refusal =
    Refusal::line("ERR cannot add projection to existing set without projection");
/// VEMB with an unknown word.
pub const INVALID_OPTION: Refusal = Refusal::line("ERR invalid option");
/// VDIM of a missing key.
pub const NO_KEY: Refusal = Refusal::line("ERR key does not exist");
/// ELE of an element that is not there.
pub const NO_ELEMENT: Refusal = Refusal::line("ERR element not found in set");
/// VSIM: an unknown word, or one without its value.
pub const VSIM_SYNTAX: Refusal = Refusal::line("ERR syntax error in VSIM command");
/// COUNT of VSIM.
pub const INVALID_COUNT: Refusal = Refusal::line("ERR invalid COUNT");
/// EPSILON of VSIM.
pub const INVALID_EPSILON: Refusal = Refusal::line("ERR invalid EPSILON");
/// EPSILON speaks of a best score, and inner products have none.
pub const EPSILON_NEEDS_BEST: Refusal = Refusal::line(
    "ERR EPSILON is not defined for METRIC IP, whose scores have no upper bound: use VSEARCH with RADIUS",
);
/// FILTER-EF of VSIM.
pub const INVALID_FILTER_EF: Refusal = Refusal::line("ERR invalid FILTER-EF");
/// Count of VRANDMEMBER.
pub const COUNT_NOT_AN_INTEGER: Refusal = Refusal::line("ERR COUNT value is not an integer");
/// Count of VRANDMEMBER that would make a reply too large.
pub const COUNT_OUT_OF_RANGE: Refusal = Refusal::line("ERR COUNT value is out of range");
/// Count of VRANGE.
pub const INVALID_RANGE_COUNT: Refusal = Refusal::line("ERR invalid COUNT value");
/// Start of VRANGE.
pub const INVALID_START: Refusal = Refusal::line("ERR invalid start range format");
/// End of VRANGE.
pub const INVALID_END: Refusal = Refusal::line("ERR invalid end range format");
/// `+` as start or `-` as end of VRANGE.
pub const RANGE_SIGNS: Refusal =
    Refusal::line("ERR '-' can only be used as first argument, '+' only as second");

/// VCREATE of a key that is there.
pub const BUSY_KEY: Refusal = Refusal::line("BUSYKEY Target key name already exists.");
/// VCREATE without DIM.
pub const DIM_MISSING: Refusal = Refusal::line("ERR DIM is missing: VCREATE key DIM d");
/// DIM of VCREATE.
pub const INVALID_DIM: Refusal = Refusal::line("ERR invalid DIM: an integer from 1 to 65536");
/// METRIC of VCREATE.
pub const INVALID_METRIC: Refusal = Refusal::line("ERR invalid METRIC: COSINE, L2 or IP");
/// TYPE of VCREATE.
pub const INVALID_TYPE: Refusal = Refusal::line("ERR invalid TYPE: F32, F16, Q8 or BIN");
/// INDEX of VCREATE.
pub const INVALID_INDEX: Refusal = Refusal::line("ERR invalid INDEX: HNSW or FLAT");
/// M of VCREATE.
pub const INVALID_NATIVE_M: Refusal = Refusal::line("ERR invalid M: an integer from 4 to 4096");
/// EF of VCREATE and VSEARCH.
pub const INVALID_NATIVE_EF: Refusal =
    Refusal::line("ERR invalid EF: an integer from 1 to 1000000");
/// Signs keep angles, nothing else.
pub const BIN_NEEDS_COSINE: Refusal = Refusal::line("ERR TYPE BIN needs METRIC COSINE");
/// VCREATE with a graph's options and no graph.
pub const FLAT_HAS_NO_GRAPH: Refusal =
    Refusal::line("ERR INDEX FLAT has no graph: M, EF, WALK and RECALL belong to INDEX HNSW");
/// VCREATE.
pub const INVALID_WALK: Refusal = Refusal::line("ERR invalid WALK: Q4, Q8 or SAME");
/// VCREATE with codes that bits do not have.
pub const BIN_IS_WALKED_AS_IT_IS: Refusal =
    Refusal::line("ERR TYPE BIN is walked on its bits: WALK SAME");
/// A recall to keep.
pub const INVALID_RECALL: Refusal =
    Refusal::line("ERR invalid RECALL: a number above 0, at most 1");
/// SAMPLE of VRECALL.
pub const INVALID_SAMPLE: Refusal = Refusal::line("ERR invalid SAMPLE: an integer from 1 to 10000");

/// k of VSEARCH.
pub const INVALID_K: Refusal = Refusal::line("ERR invalid k: an integer from 1 to 1000000");
/// OFFSET of VSEARCH.
pub const INVALID_OFFSET: Refusal =
    Refusal::line("ERR invalid OFFSET: an integer from 0 to 1000000");
/// RADIUS of VSEARCH.
pub const INVALID_RADIUS: Refusal = Refusal::line("ERR invalid RADIUS: a finite number");
/// VSEARCH with two of them.
pub const ONE_EFFORT: Refusal =
    Refusal::line("ERR EF, RECALL and EXACT exclude each other: give one of them");

/// A row of a command's error table: the line, and when it comes. In a line, `<n>` and `<text>` stand for what the request
/// and the set put there.
type Row = (&'static str, &'static str);

/// The key holds something else.
pub const WRONG_TYPE_ROW: Row = (
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "The key holds no vector set, but a string or a hash.",
);
/// What is asked with has the wrong length.
pub const DIMENSION_ROW: Row = (
    "ERR Vector dimension mismatch - got <n> but set has <n>",
    "The vector has another number of components than those of the set.",
);
/// What is asked with has the wrong length, and the set projects.
pub const INPUT_DIMENSION_ROW: Row = (
    "ERR Input dimension mismatch for projection - got <n> but projection expects <n>",
    "The set was made with REDUCE, and the vector has neither as many components as VADD takes there nor as many as are stored.",
);
/// The vector that is asked with.
pub const TARGET_ROW: Row = (
    "ERR invalid vector specification",
    "The word in front of the vector is not ELE, FP32 or VALUES; the FP32 blob is empty, no multiple of 4 bytes, or longer than 65536 components; num is no integer from 1 to 65536, or more than the words that follow; a value is no number; a component, or the sum of their squares, is NaN or infinite as a 32-bit float; or a component is infinite as a 16-bit float where the set stores such (TYPE F16 with METRIC L2 or IP).",
);
/// The element that is asked with.
pub const NO_ELEMENT_ROW: Row = (
    "ERR element not found in set",
    "ELE names an element that is not there.",
);
/// The filter.
pub const FILTER_ROW: Row = (
    "ERR syntax error in FILTER expression near: <text>",
    "The expression cannot be read from there on; where no place is to blame, the whole expression is shown.",
);
/// EF of a native search.
pub const NATIVE_EF_ROW: Row = (
    "ERR invalid EF: an integer from 1 to 1000000",
    "EF is no such integer.",
);
/// RADIUS.
pub const RADIUS_ROW: Row = (
    "ERR invalid RADIUS: a finite number",
    "RADIUS is no number, or infinite as a 32-bit float.",
);
/// OFFSET.
pub const OFFSET_ROW: Row = (
    "ERR invalid OFFSET: an integer from 0 to 1000000",
    "OFFSET is no such integer.",
);
/// An unknown word.
pub const SYNTAX_ROW: Row = (
    "ERR syntax error",
    "A word is no option, or an option's value is missing.",
);
/// RECALL.
pub const RECALL_ROW: Row = (
    "ERR invalid RECALL: a number above 0, at most 1",
    "RECALL is no such number.",
);
/// Two of EF, RECALL and EXACT.
pub const EFFORT_ROW: Row = (
    "ERR EF, RECALL and EXACT exclude each other: give one of them",
    "Two of them are given.",
);
/// A word that VADD and VMADD do not know.
pub const OPTION_ROW: Row = (
    "ERR invalid option after element",
    "A word behind the element is no option, or an option's value is missing.",
);
/// EF of VADD and VMADD.
pub const EF_ROW: Row = ("ERR invalid EF", "EF is no integer from 1 to 1000000.");
/// M of VADD and VMADD.
pub const M_ROW: Row = ("ERR invalid M", "M is no integer from 4 to 4096.");
/// Another type than that of the set.
pub const QUANTIZATION_ROW: Row = (
    "ERR asked quantization mismatch with existing vector set",
    "The set stores another type than is asked for. Without NOQUANT, Q8 or BIN that is Q8, or the set's own type if VCREATE made the set.",
);
/// Another M than that of the set.
pub const M_MISMATCH_ROW: Row = (
    "ERR asked M value mismatch with existing vector set",
    "The set has another M than is asked for. Without M that is 16, or the set's own M if VCREATE made the set.",
);
/// What is added has the wrong length.
pub const ADD_DIMENSION_ROW: Row = (
    "ERR Vector dimension mismatch - got <n> but set has <n>",
    "The vector has another number of components than those of the set; or the set was made with REDUCE, and REDUCE is missing or another one (got counts the components given, before REDUCE).",
);
/// REDUCE where the set does not.
pub const NO_PROJECTION_ROW: Row = (
    "ERR cannot add projection to existing set without projection",
    "REDUCE is given, and the set was made without it.",
);
/// What is added has the wrong length, and the set projects.
pub const ADD_INPUT_DIMENSION_ROW: Row = (
    "ERR Input dimension mismatch for projection - got <n> but projection expects <n>",
    "REDUCE is that of the set, but the vector given has another number of components than the one that the set was made with.",
);
/// k of a native search.
pub const K_ROW: Row = (
    "ERR invalid k: an integer from 1 to 1000000",
    "k is no such integer.",
);
/// A native search of nothing.
pub const NO_SUCH_KEY_ROW: Row = ("ERR no such key", "The key is missing.");
/// Rows of a command of which only the key can be wrong.
pub const WRONG_TYPE_ONLY: &[Row] = &[WRONG_TYPE_ROW];

/// A vector of `got` components for a set of `has`.
pub fn dimension_mismatch(got: usize, has: u32) -> Refusal {
    Refusal::made(format!(
        "ERR Vector dimension mismatch - got {got} but set has {has}"
    ))
}

/// A vector of `got` components for a set that projects from `expected`.
pub fn input_dimension_mismatch(got: usize, expected: u32) -> Refusal {
    Refusal::made(format!(
        "ERR Input dimension mismatch for projection - got {got} but projection expects {expected}"
    ))
}

/// A filter that cannot be read.
pub fn filter_syntax(filter: &[u8], error: SyntaxError) -> Refusal {
    let near = String::from_utf8_lossy(&filter[error.near]);
    Refusal::made(format!(
        "ERR syntax error in FILTER expression near: {near}"
    ))
}

/// Why the collection did not take the question.
pub fn query(error: QueryError, collection: &Collection) -> Refusal {
    match error {
        QueryError::NoSuchElement => NO_ELEMENT,
        QueryError::Vector(error) => vector(error, collection),
    }
}

/// Why the collection did not take a vector.
pub fn vector(error: VectorError, collection: &Collection) -> Refusal {
    match error {
        VectorError::NotFinite => INVALID_VECTOR,
        VectorError::Dimension { got, .. } => match collection.schema().projected_from {
            Some(expected) => input_dimension_mismatch(got as usize, expected),
            None => dimension_mismatch(got as usize, collection.schema().index.dim),
        },
    }
}
