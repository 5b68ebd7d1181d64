//! `cargo xtask test`: every suite under a heading, with its time and its count; then what failed
//! and how to run just that again; then one line that sums it all up.

mod tally;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::command::{cargo, command, run as run_shown, run_and_read, told, told_duration};
use crate::compose;
use crate::failure::Failure;
use crate::readme;
use crate::server;
use crate::setup;
use crate::setup::node::npm_program;
use crate::tidy;
use crate::workspace;
pub(crate) use tally::{Runner, Tally};

/// When a suite runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// With all others.
    Always,
    /// Only when it is named.
    ByName,
}

struct Suite {
    name: &'static str,
    about: &'static str,
    when: When,
    run: fn() -> Result<Tally, Failure>,
}

/// Cheap ones first: most mistakes show in seconds.
const SUITES: [Suite; 11] = [
    Suite {
        name: "format",
        about: "the code is laid out by rustfmt",
        when: When::Always,
        run: format,
    },
    Suite {
        name: "tidy",
        about: "the house rules hold",
        when: When::Always,
        run: tidy_suite,
    },
    Suite {
        name: "clippy",
        about: "no warning in any package",
        when: When::Always,
        run: clippy,
    },
    Suite {
        name: "native",
        about: "all Rust tests",
        when: When::Always,
        run: native,
    },
    Suite {
        name: "docs",
        about: "the documentation builds without a warning and tells the truth",
        when: When::Always,
        run: docs,
    },
    Suite {
        name: "wasm",
        about: "the pure packages' tests, in WebAssembly",
        when: When::Always,
        run: wasm,
    },
    Suite {
        name: "surface",
        about: "the editor's TypeScript",
        when: When::Always,
        run: surface,
    },
    Suite {
        name: "clients",
        about: "Yjs clients from npm against the built server",
        when: When::Always,
        run: clients,
    },
    Suite {
        name: "browsers",
        about: "people writing together in real browsers",
        when: When::Always,
        run: browsers,
    },
    Suite {
        name: "firefox",
        about: "the browser tests that Firefox can run, in Firefox (installed on Debian if it is missing)",
        when: When::ByName,
        run: firefox,
    },
    Suite {
        name: "compose",
        about: "people in the containers of docker-compose.yml, servers killed (needs root or Docker)",
        when: When::ByName,
        run: compose::suite,
    },
];

struct Outcome {
    suite: &'static Suite,
    took: Duration,
    tally: Tally,
}

/// Runs the suites that `names` names, or all; the code says whether everything passed.
pub(crate) fn run(names: &[String]) -> ExitCode {
    if names.iter().any(|name| name == "--list") {
        for suite in &SUITES {
            let when = match suite.when {
                When::Always => "",
                When::ByName => "; only when it is named",
            };
            println!("{:<10} {}{when}", suite.name, suite.about);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| SUITES.iter().all(|suite| suite.name != **name))
    {
        eprintln!("there is no suite `{unknown}`; `cargo xtask test --list` names them");
        return ExitCode::FAILURE;
    }
    let chosen = SUITES.iter().filter(|suite| match names {
        [] => suite.when == When::Always,
        named => named.iter().any(|name| name == suite.name),
    });
    let results: Vec<Outcome> = chosen.map(run_one).collect();
    sum_up(&results)
}

fn run_one(suite: &'static Suite) -> Outcome {
    println!("\n════ {}: {}", suite.name, suite.about);
    let started = Instant::now();
    let tally = (suite.run)().unwrap_or_else(|failure| {
        println!("{failure}");
        Tally::one_failure()
    });
    let took = started.elapsed();
    println!("════ {}: {tally} in {}", suite.name, told_duration(took));
    Outcome { suite, took, tally }
}

fn sum_up(results: &[Outcome]) -> ExitCode {
    println!("\n════ all suites");
    let mut total = Tally::default();
    for result in results {
        let verdict = if result.tally.is_green() {
            "ok  "
        } else {
            "FAIL"
        };
        println!(
            "{verdict} {:<10} {:>12}  {}",
            result.suite.name,
            told_duration(result.took),
            result.tally
        );
        total = total + result.tally;
    }
    let red: Vec<&Outcome> = results
        .iter()
        .filter(|result| !result.tally.is_green())
        .collect();
    for result in &red {
        println!(
            "to run just this again: cargo xtask test {}",
            result.suite.name
        );
    }
    println!("{total}");
    if red.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn format() -> Result<Tally, Failure> {
    check(
        &mut cargo(&["fmt", "--all", "--check"]),
        "run `cargo fmt --all`",
    )
}

fn tidy_suite() -> Result<Tally, Failure> {
    tidy::check_and_print().map(|()| Tally::one_pass())
}

fn clippy() -> Result<Tally, Failure> {
    check(
        &mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]),
        "mend what clippy names; where it is wrong, say why in an #[expect(lint, reason = \"…\")]",
    )
}

fn native() -> Result<Tally, Failure> {
    setup::engines::find_or_install()?;
    let rest = count(&mut cargo(&["test", "--no-fail-fast"]), Runner::CargoTest)?;
    // The page is not among the packages that a bare `cargo test` takes; what it decides is tested natively all
    // the same.
    let mut page = cargo(&[
        "test",
        "--no-fail-fast",
        "--package",
        "sheaf-frontend",
        "--lib",
    ]);
    Ok(rest + count(&mut page, Runner::CargoTest)?)
}

fn docs() -> Result<Tally, Failure> {
    let mut doc = cargo(&["doc", "--no-deps", "--document-private-items"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    let built = check(&mut doc, "mend the links and comments rustdoc names")?;
    readme::check()?;
    Ok(built + Tally::one_pass())
}

fn wasm() -> Result<Tally, Failure> {
    let tools = setup::for_wasm_tests()?;
    let target = ["--target", "wasm32-unknown-unknown"];
    // Built and not only checked: the tests below then find the dependencies ready.
    let mut builds = tools.command("cargo");
    builds
        .args(["build", "--package", "sheaf-core"])
        .args(target);
    let core = check(
        &mut builds,
        "keep what wasm32 lacks out of the pure packages",
    )?;
    let mut tests = tools.command("cargo");
    tests
        .args([
            "test",
            "--no-fail-fast",
            "--package",
            "sheaf-shared",
            "--package",
            "sheaf-binding",
        ])
        .args(["--lib", "--tests"])
        .args(target)
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            "wasm-bindgen-test-runner",
        );
    Ok(core + count(&mut tests, Runner::CargoTest)?)
}

fn surface() -> Result<Tally, Failure> {
    setup::node::check_version()?;
    setup::node::install_packages("frontend/surface", "the editor and its bundler")?;
    let mut npm = command(npm_program());
    npm.current_dir(workspace::root().join("frontend/surface"))
        .args(["run", "--silent", "check"]);
    check(
        &mut npm,
        "read the message above; rerun with `npm run check` in frontend/surface",
    )
}

fn clients() -> Result<Tally, Failure> {
    let program = server::build()?;
    setup::node::install_packages(
        "e2e/clients",
        "the Yjs clients that must work with the server",
    )?;
    let mut npm = command(npm_program());
    npm.current_dir(workspace::root().join("e2e/clients"))
        .args(["test", "--silent"])
        .env("SHEAF_BIN", program);
    count(&mut npm, Runner::Node)
}

fn browsers() -> Result<Tally, Failure> {
    let program = server::build()?;
    let browser = setup::for_browser_tests()?;
    let mut types = command(npm_program());
    types
        .current_dir(workspace::root().join("e2e"))
        .args(["run", "--silent", "check"]);
    let typed = check(
        &mut types,
        "read the message above; rerun with `npm run check` in e2e",
    )?;
    let mut playwright = playwright(&["test"]);
    browser.prepare(&mut playwright);
    Ok(typed + count(playwright.env("SHEAF_BIN", program), Runner::Playwright)?)
}

fn firefox() -> Result<Tally, Failure> {
    let program = server::build()?;
    let browser = setup::for_firefox_tests()?;
    let mut playwright = playwright(&["test", "--config", "firefox.config.ts"]);
    playwright.env("SHEAF_FIREFOX", browser);
    count(playwright.env("SHEAF_BIN", program), Runner::Playwright)
}

/// Takes the README's picture again, from the app as it is.
pub(crate) fn take_picture() -> Result<(), Failure> {
    let program = server::build()?;
    let browser = setup::for_browser_tests()?;
    let mut playwright = playwright(&["test", "--config", "picture.config.ts"]);
    browser.prepare(&mut playwright);
    run_shown(
        playwright.env("SHEAF_BIN", program),
        "read Playwright's message above",
    )
}

/// Playwright, in the folder of the browser tests.
pub(crate) fn playwright(arguments: &[&str]) -> Command {
    let mut node = command("node");
    node.current_dir(workspace::root().join("e2e"))
        .arg("node_modules/@playwright/test/cli.js")
        .args(arguments);
    node
}

/// A command that passes or fails as a whole.
fn check(command: &mut Command, remedy: &str) -> Result<Tally, Failure> {
    run_shown(command, remedy).map(|()| Tally::one_pass())
}

/// A command that runs tests and says how many.
pub(crate) fn count(command: &mut Command, runner: Runner) -> Result<Tally, Failure> {
    let told = told(command);
    let (status, output) = run_and_read(command)?;
    let tally = runner.tally(&output);
    if status.success() && tally.ran_nothing() {
        return Err(Failure::new(
            format!("`{told}` ran no test"),
            "a suite without tests proves nothing: look at how it selects them",
        ));
    }
    if !status.success() && tally.is_green() {
        println!("`{told}` ended with {status} although no test failed");
        return Ok(tally + Tally::one_failure());
    }
    Ok(tally)
}
