//! Initial protection (RFC 9001 section 5, RFC 9369 section 3): keys, header protection, AES-128-GCM.
//!
//! These keys hide nothing from an observer; the tag proves that a packet is really QUIC and undamaged, so it is
//! always checked.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit as _};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, Payload};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use std::cell::OnceCell;
use std::sync::LazyLock;

use super::{VERSION_1, VERSION_2};

const TAG_LEN: usize = 16;
const SAMPLE_LEN: usize = 16;

/// One direction's Initial keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub key: [u8; 16],
    pub iv: [u8; 12],
    pub hp: [u8; 16],
}

/// Both directions' Initial keys, each derived when first asked for: seven hashes a side, and mostly only the client's are needed.
#[derive(Clone)]
pub struct InitialKeys {
    labels: &'static Labels,
    initial: Hkdf<Sha256>,
    client: OnceCell<Option<Keys>>,
    server: OnceCell<Option<Keys>>,
}

struct Labels {
    /// Fed with the salt: that much is the same for every connection.
    salted: LazyLock<HkdfExtract<Sha256>>,
    key: &'static str,
    iv: &'static str,
    hp: &'static str,
}

const SALT_V1: [u8; 20] =
    [0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a];
const SALT_V2: [u8; 20] =
    [0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9];

static V1: Labels = Labels { salted: LazyLock::new(|| HkdfExtract::new(Some(&SALT_V1))), key: "quic key", iv: "quic iv", hp: "quic hp" };

static V2: Labels =
    Labels { salted: LazyLock::new(|| HkdfExtract::new(Some(&SALT_V2))), key: "quicv2 key", iv: "quicv2 iv", hp: "quicv2 hp" };

impl InitialKeys {
    /// Derived from the Destination Connection ID of the client's first Initial (or first after a Retry).
    pub fn derive(version: u32, dcid: &[u8]) -> Option<InitialKeys> {
        let labels = match version {
            VERSION_1 => &V1,
            VERSION_2 => &V2,
            _ => return None,
        };
        let mut salted = labels.salted.clone();
        salted.input_ikm(dcid);
        let (_, initial) = salted.finalize();
        Some(InitialKeys { labels, initial, client: OnceCell::new(), server: OnceCell::new() })
    }

    pub fn client(&self) -> Option<&Keys> {
        self.client.get_or_init(|| self.side("client in")).as_ref()
    }

    pub fn server(&self) -> Option<&Keys> {
        self.server.get_or_init(|| self.side("server in")).as_ref()
    }

    fn side(&self, label: &str) -> Option<Keys> {
        let secret: [u8; 32] = expand_label(&self.initial, label)?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        Some(Keys {
            key: expand_label(&secret, self.labels.key)?,
            iv: expand_label(&secret, self.labels.iv)?,
            hp: expand_label(&secret, self.labels.hp)?,
        })
    }
}

/// HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context.
fn expand_label<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; N]> {
    const PREFIX: &str = "tls13 ";
    let (len, label_len) = (u16::try_from(N).ok()?, u8::try_from(PREFIX.len() + label.len()).ok()?);
    let mut out = [0; N];
    secret.expand_multi_info(&[&len.to_be_bytes(), &[label_len], PREFIX.as_bytes(), label.as_bytes(), &[0]], &mut out).ok()?;
    Some(out)
}

impl Keys {
    /// Opens a packet whose packet number starts at `number_at`; `None` unless the tag proves it.
    ///
    /// The packet number is taken as it is written. It is truncated only once the numbers outgrow what is in
    /// flight, and a handshake's few Initials never get there.
    pub fn open(&self, packet: &[u8], number_at: usize) -> Option<Vec<u8>> {
        let mask = self.mask(packet.get(number_at + 4..number_at + 4 + SAMPLE_LEN)?)?;
        let [mask_first, mask_number @ ..] = mask;
        let first = packet.first()? ^ (mask_first & 0x0f);
        let number_len = usize::from(first & 3) + 1;
        let (header, sealed) = packet.split_at_checked(number_at + number_len)?;
        if sealed.len() < TAG_LEN {
            return None;
        }
        let mut header = header.to_vec();
        *header.first_mut()? = first;
        let mut number = 0u64;
        for (byte, mask) in header.get_mut(number_at..)?.iter_mut().zip(mask_number) {
            *byte ^= mask;
            number = number << 8 | u64::from(*byte);
        }
        let cipher = Aes128Gcm::new(&self.key.into());
        let payload = Payload { msg: sealed, aad: &header };
        cipher.decrypt(&self.nonce(number).into(), payload).ok()
    }

    fn mask(&self, sample: &[u8]) -> Option<[u8; 5]> {
        let mut block = <[u8; SAMPLE_LEN]>::try_from(sample).ok()?.into();
        Aes128::new(&self.hp.into()).encrypt_block(&mut block);
        block.first_chunk().copied()
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, octet) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= octet;
        }
        nonce
    }

    /// Protects a packet whose number starts at `number_at` and ends the header.
    pub fn seal(&self, header: &[u8], number_at: usize, payload: &[u8]) -> Option<Vec<u8>> {
        let number = header.get(number_at..)?.iter().fold(0, |sum, &b| sum << 8 | u64::from(b));
        let cipher = Aes128Gcm::new(&self.key.into());
        let sealed = cipher.encrypt(&self.nonce(number).into(), Payload { msg: payload, aad: header }).ok()?;
        let mut packet = [header, &sealed].concat();
        let [mask_first, mask_number @ ..] = self.mask(packet.get(number_at + 4..number_at + 4 + SAMPLE_LEN)?)?;
        *packet.first_mut()? ^= mask_first & 0x0f;
        for (byte, mask) in packet.get_mut(number_at..header.len())?.iter_mut().zip(mask_number) {
            *byte ^= mask;
        }
        Some(packet)
    }
}
