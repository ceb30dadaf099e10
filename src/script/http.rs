//! HTTP/1.1 messages.

/// A browser's GET.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nConnection: keep-alive\r\n\r\n"
    )
    .into_bytes()
}

/// An answer with a body of that many bytes.
pub fn response(status: &str, body: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: {body}\r\n\r\n");
    let text = "<html><body>All quiet here. </body></html>\n".bytes().cycle();
    head.bytes().chain(text.take(body)).collect()
}

/// An answer that says what it is told to.
pub fn page(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
