//! What a rule is shown: a story's first conversation as a flow, a suspect in it, and what the rest of a capture might say.

use interloper::app::dns::quick_txid;
use interloper::capture::{Frame, LinkType, Timestamp};
use interloper::detect::case::Case;
use interloper::detect::finding::{Claim, Mechanism, TriggerKind, conclude};
use interloper::detect::rules::{RULES, View, claims};
use interloper::detect::surroundings::{Afterwards, Attempt, Outcome, Surroundings};
use interloper::detect::suspects;
use interloper::flow::entry::Record;
use interloper::flow::key::Hasher;
use interloper::flow::record::Flow;
use interloper::flow::shard::{Shard, WindowBytes};
use interloper::packet::{Transport, dissect};
use interloper::script::{EPOCH_NS, Host, Rtt, Script, Tcp, Udp};

pub const NAME: &str = "blocked.example.org";
pub const RTT_MS: f64 = 80.0;

/// A story and what is known beside it.
#[derive(Default)]
pub struct Given {
    pub script: Script,
    pub around: Surroundings<'static>,
    /// What the survey would have made of the trigger.
    pub kind: Option<TriggerKind>,
}

pub fn client() -> Host {
    Host::linux("192.168.1.20")
}

pub fn server() -> Host {
    Host::linux("45.60.70.80").hops(13)
}

pub fn resolver() -> Host {
    Host::linux("91.230.10.53").hops(9).no_df()
}

/// An answered or failed request beside the suspect, a second after the start.
pub fn attempt(name: &'static str, outcome: Outcome) -> Attempt<'static> {
    Attempt {
        time: Timestamp(EPOCH_NS + 1_000_000_000),
        frame: 900,
        flow: Default::default(),
        server: "45.60.70.80".parse().unwrap(),
        port: 443,
        name: name.as_bytes(),
        outcome,
        same_kind: true,
        ech: false,
        session: true,
        hit: false,
        segments: 1,
        largest: 520,
        afterwards: Afterwards::Heard,
        evasion: 0,
    }
}

impl Given {
    /// The conversation the rule is asked about.
    pub fn tcp(&mut self) -> Tcp<'_> {
        self.script.tcp(&client(), 40_000, &server(), 443, Rtt::ms(RTT_MS))
    }

    pub fn udp(&mut self) -> Udp<'_> {
        self.script.udp(&client(), 40_000, &resolver(), 53, Rtt::ms(40.0))
    }

    /// Claims about the first suspect of a mechanism, concluded upon; `None` if there is no suspect.
    pub fn claims(&self, mechanism: Mechanism) -> Option<Vec<Claim>> {
        let flows = self.flows();
        flows.iter().find_map(|flow| {
            let case = Case::new(flow);
            let mut suspect = suspects::find(&case).into_iter().find(|s| s.mechanism == mechanism)?;
            if let (Some(trigger), Some(kind)) = (suspect.trigger.as_mut(), self.kind) {
                trigger.kind = kind;
            }
            let mut claims = claims(&View { case: &case, suspect: &suspect, around: &self.around });
            conclude(&mut claims, RULES, mechanism);
            Some(claims)
        })
    }

    /// Flows between the two hosts of the first conversation, in order.
    pub fn flows(&self) -> Vec<Flow> {
        let ends = self.script.truth(0).talk;
        let hasher = Hasher::random();
        let mut shard = Shard::new(hasher, 1 << 24);
        let frames = self.script.frames();
        let bytes: Vec<u8> = frames.iter().flat_map(|f| f.bytes.iter().copied()).collect();
        let mut at = 0;
        for (frame, n) in frames.iter().zip(1..) {
            let view =
                Frame { time: Timestamp(frame.time), link: LinkType(1), interface: 0, wire_len: frame.wire_len, bytes: &frame.bytes };
            let packet = dissect(&view).expect("stories are told in packets");
            let transaction = matches!(packet.transport, Transport::Udp).then(|| quick_txid(packet.payload)).flatten();
            let (direction, _, print) = hasher.place(&packet, transaction);
            let placed = (direction, print, transaction);
            let record = Record::new(&packet, placed, Timestamp(frame.time), at, &frame.bytes).unwrap();
            shard.absorb_all(&[(&record, n)], &WindowBytes { bytes: &bytes, side: &[], base: 0 });
            at += frame.bytes.len() as u32;
        }
        let mut flows = Vec::new();
        shard.drain(|flow| flows.push(flow));
        flows.retain(|f| {
            let both = [(f.key.low.ip, f.key.low.port), (f.key.high.ip, f.key.high.port)];
            both.contains(&(ends.client.ip(), ends.client.port())) && both.contains(&(ends.server.ip(), ends.server.port()))
        });
        flows.sort_by_key(|f| f.transcript.first_frame());
        flows
    }
}
