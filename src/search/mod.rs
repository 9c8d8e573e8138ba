//! How a question is answered: a query is planned (scan or walk), run on a collection's index, and its hits are named and
//! sorted. What a hit is worth in a client's scores is the front-ends' business.

pub mod expression;
