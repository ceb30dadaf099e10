//! Every bound: its value and the reason for it. What a bound cut off is counted in [`crate::stats::Stats`].

/// First packets of a flow kept whole. Handshake, both hellos with retransmissions and a dozen data segments fit; interference
/// happens there (the SIGCOMM 2023 study looked at 10 packets).
pub const HEAD: usize = 32;
/// Last packets kept: long enough for a retransmission ladder (eight steps) and its counterpart.
pub const TAIL: usize = 16;
/// Control packets (SYN, FIN, RST, ICMP) whose surroundings are kept: five reset trains of three.
pub const CONTROLS: usize = 16;
/// Neighbours kept on either side of a control packet. Must not exceed HEAD or TAIL, or merging would lose some.
pub const NEIGHBOURS: usize = 3;
const _: () = assert!(NEIGHBOURS <= HEAD && NEIGHBOURS <= TAIL);

/// Stream octets kept from the start of a TCP direction: a handshake message that is longer is none a client sends.
pub const HEAD_BYTES: usize = 16 * 1024;
/// Octets of datagrams kept per direction: four QUIC Initials of 1,500, or a DNS answer as large as EDNS makes them.
pub const DATAGRAM_BYTES: usize = 8 * 1024;
/// Octets of a response's body that are read: block pages say who they are in their first lines.
pub const BODY_BYTES: usize = 2048;
/// Octets kept behind a response's head before it is taken for complete: a forged page and the genuine one that comes behind it.
pub const PAGE_BYTES: usize = 4096;
/// Octets of a later request kept: its Host line stands in the first segment.
pub const LATEST_BYTES: usize = 1460;

/// Idle time after which a key's next packet starts a new flow (by capture time).
/// TCP: five minutes is past every retransmission ladder but its last step; Zeek uses the same.
pub const TCP_IDLE_NS: i64 = 300_000_000_000;
/// UDP: as Zeek, and longer than QUIC's usual idle timeout of 30 s.
pub const UDP_IDLE_NS: i64 = 60_000_000_000;
/// DNS: transaction ids are reused; stub resolvers give up after 5 to 15 s.
pub const DNS_IDLE_NS: i64 = 20_000_000_000;

/// A connection that both ends have closed is over after so many of its round trips: what was under way has arrived, and what was lost
/// has been sent once more. At least a kernel's shortest retransmission timeout, at most a satellite's path; in between where the round
/// trip is not known.
pub const LINGER_ROUND_TRIPS: i64 = 3;
pub const LINGER_NS: i64 = 200_000_000;
pub const LINGER_MOST_NS: i64 = 5_000_000_000;
pub const LINGER_UNKNOWN_NS: i64 = 1_000_000_000;
/// A DNS transaction is over so long after its last packet once it has been answered: stub resolvers give a query five seconds
/// (resolv.conf(5), `timeout`), so what comes later, forged or not, nobody waits for.
pub const ANSWERED_NS: i64 = 5_000_000_000;
/// Idle flows are let go of so long after they have ended: a file's packets may be out of order by some seconds where captures were
/// merged, and one that comes late must still find its flow.
pub const DISORDER_NS: i64 = 30_000_000_000;
/// For so long packets are known to belong to a connection that is over: a kernel's TIME-WAIT (RFC 9293 section 3.4.2 asks for
/// more, Linux keeps a minute).
pub const TIME_WAIT_NS: i64 = 60_000_000_000;
/// Memory for flow state by default.
pub const MEMORY: u64 = 2 << 30;
/// Memory a shard may use for live flows before the oldest idle ones are evicted, whatever `--memory` says: some three
/// hundred full transcripts with their message heads. Over 64 shards 100 MB.
pub const MIN_SHARD_MEMORY: usize = 1600 * 1024;

/// Conversations of UDP, and connections of TCP, whose first frame is remembered past their expiry, per shard, to keep Wireshark's
/// stream numbers.
pub const REMEMBERED_STREAMS: usize = 16_384;

/// Octets of standard input kept in a temporary file, for what is read twice (`-w`, `-o x.html`): a disk must not fill without
/// a word, and a live session worth looking at again fits.
pub const SPOOL: u64 = 4 << 30;
/// Other flows that one finding's evidence carries: a series of transfers with its controls has a few dozen, and five thousand
/// findings on one server lean on the same ones. Those left out are counted in the section's comment.
pub const LEANS: usize = 48;
/// Flows beside those that a capture's evidence carries because the carried ones were measured against them in turn. A name that is asked
/// for in every minute of a day makes such a chain; what it adds is counted like the others.
pub const JUDGED_TOO: usize = 1024;
/// Packets of such a flow that are carried where no sums over it count: a page or two, the end included. Longer ones are cut.
pub const CONTROL_PACKETS: usize = 512;
/// The same where they do (transfers that stopped or were slow), and of what was suspected itself, which may have failed at its end: 24 MB
/// of full segments; what ran on beyond that was no less fast.
pub const CONTROL_TRANSFER: usize = 16 * 1024;
/// Findings that one packet's comments name: five thousand findings may share a control.
pub const COMMENTS: usize = 8;

/// Packets of a flow that `show` prints at its start and at its end, and before each that a finding names: a screen or two.
pub const LADDER_HEAD: usize = 40;
pub const LADDER_TAIL: usize = 12;

/// Findings without a determined cause shown per server and mechanism; a SYN flood must not fill a report.
pub const UNEXPLAINED_PER_SERVER: usize = 100;

/// Steps of the capturing clock kept per shard, as flows saw them, and told per capture: a clock that is set more often is none.
pub const CLOCK_STEPS: usize = 100;

/// Suspects with an ordinary cause kept with their words, per shard and per capture (`-v` shows them); all are counted.
pub const EXPLAINED_KEPT: usize = 200;

/// Names remembered per server, and attempts per name, as controls.
pub const NAMES_PER_SERVER: usize = 256;
/// Attempts remembered per name on a server; controls look for the one nearest in time.
pub const ATTEMPTS_PER_NAME: usize = 64;
/// Addresses remembered for a name: a round robin has a dozen, and they are asked for to find contradictions.
pub const ANSWERS_PER_NAME: usize = 64;
/// Servers, resolvers and names remembered by the survey of one capture.
pub const SURVEY_SERVERS: usize = 200_000;

/// Silences remembered of a capture, the first of them: enough to see an outage among, and a flood of questions that nobody answers has
/// one for each (16 MB).
pub const SILENCES: usize = 200_000;
/// Ports remembered that answered, and that did not: those of a scan are as many as it likes.
pub const SURVEY_PORTS: usize = 100_000;
/// Clients per shard whose addresses `--share` tells from those of servers (a million in all, 100 MB); of more, everybody counts as one.
pub const CLIENTS: usize = 16_384;
/// Octets of streams kept to tell which bytes of them `--share` leaves in the evidence; of the rest, each packet is
/// looked at alone, and counted.
pub const SHARED_STREAMS: usize = 64 << 20;

/// Octets of a file of fingerprints: the largest known one has 300 kB.
pub const FINGERPRINTS: u64 = 16 << 20;
/// Octets that one regular expression of a user may take when compiled; counted repetitions of repetitions would take gigabytes.
pub const REGEXP: usize = 1 << 20;

/// Packets of a flow drawn in an HTML report: head, tail and what a finding names. More would be a grey cloud, and five thousand
/// findings have to open at once.
pub const DRAWN: usize = 120;
/// Claims' frames, forged and genuine packets told one by one in an HTML report; of a throttled transfer there are thousands.
pub const LISTED: usize = 200;

/// Spans of time of a timeline's key: a day in steps of nine minutes, a week of an hour. More are doubled in length.
pub const TIMELINE_SPANS: usize = 256;
/// Octets of the timelines of a shard while it reads (64 MB over all), and of a capture and of a run: some hundred thousand names
/// with a handful of attempts, or thousands with hundreds. Beyond, fewer keys are kept; `left_out` of the summary's timeline counts.
pub const TIMELINE_SHARD: usize = 1 << 20;
pub const TIMELINE: usize = 64 << 20;
/// Names, servers, clients each that a timeline is told of, the most interfered with first; the rest is counted.
pub const TIMELINE_ROWS: usize = 500;
/// Equal spans from the first to the last attempt of a run that a timeline is drawn in.
pub const TIMELINE_COLUMNS: usize = 48;

/// Rows of a Parquet row group, and octets waiting for one in each of seven tables: what readers like to take at once, and no
/// more memory than a window of a capture.
pub const ROW_GROUP_ROWS: usize = 65_536;
pub const ROW_GROUP_BYTES: usize = 16 << 20;
