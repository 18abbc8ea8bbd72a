//! Finding the servers on this machine.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server program and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) program: PathBuf,
    pub(crate) version: (u32, u32, u32),
}

/// Kinds of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    Nats,
    Redis,
}

impl Server {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Postgres, Self::Nats, Self::Redis];

    /// What people call it, with the version that is needed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL 15 or newer",
            Self::Nats => "nats-server 2.9 or newer",
            Self::Redis => "redis-server 6 or newer (or valkey-server)",
        }
    }

    const fn oldest(self) -> (u32, u32) {
        match self {
            Self::Postgres => (15, 0),
            Self::Nats => (2, 9),
            Self::Redis => (6, 0),
        }
    }

    const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgres"],
            Self::Nats => &["nats-server"],
            Self::Redis => &["redis-server", "valkey-server"],
        }
    }

    /// The newest one on this machine that is new enough.
    pub(crate) fn find(self) -> Option<Found> {
        self.all().into_iter().filter(|found| self.is_new_enough(found)).max_by_key(|found| found.version)
    }

    /// Whether a version will do.
    pub(crate) fn is_new_enough(self, found: &Found) -> bool {
        (found.version.0, found.version.1) >= self.oldest()
    }

    /// Every one on this machine, old ones too.
    pub(crate) fn all(self) -> Vec<Found> {
        let mut folders: Vec<PathBuf> =
            env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        if self == Self::Postgres {
            folders.extend(postgres_folders());
        }
        folders
            .iter()
            .flat_map(|folder| self.programs().iter().map(move |program| folder.join(program)))
            .filter(|program| program.is_file())
            // A link to PostgreSQL does not have initdb beside it; what it points at does.
            .filter_map(|program| if self == Self::Postgres { program.canonicalize().ok() } else { Some(program) })
            .filter(|program| self != Self::Postgres || program.with_file_name("initdb").is_file())
            .filter_map(|program| version(&program).map(|version| Found { program, version }))
            .collect()
    }
}

/// Where packages put PostgreSQL's programs, outside PATH.
fn postgres_folders() -> Vec<PathBuf> {
    let within = |folder: &str, inner: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().join(inner)).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut folders = within("/usr/lib/postgresql", "bin");
    for pgsql in 15..=20 {
        folders.push(PathBuf::from(format!("/usr/pgsql-{pgsql}/bin")));
        for homebrew in ["/opt/homebrew/opt", "/usr/local/opt"] {
            folders.push(PathBuf::from(format!("{homebrew}/postgresql@{pgsql}/bin")));
        }
    }
    folders
}

/// The first dotted number that the program says of its version.
fn version(program: &Path) -> Option<(u32, u32, u32)> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let number: String = text[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    Some((parts.next()?, parts.next().unwrap_or(0), parts.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_servers_say() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some((15, 18, 0)));
        assert_eq!(parse_version("nats-server: v2.9.10"), Some((2, 9, 10)));
        assert_eq!(parse_version("Redis server v=7.0.15 sha=00000000:0"), Some((7, 0, 15)));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1"), Some((18, 0, 0)));
        assert_eq!(parse_version("none"), None);
    }
}
