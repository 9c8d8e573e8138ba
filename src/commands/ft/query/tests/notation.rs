//! Trees in a notation that fits a table of cases.

use super::super::tree::{Affix, FieldMask, Kind, Node, Options, Query, TagValue, VectorTarget};
use crate::commands::ft::schema::Schema;

/// The query on one line.
pub(super) fn show(query: &Query, schema: &Schema) -> String {
    let mut line = node(&query.root, schema);
    if let Some(knn) = &query.knn {
        let field = &schema.fields[knn.field].name;
        let (k, name) = (knn.k, &knn.distance_name);
        line += &format!(
            " => {k} nearest {field} of {} as {name}",
            knn.target.parameter
        );
        line += &attributes(&knn.target);
    }
    line
}

fn node(node: &Node, schema: &Schema) -> String {
    let fields = fields(node.fields, schema);
    format!(
        "{fields}{}{}",
        kind(&node.kind, schema),
        options(&node.options)
    )
}

fn fields(mask: FieldMask, schema: &Schema) -> String {
    if mask.is_all() {
        return String::new();
    }
    let names = schema.text_fields().filter(|(bit, _)| mask.has(*bit));
    let names: Vec<&str> = names.map(|(_, field)| field.name.as_str()).collect();
    match names.is_empty() {
        true => "(none):".to_owned(),
        false => format!("{}:", names.join("|")),
    }
}

fn options(options: &Options) -> String {
    let mut text = String::new();
    if options.weight != 1.0 {
        text += &format!("^{}", options.weight);
    }
    if let Some(slop) = options.slop {
        text += &format!("~{slop}");
    }
    if options.in_order == Some(true) {
        text += " in order";
    }
    text
}

fn several(nodes: &[Node], sign: &str, schema: &Schema) -> String {
    let nodes: Vec<String> = nodes.iter().map(|one| node(one, schema)).collect();
    format!("({})", nodes.join(sign))
}

fn kind(kind: &Kind, schema: &Schema) -> String {
    let name = |field: &usize| schema.fields[*field].name.as_str();
    match kind {
        Kind::Nothing => "nothing".to_owned(),
        Kind::All => "all".to_owned(),
        Kind::And(nodes) => several(nodes, " ", schema),
        Kind::Or(nodes) => several(nodes, "|", schema),
        Kind::Not(inner) => format!("-{}", node(inner, schema)),
        Kind::Optional(inner) => format!("~{}", node(inner, schema)),
        Kind::Word(word) => word.text.clone(),
        Kind::Phrase(words) => format!("\"{}\"", words.join(" ")),
        Kind::Affix(part) => affix(part),
        Kind::Wildcard(pattern) => format!("w'{pattern}'"),
        Kind::Fuzzy { word, distance } => {
            let signs = "%".repeat(usize::from(*distance));
            format!("{signs}{word}{signs}")
        }
        Kind::Tag { field, values } => {
            let values: Vec<String> = values.iter().map(tag).collect();
            format!("{}{{{}}}", name(field), values.join("|"))
        }
        Kind::Numeric(range) => {
            let open = if range.includes_min { '[' } else { '(' };
            let close = if range.includes_max { ']' } else { ')' };
            format!(
                "{}{open}{} {}{close}",
                name(&range.field),
                range.min,
                range.max
            )
        }
        Kind::Geo(circle) => format!(
            "{}({} {} {} {})",
            name(&circle.field),
            circle.longitude,
            circle.latitude,
            circle.radius,
            circle.unit.word()
        ),
        Kind::Geoshape {
            field,
            relation,
            wkt,
        } => format!("{}({relation:?} {wkt})", name(field)),
        Kind::VectorRange(range) => {
            let distance = range.distance_name.as_ref();
            let distance = distance.map(|name| format!(" as {name}"));
            format!(
                "{} within {} of {}{}{}",
                name(&range.field),
                range.radius,
                range.target.parameter,
                distance.unwrap_or_default(),
                attributes(&range.target)
            )
        }
        Kind::Missing { field } => format!("missing({})", name(field)),
    }
}

fn affix(part: &Affix) -> String {
    let star = |is_there| if is_there { "*" } else { "" };
    format!(
        "{}{}{}",
        star(part.is_suffix),
        part.text,
        star(part.is_prefix)
    )
}

fn tag(value: &TagValue) -> String {
    match value {
        TagValue::Whole(text) => text.clone(),
        TagValue::Affix(part) => affix(part),
        TagValue::Wildcard(pattern) => format!("w'{pattern}'"),
    }
}

fn attributes(target: &VectorTarget) -> String {
    let attributes = target.attributes.iter();
    attributes
        .map(|(name, value)| format!(" {name}={value}"))
        .collect()
}
