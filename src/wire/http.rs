//! Recognises the request line of HTTP, which a server must refuse (protocol rule C7).
//!
//! A web page can make its reader's browser send an HTTP request to any address, also to this machine. This
//! module only recognises the request and reads nothing of it. The grammar is wider than that of RFC 9112,
//! because a line that is refused by mistake is no message either.

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{digit0, digit1};
use nom::combinator::{all_consuming, opt, rest, value};
use nom::{IResult, Parser};

/// Whether a line, its LF included, is an HTTP request line. O(length), allocates nothing.
///
/// ```
/// use package_indexer::wire::is_http_request;
///
/// assert!(is_http_request(b"POST /any HTTP/1.1\r\n"));
/// assert!(!is_http_request(b"INDEX|a|\n"));
/// ```
#[must_use]
pub fn is_http_request(line: &[u8]) -> bool {
    all_consuming((start, target, version, line_end)).parse(line).is_ok()
}

/// Whether an HTTP request line can begin with these bytes, of which at least the method is complete. It is
/// for lines that are too long to be read to their end. O(length), allocates nothing.
///
/// ```
/// use package_indexer::wire::begins_http_request;
///
/// assert!(begins_http_request(b"GET /a-path-without-an-e"));
/// assert!(!begins_http_request(b"INDEX a needs b"));
/// ```
#[must_use]
pub fn begins_http_request(bytes: &[u8]) -> bool {
    let Ok((_, ((), target, rest))) = (start, take_while(is_of_target), rest).parse(bytes) else {
        return false;
    };
    if target.is_empty() {
        return rest.is_empty();
    }
    let number_to_come = (text(b" HTTP/"), opt((digit1, opt((text(b"."), digit0)))));
    b" HTTP/".starts_with(rest)
        || all_consuming(number_to_come).parse(rest).is_ok()
        || all_consuming((version, text(b"\r"))).parse(rest).is_ok()
}

/// The reason why a line is not a request line is not needed.
type Parsed<'a, O> = IResult<&'a [u8], O, ()>;

/// `method SP`, with `method = 1*%x41-5A`
fn start(input: &[u8]) -> Parsed<'_, ()> {
    let method = take_while1(|byte: u8| byte.is_ascii_uppercase());
    value((), (method, text(b" "))).parse(input)
}

/// `target = 1*( VCHAR / %x80-FF )`
fn target(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_of_target).parse(input)
}

fn is_of_target(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f
}

/// `SP version`, with `version = "HTTP/" 1*DIGIT [ "." 1*DIGIT ]`
fn version(input: &[u8]) -> Parsed<'_, ()> {
    let minor = opt((text(b"."), digit1));
    value((), (text(b" HTTP/"), digit1, minor)).parse(input)
}

/// `[ CR ] LF`
fn line_end(input: &[u8]) -> Parsed<'_, ()> {
    value((), (opt(text(b"\r")), text(b"\n"))).parse(input)
}

fn text<'a>(expected: &'static [u8]) -> impl Parser<&'a [u8], Output = &'a [u8], Error = ()> {
    tag(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\n",
        b"POST /x?y=INDEX|a| HTTP/1.0\n",
        b"PRI * HTTP/2.0\r\n",
        b"OPTIONS * HTTP/2\n",
        b"CONNECT localhost:8080 HTTP/1.1\r\n",
        b"GET http://127.0.0.1:8080/ HTTP/1.1\r\n",
        b"G \xff HTTP/10.25\r\n",
        b"QUERY |a| HTTP/1.1\n",
    ];

    #[test]
    fn request_lines_of_every_form_are_recognised() {
        for line in REQUESTS {
            assert!(is_http_request(line), "{}", line.escape_ascii());
            for end in 0..line.len() {
                assert!(!is_http_request(&line[..end]), "{}", line[..end].escape_ascii());
                let method = line.iter().position(|byte| *byte == b' ');
                let begins = begins_http_request(&line[..end]);
                assert_eq!(begins, Some(end) > method, "{}", line[..end].escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_nearly_a_request_line_is_none() {
        for line in [
            b"\n".as_slice(),
            b"\r\n",
            b"INDEX|a|\n",
            b"INDEX a b\n",
            b"get / HTTP/1.1\r\n",
            b" GET / HTTP/1.1\r\n",
            b"M-SEARCH * HTTP/1.1\r\n",
            b" / HTTP/1.1\r\n",
            b"GET /\n",
            b"GET  HTTP/1.1\n",
            b"GET  / HTTP/1.1\n",
            b"GET /  HTTP/1.1\n",
            b"GET\t/ HTTP/1.1\n",
            b"GET /a b HTTP/1.1\n",
            b"GET /\0 HTTP/1.1\n",
            b"GET / http/1.1\n",
            b"GET / HTTP/\n",
            b"GET / HTTP/1.\n",
            b"GET / HTTP/.1\n",
            b"GET / HTTP/x\n",
            b"GET / HTTP/1.1 \n",
            b"GET / HTTP/1.1\r\r\n",
            b"GET / HTTP/1.1\n\n",
        ] {
            assert!(!is_http_request(line), "{}", line.escape_ascii());
        }
        for bytes in [
            b"".as_slice(),
            b"GET",
            b"get /",
            b"INDEX|a|b,",
            b"INDEX a needs",
            b"GET  ",
            b"GET  HTTP/1.1",
            b"GET / HTTQ",
            b"GET / HTTP/.",
            b"GET / HTTP/\r",
            b"GET / HTTP/1.\r",
            b"GET / HTTP/1.1.",
            b"GET / HTTP/1.1\r\r",
            b"GET / HTTP/1.1\n",
        ] {
            assert!(!begins_http_request(bytes), "{}", bytes.escape_ascii());
        }
    }
}
