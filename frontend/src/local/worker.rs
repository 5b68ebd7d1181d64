//! The service worker that opens the page without a network: registering it, and hearing of updates.
