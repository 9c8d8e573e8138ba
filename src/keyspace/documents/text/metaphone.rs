//! How a word sounds, as a code of four letters: the primary code of Lawrence Philips' Double Metaphone (C/C++ Users Journal, June
//! 2000), made for English with an ear for names of other languages. `0` stands for `th`.

/// Letters of a code.
const CODE_MAX: usize = 4;

/// Stands before a code, so that it is found by codes alone.
pub const SOUND_MARK: char = '<';
/// Words of documents with fewer bytes have no sound.
const SOUND_BYTES_MIN: usize = 3;

/// What a document's word is indexed as besides itself, where sounds count; none if it has none.
pub fn sound_of_document(word: &str) -> Option<String> {
    let is_long_enough = word.len() >= SOUND_BYTES_MIN;
    is_long_enough.then(|| sound_of_query(word)).flatten()
}

/// What a query's word is looked for as besides itself, where sounds count; none if it has none.
pub fn sound_of_query(word: &str) -> Option<String> {
    let code = code(word);
    (!code.is_empty()).then(|| format!("{SOUND_MARK}{code}"))
}

/// The code of a word; empty if it has no letter that sounds. Letters beyond ASCII are silent, as in the module.
pub fn code(word: &str) -> String {
    let letters: Vec<u8> = word.to_ascii_uppercase().into_bytes();
    let mut coder = Coder {
        is_slavic: has_slavic_sound(&letters),
        letters,
        at: 0,
        code: String::new(),
    };
    coder.run();
    coder.code.truncate(CODE_MAX);
    coder.code
}

fn has_slavic_sound(letters: &[u8]) -> bool {
    let has = |part: &[u8]| letters.windows(part.len()).any(|window| window == part);
    has(b"W") || has(b"K") || has(b"CZ") || has(b"WITZ")
}

struct Coder {
    letters: Vec<u8>,
    is_slavic: bool,
    at: usize,
    code: String,
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'A' | b'E' | b'I' | b'O' | b'U' | b'Y')
}

impl Coder {
    /// The letter so many places from here; a blank beyond both ends.
    fn near(&self, offset: isize) -> u8 {
        let at = self.at.checked_add_signed(offset);
        at.and_then(|at| self.letters.get(at))
            .copied()
            .unwrap_or(b' ')
    }

    /// Whether one of these stands so many places from here.
    fn has(&self, offset: isize, parts: &[&str]) -> bool {
        let Some(from) = self.at.checked_add_signed(offset) else {
            return false;
        };
        let rest = self.letters.get(from..).unwrap_or_default();
        parts.iter().any(|part| rest.starts_with(part.as_bytes()))
    }

    /// Whether the word begins with one of these.
    fn begins(&self, parts: &[&str]) -> bool {
        parts
            .iter()
            .any(|part| self.letters.starts_with(part.as_bytes()))
    }

    fn is_germanic(&self) -> bool {
        self.begins(&["VAN ", "VON ", "SCH"])
    }

    fn is_last(&self) -> bool {
        self.at + 1 == self.letters.len()
    }

    /// Adds to the code and goes on.
    fn put(&mut self, code: &str, letters: usize) {
        self.code.push_str(code);
        self.at += letters;
    }

    /// As [`Coder::put`]; a letter that is doubled is one.
    fn put_once(&mut self, code: &str) {
        let is_doubled = self.near(1) == self.near(0);
        self.put(code, 1 + usize::from(is_doubled));
    }

    fn run(&mut self) {
        if self.begins(&["GN", "KN", "PN", "WR", "PS"]) {
            self.at = 1;
        }
        if self.begins(&["X"]) {
            self.put("S", 1);
        }
        while self.code.len() < CODE_MAX && self.at < self.letters.len() {
            self.step();
        }
    }

    fn step(&mut self) {
        match self.near(0) {
            letter if is_vowel(letter) => {
                let code = if self.at == 0 { "A" } else { "" };
                self.put(code, 1);
            }
            b'B' => self.put_once("P"),
            b'C' => self.c(),
            b'D' => self.d(),
            b'F' => self.put_once("F"),
            b'G' => self.g(),
            b'H' => {
                let is_heard = (self.at == 0 || is_vowel(self.near(-1))) && is_vowel(self.near(1));
                match is_heard {
                    true => self.put("H", 2),
                    false => self.put("", 1),
                }
            }
            b'J' => self.j(),
            b'K' => self.put_once("K"),
            b'L' => self.put_once("L"),
            b'M' => {
                let is_dumb = self.has(-1, &["UMB"])
                    && (self.at + 2 == self.letters.len() || self.has(2, &["ER"]));
                let letters = 1 + usize::from(is_dumb || self.near(1) == b'M');
                self.put("M", letters);
            }
            b'N' => self.put_once("N"),
            b'P' if self.near(1) == b'H' => self.put("F", 2),
            b'P' => self.put("P", 1 + usize::from(self.has(1, &["P", "B"]))),
            b'Q' => self.put_once("K"),
            b'R' => {
                let is_french = self.is_last()
                    && !self.is_slavic
                    && self.has(-2, &["IE"])
                    && !self.has(-4, &["ME", "MA"]);
                self.put_once(if is_french { "" } else { "R" });
            }
            b'S' => self.s(),
            b'T' => self.t(),
            b'V' => self.put_once("F"),
            b'W' => self.w(),
            b'X' => {
                let is_french = self.is_last()
                    && (self.has(-3, &["IAU", "EAU"]) || self.has(-2, &["AU", "OU"]));
                let letters = 1 + usize::from(self.has(1, &["C", "X"]));
                self.put(if is_french { "" } else { "KS" }, letters);
            }
            b'Z' if self.near(1) == b'H' => self.put("J", 2),
            b'Z' => self.put_once("S"),
            _ => self.put("", 1),
        }
    }

    fn c(&mut self) {
        let is_germanic_ach = self.at > 1
            && !is_vowel(self.near(-2))
            && self.has(-1, &["ACH"])
            && self.near(2) != b'I'
            && (self.near(2) != b'E' || self.has(-2, &["BACHER", "MACHER"]));
        if is_germanic_ach {
            return self.put("K", 2);
        }
        if self.at == 0 && self.has(0, &["CAESAR"]) {
            return self.put("S", 2);
        }
        if self.has(0, &["CHIA"]) {
            return self.put("K", 2);
        }
        if self.has(0, &["CH"]) {
            return self.ch();
        }
        if self.has(0, &["CZ"]) && !self.has(-2, &["WICZ"]) {
            return self.put("S", 2);
        }
        if self.has(1, &["CIA"]) {
            return self.put("X", 3);
        }
        if self.has(0, &["CC"]) && !(self.at == 1 && self.near(-1) == b'M') {
            return self.cc();
        }
        if self.has(0, &["CK", "CG", "CQ"]) {
            return self.put("K", 2);
        }
        if self.has(0, &["CI", "CE", "CY"]) {
            return self.put("S", 2);
        }
        let letters = match () {
            () if self.has(1, &[" C", " Q", " G"]) => 3,
            () if self.has(1, &["C", "K", "Q"]) && !self.has(1, &["CE", "CI"]) => 2,
            () => 1,
        };
        self.put("K", letters);
    }

    fn ch(&mut self) {
        if self.at > 0 && self.has(0, &["CHAE"]) {
            return self.put("K", 2);
        }
        let is_greek = self.at == 0
            && (self.has(1, &["HARAC", "HARIS"]) || self.has(1, &["HOR", "HYM", "HIA", "HEM"]))
            && !self.begins(&["CHORE"]);
        let is_hard = self.is_germanic()
            || self.has(-2, &["ORCHES", "ARCHIT", "ORCHID"])
            || self.has(2, &["T", "S"])
            || ((self.at == 0 || self.has(-1, &["A", "O", "U", "E"]))
                && (self.at + 2 == self.letters.len()
                    || self.has(2, &["L", "R", "N", "M", "B", "H", "F", "V", "W", " "])));
        let code = match () {
            () if is_greek || is_hard => "K",
            () if self.at > 0 && self.begins(&["MC"]) => "K",
            () => "X",
        };
        self.put(code, 2);
    }

    fn cc(&mut self) {
        if !self.has(2, &["I", "E", "H"]) || self.has(2, &["HU"]) {
            return self.put("K", 2);
        }
        let is_accident =
            (self.at == 1 && self.near(-1) == b'A') || self.has(-1, &["UCCEE", "UCCES"]);
        self.put(if is_accident { "KS" } else { "X" }, 3);
    }

    fn d(&mut self) {
        match () {
            () if self.has(0, &["DGI", "DGE", "DGY"]) => self.put("J", 3),
            () if self.has(0, &["DG"]) => self.put("TK", 2),
            () => self.put("T", 1 + usize::from(self.has(0, &["DT", "DD"]))),
        }
    }

    fn g(&mut self) {
        if self.near(1) == b'H' {
            return self.gh();
        }
        if self.near(1) == b'N' {
            let code = match () {
                () if self.at == 1 && is_vowel(self.letters[0]) && !self.is_slavic => "KN",
                () if !self.has(2, &["EY"]) && !self.is_slavic => "N",
                () => "KN",
            };
            return self.put(code, 2);
        }
        if self.has(1, &["LI"]) && !self.is_slavic {
            return self.put("KL", 2);
        }
        const SOFT: [&str; 11] = [
            "ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER",
        ];
        if self.at == 0 && (self.near(1) == b'Y' || self.has(1, &SOFT)) {
            return self.put("K", 2);
        }
        let is_danger = (self.has(1, &["ER"]) || self.near(1) == b'Y')
            && !self.begins(&["DANGER", "RANGER", "MANGER"])
            && !self.has(-1, &["E", "I", "RGY", "OGY"]);
        if is_danger {
            return self.put("K", 2);
        }
        if self.has(1, &["E", "I", "Y"]) || self.has(-1, &["AGGI", "OGGI"]) {
            let is_hard = self.is_germanic() || self.has(1, &["ET"]);
            return self.put(if is_hard { "K" } else { "J" }, 2);
        }
        self.put_once("K");
    }

    fn gh(&mut self) {
        if self.at > 0 && !is_vowel(self.near(-1)) {
            return self.put("K", 2);
        }
        if self.at == 0 {
            return self.put(if self.near(2) == b'I' { "J" } else { "K" }, 2);
        }
        let is_silent = (self.at > 1 && self.has(-2, &["B", "H", "D"]))
            || (self.at > 2 && self.has(-3, &["B", "H", "D"]))
            || (self.at > 3 && self.has(-4, &["B", "H"]));
        let code = match () {
            () if is_silent => "",
            () if self.at > 2
                && self.near(-1) == b'U'
                && self.has(-3, &["C", "G", "L", "R", "T"]) =>
            {
                "F"
            }
            () if self.near(-1) != b'I' => "K",
            () => "",
        };
        self.put(code, 2);
    }

    fn j(&mut self) {
        if self.has(0, &["JOSE"]) || self.begins(&["SAN "]) {
            let is_spanish = (self.at == 0 && self.near(4) == b' ')
                || self.letters.len() == 4
                || self.begins(&["SAN "]);
            return self.put(if is_spanish { "H" } else { "J" }, 1);
        }
        let code = match () {
            () if self.at == 0 => "J",
            () if is_vowel(self.near(-1)) && !self.is_slavic && self.has(1, &["A", "O"]) => "J",
            () if self.is_last() => "J",
            () if self.has(1, &["L", "T", "K", "S", "N", "M", "B", "Z"]) => "",
            () if self.has(-1, &["S", "K", "L"]) => "",
            () => "J",
        };
        self.put_once(code);
    }

    fn s(&mut self) {
        if self.has(-1, &["ISL", "YSL"]) {
            return self.put("", 1);
        }
        if self.at == 0 && self.has(0, &["SUGAR"]) {
            return self.put("X", 1);
        }
        if self.has(0, &["SH"]) {
            let is_german = self.has(1, &["HEIM", "HOEK", "HOLM", "HOLZ"]);
            return self.put(if is_german { "S" } else { "X" }, 2);
        }
        if self.has(0, &["SIO", "SIA"]) {
            return self.put("S", 3);
        }
        let is_anglicized = self.at == 0 && self.has(1, &["M", "N", "L", "W"]);
        if is_anglicized || self.near(1) == b'Z' {
            return self.put("S", 1 + usize::from(self.near(1) == b'Z'));
        }
        if self.has(0, &["SC"]) {
            return self.sc();
        }
        let is_french = self.is_last() && self.has(-2, &["AI", "OI"]);
        let letters = 1 + usize::from(self.has(1, &["S", "Z"]));
        self.put(if is_french { "" } else { "S" }, letters);
    }

    fn sc(&mut self) {
        let code = match () {
            () if self.near(2) == b'H' && self.has(3, &["ER", "EN"]) => "X",
            () if self.near(2) == b'H' && self.has(3, &["OO", "UY", "ED", "EM"]) => "SK",
            () if self.near(2) == b'H' => "X",
            () if self.has(2, &["I", "E", "Y"]) => "S",
            () => "SK",
        };
        self.put(code, 3);
    }

    fn t(&mut self) {
        if self.has(0, &["TION", "TIA", "TCH"]) {
            return self.put("X", 3);
        }
        if self.has(0, &["TH", "TTH"]) {
            let is_hard = self.has(2, &["OM", "AM"]) || self.is_germanic();
            return self.put(if is_hard { "T" } else { "0" }, 2);
        }
        self.put("T", 1 + usize::from(self.has(1, &["T", "D"])));
    }

    fn w(&mut self) {
        if self.has(0, &["WR"]) {
            return self.put("R", 2);
        }
        if self.at == 0 && (is_vowel(self.near(1)) || self.has(0, &["WH"])) {
            return self.put("A", 1);
        }
        if self.has(0, &["WICZ", "WITZ"]) {
            return self.put("TS", 4);
        }
        self.put("", 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_sound_alike_have_one_code() {
        let cases = [
            ("smith", "SM0"),
            ("schmidt", "XMT"),
            ("thompson", "TMPS"),
            ("thumb", "0M"),
            ("knight", "NT"),
            ("night", "NT"),
            ("philip", "FLP"),
            ("filip", "FLP"),
            ("caesar", "SSR"),
            ("cough", "KF"),
            ("laugh", "LF"),
            ("wright", "RT"),
            ("write", "RT"),
            ("right", "RT"),
            ("jose", "HS"),
            ("judge", "JJ"),
            ("church", "XRX"),
            ("architect", "ARKT"),
            ("accident", "AKST"),
            ("nation", "NXN"),
            ("xavier", "SF"),
            ("felix", "FLKS"),
            ("phone", "FN"),
            ("123", ""),
        ];
        for (word, expected) in cases {
            assert_eq!(code(word), expected, "{word}");
        }
        assert_eq!(code("jensen"), code("jenssen"));
    }
}
