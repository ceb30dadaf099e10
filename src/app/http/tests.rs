use super::*;
use crate::app::mutate::each_mutation;

const PLAIN: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: blocked.example:8080\r\nUser-Agent: x/1\r\n\r\nrest";

#[test]
fn a_plain_request() {
    let request = request(PLAIN).unwrap();
    assert_eq!(request.host.as_deref(), Some(&b"blocked.example"[..]));
    let (from, to) = request.host_at.unwrap();
    assert_eq!(&PLAIN[from as usize..to as usize], b"blocked.example");
    assert!(request.complete && request.oddities.is_empty());
    assert_eq!(request.head_len, PLAIN.len() - 4);
}

#[test]
fn every_method_begins_a_request() {
    for method in super::request::METHODS {
        let begins = |method: &[u8]| is_request_start(&[method, b" /x"].concat());
        assert!(begins(method) && begins(&method.to_ascii_lowercase()), "{}", method.escape_ascii());
    }
}

#[test]
fn evasive_hosts() {
    let odd = |bytes: &[u8]| request(bytes).map(|r| (r.host.unwrap_or_default(), r.oddities)).unwrap();
    assert_eq!(
        odd(b"GET / HTTP/1.1\r\nhOSt:blocked.example\r\n\r\n"),
        (b"blocked.example".to_vec(), vec![Oddity::HostCase, Oddity::HostSpacing])
    );
    assert_eq!(
        odd(b"GET  / HTTP/1.1\nHost : BLOCKED.example.\n\n"),
        (
            b"BLOCKED.example.".to_vec(),
            vec![Oddity::HostNameSpace, Oddity::HostDot, Oddity::HostMixedCase, Oddity::StartLineSpacing, Oddity::BareLineFeed]
        )
    );
    assert_eq!(
        odd(b"\r\nGeT / HTTP/1.1\r\nHost:\tx\r\nHost: y\r\n\r\n"),
        (b"x".to_vec(), vec![Oddity::HostTab, Oddity::SeveralHosts, Oddity::MethodCase, Oddity::LeadingLines])
    );
    assert_eq!(odd(b"GET / HTTP/1.1\r\nHost: [2001:db8::7]:80\r\n\r\n").0, b"[2001:db8::7]");
}

#[test]
fn hosts_in_the_target() {
    let bytes = b"GET http://user@in.target:81/x HTTP/1.1\r\nHost: other\r\n\r\n";
    let absolute = request(bytes).unwrap();
    assert_eq!(absolute.host.as_deref(), Some(&b"in.target"[..]));
    let (from, to) = absolute.host_at.unwrap();
    assert_eq!(&bytes[from as usize..to as usize], b"in.target");
    let connect = request(b"CONNECT host.example:443 HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(connect.host.as_deref(), Some(&b"host.example"[..]));
    let path = request(b"GET /?u=http://other/ HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(path.host, None);
}

#[test]
fn cut_heads_and_no_heads() {
    let cut = request(b"GET / HTTP/1.1\r\nHost: blocked.exa").unwrap();
    assert_eq!((cut.host, cut.complete), (None, false));
    let cut = request(b"GET / HTTP/1.1\r\nHost: blocked.example\r\nCoo").unwrap();
    assert_eq!(cut.host.as_deref(), Some(&b"blocked.example"[..]));
    assert!(request(b"GET").is_none() && request(b"\x16\x03\x01").is_none() && request(b"").is_none());
    assert!(!is_request_start(b"GETTING on") && is_request_start(b"POST /"));
}

#[test]
fn a_block_page() {
    let bytes = b"HTTP/1.1 302 Found\r\nLocation: http://block.example/\r\nConnection: Close\r\n\
                  Content-Length: 5\r\nContent-Type: text/html\r\n\r\n<html>";
    let page = response(bytes).unwrap();
    assert_eq!(page.status, 302);
    assert_eq!(page.location.as_deref(), Some(&b"http://block.example/"[..]));
    assert!(page.connection_close && !page.date_present && page.server.is_none() && page.complete);
    assert_eq!(page.body(bytes), b"<html>");
    let cut = response(&bytes[..40]).unwrap();
    assert_eq!((cut.status, cut.complete, cut.location), (302, false, None));
    assert!(response(b"HTTP/1.1 2x0 OK\r\n\r\n").is_none() && response(b"HTTP/2 200").is_none());
    let long = [&b"HTTP/1.0 200\r\n\r\n"[..], &[b'x'; 9000]].concat();
    assert_eq!(response(&long).unwrap().body(&long).len(), 2048);
}

#[test]
fn survives_mutations_and_floods() {
    let flood = [&b"GET / HTTP/1.1\r\n"[..], &b"A: b\r\n".repeat(20_000)].concat();
    let flooded = request(&flood).unwrap();
    assert!(!flooded.complete && flooded.head_len <= MAX_HEAD);
    let page = b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: y\r\nVia: z\r\n\r\nbody";
    each_mutation(&[PLAIN, page, b"CONNECT a.b:443 HTTP/1.1\r\n\r\n"], 20_000, |bytes| {
        if let Some(request) = request(bytes) {
            assert!(request.head_len <= bytes.len());
            if let (Some(host), Some((from, to))) = (request.host, request.host_at) {
                assert_eq!(&bytes[from as usize..to as usize], &host[..]);
            }
        }
        if let Some(response) = response(bytes) {
            assert!(response.body(bytes).len() <= bytes.len());
        }
    });
}
