//! What the commands with many options take, as the table of commands tells it to clients and readers. The words are read elsewhere
//! (`schema`, [`options`](super::options), [`search`](super::search), [`aggregate`](super::aggregate), [`reducers`](super::reducers));
//! the tests hold that what stands here is taken there, and that what is taken there stands here.
//!
//! Options are listed in the order in which people write them. They are taken in any order, but that those of an aggregation's search
//! stand before its steps, and that the steps are done as they stand. `count` and `nargs` count the words behind them in their list.

use crate::commands::table::Arg::{
    self, Block, Double, Int, Multiple, OneOf, Option as With, Optional, Str, Token,
};

/// FT.CREATE
pub const CREATE: &[Arg] = &[
    Str("index"),
    Optional(&With("ON", &[OneOf(&[Token("HASH"), Token("JSON")])])),
    Optional(&With(
        "INDEXALL",
        &[OneOf(&[Token("ENABLE"), Token("DISABLE")])],
    )),
    Optional(&With("PREFIX", &[Int("count"), Multiple(&Str("prefix"))])),
    Optional(&With("FILTER", &[Str("filter")])),
    LANGUAGE,
    Optional(&With("LANGUAGE_FIELD", &[Str("language-field")])),
    Optional(&With("SCORE", &[Double("score")])),
    Optional(&With("SCORE_FIELD", &[Str("score-field")])),
    Optional(&With("PAYLOAD_FIELD", &[Str("payload-field")])),
    Optional(&Token("MAXTEXTFIELDS")),
    Optional(&With("TEMPORARY", &[Int("seconds")])),
    Optional(&Token("NOOFFSETS")),
    Optional(&Token("NOHL")),
    Optional(&Token("NOFIELDS")),
    Optional(&Token("NOFREQS")),
    Optional(&With(
        "STOPWORDS",
        &[Int("count"), Optional(&Multiple(&Str("stopword")))],
    )),
    Optional(&Token("SKIPINITIALSCAN")),
    With("SCHEMA", &[FIELDS]),
];

/// FT.ALTER
pub const ALTER: &[Arg] = &[
    Str("index"),
    Optional(&Token("SKIPINITIALSCAN")),
    Token("SCHEMA"),
    With("ADD", &[FIELDS]),
];

const FIELDS: Arg = Multiple(&Block(&[
    Str("field"),
    Optional(&With("AS", &[Str("alias")])),
    OneOf(&[TEXT, TAG, NUMERIC, GEO, GEOSHAPE, VECTOR]),
]));

const TEXT: Arg = With(
    "TEXT",
    &[
        Optional(&With("WEIGHT", &[Double("weight")])),
        Optional(&Token("NOSTEM")),
        Optional(&With(
            "PHONETIC",
            &[OneOf(&[
                Token("dm:en"),
                Token("dm:fr"),
                Token("dm:pt"),
                Token("dm:es"),
            ])],
        )),
        SUFFIXES,
        EMPTY,
        MISSING,
        SORTABLE,
        NOINDEX,
    ],
);

const TAG: Arg = With(
    "TAG",
    &[
        Optional(&With("SEPARATOR", &[Str("separator")])),
        Optional(&Token("CASESENSITIVE")),
        SUFFIXES,
        EMPTY,
        MISSING,
        SORTABLE,
        NOINDEX,
    ],
);

const NUMERIC: Arg = With("NUMERIC", &[MISSING, SORTABLE, NOINDEX]);

const GEO: Arg = With("GEO", &[MISSING, SORTABLE, NOINDEX]);

const GEOSHAPE: Arg = With(
    "GEOSHAPE",
    &[
        Optional(&OneOf(&[Token("SPHERICAL"), Token("FLAT")])),
        MISSING,
        SORTABLE,
        NOINDEX,
    ],
);

const VECTOR: Arg = With("VECTOR", &[OneOf(&[FLAT, HNSW, SVS]), MISSING]);

const SUFFIXES: Arg = Optional(&Token("WITHSUFFIXTRIE"));
const EMPTY: Arg = Optional(&Token("INDEXEMPTY"));
const MISSING: Arg = Optional(&Token("INDEXMISSING"));
const SORTABLE: Arg = Optional(&With("SORTABLE", &[Optional(&Token("UNF"))]));
const NOINDEX: Arg = Optional(&Token("NOINDEX"));

const FLAT: Arg = With(
    "FLAT",
    &[
        Int("count"),
        VECTOR_TYPE,
        DIM,
        METRIC,
        Optional(&With("INITIAL_CAP", &[Int("initial-cap")])),
        Optional(&With("BLOCK_SIZE", &[Int("block-size")])),
    ],
);

const HNSW: Arg = With(
    "HNSW",
    &[
        Int("count"),
        VECTOR_TYPE,
        DIM,
        METRIC,
        Optional(&With("INITIAL_CAP", &[Int("initial-cap")])),
        Optional(&With("M", &[Int("numlinks")])),
        Optional(&With("EF_CONSTRUCTION", &[Int("ef")])),
        Optional(&With("EF_RUNTIME", &[Int("ef")])),
        Optional(&With("EPSILON", &[Double("epsilon")])),
    ],
);

const SVS: Arg = With(
    "SVS-VAMANA",
    &[
        Int("count"),
        With("TYPE", &[OneOf(&[Token("FLOAT32"), Token("FLOAT16")])]),
        DIM,
        METRIC,
        Optional(&With("GRAPH_MAX_DEGREE", &[Int("degree")])),
        Optional(&With("CONSTRUCTION_WINDOW_SIZE", &[Int("size")])),
        Optional(&With("SEARCH_WINDOW_SIZE", &[Int("size")])),
        Optional(&With("EPSILON", &[Double("epsilon")])),
        Optional(&With(
            "COMPRESSION",
            &[
                OneOf(&[
                    Token("LVQ8"),
                    Token("LVQ4"),
                    Token("LVQ4x4"),
                    Token("LVQ4x8"),
                    LEANVEC_4X8,
                    LEANVEC_8X8,
                ]),
                Optional(&With("TRAINING_THRESHOLD", &[Int("threshold")])),
            ],
        )),
    ],
);

const LEANVEC_4X8: Arg = With("LeanVec4x8", &[REDUCED]);
const LEANVEC_8X8: Arg = With("LeanVec8x8", &[REDUCED]);
const REDUCED: Arg = Optional(&With("REDUCE", &[Int("dim")]));

const VECTOR_TYPE: Arg = With(
    "TYPE",
    &[OneOf(&[
        Token("FLOAT32"),
        Token("FLOAT64"),
        Token("FLOAT16"),
        Token("BFLOAT16"),
        Token("INT8"),
        Token("UINT8"),
    ])],
);
const DIM: Arg = With("DIM", &[Int("dim")]);
const METRIC: Arg = With(
    "DISTANCE_METRIC",
    &[OneOf(&[Token("L2"), Token("IP"), Token("COSINE")])],
);

/// FT.SEARCH
pub const SEARCH: &[Arg] =
    &joined::<{ 2 + SEARCH_OPTIONS.len() }>(&[&[Str("index"), Str("query")], SEARCH_OPTIONS]);

/// FT.AGGREGATE
pub const AGGREGATE: &[Arg] = &joined::<{ 3 + AGGREGATE_OPTIONS.len() }>(&[
    &[Str("index"), Str("query")],
    AGGREGATE_OPTIONS,
    &[WITHCURSOR],
]);

/// FT.PROFILE
pub const PROFILE: &[Arg] = &[
    Str("index"),
    OneOf(&[
        With(
            "SEARCH",
            &joined::<{ 2 + SEARCH_OPTIONS.len() }>(&[PROFILED, SEARCH_OPTIONS]),
        ),
        With(
            "AGGREGATE",
            &joined::<{ 2 + AGGREGATE_OPTIONS.len() }>(&[PROFILED, AGGREGATE_OPTIONS]),
        ),
    ]),
];

const PROFILED: &[Arg] = &[Optional(&Token("LIMITED")), With("QUERY", &[Str("query")])];

/// FT.EXPLAIN and FT.EXPLAINCLI: the options of FT.SEARCH that alter what is shown. The others are taken as well.
pub const EXPLAIN: &[Arg] = &[
    Str("index"),
    Str("query"),
    VERBATIM,
    NOSTOPWORDS,
    FILTER,
    GEOFILTER,
    EXPANDER,
    PARAMS,
    DIALECT,
];

const SEARCH_OPTIONS: &[Arg] = &[
    Optional(&Token("NOCONTENT")),
    VERBATIM,
    NOSTOPWORDS,
    Optional(&With("WITHSCORES", &[Optional(&Token("EXPLAINSCORE"))])),
    Optional(&Token("WITHPAYLOADS")),
    Optional(&Token("WITHSORTKEYS")),
    FILTER,
    GEOFILTER,
    INKEYS,
    INFIELDS,
    Optional(&With(
        "RETURN",
        &[
            Int("count"),
            Optional(&Multiple(&Block(&[
                Str("identifier"),
                Optional(&With("AS", &[Str("name")])),
            ]))),
        ],
    )),
    SLOP,
    INORDER,
    TIMEOUT,
    LANGUAGE,
    EXPANDER,
    SCORER,
    TANH_FACTOR,
    PAYLOAD,
    Optional(&With("SORTBY", &[Str("sortby"), Optional(&DIRECTION)])),
    Optional(&OneOf(&[Token("WITHCOUNT"), Token("WITHOUTCOUNT")])),
    LIMIT,
    FORMAT,
    PARAMS,
    DIALECT,
];

/// Those that FT.PROFILE takes as well.
const AGGREGATE_OPTIONS: &[Arg] = &[
    VERBATIM,
    NOSTOPWORDS,
    INKEYS,
    INFIELDS,
    SLOP,
    INORDER,
    LANGUAGE,
    EXPANDER,
    SCORER,
    TANH_FACTOR,
    PAYLOAD,
    Optional(&Token("ADDSCORES")),
    TIMEOUT,
    Optional(&Multiple(&With(
        "LOAD",
        &[OneOf(&[
            Token("*"),
            Block(&[
                Int("count"),
                Multiple(&Block(&[
                    Str("identifier"),
                    Optional(&With("AS", &[Str("name")])),
                ])),
            ]),
        ])],
    ))),
    Optional(&Multiple(&With(
        "GROUPBY",
        &[
            Block(&[Int("nargs"), Optional(&Multiple(&Str("property")))]),
            Optional(&Multiple(&REDUCE)),
        ],
    ))),
    Optional(&With(
        "SORTBY",
        &[
            Block(&[
                Int("nargs"),
                Multiple(&Block(&[Str("property"), Optional(&DIRECTION)])),
            ]),
            Optional(&With("MAX", &[Int("num")])),
        ],
    )),
    Optional(&Multiple(&With(
        "APPLY",
        &[Str("expression"), Optional(&With("AS", &[Str("name")]))],
    ))),
    LIMIT,
    Optional(&Multiple(&With("FILTER", &[Str("expression")]))),
    FORMAT,
    PARAMS,
    DIALECT,
];

const WITHCURSOR: Arg = Optional(&With(
    "WITHCURSOR",
    &[
        Optional(&With("COUNT", &[Int("read-size")])),
        Optional(&With("MAXIDLE", &[Int("idle-time")])),
    ],
));

const REDUCE: Arg = With(
    "REDUCE",
    &[
        OneOf(&[
            With("COUNT", &[Int("nargs")]),
            Block(&[
                OneOf(&[
                    Token("COUNT_DISTINCT"),
                    Token("COUNT_DISTINCTISH"),
                    Token("SUM"),
                    Token("AVG"),
                    Token("MIN"),
                    Token("MAX"),
                    Token("STDDEV"),
                    Token("TOLIST"),
                    Token("HLL"),
                    Token("HLL_SUM"),
                ]),
                Int("nargs"),
                Str("property"),
            ]),
            With(
                "QUANTILE",
                &[
                    Int("nargs"),
                    Str("property"),
                    Double("quantile"),
                    Optional(&Int("resolution")),
                ],
            ),
            With(
                "FIRST_VALUE",
                &[
                    Int("nargs"),
                    Str("property"),
                    Optional(&With("BY", &[Str("property"), Optional(&DIRECTION)])),
                ],
            ),
            With(
                "RANDOM_SAMPLE",
                &[Int("nargs"), Str("property"), Int("size")],
            ),
        ]),
        Optional(&With("AS", &[Str("name")])),
    ],
);

const VERBATIM: Arg = Optional(&Token("VERBATIM"));
const NOSTOPWORDS: Arg = Optional(&Token("NOSTOPWORDS"));
const FILTER: Arg = Optional(&Multiple(&With(
    "FILTER",
    &[Str("numeric-field"), Double("min"), Double("max")],
)));
const GEOFILTER: Arg = Optional(&Multiple(&With(
    "GEOFILTER",
    &[
        Str("geo-field"),
        Double("lon"),
        Double("lat"),
        Double("radius"),
        OneOf(&[Token("m"), Token("km"), Token("mi"), Token("ft")]),
    ],
)));
const INKEYS: Arg = Optional(&With("INKEYS", &[Int("count"), Multiple(&Str("key"))]));
const INFIELDS: Arg = Optional(&With(
    "INFIELDS",
    &[Int("count"), Multiple(&Str("text-field"))],
));
const SLOP: Arg = Optional(&With("SLOP", &[Int("slop")]));
const INORDER: Arg = Optional(&Token("INORDER"));
const TIMEOUT: Arg = Optional(&With("TIMEOUT", &[Int("timeout")]));
const LANGUAGE: Arg = Optional(&With("LANGUAGE", &[Str("language")]));
const EXPANDER: Arg = Optional(&With(
    "EXPANDER",
    &[OneOf(&[
        Token("DEFAULT"),
        Token("SBSTEM"),
        Token("PHONETIC"),
    ])],
));
const SCORER: Arg = Optional(&With(
    "SCORER",
    &[OneOf(&[
        Token("BM25STD"),
        Token("BM25STD.NORM"),
        Token("BM25STD.TANH"),
        Token("BM25"),
        Token("TFIDF"),
        Token("TFIDF.DOCNORM"),
        Token("DISMAX"),
        Token("DOCSCORE"),
        Token("HAMMING"),
    ])],
));
const TANH_FACTOR: Arg = Optional(&With("BM25STD_TANH_FACTOR", &[Int("factor")]));
const PAYLOAD: Arg = Optional(&With("PAYLOAD", &[Str("payload")]));
const DIRECTION: Arg = OneOf(&[Token("ASC"), Token("DESC")]);
const LIMIT: Arg = Optional(&With("LIMIT", &[Int("offset"), Int("num")]));
const FORMAT: Arg = Optional(&With(
    "FORMAT",
    &[OneOf(&[Token("STRING"), Token("EXPAND")])],
));
const PARAMS: Arg = Optional(&With(
    "PARAMS",
    &[Int("nargs"), Multiple(&Block(&[Str("name"), Str("value")]))],
));
const DIALECT: Arg = Optional(&With("DIALECT", &[Int("dialect")]));

/// Lists one behind the other; `N` is how many arguments they have together.
const fn joined<const N: usize>(lists: &[&[Arg]]) -> [Arg; N] {
    let mut all = [Str(""); N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            all[at] = lists[list][place];
            (place, at) = (place + 1, at + 1);
        }
        list += 1;
    }
    assert!(at == N);
    all
}

#[cfg(test)]
mod tests;
