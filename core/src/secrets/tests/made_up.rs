//! Letters and digits without a pattern, always the same: what secrets of tests are made of, here and in `tests/cli`.

pub fn noise(length: usize, alphabet: &[u8]) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(alphabet[(state >> 33) as usize % alphabet.len()])
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub fn word(length: usize) -> String {
    noise(length, b"abcdefghijkmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWYZ123456789")
}

pub fn hex(length: usize) -> String {
    noise(length, b"123456789abcdef")
}

pub fn capitals(length: usize) -> String {
    noise(length, b"ABCDEFGHIJKLMNOPQRSTUVWYZ234567")
}
