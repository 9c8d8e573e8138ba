//! What the server knows about each command, once: dispatch, arity, key positions, permissions, COMMAND DOCS, the pages under
//! docs/commands/ and the tests that replay the examples all read this.

use super::error::Result;
use super::{Call, Context, Session};
use crate::engine::Access;
use crate::protocol::{Reply, Request, number};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::OnceLock;

/// One command, or one subcommand of a container (`CONFIG|GET`).
pub struct Command {
    /// Name in upper case; a subcommand as `CONTAINER|SUB`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its family.
    pub group: Group,
    /// The version of the server that defined it first (Redis' for its commands, ours for native ones).
    pub since: &'static str,
    /// Time, as people write it.
    pub complexity: &'static str,
    /// The words after the name.
    pub args: &'static [Arg],
    /// Properties.
    pub flags: Flags,
    /// Where it may run.
    pub class: Class,
    /// Requests with the replies that redis-cli would show (RESP2); replayed in order against an empty server.
    pub examples: &'static [(&'static str, &'static str)],
    /// Key positions, where the first key argument does not tell them.
    pub keys: Option<KeyPositions>,
    /// What it does to its keys, in the words of COMMAND GETKEYSANDFLAGS, where [`Command::flags`] do not tell it.
    pub key_flags: &'static [&'static str],
    /// The same of the keys after the first, where it does something else to them.
    pub later_key_flags: &'static [&'static str],
    /// ACL categories beyond those that flags and group tell.
    pub categories: &'static [&'static str],
    /// Arity as clients expect it, where the arguments do not tell it (negative: at least).
    pub arity: Option<i64>,
    /// Its own error lines, each with when it comes; for the pages. Lines that any command may give are not repeated here.
    pub errors: &'static [(&'static str, &'static str)],
    /// What the fields of its reply say, where that is a map; for the pages.
    pub reply: Option<&'static ReplyFields>,
    /// What it does.
    pub run: fn(&mut Call) -> Result,
    /// How its requests run together, where several stand next to each other in a pipeline.
    pub together: Option<Together>,
}

/// A key and an element of it.
pub type About<'r> = (&'r [u8], &'r [u8]);

/// One for each request, in their order.
pub type Results = Vec<Result>;

/// Requests of one command that change different things may run on all cores.
#[derive(Clone, Copy)]
pub struct Together {
    /// Whether other cores are worth it for such requests now.
    pub pays: fn(&Context, &Request) -> bool,
    /// The key and the element that a request is about, if it can be told; anything else is left to `run`. Where different keys
    /// run together they count as elements of one that has no name.
    pub about: fn(&Request) -> Option<About<'_>>,
    /// Runs requests about different elements of one key of this database, in their order; none, and nothing done, where they have to run one
    /// by one.
    pub run: fn(&Access, usize, &[Request]) -> Result<Option<Results>>,
}

/// Defaults for the fields that most commands leave alone: `..COMMAND`.
pub const COMMAND: Command = Command {
    name: "",
    summary: "",
    group: Group::Server,
    since: "1.0.0",
    complexity: "O(1)",
    args: &[],
    flags: Flags(0),
    class: Class::Inline,
    examples: &[],
    keys: None,
    key_flags: &[],
    later_key_flags: &[],
    categories: &[],
    arity: None,
    errors: &[],
    reply: None,
    run: |_| Ok(Reply::ok()),
    together: None,
};

/// A map in a reply, explained for the pages.
pub struct ReplyFields {
    /// Headline of its section.
    pub title: &'static str,
    /// Where it stands in the reply, and what holds for all fields.
    pub about: &'static str,
    /// The fields, in the order of the reply.
    pub fields: &'static [Field],
}

/// One field of a map in a reply.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What kind of reply its value is: `integer`, `double`, `boolean` or `simple string`.
    pub kind: &'static str,
    /// The unit of its value; empty where it has none.
    pub unit: &'static str,
    /// What it tells, in sentences.
    pub what: &'static str,
}

/// A word, or a group of words, of a request.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// A key.
    Key(&'static str),
    /// Any bytes.
    Str(&'static str),
    /// A 64-bit integer.
    Int(&'static str),
    /// A float.
    Double(&'static str),
    /// A time in seconds or milliseconds since 1970.
    Time(&'static str),
    /// A glob pattern.
    Pattern(&'static str),
    /// A fixed word.
    Token(&'static str),
    /// A fixed word and what follows it.
    Option(&'static str, &'static [Arg]),
    /// May be left out.
    Optional(&'static Arg),
    /// Once or more.
    Multiple(&'static Arg),
    /// One of these.
    OneOf(&'static [Arg]),
    /// These, in order.
    Block(&'static [Arg]),
}

/// The families, as COMMAND DOCS and the pages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Keys of any type.
    Generic,
    /// Strings.
    String,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Lists.
    List,
    /// Hashes.
    Hash,
    /// JSON documents.
    Json,
    /// Indexes over documents.
    Search,
    /// Vector sets and native collections.
    VectorSet,
    /// One client's connection.
    Connection,
    /// The server.
    Server,
    /// MULTI and its kin.
    Transactions,
}

impl Group {
    /// Its name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::List => "list",
            Group::Hash => "hash",
            Group::Json | Group::Search | Group::VectorSet => "module",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
        }
    }

    /// Its headline in the index of the pages.
    pub fn title(self) -> &'static str {
        match self {
            Group::Generic => "Keys",
            Group::String => "Strings",
            Group::Set => "Sets",
            Group::SortedSet => "Sorted sets",
            Group::List => "Lists",
            Group::Hash => "Hashes",
            Group::Json => "JSON documents",
            Group::Search => "Search",
            Group::VectorSet => "Vectors",
            Group::Connection => "Connection",
            Group::Server => "Server",
            Group::Transactions => "Transactions",
        }
    }

    /// The module of Redis that has its commands, if they are in one.
    pub fn module(self) -> Option<&'static str> {
        match self {
            Group::Json => Some("ReJSON"),
            Group::Search => Some("search"),
            Group::VectorSet => Some("vectorset"),
            _ => None,
        }
    }

    /// Its ACL category.
    pub fn category(self) -> Option<&'static str> {
        match self {
            Group::Generic => Some("@keyspace"),
            Group::String => Some("@string"),
            Group::Set => Some("@set"),
            Group::SortedSet => Some("@sortedset"),
            Group::List => Some("@list"),
            Group::Hash => Some("@hash"),
            Group::Json => Some("@json"),
            Group::Search => Some("@search"),
            Group::VectorSet => Some("@vectorset"),
            Group::Connection => Some("@connection"),
            Group::Server => None,
            Group::Transactions => Some("@transaction"),
        }
    }
}

/// Properties of a command, combined with `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// Changes data.
    pub const WRITE: Flags = Flags(1);
    /// Only looks.
    pub const READONLY: Flags = Flags(1 << 1);
    /// Refused when memory is short.
    pub const DENYOOM: Flags = Flags(1 << 2);
    /// Constant or logarithmic time.
    pub const FAST: Flags = Flags(1 << 3);
    /// For operators.
    pub const ADMIN: Flags = Flags(1 << 4);
    /// Works before AUTH.
    pub const NO_AUTH: Flags = Flags(1 << 5);
    /// Works while loading.
    pub const LOADING: Flags = Flags(1 << 6);
    /// Not inside MULTI.
    pub const NO_MULTI: Flags = Flags(1 << 7);
    /// Works on a replica that lost its primary.
    pub const STALE: Flags = Flags(1 << 8);
    /// Not logged as slow.
    pub const SKIP_SLOWLOG: Flags = Flags(1 << 9);
    /// Looks at or changes whole databases: inside EXEC it takes the world.
    pub const WORLD: Flags = Flags(1 << 10);
    /// Category @dangerous.
    pub const DANGEROUS: Flags = Flags(1 << 11);
    /// Works on a RESP2 connection that subscribed.
    pub const PUBSUB: Flags = Flags(1 << 12);
    /// Not for scripts.
    pub const NO_SCRIPT: Flags = Flags(1 << 13);
    /// Refused unless an option of the server allows it.
    pub const PROTECTED: Flags = Flags(1 << 14);
    /// Its arguments hold secrets.
    pub const SECRET: Flags = Flags(1 << 15);

    /// Whether all properties of `other` are there.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// Combines properties in a constant.
pub const fn flags(all: &[Flags]) -> Flags {
    let (mut bits, mut i) = (0, 0);
    while i < all.len() {
        bits |= all[i].0;
        i += 1;
    }
    Flags(bits)
}

/// Where a command runs.
#[derive(Clone, Copy)]
pub enum Class {
    /// On the connection's own thread.
    Inline,
    /// Never there: this may keep it.
    Aside(Delay),
    /// On the connection's own thread if it is predicted to take less than [`INLINE_US_MAX`] microseconds.
    Predicted(fn(&Context, &Session, &Request) -> u64),
    /// On the connection's own thread, where it refuses with [`Refusal::NotHere`](super::error::Refusal::NotHere) if it finds out that it would take longer: only
    /// its words, once they are read, tell that. A transaction, which cannot be left on the way, goes aside for it.
    Begun,
}

/// What keeps a command from being answered on a thread that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Somebody else is at the same keys, or may be: it waits for him, and wants no core meanwhile.
    Keys,
    /// Somebody reads the postings of an index for long, which it has to change.
    Postings,
    /// It computes, but not for long.
    Brief,
    /// It computes for long, or nobody knows.
    Long,
}

impl Delay {
    /// What keeps a command that takes so many microseconds.
    pub fn of(us: u64) -> Option<Delay> {
        if us <= INLINE_US_MAX {
            return None;
        }
        Some(match us <= BRIEF_US_MAX {
            true => Delay::Brief,
            false => Delay::Long,
        })
    }
}

/// A command that is predicted to take longer than this goes aside.
pub const INLINE_US_MAX: u64 = 200;

/// One that is predicted to take less than this does not queue behind those that take longer.
const BRIEF_US_MAX: u64 = 5_000;

/// Words and bytes of requests that take too long to read for finding out on the way what they take.
const BEGUN_WORDS_MAX: usize = 256;
/// See [`BEGUN_WORDS_MAX`].
const BEGUN_BYTES_MAX: usize = 64 * 1024;

/// Positions of keys in a request (the name is word 0), as COMMAND INFO gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPositions {
    /// First key; 0: none.
    pub first: i64,
    /// Last key; negative: counted from the end.
    pub last: i64,
    /// From one key to the next.
    pub step: i64,
}

/// No key, or none at a fixed position.
pub const NO_KEYS: KeyPositions = KeyPositions {
    first: 0,
    last: 0,
    step: 0,
};

/// Every command and subcommand.
pub struct Table {
    commands: Vec<&'static Command>,
    facts: Vec<Facts>,
    top_level: Vec<&'static str>,
    names: HashMap<&'static [u8], Name, FixedState>,
}

/// What requests ask of an entry again and again, worked out once.
struct Facts {
    arity: i64,
    lower_name: String,
}

/// What a name stands for; at least one of the two.
#[derive(Clone, Copy, Default)]
struct Name {
    command: Option<usize>,
    container: Option<&'static str>,
}

/// What a request's first words name.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A command (by its place in the table), and how many words name it.
    Found(usize, usize),
    /// A container without this subcommand (or without any).
    UnknownSubcommand(&'static str),
    /// A container called without a subcommand.
    ContainerAlone(&'static str),
    /// Nothing.
    Unknown,
}

impl Table {
    /// All commands, in the order of the families.
    pub fn all() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Table::new(super::FAMILIES))
    }

    fn new(families: &[&'static [Command]]) -> Table {
        let commands: Vec<&'static Command> =
            families.iter().flat_map(|family| family.iter()).collect();
        // The names come from the source, so nobody can choose them to collide: a fixed seed will do.
        let mut names: HashMap<&'static [u8], Name, FixedState> = HashMap::default();
        let mut top_level = Vec::new();
        for (place, command) in commands.iter().enumerate() {
            let (first, sub) = command.name.split_once('|').unzip();
            let first = first.unwrap_or(command.name);
            if !names.contains_key(first.as_bytes()) {
                top_level.push(first);
            }
            let name = names.entry(first.as_bytes()).or_default();
            name.container = name.container.or(sub.map(|_| first));
            names.entry(command.name.as_bytes()).or_default().command = Some(place);
        }
        let facts = commands.iter().map(|command| Facts {
            arity: command.arity(),
            lower_name: command.lower_name(),
        });
        Table {
            facts: facts.collect(),
            top_level,
            commands,
            names,
        }
    }

    /// The commands, in table order; statistics are counted by this place.
    pub fn commands(&self) -> &[&'static Command] {
        &self.commands
    }

    /// The names of commands and containers, without subcommands, in table order.
    pub fn top_level(&self) -> &[&'static str] {
        &self.top_level
    }

    /// The lower-case name of the command at a place.
    pub fn lower_name(&self, place: usize) -> &str {
        &self.facts[place].lower_name
    }

    /// Whether a request of `words` words fits the command at a place.
    pub fn accepts(&self, place: usize, words: usize) -> bool {
        fits(self.facts[place].arity, words)
    }

    /// The command of this name (any case; `config|get` for a subcommand).
    pub fn get(&self, name: &[u8]) -> Option<usize> {
        let upper = UpperName::of(name)?;
        self.names.get(upper.as_bytes())?.command
    }

    /// The container of this name (any case), as the table writes it.
    pub fn container(&self, name: &[u8]) -> Option<&'static str> {
        let upper = UpperName::of(name)?;
        self.names.get(upper.as_bytes())?.container
    }

    /// The places of the subcommands of a container (upper case).
    pub fn subcommands(&self, container: &str) -> impl Iterator<Item = usize> + use<'_> {
        let container = container.to_owned();
        let is_inside = move |command: &Command| {
            let parts = command.name.split_once('|');
            parts.is_some_and(|(name, _)| name == container)
        };
        (0..self.commands.len()).filter(move |place| is_inside(self.commands[*place]))
    }

    /// What the request asks for. Runs for every request, so it allocates nothing.
    pub fn lookup(&self, request: &Request) -> Lookup {
        let word = request.arg(0);
        let Some(mut upper) = UpperName::of(word).filter(|_| !word.contains(&b'|')) else {
            return Lookup::Unknown;
        };
        let Some(name) = self.names.get(upper.as_bytes()) else {
            return Lookup::Unknown;
        };
        let plain = name.command.map(|place| Lookup::Found(place, 1));
        let Some(container) = name.container else {
            return plain.unwrap_or(Lookup::Unknown);
        };
        let Some(sub) = request.get(1) else {
            return plain.unwrap_or(Lookup::ContainerAlone(container));
        };
        let full = (upper.push(b"|") && upper.push(sub)).then_some(upper);
        full.and_then(|full| self.names.get(full.as_bytes())?.command)
            .map_or(Lookup::UnknownSubcommand(container), |place| {
                Lookup::Found(place, 2)
            })
    }
}

/// The longest name that a command may have; longer ones are unknown without a look.
const NAME_BYTES_MAX: usize = 48;

/// A name in upper case, on the stack.
struct UpperName {
    bytes: [u8; NAME_BYTES_MAX],
    len: usize,
}

impl UpperName {
    fn of(name: &[u8]) -> Option<UpperName> {
        let mut upper = UpperName {
            bytes: [0; NAME_BYTES_MAX],
            len: 0,
        };
        upper.push(name).then_some(upper)
    }

    /// Adds a part; false, and nothing added, when it does not fit.
    fn push(&mut self, part: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(self.len..self.len + part.len()) else {
            return false;
        };
        room.copy_from_slice(part);
        room.make_ascii_uppercase();
        self.len += part.len();
        true
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn fits(arity: i64, words: usize) -> bool {
    let words = words as i64;
    if arity >= 0 {
        words == arity
    } else {
        words >= -arity
    }
}

impl Command {
    /// Name as error lines and statistics have it: lower case.
    pub fn lower_name(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// Name as COMMAND shows it: lower case, but for vector commands, whose names Redis' module has in upper case.
    pub fn shown_name(&self) -> String {
        match self.group {
            Group::VectorSet => self.name.to_owned(),
            _ => self.lower_name(),
        }
    }

    /// Number of words of a request, the name included: exact, or negative for "at least".
    pub fn arity(&self) -> i64 {
        if let Some(arity) = self.arity {
            return arity;
        }
        let names = 1 + i64::from(self.name.contains('|'));
        let (least, is_open) = self
            .args
            .iter()
            .map(Arg::words)
            .fold((0, false), |(n, open), (m, o)| (n + m, open || o));
        if is_open {
            -(names + least)
        } else {
            names + least
        }
    }

    /// Why it must not run on a connection's own thread, if it must not.
    pub fn delay(&self, context: &Context, session: &Session, request: &Request) -> Option<Delay> {
        match self.class {
            Class::Inline => None,
            Class::Aside(delay) => Some(delay),
            Class::Begun => {
                let is_long =
                    request.len() > BEGUN_WORDS_MAX || request.byte_len() > BEGUN_BYTES_MAX;
                is_long.then_some(Delay::Long)
            }
            Class::Predicted(cost) => Delay::of(cost(context, session, request)),
        }
    }

    /// Microseconds that it is predicted to take at most, as far as anybody needs to know.
    pub fn predicted_us(&self, context: &Context, session: &Session, request: &Request) -> u64 {
        match self.class {
            Class::Inline => 0,
            Class::Aside(_) | Class::Begun => u64::MAX,
            Class::Predicted(cost) => cost(context, session, request),
        }
    }

    /// Where its keys are; of those that a word of the request counts the ones in front of that word.
    pub fn key_positions(&self) -> KeyPositions {
        if self.counted_keys().is_some() {
            return match self.args {
                [Arg::Key(_), ..] => KeyPositions {
                    first: 1,
                    last: 1,
                    step: 1,
                },
                _ => NO_KEYS,
            };
        }
        self.keys.unwrap_or_else(|| self.derived_keys())
    }

    /// Whether requests name keys.
    pub fn has_keys(&self) -> bool {
        self.counted_keys().is_some() || self.key_positions().first > 0
    }

    /// Where keys begin that the word in front of them counts (`numkeys key ...`), and the step from one to the next.
    pub fn counted_keys(&self) -> Option<(usize, usize)> {
        let at = self
            .args
            .windows(2)
            .position(|pair| matches!(pair, [Arg::Int("numkeys"), Arg::Multiple(_)]))?;
        let step = match self.args[at + 1] {
            Arg::Multiple(Arg::Block(words)) => words.len(),
            _ => 1,
        };
        let before = self.args[..=at]
            .iter()
            .map(|arg| arg.words().0)
            .sum::<i64>();
        Some((1 + before as usize, step))
    }

    /// Whether a request has as many keys as it says, and at least one, where it says that.
    pub fn has_all_counted_keys(&self, request: &Request) -> bool {
        let Some((first, step)) = self.counted_keys() else {
            return true;
        };
        let count = request.get(first - 1).and_then(number::parse_u64);
        let keys_left = request.len().saturating_sub(first).div_ceil(step);
        count.is_some_and(|count| count > 0 && count <= keys_left as u64)
    }

    /// The keys of a request that fits.
    pub fn keys_of<'r>(
        &self,
        request: &'r Request,
    ) -> impl Iterator<Item = &'r [u8]> + Clone + use<'r> {
        let fixed = self.key_positions();
        let in_front = match self.counted_keys() {
            Some(_) => fixed.first as usize..fixed.last as usize + usize::from(fixed.first > 0),
            None => 0..0,
        };
        let (first, end, step) = match self.counted_keys() {
            Some((first, step)) => {
                let count = request.get(first - 1).and_then(number::parse_u64);
                let words = (count.unwrap_or(0) as usize).saturating_mul(step);
                let end = first.saturating_add(words).min(request.len());
                (first, end, step)
            }
            None => {
                let KeyPositions { first, last, step } = fixed;
                let from_end = if last < 0 { request.len() as i64 } else { 0 };
                let end = if first > 0 { last + from_end + 1 } else { 0 };
                (first as usize, end.max(0) as usize, step.max(1) as usize)
            }
        };
        in_front
            .chain((first..end).step_by(step))
            .filter_map(|i| request.get(i))
    }

    fn derived_keys(&self) -> KeyPositions {
        let mut at = 1 + i64::from(self.name.contains('|'));
        for arg in self.args {
            match arg {
                Arg::Key(_) => {
                    let run = self.args.iter().skip_while(|a| !matches!(a, Arg::Key(_)));
                    let keys = run.take_while(|a| matches!(a, Arg::Key(_))).count() as i64;
                    return KeyPositions {
                        first: at,
                        last: at + keys - 1,
                        step: 1,
                    };
                }
                Arg::Multiple(Arg::Key(_)) => {
                    return KeyPositions {
                        first: at,
                        last: -1,
                        step: 1,
                    };
                }
                Arg::Multiple(Arg::Block([Arg::Key(_), rest @ ..])) => {
                    return KeyPositions {
                        first: at,
                        last: -1,
                        step: 1 + rest.len() as i64,
                    };
                }
                other => at += other.words().0,
            }
        }
        NO_KEYS
    }
}

impl Arg {
    /// Least number of words, and whether there may be more.
    fn words(&self) -> (i64, bool) {
        match self {
            Arg::Optional(_) => (0, true),
            Arg::Multiple(arg) => (arg.words().0, true),
            Arg::Option(_, args) => args
                .iter()
                .map(Arg::words)
                .fold((1, false), |(n, open), (m, o)| (n + m, open || o)),
            Arg::Block(args) => args
                .iter()
                .map(Arg::words)
                .fold((0, false), |(n, open), (m, o)| (n + m, open || o)),
            Arg::OneOf(args) => {
                let all: Vec<(i64, bool)> = args.iter().map(Arg::words).collect();
                let least = all.iter().map(|(n, _)| *n).min().unwrap_or(0);
                (least, all.iter().any(|(n, open)| *open || *n != least))
            }
            _ => (1, false),
        }
    }
}

#[cfg(test)]
mod tests;
