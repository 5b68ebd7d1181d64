//! The README's table of settings, made from what `sheaf serve --help` says, so that the two can't
//! tell different stories.

use std::fs;
use std::path::PathBuf;

use crate::command::{cargo, output_of};
use crate::failure::Failure;
use crate::workspace;

const BEGIN: &str = "<!-- settings: made by `cargo xtask docs` -->\n";
const END: &str = "<!-- end of settings -->\n";

/// Writes the table into the README.
pub(crate) fn write() -> Result<(), Failure> {
    let (now, should) = both()?;
    if now == should {
        println!("README.md is up to date");
        return Ok(());
    }
    fs::write(file(), should).map_err(|cause| {
        Failure::new(
            format!("could not write README.md: {cause}"),
            "check the file's rights",
        )
    })?;
    println!("README.md has the settings as they are now");
    Ok(())
}

/// Fails unless the README has the table that [`write()`] would write.
pub(crate) fn check() -> Result<(), Failure> {
    let (now, should) = both()?;
    if now == should {
        return Ok(());
    }
    Err(Failure::new(
        "README.md's table of settings is out of date",
        "run `cargo xtask docs`",
    ))
}

fn file() -> PathBuf {
    workspace::root().join("README.md")
}

/// The README as it is and as it should be.
fn both() -> Result<(String, String), Failure> {
    let mut sheaf = cargo(&[
        "run",
        "--quiet",
        "--package",
        "sheaf-server",
        "--bin",
        "sheaf",
    ]);
    sheaf.args(["--", "serve", "--help"]);
    for (name, _) in std::env::vars_os() {
        // The help would show their values.
        if name.to_string_lossy().starts_with("SHEAF_") {
            sheaf.env_remove(name);
        }
    }
    let help = output_of(&mut sheaf).ok_or_else(|| {
        Failure::new(
            "`sheaf serve --help` could not be run",
            "run `cargo check` and mend what it names",
        )
    })?;
    let readme = fs::read_to_string(file()).unwrap_or_default();
    let should = with_table(&readme, &table(&settings(&help))).ok_or_else(|| {
        Failure::new(
            "README.md has no place for its table of settings",
            format!("put these two lines where it belongs:\n{BEGIN}{END}"),
        )
    })?;
    Ok((readme, should))
}

#[derive(Debug, PartialEq, Eq)]
struct Setting {
    option: String,
    variable: String,
    meaning: String,
    default: String,
}

/// Reads the blocks of clap's long help that name a variable.
fn settings(help: &str) -> Vec<Setting> {
    let Some((_, options)) = help.split_once("\nOptions:\n") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for block in options
        .split("\n      --")
        .map(|block| block.trim_start_matches([' ', '-']))
    {
        let mut lines = block.lines().map(str::trim);
        let Some(option) = lines.next() else { continue };
        let Some(sentence) = lines.next() else {
            continue;
        };
        let facts: Vec<&str> = lines.collect();
        let Some(variable) = facts.iter().find_map(|fact| bracketed(fact, "env: ")) else {
            continue;
        };
        let (meaning, default) = match sentence.split_once("[default: ") {
            Some((before, after)) => {
                let (default, rest) = after.split_once(']').unwrap_or((after, ""));
                (format!("{}{rest}", before.trim_end()), default.to_owned())
            }
            None => {
                let own = facts.iter().find_map(|fact| bracketed(fact, "default: "));
                (sentence.to_owned(), own.unwrap_or_default())
            }
        };
        found.push(Setting {
            option: format!("--{}", option.split(' ').next().unwrap_or(option)),
            variable: variable.trim_end_matches('=').to_owned(),
            meaning,
            default,
        });
    }
    found
}

fn bracketed(fact: &str, label: &str) -> Option<String> {
    let inside = fact.strip_prefix('[')?.strip_suffix(']')?;
    inside.strip_prefix(label).map(str::to_owned)
}

fn table(settings: &[Setting]) -> String {
    let mut table = String::from("| option | variable | default | meaning |\n|---|---|---|---|\n");
    for Setting {
        option,
        variable,
        meaning,
        default,
    } in settings
    {
        let default = if default.is_empty() { "none" } else { default };
        table.push_str(&format!(
            "| `{option}` | `{variable}` | {default} | {meaning} |\n"
        ));
    }
    table
}

fn with_table(readme: &str, table: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Serve.\n\nOptions:\n      --listen <ADDR>\n          Where to listen \
        [default: 127.0.0.1:8080]\n          \n          [env: SHEAF_LISTEN=]\n\n      --open [<OPEN>]\n          \
        Let everyone in\n          \n          [env: SHEAF_OPEN=]\n          [default: false]\n\n  -h, --help\n          \
        Print help\n";

    #[test]
    fn each_setting_is_told_with_its_variable_and_default_and_help_itself_is_none() {
        let read = settings(HELP);
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].option, "--listen");
        assert_eq!(read[0].variable, "SHEAF_LISTEN");
        assert_eq!(read[0].meaning, "Where to listen");
        assert_eq!(read[0].default, "127.0.0.1:8080");
        assert_eq!(read[1].default, "false");
    }

    #[test]
    fn the_table_replaces_the_old_one_and_nothing_else() {
        let readme = format!("Before.\n{BEGIN}old\n{END}After.\n");
        assert_eq!(
            with_table(&readme, "new\n"),
            Some(format!("Before.\n{BEGIN}new\n{END}After.\n"))
        );
        assert_eq!(with_table("no place", "new\n"), None);
    }
}
