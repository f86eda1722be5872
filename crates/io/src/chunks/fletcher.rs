//! HDF5's Fletcher-32 checksum, four bytes after the data, the lowest first.

/// Whether `checksum` is that of `bytes`.
pub(super) fn matches(bytes: &[u8], checksum: [u8; 4]) -> bool {
    let (found, sum) = (u32::from_le_bytes(checksum), sum(bytes));
    // Versions before 1.6.3 swapped the bytes of both halves on machines such as this.
    let swapped = ((sum & 0x00ff_00ff) << 8) | ((sum >> 8) & 0x00ff_00ff);
    found == sum || found == swapped
}

/// Two running sums modulo 65535 over big-endian 16-bit words; an odd byte at the end is the high half of one.
fn sum(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut first, mut second) = (0u32, 0u32);
    // 360 words are the most that cannot overflow 32 bits.
    for block in bytes.chunks(720) {
        for word in block.chunks(2) {
            first += u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0));
            second += first;
        }
        (first, second) = (fold(first), fold(second));
    }
    fold(second) << 16 | fold(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_definition() {
        // By hand: words 0x0102, 0x0304 give sums 0x0406 and 0x0102 + 0x0406 = 0x0508.
        assert_eq!(sum(&[1, 2, 3, 4]), 0x0508_0406);
        assert_eq!(sum(&[1, 2, 3]), 0x0504_0402);
        assert!(matches(&[1, 2, 3, 4], [0x06, 0x04, 0x08, 0x05]));
        assert!(!matches(&[1, 2, 3, 5], [0x06, 0x04, 0x08, 0x05]));
        // Long enough that sums would overflow without folding.
        let long = vec![0xff; 1_000_000];
        assert_eq!(sum(&long), 0xffff_ffff, "65535 is 0 in this arithmetic");
    }
}
