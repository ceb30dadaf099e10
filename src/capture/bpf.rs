//! Runs compiled BPF programs: the classic machine of McCanne and Jacobson, as libpcap's compiler targets it.
//!
//! libpcap can run them too, but the binding allows one thread per program only and does not pass on the length on the wire, so
//! that `greater 1000` would be wrong for packets cut by the snap length. The machine is small; this one is safe code.

/// One instruction, as `tcpdump -ddd` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub k: u32,
}

impl Instruction {
    /// Reads "code jt jf k".
    pub fn parse(text: &str) -> Option<Instruction> {
        let mut fields = text.split_ascii_whitespace();
        Some(Instruction {
            code: fields.next()?.parse().ok()?,
            jump_true: fields.next()?.parse().ok()?,
            jump_false: fields.next()?.parse().ok()?,
            k: fields.next()?.parse().ok()?,
        })
    }
}

// Instruction classes, then sizes, addressing modes and operations, as in <net/bpf.h>.
const LD: u16 = 0x00;
const LDX: u16 = 0x01;
const ST: u16 = 0x02;
const STX: u16 = 0x03;
const ALU: u16 = 0x04;
const JMP: u16 = 0x05;
const RET: u16 = 0x06;
const MISC: u16 = 0x07;

/// Does the program accept the packet? A load beyond the bytes rejects it, and so does anything a compiler would not emit.
pub(super) fn accepts(program: &[Instruction], bytes: &[u8], wire_len: u32) -> bool {
    run(program, bytes, wire_len).is_some_and(|snap| snap > 0)
}

fn run(program: &[Instruction], bytes: &[u8], wire_len: u32) -> Option<u32> {
    let (mut a, mut x) = (0_u32, 0_u32);
    let mut memory = [0_u32; 16];
    let mut pc = 0_usize;
    // Jumps only lead forward, so this ends after as many steps as there are instructions.
    loop {
        let &Instruction { code, jump_true, jump_false, k } = program.get(pc)?;
        pc += 1;
        match code & 7 {
            LD => {
                a = match code & 0xe0 {
                    0x00 => k,
                    0x20 => load(bytes, code, k)?,
                    0x40 => load(bytes, code, x.checked_add(k)?)?,
                    0x60 => *memory.get(k as usize)?,
                    0x80 => wire_len,
                    _ => return None,
                }
            }
            LDX => {
                x = match code & 0xe0 {
                    0x00 => k,
                    0x60 => *memory.get(k as usize)?,
                    0x80 => wire_len,
                    // The length of an IPv4 header, in one instruction.
                    0xa0 => u32::from(bytes.get(k as usize)? & 0xf) * 4,
                    _ => return None,
                }
            }
            ST => *memory.get_mut(k as usize)? = a,
            STX => *memory.get_mut(k as usize)? = x,
            ALU => a = alu(code, a, if code & 8 == 0 { k } else { x })?,
            JMP => {
                let operand = if code & 8 == 0 { k } else { x };
                let taken = match code & 0xf0 {
                    0x00 => {
                        pc = pc.checked_add(k as usize)?;
                        continue;
                    }
                    0x10 => a == operand,
                    0x20 => a > operand,
                    0x30 => a >= operand,
                    0x40 => a & operand != 0,
                    _ => return None,
                };
                pc += usize::from(if taken { jump_true } else { jump_false });
            }
            RET => return Some(if code & 0x18 == 0x10 { a } else { k }),
            MISC if code & 0x80 == 0 => x = a,
            _ => a = x,
        }
    }
}

fn load(bytes: &[u8], code: u16, at: u32) -> Option<u32> {
    let rest = bytes.get(at as usize..)?;
    match code & 0x18 {
        0x00 => Some(u32::from_be_bytes(*rest.first_chunk()?)),
        0x08 => Some(u32::from(u16::from_be_bytes(*rest.first_chunk()?))),
        0x10 => Some(u32::from(*rest.first()?)),
        _ => None,
    }
}

fn alu(code: u16, a: u32, operand: u32) -> Option<u32> {
    Some(match code & 0xf0 {
        0x00 => a.wrapping_add(operand),
        0x10 => a.wrapping_sub(operand),
        0x20 => a.wrapping_mul(operand),
        0x30 => a.checked_div(operand)?,
        0x40 => a | operand,
        0x50 => a & operand,
        0x60 => a.checked_shl(operand).unwrap_or(0),
        0x70 => a.checked_shr(operand).unwrap_or(0),
        0x80 => a.wrapping_neg(),
        0x90 => a.checked_rem(operand)?,
        0xa0 => a ^ operand,
        _ => return None,
    })
}
