//! An expression over columns, 64 slots at a time: cells are loaded into arrays, and each operator makes a word of 64 bits or an
//! array of 64 numbers of them. Where cells hold anything but numbers, or operands can not be told from their cells alone, those
//! slots are gone through one by one with the values of eval.rs. So a slot gets the verdict that its attributes would get, or
//! none: then its attributes have to be asked.

use super::eval::{self, Value};
use super::lex::{Literal, Operator};
use super::parse::{Program, Step};
use super::tuple::Members;
use crate::kernels::{self, Kernels, Relation};
use crate::keyspace::columns::{BLOCK, Cell, Column, Columns, Dictionary, Held, fence_after_loads};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

/// Longer programs are not compiled to a tree, whose depth the stack has to bear.
const STEPS_MAX: usize = 128;
/// Tuples of more members are looked up, not compared with one by one.
const COMPARED_MEMBERS_MAX: usize = 4;
/// How often cells of several columns are read, while writers come between, before the attributes are asked.
const READS_MAX: usize = 4;
/// Going through a block, in nanoseconds: its fixed part.
const BLOCK_NS: f64 = 6.0;
/// Loading the 64 cells of one column.
const LOAD_NS: f64 = 10.0;
/// Going through them once.
const PASS_NS: f64 = 3.0;
/// Going through 64 slots one by one.
const EACH_NS: f64 = 1_000.0;
/// Testing one slot by itself: its fixed part, and each step of the program.
const ONE_NS: f64 = 22.0;
/// See [`ONE_NS`].
const STEP_NS: f64 = 6.0;

/// What is known of 64 slots, slot `64 * block + i` at bit i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Those that pass.
    pub passes: u64,
    /// Those whose attributes have to be asked.
    pub unknown: u64,
}

/// See the head of the file. For one search, in one thread.
pub struct OverColumns<'a> {
    program: &'a Program,
    kernels: &'static Kernels,
    columns: Vec<Arc<Column>>,
    root: Mask,
    cells: RefCell<Vec<[u64; BLOCK]>>,
}

/// Something that is true or false for each slot. Fields by their place in the program's list.
enum Mask {
    Constant(bool),
    /// The field as a truth value.
    Truth(usize),
    NotZero(Number),
    Compare(Number, Operator, Number),
    EqualsNumber(usize, f64),
    EqualsText(usize, Text),
    IsNull(usize),
    Any(Vec<Mask>),
    /// The field is a member of a tuple.
    IsMember(usize, Members),
    /// The literal is in the field, by what is known of each code: 0 nothing, 1 no, 2 yes.
    Holds(usize, Literal, RefCell<Vec<u8>>),
    /// Anything else, slot by slot: `==` or `in`.
    Each(Operand, Operator, Operand),
    Not(Box<Mask>),
    And(Box<Mask>, Box<Mask>),
    Or(Box<Mask>, Box<Mask>),
}

/// A number for each slot.
enum Number {
    Constant(f64),
    /// The field as a number.
    Field(usize),
    Truth(Box<Mask>),
    Apply(Operator, Box<Number>, Box<Number>),
}

/// A value for each slot.
enum Operand {
    Field(usize),
    Literal(Literal),
    Number(Number),
}

/// A string to compare with.
pub(super) struct Text {
    pub(super) bytes: Box<[u8]>,
    /// Its code, if the dictionary has it.
    pub(super) code: Option<u32>,
    /// Codes from here on came later; what they stand for has to be looked at.
    pub(super) codes_end: u32,
    pub(super) number: f64,
}

impl Text {
    pub(super) fn new(bytes: &[u8], dictionary: &Dictionary) -> Text {
        Text {
            bytes: bytes.into(),
            codes_end: dictionary.len() as u32,
            code: dictionary.find(bytes, false),
            number: crate::keyspace::attributes::number_of(bytes),
        }
    }
}

/// What stands on the stack while the tree is made.
enum Part {
    Field(usize),
    Literal(Literal),
    Number(Number),
    Mask(Mask),
}

impl<'a> OverColumns<'a> {
    pub(super) fn compile(
        program: &'a Program,
        columns: Vec<Arc<Column>>,
    ) -> Option<OverColumns<'a>> {
        if program.steps.len() > STEPS_MAX || program.fields.is_empty() {
            return None;
        }
        assert_eq!(columns.len(), program.fields.len(), "a column a field");
        let mut stack = Vec::with_capacity(program.depth_max);
        for step in &program.steps {
            let part = match step {
                Step::Literal(literal) => Part::Literal(literal.clone()),
                Step::Field(place) => Part::Field(*place),
                Step::Apply(Operator::Not) => Part::Mask(Mask::Not(Box::new(mask(stack.pop()?)))),
                Step::Apply(operator) => {
                    let right = stack.pop()?;
                    combine(*operator, stack.pop()?, right, &columns)
                }
            };
            stack.push(part);
        }
        Some(OverColumns {
            program,
            kernels: kernels::best(),
            root: mask(stack.pop()?),
            cells: RefCell::new(vec![[0; BLOCK]; columns.len()]),
            columns,
        })
    }

    /// What the columns tell of those slots of a block that are `wanted`; of others, as much as comes by the way.
    pub fn test(&self, block: usize, wanted: u64, owner: &Columns) -> Verdicts {
        let mut cells = self.cells.borrow_mut();
        if !self.load(owner, &mut cells, |column, cells| column.load(block, cells)) {
            return Verdicts {
                passes: 0,
                unknown: wanted,
            };
        }
        let (mut missing, mut unknown) = (0, 0);
        let mut special = SmallVec::<[u64; 4]>::new();
        for cells in cells.iter() {
            let here = (self.kernels.relate)(cells, Relation::IsNan, 0.0);
            special.push(here);
            // Most columns hold numbers for the most part.
            if here != 0 {
                missing |= (self.kernels.find)(cells, Cell::MISSING.bits());
                unknown |= bits_of(cells, |cell| Cell::from_bits(cell).is_unknown());
            }
        }
        let known = wanted & !missing & !unknown;
        let block = Block {
            kernels: self.kernels,
            columns: &self.columns,
            cells: &cells,
            special: &special,
        };
        Verdicts {
            passes: if known == 0 {
                0
            } else {
                block.mask(&self.root, known) & known
            },
            // A missing field decides, whatever the unknown ones are.
            unknown: wanted & unknown & !missing,
        }
    }

    /// What the columns tell of one slot, if they do.
    pub fn test_one(&self, slot: u32, owner: &Columns) -> Option<bool> {
        let mut cells = SmallVec::<[Cell; 4]>::from_elem(Cell::UNKNOWN, self.columns.len());
        let load = |column: &Column, cell: &mut Cell| *cell = column.get(slot);
        if !self.load(owner, &mut cells, load) {
            return None;
        }
        if cells.contains(&Cell::MISSING) {
            return Some(false);
        }
        let is_known = !cells.iter().any(|cell| cell.is_unknown());
        let value = |place: usize| value(&self.columns[place], cells[place].held());
        is_known.then(|| eval::run_over(self.program, value))
    }

    /// Loads from each column, all as they were at one time; whether that was to be had.
    fn load<T>(&self, owner: &Columns, into: &mut [T], load: impl Fn(&Column, &mut T)) -> bool {
        for _ in 0..READS_MAX {
            let stamp = owner.stamp();
            for (column, into) in self.columns.iter().zip(&mut *into) {
                load(column, into);
            }
            fence_after_loads();
            let is_one_time = stamp.is_some_and(|stamp| owner.is_current(stamp));
            if is_one_time || self.columns.len() == 1 {
                return true;
            }
            std::hint::spin_loop();
        }
        false
    }

    /// The fields that it looks at.
    pub fn fields_count(&self) -> usize {
        self.columns.len()
    }

    /// Expected time for a slot by itself, in nanoseconds.
    pub fn one_ns(&self) -> f64 {
        ONE_NS + STEP_NS * self.program.steps.len() as f64
    }

    /// Expected time for a block, in nanoseconds.
    pub fn block_ns(&self) -> f64 {
        BLOCK_NS + LOAD_NS * self.columns.len() as f64 + self.root.block_ns()
    }
}

impl Mask {
    fn block_ns(&self) -> f64 {
        match self {
            Mask::Constant(_) => 0.0,
            Mask::Truth(_) | Mask::IsNull(_) => PASS_NS,
            Mask::EqualsNumber(..) | Mask::EqualsText(..) => 2.0 * PASS_NS,
            Mask::NotZero(number) => PASS_NS + number.block_ns(),
            Mask::Compare(left, _, right) => PASS_NS + left.block_ns() + right.block_ns(),
            Mask::Any(parts) => parts.iter().map(Mask::block_ns).sum(),
            Mask::IsMember(..) | Mask::Holds(..) | Mask::Each(..) => EACH_NS,
            Mask::Not(inner) => inner.block_ns(),
            Mask::And(left, right) | Mask::Or(left, right) => left.block_ns() + right.block_ns(),
        }
    }
}

impl Number {
    fn block_ns(&self) -> f64 {
        match self {
            Number::Constant(_) => PASS_NS,
            Number::Field(_) => 2.0 * PASS_NS,
            Number::Truth(mask) => PASS_NS + mask.block_ns(),
            Number::Apply(_, left, right) => 2.0 * PASS_NS + left.block_ns() + right.block_ns(),
        }
    }
}

/// The part as a truth value.
fn mask(part: Part) -> Mask {
    match part {
        Part::Field(place) => Mask::Truth(place),
        Part::Literal(literal) => Mask::Constant(Value::from(&literal).is_true()),
        Part::Number(number) => Mask::NotZero(number),
        Part::Mask(mask) => mask,
    }
}

/// The part as a number.
fn number(part: Part) -> Number {
    match part {
        Part::Field(place) => Number::Field(place),
        Part::Literal(literal) => Number::Constant(Value::from(&literal).number()),
        Part::Number(number) => number,
        Part::Mask(mask) => Number::Truth(Box::new(mask)),
    }
}

/// The part as a value.
fn operand(part: Part) -> Operand {
    match part {
        Part::Field(place) => Operand::Field(place),
        Part::Literal(literal) => Operand::Literal(literal),
        part => Operand::Number(number(part)),
    }
}

fn combine(operator: Operator, left: Part, right: Part, columns: &[Arc<Column>]) -> Part {
    use Operator::*;
    match operator {
        And => Part::Mask(Mask::And(Box::new(mask(left)), Box::new(mask(right)))),
        Or => Part::Mask(Mask::Or(Box::new(mask(left)), Box::new(mask(right)))),
        Equal => Part::Mask(equal(left, right, columns)),
        NotEqual => Part::Mask(Mask::Not(Box::new(equal(left, right, columns)))),
        In => Part::Mask(is_in(left, right, columns)),
        Greater | GreaterOrEqual | Less | LessOrEqual => {
            Part::Mask(Mask::Compare(number(left), operator, number(right)))
        }
        Not | Power | Multiply | Divide | Remainder | Add | Subtract => Part::Number(
            Number::Apply(operator, Box::new(number(left)), Box::new(number(right))),
        ),
    }
}

fn equal(left: Part, right: Part, columns: &[Arc<Column>]) -> Mask {
    match (left, right) {
        (Part::Literal(left), Part::Literal(right)) => {
            Mask::Constant(Value::from(&left).equals(&Value::from(&right)))
        }
        (Part::Field(place), Part::Literal(literal))
        | (Part::Literal(literal), Part::Field(place)) => equals(place, &literal, columns),
        (left @ Part::Field(_), right @ Part::Field(_)) => {
            Mask::Each(operand(left), Operator::Equal, operand(right))
        }
        // One side is a number for certain, which null equals never.
        (Part::Literal(Literal::Null), _) | (_, Part::Literal(Literal::Null)) => {
            Mask::Constant(false)
        }
        (Part::Field(place), other) | (other, Part::Field(place)) => {
            let same = Mask::Compare(Number::Field(place), Operator::Equal, number(other));
            let is_value = Mask::Not(Box::new(Mask::IsNull(place)));
            Mask::And(Box::new(is_value), Box::new(same))
        }
        (left, right) => Mask::Compare(number(left), Operator::Equal, number(right)),
    }
}

/// The field `==` the literal.
fn equals(place: usize, literal: &Literal, columns: &[Arc<Column>]) -> Mask {
    match literal {
        Literal::Null => Mask::IsNull(place),
        Literal::Text(text) => {
            Mask::EqualsText(place, Text::new(text, columns[place].dictionary()))
        }
        Literal::Number(_) | Literal::Tuple(_) => {
            Mask::EqualsNumber(place, Value::from(literal).number())
        }
    }
}

fn is_in(left: Part, right: Part, columns: &[Arc<Column>]) -> Mask {
    match (left, right) {
        (Part::Literal(left), Part::Literal(right)) => {
            Mask::Constant(Value::from(&left).is_in(&Value::from(&right)))
        }
        (Part::Field(place), Part::Literal(Literal::Tuple(members))) => {
            if members.len() <= COMPARED_MEMBERS_MAX {
                let same = members.iter().map(|member| equals(place, member, columns));
                Mask::Any(same.collect())
            } else {
                let members = Members::new(&members, columns[place].dictionary());
                Mask::IsMember(place, members)
            }
        }
        (
            _,
            Part::Literal(Literal::Null | Literal::Number(_)) | Part::Number(_) | Part::Mask(_),
        ) => Mask::Constant(false),
        (Part::Literal(literal), Part::Field(place)) => {
            Mask::Holds(place, literal, RefCell::default())
        }
        (left, right) => Mask::Each(operand(left), Operator::In, operand(right)),
    }
}

/// The cells of 64 slots, by field.
struct Block<'a> {
    kernels: &'static Kernels,
    columns: &'a [Arc<Column>],
    cells: &'a [[u64; BLOCK]],
    /// Slots whose cells hold anything but a number, by field.
    special: &'a [u64],
}

impl Block<'_> {
    /// For which slots of `wanted` the node is true; the other bits mean nothing.
    fn mask(&self, node: &Mask, wanted: u64) -> u64 {
        match node {
            Mask::Constant(is_true) => u64::from(*is_true).wrapping_neg(),
            Mask::Truth(place) => {
                let text = Cell::text(Dictionary::EMPTY).bits();
                bits_of(&self.cells[*place], |cell| {
                    // An array is true, as is a NaN, which its cell is when read as a number.
                    cell != text && cell != Cell::NULL.bits() && f64::from_bits(cell) != 0.0
                })
            }
            Mask::NotZero(number) => {
                let mut numbers = [0.0; BLOCK];
                self.numbers(number, wanted, &mut numbers);
                bits_of(&numbers, |number| number != 0.0)
            }
            Mask::Compare(left, operator, right) => self.compare(left, *operator, right, wanted),
            Mask::EqualsNumber(place, number) => {
                let same = (self.kernels.relate)(&self.cells[*place], Relation::Equal, *number);
                same | self.each_special(*place, wanted, |held| match held {
                    Held::Text(code) => self.entry_number(*place, code) == *number,
                    Held::Array(_) => *number == 0.0,
                    _ => false,
                })
            }
            Mask::EqualsText(place, text) => self.equals_text(*place, text, wanted),
            Mask::IsNull(place) => (self.kernels.find)(&self.cells[*place], Cell::NULL.bits()),
            Mask::Any(parts) => parts
                .iter()
                .fold(0, |all, part| all | self.mask(part, wanted)),
            Mask::IsMember(place, members) => {
                let dictionary = self.columns[*place].dictionary();
                self.each(wanted, |at| {
                    members.contain(self.held(*place, at), dictionary)
                })
            }
            Mask::Holds(place, literal, known) => self.holds(*place, literal, known, wanted),
            Mask::Each(left, operator, right) => self.by_values(left, *operator, right, wanted),
            Mask::Not(inner) => !self.mask(inner, wanted),
            Mask::And(left, right) => self.mask(left, wanted) & self.mask(right, wanted),
            Mask::Or(left, right) => self.mask(left, wanted) | self.mask(right, wanted),
        }
    }

    fn compare(&self, left: &Number, operator: Operator, right: &Number, wanted: u64) -> u64 {
        if let (Number::Field(place), Number::Constant(number)) = (left, right)
            && self.special[*place] & wanted == 0
        {
            let relation = match operator {
                Operator::Greater => Relation::Greater,
                Operator::GreaterOrEqual => Relation::GreaterOrEqual,
                Operator::Less => Relation::Less,
                Operator::LessOrEqual => Relation::LessOrEqual,
                _ => Relation::Equal,
            };
            return (self.kernels.relate)(&self.cells[*place], relation, *number);
        }
        let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
        self.numbers(left, wanted, &mut a);
        self.numbers(right, wanted, &mut b);
        match operator {
            Operator::Greater => bits_of_pairs(&a, &b, |a, b| a > b),
            Operator::GreaterOrEqual => bits_of_pairs(&a, &b, |a, b| a >= b),
            Operator::Less => bits_of_pairs(&a, &b, |a, b| a < b),
            Operator::LessOrEqual => bits_of_pairs(&a, &b, |a, b| a <= b),
            Operator::Equal => bits_of_pairs(&a, &b, |a, b| a == b),
            other => unreachable!("{other:?} compares no numbers"),
        }
    }

    fn equals_text(&self, place: usize, text: &Text, wanted: u64) -> u64 {
        let cells = &self.cells[place];
        // What is no string is compared as a number; a special cell, being NaN, with none.
        let mut same = (self.kernels.relate)(cells, Relation::Equal, text.number);
        match text.code {
            Some(code) => {
                same |= (self.kernels.find)(cells, Cell::text(code).bits());
            }
            None => {
                let newer = Cell::text(text.codes_end).bits();
                let newer = bits_of(cells, |cell| {
                    cell >= newer && Cell::from_bits(cell).is_text()
                });
                same |= self.each(newer & wanted, |at| match self.held(place, at) {
                    Held::Text(code) => {
                        self.columns[place].dictionary().entry(code).text() == &*text.bytes
                    }
                    _ => false,
                });
            }
        }
        if text.number == 0.0 && self.special[place] & wanted != 0 {
            let first = Cell::array(0).bits();
            same |= bits_of(cells, |cell| cell >= first && cell < Cell::NULL.bits());
        }
        same
    }

    fn holds(&self, place: usize, literal: &Literal, known: &RefCell<Vec<u8>>, wanted: u64) -> u64 {
        let mut known = known.borrow_mut();
        self.each_special(place, wanted, |held| {
            let (Held::Text(code) | Held::Array(code)) = held else {
                return false;
            };
            let at = code as usize;
            if known.len() <= at {
                known.resize(self.columns[place].dictionary().len().max(at + 1), 0);
            }
            if known[at] == 0 {
                let is_in = Value::from(literal).is_in(&self.value(place, held));
                known[at] = 1 + u8::from(is_in);
            }
            known[at] == 2
        })
    }

    fn by_values(&self, left: &Operand, operator: Operator, right: &Operand, wanted: u64) -> u64 {
        let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (operand, numbers) in [(left, &mut a), (right, &mut b)] {
            if let Operand::Number(number) = operand {
                self.numbers(number, wanted, numbers);
            }
        }
        self.each(wanted, |at| {
            let (left, right) = (self.operand(left, at, &a), self.operand(right, at, &b));
            match operator {
                Operator::In => left.is_in(&right),
                _ => left.equals(&right),
            }
        })
    }

    fn operand<'b>(&'b self, operand: &'b Operand, at: usize, numbers: &[f64; BLOCK]) -> Value<'b> {
        match operand {
            Operand::Field(place) => self.value(*place, self.held(*place, at)),
            Operand::Literal(literal) => Value::from(literal),
            Operand::Number(_) => Value::Number(numbers[at]),
        }
    }

    /// The node's numbers for `wanted` slots; the others mean nothing.
    fn numbers(&self, node: &Number, wanted: u64, numbers: &mut [f64; BLOCK]) {
        match node {
            Number::Constant(number) => *numbers = [*number; BLOCK],
            Number::Field(place) => {
                let cells = &self.cells[*place];
                for (number, cell) in numbers.iter_mut().zip(cells) {
                    *number = f64::from_bits(*cell);
                }
                for at in ones(self.special[*place] & wanted) {
                    numbers[at] = match self.held(*place, at) {
                        Held::Text(code) => self.entry_number(*place, code),
                        _ => 0.0,
                    };
                }
            }
            Number::Truth(mask) => {
                let mask = self.mask(mask, wanted);
                for (at, number) in numbers.iter_mut().enumerate() {
                    *number = (mask >> at & 1) as f64;
                }
            }
            Number::Apply(operator, left, right) => {
                let mut others = [0.0; BLOCK];
                self.numbers(left, wanted, numbers);
                self.numbers(right, wanted, &mut others);
                apply(*operator, numbers, &others);
            }
        }
    }

    fn each_special(&self, place: usize, wanted: u64, mut test: impl FnMut(Held) -> bool) -> u64 {
        self.each(self.special[place] & wanted, |at| {
            test(self.held(place, at))
        })
    }

    fn each(&self, slots: u64, mut test: impl FnMut(usize) -> bool) -> u64 {
        ones(slots).fold(0, |all, at| all | u64::from(test(at)) << at)
    }

    fn held(&self, place: usize, at: usize) -> Held {
        Cell::from_bits(self.cells[place][at]).held()
    }

    fn entry_number(&self, place: usize, code: u32) -> f64 {
        self.columns[place].dictionary().entry(code).number()
    }

    fn value(&self, place: usize, held: Held) -> Value<'_> {
        value(&self.columns[place], held)
    }
}

/// What a cell of the column holds.
fn value(column: &Column, held: Held) -> Value<'_> {
    let text = |code| column.dictionary().entry(code).text();
    match held {
        Held::Number(number) => Value::Number(number),
        Held::Text(code) => Value::Text(Cow::Borrowed(text(code))),
        Held::Array(code) => Value::Array(text(code)),
        Held::Null | Held::Missing | Held::Unknown => Value::Null,
    }
}

fn apply(operator: Operator, left: &mut [f64; BLOCK], right: &[f64; BLOCK]) {
    let pairs = left.iter_mut().zip(right);
    match operator {
        Operator::Multiply => pairs.for_each(|(a, b)| *a *= b),
        Operator::Divide => pairs.for_each(|(a, b)| *a /= b),
        Operator::Remainder => pairs.for_each(|(a, b)| *a %= b),
        Operator::Add => pairs.for_each(|(a, b)| *a += b),
        Operator::Subtract => pairs.for_each(|(a, b)| *a -= b),
        Operator::Power => pairs.for_each(|(a, b)| *a = a.powf(*b)),
        other => unreachable!("{other:?} makes no number of numbers"),
    }
}

/// The bits of those for which the test holds. By bytes, eight of which a multiplication gathers: compilers make vector code
/// of such a loop, and none of one that shifts each bit to its place.
#[inline(always)]
fn bits_of<T: Copy>(lanes: &[T; BLOCK], test: impl Fn(T) -> bool) -> u64 {
    bits_by(|at| test(lanes[at]))
}

#[inline(always)]
fn bits_of_pairs(a: &[f64; BLOCK], b: &[f64; BLOCK], test: impl Fn(f64, f64) -> bool) -> u64 {
    bits_by(|at| test(a[at], b[at]))
}

#[inline(always)]
fn bits_by(test: impl Fn(usize) -> bool) -> u64 {
    /// Moves the lowest bit of byte k to bit 56 + k.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0;
    for first in (0..BLOCK).step_by(8) {
        let mut bytes = [0; 8];
        for (at, byte) in (first..).zip(&mut bytes) {
            *byte = u8::from(test(at));
        }
        bits |= (u64::from_le_bytes(bytes).wrapping_mul(GATHER) >> 56) << first;
    }
    bits
}

/// The places of the bits that are set.
pub(crate) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(at)
    })
}
