//! The words of a verdict, and the one function that turns claims into a confidence.

use super::rules::Rule;
use crate::flow::key::Direction;
use std::fmt;

/// Names with their printed form, in one place.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// As printed and as written in JSON.
            pub fn name(self) -> &'static str { match self { $($name::$variant => $text),+ } }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.name()) }
        }
    };
}

words! {
    /// What was done.
    Mechanism {
        TcpReset => "tcp-reset", TcpFin => "tcp-fin", TcpData => "tcp-data", TcpHandshake => "tcp-handshake", DnsAnswer => "dns-answer",
        Drop => "drop", Stall => "stall", Throttle => "throttle", TlsIntercept => "tls-intercept", IcmpError => "icmp-error",
    }
}
words! {
    /// What set it off, kept apart from the mechanism.
    TriggerKind {
        DnsQname => "dns.qname", TlsSni => "tls.sni", TlsEch => "tls.ech", HttpHost => "http.host", HttpUri => "http.uri",
        QuicSni => "quic.sni", Ip => "ip", Port => "port", Protocol => "protocol", Residual => "residual", NoneSeen => "none-seen",
    }
}
words! {
    /// When in the life of the connection.
    Stage { PostSyn => "post-syn", PostAck => "post-ack", PostRequest => "post-request", Later => "later" }
}
words! {
    /// Layer of what was forged or dropped.
    Layer { Ip => "ip", Icmp => "icmp", Tcp => "tcp", Udp => "udp", Dns => "dns", Tls => "tls", Http => "http", Quic => "quic" }
}
words! {
    /// Where the interfering box sits, as far as the packets show.
    Position { OnPath => "on-path", InPath => "in-path", Resolver => "resolver", Unknown => "unknown" }
}
words! {
    /// A state, not a number.
    Confidence { Unexplained => "unexplained", Likely => "likely", Confirmed => "confirmed" }
}
words! {
    /// Kind of evidence. Claims of one family do not add up.
    Family { Sequence => "sequence", Header => "header", Timing => "timing", Control => "control", Content => "content" }
}
words! {
    /// Strength of a claim: A settles it alone, B needs one more of another family, C supports.
    Class { C => "C", B => "B", A => "A" }
}
words! {
    /// Which way a claim speaks.
    Stance { For => "for", Against => "against" }
}

/// What set interference off, and where it stands in the capture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    pub kind: TriggerKind,
    /// The name, as sent; empty where the message carries none.
    pub value: Vec<u8>,
    /// Frame that carries the value, and the one that completed the message.
    pub frame: u64,
    pub complete_at_frame: u64,
    /// Sequence number after the message (TCP).
    pub seq_end: u32,
}

/// A rule's word on a suspect.
#[derive(Clone, PartialEq, Debug)]
pub struct Claim {
    pub rule: &'static str,
    /// At most the rule's class; a rule says less when its measurement is weak.
    pub class: Class,
    pub frames: Vec<u64>,
    pub observed: Option<f64>,
    pub expected: Option<f64>,
    pub unit: &'static str,
    pub text: String,
    /// Set when another claim or the vantage audit voids it: kept, marked, counting nothing.
    pub void: Option<&'static str>,
}

impl Claim {
    /// A claim at the rule's own class, to be filled in.
    pub fn new(rule: &'static str, class: Class, frames: impl IntoIterator<Item = u64>, text: impl Into<String>) -> Claim {
        let mut frames: Vec<u64> = frames.into_iter().collect();
        frames.sort_unstable();
        frames.dedup();
        Claim { rule, class, frames, observed: None, expected: None, unit: "", text: text.into(), void: None }
    }

    /// Adds what was measured and what an honest path would show.
    pub fn measured(mut self, observed: f64, expected: f64, unit: &'static str) -> Claim {
        (self.observed, self.expected, self.unit) = (Some(observed), Some(expected), unit);
        self
    }
}

/// Packets, or a silence, that need explaining.
#[derive(Clone, PartialEq, Debug)]
pub struct Suspect {
    pub mechanism: Mechanism,
    pub stage: Stage,
    pub trigger: Option<Trigger>,
    /// Who is said to have sent the packets in question; for a drop, whose packets vanish.
    pub sender: Direction,
    /// Indices into the case's entries: the packets in question.
    pub packets: Vec<usize>,
    /// For DNS: which of the case's answers are in question.
    pub answers: Vec<usize>,
}

/// Turns claims into a state. The only place that does.
///
/// `None`: nothing left to report beyond what ordinary networks do.
pub fn conclude(claims: &mut [Claim], rules: &[Rule], mechanism: Mechanism) -> Option<Confidence> {
    let row = |id: &str| rules.iter().find(|r| r.id == id);
    // A standing claim against voids the claims it names, whatever their class.
    let rebuttals: Vec<(&'static str, &'static [&'static str])> = claims
        .iter()
        .filter(|c| c.void.is_none())
        .filter_map(|c| row(c.rule))
        .filter(|r| r.stance == Stance::Against)
        .map(|r| (r.id, r.rebuts))
        .collect();
    for claim in claims.iter_mut().filter(|c| c.void.is_none()) {
        claim.void = rebuttals.iter().find(|(_, rebuts)| rebuts.contains(&claim.rule)).map(|(by, _)| *by);
    }
    let standing: Vec<(&Claim, &Rule)> = claims.iter().filter(|c| c.void.is_none()).filter_map(|c| row(c.rule).map(|r| (c, r))).collect();
    let mut best: [Option<Class>; Family::ALL.len()] = [None; Family::ALL.len()];
    for (claim, rule) in standing.iter().filter(|(_, r)| r.stance == Stance::For) {
        if let Some(slot) = best.get_mut(rule.family as usize) {
            *slot = (*slot).max(Some(claim.class.min(rule.class)));
        }
    }
    let count = |class: Class| best.iter().filter(|b| **b >= Some(class)).count();
    let (a, b, any) = (count(Class::A), count(Class::B), best.iter().flatten().count());
    let proved = a > 0 || b >= 2;
    let mut cap = super::rules::cap(mechanism);
    for (_, rule) in standing.iter().filter(|(_, r)| r.stance == Stance::Against) {
        match rule.cap {
            None if !proved => return None,
            None => {}
            // A silence is never proof; what packets prove is not undone by a control that is missing, only by packets that are.
            Some(limit) if !proved || matches!(mechanism, Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle) => cap = cap.min(limit),
            Some(limit) if rule.family == Family::Sequence => cap = cap.min(limit.max(Confidence::Likely)),
            Some(_) => {}
        }
    }
    let earned = if proved {
        Confidence::Confirmed
    } else if b == 1 && any >= 2 {
        Confidence::Likely
    } else {
        Confidence::Unexplained
    };
    Some(earned.min(cap))
}
