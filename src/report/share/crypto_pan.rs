//! Prefix-preserving anonymisation of addresses (Fan, Xu, Ammar, Moon: Computer Networks 46, 2004; AES as in the authors' program).
//!
//! Two addresses that share exactly their first n bits are mapped to two that share exactly n bits. Bit n of the result is bit n of
//! the address, turned over if the cipher says so for the n bits before it; so the map of a prefix does not depend on what follows.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of a key: a key of the cipher, and what the padding is made of.
pub const KEY: usize = 32;

/// A mapping.
pub struct CryptoPan {
    cipher: Aes128,
    /// Bits behind the prefix under the cipher.
    pad: u128,
}

impl CryptoPan {
    pub fn new(key: &[u8; KEY]) -> CryptoPan {
        let (first, second) = key.split_at(KEY / 2);
        let (mut cipher_key, mut pad) = ([0; KEY / 2], [0; KEY / 2]);
        cipher_key.copy_from_slice(first);
        pad.copy_from_slice(second);
        let cipher = Aes128::new(&cipher_key.into());
        CryptoPan { pad: encrypt(&cipher, u128::from_be_bytes(pad)), cipher }
    }

    /// Where an address goes; every address of a family goes somewhere else than every other.
    pub fn map(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(a) => {
                let turned = self.turned(u128::from(u32::from(a)) << 96, 32) >> 96;
                IpAddr::V4(Ipv4Addr::from(u32::from(a) ^ turned as u32))
            }
            IpAddr::V6(a) => IpAddr::V6(Ipv6Addr::from(u128::from(a) ^ self.turned(u128::from(a), 128))),
        }
    }

    /// The bits to turn over of the first `bits` of an address that stands at the top.
    fn turned(&self, address: u128, bits: u32) -> u128 {
        let mut turned = 0;
        for n in 0..bits {
            // The first n bits of the address, the rest of the padding; a shift by all 128 does not exist.
            let rest = u128::MAX >> n;
            let block = (address & !rest) | (self.pad & rest);
            turned |= (encrypt(&self.cipher, block) >> 127) << (127 - n);
        }
        turned
    }
}

fn encrypt(cipher: &Aes128, block: u128) -> u128 {
    let mut block = block.to_be_bytes().into();
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the sample trace that comes with the authors' program.
    const SAMPLE: [u8; KEY] = [
        21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42,
        132, 34, 2,
    ];

    #[test]
    fn published_vectors() {
        let pan = CryptoPan::new(&SAMPLE);
        for (from, to) in [
            ("128.11.68.132", "135.242.180.132"),
            ("129.118.74.4", "134.136.186.123"),
            ("130.132.252.244", "133.68.164.234"),
            ("141.223.7.43", "141.167.8.160"),
            ("141.233.145.108", "141.129.237.235"),
            ("152.163.225.39", "151.140.114.167"),
            ("156.29.3.236", "147.225.12.42"),
            ("::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"),
            ("::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"),
            ("2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"),
            ("2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"),
        ] {
            assert_eq!(pan.map(from.parse().unwrap()), to.parse::<IpAddr>().unwrap(), "{from}");
        }
    }

    #[test]
    fn prefixes_stay_as_long_as_they_were() {
        let pan = CryptoPan::new(&SAMPLE);
        let bits = |a: &str| match pan.map(a.parse().unwrap()) {
            IpAddr::V4(a) => u32::from(a),
            IpAddr::V6(_) => unreachable!(),
        };
        let shared = |a: &str, b: &str| (bits(a) ^ bits(b)).leading_zeros();
        assert_eq!(shared("5.22.1.9", "5.22.1.8"), 31);
        assert_eq!(shared("5.22.1.9", "5.22.129.9"), 16);
        assert_eq!(shared("5.22.1.9", "133.22.1.9"), 0);
    }
}
