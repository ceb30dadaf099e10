//! Registered domains (publicsuffix.org): what names below one public suffix belong to one owner.

use std::net::IpAddr;

/// The part of a name that somebody registered: one label below a public suffix. An address, a name that is itself a suffix, and what is
/// no name at all stand for themselves.
pub fn registered(name: &[u8]) -> &[u8] {
    let is_address = || str::from_utf8(name).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
    psl::domain(name).filter(|_| !is_address()).map_or(name, |domain| domain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_registered() {
        let of = |name: &str| String::from_utf8_lossy(registered(name.as_bytes())).into_owned();
        assert_eq!(of("a.b.example.org"), "example.org");
        assert_eq!(of("example.org"), "example.org");
        assert_eq!((of("www.shop.co.uk"), of("www.other.co.uk")), ("shop.co.uk".to_owned(), "other.co.uk".to_owned()));
        // Sites of different people share a suffix; a suffix alone stands for itself.
        assert_eq!((of("one.github.io"), of("co.uk"), of("")), ("one.github.io".to_owned(), "co.uk".to_owned(), String::new()));
        assert_eq!((of("printer.lan"), of("10.0.0.1")), ("printer.lan".to_owned(), "10.0.0.1".to_owned()));
    }
}
