//! The same bytes on every processor: BLAKE3, SHA-256, CRC-32 and compressors pick other code where a CPU can do more.
//! qemu runs the binary as on processors with and without those features. Only x86-64 is covered; another architecture
//! would need the binary built for it.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{BINARY, Dir, find_tool};

/// Models of qemu 7 and newer, and what each adds. `max` is all that qemu can do.
const MODELS: [(&str, &str); 4] = [
    ("qemu64", "SSE3 and nothing newer"),
    ("Nehalem", "SSE4.2, POPCNT"),
    ("Haswell", "AVX2, BMI2, PCLMULQDQ"),
    ("max", "SHA extensions or whatever else there is"),
];

/// Small files, a large one that is packed in chunks, one that deflate can't shrink, and an executable.
fn project() -> Dir {
    let dir = Dir::new();
    dir.write("lambda-json/app.json", r#"{"source": ["app", "large.txt"]}"#);
    dir.write("lambda-json/small.json", r#"{"source": "app"}"#);
    for number in 0..20_u32 {
        let text = format!("def handler_{number}(event, context):\n    return {number}\n");
        dir.write(&format!("code/app/module_{number}.py"), text.repeat(number as usize));
    }
    let mut words = Words(1);
    // A little beyond the 32 MiB from which on files go in chunks, and easy to compress for the most part; qemu is slow.
    let mut large = vec![b'-'; 28 << 20];
    large.extend((0..(4 << 20) / 16 + 1000).flat_map(|_| format!("{:015}\n", words.next() % 100_000_000).into_bytes()));
    dir.write("code/large.txt", large);
    let noise: Vec<u8> = (0..300_000).map(|_| words.next() as u8).collect();
    dir.write("code/app/noise.bin", noise);
    dir.write("code/app/run", "#!/bin/sh\nexit 0\n");
    dir.chmod("code/app/run", 0o755);
    dir
}

/// A linear congruential generator (Knuth's MMIX), of which the high bits are good.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// What `build` and `hash` make of the project: digests, and the very bytes of a package of each
/// compression.
fn outcome(dir: &Dir, program: &OsStr, args: &[&str]) -> (Value, String, [Vec<u8>; 2]) {
    let out_dir = dir.join("out");
    let run = |rest: &[&str]| {
        let output = Command::new(program)
            .args(args)
            .args(rest)
            .arg("--no-cache")
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?} {rest:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let built = run(&["build", "app", "--json", "--out-dir", "out"]);
    let built: Value = serde_json::from_str(&built).unwrap();
    run(&["build", "small", "--compression", "best", "--out-dir", "out"]);
    let sha256 = run(&["hash", "code", "--algorithm", "sha256"]);
    let zips = ["app.zip", "small.zip"].map(|zip| fs::read(out_dir.join(zip)).unwrap());
    fs::remove_dir_all(out_dir).unwrap();
    (built[0].clone(), sha256, zips)
}

#[test]
fn digests_and_packages_do_not_depend_on_the_cpu() {
    let Some(qemu) = find_tool("qemu") else { return };
    let dir = project();
    let (native, native_sha256, native_zips) = outcome(&dir, BINARY.as_ref(), &[]);
    for (model, features) in MODELS {
        let (built, sha256, zips) = outcome(&dir, qemu.as_os_str(), &["-cpu", model, BINARY]);
        let on = format!("on {model} ({features})");
        assert_eq!(built["source_hash"], native["source_hash"], "{on}");
        assert_eq!(built["code_sha256"], native["code_sha256"], "{on}");
        assert_eq!(sha256, native_sha256, "{on}");
        assert!(zips == native_zips, "other bytes with the same digest {on}");
    }
}
