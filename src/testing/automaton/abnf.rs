//! Reads the grammar in `spec/protocol.md`: as much of ABNF (RFC 5234, RFC 7405) as occurs there.

use std::collections::BTreeMap;

use super::regular::Regular;

const PROTOCOL: &str = include_str!("../../../spec/protocol.md");

/// What the grammar says of the length of a name.
const NAME_LENGTH: &str = "1*255(";

/// The words of a rule, with names of at most so many bytes.
pub(super) fn rule(name: &str, max_name_bytes: usize) -> Regular {
    let (_, block) = PROTOCOL.split_once("```abnf\n").expect("a block of ABNF");
    let (block, _) = block.split_once("```").expect("the end of the block");
    assert_eq!(
        block.matches(NAME_LENGTH).count(),
        1,
        "the grammar says elsewhere how long names are"
    );
    let block = block.replace(NAME_LENGTH, &format!("1*{max_name_bytes}("));
    let rules = block.lines().filter_map(|line| {
        let line = line.split_once(" ; ").map_or(line, |(rule, _comment)| rule);
        let (name, words) = line.split_once('=')?;
        Some((name.trim(), words))
    });
    let rules: BTreeMap<&str, &str> = rules.collect();
    Reader::rule(&rules, name)
}

struct Reader<'a> {
    rules: &'a BTreeMap<&'a str, &'a str>,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn rule(rules: &'a BTreeMap<&'a str, &'a str>, name: &str) -> Regular {
        let bytes = |ranges: &[(u8, u8)]| {
            Regular::Byte(ranges.iter().flat_map(|(first, last)| *first..=*last).collect())
        };
        match name {
            "ALPHA" => bytes(&[(b'A', b'Z'), (b'a', b'z')]),
            "DIGIT" => bytes(&[(b'0', b'9')]),
            "VCHAR" => bytes(&[(0x21, 0x7e)]),
            "CR" => Regular::byte(b'\r'),
            "LF" => Regular::byte(b'\n'),
            name => {
                let rest = rules.get(name).unwrap_or_else(|| panic!("there is no rule {name:?}"));
                let mut reader = Self { rules, rest };
                let rule = reader.choice();
                assert_eq!(reader.rest, "", "not understood in the rule {name:?}");
                rule
            }
        }
    }

    /// `a / b / c`
    fn choice(&mut self) -> Regular {
        let mut all = vec![self.sequence()];
        while self.took("/") {
            all.push(self.sequence());
        }
        Regular::either(all)
    }

    /// `a b c`
    fn sequence(&mut self) -> Regular {
        let mut all = Regular::nothing();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(['/', ')', ']']) {
                return all;
            }
            all = all.then(self.repeated());
        }
    }

    /// `1*255 a`
    fn repeated(&mut self) -> Regular {
        let least = self.digits().parse().ok();
        if !self.took("*") {
            let times = least.unwrap_or(1);
            return self.one().times(times, Some(times));
        }
        let most = self.digits().parse().ok();
        self.one().times(least.unwrap_or(0), most)
    }

    fn one(&mut self) -> Regular {
        if self.took("(") {
            let all = self.choice();
            assert!(self.took(")"), "before {:?}", self.rest);
            all
        } else if self.took("[") {
            let all = self.choice();
            assert!(self.took("]"), "before {:?}", self.rest);
            all.times(0, Some(1))
        } else if self.took("%s\"") {
            self.text(false)
        } else if self.took("\"") {
            self.text(true)
        } else if self.took("%x") {
            let first = self.hex();
            let last = if self.took("-") { self.hex() } else { first };
            Regular::Byte((first..=last).collect())
        } else {
            let is_name = |c: char| c.is_alphanumeric() || c == '-';
            let name = self.taken(|c| !is_name(c));
            Self::rule(self.rules, name)
        }
    }

    /// The text up to the next quote, in upper or lower case if the rule allows both.
    fn text(&mut self, either_case: bool) -> Regular {
        let text = self.taken(|c| c == '"');
        assert!(self.rest.starts_with('"'), "a quote is not closed");
        self.rest = &self.rest[1..];
        text.bytes().fold(Regular::nothing(), |all, byte| {
            let cases = if either_case {
                [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
            } else {
                [byte; 2]
            };
            all.then(Regular::Byte(cases.into()))
        })
    }

    fn digits(&mut self) -> &'a str {
        self.taken(|c| !c.is_ascii_digit())
    }

    fn hex(&mut self) -> u8 {
        u8::from_str_radix(self.taken(|c| !c.is_ascii_hexdigit()), 16).expect("a byte")
    }

    /// Everything up to the first character that ends it.
    fn taken(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn took(&mut self, expected: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[test]
fn the_grammar_of_the_protocol_is_read() {
    let takes = |name, words: &[&str]| {
        let automaton = rule(name, 3).automaton();
        words.iter().map(|word| automaton.says(word.as_bytes())).collect::<Vec<_>>()
    };
    assert_eq!(
        takes("command", &["INDEX", "QUERY", "query", "INDE", "INDEXX"]),
        [true, true, false, false, false]
    );
    assert_eq!(takes("name", &["", "a+", "@/_", "abcd", "a:"]), [false, true, true, false, false]);
    assert_eq!(
        takes("dependencies", &["a", "a,", "a,b,", ",a", "a,,b"]),
        [true, true, true, false, false]
    );
    assert_eq!(
        takes("message", &["REMOVE|a|\n", "QUERY|a|b\r\n", "INDEX|a\n"]),
        [true, true, false]
    );
    assert_eq!(
        takes("request-line", &["GET / HTTP/1.1\r\n", "G \u{e9} HTTP/2\n", "GET HTTP/1\n"]),
        [true, true, false]
    );
}
