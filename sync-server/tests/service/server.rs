//! A server for one test: its own port, its own folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sheaf_server::adapters::http::{Assets, bind};
use sheaf_server::adapters::passwords::Costs;
use sheaf_server::adapters::sqlite::{OpenError, Options, SqliteStore};
use sheaf_server::config::{Config, RawConfig};
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::Store;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::PATIENCE;

/// Opens the store. A server of this very process that was just stopped may still be putting something aside: its
/// hold on the folder goes with its last task.
async fn open_when_free(folder: &Path, options: &Options, metrics: &Arc<Metrics>) -> SqliteStore {
    let limit = Instant::now() + PATIENCE;
    loop {
        match SqliteStore::open(folder, options.clone(), Arc::clone(metrics)) {
            Err(OpenError::InUse(_)) if Instant::now() < limit => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            opened => return opened.unwrap(),
        }
    }
}

pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Option<Arc<dyn Store>>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    folder: Arc<TempDir>,
    raw: RawConfig,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(RawConfig::default()).await
    }

    /// `raw` decides all but the port and the folder.
    pub(crate) async fn start_with(raw: RawConfig) -> Self {
        Self::open(
            Arc::new(tempfile::tempdir().unwrap()),
            raw,
            Options::default(),
        )
        .await
    }

    /// `tune` changes what is no setting.
    pub(crate) async fn tuned(tune: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let (raw, options) = (RawConfig::default(), Options::default());
        Self::open_behind(folder, raw, options, |store| store, tune).await
    }

    /// `before` puts something of its own between the server and its store.
    pub(crate) async fn behind(
        raw: RawConfig,
        before: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open_behind(folder, raw, Options::default(), before, |_| ()).await
    }

    pub(crate) async fn open(folder: Arc<TempDir>, raw: RawConfig, options: Options) -> Self {
        Self::open_behind(folder, raw, options, |store| store, |_| ()).await
    }

    async fn open_behind(
        folder: Arc<TempDir>,
        raw: RawConfig,
        options: Options,
        before: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        tune: impl FnOnce(&mut Config),
    ) -> Self {
        let metrics = Arc::new(Metrics::default());
        let store = open_when_free(folder.path(), &options, &metrics).await;
        let store = before(Arc::new(store));
        let raw = RawConfig {
            listen: Some("127.0.0.1:0".into()),
            data_dir: Some(folder.path().into()),
            drain_seconds: raw.drain_seconds.or(Some("0".into())),
            ..raw
        };
        let mut config = Config::parse(&raw).unwrap();
        config.password_costs = Costs::NEXT_TO_NOTHING;
        tune(&mut config);
        let bound = bind(config.listen).unwrap();
        let address = bound.address;
        let (stop, stopped) = oneshot::channel::<()>();
        let page = Assets::in_folder(folder.path().join("dist"));
        let running = tokio::spawn(sheaf_server::run(
            config,
            bound,
            Arc::clone(&store),
            None,
            page,
            Arc::clone(&metrics),
            async move {
                let _ = stopped.await;
            },
        ));
        Self {
            address,
            metrics,
            store: Some(store),
            stop: Some(stop),
            running: Some(running),
            folder,
            raw,
        }
    }

    /// Where it looks for the built page.
    pub(crate) fn dist(&self) -> std::path::PathBuf {
        self.folder.path().join("dist")
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn begin_stopping(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Stops it as SIGTERM would, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        if self.stop.is_some() {
            self.begin_stopping();
        }
        self.store = None;
        self.running.take().unwrap().await.unwrap();
    }

    /// Stops it and starts another on the same folder.
    pub(crate) async fn restart(mut self) -> Self {
        self.stop().await;
        Self::open(self.folder, self.raw, Options::default()).await
    }
}
