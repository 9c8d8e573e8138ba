//! A query as FT.EXPLAIN shows it: a condition a line, parts indented by two blanks.

use super::printed::print_significant;
use super::query::tree::{
    Affix, FieldMask, Kind, Knn, Node, NumericRange, Options, Query, Relation, TagValue,
    VectorRange, VectorTarget, Word,
};
use super::schema::{Field, FieldKind, Schema};
use super::text::language::Language;
use crate::search::documents::sought::{Expansion, Sought, expanded};
use std::fmt::Write;

/// The text of FT.EXPLAIN. Words are shown with what they stand for in a language.
pub fn explain(query: &Query, schema: &Schema, language: Language, expansion: Expansion) -> String {
    let mut explanation = Explanation {
        schema,
        language,
        expansion,
        text: String::new(),
    };
    match &query.knn {
        None => explanation.node(&query.root, 0),
        Some(knn) => explanation.knn(&query.root, knn),
    }
    explanation.text
}

/// The lines of FT.EXPLAINCLI; the last one is empty.
pub fn lines(explanation: &str) -> impl Iterator<Item = &str> {
    explanation.split('\n')
}

struct Explanation<'a> {
    schema: &'a Schema,
    language: Language,
    expansion: Expansion,
    text: String,
}

impl Explanation<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins a line: blanks, and the fields that the condition is restricted to.
    fn begin(&mut self, depth: usize, fields: FieldMask) {
        self.push(&"  ".repeat(depth));
        if fields.0 == 0 {
            self.push("@NULL:");
        } else if !fields.is_all() {
            let names = self.schema.text_fields();
            let names = names.filter(|(bit, _)| fields.has(*bit));
            let names: Vec<&str> = names.map(|(_, field)| field.name.as_str()).collect();
            let _ = write!(self.text, "@{}:", names.join("|"));
        }
    }

    /// A line of its own.
    fn line(&mut self, depth: usize, fields: FieldMask, text: &str) {
        self.begin(depth, fields);
        self.push(text);
        self.push("\n");
    }

    fn node(&mut self, node: &Node, depth: usize) {
        if let Kind::Word(word) = &node.kind {
            return self.word(node, word, depth);
        }
        self.begin(depth, node.fields);
        match &node.kind {
            Kind::And(parts) => self.block("INTERSECT {", parts, depth),
            Kind::Or(parts) => self.block("UNION {", parts, depth),
            Kind::Not(part) => self.block("NOT{", std::slice::from_ref(part), depth),
            Kind::Optional(part) => self.block("OPTIONAL{", std::slice::from_ref(part), depth),
            Kind::Phrase(words) => {
                self.push("EXACT {\n");
                for word in words {
                    self.line(depth + 1, node.fields, word);
                }
                self.close(depth);
            }
            Kind::Tag { field, values } => {
                let head = format!("TAG:@{} {{\n", self.name(*field));
                self.push(&head);
                for value in values {
                    let text = tag(value, &self.schema.fields[*field]);
                    self.line(depth + 1, FieldMask::ALL, &text);
                }
                self.close(depth);
            }
            leaf => {
                let text = self.leaf(leaf);
                self.push(&text);
            }
        }
        self.options(&node.options);
        self.push("\n");
    }

    fn block(&mut self, head: &str, parts: &[Node], depth: usize) {
        self.push(head);
        self.push("\n");
        for part in parts {
            self.node(part, depth + 1);
        }
        self.close(depth);
    }

    fn close(&mut self, depth: usize) {
        self.push(&"  ".repeat(depth));
        self.push("}");
    }

    /// A word, as a union with what it stands for besides.
    fn word(&mut self, node: &Node, word: &Word, depth: usize) {
        let sought = expanded(node, word, self.schema, self.language, self.expansion);
        let others: Vec<Sought> = sought.skip(1).collect();
        let mut shown = quoted_if_empty(&word.text).to_owned();
        if node.options.weight != 1.0 {
            let weight = print_significant(node.options.weight, 6);
            let _ = write!(shown, " => {{$weight: {weight};}}");
        }
        if others.is_empty() {
            return self.line(depth, node.fields, &shown);
        }
        self.line(depth, node.fields, "UNION {");
        self.line(depth + 1, node.fields, &shown);
        for other in others {
            self.line(
                depth + 1,
                other.fields,
                &format!("{}(expanded)", other.word),
            );
        }
        self.close(depth);
        self.push("\n");
    }

    fn name(&self, field: usize) -> &str {
        &self.schema.fields[field].name
    }

    /// Conditions on one line.
    fn leaf(&self, kind: &Kind) -> String {
        match kind {
            Kind::Nothing => "<empty>".to_owned(),
            Kind::All => "<WILDCARD>".to_owned(),
            Kind::Affix(part) => affix(part),
            Kind::Wildcard(pattern) => format!("WILDCARD{{{pattern}}}"),
            Kind::Fuzzy { word, .. } => format!("FUZZY{{{word}}}"),
            Kind::Numeric(range) => self.numeric(range),
            Kind::Geo(circle) => format!(
                "GEO {}:{{{:.6},{:.6} --> {:.6} {}}}",
                self.name(circle.field),
                circle.longitude,
                circle.latitude,
                circle.radius,
                circle.unit.word()
            ),
            Kind::Geoshape { relation, wkt, .. } => {
                // As the module numbers them.
                let number = match relation {
                    Relation::Contains => 1,
                    Relation::Within => 2,
                    Relation::Disjoint => 3,
                    Relation::Intersects => 4,
                };
                format!("GEOSHAPE{{{number} {wkt}}}")
            }
            Kind::VectorRange(range) => self.vector_range(range),
            Kind::Missing { field } => format!("ISMISSING{{{}}}", self.name(*field)),
            // Shown with their parts before this is reached.
            Kind::And(_) | Kind::Or(_) | Kind::Not(_) | Kind::Optional(_) => String::new(),
            Kind::Word(_) | Kind::Phrase(_) | Kind::Tag { .. } => String::new(),
        }
    }

    fn numeric(&self, range: &NumericRange) -> String {
        let sign = |includes| if includes { "<=" } else { "<" };
        format!(
            "NUMERIC {{{:.6} {} @{} {} {:.6}}}",
            range.min,
            sign(range.includes_min),
            self.name(range.field),
            sign(range.includes_max),
            range.max
        )
    }

    fn vector_range(&self, range: &VectorRange) -> String {
        format!(
            "VECTOR {{Vectors that are within {} distance radius from `${}` {}",
            print_significant(range.radius, 6),
            range.target.parameter,
            self.target(&range.target, range.field, range.distance_name.as_deref())
        )
    }

    /// KNN: on one line without a filter, below its filter with one.
    fn knn(&mut self, filter: &Node, knn: &Knn) {
        self.push("VECTOR {");
        if filter.kind != Kind::All {
            self.push("\n");
            self.node(filter, 1);
            self.push("} => {");
        }
        let target = self.target(&knn.target, knn.field, Some(&knn.distance_name));
        let _ = writeln!(
            self.text,
            "K={} nearest vectors to `${}` {target}",
            knn.k, knn.target.parameter
        );
    }

    fn target(&self, target: &VectorTarget, field: usize, distance: Option<&str>) -> String {
        let mut text = format!(
            "in vector index associated with field @{}",
            self.name(field)
        );
        for (name, value) in &target.attributes {
            let _ = write!(text, ", {name} = {value}");
        }
        if let Some(distance) = distance {
            let _ = write!(text, ", yields distance as `{distance}`");
        }
        text + "}"
    }

    /// What differs from the defaults.
    fn options(&mut self, options: &Options) {
        let in_order = options.in_order.unwrap_or(false);
        let has_weight = options.weight != 1.0;
        if !has_weight && options.slop.is_none() && !in_order {
            return;
        }
        self.push(" => {");
        if has_weight {
            let weight = print_significant(options.weight, 6);
            let _ = write!(self.text, " $weight: {weight};");
        }
        if let Some(slop) = options.slop {
            let _ = write!(self.text, " $slop: {slop};");
        }
        if in_order || options.slop.is_some() {
            let _ = write!(self.text, " $inorder: {in_order};");
        }
        self.push(" }");
    }
}

fn affix(part: &Affix) -> String {
    let name = match (part.is_suffix, part.is_prefix) {
        (true, true) => "INFIX",
        (true, false) => "SUFFIX",
        (false, _) => "PREFIX",
    };
    let star = |is_there| if is_there { "*" } else { "" };
    let (before, after) = (star(part.is_suffix), star(part.is_prefix));
    format!("{name}{{{before}{}{after}}}", part.text)
}

/// A value of a set, as its field compares it.
fn tag(value: &TagValue, field: &Field) -> String {
    let folded = |text: &str| match field.kind {
        FieldKind::Tag {
            is_case_sensitive: true,
            ..
        } => text.to_owned(),
        _ => text.to_lowercase(),
    };
    match value {
        TagValue::Whole(text) => folded(quoted_if_empty(text)),
        TagValue::Affix(part) => folded_affix(part, folded),
        TagValue::Wildcard(pattern) => format!("WILDCARD{{{}}}", folded(pattern)),
    }
}

fn folded_affix(part: &Affix, folded: impl Fn(&str) -> String) -> String {
    affix(&Affix {
        text: folded(&part.text),
        ..*part
    })
}

fn quoted_if_empty(text: &str) -> &str {
    if text.is_empty() { "\"\"" } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::query::{self, Context, Params};
    use super::super::schema;
    use super::super::text::stop_words::StopWords;
    use super::super::words::Words;
    use super::*;

    const SCHEMA: &str = "SCHEMA t TEXT bar NUMERIC SORTABLE tag TAG INDEXMISSING geom GEOSHAPE FLAT g GEO \
         v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 raw TEXT NOSTEM";

    fn shown(text: &str, dialect: u8) -> String {
        let words: Vec<&[u8]> = SCHEMA.split_whitespace().map(str::as_bytes).collect();
        let schema = schema::create(&mut Words::new(&words)).unwrap_or_else(|e| panic!("{e}"));
        let mut params = Params::default();
        for (name, value) in [("B", "12345678"), ("k", "10"), ("r", "0.1"), ("n", "20")] {
            params.add(name.to_owned(), value.as_bytes().to_vec());
        }
        params.add("poly".to_owned(), b"POINT(0 0)".to_vec());
        let context = Context {
            schema: &schema,
            params: &params,
            stop_words: Some(&StopWords::default()),
            dialect,
        };
        let query = query::parse(text.as_bytes(), &context);
        let query = query.unwrap_or_else(|error| panic!("{text}: {error}"));
        explain(&query, &schema, Language::default(), Expansion::WHOLE)
    }

    /// The shape of what the module prints for each kind of condition.
    #[test]
    fn conditions_on_one_line() {
        let cases = [
            ("", "<empty>"),
            ("*", "<WILDCARD>"),
            ("5", "5"),
            ("@raw:hello", "@raw:hello"),
            ("hel*", "PREFIX{hel*}"),
            ("*lo", "SUFFIX{*lo}"),
            ("*ell*", "INFIX{*ell*}"),
            ("%%hello%%", "FUZZY{hello}"),
            ("@t:(w'*')", "@t:WILDCARD{*}"),
            (
                "@t:(w'*')=>{$weight: 2; $slop:100}",
                "@t:WILDCARD{*} => { $weight: 2; $slop: 100; $inorder: false; }",
            ),
            (
                "@t:(w'*')=>{$weight: 5; $inorder: true;}",
                "@t:WILDCARD{*} => { $weight: 5; $inorder: true; }",
            ),
            ("@bar:[10 100]", "NUMERIC {10.000000 <= @bar <= 100.000000}"),
            ("@bar:[-INF (Inf]", "NUMERIC {-inf <= @bar < inf}"),
            ("@bar:[(-$n $n]", "NUMERIC {-20.000000 < @bar <= 20.000000}"),
            ("@bar>1", "NUMERIC {1.000000 < @bar <= inf}"),
            ("@bar<=-3.14", "NUMERIC {-inf <= @bar <= -3.140000}"),
            (
                "@g:[120.53232 12.112233 30.5 ft]",
                "GEO g:{120.532320,12.112233 --> 30.500000 ft}",
            ),
            ("@geom:[WITHIN $poly]", "GEOSHAPE{2 POINT(0 0)}"),
            (
                "@geom:[CONTAINS $poly]=>{$weight: 3;}",
                "GEOSHAPE{1 POINT(0 0)} => { $weight: 3; }",
            ),
            ("ismissing(@tag)", "ISMISSING{tag}"),
            (
                "* => [KNN $k @v $B EF_RUNTIME 100]",
                "VECTOR {K=10 nearest vectors to `$B` in vector index associated with field @v, EF_RUNTIME = 100, yields distance as `__v_score`}",
            ),
            (
                "@v:[VECTOR_RANGE $r $B]=>{$epsilon: 1.2; $yield_distance_as:dist}",
                "VECTOR {Vectors that are within 0.1 distance radius from `$B` in vector index associated with field @v, epsilon = 1.2, yields distance as `dist`}",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text, 2), format!("{expected}\n"), "{text}");
        }
    }

    /// Blocks without their line ends and indents.
    fn folded(text: &str, dialect: u8) -> String {
        shown(text, dialect)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn conditions_of_parts() {
        let hello = "UNION { hello +hello(expanded) }";
        let running = "UNION { running +run(expanded) run(expanded) }";
        let cases = [
            ("hello", hello.to_owned()),
            ("running", running.to_owned()),
            ("@t:hello", "@t:UNION { @t:hello @t:+hello(expanded) }".to_owned()),
            ("\"what what\"", "EXACT { what what }".to_owned()),
            ("@bar!=0", "NOT{ NUMERIC {0.000000 <= @bar <= 0.000000} }".to_owned()),
            ("~hello", format!("OPTIONAL{{ {hello} }}")),
            ("%%hello%% @tag:{bye}", "INTERSECT { FUZZY{hello} TAG:@tag { bye } }".to_owned()),
            ("@tag:{w'*'}=>{$weight: 3;}", "TAG:@tag { WILDCARD{*} } => { $weight: 3; }".to_owned()),
            (
                "(@tag:{a}) => [KNN $k @v $B AS d]",
                "VECTOR { TAG:@tag { a } } => {K=10 nearest vectors to `$B` in vector index associated with field @v, yields distance as `d`}".to_owned(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(folded(text, 2), expected, "{text}");
        }
    }

    #[test]
    fn dialects_join_in_their_own_order() {
        let text = "(hello there9) \"what what\" hello|there9 @bar:[10 100]|@bar:[200 300]";
        let (hello, there) = (
            "UNION { hello +hello(expanded) }",
            "UNION { there9 +there9(expanded) }",
        );
        let range =
            |min: u32, max: u32| format!("NUMERIC {{{min}.000000 <= @bar <= {max}.000000}}");
        let (low, high) = (range(10, 100), range(200, 300));
        assert_eq!(
            folded(text, 1),
            format!(
                "INTERSECT {{ {hello} {there} EXACT {{ what what }} UNION {{ {hello} {there} }} UNION {{ {low} {high} }} }}"
            )
        );
        assert_eq!(
            folded(text, 2),
            format!(
                "UNION {{ INTERSECT {{ {hello} {there} EXACT {{ what what }} {hello} }} INTERSECT {{ {there} {low} }} {high} }}"
            )
        );
    }

    #[test]
    fn parts_are_indented() {
        let text = shown("%%hello%% @tag:{bye}", 2);
        let expected = [
            "INTERSECT {",
            "  FUZZY{hello}",
            "  TAG:@tag {",
            "    bye",
            "  }",
            "}",
            "",
        ];
        assert_eq!(lines(&text).collect::<Vec<_>>(), expected);
    }
}
