//! Documents: text there and back, places, alterations.

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(node: Node<'_>) -> String {
    String::from_utf8(node.to_text()).expect("JSON text is UTF-8")
}

#[track_caller]
fn check_round_trip(given: &str, expected: &str) {
    assert_eq!(text(json(given).node()), expected);
    assert_eq!(json(expected), json(given));
}

#[test]
fn texts_keep_order_and_kinds_of_numbers() {
    check_round_trip(
        r#" { "b" : 1 , "a" : [ 1.0, -0, 2.50 ] } "#,
        r#"{"b":1,"a":[1.0,-0.0,2.5]}"#,
    );
    check_round_trip("18446744073709551615", "18446744073709551615");
    check_round_trip("-9223372036854775808", "-9223372036854775808");
    check_round_trip(
        "[1e308,1e-7,1e15,1e16,123456789012345680000]",
        "[1e308,1e-7,1000000000000000.0,1e16,1.2345678901234568e20]",
    );
    check_round_trip(r#""\u0001\n\"\\\/é""#, r#""\u0001\n\"\\/é""#);
    check_round_trip(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
    check_round_trip("[0.1,0.2,0.3,0.4,5]", "[0.1,0.2,0.3,0.4,5]");
}

#[test]
fn places_are_written_and_read() {
    let cases = [
        (Place::root(), "$"),
        (
            Place::new(vec![Step::Name("a b".into()), Step::At(3)]),
            "$[\"a b\"][3]",
        ),
        (Place::new(vec![Step::Name("it's".into())]), "$[\"it's\"]"),
        (Place::new(vec![Step::Name("\"".into())]), "$['\"']"),
        (
            Place::new(vec![Step::Name("'\"\\".into())]),
            "$[\"'\\\"\\\\\"]",
        ),
        (
            Place::new(vec![Step::Name("\n\u{0}".into())]),
            "$[\"\n\u{0}\"]",
        ),
        (Place::new(vec![Step::Name("".into())]), "$[\"\"]"),
    ];
    for (place, text) in cases {
        assert_eq!(place.to_string(), text);
        assert_eq!(Place::parse(text), Ok(place));
    }
    for text in ["$.*", "$..a", "$[-1]", "$[0,1]", "$[0:1]", "$["] {
        assert!(Place::parse(text).is_err(), "{text}");
    }
}

/// The edits of a random story, each applied to the document and to a plain tree of serde_json; the two stay equal, and the
/// bytes that are counted along the way are those of a count from scratch.
#[test]
fn edits_do_what_they_say_and_keep_count_of_bytes() {
    let seed = 20_261_126;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut document = Document::new(random.json(3));
    let mut twin = plain(document.root());
    for round in 0..20_000 {
        let found = JsonPath::parse("$..*")
            .unwrap()
            .locate(document.root())
            .unwrap();
        let mut places: Vec<Place> = found.into_iter().map(|found| found.place).collect();
        places.push(Place::root());
        let mut place = places.swap_remove(random.below(places.len()));
        if random.below(4) == 0 {
            place = place.then(match random.below(2) {
                0 => Step::At(random.below(6)),
                _ => Step::Name(format!("new {}", random.below(40)).into()),
            });
        }
        let edit = random.edit(&place);
        if edit.depth_at(&place) > 8
            || (document.bytes() > 100_000 && matches!(edit, Edit::Insert { .. } | Edit::Set(_)))
        {
            continue;
        }
        edit_plain(&mut twin, &place, &edit);
        document.edit(&place, edit.clone());
        let what = format!("seed {seed}, round {round}: {edit:?} at {place}");
        assert_eq!(plain(document.root()), twin, "{what}");
        assert_eq!(document.bytes(), document.root().heap_bytes(), "{what}");
    }
}

fn plain(node: Node<'_>) -> serde_json::Value {
    serde_json::from_slice(&node.to_text()).expect("the text of a node is JSON")
}

/// The same edits, on a tree without any of our own code.
fn edit_plain(root: &mut serde_json::Value, place: &Place, edit: &Edit) {
    use serde_json::Value;
    let text = |json: &Json| plain(json.node());
    let pointer = |steps: &[Step]| {
        let step = |step: &Step| match step {
            Step::At(at) => format!("/{at}"),
            Step::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        };
        steps.iter().map(step).collect::<String>()
    };
    if let (Edit::Set(value), Some((Step::Name(name), parent))) = (edit, place.steps().split_last())
    {
        if let Some(Value::Object(object)) = root.pointer_mut(&pointer(parent)) {
            object.insert(name.to_string(), text(value));
        }
        return;
    }
    if let (Edit::Delete, Some((last, parent))) = (edit, place.steps().split_last()) {
        match (root.pointer_mut(&pointer(parent)), last) {
            (Some(Value::Object(object)), Step::Name(name)) => drop(object.swap_remove(&**name)),
            (Some(Value::Array(elements)), Step::At(at)) if *at < elements.len() => {
                drop(elements.remove(*at))
            }
            _ => {}
        }
        return;
    }
    // A pointer takes "3" for an element of an array and for a member: only steps that fit count here.
    let Some(node) = root.pointer_mut(&pointer(place.steps())) else {
        return;
    };
    match (node, edit) {
        (node, Edit::Set(value)) => *node = text(value),
        (node, Edit::Merge(patch)) => merge_plain(node, &text(patch)),
        (Value::String(string), Edit::Append(suffix)) => string.push_str(suffix),
        (Value::Array(elements), Edit::Insert { at, values }) if *at <= elements.len() => {
            drop(elements.splice(at..at, values.iter().map(text)));
        }
        (Value::Array(elements), Edit::Pop { at }) if *at < elements.len() => {
            drop(elements.remove(*at))
        }
        (Value::Array(elements), Edit::Trim { start, len }) => {
            *elements = elements.iter().skip(*start).take(*len).cloned().collect();
        }
        _ => {}
    }
}

/// The pseudo code of RFC 7396, line by line.
fn merge_plain(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    for (name, value) in patch {
        let object = target.as_object_mut().expect("made an object");
        match value.is_null() {
            true => drop(object.swap_remove(name)),
            false => {
                let member = object.entry(name).or_insert(serde_json::Value::Null);
                merge_plain(member, value);
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Random(pub u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.draw() % n as u64) as usize
    }

    /// A value at most `depth` deep; with few names, so that they meet, and now and then with many.
    pub fn json(&mut self, depth: usize) -> Json {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Json::Null,
            1 => Json::Bool(self.below(2) == 0),
            2 | 3 => Json::Int(self.below(9) as i64 - 4),
            4 => Json::Float(self.below(16) as f64 / 4.0),
            5 => Json::Text(["", "a", "b", "ab", "\"'"][self.below(5)].into()),
            6 | 7 => {
                let elements = (0..self.below(5)).map(|_| self.json(depth - 1));
                Json::array(elements.collect())
            }
            8 => {
                let floats = (0..self.below(8)).map(|n| Json::Float(n as f64 / 2.0));
                Json::array(floats.collect())
            }
            _ => {
                let many = if self.below(8) == 0 { 30 } else { 4 };
                let member = |random: &mut Random| {
                    let name = ["a", "b", "c", "d", "'", "é", "a b"][random.below(7)];
                    let name = match random.below(3) {
                        0 => format!("{name}{}", random.below(20)),
                        _ => name.to_owned(),
                    };
                    (name.into(), random.json(depth - 1))
                };
                let members = (0..self.below(many)).map(|_| member(self));
                Json::Object(Box::new(Object::new(members.collect())))
            }
        }
    }

    fn edit(&mut self, place: &Place) -> Edit {
        match self.below(if place.is_root() { 5 } else { 8 }) {
            0 => Edit::Append("xy".into()),
            1 => {
                let values = (0..1 + self.below(3)).map(|_| self.json(1)).collect();
                Edit::Insert {
                    at: self.below(6),
                    values,
                }
            }
            2 => Edit::Pop { at: self.below(6) },
            3 => Edit::Trim {
                start: self.below(3),
                len: self.below(20),
            },
            4 => Edit::Merge(self.json(2)),
            5 => Edit::Delete,
            _ => Edit::Set(self.json(2)),
        }
    }
}
