//! A capture filter and a firewall rule that match an injector's packets and not the server's own.
//!
//! Both are made from what a finding's forged packets have in common: flags, TTL, window, identification where it repeats. Where the
//! finding's genuine packets would match as well there is none to give.

use crate::detect::finding::Position;
use crate::flow::entry::{Entry, fact};
use crate::packet::tags::Tags;
use crate::survey::{Finding, PacketRef};

/// The six classic TCP flags, lowest first, as nftables names them.
const FLAGS: [&str; 6] = ["fin", "syn", "rst", "psh", "ack", "urg"];
const CLASSIC: u16 = 0x3f;

/// What packets of one kind have in common.
#[derive(PartialEq)]
struct Common {
    from_client: bool,
    v6: bool,
    /// TCP flags; `None` for UDP.
    flags: Option<u16>,
    ttl: (u8, u8),
    dont_fragment: Option<bool>,
    ip_id: Option<u16>,
    window: Option<u16>,
    payload_len: Option<u32>,
    /// Flags word and answer count of a DNS header.
    dns: Option<[u16; 2]>,
}

/// tcpdump's syntax: every packet of the injector that this finding shows, whoever the client is.
pub fn tcpdump(f: &Finding) -> Option<String> {
    let groups = groups(f)?;
    let said: Vec<String> = groups.iter().map(|g| g.tcpdump(f)).collect();
    let said = match said.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(|s| format!("({s})")).collect::<Vec<_>>().join(" or "),
    };
    Some(behind(f.ends.tags, said))
}

/// A filter that looks behind tags. Each such word moves the offsets of all that is written after it, whatever the brackets say, and
/// the words can only be given from the outside in.
fn behind(tags: Tags, said: String) -> String {
    let Tags { vlans, pppoe, labels, .. } = tags;
    // The two directions of a link may be tagged in different ways, or one of them not.
    let perhaps =
        |word: &str, times: u8, said: String| (0..times).fold(said.clone(), |inner, _| format!("({said}) or ({word} and ({inner}))"));
    let surely = |word: &str, times: u8, said: String| (0..times).fold(said, |inner, _| format!("{word} and ({inner})"));
    match (pppoe, labels) {
        (false, 0) => perhaps("vlan", vlans, said),
        (_, 0) => surely("vlan", vlans, surely("pppoes", 1, said)),
        _ => surely("vlan", vlans, surely("pppoes", pppoe.into(), perhaps("mpls", labels, said))),
    }
}

/// Rules of nftables, a line each, that count the same packets.
pub fn nftables(f: &Finding) -> Option<String> {
    let groups = groups(f)?;
    Some(groups.iter().map(|g| g.nftables(f)).collect::<Vec<_>>().join("\n"))
}

fn groups(f: &Finding) -> Option<Vec<Common>> {
    // Where the resolver itself lies, its packets are no injector's. Refusals come from a router, and inside tunnels neither language
    // looks at the right header.
    let resolver = f.position == Position::Resolver;
    let unseen = f.ends.tunnel || f.ends.tags.unnamed;
    if resolver || unseen || f.forged.is_empty() || f.forged.iter().any(|p| p.entry.is(fact::ICMP)) {
        return None;
    }
    let mut parts: Vec<((bool, u16), Vec<&PacketRef>)> = Vec::new();
    for p in &f.forged {
        let key = (p.from_client, p.entry.flags & CLASSIC);
        match parts.iter_mut().find(|(k, _)| *k == key) {
            Some((_, list)) => list.push(p),
            None => parts.push((key, vec![p])),
        }
    }
    let groups: Vec<Common> = parts.iter().map(|(_, list)| Common::of(list)).collect();
    let blurred = f.genuine.iter().any(|p| groups.iter().any(|g| g.matches(p)));
    (!blurred).then_some(groups)
}

fn same<T: PartialEq + Copy>(list: &[&PacketRef], of: impl Fn(&Entry) -> Option<T>) -> Option<T> {
    let first = of(&list.first()?.entry)?;
    list.iter().all(|p| of(&p.entry) == Some(first)).then_some(first)
}

fn dns(e: &Entry) -> Option<[u16; 2]> {
    match e.peek() {
        [_, _, a, b, _, _, c, d, ..] if !e.is_tcp() => Some([u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])]),
        _ => None,
    }
}

impl Common {
    fn of(list: &[&PacketRef]) -> Common {
        let ttls = list.iter().map(|p| p.entry.ttl);
        let tcp = list.iter().all(|p| p.entry.is_tcp());
        Common {
            from_client: list.iter().any(|p| p.from_client),
            v6: list.iter().any(|p| p.entry.is(fact::IPV6)),
            flags: tcp.then(|| same(list, |e| Some(e.flags & CLASSIC))).flatten(),
            ttl: (ttls.clone().min().unwrap_or(0), ttls.max().unwrap_or(u8::MAX)),
            dont_fragment: same(list, |e| (!e.is(fact::IPV6)).then(|| e.is(fact::DONT_FRAGMENT))),
            // Once is no constant, unless it is a number that nobody counts to by chance.
            ip_id: same(list, Entry::ip_id).filter(|id| list.len() > 1 || *id < 2),
            window: tcp.then(|| same(list, |e| Some(e.window))).flatten(),
            payload_len: tcp.then(|| same(list, |e| Some(e.payload_len))).flatten().filter(|_| list.iter().all(|p| p.entry.is_rst())),
            dns: same(list, dns),
        }
    }

    fn matches(&self, p: &PacketRef) -> bool {
        let e = &p.entry;
        let is = |wanted: Option<u16>, has: u16| wanted.is_none_or(|w| w == has);
        p.from_client == self.from_client
            && (self.ttl.0..=self.ttl.1).contains(&e.ttl)
            && self.flags.is_none_or(|f| e.is_tcp() && e.flags & CLASSIC == f)
            && self.dont_fragment.is_none_or(|df| e.is(fact::DONT_FRAGMENT) == df)
            && self.ip_id.is_none_or(|id| e.ip_id() == Some(id))
            && is(self.window, e.window)
            && self.payload_len.is_none_or(|l| l == e.payload_len)
            && self.dns.is_none_or(|d| dns(e) == Some(d))
    }

    fn tcpdump(&self, f: &Finding) -> String {
        let side = if self.from_client { "dst" } else { "src" };
        let proto = if self.flags.is_some() { "tcp" } else { "udp" };
        let mut parts = vec![format!("{side} host {} and {proto} {side} port {}", f.ends.server.ip, f.ends.server.port)];
        // Behind an IPv6 header tcpdump has no names for transport fields.
        let transport = |at: u32, size: u32| if self.v6 { format!("ip6[{}:{size}]", 40 + at) } else { format!("{proto}[{at}:{size}]") };
        let ttl = if self.v6 { "ip6[7]" } else { "ip[8]" };
        parts.push(match self.ttl {
            (a, b) if a == b => format!("{ttl} = {a}"),
            (a, b) => format!("{ttl} >= {a} and {ttl} <= {b}"),
        });
        parts.extend(self.flags.map(|flags| format!("{} & 0x3f = 0x{flags:02x}", transport(13, 1))));
        parts.extend(self.window.map(|w| format!("{} = {w}", transport(14, 2))));
        parts.extend(self.dont_fragment.map(|df| format!("ip[6] & 0x40 {} 0", if df { "!=" } else { "=" })));
        parts.extend(self.ip_id.map(|id| format!("ip[4:2] = 0x{id:04x}")));
        parts.extend(
            self.payload_len.filter(|_| !self.v6).map(|l| format!("ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) = {l}")),
        );
        if let Some([flags, answers]) = self.dns {
            parts.push(format!("{} = 0x{flags:04x} and {} = {answers}", transport(10, 2), transport(14, 2)));
        }
        parts.join(" and ")
    }

    fn nftables(&self, f: &Finding) -> String {
        let (ip, ttl) = if self.v6 { ("ip6", "ip6 hoplimit") } else { ("ip", "ip ttl") };
        let (addr, port) = if self.from_client { ("daddr", "dport") } else { ("saddr", "sport") };
        let proto = if self.flags.is_some() { "tcp" } else { "udp" };
        let mut parts = vec![format!("{ip} {addr} {} {proto} {port} {}", f.ends.server.ip, f.ends.server.port)];
        parts.push(match self.ttl {
            (a, b) if a == b => format!("{ttl} {a}"),
            (a, b) => format!("{ttl} {a}-{b}"),
        });
        if let Some(flags) = self.flags {
            let set: Vec<&str> = FLAGS.iter().enumerate().filter(|(i, _)| flags >> i & 1 == 1).map(|(_, name)| *name).collect();
            let set = if set.is_empty() { "0x0".to_owned() } else { set.join(" | ") };
            parts.push(format!("tcp flags & ({}) == {set}", FLAGS.join(" | ")));
        }
        parts.extend(self.window.map(|w| format!("tcp window {w}")));
        parts.extend(self.dont_fragment.map(|df| format!("ip frag-off & 0x4000 {} 0", if df { "!=" } else { "==" })));
        parts.extend(self.ip_id.map(|id| format!("ip id 0x{id:04x}")));
        // The length counts headers; without options, as forged resets are, they have forty octets.
        let bare = f.forged.iter().all(|p| p.entry.header_len == 20);
        parts.extend(self.payload_len.filter(|_| bare && !self.v6).map(|l| format!("ip length {}", l + 40)));
        if let Some([flags, answers]) = self.dns {
            parts.push(format!("@th,80,16 0x{flags:04x} @th,112,16 {answers}"));
        }
        parts.push("counter".into());
        parts.join(" ")
    }
}
