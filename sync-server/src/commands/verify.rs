//! `sheaf verify`.

use std::path::Path;
use std::process::ExitCode;

use sheaf_server::app;

/// Checks everything that is stored and says what was found.
pub(crate) fn verify(data_dir: &Path) -> ExitCode {
    let (runtime, store) = match super::open_existing(data_dir, "Nothing was checked.") {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let report = match runtime.block_on(app::verify::verify(&*store)) {
        Ok(report) => report,
        Err(fault) => return super::fail(&fault),
    };
    for (doc, what) in &report.damages {
        println!("damaged: {doc}: {what}");
    }
    println!(
        "{} documents, {} updates read, {} put aside earlier, {} documents damaged",
        report.documents,
        report.updates,
        report.quarantined,
        report.damages.len()
    );
    if report.damages.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
