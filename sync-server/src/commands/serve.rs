//! `sheaf serve`.

use std::process::ExitCode;
use std::sync::Arc;

use sheaf_server::adapters::blobs;
use sheaf_server::adapters::http::{self, Assets};
use sheaf_server::adapters::redis::RedisBus;
use sheaf_server::adapters::system;
use sheaf_server::app::directory::Directory;
use sheaf_server::config::{Audience, Config, LogFormat, RawConfig};
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::{BusFault, Store};
use sheaf_server::runtime::blobs_watch::watch;
use sheaf_server::runtime::courier::Way;
use sheaf_server::{STACK_BYTES, run};
use tokio::signal::unix::{SignalKind, signal};

/// The command line or the environment holds something that does not work.
const BAD_CONFIGURATION: u8 = 2;
/// A second signal ended the program before it had sent everyone off.
const CUT_SHORT: i32 = 130;

/// Serves until told to stop.
pub(crate) fn serve(raw: &RawConfig) -> ExitCode {
    let config = match Config::parse(raw) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("sheaf: cannot start with these settings:");
            for problem in problems {
                eprintln!("  {problem}");
            }
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    start_logging(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    match runtime {
        // As a task, so that connections are taken by the threads that serve them and not handed over by this one.
        Ok(runtime) => runtime
            .block_on(runtime.spawn(serve_in_runtime(config)))
            .unwrap_or_else(|error| super::fail(&error)),
        Err(error) => super::fail(&error),
    }
}

async fn serve_in_runtime(config: Config) -> ExitCode {
    // Signals first: as process 1 of a container there is no default that would end us.
    let stop = match stop_signal() {
        Ok(stop) => stop,
        Err(error) => return super::fail(&error),
    };
    let files = system::raise_open_files();
    let metrics = Arc::new(Metrics::default());
    let store = match super::open_store(&config.place, &metrics).await {
        Ok(store) => store,
        Err(error) => return super::fail(&error),
    };
    let way = match way_to_others(&config, store.as_ref()) {
        Ok(way) => way,
        Err(error) => return super::fail(&error),
    };
    let blobs = match config.blobs.as_ref().map(blobs::open).transpose() {
        Ok(blobs) => blobs,
        Err(error) => return super::fail(&error),
    };
    let bound = match http::bind(config.listen) {
        Ok(bound) => bound,
        Err(error) => return super::fail(&error),
    };
    if files < config.connections_max as u64 {
        tracing::warn!(
            open_files_max = files,
            connections_max = config.connections_max,
            "The system allows fewer open files than connections are configured; raise its limit"
        );
    }
    warn_of_audience(config.audience, store.as_ref()).await;
    tracing::info!(address = %bound.address, version = env!("CARGO_PKG_VERSION"), "Sheaf is ready");
    println!("Sheaf is ready: http://{}", bound.address);
    let watching = blobs.map(|blobs| tokio::spawn(watch(blobs, Arc::clone(&metrics))));
    let assets = Assets::of_this_build();
    run(config, bound, store, way, assets, metrics, stop).await;
    if let Some(watching) = watching {
        watching.abort();
    }
    tracing::info!("Sheaf has stopped");
    ExitCode::SUCCESS
}

/// Says who may come in while there are no accounts, if that is more than this machine.
async fn warn_of_audience(audience: Audience, store: &dyn Store) {
    let is_founded = match Directory::of(store) {
        Some(directory) => directory.is_founded().await.unwrap_or(true),
        None => false,
    };
    match audience {
        Audience::Everyone if !is_founded => tracing::warn!(
            "This is a public pad, as --open says: whoever reaches this address can read and change every page"
        ),
        Audience::Accounts if !is_founded => tracing::warn!(
            "Nobody has an account yet: whoever is the first to open this address makes the first one, and owns it all. \
             To make it here instead: sheaf user add"
        ),
        Audience::ThisMachine | Audience::Everyone | Audience::Accounts => {}
    }
}

/// The way to the other servers of the same database, if one was named. It need not work now.
fn way_to_others(config: &Config, store: &dyn Store) -> Result<Option<Way>, BusFault> {
    let (Some(redis), Some(secret)) = (&config.redis, store.shared_secret()) else {
        return Ok(None);
    };
    Way::by(secret, |channels| {
        Ok(Arc::new(RedisBus::new(redis, channels)?))
    })
    .map(Some)
}

/// Done at the first SIGTERM or SIGINT. The second one ends the process at once.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(CUT_SHORT);
        });
    })
}

fn start_logging(config: &Config) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(config.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    match config.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
