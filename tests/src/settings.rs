//! Every setting of every program, as the programs' own help says it.

use clap::{Arg, Command};

/// A setting that can come from the environment.
pub struct Setting {
    name: String,
    flag: Option<String>,
    help: String,
    default: String,
    /// The programs that take it, in the order in which they are documented.
    programs: Vec<String>,
}

/// All of them, each once for a program; one that means something else in another program, or has another default, is there
/// twice.
#[must_use]
pub fn all() -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for program in compose::commands() {
        let commands = std::iter::once(&program).chain(program.get_subcommands());
        for setting in commands.flat_map(Command::get_arguments).filter_map(|argument| setting(&program, argument)) {
            let is_of = |known: &Setting| known.name == setting.name && known.programs.ends_with(&setting.programs);
            if settings.iter().any(is_of) {
                continue;
            }
            let is_same = |known: &&mut Setting| known.help == setting.help && known.default == setting.default;
            match settings.iter_mut().filter(|known| known.name == setting.name).find(is_same) {
                Some(known) => known.programs.extend(setting.programs),
                None => settings.push(setting),
            }
        }
    }
    settings
}

fn setting(program: &Command, argument: &Arg) -> Option<Setting> {
    let name = argument.get_env()?.to_str()?.to_owned();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    assert!(!help.is_empty(), "{name} is not documented");
    let default: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let flag = argument.get_long().map(|flag| format!("--{flag}"));
    Some(Setting { name, flag, help, default: default.join(","), programs: vec![program.get_name().to_owned()] })
}

/// The settings of the same programs, together.
fn grouped(settings: &[Setting]) -> Vec<(String, Vec<&Setting>)> {
    let mut groups: Vec<(String, Vec<&Setting>)> = Vec::new();
    for setting in settings {
        let programs = setting.programs.join(", ");
        match groups.iter_mut().find(|(known, _)| *known == programs) {
            Some((_, group)) => group.push(setting),
            None => groups.push((programs, vec![setting])),
        }
    }
    groups
}

/// `.env.example`.
#[must_use]
pub fn example() -> String {
    let mut text = String::from("# Every setting, with its default. Made from the programs' own --help.\n");
    for (programs, settings) in grouped(&all()) {
        text.push_str(&format!("\n# --- {programs} ---\n"));
        for Setting { name, help, default, .. } in settings {
            text.push_str(&format!("\n# {help}\n#{name}={default}\n"));
        }
    }
    text
}

/// `docs/settings.md`.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Settings\n\nEvery setting of every program, by the environment or as a flag, which goes before it. Made from the programs' own\n\
         `--help` by `bash .ci/contracts --update`; [.env.example](../.env.example) has the same. `syncboard` is the runner, which\n\
         hands its services what it does not take itself. The traces' library reads two more by itself:\n\
         [monitoring](monitoring.md#traces).\n",
    );
    for (programs, settings) in grouped(&all()) {
        text.push_str(&format!(
            "\n## {programs}\n\n| variable | flag | default | meaning |\n| --- | --- | --- | --- |\n"
        ));
        for Setting { name, flag, help, default, .. } in settings {
            let flag = flag.as_ref().map(|flag| format!("`{flag}`")).unwrap_or_default();
            let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
            text.push_str(&format!("| `{name}` | {flag} | {default} | {} |\n", help.replace('|', "\\|")));
        }
    }
    text
}
