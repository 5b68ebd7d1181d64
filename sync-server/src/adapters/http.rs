//! HTTP: router, socket, assets.
