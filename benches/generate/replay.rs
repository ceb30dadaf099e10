//! Many flows at a time, each at its own place in its template, in order of time.

use crate::profiles::Profile;
use crate::template::Identity;
use crate::writer::Writer;
use interloper::script::EPOCH_NS;
use interloper::script::random::Random;

/// A slot holds one flow after another: as many slots, as many flows at a time.
#[derive(Clone, Copy, Default)]
struct Slot {
    identity: Identity,
    template: u16,
    step: u16,
    /// Next slot due in the same tick.
    next: u32,
    due: u64,
}

pub struct Summary {
    pub packets: u64,
    pub flows: u64,
    pub bytes: u64,
    pub capture_ns: u64,
}

/// A calendar of 65,536 ticks of 262 us: no conversation pauses longer than the 17 s it spans.
const TICK_SHIFT: u32 = 18;
const TICKS: usize = 1 << 16;
const NONE: u32 = u32::MAX;

struct Replay<'p> {
    profile: &'p Profile,
    slots: Vec<Slot>,
    /// First slot due in each tick.
    calendar: Vec<u32>,
    random: Random,
    flows: u64,
    tick: u64,
}

/// Fills the writer.
pub fn run(profile: &Profile, mut writer: Writer) -> std::io::Result<Summary> {
    let slots = vec![Slot::default(); profile.concurrent];
    let mut replay = Replay { profile, slots, calendar: vec![NONE; TICKS], random: Random::new(7), flows: 0, tick: 0 };
    for slot in 0..profile.concurrent {
        // A steady state from the beginning would need flows begun before it; spreading the starts comes close.
        let start = replay.random.below(profile.spread_ns);
        replay.begin(slot, start);
    }
    let mut packets = 0;
    let mut now = 0;
    while !writer.is_full() {
        let head = std::mem::replace(&mut replay.calendar[replay.tick as usize % TICKS], NONE);
        if head == NONE {
            replay.tick += 1;
            continue;
        }
        let mut slot = head;
        while slot != NONE {
            let next = replay.slots[slot as usize].next;
            now = now.max(replay.slots[slot as usize].due);
            replay.emit(slot as usize, now, &mut writer)?;
            packets += 1;
            slot = next;
        }
    }
    writer.flush()?;
    Ok(Summary { packets, flows: replay.flows, bytes: writer.bytes(), capture_ns: now })
}

impl Replay<'_> {
    fn begin(&mut self, slot: usize, due: u64) {
        let n = self.flows;
        self.flows += 1;
        let template = self.profile.pick(self.random.below(u64::from(self.profile.weights())) as u32);
        let bits = self.random.bits();
        self.slots[slot].identity = Identity {
            // Clients take turns, each with a port after the other.
            client: 0x0a00_0002 + (n % self.profile.clients) as u32,
            // Servers of a template stay together: one server has one distance and one habit.
            server: 0x2d00_0002 + ((u32::from(template) + 1) << 16) + (bits % self.profile.servers) as u32,
            client_port: 1024 + (n / self.profile.clients % 64_000) as u16,
            id: (bits >> 16) as u16,
            client_seq: (bits >> 32) as u32,
            server_seq: (bits >> 24) as u32 ^ 0x5bd1_e995,
        };
        self.slots[slot].template = template;
        self.slots[slot].step = 0;
        self.schedule(slot, due);
    }

    fn schedule(&mut self, slot: usize, due: u64) {
        let tick = (due >> TICK_SHIFT) as usize % TICKS;
        assert!(due >> TICK_SHIFT < self.tick + TICKS as u64, "a pause beyond the calendar");
        self.slots[slot].due = due;
        self.slots[slot].next = self.calendar[tick];
        self.calendar[tick] = slot as u32;
    }

    fn emit(&mut self, slot: usize, now: u64, writer: &mut Writer) -> std::io::Result<()> {
        let Slot { identity, template, step, due, .. } = self.slots[slot];
        let profile = self.profile;
        let template = &profile.templates[usize::from(template)];
        let this = &template.steps[usize::from(step)];
        let frame = writer.record(EPOCH_NS as u64 + now, &this.frame)?;
        this.patch(frame, &identity);
        let due = due + this.gap_ns;
        if usize::from(step) + 1 < template.steps.len() {
            self.slots[slot].step = step + 1;
            self.schedule(slot, due);
        } else if let Some(repeat) = template.repeat {
            let flow = &mut self.slots[slot];
            flow.step = repeat.from as u16;
            flow.identity.client_seq = flow.identity.client_seq.wrapping_add(repeat.client_bytes);
            flow.identity.server_seq = flow.identity.server_seq.wrapping_add(repeat.server_bytes);
            self.schedule(slot, due + 1_000_000);
        } else {
            let pause = self.random.below(20_000_000);
            self.begin(slot, due + pause);
        }
        Ok(())
    }
}
