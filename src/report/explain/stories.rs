//! What the manual says of mechanisms and states.

use crate::detect::finding::{Confidence, Mechanism};

pub(super) fn summary(m: Mechanism) -> &'static str {
    match m {
        Mechanism::TcpReset => "a reset that neither end sent tears a TCP connection down",
        Mechanism::DnsAnswer => "a DNS query is answered by somebody other than the resolver asked, or the resolver itself lies",
        Mechanism::Drop => "a request is taken out, and nothing answers it",
        Mechanism::Stall => "a transfer is let through up to an amount, and then nothing more",
        Mechanism::Throttle => "a transfer is held to a low rate, because of a name",
        Mechanism::TcpData => "bytes that the server did not send: a block page, a redirect, an alert",
        Mechanism::TcpFin => "a FIN that the server did not send closes the connection",
        Mechanism::TcpHandshake => "a SYN/ACK that the server did not send opens the wrong connection",
        Mechanism::TlsIntercept => "somebody else's certificate stands between client and server",
        Mechanism::IcmpError => "a router on the way says that the conversation is forbidden",
    }
}

pub(super) fn story(m: Mechanism) -> &'static str {
    match m {
        Mechanism::TcpReset => {
            "A box on the path reads a name in a request and sends resets in the name of the server, of the client, or of both. The genuine \
             endpoint does not know: it goes on sending and acknowledging, from its own distance (TTL), with its own counters (IP \
             identification, timestamps), at its own place in the stream. Each of those can contradict the reset. Servers, firewalls and \
             load balancers reset connections for good reasons as well, so a reset that nothing contradicts stays unexplained."
        }
        Mechanism::DnsAnswer => {
            "A box on the path sees a query and answers it first. The genuine answer usually comes later and says something else; often the \
             forgery has another TTL, lost the EDNS option, comes faster than the resolver ever did, or names an address known from \
             earlier forgeries. A resolver may also answer wrongly by policy: then one answer comes, and only its content speaks."
        }
        Mechanism::TcpData | Mechanism::TcpFin => {
            "A box on the path answers a request in the server's name with a packet of its own: a page that says the site is blocked, a \
             redirect to one, a TLS alert, a bare FIN. What it makes lacks the connection's timestamps, comes from another distance or \
             sooner than the path allows, and the server's own answer, if it still arrives, claims the same place in the stream with other \
             bytes. A server's own error page, alert or redirect has none of that, whatever it says."
        }
        Mechanism::TcpHandshake => {
            "Two SYN/ACKs number one server's stream in two ways. The client takes the first; the server's packets then never fit. Repeated \
             SYNs answered by fresh SYN cookies and load balancers look alike and are counted off."
        }
        Mechanism::TlsIntercept => {
            "The certificate that came in the clear (TLS 1.2 and older) was issued by an authority known for interception. Company gateways \
             and endpoint protection do this too, on machines whose owners chose it; those are shown as what they are. In TLS 1.3 the \
             certificate is encrypted, and nothing is said."
        }
        Mechanism::IcmpError => {
            "A router answered the client's packets with \"administratively prohibited\" before the server said anything. That is a fact; \
             whose rule it was, and why, is not in the packet, so it is never called more than likely. The server's own firewall says the \
             same in its own name, and is left alone."
        }
        Mechanism::Stall => {
            "A box on the path lets a connection begin, counts its packets or octets, and stops it in the middle: both ends go on, neither \
             hears the other. Lines and servers fail in the middle as well, after any amount; several transfers that stop after the same \
             amount, while others in the same minutes carry more, do not. Never called confirmed."
        }
        Mechanism::Throttle => {
            "A box on the path lets only so many octets a second pass for some names, and drops the rest (policing) or makes it wait \
             (shaping). Slow lines, busy servers, paced video and receivers that read slowly look the same. What makes the difference is \
             a series: several transfers of the name at the same rate, and in the same minutes, from the same server, another name at \
             more than ten times that. Never called confirmed."
        }
        Mechanism::Drop => {
            "A box on the path takes the packet with the name out, or everything after it, and the client waits in vain. A dead server, \
             loss and small MTUs look the same. What makes the difference is a control: the same server answers another name, or the \
             same name fails on several servers. Without one, silence stays unexplained; one capture cannot show where a packet was \
             lost, so a drop is never called confirmed."
        }
    }
}

pub(super) fn state(c: Confidence) -> &'static str {
    match c {
        Confidence::Confirmed => {
            "\"forged\": something no honest endpoint could produce (one claim of class A), or two strong claims (class B) of different \
             families, and nothing standing against it"
        }
        Confidence::Likely => {
            "\"likely forged\": one strong claim (class B) and another of a different family, with no innocent explanation that fits"
        }
        Confidence::Unexplained => {
            "\"unexplained reset\", \"no reply\": broken, and the packets do not say why; hidden unless --min unexplained"
        }
    }
}
