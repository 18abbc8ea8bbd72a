//! `syncboard`: the whole system on one machine.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    compose::main(std::env::args_os().collect())
}
