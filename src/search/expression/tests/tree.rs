//! The slow twin of the evaluator: a random tree that is printed as an expression and evaluated by walking it.

#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(i32),
    Text(&'static str),
    Array(Vec<Json>),
    Object,
}

pub enum Tree {
    Constant(Json),
    Field(&'static str),
    Not(Box<Tree>),
    Pair(&'static str, Box<Tree>, Box<Tree>),
}

pub const FIELDS: [&str; 5] = ["a", "b", "c", "d-1", "e_2"];
pub const OPERATORS: [&str; 17] = [
    "and", "or", "&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "**",
];
const TEXTS: [&str; 6] = ["", "x", "xy", "10", "0", "-3"];

/// Seeded numbers: splitmix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) % sides as u64) as usize
    }

    pub fn json(&mut self, depth: usize) -> Json {
        match self.roll(if depth > 1 { 8 } else { 11 }) {
            0 => Json::Null,
            1 => Json::Bool(self.roll(2) == 0),
            2..5 => Json::Number(self.roll(12) as i32 - 3),
            5..8 => Json::Text(TEXTS[self.roll(TEXTS.len())]),
            8 | 9 => Json::Array((0..self.roll(4)).map(|_| self.json(depth + 1)).collect()),
            _ => Json::Object,
        }
    }

    pub fn tree(&mut self, depth: usize) -> Tree {
        match self.roll(if depth > 4 { 4 } else { 10 }) {
            0 => Tree::Constant(Json::Number(self.roll(12) as i32)),
            1 => Tree::Constant(self.constant()),
            2 | 3 => Tree::Field(FIELDS[self.roll(FIELDS.len())]),
            4 => Tree::Not(Box::new(self.tree(depth + 1))),
            _ => {
                let operator = OPERATORS[self.roll(OPERATORS.len())];
                Tree::Pair(
                    operator,
                    Box::new(self.tree(depth + 1)),
                    Box::new(self.tree(depth + 1)),
                )
            }
        }
    }

    fn constant(&mut self) -> Json {
        match self.roll(4) {
            0 => Json::Null,
            1 => Json::Array(
                (0..self.roll(4))
                    .map(|_| Json::Number(self.roll(12) as i32))
                    .collect(),
            ),
            _ => Json::Text(TEXTS[self.roll(TEXTS.len())]),
        }
    }
}

impl Json {
    pub fn print(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(is_true) => is_true.to_string(),
            Json::Number(number) => number.to_string(),
            Json::Text(text) => format!("\"{text}\""),
            Json::Array(members) => format!(
                "[{}]",
                members
                    .iter()
                    .map(Json::print)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Json::Object => "{\"a\": [1]}".into(),
        }
    }

    fn holds_object(&self) -> bool {
        match self {
            Json::Object => true,
            Json::Array(members) => members.iter().any(Json::holds_object),
            _ => false,
        }
    }
}

/// Values of the twin; an array of the attributes and one of the expression are the same here.
#[derive(Clone, Debug)]
pub enum Plain {
    Null,
    Number(f64),
    Text(String),
    List(Vec<Plain>),
}

impl Tree {
    pub fn print(&self) -> String {
        match self {
            Tree::Constant(json) => format!("{} ", json.print()),
            Tree::Field(name) => format!(".{name} "),
            Tree::Not(inner) => format!("(not {})", inner.print()),
            Tree::Pair(operator, left, right) => {
                format!("({} {operator} {})", left.print(), right.print())
            }
        }
    }

    /// None as soon as any field is missing.
    pub fn eval(&self, attributes: &[(&str, Json)]) -> Option<Plain> {
        let result = match self {
            Tree::Constant(json) => plain(json),
            Tree::Field(name) => {
                let (_, json) = attributes.iter().find(|(key, _)| key == name)?;
                (!json.holds_object()).then(|| plain(json))?
            }
            Tree::Not(inner) => truth(!is_true(&inner.eval(attributes)?)),
            Tree::Pair(operator, left, right) => {
                pair(operator, &left.eval(attributes)?, &right.eval(attributes)?)
            }
        };
        Some(result)
    }
}

fn plain(json: &Json) -> Plain {
    match json {
        Json::Null | Json::Object => Plain::Null,
        Json::Bool(is_true) => truth(*is_true),
        Json::Number(number) => Plain::Number(f64::from(*number)),
        Json::Text(text) => Plain::Text(text.to_string()),
        Json::Array(members) => Plain::List(members.iter().map(plain).collect()),
    }
}

fn truth(is_true: bool) -> Plain {
    Plain::Number(f64::from(u8::from(is_true)))
}

pub fn is_true(value: &Plain) -> bool {
    match value {
        Plain::Null => false,
        Plain::Number(number) => *number != 0.0,
        Plain::Text(text) => !text.is_empty(),
        Plain::List(_) => true,
    }
}

fn number(value: &Plain) -> f64 {
    match value {
        Plain::Number(number) => *number,
        Plain::Text(text) => text.parse().unwrap_or(0.0),
        Plain::Null | Plain::List(_) => 0.0,
    }
}

fn equals(a: &Plain, b: &Plain) -> bool {
    match (a, b) {
        (Plain::Text(a), Plain::Text(b)) => a == b,
        (Plain::Null, Plain::Null) => true,
        (Plain::Null, _) | (_, Plain::Null) => false,
        _ => number(a) == number(b),
    }
}

fn pair(operator: &str, left: &Plain, right: &Plain) -> Plain {
    let (a, b) = (number(left), number(right));
    match operator {
        "and" | "&&" => truth(is_true(left) & is_true(right)),
        "or" | "||" => truth(is_true(left) | is_true(right)),
        "==" => truth(equals(left, right)),
        "!=" => truth(!equals(left, right)),
        "<" => truth(a < b),
        "<=" => truth(a <= b),
        ">" => truth(a > b),
        ">=" => truth(a >= b),
        "+" => Plain::Number(a + b),
        "-" => Plain::Number(a - b),
        "*" => Plain::Number(a * b),
        "/" => Plain::Number(a / b),
        "%" => Plain::Number(a % b),
        "**" => Plain::Number(a.powf(b)),
        _ => match (left, right) {
            (_, Plain::List(members)) => truth(members.iter().any(|member| equals(left, member))),
            (Plain::Text(part), Plain::Text(text)) => truth(text.contains(part.as_str())),
            _ => truth(false),
        },
    }
}
