//! Payload to messages: DNS, TLS, HTTP and QUIC. Ports are hints here, never proof.
