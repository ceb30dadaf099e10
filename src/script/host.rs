//! Hosts as they show themselves in packets: TTL, identification, options, windows.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;

/// How a host numbers its IPv4 packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IpId {
    /// Always the same.
    Fixed(u16),
    /// Linux: a SYN/ACK has 0, everything else counts from a number of the connection's own.
    PerConnection,
    /// Windows and many appliances: one counter for all.
    Global,
    Random,
}

/// An end of conversations. Clones share the global identification counter: they are the same machine.
#[derive(Clone, Debug)]
pub struct Host {
    pub ip: IpAddr,
    pub initial_ttl: u8,
    /// Routers between the host and the capture point.
    pub hops: u8,
    pub ip_id: IpId,
    pub df: bool,
    pub timestamps: bool,
    pub mss: u16,
    /// The window field of the SYN or SYN/ACK, of what follows, and the shift negotiated.
    pub syn_window: u16,
    pub window: u16,
    pub window_scale: Option<u8>,
    pub windows: bool,
    counter: Rc<Cell<u16>>,
}

impl Host {
    /// A Linux machine: TTL 64, timestamps, a counter for each connection.
    pub fn linux(ip: &str) -> Host {
        let ip: IpAddr = ip.parse().expect("an IP address");
        let overhead = if ip.is_ipv6() { 60 } else { 40 };
        let fold = |bytes: &[u8]| bytes.iter().fold(7u16, |sum, b| sum.wrapping_mul(251).wrapping_add(u16::from(*b)));
        let seed = match ip {
            IpAddr::V4(a) => fold(&a.octets()),
            IpAddr::V6(a) => fold(&a.octets()),
        };
        Host {
            ip,
            initial_ttl: 64,
            hops: 0,
            ip_id: IpId::PerConnection,
            df: true,
            timestamps: true,
            mss: 1500 - overhead,
            syn_window: 64_240,
            window: 502,
            window_scale: Some(7),
            windows: false,
            counter: Rc::new(Cell::new(seed)),
        }
    }

    /// Windows: TTL 128, no timestamps, one counter for everything.
    pub fn windows(ip: &str) -> Host {
        let linux = Host::linux(ip);
        Host { initial_ttl: 128, ip_id: IpId::Global, timestamps: false, window: 1026, window_scale: Some(8), windows: true, ..linux }
    }

    /// An F5 BIG-IP in front of a server: TTL 255, small windows, one counter.
    pub fn big_ip(ip: &str) -> Host {
        let linux = Host::linux(ip);
        Host { initial_ttl: 255, ip_id: IpId::Global, timestamps: false, syn_window: 4380, window: 4897, window_scale: None, ..linux }
    }

    /// Routers between the host and the capture point.
    pub fn hops(mut self, hops: u8) -> Host {
        self.hops = hops;
        self
    }

    /// TTL as sent.
    pub fn ttl(mut self, initial: u8) -> Host {
        self.initial_ttl = initial;
        self
    }

    pub fn ip_id(mut self, policy: IpId) -> Host {
        self.ip_id = policy;
        self
    }

    pub fn no_timestamps(mut self) -> Host {
        self.timestamps = false;
        self
    }

    pub fn no_df(mut self) -> Host {
        self.df = false;
        self
    }

    pub fn mss(mut self, mss: u16) -> Host {
        self.mss = mss;
        self
    }

    /// TTL as the capture shows it.
    pub fn seen_ttl(&self) -> u8 {
        self.initial_ttl - self.hops
    }

    /// Takes the next number of the machine-wide counter.
    pub fn next_global(&self) -> u16 {
        self.counter.set(self.counter.get().wrapping_add(1));
        self.counter.get()
    }
}
