//! Words for people. A state changes the noun, not a footnote: what is not determined is called "unexplained", never "possible".

use crate::detect::finding::{Confidence, Mechanism, Stage, TriggerKind};
use crate::survey::Finding;

/// What was found, in one phrase.
pub fn noun(f: &Finding) -> String {
    let kind = f.trigger.as_ref().map_or(TriggerKind::NoneSeen, |t| t.kind);
    match f.mechanism {
        Mechanism::TcpReset => {
            let reset = match f.confidence {
                Confidence::Confirmed => "forged reset",
                Confidence::Likely => "likely forged reset",
                Confidence::Unexplained => "unexplained reset",
            };
            format!("{reset} {}", moment(f.stage, kind))
        }
        Mechanism::DnsAnswer => match f.confidence {
            Confidence::Confirmed => "forged DNS answer".into(),
            Confidence::Likely => "likely forged DNS answer".into(),
            Confidence::Unexplained => "unexplained DNS answer".into(),
        },
        Mechanism::TcpData => forged(f.confidence, &format!("answer to the {}", message(kind))),
        Mechanism::TcpFin => forged(f.confidence, &format!("FIN after the {}", message(kind))),
        Mechanism::TcpHandshake => forged(f.confidence, "SYN/ACK"),
        Mechanism::TlsIntercept => match f.confidence {
            Confidence::Confirmed => "intercepted TLS".into(),
            Confidence::Likely => "likely intercepted TLS".into(),
            Confidence::Unexplained => "unexplained certificate".into(),
        },
        Mechanism::IcmpError => match f.confidence {
            Confidence::Unexplained => "unexplained ICMP refusal".into(),
            _ => "connection refused by a router".into(),
        },
        Mechanism::Stall => match f.confidence {
            Confidence::Unexplained => "transfer that stopped".into(),
            _ => format!("likely {} stall", request(kind)),
        },
        Mechanism::Throttle => match f.confidence {
            Confidence::Unexplained => "slow transfer".into(),
            _ => format!("likely {} throttling", request(kind)),
        },
        Mechanism::Drop => {
            let what = request(kind);
            match f.confidence {
                Confidence::Confirmed => format!("{what} drop"),
                Confidence::Likely => format!("likely {what} drop"),
                Confidence::Unexplained => format!("no reply after the {}", message(kind)),
            }
        }
    }
}

fn forged(confidence: Confidence, what: &str) -> String {
    match confidence {
        Confidence::Confirmed => format!("forged {what}"),
        Confidence::Likely => format!("likely forged {what}"),
        Confidence::Unexplained => format!("unexplained {what}"),
    }
}

/// When, told by what the client had sent.
fn moment(stage: Stage, kind: TriggerKind) -> String {
    match stage {
        Stage::PostSyn => "answering the SYN".into(),
        Stage::PostAck => "right after the handshake".into(),
        Stage::PostRequest => format!("after the {}", message(kind)),
        Stage::Later => "later in the connection".into(),
    }
}

/// The message that carries a trigger.
fn message(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::DnsQname => "DNS query",
        TriggerKind::TlsSni | TriggerKind::TlsEch => "TLS ClientHello",
        TriggerKind::HttpHost | TriggerKind::HttpUri => "HTTP request",
        TriggerKind::QuicSni => "QUIC ClientHello",
        TriggerKind::Ip | TriggerKind::Port => "connection attempt",
        TriggerKind::Protocol | TriggerKind::Residual | TriggerKind::NoneSeen => "request",
    }
}

/// A trigger as people say it: the drop by this is an "SNI drop".
pub fn request(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::DnsQname => "DNS",
        TriggerKind::TlsSni => "SNI",
        TriggerKind::TlsEch => "ECH",
        TriggerKind::HttpHost => "HTTP host",
        TriggerKind::HttpUri => "HTTP path",
        TriggerKind::QuicSni => "QUIC SNI",
        TriggerKind::Ip => "IP",
        TriggerKind::Port => "port",
        TriggerKind::Protocol => "protocol",
        TriggerKind::Residual => "residual",
        TriggerKind::NoneSeen => "traffic",
    }
}

/// Why a flow could not be judged.
pub fn reason(why: &str) -> &str {
    match why {
        "mid-stream" => "begun before the capture",
        "one-sided" => "seen in one direction only",
        "cut" => "cut by the snap length",
        "evicted" => "given up for memory (--memory)",
        "encrypted" => "encrypted",
        "lossy" => "with packets missing",
        "no-data" => "in which nothing was said",
        "no-control" => "without a control",
        "too-many-suspects" => "beyond the bound on suspects",
        other => other,
    }
}

/// Where the capture was taken.
pub fn vantage(vantage: &str) -> &str {
    match vantage {
        "client" => "near the clients",
        "server" => "near the servers",
        "middle" => "midway between clients and servers",
        _ => "at an unknown place on the path",
    }
}

/// `1 flow`, `2 flows`, `1,234,567 flows`.
pub fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// Digits in groups of three.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Octets in the unit that reads best.
pub fn octets(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = "bytes";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "bytes" { format!("{n} bytes") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1000), "1,000");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(count(1, "flow"), "1 flow");
        assert_eq!(count(2, "flow"), "2 flows");
        assert_eq!(octets(1023), "1023 bytes");
        assert_eq!(octets(3 << 20), "3.0 MiB");
    }
}
