//! HTTP/1 heads: what is asked of whom stays, what tells who asks is crossed out. Lengths and line ends stay, so that a parser reads the
//! same head. Bodies are zero, but for the pages that somebody put in.

use super::names::Names;
use super::text;
use crate::app::http::{is_request_start, is_response_start};

/// Headers whose values stay; the names of all stay.
const KEPT: [&[u8]; 9] = [
    b"host",
    b"content-length",
    b"content-type",
    b"transfer-encoding",
    b"connection",
    b"upgrade",
    b"location",
    b"server",
    b"content-encoding",
];
/// Headers that are crossed out even in a page that is evidence itself.
const SECRET: [&[u8]; 6] = [b"cookie", b"set-cookie", b"authorization", b"proxy-authorization", b"www-authenticate", b"x-forwarded-for"];

/// How much of a message stays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What says what was asked for.
    Head,
    /// Everything but secrets: the packet is the evidence.
    Page,
}

/// A message, or its beginning, as it may be shown; `None` if it does not begin like one.
pub fn clean(names: &Names, bytes: &[u8], keep: Keep) -> Option<Vec<u8>> {
    let request = is_request_start(bytes);
    if !request && !is_response_start(bytes) {
        return None;
    }
    let mut out = bytes.to_vec();
    let mut at = 0;
    let mut first = true;
    while at < bytes.len() {
        let end = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\n')).map_or(bytes.len(), |n| at + n + 1);
        let Some(line) = out.get_mut(at..end) else { break };
        let text = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |n| n + 1);
        at = end;
        if text == 0 && !first {
            break;
        }
        let line = line.get_mut(..text).unwrap_or_default();
        if std::mem::take(&mut first) {
            target(if request { line } else { &mut [] });
        } else {
            header(line, keep);
        }
    }
    if keep == Keep::Head {
        out.get_mut(at..).unwrap_or_default().fill(0);
    }
    text::blot(names, &mut out);
    Some(out)
}

fn cross_out(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|b| !b.is_ascii_whitespace()).for_each(|b| *b = b'x');
}

/// The query of a request's target or of a URL, and who is named before the host.
fn target(line: &mut [u8]) {
    let scheme = line.windows(3).position(|w| w == b"://").map(|n| n + 3);
    if let Some(from) = scheme {
        let host =
            line.get(from..).unwrap_or_default().iter().position(|b| matches!(b, b'/' | b' ' | b'?')).map_or(line.len(), |n| from + n);
        if let Some(user) = line.get(from..host).and_then(|h| h.iter().rposition(|b| *b == b'@')) {
            cross_out(line.get_mut(from..from + user).unwrap_or_default());
        }
    }
    let Some(query) = line.iter().position(|b| matches!(b, b'?' | b'#')) else { return };
    let end = line.get(query..).unwrap_or_default().iter().position(|b| *b == b' ').map_or(line.len(), |n| query + n);
    cross_out(line.get_mut(query + 1..end).unwrap_or_default());
}

fn header(line: &mut [u8], keep: Keep) {
    let Some(colon) = line.iter().position(|b| *b == b':') else {
        // The rest of a folded line, or nothing that belongs here.
        if keep == Keep::Head {
            cross_out(line);
        }
        return;
    };
    let name = line.get(..colon).unwrap_or_default().trim_ascii().to_ascii_lowercase();
    let is = |list: &[&[u8]]| list.contains(&name.as_slice());
    let Some(value) = line.get_mut(colon + 1..) else { return };
    if is(&SECRET) || (keep == Keep::Head && !is(&KEPT)) {
        cross_out(value);
    } else if name == b"location" && keep == Keep::Head {
        target(value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::for_tests;
    use super::*;

    #[test]
    fn a_request_keeps_what_was_asked_for() {
        let names = for_tests(&["192.168.1.20"]);
        let from = b"GET /path?q=secret#f HTTP/1.1\r\nHost: blocked.example\r\nUser-Agent: Me 1.0\r\ncookie: id=1; a=b\r\n folded\r\nX-For: 192.168.1.20\r\n\r\nname=alice";
        let to = "GET /path?xxxxxxxxxx HTTP/1.1\r\nHost: blocked.example\r\nUser-Agent: xx xxx\r\ncookie: xxxxx xxx\r\n xxxxxx\r\nX-For: xxxxxxxxxxxx\r\n\r\n\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(String::from_utf8(clean(&names, from, Keep::Head).unwrap()).unwrap(), to);
        let cut = b"GET http://me:pw@host/?x=1";
        assert_eq!(clean(&names, cut, Keep::Head).unwrap(), b"GET http://xxxxx@host/?xxx");
        assert!(clean(&names, b"SSH-2.0-x\r\n", Keep::Head).is_none());
    }

    #[test]
    fn a_page_that_was_put_in_stays() {
        let names = for_tests(&["192.168.1.20"]);
        let from = b"HTTP/1.1 403 Forbidden\r\nSet-Cookie: id=1\r\nX-A: b\r\n\r\n<h1>Blocked 192.168.1.20</h1>";
        let page = String::from_utf8(clean(&names, from, Keep::Page).unwrap()).unwrap();
        assert_eq!(page, "HTTP/1.1 403 Forbidden\r\nSet-Cookie: xxxx\r\nX-A: b\r\n\r\n<h1>Blocked xxx.xxx.x.xx</h1>");
        let head = clean(&names, from, Keep::Head).unwrap();
        assert!(head.starts_with(b"HTTP/1.1 403 Forbidden\r\n") && head.ends_with(b"\0\0\0\0"));
        let location = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?mac=aa\r\n\r\n";
        let head = String::from_utf8(clean(&names, location, Keep::Head).unwrap()).unwrap();
        assert!(head.contains("Location: http://portal.example/login?xxxxxx\r\n"), "{head}");
    }
}
