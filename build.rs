//! How the program is linked.

use std::env;

/// From the directory in which the linker runs, which is that of this file.
const NO_UNWINDING: &str = "release/no-unwinding.ld";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={NO_UNWINDING}");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|it| it == value);
    let libc = |name: &str| is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", name);
    // At an address of its own choice the program would begin with 70,000 relocations: 2 of its 4 milliseconds of start-up,
    // which Terraform waits for each time it asks. The released programs for Linux are static and stand at a fixed one, too.
    if libc("gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    // Where a panic aborts, nothing reads what unwinding a stack needs; of what is released it would be an eighth.
    if libc("musl") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{NO_UNWINDING}");
    }
}
