//! The system as tests start it: the same program as `syncboard`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    compose::main(std::env::args_os().collect())
}
