//! The simple way to read a capture: every frame in order, on one thread, through the same parts as the parallel way.

use super::{Capture, Frame, LinkType, Sink, Timestamp};
use std::ops::ControlFlow;

impl Capture {
    /// Reads everything in order on this thread: for small tools and tests. The closure gets Wireshark's frame number, the byte
    /// offset of the frame's bytes, and the frame.
    pub fn for_each_frame(&mut self, mut f: impl FnMut(u64, u64, &Frame<'_>)) {
        self.frames_until(|number, at, frame| {
            f(number, at, frame);
            ControlFlow::<()>::Continue(())
        });
    }

    /// The same until the closure has seen enough.
    pub fn frames_until<B>(&mut self, mut f: impl FnMut(u64, u64, &Frame<'_>) -> ControlFlow<B>) -> Option<B> {
        let mut window = self.new_window();
        let mut sinks: Vec<Places> = (0..window.max_chunks()).map(|_| Places::default()).collect();
        let mut number = 0;
        while self.begin(&mut window) {
            let chunks = window.chunks().into_iter().zip(&mut sinks);
            let ends = chunks.map(|(chunk, sink)| chunk.read_and_walk(sink)).collect();
            self.stitch(&mut window, ends, &mut sinks);
            for place in sinks.iter().flat_map(|sink| &sink.0) {
                number += 1;
                let Some(place) = place else { continue };
                let rest = window.bytes().get(place.at as usize..).unwrap_or_default();
                let bytes = rest.get(..place.length).unwrap_or_default();
                let frame = Frame { time: place.time, link: place.link, interface: place.interface, wire_len: place.wire_len, bytes };
                if let ControlFlow::Break(why) = f(number, window.base() + u64::from(place.at), &frame) {
                    return Some(why);
                }
            }
        }
        None
    }
}

/// A frame, by where its bytes are in the window.
struct Place {
    at: u32,
    length: usize,
    time: Timestamp,
    link: LinkType,
    interface: u32,
    wire_len: u32,
}

/// The frames of a chunk; `None` for a record that has a number but no packet.
#[derive(Default)]
struct Places(Vec<Option<Place>>);

impl Sink for Places {
    fn frame(&mut self, frame: &Frame<'_>, at: u32) {
        let Frame { time, link, interface, wire_len, bytes } = *frame;
        self.0.push(Some(Place { at, length: bytes.len(), time, link, interface, wire_len }));
    }

    fn numbered(&mut self) {
        self.0.push(None);
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}
