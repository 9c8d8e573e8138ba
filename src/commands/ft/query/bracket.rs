//! What stands in brackets: tag sets, ranges of numbers, circles, shapes, and both searches for vectors.

use super::grammar::{KNN_RANKS, Parser, misplaced, text_of};
use super::token::{Kind as Token, Token as Tok};
use super::tree::{
    GeoRadius, GeoUnit, Kind, Knn, Node, NumericRange, Relation, TagValue, VectorRange,
    VectorTarget,
};
use super::{Misplaced, QueryError};
use crate::keyspace::documents::text::escape::{unescape, unescape_tag};
use std::borrow::Cow;

type Result<T> = std::result::Result<T, QueryError>;

/// A number as far as it is known while its bracket is read.
#[derive(Clone, Copy)]
enum Number<'q> {
    Value(f64),
    Parameter { token: Tok<'q>, is_negative: bool },
}

/// What a number is for; parameters differ by it.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Number,
    Min,
    Max,
}

impl<'q> Parser<'q> {
    /// `{a | b c | d*}`; the field's type is looked at once the bracket is closed.
    pub(super) fn tag_set(&mut self, name: Tok<'q>, field: Option<usize>) -> Result<Option<Node>> {
        let mut values = Vec::new();
        self.expect(b'{')?;
        loop {
            values.push(match self.context.dialect {
                1 => self.older_tag_value()?,
                _ => self.tag_value()?,
            });
            // In dialect 1 braces close whenever they like, and the set goes on behind them.
            while self.context.dialect == 1 && self.take(b'}') {}
            if !self.take(b'|') {
                break;
            }
        }
        if self.context.dialect > 1 {
            self.expect(b'}')?;
        }
        match self.typed(name, field, "TAG")? {
            Some(field) => self.made(Kind::Tag { field, values }),
            None => Ok(None),
        }
    }

    /// A part, a pattern, or words up to `|` or `}`.
    fn tag_value(&mut self) -> Result<TagValue> {
        match self.next.kind {
            Token::Affix { .. } => return Ok(TagValue::Affix(self.affix(true)?.0)),
            Token::Wildcard { .. } => return Ok(TagValue::Wildcard(self.wildcard()?)),
            _ => {}
        }
        let mut words = vec![self.tag_word()?];
        while !matches!(self.next.kind, Token::Sign(b'|' | b'}')) {
            words.push(self.tag_word()?);
        }
        Ok(whole(&words))
    }

    /// In dialect 1: a part, one word, or words of which stop words behind the second do not count.
    fn older_tag_value(&mut self) -> Result<TagValue> {
        if let Token::Affix { .. } = self.next.kind {
            return Ok(TagValue::Affix(self.affix(true)?.0));
        }
        let is_alone = self.next.kind == Token::Term && self.is_stop_word(self.next);
        let mut words = vec![self.tag_word()?];
        while !is_alone && matches!(self.next.kind, Token::Term | Token::Number(_)) {
            let is_stop_word = self.next.kind == Token::Term && self.is_stop_word(self.next);
            if is_stop_word && words.len() < 2 {
                return Err(self.syntax());
            }
            let word = self.tag_word()?;
            if !is_stop_word {
                words.push(word);
            }
        }
        Ok(whole(&words))
    }

    /// A word with its backslashes.
    fn tag_word(&mut self) -> Result<Cow<'q, [u8]>> {
        match self.next.kind {
            Token::Term | Token::Exact | Token::As | Token::IsMissing => {}
            Token::Size(_) | Token::Number(_) => {}
            Token::Attribute { .. } if self.context.dialect > 1 => {
                let token = self.advance();
                return Ok(Cow::Owned(self.parameter(token)));
            }
            _ => return Err(self.syntax()),
        }
        Ok(Cow::Borrowed(self.advance().text))
    }

    /// What stands in `[..]` after `@field:`.
    pub(super) fn range(&mut self, name: Tok<'q>, field: Option<usize>) -> Result<Option<Node>> {
        self.expect(b'[')?;
        let is_newer = self.context.dialect > 1;
        if is_newer
            && matches!(
                self.next.kind,
                Token::Term | Token::Exact | Token::As | Token::IsMissing
            )
        {
            let command = self.advance();
            return self.shape_or_vector(name, field, command);
        }
        let (min, excludes_min) = self.bound()?;
        if is_newer && !excludes_min && self.next.kind == Token::Sign(b']') {
            self.advance();
            let value = self.value(min, Use::Number);
            return self.numeric(name, field, (value, true), (value, true));
        }
        let (max, excludes_max) = self.bound()?;
        if excludes_min || excludes_max || self.next.kind == Token::Sign(b']') {
            self.expect(b']')?;
            let min = (self.value(min, Use::Min), !excludes_min);
            let max = (self.value(max, Use::Max), !excludes_max);
            return self.numeric(name, field, min, max);
        }
        self.circle(name, field, min, max)
    }

    /// A number, or one that is itself left out: `(5`.
    fn bound(&mut self) -> Result<(Number<'q>, bool)> {
        let is_excluded = self.take(b'(');
        Ok((self.signed()?, is_excluded))
    }

    /// A number or parameter, with minus signs before it.
    fn signed(&mut self) -> Result<Number<'q>> {
        let mut signs = 0;
        while self.take(b'-') {
            signs += 1;
        }
        let is_negative = signs % 2 == 1;
        match self.next.kind {
            Token::Size(value) | Token::Number(value) => {
                self.advance();
                Ok(Number::Value(if is_negative { -value } else { value }))
            }
            Token::Attribute { is_negative: own } if signs < 2 && self.context.dialect > 1 => {
                let token = self.advance();
                let is_negative = is_negative || own;
                Ok(Number::Parameter { token, is_negative })
            }
            _ => Err(self.syntax()),
        }
    }

    /// A number with its value.
    pub(super) fn number(&mut self) -> Result<f64> {
        let number = self.signed()?;
        Ok(self.value(number, Use::Number))
    }

    fn value(&mut self, number: Number, purpose: Use) -> f64 {
        match number {
            Number::Value(value) => value,
            Number::Parameter { token, is_negative } => {
                let name = text_of(token.text);
                let params = self.context.params;
                let value = match purpose {
                    Use::Number => params.number(&name, is_negative),
                    Use::Min => params.bound(&name, is_negative, true),
                    Use::Max => params.bound(&name, is_negative, false),
                };
                self.or_refuse(token.offset + KNN_RANKS, value)
            }
        }
    }

    fn numeric(
        &mut self,
        name: Tok<'q>,
        field: Option<usize>,
        (min, includes_min): (f64, bool),
        (max, includes_max): (f64, bool),
    ) -> Result<Option<Node>> {
        let Some(field) = self.typed(name, field, "NUMERIC")? else {
            return Ok(None);
        };
        self.made(Kind::Numeric(NumericRange {
            field,
            min,
            max,
            includes_min,
            includes_max,
        }))
    }

    /// The rest of `[lon lat radius unit]`.
    fn circle(
        &mut self,
        name: Tok<'q>,
        field: Option<usize>,
        longitude: Number,
        latitude: Number,
    ) -> Result<Option<Node>> {
        let radius = self.signed()?;
        let unit = self.next;
        match unit.kind {
            Token::Term | Token::Exact | Token::As | Token::IsMissing => {}
            Token::Size(_) | Token::Number(_) | Token::Attribute { .. } => {}
            _ => return Err(self.syntax()),
        }
        self.advance();
        self.expect(b']')?;
        let longitude = self.value(longitude, Use::Number);
        let latitude = self.value(latitude, Use::Number);
        let radius = self.value(radius, Use::Number);
        let unit = match unit.kind {
            Token::Attribute { .. } => GeoUnit::parse(&self.parameter(unit)),
            _ => GeoUnit::parse(unit.text),
        };
        let Some(field) = self.typed(name, field, "GEO")? else {
            return Ok(None);
        };
        // A parameter without value is the error to report, not the unit that it does not give.
        let unit = self.or_refuse(usize::MAX, unit.map(Some).ok_or(QueryError::GeoUnit));
        self.made(Kind::Geo(GeoRadius {
            field,
            longitude,
            latitude,
            radius,
            unit: unit.unwrap_or(GeoUnit::Kilometre),
        }))
    }

    /// `[WITHIN $shape]` or `[VECTOR_RANGE radius $vector]`, after the first word.
    fn shape_or_vector(
        &mut self,
        name: Tok<'q>,
        field: Option<usize>,
        command: Tok<'q>,
    ) -> Result<Option<Node>> {
        let first = self.signed()?;
        if let Number::Parameter { token, .. } = first
            && self.next.kind == Token::Sign(b']')
        {
            return self.shape(name, field, command, token);
        }
        let Token::Attribute { .. } = self.next.kind else {
            return Err(self.syntax());
        };
        let vector = self.advance();
        if !command.text.eq_ignore_ascii_case(b"VECTOR_RANGE") {
            return Err(misplaced(Misplaced::RangeCommand, command));
        }
        self.expect(b']')?;
        let Some(field) = self.typed(name, field, "VECTOR")? else {
            return Ok(None);
        };
        let blob = self.parameter(vector);
        let radius = self.value(first, Use::Number);
        self.made(Kind::VectorRange(Box::new(VectorRange {
            field,
            radius,
            target: VectorTarget {
                blob,
                parameter: text_of(vector.text),
                attributes: Vec::new(),
            },
            distance_name: None,
        })))
    }

    fn shape(
        &mut self,
        name: Tok<'q>,
        field: Option<usize>,
        command: Tok<'q>,
        shape: Tok<'q>,
    ) -> Result<Option<Node>> {
        let relation = match command.text.to_ascii_uppercase().as_slice() {
            b"WITHIN" => Relation::Within,
            b"CONTAINS" => Relation::Contains,
            b"INTERSECTS" => Relation::Intersects,
            b"DISJOINT" => Relation::Disjoint,
            _ => return Err(misplaced(Misplaced::ShapeRelation, shape)),
        };
        self.expect(b']')?;
        let Some(field) = self.typed(name, field, "GEOSHAPE")? else {
            return Ok(None);
        };
        let wkt = text_of(&self.parameter(shape));
        self.made(Kind::Geoshape {
            field,
            relation,
            wkt,
        })
    }

    /// `[KNN k @field $vector name value ... AS name]` and `=>{..}`, after the first arrow.
    pub(super) fn knn(&mut self) -> Result<Knn> {
        self.expect(b'[')?;
        let command = self.next;
        if !matches!(command.kind, Token::Term | Token::Exact | Token::IsMissing) {
            return Err(self.syntax());
        }
        self.advance();
        let k = self.next;
        if !matches!(k.kind, Token::Size(_) | Token::Attribute { .. }) {
            return Err(self.syntax());
        }
        self.advance();
        if self.next.kind != Token::Modifier {
            return Err(self.syntax());
        }
        let name = self.advance();
        let field = self.find(name)?;
        let Token::Attribute { .. } = self.next.kind else {
            return Err(self.syntax());
        };
        let vector = self.advance();
        let field = self.typed(name, field, "VECTOR")?.unwrap_or_default();
        if !command.text.eq_ignore_ascii_case(b"KNN") {
            return Err(misplaced(Misplaced::VectorCommand, command));
        }
        let mut knn = self.knn_of(field, k, vector);
        self.knn_attributes(&mut knn)?;
        self.expect(b']')?;
        self.knn_options(&mut knn)?;
        Ok(knn)
    }

    /// KNN's parameters are looked up before all others, the vector first.
    fn knn_of(&mut self, field: usize, k: Tok, vector: Tok) -> Knn {
        let params = self.context.params;
        let parameter = text_of(vector.text);
        let blob = self.or_refuse(0, params.get(&parameter).map(<[u8]>::to_vec));
        let k = match k.kind {
            Token::Size(k) => k as usize,
            _ => self.or_refuse(1, params.count(&text_of(k.text))),
        };
        Knn {
            field,
            k,
            target: VectorTarget {
                blob,
                parameter,
                attributes: Vec::new(),
            },
            distance_name: default_distance_name(self.name_of(field)),
        }
    }

    fn knn_attributes(&mut self, knn: &mut Knn) -> Result<()> {
        let mut rank = 3;
        while matches!(
            self.next.kind,
            Token::Term | Token::Exact | Token::IsMissing
        ) {
            let name = text_of(self.advance().text);
            let token = self.value_token()?;
            let value = match token.kind {
                Token::Attribute { .. } => {
                    rank += 1;
                    let value = self.context.params.get(&text_of(token.text));
                    self.or_refuse(rank, value.map(text_of))
                }
                _ => text_of(token.text),
            };
            knn.target.attributes.push((name, value));
        }
        if self.next.kind == Token::As {
            self.advance();
            let token = self.value_token()?;
            knn.distance_name = match token.kind {
                Token::Attribute { .. } => {
                    let value = self.context.params.get(&text_of(token.text));
                    self.or_refuse(2, value.map(text_of))
                }
                _ => text_of(token.text),
            };
        }
        Ok(())
    }

    /// A word, number or parameter.
    pub(super) fn value_token(&mut self) -> Result<Tok<'q>> {
        match self.next.kind {
            Token::Term | Token::Exact | Token::As | Token::IsMissing => {}
            Token::Size(_) | Token::Number(_) => {}
            Token::Attribute { .. } if self.context.dialect > 1 => {}
            _ => return Err(self.syntax()),
        }
        Ok(self.advance())
    }
}

/// The tag that words are. One that stands alone keeps escaped backslashes as they are, several are words of a text.
fn whole(words: &[Cow<[u8]>]) -> TagValue {
    TagValue::Whole(match words {
        [alone] => unescape_tag(alone),
        words => {
            let words: Vec<String> = words.iter().map(|word| unescape(word)).collect();
            words.join(" ")
        }
    })
}

/// The name of a KNN's distance when none is given.
pub(super) fn default_distance_name(field: &str) -> String {
    format!("__{field}_score")
}
