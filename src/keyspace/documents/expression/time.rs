//! Dates of the Gregorian calendar in UTC, and their texts in the notation of C's `strftime` and `strptime`.

/// Seconds of a day.
const DAY_S: i64 = 86_400;
/// The last second of the year 9999; later times have no date here.
pub const SECONDS_MAX: i64 = 253_402_300_799;
/// The first second of the year 0.
const SECONDS_MIN: i64 = -62_167_219_200;
/// Bytes of the longest text of a time, as the module has it.
const TEXT_BYTES_MAX: usize = 1023;

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment in the parts of C's `struct tm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// 1970 and its like.
    pub year: i64,
    /// From 0.
    pub month: i64,
    /// From 1.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// From 0, Sunday.
    pub weekday: i64,
    /// From 0.
    pub day_of_year: i64,
}

/// Days from 1970 to a day of a month (from 0): the years are counted from March, so that a leap day is the last of its year.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year + month.div_euclid(12);
    let month = month.rem_euclid(12);
    let (year, from_march) = match month {
        0 | 1 => (year - 1, month + 10),
        month => (year, month - 2),
    };
    let days_before_month = (153 * from_march + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719 469 days lie between the first of March of the year 0 and 1970, less the day that counts from 1.
    365 * year + leap_days + days_before_month + day - 719_469
}

impl Date {
    /// The date of a second since 1970; times without one become the nearest that has.
    pub fn of(seconds: i64) -> Date {
        let seconds = seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
        let mut year = 1970 + days.div_euclid(366);
        while days_of(year + 1, 0, 1) <= days {
            year += 1;
        }
        let day_of_year = days - days_of(year, 0, 1);
        let mut month = 11;
        while days_of(year, month, 1) > days {
            month -= 1;
        }
        Date {
            year,
            month,
            day: days - days_of(year, month, 1) + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            weekday: (days + 4).rem_euclid(7),
            day_of_year,
        }
    }

    /// Its second since 1970. Parts beyond their bounds carry over.
    pub fn seconds(&self) -> i64 {
        let days = days_of(self.year, self.month, self.day);
        days * DAY_S + self.hour * 3600 + self.minute * 60 + self.second
    }

    /// Year and week by ISO 8601: weeks begin on Monday, and the first has the year's first Thursday.
    fn iso_week(&self) -> (i64, i64) {
        let from_monday = (self.weekday + 6) % 7;
        let thursday = Date::of(self.seconds() + (3 - from_monday) * DAY_S);
        (thursday.year, thursday.day_of_year / 7 + 1)
    }
}

/// The beginning of the minute.
pub fn minute(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(60)
}

/// The beginning of the hour.
pub fn hour(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(3600)
}

/// The beginning of the day.
pub fn day(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(DAY_S)
}

/// The beginning of the month.
pub fn month(seconds: i64) -> i64 {
    let date = Date::of(seconds);
    days_of(date.year, date.month, 1) * DAY_S
}

/// A time as text. None for times without a date, and where nothing or too much would be written, as in C.
pub fn format(seconds: i64, pattern: &[u8]) -> Option<Vec<u8>> {
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        return None;
    }
    let date = Date::of(seconds);
    let mut out = Vec::new();
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'%' => match bytes.next() {
                Some(&specifier) => write(&mut out, specifier, &date),
                None => out.push(b'%'),
            },
            byte => out.push(byte),
        }
        if out.len() > TEXT_BYTES_MAX {
            return None;
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What one specifier writes; an unknown one is written as it is.
fn write(out: &mut Vec<u8>, specifier: u8, date: &Date) {
    let weekday = WEEKDAYS[date.weekday as usize];
    let month = MONTHS[date.month as usize];
    let twelve = (date.hour + 11) % 12 + 1;
    let half = if date.hour < 12 { "AM" } else { "PM" };
    let composite = |pattern: &[u8]| format(date.seconds(), pattern).unwrap_or_default();
    let text = match specifier {
        b'a' => weekday[..3].to_owned(),
        b'A' => weekday.to_owned(),
        b'b' | b'h' => month[..3].to_owned(),
        b'B' => month.to_owned(),
        b'C' => format!("{:02}", date.year / 100),
        b'd' => format!("{:02}", date.day),
        b'e' => format!("{:2}", date.day),
        b'g' => format!("{:02}", date.iso_week().0 % 100),
        b'G' => date.iso_week().0.to_string(),
        b'H' => format!("{:02}", date.hour),
        b'I' => format!("{twelve:02}"),
        b'j' => format!("{:03}", date.day_of_year + 1),
        b'k' => format!("{:2}", date.hour),
        b'l' => format!("{twelve:2}"),
        b'm' => format!("{:02}", date.month + 1),
        b'M' => format!("{:02}", date.minute),
        b'n' => "\n".to_owned(),
        b'p' => half.to_owned(),
        b'P' => half.to_lowercase(),
        b's' => date.seconds().to_string(),
        b'S' => format!("{:02}", date.second),
        b't' => "\t".to_owned(),
        b'u' => ((date.weekday + 6) % 7 + 1).to_string(),
        b'U' => format!("{:02}", (date.day_of_year + 7 - date.weekday) / 7),
        b'V' => format!("{:02}", date.iso_week().1),
        b'w' => date.weekday.to_string(),
        b'W' => format!("{:02}", (date.day_of_year + 7 - (date.weekday + 6) % 7) / 7),
        b'y' => format!("{:02}", date.year % 100),
        b'Y' => date.year.to_string(),
        b'z' => "+0000".to_owned(),
        b'Z' => "GMT".to_owned(),
        b'%' => "%".to_owned(),
        b'c' => return out.extend(composite(b"%a %b %e %H:%M:%S %Y")),
        b'D' | b'x' => return out.extend(composite(b"%m/%d/%y")),
        b'F' => return out.extend(composite(b"%Y-%m-%d")),
        b'r' => return out.extend(composite(b"%I:%M:%S %p")),
        b'R' => return out.extend(composite(b"%H:%M")),
        b'T' | b'X' => return out.extend(composite(b"%H:%M:%S")),
        other => return out.extend([b'%', other]),
    };
    out.extend(text.into_bytes());
}

/// The time that a text shows; parts that the pattern lacks are those of 1900. None where the text is otherwise; more text
/// may follow.
pub fn parse(text: &[u8], pattern: &[u8]) -> Option<i64> {
    let mut reading = Reading {
        rest: text,
        date: Date {
            year: 1900,
            month: 0,
            day: 0,
            hour: 0,
            minute: 0,
            second: 0,
            weekday: 0,
            day_of_year: 0,
        },
        is_afternoon: None,
        seconds: None,
    };
    reading.read(pattern, 0)?;
    if let Some(is_afternoon) = reading.is_afternoon {
        reading.date.hour = reading.date.hour % 12 + if is_afternoon { 12 } else { 0 };
    }
    Some(reading.seconds.unwrap_or_else(|| reading.date.seconds()))
}

struct Reading<'t> {
    rest: &'t [u8],
    date: Date,
    is_afternoon: Option<bool>,
    /// `%s`.
    seconds: Option<i64>,
}

impl Reading<'_> {
    fn read(&mut self, pattern: &[u8], depth: usize) -> Option<()> {
        let mut bytes = pattern.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'%' => self.specifier(*bytes.next()?, depth)?,
                byte if byte.is_ascii_whitespace() => self.skip_blanks(),
                byte => self.rest = self.rest.strip_prefix(&[byte])?,
            }
        }
        Some(())
    }

    fn specifier(&mut self, specifier: u8, depth: usize) -> Option<()> {
        let date = &mut self.date;
        let (part, digits, range, shift) = match specifier {
            b'Y' => (&mut date.year, 4, 0..=9999, 0),
            b'm' => (&mut date.month, 2, 1..=12, -1),
            b'd' | b'e' => (&mut date.day, 2, 1..=31, 0),
            b'H' | b'k' => (&mut date.hour, 2, 0..=23, 0),
            b'I' | b'l' => (&mut date.hour, 2, 1..=12, 0),
            b'M' => (&mut date.minute, 2, 0..=59, 0),
            b'S' => (&mut date.second, 2, 0..=61, 0),
            b'j' => (&mut date.day_of_year, 3, 1..=366, -1),
            b'w' => (&mut date.weekday, 1, 0..=6, 0),
            other => return self.other(other, depth),
        };
        *part = number(&mut self.rest, digits, range)? + shift;
        Some(())
    }

    fn other(&mut self, specifier: u8, depth: usize) -> Option<()> {
        match specifier {
            b'y' => {
                let year = number(&mut self.rest, 2, 0..=99)?;
                self.date.year = year + if year < 69 { 2000 } else { 1900 };
            }
            b'b' | b'B' | b'h' => self.date.month = self.name(&MONTHS)?,
            b'a' | b'A' => self.date.weekday = self.name(&WEEKDAYS)?,
            b'p' | b'P' => self.is_afternoon = Some(self.name(&["am ", "pm "])? == 1),
            b's' => self.seconds = Some(number(&mut self.rest, 18, 0..=i64::MAX)?),
            b'n' | b't' => self.skip_blanks(),
            b'%' => self.rest = self.rest.strip_prefix(b"%")?,
            // The sequences below name only parts, so they do not nest.
            _ if depth > 0 => return None,
            b'F' => self.read(b"%Y-%m-%d", 1)?,
            b'T' => self.read(b"%H:%M:%S", 1)?,
            b'R' => self.read(b"%H:%M", 1)?,
            b'D' => self.read(b"%m/%d/%y", 1)?,
            b'r' => self.read(b"%I:%M:%S %p", 1)?,
            b'c' => self.read(b"%a %b %e %H:%M:%S %Y", 1)?,
            _ => return None,
        }
        Some(())
    }

    fn skip_blanks(&mut self) {
        let blanks = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace());
        self.rest = &self.rest[blanks.count()..];
    }

    /// The place of a name in the table, written in full or with its first letters (three, or two of `am `).
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        for (place, name) in (0..).zip(names) {
            let full = name.trim_end();
            for length in [full.len(), full.len().min(3)] {
                let head = self.rest.get(..length);
                if head.is_some_and(|head| head.eq_ignore_ascii_case(&full.as_bytes()[..length])) {
                    self.rest = &self.rest[length..];
                    return Some(place);
                }
            }
        }
        None
    }
}

/// A number of so many digits at most, after blanks.
fn number(
    rest: &mut &[u8],
    digits_max: usize,
    range: std::ops::RangeInclusive<i64>,
) -> Option<i64> {
    let text = rest.trim_ascii_start();
    let digits = text
        .iter()
        .take(digits_max)
        .take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let value = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    *rest = &text[digits..];
    range.contains(&value).then_some(value)
}
