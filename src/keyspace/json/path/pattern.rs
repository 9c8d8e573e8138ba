//! Regular expressions of filters, in the syntax of Rust's `regex` crate as far as filters use it: literals, `.`, classes,
//! groups, alternatives, repetitions, anchors, word boundaries and the flags i, s and m. No back-references: a match takes
//! time in proportion to text and pattern, whatever they are (Thompson 1968: all alternatives are followed at once).

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    program: Vec<Step>,
}

/// Steps of a program, at most: `(a{100}){100}` would be many.
const STEPS_MAX: usize = 10_000;
/// Groups within each other, at most.
const NESTED_MAX: u32 = 50;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Takes a character of the class.
    Take(Class),
    /// Goes on at both places.
    Fork(usize, usize),
    Jump(usize),
    /// Goes on where this holds between two characters.
    Assert(Assertion),
    Match,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// A set of characters.
#[derive(Clone, Debug, Default, PartialEq)]
struct Class {
    items: Vec<Item>,
    is_negated: bool,
    ignores_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Range(char, char),
    /// A kind of characters, or (false) all others.
    Of(Kind, bool),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Digit,
    Word,
    Space,
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    ignores_case: bool,
    dot_takes_lines: bool,
    anchors_are_of_lines: bool,
}

impl Pattern {
    /// Compiles a pattern; none if it is malformed, too large, or uses what is not known here.
    pub fn parse(text: &str) -> Option<Pattern> {
        let mut compiler = Compiler {
            text,
            at: 0,
            nested: 0,
            options: Options::default(),
            program: Vec::new(),
        };
        compiler.alternatives()?;
        if compiler.at < text.len() {
            return None;
        }
        compiler.program.push(Step::Match);
        Some(Pattern {
            program: compiler.program,
        })
    }

    /// Steps that a search in `text` takes, about.
    pub fn cost(&self, text: &str) -> u64 {
        (self.program.len() * text.len()) as u64 / 64
    }

    /// Whether it matches all of `text`, or (`is_whole` is false) some part of it.
    pub fn matches(&self, text: &str, is_whole: bool) -> bool {
        let (mut now, mut next) = (States::new(self), States::new(self));
        let mut before = None;
        let mut chars = text.chars();
        loop {
            let after = chars.clone().next();
            if before.is_none() || !is_whole {
                now.add(self, 0, (before, after));
            }
            if now.has_matched && (!is_whole || after.is_none()) {
                return true;
            }
            let Some(c) = chars.next() else { return false };
            let following = chars.clone().next();
            for place in now.places.drain(..) {
                if let Step::Take(class) = &self.program[place]
                    && class.has(c)
                {
                    next.add(self, place + 1, (Some(c), following));
                }
            }
            now.clear();
            std::mem::swap(&mut now, &mut next);
            before = Some(c);
        }
    }
}

/// Where in the program a search is, all at once.
struct States {
    places: Vec<usize>,
    is_there: Vec<bool>,
    has_matched: bool,
}

impl States {
    fn new(pattern: &Pattern) -> States {
        States {
            places: Vec::new(),
            is_there: vec![false; pattern.program.len()],
            has_matched: false,
        }
    }

    fn clear(&mut self) {
        self.places.clear();
        self.is_there.fill(false);
        self.has_matched = false;
    }

    /// Adds a place and those that it leads to without a character; `around` are the characters before and after.
    fn add(&mut self, pattern: &Pattern, place: usize, around: (Option<char>, Option<char>)) {
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            if std::mem::replace(&mut self.is_there[place], true) {
                continue;
            }
            match &pattern.program[place] {
                Step::Take(_) => self.places.push(place),
                Step::Fork(a, b) => open.extend([*b, *a]),
                Step::Jump(to) => open.push(*to),
                Step::Assert(assertion) if assertion.holds(around) => open.push(place + 1),
                Step::Assert(_) => {}
                Step::Match => self.has_matched = true,
            }
        }
    }
}

impl Assertion {
    fn holds(self, (before, after): (Option<char>, Option<char>)) -> bool {
        let is_boundary = || before.is_some_and(is_word) != after.is_some_and(is_word);
        match self {
            Assertion::TextStart => before.is_none(),
            Assertion::TextEnd => after.is_none(),
            Assertion::LineStart => before.is_none_or(|c| c == '\n'),
            Assertion::LineEnd => after.is_none_or(|c| c == '\n'),
            Assertion::WordBoundary => is_boundary(),
            Assertion::NoWordBoundary => !is_boundary(),
        }
    }
}

impl Kind {
    fn has(self, c: char) -> bool {
        match self {
            Kind::Digit => c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric()),
            Kind::Word => is_word(c),
            Kind::Space => c.is_whitespace(),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl Class {
    fn of(c: char, options: Options) -> Class {
        Class {
            items: vec![Item::Range(c, c)],
            is_negated: false,
            ignores_case: options.ignores_case,
        }
    }

    fn has(&self, c: char) -> bool {
        let has = |c: char| {
            self.items.iter().any(|item| match item {
                Item::Range(from, to) => (*from..=*to).contains(&c),
                Item::Of(kind, yes) => kind.has(c) == *yes,
            })
        };
        let is_inside = has(c)
            || (self.ignores_case && (c.to_lowercase().any(has) || c.to_uppercase().any(has)));
        is_inside != self.is_negated
    }
}

struct Compiler<'t> {
    text: &'t str,
    at: usize,
    nested: u32,
    options: Options,
    program: Vec<Step>,
}

impl Compiler<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, word: &str) -> bool {
        let comes = self.text[self.at..].starts_with(word);
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    fn push(&mut self, step: Step) -> Option<()> {
        self.program.push(step);
        (self.program.len() < STEPS_MAX).then_some(())
    }

    fn alternatives(&mut self) -> Option<()> {
        let start = self.program.len();
        let mut ends = Vec::new();
        self.sequence()?;
        let mut branch = start;
        while self.take("|") {
            // What was compiled becomes the first way of a fork, the rest the second.
            ends.push(self.program.len());
            self.push(Step::Jump(0))?;
            self.insert(branch, Step::Fork(0, 0))?;
            ends.iter_mut()
                .for_each(|end| *end += usize::from(*end >= branch));
            branch = {
                let second = self.program.len();
                self.program[branch] = Step::Fork(branch + 1, second);
                second
            };
            self.sequence()?;
        }
        let end = self.program.len();
        ends.into_iter()
            .for_each(|at| self.program[at] = Step::Jump(end));
        Some(())
    }

    /// Puts a step in front of `at`; all that lies behind moves.
    fn insert(&mut self, at: usize, step: Step) -> Option<()> {
        self.program.insert(at, step);
        for step in &mut self.program[at..] {
            let moved = |place: &mut usize| *place += usize::from(*place >= at);
            match step {
                Step::Fork(a, b) => {
                    moved(a);
                    moved(b);
                }
                Step::Jump(to) => moved(to),
                _ => {}
            }
        }
        (self.program.len() < STEPS_MAX).then_some(())
    }

    fn sequence(&mut self) -> Option<()> {
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let start = self.program.len();
            self.atom()?;
            while self.repetition(start)? {}
        }
        Some(())
    }

    /// `*`, `+`, `?` or `{n,m}` behind what was compiled from `start` on; whether there was one.
    fn repetition(&mut self, start: usize) -> Option<bool> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => self.counts()?,
            _ => return Some(false),
        };
        self.next();
        // Lazy or not makes no difference to whether there is a match.
        self.take("?");
        let once: Vec<Step> = self.program.drain(start..).collect();
        for _ in 0..least {
            self.copy(&once, start)?;
        }
        match most {
            None => {
                let again = self.program.len();
                self.push(Step::Fork(again + 1, again + once.len() + 2))?;
                self.copy(&once, start)?;
                self.push(Step::Jump(again))?;
            }
            Some(most) => {
                for _ in least..most {
                    let here = self.program.len();
                    self.push(Step::Fork(here + 1, here + 1 + once.len()))?;
                    self.copy(&once, start)?;
                }
            }
        }
        Some(true)
    }

    /// Adds steps that were compiled to stand at `from`.
    fn copy(&mut self, steps: &[Step], from: usize) -> Option<()> {
        let here = self.program.len();
        for step in steps {
            let moved = |place: usize| place - from + here;
            self.push(match step {
                Step::Fork(a, b) => Step::Fork(moved(*a), moved(*b)),
                Step::Jump(to) => Step::Jump(moved(*to)),
                other => other.clone(),
            })?;
        }
        Some(())
    }

    /// `{n}`, `{n,}` or `{n,m}`, up to its last bracket.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let rest = &self.text[self.at + 1..];
        let end = rest.find('}')?;
        let (least, most) = match rest[..end].split_once(',') {
            None => {
                let count = rest[..end].parse().ok()?;
                (count, Some(count))
            }
            Some((least, "")) => (least.parse().ok()?, None),
            Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
        };
        self.at += 1 + end;
        let is_ordered = most.is_none_or(|most: usize| least <= most);
        let is_small = least.max(most.unwrap_or(0)) <= STEPS_MAX;
        (is_ordered && is_small).then_some((least, most))
    }

    fn atom(&mut self) -> Option<()> {
        let options = self.options;
        match self.next()? {
            '(' => self.group(),
            '[' => {
                let class = self.class()?;
                self.push(Step::Take(class))
            }
            '.' => {
                let mut class = Class {
                    is_negated: true,
                    ..Class::default()
                };
                if !options.dot_takes_lines {
                    class.items.push(Item::Range('\n', '\n'));
                }
                self.push(Step::Take(class))
            }
            '^' => self.push(Step::Assert(match options.anchors_are_of_lines {
                true => Assertion::LineStart,
                false => Assertion::TextStart,
            })),
            '$' => self.push(Step::Assert(match options.anchors_are_of_lines {
                true => Assertion::LineEnd,
                false => Assertion::TextEnd,
            })),
            '\\' => self.escape(),
            '*' | '+' | '?' | '{' => None,
            c => self.push(Step::Take(Class::of(c, options))),
        }
    }

    /// `(..)`, `(?:..)`, `(?P<name>..)`, `(?i-s:..)`, or `(?i)` for the rest of the group around it.
    fn group(&mut self) -> Option<()> {
        self.nested += 1;
        let around = self.options;
        if self.take("?P<") || self.take("?<") {
            while self.next()? != '>' {}
        } else if self.take("?") {
            let mut yes = true;
            loop {
                match self.next()? {
                    ':' => break,
                    ')' => {
                        self.nested -= 1;
                        return Some(());
                    }
                    '-' => yes = false,
                    'i' => self.options.ignores_case = yes,
                    's' => self.options.dot_takes_lines = yes,
                    'm' => self.options.anchors_are_of_lines = yes,
                    _ => return None,
                }
            }
        }
        if self.nested > NESTED_MAX {
            return None;
        }
        self.alternatives()?;
        self.options = around;
        self.nested -= 1;
        self.take(")").then_some(())
    }

    fn escape(&mut self) -> Option<()> {
        let assertion = match self.peek()? {
            'b' => Some(Assertion::WordBoundary),
            'B' => Some(Assertion::NoWordBoundary),
            'A' => Some(Assertion::TextStart),
            'z' => Some(Assertion::TextEnd),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.next();
            return self.push(Step::Assert(assertion));
        }
        let class = Class {
            items: vec![self.escaped_item()?],
            is_negated: false,
            ignores_case: self.options.ignores_case,
        };
        self.push(Step::Take(class))
    }

    /// What stands behind a backslash, inside a class or not.
    fn escaped_item(&mut self) -> Option<Item> {
        let c = match self.next()? {
            'd' => return Some(Item::Of(Kind::Digit, true)),
            'D' => return Some(Item::Of(Kind::Digit, false)),
            'w' => return Some(Item::Of(Kind::Word, true)),
            'W' => return Some(Item::Of(Kind::Word, false)),
            's' => return Some(Item::Of(Kind::Space, true)),
            'S' => return Some(Item::Of(Kind::Space, false)),
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'a' => '\u{7}',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            c if c.is_ascii_alphanumeric() => return None,
            c => c,
        };
        Some(Item::Range(c, c))
    }

    /// So many hexadecimal digits, or any number of them in braces.
    fn code(&mut self, digits: usize) -> Option<char> {
        let rest = &self.text[self.at..];
        let (text, len) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}')?;
                (&inner[..end], end + 2)
            }
            None => (rest.get(..digits)?, digits),
        };
        self.at += len;
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    }

    /// What follows `[`.
    fn class(&mut self) -> Option<Class> {
        let mut class = Class {
            is_negated: self.take("^"),
            ignores_case: self.options.ignores_case,
            items: Vec::new(),
        };
        // A bracket that comes first is itself.
        let mut is_first = true;
        while is_first || self.peek()? != ']' {
            is_first = false;
            let item = match self.next()? {
                // Classes within classes are not known here.
                '[' => return None,
                '\\' => self.escaped_item()?,
                c => Item::Range(c, c),
            };
            let is_range =
                self.text[self.at..].starts_with('-') && !self.text[self.at..].starts_with("-]");
            let (true, Item::Range(from, _)) = (is_range, &item) else {
                class.items.push(item);
                continue;
            };
            self.next();
            let to = match self.next()? {
                '\\' => self.escaped_item()?,
                c => Item::Range(c, c),
            };
            match to {
                Item::Range(to, _) if *from <= to => class.items.push(Item::Range(*from, to)),
                _ => return None,
            }
        }
        self.next();
        Some(class)
    }
}
