//! Programs that tests hold the system against: real clients, as their users have them.

use std::process::{Command, Stdio};

/// The first of some names that a program has on this machine, installed from its Debian package if it is missing.
///
/// # Panics
/// If it is missing and cannot be installed.
#[must_use]
pub fn installed(names: &[&'static str], package: &str) -> &'static str {
    let there = || names.iter().copied().find(|name| is_there(name));
    there().unwrap_or_else(|| {
        let install = format!(
            "s=; [ \"$(id -u)\" = 0 ] || s='sudo -n'; a='apt-get -qq -o DPkg::Lock::Timeout=300'; \
             $s $a update && $s env DEBIAN_FRONTEND=noninteractive $a install -y --no-install-recommends {package}"
        );
        let status = Command::new("sh").args(["-c", &install]).stdout(Stdio::null()).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{package} is needed by this test and cannot be installed"
        );
        there().unwrap_or_else(|| panic!("{package} has none of {names:?}"))
    })
}

fn is_there(name: &str) -> bool {
    Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
