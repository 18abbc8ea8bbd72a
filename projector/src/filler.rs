//! Who fills a generation: a half-filled one is gone on with by the very same program only, as another could make other
//! rows of the same events.

use crate::projection::Projection;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io;

/// Digits of a digest that tell programs and migrations apart.
const DIGITS: usize = 16;

/// This program, its analysis and the migrations that make its tables.
pub(crate) async fn of(projection: Projection) -> io::Result<String> {
    let program = tokio::task::spawn_blocking(program).await.map_err(io::Error::other)??;
    let mut migrations = Sha256::new();
    for migration in projection.migrator().iter() {
        migrations.update(&migration.checksum);
    }
    let migrations = hex(migrations);
    Ok(format!("program {program}, analysis {}, migrations {migrations}", analysis::VERSION))
}

/// A digest of the executable: its version number does not change with every change of it.
fn program() -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut File::open(std::env::current_exe()?)?, &mut digest)?;
    Ok(hex(digest))
}

fn hex(digest: Sha256) -> String {
    let mut hex = digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every write");
        hex
    });
    hex.truncate(DIGITS);
    hex
}
