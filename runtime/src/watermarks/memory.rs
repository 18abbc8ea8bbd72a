//! Memory that may be taken and is: of this process where a setting limits it, else of the control groups (version 2) that it
//! is in. The kernel gives file cache back when memory is needed, so that does not count.

use super::Taken;
use crate::process;
use std::fs;
use std::path::Path;

/// Where control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// `None` where nothing limits it.
pub(super) fn measured(limit: Option<u64>) -> Option<Taken> {
    match limit {
        Some(limit) => process::resident().map(|used| Taken { used, limit }),
        None => of_groups(Path::new(GROUPS), &fs::read_to_string("/proc/self/cgroup").ok()?),
    }
}

/// The group that is nearest to its limit, of the one that the process is in and those around it.
fn of_groups(groups: &Path, membership: &str) -> Option<Taken> {
    let own = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let around = Path::new(own).ancestors().filter_map(|group| of_group(&groups.join(group)));
    Taken::fullest(around)
}

/// `None` where the group has no limit, or does not say.
fn of_group(group: &Path) -> Option<Taken> {
    let read = |name| fs::read_to_string(group.join(name)).ok();
    let limit = read("memory.max")?.trim().parse().ok()?;
    let taken: u64 = read("memory.current")?.trim().parse().ok()?;
    let statistics = read("memory.stat")?;
    let of = |name: &str| {
        let value = statistics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
    };
    Some(Taken { used: taken.saturating_sub(of("inactive_file") + of("active_file")), limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::temporary;
    use std::path::PathBuf;

    struct Groups(PathBuf);

    impl Groups {
        fn new() -> Self {
            Self(temporary())
        }

        fn group(&self, name: &str, max: &str, current: u64, file: u64) {
            let group = self.0.join(name);
            fs::create_dir_all(&group).expect("a folder");
            let statistics = format!("anon 7\nfile {}\ninactive_file {file}\nactive_file {file}\n", file * 2 + 1);
            for (name, text) in [
                ("memory.max", format!("{max}\n")),
                ("memory.current", format!("{current}\n")),
                ("memory.stat", statistics),
            ] {
                fs::write(group.join(name), text).expect("a file");
            }
        }
    }

    impl Drop for Groups {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_group_counts_what_it_cannot_give_back() {
        let groups = Groups::new();
        groups.group("", "1000", 900, 100);
        assert_eq!(of_groups(&groups.0, "0::/\n"), Some(Taken { used: 700, limit: 1_000 }));
    }

    #[test]
    fn the_group_that_is_nearest_to_its_limit_counts() {
        let groups = Groups::new();
        groups.group("pod", "1000", 900, 0);
        groups.group("pod/container", "max", 700, 0);
        assert_eq!(of_groups(&groups.0, "1:name=x:/pod\n0::/pod/container\n"), Some(Taken { used: 900, limit: 1_000 }));
        groups.group("pod/container", "710", 700, 0);
        assert_eq!(of_groups(&groups.0, "0::/pod/container\n"), Some(Taken { used: 700, limit: 710 }));
    }

    #[test]
    fn without_a_limit_there_is_nothing_to_measure() {
        let groups = Groups::new();
        groups.group("pod", "max", 900, 0);
        assert_eq!(of_groups(&groups.0, "0::/pod\n"), None);
        assert_eq!(of_groups(&groups.0, "4:memory:/pod\n"), None, "version 1");
        assert_eq!(of_groups(&groups.0, "0::/elsewhere\n"), None);
    }

    #[test]
    fn a_limit_of_ones_own_is_for_the_process() {
        let memory = measured(Some(1 << 40)).expect("the process says what it takes");
        assert!(memory.used > 1 << 20 && memory.limit == 1 << 40, "{memory:?}");
    }
}
