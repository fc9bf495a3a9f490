//! Which file systems keep the times that the caches rely on.

use std::path::Path;

/// Whether a file's times come from this machine's own clock, at each write. Network file systems take them from
/// elsewhere, and late; of one that isn't known nothing is known.
#[cfg(target_os = "linux")]
pub fn is_local(file: &Path) -> bool {
    /// Magic numbers of statfs(2), from `linux/magic.h`.
    const LOCAL: [u64; 9] = [
        0xEF53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683E, // Btrfs
        0x0102_1994, // tmpfs
        0x794C_7630, // overlayfs
        0x2FC1_2FC1, // ZFS
        0xF2F5_2010, // F2FS
        0xCA45_1A4E, // bcachefs
        0x8584_58F6, // ramfs
    ];
    rustix::fs::statfs(file).is_ok_and(|found| LOCAL.contains(&(found.f_type as u64 & 0xFFFF_FFFF)))
}

#[cfg(any(target_os = "macos", target_os = "ios"))]
pub fn is_local(file: &Path) -> bool {
    /// `MNT_LOCAL` of statfs(2).
    const LOCAL: u32 = 0x1000;
    rustix::fs::statfs(file).is_ok_and(|found| found.f_flags & LOCAL != 0)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "ios")))]
pub fn is_local(_: &Path) -> bool {
    false
}
