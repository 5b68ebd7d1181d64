//! `sheaf verify`.

use std::process::ExitCode;

use sheaf_server::adapters::sqlite::FILE_NAME;
use sheaf_server::app;
use sheaf_server::cli::DataArgs;

/// Checks everything that is stored and says what was found.
pub(crate) fn verify(data: &DataArgs) -> ExitCode {
    let (runtime, store) = match super::open_existing(data, "Nothing was checked.") {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let file = match runtime.block_on(store.damages_of_whole()) {
        Ok(damages) => damages,
        Err(fault) => return super::fail(&fault),
    };
    for what in &file {
        println!("damaged: {FILE_NAME}: {what}");
    }
    let report = match runtime.block_on(app::verify::verify(&*store)) {
        Ok(report) => report,
        Err(fault) => {
            let code = super::fail(&fault);
            return if file.is_empty() {
                code
            } else {
                ExitCode::FAILURE
            };
        }
    };
    for (doc, what) in &report.damages {
        println!("damaged: {doc}: {what}");
    }
    for (doc, one) in &report.waiting {
        match one.lacks {
            Some(lacks) => println!(
                "waiting: {doc}: update {} builds on edit {} of writer {}, which never came",
                one.seq.0, lacks.clock, lacks.client.0
            ),
            None => println!(
                "waiting: {doc}: update {} builds on others that build on it",
                one.seq.0
            ),
        }
    }
    let files = match runtime.block_on(check_files(data)) {
        Ok(files) => files,
        Err(code) => return code,
    };
    println!(
        "{} documents, {} updates read, {} put aside earlier, {} waiting, {} documents damaged",
        report.documents,
        report.updates,
        report.quarantined,
        report.waiting.len(),
        report.damages.len()
    );
    if report.damages.is_empty() && file.is_empty() && files == Files::Sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What the pictures and files are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    Sound,
    Damaged,
}

/// Reads every picture and file and says what is damaged.
async fn check_files(data: &DataArgs) -> Result<Files, ExitCode> {
    let place = data.blobs().map_err(|problem| {
        eprintln!("sheaf: {problem}");
        ExitCode::from(super::FAILED)
    })?;
    let Some(place) = place else {
        return Ok(Files::Sound);
    };
    let blobs = super::files::open(&place).map_err(|fault| super::fail(&fault))?;
    let read = app::blobs::verify(&*blobs).await;
    let read = read.map_err(|fault| super::fail(&fault))?;
    for id in &read.damaged {
        println!("damaged: the picture or file {id}");
    }
    if read != app::blobs::Carried::default() {
        println!(
            "{} pictures and files read, {} damaged",
            read.blobs + read.damaged.len() as u64,
            read.damaged.len()
        );
    }
    Ok(match read.damaged.is_empty() {
        true => Files::Sound,
        false => Files::Damaged,
    })
}
