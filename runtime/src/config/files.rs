//! Secrets from files: where NAME is a secret setting, NAME_FILE may name a file that holds it. Container platforms mount
//! secrets so, and neither a process list nor an inspected container shows them.

use super::{NUL, Secret};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error, Parser};
use std::any::TypeId;
use std::ffi::OsString;
use std::path::Path;

/// What the values of secrets are shown as.
const HIDDEN: &str = "…";

/// Reads a program's configuration: flags, then the environment, then the files that it names, then defaults.
///
/// # Errors
/// What clap says of the arguments; a file that cannot be read or is empty; a secret that is set twice. No error shows a secret.
pub fn parse<C: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<C, Error> {
    parse_with(args, &|name| std::env::var_os(name))
}

fn parse_with<C: Parser>(
    args: impl IntoIterator<Item = OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<C, Error> {
    let mut wrong = None;
    let mut command = filled(documented(C::command()), environment, &mut wrong);
    let parsed = command.try_get_matches_from_mut(args).and_then(|matches| C::from_arg_matches(&matches));
    match (parsed, wrong) {
        (Err(help), Some(_)) if !help.use_stderr() => Err(help),
        (_, Some(wrong)) => Err(command.error(ErrorKind::Io, wrong)),
        (parsed, None) => parsed.map_err(|error| {
            // Only the subcommand that was called has its arguments described in full so far.
            command.build();
            hidden(error, &command).format(&mut command)
        }),
    }
}

/// A command line whose help says for each secret that it may come from a file.
#[must_use]
pub fn documented(command: Command) -> Command {
    let describe = |arg: Arg| match (variable(&arg), arg.get_help()) {
        (Some(name), Some(help)) => {
            let help = format!("{help}. Or in {name}_FILE: a file that holds it");
            arg.help(help)
        }
        _ => arg,
    };
    command.mut_args(describe).mut_subcommands(documented)
}

/// The environment variable of a secret; none of what is no secret.
fn variable(arg: &Arg) -> Option<String> {
    let name = arg.get_env().filter(|_| arg.is_hide_env_values_set())?;
    name.to_str().map(str::to_owned)
}

/// Makes what the files hold the defaults of their settings: less than flags, and in the place of an absent variable.
fn filled(command: Command, environment: &dyn Fn(&str) -> Option<OsString>, wrong: &mut Option<String>) -> Command {
    let mut fill = |arg: Arg| {
        let Some(name) = variable(&arg) else { return arg };
        let Some(file) = environment(&format!("{name}_FILE")) else { return arg };
        let value = match environment(&name) {
            Some(_) => Err(format!("{name} and {name}_FILE are both set: set one of them")),
            None => {
                read(Path::new(&file)).map_err(|error| format!("{name}_FILE: {} {error}", Path::new(&file).display()))
            }
        };
        match value {
            Ok(mut value) => {
                if arg.get_value_parser().type_id() == TypeId::of::<Secret>() {
                    // With the file's name, so that it can be read again.
                    value.insert_str(0, &format!("{}{NUL}", Path::new(&file).display()));
                }
                arg.default_value(value).hide_default_value(true).required(false)
            }
            Err(error) => {
                wrong.get_or_insert(error);
                arg.required(false)
            }
        }
    };
    let command = command.mut_args(&mut fill);
    command.mut_subcommands(|subcommand| filled(subcommand, environment, wrong))
}

/// The only line of a file: editors and `echo` end it with a line feed, which is no part of a secret.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
    let value = text.trim_end_matches(['\n', '\r']);
    match value {
        "" => Err("is empty".to_owned()),
        value if value.contains('\n') => Err("has more than one line".to_owned()),
        value => Ok(value.to_owned()),
    }
}

/// An error without the value that it complains of, if that is a secret.
fn hidden(mut error: Error, command: &Command) -> Error {
    let names_secret = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(shown)) => is_secret(command, shown),
        _ => false,
    };
    if names_secret {
        error.insert(ContextKind::InvalidValue, ContextValue::String(HIDDEN.to_owned()));
    }
    error
}

/// Whether an argument, as clap shows it in errors, is a secret of the command or of its subcommands.
fn is_secret(command: &Command, shown: &str) -> bool {
    command.get_arguments().any(|arg| variable(arg).is_some() && arg.to_string() == shown)
        || command.get_subcommands().any(|subcommand| is_secret(subcommand, shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auth, Nats};
    use crate::testing::temporary;

    #[derive(Parser, Debug)]
    struct Config {
        #[command(flatten)]
        auth: Auth,
        #[command(flatten)]
        nats: Nats,
    }

    #[derive(Parser, Debug)]
    struct Parent {
        #[command(subcommand)]
        subcommand: Child,
    }

    #[derive(clap::Subcommand, Debug)]
    enum Child {
        Run(Nats),
        Wait {
            #[arg(long)]
            seconds: u32,
        },
    }

    /// What a program reads with these arguments and one variable of the environment that names a file.
    fn read_with<C: Parser>(args: &[&str], variable: &str, content: Option<&str>) -> Result<C, String> {
        let file = temporary();
        match content {
            Some(content) => std::fs::write(&file, content).expect("a temporary file can be written"),
            None => drop(std::fs::remove_file(&file)),
        }
        let name = format!("{variable}_FILE");
        let environment = |asked: &str| (asked == name).then(|| file.clone().into_os_string());
        let args = std::iter::once("program").chain(args.iter().copied()).map(OsString::from);
        let parsed = parse_with(args, &environment).map_err(|error| error.to_string());
        drop(std::fs::remove_file(&file));
        parsed
    }

    fn exposed(secret: &Secret) -> &str {
        secret.expose()
    }

    #[test]
    fn a_secret_is_read_from_its_file() {
        let key = "0123456789abcdef0123456789abcdef";
        let config: Config =
            read_with(&[], "SYNCBOARD_SECRET_KEY", Some(&format!("{key}\n"))).expect("the file is enough");
        assert_eq!(exposed(&config.auth.secret_key), key);
        assert!(config.auth.secret_key.file().is_some(), "it can be read again");
    }

    #[test]
    fn a_subcommand_reads_it_too() {
        let parent: Parent = read_with(&["run"], "NATS_URL", Some("nats://file:4222")).expect("the file is enough");
        let Child::Run(nats) = parent.subcommand else { panic!("{parent:?} does not run") };
        assert_eq!(exposed(&nats.nats_url), "nats://file:4222");
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let args = ["--nats-url", "nats://flag:4222", "--secret-key", "0123456789abcdef0123456789abcdef"];
        let config: Config = read_with(&args, "NATS_URL", Some("nats://file:4222")).expect("both may be given");
        assert_eq!(exposed(&config.nats.nats_url), "nats://flag:4222");
        assert_eq!(config.nats.nats_url.file(), None, "the file has no say");
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_empty_is_named() {
        let error = read_with::<Config>(&[], "SYNCBOARD_SECRET_KEY", None).expect_err("there is no file");
        assert!(error.contains("SYNCBOARD_SECRET_KEY_FILE") && error.contains("cannot be read"), "{error}");
        let error = read_with::<Config>(&[], "SYNCBOARD_SECRET_KEY", Some("\n")).expect_err("the file is empty");
        assert!(error.contains("is empty"), "{error}");
        let error = read_with::<Config>(&[], "SYNCBOARD_SECRET_KEY", Some("a\nb\n")).expect_err("it has two lines");
        assert!(error.contains("more than one line"), "{error}");
    }

    #[test]
    fn a_secret_that_is_set_twice_is_refused() {
        let environment = |name: &str| name.starts_with("SYNCBOARD_SECRET_KEY").then(|| OsString::from("/nowhere"));
        let error = parse_with::<Config>([OsString::from("program")], &environment).expect_err("it is set twice");
        assert!(error.to_string().contains("both set"), "{error}");
    }

    #[test]
    fn help_is_shown_whatever_the_files_are() {
        let help = read_with::<Config>(&["--help"], "SYNCBOARD_SECRET_KEY", None)
            .expect_err("help is what clap calls an error");
        assert!(help.contains("SYNCBOARD_SECRET_KEY_FILE"), "{help}");
    }

    #[test]
    fn what_is_no_secret_is_shown_whatever_subcommands_have_some() {
        let error = read_with::<Parent>(&["wait", "--seconds", "long"], "NATS_URL", Some("x")).expect_err("no number");
        assert!(error.contains("'long'") && error.contains("--seconds"), "{error}");
    }

    #[test]
    fn no_error_shows_a_secret() {
        let error = read_with::<Config>(&[], "SYNCBOARD_SECRET_KEY", Some("too-short")).expect_err("it is too short");
        assert!(error.contains("32 characters") && !error.contains("too-short"), "{error}");
        let error =
            read_with::<Config>(&["--secret-key", "too-short"], "NATS_URL", Some("x")).expect_err("it is too short");
        assert!(error.contains("32 characters") && !error.contains("too-short"), "{error}");
    }
}
