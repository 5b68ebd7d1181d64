//! `sheaf import` and `sheaf export`.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sheaf_server::adapters::system::unix_now;
use sheaf_server::app::export::{self, ExportError};
use sheaf_server::app::import::{self, ImportError, Source};
use sheaf_server::cli::{ExportArgs, ImportArgs, PageFormat};
use sheaf_shared::file::Form;
use sheaf_shared::ids::PageId;

use super::FAILED;

/// Largest file that is opened, in bytes: somewhat more than what any format reads.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How to import while a server runs.
const IMPORT_MEANWHILE: &str = "Nothing was imported. If that is the Sheaf server, it can go on: open its page in a browser and choose \"Import…\" in the sidebar.";
/// How to export while a server runs.
const EXPORT_MEANWHILE: &str = "Nothing was exported. If that is the Sheaf server, it can go on: open the page in a browser and choose \"Export as …\" in its menu.";

/// Imports each file as a page and prints its address. Goes on after a file that fails.
pub(crate) fn import(args: &ImportArgs) -> ExitCode {
    let (runtime, store) = match super::open(&args.data, IMPORT_MEANWHILE) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut failed = false;
    for file in &args.files {
        let outcome = read_file(file).and_then(|text| {
            let source = Source {
                name: &stem(file),
                text: &text,
                form: form_of(file),
            };
            let page = PageId::from_bits(fastrand::u128(..));
            let imported = runtime.block_on(import::import(&*store, source, page, unix_now()));
            imported.map_err(FileError::Import)
        });
        match outcome {
            Ok(imported) => println!(
                "{}/p/{}  {}",
                args.address.trim_end_matches('/'),
                imported.page,
                imported.title
            ),
            Err(error) => {
                eprint!("{}: ", file.display());
                super::fail(&error);
                failed = true;
            }
        }
    }
    if failed {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints a page, or writes it into a file.
pub(crate) fn export(args: &ExportArgs) -> ExitCode {
    let (runtime, store) = match super::open_existing(&args.data, EXPORT_MEANWHILE) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let form = match args.format {
        PageFormat::Md => Form::Markdown,
        PageFormat::Html => Form::Html,
        PageFormat::Txt => Form::Text,
    };
    let text = match runtime.block_on(export::export(&*store, &args.page, form)) {
        Ok(text) => text,
        Err(error) => {
            let code = super::fail(&error);
            if let ExportError::Ambiguous { candidates, .. } = &error {
                for candidate in candidates {
                    eprintln!("  {}  {}", candidate.page, candidate.path);
                }
            }
            return code;
        }
    };
    let written = match &args.output {
        Some(file) => std::fs::write(file, text),
        None => std::io::stdout().write_all(text.as_bytes()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("the file could not be read")]
    Read(#[source] std::io::Error),
    #[error("the file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the file is not text in UTF-8")]
    NotText,
    #[error(transparent)]
    Import(ImportError),
}

fn read_file(path: &Path) -> Result<String, FileError> {
    // A pipe or a device does not tell its length beforehand, and may have no end.
    let file = std::fs::File::open(path).map_err(FileError::Read)?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    if read.map_err(FileError::Read)? as u64 > FILE_BYTES_MAX {
        return Err(FileError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotText)
}

fn form_of(path: &Path) -> Form {
    let name = path.file_name().unwrap_or_default();
    Form::of_name(&name.to_string_lossy())
}

fn stem(path: &Path) -> String {
    PathBuf::from(path)
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}
