//! Which compiler builds, and for what, for `/health` and `syncboard_build_info`. The commit is told by who builds, in `SYNCBOARD_COMMIT`: a build
//! neither asks git nor differs by where it is made.

use std::process::Command;

fn main() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said =
        Command::new(compiler).arg("--version").output().ok().and_then(|said| String::from_utf8(said.stdout).ok());
    let version = said.as_deref().and_then(|said| said.split(' ').nth(1)).unwrap_or("unknown");
    println!("cargo::rustc-env=SYNCBOARD_RUSTC={}", version.trim());
    let target = std::env::var_os("TARGET").expect("cargo says for what it builds");
    println!("cargo::rustc-env=SYNCBOARD_TARGET={}", target.display());
    println!("cargo::rerun-if-env-changed=SYNCBOARD_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
}
