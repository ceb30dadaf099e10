//! Times and durations as text. Always UTC: what is printed depends on the capture and the options, not on where it is read.

use crate::capture::Timestamp;

/// How times are shown, by the letters of tshark's `-t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeFormat {
    /// `r`: seconds since the capture's first packet.
    #[default]
    Relative,
    /// `a`, `u`: time of day.
    TimeOfDay,
    /// `ad`: with the date.
    DateAndTime,
    /// `e`: seconds since 1970.
    Epoch,
}

impl TimeFormat {
    /// A time in this format; `start` is the capture's first.
    pub fn show(self, time: Timestamp, start: Option<Timestamp>) -> String {
        match self {
            TimeFormat::Relative => seconds(time.since(start.unwrap_or(time))),
            TimeFormat::TimeOfDay => format(time, "%T.%6f"),
            TimeFormat::DateAndTime => format(time, "%F %T.%6f"),
            TimeFormat::Epoch => {
                let ns = i128::from(time.0);
                format!("{}.{:09}", ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000))
            }
        }
    }
}

/// RFC 3339, UTC, nine digits: the form of the JSON records.
pub fn rfc3339(time: Timestamp) -> String {
    format(time, "%FT%T.%9fZ")
}

/// The time that [`rfc3339`] wrote.
pub fn parse(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(Timestamp)
}

/// Date and time to the second, for a heading.
pub fn to_the_second(time: Timestamp) -> String {
    format(time, "%F %T UTC")
}

fn format(time: Timestamp, pattern: &str) -> String {
    // Every i64 of nanoseconds (years 1677 to 2262) is a time to jiff; if that ever changes, the number itself is still true.
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(t) => t.strftime(pattern).to_string(),
        Err(_) => format!("{} ns", time.0),
    }
}

/// Nanoseconds as seconds with six digits.
fn seconds(ns: i64) -> String {
    let (sign, ns) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
    format!("{sign}{}.{:06}", ns / 1_000_000_000, ns % 1_000_000_000 / 1000)
}

/// Nanoseconds as milliseconds, for JSON.
pub fn milliseconds(ns: i64) -> f64 {
    ns as f64 / 1e6
}

/// A distance in time, in the unit that reads best.
pub fn span(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let whole = ns.unsigned_abs();
    let ns = whole as f64;
    match whole {
        0..1_000_000 => format!("{sign}{:.3} ms", ns / 1e6),
        1_000_000..1_000_000_000 => format!("{sign}{:.1} ms", ns / 1e6),
        1_000_000_000..120_000_000_000 => format!("{sign}{:.2} s", ns / 1e9),
        120_000_000_000..7_200_000_000_000 => format!("{sign}{:.1} min", ns / 60e9),
        7_200_000_000_000..172_800_000_000_000 => format!("{sign}{:.1} h", ns / 3600e9),
        _ => format!("{sign}{:.1} days", ns / 86_400e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_700_000_000_123_456_789);

    #[test]
    fn formats() {
        assert_eq!(rfc3339(T), "2023-11-14T22:13:20.123456789Z");
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999999999Z");
        let start = Some(Timestamp(T.0 - 1_500_000_000));
        assert_eq!(TimeFormat::Relative.show(T, start), "1.500000");
        assert_eq!(TimeFormat::TimeOfDay.show(T, start), "22:13:20.123456");
        assert_eq!(TimeFormat::DateAndTime.show(T, start), "2023-11-14 22:13:20.123456");
        assert_eq!(TimeFormat::Epoch.show(T, start), "1700000000.123456789");
        assert_eq!(TimeFormat::Epoch.show(Timestamp(-1), start), "-1.999999999");
    }

    #[test]
    fn the_ends_of_time_are_times() {
        for t in [i64::MIN, i64::MAX] {
            assert!(rfc3339(Timestamp(t)).ends_with('Z'));
            assert_eq!(parse(&rfc3339(Timestamp(t))), Some(Timestamp(t)));
            let _ = TimeFormat::Relative.show(Timestamp(t), Some(Timestamp(0)));
            let _ = span(t);
        }
    }

    #[test]
    fn spans() {
        assert_eq!(span(12_000), "0.012 ms");
        assert_eq!(span(-34_100_000), "-34.1 ms");
        assert_eq!(span(2_500_000_000), "2.50 s");
        assert_eq!(span(600_000_000_000), "10.0 min");
    }
}
