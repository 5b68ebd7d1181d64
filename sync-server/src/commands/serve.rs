//! `sheaf serve`.

use std::process::ExitCode;
use std::sync::Arc;

use sheaf_server::adapters::blobs;
use sheaf_server::adapters::http::{self, Assets};
use sheaf_server::adapters::random::Drawn;
use sheaf_server::adapters::redis::RedisBus;
use sheaf_server::adapters::system;
use sheaf_server::app::directory::Directory;
use sheaf_server::app::directory::set_up::SetUpCode;
use sheaf_server::config::{Audience, Config, FirstAccount, LogFormat, RawConfig};
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
    warn_of_audience(&config, store.as_ref()).await;
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
async fn warn_of_audience(config: &Config, store: &dyn Store) {
    let Some(directory) = Directory::of(store) else {
        return;
    };
    if directory.is_founded().await.unwrap_or(true) {
        return;
    }
    let is_reached = match config.audience {
        Audience::Everyone => {
            tracing::warn!(
                "This is a public pad, as --open says: whoever reaches this address can read and change every page"
            );
            return;
        }
        Audience::Accounts => true,
        // Others come by the proxy that speaks for them.
        Audience::ThisMachine => !config.trusted_proxies.is_empty(),
    };
    if !is_reached {
        return;
    }
    match config.first_account {
        FirstAccount::Anyone => tracing::warn!(
            "Nobody has an account yet: whoever is the first to open this address makes the first one, and owns it all. \
             To make it here instead: sheaf user add"
        ),
        FirstAccount::ByCode => tell_code(config, directory).await,
    }
}

/// Says how the first account is made by whoever can read this.
async fn tell_code(config: &Config, directory: Directory<'_>) {
    let Ok(drawn) = Drawn::draw() else {
        tracing::error!(
            "The system gives no random bytes: make the first account with sheaf user add"
        );
        return;
    };
    match directory.set_up_code(SetUpCode::from_random(drawn)).await {
        Ok(Some(code)) => {
            let path = format!("/welcome#{}", code.reveal());
            let address = match &config.outside.public_url {
                Some(public) => public.of(&path),
                None => format!("this server's address with {path} behind it"),
            };
            tracing::warn!(
                "Nobody has an account yet. To make the first one, which owns it all, open {address}"
            );
        }
        Ok(None) => {}
        Err(_) => tracing::warn!(
            "Nobody has an account yet, and the code to make the first one could not be read: start again, or use sheaf user add"
        ),
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
