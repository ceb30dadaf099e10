//! Requests: who is asked for, and how oddly.

use super::MAX_VALUE;
use super::lines::Head;

/// A request's head, as far as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// From the Host header; of an absolute target or CONNECT, from the target, which is what counts there.
    pub host: Option<Vec<u8>>,
    pub head_len: usize,
    pub complete: bool,
    /// First byte of the host's value in the stream, and one past its last.
    pub host_at: Option<(u32, u32)>,
    /// Marks of tools that hide the host from simple filters.
    pub oddities: Vec<Oddity>,
}

/// A way of writing that servers forgive and naive filters trip over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// `hOSt:`
    HostCase,
    /// No blank, or more than one, after `Host:`.
    HostSpacing,
    /// `Host :`
    HostNameSpace,
    /// `example.com.`
    HostDot,
    /// Upper-case letters inside the host.
    HostMixedCase,
    /// `Host` with a tab after it.
    HostTab,
    SeveralHosts,
    /// More blanks in the start line than its grammar has.
    StartLineSpacing,
    /// `GeT`
    MethodCase,
    /// Empty lines before the start line.
    LeadingLines,
    /// Lines end in LF alone.
    BareLineFeed,
}

/// The methods seen on the open web, and CONNECT and WebDAV's most common.
pub(super) const METHODS: [&[u8]; 12] =
    [b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"DELETE", b"CONNECT", b"PATCH", b"TRACE", b"PROPFIND", b"REPORT", b"M-SEARCH"];

/// Could these be the first bytes of a request? Needs the method and its blank.
pub fn is_request_start(bytes: &[u8]) -> bool {
    let bytes = skip_empty_lines(bytes);
    // Nearly everything that is asked about is no request, and its first two octets say so: most of QUIC begins with some letter.
    let [first, second, ..] = bytes else { return false };
    let first_letter = matches!(first.to_ascii_uppercase(), b'C' | b'D' | b'G' | b'H' | b'M' | b'O' | b'P' | b'R' | b'T');
    if !first_letter || !matches!(second.to_ascii_uppercase(), b'A' | b'E' | b'O' | b'P' | b'R' | b'U' | b'-') {
        return false;
    }
    METHODS.iter().any(|method| {
        let Some((head, rest)) = bytes.split_at_checked(method.len()) else {
            return false;
        };
        matches!(rest, [b' ' | b'\t', 0x20..=0x7e, ..]) && head.eq_ignore_ascii_case(method)
    })
}

/// A few line ends may come first; a stream of nothing else is no request.
fn skip_empty_lines(bytes: &[u8]) -> &[u8] {
    if !matches!(bytes, [b'\r' | b'\n', ..]) {
        return bytes;
    }
    let blank = bytes.iter().take(8).take_while(|b| matches!(b, b'\r' | b'\n')).count();
    bytes.get(blank..).unwrap_or(&[])
}

/// Reads the request at the start of a stream; `None` if none starts there.
pub fn request(bytes: &[u8]) -> Option<Request> {
    if !is_request_start(bytes) {
        return None;
    }
    let head = Head::read(bytes);
    let start_line = bytes.get(head.start_line.clone())?;
    let mut words = start_line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty());
    let method = words.next()?;
    let target = capped(words.next().unwrap_or(&[]));
    // The target ends for sure only where something follows it.
    let target_whole = matches!(words.next(), Some(b"HTTP/1.1" | b"HTTP/1.0")) || !head.headers.is_empty() || head.complete;
    let (host, host_at) = match target_host(target).filter(|_| target_whole) {
        Some(host) => (Some(host.to_vec()), place(bytes, &head, host)),
        None => host_header(bytes, &head),
    };
    Some(Request {
        oddities: oddities(bytes, &head, start_line, method, host.as_deref()),
        host,
        head_len: head.len,
        complete: head.complete,
        host_at,
    })
}

fn capped(value: &[u8]) -> &[u8] {
    value.get(..MAX_VALUE).unwrap_or(value)
}

/// The Host header's value without a port. A value whose line end is missing may be cut and is not shown.
fn host_header(bytes: &[u8], head: &Head) -> (Option<Vec<u8>>, Option<(u32, u32)>) {
    let Some(line) = head.find(bytes, b"host").filter(|line| line.complete) else {
        return (None, None);
    };
    let value = bytes.get(line.value.clone()).unwrap_or(&[]);
    let host = without_port(value);
    let start = u32::try_from(line.value.start).ok();
    let at = start.zip(u32::try_from(line.value.start + host.len()).ok());
    (Some(capped(host).to_vec()), at.filter(|_| !host.is_empty()))
}

/// The host of an absolute target (`http://host/`) or of CONNECT's authority (`host:443`).
fn target_host(target: &[u8]) -> Option<&[u8]> {
    let authority = match target.windows(3).position(|part| part == b"://") {
        Some(at) if at <= 8 && !target.starts_with(b"/") => target.get(at + 3..)?,
        _ if target.starts_with(b"/") || target == b"*" => return None,
        _ => target,
    };
    let end = authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(authority.len());
    let authority = authority.get(..end)?;
    let host = authority.rsplit(|&b| b == b'@').next().unwrap_or(authority);
    Some(without_port(host)).filter(|host| !host.is_empty())
}

/// `host:8080` without its port; an address in brackets keeps its colons.
fn without_port(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|&b| b == b':');
    match colon.and_then(|at| host.split_at_checked(at)) {
        Some((name, port)) if port.iter().skip(1).all(u8::is_ascii_digit) => name,
        _ => host,
    }
}

/// Where the host stands inside the start line.
fn place(bytes: &[u8], head: &Head, host: &[u8]) -> Option<(u32, u32)> {
    let line = bytes.get(head.start_line.clone())?;
    let from = head.start_line.start + line.windows(host.len().max(1)).position(|part| part == host)?;
    Some((u32::try_from(from).ok()?, u32::try_from(from + host.len()).ok()?))
}

fn oddities(bytes: &[u8], head: &Head, start_line: &[u8], method: &[u8], host: Option<&[u8]>) -> Vec<Oddity> {
    let mut found = Vec::new();
    let mut note = |oddity, when: bool| {
        if when {
            found.push(oddity);
        }
    };
    if let Some(line) = head.find(bytes, b"host") {
        let name = bytes.get(line.name.clone()).unwrap_or(&[]);
        let between = bytes.get(line.name.end + 1..line.value.start).unwrap_or(&[]);
        let spelled = name.trim_ascii();
        note(Oddity::HostCase, spelled != b"Host" && spelled != b"host" && spelled != b"HOST");
        note(Oddity::HostNameSpace, name.len() != spelled.len());
        note(Oddity::HostTab, between.contains(&b'\t'));
        note(Oddity::HostSpacing, between != b" " && !between.contains(&b'\t'));
        let hosts = head
            .headers
            .iter()
            .filter(|line| bytes.get(line.name.clone()).is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"host")));
        note(Oddity::SeveralHosts, hosts.count() > 1);
    }
    let host = host.unwrap_or(&[]);
    note(Oddity::HostDot, host.ends_with(b"."));
    note(Oddity::HostMixedCase, host.iter().any(u8::is_ascii_uppercase));
    let blanks = start_line.iter().filter(|b| matches!(b, b' ' | b'\t')).count();
    note(Oddity::StartLineSpacing, blanks > 2 || start_line.contains(&b'\t'));
    note(Oddity::MethodCase, method.iter().any(u8::is_ascii_lowercase));
    note(Oddity::LeadingLines, head.start_line.start > 0);
    let line_end = bytes.get(head.start_line.end);
    note(Oddity::BareLineFeed, line_end == Some(&b'\n'));
    found
}
